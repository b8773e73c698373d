"""What must hold for any data: symmetries, recovery, and each refusal by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmresearch.errors import InputError, RefusedError, UsageError
from crmresearch.results import Result
from crmresearch.scoring.resampling import count_rows
from crmresearch.scoring.satisfaction.paths import (
    Construct,
    PathModel,
    blindfold_paths,
    bootstrap_paths,
    compare_groups,
    fit_paths,
    map_importance,
    predict_paths,
)
from crmresearch.scoring.satisfaction.paths.moments import Moments, read_items

ROUNDING = 1e-9


def simulate(rng: np.random.Generator, n: int, *, noise: float = 0.6) -> pd.DataFrame:
    """Factors a → b (0.5), a → c (0.3), b → c (0.4), each of variance 1 with three items."""
    a = rng.normal(size=n)
    b = 0.5 * a + np.sqrt(0.75) * rng.normal(size=n)
    rest = 1 - (0.3**2 + 0.4**2 + 2 * 0.3 * 0.4 * 0.5)
    c = 0.3 * a + 0.4 * b + np.sqrt(rest) * rng.normal(size=n)
    return pd.DataFrame(
        {f"{k}{i}": f + noise * rng.normal(size=n) for k, f in zip("abc", (a, b, c), strict=True) for i in range(3)}
    )


def model_abc(**options) -> PathModel:
    constructs = tuple(Construct(k, tuple(f"{k}{i}" for i in range(3)), **options) for k in "abc")
    return PathModel(constructs, (("a", "b"), ("a", "c"), ("b", "c")))


@pytest.mark.parametrize("scheme", ["path", "centroid", "factorial"])
def test_row_order_and_item_scale_do_not_matter(mobi, ecsi, rng, scheme):
    fit = fit_paths(mobi, ecsi, scheme=scheme)
    turned = mobi.sample(frac=1, random_state=3) * rng.uniform(0.1, 9, mobi.shape[1]) + 5
    again = fit_paths(turned, ecsi, scheme=scheme)
    for table in ("paths", "items", "constructs", "effects", "validity"):
        left, right = getattr(fit, table), getattr(again, table)
        pd.testing.assert_frame_equal(left, right, atol=ROUNDING, rtol=0)
    pd.testing.assert_frame_equal(fit.scores, again.scores.sort_index(), atol=1e-8, rtol=0)


def test_turning_a_construct_turns_its_paths(mobi, ecsi):
    turned = mobi.copy()
    turned[list(ecsi["value"].items)] *= -1
    plain, other = fit_paths(mobi, ecsi).paths, fit_paths(turned, ecsi).paths
    sign = np.where((plain["source"] == "value") ^ (plain["target"] == "value"), -1, 1)
    np.testing.assert_allclose(other["estimate"], sign * plain["estimate"], atol=ROUNDING)
    np.testing.assert_allclose(other[["f2", "vif"]], plain[["f2", "vif"]], atol=1e-8)


def test_scores_are_what_the_tables_say(mobi, ecsi):
    fit = fit_paths(mobi, ecsi)
    scores = fit.scores
    np.testing.assert_allclose(scores.std(ddof=1), 1, atol=ROUNDING)
    for target in ecsi.endogenous:
        x = scores[list(ecsi.predecessors(target))].to_numpy()
        beta, residual, *_ = np.linalg.lstsq(x, scores[target].to_numpy(), rcond=None)
        rows = fit.paths[fit.paths["target"] == target].set_index("source")["estimate"]
        np.testing.assert_allclose(rows[list(ecsi.predecessors(target))], beta, atol=ROUNDING)
        r2 = fit.constructs.set_index("construct").loc[target, "r2"]
        assert r2 == pytest.approx(1 - residual[0] / (scores[target] ** 2).sum(), abs=ROUNDING)


def test_routes_sum_to_indirect_effects(mobi, ecsi):
    fit = fit_paths(mobi, ecsi)
    summed = fit.routes.groupby(["source", "target"])["estimate"].sum()
    wanted = fit.effects.set_index(["source", "target"])["indirect"]
    np.testing.assert_allclose(summed, wanted[summed.index], atol=ROUNDING)
    assert (wanted.drop(summed.index) == 0).all()


def test_consistent_estimates_recover_the_truth(rng):
    data = simulate(rng, 20_000)
    fit = fit_paths(data, model_abc(common_factor=True))
    np.testing.assert_allclose(fit.paths["estimate"], [0.5, 0.3, 0.4], atol=0.025)
    np.testing.assert_allclose(fit.items["loading"], 1 / np.sqrt(1.36), atol=0.02)
    plain = fit_paths(data, model_abc())
    assert plain.paths["estimate"].iloc[0] < 0.46  # composites of noisy items are attenuated


def test_mode_b_recovers_the_weights(rng):
    x = rng.normal(size=(20_000, 3)) @ np.linalg.cholesky([[1, 0.3, 0.1], [0.3, 1, 0.2], [0.1, 0.2, 1]]).T
    truth = np.array([0.6, 0.0, 0.5])
    y = x @ truth + rng.normal(size=20_000)
    data = pd.DataFrame(np.column_stack([x, y]), columns=["a", "b", "c", "y"])
    model = PathModel((Construct("form", ("a", "b", "c"), "B"), Construct("out", ("y",))), (("form", "out"),))
    weights = fit_paths(data, model).items.query("construct == 'form'")["weight"].to_numpy()
    np.testing.assert_allclose(weights / weights[0], truth / truth[0], atol=0.04)


def test_batched_moments_are_those_of_each_resample(reputation, reputation_model, rng):
    """Mean replacement inside each resample, against pandas one resample at a time."""
    items = read_items(reputation, reputation_model.items, missing="mean", missing_codes=(-99,))
    rows = rng.integers(0, items.n, (5, items.n))
    mean, sd, correlation = Moments(items).of(count_rows(rows, items.n))
    for k in range(5):
        frame = pd.DataFrame(items.values[rows[k]])
        frame = frame.fillna(frame.mean())
        np.testing.assert_allclose(correlation[k], frame.corr(), atol=1e-12)
        np.testing.assert_allclose(mean[k] * items.sd + items.mean, frame.mean(), atol=1e-12)
        np.testing.assert_allclose(sd[k] * items.sd, frame.std(), atol=1e-12)


def test_moments_in_blocks_equal_moments_at_once(mobi, ecsi, rng, monkeypatch):
    items = read_items(mobi, ecsi.items, missing="mean", missing_codes=())
    counts = count_rows(rng.integers(0, items.n, (3, items.n)), items.n)
    whole = Moments(items).of(counts)
    monkeypatch.setattr("crmresearch.scoring.satisfaction.paths.moments._PRODUCT_BYTES", 100_000)
    for left, right in zip(whole, Moments(items).of(counts), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-13)


def test_casewise_drops_rows_and_says_so(reputation, reputation_model):
    fit = fit_paths(reputation, reputation_model, missing="casewise")
    used = reputation[list(reputation_model.items)]
    whole = used[(used != -99).all(axis=1)]
    assert fit.recipe.options["n_dropped"] == len(used) - len(whole) > 0
    pd.testing.assert_frame_equal(fit.paths, fit_paths(whole, reputation_model).paths)


def test_one_bootstrap_draw_is_a_fit_of_the_drawn_rows(mobi, ecsi, rng):
    rows = rng.integers(0, 250, (50, 250))
    boot = bootstrap_paths(fit_paths(mobi, ecsi), rng=rng, indices=rows)
    fit = fit_paths(mobi.iloc[rows[7]].reset_index(drop=True), ecsi)
    draw = dict(zip(zip(boot.table["kind"], boot.table["term"], strict=True), boot.draws[7], strict=True))
    for row in fit.paths.itertuples():
        assert draw["path", f"{row.source} → {row.target}"] == pytest.approx(row.estimate, abs=1e-10)
    for row in fit.routes.itertuples():
        assert draw["route", " → ".join([row.source, *row.via, row.target])] == pytest.approx(row.estimate, abs=1e-10)
    for row in fit.items.itertuples():
        assert draw["loading", row.item] == pytest.approx(row.loading, abs=1e-10)


def test_same_generator_same_bootstrap(mobi, simple):
    fit = fit_paths(mobi, simple)
    one, two = (bootstrap_paths(fit, rng=np.random.default_rng(4), resamples=700) for _ in range(2))
    np.testing.assert_array_equal(one.draws, two.draws)


def test_sign_rules(rng):
    """A weak construct turns in some resamples; the construct rule turns it back as a whole."""
    f = rng.normal(size=60)
    data = pd.DataFrame({"a": f + 0.5 * rng.normal(size=60), "b": 0.5 * rng.normal(size=60) - f, "y": 0.3 * f})
    data["y"] += rng.normal(size=60)
    model = PathModel((Construct("x", ("a", "b")), Construct("out", ("y",))), (("x", "out"),))
    fit = fit_paths(data, model)
    rows = rng.integers(0, 60, (400, 60))
    draws = {s: bootstrap_paths(fit, rng=rng, indices=rows, signs=s).draws for s in ("none", "individual", "construct")}
    path, loading = 0, slice(2, 4)  # columns: path, total, loadings a, b, y …
    table = bootstrap_paths(fit, rng=rng, indices=rows).table
    assert list(table["kind"][:4]) == ["path", "total", "loading", "loading"]
    np.testing.assert_allclose(*(np.abs(draws[s][:, path]) for s in ("none", "construct")))
    origin = table["estimate"].to_numpy()[loading]
    turned = draws["none"][:, loading] @ origin < 0
    assert 0 < turned.mean() < 1
    np.testing.assert_allclose(draws["construct"][turned, path], -draws["none"][turned, path])
    assert (np.sign(draws["individual"][:, path]) == np.sign(table["estimate"][0])).all()


def test_bca_of_a_skewed_statistic_leans_away_from_percentile(mobi, simple):
    fit = fit_paths(mobi, simple)
    rows = np.random.default_rng(1).integers(0, 250, (2000, 250))
    plain, bca = (
        bootstrap_paths(fit, rng=np.random.default_rng(1), indices=rows, interval=i).table.set_index("kind").loc["r2"]
        for i in ("percentile", "bca")
    )
    assert plain["bias"] > 0  # the bootstrap of R² is too high, so BCa shifts its interval down
    assert bca["conf_low"] < plain["conf_low"] and bca["conf_high"] < plain["conf_high"]


def test_resamples_without_variance_are_counted(rng):
    n = 30
    data = pd.DataFrame({"a": rng.normal(size=n), "b": np.r_[1.0, np.zeros(n - 1)]})
    model = PathModel((Construct("x", ("a",)), Construct("y", ("b",))), (("x", "y"),))
    rows = rng.integers(0, n, (1000, n))
    boot = bootstrap_paths(fit_paths(data, model), rng=rng, indices=rows)
    lost = int((~(rows == 0).any(axis=1)).sum())
    assert boot.resamples.loc[0, "no_variance"] == lost > 250
    assert boot.resamples.loc[0, "used"] == len(boot.draws) == 1000 - lost


def test_too_few_usable_resamples_are_refused(rng):
    data = pd.DataFrame({"a": rng.normal(size=30), "b": np.r_[1.0, np.zeros(29)]})
    model = PathModel((Construct("x", ("a",)), Construct("y", ("b",))), (("x", "y"),))
    rows = np.vstack([np.arange(30), *np.ones((59, 30), dtype=int)])
    with pytest.raises(RefusedError, match="only 1 of 60 resamples"):
        bootstrap_paths(fit_paths(data, model), rng=rng, indices=rows)


def test_micom_and_mga_of_the_same_population(rng):
    data = simulate(rng, 600)
    groups = pd.Series(np.where(np.arange(600) % 2, "odd", "even"), index=data.index)
    found = compare_groups(fit_paths(data, model_abc()), groups, rng=rng, permutations=400)
    assert (found.invariance["c"] > 0.99).all() and (found.invariance["c_p"] > 0.01).all()
    assert (found.paths["p_value"] > 0.01).all()


def test_micom_and_mga_find_real_differences(rng):
    one, two = simulate(rng, 500), simulate(rng, 500)
    two["c0"] = two["c1"] = rng.normal(size=500)  # c is another composite in the second group
    two[["c1", "b0", "b1", "b2"]] += rng.normal(size=(500, 4)) * 0.01
    two[["b0", "b1", "b2"]] -= 0.5 * two[["a0", "a1", "a2"]].to_numpy().mean(axis=1, keepdims=True)
    data = pd.concat([one, two], ignore_index=True)
    groups = pd.Series(["one"] * 500 + ["two"] * 500)
    found = compare_groups(fit_paths(data, model_abc()), groups, rng=rng, permutations=400)
    table = found.invariance.set_index("construct")
    assert table.loc["c", "invariance"] == "no_invariance" != table.loc["a", "invariance"]
    paths = found.paths.set_index(["source", "target"])
    assert paths.loc[("a", "b"), "p_value"] < 0.01 and paths.loc[("a", "b"), "difference"] > 0.3
    assert not paths.loc[("a", "c"), "comparable"]


def test_importance_map_by_hand(rng):
    data = pd.DataFrame({"x": rng.integers(1, 8, 300)})
    data["y"] = np.clip(data["x"] + rng.integers(-2, 3, 300), 1, 7)
    model = PathModel((Construct("cause", ("x",)), Construct("out", ("y",))), (("cause", "out"),))
    found = map_importance(fit_paths(data, model), "out", low=1, high=7)
    slope = np.cov(data["x"], data["y"])[0, 1] / data["x"].var()
    assert found.constructs.loc[0, "importance"] == pytest.approx(slope)
    assert found.constructs.loc[0, "performance"] == pytest.approx((data["x"].mean() - 1) / 6 * 100)
    assert found.target_performance == pytest.approx((data["y"].mean() - 1) / 6 * 100)


def test_prediction_beats_the_mean_only_where_there_is_something_to_predict(rng):
    data = simulate(rng, 300)
    assert (predict_paths(fit_paths(data, model_abc()), rng=rng).items["q2_predict"] > 0).all()
    noise = pd.DataFrame(rng.normal(size=(300, 9)), columns=data.columns)
    assert predict_paths(fit_paths(noise, model_abc()), rng=rng).items["q2_predict"].mean() < 0


def test_blindfolding_against_plain_loops(mobi, simple):
    """Each round fitted on its own by ``fit_paths``, cell by cell."""
    own, d = list(simple["satisfaction"].items), 7
    block = mobi[own].to_numpy(float)
    cell = np.arange(block.size).reshape(len(own), -1).T
    error = base = 0.0
    for g in range(d):
        out = cell % d == g
        filled = mobi.astype(float)
        mean = np.nanmean(np.where(out, np.nan, block), axis=0)
        filled[own] = np.where(out, mean, block)
        fit = fit_paths(filled, simple)
        guess = fit.scores[["image", "expectation", "value"]].to_numpy() @ fit.paths["estimate"].to_numpy()
        loading = fit.items.set_index("item").loc[own, "loading"].to_numpy()
        predicted = mean + guess[:, None] * loading * filled[own].std(ddof=1).to_numpy()
        error += ((block - predicted)[out] ** 2).sum()
        base += ((block - mean)[out] ** 2).sum()
    found = blindfold_paths(fit_paths(mobi, simple), omission_distance=d).constructs
    assert found.loc[0, "q2"] == pytest.approx(1 - error / base, abs=1e-12)
    usual = {
        n: blindfold_paths(fit_paths(mobi.head(n), simple)).recipe.options["omission_distance"] for n in (245, 250)
    }
    assert usual == {245: 8, 250: 7}, "seven divides 245"


def test_results_keep_the_contract(mobi, simple, rng):
    fit = fit_paths(mobi, simple)
    results = (
        fit,
        bootstrap_paths(fit, rng=rng, resamples=60),
        predict_paths(fit, rng=rng),
        blindfold_paths(fit),
        map_importance(fit, "satisfaction", low=1, high=10),
        compare_groups(fit, pd.Series(["x", "y"] * 125), rng=rng, permutations=99),
    )
    for result in results:
        assert isinstance(result, Result)
        assert result.recipe.options["scheme"] == "scheme_path"
        for exhibit in result.exhibits():
            assert len(exhibit.data) and exhibit.data.columns.is_unique


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        (lambda d: d.drop(columns="CUEX2"), InputError, "no item column 'CUEX2'"),
        (lambda d: d.assign(CUEX2=5), RefusedError, "item CUEX2: all 250 answers equal 5"),
        (lambda d: d.assign(CUEX2=np.nan), RefusedError, "item CUEX2: every answer is missing"),
        (lambda d: d.assign(CUEX2="很满意"), RefusedError, "item CUEX2: '很满意' is not a number"),
        (lambda d: d.assign(CUEX2=d["CUEX1"] * 2), RefusedError, "'CUEX1' and 'CUEX2' correlate perfectly"),
        (lambda d: d.head(13), RefusedError, "13 usable rows for 13 items"),
    ],
)
def test_data_that_cannot_be_used(mobi, simple, change, error, match):
    with pytest.raises(error, match=match):
        fit_paths(change(mobi), simple)


def test_singular_mode_b_block_is_named(mobi, simple):
    data = mobi.assign(CUEX3=mobi["CUEX1"] + mobi["CUEX2"])
    model = PathModel(
        tuple(replace(c, mode="B") if c.name == "expectation" else c for c in simple.constructs), simple.paths
    )
    with pytest.raises(RefusedError, match="construct expectation: items CUEX1, CUEX2, CUEX3 are linearly dependent"):
        fit_paths(data, model)


def test_dependent_predecessors_are_named(rng):
    a, b = rng.normal(size=(2, 90))
    data = pd.DataFrame({"a": a, "b": b, "c": a + b, "y": a + rng.normal(size=90)})
    model = PathModel(tuple(Construct(k, (k,)) for k in "abcy"), tuple((k, "y") for k in "abc"))
    with pytest.raises(RefusedError, match="predecessors of 'y' are linearly dependent"):
        fit_paths(data, model)


def test_no_convergence_is_named(mobi, simple):
    with pytest.raises(RefusedError, match=r"did not converge in 2 iterations \(tolerance 1e-07, scheme path\)"):
        fit_paths(mobi, simple, max_iterations=2)


def test_heywood_case_is_refused(rng):
    f = rng.normal(size=100)
    data = pd.DataFrame({"a": f + 0.1 * rng.normal(size=100), "b": 0.1 * f + rng.normal(size=100)})
    data["y"] = f + 0.2 * rng.normal(size=100)
    model = PathModel((Construct("x", ("a", "b"), common_factor=True), Construct("out", ("y",))), (("x", "out"),))
    with pytest.raises(RefusedError, match="Heywood"):
        fit_paths(data, model)


X, Y = Construct("x", ("a",)), Construct("y", ("b",))


@pytest.mark.parametrize(
    ("constructs", "paths", "match"),
    [
        ((X, X), (("x", "x"),), "construct 'x' stands twice"),
        ((X, Construct("y", ("a",))), (("x", "y"),), "item 'a' stands twice"),
        ((X, Y), (("x", "z"),), "'z', which is no construct"),
        ((X, Y), (("x", "y"), ("y", "x")), "circle through x, y"),
        ((X, Y, Construct("z", ("c",))), (("x", "y"),), "'z' is on no path"),
        ((X, Construct("y", ("b",), "C")), (("x", "y"),), "mode 'C'"),
        ((X, Construct("y", ("b",), common_factor=True)), (("x", "y"),), "cannot be a common factor"),
        ((X, Construct("y")), (("x", "y"),), "needs either items or dimensions"),
        ((X, Y, Construct("z", dimensions=("y",))), (("x", "y"), ("x", "z")), "dimension 'y' is on a path"),
    ],
)
def test_models_that_say_nothing(constructs, paths, match):
    with pytest.raises(UsageError, match=match):
        PathModel(constructs, paths)


def test_group_and_map_refusals(mobi, simple, rng):
    fit = fit_paths(mobi, simple)
    with pytest.raises(RefusedError, match="1 groups"):
        compare_groups(fit, pd.Series("x", index=mobi.index), rng=rng)
    with pytest.raises(RefusedError, match="group 'b' has 10 rows for 13 items"):
        compare_groups(fit, pd.Series(["a"] * 240 + ["b"] * 10), rng=rng)
    with pytest.raises(UsageError, match="no path leads to 'image'"):
        map_importance(fit, "image", low=1, high=10)
    with pytest.raises(RefusedError, match="lies outside 1 to 5"):
        map_importance(fit, "satisfaction", low=1, high=5)
    with pytest.raises(UsageError, match="does not divide"):
        blindfold_paths(fit, omission_distance=5)


@pytest.mark.slow
def test_bootstrap_intervals_cover_the_truth():
    """95 % percentile intervals of a consistent path over 200 samples: within 3 sd of nominal."""
    rng = np.random.default_rng(11)
    model, hits = model_abc(common_factor=True), 0
    for _ in range(200):
        fit = fit_paths(simulate(rng, 400, noise=0.8), model)
        row = bootstrap_paths(fit, rng=rng, resamples=300).tidy().iloc[0]
        hits += row["conf_low"] <= 0.5 <= row["conf_high"]
    assert 0.95 - 3 * np.sqrt(0.95 * 0.05 / 200) <= hits / 200 <= 1


@pytest.mark.slow
def test_permutation_test_keeps_its_size():
    rng = np.random.default_rng(12)
    rejected = 0
    for _ in range(200):
        data = simulate(rng, 120)
        groups = pd.Series(rng.permutation(np.arange(120) % 2))
        found = compare_groups(fit_paths(data, model_abc()), groups, rng=rng, permutations=199)
        rejected += found.paths["p_value"].iloc[0] <= 0.05
    assert rejected / 200 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
