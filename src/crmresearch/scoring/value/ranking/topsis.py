"""Rank customers by TOPSIS: close to the best value of every indicator, far from the worst."""

from __future__ import annotations

from functools import partial
from typing import Literal, get_args

import numpy as np

from crmresearch.errors import check_choice
from crmresearch.results import Recipe
from crmresearch.scoring.value.indicators import IndicatorMatrix
from crmresearch.scoring.value.ranking.ranked import (
    Ranking,
    Rescorer,
    Ties,
    check_ranking,
    ideals,
)
from crmresearch.scoring.value.weights import Weights

Normalisation = Literal["vector", "minmax", "none"]

_SOURCE = "Hwang & Yoon (1981), doi:10.1007/978-3-642-48318-9; Tzeng & Huang (2011), doi:10.1201/b11032"


def rank_topsis(
    matrix: IndicatorMatrix, weights: Weights, *, normalisation: Normalisation = "vector", ties: Ties = "min"
) -> Ranking:
    """Score customers by relative closeness to the ideal customer.

    Parameters
    ----------
    matrix : IndicatorMatrix
    weights : Weights
        For the same indicators, in the same order.
    normalisation : {"vector", "minmax", "none"}
        What makes indicators comparable: division by the root of the sum of squares, by the range,
        or nothing.
    ties : {"min", "average", "dense", "by_customer"}
        See :func:`~.ranked.place_of`.

    Returns
    -------
    Ranking

    Raises
    ------
    RefusedError
        All customers equal on every indicator that has weight.
    UsageError
        Weights for other indicators, or an unknown normalisation.

    Notes
    -----
    With :math:`v_{ij} = w_j x_{ij} s_j`, best and worst taken per indicator by its direction,
    :math:`C_i = D_i^- / (D_i^+ + D_i^-)` of the Euclidean distances to the worst and the best. The
    ideal comes from the customers at hand: adding one can reverse the order of two others.
    An indicator that never varies adds nothing. Beyond its input it holds the scores and chunks of
    8,192 rows.

    References
    ----------
    Hwang, C. L. and Yoon, K. (1981). Multiple Attribute Decision Making. Springer.
    https://doi.org/10.1007/978-3-642-48318-9
    Tzeng, G. H. and Huang, J. J. (2011). Multiple Attribute Decision Making. CRC Press.
    https://doi.org/10.1201/b11032

    Examples
    --------
    >>> import pandas as pd
    >>> from crmresearch.scoring.value.indicators import build_indicators
    >>> from crmresearch.scoring.value.weights import take_weights
    >>> table = pd.DataFrame({"customer_id": list("abcd"), "x": [5, 7, 8, 7], "y": [8, 6, 8, 4], "z": [4, 8, 6, 6]})
    >>> matrix = build_indicators(table, directions=dict.fromkeys("xyz", "benefit"))
    >>> rank_topsis(matrix, take_weights(matrix, {"x": 0.3, "y": 0.4, "z": 0.3})).score.round(4).tolist()
    [0.5037, 0.6581, 0.7482, 0.334]
    """
    where = "rank_topsis"
    check_choice("normalisation", normalisation, get_args(Normalisation), where=where)
    low, high, _, length = check_ranking(matrix, weights, where, ties)
    scale = _scale(low, high, length, normalisation)
    ideal = ideals(matrix, weights, low, high)
    best, worst = ideal["best"].to_numpy(), ideal["worst"].to_numpy()
    score = _score(matrix, weights.values * scale, best, worst)
    options = {
        "normalisation": normalisation,
        "distance": "euclidean",
        "weights": weights.recipe.method,
        "ties": ties,
    }
    return Ranking(
        matrix,
        weights,
        score,
        ideal,
        Recipe("topsis", options, _SOURCE),
        partial(_rescorer, matrix.values, scale, best, worst),
        partial(rank_topsis, normalisation=normalisation, ties=ties),
    )


def _rescorer(values: np.ndarray, scale: np.ndarray, best: np.ndarray, worst: np.ndarray) -> Rescorer:
    """Keeps the squared distances (two matrices) between calls."""
    scaled = values.T * scale[:, None]
    to_best = (scaled - (best * scale)[:, None]) ** 2
    to_worst = np.square(scaled - (worst * scale)[:, None], out=scaled)

    def rescore(weights: np.ndarray) -> np.ndarray:
        squared = weights**2
        far, near = squared @ to_worst, squared @ to_best
        return _closeness(far, near)

    return rescore


def _scale(low: np.ndarray, high: np.ndarray, length: np.ndarray, normalisation: Normalisation) -> np.ndarray:
    if normalisation == "none":
        return np.ones(len(low))
    size = high - low if normalisation == "minmax" else length
    return np.divide(1.0, size, out=np.zeros_like(low), where=size > 0)


def _score(matrix: IndicatorMatrix, factor: np.ndarray, best: np.ndarray, worst: np.ndarray) -> np.ndarray:
    score = np.zeros(len(matrix.values))
    for rows, block in matrix.blocks():
        far, near, step = score[rows], np.zeros(block.shape[1]), np.empty(block.shape[1])
        for j in np.flatnonzero(factor):
            for total, end in ((far, worst[j]), (near, best[j])):
                np.subtract(block[j], end, out=step)
                step *= factor[j]
                step *= step
                total += step
        _closeness(far, near)
    return score


def _closeness(far: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Closeness from squared distances, in place: ``far`` becomes the result, ``near`` is used up."""
    np.sqrt(far, out=far)
    np.sqrt(near, out=near)
    near += far
    return np.divide(far, near, out=far)
