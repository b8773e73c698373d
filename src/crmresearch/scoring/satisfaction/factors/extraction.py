"""Factors out of a correlation matrix: principal components, principal axes, maximum likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import optimize

from crmresearch.errors import RefusedError

Extraction = Literal["ml", "paf", "pca"]
_LEAST_UNIQUENESS = 0.005  # as R's factanal: below it a solution is on the edge of the possible


@dataclass(frozen=True, slots=True)
class Unrotated:
    """Factors before rotation.

    Attributes
    ----------
    loadings : np.ndarray, shape (p, m)
        By falling variance; each column sums to a positive number.
    uniqueness : np.ndarray, shape (p,)
    objective : float
        ML: the discrepancy F at its minimum; NaN otherwise.
    heywood : np.ndarray, shape (p,)
        Items whose uniqueness is at the edge (ML) or not positive (principal axes).
    """

    loadings: np.ndarray
    uniqueness: np.ndarray
    objective: float
    heywood: np.ndarray


def extract_factors(correlation: np.ndarray, n_factors: int, *, method: Extraction = "ml") -> Unrotated:
    """Extract ``n_factors`` from a correlation matrix.

    Parameters
    ----------
    correlation : np.ndarray, shape (p, p)
        Positive definite for ``ml`` and ``paf``.
    n_factors : int
        1 ≤ m < p.
    method : {"ml", "paf", "pca"}
        Maximum likelihood (Jöreskog 1967), iterated principal axes from squared multiple correlations,
        or principal components.

    Returns
    -------
    Unrotated

    Raises
    ------
    RefusedError
        More factors than the degrees of freedom bear (ML, principal axes), or axes that do not settle.

    Examples
    --------
    >>> correlation = np.outer([0.8, 0.7, 0.6, 0.5], [0.8, 0.7, 0.6, 0.5])
    >>> np.fill_diagonal(correlation, 1)
    >>> extract_factors(correlation, 1).loadings[:, 0].round(3).tolist()
    [0.8, 0.7, 0.6, 0.5]
    """
    p = len(correlation)
    free = ((p - n_factors) ** 2 - p - n_factors) / 2
    if not 1 <= n_factors < p or (method != "pca" and free < 0):
        raise RefusedError(
            f"{n_factors} factors of {p} items: more than the correlations can bear",
            where="factor analysis",
            repair="Ask for fewer factors, or measure each by more items.",
        )
    return {"ml": _maximum_likelihood, "paf": _principal_axes, "pca": _components}[method](correlation, n_factors)


def _components(correlation: np.ndarray, m: int) -> Unrotated:
    loadings = _leading(correlation, m)
    return Unrotated(loadings, 1 - (loadings**2).sum(axis=1), np.nan, np.zeros(len(correlation), dtype=bool))


def _principal_axes(correlation: np.ndarray, m: int) -> Unrotated:
    communality = 1 - 1 / np.diag(np.linalg.inv(correlation))
    reduced = correlation.copy()
    for _ in range(5000):
        np.fill_diagonal(reduced, communality)
        loadings = _leading(reduced, m)
        before, communality = communality, (loadings**2).sum(axis=1)
        if np.abs(communality - before).max() < 1e-9:
            break
    else:
        raise RefusedError(
            "principal axes did not settle in 5,000 rounds",
            where="factor analysis",
            repair="Ask for fewer factors, or use maximum likelihood.",
        )
    return Unrotated(loadings, 1 - communality, np.nan, communality >= 1)


def _maximum_likelihood(correlation: np.ndarray, m: int) -> Unrotated:
    p = len(correlation)

    def discrepancy(unique: np.ndarray) -> tuple[float, np.ndarray]:
        root = np.sqrt(unique)
        values, vectors = np.linalg.eigh(correlation / np.outer(root, root))
        tail = values[: p - m]
        top, axes = values[p - m :], vectors[:, p - m :]
        loadings = root[:, None] * axes * np.sqrt(np.maximum(top - 1, 0))
        implied = loadings @ loadings.T + np.diag(unique)
        return float((tail - np.log(tail)).sum() - (p - m)), np.diag(implied - correlation) / unique**2

    start = (1 - 0.5 * m / p) / np.diag(np.linalg.inv(correlation))
    found = optimize.minimize(
        discrepancy,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(_LEAST_UNIQUENESS, 1.0)] * p,
        options={"maxiter": 2000, "ftol": 1e-14, "gtol": 1e-8},
    )
    root = np.sqrt(found.x)
    values, vectors = np.linalg.eigh(correlation / np.outer(root, root))
    order = np.argsort(values)[::-1][:m]
    loadings = _signed(root[:, None] * vectors[:, order] * np.sqrt(np.maximum(values[order] - 1, 0)))
    return Unrotated(loadings, found.x, float(found.fun), found.x <= _LEAST_UNIQUENESS * (1 + 1e-6))


def _leading(matrix: np.ndarray, m: int) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return _signed(vectors[:, ::-1][:, :m] * np.sqrt(np.maximum(values[::-1][:m], 0)))


def _signed(loadings: np.ndarray) -> np.ndarray:
    return loadings * np.where(loadings.sum(axis=0) < 0, -1.0, 1.0)
