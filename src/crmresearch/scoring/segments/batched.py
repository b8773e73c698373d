"""Many k-means fits at once: every resample, every start, in one set of array operations."""

from __future__ import annotations

import numpy as np

_FLOATS_AT_ONCE = 4_000_000  # distances held at a time: 32 MB


def cluster_batches(
    x: np.ndarray, weights: np.ndarray, k: int, *, n_starts: int, rng: np.random.Generator, max_rounds: int = 100
) -> np.ndarray:
    """Fit k-means to many weightings of the same rows, or to many data sets of one size.

    Parameters
    ----------
    x : np.ndarray, shape (n, n_features) or (n_batches, n, n_features)
        Rows all batches share, or the rows of each batch.
    weights : np.ndarray, shape (n_batches, n)
        How often each row counts; a row of weight 0 is still given to its nearest centre.
    k : int
    n_starts : int
        k-means++ starts of each batch; the smallest within sum of squares is kept.
    rng : np.random.Generator
    max_rounds : int
        Lloyd rounds at most; a start is finished when no row changes its group.

    Returns
    -------
    np.ndarray of int, shape (n_batches, n)
        Group of each row, 0 to k − 1. A group that loses all its rows keeps its centre.

    Examples
    --------
    >>> x = np.array([[0.0], [1.0], [10.0]])
    >>> labels = cluster_batches(x, np.ones((2, 3)), 2, n_starts=2, rng=np.random.default_rng(0))
    >>> (labels[:, 0] == labels[:, 1]).all(), (labels[:, 0] != labels[:, 2]).all()
    (np.True_, np.True_)
    """
    n_batches, n = weights.shape
    step = max(1, _FLOATS_AT_ONCE // (n * k * n_starts))
    labels = np.empty((n_batches, n), dtype=np.int64)
    for begin in range(0, n_batches, step):  # blocks of batches bound the memory
        block = slice(begin, min(begin + step, n_batches))
        rows = x[block] if x.ndim == 3 else x[None]
        labels[block] = _best_start(rows, weights[block], k, n_starts, rng, max_rounds)
    return labels


def _best_start(
    x: np.ndarray, weights: np.ndarray, k: int, n_starts: int, rng: np.random.Generator, max_rounds: int
) -> np.ndarray:
    if len(x) > 1:
        x = np.repeat(x, n_starts, axis=0)
    weights = np.repeat(weights, n_starts, axis=0)
    length = np.einsum("bnp,bnp->bn", x, x)
    centres = _spread_centres(x, length, weights, k, rng)
    labels, inertia = _settle(x, length, weights, centres, max_rounds)
    best = inertia.reshape(-1, n_starts).argmin(axis=1) + np.arange(0, len(labels), n_starts)
    return labels[best]


def _squared_distance(x: np.ndarray, length: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Squared distances of rows to centres, shape (n_batches, n, k)."""
    products = np.matmul(x, centres.transpose(0, 2, 1))
    products *= -2
    products += length[:, :, None]
    products += np.einsum("bkp,bkp->bk", centres, centres)[:, None, :]
    return np.maximum(products, 0, out=products)


def _spread_centres(
    x: np.ndarray, length: np.ndarray, weights: np.ndarray, k: int, rng: np.random.Generator
) -> np.ndarray:
    """Seed by k-means++: each next centre is a row drawn with chance proportional to weight × squared distance."""
    n_batches, each = len(weights), np.arange(len(weights))
    centres = np.empty((n_batches, k, x.shape[2]))
    nearest = np.ones_like(weights)
    for j in range(k):
        mass = np.cumsum(weights * nearest, axis=1)
        mass = np.where(mass[:, -1:] > 0, mass, np.cumsum(weights, axis=1))  # fewer distinct rows than k
        drawn = (mass <= rng.random(n_batches)[:, None] * mass[:, -1:]).sum(axis=1)
        centres[:, j] = x[each if len(x) > 1 else 0, drawn]
        distance = _squared_distance(x, length, centres[:, j : j + 1])[:, :, 0]
        nearest = distance if j == 0 else np.minimum(nearest, distance)
    return centres


def _settle(
    x: np.ndarray, length: np.ndarray, weights: np.ndarray, centres: np.ndarray, max_rounds: int
) -> tuple[np.ndarray, np.ndarray]:
    """Run Lloyd rounds until no batch changes; return labels and within sums of squares."""
    n_batches, k, n_features = centres.shape
    labels = np.full(weights.shape, -1, dtype=np.int64)
    inertia = np.zeros(n_batches)
    active = np.arange(n_batches)
    for _ in range(max_rounds):
        own = x[active] if len(x) > 1 else x
        distance = _squared_distance(own, length[active] if len(x) > 1 else length, centres[active])
        found = distance.argmin(axis=2)
        inertia[active] = (np.take_along_axis(distance, found[:, :, None], 2)[:, :, 0] * weights[active]).sum(axis=1)
        moved = (found != labels[active]).any(axis=1)
        labels[active] = found
        if not moved.any():
            break
        active, found = active[moved], found[moved]
        own = own[moved] if len(x) > 1 else own
        centres[active] = _means(own, weights[active], found, centres[active])
    return labels, inertia


def _means(x: np.ndarray, weights: np.ndarray, labels: np.ndarray, centres: np.ndarray) -> np.ndarray:
    n_batches, k, n_features = centres.shape
    place = (labels + np.arange(n_batches)[:, None] * k).ravel()
    size = np.bincount(place, weights=weights.ravel(), minlength=n_batches * k)
    totals = [
        np.bincount(place, weights=(weights * x[:, :, f]).ravel(), minlength=n_batches * k) for f in range(n_features)
    ]
    means = np.stack(totals, axis=1) / np.maximum(size, 1e-300)[:, None]
    return np.where((size > 0)[:, None], means, centres.reshape(-1, n_features)).reshape(centres.shape)
