"""k-means segments of customers, the number of them swept by silhouette, numbered by a stated rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import KMeans
from sklearn.metrics import pairwise_distances_argmin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.segments.preparation import PreparedFeatures
from crmresearch.scoring.segments.silhouette import silhouette_samples

K_RANGE = tuple(range(2, 11))


class SegmentKMeans(ClusterMixin, BaseEstimator):
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
    random_state : int, RandomState or None

    Attributes
    ----------
    labels_ : np.ndarray of int, shape (n,)
        Segment of each row, 0 to n_clusters_ − 1.
    cluster_centers_ : np.ndarray, shape (n_clusters_, n_features)
    n_clusters_ : int
    sweep_ : pd.DataFrame, shape (n_swept, 4)
        k, silhouette (mean), inertia (within sum of squares), smallest_share (of the smallest segment).
    silhouettes_ : np.ndarray, shape (n,)
        Silhouette of each row under the chosen segments; NaN outside the sample.

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
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.k = k
        self.k_range = k_range
        self.n_starts = n_starts
        self.silhouette_points = silhouette_points
        self.random_state = random_state

    def fit(self, X: np.ndarray, y: None = None) -> Self:
        """Find the segments of ``X``, shape (n_customers, n_features)."""
        X = validate_data(self, X, dtype=float, ensure_min_samples=2)
        ks = self._numbers_to_try(X)
        order = np.lexsort(X.T[::-1])
        x, random = X[order], check_random_state(self.random_state)
        sample = np.arange(len(x))
        if len(x) > self.silhouette_points:
            sample = np.sort(random.choice(len(x), self.silhouette_points, replace=False))
        with threadpool_limits(limits=1):  # one thread: the sums come in one order and repeat to the last digit
            fits = [KMeans(k, n_init=self.n_starts, random_state=random).fit(x) for k in ks]
        numbered = [_number(fit, x) for fit in fits]
        labelings = np.stack([labels[sample] for labels, _ in numbered])
        each = silhouette_samples(x[sample], _close_gaps(labelings))
        means = np.nan_to_num(each.mean(axis=1), nan=-1.0)  # a sample that missed all segments but one
        chosen = ks.index(self.k) if self.k is not None else int(np.argmax(np.round(means, 12)))
        labels, self.cluster_centers_ = numbered[chosen]
        self.n_clusters_ = ks[chosen]
        self.labels_ = np.empty(len(x), dtype=int)
        self.labels_[order] = labels
        self.silhouettes_ = np.full(len(x), np.nan)
        self.silhouettes_[order[sample]] = each[chosen]
        self.sweep_ = pd.DataFrame(
            {
                "k": ks,
                "silhouette": means,
                "inertia": [float(((x - centres[own]) ** 2).sum()) for own, centres in numbered],
                "smallest_share": [np.bincount(own).min() / len(x) for own, _ in numbered],
            }
        )
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the segment (0 to n_clusters_ − 1) whose centre is nearest to each row of ``X``."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=float, reset=False)
        return pairwise_distances_argmin(X, self.cluster_centers_)

    def _numbers_to_try(self, X: np.ndarray) -> list[int]:
        n, distinct = len(X), len(np.unique(X, axis=0))
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
        if self.n_starts < 1:
            raise RefusedError(f"n_starts must be 1 or more, got {self.n_starts}", where="segments")
        swept = {k for k in self.k_range if 2 <= k < distinct}
        if self.k is None and not swept:
            swept = {2}
        return sorted(swept | ({self.k} if self.k is not None else set()))


@dataclass(frozen=True, slots=True)
class Segmentation:
    """The segment of every customer, and how the number of segments was found.

    Attributes
    ----------
    customers : pd.DataFrame, shape (n_customers, 3)
        customer_id, segment (1 is the largest), silhouette (missing outside the sample).
    sweep : pd.DataFrame, shape (n_swept, 5)
        k, silhouette, inertia, smallest_share, chosen.
    centres : pd.DataFrame, shape (k, 1 + n_features)
        segment, and its mean on each prepared feature.
    features : PreparedFeatures
        What was grouped.
    model : SegmentKMeans
        Fitted; places further customers (``predict`` counts from 0).
    recipe : Recipe
    """

    customers: pd.DataFrame
    sweep: pd.DataFrame
    centres: pd.DataFrame
    features: PreparedFeatures
    model: SegmentKMeans
    recipe: Recipe

    @property
    def k(self) -> int:
        """Number of segments."""
        return self.model.n_clusters_

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The sweep over k."""
        return (Exhibit("segment_sweep", self.sweep, notes=("silhouette_reading",)),)

    def findings(self) -> tuple[Finding, ...]:
        """The number of segments and its silhouette."""
        row = self.sweep[self.sweep["chosen"]].iloc[0]
        best = self.sweep.sort_values(["silhouette", "k"], ascending=[False, True], kind="stable").iloc[0]
        values = {
            "k": self.k,
            "silhouette": float(row["silhouette"]),
            "n": len(self.customers),
            "best_k": int(best["k"]),
            "best_silhouette": float(best["silhouette"]),
            "n_starts": self.model.n_starts,
        }
        given = self.recipe.options["k_chosen_by"] == "researcher"
        return (Finding("segments_given" if given else "segments_swept", values),)


def fit_segments(
    features: PreparedFeatures,
    *,
    rng: np.random.Generator,
    k: int | None = None,
    k_range: Sequence[int] = K_RANGE,
    n_starts: int = 20,
    silhouette_points: int = 25_000,
) -> Segmentation:
    """Group customers by k-means; sweep the number of segments by mean silhouette.

    Parameters
    ----------
    features : PreparedFeatures
        From :func:`~crmresearch.scoring.segments.preparation.prepare_features`.
    rng : np.random.Generator
        Source of the starts and of the silhouette sample.
    k : int, optional
        Number of segments; the sweep is shown all the same. Without it the largest mean silhouette decides.
    k_range : Sequence[int]
        Numbers swept.
    n_starts : int
        k-means++ starts for each k: single starts end in worse optima.
    silhouette_points : int
        Silhouettes come from all customers up to this many, from a random sample of this many beyond.

    Returns
    -------
    Segmentation

    Raises
    ------
    RefusedError
        All customers are identical; k is below 2 or above the number of distinct customers; an option is
        out of range.

    Examples
    --------
    >>> from crmresearch.scoring.segments.preparation import prepare_features
    >>> spend = pd.DataFrame({"spend": [1.0, 2, 3, 50, 51]}, index=list("abcde"))
    >>> fit_segments(prepare_features(spend), rng=np.random.default_rng(1)).customers["segment"].tolist()
    [1, 1, 1, 2, 2]
    """
    matrix = features.matrix
    seed = int(rng.integers(2**31))
    model = SegmentKMeans(
        k, k_range=k_range, n_starts=n_starts, silhouette_points=silhouette_points, random_state=seed
    ).fit(matrix)
    sampled = len(matrix) > silhouette_points
    return Segmentation(
        customers=pd.DataFrame(
            {"customer_id": matrix.index, "segment": model.labels_ + 1, "silhouette": model.silhouettes_}
        ),
        sweep=model.sweep_.assign(chosen=model.sweep_["k"] == model.n_clusters_),
        centres=pd.DataFrame(model.cluster_centers_, columns=matrix.columns).assign(
            segment=np.arange(1, model.n_clusters_ + 1)
        )[["segment", *matrix.columns]],
        features=features,
        model=model,
        recipe=Recipe(
            "k_means",
            {
                **features.recipe.options,
                "features": ", ".join(map(str, matrix.columns)),
                "k": model.n_clusters_,
                "k_chosen_by": "researcher" if k is not None else "largest_mean_silhouette",
                "k_low": int(model.sweep_["k"].min()),
                "k_high": int(model.sweep_["k"].max()),
                "n_starts": n_starts,
                "silhouette_from": "sample" if sampled else "all_customers",
                "silhouette_points": min(silhouette_points, len(matrix)),
                "numbering": "by_size",
                "seed": seed,
            },
            "Rousseeuw (1987), https://doi.org/10.1016/0377-0427(87)90125-7",
        ),
    )


def _number(fit: KMeans, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Renumber a fit's clusters by size, largest first, and recompute their centres as plain means."""
    labels = fit.labels_
    sizes = np.bincount(labels, minlength=fit.n_clusters)
    order = np.lexsort([*fit.cluster_centers_.T[::-1], -sizes])
    order = order[sizes[order] > 0]
    place = np.empty(fit.n_clusters, dtype=int)
    place[order] = np.arange(len(order))
    labels = place[labels]
    totals = np.stack([np.bincount(labels, weights=column) for column in x.T], axis=1)
    return labels, totals / np.bincount(labels)[:, None]


def _close_gaps(labelings: np.ndarray) -> np.ndarray:
    """Renumber each labeling from 0 without gaps, as a sample may miss a small segment."""
    return np.stack([np.unique(labels, return_inverse=True)[1] for labels in labelings])
