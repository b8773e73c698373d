"""Segments or one cloud: a test against data that have a single segment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, check_choice
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.segments.batched import cluster_batches
from crmresearch.scoring.segments.clustering import Segmentation
from crmresearch.scoring.segments.silhouette import silhouette_samples
from crmresearch.scoring.segments.stability import ordered_sample
from crmresearch.scoring.segments.sweeping import K_RANGE
from crmresearch.scoring.segments.threads import one_thread
from crmresearch.scoring.segments.unimodal import NULLS, Null, draw_clouds

_ROUNDS = 25  # Lloyd rounds; customers and references get the same, so the test keeps its level
_FIRST = 5  # reference data sets of each null drawn at first; then as many again as there are


@dataclass(frozen=True, slots=True)
class OneSegmentTest:
    """Whether the customers group more tightly than one single cloud would.

    Attributes
    ----------
    test : pd.DataFrame, shape (1, 7)
        silhouette (the statistic, of the customers tested), null_mean, null_high (its upper ``level``
        quantile in reference data), p_value, n_points, n_references (drawn of each null), structure
        (True where p ≤ level).
    null : np.ndarray, shape (n_references,)
        The statistic of each reference data set.
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
        return (Finding("segments_exist" if row["structure"] else "segments_absent", values, main=True),)


def assess_one_segment(
    segmentation: Segmentation,
    *,
    rng: np.random.Generator,
    null: Null | Literal["either_cloud"] = "either_cloud",
    n_references: int = 49,
    level: float = 0.02,
    smallest_share: float = 0.05,
    stop_after: int = 10,
    n_starts: int = 2,
    max_points: int = 500,
) -> OneSegmentTest:
    """Compare the best silhouette with that of data that are one single cloud.

    Parameters
    ----------
    segmentation : Segmentation
        Its prepared features and its swept numbers of segments are used.
    rng : np.random.Generator
    null : {"either_cloud", "one_unimodal_cloud", "one_normal_cloud", "one_flat_cloud"}
        What one single segment looks like; see :func:`~.unimodal.draw_clouds`. ``either_cloud`` tests
        against all three and keeps the largest p-value.
    n_references : int
        Reference data sets of each null at most; the smallest p-value is 1 / (n_references + 1).
    level : float
        p at or below which the customers are said to fall into segments; below .05, because the shape of
        the one cloud is itself estimated, which makes small p a little too frequent.
    smallest_share : float
        Groups with a smaller share of the customers are outliers, not segments.
    stop_after : int
        No more references are drawn once this many of a null reach the customers' statistic: the answer
        is then certain.
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
    own distribution made one-humped (after Helgeson et al. 2021), normal (Liu et al. 2008), or uniform in
    an ellipsoid, flat data being the single cloud that cuts best (Tibshirani et al. 2001). Against the
    normal cloud alone skewed or flat features look like segments, against the first two a ball does.

    The statistic is the largest, over the swept k, of the mean silhouette of the customers in k-means
    groups of ``smallest_share`` or more (−1 where there are not two of these), whatever method made the
    segments. Without that limit one far customer is a group of its own with a silhouette near 1, which
    few references of a heavy-tailed feature repeat: one cloud then passed for several too often.

    p = (1 + c) / (1 + n_references) with c references at or above the statistic; where ``stop_after``
    of them are found at the l-th, p = stop_after / l (Besag & Clifford 1991).

    References
    ----------
    Liu, Y., Hayes, D. N., Nobel, A. & Marron, J. S. (2008). Statistical significance of clustering for
    high-dimension, low-sample size data. Journal of the American Statistical Association 103, 1281–1293.
    https://doi.org/10.1198/016214508000000454

    Besag, J. & Clifford, P. (1991). Sequential Monte Carlo p-values. Biometrika 78, 301–304.
    https://doi.org/10.1093/biomet/78.2.301

    Tibshirani, R., Walther, G. & Hastie, T. (2001). Estimating the number of clusters in a data set via the gap
    statistic. Journal of the Royal Statistical Society B 63, 411–423. https://doi.org/10.1111/1467-9868.00293

    Helgeson, E. S., Vock, D. M. & Bair, E. (2021). Nonparametric cluster significance testing with reference
    to a unimodal null distribution. Biometrics 77, 1215–1226. https://doi.org/10.1111/biom.13376
    """
    if not 0 < level < 1 or n_references < np.ceil(1 / level) - 1:
        raise RefusedError(
            f"{n_references} references cannot reach the level {level!r}",
            where="assess_one_segment",
            repair="Use at least 1/level − 1 references.",
        )
    if not 0 <= smallest_share < 0.5 or n_starts < 1 or stop_after < 1 or stop_after / n_references <= level:
        raise RefusedError(
            f"0 ≤ smallest_share < 0.5, n_starts ≥ 1, stop_after > level × n_references; got {smallest_share!r}, "
            f"{n_starts}, {stop_after}",
            where="assess_one_segment",
        )
    check_choice("null", null, ("either_cloud", *NULLS), where="assess_one_segment")
    nulls = NULLS if null == "either_cloud" else (null,)
    if segmentation.features.metric == "gower":
        raise RefusedError(
            "features with categories have no single cloud to be compared with",
            where="assess_one_segment",
            repair="Compare one class with several by BIC: fit latent classes.",
        )
    x, _ = ordered_sample(segmentation, max_points, rng)
    swept = segmentation.sweep["k"] if len(segmentation.sweep) > 1 else K_RANGE
    ks = [int(k) for k in swept if 2 <= k < len(np.unique(x, axis=0))]
    least = smallest_share * len(x)
    with one_thread():
        observed = _statistics(x[None], ks, n_starts, least, rng)[0]
        references = np.empty((len(nulls), 0))
        while references.shape[1] < n_references and not ((references >= observed).sum(axis=1) >= stop_after).any():
            drawn = references.shape[1]
            more = min(max(drawn, _FIRST), n_references - drawn)
            clouds = np.concatenate([draw_clouds(x, more, null=one, rng=rng) for one in nulls])
            found = _statistics(clouds, ks, n_starts, least, rng).reshape(len(nulls), more)
            references = np.concatenate([references, found], axis=1)
    each = [_p_value(observed, one, stop_after) for one in references]
    p, reference = max(each), references[int(np.argmax(each))]
    return OneSegmentTest(
        test=pd.DataFrame(
            {
                "silhouette": [observed],
                "null_mean": [reference.mean()],
                "null_high": [np.quantile(reference, 1 - level)],
                "p_value": [p],
                "n_points": [len(x)],
                "n_references": [len(reference)],
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
                "stop_after": stop_after,
                "significance_level": level,
                "smallest_share": smallest_share,
                "n_starts": n_starts,
                "n_points": len(x),
            },
            "Liu et al. (2008), https://doi.org/10.1198/016214508000000454"
            if null == "one_normal_cloud"
            else "Helgeson et al. (2021), https://doi.org/10.1111/biom.13376",
        ),
    )


def _p_value(observed: float, references: np.ndarray, stop_after: int) -> float:
    """Sequential Monte Carlo p-value.

    >>> _p_value(0.5, np.array([0.1, 0.6, 0.2, 0.7]), 2), _p_value(0.5, np.array([0.1, 0.6, 0.2, 0.1]), 2)
    (0.5, 0.4)
    """
    reached = np.flatnonzero(references >= observed)
    if len(reached) >= stop_after:
        return stop_after / (int(reached[stop_after - 1]) + 1)
    return (1 + len(reached)) / (1 + len(references))


def _statistics(sets: np.ndarray, ks: list[int], n_starts: int, least: float, rng: np.random.Generator) -> np.ndarray:
    """Return the statistic of each data set, shape (n_sets,)."""
    everyone = np.ones(sets.shape[:2])
    labels = np.stack(
        [cluster_batches(sets, everyone, k, n_starts=n_starts, rng=rng, max_rounds=_ROUNDS) for k in ks], axis=1
    )
    return np.array([_largest_silhouette(x, own, least) for x, own in zip(sets, labels, strict=True)])


def _largest_silhouette(x: np.ndarray, labelings: np.ndarray, least: float) -> float:
    """Largest over groupings of the mean silhouette in groups of ``least`` rows or more; −1 without two such groups."""
    whole = [np.unique(labels, return_inverse=True)[1] for labels in labelings]
    sizes = [np.bincount(labels) for labels in whole]
    fit = [i for i, size in enumerate(sizes) if (size >= least).sum() > 1]
    if not fit:
        return -1.0
    each = silhouette_samples(x, np.stack([whole[i] for i in fit]))
    return max(float(one[sizes[i][whole[i]] >= least].mean()) for i, one in zip(fit, each, strict=True))
