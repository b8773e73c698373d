"""Rank customers by VIKOR: a compromise of the whole distance to the best and the worst single shortfall."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from crmresearch.errors import UsageError
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

_SOURCE = "Opricovic & Tzeng (2004), doi:10.1016/S0377-2217(03)00020-1"


def rank_vikor(matrix: IndicatorMatrix, weights: Weights, *, compromise: float = 0.5, ties: Ties = "min") -> Ranking:
    r"""Score customers by 1 − Q of VIKOR.

    Parameters
    ----------
    matrix : IndicatorMatrix
    weights : Weights
    compromise : float
        The weight v of the whole (S) against the worst single shortfall (R), 0 to 1.
    ties : {"min", "average", "dense", "by_customer"}

    Raises
    ------
    RefusedError
        All customers equal on every indicator that has weight.
    UsageError
        v out of range.

    Notes
    -----
    On values mapped to 0..1, best to 1, :math:`S_i = \sum_j w_j (1 - y_{ij})`,
    :math:`R_i = \max_j w_j (1 - y_{ij})` and :math:`Q_i = v (S_i - S^*) / (S^- - S^*) + (1 - v) (R_i - R^*) /
    (R^- - R^*)`, a range of 0 counting 0. Whether the best is acceptable stands beside: by advantage
    (the second's Q is at least 1 / (n − 1) further) and by stability (best by S or R too).

    References
    ----------
    Opricovic, S. and Tzeng, G. H. (2004). https://doi.org/10.1016/S0377-2217(03)00020-1
    """
    where = "rank_vikor"
    if not 0 <= compromise <= 1:
        raise UsageError(f"compromise={compromise}", where=where, repair="Use a value from 0 to 1.")
    low, high, *_ = check_ranking(matrix, weights, where, ties)
    shortfall = 1 - unit_values(matrix, low, high)
    shortfall[low == high] = 0.0
    total, worst = _distances(weights.values[None, :], shortfall)
    score = _compromise(total, worst, compromise)[0]
    options = {"normalisation": "minmax", "compromise": compromise, "weights": weights.recipe.method, "ties": ties}
    return Ranking(
        matrix,
        weights,
        score,
        ideals(matrix, weights, low, high),
        Recipe("vikor", options, _SOURCE),
        partial(_rescorer, shortfall, compromise),
        partial(rank_vikor, compromise=compromise, ties=ties),
        (Exhibit("vikor_best", _best(matrix.customer_id, score, total[0], worst[0])),),
    )


def _rescorer(shortfall: np.ndarray, compromise: float) -> Rescorer:
    return lambda weights: _compromise(*_distances(weights, shortfall), compromise)


def _distances(weights: np.ndarray, shortfall: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """S and R, each of shape (n_draws, n_customers), one indicator at a time."""
    worst, step = np.zeros((len(weights), shortfall.shape[1])), np.empty((len(weights), shortfall.shape[1]))
    for j, row in enumerate(shortfall):
        np.multiply(weights[:, j, None], row, out=step)
        np.maximum(worst, step, out=worst)
    return weights @ shortfall, worst


def _compromise(total: np.ndarray, worst: np.ndarray, v: float) -> np.ndarray:
    q = np.zeros_like(total)
    for part, share in ((total, v), (worst, 1 - v)):
        least, size = part.min(axis=1, keepdims=True), np.ptp(part, axis=1, keepdims=True)
        q += share * np.divide(part - least, size, out=np.zeros_like(part), where=size > 0)
    return np.maximum(1 - q, 0.0)


def _best(customer_id: np.ndarray, score: np.ndarray, total: np.ndarray, worst: np.ndarray) -> pd.DataFrame:
    order = np.lexsort((np.arange(len(score)), -score))
    first, second = order[0], order[1]
    return pd.DataFrame(
        {
            "customer_id": [customer_id[first]],
            "score": [score[first]],
            "advantage": [score[first] - score[second]],
            "advantage_needed": [1 / (len(score) - 1)],
            "advantage_holds": [bool(score[first] - score[second] >= 1 / (len(score) - 1))],
            "stability_holds": [bool(total[first] == total.min() or worst[first] == worst.min())],
        }
    )
