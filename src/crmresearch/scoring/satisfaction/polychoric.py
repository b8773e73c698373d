"""Polychoric correlations: what the correlations of ordinal items would be on the continua behind them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from crmresearch.errors import RefusedError

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
_LARGEST = 0.9995
_MOST_CATEGORIES = 15


def polychoric_correlations(items: pd.DataFrame) -> pd.DataFrame:
    """Estimate polychoric correlations in two steps, all pairs at once.

    Parameters
    ----------
    items : pd.DataFrame, shape (n, p)
        Complete whole-number answers.

    Returns
    -------
    pd.DataFrame, shape (p, p)
        Named by item on both sides.

    Raises
    ------
    RefusedError
        A missing or broken answer, a constant item, more than 15 categories, a pair that no correlation
        below 1 explains, or a matrix that is not positive definite.

    Notes
    -----
    Step one takes each item's thresholds from its own answers; step two maximises the likelihood of each
    two-way table over the correlation by Fisher scoring (Olsson 1979). Rectangle probabilities come from
    Φ₂(h, k; ρ) = Φ(h)Φ(k) + ∫ φ₂(h, k; r) dr, r from 0 to ρ, by Gauss–Legendre in arcsin r. Memory: pairs ×
    (categories + 1)² × 24 × 8 bytes, taken 50 pairs at a time.

    References
    ----------
    Olsson, U. (1979). Maximum likelihood estimation of the polychoric correlation coefficient.
    Psychometrika 44, 443–460. https://doi.org/10.1007/BF02296207

    Examples
    --------
    >>> items = pd.DataFrame({"a": [1, 1, 2, 2] * 20, "b": [1, 1, 1, 2] * 20})
    >>> items.loc[:9, "b"] = 2
    >>> bool(0 < polychoric_correlations(items).loc["a", "b"] < 1)
    True
    """
    x, where = items.to_numpy(float), "polychoric correlations"
    if np.isnan(x).any() or (x != np.round(x)).any():
        raise RefusedError("answers must be complete whole numbers", where=where, repair="Drop incomplete sheets.")
    codes, bounds = [], []
    for name, column in zip(items.columns, x.T, strict=True):
        points, code, counts = np.unique(column, return_inverse=True, return_counts=True)
        if not 2 <= len(points) <= _MOST_CATEGORIES:
            raise RefusedError(
                f"{len(points)} different answers; 2 to {_MOST_CATEGORIES} can be used",
                where=f"{where}, item {name}",
                repair="Leave the item out." if len(points) < 2 else "Use Pearson correlations.",
            )
        codes.append(code)
        bounds.append(stats.norm.ppf(counts.cumsum()[:-1] / len(x)))
    width = max(len(b) for b in bounds) + 1
    edges = np.full((len(bounds), width + 1), 40.0)  # ±40 stands for ±∞; unused categories are empty at the top
    edges[:, 0] = -40.0
    for row, b in zip(edges, bounds, strict=True):
        row[1 : len(b) + 1] = b
    first, second = np.triu_indices(len(bounds), 1)
    start = np.clip(np.corrcoef(x, rowvar=False), -0.95, 0.95)
    matrix = np.eye(len(bounds))
    for begin in range(0, len(first), 50):
        a, b = first[begin : begin + 50], second[begin : begin + 50]
        tables = np.stack([_table(codes[i], codes[j], width) for i, j in zip(a, b, strict=True)])
        matrix[a, b] = matrix[b, a] = _maximise(tables, edges[a], edges[b], start[a, b])
    worst = np.abs(np.triu(matrix, 1)).max(initial=0)
    if worst >= _LARGEST:
        i, j = np.argwhere(np.abs(np.triu(matrix, 1)) >= _LARGEST)[0]
        raise RefusedError(
            f"{items.columns[i]!r} and {items.columns[j]!r} order respondents alike (correlation 1)",
            where=where,
            repair="Leave one of the two out.",
        )
    if np.linalg.eigvalsh(matrix)[0] <= 1e-8:
        raise RefusedError(
            "the matrix is not positive definite", where=where, repair="Use fewer items or Pearson correlations."
        )
    return pd.DataFrame(matrix, index=items.columns, columns=items.columns)


def _table(a: np.ndarray, b: np.ndarray, width: int) -> np.ndarray:
    return np.bincount(a * width + b, minlength=width * width).reshape(width, width).astype(float)


def _maximise(tables: np.ndarray, rows: np.ndarray, columns: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Correlation of greatest likelihood for each table; shape (pairs,)."""
    h, k = rows[:, :, None], columns[:, None, :]
    base, total = stats.norm.cdf(h) * stats.norm.cdf(k), tables.sum(axis=(1, 2))
    # ±40 on both sides: the density is zero there, so edges at infinity drop out by themselves
    rho = start.copy()
    for _ in range(100):
        chance, slope = _cells(rho, h, k, base)
        seen = tables > 0
        ratio = np.where(seen, tables / np.maximum(chance, 1e-300), 0.0)
        score = (ratio * slope).sum(axis=(1, 2))
        information = total * (slope**2 / np.maximum(chance, 1e-12)).sum(axis=(1, 2))
        step = np.clip(score / np.maximum(information, 1e-12), -0.2, 0.2)
        rho = np.clip(rho + step, -_LARGEST, _LARGEST)
        if np.abs(step).max() < 1e-10:
            break
    return rho


def _cells(rho: np.ndarray, h: np.ndarray, k: np.ndarray, base: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probability of each cell and its derivative by the correlation."""
    end = np.arcsin(rho)[:, None, None]
    cumulative = base.copy()
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        angle = end * (node + 1) / 2
        cumulative += weight * end / 2 * np.exp(_exponent(h, k, np.sin(angle), np.cos(angle))) / (2 * np.pi)
    density = np.exp(_exponent(h, k, np.sin(end), np.cos(end))) / (2 * np.pi * np.cos(end))
    return _differences(cumulative), _differences(density)


def _exponent(h: np.ndarray, k: np.ndarray, sine: np.ndarray, cosine: np.ndarray) -> np.ndarray:
    return -(h**2 + k**2 - 2 * h * k * sine) / (2 * cosine**2)


def _differences(corner: np.ndarray) -> np.ndarray:
    return np.diff(np.diff(corner, axis=1), axis=2)
