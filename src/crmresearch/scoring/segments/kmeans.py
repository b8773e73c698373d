"""k-means with many starts; of many customers a sample chooses the number of segments and all settle the centres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.cluster import KMeans

from crmresearch.scoring.segments.sweeping import (
    CHUNK,
    K_RANGE,
    Grouping,
    SweptClusterer,
    close_gaps,
    group_sums,
    nearest,
)

_MAX_ROUNDS, _TOLERANCE = 300, 1e-4  # scikit-learn's own
_TOO_NEAR = 0.003  # mean silhouettes this near each other are judged again with centres settled on all rows


class SegmentKMeans(SweptClusterer):
    """k-means with many starts; the number of segments given, or swept by mean silhouette.

    Rows are put in order of their values before anything random happens, so their order never
    changes the result. Segments are numbered from the largest to the smallest; equal sizes by their
    centre's coordinates, ascending.

    Parameters
    ----------
    k : int or None
        Number of segments; None takes the one of ``k_range`` with the largest mean silhouette, the
        smaller where two are equal.
    k_range : Sequence[int]
        Numbers swept; those above the number of distinct rows less one are passed over.
    n_starts : int
        k-means++ starts for each k; the smallest within-segment sum of squares is kept.
    silhouette_points : int
        Rows from which silhouettes are computed; a random sample where there are more.
    fit_points : int
        Up to this many rows, every number of segments is fitted to all. Beyond, each is fitted to a random
        sample of this many; see Notes.
    random_state : int, RandomState or None

    Attributes
    ----------
    labels_ : np.ndarray of int, shape (n,)
        Segment of each row, 0 to n_clusters_ − 1.
    cluster_centers_ : np.ndarray, shape (n_clusters_, n_features)
    n_clusters_ : int
    sweep_ : pd.DataFrame, shape (n_swept, 4)
        k, silhouette (mean), inertia (within sum of squares of the rows fitted), smallest_share.
    silhouettes_ : np.ndarray, shape (n,)
        Silhouette of each row under the chosen segments; NaN outside the sample.

    Notes
    -----
    The sampling rule: the rows that give the silhouettes are drawn from all rows before anything else, so that
    they are the same however many rows are fitted. With more than ``fit_points`` rows each number is fitted to
    a sample and the silhouette rows are placed by its centres. Numbers whose mean silhouettes lie within
    0.003 of the largest are then settled on all rows by Lloyd's rounds and judged again; the chosen one's
    centres are settled on all rows. A number chosen so differs from that of fits to all rows only where
    starts ended in another optimum.

    Memory beyond the data: one copy of the rows fitted (at most ``fit_points``), the order and the labels
    (16 bytes a row), blocks of a few megabytes.

    References
    ----------
    Arthur, D. & Vassilvitskii, S. (2007). k-means++: the advantages of careful seeding. Proceedings of
    SODA, 1027–1035. https://dl.acm.org/doi/10.5555/1283383.1283494

    Examples
    --------
    >>> SegmentKMeans().fit([[0.0], [0.1], [0.2], [5.0], [5.1]]).labels_.tolist()
    [0, 0, 0, 1, 1]
    """

    def __init__(
        self,
        k: int | None = None,
        *,
        k_range: Sequence[int] = K_RANGE,
        n_starts: int = 20,
        silhouette_points: int = 25_000,
        fit_points: int = 50_000,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.k = k
        self.k_range = k_range
        self.n_starts = n_starts
        self.silhouette_points = silhouette_points
        self.fit_points = fit_points
        self.random_state = random_state

    _judged_beyond = True

    def _group(self, x: np.ndarray, k: int, random: np.random.RandomState) -> Grouping:
        fit = KMeans(k, n_init=self.n_starts, random_state=random).fit(x)
        sizes, totals = group_sums(x, np.arange(len(x)), fit.labels_, k)
        centres = totals / np.maximum(sizes, 1)[:, None]
        inertia = float(sum(((x[fit.labels_ == own] - centre) ** 2).sum() for own, centre in enumerate(centres)))
        return Grouping(fit.labels_.astype(np.int64), {"inertia": inertia}, centres)

    def _settle(self, X: np.ndarray, order: np.ndarray, judged: np.ndarray, found: list[Grouping]) -> list[Grouping]:
        """Settle on all rows the numbers whose silhouettes lie too near the largest for a sample to tell apart."""
        means = self.sweep_["silhouette"].to_numpy(copy=True)
        near = np.flatnonzero(means >= means.max() - _TOO_NEAR)
        if len(near) < 2:
            return found
        found = list(found)
        for i in near:
            found[i] = replace(found[i], detail=self._spread(X, order, found[i])[1])
        labelings = np.stack([close_gaps(nearest(X[judged], found[i].detail)) for i in near])
        self._each[near] = self._silhouettes(X[judged], labelings)
        means[near] = self._each[near].mean(axis=1)
        self.sweep_["silhouette"] = means
        return found

    def _spread(self, X: np.ndarray, order: np.ndarray, fit: Grouping) -> tuple[np.ndarray, Any]:
        """Settle the sample's centres on all rows: Lloyd's rounds, chunks in order of the values."""
        centres, labels = fit.detail.copy(), np.full(len(X), -1)
        tolerance = _TOLERANCE * float(np.mean(np.var(X[self._some(order)], axis=0)))
        for _ in range(_MAX_ROUNDS):
            changed = 0
            for begin in range(0, len(order), CHUNK):
                rows = order[begin : begin + CHUNK]
                own = nearest(X[rows], centres)
                changed += int((own != labels[rows]).sum())
                labels[rows] = own
            sizes, totals = group_sums(X, order, labels, len(centres))
            moved = np.where(sizes[:, None] > 0, totals / np.maximum(sizes, 1)[:, None], centres)
            shift, centres = float(((moved - centres) ** 2).sum()), moved
            if not changed or shift <= tolerance:
                break
        return labels, centres

    def _some(self, order: np.ndarray) -> np.ndarray:
        return order[:: max(1, len(order) // self.fit_points)]
