"""Lifetime value in its parts, own margins, described histories, models side by side."""

from __future__ import annotations

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from crmresearch.errors import RefusedError
from crmresearch.scoring.value import measure_contribution, summarise_customers
from crmresearch.scoring.value.clv import (
    compare_models,
    decompose_value,
    describe_histories,
    fit_purchases,
    fit_spend,
    score_lifetime_value,
)
from crmresearch.scoring.value.clv.decomposition import _growth

END = dt.date(2025, 12, 31)
SCHEMA = {"customer_id": "str", "date": "date", "product": "str", "amount": "decimal(18, 2)"}


@pytest.fixture(scope="module")
def fits(cdnow):
    return fit_purchases(cdnow), fit_spend(cdnow)


def valued(fits, cdnow, **options):
    return score_lifetime_value(*fits, cdnow, horizon=52, annual_discount_rate=0.1, **options)


def test_own_margins_weigh_each_customer(fits, cdnow) -> None:
    """A constant margin given customer by customer is the constant; a loss turns value and bounds round."""
    ids = cdnow["customer_id"]
    fifth, own = valued(fits, cdnow, margin=0.2), valued(fits, cdnow, margin=pd.Series(0.2, index=ids))
    pd.testing.assert_frame_equal(fifth.customers, own.customers)
    pd.testing.assert_frame_equal(fifth.total, own.total)
    mixed = pd.Series(0.2, index=ids)
    mixed.iloc[0] = -0.1
    lost = valued(fits, cdnow, margin=mixed).customers.iloc[0]
    assert lost["residual_low"] < lost["residual_value"] < lost["residual_high"] < 0
    assert lost["residual_value"] == pytest.approx(fifth.customers["residual_value"].iloc[0] * -0.5)


def test_margins_that_leave_nothing_are_refused(fits, cdnow) -> None:
    """Negative profit is refused with the way out (bad input of CLV)."""
    with pytest.raises(RefusedError, match="worth -"):
        valued(fits, cdnow, margin=pd.Series(-0.2, index=cdnow["customer_id"]))
    with pytest.raises(RefusedError, match="1 customers have no margin"):
        valued(fits, cdnow, margin=pd.Series(0.2, index=cdnow["customer_id"].iloc[1:]))


def test_free_purchases_are_left_out_only_when_asked(cdnow) -> None:
    free = cdnow.assign(mean_spend=cdnow["mean_spend"].where(cdnow.index != cdnow["frequency"].idxmax(), 0.0))
    with pytest.raises(RefusedError, match="leave_out_free"):
        fit_spend(free)
    fit = fit_spend(free, leave_out_free=True)
    assert len(fit.x) == (cdnow["frequency"] > 0).sum() - 1 and fit.findings()[-1].values == {"n": 1}


LINES = [
    ("a", dt.date(2024, 3, 1), "p", "100"),
    ("a", dt.date(2024, 9, 1), "p", "100"),
    ("a", dt.date(2025, 2, 1), "p", "90"),
    ("a", dt.date(2025, 2, 1), "q", "40"),
    ("b", dt.date(2024, 5, 1), "q", "50"),
    ("b", dt.date(2025, 7, 1), "q", "80"),
    ("b", dt.date(2025, 8, 1), "q", "70"),
    ("new", dt.date(2025, 5, 1), "p", "999"),
]


def test_cross_and_up_by_hand() -> None:
    """a: one day at 100 before, now 90 and 40 new; b: two days at 50 before, now 150. Base 200."""
    found = _growth(ibis.memtable(LINES, schema=SCHEMA), END, 365, np.random.default_rng(1), 100)
    assert found.set_index("part")["rate"].to_dict() == pytest.approx({"cross_part": 40 / 200, "up_part": 40 / 200})


@pytest.fixture(scope="module")
def bought():
    """300 customers who buy at random until they leave; products of growing number."""
    rng = np.random.default_rng(4)
    rows = []
    for customer in range(300):
        days = np.cumsum(rng.geometric(rng.beta(1, 30), 60))
        stays, scale = rng.geometric(rng.beta(1.5, 6)), 40 / rng.gamma(5)
        for number, day in enumerate(days[:stays][days[:stays] < 720]):
            product = "pqrs"[min(number // 6, 3)]
            date = dt.date(2024, 1, 5) + dt.timedelta(int(day))
            rows.append((f"c{customer:03d}", date, product, f"{rng.gamma(6) * scale + 0.01:.2f}"))
    return ibis.memtable(rows, schema=SCHEMA)


def parts_of(orders: ibis.Table):
    summary = summarise_customers(orders, as_of=END).customers
    histories = describe_histories(summary, as_of=END).table
    value = score_lifetime_value(
        fit_purchases(histories), fit_spend(histories), histories, horizon=52, annual_discount_rate=0.1
    )
    current = measure_contribution(orders, as_of=END, margin=1.0)
    options = {"as_of": END, "window_days": 365, "rng": np.random.default_rng(1), "n_resamples": 100}
    return decompose_value(value, current, orders, **options)


def test_parts_not_observed_have_no_value(bought) -> None:
    """A4, B05: referral is never observed; cross and up need products. Not observed is not zero."""
    whole, bare = parts_of(bought), parts_of(bought.drop("product"))
    seen = whole.parts.set_index("part")
    assert seen.loc["referral_part", "evidence"] == "not_observed" and np.isnan(seen.loc["referral_part", "part_value"])
    assert seen.loc["cross_part", "part_value"] > 0
    blind = bare.parts.set_index("part")
    assert blind.loc[["cross_part", "up_part", "referral_part"], "part_value"].isna().all()
    assert bare.findings()[0].values["missing"] == ["cross_part", "up_part", "referral_part"]
    assert seen.loc["repeat_part", "part_value"] == blind.loc["repeat_part", "part_value"]


def test_parts_add_up(bought) -> None:
    """Repeat, cross and up together are repeat times the growth of spend per purchase day."""
    found = parts_of(bought)
    part, rate = found.parts.set_index("part")["part_value"], found.rates.set_index("part")["rate"]
    future = part[["repeat_part", "cross_part", "up_part"]].sum()
    assert future == pytest.approx(part["repeat_part"] * (1 + rate.sum()))
    assert found.customers["clv"].sum() == pytest.approx(part["current_part"] + part["repeat_part"])


def test_models_side_by_side(cdnow) -> None:
    found = compare_models(cdnow).models
    assert found["aic_above"].is_monotonic_increasing and found["aic_above"][0] == 0
    assert found.set_index("model").loc["bgnbd", "log_likelihood"] == pytest.approx(-9582.429, abs=0.005)


def test_a_model_that_cannot_be_fitted_says_why(cdnow) -> None:
    with pytest.raises(RefusedError, match="too few"):
        compare_models(cdnow.head(10))


def test_described_histories_by_hand() -> None:
    rows = [("a", dt.date(2025, 12, 3), "p", "10"), ("a", dt.date(2025, 12, 17), "p", "30"), ("b", END, "p", "5")]
    summary = summarise_customers(ibis.memtable(rows, schema=SCHEMA), as_of=END).customers
    found = describe_histories(summary, as_of=END, time_unit="week")
    totals = found.totals.iloc[0]
    assert (totals["n_customers"], totals["n_repeaters"], totals["n_repeats"]) == (2, 1, 1)
    middle = found.summary.set_index("measure")["middle"]
    assert middle["history_t_x"] == 1.0 and middle["history_observed"] == 2.0 and middle["history_spend"] == 30
