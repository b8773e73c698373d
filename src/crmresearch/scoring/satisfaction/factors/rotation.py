"""Rotations of a loading matrix: varimax, promax, oblimin."""

from __future__ import annotations

from itertools import combinations
from typing import Literal

import numpy as np

Rotation = Literal["oblimin", "promax", "varimax", "none"]


def rotate_loadings(loadings: np.ndarray, *, method: Rotation = "oblimin") -> tuple[np.ndarray, np.ndarray]:
    """Rotate towards a pattern in which each item loads on few factors.

    Parameters
    ----------
    loadings : np.ndarray, shape (p, m)
    method : {"oblimin", "promax", "varimax", "none"}
        Varimax: orthogonal, rows brought to equal length first (Kaiser 1958). Promax: the varimax pattern
        raised to the fourth power as a target (Hendrickson & White 1964). Oblimin: direct quartimin,
        γ = 0, by gradient projection (Jennrich 2002), rows as they are.

    Returns
    -------
    pattern : np.ndarray, shape (p, m)
        Factors by falling variance, each with a positive sum.
    correlations : np.ndarray, shape (m, m)
        Of the factors; the identity where they are orthogonal.

    References
    ----------
    Jennrich, R. I. (2002). A simple general method for oblique rotation. Psychometrika 67, 7–19.
    https://doi.org/10.1007/BF02294706

    Examples
    --------
    >>> mixed = np.array([[0.8, 0.0], [0.7, 0.0], [0.0, 0.6], [0.0, 0.9]]) @ np.array([[0.6, 0.8], [-0.8, 0.6]])
    >>> np.abs(rotate_loadings(mixed, method="varimax")[0]).round(3).tolist()
    [[0.0, 0.8], [0.0, 0.7], [0.6, 0.0], [0.9, 0.0]]
    """
    m = loadings.shape[1]
    if m == 1 or method == "none":
        return loadings, np.eye(m)
    pattern, correlations = {"varimax": _varimax, "promax": _promax, "oblimin": _oblimin}[method](loadings)
    structure = pattern @ correlations
    order = np.argsort(-(pattern * structure).sum(axis=0), kind="stable")
    sign = np.where(pattern[:, order].sum(axis=0) < 0, -1.0, 1.0)
    correlations = correlations[np.ix_(order, order)] * np.outer(sign, sign)
    return pattern[:, order] * sign + 0.0, correlations


def _varimax(loadings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn one pair of factors after the other by Kaiser's angle, until none turns any more.

    The usual step for all factors at once can swing to and fro between two angles for ever.
    """
    length = np.sqrt((loadings**2).sum(axis=1, keepdims=True))
    length[length == 0] = 1.0
    b = loadings / length
    for _ in range(1000):
        widest = 0.0
        for i, j in combinations(range(b.shape[1]), 2):
            u, v = b[:, i] ** 2 - b[:, j] ** 2, 2 * b[:, i] * b[:, j]
            across = 2 * (u @ v) - 2 * u.sum() * v.sum() / len(b)
            along = u @ u - v @ v - (u.sum() ** 2 - v.sum() ** 2) / len(b)
            angle = np.arctan2(across, along) / 4
            cos, sin = np.cos(angle), np.sin(angle)
            b[:, [i, j]] = b[:, [i, j]] @ np.array([[cos, -sin], [sin, cos]])
            widest = max(widest, abs(angle))
        if widest < 1e-12:
            break
    return b * length, np.eye(b.shape[1])


def _promax(loadings: np.ndarray, power: int = 4) -> tuple[np.ndarray, np.ndarray]:
    simple, _ = _varimax(loadings)
    target = simple * np.abs(simple) ** (power - 1)
    turn = np.linalg.lstsq(simple, target, rcond=None)[0]
    turn = turn * np.sqrt(np.diag(np.linalg.inv(turn.T @ turn)))
    back = np.linalg.inv(turn)
    return simple @ turn, back @ back.T


def _oblimin(loadings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    m = loadings.shape[1]
    others = 1 - np.eye(m)

    def criterion(turn: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        inverse = np.linalg.inv(turn)
        pattern = loadings @ inverse.T
        cross = pattern**2 @ others
        slope = pattern * cross
        return float((pattern**2 * cross).sum() / 4), -(pattern.T @ slope @ inverse).T, pattern

    turn, step = np.eye(m), 1.0
    value, slope, pattern = criterion(turn)
    for _ in range(3000):
        along = slope - turn * (turn * slope).sum(axis=0)
        size = np.linalg.norm(along)
        if size < 1e-8:
            break
        step *= 2
        for _ in range(30):
            tried = turn - step * along
            tried = tried / np.sqrt((tried**2).sum(axis=0))
            new_value, new_slope, new_pattern = criterion(tried)
            if new_value < value - 0.5 * size**2 * step:
                break
            step /= 2
        if new_value >= value:
            break
        turn, value, slope, pattern = tried, new_value, new_slope, new_pattern
    return pattern, turn.T @ turn
