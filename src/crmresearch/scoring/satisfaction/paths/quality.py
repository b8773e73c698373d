"""Reliability, validity and effects, each from a batch of solutions."""

from __future__ import annotations

import numpy as np

from crmresearch.scoring.satisfaction.paths.estimation import Solution, coefficients
from crmresearch.scoring.satisfaction.paths.model import Layout


def cronbach_alpha(correlation: np.ndarray, layout: Layout) -> np.ndarray:
    """Standardised alpha, k/(k − 1) · (1 − k / ΣR); shape (B, J), 1 for one item.

    Cronbach (1951), doi:10.1007/BF02310555.
    """
    k = layout.membership.sum(axis=0)
    total = np.einsum("bij,ij->bi", correlation, layout.membership @ layout.membership.T) @ layout.membership
    return np.where(k > 1, k / np.maximum(k - 1, 1) * (1 - k / total), 1.0)


def composite_reliability(loadings: np.ndarray, layout: Layout) -> np.ndarray:
    """rho_C, (Σλ)² / ((Σλ)² + Σ(1 − λ²)); shape (B, J).

    Werts, Linn and Jöreskog (1974), doi:10.1177/001316447403400104.
    """
    top = (loadings @ layout.membership) ** 2
    return top / (top + (1 - loadings**2) @ layout.membership)


def average_variance_extracted(loadings: np.ndarray, layout: Layout) -> np.ndarray:
    """AVE, mean λ²; shape (B, J). Fornell and Larcker (1981), doi:10.1177/002224378101800104."""
    return loadings**2 @ layout.membership / layout.membership.sum(axis=0)


def heterotrait_monotrait(correlation: np.ndarray, membership: np.ndarray) -> np.ndarray:
    """HTMT of absolute correlations; shape (B, J, J), 1 on the diagonal.

    Mean correlation across two blocks over the geometric mean of the mean correlations within
    them; 1 stands for the mean within a one-item block. Henseler, Ringle and Sarstedt (2015),
    doi:10.1007/s11747-014-0403-8.

    Examples
    --------
    >>> correlation = np.full((1, 4, 4), 0.3)
    >>> correlation[0, :2, :2] = correlation[0, 2:, 2:] = 0.5
    >>> correlation[0, range(4), range(4)] = 1
    >>> blocks = np.array([[1.0, 0], [1, 0], [0, 1], [0, 1]])
    >>> float(heterotrait_monotrait(correlation, blocks)[0, 0, 1])
    0.6
    """
    k = membership.sum(axis=0)
    size = np.abs(correlation)
    sums = membership.T @ (size @ membership)
    diagonal = np.einsum("bjj->bj", size) @ membership
    within = np.einsum("bjj->bj", sums) - diagonal
    within = np.where(k > 1, within / np.maximum(k * (k - 1), 1), 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = sums / np.outer(k, k) / np.sqrt(within[:, :, None] * within[:, None, :])
    np.einsum("bii->bi", ratio)[:] = 1.0
    return ratio


def effect_sizes(solution: Solution, layout: Layout) -> np.ndarray:
    """f² at ``[b, source, target]``: (R² − R² without source) / (1 − R²).

    The model is not estimated again without the source: composites stay as they are. Cohen (1988), ch. 9.
    """
    out = np.zeros_like(solution.paths)
    for j in layout.order:
        before = layout.predecessors[j]
        for i in before:
            rest = before[before != i]
            without = np.zeros(len(out))
            if len(rest):
                target = solution.correlations[:, rest, j]
                without = np.einsum("bi,bi->b", coefficients(solution.correlations, rest, j), target)
            out[:, i, j] = (solution.r2[:, j] - without) / (1 - solution.r2[:, j])
    return out


def total_effects(paths: np.ndarray) -> np.ndarray:
    """Sum over all directed routes, (I − B)⁻¹ − I; shape (B, J, J)."""
    identity = np.eye(paths.shape[-1])
    return np.linalg.inv(identity - paths) - identity


def route_effects(paths: np.ndarray, routes: list[list[int]]) -> np.ndarray:
    """Product of the coefficients along each route; shape (B, number of routes)."""
    return np.stack([np.prod(paths[:, r[:-1], r[1:]], axis=1) for r in routes], axis=1)


def item_vif(correlation: np.ndarray, layout: Layout) -> np.ndarray:
    """Variance inflation of each item among its block's items, for one correlation matrix; shape (p,)."""
    out = np.ones(len(correlation))
    for j in range(len(layout.constructs)):
        rows = np.flatnonzero(layout.block == j)
        out[rows] = np.diag(np.linalg.pinv(correlation[np.ix_(rows, rows)], hermitian=True))
    return out
