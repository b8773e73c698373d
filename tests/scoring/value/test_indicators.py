from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crmresearch.errors import RefusedError, UsageError
from crmresearch.scoring.value.indicators import Indicator, build_indicators

TABLE = pd.DataFrame({"customer_id": ["b", "a", "c"], "profit": [2, 1, 3], "days": [0.0, 5.0, 5.0]})


def test_rows_follow_customer_id_and_columns_the_indicators() -> None:
    matrix = build_indicators(TABLE, directions={"days": "cost", "profit": "benefit"})
    assert matrix.customer_id.tolist() == ["a", "b", "c"]
    assert matrix.values.tolist() == [[5, 1], [0, 2], [5, 3]]
    assert matrix.is_benefit.tolist() == [False, True]


def test_dictionary_of_indicators() -> None:
    row = build_indicators(TABLE, directions={"profit": "benefit", "days": "cost"}).describe().iloc[1]
    assert (row["direction"], row["least"], row["median"], row["most"]) == ("cost", 0, 5, 5)
    assert row["share_zero"] == pytest.approx(1 / 3)


def test_customers_without_purchase_are_left_out_and_counted() -> None:
    matrix = build_indicators(TABLE.assign(n_purchase_days=[1, 0, 2]), directions={"profit": "benefit"})
    assert matrix.customer_id.tolist() == ["b", "c"]
    assert [f.values for f in matrix.findings() if f.key == "indicators_left_out"] == [{"n": 1}]


@pytest.mark.parametrize("direction", ["", "up", None])
def test_direction_must_be_said(direction) -> None:
    with pytest.raises(UsageError, match=r"'profit' has direction .*Say 'benefit'"):
        Indicator("profit", direction)


@pytest.mark.parametrize(
    ("directions", "message"),
    [({"margin": "benefit"}, "no column 'margin'.*There are: customer_id, profit, days"), ({}, "named twice, or none")],
)
def test_bad_indicators(directions, message) -> None:
    with pytest.raises(UsageError, match=message):
        build_indicators(TABLE, directions=directions)


def test_indicator_named_twice() -> None:
    with pytest.raises(UsageError, match="named twice"):
        build_indicators(TABLE, indicators=[Indicator("days", "cost"), Indicator("days", "benefit")])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_holes_are_refused_with_the_customer(value) -> None:
    with pytest.raises(RefusedError, match="'days' is missing or infinite for 1 customers, first 'b'"):
        build_indicators(TABLE.assign(days=[value, 1.0, 2.0]), directions={"profit": "benefit", "days": "cost"})


def test_one_customer_is_refused() -> None:
    with pytest.raises(RefusedError, match="1 customers cannot be compared"):
        build_indicators(TABLE.head(1), directions={"profit": "benefit"})
