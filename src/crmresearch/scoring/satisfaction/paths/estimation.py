"""Partial least squares path modelling on a batch of correlation matrices.

Scores are never formed: a composite's variance, its correlation with any item and with any other
composite follow from the items' correlations. So the algorithm runs on thousands of resamples in
step, and a resample that has converged leaves the batch.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np

from crmresearch.scoring.satisfaction.paths.model import Layout

Scheme = Literal["path", "centroid", "factorial"]
"""Inner weights: regression on predecessors and correlation with successors; the sign of the
correlation; the correlation."""

SINGULAR_VIF = 1e10
"""A regression is called singular when a variance inflation factor exceeds this."""


@dataclass(frozen=True, slots=True)
class Solution:
    """Estimates from B correlation matrices of p items on J constructs.

    Attributes
    ----------
    weights, loadings : float array, shape (B, p)
        Weights of standardised items that give composites of variance 1; correlation of item and
        own composite (PLSc: consistent loadings of common factors).
    cross : float array, shape (B, p, J)
        Correlation of each item with each composite.
    composites : float array, shape (B, J, J)
        Correlations of the composites.
    correlations : float array, shape (B, J, J)
        The same, corrected for attenuation where a construct is a common factor.
    rho_a : float array, shape (B, J)
        Reliability of the composite by Dijkstra and Henseler; 1 for one item or mode B.
    paths : float array, shape (B, J, J)
        Standardised coefficients at ``[source, target]``.
    r2 : float array, shape (B, J)
        0 for exogenous constructs.
    vif : float array, shape (B, J, J)
        Variance inflation of ``source`` among the predecessors of ``target``.
    iterations : int array, shape (B,)
    converged, singular : bool array, shape (B,)
    """

    weights: np.ndarray
    loadings: np.ndarray
    cross: np.ndarray
    composites: np.ndarray
    correlations: np.ndarray
    rho_a: np.ndarray
    paths: np.ndarray
    r2: np.ndarray
    vif: np.ndarray
    iterations: np.ndarray
    converged: np.ndarray
    singular: np.ndarray

    def take(self, rows: np.ndarray) -> Solution:
        """The solutions at ``rows`` (indices or mask)."""
        return Solution(*(getattr(self, f.name)[rows] for f in fields(self)))


@np.errstate(divide="ignore", invalid="ignore")
def solve_batch(
    correlation: np.ndarray, layout: Layout, *, scheme: Scheme, tolerance: float, max_iterations: int
) -> Solution:
    r"""Estimate the model from each of B correlation matrices.

    Parameters
    ----------
    correlation : float array, shape (B, p, p)
    layout : Layout
    scheme : {"path", "centroid", "factorial"}
    tolerance : float
        A resample has converged when the absolute changes of its weights sum to less.
    max_iterations : int

    Returns
    -------
    Solution
        Rows that did not converge, or met an item without variance or a singular system, are
        marked, not left out.

    Notes
    -----
    Start: equal weights. Each step: inner proxy :math:`z_j = \sum_i e_{ij} y_i`; mode A
    :math:`w = \mathrm{cov}(x, z)`, mode B :math:`w = R_{xx}^{-1}\mathrm{cov}(x, z)`; weights scaled
    to unit composite variance. Lohmöller (1989), doi:10.1007/978-3-642-52512-4; Tenenhaus et al.
    (2005), doi:10.1016/j.csda.2004.03.005.
    """
    size, p = correlation.shape[:2]
    singular = ~(np.einsum("bii->bi", correlation) > 0).all(axis=1)
    inverses, bad = _block_inverses(correlation, layout)
    singular |= bad
    weights, cross = _scale(np.ones((size, p)), correlation, layout)
    iterations = np.zeros(size, dtype=int)
    converged = np.zeros(size, dtype=bool)
    active = np.flatnonzero(~singular)
    r, inv, w, x = correlation[active], [i[active] for i in inverses], weights[active], cross[active]
    for step in range(1, max_iterations + 1):
        if not len(active):
            break
        old = w
        inner = _inner_weights(_composites(w, x, layout), layout, scheme)
        outer = np.einsum("bij,bij->bi", x, inner[:, :, layout.block].transpose(0, 2, 1))
        for rows, inverse in zip(layout.mode_b, inv, strict=True):
            outer[:, rows] = np.einsum("bij,bj->bi", inverse, outer[:, rows])
        w, x = _scale(outer, r, layout)
        change = np.abs(w - old).sum(axis=1)
        broken = ~np.isfinite(change)
        done = (change < tolerance) | broken
        last = step == max_iterations
        if done.any() or last:
            leaving = done | last
            rows = active[leaving]
            weights[rows], cross[rows], iterations[rows] = w[leaving], x[leaving], step
            converged[rows], singular[rows] = (change < tolerance)[leaving], broken[leaving]
            stay = ~leaving
            active, r, w, x = active[stay], r[stay], w[stay], x[stay]
            inv = [i[stay] for i in inv]
    return _finish(correlation, weights, cross, layout, iterations, converged, singular)


def _scale(weights: np.ndarray, correlation: np.ndarray, layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Weights that give composites of variance 1, and the items' correlations with those composites."""
    cross = correlation @ (weights[:, :, None] * layout.membership)
    own = np.take_along_axis(cross, layout.block[None, :, None], axis=2)[:, :, 0]
    scale = 1 / np.sqrt((weights * own) @ layout.membership)
    return weights * scale[:, layout.block], cross * scale[:, None, :]


def _composites(weights: np.ndarray, cross: np.ndarray, layout: Layout) -> np.ndarray:
    return layout.membership.T @ (weights[:, :, None] * cross)


def _inner_weights(composites: np.ndarray, layout: Layout, scheme: Scheme) -> np.ndarray:
    """``[b, i, j]`` = weight of composite i in the inner proxy of construct j."""
    neighbours = layout.arrows | layout.arrows.T
    if scheme == "centroid":
        return np.sign(composites) * neighbours
    if scheme == "factorial":
        return composites * neighbours
    inner = composites * neighbours
    for j in layout.order:
        before = layout.predecessors[j]
        if len(before) > 1:
            inner[:, before, j] = coefficients(composites, before, j)
    return inner


def coefficients(correlation: np.ndarray, before: np.ndarray, j: int) -> np.ndarray:
    """Standardised regression of composite ``j`` on ``before``, for each matrix; shape (B, len(before))."""
    a, b = correlation[:, before[:, None], before], correlation[:, before, j, None]
    try:
        return np.linalg.solve(a, b)[:, :, 0]
    except np.linalg.LinAlgError:
        return (_inverse(a) @ b)[:, :, 0]


def _inverse(matrices: np.ndarray) -> np.ndarray:
    """Inverses of a batch; NaN for the exactly singular ones."""
    try:
        return np.linalg.inv(matrices)
    except np.linalg.LinAlgError:
        whole = np.linalg.matrix_rank(matrices, hermitian=True) == matrices.shape[-1]
        out = np.full_like(matrices, np.nan)
        out[whole] = np.linalg.inv(matrices[whole])
        return out


def _block_inverses(correlation: np.ndarray, layout: Layout) -> tuple[list[np.ndarray], np.ndarray]:
    inverses = [_inverse(correlation[:, rows[:, None], rows]) for rows in layout.mode_b]
    bad = np.zeros(len(correlation), dtype=bool)
    for inverse in inverses:
        bad |= _is_singular(np.einsum("bii->bi", inverse))
    return inverses, bad


def _is_singular(vif: np.ndarray) -> np.ndarray:
    return ~(np.isfinite(vif) & (vif > 0) & (vif < SINGULAR_VIF)).all(axis=1)


def _finish(
    correlation: np.ndarray,
    weights: np.ndarray,
    cross: np.ndarray,
    layout: Layout,
    iterations: np.ndarray,
    converged: np.ndarray,
    singular: np.ndarray,
) -> Solution:
    composites = _composites(weights, cross, layout)
    loadings = np.take_along_axis(cross, layout.block[None, :, None], axis=2)[:, :, 0].copy()
    rho_a = _rho_a(correlation, weights, layout)
    corrected = composites
    if layout.common_factor.any():
        root = np.sqrt(np.where(layout.common_factor, rho_a, 1.0))
        corrected = composites / (root[:, :, None] * root[:, None, :])
        np.einsum("bii->bi", corrected)[:] = 1.0
        squares = weights**2 @ layout.membership
        consistent = weights * (root / squares)[:, layout.block]
        loadings = np.where(layout.common_factor[layout.block], consistent, loadings)
    size, count = len(weights), len(layout.constructs)
    paths, vif, r2 = np.zeros((size, count, count)), np.zeros((size, count, count)), np.zeros((size, count))
    singular = singular.copy()
    for j in layout.order:
        before = layout.predecessors[j]
        inverse = _inverse(corrected[:, before[:, None], before])
        target = corrected[:, before, j]
        paths[:, before, j] = np.einsum("bij,bj->bi", inverse, target)
        r2[:, j] = np.einsum("bi,bi->b", paths[:, before, j], target)
        vif[:, before, j] = np.einsum("bii->bi", inverse)
        singular |= _is_singular(vif[:, before, j])
    return Solution(
        weights, loadings, cross, composites, corrected, rho_a, paths, r2, vif, iterations, converged, singular
    )


def _rho_a(correlation: np.ndarray, weights: np.ndarray, layout: Layout) -> np.ndarray:
    """(w'w)² · w'(S − diag S)w / w'(ww' − diag ww')w.

    Dijkstra and Henseler (2015), doi:10.25300/MISQ/2015/39.2.02.
    """
    own = layout.membership @ layout.membership.T
    within = np.einsum("bi,bij,bj->bi", weights, correlation * own, weights)
    squares = weights**2 @ layout.membership
    top = (within - weights**2) @ layout.membership
    bottom = squares**2 - weights**4 @ layout.membership
    rho = np.divide(squares**2 * top, bottom, out=np.ones_like(top), where=bottom > 1e-14)
    fixed = layout.membership.sum(axis=0) == 1
    for rows in layout.mode_b:
        fixed = fixed | (np.arange(len(fixed)) == layout.block[rows[0]])
    rho[:, fixed] = 1.0
    return rho
