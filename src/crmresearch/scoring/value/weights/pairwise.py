"""One matrix of pairwise judgements: read, checked, completed, turned into priorities and consistency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from scipy import optimize

from crmresearch.errors import RefusedError, check_choice

Method = Literal["eigenvector", "geometric_mean", "column_mean"]
RandomIndex = Literal["saaty_1980", "saaty_2005", "donegan_dodd"]

RANDOM_INDEX: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "saaty_1980": (0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49, 1.51, 1.48, 1.56, 1.57, 1.59),
        "saaty_2005": (0.52, 0.89, 1.11, 1.25, 1.35, 1.40, 1.45, 1.49, 1.52, 1.54, 1.56, 1.58, 1.59),
        "donegan_dodd": (
            *(0.4914, 0.8286, 1.0591, 1.1797, 1.2519, 1.3171, 1.3733),
            *(1.4055, 1.4213, 1.4497, 1.4643, 1.4822, 1.4969),
        ),
    }
)
"""Mean consistency index of random matrices of 3 to 15 items: Saaty (1980); Saaty (2005), Theory and
Applications of the Analytic Network Process, p. 31; Donegan & Dodd (1991), doi:10.1016/0895-7177(91)90098-R."""

MOST_ITEMS = 15
SCALE = tuple(float(Fraction(1, k)) for k in range(9, 1, -1)) + tuple(float(k) for k in range(1, 10))
"""Saaty's scale, 1/9 … 1 … 9."""
_RECIPROCAL_WITHIN = 0.05  # 1/6 written as 0.17 is 2 % off, 1/3 as 0.3 is 10 %


@dataclass(frozen=True, slots=True)
class Pairwise:
    """A reciprocal matrix of judgements.

    Attributes
    ----------
    items : tuple[str, ...]
    values : np.ndarray, shape (n, n)
        How many times the row matters as much as the column; missing where nobody judged.
    """

    items: tuple[str, ...]
    values: np.ndarray

    @property
    def n_missing(self) -> int:
        """Pairs that nobody judged."""
        return int(np.isnan(self.values).sum() // 2)


@dataclass(frozen=True, slots=True)
class Consistency:
    """How far judgements contradict each other.

    Attributes
    ----------
    lambda_max, ci, ri, cr : float
        Principal eigenvalue; (λ − n) / (n − 1); its mean for random matrices; their ratio (0 for n ≤ 2).
    triad : tuple[str, str, str] | None
        The three items whose judgements contradict each other most, first over second over third;
        None for fewer than three items or no contradiction.
    direct, indirect : float
        The first over the third, as judged and as the other two judgements imply.
    repair : tuple[str, str, float, float, float] | None
        Of the triad's judgements the one whose change lowers the ratio most: row, column, as judged,
        value of the scale that would lower it most, ratio then.
    """

    lambda_max: float
    ci: float
    ri: float
    cr: float
    triad: tuple[str, str, str] | None = None
    direct: float = float("nan")
    indirect: float = float("nan")
    repair: tuple[str, str, float, float, float] | None = None


def read_judgement(value: Any) -> float:
    """A judgement as a number: ``3``, ``"1/3"``, ``"1:3"``; empty is missing.

    Examples
    --------
    >>> read_judgement("1/4"), read_judgement("5"), read_judgement("")
    (0.25, 5.0, nan)
    """
    if isinstance(value, str):
        text = value.strip().replace("：", ":").replace(":", "/").replace("／", "/")
        if not text:
            return float("nan")
        try:
            return float(Fraction(text)) if "/" in text else float(text)
        except (ValueError, ZeroDivisionError):
            raise RefusedError(
                f"{value!r} is no judgement", where="judgement matrix", repair="Write 3, 0.333 or 1/3."
            ) from None
    return float("nan") if value is None or value is pd.NA else float(value)


def read_pairwise(values: Any, items: Sequence[str] | None = None, *, where: str = "judgement matrix") -> Pairwise:
    """A square table of judgements as a checked reciprocal matrix.

    Parameters
    ----------
    values : array or pd.DataFrame, shape (n, n)
        Numbers or texts such as ``1/3``; empty where nobody judged. A side may be left empty where the
        other is given.
    items : Sequence[str] | None
        Names; None takes the frame's columns.
    where : str
        Names the matrix in messages.

    Raises
    ------
    RefusedError
        Not square, more than 15 items, a judgement that is zero, negative or beyond 1/9 to 9, a diagonal
        other than 1, two sides that are not each other's reciprocal (within 5 %, for rounded fractions;
        the side above 1 then counts exactly), or items that no chain of judgements connects.
    """
    if items is None:
        items = [str(c) for c in values.columns] if isinstance(values, pd.DataFrame) else None
    cells = [[read_judgement(cell) for cell in row] for row in np.asarray(values, dtype=object)]
    matrix = np.array(cells, dtype=float)
    n = len(matrix)
    items = tuple(items) if items is not None else tuple(f"item {i + 1}" for i in range(n))
    if matrix.shape != (n, n) or len(items) != n or len(set(items)) != n:
        raise RefusedError(
            f"{' × '.join(map(str, matrix.shape))} judgements of {len(items)} items",
            where=where,
            repair="Give a square matrix, one row and column for each item, each named once.",
        )
    if n > MOST_ITEMS:
        raise RefusedError(
            f"{n} items; a random index is known, and judging is workable, up to {MOST_ITEMS}",
            where=where,
            repair="Group the items under a level of their own and judge within the groups.",
        )
    given = ~np.isnan(matrix)
    outside = given & ~((matrix >= 1 / 9.5) & (matrix <= 9.5))
    if outside.any():
        i, j = np.argwhere(outside)[0]
        raise RefusedError(
            f"{items[i]!r} against {items[j]!r} is {matrix[i, j]:g}, outside 1/9 to 9",
            where=where,
            repair="Use Saaty's scale: 1 equal, 3, 5, 7, 9, their reciprocals, or values between.",
        )
    if (np.abs(np.diag(matrix)[np.diag(given)] - 1) > 1e-9).any():
        raise RefusedError("an item against itself is not 1", where=where, repair="Put 1 on the diagonal.")
    product = matrix * matrix.T
    if (wrong := np.abs(product - 1) > _RECIPROCAL_WITHIN).any():
        i, j = np.argwhere(wrong)[0]
        raise RefusedError(
            f"{items[i]!r} against {items[j]!r} is {matrix[i, j]:g}, the other way round {matrix[j, i]:g}, "
            f"not 1/{matrix[i, j]:g}",
            where=where,
            repair="Ask which of the two was meant; neither is guessed.",
        )
    both = given & given.T
    exact = np.where(both & (matrix < 1), 1 / matrix.T, np.where(given, matrix, 1 / matrix.T))
    np.fill_diagonal(exact, 1.0)
    _check_connected(exact, items, where)
    return Pairwise(items, exact)


def _check_connected(matrix: np.ndarray, items: tuple[str, ...], where: str) -> None:
    reached = np.zeros(len(items), dtype=bool)
    reached[0] = True
    for _ in items:
        reached |= (~np.isnan(matrix[reached])).any(axis=0)
    if not reached.all():
        left = ", ".join(item for item, there in zip(items, reached, strict=True) if not there)
        raise RefusedError(
            f"no chain of judgements connects {left} with {items[0]}",
            where=where,
            repair="Judge at least one pair between them.",
        )


def complete(pairwise: Pairwise) -> np.ndarray:
    """The matrix, pairs that nobody judged filled so that the principal eigenvalue is least.

    The eigenvalue is convex in the logarithms of the missing entries (Bozóki, Fülöp & Rónyai 2010,
    https://doi.org/10.1016/j.mcm.2010.02.047), so the completion is unique.
    """
    matrix = pairwise.values.copy()
    row, column = np.nonzero(np.triu(np.isnan(matrix)))
    if not len(row):
        return matrix
    logs = np.log(_log_least_squares(matrix))

    def filled(x: np.ndarray) -> np.ndarray:
        whole = matrix.copy()
        whole[row, column], whole[column, row] = np.exp(x), np.exp(-x)
        return whole

    def largest(x: np.ndarray) -> tuple[float, np.ndarray]:
        whole = filled(x)
        value, right = principal(whole)
        left = principal(whole.T)[1]
        slope = left[row] * whole[row, column] * right[column] - left[column] * whole[column, row] * right[row]
        return value, slope / (left @ right)

    found = optimize.minimize(largest, (logs[row] - logs[column]), jac=True, method="BFGS", options={"gtol": 1e-10})
    return filled(found.x)


def principal(matrix: np.ndarray) -> tuple[float, np.ndarray]:
    """Principal eigenvalue and its eigenvector, summing to 1."""
    values, vectors = np.linalg.eig(matrix)
    place = int(np.argmax(values.real))
    vector = np.abs(vectors[:, place].real)
    return float(values[place].real), vector / vector.sum()


def priorities(pairwise: Pairwise, method: Method = "eigenvector") -> np.ndarray:
    """Priorities of the items, summing to 1.

    Parameters
    ----------
    pairwise : Pairwise
    method : {"eigenvector", "geometric_mean", "column_mean"}
        Principal eigenvector (Saaty); logarithmic least squares, the geometric mean of the rows where
        every pair was judged (方根法); mean of the columns, each summing to 1 (和积法). Unjudged
        pairs: :func:`complete` for the first and the last.
    """
    check_choice("method", method, get_args(Method), where="priorities")
    if method == "geometric_mean":
        return _log_least_squares(pairwise.values)
    whole = complete(pairwise)
    return principal(whole)[1] if method == "eigenvector" else (whole / whole.sum(axis=0)).mean(axis=1)


def _log_least_squares(matrix: np.ndarray) -> np.ndarray:
    judged = ~np.isnan(matrix)
    np.fill_diagonal(judged, False)
    laplacian = np.diag(judged.sum(axis=1)) - judged.astype(float)
    sums = np.where(judged, np.log(np.where(judged, matrix, 1.0)), 0.0).sum(axis=1)
    logs = np.linalg.lstsq(laplacian, sums, rcond=None)[0]
    weights = np.exp(logs - logs.max())
    return weights / weights.sum()


def measure_consistency(pairwise: Pairwise, *, random_index: RandomIndex = "saaty_1980") -> Consistency:
    r"""Consistency ratio, the triad that contradicts itself most, and the entry that would mend it.

    Parameters
    ----------
    pairwise : Pairwise
    random_index : {"saaty_1980", "saaty_2005", "donegan_dodd"}
        Which table of :data:`RANDOM_INDEX`; with pairs nobody judged it is lowered to
        :math:`(1 - 2 m / (n - 1)(n - 2)) RI_n` for m missing pairs (Ágoston & Csató 2022,
        https://doi.org/10.1016/j.omega.2021.102576).

    Notes
    -----
    Nothing is repaired here: the entry is named for whoever judged.
    """
    check_choice("random_index", random_index, RANDOM_INDEX, where="consistency")
    n, whole = len(pairwise.items), complete(pairwise)
    value = principal(whole)[0]
    ci = max(0.0, (value - n) / (n - 1)) if n > 1 else 0.0
    if n < 3:
        return Consistency(value, 0.0, 0.0, 0.0)
    ri = RANDOM_INDEX[random_index][n - 3] * (1 - 2 * pairwise.n_missing / ((n - 1) * (n - 2)))
    cr = ci / ri if ri > 1e-12 else 0.0
    triad = _worst_triad(pairwise.values)
    if triad is None:
        return Consistency(value, ci, ri, cr)
    i, j, k = triad
    names = tuple(pairwise.items[x] for x in triad)
    direct, indirect = pairwise.values[i, k], pairwise.values[i, j] * pairwise.values[j, k]
    return Consistency(value, ci, ri, cr, names, direct, indirect, _repair(pairwise, whole, triad, ri))


def _worst_triad(matrix: np.ndarray) -> tuple[int, int, int] | None:
    """Judged items i, j, k, with i ≥ j ≥ k along the cycle, for which a_ij a_jk / a_ik is furthest from 1."""
    worst, found = 1e-9, None
    for i, j, k in combinations(range(len(matrix)), 3):
        error = np.log(matrix[i, j] * matrix[j, k] / matrix[i, k])
        if abs(error) > worst:
            worst, found = abs(error), (i, j, k) if error > 0 else (k, j, i)
    if found is None:
        return None
    i, j, k = found  # rotate so that both judgements along the way are at least 1 where possible
    turns = [(i, j, k), (j, k, i), (k, i, j)]
    return max(turns, key=lambda t: min(matrix[t[0], t[1]], matrix[t[1], t[2]]))


def _repair(pairwise: Pairwise, whole: np.ndarray, triad: tuple[int, int, int], ri: float):
    n, tries = len(whole), []
    for row, column in combinations(triad, 2):
        for scale in SCALE:
            changed = whole.copy()
            changed[row, column], changed[column, row] = scale, 1 / scale
            tries.append((row, column, scale, changed))
    values = np.linalg.eigvals(np.array([t[3] for t in tries])).real.max(axis=1)
    best = int(np.argmin(np.round(values, 12)))
    row, column, scale, _ = tries[best]
    if whole[row, column] < 1:
        row, column, scale = column, row, 1 / scale
    after = max(0.0, (values[best] - n) / (n - 1)) / ri if ri > 1e-12 else 0.0
    return pairwise.items[row], pairwise.items[column], float(whole[row, column]), float(scale), float(after)
