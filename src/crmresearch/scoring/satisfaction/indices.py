"""Satisfaction in one number: the 0-100 index with importance weights, and customer delivered value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats
from threadpoolctl import threadpool_limits

from crmresearch.case import Instrument
from crmresearch.errors import RefusedError, check_choice, nearest
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.resampling import bootstrap_counts, percentile_bounds
from crmresearch.scoring.satisfaction.attributes import (
    LEAST_ANSWERS,
    attribute_ratings,
    choose_attributes,
    outcome_score,
    refuse_unusable,
)
from crmresearch.scoring.satisfaction.importance.relative import johnson_weights
from crmresearch.scoring.satisfaction.instrument import orient_items
from crmresearch.scoring.satisfaction.weighted import weighted_correlations, weighted_means

Weights = Literal["stated", "derived", "equal"]


@dataclass(frozen=True, slots=True)
class SatisfactionIndex:
    """Satisfaction index from weighted attributes.

    Attributes
    ----------
    attributes : pd.DataFrame, shape (k, 6)
        attribute, n, performance_mean, index_weight (they sum to 1), index_value (0–100), contribution (weight ×
        index).
    overall : pd.DataFrame, shape (2, 4)
        measure (``index_weighted``, ``index_equal``), index_value, conf_low, conf_high.
    recipe : Recipe
    """

    attributes: pd.DataFrame
    overall: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Overall, then attribute by attribute."""
        return (
            Exhibit("satisfaction_index", self.overall, notes=("index_rule",)),
            Exhibit("index_attributes", self.attributes),
        )

    def findings(self) -> tuple[Finding, ...]:
        """The index, and what equal weights would make of it."""
        weighted, equal = self.overall.iloc[0], self.overall.iloc[1]
        return (
            Finding(
                "satisfaction_index",
                {
                    "index": float(weighted["index_value"]),
                    "low": float(weighted["conf_low"]),
                    "high": float(weighted["conf_high"]),
                    "equal": float(equal["index_value"]),
                    "n_attributes": len(self.attributes),
                    "confidence": self.recipe.options["confidence"],
                },
            ),
        )


@threadpool_limits.wrap(limits=1)
def score_index(
    survey: pd.DataFrame,
    instrument: Instrument,
    *,
    weights: Weights = "stated",
    outcome: str = "",
    attributes: Sequence[str] = (),
    resamples: int = 2000,
    confidence: float = 0.95,
    rng: np.random.Generator,
) -> SatisfactionIndex:
    """Give the satisfaction index: Σ w · (mean − lowest)/(highest − lowest) · 100 over the attributes.

    Parameters
    ----------
    survey : pd.DataFrame
    instrument : Instrument
    weights : {"stated", "derived", "equal"}
        Mean of the importance twins, Johnson's weights for ``outcome``, or all alike; brought to sum 1.
    outcome : str
        Construct of derived weights.
    attributes : Sequence[str]
        All (with an importance twin, if stated) where left out.
    resamples : int
    confidence : float
    rng : np.random.Generator

    Raises
    ------
    RefusedError
        No attribute, a missing twin, too few answers.

    Notes
    -----
    The form is that of the national indices and of GB/T 19038-2009: means of ratings, weighted, on 0 to 100.
    Weights are recomputed in every resample, so that the interval holds their uncertainty too.

    References
    ----------
    GB/T 19038-2009. Guidelines for model and methods of customer satisfaction measurement.

    Fornell, C. et al. (1996). The American customer satisfaction index. Journal of Marketing 60(4), 7–18.
    https://doi.org/10.1177/002224299606000403
    """
    where = "satisfaction index"
    check_choice("weights", weights, ("stated", "derived", "equal"), where=where)
    names = choose_attributes(instrument, attributes, twins=("importance",) if weights == "stated" else (), where=where)
    rated = attribute_ratings(survey, instrument, names, "performance")
    short = rated.columns[rated.count() < LEAST_ANSWERS].tolist()
    if short:
        raise RefusedError(
            f"fewer than {LEAST_ANSWERS} answers on {', '.join(short)}", where=where, repair="Leave it out."
        )
    k, low, high = len(names), instrument.scale.low, instrument.scale.high
    beside = np.ones((len(rated), k))
    if weights == "stated":
        beside = attribute_ratings(survey, instrument, names, "importance").to_numpy()
    elif weights == "derived":
        score = outcome_score(survey, instrument, outcome, where=where)
        rated = refuse_unusable(rated.assign(**{f"{outcome} ": score}), where=where)
        beside = rated.to_numpy()
        rated = rated[names]

    def values(times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        index = 100 * (weighted_means(rated.to_numpy(), times) - low) / (high - low)
        derived = weights == "derived"
        raw = johnson_weights(weighted_correlations(beside, times)) if derived else weighted_means(beside, times)
        return index, raw / raw.sum(axis=1, keepdims=True)

    def indices(times: np.ndarray) -> np.ndarray:
        index, weight = values(times)
        return np.column_stack([(index * weight).sum(axis=1), index.mean(axis=1)])

    index, weight = (part[0] for part in values(np.ones((1, len(rated)))))
    drawn = bootstrap_counts(indices, len(rated), rng=rng, resamples=resamples)
    conf_low, conf_high = percentile_bounds(drawn, confidence)
    return SatisfactionIndex(
        attributes=pd.DataFrame(
            {
                "attribute": names,
                "n": rated.count().to_numpy(),
                "performance_mean": rated.mean().to_numpy(),
                "index_weight": weight,
                "index_value": index,
                "contribution": weight * index,
            }
        ),
        overall=pd.DataFrame(
            {
                "measure": ["index_weighted", "index_equal"],
                "index_value": [float(weight @ index), float(index.mean())],
                "conf_low": conf_low,
                "conf_high": conf_high,
            }
        ),
        recipe=Recipe(
            "satisfaction_index",
            {
                "index_weights": f"weights_{weights}",
                **({"outcome": outcome} if weights == "derived" else {}),
                "scale_low": low,
                "scale_high": high,
                "resamples": resamples,
                "confidence": confidence,
            },
            "GB/T 19038-2009; Fornell et al. (1996), https://doi.org/10.1177/002224299606000403",
        ),
    )


@dataclass(frozen=True, slots=True)
class DeliveredValue:
    """Customer value delivered: what was received less what it cost, as customers rate them.

    Attributes
    ----------
    groups : pd.DataFrame, shape (1 + n_groups, 7)
        respondent_group (first ``everybody``), n, total_value, total_cost, delivered_value, conf_low, conf_high.
    recipe : Recipe
    """

    groups: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Everybody, then each segment."""
        return (Exhibit("delivered_value", self.groups, notes=("delivered_value_rule",)),)

    def findings(self) -> tuple[Finding, ...]:
        """Delivered value of everybody."""
        row = self.groups.iloc[0]
        names = {"value": float(row["delivered_value"]), "low": float(row["conf_low"]), "high": float(row["conf_high"])}
        return (
            Finding("delivered_value", {**names, "n": int(row["n"]), "confidence": self.recipe.options["confidence"]}),
        )


def score_delivered_value(
    survey: pd.DataFrame,
    instrument: Instrument,
    *,
    value: Sequence[str],
    cost: Sequence[str],
    cost_wording: Literal["burden", "favourable"] = "favourable",
    segment: str = "",
    confidence: float = 0.95,
) -> DeliveredValue:
    """Total customer value less total customer cost, each the mean of construct scores.

    Parameters
    ----------
    survey : pd.DataFrame
    instrument : Instrument
    value, cost : Sequence[str]
        Constructs that stand for what is received and for what is given up.
    cost_wording : {"burden", "favourable"}
        Whether a high answer on cost means a high cost, or a low one ("charges are reasonable"); favourable
        answers are turned to (high + low) − x.
    segment : str
        Column of the survey; empty gives everybody alone.
    confidence : float

    Raises
    ------
    RefusedError
        No value or no cost construct, one in both, an unknown one, or fewer than thirty scored.

    Notes
    -----
    Both sides are in points of one scale, which makes the difference readable and nothing more: a point of value
    need not weigh as much as a point of cost. Intervals by t; a segment below ten respondents has none.
    """
    where = "delivered value"
    asked = [*value, *cost]
    for name in asked:
        if name not in instrument.constructs:
            raise RefusedError(f"no construct {name!r}{nearest(name, instrument.constructs)}", where=where)
    if not value or not cost or set(value) & set(cost):
        raise RefusedError(
            "value and cost each need a construct, and none may be both", where=where, repair="Name them."
        )
    items = orient_items(survey, instrument)
    sides = []
    for side in (value, cost):
        scores = pd.DataFrame({name: items[list(instrument.constructs[name].items)].mean(axis=1) for name in side})
        sides.append(scores.mean(axis=1, skipna=False))
    received, given = sides
    if cost_wording == "favourable":
        given = instrument.scale.high + instrument.scale.low - given
    data = pd.DataFrame({"value": received, "cost": given}).dropna()
    if len(data) < LEAST_ANSWERS:
        raise RefusedError(f"{len(data)} respondents scored; {LEAST_ANSWERS} are needed", where=where)
    groups = [("everybody", data)]
    if segment:
        if segment not in survey:
            raise RefusedError(f"no column {segment!r}{nearest(segment, survey.columns)}", where=where)
        of = survey.set_index("respondent_id")[segment].reindex(data.index)
        groups += [(str(name), part) for name, part in data.groupby(of.to_numpy(), sort=True)]
    rows = []
    for name, part in groups:
        gain = part["value"] - part["cost"]
        half = np.nan
        if len(part) >= 10:
            half = stats.t.ppf((1 + confidence) / 2, len(part) - 1) * gain.std() / np.sqrt(len(part))
        mean = gain.mean()
        rows.append((name, len(part), part["value"].mean(), part["cost"].mean(), mean, mean - half, mean + half))
    columns = ["respondent_group", "n", "total_value", "total_cost", "delivered_value", "conf_low", "conf_high"]
    return DeliveredValue(
        groups=pd.DataFrame(rows, columns=columns),
        recipe=Recipe(
            "delivered_value",
            {
                "value_constructs": list(value),
                "cost_constructs": list(cost),
                "cost_wording": f"cost_{cost_wording}",
                "confidence": confidence,
            },
            "Kotler (1997), ISBN 978-0-13-243510-9",
        ),
    )
