"""What every clusterer offered here shares: rows in one order, numbers of segments swept, segments numbered by size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from crmresearch.errors import RefusedError
from crmresearch.scoring.segments.silhouette import silhouette_samples
from crmresearch.scoring.segments.threads import one_thread

K_RANGE = tuple(range(2, 11))
CHUNK = 16_384  # rows handled at a time where there are many


@dataclass(frozen=True, slots=True)
class Grouping:
    """One fit of one number of segments.

    Attributes
    ----------
    labels : np.ndarray of int, shape (n,)
        Group of each row fitted; −1 for rows in none.
    criteria : Mapping[str, float]
        What the method itself says of the fit: columns of the sweep.
    detail : Any
        What the method keeps of the fit.
    """

    labels: np.ndarray
    criteria: Mapping[str, float]
    detail: Any = field(default=None, repr=False)


class SweptClusterer(ClusterMixin, BaseEstimator):
    """Base of the clusterers: a subclass says how one number of segments is fitted (``_group``).

    Rows are put in order of their values before anything random happens, so their order never
    changes the result. With more than ``fit_points`` rows the numbers of segments are fitted to a
    random sample of that many, and every row is then placed by the chosen fit. Segments are numbered
    from the largest to the smallest; equal sizes by their centre's coordinates, ascending.

    Attributes
    ----------
    labels_ : np.ndarray of int, shape (n,)
        Segment of each row, 0 to n_clusters_ − 1; −1 where the method leaves rows in none.
    cluster_centers_ : np.ndarray, shape (n_clusters_, n_features)
        Mean of each segment's rows.
    n_clusters_, chosen_k_ : int
        Segments that hold a row, and the number chosen; a mixture's component may hold none.
    sweep_ : pd.DataFrame, shape (n_swept, ≥ 4)
        k, silhouette (mean), what the method adds, smallest_share (of the smallest segment).
    silhouettes_ : np.ndarray, shape (n,)
        Silhouette of each row under the chosen segments; NaN outside the sample.
    fit_rows_ : np.ndarray of int
        Rows to which the numbers were fitted, in order of their values.
    sweep_labels_ : np.ndarray of int, shape (n_swept, n_fit_rows)
        Groups of those rows for each number swept.
    """

    _decides: ClassVar[str] = "silhouette"
    """Column of the sweep that chooses; all but the silhouette are the better the smaller."""

    _judged_beyond: ClassVar[bool] = False
    """Whether silhouettes come from a sample of all rows, drawn first of all, or of the rows fitted."""

    def fit(self, X: np.ndarray, y: None = None) -> Self:
        """Find the segments of ``X``, shape (n_customers, n_features)."""
        X = self._checked(X, reset=True)
        order = np.lexsort(X.T[::-1])
        ks = self._numbers_to_try(X, order)
        random = check_random_state(self.random_state)
        sampled = len(X) > self.fit_points
        shown = some(len(X), self.silhouette_points, random) if self._judged_beyond else None
        rows = order[some(len(X), self.fit_points, random)]
        x = np.ascontiguousarray(X[rows])
        with one_thread():  # one thread: the sums come in one order and repeat to the last digit
            found = [self._group(x, k, random) for k in ks]
            if shown is not None and sampled:
                judged = order[shown]
                labelings = [nearest(X[judged], one.detail) for one in found]
            else:
                shown = some(len(rows), self.silhouette_points, random) if shown is None else shown
                judged, labelings = rows[shown], [one.labels[shown] for one in found]
            self._sweep(X[judged], ks, found, labelings)
            if sampled and self.k is None:
                found = self._settle(X, order, judged, found)
            chosen = self._choice(ks)
            self.chosen_k_ = ks[chosen]
            if sampled:
                labels, detail = self._spread(X, order, found[chosen])
            else:
                labels, detail = np.empty(len(X), dtype=int), found[chosen].detail
                labels[order] = found[chosen].labels
            self._number(X, order, labels, detail)
        silhouettes = np.full(len(X), np.nan)
        silhouettes[judged] = self._each[chosen]
        self.silhouettes_, self.fit_rows_ = silhouettes, rows
        self.sweep_labels_ = np.stack([one.labels for one in found])
        del self._each
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the segment (0 to n_clusters_ − 1) of each row of ``X``; −1 for none."""
        check_is_fitted(self)
        X = self._checked(X, reset=False)
        return np.concatenate([self._place(X[i : i + CHUNK]) for i in range(0, len(X), CHUNK)])

    def _group(self, x: np.ndarray, k: int, random: np.random.RandomState) -> Grouping:
        raise NotImplementedError

    def _place(self, x: np.ndarray) -> np.ndarray:
        """Return the segment of each row by the nearest centre."""
        return nearest(x, self.cluster_centers_)

    def _keep(self, detail: Any, place: np.ndarray) -> None:
        """Keep what the method needs; ``place[i]`` is the final number of the fit's group ``i``."""

    def _spread(self, X: np.ndarray, order: np.ndarray, fit: Grouping) -> tuple[np.ndarray, Any]:
        """Place every row by a fit of a sample; a subclass may refine."""
        raise NotImplementedError

    def _checked(self, X: np.ndarray, *, reset: bool) -> np.ndarray:
        return validate_data(self, X, dtype=float, reset=reset, ensure_min_samples=2 if reset else 1)

    def _silhouettes(self, x: np.ndarray, labelings: np.ndarray) -> np.ndarray:
        return silhouette_samples(x, labelings)

    def _settle(self, X: np.ndarray, order: np.ndarray, judged: np.ndarray, found: list[Grouping]) -> list[Grouping]:
        """Refine the numbers that a sample cannot tell apart, before one is chosen; a subclass may."""
        return found

    def _sweep(self, x: np.ndarray, ks: list[int], found: list[Grouping], labelings: list[np.ndarray]) -> None:
        """Compare the numbers by the silhouettes of the rows shown, ``x`` with their groups ``labelings``."""
        self._each = self._silhouettes(x, np.stack([close_gaps(labels) for labels in labelings]))
        means = np.nan_to_num(self._each.mean(axis=1), nan=-1.0)  # a sample that missed all segments but one
        sizes = [np.bincount(one.labels[one.labels >= 0], minlength=1) for one in found]
        self.sweep_ = pd.DataFrame(
            {
                "k": ks,
                "silhouette": means,
                **{name: [one.criteria[name] for one in found] for name in found[0].criteria},
                "smallest_share": [
                    size[size > 0].min() / len(one.labels) if size.any() else 0.0
                    for one, size in zip(found, sizes, strict=True)
                ],
            }
        )

    def _choice(self, ks: list[int]) -> int:
        if self.k is not None:
            return ks.index(self.k)
        values = self.sweep_[self._decides].to_numpy()
        return int(np.argmax(np.round(values, 12)) if self._decides == "silhouette" else np.argmin(values))

    def _number(self, X: np.ndarray, order: np.ndarray, labels: np.ndarray, detail: Any) -> None:
        sizes, totals = group_sums(X, order, labels, int(labels.max()) + 1)
        centres = totals / np.maximum(sizes, 1)[:, None]
        by_size = np.lexsort([*centres.T[::-1], -sizes])
        by_size = by_size[sizes[by_size] > 0]
        place = np.full(len(sizes), -1)
        place[by_size] = np.arange(len(by_size))
        self.labels_ = np.where(labels >= 0, place[labels], -1) if len(place) else labels
        self.cluster_centers_, self.n_clusters_ = centres[by_size], len(by_size)
        self._keep(detail, place)

    def _numbers_to_try(self, X: np.ndarray, order: np.ndarray) -> list[int]:
        n, distinct = len(X), count_distinct(X, order)
        if distinct < 2:
            raise RefusedError(
                f"all {n} customers are identical", where="segments", repair="Choose features in which they differ."
            )
        if self.k is not None and not 2 <= self.k <= distinct:
            raise RefusedError(
                f"k must lie between 2 and the {distinct} distinct customers, got {self.k}",
                where="segments",
                repair="Ask for fewer segments.",
            )
        if self.k is None and (not len(self.k_range) or min(self.k_range) < 2):
            raise RefusedError(f"k_range must hold numbers from 2 up, got {list(self.k_range)}", where="segments")
        if self.fit_points < 2 or self.silhouette_points < 2:
            raise RefusedError("fit_points and silhouette_points must be 2 or more", where="segments")
        if getattr(self, "n_starts", 1) < 1:
            raise RefusedError(f"n_starts must be 1 or more, got {self.n_starts}", where="segments")
        swept = {k for k in self.k_range if 2 <= k < distinct}
        if self.k is None and not swept:
            swept = {2}
        return sorted(swept | ({self.k} if self.k is not None else set()))


def some(n: int, most: int, random: np.random.RandomState) -> np.ndarray:
    """Positions of a random sample of ``most`` among ``n``, ascending; all of them where there are no more."""
    return np.sort(random.choice(n, most, replace=False)) if n > most else np.arange(n)


def nearest(x: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return the index of the centre nearest to each row (the first of equals).

    >>> nearest(np.array([[0.0], [9.0]]), np.array([[1.0], [8.0]])).tolist()
    [0, 1]
    """
    return squared_distances(x, centres).argmin(axis=1)


def squared_distances(x: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances of rows to centres, shape (n, k)."""
    found = x @ centres.T
    found *= -2.0
    found += np.einsum("ij,ij->i", x, x)[:, None]
    found += np.einsum("ij,ij->i", centres, centres)
    return np.maximum(found, 0.0, out=found)


def group_sums(X: np.ndarray, order: np.ndarray, labels: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Sizes of the groups and the sums of their rows, added up in the given order, a chunk at a time."""
    sizes, totals = np.zeros(k), np.zeros((k, X.shape[1]))
    for begin in range(0, len(order), CHUNK):
        rows = order[begin : begin + CHUNK]
        own = labels[rows]
        inside = own >= 0
        x, own = X[rows][inside], own[inside]
        sizes += np.bincount(own, minlength=k)
        totals += np.stack([np.bincount(own, weights=column, minlength=k) for column in x.T], axis=1)
    return sizes, totals


def count_distinct(X: np.ndarray, order: np.ndarray) -> int:
    """Count the distinct rows of ``X``, given the order that sorts them.

    >>> count_distinct(np.array([[1.0], [2.0], [1.0]]), np.array([0, 2, 1]))
    2
    """
    n = 1
    for begin in range(0, len(order) - 1, CHUNK):
        rows = X[order[begin : begin + CHUNK + 1]]
        n += int((np.nan_to_num(rows[1:], nan=np.inf) != np.nan_to_num(rows[:-1], nan=np.inf)).any(axis=1).sum())
    return n


def close_gaps(labels: np.ndarray) -> np.ndarray:
    """Renumber groups from 0 without gaps; rows of no group (−1) become groups of their own kind, last.

    >>> close_gaps(np.array([2, 0, 2])).tolist()
    [1, 0, 1]
    """
    return np.unique(np.where(labels < 0, labels.max() + 1, labels), return_inverse=True)[1]
