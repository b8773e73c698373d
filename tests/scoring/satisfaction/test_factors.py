"""Factor analysis against R (lavaan, psych, GPArotation), against hand values, and against simulated truth.

Reference values and the script that made them: ``tests/reference/measurement_r.R``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linear_sum_assignment
from statsmodels.multivariate.factor import Factor

from crmresearch.errors import RefusedError
from crmresearch.scoring.satisfaction import (
    confirm_factors,
    explore_factors,
    polychoric_correlations,
    score_factorability,
    score_omega,
    score_validity,
)
from crmresearch.scoring.satisfaction.factors.extraction import extract_factors
from crmresearch.scoring.satisfaction.factors.factorability import bartlett_statistic, sampling_adequacy
from crmresearch.scoring.satisfaction.factors.fit import fit_indices
from crmresearch.scoring.satisfaction.factors.likelihood import fit_factor_model
from crmresearch.scoring.satisfaction.factors.retention import parallel_analysis, random_eigenvalues
from crmresearch.scoring.satisfaction.factors.rotation import rotate_loadings

REFERENCE = Path(__file__).resolve().parents[2] / "reference"
# lavaan stops at a relative change of 1e-9 of F, R's factanal at 1e-7: estimates agree to about the root of that.
ESTIMATE, LOADING = 1e-5, 2e-5
FIT = {
    "chisq": "chi_squared",
    "df": "df",
    "cfi": "cfi",
    "tli": "tli",
    "rmsea": "rmsea",
    "rmsea.ci.lower": "rmsea_low",
    "rmsea.ci.upper": "rmsea_high",
    "srmr": "srmr",
    "chisq.scaling.factor": "scaling",
    "chisq.scaled": "chi_squared_scaled",
    "cfi.robust": "cfi_robust",
    "tli.robust": "tli_robust",
    "rmsea.robust": "rmsea_robust",
}


def answers_of(name: str, mobi: pd.DataFrame, reputation: tuple) -> pd.DataFrame:
    return (mobi if name == "mobi" else reputation[0]).set_index("respondent_id").astype("Float64")


@pytest.mark.parametrize("name", ["mobi", "corp_rep"])
def test_confirmatory_factor_analysis_is_lavaan(name: str, mobi, reputation) -> None:
    told = pd.read_csv(REFERENCE / "measurement_cfa_estimates.csv").query("model == @name")
    loads = told[told["op"] == "=~"]
    factors = loads["lhs"].drop_duplicates().tolist()
    x = answers_of(name, mobi, reputation)[loads["rhs"].tolist()].dropna().to_numpy(float)
    model = fit_factor_model(x, (loads["lhs"].to_numpy()[:, None] == np.array(factors)).astype(float))
    p = len(loads)
    np.testing.assert_allclose(model.loadings, loads["estimate"], atol=ESTIMATE)
    np.testing.assert_allclose(np.sqrt(np.diag(model.naive))[:p], loads["std_error"], atol=1e-6)
    np.testing.assert_allclose(np.sqrt(np.diag(model.covariance))[:p], loads["robust_error"], atol=1e-6)
    for row in told[(told["op"] == "~~") & (told["lhs"] != told["rhs"])].itertuples():
        assert model.correlations[factors.index(row.lhs), factors.index(row.rhs)] == pytest.approx(
            row.estimate, abs=ESTIMATE
        )
    expected = pd.read_csv(REFERENCE / "measurement_cfa_fit.csv").query("model == @name").set_index("index")["value"]
    fit = fit_indices(model, x).iloc[0]
    for theirs, ours in FIT.items():
        assert fit[ours] == pytest.approx(expected[theirs], rel=1e-5), ours


@pytest.mark.parametrize("rotation", ["varimax", "promax", "oblimin"])
@pytest.mark.parametrize(("method", "theirs"), [("ml", "ml"), ("paf", "pa"), ("pca", "pca")])
def test_loadings_are_those_of_r(method: str, theirs: str, rotation: str, mobi) -> None:
    told = pd.read_csv(REFERENCE / "measurement_efa.csv").query("method == @theirs and rotation == @rotation")
    expected = told[["f1", "f2", "f3", "f4"]].to_numpy()
    correlation = np.corrcoef(mobi[told["item"].tolist()].to_numpy(float), rowvar=False)
    pattern, _ = rotate_loadings(extract_factors(correlation, 4, method=method).loadings, method=rotation)
    apart = np.array([[min(np.abs(a - s * b).max() for s in (1, -1)) for b in expected.T] for a in pattern.T])
    assert apart[linear_sum_assignment(apart)].max() < LOADING


def test_a_second_library_extracts_the_same_communalities(mobi) -> None:
    correlation = np.corrcoef(mobi.drop(columns="respondent_id").to_numpy(float), rowvar=False)
    theirs = Factor(corr=correlation, n_factor=3, method="pa", nobs=250, smc=True).fit(maxiter=5000, tol=1e-11)
    ours = extract_factors(correlation, 3, method="paf")
    np.testing.assert_allclose(1 - ours.uniqueness, theirs.communality, atol=1e-6)


def test_adequacy_and_bartlett_are_those_of_psych(mobi) -> None:
    told = pd.read_csv(REFERENCE / "measurement_factorability.csv").set_index("name")["value"]
    items = mobi.drop(columns="respondent_id")
    correlation = np.corrcoef(items.to_numpy(float), rowvar=False)
    kmo, own = sampling_adequacy(correlation)
    assert kmo == pytest.approx(told["kmo"], abs=1e-10)
    np.testing.assert_allclose(own, told[[f"msa_{item}" for item in items]], atol=1e-10)
    assert bartlett_statistic(correlation, 250) == (pytest.approx(told["bartlett"], rel=1e-10), told["bartlett_df"])


def test_polychoric_correlations_are_lavaans(reputation) -> None:
    told = pd.read_csv(REFERENCE / "measurement_polychoric.csv").set_index("item")
    items = reputation[0][told.index.tolist()].dropna().astype(float)
    np.testing.assert_allclose(polychoric_correlations(items), told.to_numpy(), atol=1e-6)


def test_polychoric_recovers_the_correlation_behind_three_points() -> None:
    rng = np.random.default_rng(2)
    behind = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 20_000)
    cut = pd.DataFrame(np.digitize(behind, [-0.3, 1.2]), columns=["a", "b"])
    assert polychoric_correlations(cut).loc["a", "b"] == pytest.approx(0.6, abs=0.02)
    assert abs(np.corrcoef(cut.T)[0, 1]) < 0.55  # what Pearson makes of it


def test_random_eigenvalues_are_those_of_simulated_answers() -> None:
    rng = np.random.default_rng(1)
    quick = random_eigenvalues(60, 8, draws=3000, rng=rng)
    slow = [np.linalg.eigvalsh(np.corrcoef(rng.standard_normal((60, 8)), rowvar=False))[::-1] for _ in range(3000)]
    np.testing.assert_allclose(quick.mean(axis=0), np.mean(slow, axis=0), atol=0.015)
    np.testing.assert_allclose(np.quantile(quick, 0.95, axis=0), np.quantile(slow, 0.95, axis=0), atol=0.03)


def test_parallel_analysis_finds_the_factors_put_in() -> None:
    rng = np.random.default_rng(5)
    loadings = np.kron(np.eye(3), np.full((4, 1), 0.7))
    x = rng.standard_normal((300, 3)) @ loadings.T + np.sqrt(1 - 0.49) * rng.standard_normal((300, 12))
    correlation = np.corrcoef(x, rowvar=False)
    assert parallel_analysis(correlation, 300, draws=200, rng=rng)["kept"].sum() == 3


def simulated(instrument, rng: np.random.Generator, n: int = 400, r: float = 0.4, loading: float = 0.8):
    constructs = {"one": ["a1", "a2", "a3"], "two": ["b1", "b2", "b3", "b4"]}
    factors = rng.multivariate_normal([0, 0], [[1, r], [r, 1]], n)[:, [0, 0, 0, 1, 1, 1, 1]]
    x = 50 + 10 * (loading * factors + np.sqrt(1 - loading**2) * rng.standard_normal((n, 7)))
    frame = pd.DataFrame(np.round(x).astype(int), columns=["a1", "a2", "a3", "b1", "b2", "b3", "b4"])
    frame.insert(0, "respondent_id", [f"r{i:04d}" for i in range(n)])
    return frame, instrument(constructs, low=-50, high=150)


def test_confirmation_recovers_loadings_and_correlation(instrument) -> None:
    survey, scale = simulated(instrument, np.random.default_rng(7), n=4000)
    found = confirm_factors(survey, scale)
    assert np.abs(found.loadings["standardised"] - 0.8).max() < 0.03
    assert found.correlations.loc[0, "correlation"] == pytest.approx(0.4, abs=0.04)
    fit = found.glance().iloc[0]
    assert fit["cfi"] > 0.995 and fit["rmsea"] < 0.02
    # omega of k items of loading .8: (.8 k)² / ((.8 k)² + .36 k)
    omega = score_omega(survey, scale).constructs.set_index("construct")["omega"]
    assert omega["one"] == pytest.approx(2.4**2 / (2.4**2 + 3 * 0.36), abs=0.02)
    validity = score_validity(found, resamples=200, rng=np.random.default_rng(1))
    assert validity.constructs["ave"].tolist() == pytest.approx([0.64, 0.64], abs=0.03)
    assert validity.pairs.loc[0, "htmt"] == pytest.approx(0.4, abs=0.05)
    assert validity.pairs.loc[0, "distinct"] and validity.pairs.loc[0, "fornell_larcker"]


def test_neither_order_nor_a_respondents_name_changes_a_fit(instrument) -> None:
    survey, scale = simulated(instrument, np.random.default_rng(8))
    one = confirm_factors(survey, scale)
    two = confirm_factors(survey.sample(frac=1, random_state=3), scale)
    np.testing.assert_allclose(one.loadings["estimate"], two.loadings["estimate"], rtol=1e-9)
    scaled = survey.assign(a1=survey["a1"] * 2 - 50)
    np.testing.assert_allclose(  # items may be stretched: standardised loadings stay
        confirm_factors(scaled, scale).loadings["standardised"], one.loadings["standardised"], atol=1e-7
    )


def test_exploration_logs_every_deletion_and_its_reason(instrument) -> None:
    rng = np.random.default_rng(9)
    survey, _ = simulated(instrument, rng)
    scale = instrument({"one": ["a1", "a2", "a3", "noise"], "two": ["b1", "b2", "b3", "b4", "both"]}, low=-50, high=150)
    survey["noise"] = rng.integers(30, 70, len(survey))
    survey["both"] = ((survey["a1"] + survey["b1"]) / 2 + rng.normal(0, 5, len(survey))).round().astype(int)
    found = explore_factors(survey, scale, rotation="varimax", rng=np.random.default_rng(1))
    gone = found.rounds[found.rounds["deleted"] != ""].set_index("deleted")["reason"].to_dict()
    assert gone == {"noise": "low_loading", "both": "cross_loading"}
    assert found.rounds["n_items"].tolist() == [9, 8, 7] and found.rounds["deleted"].iloc[-1] == ""
    assert found.loadings.groupby("construct")["factor"].nunique().tolist() == [1, 1]
    one = explore_factors(survey, scale, delete=False, rng=np.random.default_rng(1))
    assert len(one.rounds) == 1 and set(one.loadings["item"]) >= {"noise", "both"}


def test_too_few_respondents_are_refused_with_the_rule(instrument) -> None:
    """Catalogue section H: n below the items, and E14: the gate and its citation."""
    survey, scale = simulated(instrument, np.random.default_rng(1))
    for scorer in (score_factorability, confirm_factors):
        with pytest.raises(RefusedError, match=r"86 respondents .* rule asks for 100 .*Gorsuch 1983"):
            scorer(survey.head(86), scale)
    with pytest.raises(RefusedError, match="6 respondents answered all 7 items"):
        score_factorability(survey.head(6), scale)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"a2": 50}, "everybody gave the same answer to a2"),
        ({"a2": lambda frame: frame["a1"]}, "items a1 and a2 are copies"),
        ({"a2": lambda frame: 100 - frame["a1"]}, "items a1 and a2 are copies"),
        ({"a2": 500}, "lies off the scale"),
        ({"a2": "very satisfied"}, "not numbers"),
        ({"a2": pd.NA}, "0 respondents answered all 7 items"),
    ],
)
def test_an_item_that_cannot_be_used_is_named(instrument, change: dict, words: str) -> None:
    """Catalogue 117, 118, 120, 123, 126."""
    survey, scale = simulated(instrument, np.random.default_rng(1))
    survey = survey.assign(**change)
    if change["a2"] is pd.NA:
        survey["a2"] = survey["a2"].astype("Int64")
    with pytest.raises(RefusedError, match=words):
        confirm_factors(survey, scale)


def test_a_respondent_twice_is_refused(instrument) -> None:
    """Catalogue 125."""
    survey, scale = simulated(instrument, np.random.default_rng(1))
    with pytest.raises(RefusedError, match="stand twice"):
        score_factorability(pd.concat([survey, survey.head(1)]), scale)


def test_a_heywood_case_is_refused_by_name(instrument) -> None:
    """Catalogue 128: r12 · r13 / r23 > 1 leaves item a1 a negative variance."""
    rng = np.random.default_rng(3)
    shape = np.array([[1, 0.8, 0.8], [0.8, 1, 0.5], [0.8, 0.5, 1]])
    x = rng.standard_normal((200, 3))
    x = np.linalg.solve(np.linalg.cholesky(np.cov(x, rowvar=False)), (x - x.mean(axis=0)).T).T
    frame = pd.DataFrame(x @ np.linalg.cholesky(shape).T * 1000, columns=["a1", "a2", "a3"]).round().astype(int)
    frame.insert(0, "respondent_id", [f"r{i}" for i in range(200)])
    scale = instrument({"one": ["a1", "a2", "a3"]}, low=-9999, high=9999)
    with pytest.raises(RefusedError, match=r"Heywood case: negative residual variance of a1"):
        confirm_factors(frame, scale)
    with pytest.raises(RefusedError, match="heywood case"):
        score_omega(frame, scale)


def test_constructs_that_cannot_hold_together_are_named(mobi, ecsi) -> None:
    parts = ["image", "expectation", "quality", "value", "satisfaction", "loyalty"]
    with pytest.raises(RefusedError, match=r"that of quality and satisfaction is 0\.96"):
        confirm_factors(mobi, ecsi, constructs=parts)


def test_more_factors_than_the_items_bear_are_refused() -> None:
    with pytest.raises(RefusedError, match="3 factors of 4 items"):
        extract_factors(np.eye(4) * 0.5 + 0.5, 3)


def test_constructs_of_one_item_are_left_out_and_named(mobi, ecsi) -> None:
    found = confirm_factors(mobi, ecsi, constructs=["value", "complaints", "satisfaction"])
    assert found.left_out["construct"].tolist() == ["complaints"]
    omega = score_omega(mobi, ecsi)
    assert dict(zip(omega.refused["construct"], omega.refused["cause"], strict=True)) == {
        "value": "two_items",
        "complaints": "one_item",
        "loyalty": "heywood_case",
    }


def test_an_item_that_runs_against_the_others_costs_its_construct_the_reliability(petrochemical) -> None:
    survey, instrument, _ = petrochemical
    found = score_omega(survey, instrument).refused.set_index("construct")
    assert found.loc["switching_cost"].tolist() == ["mixed_signs", "swi3"]


def test_the_simulated_constructs_come_back(petrochemical) -> None:
    """Correlations behind the items are those of the respondents' latent scores, less what the halo adds."""
    survey, instrument, truth = petrochemical
    honest = truth.index[~truth["speeder"] & ~truth["straight_liner"] & truth["repeat_of"].eq("")]
    names = ["performance_cost", "performance_promise", "performance_staff", "satisfaction", "trust", "loyalty"]
    found = confirm_factors(survey[survey["respondent_id"].isin(honest)], instrument, constructs=names)
    true = truth.loc[honest, names].corr()
    apart = [row.correlation - true.loc[row.construct, row.other] for row in found.correlations.itertuples()]
    assert np.abs(apart).max() < 0.16 and 0 < np.mean(apart) < 0.10
    assert found.loadings["standardised"].between(0.7, 0.9).all()


@pytest.mark.slow
@pytest.mark.parametrize("skewed", [False, True])
def test_intervals_of_omega_cover(instrument, skewed: bool) -> None:
    rng, hits = np.random.default_rng(11), 0
    truth = 2.4**2 / (2.4**2 + 3 * 0.36)
    scale = instrument({"one": ["a1", "a2", "a3"]}, low=-10_000, high=10_000)
    for _ in range(600):
        draw = (
            (lambda *size: (rng.chisquare(5, size) - 5) / np.sqrt(10))
            if skewed
            else lambda *size: rng.normal(size=size)
        )
        x = 0.8 * draw(200, 1) + 0.6 * draw(200, 3)
        frame = pd.DataFrame((x * 500).round().astype(int), columns=["a1", "a2", "a3"])
        frame.insert(0, "respondent_id", np.arange(200).astype(str))
        row = score_omega(frame, scale).constructs.iloc[0]
        hits += row["conf_low"] <= truth <= row["conf_high"]
    assert 0.92 <= hits / 600 <= 0.975


@pytest.mark.slow
def test_the_scaled_statistic_holds_its_level_where_the_plain_one_does_not() -> None:
    rng = np.random.default_rng(4)
    membership = np.kron(np.eye(2), np.ones((3, 1)))
    plain, scaled = [], []
    for _ in range(500):
        heavy = np.sqrt(5 / rng.chisquare(5, (400, 1)))  # elliptical, long tails
        factors = rng.multivariate_normal([0, 0], [[1, 0.3], [0.3, 1]], 400)
        x = heavy * (0.8 * factors @ membership.T + 0.6 * rng.standard_normal((400, 6)))
        row = fit_indices(fit_factor_model(x, membership), x).iloc[0]
        plain.append(row["p_value"] < 0.05)
        scaled.append(row["p_scaled"] < 0.05)
    assert np.mean(plain) > 0.15 and 0.02 <= np.mean(scaled) <= 0.09
