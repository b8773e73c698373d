from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.stats.outliers_influence import OLSInfluence, variance_inflation_factor

from crmresearch.errors import CrmresearchError
from crmresearch.scoring.satisfaction.regression import fit_least_squares

REFERENCE = Path(__file__).resolve().parents[2] / "reference"
NIST_DIGITS = 8  # correct significant digits, as docs and reliability rules promise


def _nist(name: str) -> tuple[pd.DataFrame, list[str]]:
    if name.startswith("wampler"):
        table = pd.read_csv(REFERENCE / "nist_wampler.csv", comment="#").astype(float)
        powers = {f"x{j}": table["x"] ** j for j in range(1, 6)}
        return pd.DataFrame({"y": table[f"y{name[-1]}"], **powers}), list(powers)
    table = pd.read_csv(REFERENCE / f"nist_{name}.csv", comment="#").astype(float)
    return table, list(table.columns.drop("y"))


def _digits(got: np.ndarray, certified: np.ndarray) -> float:
    return float(-np.log10(np.max(np.abs(got / certified - 1)) + 1e-16))


@pytest.mark.parametrize("name", ["norris", "longley", "wampler1", "wampler2", "wampler3", "wampler4", "wampler5"])
def test_fit_least_squares_nist_strd(name):
    """Certified values of the NIST Statistical Reference Datasets, linear regression."""
    data, predictors = _nist(name)
    certified = pd.read_csv(REFERENCE / "nist_certified.csv", comment="#").query("dataset == @name").set_index("term")
    fit = fit_least_squares(data, outcome="y", predictors=predictors, covariance="nonrobust")
    terms = fit.coefficients.set_index("term")
    expected = certified.loc[terms.index]
    assert _digits(terms["estimate"], expected["estimate"]) >= NIST_DIGITS
    if (expected["std_error"] > 0).all():
        assert _digits(terms["std_error"], expected["std_error"]) >= NIST_DIGITS
        assert _digits(fit.fit.loc[0, "residual_sd"], certified.loc["residual_sd", "estimate"]) >= NIST_DIGITS
        assert _digits(fit.fit.loc[0, "r_squared"], certified.loc["r_squared", "estimate"]) >= NIST_DIGITS
    else:  # an exact fit: the certified errors are zero
        assert (terms["std_error"] <= 1e-9 * terms["estimate"].abs()).all()


def _sample(n: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    a, b = rng.normal(size=n), rng.normal(size=n)
    return pd.DataFrame({"a": a, "b": 0.5 * a + b, "y": 1 + 2 * a - b + rng.normal(size=n) * (1 + np.abs(a))})


@pytest.mark.parametrize("covariance", ["HC3", "HC2", "HC1", "HC0", "nonrobust"])
def test_estimates_and_errors_equal_statsmodels(covariance):
    data = _sample()
    expected = sm.OLS(data["y"], sm.add_constant(data[["a", "b"]])).fit(cov_type=covariance, use_t=True)
    got = fit_least_squares(data, outcome="y", predictors=["a", "b"], covariance=covariance)
    tidy = got.tidy()
    np.testing.assert_allclose(tidy["estimate"], expected.params, rtol=1e-11)
    np.testing.assert_allclose(tidy["std_error"], expected.bse, rtol=1e-10)
    np.testing.assert_allclose(tidy["p_value"], expected.pvalues, rtol=1e-8)
    np.testing.assert_allclose(tidy[["conf_low", "conf_high"]], expected.conf_int(), rtol=1e-9)
    np.testing.assert_allclose(got.covariance, expected.cov_params(), rtol=1e-9)
    assert got.glance().loc[0, "f_value"] == pytest.approx(expected.fvalue, rel=1e-9)


def test_leverage_cook_and_vif_equal_statsmodels():
    data = _sample()
    design = sm.add_constant(data[["a", "b"]])
    influence = OLSInfluence(sm.OLS(data["y"], design).fit())
    got = fit_least_squares(data, outcome="y", predictors=["a", "b"])
    np.testing.assert_allclose(got.residuals["leverage"], influence.hat_matrix_diag, rtol=1e-9)
    np.testing.assert_allclose(got.residuals["cook_distance"], influence.cooks_distance[0], rtol=1e-8)
    vif = [variance_inflation_factor(design.to_numpy(), j) for j in (1, 2)]
    np.testing.assert_allclose(got.coefficients["vif"][1:], vif, rtol=1e-9)


def test_standardised_coefficients_are_those_of_standardised_columns():
    data = _sample()
    raw = fit_least_squares(data, outcome="y", predictors=["a", "b"]).coefficients
    scaled = fit_least_squares((data - data.mean()) / data.std(), outcome="y", predictors=["a", "b"]).coefficients
    np.testing.assert_allclose(raw["beta"][1:], scaled["estimate"][1:], rtol=1e-10)


def test_rescaling_a_predictor_rescales_its_coefficient_alone():
    data = _sample()
    one = fit_least_squares(data, outcome="y", predictors=["a", "b"]).coefficients
    two = fit_least_squares(data.assign(a=data["a"] * 1e6), outcome="y", predictors=["a", "b"]).coefficients
    np.testing.assert_allclose(two.loc[1, "estimate"] * 1e6, one.loc[1, "estimate"], rtol=1e-10)
    np.testing.assert_allclose(two["statistic"], one["statistic"], rtol=1e-9)


def test_missing_rows_are_left_out_and_counted():
    data = _sample(20)
    data.loc[[3, 7], "a"] = np.nan
    fit = fit_least_squares(data, outcome="y", predictors=["a", "b"])
    assert fit.fit.loc[0, ["n", "n_left_out"]].tolist() == [18, 2]
    assert 3 not in fit.residuals["row"].tolist()


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        (
            lambda d: d.assign(c=d["a"] - 2 * d["b"]),
            {"predictors": ["a", "b", "c"]},
            r"'c' is an exact combination of 'a', 'b'",
        ),
        (lambda d: d.assign(c=3.0), {"predictors": ["a", "c"]}, r"'c' is constant \(3 in all 120 rows\)"),
        (lambda d: d.assign(y=3.0), {}, r"'y' is constant.*nothing to explain"),
        (lambda d: d.head(3), {}, r"3 complete rows for 3 coefficients"),
        (lambda d: d, {"predictors": ["a", "q"]}, r"no column 'q'"),
        (lambda d: d, {"predictors": []}, r"no predictor was named"),
        (lambda d: d, {"predictors": ["a", "y"]}, r"stands twice"),
        (lambda d: d, {"covariance": "HC9"}, "covariance='HC9' is unknown. Choose from: HC3"),
        (lambda d: d, {"confidence": 95}, r"confidence must lie between 0 and 1"),
        (lambda d: d.assign(b=[1.0] + [0.0] * 119), {}, r"row 0: one row alone fixes a coefficient, so that HC3"),
    ],
)
def test_what_cannot_be_fitted_is_refused(change, options, words):
    with pytest.raises(CrmresearchError, match=words):
        fit_least_squares(change(_sample()), outcome="y", **{"predictors": ["a", "b"], **options})
