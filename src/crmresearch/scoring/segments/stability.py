"""Would the segments come back? Bootstrap Jaccard stability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.cluster import KMeans

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.segments.clustering import Segmentation
from crmresearch.scoring.segments.density import SegmentDensity
from crmresearch.scoring.segments.kmeans import SegmentKMeans
from crmresearch.scoring.segments.sweeping import SweptClusterer
from crmresearch.scoring.segments.threads import one_thread

_GRADES = ((0.85, "highly_stable"), (0.75, "stable"), (0.6, "pattern"), (-1.0, "unstable"))
_DISSOLVED, _RECOVERED = 0.5, 0.75


@dataclass(frozen=True, slots=True)
class SegmentStability:
    """How well each segment is found again in resampled customers.

    Attributes
    ----------
    segments : pd.DataFrame, shape (k, 7)
        segment, n_points (customers of it that took part), jaccard (mean), jaccard_low, jaccard_high
        (2.5 % and 97.5 % of the resamples), share_dissolved (Jaccard ≤ 0.5), grade.
    resamples : np.ndarray, shape (n_resamples, k)
        Jaccard similarity of each segment in each resample.
    recipe : Recipe
    """

    segments: pd.DataFrame
    resamples: np.ndarray
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Stability of each segment."""
        return (Exhibit("segment_stability", self.segments, notes=("jaccard_reading",)),)

    def findings(self) -> tuple[Finding, ...]:
        """How many segments are stable, and the least stable one."""
        worst = self.segments.sort_values(["jaccard", "segment"], kind="stable").iloc[0]
        values = {
            "n_stable": int((self.segments["jaccard"] >= _RECOVERED).sum()),
            "k": len(self.segments),
            "n_resamples": len(self.resamples),
            "worst": int(worst["segment"]),
            "worst_jaccard": float(worst["jaccard"]),
        }
        return (Finding("segments_stable", values),)


def score_stability(
    segmentation: Segmentation,
    *,
    rng: np.random.Generator,
    n_resamples: int = 100,
    n_starts: int | None = None,
    max_points: int | None = None,
) -> SegmentStability:
    """Resample the customers, segment each resample anew, and see which segments come back.

    Parameters
    ----------
    segmentation : Segmentation
    rng : np.random.Generator
    n_resamples : int
        Bootstrap resamples, at least 2.
    n_starts : int, optional
        Starts in each resample, of the methods that have starts; 5 for k-means, else 1.
    max_points : int, optional
        Customers that take part: all up to this many, a random sample beyond; 5,000 for k-means, else 1,000.

    Returns
    -------
    SegmentStability

    Raises
    ------
    RefusedError
        An option is out of range.

    Notes
    -----
    For each resample, a segment's similarity is the largest Jaccard index |A ∩ B| / |A ∪ B| between its
    drawn customers A and the customers B of a new segment, each drawn customer counted once. Means above
    0.85 are highly stable, above 0.75 stable, above 0.6 a pattern of doubtful membership, below unstable.

    References
    ----------
    Hennig, C. (2007). Cluster-wise assessment of cluster stability. Computational Statistics & Data
    Analysis 52, 258–271. https://doi.org/10.1016/j.csda.2006.11.025
    """
    model = segmentation.model
    fast = isinstance(model, SegmentKMeans)
    n_starts = n_starts if n_starts is not None else 5 if fast else 1
    max_points = max_points if max_points is not None else 5_000 if fast else 1_000
    if n_resamples < 2 or n_starts < 1:
        raise RefusedError(
            f"n_resamples must be 2 or more and n_starts 1 or more, got {n_resamples} and {n_starts}",
            where="score_stability",
        )
    require_segments(segmentation, "score_stability")
    x, labels = ordered_sample(segmentation, max_points, rng)
    x, labels = x[labels >= 0], labels[labels >= 0]
    n, k = len(x), segmentation.k
    draws = rng.multinomial(n, np.full(n, 1 / n), size=n_resamples)
    seeds = rng.integers(2**31, size=n_resamples)
    found = np.zeros((n_resamples, n), dtype=np.int64)
    with one_thread():
        for row, (draw, seed) in enumerate(zip(draws, seeds, strict=True)):
            found[row, draw > 0] = _regroup(model, x, draw, k, n_starts, int(seed))
    similarity = _jaccard(labels, found, draws > 0, k)
    low, high = np.nanquantile(similarity, [0.025, 0.975], axis=0)
    mean = np.nanmean(similarity, axis=0)
    return SegmentStability(
        segments=pd.DataFrame(
            {
                "segment": np.arange(1, k + 1),
                "n_points": np.bincount(labels, minlength=k),
                "jaccard": mean,
                "jaccard_low": low,
                "jaccard_high": high,
                "share_dissolved": np.nanmean(similarity <= _DISSOLVED, axis=0),
                "grade": [next(grade for limit, grade in _GRADES if value >= limit) for value in mean],
            }
        ),
        resamples=similarity,
        recipe=Recipe(
            "bootstrap_jaccard",
            {
                "n_resamples": n_resamples,
                **({"n_starts": n_starts} if hasattr(model, "n_starts") else {}),
                "n_points": n,
                "points_from": "sample" if len(segmentation.customers) > max_points else "all_customers",
            },
            "Hennig (2007), https://doi.org/10.1016/j.csda.2006.11.025",
        ),
    )


def require_segments(segmentation: Segmentation, where: str) -> None:
    """Refuse where a segmentation came to no segment at all."""
    if segmentation.k < 1:
        raise RefusedError(
            "there are no segments to describe", where=where, repair="No segments is an answer: report it as such."
        )


def _regroup(model: SweptClusterer, x: np.ndarray, draw: np.ndarray, k: int, n_starts: int, seed: int) -> np.ndarray:
    """Group one resample anew by the same method; return the group of each customer drawn, once each."""
    drawn = np.flatnonzero(draw)
    if isinstance(model, SegmentKMeans):
        fit = KMeans(k, n_init=n_starts, random_state=seed)
        return fit.fit(x[drawn], sample_weight=draw[drawn].astype(float)).labels_
    rows = np.repeat(drawn, draw[drawn])
    again = clone(model)
    if isinstance(model, SegmentDensity):
        labels = again.set_params(random_state=seed).fit(x[rows]).labels_
    else:
        if hasattr(model, "n_starts"):
            again.set_params(n_starts=n_starts)
        labels = again._group(x[rows], k, np.random.RandomState(seed)).labels
    return labels[np.flatnonzero(np.diff(rows, prepend=-1))]


def ordered_sample(
    segmentation: Segmentation, max_points: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return prepared features and segments (from 0) in order of the values, sampled where there are many."""
    x, labels = segmentation.features.matrix.to_numpy(), segmentation.model.labels_
    order = np.lexsort(x.T[::-1])
    if len(x) > max_points:
        order = order[np.sort(rng.choice(len(x), max_points, replace=False))]
    return x[order], labels[order]


def _jaccard(labels: np.ndarray, found: np.ndarray, drawn: np.ndarray, k: int) -> np.ndarray:
    """Best Jaccard index of each segment among the new ones, shape (n_resamples, k); NaN where none was drawn."""
    n_resamples, groups = len(found), max(k, int(found.max()) + 1)
    found = np.where(found < 0, groups, found)  # in none: counts in the unions, matches nothing
    place = labels * (groups + 1) + found + np.arange(n_resamples)[:, None] * k * (groups + 1)
    both = np.bincount(place[drawn], minlength=n_resamples * k * (groups + 1)).reshape(n_resamples, k, -1)
    union = both.sum(axis=2, keepdims=True) + both.sum(axis=1, keepdims=True) - both
    best = (both / np.maximum(union, 1))[:, :, :groups].max(axis=2)
    return np.where(both.sum(axis=2) > 0, best, np.nan)
