"""The same indicators under several recipes, and the one weighting that a study asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from crmresearch.case import IndicatorSystem
from crmresearch.errors import RefusedError, check_choice
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.value.indicators import IndicatorMatrix
from crmresearch.scoring.value.weights.ahp import weigh_ahp
from crmresearch.scoring.value.weights.combining import Rule, combine_weights
from crmresearch.scoring.value.weights.dispersion import weigh_critic, weigh_deviation, weigh_variation
from crmresearch.scoring.value.weights.entropy import ENTROPY_PRESETS, weigh_entropy
from crmresearch.scoring.value.weights.hierarchy import Priorities
from crmresearch.scoring.value.weights.weighing import Weights, weigh_equally

Weighting = Literal["entropy", "critic", "variation", "deviation", "equal", "ahp", "combined"]


@dataclass(frozen=True, slots=True)
class WeightComparison:
    """The same indicators under several recipes.

    Attributes
    ----------
    table : pd.DataFrame, shape (n_recipes * n_indicators, 3)
        weighting, indicator, weight; weight missing where the recipe refuses these values.
    refusals : pd.DataFrame, shape (n_refused, 2)
        weighting, reason.
    recipe : Recipe
    """

    table: pd.DataFrame
    refusals: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """One row per indicator, one column per recipe: recipes of the entropy, and the other methods."""
        wide = self.table.pivot(index="indicator", columns="weighting", values="weight")
        wide = wide.loc[self.table["indicator"].unique(), self.table["weighting"].unique()].rename_axis(columns=None)
        entropy = [c for c in wide if c in ENTROPY_PRESETS]
        others = [c for c in wide if c not in ENTROPY_PRESETS]
        return (
            Exhibit("weight_comparison", wide[entropy].reset_index(), notes=("weight_comparison",)),
            Exhibit("method_comparison", wide[others].reset_index(), notes=("weight_comparison",)),
        )

    def findings(self) -> tuple[Finding, ...]:
        """The indicator whose weight depends most on the recipe; recipes that refuse these values."""
        span = self.table.groupby("indicator")["weight"].agg(["min", "max"])
        name = (span["max"] - span["min"]).idxmax()
        low, high = span.loc[name]
        found = [Finding("weight_depends_on_recipe", {"indicator": name, "low": float(low), "high": float(high)})]
        found += [Finding("recipe_refused", {"recipe": name}) for name in self.refusals["weighting"]]
        return tuple(found)


def compare_weights(
    matrix: IndicatorMatrix, *, judged: Priorities | None = None, system: IndicatorSystem | None = None
) -> WeightComparison:
    """Weigh the same indicators by every recipe there is.

    Parameters
    ----------
    matrix : IndicatorMatrix
    judged : Priorities | None
        Experts' priorities; where there are any, AHP weights and their combinations with entropy
        weights stand beside the rest.
    system : IndicatorSystem | None
        See :func:`weigh_ahp`.

    Returns
    -------
    WeightComparison
        A recipe that refuses these values is listed with its reason, not left out.
    """
    recipes: dict[str, Callable[[], Weights]] = {
        name: lambda options=options: weigh_entropy(matrix, **options) for name, options in ENTROPY_PRESETS.items()
    }
    recipes |= {
        "equal": lambda: weigh_equally(matrix),
        "critic": lambda: weigh_critic(matrix),
        "variation": lambda: weigh_variation(matrix),
        "deviation": lambda: weigh_deviation(matrix),
    }
    if judged is not None and judged.observed:
        recipes |= {
            "ahp_eigenvector": lambda: weigh_ahp(matrix, judged, system=system, method="eigenvector"),
            "ahp_geometric_mean": lambda: weigh_ahp(matrix, judged, system=system, method="geometric_mean"),
            "combined_linear": lambda: _combined(matrix, judged, system, "linear"),
            "combined_geometric": lambda: _combined(matrix, judged, system, "geometric"),
        }
    rows, refusals = [], []
    for name, weigh_by in recipes.items():
        try:
            weights = weigh_by().values
        except RefusedError as error:
            weights = np.full(len(matrix.indicators), np.nan)
            refusals.append({"weighting": name, "reason": str(error)})
        rows.append(pd.DataFrame({"weighting": name, "indicator": matrix.names, "weight": weights}))
    table = pd.concat(rows, ignore_index=True)
    return WeightComparison(table, pd.DataFrame(refusals, columns=["weighting", "reason"]), Recipe("weight_comparison"))


def weigh(
    matrix: IndicatorMatrix,
    *,
    weighting: Weighting = "entropy",
    judged: Priorities | None = None,
    system: IndicatorSystem | None = None,
    rule: Rule = "linear",
) -> Weights:
    """Weigh indicators by the method of that name.

    Parameters
    ----------
    matrix : IndicatorMatrix
    weighting : {"entropy", "critic", "variation", "deviation", "equal", "ahp", "combined"}
        "combined" joins AHP and entropy weights by ``rule`` (see :func:`combine_weights`).
    judged, system
        What "ahp" and "combined" need; see :func:`weigh_ahp`.
    rule : {"linear", "product", "geometric", "game"}

    Raises
    ------
    RefusedError
        The method refuses these values, or experts are asked for and nobody judged.
    UsageError
        No such method.
    """
    check_choice("weighting", weighting, get_args(Weighting), where="weigh")
    if weighting in ("ahp", "combined"):
        if judged is None:
            raise RefusedError("no expert judged", where="AHP weights", repair="Use weights that come from the data.")
        return (
            weigh_ahp(matrix, judged, system=system) if weighting == "ahp" else _combined(matrix, judged, system, rule)
        )
    methods: dict[str, Callable[[IndicatorMatrix], Weights]] = {
        "entropy": weigh_entropy,
        "critic": weigh_critic,
        "variation": weigh_variation,
        "deviation": weigh_deviation,
        "equal": weigh_equally,
    }
    return methods[weighting](matrix)


def _combined(matrix: IndicatorMatrix, judged: Priorities, system: IndicatorSystem | None, rule: Rule) -> Weights:
    return combine_weights(weigh_ahp(matrix, judged, system=system), weigh_entropy(matrix), rule=rule)
