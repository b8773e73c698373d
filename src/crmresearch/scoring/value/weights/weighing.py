"""Weights of indicators, and how they were made: equal, or as somebody decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmresearch.errors import UsageError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.value.indicators import IndicatorMatrix

_FROM_DATA = ("entropy_weights", "critic_weights", "variation_weights", "deviation_weights")


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of indicators and how they were made.

    Attributes
    ----------
    table : pd.DataFrame, shape (n_indicators, 3 or more)
        indicator, direction, weight (sums to 1); then what the method made them of: entropy weights
        have entropy (0..1) and redundancy (1 - entropy), CRITIC std, conflict and information.
    recipe : Recipe
    """

    table: pd.DataFrame
    recipe: Recipe

    @property
    def values(self) -> np.ndarray:
        """The weights, shape (n_indicators,)."""
        return self.table["weight"].to_numpy()

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The weights."""
        return (Exhibit("weights", self.table, notes=("weights_recipe",)),)

    def findings(self) -> tuple[Finding, ...]:
        """The heaviest indicator, and indicators that got no weight because they never vary."""
        top = self.table.loc[self.table["weight"].idxmax()]
        found = [
            Finding(
                "heaviest_indicator",
                {"indicator": str(top["indicator"]), "weight": float(top["weight"])},
            )
        ]
        options = self.recipe.options
        if self.recipe.method in _FROM_DATA:
            constant = self.table.loc[self.table["weight"] == 0, "indicator"]
            found += [Finding("constant_indicator", {"indicator": name}) for name in constant]
        if unjudged := options.get("unjudged"):
            found.append(Finding("indicators_unjudged", {"indicators": list(unjudged)}))
        if unobserved := options.get("unobserved"):
            values = {"criteria": list(unobserved), "weight": options["unobserved_weight"]}
            found.append(Finding("criteria_unobserved", values))
        return tuple(found)


def weigh_equally(matrix: IndicatorMatrix) -> Weights:
    """Give every indicator the same weight: the yardstick for every other recipe."""
    m = len(matrix.indicators)
    return Weights(weight_table(matrix, np.full(m, 1 / m)), Recipe("equal_weights"))


def take_weights(matrix: IndicatorMatrix, given: Mapping[str, float]) -> Weights:
    """Take weights that somebody decided on.

    Parameters
    ----------
    matrix : IndicatorMatrix
    given : Mapping[str, float]
        Indicator → weight; all indicators of the matrix, none negative, summing to 1 (± 1e-6).

    Returns
    -------
    Weights

    Raises
    ------
    UsageError
        A weight that is negative, missing or for no indicator, or a sum other than 1. Weights are
        never rescaled silently.
    """
    where = "given weights"
    names = matrix.names
    if wrong := sorted(set(given) ^ set(names)):
        which = "no weight for" if wrong[0] in names else "a weight for an unknown"
        raise UsageError(f"{which} indicator {wrong[0]!r}", where=where, repair=f"Weigh exactly: {', '.join(names)}.")
    values = np.array([given[name] for name in names], dtype=float)
    if not (values >= 0).all():
        raise UsageError(
            f"the weight of {names[int(np.argmin(values))]!r} is {values.min()}", where=where, repair="Use 0 or more."
        )
    if abs(values.sum() - 1) > 1e-6:
        raise UsageError(f"the weights sum to {values.sum():g}, not 1", where=where, repair="Make them sum to 1.")
    return Weights(weight_table(matrix, values / values.sum()), Recipe("given_weights"))


def weight_table(matrix: IndicatorMatrix, weights: np.ndarray) -> pd.DataFrame:
    """indicator, direction, weight."""
    directions = [i.direction for i in matrix.indicators]
    return pd.DataFrame({"indicator": matrix.names, "direction": directions, "weight": weights})
