from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from crmresearch.errors import RefusedError, UsageError
from crmresearch.scoring.value.indicators import IndicatorMatrix, build_indicators
from crmresearch.scoring.value.ranking import rank_topsis
from crmresearch.scoring.value.weights import take_weights, weigh_equally

PUBLISHED = 1e-4  # digits printed by the source
ORACLE = 1e-12


def matrix_of(values, directions: str = "") -> IndicatorMatrix:
    values = np.asarray(values, dtype=float)
    names = [f"x{j}" for j in range(values.shape[1])]
    table = pd.DataFrame(values, columns=names)
    table.insert(0, "customer_id", [f"c{i:06d}" for i in range(len(values))])
    signs = directions or "+" * len(names)
    return build_indicators(
        table, directions={n: "benefit" if s == "+" else "cost" for n, s in zip(names, signs, strict=True)}
    )


def weights_of(matrix: IndicatorMatrix, *values: float):
    return take_weights(matrix, dict(zip(matrix.names, values, strict=True)))


def test_rank_topsis_tzeng2011multiple() -> None:
    """Tzeng and Huang (2011), Multiple Attribute Decision Making, the four alternatives of the TOPSIS chapter."""
    matrix = matrix_of([[5, 8, 4], [7, 6, 8], [8, 8, 6], [7, 4, 6]])
    ranking = rank_topsis(matrix, weights_of(matrix, 0.3, 0.4, 0.3))
    np.testing.assert_allclose(ranking.score, [0.5037, 0.6581, 0.7482, 0.3340], atol=PUBLISHED)
    assert ranking.customers()["customer_id"].tolist() == ["c000002", "c000001", "c000000", "c000003"]


def test_hand_computed_with_a_cost() -> None:
    # minmax, equal weights: the customers lie at (1, 1), (0, 0) and (½, 0) between worst (0, 0) and best (1, 1).
    matrix = matrix_of([[20, 1], [0, 5], [10, 5]], "+-")
    score = rank_topsis(matrix, weigh_equally(matrix), normalisation="minmax").score
    far, near = 0.5, np.hypot(0.5, 1)
    np.testing.assert_allclose(score, [1, 0, far / (far + near)], atol=ORACLE)


@pytest.mark.parametrize("normalisation", ["vector", "minmax", "none"])
def test_against_scikit_criteria(normalisation) -> None:
    topsis = pytest.importorskip("skcriteria.agg.topsis", reason="the oracle is not installed").topsis
    values = np.random.default_rng(2).lognormal(0, 1, size=(20_000, 4))  # more rows than a chunk
    weights = np.array([0.1, 0.2, 0.3, 0.4])
    matrix = matrix_of(values, "+-+-")
    size = {"vector": np.linalg.norm(values, axis=0), "minmax": np.ptp(values, axis=0), "none": 1.0}[normalisation]
    _, _, _, expected = topsis(values / size, [1, -1, 1, -1], weights)
    score = rank_topsis(matrix, weights_of(matrix, *weights), normalisation=normalisation).score
    np.testing.assert_allclose(score, expected, atol=ORACLE)


def test_ties_share_the_better_rank() -> None:
    matrix = matrix_of([[1, 1], [3, 3], [3, 3], [2, 2]])
    customers = rank_topsis(matrix, weigh_equally(matrix)).customers()
    assert customers["rank"].tolist() == [1, 1, 3, 4]
    assert customers["customer_id"].tolist() == ["c000001", "c000002", "c000003", "c000000"]


def test_rescore_with_the_same_weights_gives_the_same_scores() -> None:
    matrix = matrix_of(np.random.default_rng(1).random((50, 3)), "+-+")
    ranking = rank_topsis(matrix, weights_of(matrix, 0.2, 0.3, 0.5))
    other = weights_of(matrix, 0.5, 0.5, 0.0)
    again = ranking.rescore(np.array([ranking.weights.values, other.values]))
    np.testing.assert_allclose(again, [ranking.score, rank_topsis(matrix, other).score], atol=ORACLE)


def test_constant_indicator_adds_nothing() -> None:
    values = np.array([[1.0, 7], [2, 7], [4, 7]])
    with_constant, alone = matrix_of(values), matrix_of(values[:, :1])
    np.testing.assert_allclose(
        rank_topsis(with_constant, weigh_equally(with_constant)).score,
        rank_topsis(alone, weigh_equally(alone)).score,
        atol=ORACLE,
    )


def test_all_equal_is_refused() -> None:
    matrix = matrix_of([[1, 2], [1, 3]])
    with pytest.raises(RefusedError, match="all customers are equal"):
        rank_topsis(matrix, weights_of(matrix, 1.0, 0.0))


def test_weights_of_other_indicators() -> None:
    matrix, other = matrix_of([[1, 2], [2, 1]]), matrix_of([[1, 2, 3], [2, 1, 0]])
    with pytest.raises(UsageError, match="weights are for x0, x1, x2; indicators are x0, x1"):
        rank_topsis(matrix, weigh_equally(other))


def test_unknown_normalisation() -> None:
    matrix = matrix_of([[1, 2], [2, 1]])
    with pytest.raises(UsageError, match="Choose from: vector, minmax, none"):
        rank_topsis(matrix, weigh_equally(matrix), normalisation="max")


values_of = arrays(float, st.tuples(st.integers(2, 12), st.just(3)), elements=st.integers(0, 50).map(float)).filter(
    lambda v: (v.max(axis=0) > v.min(axis=0)).all()
)


@settings(max_examples=20, deadline=None)
@given(values=values_of, normalisation=st.sampled_from(["vector", "minmax"]))
def test_scores_are_shares_and_ignore_the_currency(values, normalisation) -> None:
    matrix, dollars = matrix_of(values, "+-+"), matrix_of(values * [7.25, 1, 1], "+-+")
    score, in_dollars = (rank_topsis(m, weigh_equally(m), normalisation=normalisation).score for m in (matrix, dollars))
    assert ((score >= 0) & (score <= 1)).all()
    np.testing.assert_allclose(score, in_dollars, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(values=values_of)
def test_better_on_everything_never_ranks_lower(values) -> None:
    """Any customer that dominates another has at least its score."""
    matrix = matrix_of(values, "+-+")
    score = rank_topsis(matrix, weigh_equally(matrix)).score
    good = values * [1, -1, 1]
    dominates = (good[:, None] >= good[None]).all(axis=2)
    assert (score[:, None] - score[None])[dominates].min() >= -ORACLE
