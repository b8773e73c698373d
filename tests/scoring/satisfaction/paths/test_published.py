"""Published path models, to their printed precision."""

from __future__ import annotations

import pandas as pd
import pytest

from crmresearch.scoring.satisfaction.paths import fit_paths

# Monecke and Leisch (2012), doi:10.18637/jss.v048.i03: mobi, ECSI, centroid scheme (4 and 3 digits)
CENTROID_PATHS = {
    ("image", "expectation"): 0.5047,
    ("expectation", "quality"): 0.5572,
    ("expectation", "value"): 0.0508,
    ("quality", "value"): 0.5572,
    ("image", "satisfaction"): 0.1788,
    ("expectation", "satisfaction"): 0.0644,
    ("quality", "satisfaction"): 0.5125,
    ("value", "satisfaction"): 0.1918,
    ("satisfaction", "complaints"): 0.5261,
    ("image", "loyalty"): 0.1954,
    ("satisfaction", "loyalty"): 0.4835,
    ("complaints", "loyalty"): 0.0712,
}
CENTROID_LOADINGS = {
    "IMAG1": 0.7434,
    "IMAG2": 0.6007,
    "IMAG3": 0.5776,
    "IMAG4": 0.7684,
    "IMAG5": 0.7445,
    "CUEX1": 0.7715,
    "PERQ1": 0.8033,
    "PERV2": 0.9379,
    "CUSA3": 0.8519,
    "CUSL1": 0.8138,
    "CUSL2": 0.2191,
    "CUSL3": 0.9168,
}
CENTROID_TOTAL = {
    ("image", "satisfaction"): 0.390,
    ("image", "loyalty"): 0.399,
    ("quality", "satisfaction"): 0.619,
    ("satisfaction", "loyalty"): 0.521,
}
# SmartPLS 2.0.M3 on the same model, as distributed with semPLS (tests/SmartPLS/results/ecsi)
SMARTPLS = {
    "centroid": {("image", "satisfaction"): 0.17883348, ("complaints", "loyalty"): 0.07123241},
    "factorial": {("image", "satisfaction"): 0.17859267, ("complaints", "loyalty"): 0.07031057},
    "path": {("image", "satisfaction"): 0.17873950, ("complaints", "loyalty"): 0.06692607},
}
# seminr tests/fixtures/V_3_6_0
SIMPLE_PATHS = {"image": 0.447003896753383, "expectation": 0.171830104491587, "value": 0.316425319256028}
SIMPLE_RELIABILITY = {  # alpha, rho_C, AVE, rho_A
    "image": (0.722834595, 0.818325774, 0.477979835, 0.745291554),
    "expectation": (0.451902556, 0.733177802, 0.480507047, 0.461657987),
    "value": (0.823631979, 0.917897282, 0.848310675, 0.857527048),
    "satisfaction": (0.779195022, 0.871457928, 0.693363991, 0.784023594),
}
SIMPLE_HTMT = {
    ("expectation", "image"): 0.88803042750925,
    ("satisfaction", "image"): 0.910100923782741,
    ("satisfaction", "expectation"): 0.865108193553153,
    ("satisfaction", "value"): 0.740808927759395,
}
REPUTATION_PATHS = {
    ("competence", "satisfaction"): 0.162051224909051,
    ("liking", "satisfaction"): 0.423869606104923,
    ("competence", "loyalty"): 0.00917454313254589,
    ("liking", "loyalty"): 0.342069436585268,
    ("satisfaction", "loyalty"): 0.504466308486452,
}


def estimates(table: pd.DataFrame, column: str = "estimate") -> dict:
    return {(row["source"], row["target"]): row[column] for _, row in table.iterrows()}


def test_fit_paths_monecke2012sempls(mobi, ecsi):
    fit = fit_paths(mobi, ecsi, scheme="centroid")
    assert estimates(fit.paths) == pytest.approx(CENTROID_PATHS, abs=5e-5)
    loadings = fit.items.set_index("item")["loading"]
    assert {i: loadings[i] for i in CENTROID_LOADINGS} == pytest.approx(CENTROID_LOADINGS, abs=5.1e-5)
    total = estimates(fit.effects, "total")
    assert {k: total[k] for k in CENTROID_TOTAL} == pytest.approx(CENTROID_TOTAL, abs=5e-4)


@pytest.mark.parametrize("scheme", SMARTPLS)
def test_fit_paths_smartpls(mobi, ecsi, scheme):
    found = estimates(fit_paths(mobi, ecsi, scheme=scheme).paths)
    assert {k: found[k] for k in SMARTPLS[scheme]} == pytest.approx(SMARTPLS[scheme], abs=2e-8)


def test_fit_paths_ray_seminr_simple(mobi, simple):
    fit = fit_paths(mobi, simple)
    assert dict(zip(fit.paths["source"], fit.paths["estimate"], strict=True)) == pytest.approx(SIMPLE_PATHS, abs=1e-8)
    table = fit.constructs.set_index("construct")
    assert table.loc["satisfaction", "r2"] == pytest.approx(0.590603320426892, abs=1e-9)
    for name, wanted in SIMPLE_RELIABILITY.items():
        assert tuple(table.loc[name, ["alpha", "rho_c", "ave", "rho_a"]]) == pytest.approx(wanted, abs=1e-8)
    htmt = {(r.construct, r.other): r.htmt for r in fit.validity.itertuples()}
    assert {k: htmt[k] for k in SIMPLE_HTMT} == pytest.approx(SIMPLE_HTMT, abs=1e-9)


@pytest.mark.parametrize("as_text", [False, True])
def test_fit_paths_ray_seminr_reputation(reputation, reputation_model, as_text):
    """−99 stands for a missing answer, as number and as text."""
    data = reputation.astype(str) if as_text else reputation
    assert estimates(fit_paths(data, reputation_model).paths) == pytest.approx(REPUTATION_PATHS, abs=1e-9)
