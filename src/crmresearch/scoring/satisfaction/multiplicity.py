"""Many tests at once: p values adjusted so that the stated error rate holds for all of them together."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from crmresearch.errors import check_choice

Adjustment = Literal["holm", "bh", "none"]
"""Holm holds the chance of any false alarm; Benjamini–Hochberg the share of false alarms among the shown."""


def adjust_p(p: np.ndarray, method: Adjustment = "holm") -> np.ndarray:
    """Return adjusted p values; missing ones stay missing and do not count.

    Parameters
    ----------
    p : array, shape (k,)
    method : {"holm", "bh", "none"}

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of
    Statistics 6, 65–70. https://www.jstor.org/stable/4615733

    Benjamini, Y. & Hochberg, Y. (1995). Controlling the false discovery rate. Journal of the Royal
    Statistical Society B 57, 289–300. https://doi.org/10.1111/j.2517-6161.1995.tb02031.x

    Examples
    --------
    >>> adjust_p(np.array([0.01, 0.04, 0.03])).tolist(), adjust_p(np.array([0.01, 0.04, 0.03]), "bh").round(3).tolist()
    ([0.03, 0.06, 0.06], [0.03, 0.04, 0.04])
    """
    check_choice("method", method, get_args(Adjustment), where="adjust_p")
    p = np.asarray(p, dtype=float)
    out = p.copy()
    known = np.flatnonzero(~np.isnan(p))
    if method == "none" or not len(known):
        return out
    order = known[np.argsort(p[known], kind="stable")]
    k, ranked = len(order), p[order]
    if method == "holm":
        adjusted = np.maximum.accumulate(ranked * (k - np.arange(k)))
    else:
        adjusted = np.minimum.accumulate((ranked * k / np.arange(1, k + 1))[::-1])[::-1]
    out[order] = np.minimum(adjusted, 1.0)
    return out


def stars(p: np.ndarray) -> list[str]:
    """Return the customary marks: *** below .001, ** below .01, * below .05.

    Examples
    --------
    >>> stars(np.array([0.0001, 0.02, 0.3, np.nan]))
    ['***', '*', '', '']
    """
    return ["" if not v < 0.05 else "***" if v < 0.001 else "**" if v < 0.01 else "*" for v in np.asarray(p, float)]
