"""Entropy weights: an indicator weighs by how unevenly it is spread over customers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np

from crmresearch.errors import RefusedError, UsageError, check_choice
from crmresearch.results import Recipe
from crmresearch.scoring.value.indicators import IndicatorMatrix
from crmresearch.scoring.value.weights.weighing import Weights, weight_table

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
    its digits where entropy is near 1. Memory beyond the input is a few megabytes.

    References
    ----------
    Zeleny, M. (1982). Multiple Criteria Decision Making. McGraw-Hill, ch. 7.
    Shannon, C. E. (1948). https://doi.org/10.1002/j.1538-7305.1948.tb01338.x

    Examples
    --------
    >>> import pandas as pd
    >>> from crmresearch.scoring.value.indicators import build_indicators
    >>> table = pd.DataFrame({"customer_id": ["a", "b"], "x": [1.0, 4.0], "y": [2.0, 16.0]})
    >>> matrix = build_indicators(table, directions={"x": "cost", "y": "benefit"})
    >>> weigh_entropy(matrix, **ENTROPY_PRESETS["scikit_criteria"]).values.round(6).tolist()
    [0.358889, 0.641111]
    """
    _check_options(normalisation, shift_rule, shift, zeros, constant)
    n, m = matrix.values.shape
    low, high, mean, _ = matrix.moments()
    scale, offset = np.zeros(m), np.ones(m)  # of what is not weighed: everywhere 1, whose ln is 0
    redundancy = np.zeros(m)
    for j, indicator in enumerate(matrix.indicators):
        if low[j] == high[j]:
            if constant == "refuse":
                raise RefusedError(
                    f"indicator {indicator.name!r} is {low[j]:g} for every customer",
                    where="entropy weights",
                    repair="Drop it, or let it have weight 0 with constant='zero_weight'.",
                )
            continue
        factor, added, least = 1.0, 0.0, float(low[j])
        if normalisation == "minmax":
            start, end = (low[j], high[j]) if matrix.is_benefit[j] else (high[j], low[j])
            factor, least = 1 / (end - start), 0.0
            added = -factor * start
        if shift_rule == "every_column" or (shift_rule == "nonpositive_columns" and least <= 0):
            step = shift if shift_rule == "every_column" else abs(least) + shift
            added, least = added + step, least + step
        if least < 0:
            raise RefusedError(
                f"indicator {indicator.name!r} has {(matrix.values[:, j] * factor + added < 0).sum()} negative values "
                f"(least {low[j]:g}), which have no logarithm",
                where="entropy weights",
                repair="Use normalisation='minmax', or declare a shift_rule and shift.",
            )
        if zeros == "zero_entropy" and least == 0:
            redundancy[j] = 1.0
        else:
            centre = factor * mean[j] + added
            scale[j], offset[j] = factor / centre, added / centre
    if (low == high).all():
        raise RefusedError(
            "every indicator is the same for all customers", where="entropy weights", repair="Use other indicators."
        )
    redundancy += _theil(matrix, scale, offset) / np.log(n)
    table = weight_table(matrix, redundancy / redundancy.sum())
    table["entropy"], table["redundancy"] = 1 - redundancy, redundancy
    options = {
        "normalisation": normalisation,
        "shift_rule": shift_rule,
        "shift": shift,
        "zeros": zeros,
        "constant": constant,
    }
    return Weights(table, Recipe("entropy_weights", options, _ENTROPY_SOURCE))


def _check_options(normalisation: str, shift_rule: str, shift: float, zeros: str, constant: str) -> None:
    where = "entropy weights"
    check_choice("normalisation", normalisation, get_args(Normalisation), where=where)
    check_choice("shift_rule", shift_rule, get_args(ShiftRule), where=where)
    check_choice("zeros", zeros, get_args(Zeros), where=where)
    check_choice("constant", constant, get_args(Constant), where=where)
    if (shift > 0) != (shift_rule != "none") or shift < 0:
        raise UsageError(
            f"shift={shift} with shift_rule={shift_rule!r}",
            where=where,
            repair="Give a positive shift with a rule, or neither.",
        )


def _theil(matrix: IndicatorMatrix, scale: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Mean of q ln q for q = value * scale + offset (mean 1), 0 ln 0 = 0, of each indicator."""
    total = np.zeros(len(scale))
    for _, q in matrix.blocks():
        q *= scale[:, None]
        q += offset[:, None]
        np.maximum(q, np.finfo(float).tiny, out=q)  # tiny · ln tiny is 0 to every digit
        total += np.einsum("ij,ij->i", q, np.log(q))
    return total / len(matrix.values)
