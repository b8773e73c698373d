"""Items as numbers, and the correlation matrices of many resamples at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from crmresearch.errors import InputError, RefusedError, nearest

Missing = Literal["mean", "casewise"]
"""``mean``: a missing value takes the item's mean in the same (re)sample; ``casewise``: its row is left out."""

_PRODUCT_BYTES = 64_000_000
_RELATIVE_ZERO = 1e-12


@dataclass(frozen=True, slots=True)
class Items:
    """The answers a model uses, ready for weighted moments.

    Attributes
    ----------
    names : tuple[str, ...]
    rows : pd.Index
        Index labels of the rows in use.
    values : float array, shape (n, p)
        Answers; NaN where missing (``mean`` rule only).
    mean, sd : float array, shape (p,)
        Of the observed answers; ``sd`` with n − 1 after replacement.
    share_missing : float array, shape (p,)
        Of the rows as given.
    n_dropped : int
        Rows left out by the ``casewise`` rule.
    """

    names: tuple[str, ...]
    rows: pd.Index
    values: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    share_missing: np.ndarray
    n_dropped: int

    @property
    def n(self) -> int:
        """Rows in use."""
        return len(self.values)

    @property
    def standardised(self) -> np.ndarray:
        """Answers less mean over sd, 0 where missing; shape (n, p)."""
        return np.nan_to_num((self.values - self.mean) / self.sd, nan=0.0)


def read_items(data: pd.DataFrame, names: Sequence[str], *, missing: Missing, missing_codes: Sequence[float]) -> Items:
    """Read a model's items from a table of answers and refuse what cannot be correlated.

    Parameters
    ----------
    data : pd.DataFrame
        One row per respondent, one column per item; numbers, or numbers as text.
    names : sequence of str
        Item columns.
    missing : {"mean", "casewise"}
    missing_codes : sequence of float
        Numbers that stand for a missing answer, given as number or as text.

    Raises
    ------
    InputError
        A column is absent.
    RefusedError
        A column holds text, an item is constant or all missing, two items are the same, or there
        are not more rows than items.
    """
    for name in names:
        if name not in data.columns:
            raise InputError(
                f"no item column {name!r}{nearest(name, data.columns)}",
                where="survey",
                repair="Name the items as the columns are named.",
            )
    values = np.column_stack([_numbers(data[name], name, missing_codes) for name in names])
    absent = np.isnan(values)
    for j, name in enumerate(names):
        if absent[:, j].all():
            raise RefusedError("every answer is missing", where=f"item {name}", repair="Leave the item out.")
    rows = np.flatnonzero(~absent.any(axis=1)) if missing == "casewise" else np.flatnonzero(~absent.all(axis=1))
    kept = values[rows]
    if len(kept) <= len(names):
        raise RefusedError(
            f"{len(kept)} usable rows for {len(names)} items; more rows than items are needed",
            where="path model",
            repair="Collect more answers, or use a model with fewer items.",
        )
    mean = np.nanmean(kept, axis=0)
    centred = np.nan_to_num(kept - mean, nan=0.0)
    sd = np.sqrt((centred**2).sum(axis=0) / (len(kept) - 1))
    for j, name in enumerate(names):
        if sd[j] <= _RELATIVE_ZERO * max(abs(mean[j]), 1.0):
            raise RefusedError(
                f"all {len(kept)} answers equal {mean[j]:g}", where=f"item {name}", repair="Leave the item out."
            )
    correlation = centred.T @ centred / (len(kept) - 1) / np.outer(sd, sd)
    same = np.argwhere(np.triu(np.abs(correlation) > 1 - 1e-10, 1))
    if len(same):
        a, b = (names[k] for k in same[0])
        raise RefusedError(
            f"items {a!r} and {b!r} correlate perfectly", where="path model", repair="Keep one of the two."
        )
    return Items(tuple(names), data.index[rows], kept, mean, sd, absent.mean(axis=0), len(values) - len(kept))


def _numbers(column: pd.Series, name: str, missing_codes: Sequence[float]) -> np.ndarray:
    numbers = pd.to_numeric(column, errors="coerce")
    blank = column.isna() | (column.astype("string").str.strip() == "")
    wrong = numbers.isna() & ~blank
    if wrong.any():
        first = column[wrong].iloc[0]
        raise RefusedError(
            f"{str(first)[:40]!r} is not a number (row {column.index[wrong][0]})",
            where=f"item {name}",
            repair="Map the answer labels to numbers in case.yaml.",
        )
    array = numbers.to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isin(array, np.asarray(missing_codes, dtype=float)) | ~np.isfinite(array), np.nan, array)


class Moments:
    """Means, standard deviations and correlations of weighted versions of one sample.

    Every resample is a vector of row counts, so the cross-products of all resamples are one matrix
    product of the counts with the rows' products. Memory: ``n p² / 2`` floats for the products,
    built in row blocks of at most 64 MB, and ``B p²`` for the answer.

    Parameters
    ----------
    items : Items
    """

    def __init__(self, items: Items) -> None:
        self.items = items
        self._x = items.standardised
        self._observed = None if not np.isnan(items.values).any() else (~np.isnan(items.values)).astype(float)
        p = self._x.shape[1]
        self._upper = np.triu_indices(p)
        place = np.zeros((p, p), dtype=int)
        place[self._upper] = np.arange(len(self._upper[0]))
        self._place = np.maximum(place, place.T)
        self._rows_per_block = max(1, _PRODUCT_BYTES // (8 * p * p))
        self._kept_products = self._products(slice(None)) if len(self._x) <= self._rows_per_block else None

    def _products(self, rows: slice) -> np.ndarray:
        """Products of each pair of items, then the items, then 1: what one pass over the counts has to sum."""
        a, b = self._upper
        x = self._x[rows]
        return np.column_stack([x[:, a] * x[:, b], x, np.ones(len(x))])

    def _blocks(self) -> list[slice]:
        return [slice(k, k + self._rows_per_block) for k in range(0, len(self._x), self._rows_per_block)]

    def of(self, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Moments of the samples that hold row ``i`` ``counts[b, i]`` times.

        Parameters
        ----------
        counts : float array, shape (B, n)

        Returns
        -------
        mean, sd : float arrays, shape (B, p)
            In units of the whole sample's standardised items; ``sd`` is 0 for an item without variance.
        correlation : float array, shape (B, p, p)
            Rows and columns of an item without variance are 0.
        """
        if self._kept_products is not None:
            summed = counts @ self._kept_products
        else:
            summed = sum(counts[:, rows] @ self._products(rows) for rows in self._blocks())
        squares, total = summed[:, self._place], summed[:, -1]
        sums = summed[:, -1 - self._x.shape[1] : -1]
        if self._observed is None:
            mean = sums / total[:, None]
            covariance = squares - mean[:, :, None] * sums[:, None, :]
        else:
            mean, covariance = self._with_missing(counts, squares, sums)
        covariance /= (total - 1)[:, None, None]
        variance = np.einsum("bii->bi", covariance)
        sd = np.sqrt(np.where(variance > _RELATIVE_ZERO, variance, 0.0))
        scale = np.divide(1.0, sd, out=np.zeros_like(sd), where=sd > 0)
        covariance *= scale[:, :, None]
        covariance *= scale[:, None, :]
        return mean, sd, covariance

    def _with_missing(self, counts: np.ndarray, squares: np.ndarray, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Centre on each sample's own mean of observed answers, the mean that fills its gaps."""
        seen = self._observed
        mean = sums / np.maximum(counts @ seen, 1.0)
        b, p = mean.shape
        cross, both = np.zeros((b, p * p)), np.zeros((b, p * p))
        for rows in self._blocks():
            cross += counts[:, rows] @ (seen[rows, :, None] * self._x[rows, None, :]).reshape(-1, p * p)
            both += counts[:, rows] @ (seen[rows, :, None] * seen[rows, None, :]).reshape(-1, p * p)
        cross, both = cross.reshape(b, p, p), both.reshape(b, p, p)
        left = mean[:, :, None] * cross
        covariance = squares - left - left.transpose(0, 2, 1)
        covariance += mean[:, :, None] * mean[:, None, :] * both
        return mean, covariance
