"""Rank customers by fuzzy comprehensive evaluation: how far each belongs to every grade."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal, get_args

import numpy as np
import pandas as pd

from crmresearch.errors import UsageError, check_choice
from crmresearch.results import Exhibit, Recipe
from crmresearch.scoring.value.indicators import IndicatorMatrix
from crmresearch.scoring.value.ranking.ranked import (
    Ranking,
    Rescorer,
    Ties,
    check_ranking,
    ideals,
    unit_values,
)
from crmresearch.scoring.value.weights import Weights

Operator = Literal["weighted_mean", "main_factor"]
Placement = Literal["range", "quantiles"]

GRADES = ("grade_excellent", "grade_good", "grade_fair", "grade_poor")
_SOURCE = "Zadeh (1965), doi:10.1016/S0019-9958(65)90241-X; operators M(·,+) and M(∧,∨)"


def rank_fuzzy(
    matrix: IndicatorMatrix,
    weights: Weights,
    *,
    operator: Operator = "weighted_mean",
    placement: Placement = "quantiles",
    grades: Sequence[str] = GRADES,
    ties: Ties = "min",
) -> Ranking:
    r"""Score customers by the grade they belong to, as a weighted mean of grades.

    Parameters
    ----------
    matrix : IndicatorMatrix
    weights : Weights
    operator : {"weighted_mean", "main_factor"}
        How weights and memberships make the evaluation: M(·,+), every indicator counts by its weight; or
        M(∧,∨), the largest of the smaller of weight and membership, in which one indicator decides.
    placement : {"range", "quantiles"}
        Where the grades' centres lie on an indicator: evenly over its range, best to worst; or at its
        quantiles, so that each grade is about equally common.
    grades : Sequence[str]
        Names of the grades, best first; two or more.
    ties : {"min", "average", "dense", "by_customer"}

    Raises
    ------
    RefusedError
        All customers equal on every indicator that has weight.
    UsageError
        An unknown option, or fewer than two grades.

    Notes
    -----
    Membership is triangular between neighbouring centres, 1 beyond the outer ones, and sums to 1 over
    the grades. The evaluation, made to sum to 1, is turned into a score by giving the grades 1 … 0 in
    equal steps. With "weighted_mean" and "range" that is the weighted sum of :func:`rank_weighted_sum`.
    """
    where = "rank_fuzzy"
    check_choice("operator", operator, get_args(Operator), where=where)
    check_choice("placement", placement, get_args(Placement), where=where)
    if len(grades) < 2 or len(set(grades)) < len(grades):
        raise UsageError(f"grades {list(grades)}", where=where, repair="Name two or more, each once.")
    low, high, *_ = check_ranking(matrix, weights, where, ties)
    values = unit_values(matrix, low, high)
    member = np.array([_membership(row, len(grades), placement) for row in values])
    points = np.linspace(1, 0, len(grades))
    evaluation = _evaluate(weights.values[None, :], member, operator)[0]
    options = {
        "operator": operator,
        "placement": f"placement_{placement}",
        "grades": list(grades),
        "weights": weights.recipe.method,
        "ties": ties,
    }
    counts = np.bincount(evaluation.argmax(axis=0), minlength=len(grades))
    table = pd.DataFrame(
        {"value_grade": list(grades), "n_customers": counts, "share_customers": counts / len(values.T)}
    )
    table["membership"] = evaluation.mean(axis=1)
    return Ranking(
        matrix,
        weights,
        points @ evaluation,
        ideals(matrix, weights, low, high),
        Recipe("fuzzy_evaluation", options, _SOURCE),
        partial(_rescorer, member, operator, points),
        partial(rank_fuzzy, operator=operator, placement=placement, grades=tuple(grades), ties=ties),
        (Exhibit("fuzzy_grades", table, notes=("fuzzy_largest",)),),
    )


def _membership(values: np.ndarray, n_grades: int, placement: Placement) -> np.ndarray:
    """Membership of each grade, best first, shape (n_grades, n_customers)."""
    centres = np.linspace(0, 1, n_grades)
    if placement == "quantiles":
        centres = np.quantile(values, centres)
    member = np.zeros((n_grades, len(values)))
    keep = np.concatenate([[True], np.diff(centres) > 0])  # equal quantiles: the lower grade's centre stands
    place = np.interp(values, centres[keep], np.flatnonzero(keep).astype(float))
    below = np.floor(place).astype(int).clip(max=n_grades - 1)
    share = place - below
    rows = np.arange(len(values))
    member[below, rows] = 1 - share
    member[np.minimum(below + 1, n_grades - 1), rows] += share
    return member[::-1]


def _evaluate(weights: np.ndarray, member: np.ndarray, operator: Operator) -> np.ndarray:
    """Evaluations, shape (n_draws, n_grades, n_customers), summing to 1 over the grades."""
    if operator == "weighted_mean":
        found = np.tensordot(weights, member, axes=1)
    else:
        found = np.zeros((len(weights), *member.shape[1:]))
        for j, of_indicator in enumerate(member):
            np.maximum(found, np.minimum(weights[:, j, None, None], of_indicator), out=found)
    return found / found.sum(axis=1, keepdims=True)


def _rescorer(member: np.ndarray, operator: Operator, points: np.ndarray) -> Rescorer:
    if operator == "weighted_mean":
        parts = np.tensordot(member, points, axes=([1], [0]))
        return lambda weights: weights @ parts

    def rescore(weights: np.ndarray) -> np.ndarray:
        return np.array([points @ _evaluate(row[None, :], member, operator)[0] for row in weights])

    return rescore
