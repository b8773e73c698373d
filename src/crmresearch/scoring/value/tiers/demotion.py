"""How little would have to change: the smallest move of one weight that puts a customer into a lower tier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmresearch.errors import UsageError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.value.ranking import Ranking
from crmresearch.scoring.value.tiers.assigning import check_cuts, place_in_tiers
from crmresearch.scoring.value.tiers.cutting import DEFAULT_BOUNDS, Rule, find_floors

_CHUNK_BYTES = 8_000_000
CLOSE = 0.05


@dataclass(frozen=True, slots=True)
class Demotions:
    """The smallest move of a single weight that demotes each customer.

    Attributes
    ----------
    customers : pd.DataFrame, shape (n_customers, 6)
        customer_id, tier, indicator, weight, weight_change (of that indicator; the other weights keep
        their proportions), new_weight; missing where no single weight demotes the customer. Customers who
        need the least come first, the better tier first.
    table : pd.DataFrame, shape (n_tiers - 1, 5)
        tier, n_customers, share_demotable, median_change (absolute, of those), share_close (demoted by a
        move of at most .05).
    recipe : Recipe
    """

    customers: pd.DataFrame
    table: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """By tier, and the customers of the best tier who are closest to losing it."""
        return (
            Exhibit("demotions", self.table, notes=("demotions",)),
            Exhibit("demotion_customers", self.customers, rows_shown=8),
        )

    def findings(self) -> tuple[Finding, ...]:
        """How many customers of the best tier a small move demotes."""
        top = self.table.iloc[0]
        values = {"tier": top["tier"], "n": int(top["n_customers"]), "share": float(top["share_close"])}
        found = [Finding("demoted_by_little", values | {"close": CLOSE})] if values["n"] else []
        return tuple(found)


def find_demotions(
    ranking: Ranking,
    worth: np.ndarray | pd.Series,
    *,
    rule: Rule = "value_share",
    bounds: Sequence[float] | None = None,
    labels: Sequence[str] = ("A", "B", "C", "D"),
    step: float = 0.01,
) -> Demotions:
    r"""Move one weight at a time and find, for each customer, the smallest move that demotes it.

    Parameters
    ----------
    ranking, worth, rule, bounds, labels
        As in :func:`assign_tiers`.
    step : float
        Weights are moved by multiples of it, between 0 and 1.

    Returns
    -------
    Demotions

    Raises
    ------
    UsageError, RefusedError
        As :func:`assign_tiers`; a step outside .001 to .25.

    Notes
    -----
    Weight *j* becomes :math:`w_j + t`, every other :math:`w_k (1 - w_j - t) / (1 - w_j)`. Every ranking is
    cut again by the same rule, so a customer can also fall because others rise. The smallest
    :math:`|t|` is right to one step. At equal :math:`|t|` the first indicator counts. Rankings are
    made in chunks of 8 MB.
    """
    labels = tuple(labels)
    cuts = np.asarray(DEFAULT_BOUNDS.get(rule) if bounds is None else bounds, dtype=float)
    worth = np.asarray(worth, dtype=float)
    check_cuts(ranking, worth, rule, cuts, labels)
    if not 0.001 <= step <= 0.25:
        raise UsageError(f"step={step}", where="find_demotions", repair="Use a step from 0.001 to 0.25.")
    shared = np.ones_like(worth) if rule == "quantile" else np.maximum(worth, 0.0)
    tier = place_in_tiers(ranking.score, shared, rule, cuts, len(labels))
    weights = ranking.weights.values
    moved, which, by = _moves(weights, step)
    n = len(tier)
    found = np.full(n, -1)
    rescore = ranking.rescorer()
    per_chunk = int(np.clip(_CHUNK_BYTES // (8 * n), 1, 256))
    for begin in range(0, len(moved), per_chunk):
        scores = rescore(moved[begin : begin + per_chunk])
        floors = find_floors(scores, shared, rule, cuts, len(labels))
        place = np.zeros(scores.shape, dtype=np.int8)
        for floor in floors.T:
            place += scores < floor[:, None]
        falls = place > tier
        fresh = (found < 0) & falls.any(axis=0)
        found[fresh] = begin + falls[:, fresh].argmax(axis=0)
    known = found >= 0
    names = np.array(ranking.matrix.names, dtype=object)
    customers = pd.DataFrame(
        {
            "customer_id": ranking.matrix.customer_id,
            "tier": pd.array(np.array(labels, dtype=object)[tier], dtype="str"),
            "indicator": pd.array(np.where(known, names[which[found]], None), dtype="str"),
            "weight": np.where(known, weights[which[found]], np.nan),
            "weight_change": np.where(known, by[found], np.nan),
        }
    )
    customers["new_weight"] = customers["weight"] + customers["weight_change"]
    order = np.lexsort((-ranking.score, np.abs(customers["weight_change"]).fillna(np.inf), tier))
    options = {"rule": rule, "bounds": ", ".join(f"{c:g}" for c in cuts) or "found_in_the_scores", "step": step}
    table = _describe(customers, labels)
    return Demotions(customers.iloc[order].reset_index(drop=True), table, Recipe("demotions", options))


def _moves(weights: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every weighting to try, smallest move first; the indicator that moved and by how much."""
    rows, which, by = [], [], []
    for j, weight in enumerate(weights):
        if weight >= 1:
            continue
        for sign, room in ((1, 1 - weight), (-1, weight)):
            moves = sign * step * np.arange(1, int(room / step + 1e-9) + 1)
            changed = np.outer((1 - weight - moves) / (1 - weight), weights)
            changed[:, j] = weight + moves
            rows.append(changed)
            which.append(np.full(len(moves), j))
            by.append(moves)
    if not rows:
        return np.empty((0, len(weights))), np.zeros(1, dtype=int), np.full(1, np.nan)
    moved, which, by = np.concatenate(rows), np.concatenate(which), np.concatenate(by)
    order = np.lexsort((which, np.abs(by).round(9)))
    return np.maximum(moved[order], 0.0), which[order], by[order]


def _describe(customers: pd.DataFrame, labels: tuple[str, ...]) -> pd.DataFrame:
    size = customers["weight_change"].abs()
    groups = customers.assign(size=size).groupby("tier")["size"]
    table = pd.DataFrame(
        {
            "n_customers": groups.size(),
            "share_demotable": groups.agg(lambda s: s.notna().mean()),
            "median_change": groups.median(),
            "share_close": groups.agg(lambda s: (s <= CLOSE + 1e-9).mean()),
        }
    ).reindex(list(labels[:-1]))
    return table.fillna({"n_customers": 0}).astype({"n_customers": int}).rename_axis("tier").reset_index()
