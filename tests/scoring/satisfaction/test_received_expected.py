"""Three definitions of satisfaction: the ratio's artefact, claim D10, and the response surface (B01, B02, F1, F2)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from crmresearch.case import Instrument
from crmresearch.errors import RefusedError
from crmresearch.scoring.satisfaction import compare_definitions, fit_response_surface


def declared(low: int = 1) -> Instrument:
    return Instrument.model_validate(
        {
            "scale": {"low": low, "high": 7},
            "constructs": {"overall": {"title": {"en": "O", "zh": "总"}, "items": ["s1", "s2"]}},
            "items": {item: {"en": item} for item in ("p", "e", "s1", "s2")},
            "attributes": {"goods": {"title": {"en": "G", "zh": "货"}, "performance": "p", "expectation": "e"}},
        }
    )


def world(rule, n: int = 800, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    p, e = rng.integers(1, 8, n), rng.integers(1, 8, n)
    level = 4 + rule(p - 4, e - 4)
    items = {s: np.clip(np.round(level + rng.normal(0, 0.7, n)), 1, 7).astype(int) for s in ("s1", "s2")}
    return pd.DataFrame({"respondent_id": [f"r{i:04d}" for i in range(n)], "p": p, "e": e, **items})


def compared(rule, **options):
    return compare_definitions(
        world(rule), declared(), outcome="overall", resamples=300, rng=np.random.default_rng(1), **options
    )


def test_ratio_and_gap_hang_on_expectation_though_both_ratings_are_independent() -> None:
    """About −.7 for ratings that have nothing to do with one another; the shuffled correlation shows it."""
    found = compared(lambda p, e: 0.5 * p).artefact.set_index("measure")
    assert found.loc["gap", "correlation_with_expected"] == pytest.approx(-np.sqrt(0.5), abs=0.04)
    assert -0.75 < found.loc["ratio", "correlation_with_expected"] < -0.6
    np.testing.assert_allclose(found["correlation_with_expected"], found["correlation_at_random"], atol=0.05)


@pytest.mark.parametrize(
    ("rule", "verdict"),
    [
        (lambda p, e: 0.4 * (p - e), "supported"),
        (lambda p, e: 0.5 * p, "contradicted"),
        (lambda p, e: 0 * p, "inconclusive"),
    ],
)
def test_claim_d10_follows_the_world(rule, verdict: str) -> None:
    found = compared(rule)
    assert found.claim.loc[0, "verdict"] == verdict
    finding = found.findings()[1]
    assert (finding.claim, finding.verdict) == ("D10", verdict)


@pytest.mark.slow
def test_a_null_world_is_supported_at_the_declared_rate() -> None:
    supported = 0
    for seed in range(40):
        found = compare_definitions(
            world(lambda p, e: 0 * p, n=150, seed=seed),
            declared(),
            outcome="overall",
            resamples=200,
            rng=np.random.default_rng(seed),
        )
        supported += found.claim.loc[0, "verdict"] == "supported"
    assert supported <= 4  # 2.5 % one side of a 95 % interval; four of forty has a chance below 2 %


def test_both_readings_of_the_ratio_are_shown_and_the_means_by_hand() -> None:
    """F1, and the ratio of means is not the mean of ratios."""
    survey = world(lambda p, e: 0.4 * (p - e), n=40).assign(p=[2, 6] * 20, e=[1, 2] * 20)
    found = compare_definitions(survey, declared(), outcome="overall", resamples=50, rng=np.random.default_rng(1))
    assert {"ratio", "ratio_inverted"} <= set(found.prediction["measure"])
    row = found.attributes.iloc[0]
    assert row["ratio_of_means"] == pytest.approx(8 / 3)
    assert (row["mean_of_ratios"], row["gap_mean"]) == (2.5, 2.5)


def test_a_scale_with_zero_has_no_ratio() -> None:
    with pytest.raises(RefusedError, match="scale begins at 0"):
        compare_definitions(world(lambda p, e: p), declared(low=0), outcome="overall", rng=np.random.default_rng(1))


def test_the_surface_is_the_regression_of_statsmodels() -> None:
    survey = world(lambda p, e: 0.4 * p - 0.2 * e - 0.05 * p * e)
    found = fit_response_surface(survey, declared(), outcome="overall")
    p, e = survey["p"] - 4.0, survey["e"] - 4.0
    design = sm.add_constant(pd.DataFrame({"p": p, "e": e, "pp": p**2, "pe": p * e, "ee": e**2}))
    told = sm.OLS(survey[["s1", "s2"]].mean(axis=1), design).fit(cov_type="HC3", use_t=True)
    np.testing.assert_allclose(found.regression.coefficients["estimate"], told.params, atol=1e-10)
    for term, contrast in (("a1_congruence_slope", "p + e"), ("a3_parting_slope", "p - e")):
        theirs = told.t_test(contrast + " = 0")
        row = found.surface.set_index("term").loc[term]
        assert row["estimate"] == pytest.approx(theirs.effect.item())
        assert row["std_error"] == pytest.approx(theirs.sd.item())
    wald = told.f_test("p + e = 0, pp = 0, pe = 0, ee = 0")
    gap = found.constraints.set_index("check").loc["gap_suffices"]
    assert gap["statistic"] == pytest.approx(float(np.squeeze(wald.fvalue)), rel=1e-8)
    assert gap["p_value"] == pytest.approx(float(wald.pvalue), rel=1e-6)


def test_the_gap_is_kept_where_it_is_the_truth_and_rejected_where_it_is_not() -> None:
    keeps = fit_response_surface(world(lambda p, e: 0.25 * (p - e)), declared(), outcome="overall")
    fails = fit_response_surface(world(lambda p, e: 0.5 * p), declared(), outcome="overall")
    assert keeps.constraints.loc[0, "p_value"] > 0.01 > fails.constraints.loc[0, "p_value"]
    assert [keeps.findings()[0].key, fails.findings()[0].key][1] == "surface_gap_fails"


def test_the_simulated_customers_weigh_received_against_expected(petrochemical) -> None:
    """Satisfaction was made of P − E: along received = expected it does not move, across it does."""
    survey, instrument, truth = petrochemical
    honest = truth.index[~truth["speeder"] & ~truth["straight_liner"] & truth["repeat_of"].eq("")]
    kept = survey[survey["respondent_id"].isin(honest)]
    slopes = fit_response_surface(kept, instrument, outcome="satisfaction").surface.set_index("term")
    congruence, parting = slopes.loc["a1_congruence_slope"], slopes.loc["a3_parting_slope"]
    assert congruence["conf_low"] < 0 < congruence["conf_high"] and parting["conf_low"] > 0.5
    found = compare_definitions(kept, instrument, outcome="satisfaction", resamples=300, rng=np.random.default_rng(1))
    assert found.claim.loc[0, "verdict"] == "supported"
