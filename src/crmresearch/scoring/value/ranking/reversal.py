"""Rank reversal: whether the order of two customers depends on a third."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.value.ranking.ranked import Ranking


@dataclass(frozen=True, slots=True)
class RankReversal:
    """What becomes of the order of the others when one customer is taken out, or comes in twice.

    Attributes
    ----------
    trials : pd.DataFrame, shape (n_trials, 6)
        trial ("left_out" or "copied"), customer_id, chosen_for ("ideal": holds a best or worst value;
        "drawn"), n_reversed (pairs of other customers whose order changed), share_reversed,
        best_changed (whether the first place goes to another).
    summary : pd.DataFrame, shape (2, 5)
        trial, n_trials, share_trials (with any reversal), most_reversed (largest share of pairs),
        n_best_changed.
    recipe : Recipe
    """

    trials: pd.DataFrame
    summary: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The summary, and the trials with most reversals."""
        worst = self.trials.sort_values(["n_reversed", "customer_id"], ascending=[False, True], ignore_index=True)
        return (
            Exhibit("rank_reversal", self.summary, notes=("rank_reversal",)),
            Exhibit("rank_reversal_trials", worst[worst["n_reversed"] > 0].reset_index(drop=True), rows_shown=5)
            if (worst["n_reversed"] > 0).any()
            else Exhibit("rank_reversal_trials", worst.head(1)),
        )

    def findings(self) -> tuple[Finding, ...]:
        """How often and how far the order of the others changed."""
        n, reversing = len(self.trials), int((self.trials["n_reversed"] > 0).sum())
        values = {
            "n": n,
            "n_reversing": reversing,
            "most": float(self.trials["share_reversed"].max()),
            "n_best_changed": int(self.trials["best_changed"].sum()),
        }
        return (Finding("rank_reversal" if reversing else "no_rank_reversal", values),)


def try_reversal(ranking: Ranking, *, rng: np.random.Generator, n_drawn: int = 20) -> RankReversal:
    """Rank again without one customer, and with one of them twice, and count the pairs that change order.

    Parameters
    ----------
    ranking : Ranking
    rng : np.random.Generator
    n_drawn : int
        Customers drawn at random beside those who hold a best or worst value of an indicator.

    Returns
    -------
    RankReversal

    Raises
    ------
    RefusedError
        Fewer than four customers.

    Notes
    -----
    Weights stay as they are, so that only the method is tested. A pair counts when its order turns
    round; a tie that opens does not. Each trial ranks everyone again.

    References
    ----------
    García-Cascales, M. S. and Lamata, M. T. (2012). https://doi.org/10.1016/j.mcm.2011.12.022
    """
    matrix, weights = ranking.matrix, ranking.weights
    n = len(matrix.customer_id)
    if n < 4:
        raise RefusedError(f"{n} customers", where="rank reversal", repair="Compare four customers or more.")
    best = {int(f(column)) for column in matrix.values.T for f in (np.argmin, np.argmax)}
    others = np.setdiff1d(np.arange(n), sorted(best))
    drawn = rng.choice(others, size=min(n_drawn, len(others)), replace=False)
    rows = []
    chosen = [(i, "ideal") for i in sorted(best)] + [(int(i), "drawn") for i in sorted(drawn)]
    for place, reason in chosen:
        rest = np.flatnonzero(np.arange(n) != place)
        for trial, taken in (("left_out", rest), ("copied", np.append(np.arange(n), place))):
            try:
                again = ranking.again(matrix.take(taken), weights).score
            except RefusedError:  # the one left out was all that told customers apart
                continue
            after = again if trial == "left_out" else again[np.append(rest, n)][:-1]
            before = ranking.score[rest]
            reversed_pairs = count_reversed(before, after)
            rows.append(
                {
                    "trial": trial,
                    "customer_id": matrix.customer_id[place],
                    "chosen_for": reason,
                    "n_reversed": reversed_pairs,
                    "share_reversed": reversed_pairs / ((n - 1) * (n - 2) / 2),
                    "best_changed": bool(after[np.argmax(before)] < after.max() - 1e-12),
                }
            )
    trials = pd.DataFrame(rows)
    groups = trials.groupby("trial", sort=False)
    summary = pd.DataFrame(
        {
            "n_trials": groups.size(),
            "share_trials": groups["n_reversed"].agg(lambda x: (x > 0).mean()),
            "most_reversed": groups["share_reversed"].max(),
            "n_best_changed": groups["best_changed"].sum(),
        }
    ).reset_index()
    return RankReversal(trials, summary, Recipe("rank_reversal", {"n_drawn": n_drawn, "method": ranking.recipe.method}))


def count_reversed(before: np.ndarray, after: np.ndarray) -> int:
    """Pairs whose order turned round, ties apart, in O(n log n).

    Examples
    --------
    >>> count_reversed(np.array([3.0, 2.0, 1.0, 1.0]), np.array([1.0, 2.0, 0.0, 3.0]))
    3
    """
    digits = 10  # a difference in the last digits is no reversal
    x = np.unique(np.round(before, digits), return_inverse=True)[1]
    y = np.unique(np.round(after, digits), return_inverse=True)[1]
    order = np.lexsort((y, x))
    return _inversions(y[order])


def _inversions(ranks: np.ndarray) -> int:
    """Pairs i < j with ranks[i] > ranks[j], by merging sorted blocks of doubling size."""
    total, size, n = 0, 1, len(ranks)
    values = ranks.astype(np.int64)
    top = int(values.max(initial=0)) + 1
    while size < n:
        block = np.arange(n) // (2 * size)
        is_left = (np.arange(n) // size) % 2 == 0
        keyed = block * (2 * top) + values  # blocks stay apart
        left = keyed[is_left]  # sorted within blocks, hence sorted whole
        right, of_block = keyed[~is_left], block[~is_left]
        ends = np.searchsorted(left, of_block * (2 * top) + 2 * top - 1, side="right")
        total += int((ends - np.searchsorted(left, right, side="right")).sum())
        values = np.sort(keyed) - np.sort(block) * (2 * top)
        size *= 2
    return total
