"""Three definitions of satisfaction: the ratio's artefact, claim D10, and the response surface (B01, B02, F1, F2)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from crmresearch.case import Instrument
from crmresearch.errors import RefusedError, UsageError
from crmresearch.scoring.satisfaction import compare_definitions, fit_response_surface, received_expected
from crmresearch.scoring.satisfaction.received_expected import RIVALS


def declared(low: int = 1, high: int = 7) -> Instrument:
    return Instrument.model_validate(
        {
            "scale": {"low": low, "high": high},
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
    assert found.loc["form_gap", "correlation_with_expected"] == pytest.approx(-np.sqrt(0.5), abs=0.04)
    assert -0.75 < found.loc["form_ratio", "correlation_with_expected"] < -0.6
    np.testing.assert_allclose(found["correlation_with_expected"], found["correlation_at_random"], atol=0.05)


@pytest.mark.parametrize(
    ("rule", "rivals", "verdict"),
    [
        (lambda p, e: 0.8 * (p + 4) / (e + 4) - 1.5, RIVALS, "supported"),
        (lambda p, e: 0.4 * (p - e), ["form_gap", "form_both"], "contradicted"),
        (lambda p, e: 0.5 * p, ["form_received", "form_both"], "contradicted"),
        (lambda p, e: 0 * p, RIVALS, "inconclusive"),
    ],
)
def test_claim_d10_follows_the_world(rule, rivals, verdict: str) -> None:
    """To be ahead of received alone is not enough: where the gap is the truth, the ratio is contradicted."""
    found = compared(rule)
    assert found.claim.loc[0, "verdict"] == verdict
    assert found.claim.loc[0, "rival"] in rivals
    finding = found.findings()[1]
    assert (finding.claim, finding.verdict) == ("D10", verdict)


def judged(advantage, low, high) -> tuple[str, str]:
    forms = pd.DataFrame(
        {"measure": RIVALS, "advantage": advantage, "advantage_low": low, "advantage_high": high}, dtype=object
    )
    row = received_expected._judge(forms).loc[0]
    return row["rival"], row["verdict"]


def test_one_rival_left_unbeaten_is_enough_against_support_and_one_ahead_enough_to_contradict() -> None:
    """D10: the rule itself, received alone, gap, both in this order."""
    assert judged([0.3, 0.2, 0.1], [0.2, 0.1, 0.01], [0.4, 0.3, 0.2]) == ("form_both", "supported")
    assert judged([0.3, 0.2, 0.1], [0.2, 0.1, -0.01], [0.4, 0.3, 0.2]) == ("form_both", "inconclusive")
    assert judged([0.3, -0.2, -0.1], [0.2, -0.3, -0.4], [0.4, -0.1, 0.2]) == ("form_gap", "contradicted")


def four_cells(noise: float) -> pd.DataFrame:
    """Ten respondents in each of the cells received 2, 4 by expected 1, 2; rating = ratio ± noise."""
    p, e = np.repeat([2, 2, 4, 4], 10), np.repeat([1, 2, 1, 2], 10)
    rating = p / e + np.tile([noise, -noise], 20) + 2
    return pd.DataFrame({"respondent_id": [f"r{i}" for i in range(40)], "p": p, "e": e, "s1": rating, "s2": rating})


def test_every_form_by_hand() -> None:
    """Sums of squares over the cells: ratings 47.5, noise 40; the ratio tells all of the first.

    Received tells (2 · .75)² · 10 = 22.5 of it, as does expected; the gap (0, 1, 2, 3) 45² / 50 = 40.5; the inverse
    (¼, ½, ½, 1) 10.625² / 2.96875; with the product, the cells are told in full, and the squares add nothing.
    """
    found = compare_definitions(
        four_cells(1.0), declared(), outcome="overall", resamples=100, rng=np.random.default_rng(1)
    )
    forms = found.forms.set_index("measure")
    told = {
        "received": 22.5,
        "ratio": 47.5,
        "inverted": 10.625**2 / 2.96875,
        "gap": 40.5,
        "both": 45,
        "polynomial": 47.5,
    }
    used = {"received": 1, "ratio": 1, "inverted": 1, "gap": 1, "both": 2, "polynomial": 3}
    for form, part in told.items():
        row, k = forms.loc[f"form_{form}"], used[form]
        assert row["n_coefficients"] == k + 1
        assert row["r_squared"] == pytest.approx(part / 87.5)
        assert row["r_squared_adjusted"] == pytest.approx(1 - (1 - part / 87.5) * 39 / (39 - k))
    # Received: each half has 20 respondents, and leaving one out moves its half's mean by 1 / 19 of the residual.
    left = (87.5 - 22.5) * (20 / 19) ** 2
    assert forms.loc["form_received", "r_squared_left_out"] == pytest.approx(1 - left / (87.5 * (40 / 39) ** 2))
    ahead = forms.loc["form_ratio", "r_squared_adjusted"] - forms["r_squared_adjusted"]
    np.testing.assert_allclose(forms["advantage"].drop("form_ratio"), ahead.drop("form_ratio"))
    assert forms.loc["form_ratio", ["advantage", "advantage_low", "advantage_high"]].isna().all()


def test_the_forms_are_the_regressions_of_statsmodels() -> None:
    survey = world(lambda p, e: 0.4 * p - 0.2 * e - 0.05 * p * e, n=120)
    found = compare_definitions(survey, declared(), outcome="overall", resamples=100, rng=np.random.default_rng(1))
    p, e, y = survey["p"], survey["e"], survey[["s1", "s2"]].mean(axis=1)
    designs = {
        "form_received": [p],
        "form_ratio": [p / e],
        "form_inverted": [e / p],
        "form_gap": [p - e],
        "form_both": [p, e],
        "form_polynomial": [p, e, p**2, p * e, e**2],
    }
    for form, columns in designs.items():
        told = sm.OLS(y, sm.add_constant(np.column_stack(columns))).fit()
        row = found.forms.set_index("measure").loc[form]
        assert row["r_squared"] == pytest.approx(told.rsquared)
        assert row["r_squared_adjusted"] == pytest.approx(told.rsquared_adj)
        alone = [y.drop(i).mean() for i in y.index]
        press = (told.get_influence().resid_press ** 2).sum()
        assert row["r_squared_left_out"] == pytest.approx(1 - press / ((y - alone) ** 2).sum())


def test_neither_the_unit_nor_the_order_of_respondents_matters() -> None:
    """Both ratings in half points, or the sheets in another order: same forms, same verdict."""
    survey = world(lambda p, e: 0.3 * (p - e), n=150)
    wide = declared(high=20)

    def forms(data: pd.DataFrame):
        found = compare_definitions(data, wide, outcome="overall", resamples=200, rng=np.random.default_rng(1))
        return found.forms.set_index("measure"), found.claim.loc[0]

    own, claim = forms(survey)
    scaled, claim_scaled = forms(survey.assign(p=survey["p"] * 2, e=survey["e"] * 2))
    np.testing.assert_allclose(scaled, own, atol=1e-9)
    assert claim_scaled["verdict"] == claim["verdict"]
    turned, _ = forms(survey.sample(frac=1, random_state=1))
    same = ["n_coefficients", "correlation", "r_squared", "r_squared_adjusted", "r_squared_left_out", "advantage"]
    np.testing.assert_allclose(turned[same], own[same], atol=1e-12)


def level_world(n: int, seed: int) -> pd.DataFrame:
    """Ratings that go with the ratio and with the best sum of both sides equally closely.

    Rating = ratio + (its regression on both sides), each in standard deviations over all 49 pairs of answers, so that
    R² of the ratio is that of both sides, and neither received alone nor the gap has more.
    """
    p, e = (side.ravel() for side in np.meshgrid(np.arange(1.0, 8), np.arange(1.0, 8)))
    sides = np.column_stack([np.ones(49), p, e])
    line = sides @ np.linalg.lstsq(sides, p / e, rcond=None)[0]
    rng = np.random.default_rng(seed)
    at = rng.integers(0, 49, n)
    level = ((p / e - (p / e).mean()) / (p / e).std() + (line - line.mean()) / line.std())[at] + rng.normal(0, 1.5, n)
    ids = [f"r{i:04d}" for i in range(n)]
    return pd.DataFrame({"respondent_id": ids, "p": p[at], "e": e[at], "s1": 20 + level, "s2": 20 + level})


@pytest.mark.slow
@pytest.mark.parametrize("make", ["level", "unrelated"])
def test_without_an_advantage_support_is_as_rare_as_declared(make: str) -> None:
    """One side of a 95 % interval is 2.5 %; 11 of 200 or more would have a chance below 2 %."""
    supported = 0
    for seed in range(200):
        survey = level_world(150, seed) if make == "level" else world(lambda p, e: 0 * p, n=150, seed=seed)
        found = compare_definitions(
            survey, declared(high=40), outcome="overall", resamples=200, rng=np.random.default_rng(seed)
        )
        supported += found.claim.loc[0, "verdict"] == "supported"
    assert supported < 11


def test_means_by_hand_and_twins_that_say_the_same() -> None:
    """F1, and the ratio of means is not the mean of ratios. Received tells expected here: the second adds nothing."""
    survey = world(lambda p, e: 0.4 * (p - e), n=40).assign(p=[2, 6] * 20, e=[1, 2] * 20)
    found = compare_definitions(survey, declared(), outcome="overall", resamples=100, rng=np.random.default_rng(1))
    forms = found.forms.set_index("measure")
    assert (forms["n_coefficients"] == 2).all()
    np.testing.assert_allclose(forms["r_squared"], forms.loc["form_received", "r_squared"])
    row = found.attributes.iloc[0]
    assert row["ratio_of_means"] == pytest.approx(8 / 3)
    assert (row["mean_of_ratios"], row["gap_mean"]) == (2.5, 2.5)


def test_too_few_resamples_are_refused() -> None:
    survey = world(lambda p, e: p, n=40)
    with pytest.raises(UsageError, match="50 resamples are too few"):
        compare_definitions(survey, declared(), outcome="overall", resamples=50, rng=np.random.default_rng(1))


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
    forms = found.forms.set_index("measure")
    assert forms.loc["form_received", "advantage_low"] > 0  # ahead of received alone,
    assert (forms.loc[["form_gap", "form_both"], "advantage_high"] < 0).all()  # behind the truth
    assert found.claim.loc[0, "verdict"] == "contradicted"
