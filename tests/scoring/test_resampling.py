"""Resampling and shares, shared by the wings: draws, counts, bounds, Wilson's interval."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from crmresearch.errors import UsageError
from crmresearch.scoring.resampling import (
    batches,
    bootstrap,
    bootstrap_counts,
    bootstrap_interval,
    count_rows,
    percentile_bounds,
)
from crmresearch.scoring.shares import wilson


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_bootstrap_of_a_mean_has_its_known_error() -> None:
    values = np.random.default_rng(2).normal(size=400)
    low, high = bootstrap_interval(lambda rows: values[rows].mean(axis=1), 400, rng=rng(), resamples=2000)
    assert (high - low) / 2 == pytest.approx(1.96 * values.std() / 20, rel=0.08)


def test_draws_do_not_depend_on_the_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.arange(30.0)
    whole = bootstrap(lambda rows: values[rows].sum(axis=1), 30, rng=rng(), resamples=120)
    monkeypatch.setattr("crmresearch.scoring.resampling._NUMBERS_AT_ONCE", 210)
    assert list(batches(10, 30)) == [7, 3]
    np.testing.assert_array_equal(bootstrap(lambda rows: values[rows].sum(axis=1), 30, rng=rng(), resamples=120), whole)
    one_by_one = rng()
    np.testing.assert_array_equal([values[one_by_one.integers(0, 30, 30)].sum() for _ in range(120)], whole)


def test_counts_are_those_of_the_rows_drawn() -> None:
    values = np.arange(30.0)
    rows = bootstrap(lambda rows: values[rows].sum(axis=1), 30, rng=rng(), resamples=600)
    np.testing.assert_array_equal(bootstrap_counts(lambda times: times @ values, 30, rng=rng(), resamples=600), rows)


def test_groups_are_counted_and_weighed_by_row() -> None:
    groups, weights = np.array([[0, 2, 2], [1, 1, 1]]), np.array([[1.0, 2, 3], [4, 5, 6]])
    assert count_rows(groups, 3).tolist() == [[1, 0, 2], [0, 3, 0]]
    assert count_rows(groups, 3, weights).tolist() == [[1, 0, 5], [0, 15, 0]]


def test_draws_without_a_value_are_left_out() -> None:
    draws = np.array([[1.0, np.nan, np.nan], [2.0, 5.0, np.nan], [3.0, 7.0, np.nan]])
    np.testing.assert_allclose(percentile_bounds(draws, 0.9), [[1.1, 5.1, np.nan], [2.9, 6.9, np.nan]])


@pytest.mark.parametrize("options", [{"resamples": 99}, {"confidence": 1.0}, {"confidence": 95}])
def test_an_interval_needs_resamples_and_a_level(options: dict) -> None:
    with pytest.raises(UsageError, match=r"too few for an interval|is not a level"):
        bootstrap_interval(lambda rows: rows.mean(axis=1), 10, rng=rng(), **options)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_wilson_against_statsmodels(confidence: float) -> None:
    k, n = np.array([0, 3, 61, 12]), np.array([7, 11, 521, 12])
    share, low, high = wilson(k, n, confidence)
    expected = proportion_confint(k, n, alpha=1 - confidence, method="wilson")
    np.testing.assert_allclose([low, high], expected, atol=1e-12)
    np.testing.assert_array_equal(share, k / n)
    assert np.isnan(wilson(0, 0)).all()
