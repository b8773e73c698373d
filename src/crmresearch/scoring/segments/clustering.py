"""Segments of customers by one of several methods, the number of them swept, numbered by a stated rule."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, check_choice, nearest
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.segments.density import SegmentDensity
from crmresearch.scoring.segments.hierarchy import SegmentWard
from crmresearch.scoring.segments.kmeans import SegmentKMeans
from crmresearch.scoring.segments.medoids import SegmentMedoids
from crmresearch.scoring.segments.mixture import SegmentMixture
from crmresearch.scoring.segments.preparation import PreparedFeatures
from crmresearch.scoring.segments.sweeping import K_RANGE, SweptClusterer

Method = Literal["k_means", "k_medoids", "mixture", "ward", "hdbscan"]

_METHODS: dict[str, tuple[type[SweptClusterer], str]] = {
    "k_means": (SegmentKMeans, "Rousseeuw (1987), https://doi.org/10.1016/0377-0427(87)90125-7"),
    "k_medoids": (SegmentMedoids, "Schubert & Rousseeuw (2021), https://doi.org/10.1016/j.is.2021.101804"),
    "mixture": (SegmentMixture, "Fraley & Raftery (2002), https://doi.org/10.1198/016214502760047131"),
    "ward": (SegmentWard, "Ward (1963), https://doi.org/10.1080/01621459.1963.10500845"),
    "hdbscan": (SegmentDensity, "Campello et al. (2015), https://doi.org/10.1145/2733381"),
}


@dataclass(frozen=True, slots=True)
class Segmentation:
    """The segment of every customer, and how the number of segments was found.

    Attributes
    ----------
    customers : pd.DataFrame, shape (n_customers, 3)
        customer_id, segment (1 is the largest; 0 in none), silhouette (missing outside the sample).
    sweep : pd.DataFrame, shape (n_swept, ≥ 5)
        k, silhouette, what the method adds (inertia; medoid_distances; bic, icl; height; share_in_none),
        smallest_share, chosen.
    centres : pd.DataFrame, shape (k, 1 + n_features)
        segment, and its mean on each prepared feature (of k-medoids: its medoid).
    features : PreparedFeatures
        What was grouped.
    model : SweptClusterer
        Fitted; places further customers (``predict`` counts from 0, −1 is in none).
    recipe : Recipe
    """

    customers: pd.DataFrame
    sweep: pd.DataFrame
    centres: pd.DataFrame
    features: PreparedFeatures
    model: SweptClusterer
    recipe: Recipe

    @property
    def k(self) -> int:
        """Number of segments."""
        return self.model.n_clusters_

    @property
    def segments(self) -> pd.Series:
        """Segment of each customer, by customer_id."""
        return self.customers.set_index("customer_id")["segment"]

    @property
    def formed_by(self) -> pd.DataFrame:
        """What formed the segments, in original units, by customer_id."""
        return self.features.original

    def map(self) -> pd.DataFrame:
        """Return customer_id, segment and the two main axes (first, second) of the prepared features.

        ``attrs["share_of_variance"]`` holds the share of variance of each axis; of one feature the
        second axis is 0.
        """
        x = self.features.matrix.to_numpy()
        if self.features.metric == "gower":
            raise RefusedError(
                "features with categories have no axes", where="segment map", repair="Use the heat map of the profiles."
            )
        _, spread, axes = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
        axes *= np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]  # largest loading above 0
        places = np.column_stack([(x - x.mean(axis=0)) @ axes.T, np.zeros(len(x))])[:, :2]
        found = self.customers[["customer_id", "segment"]].assign(first=places[:, 0], second=places[:, 1])
        found.attrs["share_of_variance"] = [*(spread**2 / (spread**2).sum()).tolist(), 0.0][:2]
        return found

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The sweep over k."""
        return (Exhibit("segment_sweep", self.sweep, notes=("silhouette_reading",)),)

    def findings(self) -> tuple[Finding, ...]:
        """The number of segments, how it was decided, and whether a sample decided it."""
        options = self.recipe.options
        values: dict[str, Any] = {"k": self.k, "n": len(self.customers)}
        if options["segmented_by"] == "hdbscan":
            values["share"] = float(self.sweep["share_in_none"].iloc[0])
            return (Finding("segments_dense" if self.k else "segments_dense_none", values),)
        row = self.sweep[self.sweep["chosen"]].iloc[0]
        best = self.sweep.sort_values(["silhouette", "k"], ascending=[False, True], kind="stable").iloc[0]
        values |= {
            "silhouette": float(row["silhouette"]),
            "best_k": int(best["k"]),
            "best_silhouette": float(best["silhouette"]),
        }
        if options["k_chosen_by"] == "researcher":
            key = "segments_given"
        elif options["k_chosen_by"] == "largest_mean_silhouette":
            key = "segments_swept"
        else:
            key, values["criterion"] = "segments_by_criterion", options["criterion"]
            values["value"] = float(row[options["criterion"]])
        found = [Finding(key, values)]
        if "n_starts" in options:
            found.append(Finding("segment_starts", {"n_starts": options["n_starts"]}))
        if options["fit_from"] == "sample":
            found.append(Finding("segments_from_sample", {"n": len(self.customers), "m": options["fit_points"]}))
        return tuple(found)


def fit_segments(
    features: PreparedFeatures,
    *,
    rng: np.random.Generator,
    method: Method = "k_means",
    k: int | None = None,
    k_range: Sequence[int] = K_RANGE,
    **settings: Any,
) -> Segmentation:
    """Group customers; sweep the number of segments.

    Parameters
    ----------
    features : PreparedFeatures
        From :func:`~crmresearch.scoring.segments.preparation.prepare_features`, or with categories from
        :func:`~crmresearch.scoring.segments.mixed.prepare_mixed` (those are grouped by k-medoids on
        Gower's distance).
    rng : np.random.Generator
        Source of the starts and of the samples.
    method : {"k_means", "k_medoids", "mixture", "ward", "hdbscan"}
        ``hdbscan`` finds the number itself and may find none.
    k : int, optional
        Number of segments; the sweep is shown all the same. Without it the largest mean silhouette decides,
        of a mixture the smallest BIC or ICL.
    k_range : Sequence[int]
        Numbers swept.
    **settings
        Further parameters of the method's estimator (None takes its own), e.g. ``n_starts`` (single starts
        end in worse optima), ``fit_points`` (beyond it a random sample chooses the number),
        ``silhouette_points``; of a mixture ``covariance`` and ``criterion``; of hdbscan ``smallest_share``.

    Returns
    -------
    Segmentation

    Raises
    ------
    RefusedError
        All customers are identical; k is below 2 or above the number of distinct customers; a
        setting is unknown or out of range; features with categories meet another method than k-medoids.
    UsageError
        A method that is unknown.

    Examples
    --------
    >>> from crmresearch.scoring.segments.preparation import prepare_features
    >>> spend = pd.DataFrame({"spend": [1.0, 2, 3, 50, 51]}, index=list("abcde"))
    >>> fit_segments(prepare_features(spend), rng=np.random.default_rng(1)).customers["segment"].tolist()
    [1, 1, 1, 2, 2]
    """
    check_choice("method", method, get_args(Method), where="segments")
    if features.metric == "gower" and method != "k_medoids":
        raise RefusedError(
            f"features with categories cannot be grouped by {method!r}",
            where="segments",
            repair="Use method='k_medoids' (Gower's distance), or leave the categories out.",
        )
    settings = {name: value for name, value in settings.items() if value is not None}
    seed, matrix = int(rng.integers(2**31)), features.matrix
    model = _estimator(method, features, k, k_range, settings, seed).fit(matrix)
    swept = model.sweep_["k"]
    chosen = swept == (k if k is not None else _chosen(model))
    centres = model.medoids_ if method == "k_medoids" else model.cluster_centers_
    return Segmentation(
        customers=pd.DataFrame(
            {"customer_id": matrix.index, "segment": model.labels_ + 1, "silhouette": model.silhouettes_}
        ),
        sweep=model.sweep_.assign(chosen=chosen),
        centres=pd.DataFrame(centres, columns=matrix.columns).assign(segment=np.arange(1, model.n_clusters_ + 1))[
            ["segment", *matrix.columns]
        ],
        features=features,
        model=model,
        recipe=Recipe(
            method,
            {
                **features.recipe.options,
                "features": [str(name) for name in matrix.columns],
                "segmented_by": method,
                "k": model.n_clusters_,
                "k_chosen_by": _chooser(model, k),
                **({} if method == "hdbscan" else {"k_low": int(swept.min()), "k_high": int(swept.max())}),
                **{_PRINTED[name]: value for name, value in model.get_params().items() if name in _PRINTED},
                "fit_from": "sample" if len(matrix) > model.fit_points else "all_customers",
                "fit_points": min(model.fit_points, len(matrix)),
                "silhouette_from": "sample" if len(matrix) > model.silhouette_points else "all_customers",
                "silhouette_points": min(model.silhouette_points, len(matrix)),
                "numbering": "by_size",
                "seed": seed,
            },
            _METHODS[method][1],
        ),
    )


_PRINTED = {
    "n_starts": "n_starts",
    "metric": "metric",
    "covariance": "cloud_shape",
    "criterion": "criterion",
    "smallest_share": "smallest_share",
}


def _estimator(
    method: str, features: PreparedFeatures, k: int | None, k_range: Sequence[int], settings: dict[str, Any], seed: int
) -> SweptClusterer:
    estimator = _METHODS[method][0]
    known = [name for name in inspect.signature(estimator).parameters if name not in _OURS]
    unknown = [name for name in settings if name not in known]
    if unknown:
        raise RefusedError(
            f"{method} has no setting {unknown[0]!r}{nearest(unknown[0], known)}",
            where="segments",
            repair=f"It has: {', '.join(known)}.",
        )
    if method == "hdbscan":
        if k is not None:
            raise RefusedError(
                f"hdbscan finds the number of segments itself, got k = {k}",
                where="segments",
                repair="Leave k out, or choose another method.",
            )
        return estimator(**settings, random_state=seed)
    if method == "k_medoids":
        settings = {"metric": features.metric, "categorical": features.categorical, **settings}
    return estimator(k, k_range=tuple(k_range), **settings, random_state=seed)


_OURS = ("k", "k_range", "random_state", "categorical")


def _chosen(model: SweptClusterer) -> int:
    return int(model.sweep_["k"].iloc[0] if isinstance(model, SegmentDensity) else model.chosen_k_)


def _chooser(model: SweptClusterer, k: int | None) -> str:
    if isinstance(model, SegmentDensity):
        return "the_method"
    if k is not None:
        return "researcher"
    return "largest_mean_silhouette" if model._decides == "silhouette" else f"smallest_{model._decides}"
