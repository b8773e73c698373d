"""Reference data that are one single cloud: a normal one, or one with each feature's own one-humped shape."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import ndimage, stats

Null = Literal["one_unimodal_cloud", "one_normal_cloud"]
_CELLS, _MARGIN = 512, 0.25
_HALVINGS = 18


def draw_clouds(x: np.ndarray, n: int, *, null: Null, rng: np.random.Generator) -> np.ndarray:
    """Draw ``n`` data sets of the size of ``x`` in which there is one cloud.

    Parameters
    ----------
    x : np.ndarray, shape (n_points, n_features)
    n : int
    null : {"one_unimodal_cloud", "one_normal_cloud"}
        Normal: the means and covariances of ``x``. Unimodal: a normal copula with the rank correlations
        of ``x``, each feature following the least smoothing of its own distribution that has one hump
        (the kernel estimate at the critical bandwidth), rescaled to its own mean and variance.
    rng : np.random.Generator

    Returns
    -------
    np.ndarray, shape (n, n_points, n_features)

    References
    ----------
    Silverman, B. W. (1981). Using kernel density estimates to investigate multimodality. Journal of the Royal
    Statistical Society B 43, 97–99. https://doi.org/10.1111/j.2517-6161.1981.tb01155.x

    Helgeson, E. S., Vock, D. M. & Bair, E. (2021). Nonparametric cluster significance testing with reference
    to a unimodal null distribution. Biometrics 77, 1215–1226. https://doi.org/10.1111/biom.13376
    """
    if null == "one_normal_cloud":
        covariance = np.cov(x, rowvar=False).reshape(x.shape[1], -1)
        return rng.multivariate_normal(x.mean(axis=0), covariance, (n, len(x)))
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
    """Grid and distribution function of the least smoothed kernel estimate with one hump."""
    low, high = values.min(), values.max()
    width = high - low
    counts, edges = np.histogram(values, bins=_CELLS, range=(low - _MARGIN * width, high + _MARGIN * width))
    counts = counts.astype(float)
    small, large = 0.3, _CELLS / 2.0  # bandwidths in cells
    for _ in range(_HALVINGS):
        middle = np.sqrt(small * large)
        small, large = (small, middle) if humps(counts, middle) <= 1 else (middle, large)
    density = ndimage.gaussian_filter1d(counts, large, mode="constant", truncate=6.0)
    cumulative = np.concatenate([[0.0], np.cumsum(density)])
    cumulative /= cumulative[-1]
    kept = np.concatenate([[True], np.diff(cumulative) > 0])
    return edges[kept], cumulative[kept]


def humps(counts: np.ndarray, bandwidth: float) -> int:
    """Count the local maxima of binned values smoothed by a normal kernel (bandwidth in cells).

    >>> humps(np.array([0.0, 5, 0, 0, 0, 0, 5, 0]), 0.5), humps(np.array([0.0, 5, 0, 0, 0, 0, 5, 0]), 4.0)
    (2, 1)
    """
    smooth = ndimage.gaussian_filter1d(np.pad(counts, len(counts) // 2), bandwidth, mode="constant", truncate=6.0)
    step = np.diff(smooth)
    step = step[np.abs(step) > 1e-9 * smooth.max()]
    return int(((step[:-1] > 0) & (step[1:] < 0)).sum())
