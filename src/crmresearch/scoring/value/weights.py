"""Weights of indicators. Each carries its recipe, for the recipe moves the weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, UsageError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.value.indicators import IndicatorMatrix

Normalisation = Literal["sum", "minmax"]
ShiftRule = Literal["none", "every_column", "nonpositive_columns"]
Zeros = Literal["limit", "zero_entropy"]
Constant = Literal["zero_weight", "refuse"]

ENTROPY_PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "scikit_criteria": {"normalisation": "sum", "shift_rule": "none", "zeros": "limit"},
        "pymcdm": {"normalisation": "sum", "shift_rule": "none", "zeros": "zero_entropy"},
        "spssau": {"normalisation": "sum", "shift_rule": "nonpositive_columns", "shift": 0.01},
        "minmax_shifted": {"normalisation": "minmax", "shift_rule": "every_column", "shift": 0.01},
        "minmax_unshifted": {"normalisation": "minmax", "shift_rule": "none"},
    }
)
"""Recipes in use, by name, as keyword arguments of :func:`weigh_entropy`."""

_ENTROPY_SOURCE = (
    "Zeleny (1982), Multiple Criteria Decision Making, ch. 7; Shannon (1948), doi:10.1002/j.1538-7305.1948.tb01338.x"
)
_CHUNK_ROWS = 32_768


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of indicators and how they were made.

    Attributes
    ----------
    table : pd.DataFrame, shape (n_indicators, 3 or 5)
        indicator, direction, weight (sums to 1); entropy weights also have entropy (0..1) and
        redundancy (1 - entropy).
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
        if "entropy" in self.table:
            constant = self.table.loc[self.table["weight"] == 0, "indicator"]
            found += [Finding("constant_indicator", {"indicator": name}) for name in constant]
        return tuple(found)


def weigh_entropy(
    matrix: IndicatorMatrix,
    *,
    normalisation: Normalisation = "minmax",
    shift_rule: ShiftRule = "none",
    shift: float = 0.0,
    zeros: Zeros = "limit",
    constant: Constant = "zero_weight",
) -> Weights:
    r"""Weigh indicators by how unevenly they are spread over customers.

    Parameters
    ----------
    matrix : IndicatorMatrix
    normalisation : {"minmax", "sum"}
        "minmax" maps each indicator to 0..1, best to 1 by its direction; "sum" takes the raw values,
        whatever the direction. Scaling a column by a constant changes nothing.
    shift_rule : {"none", "every_column", "nonpositive_columns"}
        What is added after the normalisation: nothing; ``shift`` to every column; or, to columns
        whose smallest value is not positive, the size of that value plus ``shift``.
    shift : float
        Must be positive with a rule that uses it, 0 otherwise.
    zeros : {"limit", "zero_entropy"}
        "limit" takes 0 · ln 0 = 0; "zero_entropy" gives an indicator with any zero the entropy 0,
        hence the largest possible redundancy (as pymcdm does).
    constant : {"zero_weight", "refuse"}
        What an indicator gets that is the same for all customers.

    Returns
    -------
    Weights

    Raises
    ------
    RefusedError
        A negative value under the logarithm, with no shift declared; every indicator constant; or a
        constant one under ``constant="refuse"``.
    UsageError
        An option that is unknown, or a shift without its rule.

    Notes
    -----
    With :math:`p_{ij} = y_{ij} / \sum_i y_{ij}`, entropy is
    :math:`e_j = -\sum_i p_{ij} \ln p_{ij} / \ln n` and the weight is
    :math:`(1 - e_j) / \sum_k (1 - e_k)`. It is computed as the Theil index over :math:`\ln n`,
    :math:`1 - e_j = \sum_i q_{ij} \ln q_{ij} / (n \ln n)` with :math:`q` = value / mean, which keeps
    its digits where entropy is near 1. Memory beyond the input is a few hundred kilobytes.

    References
    ----------
    Zeleny, M. (1982). Multiple Criteria Decision Making. McGraw-Hill, ch. 7.
    Shannon, C. E. (1948). https://doi.org/10.1002/j.1538-7305.1948.tb01338.x

    Examples
    --------
    >>> from crmresearch.scoring.value.indicators import build_indicators
    >>> table = pd.DataFrame({"customer_id": ["a", "b"], "x": [1.0, 4.0], "y": [2.0, 16.0]})
    >>> matrix = build_indicators(table, directions={"x": "cost", "y": "benefit"})
    >>> weigh_entropy(matrix, **ENTROPY_PRESETS["scikit_criteria"]).values.round(6).tolist()
    [0.358889, 0.641111]
    """
    _check_options(normalisation, shift_rule, shift, zeros, constant)
    n, m = matrix.values.shape
    redundancy = np.zeros(m)
    for j, indicator in enumerate(matrix.indicators):
        column = matrix.values[:, j]
        low, high = column.min(), column.max()
        if low == high:
            if constant == "refuse":
                raise RefusedError(
                    f"indicator {indicator.name!r} is {low:g} for every customer",
                    where="entropy weights",
                    repair="Drop it, or let it have weight 0 with constant='zero_weight'.",
                )
            continue
        scale, offset = 1.0, 0.0
        if normalisation == "minmax":
            scale = 1 / (high - low) if indicator.direction == "benefit" else 1 / (low - high)
            offset = -scale * (low if indicator.direction == "benefit" else high)
        least = 0.0 if normalisation == "minmax" else low
        if shift_rule == "every_column":
            offset += shift
            least += shift
        elif shift_rule == "nonpositive_columns" and least <= 0:
            offset += abs(least) + shift
            least += abs(least) + shift
        if least < 0:
            raise RefusedError(
                f"indicator {indicator.name!r} has {(column * scale + offset < 0).sum()} negative values "
                f"(least {low:g}), which have no logarithm",
                where="entropy weights",
                repair="Use normalisation='minmax', or declare a shift_rule and shift.",
            )
        if zeros == "zero_entropy" and least == 0:
            redundancy[j] = 1.0
        else:
            mean = scale * column.mean() + offset
            redundancy[j] = _theil(column, scale / mean, offset / mean) / np.log(n)
    if not redundancy.any():
        raise RefusedError(
            "every indicator is the same for all customers", where="entropy weights", repair="Use other indicators."
        )
    table = _table(matrix, redundancy / redundancy.sum())
    table["entropy"], table["redundancy"] = 1 - redundancy, redundancy
    options = {
        "normalisation": normalisation,
        "shift_rule": shift_rule,
        "shift": shift,
        "zeros": zeros,
        "constant": constant,
    }
    return Weights(table, Recipe("entropy_weights", options, _ENTROPY_SOURCE))


def weigh_equally(matrix: IndicatorMatrix) -> Weights:
    """Give every indicator the same weight: the yardstick for every other recipe."""
    m = len(matrix.indicators)
    return Weights(_table(matrix, np.full(m, 1 / m)), Recipe("equal_weights"))


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
    return Weights(_table(matrix, values / values.sum()), Recipe("given_weights"))


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
        """One row per indicator, one column per recipe."""
        wide = self.table.pivot(index="indicator", columns="weighting", values="weight")
        wide = wide.loc[self.table["indicator"].unique(), self.table["weighting"].unique()].reset_index()
        return (Exhibit("weight_comparison", wide.rename_axis(columns=None), notes=("weight_comparison",)),)

    def findings(self) -> tuple[Finding, ...]:
        """The indicator whose weight depends most on the recipe; recipes that refuse these values."""
        span = self.table.groupby("indicator")["weight"].agg(["min", "max"])
        name = (span["max"] - span["min"]).idxmax()
        low, high = span.loc[name]
        found = [Finding("weight_depends_on_recipe", {"indicator": name, "low": float(low), "high": float(high)})]
        found += [Finding("recipe_refused", {"recipe": name}) for name in self.refusals["weighting"]]
        return tuple(found)


def compare_weights(matrix: IndicatorMatrix) -> WeightComparison:
    """Weigh the same indicators by every recipe of :data:`ENTROPY_PRESETS`, and equally.

    A recipe that refuses these values is listed with its reason, not left out.
    """
    rows, refusals = [], []
    for name, options in ENTROPY_PRESETS.items():
        try:
            weights = weigh_entropy(matrix, **options).values
        except RefusedError as error:
            weights = np.full(len(matrix.indicators), np.nan)
            refusals.append({"weighting": name, "reason": str(error)})
        rows.append(pd.DataFrame({"weighting": name, "indicator": matrix.names, "weight": weights}))
    equal = weigh_equally(matrix)
    rows.append(pd.DataFrame({"weighting": "equal", "indicator": matrix.names, "weight": equal.values}))
    table = pd.concat(rows, ignore_index=True)
    return WeightComparison(table, pd.DataFrame(refusals, columns=["weighting", "reason"]), Recipe("weight_comparison"))


def _check_options(normalisation: str, shift_rule: str, shift: float, zeros: str, constant: str) -> None:
    asked = (
        ("normalisation", normalisation, Normalisation),
        ("shift_rule", shift_rule, ShiftRule),
        ("zeros", zeros, Zeros),
        ("constant", constant, Constant),
    )
    for name, value, choices in asked:
        if value not in get_args(choices):
            raise UsageError(
                f"{name}={value!r} is unknown",
                where="entropy weights",
                repair=f"Choose from: {', '.join(get_args(choices))}.",
            )
    if (shift > 0) != (shift_rule != "none") or shift < 0:
        raise UsageError(
            f"shift={shift} with shift_rule={shift_rule!r}",
            where="entropy weights",
            repair="Give a positive shift with a rule, or neither.",
        )


def _theil(column: np.ndarray, scale: float, offset: float) -> float:
    """Mean of q ln q for q = column * scale + offset (mean 1), 0 ln 0 = 0; in chunks, without a copy."""
    total = 0.0
    for q in _chunks(column):
        np.multiply(q, scale, out=q)
        q += offset
        np.maximum(q, np.finfo(float).tiny, out=q)  # tiny · ln tiny is 0 to every digit
        total += float(q @ np.log(q))
    return total / len(column)


def _chunks(column: np.ndarray) -> Iterator[np.ndarray]:
    buffer = np.empty(min(_CHUNK_ROWS, len(column)))
    for begin in range(0, len(column), _CHUNK_ROWS):
        part = column[begin : begin + _CHUNK_ROWS]
        chunk = buffer[: len(part)]
        chunk[:] = part
        yield chunk


def _table(matrix: IndicatorMatrix, weights: np.ndarray) -> pd.DataFrame:
    directions = [i.direction for i in matrix.indicators]
    return pd.DataFrame({"indicator": matrix.names, "direction": directions, "weight": weights})
