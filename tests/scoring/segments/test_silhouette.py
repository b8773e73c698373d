import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import silhouette_samples as sklearn_silhouettes

from crmresearch.scoring.segments.silhouette import silhouette_samples

SAME = 1e-12  # one definition, two orders of summing


def test_silhouettes_by_hand():
    """0, 1 | 10, 11: the first has a = 1, b = 10.5, so 9.5 / 10.5."""
    got = silhouette_samples(np.array([[0.0], [1.0], [10.0], [11.0]]), np.array([[0, 0, 1, 1]]))
    np.testing.assert_allclose(got, [[9.5 / 10.5, 8.5 / 9.5, 8.5 / 9.5, 9.5 / 10.5]])


@pytest.mark.parametrize("n", [40, 300, 700])
def test_many_labelings_at_once_equal_scikit_learn(n):
    rng = np.random.default_rng(n)
    x = rng.normal(size=(n, 5))
    labelings = np.stack([np.concatenate([np.arange(k), rng.integers(k, size=n - k)]) for k in range(2, 9)])
    got = silhouette_samples(x, labelings)
    expected = np.stack([sklearn_silhouettes(x, labels) for labels in labelings])
    np.testing.assert_allclose(got, expected, atol=SAME)


def test_alone_in_its_group_is_zero():
    assert silhouette_samples(np.array([[0.0], [1.0], [5.0]]), np.array([[0, 0, 1]]))[0, 2] == 0


def test_identical_rows_in_different_groups_are_zero():
    assert silhouette_samples(np.zeros((4, 2)), np.array([[0, 0, 1, 1]])).tolist() == [[0, 0, 0, 0]]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_shifting_and_relabelling_change_nothing(seed):
    rng = np.random.default_rng(seed)
    x, labels = rng.normal(size=(30, 3)), np.concatenate([[0, 1, 2], rng.integers(3, size=27)])
    one = silhouette_samples(x, labels[None])
    np.testing.assert_allclose(silhouette_samples(x * 3 + 1, (2 - labels)[None]), one, atol=1e-9)
