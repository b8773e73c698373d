from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from crmresearch.errors import RefusedError, UsageError
from crmresearch.scoring.value.indicators import IndicatorMatrix, build_indicators
from crmresearch.scoring.value.weights import (
    ENTROPY_PRESETS,
    compare_weights,
    take_weights,
    weigh_entropy,
    weigh_equally,
)

PUBLISHED = 1e-5  # digits printed by the source
ORACLE = 1e-12


def matrix_of(values, directions=None) -> IndicatorMatrix:
    values = np.asarray(values, dtype=float)
    names = [f"x{j}" for j in range(values.shape[1])]
    table = pd.DataFrame(values, columns=names)
    table.insert(0, "customer_id", [f"c{i:05d}" for i in range(len(values))])
    return build_indicators(table, directions=directions or dict.fromkeys(names, "benefit"))


def test_weigh_entropy_skcriteria() -> None:
    """The two-by-two matrix of scikit-criteria's test of its EntropyWeighter."""
    weights = weigh_entropy(matrix_of([[1, 2], [4, 16]]), **ENTROPY_PRESETS["scikit_criteria"])
    np.testing.assert_allclose(weights.values, [0.358889, 0.641111], atol=PUBLISHED)


def test_hand_computed_minmax() -> None:
    # Benefit 0, 1, 1 → p = 0, ½, ½; cost 3, 3, 0 → y = 0, 0, 1: all in one.
    weights = weigh_entropy(matrix_of([[0, 3], [5, 3], [5, 0]], {"x0": "benefit", "x1": "cost"}))
    entropy = np.log(2) / np.log(3)
    np.testing.assert_allclose(weights.table["entropy"], [entropy, 0], atol=ORACLE)
    np.testing.assert_allclose(weights.values, [(1 - entropy) / (2 - entropy), 1 / (2 - entropy)], atol=ORACLE)


def test_spssau_shifts_only_columns_with_nonpositive_values() -> None:
    values = np.array([[-3.0, 1.0], [0.0, 2.0], [4.0, 9.0]])
    shifted = values.copy()
    shifted[:, 0] += 3.01
    p = shifted / shifted.sum(axis=0)
    redundancy = 1 + (p * np.log(p)).sum(axis=0) / np.log(3)
    weights = weigh_entropy(matrix_of(values), **ENTROPY_PRESETS["spssau"])
    np.testing.assert_allclose(weights.values, redundancy / redundancy.sum(), atol=ORACLE)


def test_pymcdm_gives_an_indicator_with_a_zero_the_largest_redundancy() -> None:
    weights = weigh_entropy(matrix_of([[0, 1], [1, 2], [1, 3]]), **ENTROPY_PRESETS["pymcdm"])
    assert weights.table["redundancy"].tolist()[0] == 1
    assert weights.values[0] > 0.8


def test_against_scikit_criteria() -> None:
    weighters = pytest.importorskip("skcriteria.preprocessing.weighters", reason="the oracle is not installed")
    values = np.random.default_rng(4).lognormal(0, 1, size=(70_000, 4))  # more rows than a chunk
    ours = weigh_entropy(matrix_of(values), **ENTROPY_PRESETS["scikit_criteria"]).values
    np.testing.assert_allclose(ours, weighters.entropy_weights(values), atol=ORACLE)


def test_entropy_near_one_keeps_its_digits() -> None:
    """Redundancy of 1 ± h is h² / 2 ln 2 to first order; by 1 - e it would be lost in rounding."""
    h = 1e-7
    table = weigh_entropy(matrix_of([[1 - h, 1], [1 + h, 3]]), **ENTROPY_PRESETS["scikit_criteria"]).table
    assert table.loc[0, "redundancy"] == pytest.approx(h**2 / (2 * np.log(2)), rel=0.05)


def test_constant_indicator_has_weight_zero_or_is_refused() -> None:
    matrix = matrix_of([[0.1, 1], [0.1, 2], [0.1, 3]])
    weights = weigh_entropy(matrix)
    assert weights.values.tolist() == [0, 1]
    assert [f.values for f in weights.findings() if f.key == "constant_indicator"] == [{"indicator": "x0"}]
    with pytest.raises(RefusedError, match=r"'x0' is 0\.1 for every customer"):
        weigh_entropy(matrix, constant="refuse")


def test_all_constant_is_refused() -> None:
    with pytest.raises(RefusedError, match="every indicator is the same"):
        weigh_entropy(matrix_of([[1, 2], [1, 2]]))


def test_negative_values_need_a_declared_shift() -> None:
    with pytest.raises(RefusedError, match=r"'x0' has 2 negative values \(least -3\).*declare a shift_rule"):
        weigh_entropy(matrix_of([[-3, 1], [-1, 2], [4, 9]]), normalisation="sum")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"normalisation": "max"}, "Choose from: sum, minmax"),
        ({"shift_rule": "some"}, "none, every_column, nonpositive_columns"),
        ({"shift": 0.01}, "shift=0.01 with shift_rule='none'"),
        ({"shift_rule": "every_column"}, "shift=0.0 with"),
        ({"zeros": "drop"}, "limit, zero_entropy"),
        ({"constant": "keep"}, "zero_weight, refuse"),
    ],
)
def test_bad_options(options, message) -> None:
    with pytest.raises(UsageError, match=message):
        weigh_entropy(matrix_of([[1, 2], [2, 1]]), **options)


def test_recipe_tells_what_changes_the_answer() -> None:
    weights = weigh_entropy(matrix_of([[1, 2], [2, 5]]), **ENTROPY_PRESETS["minmax_shifted"])
    assert weights.recipe.options == {
        "normalisation": "minmax",
        "shift_rule": "every_column",
        "shift": 0.01,
        "zeros": "limit",
        "constant": "zero_weight",
    }


def test_comparison_lists_refusals() -> None:
    comparison = compare_weights(matrix_of([[-3, 1], [-1, 2], [4, 9]]))
    refused = ["scikit_criteria", "pymcdm", "variation"]  # the mean of the first column is 0
    assert comparison.refusals["weighting"].tolist() == refused
    assert comparison.table.groupby("weighting")["weight"].sum().loc[
        ["equal", "spssau", "minmax_shifted"]
    ].tolist() == (pytest.approx([1, 1, 1]))
    assert [f.values["recipe"] for f in comparison.findings() if f.key == "recipe_refused"] == refused


def test_given_weights_are_taken_by_name() -> None:
    assert take_weights(matrix_of([[1, 2], [2, 1]]), {"x1": 0.75, "x0": 0.25}).values.tolist() == [0.25, 0.75]


@pytest.mark.parametrize(
    ("given_weights", "message"),
    [
        ({"x0": 0.5, "x1": 0.4}, "sum to 0.9, not 1"),
        ({"x0": 1.5, "x1": -0.5}, "'x1' is -0.5"),
        ({"x0": 1.0}, "no weight for indicator 'x1'"),
        ({"x0": 0.5, "x1": 0.5, "x9": 0.0}, "unknown indicator 'x9'"),
        ({"x0": float("nan"), "x1": 0.5}, "is nan"),
    ],
)
def test_given_weights_are_never_rescaled(given_weights, message) -> None:
    with pytest.raises(UsageError, match=message):
        take_weights(matrix_of([[1, 2], [2, 1]]), given_weights)


def test_equal_weights() -> None:
    assert weigh_equally(matrix_of([[1, 2, 3], [3, 2, 1]])).values.tolist() == [1 / 3] * 3


values_of = arrays(
    float, st.tuples(st.integers(2, 12), st.integers(2, 4)), elements=st.integers(1, 50).map(float)
).filter(lambda v: (v.max(axis=0) > v.min(axis=0)).any())


@settings(max_examples=20, deadline=None)
@given(values=values_of, preset=st.sampled_from(sorted(ENTROPY_PRESETS)), seed=st.integers(0, 99))
def test_weights_sum_to_one_whatever_the_order_and_the_currency(values, preset, seed) -> None:
    weights = weigh_entropy(matrix_of(values), **ENTROPY_PRESETS[preset]).values
    assert weights.sum() == pytest.approx(1) and (weights >= 0).all()
    shuffled = np.random.default_rng(seed).permutation(values) * [100.0] + 0
    np.testing.assert_allclose(weigh_entropy(matrix_of(shuffled), **ENTROPY_PRESETS[preset]).values, weights, atol=1e-9)
