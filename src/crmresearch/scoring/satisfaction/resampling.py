"""Resamples of respondents, as how often each is drawn, and the moments of all of them at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

_AT_ONCE = 100


def draw_resamples(n: int, resamples: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """How often each of ``n`` respondents is in each resample, a hundred resamples at a time."""
    for begin in range(0, resamples, _AT_ONCE):
        yield rng.multinomial(n, np.full(n, 1 / n), size=min(_AT_ONCE, resamples - begin)).astype(float)


def weighted_covariances(x: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means and covariance matrices (over n) of each resample.

    Parameters
    ----------
    x : np.ndarray, shape (n, p)
    times : np.ndarray, shape (B, n)

    Returns
    -------
    tuple[np.ndarray, np.ndarray], shapes (B, p) and (B, p, p)
    """
    n = len(x)
    centre = x.mean(axis=0)
    y = x - centre
    mean = times @ y / n
    products = (y[:, :, None] * y[:, None, :]).reshape(n, -1)
    second = (times @ products).reshape(len(times), x.shape[1], x.shape[1]) / n
    return mean + centre, second - mean[:, :, None] * mean[:, None, :]


def weighted_correlations(x: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Correlation matrix of each resample; NaN where a column does not vary in it."""
    covariance = weighted_covariances(x, times)[1]
    spread = np.sqrt(np.maximum(np.einsum("bii->bi", covariance), 0))
    with np.errstate(invalid="ignore", divide="ignore"):
        return covariance / (spread[:, :, None] * spread[:, None, :])


def percentile_bounds(drawn: np.ndarray, confidence: float) -> np.ndarray:
    """Percentile interval along the first axis, resamples without a value left out; shape (2, …)."""
    return np.nanquantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
