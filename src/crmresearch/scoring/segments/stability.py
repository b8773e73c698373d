"""Would the segments come back? Bootstrap Jaccard stability, and a test against one single segment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.cluster import KMeans

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.segments.batched import cluster_batches
from crmresearch.scoring.segments.clustering import Segmentation
from crmresearch.scoring.segments.density import SegmentDensity
from crmresearch.scoring.segments.kmeans import SegmentKMeans
from crmresearch.scoring.segments.silhouette import silhouette_samples
from crmresearch.scoring.segments.sweeping import K_RANGE, SweptClusterer
from crmresearch.scoring.segments.threads import one_thread
from crmresearch.scoring.segments.unimodal import NULLS, Null, draw_clouds

_GRADES = ((0.85, "highly_stable"), (0.75, "stable"), (0.6, "pattern"), (-1.0, "unstable"))
_DISSOLVED, _RECOVERED = 0.5, 0.75
_NULL_ROUNDS = 25  # Lloyd rounds in the test; customers and references get the same, so the test keeps its level


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


@dataclass(frozen=True, slots=True)
class OneSegmentTest:
    """Whether the customers group more tightly than one single cloud would.

    Attributes
    ----------
    test : pd.DataFrame, shape (1, 7)
        silhouette (largest over k, of the customers tested), null_mean, null_high (its upper
        ``level`` quantile in reference data), p_value, n_points, n_references, structure (True where
        p ≤ level).
    null : np.ndarray, shape (n_references,)
        Largest silhouette of each reference data set.
    recipe : Recipe
    """

    test: pd.DataFrame
    null: np.ndarray
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The test."""
        return (Exhibit("one_segment_test", self.test, notes=("one_segment_null",)),)

    def findings(self) -> tuple[Finding, ...]:
        """Segments, or none."""
        row = self.test.iloc[0]
        values = {name: row[name].item() for name in ("silhouette", "null_high", "p_value", "n_points", "n_references")}
        return (Finding("segments_exist" if row["structure"] else "segments_absent", values),)


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
    x, labels = _ordered_sample(segmentation, max_points, rng)
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


def assess_one_segment(
    segmentation: Segmentation,
    *,
    rng: np.random.Generator,
    null: Null | Literal["either_cloud"] = "either_cloud",
    n_references: int = 49,
    level: float = 0.02,
    n_starts: int = 2,
    max_points: int = 500,
) -> OneSegmentTest:
    """Compare the best silhouette with that of data that are one single cloud.

    Parameters
    ----------
    segmentation : Segmentation
        Its prepared features and its swept numbers of segments are used.
    rng : np.random.Generator
    null : {"either_cloud", "one_unimodal_cloud", "one_normal_cloud"}
        What one single segment looks like; see :func:`~.unimodal.draw_clouds`. ``either_cloud`` tests
        against both and keeps the larger p-value.
    n_references : int
        Reference data sets of each null; the smallest p-value is 1 / (n_references + 1).
    level : float
        p at or below which the customers are said to fall into segments; below .05, because the shape of
        the one cloud is itself estimated, which makes small p a little too frequent.
    n_starts : int
        k-means++ starts for each k, for customers and references alike.
    max_points : int
        Customers tested: all up to this many, a random sample beyond.

    Returns
    -------
    OneSegmentTest

    Raises
    ------
    RefusedError
        The level cannot be reached with so few references, or an option is out of range.

    Notes
    -----
    A reference data set is one cloud with the correlations of the prepared features: with each feature's
    own distribution made one-humped (after Helgeson et al. 2021), or normal (Liu et al. 2008).
    Against the normal cloud, skewed or flat features alone look like segments. The statistic is the
    largest mean silhouette of k-means over the swept k, whatever method made the segments;
    p = (1 + number of references at or above it) / (1 + n_references).

    References
    ----------
    Liu, Y., Hayes, D. N., Nobel, A. & Marron, J. S. (2008). Statistical significance of clustering for
    high-dimension, low-sample size data. Journal of the American Statistical Association 103, 1281–1293.
    https://doi.org/10.1198/016214508000000454

    Helgeson, E. S., Vock, D. M. & Bair, E. (2021). Nonparametric cluster significance testing with reference
    to a unimodal null distribution. Biometrics 77, 1215–1226. https://doi.org/10.1111/biom.13376
    """
    if not 0 < level < 1 or n_references < np.ceil(1 / level) - 1:
        raise RefusedError(
            f"{n_references} references cannot reach the level {level!r}",
            where="assess_one_segment",
            repair="Use at least 1/level − 1 references.",
        )
    nulls = NULLS if null == "either_cloud" else (null,)
    if nulls[0] not in NULLS:
        raise RefusedError(
            f"null must be one of either_cloud, {', '.join(NULLS)}; got {null!r}", where="assess_one_segment"
        )
    if segmentation.features.metric == "gower":
        raise RefusedError(
            "features with categories have no single cloud to be compared with",
            where="assess_one_segment",
            repair="Compare one class with several by BIC: fit latent classes.",
        )
    x, _ = _ordered_sample(segmentation, max_points, rng)
    swept = segmentation.sweep["k"] if len(segmentation.sweep) > 1 else K_RANGE
    ks = [int(k) for k in swept if 2 <= k < len(np.unique(x, axis=0))]
    sets = np.concatenate([x[None], *(draw_clouds(x, n_references, null=one, rng=rng) for one in nulls)])
    with one_thread():
        labels = [
            cluster_batches(sets, np.ones(sets.shape[:2]), k, n_starts=n_starts, rng=rng, max_rounds=_NULL_ROUNDS)
            for k in ks
        ]
    best = np.array([_largest_silhouette(one, [each[i] for each in labels]) for i, one in enumerate(sets)])
    observed, references = best[0], best[1:].reshape(len(nulls), n_references)
    each = (1 + (references >= observed).sum(axis=1)) / (1 + n_references)
    p, reference = float(each.max()), references[int(each.argmax())]
    return OneSegmentTest(
        test=pd.DataFrame(
            {
                "silhouette": [observed],
                "null_mean": [reference.mean()],
                "null_high": [np.quantile(reference, 1 - level)],
                "p_value": [p],
                "n_points": [len(x)],
                "n_references": [n_references],
                "structure": [p <= level],
            }
        ),
        null=reference,
        recipe=Recipe(
            "one_segment_test",
            {
                "null": null,
                "k_low": min(ks),
                "k_high": max(ks),
                "n_references": n_references,
                "significance_level": level,
                "n_starts": n_starts,
                "n_points": len(x),
            },
            "Liu et al. (2008), https://doi.org/10.1198/016214508000000454"
            if null == "one_normal_cloud"
            else "Helgeson et al. (2021), https://doi.org/10.1111/biom.13376",
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


def _ordered_sample(
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


def _largest_silhouette(x: np.ndarray, labelings: list[np.ndarray]) -> float:
    """Largest mean silhouette of several groupings; those that came down to one group are passed over."""
    whole = [np.unique(labels, return_inverse=True)[1] for labels in labelings]
    whole = [labels for labels in whole if labels.max() > 0]
    return float(silhouette_samples(x, np.stack(whole)).mean(axis=1).max())
