"""Means, covariances and correlations of many weighted samples of the same respondents at once."""

from __future__ import annotations

import numpy as np


def weighted_means(x: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Mean of each column over its known answers in each resample; shape (B, p)."""
    seen = np.isfinite(x)
    return times @ np.where(seen, x, 0.0) / np.maximum(times @ seen, 1)


def weighted_covariances(x: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Covariance matrix (over the number drawn) of each resample; (n, p) and (B, n) → (B, p, p)."""
    y, upper = x - x.mean(axis=0), np.triu_indices(x.shape[1])
    total = times.sum(axis=1, keepdims=True)
    mean = times @ y / total
    place = np.zeros((x.shape[1],) * 2, dtype=int)
    place[upper] = place.T[upper] = np.arange(len(upper[0]))
    products = times @ (y[:, upper[0]] * y[:, upper[1]]) / total
    return products[:, place] - mean[:, :, None] * mean[:, None, :]


def weighted_correlations(x: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Correlation matrix of each resample; NaN where a column does not vary in it."""
    covariance = weighted_covariances(x, times)
    spread = np.sqrt(np.maximum(np.einsum("bii->bi", covariance), 0))
    with np.errstate(invalid="ignore", divide="ignore"):
        return covariance / (spread[:, :, None] * spread[:, None, :])
