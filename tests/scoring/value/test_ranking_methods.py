"""Six ranking methods and four data weights: oracles, hand-computed cases, invariances, reversal, agreement."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from crmresearch.errors import RefusedError, UsageError
from crmresearch.scoring.value import (
    build_indicators,
    combine_weights,
    compare_rankings,
    rank_by,
    rank_fuzzy,
    rank_grey,
    rank_rsr,
    rank_topsis,
    rank_vikor,
    rank_weighted_sum,
    take_weights,
    try_reversal,
    weigh,
    weigh_critic,
    weigh_deviation,
    weigh_entropy,
    weigh_equally,
    weigh_variation,
)
from crmresearch.scoring.value.agreement import cohen_kappa, fleiss_kappa
from crmresearch.scoring.value.ranking import RANKINGS, count_reversed, grade_rsr
from tests.reference.decisions_oracles import MATRIX, TYPES, WEIGHTS

VALUES = pd.read_csv(Path(__file__).parents[2] / "reference" / "decisions_oracles.csv")
EXACT = 1e-12


def oracle(package: str, what: str) -> np.ndarray:
    return VALUES[(VALUES["oracle"] == package) & (VALUES["what"] == what)]["value"].to_numpy()


def matrix_of(values, costs=()):
    values = np.asarray(values, dtype=float)
    names = [f"x{j}" for j in range(values.shape[1])]
    table = pd.DataFrame(values, columns=names).assign(customer_id=[f"c{i:04d}" for i in range(len(values))])
    return build_indicators(table, directions={n: "cost" if j in costs else "benefit" for j, n in enumerate(names)})


REFERENCE = matrix_of(MATRIX, costs=np.flatnonzero(TYPES < 0))
GIVEN = take_weights(REFERENCE, dict(zip(REFERENCE.names, WEIGHTS, strict=True)))


@pytest.mark.parametrize("package", ["pymcdm", "scikit-criteria"])
def test_topsis_vikor_and_entropy_equal_their_oracles(package) -> None:
    np.testing.assert_allclose(rank_topsis(REFERENCE, GIVEN).score, oracle(package, "topsis"), atol=EXACT)
    np.testing.assert_allclose(1 - rank_vikor(REFERENCE, GIVEN).score, oracle(package, "vikor"), atol=EXACT)
    entropy = weigh_entropy(REFERENCE, normalisation="sum")
    np.testing.assert_allclose(entropy.values, oracle(package, "entropy"), atol=EXACT)


def test_other_golden_values() -> None:
    minmax = rank_topsis(REFERENCE, GIVEN, normalisation="minmax").score
    np.testing.assert_allclose(minmax, oracle("pymcdm", "topsis_minmax"), atol=EXACT)
    np.testing.assert_allclose(rank_weighted_sum(REFERENCE, GIVEN).score, oracle("pymcdm", "weighted_sum"), atol=EXACT)
    np.testing.assert_allclose(weigh_critic(REFERENCE).values, oracle("scikit-criteria", "critic"), atol=EXACT)
    undirected = weigh_critic(matrix_of(MATRIX))  # pymcdm does not look at directions
    np.testing.assert_allclose(undirected.values, oracle("pymcdm", "critic"), atol=EXACT)
    np.testing.assert_allclose(weigh_deviation(REFERENCE).values, oracle("pymcdm", "deviation"), atol=EXACT)


def test_hand_computed_grey_grade() -> None:
    # One benefit, 0, 5, 10: gaps 1, ½, 0 → (0 + ½) / (gap + ½) = ⅓, ½, 1.
    matrix = matrix_of([[0], [5], [10]])
    np.testing.assert_allclose(rank_grey(matrix, weigh_equally(matrix)).score, [1 / 3, 1 / 2, 1], atol=EXACT)
    sharper = rank_grey(matrix, weigh_equally(matrix), distinguishing=0.1).score
    np.testing.assert_allclose(sharper, [0.1 / 1.1, 0.1 / 0.6, 1], atol=EXACT)


def test_hand_computed_rank_sum_ratio() -> None:
    # Ranks: x 1, 2.5, 2.5, 4; the cost y 4, 3, 2, 1; halves, over four customers.
    matrix = matrix_of([[1, 10], [2, 20], [2, 30], [9, 40]], costs=(1,))
    score = rank_rsr(matrix, weigh_equally(matrix)).score
    np.testing.assert_allclose(score, [5 / 8, 5.5 / 8, 4.5 / 8, 5 / 8], atol=EXACT)
    spaced = rank_rsr(matrix, weigh_equally(matrix), spacing="interpolated").score
    x, y = 1 + 3 * np.array([0, 1, 1, 8]) / 8, 1 + 3 * np.array([30, 20, 10, 0]) / 30
    np.testing.assert_allclose(spaced, (x + y) / 8, atol=EXACT)


def test_rank_sum_ratio_probits_follow_the_textbook() -> None:
    table = grade_rsr(np.array([0.2, 0.4, 0.6, 0.8, 1.0]))
    probit = 5 + stats.norm.ppf([0.2, 0.4, 0.6, 0.8, 1 - 1 / 20])
    line = stats.linregress(probit, [0.2, 0.4, 0.6, 0.8, 1.0])
    np.testing.assert_allclose(table["score_from"][:2], line.intercept + line.slope * np.array([6, 4]), atol=EXACT)
    assert table["n_customers"].sum() == 5 and table["line_r2"][0] == pytest.approx(line.rvalue**2)


def test_hand_computed_fuzzy_evaluation() -> None:
    # Over the range two grades are the value itself; M(∧,∨) takes the larger of the smaller.
    matrix = matrix_of([[0, 0], [10, 4], [5, 10]])
    weights = take_weights(matrix, {"x0": 0.7, "x1": 0.3})
    flat = rank_fuzzy(matrix, weights, placement="range", grades=("high", "low"))
    np.testing.assert_allclose(flat.score, [0, 0.7 + 0.12, 0.35 + 0.3], atol=EXACT)
    main = rank_fuzzy(matrix, weights, placement="range", grades=("high", "low"), operator="main_factor")
    # second: high max(min(.7, 1), min(.3, .4)) = .7; low max(0, min(.3, .6)) = .3
    np.testing.assert_allclose(main.score, [0, 0.7, 0.5 / (0.5 + 0.5)], atol=EXACT)


def test_fuzzy_over_the_range_is_the_weighted_sum() -> None:
    fuzzy = rank_fuzzy(REFERENCE, GIVEN, placement="range").score
    np.testing.assert_allclose(fuzzy, rank_weighted_sum(REFERENCE, GIVEN).score, atol=EXACT)


def test_hand_computed_data_weights() -> None:
    matrix = matrix_of([[1, 3], [3, 5]])
    np.testing.assert_allclose(weigh_variation(matrix).values, [2 / 3, 1 / 3], atol=EXACT)
    np.testing.assert_allclose(weigh_deviation(matrix).values, [0.5, 0.5], atol=EXACT)
    # x and y say the same, z the contrary: conflicts 0 + 2, 0 + 2, 2 + 2 of equal deviations.
    contrary = weigh_critic(matrix_of([[0, 0, 1], [1, 1, 0], [0, 0, 1]]))
    np.testing.assert_allclose(contrary.values, [0.25, 0.25, 0.5], atol=EXACT)
    with pytest.raises(RefusedError, match="all say the same"):
        weigh_critic(matrix_of([[0, 0], [1, 2], [2, 4]]))
    with pytest.raises(RefusedError, match=r"'x0' has the mean 0"):
        weigh_variation(matrix_of([[-1, 1], [1, 2]]))


def test_game_theory_combination_solves_its_equations() -> None:
    first = take_weights(REFERENCE, dict(zip(REFERENCE.names, [0.1, 0.2, 0.3, 0.4], strict=True)))
    combined = combine_weights(GIVEN, first, rule="game")
    gram = np.array([[a @ b for b in (GIVEN.values, first.values)] for a in (GIVEN.values, first.values)])
    a = np.linalg.solve(gram, np.diag(gram))
    np.testing.assert_allclose(combined.values, a / a.sum() @ np.array([GIVEN.values, first.values]), atol=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rule": "mean"}, "linear, product, geometric, game"),
        ({"shares": [0.5, 0.6]}, "summing to 1"),
        ({"rule": "product", "shares": [0.5, 0.5]}, "takes no shares"),
    ],
)
def test_bad_combinations(options, message) -> None:
    with pytest.raises(UsageError, match=message):
        combine_weights(GIVEN, GIVEN, **options)


methods = st.sampled_from(sorted(RANKINGS))


@settings(max_examples=30, deadline=None)
@given(method=methods, seed=st.integers(0, 10_000))
def test_order_currency_and_dominance(method, seed) -> None:
    """Row order and units change nothing; who is better on everything is never worse; scores start at 0."""
    rng = np.random.default_rng(seed)
    values = rng.lognormal(size=(12, 3))
    values[0], values[1] = values.max(axis=0) * [1.5, 1.5, 1] + [0, 0, 0], values.min(axis=0)
    values[:2, 2] = values[:, 2].min() / 2, values[:, 2].max() * 2
    matrix, weights = matrix_of(values, costs=(2,)), {"x0": 0.5, "x1": 0.3, "x2": 0.2}
    score = rank_by(matrix, take_weights(matrix, weights), method=method).score
    assert score.argmax() == 0 and score.argmin() == 1 and (score >= 0).all()
    order = rng.permutation(12)
    moved = matrix_of((values * [100, 0.01, 7])[order], costs=(2,))
    again = rank_by(moved, take_weights(moved, weights), method=method).score
    np.testing.assert_allclose(again, score[order], atol=1e-9)


@pytest.mark.parametrize("method", sorted(RANKINGS))
def test_rescoring_equals_ranking_again(method) -> None:
    ranking = rank_by(REFERENCE, GIVEN, method=method)
    drawn = np.random.default_rng(3).dirichlet(np.ones(4), size=5)
    for row, scores in zip(drawn, ranking.rescore(drawn), strict=True):
        weights = take_weights(REFERENCE, dict(zip(REFERENCE.names, row / row.sum(), strict=True)))
        np.testing.assert_allclose(scores, rank_by(REFERENCE, weights, method=method).score, atol=1e-12)


def test_main_factor_rescoring_equals_ranking_again() -> None:
    ranking = rank_fuzzy(REFERENCE, GIVEN, operator="main_factor")
    np.testing.assert_allclose(ranking.rescore(WEIGHTS[None, :])[0], ranking.score, atol=EXACT)


@pytest.mark.parametrize("method", sorted(RANKINGS))
def test_all_equal_one_constant_and_ties(method) -> None:
    """Bad inputs 114 and 134: all equal is refused; a constant indicator decides nothing; equals share a rank."""
    equal = matrix_of([[1, 2]] * 3)
    with pytest.raises(RefusedError, match="all customers are equal on every indicator that has weight"):
        rank_by(equal, weigh_equally(equal), method=method)
    matrix = matrix_of([[1, 7], [3, 7], [3, 7], [9, 7]])
    ranking = rank_by(matrix, weigh_equally(matrix), method=method)
    assert ranking.customers()["rank"].tolist() == [1, 2, 2, 4]
    assert np.isfinite(ranking.score).all()
    by_rule = {t: RANKINGS[method](matrix, weigh_equally(matrix), ties=t) for t in ("average", "dense", "by_customer")}
    assert {t: r.customers()["rank"].tolist() for t, r in by_rule.items()} == {
        "average": [1, 2.5, 2.5, 4],
        "dense": [1, 2, 2, 3],
        "by_customer": [1, 2, 3, 4],
    }


def test_topsis_can_reverse_and_the_weighted_sum_of_ranks_says_so() -> None:
    """Leaving out a customer who holds an extreme changes the scale of the others."""
    values = np.array([[1, 5, 3], [4, 2, 3], [4, 3, 2], [5, 1, 9], [2.6, 3.6, 2.6]])
    found = try_reversal(rank_topsis(matrix_of(values), weigh_equally(matrix_of(values))), rng=np.random.default_rng(0))
    assert set(found.trials["trial"]) == {"left_out", "copied"}
    for row in found.trials.itertuples():
        assert row.share_reversed == pytest.approx(row.n_reversed / 6)
    assert found.summary["share_trials"].max() > 0


def test_a_method_that_looks_at_nobody_else_never_reverses() -> None:
    """One indicator: whoever leaves, the order stays."""
    matrix = matrix_of(np.arange(10)[:, None])
    found = try_reversal(rank_weighted_sum(matrix, weigh_equally(matrix)), rng=np.random.default_rng(0))
    assert not found.trials["n_reversed"].any() and [f.key for f in found.findings()] == ["no_rank_reversal"]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=2, max_size=40))
def test_reversed_pairs_are_counted_as_by_hand(pairs) -> None:
    x, y = np.array(pairs, dtype=float).T
    by_hand = sum((x[i] - x[j]) * (y[i] - y[j]) < 0 for i in range(len(x)) for j in range(i))
    assert count_reversed(x, y) == by_hand


def test_agreement_equals_scipy_and_sklearn() -> None:
    found = compare_rankings(REFERENCE, GIVEN, methods=("topsis", "vikor"), shares=(0.34, 0.67), labels="ABC")
    a, b = (found.rankings[m].score for m in ("topsis", "vikor"))
    assert found.pairs["rank_tau"][0] == pytest.approx(stats.kendalltau(a, b).statistic)
    tiers = [np.searchsorted([0.34 * 6, 0.67 * 6], stats.rankdata(-s, method="min") - 1, side="right") for s in (a, b)]
    assert found.pairs["kappa"][0] == pytest.approx(cohen_kappa_score(*tiers))
    assert found.pairs["share_same_tier"][0] == (tiers[0] == tiers[1]).mean()
    assert cohen_kappa(tiers[0], tiers[0]) == 1


def test_fleiss_kappa_of_the_1971_example() -> None:
    """Fleiss (1971)-style table of ten subjects and fourteen raters: κ = .21 (Wikipedia, Fleiss' kappa)."""
    counts = [
        *([0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1]),
        *([7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]),
    ]
    classes = np.array([np.repeat(np.arange(5), row) for row in counts])
    assert fleiss_kappa(classes) == pytest.approx(0.210, abs=5e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rank_by(REFERENCE, GIVEN, method="topsiss"), "no ranking method 'topsiss'; nearest: topsis"),
        (lambda: rank_topsis(REFERENCE, GIVEN, ties="first"), "min, average, dense, by_customer"),
        (lambda: rank_vikor(REFERENCE, GIVEN, compromise=2), "compromise=2"),
        (lambda: rank_grey(REFERENCE, GIVEN, distinguishing=0), "distinguishing=0"),
        (lambda: rank_fuzzy(REFERENCE, GIVEN, grades=("one",)), "grades"),
        (lambda: rank_fuzzy(REFERENCE, GIVEN, operator="max"), "weighted_mean, main_factor"),
        (lambda: rank_rsr(REFERENCE, GIVEN, spacing="half"), "integer, interpolated"),
        (lambda: compare_rankings(REFERENCE, GIVEN, methods=("topsis",)), "1 methods"),
        (lambda: weigh(REFERENCE, weighting="ahpp"), "weighting='ahpp' is unknown"),
        (lambda: weigh_critic(REFERENCE, correlation="kendall"), "pearson, spearman"),
    ],
)
def test_bad_options_name_what_there_is(call, message) -> None:
    with pytest.raises(UsageError, match=message):
        call()


def test_one_whale_leaves_the_rest_to_tell_apart() -> None:
    """Bad input 113: min-max squeezes everyone else; the rank-sum ratio keeps their places apart."""
    values = np.column_stack([np.r_[1e9, np.arange(1, 20)], np.r_[5, np.arange(19, 0, -1) % 7]])
    matrix = matrix_of(values)
    squeezed, ranks = (m(matrix, weigh_equally(matrix)).score[1:] for m in (rank_topsis, rank_rsr))
    assert np.isfinite(squeezed).all() and np.ptp(ranks) > 0.3
