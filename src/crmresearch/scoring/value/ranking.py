"""Rank customers by TOPSIS: close to the best value of every indicator, far from the worst."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, UsageError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.value.indicators import IndicatorMatrix
from crmresearch.scoring.value.weights import Weights

Normalisation = Literal["vector", "minmax", "none"]

_CHUNK_ROWS = 8_192
_SOURCE = "Hwang & Yoon (1981), doi:10.1007/978-3-642-48318-9; Tzeng & Huang (2011), doi:10.1201/b11032"


@dataclass(frozen=True, slots=True)
class Ranking:
    """Closeness of every customer to the ideal one.

    Attributes
    ----------
    matrix : IndicatorMatrix
    weights : Weights
    score : np.ndarray, shape (n_customers,)
        Closeness, 0 (worst on everything) to 1 (best on everything), in the order of ``matrix``.
    scale : np.ndarray, shape (n_indicators,)
        What each indicator is multiplied by before weighing.
    ideal : pd.DataFrame, shape (n_indicators, 4)
        indicator, weight, best, worst (raw values).
    recipe : Recipe
    """

    matrix: IndicatorMatrix
    weights: Weights
    score: np.ndarray
    scale: np.ndarray
    ideal: pd.DataFrame
    recipe: Recipe

    def customers(self) -> pd.DataFrame:
        """customer_id, score, rank (1 is best, equal scores share the smaller), then the indicators; best first."""
        order = np.lexsort((np.arange(len(self.score)), -self.score))
        table = pd.DataFrame({"customer_id": self.matrix.customer_id[order], "score": self.score[order]})
        table["rank"] = table["score"].rank(method="min", ascending=False).astype(int)
        return pd.concat([table, pd.DataFrame(self.matrix.values[order], columns=self.matrix.names)], axis=1)

    def rescore(self, weights: np.ndarray) -> np.ndarray:
        """Closeness under other weights.

        Parameters
        ----------
        weights : np.ndarray, shape (n_draws, n_indicators)

        Returns
        -------
        np.ndarray, shape (n_draws, n_customers)
        """
        return self.rescorer()(weights)

    def rescorer(self):
        """A function like :meth:`rescore` that keeps the squared distances (two matrices) between calls."""
        best, worst = (self.ideal[side].to_numpy() for side in ("best", "worst"))
        scaled = self.matrix.values.T * self.scale[:, None]
        to_best = (scaled - (best * self.scale)[:, None]) ** 2
        to_worst = np.square(scaled - (worst * self.scale)[:, None], out=scaled)

        def rescore(weights: np.ndarray) -> np.ndarray:
            squared = weights**2
            far, near = squared @ to_worst, squared @ to_best
            return _closeness(far, near)

        return rescore

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The ideal and the best customers."""
        return (
            Exhibit("ideal_customer", self.ideal, notes=("topsis_ideal",)),
            Exhibit("ranking", self.customers(), notes=("rank_ties",), rows_shown=10),
        )

    def findings(self) -> tuple[Finding, ...]:
        """How far the scores spread, and how many customers share a score."""
        low, middle, high = np.quantile(self.score, [0.05, 0.5, 0.95])
        n_tied = len(self.score) - len(np.unique(self.score))
        found = [
            Finding(
                "score_spread", {"n": len(self.score), "low": float(low), "median": float(middle), "high": float(high)}
            )
        ]
        if n_tied:
            found.append(Finding("tied_scores", {"n": n_tied}))
        return tuple(found)


def rank_topsis(matrix: IndicatorMatrix, weights: Weights, *, normalisation: Normalisation = "vector") -> Ranking:
    """Score customers by relative closeness to the ideal customer.

    Parameters
    ----------
    matrix : IndicatorMatrix
    weights : Weights
        For the same indicators, in the same order.
    normalisation : {"vector", "minmax", "none"}
        What makes indicators comparable: division by the root of the sum of squares, by the range,
        or nothing.

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
    >>> from crmresearch.scoring.value.indicators import build_indicators
    >>> from crmresearch.scoring.value.weights import take_weights
    >>> table = pd.DataFrame({"customer_id": list("abcd"), "x": [5, 7, 8, 7], "y": [8, 6, 8, 4], "z": [4, 8, 6, 6]})
    >>> matrix = build_indicators(table, directions=dict.fromkeys("xyz", "benefit"))
    >>> rank_topsis(matrix, take_weights(matrix, {"x": 0.3, "y": 0.4, "z": 0.3})).score.round(4).tolist()
    [0.5037, 0.6581, 0.7482, 0.334]
    """
    if normalisation not in get_args(Normalisation):
        raise UsageError(
            f"normalisation={normalisation!r} is unknown",
            where="rank_topsis",
            repair=f"Choose from: {', '.join(get_args(Normalisation))}.",
        )
    if weights.table["indicator"].tolist() != matrix.names:
        raise UsageError(
            f"weights are for {', '.join(weights.table['indicator'])}; indicators are {', '.join(matrix.names)}",
            where="rank_topsis",
            repair="Make the weights from this matrix.",
        )
    values = matrix.values
    low, high = values.min(axis=0), values.max(axis=0)
    if not weights.values[low < high].any():
        raise RefusedError(
            "all customers are equal on every indicator that has weight",
            where="TOPSIS",
            repair="Use indicators that tell customers apart.",
        )
    scale = _scale(values, low, high, normalisation)
    best, worst = np.where(matrix.is_benefit, [high, low], [low, high])
    score = _score(values, weights.values * scale, best, worst)
    ideal = pd.DataFrame({"indicator": matrix.names, "weight": weights.values, "best": best, "worst": worst})
    options = {"normalisation": normalisation, "distance": "euclidean", "weights": weights.recipe.method}
    return Ranking(matrix, weights, score, scale, ideal, Recipe("topsis", options, _SOURCE))


def _scale(values: np.ndarray, low: np.ndarray, high: np.ndarray, normalisation: Normalisation) -> np.ndarray:
    if normalisation == "none":
        return np.ones(len(low))
    size = high - low if normalisation == "minmax" else np.sqrt([column @ column for column in values.T])
    return np.divide(1.0, size, out=np.zeros_like(low), where=size > 0)


def _score(values: np.ndarray, factor: np.ndarray, best: np.ndarray, worst: np.ndarray) -> np.ndarray:
    score = np.empty(len(values))
    near, part = np.empty(_CHUNK_ROWS), np.empty(_CHUNK_ROWS)
    for begin in range(0, len(values), _CHUNK_ROWS):
        rows = values[begin : begin + _CHUNK_ROWS]
        far, to_best, step = score[begin : begin + _CHUNK_ROWS], near[: len(rows)], part[: len(rows)]
        far[:], to_best[:] = 0.0, 0.0
        for j in np.flatnonzero(factor):
            for total, end in ((far, worst[j]), (to_best, best[j])):
                np.subtract(rows[:, j], end, out=step)
                step *= factor[j]
                step *= step
                total += step
        _closeness(far, to_best)
    return score


def _closeness(far: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Closeness from squared distances, in place: ``far`` becomes the result, ``near`` is used up."""
    np.sqrt(far, out=far)
    np.sqrt(near, out=near)
    near += far
    return np.divide(far, near, out=far)
