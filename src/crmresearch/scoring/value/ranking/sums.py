"""Rank customers by sums: weighted sum, grey relational grade, rank-sum ratio."""

from __future__ import annotations

from functools import partial
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy import stats

from crmresearch.errors import UsageError, check_choice
from crmresearch.results import Exhibit, Recipe
from crmresearch.scoring.value.indicators import IndicatorMatrix
from crmresearch.scoring.value.ranking.ranked import (
    Ranking,
    Ties,
    additive,
    check_ranking,
    ideals,
    unit_values,
)
from crmresearch.scoring.value.weights import Weights

Spacing = Literal["integer", "interpolated"]
RSR_PROBITS = (4.0, 6.0)


def rank_weighted_sum(matrix: IndicatorMatrix, weights: Weights, *, ties: Ties = "min") -> Ranking:
    """Score customers by the weighted sum of their values mapped to 0..1, best to 1 (min-max).

    Parameters
    ----------
    matrix : IndicatorMatrix
    weights : Weights
    ties : {"min", "average", "dense", "by_customer"}

    Raises
    ------
    RefusedError
        All customers equal on every indicator that has weight.

    References
    ----------
    Hwang, C. L. and Yoon, K. (1981). https://doi.org/10.1007/978-3-642-48318-9
    """
    low, high, *_ = check_ranking(matrix, weights, "rank_weighted_sum", ties)
    parts = unit_values(matrix, low, high)
    options = {"normalisation": "minmax", "weights": weights.recipe.method, "ties": ties}
    return Ranking(
        matrix,
        weights,
        weights.values @ parts,
        ideals(matrix, weights, low, high),
        Recipe("weighted_sum", options, "Hwang & Yoon (1981), doi:10.1007/978-3-642-48318-9"),
        additive(parts),
        partial(rank_weighted_sum, ties=ties),
    )


def rank_grey(matrix: IndicatorMatrix, weights: Weights, *, distinguishing: float = 0.5, ties: Ties = "min") -> Ranking:
    r"""Score customers by their grey relational grade with the best value of every indicator.

    Parameters
    ----------
    matrix : IndicatorMatrix
    weights : Weights
    distinguishing : float
        The coefficient ρ, above 0 up to 1; smaller tells customers near the best further apart.
    ties : {"min", "average", "dense", "by_customer"}

    Raises
    ------
    RefusedError
        All customers equal on every indicator that has weight.
    UsageError
        ρ out of range.

    Notes
    -----
    On values mapped to 0..1, best to 1, with :math:`\Delta_{ij} = 1 - y_{ij}`, the coefficient is
    :math:`(\Delta_{min} + \rho \Delta_{max}) / (\Delta_{ij} + \rho \Delta_{max})` and the grade its weighted
    sum. An indicator that never varies is left out of the extremes and counts 1 for everyone.

    References
    ----------
    Deng, J. (1982). https://doi.org/10.1016/S0167-6911(82)80025-X
    """
    where = "rank_grey"
    if not 0 < distinguishing <= 1:
        raise UsageError(f"distinguishing={distinguishing}", where=where, repair="Use a value above 0 up to 1.")
    low, high, *_ = check_ranking(matrix, weights, where, ties)
    gap = 1 - unit_values(matrix, low, high)
    gap[low == high] = 0.0
    coefficient = distinguishing / (gap + distinguishing)  # smallest and largest gap are 0 and 1 by construction
    options = {
        "normalisation": "minmax",
        "distinguishing": distinguishing,
        "weights": weights.recipe.method,
        "ties": ties,
    }
    return Ranking(
        matrix,
        weights,
        weights.values @ coefficient,
        ideals(matrix, weights, low, high),
        Recipe("grey_relation", options, "Deng (1982), doi:10.1016/S0167-6911(82)80025-X"),
        additive(coefficient),
        partial(rank_grey, distinguishing=distinguishing, ties=ties),
    )


def rank_rsr(matrix: IndicatorMatrix, weights: Weights, *, spacing: Spacing = "integer", ties: Ties = "min") -> Ranking:
    r"""Score customers by their weighted rank-sum ratio, with the probit grading that goes with it.

    Parameters
    ----------
    matrix : IndicatorMatrix
    weights : Weights
    spacing : {"integer", "interpolated"}
        Ranks of each indicator, equal values sharing their mean rank; or ranks from 1 to n in
        proportion to the values, which keeps distances (不整秩).
    ties : {"min", "average", "dense", "by_customer"}
        Of the final ranks.

    Raises
    ------
    RefusedError
        All customers equal on every indicator that has weight.

    Notes
    -----
    :math:`WRSR_i = \sum_j w_j R_{ij} / n`. Distinct values are given the probit of their mean cumulative
    frequency (the highest: :math:`1 - 1 / 4n`), plus 5; the line of WRSR on probit gives the bounds of
    three grades at probits 4 and 6. Shown with the result as its own table.

    References
    ----------
    Tian, F. (1993). Rank-sum ratio and its application (田凤调, 秩和比法及其应用). China Statistics Press.
    """
    where = "rank_rsr"
    check_choice("spacing", spacing, get_args(Spacing), where=where)
    low, high, *_ = check_ranking(matrix, weights, where, ties)
    n = len(matrix.customer_id)
    if spacing == "integer":
        sign = np.where(matrix.is_benefit, 1.0, -1.0)[:, None]
        ranks = stats.rankdata(matrix.values.T * sign, axis=1)
    else:
        ranks = 1 + (n - 1) * unit_values(matrix, low, high)
    ranks /= n
    score = weights.values @ ranks
    options = {"spacing": spacing, "weights": weights.recipe.method, "ties": ties}
    return Ranking(
        matrix,
        weights,
        score,
        ideals(matrix, weights, low, high),
        Recipe("rank_sum_ratio", options, "Tian (1993), Rank-sum ratio and its application"),
        additive(ranks),
        partial(rank_rsr, spacing=spacing, ties=ties),
        (Exhibit("rsr_grades", grade_rsr(score), notes=("rsr_probit",)),),
    )


def grade_rsr(score: np.ndarray) -> pd.DataFrame:
    """Three grades of rank-sum ratios by probit.

    Returns
    -------
    pd.DataFrame, shape (3, 6)
        value_grade, probit_from, score_from, n_customers, share_customers, line_r2.
    """
    values, counts = np.unique(score, return_counts=True)
    n = len(score)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    frequency = np.minimum(ranks / n, 1 - 1 / (4 * n))
    probit = stats.norm.ppf(frequency) + 5
    slope, intercept, r2 = np.nan, np.nan, np.nan
    if len(values) > 2:
        line = stats.linregress(probit, values)
        slope, intercept, r2 = line.slope, line.intercept, line.rvalue**2
    bounds = [intercept + slope * p for p in RSR_PROBITS[::-1]]
    grade = sum((score < b).astype(int) for b in bounds)
    found = np.bincount(grade, minlength=3)[:3] if np.isfinite(slope) else np.full(3, np.nan)
    return pd.DataFrame(
        {
            "value_grade": ["grade_high", "grade_middle", "grade_low"],
            "probit_from": [RSR_PROBITS[1], RSR_PROBITS[0], np.nan],
            "score_from": [*bounds, np.nan],
            "n_customers": found,
            "share_customers": found / n,
            "line_r2": [r2] * 3,
        }
    )
