"""Mediation: a published analysis, statsmodels' regressions, loops over resamples, and refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from crmresearch.errors import InputError, RefusedError, UsageError
from crmresearch.reporting.words import load_words
from crmresearch.results import Result
from crmresearch.scoring.satisfaction.mediation import mediate

JOBS = Path(__file__).resolve().parents[3] / "data" / "raw" / "jobs_ii" / "jobs.csv"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(8)


@pytest.fixture
def chain(rng) -> pd.DataFrame:
    x = rng.normal(size=400)
    m = 0.5 * x + rng.normal(size=400)
    k = 0.2 * x + 0.6 * m + rng.normal(size=400)
    return pd.DataFrame({"x": x, "m": m, "k": k, "y": 0.1 * x + 0.4 * k + rng.normal(size=400)})


def test_mediate_tingley2014mediation(rng):
    """R package mediation, data jobs, linear models with three covariates: seven printed digits."""
    jobs = pd.read_csv(JOBS)
    covariates = ("econ_hard", "sex", "age")
    found = mediate(jobs, "treat", ["job_seek"], "depress2", covariates=covariates, rng=rng, resamples=200)
    estimate = found.effects.set_index("effect")["estimate"]
    assert estimate["indirect"] == pytest.approx(-0.01574465, abs=5e-9)
    assert estimate["direct"] == pytest.approx(-0.0402647, abs=5e-8)
    assert estimate["total"] == pytest.approx(-0.05600935, abs=5e-9)
    assert estimate["share_mediated"] == pytest.approx(0.2811075, abs=5e-8)


def test_equations_are_those_of_statsmodels(chain, rng):
    table = mediate(chain, "x", ["m", "k"], "y", order="serial", rng=rng, resamples=100).equations
    start = 0
    for formula in ("y ~ x", "m ~ x", "k ~ x + m", "y ~ x + m + k"):
        fit = smf.ols(formula, chain).fit()
        rows = table.iloc[start : start + len(fit.params) - 1]
        start += len(rows)
        np.testing.assert_allclose(rows["estimate"], fit.params[1:], atol=1e-12)
        np.testing.assert_allclose(rows["std_error"], fit.bse[1:], atol=1e-12)
        np.testing.assert_allclose(rows["p_value"], fit.pvalues[1:], atol=1e-12)
        np.testing.assert_allclose(rows[["conf_low", "conf_high"]], fit.conf_int()[1:], atol=1e-12)
    assert start == len(table)


def test_serial_effects_and_their_sum(chain, rng):
    found = mediate(chain, "x", ["m", "k"], "y", order="serial", rng=rng, resamples=500)
    table = found.effects
    assert table["via"].tolist()[:3] == [["m"], ["k"], ["m", "k"]]
    total = smf.ols("y ~ x", chain).fit().params["x"]
    by_name = table.set_index("effect")["estimate"]
    assert by_name["total"] == pytest.approx(total, abs=1e-12)  # products add up exactly in linear models
    assert table["estimate"][:3].sum() == pytest.approx(by_name["total_indirect"], abs=1e-12)
    assert table.loc[2, "conf_low"] < 0.5 * 0.6 * 0.4 < table.loc[2, "conf_high"]
    assert [f.verdict for f in found.findings()] == ["inconclusive", "supported", "supported"]


def test_draws_are_regressions_on_the_drawn_rows(chain):
    found = mediate(chain, "x", ["m"], "y", rng=np.random.default_rng(2), resamples=100)
    rows = np.random.default_rng(2).integers(0, 400, (100, 400))
    for k in (0, 99):
        drawn = chain.iloc[rows[k]]
        a = np.polyfit(drawn["x"], drawn["m"], 1)[0]
        b = np.linalg.lstsq(np.column_stack([np.ones(400), drawn[["x", "m"]]]), drawn["y"], rcond=None)[0]
        assert found.draws[k, 0] == pytest.approx(a * b[2], abs=1e-12)
        assert found.draws[k, 2] == pytest.approx(b[1], abs=1e-12)


def test_three_intervals_agree_in_large_samples_and_bca_leans_with_the_skew(chain, rng):
    bounds = {
        i: mediate(chain, "x", ["m", "k"], "y", rng=rng, resamples=4000, interval=i).effects.loc[1]
        for i in ("percentile", "bca", "monte_carlo")
    }
    for other in ("bca", "monte_carlo"):
        for end in ("conf_low", "conf_high"):
            assert bounds[other][end] == pytest.approx(bounds["percentile"][end], abs=0.03)


def test_units_and_rows_do_not_matter(chain):
    plain = mediate(chain, "x", ["m"], "y", rng=np.random.default_rng(1), resamples=100).effects["estimate"]
    other = chain.sample(frac=1, random_state=1).assign(m=lambda d: 100 * d["m"] - 7)
    np.testing.assert_allclose(
        mediate(other, "x", ["m"], "y", rng=np.random.default_rng(1), resamples=100).effects["estimate"], plain
    )


def test_missing_rows_are_left_out_and_counted(chain, rng):
    chain.loc[[3, 5], "m"] = np.nan
    found = mediate(chain, "x", ["m"], "y", rng=rng, resamples=100)
    assert (found.n, found.recipe.options["n_dropped"]) == (398, 2)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda d, r: mediate(d, "x", [], "y", rng=r), UsageError, "no mediator is named"),
        (lambda d, r: mediate(d, "x", ["x"], "y", rng=r), UsageError, "'x' has two parts"),
        (lambda d, r: mediate(d, "x", ["m"], "y", rng=r, interval="sobel"), UsageError, "interval 'sobel'"),
        (lambda d, r: mediate(d, "x", ["q"], "y", rng=r), InputError, "no item column 'q'"),
        (lambda d, r: mediate(d.assign(m=1), "x", ["m"], "y", rng=r), RefusedError, "item m: all 400 answers equal 1"),
        (
            lambda d, r: mediate(d.assign(k=d["x"] + d["m"]), "x", ["m", "k"], "y", rng=r),
            RefusedError,
            "predictors are linearly dependent",
        ),
    ],
)
def test_refusals(chain, rng, call, error, match):
    with pytest.raises(error, match=match):
        call(chain, rng)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_key_has_words(chain, rng, language):
    result = mediate(chain, "x", ["m", "k"], "y", rng=rng, resamples=100, interval="monte_carlo")
    words = load_words()
    assert isinstance(result, Result) and words.method(result.recipe.method, language)
    for key, value in result.recipe.options.items():
        assert "_" not in words.option(key, value, language)[1]
    for exhibit in result.exhibits():
        assert words.caption(exhibit.key, language) and all(words.note(n, language) for n in exhibit.notes)
        assert all(words.column(c, language) for c in exhibit.data.columns)
    assert all(words.word(e) for e in result.effects["effect"])
    assert all("{" not in words.sentence(f, language) for f in result.findings())


@pytest.mark.slow
def test_interval_covers_the_true_indirect_effect():
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(300):
        x = rng.normal(size=100)
        m = 0.4 * x + rng.normal(size=100)
        data = pd.DataFrame({"x": x, "m": m, "y": 0.4 * m + rng.normal(size=100)})
        row = mediate(data, "x", ["m"], "y", rng=rng, resamples=500).effects.loc[0]
        hits += row["conf_low"] <= 0.16 <= row["conf_high"]
    assert abs(hits / 300 - 0.95) <= 3 * np.sqrt(0.05 * 0.95 / 300) + 0.01
