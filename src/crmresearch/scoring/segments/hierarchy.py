"""Ward's hierarchy: segments joined from the bottom, two at a time, at the least gain in spread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from crmresearch.scoring.segments.sweeping import CHUNK, K_RANGE, Grouping, SweptClusterer, group_sums, nearest


class SegmentWard(SweptClusterer):
    """Hierarchical clustering by Ward's rule; the number of segments given, or swept by mean silhouette.

    Parameters
    ----------
    k : int or None
        Number of segments; None takes the largest mean silhouette, the smaller where two are equal.
    k_range : Sequence[int]
    silhouette_points, fit_points : int
        Beyond this many rows the hierarchy is that of a random sample, and every row goes to the nearest
        centre of the sample's segments. Further rows (``predict``) always go to the nearest centre, which
        can differ from where the hierarchy put a row near a border.
    random_state : int, RandomState or None

    Attributes
    ----------
    tree_ : np.ndarray, shape (n_fit_rows − 1, 4)
        The joins, in SciPy's form: two groups, height, size.

    References
    ----------
    Ward, J. H. (1963). Hierarchical grouping to optimize an objective function. Journal of the American
    Statistical Association 58, 236–244. https://doi.org/10.1080/01621459.1963.10500845

    Examples
    --------
    >>> SegmentWard(2).fit([[0.0], [0.1], [0.2], [5.0], [5.1]]).labels_.tolist()
    [0, 0, 0, 1, 1]
    """

    def __init__(
        self,
        k: int | None = None,
        *,
        k_range: Sequence[int] = K_RANGE,
        silhouette_points: int = 10_000,
        fit_points: int = 10_000,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.k = k
        self.k_range = k_range
        self.silhouette_points = silhouette_points
        self.fit_points = fit_points
        self.random_state = random_state

    def _group(self, x: np.ndarray, k: int, random: np.random.RandomState) -> Grouping:
        if getattr(self, "_of", None) is not x:
            self.tree_, self._of = linkage(x, method="ward"), x
        labels = fcluster(self.tree_, k, criterion="maxclust") - 1
        sizes, totals = group_sums(x, np.arange(len(x)), labels, int(labels.max()) + 1)
        return Grouping(labels, {"height": float(self.tree_[-(k - 1), 2])}, totals / sizes[:, None])

    def _spread(self, X: np.ndarray, order: np.ndarray, fit: Grouping) -> tuple[np.ndarray, Any]:
        return np.concatenate([nearest(X[i : i + CHUNK], fit.detail) for i in range(0, len(X), CHUNK)]), fit.detail

    def _keep(self, detail: Any, place: np.ndarray) -> None:
        self._of = None
