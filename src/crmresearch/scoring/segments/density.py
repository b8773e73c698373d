"""HDBSCAN: segments as dense places, customers between them in none, and "no segments" as an answer."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.cluster import HDBSCAN
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_random_state

from crmresearch.errors import RefusedError
from crmresearch.scoring.segments.silhouette import silhouette_samples
from crmresearch.scoring.segments.sweeping import CHUNK, SweptClusterer, close_gaps, count_distinct, some
from crmresearch.scoring.segments.threads import one_thread


class SegmentDensity(SweptClusterer):
    """HDBSCAN; finds how many dense groups there are, which may be none.

    Parameters
    ----------
    smallest_share : float
        Share of the rows (0 to 0.5) that a group must have to count as a segment.
    silhouette_points, fit_points : int
        Beyond this many rows a random sample is grouped; the others follow the rule of ``predict``.
    random_state : int, RandomState or None

    Attributes
    ----------
    labels_ : np.ndarray of int, shape (n,)
        Segment of each row, −1 for rows in none.
    reach_ : np.ndarray, shape (n_clusters_,)
        Largest distance of a member to its nearest fellow: a further row that is nearest to a member,
        and no further from it than this, joins; any other is in none.

    References
    ----------
    Campello, R. J. G. B., Moulavi, D., Zimek, A. & Sander, J. (2015). Hierarchical density estimates for data
    clustering, visualization, and outlier detection. ACM Transactions on Knowledge Discovery from Data 10,
    5. https://doi.org/10.1145/2733381

    Examples
    --------
    >>> x = np.r_[np.linspace(0, 1, 20), np.linspace(9, 10, 20)].reshape(-1, 1)
    >>> fit = SegmentDensity(smallest_share=0.2).fit(x)
    >>> fit.labels_[[0, 20]].tolist(), fit.predict([[5.0]]).tolist()
    ([0, 1], [-1])
    """

    def __init__(
        self,
        *,
        smallest_share: float = 0.02,
        silhouette_points: int = 10_000,
        fit_points: int = 10_000,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.smallest_share = smallest_share
        self.silhouette_points = silhouette_points
        self.fit_points = fit_points
        self.random_state = random_state

    def fit(self, X: np.ndarray, y: None = None) -> Self:
        """Find the dense groups of ``X``, shape (n_customers, n_features)."""
        X = self._checked(X, reset=True)
        if not 0 < self.smallest_share <= 0.5:
            raise RefusedError(f"smallest_share must lie in (0, 0.5], got {self.smallest_share!r}", where="segments")
        order = np.lexsort(X.T[::-1])
        if count_distinct(X, order) < 2:
            raise RefusedError(
                f"all {len(X)} customers are identical",
                where="segments",
                repair="Choose features in which they differ.",
            )
        random = check_random_state(self.random_state)
        rows = order[some(len(X), self.fit_points, random)]
        x = np.ascontiguousarray(X[rows])
        least = max(2, int(np.ceil(self.smallest_share * len(x))))
        with one_thread():
            found = HDBSCAN(min_cluster_size=min(least, len(x)), min_samples=min(5, len(x)), copy=True).fit(x).labels_
        found = np.where(found < 0, -1, found)
        labels = np.full(len(X), -1)
        labels[rows] = found
        self._remember(x, found)
        if len(rows) < len(X):
            others = np.setdiff1d(order, rows)
            for begin in range(0, len(others), CHUNK):
                part = others[begin : begin + CHUNK]
                labels[part] = self._place(X[part])
        if found.max() >= 0:
            self._number(X, order, labels, found)
        else:
            self.labels_, self.n_clusters_ = labels, 0
            self.cluster_centers_ = np.empty((0, X.shape[1]))
        self._remember(x, self.labels_[rows])
        self._show(X, x, rows, random)
        return self

    def _show(self, X: np.ndarray, x: np.ndarray, rows: np.ndarray, random: np.random.RandomState) -> None:
        shown, self.silhouettes_ = rows[self.labels_[rows] >= 0], np.full(len(X), np.nan)
        if len(shown) > self.silhouette_points:
            shown = shown[np.sort(random.choice(len(shown), self.silhouette_points, replace=False))]
        if self.n_clusters_ > 1:
            labels = close_gaps(self.labels_[shown])[None]
            self.silhouettes_[shown] = silhouette_samples(X[shown], labels)[0]
        inside = self.labels_[self.labels_ >= 0]
        mean = float(np.nanmean(self.silhouettes_[shown])) if self.n_clusters_ > 1 else np.nan
        smallest = np.bincount(inside).min() / len(X) if len(inside) else np.nan
        self.sweep_ = pd.DataFrame(
            {
                "k": [self.n_clusters_],
                "silhouette": [mean],
                "share_in_none": [1 - len(inside) / len(X)],
                "smallest_share": [smallest],
            }
        )
        self.fit_rows_, self.sweep_labels_ = rows, self.labels_[rows][None]

    def _remember(self, x: np.ndarray, labels: np.ndarray) -> None:
        """Keep the members and how far apart they lie."""
        inside = labels >= 0
        self._members, self._owner = x[inside], labels[inside]
        self._near = NearestNeighbors(n_neighbors=2).fit(self._members) if inside.sum() > 1 else None
        k = int(labels.max()) + 1
        self.reach_ = np.zeros(k)
        if self._near is not None:
            apart = self._near.kneighbors(self._members)[0][:, 1]
            np.maximum.at(self.reach_, self._owner, apart)

    def _place(self, x: np.ndarray) -> np.ndarray:
        if self._near is None:
            return np.full(len(x), -1)
        distance, member = self._near.kneighbors(x, n_neighbors=1)
        own = self._owner[member[:, 0]]
        return np.where(distance[:, 0] <= self.reach_[own], own, -1)

    def _keep(self, detail: Any, place: np.ndarray) -> None:
        pass
