"""Weights from how far customers differ: coefficient of variation, standard deviation, and CRITIC."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from scipy import stats

from crmresearch.errors import RefusedError, check_choice
from crmresearch.results import Recipe
from crmresearch.scoring.value.indicators import IndicatorMatrix
from crmresearch.scoring.value.weights.weighing import Weights, weight_table

Correlation = Literal["pearson", "spearman"]
Conflict = Literal["signed", "absolute"]


def weigh_variation(matrix: IndicatorMatrix) -> Weights:
    """Weigh indicators by their coefficient of variation: standard deviation over mean of the raw values.

    Parameters
    ----------
    matrix : IndicatorMatrix

    Returns
    -------
    Weights
        With the column variation.

    Raises
    ------
    RefusedError
        A mean that is not positive, where the ratio says nothing; or every indicator constant.

    Notes
    -----
    The sample standard deviation (n − 1). Multiplying a column by a constant changes nothing; adding
    one does, so values in other zero points (temperatures, scores from 1) get other weights.

    Examples
    --------
    >>> import pandas as pd
    >>> from crmresearch.scoring.value.indicators import build_indicators
    >>> table = pd.DataFrame({"customer_id": ["a", "b"], "x": [1.0, 3.0], "y": [3.0, 5.0]})
    >>> weigh_variation(build_indicators(table, directions={"x": "benefit", "y": "cost"})).values.round(4).tolist()
    [0.6667, 0.3333]
    """
    mean, std = matrix.values.mean(axis=0), matrix.values.std(axis=0, ddof=1)
    if (bad := (mean <= 0) & (std > 0)).any():
        raise RefusedError(
            f"indicator {matrix.names[int(bad.argmax())]!r} has the mean {mean[bad.argmax()]:g}, "
            "by which a standard deviation cannot be divided",
            where="weights by coefficient of variation",
            repair="Use entropy weights with normalisation='minmax', or CRITIC.",
        )
    variation = np.divide(std, mean, out=np.zeros_like(std), where=_varies(matrix))
    return _weights(matrix, variation, "variation", Recipe("variation_weights", {"deviation": "deviation_sample"}))


def weigh_deviation(matrix: IndicatorMatrix) -> Weights:
    """Weigh indicators by the standard deviation of their values mapped to 0..1 (min-max)."""
    spread = _unit_deviation(matrix)
    return _weights(matrix, spread, "std", Recipe("deviation_weights", {"normalisation": "minmax"}))


def weigh_critic(
    matrix: IndicatorMatrix, *, correlation: Correlation = "pearson", conflict: Conflict = "signed"
) -> Weights:
    r"""Weigh indicators by how far customers differ on them and how little they repeat the others (CRITIC).

    Parameters
    ----------
    matrix : IndicatorMatrix
    correlation : {"pearson", "spearman"}
    conflict : {"signed", "absolute"}
        Whether an opposite indicator counts as conflict (as published), or as a repetition.

    Returns
    -------
    Weights
        With the columns std, conflict, information.

    Raises
    ------
    RefusedError
        Every indicator constant, or all perfectly correlated.

    Notes
    -----
    On values mapped to 0..1, best to 1, information is :math:`C_j = s_j \sum_k (1 - r_{jk})` and the
    weight :math:`C_j / \sum_k C_k`. A constant indicator has weight 0 and conflicts with none.

    References
    ----------
    Diakoulaki, D., Mavrotas, G. and Papayannakis, L. (1995). https://doi.org/10.1016/0305-0548(94)00059-H

    Examples
    --------
    >>> import pandas as pd
    >>> from crmresearch.scoring.value.indicators import build_indicators
    >>> table = pd.DataFrame({"customer_id": list("abc"), "x": [1, 2, 3], "y": [1, 2, 3], "z": [3, 1, 2]})
    >>> matrix = build_indicators(table, directions=dict.fromkeys("xyz", "benefit"))
    >>> weigh_critic(matrix).values.tolist()
    [0.25, 0.25, 0.5]
    """
    check_choice("correlation", correlation, get_args(Correlation), where="weigh_critic")
    check_choice("conflict", conflict, get_args(Conflict), where="weigh_critic")
    spread, varies = _unit_deviation(matrix), _varies(matrix)
    values = matrix.values[:, varies]
    if correlation == "spearman":
        values = stats.rankdata(values, axis=0)
    sign = np.where(matrix.is_benefit, 1.0, -1.0)[varies]
    r = np.atleast_2d(np.corrcoef(values, rowvar=False)) * np.outer(sign, sign) if varies.any() else np.empty((0, 0))
    disagreement = np.zeros(len(spread))
    disagreement[varies] = (1 - (np.abs(r) if conflict == "absolute" else r)).sum(axis=0)
    if varies.sum() == 1:
        disagreement[varies] = 1.0
    information = spread * np.where(disagreement > 1e-12, disagreement, 0.0)
    options = {"normalisation": "minmax", "correlation": correlation, "conflict": conflict}
    recipe = Recipe("critic_weights", options, "Diakoulaki et al. (1995), doi:10.1016/0305-0548(94)00059-H")
    weights = _weights(matrix, information, "information", recipe)
    weights.table.insert(3, "std", spread)
    weights.table.insert(4, "conflict", disagreement)
    return weights


def _varies(matrix: IndicatorMatrix) -> np.ndarray:
    return matrix.values.min(axis=0) < matrix.values.max(axis=0)


def _unit_deviation(matrix: IndicatorMatrix) -> np.ndarray:
    size = np.ptp(matrix.values, axis=0)
    return np.divide(matrix.values.std(axis=0, ddof=1), size, out=np.zeros(len(size)), where=_varies(matrix))


def _weights(matrix: IndicatorMatrix, raw: np.ndarray, column: str, recipe: Recipe) -> Weights:
    if not raw.sum() > 0:
        raise RefusedError(
            "the indicators do not tell customers apart, or all say the same",
            where="weights",
            repair="Use other indicators, or equal weights.",
        )
    table = weight_table(matrix, raw / raw.sum())
    table[column] = raw
    return Weights(table, recipe)
