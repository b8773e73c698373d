from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmresearch.errors import RefusedError, UsageError
from crmresearch.scoring.value.pareto import judge_share, score_pareto

WINDOW = {"start": dt.date(2026, 1, 1), "as_of": dt.date(2026, 12, 31)}


def spends(*values: float) -> pd.DataFrame:
    return pd.DataFrame({"customer_id": [f"c{i:04d}" for i in range(len(values))], "spend": np.array(values, float)})


def statistics(summary: pd.DataFrame, **options) -> pd.Series:
    result = score_pareto(summary, **WINDOW, rng=np.random.default_rng(0), n_resamples=100, **options)
    return result.summary.set_index("measure")["value"]


def test_hand_computed() -> None:
    found = statistics(spends(80, 5, 5, 5, 5))
    assert found["top_share"] == pytest.approx(0.8)
    # Gini: sum (2i - n - 1) x / (n sum x) = (-4*5 - 2*5 + 0 + 2*5 + 4*80) / (5 * 100)
    assert found["gini"] == pytest.approx(0.6)
    assert found["hhi"] == pytest.approx(0.64 + 4 * 0.0025)
    assert (found["largest_share"], found["n_half"], found["n_customers"]) == (0.8, 1, 5)


def test_top_share_is_linear_between_customers() -> None:
    # A fifth of seven is 1.4 customers: the first and 0.4 of the second.
    assert statistics(spends(50, 20, 10, 5, 5, 5, 5))["top_share"] == pytest.approx(0.58)


def test_denominator_decides() -> None:
    rows = spends(40, 30, 20, 10, 0)
    assert statistics(rows)["top_share"] == pytest.approx((40 * 0.8) / 100)
    assert statistics(rows, denominator="customers")["top_share"] == pytest.approx(0.40)
    wide = statistics(rows, denominator="customers", n_customers=10)
    assert wide["top_share"] == pytest.approx(0.70) and wide["n_customers"] == 10


def test_exactly_half_is_not_more_than_half() -> None:
    assert statistics(spends(50, 25, 25))["n_half"] == 2


def test_equal_spend_has_no_concentration() -> None:
    found = statistics(spends(*[3] * 10))
    assert found["top_share"] == pytest.approx(0.2) and found["gini"] == pytest.approx(0, abs=1e-12)


def test_net_returns_are_counted_out_and_told() -> None:
    result = score_pareto(spends(90, 10, -30), **WINDOW, rng=np.random.default_rng(0), n_resamples=100)
    found = result.summary.set_index("measure")["value"]
    assert (found["n_nonpositive"], found["spend_nonpositive"], found["n_customers"]) == (1, -30, 2)
    assert len(result.customers) == 3 and result.customers["abc"].isna().tolist() == [False, False, True]
    assert "nonpositive_spend" in [f.key for f in result.findings()]


def test_classes_never_part_equal_spend() -> None:
    result = score_pareto(spends(40, 30, 10, 10, 5, 5), **WINDOW, rng=np.random.default_rng(0), n_resamples=100)
    # 40, 70, then both tens: the first reaches 80 %, so both are A; the first five reaches 95 %, so both are B.
    assert result.customers["abc"].tolist() == ["A"] * 4 + ["B"] * 2
    assert result.classes["n_customers"].tolist() == [4, 2, 0]
    assert result.customers["rank"].tolist() == [1, 2, 3, 3, 5, 5]


def test_silent_customers_are_class_c() -> None:
    result = score_pareto(
        spends(40, 30, 10, 10, 5, 5),
        **WINDOW,
        rng=np.random.default_rng(0),
        n_resamples=100,
        denominator="customers",
        n_customers=9,
    )
    assert result.classes["n_customers"].tolist() == [4, 2, 3]


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.76, 0.84, "supported"),
        (0.5, 0.74, "contradicted"),
        (0.86, 0.9, "contradicted"),
        (0.74, 0.9, "inconclusive"),
        (0.7, 0.8, "inconclusive"),
        (0.75, 0.85, "supported"),
    ],
)
def test_rule_of_claim_d03(low, high, verdict) -> None:
    assert judge_share(low, high) == verdict


def test_claim_is_judged_only_for_a_fifth() -> None:
    def claims(top_share: float) -> list[str]:
        result = score_pareto(
            spends(*range(1, 50)), **WINDOW, rng=np.random.default_rng(0), n_resamples=100, top_share=top_share
        )
        return [f.claim for f in result.findings() if f.claim]

    assert claims(0.2) == ["D03"] and claims(0.3) == []


def test_whale_is_named() -> None:
    result = score_pareto(spends(60, *[1] * 40), **WINDOW, rng=np.random.default_rng(0), n_resamples=100)
    assert {f.key: f.values for f in result.findings()}["dominant_customer"] == {"share": 0.6}


def test_bootstrap_equals_one_resample_at_a_time() -> None:
    """The chunked counts give what resampling customer by customer gives."""
    rows = spends(*np.round(np.random.default_rng(3).lognormal(3, 1, 37), 1))
    result = score_pareto(rows, **WINDOW, rng=np.random.default_rng(5), n_resamples=200)
    ascending = np.sort(rows["spend"].to_numpy())
    drawn = np.random.default_rng(5).integers(0, 37, size=(200, 37))
    slow = [statistics_of(np.sort(ascending[draw])) for draw in drawn]
    bounds = np.quantile(slow, [0.025, 0.975], axis=0).T
    np.testing.assert_allclose(
        result.summary.loc[:1, ["interval_low", "interval_high"]].to_numpy(float), bounds, rtol=1e-12
    )


def statistics_of(ascending: np.ndarray) -> tuple[float, float]:
    n, total = len(ascending), ascending.sum()
    lorenz = np.concatenate([[0], np.cumsum(ascending)]) / total
    gini = np.abs(ascending[:, None] - ascending).sum() / (2 * n * total)
    return 1 - np.interp(0.8 * n, np.arange(n + 1), lorenz), gini


def test_thinned_curve_keeps_gini() -> None:
    rows = spends(*np.random.default_rng(1).lognormal(0, 1.5, 20_000))
    result = score_pareto(rows, **WINDOW, rng=np.random.default_rng(0), n_resamples=100)
    curve = result.curve.to_numpy()
    area = np.trapezoid(curve[:, 1], curve[:, 0])
    assert len(curve) <= 513 and curve[0].tolist() == [0, 0] and curve[-1] == pytest.approx([1, 1])
    # 512 chords of a convex curve lie above it by less than a ten-thousandth.
    assert 1 - 2 * area == pytest.approx(result.summary.loc[1, "value"], abs=1e-4)


@pytest.mark.slow
def test_interval_covers_the_true_share() -> None:
    """95 % intervals of 200 lognormal samples of 2,000 hold the population share in 91 to 98 of 100."""
    from scipy import stats

    sigma, hits = 1.0, 0
    true_share = stats.norm.cdf(sigma - stats.norm.ppf(0.8))
    for seed in range(200):
        rng = np.random.default_rng(seed)
        result = score_pareto(spends(*rng.lognormal(0, sigma, 2000)), **WINDOW, rng=rng, n_resamples=400)
        low, high = result.summary.loc[0, ["interval_low", "interval_high"]]
        hits += low <= true_share <= high
    assert 0.91 <= hits / 200 <= 0.98


@pytest.mark.parametrize("rows", [spends(5.0), spends(0, 0, 0), spends(-1, -2)], ids=["one", "nothing", "returns"])
def test_too_little_to_measure_is_refused(rows) -> None:
    with pytest.raises(RefusedError, match="concentration needs two customers"):
        statistics(rows)


def test_missing_spend_is_refused() -> None:
    with pytest.raises(RefusedError, match="missing or infinite"):
        statistics(spends(1, np.nan, 2))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top_share": 1.0}, "top_share=1.0"),
        ({"denominator": "all"}, "denominator='all'"),
        ({"n_customers": 9}, "n_customers needs"),
        ({"denominator": "customers", "n_customers": 2}, "below the 3 rows"),
        ({"class_bounds": (0.9, 0.8)}, "class_bounds"),
        ({"confidence": 95}, "95 is not a level"),
    ],
)
def test_bad_options(options, message) -> None:
    with pytest.raises(UsageError, match=message):
        statistics(spends(1, 2, 3), **options)


def test_few_resamples_are_no_interval() -> None:
    with pytest.raises(UsageError, match="10 resamples"):
        score_pareto(spends(1, 2), **WINDOW, rng=np.random.default_rng(0), n_resamples=10)


@settings(max_examples=15, deadline=None)
@given(cents=st.lists(st.integers(0, 10_000), min_size=2, max_size=30).filter(any), seed=st.integers(0, 99))
def test_row_order_and_currency_never_matter(cents, seed) -> None:
    if sum(c > 0 for c in cents) < 2:
        cents = [*cents, 1, 2]
    rows = spends(*cents)
    shuffled = rows.sample(frac=1, random_state=seed).assign(spend=lambda d: d["spend"] * 4)
    pd.testing.assert_series_equal(
        statistics(rows).drop("spend_nonpositive"), statistics(shuffled).drop("spend_nonpositive")
    )
