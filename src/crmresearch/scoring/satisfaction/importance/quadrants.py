"""Importance–performance analysis: what matters and is done badly, what matters and is done well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from crmresearch.case import Instrument
from crmresearch.errors import RefusedError, check_choice
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
from crmresearch.scoring.satisfaction.weighted import weighted_correlations, weighted_means

QUADRANTS = {
    (True, False): "concentrate_here",
    (True, True): "keep_up",
    (False, False): "low_priority",
    (False, True): "possible_overkill",
}
"""(importance at or above its line, performance at or above its line) → quadrant, after Martilla & James (1977)."""

Importance = Literal["stated", "derived"]
Lines = Literal["means", "scale_middle"]


@dataclass(frozen=True, slots=True)
class ImportancePerformance:
    """Each attribute's importance and performance, and the quadrant that follows.

    Attributes
    ----------
    attributes : pd.DataFrame, shape (k, 10)
        attribute, n, performance_mean, performance_low, performance_high, importance_value, importance_low,
        importance_high, quadrant, quadrant_held (share of resamples in which it stays there).
    lines : pd.DataFrame, shape (1, 2)
        performance_line, importance_line: where the quadrants meet.
    recipe : Recipe
    """

    attributes: pd.DataFrame
    lines: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The attributes with their quadrants, and the lines."""
        return (
            Exhibit("importance_performance", self.attributes, notes=("quadrant_rule", "quadrant_held_rule")),
            Exhibit("quadrant_lines", self.lines),
        )

    def findings(self) -> tuple[Finding, ...]:
        """What to concentrate on, and how many attributes stay in their quadrant."""
        first = self.attributes.loc[self.attributes["quadrant"] == "concentrate_here", "attribute"].tolist()
        sure = int((self.attributes["quadrant_held"] >= self.recipe.options["confidence"]).sum())
        values = {
            "n_attributes": len(self.attributes),
            "n_sure": sure,
            "confidence": self.recipe.options["confidence"],
            "attributes": first,
        }
        return (Finding("quadrants_first" if first else "quadrants_none", values),)


@threadpool_limits.wrap(limits=1)
def map_importance_performance(
    survey: pd.DataFrame,
    instrument: Instrument,
    *,
    importance: Importance = "stated",
    outcome: str = "",
    attributes: Sequence[str] = (),
    lines: Lines = "means",
    resamples: int = 2000,
    confidence: float = 0.95,
    rng: np.random.Generator,
) -> ImportancePerformance:
    """Place every attribute by how much it matters (upwards) and how well it is done (across).

    Parameters
    ----------
    survey : pd.DataFrame
    instrument : Instrument
    importance : {"stated", "derived"}
        Stated: mean of the importance twin, over those who answered it. Derived: Johnson's weight for the
        outcome as a share of R², over those who answered everything.
    outcome : str
        The construct of derived importance.
    attributes : Sequence[str]
        All (with an importance twin, if stated) where left out.
    lines : {"means", "scale_middle"}
        Where the quadrants meet: means over the attributes, or the middle of the scale (stated only).
    resamples : int
    confidence : float
    rng : np.random.Generator

    Raises
    ------
    RefusedError
        Fewer than two attributes; a missing twin; too few answers; ``scale_middle`` for derived importance.

    Notes
    -----
    Performance runs across and importance upwards, as Martilla and James drew it: concentrate here stands at
    the upper left, keep up the good work at the upper right, low priority at the lower left, possible
    overkill at the lower right. A value on a line counts as above it.

    References
    ----------
    Martilla, J. A. & James, J. C. (1977). Importance-performance analysis. Journal of Marketing 41(1), 77–79.
    https://doi.org/10.1177/002224297704100112
    """
    where = "importance–performance analysis"
    check_choice("importance", importance, ("stated", "derived"), where=where)
    check_choice("lines", lines, ("means", "scale_middle"), where=where)
    if importance == "derived" and lines == "scale_middle":
        raise RefusedError("derived importance has no scale", where=where, repair="Use lines='means'.")
    names = choose_attributes(
        instrument, attributes, twins=("importance",) if importance == "stated" else (), where=where
    )
    if len(names) < 2:
        raise RefusedError("one attribute has no one to be compared with", where=where, repair="Declare two or more.")
    rated = attribute_ratings(survey, instrument, names, "performance")
    if importance == "stated":
        stated = attribute_ratings(survey, instrument, names, "importance")
        answered = pd.concat([rated, stated], axis=1).to_numpy()
        short = [n for n, a, b in zip(names, rated.count(), stated.count(), strict=True) if min(a, b) < LEAST_ANSWERS]
        if short:
            raise RefusedError(
                f"fewer than {LEAST_ANSWERS} answers on {', '.join(short)}", where=where, repair="Leave it out."
            )
    else:
        score = outcome_score(survey, instrument, outcome, where=where)
        complete = refuse_unusable(rated.assign(**{f"{outcome} ": score}), where=where)
        answered, rated = complete.to_numpy(), complete[names]
    k = len(names)

    def values(times: np.ndarray) -> np.ndarray:
        """Performance of each attribute, then its importance; shape (B, 2 k)."""
        if importance == "stated":
            return weighted_means(answered, times)
        weights = johnson_weights(weighted_correlations(answered, times))
        return np.hstack([weighted_means(answered[:, :k], times), weights / weights.sum(axis=1, keepdims=True)])

    performance, weight = np.split(values(np.ones((1, len(answered))))[0], 2)
    drawn = bootstrap_counts(values, len(answered), rng=rng, resamples=resamples)
    performances, weights = np.split(drawn, 2, axis=1)
    middle = (instrument.scale.low + instrument.scale.high) / 2
    across, up = (performance.mean(), weight.mean()) if lines == "means" else (middle, middle)
    quadrant = _quadrants(performance[None], weight[None], lines, middle)[0]
    stays = _quadrants(performances, weights, lines, middle) == quadrant
    bounds, weight_bounds = percentile_bounds(performances, confidence), percentile_bounds(weights, confidence)
    return ImportancePerformance(
        attributes=pd.DataFrame(
            {
                "attribute": names,
                "n": rated.count().to_numpy(),
                "performance_mean": performance,
                "performance_low": bounds[0],
                "performance_high": bounds[1],
                "importance_value": weight,
                "importance_low": weight_bounds[0],
                "importance_high": weight_bounds[1],
                "quadrant": quadrant,
                "quadrant_held": stays.mean(axis=0),
            }
        ),
        lines=pd.DataFrame({"performance_line": [float(across)], "importance_line": [float(up)]}),
        recipe=Recipe(
            "importance_performance",
            {
                "importance_kind": f"importance_{importance}",
                **({"outcome": outcome} if importance == "derived" else {}),
                "quadrant_lines": f"lines_{lines}",
                "resamples": resamples,
                "confidence": confidence,
            },
            "Martilla & James (1977), https://doi.org/10.1177/002224297704100112; GB/T 19038-2009, appendix D",
        ),
    )


def _quadrants(performance: np.ndarray, weight: np.ndarray, lines: str, middle: float) -> np.ndarray:
    across = performance.mean(axis=1, keepdims=True) if lines == "means" else middle
    up = weight.mean(axis=1, keepdims=True) if lines == "means" else middle
    names = np.array(
        [[QUADRANTS[False, False], QUADRANTS[False, True]], [QUADRANTS[True, False], QUADRANTS[True, True]]]
    )
    return names[(weight >= up).astype(int), (performance >= across).astype(int)]
