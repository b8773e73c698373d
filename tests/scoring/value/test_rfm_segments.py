"""Named segments: every code in exactly one; nested scores; RFM-T and LRFMC."""

from __future__ import annotations

import datetime as dt
from itertools import product

import ibis
import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from crmresearch.errors import RefusedError, UsageError
from crmresearch.reporting.words import load_words
from crmresearch.scoring.value import name_segments, score_rfm, score_wider
from crmresearch.scoring.value.rfm import SegmentScheme, load_schemes
from crmresearch.scoring.value.rfm.wider import price_levels


def summary_of(n: int = 200, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    orders = rng.geometric(0.2, n)
    return pd.DataFrame(
        {
            "customer_id": [f"c{i:04d}" for i in range(n)],
            "recency_days": rng.integers(0, 300, n),
            "age_days": rng.integers(300, 900, n),
            "n_orders": orders,
            "n_purchase_days": orders,
            "mean_interval_days": np.where(orders > 1, rng.integers(5, 200, n), np.nan),
            "spend": rng.lognormal(4, 1, n).round(2),
        }
    )


@pytest.mark.parametrize("name", sorted(load_schemes()))
def test_every_code_belongs_to_exactly_one_segment(name) -> None:
    scheme = load_schemes()[name]
    codes = np.array(list(product(range(1, scheme.bins + 1), repeat=3)))
    for code, place in zip(codes, scheme.segment_of(codes), strict=True):
        holders = [
            segment
            for segment, cells in scheme.segments.items()
            if all(score in cells.get(letter, (score,)) for letter, score in zip("rfm", code, strict=True))
        ]
        assert holders == [list(scheme.segments)[place]], code
    assert all(load_words().word(segment) for segment in scheme.segments)


@pytest.mark.parametrize(
    ("segments", "message"),
    [
        ({"high": {"r": [2]}}, "the code 111 is in no segment"),
        ({"high": {"r": [1, 2]}, "low": {"f": [1]}}, "the code 111 is in high and low"),
    ],
)
def test_scheme_with_a_gap_or_an_overlap_is_no_scheme(segments, message) -> None:
    with pytest.raises(ValidationError, match=message):
        SegmentScheme.model_validate({"bins": 2, "segments": segments})


def test_eight_types_by_hand() -> None:
    """As SPSSAU: quintile scores against the mean of the scores."""
    summary = pd.DataFrame(
        {
            "customer_id": list("abcde"),
            "recency_days": [10, 20, 30, 40, 50],
            "n_orders": [5, 1, 4, 2, 3],
            "n_purchase_days": [5, 1, 4, 2, 3],
            "spend": [50.0, 40.0, 10.0, 20.0, 30.0],
        }
    )
    named = name_segments(score_rfm(summary), scheme="eight_types")
    # scores: r 5 4 3 2 1, f 5 1 4 2 3, m 5 4 1 2 3; means 3: above is high
    assert named.customers["rfm_segment"].tolist() == [
        "important_value",
        "important_develop",
        "general_keep",
        "general_retain",
        "general_retain",
    ]
    assert named.table["n_customers"].sum() == 5 and len(named.table) == 8


def test_every_customer_and_all_spend_are_in_the_segments() -> None:
    summary = summary_of()
    named = name_segments(score_rfm(summary))
    assert named.table["n_customers"].sum() == 200
    assert named.table["spend"].sum() == pytest.approx(summary["spend"].sum())
    by_code = named.customers.set_index("customer_id")
    assert (by_code.loc[by_code["code"].str.startswith("55"), "rfm_segment"] == "champions").all()


def test_schemes_of_other_bins_are_refused() -> None:
    with pytest.raises(RefusedError, match="speaks of 5 scores, the customers have 3"):
        name_segments(score_rfm(summary_of(), bins=3))
    with pytest.raises(UsageError, match="no scheme of segments 'ten_segment'; nearest: ten_segments"):
        name_segments(score_rfm(summary_of()), scheme="ten_segment")


def test_nested_scores_are_quantiles_within_the_branch() -> None:
    summary = summary_of(600)
    scores = score_rfm(summary, method="nested", bins=3).customers
    for _, branch in scores.groupby("r"):
        worse = branch["n_orders"].map(lambda v, b=branch: (b["n_orders"] < v).sum())
        assert (branch["f"] == 1 + 3 * worse // len(branch)).all()
    for _, branch in scores.groupby(["r", "f"]):
        worse = branch["spend"].map(lambda v, b=branch: (b["spend"] < v).sum())
        assert (branch["m"] == 1 + 3 * worse // len(branch)).all()


def test_rfmt_scores_the_time_between_purchases() -> None:
    summary = summary_of()
    wide = score_wider(summary)
    joined = wide.customers.set_index("customer_id")
    assert (joined.loc[joined["mean_interval_days"].isna(), "letter_t"] == 1).all()
    letters = [f"letter_{letter}" for letter in "rfmt"]
    np.testing.assert_allclose(joined["mean_score"], joined[letters].mean(axis=1))
    assert wide.customers["mean_score"].is_monotonic_decreasing
    shuffled = score_wider(summary.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(shuffled.customers, wide.customers)


def lines(rows) -> ibis.Table:
    columns = {"customer_id": "str", "date": "date", "product": "str", "quantity": "float64", "amount": "float64"}
    return ibis.memtable(rows, schema=columns)


def test_price_levels_by_hand() -> None:
    """Usual price of A in January is the median of 10, 10 and 8 = 10; in February only b buys: its own price."""
    jan, feb = dt.date(2024, 1, 5), dt.date(2024, 2, 5)
    orders = lines(
        [
            ("a", jan, "A", 2.0, 20.0),
            ("b", jan, "A", 1.0, 8.0),
            ("c", jan, "A", 1.0, 10.0),
            ("b", feb, "A", 1.0, 6.0),
            ("a", dt.date(2025, 1, 1), "A", 1.0, 1.0),
        ]
    )
    levels = price_levels(orders, as_of=dt.date(2024, 12, 31))
    assert levels.round(4).to_dict() == {"a": 1.0, "b": round(14 / 16, 4), "c": 1.0}


def test_lrfmc_without_prices_is_refused_by_name() -> None:
    orders = ibis.memtable(
        [("a", dt.date(2024, 1, 5), 2.0)], schema={"customer_id": "str", "date": "date", "amount": "float64"}
    )
    with pytest.raises(RefusedError, match=r"no price level is known.*rfmt"):
        score_wider(summary_of(), scheme="lrfmc", orders=orders, as_of=dt.date(2024, 12, 31))
    with pytest.raises(UsageError, match="needs orders and as_of"):
        score_wider(summary_of(), scheme="lrfmc")
    with pytest.raises(RefusedError, match="3 customers cannot fill 5 bins"):
        score_wider(summary_of(3))
    with pytest.raises(RefusedError, match="the same 'n_orders'"):
        score_wider(summary_of().assign(n_orders=1))
