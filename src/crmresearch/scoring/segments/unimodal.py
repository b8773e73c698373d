"""Reference data that are one single cloud: normal, flat, or with each feature's own one-humped shape."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import optimize, stats

Null = Literal["one_unimodal_cloud", "one_normal_cloud", "one_flat_cloud"]
NULLS: tuple[Null, ...] = ("one_unimodal_cloud", "one_normal_cloud", "one_flat_cloud")
_MOST_BINS = 60


def draw_clouds(x: np.ndarray, n: int, *, null: Null, rng: np.random.Generator) -> np.ndarray:
    """Draw ``n`` data sets of the size of ``x`` in which there is one cloud.

    Parameters
    ----------
    x : np.ndarray, shape (n_points, n_features)
    n : int
    null : {"one_unimodal_cloud", "one_normal_cloud", "one_flat_cloud"}
        Normal: the means and covariances of ``x``. Flat: uniform within an ellipsoid, with the means and
        covariances of the values pulled in to their 2.5 and 97.5 % quantiles, so that one far customer does
        not stretch it. Unimodal: a normal copula with the rank correlations
        of ``x``, each feature following the density with one hump that is likeliest for its values (steps
        of equal counts, rising to a mode and falling after it), at its own mean and variance.
    rng : np.random.Generator

    Returns
    -------
    np.ndarray, shape (n, n_points, n_features)

    References
    ----------
    Robertson, T., Wright, F. T. & Dykstra, R. L. (1988). Order restricted statistical inference. Wiley.

    Helgeson, E. S., Vock, D. M. & Bair, E. (2021). Nonparametric cluster significance testing with reference
    to a unimodal null distribution. Biometrics 77, 1215–1226. https://doi.org/10.1111/biom.13376
    """
    if null == "one_normal_cloud":
        covariance = np.cov(x, rowvar=False).reshape(x.shape[1], -1)
        return rng.multivariate_normal(x.mean(axis=0), covariance, (n, len(x)))
    if null == "one_flat_cloud":
        p = x.shape[1]
        z = rng.normal(size=(n, len(x), p))
        z *= np.sqrt(p + 2) * rng.random((n, len(x), 1)) ** (1 / p) / np.linalg.norm(z, axis=2, keepdims=True)
        inner = np.clip(x, *np.quantile(x, [0.025, 0.975], axis=0))
        variances, axes = np.linalg.eigh(np.cov(inner, rowvar=False).reshape(p, -1))
        return inner.mean(axis=0) + (z * np.sqrt(np.maximum(variances, 0))) @ axes.T
    scores = stats.norm.ppf((stats.rankdata(x, axis=0) - 0.5) / len(x))
    r = np.corrcoef(scores, rowvar=False).reshape(x.shape[1], -1)
    z = rng.multivariate_normal(np.zeros(x.shape[1]), r, (n, len(x)))
    for j in range(x.shape[1]):
        grid, cumulative = _one_hump(x[:, j])
        spread = np.diff(cumulative)
        middle = (grid[1:] + grid[:-1]) / 2
        mean = (middle * spread).sum()
        sd = np.sqrt(((middle - mean) ** 2 * spread).sum())
        drawn = np.interp(stats.norm.cdf(z[:, :, j]), cumulative, grid)
        z[:, :, j] = x[:, j].mean() + (drawn - mean) * (x[:, j].std() / sd)
    return z


def _one_hump(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Edges and distribution function of the one-humped density nearest to that of the values."""
    spread = spread_ties(values)
    n_bins = int(np.clip(1.5 * np.sqrt(len(spread)), 2, _MOST_BINS))
    each = len(spread) // n_bins  # in the outer bins every value is an edge: one far value is no wide step
    inner = np.quantile(spread, np.linspace(0, 1, n_bins + 1))
    edges = np.unique(np.concatenate([inner, spread[:each], spread[-each:]]))
    mass = np.histogram(spread, edges)[0] / len(spread)
    density = one_humped(mass / np.diff(edges), np.diff(edges))
    cumulative = np.concatenate([[0.0], np.cumsum(density * np.diff(edges))])
    return edges, cumulative / cumulative[-1]


def one_humped(density: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Fit by likelihood a step density that rises to one bin and falls after it.

    >>> one_humped(np.array([1.0, 4, 2, 6, 1]), np.ones(5)).tolist()
    [1.0, 3.0, 3.0, 6.0, 1.0]
    """
    best, found = -np.inf, density
    for mode in range(len(density)):
        left = optimize.isotonic_regression(density[: mode + 1], weights=width[: mode + 1]).x
        right = optimize.isotonic_regression(density[mode:], weights=width[mode:], increasing=False).x
        fit = np.concatenate([left[:-1], [max(left[-1], right[0])], right[1:]])
        fit = fit / (fit * width).sum() * (density * width).sum()
        log = float((density * width * np.log(np.maximum(fit, 1e-300))).sum())
        if log > best + 1e-12:
            best, found = log, fit
    return found


def spread_ties(values: np.ndarray) -> np.ndarray:
    """Spread equal values evenly between the middles to their neighbours, so that a step is no hump.

    >>> spread_ties(np.array([0.0, 0.0, 1.0, 1.0])).tolist()
    [0.0, 0.25, 0.75, 1.0]
    """
    distinct, count = np.unique(values, return_counts=True)
    if len(distinct) == len(values):
        return distinct
    middle = (distinct[1:] + distinct[:-1]) / 2
    low, high = np.r_[distinct[0], middle], np.r_[middle, distinct[-1]]
    place = [
        np.linspace(a, b, n + 2)[1:-1] if 0 < i < len(count) - 1 else np.linspace(a, b, n + 1)[: n + 1]
        for i, (a, b, n) in enumerate(zip(low, high, count, strict=True))
    ]
    place[0], place[-1] = place[0][:-1], place[-1][1:]
    return np.concatenate(place)
