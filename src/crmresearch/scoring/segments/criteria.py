"""How many segments: what several criteria say, one segment among the answers of those that can say it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.segments.clustering import Segmentation
from crmresearch.scoring.segments.mixture import Covariance, entropy, fit_mixture
from crmresearch.scoring.segments.silhouette import silhouette_samples
from crmresearch.scoring.segments.sweeping import nearest
from crmresearch.scoring.segments.threads import one_thread

_STRONG = 0.8  # prediction strength from which segments are said to be predicted (Tibshirani & Walther)


@dataclass(frozen=True, slots=True)
class NumberOfSegments:
    """What each criterion says of each number of segments.

    Attributes
    ----------
    criteria : pd.DataFrame, shape (n_numbers, 10)
        k (from 1), silhouette, calinski_harabasz, davies_bouldin, gap, gap_error, prediction_strength,
        bic, icl, inertia; missing where a criterion does not exist for one segment.
    votes : pd.DataFrame, shape (7, 3)
        number_criterion, votes_for (its number of segments), can_say_one (whether it could have said one).
    chosen : int
        The number that the segmentation has.
    recipe : Recipe
    """

    criteria: pd.DataFrame
    votes: pd.DataFrame
    chosen: int
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Every criterion at every number, and what each one chooses."""
        return (
            Exhibit("number_criteria", self.criteria, notes=("criteria_reading",)),
            Exhibit("number_votes", self.votes, notes=("votes_reading",)),
        )

    def findings(self) -> tuple[Finding, ...]:
        """How far the criteria agree, and how many of those that can say "one" do."""
        numbers = self.votes["votes_for"]
        able = self.votes[self.votes["can_say_one"]]
        values = {
            "k": self.chosen,
            "agree": int((numbers == self.chosen).sum()),
            "n": len(numbers),
            "low": int(numbers.min()),
            "high": int(numbers.max()),
            "n_points": self.recipe.options["n_points"],
        }
        ones = {"ones": int((able["votes_for"] == 1).sum()), "able": len(able)}
        return (Finding("number_agreement", values), Finding("number_one", ones))


def compare_numbers(
    segmentation: Segmentation,
    *,
    rng: np.random.Generator,
    n_references: int = 10,
    n_splits: int = 5,
    n_starts: int = 3,
    covariance: Covariance = "full",
    max_points: int = 1_000,
) -> NumberOfSegments:
    """Compare numbers of segments by seven criteria on the same customers.

    Parameters
    ----------
    segmentation : Segmentation
        Its prepared features and the numbers it swept are used; 1 is added.
    rng : np.random.Generator
    n_references : int
        Uniform reference data sets of the gap statistic.
    n_splits : int
        Random halvings of the prediction strength.
    n_starts : int
        Starts of every fit.
    covariance : {"full", "tied", "diag", "spherical"}
        Of the mixtures behind BIC and ICL.
    max_points : int
        Customers used: all up to this many, a random sample beyond.

    Returns
    -------
    NumberOfSegments

    Raises
    ------
    RefusedError
        The features hold categories, an option is out of range, or fewer than 20 customers are there.

    Notes
    -----
    Silhouette, Calinski–Harabasz (largest) and Davies–Bouldin (smallest) judge k-means segments and cannot
    say "one". The gap statistic compares ln W(k) with that of uniform data over the box along the
    principal axes; the smallest k with gap(k) ≥ gap(k+1) − s(k+1) is chosen. Prediction strength: one
    half of the customers is segmented and the other half placed by it; the share of pairs of a segment of
    the other half that stay together, in its worst segment, averaged over halvings both ways; the
    largest k of at least 0.8 after adding one standard error. BIC and ICL are those of Gaussian mixtures,
    smallest chosen. The within sum of squares is for the picture alone.

    References
    ----------
    Caliński, T. & Harabasz, J. (1974). A dendrite method for cluster analysis. Communications in Statistics
    3, 1–27. https://doi.org/10.1080/03610927408827101

    Davies, D. L. & Bouldin, D. W. (1979). A cluster separation measure. IEEE Transactions on Pattern Analysis
    and Machine Intelligence 1, 224–227. https://doi.org/10.1109/TPAMI.1979.4766909

    Tibshirani, R., Walther, G. & Hastie, T. (2001). Estimating the number of clusters in a data set via the gap
    statistic. Journal of the Royal Statistical Society B 63, 411–423. https://doi.org/10.1111/1467-9868.00293

    Tibshirani, R. & Walther, G. (2005). Cluster validation by prediction strength. Journal of Computational
    and Graphical Statistics 14, 511–528. https://doi.org/10.1198/106186005X59243
    """
    features = segmentation.features
    if features.metric == "gower":
        raise RefusedError(
            "these criteria need numbers; some features are categories",
            where="compare_numbers",
            repair="The silhouettes of the sweep compare the numbers of segments.",
        )
    if n_references < 2 or n_splits < 1 or n_starts < 1 or max_points < 20:
        raise RefusedError(
            f"n_references ≥ 2, n_splits ≥ 1, n_starts ≥ 1, max_points ≥ 20; got {n_references}, {n_splits}, "
            f"{n_starts}, {max_points}",
            where="compare_numbers",
        )
    x = features.matrix.to_numpy()
    order = np.lexsort(x.T[::-1])
    if len(x) > max_points:
        order = order[np.sort(rng.choice(len(x), max_points, replace=False))]
    x = np.ascontiguousarray(x[order])
    half = len(np.unique(x, axis=0)) // 2
    ks = [1, *(int(k) for k in segmentation.sweep["k"] if 2 <= k < half)]
    if len(x) < 20 or len(ks) < 2:
        raise RefusedError(f"{len(x)} customers are too few to compare numbers of segments", where="compare_numbers")
    random = np.random.RandomState(int(rng.integers(2**31)))
    with one_thread():
        fits = [KMeans(k, n_init=n_starts, random_state=random).fit(x) for k in ks]
        labelings = np.stack([fit.labels_ for fit in fits[1:]]).astype(np.int64)
        gap, error = _gap(x, ks, [fit.inertia_ for fit in fits], n_references, n_starts, rng, random)
        strength, strength_error = _prediction_strength(x, ks, n_splits, n_starts, rng, random)
        mixtures = [fit_mixture(x, k, covariance=covariance, n_starts=n_starts, random=random) for k in ks]
    bic = np.array([fit.bic(x) for fit in mixtures])
    criteria = pd.DataFrame(
        {
            "k": ks,
            "silhouette": [np.nan, *silhouette_samples(x, labelings).mean(axis=1)],
            "calinski_harabasz": [np.nan, *(calinski_harabasz_score(x, labels) for labels in labelings)],
            "davies_bouldin": [np.nan, *(davies_bouldin_score(x, labels) for labels in labelings)],
            "gap": gap,
            "gap_error": error,
            "prediction_strength": strength,
            "bic": bic,
            "icl": bic + 2 * np.array([entropy(fit.predict_proba(x)) for fit in mixtures]),
            "inertia": [fit.inertia_ for fit in fits],
        }
    )
    return NumberOfSegments(
        criteria=criteria,
        votes=_votes(criteria, strength_error),
        chosen=segmentation.k,
        recipe=Recipe(
            "number_criteria",
            {
                "k_low": 1,
                "k_high": max(ks),
                "n_references": n_references,
                "n_splits": n_splits,
                "n_starts": n_starts,
                "cloud_shape": covariance,
                "n_points": len(x),
                "points_from": "sample" if len(features.matrix) > max_points else "all_customers",
            },
            "Tibshirani & Walther (2005), https://doi.org/10.1198/106186005X59243",
        ),
    )


def _votes(criteria: pd.DataFrame, strength_error: np.ndarray) -> pd.DataFrame:
    k, several = criteria["k"].to_numpy(), criteria.iloc[1:]
    gap, error = criteria["gap"].to_numpy(), criteria["gap_error"].to_numpy()
    enough = np.flatnonzero(gap[:-1] >= gap[1:] - error[1:])
    predicted = np.flatnonzero(criteria["prediction_strength"].to_numpy() + strength_error >= _STRONG)
    votes = [
        ("silhouette", int(several.loc[several["silhouette"].idxmax(), "k"]), False),
        ("calinski_harabasz", int(several.loc[several["calinski_harabasz"].idxmax(), "k"]), False),
        ("davies_bouldin", int(several.loc[several["davies_bouldin"].idxmin(), "k"]), False),
        ("gap", int(k[enough[0]] if len(enough) else k[-1]), True),
        ("prediction_strength", int(k[predicted[-1]]), True),
        ("bic", int(criteria.loc[criteria["bic"].idxmin(), "k"]), True),
        ("icl", int(criteria.loc[criteria["icl"].idxmin(), "k"]), True),
    ]
    return pd.DataFrame(votes, columns=["number_criterion", "votes_for", "can_say_one"])


def _gap(
    x: np.ndarray,
    ks: list[int],
    inertia: list[float],
    n_references: int,
    n_starts: int,
    rng: np.random.Generator,
    random: np.random.RandomState,
) -> tuple[np.ndarray, np.ndarray]:
    """Gap statistic and its error for each number; references have as many starts as the data, or gaps grow with k."""
    centred = x - x.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    turned = centred @ axes.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    logs = np.empty((n_references, len(ks)))
    for b in range(n_references):
        uniform = low + (high - low) * rng.random(turned.shape)  # distances do not see the turn back
        for j, k in enumerate(ks):
            logs[b, j] = np.log(KMeans(k, n_init=n_starts, random_state=random).fit(uniform).inertia_)
    gap = logs.mean(axis=0) - np.log(np.maximum(inertia, 1e-300))
    return gap, logs.std(axis=0) * np.sqrt(1 + 1 / n_references)


def _prediction_strength(
    x: np.ndarray,
    ks: list[int],
    n_splits: int,
    n_starts: int,
    rng: np.random.Generator,
    random: np.random.RandomState,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard error of the prediction strength of each number."""
    found = np.ones((2 * n_splits, len(ks)))
    for split in range(n_splits):
        mixed = rng.permutation(len(x))
        halves = x[mixed[: len(x) // 2]], x[mixed[len(x) // 2 :]]
        for j, k in enumerate(ks):
            if k == 1:
                continue
            fits = [KMeans(k, n_init=n_starts, random_state=random).fit(half) for half in halves]
            for way, (train, test) in enumerate(((0, 1), (1, 0))):
                placed = nearest(halves[test], fits[train].cluster_centers_)
                found[2 * split + way, j] = pairs_together(fits[test].labels_, placed, k)
    return found.mean(axis=0), found.std(axis=0, ddof=1) / np.sqrt(len(found))


def pairs_together(labels: np.ndarray, placed: np.ndarray, k: int) -> float:
    """Smallest share, over groups of ``labels``, of its pairs that ``placed`` keeps in one group.

    >>> pairs_together(np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 1]), 2)
    0.3333333333333333
    """
    both = np.bincount(labels * k + placed, minlength=k * k).reshape(k, k).astype(float)
    size = both.sum(axis=1)
    kept = (both * (both - 1)).sum(axis=1)[size > 1]
    pairs = (size * (size - 1))[size > 1]
    return float((kept / pairs).min()) if len(pairs) else 0.0
