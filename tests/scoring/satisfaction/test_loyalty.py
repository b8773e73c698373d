import numpy as np
import pandas as pd
import pingouin
import pytest
from scipy import stats

from crmresearch.errors import RefusedError
from crmresearch.results import Result
from crmresearch.scoring.satisfaction.instrument import score_constructs
from crmresearch.scoring.satisfaction.loyalty import correlation_power, fit_loyalty, respondents_needed


def _scores(n: int, r: float, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    satisfaction, noise = rng.normal(size=(2, n))
    return pd.DataFrame({"satisfaction": satisfaction, "loyalty": r * satisfaction + np.sqrt(1 - r**2) * noise})


def test_slope_by_hand():
    """x = 1, 2, 3, 4, y = 1, 3, 2, 4: Sxy = 4, Sxx = 5, slope 0.8, intercept 0.5, r = 0.8."""
    fit = fit_loyalty(pd.DataFrame({"satisfaction": [1, 2, 3, 4], "loyalty": [1, 3, 2, 4]}))
    np.testing.assert_allclose(fit.tidy()["estimate"], [0.5, 0.8], atol=1e-12)
    np.testing.assert_allclose(fit.correlations["r"], [0.8, 0.8], atol=1e-12)
    assert fit.glance().loc[0, "r_squared"] == pytest.approx(0.64)
    assert isinstance(fit, Result)


def test_correlation_interval_equals_pingouin(mobi, ecsi):
    scores = score_constructs(mobi, ecsi).scores
    expected = pingouin.corr(scores["satisfaction"], scores["loyalty"])
    got = fit_loyalty(scores).correlations.iloc[0]
    assert got["r"] == pytest.approx(expected["r"].iloc[0], abs=1e-10)
    low, high = next(v for k, v in expected.iloc[0].items() if str(k).upper().startswith("CI95"))
    assert (round(got["conf_low"], 2), round(got["conf_high"], 2)) == (round(low, 2), round(high, 2))


@pytest.mark.parametrize(
    ("n", "r", "verdict"), [(400, 0.5, "supported"), (4000, 0.0, "contradicted"), (60, 0.12, "inconclusive")]
)
def test_claim_follows_its_rule(n, r, verdict):
    fit = fit_loyalty(_scores(n, r, seed=2))
    finding, row = fit.findings()[0], fit.claim.iloc[0]
    assert (finding.claim, finding.verdict) == ("D01", verdict)
    low, high = row["conf_low"], row["conf_high"]
    assert (low > 0.1, high < 0.1) == (verdict == "supported", verdict == "contradicted")


def test_power_and_n_agree_with_each_other_and_with_cohen():
    assert respondents_needed(0.3) == 85
    n = respondents_needed(0.1)
    assert correlation_power(n, 0.1) >= 0.8 > correlation_power(n - 2, 0.1)


def test_curvature_is_seen_where_it_is(mobi, ecsi):
    scores = _scores(300, 0.5, seed=4)
    bent = scores.assign(loyalty=scores["loyalty"] + scores["satisfaction"] ** 2)
    assert fit_loyalty(bent).curvature.loc[0, "p_value"] < 1e-6
    assert np.isnan(fit_loyalty(scores.assign(satisfaction=scores["satisfaction"] > 0)).curvature.loc[0, "p_value"])


def test_row_order_changes_nothing_beyond_rounding():
    scores = _scores(80, 0.4, seed=6)
    one, two = fit_loyalty(scores), fit_loyalty(scores.sample(frac=1, random_state=1))
    np.testing.assert_allclose(one.tidy().iloc[:, 1:], two.tidy().iloc[:, 1:], rtol=1e-9)
    assert one.claim.loc[0, "verdict"] == two.claim.loc[0, "verdict"]


def test_true_coefficients_are_recovered():
    rng = np.random.default_rng(9)
    satisfaction, image = rng.normal(size=(2, 5000))
    loyalty = 1 + 0.5 * satisfaction + 0.25 * image + rng.standard_t(6, 5000) * (1 + 0.3 * np.abs(satisfaction))
    fit = fit_loyalty(
        pd.DataFrame({"satisfaction": satisfaction, "image": image, "loyalty": loyalty}),
        predictors=("satisfaction", "image"),
        confidence=0.999,
    )
    inside = fit.tidy().assign(true=[1, 0.5, 0.25]).eval("conf_low < true < conf_high")
    assert inside.all()


@pytest.mark.parametrize("value", [0, 1, -0.2])
def test_smallest_effect_out_of_range_is_refused(value):
    with pytest.raises(RefusedError, match="smallest_effect must lie between 0 and 1"):
        fit_loyalty(_scores(20, 0.3, seed=1), smallest_effect=value)


@pytest.mark.slow
def test_null_data_are_not_called_supported():
    """With no correlation at n = 250, an interval above .10 comes up in far less than 2.5 % of samples."""
    verdicts = [fit_loyalty(_scores(250, 0.0, seed=seed)).claim.loc[0, "verdict"] for seed in range(400)]
    assert verdicts.count("supported") <= 4
    assert set(verdicts) <= {"supported", "contradicted", "inconclusive"}


@pytest.mark.slow
def test_hc3_interval_covers_under_unequal_spread():
    inside = 0
    for seed in range(600):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=100)
        data = pd.DataFrame({"satisfaction": x, "loyalty": 0.5 * x + rng.normal(size=100) * (0.3 + np.abs(x))})
        row = fit_loyalty(data).tidy().iloc[1]
        inside += row["conf_low"] < 0.5 < row["conf_high"]
    assert stats.binomtest(inside, 600, 0.95).pvalue > 1e-4
