from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmresearch.errors import RefusedError, UsageError
from crmresearch.scoring.value.rfm import score_rfm


def summary_of(recency, orders, spend, interval=None) -> pd.DataFrame:
    n = len(recency)
    return pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(n)],
            "recency_days": recency,
            "n_orders": orders,
            "n_purchase_days": orders,
            "spend": np.asarray(spend, dtype=float),
            "mean_interval_days": interval if interval is not None else [1.0] * n,
        }
    )


EIGHT = summary_of([80, 70, 60, 50, 40, 30, 20, 10], [1, 1, 1, 1, 2, 2, 3, 9], [5, 5, 10, 20, 30, 40, 50, 999])


def test_hand_computed_quantiles() -> None:
    scores = score_rfm(EIGHT, bins=4)
    # Of eight customers 0, 0, 0, 0, 4, 4, 6, 7 have strictly fewer orders: 1 + floor(4 * w / 8).
    assert scores.customers["f"].tolist() == [1, 1, 1, 1, 3, 3, 4, 4]
    assert scores.customers["r"].tolist() == [1, 1, 2, 2, 3, 3, 4, 4]
    assert scores.customers["m"].tolist() == [1, 1, 2, 2, 3, 3, 4, 4]
    assert scores.customers["code"].tolist() == ["111", "111", "212", "212", "333", "333", "444", "444"]
    frequency = scores.cuts[scores.cuts["measure"] == "n_orders"]
    assert frequency["n_customers"].tolist() == [4, 0, 2, 2]
    assert frequency["most"].tolist()[0] == 1 and np.isnan(frequency["most"].tolist()[1])


def test_rank_fills_bins_evenly_and_breaks_ties_by_customer() -> None:
    scores = score_rfm(EIGHT, bins=4, method="rank").customers
    assert scores["f"].tolist() == [1, 1, 2, 2, 3, 3, 4, 4]


def test_fixed_cuts_put_a_bound_above() -> None:
    cuts = {"recency_days": [20, 60], "n_orders": [2, 9], "spend": [10, 50]}
    scores = score_rfm(EIGHT, bins=3, method="fixed", cuts=cuts).customers
    assert scores["r"].tolist() == [1, 1, 1, 2, 2, 2, 2, 3]
    assert scores["f"].tolist() == [1, 1, 1, 1, 2, 2, 2, 3]
    assert scores["m"].tolist() == [1, 1, 2, 2, 2, 2, 3, 3]


def test_interval_counts_one_time_buyers_as_worst() -> None:
    summary = summary_of([1, 2, 3, 4], [1, 3, 4, 5], [1, 2, 3, 4], interval=[np.nan, 30.0, 10.0, 20.0])
    assert score_rfm(summary, bins=4, recency="interval").customers["r"].tolist() == [1, 2, 4, 3]


def test_customers_without_purchase_are_kept_unscored() -> None:
    summary = pd.concat([EIGHT, summary_of([np.nan], [0], [-4]).assign(customer_id="returns")], ignore_index=True)
    scores = score_rfm(summary, bins=4)
    assert scores.customers["customer_id"].tolist()[-1] == "returns"
    assert scores.customers["code"].isna().tolist() == [False] * 8 + [True]
    assert [f.values for f in scores.findings() if f.key == "rfm_unscored"] == [{"n": 1}]
    assert scores.customers["code"].dropna().tolist() == score_rfm(EIGHT, bins=4).customers["code"].tolist()


def test_bins_and_cells_count_every_customer_once() -> None:
    scores = score_rfm(EIGHT, bins=4)
    assert (scores.cuts.groupby("measure")["n_customers"].sum() == 8).all()
    assert scores.cells["n_customers"].sum() == 8 and len(scores.cells) == 16
    assert scores.cuts.groupby("measure")["share_spend"].sum().tolist() == pytest.approx([1, 1, 1])


@pytest.mark.parametrize("column", ["n_orders", "spend", "recency_days"])
def test_all_equal_is_refused(column) -> None:
    with pytest.raises(RefusedError, match=f"same '{column}'"):
        score_rfm(EIGHT.assign(**{column: 7}), bins=4)


def test_one_customer_is_refused() -> None:
    with pytest.raises(RefusedError, match="1 customers cannot fill 5 bins"):
        score_rfm(EIGHT.head(1))


def test_infinite_spend_is_refused() -> None:
    with pytest.raises(RefusedError, match="1 values of 'spend'"):
        score_rfm(EIGHT.assign(spend=[np.inf, *range(7)]), bins=2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bins": 10}, "bins=10"),
        ({"method": "magic"}, "Choose from: quantile, rank, fixed"),
        ({"recency": "interal"}, "since_last, interval"),
        ({"method": "fixed"}, "go together"),
        ({"cuts": {}}, "go together"),
        ({"method": "fixed", "bins": 2, "cuts": {"recency_days": [1]}}, "'n_orders' needs 1 ascending"),
    ],
)
def test_bad_options(options, message) -> None:
    with pytest.raises(UsageError, match=message):
        score_rfm(EIGHT, **options)


def test_missing_column() -> None:
    with pytest.raises(UsageError, match="no column 'spend'"):
        score_rfm(EIGHT.drop(columns="spend"))


tables = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5), st.integers(0, 9)), min_size=5, max_size=40).filter(
    lambda rows: all(len({r[k] for r in rows}) > 1 for k in range(3))
)


@settings(max_examples=15, deadline=None)
@given(rows=tables, seed=st.integers(0, 99), method=st.sampled_from(["quantile", "rank"]))
def test_row_order_and_currency_never_matter(rows, seed, method) -> None:
    summary = summary_of(*zip(*rows, strict=True))
    shuffled = summary.sample(frac=1, random_state=seed).assign(spend=lambda d: d["spend"] * 4)
    plain, other = (score_rfm(s, bins=3, method=method).customers for s in (summary, shuffled))
    pd.testing.assert_series_equal(plain["code"], other["code"])


@settings(max_examples=15, deadline=None)
@given(rows=tables)
def test_better_never_scores_lower_and_equal_scores_equal(rows) -> None:
    scores = score_rfm(summary_of(*zip(*rows, strict=True)), bins=3).customers
    for column, letter, sign in (("recency_days", "r", -1), ("n_orders", "f", 1), ("spend", "m", 1)):
        by_value = scores.assign(goodness=sign * scores[column]).groupby("goodness")[letter]
        assert (by_value.nunique() == 1).all()
        assert by_value.first().is_monotonic_increasing
