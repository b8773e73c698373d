"""What every ranking method hands over: a score for each customer, and the same under other weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, UsageError, check_choice
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.value.indicators import IndicatorMatrix, Moments
from crmresearch.scoring.value.weights import Weights

Ties = Literal["min", "average", "dense", "by_customer"]
Rescorer = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Scores of customers by one method; more is better, whatever the method.

    Attributes
    ----------
    matrix : IndicatorMatrix
    weights : Weights
    score : np.ndarray, shape (n_customers,)
        In the order of ``matrix``; not negative.
    ideal : pd.DataFrame
        indicator, weight and what the method compares customers with, one row per indicator.
    recipe : Recipe
    rescorer : Callable
        Makes a function of weights, shape (n_draws, n_indicators), that returns scores, shape
        (n_draws, n_customers), and keeps what does not depend on weights between calls.
    again : Callable
        Ranks another matrix by the same method and options: ``again(matrix, weights)``.
    more : tuple[Exhibit, ...]
        Tables of the method's own.
    """

    matrix: IndicatorMatrix
    weights: Weights
    score: np.ndarray
    ideal: pd.DataFrame
    recipe: Recipe
    rescorer: Callable[[], Rescorer]
    again: Callable[[IndicatorMatrix, Weights], Ranking]
    more: tuple[Exhibit, ...] = field(default=())

    def customers(self) -> pd.DataFrame:
        """customer_id, score, rank (1 is best, equal scores by the rule of ties), then the indicators; best first."""
        order = np.lexsort((np.arange(len(self.score)), -self.score))
        table = pd.DataFrame({"customer_id": self.matrix.customer_id[order], "score": self.score[order]})
        table["rank"] = place_of(table["score"].to_numpy(), self.recipe.options["ties"])
        return pd.concat([table, pd.DataFrame(self.matrix.values[order], columns=self.matrix.names)], axis=1)

    def rescore(self, weights: np.ndarray) -> np.ndarray:
        """Scores under other weights, shape (n_draws, n_indicators) → (n_draws, n_customers)."""
        return self.rescorer()(weights)

    def exhibits(self) -> tuple[Exhibit, ...]:
        """What customers are compared with; the ranking itself stands with its stability, in the tiers."""
        note = "topsis_ideal" if self.recipe.method == "topsis" else "ranking_relative"
        return (Exhibit("ideal_customer", self.ideal, notes=(note,)), *self.more)

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


def place_of(score: np.ndarray, ties: Ties) -> np.ndarray:
    """Rank of each score, 1 is best.

    Parameters
    ----------
    score : np.ndarray, shape (n,)
    ties : {"min", "average", "dense", "by_customer"}
        Equal scores share the better rank; the mean of their ranks; the better rank, with no rank left
        out after them; or are told apart by customer number.
    """
    method = {"by_customer": "first"}.get(ties, ties)
    ranks = pd.Series(score).rank(method=method, ascending=False).to_numpy()
    return ranks if ties == "average" else ranks.astype(int)


def check_ranking(matrix: IndicatorMatrix, weights: Weights, where: str, ties: str) -> Moments:
    """Smallest and largest value of each indicator and the like, once the request makes sense."""
    check_choice("ties", ties, get_args(Ties), where=where)
    if weights.table["indicator"].tolist() != matrix.names:
        raise UsageError(
            f"weights are for {', '.join(weights.table['indicator'])}; indicators are {', '.join(matrix.names)}",
            where=where,
            repair="Make the weights from this matrix.",
        )
    moments = matrix.moments()
    if not weights.values[moments.low < moments.high].any():
        raise RefusedError(
            "all customers are equal on every indicator that has weight",
            where=where,
            repair="Use indicators that tell customers apart.",
        )
    return moments


def unit_values(matrix: IndicatorMatrix, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Values mapped to 0..1, best to 1, shape (n_indicators, n_customers); an indicator that never varies is 0."""
    size = high - low
    factor = np.divide(1.0, size, out=np.zeros_like(size), where=size > 0)
    best_low = ~matrix.is_benefit
    start, sign = np.where(best_low, high, low), np.where(best_low, -1.0, 1.0)
    return (matrix.values.T - start[:, None]) * (factor * sign)[:, None] + 0.0


def additive(parts: np.ndarray) -> Callable[[], Rescorer]:
    """Rescorer of a method whose score is a weighted sum of ``parts``, shape (n_indicators, n_customers)."""
    return lambda: lambda weights: weights @ parts


def ideals(matrix: IndicatorMatrix, weights: Weights, low: np.ndarray, high: np.ndarray) -> pd.DataFrame:
    """indicator, weight, best, worst (raw values)."""
    best, worst = np.where(matrix.is_benefit, [high, low], [low, high])
    return pd.DataFrame({"indicator": matrix.names, "weight": weights.values, "best": best, "worst": worst})
