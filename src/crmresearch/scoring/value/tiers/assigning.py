"""Tiers of ranked customers, and how surely each customer keeps its tier when the weights move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, UsageError, check_choice
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.value.ranking import Ranking, place_of
from crmresearch.scoring.value.tiers.cutting import DEFAULT_BOUNDS, Rule, find_floors

STABLE_FROM = 0.9
_CHUNK_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Tiers:
    """Tiers of customers with their stability under other weights.

    Attributes
    ----------
    customers : pd.DataFrame, shape (n_customers, 6)
        customer_id, score, rank, worth, tier, stay (share of the perturbed weightings under which the
        customer stays in its tier); best score first.
    table : pd.DataFrame, shape (n_tiers, 9)
        tier, n_customers, share_customers, worth, share_worth, lowest_score, highest_score, stay (mean),
        share_stable (customers with ``stay`` of at least .9).
    moves : pd.DataFrame, shape (n_tiers ** 2, 3)
        tier, perturbed_tier, share_moved: where customers of a tier are under perturbed weights.
    recipe : Recipe
    """

    customers: pd.DataFrame
    table: pd.DataFrame
    moves: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The tiers with their stability, and where perturbed weights put their customers."""
        return (
            Exhibit("tiers", self.table, notes=("tier_ties", "tier_stability")),
            Exhibit("tier_moves", self.moves),
            Exhibit("tier_customers", self.customers, rows_shown=10),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Share of customers that keep their tier, what the top tier brings, empty tiers."""
        top = self.table.iloc[0]
        stable = float((self.customers["stay"] >= STABLE_FROM).mean())
        found = [
            Finding(
                "tier_stability",
                {
                    "stay": float(self.customers["stay"].mean()),
                    "share_stable": stable,
                    "stable_from": STABLE_FROM,
                    "n_draws": self.recipe.options["n_draws"],
                    "concentration": self.recipe.options["concentration"],
                },
            ),
            Finding(
                "top_tier",
                {
                    "tier": str(top["tier"]),
                    "n": int(top["n_customers"]),
                    "share_customers": float(top["share_customers"]),
                    "share_worth": float(top["share_worth"]),
                    "stay": float(top["stay"]),
                },
            ),
        ]
        found += [Finding("empty_tier", {"tier": t}) for t in self.table.loc[self.table["n_customers"] == 0, "tier"]]
        return tuple(found)


def assign_tiers(
    ranking: Ranking,
    worth: np.ndarray | pd.Series,
    *,
    rng: np.random.Generator,
    rule: Rule = "value_share",
    bounds: Sequence[float] | None = None,
    labels: Sequence[str] = ("A", "B", "C", "D"),
    n_draws: int = 1000,
    concentration: float = 100.0,
) -> Tiers:
    r"""Cut a ranking into tiers and try how many customers keep theirs under other weights.

    Parameters
    ----------
    ranking : Ranking
    worth : array, shape (n_customers,)
        What each customer is worth in the order of ``ranking.matrix`` (say its spend); described by
        tier, and what "value_share" adds up. Negative values count as 0 there.
    rng : np.random.Generator
        Source of the perturbed weights.
    rule : {"value_share", "quantile", "threshold", "natural_breaks"}
        Where a tier ends, going down the ranking: where the customers so far bring a share of
        ``worth``; where they are a share of the customers; where the score falls below a bound; or
        where the scores leave the widest gaps (Jenks; see :func:`~.cutting.find_breaks`).
    bounds : Sequence[float] | None
        One less than ``labels``: ascending shares, or descending scores; none with natural breaks. None
        takes :data:`DEFAULT_BOUNDS` of the rule.
    labels : Sequence[str]
        Names of the tiers, best first.
    n_draws : int
        Perturbed weightings, at least 100.
    concentration : float
        Weights are drawn from a Dirichlet distribution with parameters ``concentration`` times the
        weights: a weight *w* varies with standard deviation
        :math:`\sqrt{w (1 - w) / (concentration + 1)}`, at 100 about .04 for a weight of .2.
        Weights of 0 stay 0.

    Returns
    -------
    Tiers

    Raises
    ------
    UsageError
        Bounds that do not fit the labels or the rule, values of another length.
    RefusedError
        No positive value to share out, or one that is missing.

    Notes
    -----
    A tier ends with the customer who reaches its bound; customers of equal score are never parted,
    so a tier can be larger than its bound says, and the next one empty. The same rule cuts each
    perturbed ranking, in chunks of 4 MB: the cube draws × customers × indicators is never built.

    Examples
    --------
    >>> from crmresearch.scoring.value.indicators import build_indicators
    >>> from crmresearch.scoring.value.ranking import rank_topsis
    >>> from crmresearch.scoring.value.weights import weigh_equally
    >>> table = pd.DataFrame({"customer_id": list("abcd"), "spend": [90, 50, 20, 10], "orders": [9, 5, 4, 1]})
    >>> matrix = build_indicators(table, directions={"spend": "benefit", "orders": "benefit"})
    >>> ranking = rank_topsis(matrix, weigh_equally(matrix))
    >>> tiers = assign_tiers(ranking, table["spend"], bounds=(0.5, 0.8), labels="ABC", rng=np.random.default_rng(1))
    >>> tiers.customers[["customer_id", "tier", "stay"]].values.tolist()
    [['a', 'A', 1.0], ['b', 'B', 1.0], ['c', 'C', 1.0], ['d', 'C', 1.0]]
    """
    labels = tuple(labels)
    cuts = np.asarray(DEFAULT_BOUNDS.get(rule) if bounds is None else bounds, dtype=float)
    worth = np.asarray(worth, dtype=float)
    if n_draws < 100 or not concentration > 0:
        raise UsageError(
            f"n_draws={n_draws}, concentration={concentration}",
            where="assign_tiers",
            repair="Use 100 draws or more, and > 0.",
        )
    check_cuts(ranking, worth, rule, cuts, labels)
    shared = np.ones_like(worth) if rule == "quantile" else np.maximum(worth, 0.0)
    tier = place_in_tiers(ranking.score, shared, rule, cuts, len(labels))
    drawn = _draw_weights(ranking.weights.values, n_draws, concentration, rng)
    visits = _count_visits(ranking, drawn, shared, rule, cuts, len(labels))
    stay = visits[np.arange(len(tier)), tier] / n_draws
    order = np.lexsort((np.arange(len(tier)), -ranking.score))
    names = np.array(labels, dtype=object)
    customers = pd.DataFrame(
        {
            "customer_id": ranking.matrix.customer_id,
            "score": ranking.score,
            "rank": place_of(ranking.score, ranking.recipe.options["ties"]),
            "worth": worth,
            "tier": pd.array(names[tier], dtype="str"),
            "stay": stay,
        }
    ).iloc[order]
    moved = np.array([visits[tier == k].sum(axis=0) for k in range(len(labels))], dtype=float)
    shares = np.divide(moved, moved.sum(axis=1, keepdims=True), out=np.full_like(moved, np.nan), where=moved > 0)
    shares[(moved == 0) & (moved.sum(axis=1, keepdims=True) > 0)] = 0.0
    moves = pd.DataFrame(
        {
            "tier": np.repeat(names, len(labels)),
            "perturbed_tier": np.tile(names, len(labels)),
            "share_moved": shares.ravel(),
        }
    )
    options = {
        "rule": rule,
        "bounds": ", ".join(f"{c:g}" for c in cuts) or "found_in_the_scores",
        "ties": "never_parted",
        "perturbation": "dirichlet",
        "concentration": concentration,
        "n_draws": n_draws,
    }
    recipe = Recipe("tiers", options)
    return Tiers(customers.reset_index(drop=True), _describe(customers, labels), moves, recipe)


def check_cuts(ranking: Ranking, worth: np.ndarray, rule: str, cuts: np.ndarray, labels: tuple[str, ...]) -> None:
    """Raise where a ranking cannot be cut like that."""
    where = "tiers"
    check_choice("rule", rule, get_args(Rule), where=where)
    step = np.diff(cuts) if rule != "threshold" else -np.diff(cuts)
    if rule == "natural_breaks":
        if len(cuts) or len(labels) < 2:
            raise UsageError(
                f"bounds {cuts.tolist()} with natural breaks into {len(labels)}",
                where=where,
                repair="Leave the bounds out, and name two tiers or more.",
            )
    elif len(cuts) != len(labels) - 1 or not (step > 0).all() or not ((cuts > 0) & (cuts < 1)).all():
        order = "descending scores" if rule == "threshold" else "ascending shares"
        raise UsageError(
            f"bounds {cuts.tolist()} do not cut {len(labels)} tiers by {rule}",
            where=where,
            repair=f"Give {len(labels) - 1} {order} between 0 and 1.",
        )
    if worth.shape != ranking.score.shape:
        raise UsageError(
            f"{worth.size} values for {ranking.score.size} customers",
            where=where,
            repair="Give one value per row of ranking.matrix, in its order.",
        )
    if not np.isfinite(worth).all() or not (worth > 0).any():
        raise RefusedError("value is missing, infinite or nowhere positive", where=where, repair="Use another value.")


def _draw_weights(weights: np.ndarray, n_draws: int, concentration: float, rng: np.random.Generator) -> np.ndarray:
    drawn = np.zeros((n_draws, len(weights)))
    weighed = weights > 0
    drawn[:, weighed] = rng.dirichlet(concentration * weights[weighed], size=n_draws)
    return drawn


def place_in_tiers(score: np.ndarray, shared: np.ndarray, rule: Rule, cuts: np.ndarray, n_tiers: int) -> np.ndarray:
    """Tier of each customer, 0 is best; ``shared`` is what a share is of."""
    return (score < find_floors(score[None, :], shared, rule, cuts, n_tiers).T).sum(axis=0)


def _count_visits(
    ranking: Ranking, drawn: np.ndarray, worth: np.ndarray, rule: Rule, cuts: np.ndarray, n_tiers: int
) -> np.ndarray:
    """How often each customer lands in each tier, shape (n_customers, n_tiers)."""
    n = len(ranking.score)
    at_least = np.zeros((n_tiers - 1, n), dtype=np.int32)
    rescore = ranking.rescorer()
    per_chunk = int(np.clip(_CHUNK_BYTES // (8 * n), 1, 255))
    for begin in range(0, len(drawn), per_chunk):
        scores = rescore(drawn[begin : begin + per_chunk])
        for k, floor in enumerate(find_floors(scores, worth, rule, cuts, n_tiers).T):
            at_least[k] += (scores >= floor[:, None]).view(np.uint8).sum(axis=0, dtype=np.uint8)
    edges = np.vstack([np.zeros((1, n), dtype=np.int32), at_least, np.full((1, n), len(drawn), dtype=np.int32)])
    return np.diff(edges, axis=0).T


def _describe(customers: pd.DataFrame, labels: tuple[str, ...]) -> pd.DataFrame:
    groups = customers.groupby("tier")
    table = pd.DataFrame(
        {
            "n_customers": groups.size(),
            "worth": groups["worth"].sum(),
            "lowest_score": groups["score"].min(),
            "highest_score": groups["score"].max(),
            "stay": groups["stay"].mean(),
            "share_stable": groups["stay"].agg(lambda stay: (stay >= STABLE_FROM).mean()),
        }
    ).reindex(list(labels))
    table = table.fillna({"n_customers": 0, "worth": 0.0}).astype({"n_customers": int}).rename_axis("tier")
    table.insert(1, "share_customers", table["n_customers"] / len(customers))
    table.insert(3, "share_worth", table["worth"] / customers["worth"].sum())
    return table.reset_index()
