"""Models against R (golden file beside its script), NIST, statsmodels and pingouin."""

from pathlib import Path

import numpy as np
import pandas as pd
import pingouin
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_ind

from crmresearch.scoring.satisfaction import (
    compare_backgrounds,
    correlate,
    cross_tabulate,
    fit_blocks,
    fit_least_squares,
    fit_leaving,
    fit_ordered,
    fit_repurchase,
    fit_shapes,
    mediate,
    mediate_conditionally,
    moderate,
)
from crmresearch.scoring.satisfaction.equivalence import mean_equivalence
from crmresearch.scoring.satisfaction.groups import analyse_variance, range_tail
from crmresearch.scoring.satisfaction.multiplicity import adjust_p

REFERENCE = Path(__file__).resolve().parents[2] / "reference"
R_DIGITS = 1e-5  # R's optimisers stop there


@pytest.fixture(scope="module")
def oracle() -> pd.DataFrame:
    table = pd.read_csv(REFERENCE / "models_oracles.csv", comment="#", skipinitialspace=True)
    return table.set_index(["model", "term"]).astype(float)


@pytest.mark.parametrize(("link", "name"), [("logit", "polr_logistic"), ("probit", "polr_probit")])
def test_ordered_equals_mass_polr(mobi, oracle, link, name):
    fit = fit_ordered(mobi, outcome="CUSL1", predictors=["CUSA1", "IMAG1"], link=link)
    expected = oracle.loc[name]
    for row in fit.coefficients.itertuples():
        assert row.estimate == pytest.approx(expected.loc[row.term, "estimate"], rel=R_DIGITS)
        assert row.std_error == pytest.approx(expected.loc[row.term, "std_error"], rel=1e-3)
    for row in fit.thresholds.itertuples():
        assert row.estimate == pytest.approx(expected.loc[row.threshold, "estimate"], rel=R_DIGITS)
    assert fit.fit.loc[0, "log_likelihood"] == pytest.approx(expected.loc["log_likelihood", "estimate"], rel=1e-9)


def test_leaving_equals_survival_coxph(oracle):
    lung = pd.read_csv(REFERENCE / "models_lung.csv")
    data = lung.rename(columns={"time": "followed_days"}).assign(left=(lung["status"] == 2).astype(float))
    fit = fit_leaving(data, predictors=["age", "ph.ecog"])
    expected = oracle.loc["coxph"]
    for row in fit.hazards.itertuples():
        assert row.estimate == pytest.approx(expected.loc[row.term, "estimate"], rel=1e-6)
        assert row.std_error == pytest.approx(expected.loc[row.term, "std_error"], rel=1e-6)
    assert fit.fit.loc[0, "log_likelihood"] == pytest.approx(expected.loc["log_likelihood", "estimate"], rel=1e-9)
    assert fit.fit.loc[0, "concordance"] == pytest.approx(expected.loc["concordance", "estimate"], abs=2e-3)


def test_moderated_mediation_equals_lavaan(mobi, oracle):
    rng = np.random.default_rng(1)
    fit = mediate_conditionally(
        mobi, "PERQ1", ["PERV1"], "CUSL3", "CUSCO", rng=rng, stages=["first", "direct"], resamples=100
    )
    expected = oracle.loc["lavaan_moderated", "estimate"]
    assert fit.index.loc[0, "estimate"] == pytest.approx(expected["index"], rel=1e-6)
    slopes = {(r.outcome, "×".join(r.term)): r.estimate for r in fit.equations.itertuples()}
    assert slopes["PERV1", "PERQ1×CUSCO"] == pytest.approx(expected["a3"], rel=1e-6)
    assert slopes["CUSL3", "PERQ1×CUSCO"] == pytest.approx(expected["c3"], rel=1e-6)


def test_serial_mediation_equals_lavaan(mobi, oracle):
    fit = mediate(
        mobi, "PERQ1", ["PERV1", "CUSA1"], "CUSL3", rng=np.random.default_rng(1), order="serial", resamples=100
    )
    expected = oracle.loc["lavaan_serial", "estimate"]
    routes = {"→".join(r.via): r.estimate for r in fit.effects.itertuples() if r.effect == "indirect"}
    assert routes["PERV1"] == pytest.approx(expected["one"], rel=1e-6)
    assert routes["CUSA1"] == pytest.approx(expected["two"], rel=1e-6)
    assert routes["PERV1→CUSA1"] == pytest.approx(expected["long"], rel=1e-6)


def _anova(name: str) -> list[np.ndarray]:
    if name.startswith("SmLs"):
        number = int(name[-1])
        size, offset = (21, 201, 2001)[(number - 1) % 3], (1, 10**6, 10**12)[(number - 1) // 3]

        def tenths(i: int) -> int:
            return 2 if i == 1 else 1 if i % 2 == 0 else 3

        return [
            np.array([float(f"{offset}.{tenths(t) + tenths(r)}") for r in range(1, size + 1)]) for t in range(1, 10)
        ]
    table = pd.read_csv(REFERENCE / "nist_anova.csv", comment="#").query("dataset == @name")
    return [group["response"].to_numpy() for _, group in table.groupby("treatment")]


NIST = ["SiRstv", "AtmWtAg", *(f"SmLs0{i}" for i in range(1, 10))]


@pytest.mark.parametrize("name", NIST)
def test_analyse_variance_nist_strd(name):
    """Certified values of the NIST Statistical Reference Datasets; doubles of 13-digit data hold four digits of F."""
    certified = pd.read_csv(REFERENCE / "nist_anova_certified.csv", comment="#").set_index("dataset").loc[name]
    got = analyse_variance(_anova(name))
    wanted = 4 if name in {"SmLs07", "SmLs08", "SmLs09"} else 9
    error = max(abs(got[key] / certified[key] - 1) for key in ("f", "r_squared", "residual_sd"))
    digits = -np.log10(error + 1e-16)
    assert (got["df_between"], got["df_within"]) == (certified["df_between"], certified["df_within"])
    assert digits >= wanted, digits


def test_welch_and_games_howell_equal_pingouin(mobi):
    data = mobi.assign(score=mobi["CUSA1"].astype(float), group=np.tile(["a", "b", "c", "d", "e"], 50))
    found = compare_backgrounds(data, outcomes=["score"], backgrounds=["group"])
    welch = pingouin.welch_anova(data, dv="score", between="group").iloc[0]
    assert found.tests.loc[0, "statistic"] == pytest.approx(welch["F"], rel=1e-9)
    pairs = pingouin.pairwise_gameshowell(data, dv="score", between="group")
    np.testing.assert_allclose(found.pairs["p_value"], pairs["pval"], atol=1e-6)
    np.testing.assert_allclose(np.abs(found.pairs["hedges_g"]), np.abs(pairs["hedges"]), rtol=2e-2)
    assert found.tests.loc[0, "p_rank"] == pytest.approx(
        stats.kruskal(*[g["score"] for _, g in data.groupby("group")]).pvalue
    )


@pytest.mark.parametrize(("q", "k", "df"), [(3.9, 3, 10), (2.1, 5, 3.5), (4.5, 12, 38), (5.0, 10, 400)])
def test_range_tail_equals_scipy(q, k, df):
    assert range_tail(q, k, df) == pytest.approx(stats.studentized_range.sf(q, k, df), abs=1e-9)


def test_adjusted_p_equals_statsmodels():
    p = np.random.default_rng(1).uniform(0, 0.2, 40)
    np.testing.assert_allclose(adjust_p(p, "holm"), multipletests(p, method="holm")[1])
    np.testing.assert_allclose(adjust_p(p, "bh"), multipletests(p, method="fdr_bh")[1])


def test_mean_equivalence_equals_statsmodels():
    rng = np.random.default_rng(3)
    x, y = rng.normal(0, 1, 40), rng.normal(0.1, 2, 55)
    _, above, below = ttost_ind(x, y, -0.5, 0.5, usevar="unequal")
    np.testing.assert_allclose(mean_equivalence(x, y, smallest=0.5), (above[1], below[1]))


def test_clustered_errors_equal_statsmodels():
    rng = np.random.default_rng(2)
    who = rng.integers(0, 40, 200)
    x = rng.normal(size=200) + rng.normal(size=40)[who]
    data = pd.DataFrame({"x": x, "y": x + rng.normal(size=40)[who] + rng.normal(size=200), "who": who})
    expected = sm.OLS(data["y"], sm.add_constant(x)).fit(cov_type="cluster", cov_kwds={"groups": who}, use_t=True)
    got = fit_least_squares(data, outcome="y", predictors=["x"], cluster="who").tidy()
    np.testing.assert_allclose(got["std_error"], expected.bse, rtol=1e-9)
    np.testing.assert_allclose(got["p_value"], expected.pvalues, rtol=1e-6)


def test_durbin_watson_equals_statsmodels(mobi):
    from statsmodels.stats.stattools import durbin_watson

    fit = fit_least_squares(mobi, outcome="CUSL3", predictors=["CUSA1"])
    got = fit.diagnostics.set_index("check").loc["durbin_watson", "statistic"]
    assert got == pytest.approx(durbin_watson(fit.residuals["residual"]))


def test_logit_equals_statsmodels(mobi):
    data = mobi.astype(dict.fromkeys(mobi.columns.drop("respondent_id"), float)).assign(again=mobi["CUSL1"] >= 8)
    expected = sm.Logit(data["again"].astype(float), sm.add_constant(data[["CUSA1", "IMAG1"]])).fit(disp=0)
    fit = fit_repurchase(data, outcome="again", predictors=["CUSA1", "IMAG1"])
    np.testing.assert_allclose(fit.tidy()["estimate"], expected.params, rtol=1e-6)
    np.testing.assert_allclose(fit.tidy()["std_error"], expected.bse, rtol=1e-6)
    margins = expected.get_margeff()
    np.testing.assert_allclose(fit.coefficients["marginal"].iloc[1:], margins.margeff, rtol=1e-6)
    np.testing.assert_allclose(fit.coefficients["marginal_error"].iloc[1:], margins.margeff_se, rtol=1e-4)


def test_blocks_equal_statsmodels_f_change(mobi):
    steps = fit_blocks(
        mobi, outcome="CUSL3", blocks=[["CUSA1"], ["IMAG1", "PERQ1"]], rng=np.random.default_rng(1), resamples=200
    ).steps
    data = mobi.drop(columns="respondent_id").astype(float)
    small = sm.OLS(data["CUSL3"], sm.add_constant(data[["CUSA1"]])).fit()
    large = sm.OLS(data["CUSL3"], sm.add_constant(data[["CUSA1", "IMAG1", "PERQ1"]])).fit()
    f, p, _ = large.compare_f_test(small)
    assert steps.loc[1, "f_change"] == pytest.approx(f)
    assert steps.loc[1, "p_change"] == pytest.approx(p)


def test_chi_squared_equals_scipy(mobi):
    data = pd.DataFrame({"a": mobi["CUSA1"] > 7, "b": mobi["CUSL3"] > 7})
    row = cross_tabulate(data, outcomes=["a"], backgrounds=["b"], rng=np.random.default_rng(1)).tests.iloc[0]
    expected = stats.chi2_contingency(pd.crosstab(data["a"], data["b"]), correction=False)
    assert (row["chi2"], row["p_value"]) == pytest.approx((expected.statistic, expected.pvalue))


def test_correlations_equal_pingouin(mobi):
    items = ["CUSA1", "CUSL3", "IMAG1"]
    got = correlate(mobi[items]).pairs
    expected = pingouin.pairwise_corr(mobi[items].astype(float), padjust="holm")
    np.testing.assert_allclose(got["correlation"], expected["r"], rtol=1e-9)


def test_moderation_equals_statsmodels_and_johnson_neyman_boundary_is_exact(mobi):
    found = moderate(mobi, outcome="CUSL3", predictor="PERQ1", moderator="CUSCO", covariance="nonrobust")
    data = mobi[["CUSL3", "PERQ1", "CUSCO"]].astype(float)
    x, w = data["PERQ1"] - data["PERQ1"].mean(), data["CUSCO"] - data["CUSCO"].mean()
    expected = sm.OLS(data["CUSL3"], sm.add_constant(np.column_stack([x, w, x * w]))).fit()
    np.testing.assert_allclose(found.tidy()["estimate"], expected.params, rtol=1e-9)
    for edge in found.regions["to_value"].iloc[:-1]:
        at = edge - data["CUSCO"].mean()
        direction = np.array([0, 1, 0, at])
        t = direction @ expected.params / np.sqrt(direction @ expected.cov_params() @ direction)
        assert abs(t) == pytest.approx(stats.t.ppf(0.975, len(data) - 4), rel=1e-6)


def test_shapes_do_not_hang_on_row_order(mobi):
    options = {"outcome": "CUSL3", "predictor": "CUSA1", "resamples": 200}
    one = fit_shapes(mobi, rng=np.random.default_rng(1), **options)
    two = fit_shapes(mobi.sample(frac=1, random_state=2), rng=np.random.default_rng(1), **options)
    np.testing.assert_allclose(one.forms["r_squared"], two.forms["r_squared"], rtol=1e-9)
    assert one.turning.loc[1, "estimate"] == two.turning.loc[1, "estimate"]
