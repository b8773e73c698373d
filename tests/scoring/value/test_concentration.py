"""Concentration, losing one account, staying on top, and volatility."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmresearch.errors import RefusedError, UsageError
from crmresearch.results import Recipe
from crmresearch.scoring.value import Panel, compare_volatility, score_concentration, score_stay_on_top


def accounts(*revenue: float) -> pd.DataFrame:
    return pd.DataFrame(
        {"customer_id": [f"c{i:04d}" for i in range(len(revenue))], "revenue": np.array(revenue, float)}
    )


def scored(*revenue: float, **options):
    options = {"n_resamples": 100, "rng": np.random.default_rng(1)} | options
    return score_concentration(accounts(*revenue), measure="revenue", **options)


def panel_of(revenue: np.ndarray) -> Panel:
    months = np.datetime64("2024-01") + np.arange(revenue.shape[1])
    ids = np.array([f"c{i:04d}" for i in range(len(revenue))], dtype=object)
    first = np.zeros(len(revenue), dtype=int)
    recipe = Recipe("monthly_panel", {"n_months": revenue.shape[1], "as_of": str(dt.date(2025, 12, 31))})
    return Panel(ids, months.astype("datetime64[D]"), revenue, revenue > 0, first, recipe)


def test_hand_computed() -> None:
    """B13: shares .4, .3, .2, .1; HHI .3; two accounts for more than half."""
    found = scored(10, 40, 20, 30)
    value = found.summary.set_index("measure")["value"]
    assert (value["hhi"], value["effective_accounts"]) == (pytest.approx(0.30), pytest.approx(1 / 0.30))
    assert (value["n_over_half"], value["largest_share"], value["top_5_share"]) == (
        2,
        pytest.approx(0.4),
        pytest.approx(1),
    )
    # Without the largest: .5, 1/3, 1/6 of what is left; the first alone is exactly half, not more.
    first = found.accounts.iloc[0]
    assert first["hhi_without"] == pytest.approx(0.25 + 1 / 9 + 1 / 36) and first["n_half_without"] == 2
    # Without the second: 4/7 is enough; without the third 4/8 is not, nor 4/9 without the last.
    assert found.accounts["n_half_without"].tolist() == [2, 1, 2, 2]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 50), min_size=3, max_size=12))
def test_losing_an_account_is_scoring_without_it(revenue) -> None:
    found = scored(*revenue).accounts
    for row in (0, len(found) - 1):
        rest = scored(*np.delete(found["account_value"].to_numpy(), row)).summary.set_index("measure")["value"]
        assert found["hhi_without"][row] == pytest.approx(rest["hhi"])
        assert found["n_half_without"][row] == rest["n_over_half"]


def test_exactly_half_is_not_more_than_half() -> None:
    assert scored(50, 25, 25).summary.set_index("measure").loc["n_over_half", "value"] == 2


def test_one_whale_says_so_in_both_readings() -> None:
    """F3 and bad input 113: the largest single share stands beside the group's."""
    claim = next(f for f in scored(*[1.0] * 39, 60).findings() if f.claim == "D05")
    assert claim.verdict in {"supported", "inconclusive"} and claim.values["single"] == pytest.approx(60 / 99)


def test_equal_accounts_contradict_the_claim() -> None:
    claim = next(f for f in scored(*[5.0] * 60).findings() if f.claim == "D05")
    assert claim.verdict == "contradicted" and claim.values["share"] == pytest.approx(0.2)


def test_value_to_come_is_no_test_of_the_claim() -> None:
    table = accounts(3, 2, 1).rename(columns={"revenue": "residual_value"})
    found = score_concentration(table, measure="residual_value", rng=np.random.default_rng(1), n_resamples=100)
    assert not [f for f in found.findings() if f.claim]


def test_negative_accounts_are_counted_out_and_told() -> None:
    assert scored(5, 5, -3).summary.set_index("measure").loc["n_without_value", "value"] == 1


def test_refusals() -> None:
    with pytest.raises(RefusedError, match="1 with one above 0"):
        scored(5)
    with pytest.raises(UsageError, match="top_share"):
        scored(5, 4, top_share=1.0)


def test_stay_on_top_by_hand() -> None:
    """D04: ten buyers, two on top; one of them stays, the other falls below."""
    first = np.array([10, 9, 1, 1, 1, 1, 1, 1, 1, 1.0])
    later = np.array([10, 1, 9, 1, 1, 1, 1, 1, 1, 1.0])
    found = score_stay_on_top(panel_of(np.column_stack([first, later])), rng=np.random.default_rng(1), n_resamples=100)
    value = found.summary.set_index("measure")["value"]
    assert (value["n_top"], value["share_stayed"]) == (2, 0.5)
    assert (value["share_top_first"], value["share_top_later"]) == (pytest.approx(19 / 27), pytest.approx(11 / 27))
    assert found.moves["n_customers"].tolist() == [1, 1, 0]


def test_a_base_that_does_not_change_stays_as_its_reference_says() -> None:
    """The trap of D04: chance alone moves customers; a stable base lies inside the reference's range."""
    rng = np.random.default_rng(5)
    rate = rng.gamma(0.6, 1.0, 600)
    revenue = rng.poisson(rate[:, None], (600, 24)) * 10.0
    found = score_stay_on_top(panel_of(revenue), rng=rng, n_resamples=200).summary.set_index("measure").astype(float)
    reference = found.loc["share_stayed_unchanged"]
    assert 0.5 < reference["value"] < 0.95
    assert reference["interval_low"] - 0.02 <= found.loc["share_stayed", "value"] <= reference["interval_high"] + 0.02


def test_stay_on_top_refuses_halves_that_are_none() -> None:
    with pytest.raises(RefusedError, match="no two halves"):
        score_stay_on_top(panel_of(np.ones((20, 3))), rng=np.random.default_rng(1))
    with pytest.raises(RefusedError, match="buyers in the two halves"):
        score_stay_on_top(panel_of(np.ones((5, 4))), rng=np.random.default_rng(1))


def flags_of(panel: Panel, n: int) -> pd.DataFrame:
    return pd.DataFrame({"k5": np.arange(len(panel.customer_id)) < n}, index=panel.customer_id)


def test_volatility_by_hand() -> None:
    """Residuals around a line: key accounts swing by ±2 around 10, the others by ±1 around 20, in step."""
    swing = np.tile([1, -1, -1, 1], 4)
    panel = panel_of(np.vstack([10 + 2.0 * swing, 20 + 1.0 * swing]))
    found = compare_volatility(panel, flags_of(panel, 1), rule="k5", rng=np.random.default_rng(1), n_resamples=200)
    cv = found.groups.set_index("account_group")["cv"]
    residual = np.sqrt(16 / 14)  # each block of four swings sums to zero and has no slope
    assert cv.to_dict() == pytest.approx(
        {"key_accounts": 2 * residual / 10, "rest": residual / 20, "everybody": 3 * residual / 30}
    )
    variance = found.variance.set_index("variance_part")["variance"]
    assert variance["key_accounts"] + variance["rest"] + variance["twice_covariance"] == pytest.approx(
        variance["everybody"]
    )
    claim = found.findings()[0]
    assert claim.claim == "D44" and claim.verdict == "contradicted"


def test_volatility_knows_steady_key_accounts() -> None:
    rng = np.random.default_rng(2)
    steady = 100 + rng.normal(0, 2, (5, 36))
    wild = rng.gamma(0.5, 20, (20, 36))
    panel = panel_of(np.vstack([steady, wild]))
    found = compare_volatility(panel, flags_of(panel, 5), rule="k5", rng=rng, n_resamples=300)
    assert found.findings()[0].verdict == "supported"
    grown = panel_of(panel.revenue * np.linspace(1, 3, 36))  # a common trend is no volatility
    again = compare_volatility(grown, flags_of(grown, 5), rule="k5", rng=rng, n_resamples=100)
    assert again.groups["cv"][0] < again.groups["cv_raw"][0] / 3


def test_volatility_refuses_what_it_cannot_compare() -> None:
    panel = panel_of(np.ones((4, 12)))
    with pytest.raises(RefusedError, match="rule 'k1'"):
        compare_volatility(panel, flags_of(panel, 1), rule="k1", rng=np.random.default_rng(1))
    with pytest.raises(RefusedError, match="0 others"):
        compare_volatility(panel, flags_of(panel, 4), rule="k5", rng=np.random.default_rng(1))
