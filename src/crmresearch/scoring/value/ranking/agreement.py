"""Several ranking methods side by side: how far their orders and tiers agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType

import numpy as np
import pandas as pd
from scipy import stats

from crmresearch.errors import UsageError, nearest
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.value.agreement import cohen_kappa, fleiss_kappa
from crmresearch.scoring.value.indicators import IndicatorMatrix
from crmresearch.scoring.value.ranking.fuzzy import rank_fuzzy
from crmresearch.scoring.value.ranking.ranked import Ranking
from crmresearch.scoring.value.ranking.sums import rank_grey, rank_rsr, rank_weighted_sum
from crmresearch.scoring.value.ranking.topsis import rank_topsis
from crmresearch.scoring.value.ranking.vikor import rank_vikor
from crmresearch.scoring.value.weights import Weights

RANKINGS: Mapping[str, Callable[..., Ranking]] = MappingProxyType(
    {
        "weighted_sum": rank_weighted_sum,
        "topsis": rank_topsis,
        "grey_relation": rank_grey,
        "vikor": rank_vikor,
        "fuzzy_evaluation": rank_fuzzy,
        "rank_sum_ratio": rank_rsr,
    }
)
"""Ranking method by name."""


@dataclass(frozen=True, slots=True)
class RankAgreement:
    """Orders and tiers by several methods, weights being the same.

    Attributes
    ----------
    pairs : pd.DataFrame, shape (n_pairs, 5)
        method, other_method, rank_tau (Kendall's τ-b), kappa (Cohen's, of the tiers), share_same_tier.
    customers : pd.DataFrame, shape (n_customers, 1 + n_methods + 2)
        customer_id, the tier by each method, n_tiers (how many different ones), rank_spread (largest less
        smallest rank); those who move most first.
    summary : pd.DataFrame, shape (1, 5)
        n_customers, share_agreed (in one tier by every method), kappa (Fleiss'), tau_low, tau_high.
    rankings : Mapping[str, Ranking]
    recipe : Recipe
    """

    pairs: pd.DataFrame
    customers: pd.DataFrame
    summary: pd.DataFrame
    rankings: Mapping[str, Ranking]
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Agreement of each pair, and the customers whose tier depends most on the method."""
        return (
            Exhibit("rank_agreement", self.pairs, notes=("rank_agreement",)),
            Exhibit("tiers_by_method", self.customers, rows_shown=8),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Share of customers whose tier does not depend on the method; the range of τ and Fleiss' κ."""
        return (Finding("rank_agreement", {**self.summary.iloc[0], "n_methods": len(self.rankings)}),)


def rank_by(matrix: IndicatorMatrix, weights: Weights, *, method: str = "topsis") -> Ranking:
    """Rank by the method of that name (see :data:`RANKINGS`), with its default options.

    Raises
    ------
    UsageError
        No such method.
    """
    if method not in RANKINGS:
        raise UsageError(
            f"no ranking method {method!r}{nearest(method, RANKINGS)}",
            where="rank_by",
            repair=f"Choose from: {', '.join(RANKINGS)}.",
        )
    return RANKINGS[method](matrix, weights)


def compare_rankings(
    matrix: IndicatorMatrix,
    weights: Weights,
    *,
    methods: Sequence[str] = tuple(RANKINGS),
    shares: Sequence[float] = (0.05, 0.2, 0.5),
    labels: Sequence[str] = ("A", "B", "C", "D"),
) -> RankAgreement:
    """Rank the same customers by several methods with the same weights.

    Parameters
    ----------
    matrix : IndicatorMatrix
    weights : Weights
    methods : Sequence[str]
        Names in :data:`RANKINGS`, two or more.
    shares : Sequence[float]
        Shares of the customers at which tiers end, so that each method makes tiers of the same size; a tier
        ends with the customer who reaches its bound.
    labels : Sequence[str]

    Returns
    -------
    RankAgreement

    Raises
    ------
    RefusedError
        All customers equal on every indicator that has weight.
    UsageError
        Fewer than two methods, or one that does not exist.
    """
    where = "compare_rankings"
    if len(methods) < 2 or len(shares) != len(labels) - 1:
        raise UsageError(
            f"{len(methods)} methods, {len(shares)} shares for {len(labels)} labels",
            where=where,
            repair="Give two methods or more, and one share less than labels.",
        )
    rankings = {name: rank_by(matrix, weights, method=name) for name in methods}
    n, names = len(matrix.customer_id), np.array(tuple(labels), dtype=object)
    ranks = np.array([stats.rankdata(-r.score.round(12), method="min") for r in rankings.values()])
    tiers = np.array([np.searchsorted(np.asarray(shares) * n * (1 - 1e-12), rank - 1, side="right") for rank in ranks])
    rows = []
    for (a, first), (b, second) in combinations(enumerate(rankings), 2):
        tau = stats.kendalltau(ranks[a], ranks[b]).statistic
        kappa, same = float(cohen_kappa(tiers[a], tiers[b])), float((tiers[a] == tiers[b]).mean())
        rows.append({"method": first, "other_method": second, "rank_tau": tau, "kappa": kappa, "share_same_tier": same})
    pairs = pd.DataFrame(rows)
    customers = pd.DataFrame({"customer_id": matrix.customer_id})
    for name, tier in zip(rankings, tiers, strict=True):
        customers[name] = pd.array(names[tier], dtype="str")
    customers["n_tiers"] = [len(set(column)) for column in tiers.T]
    customers["rank_spread"] = np.ptp(ranks, axis=0).astype(int)
    customers = customers.sort_values(
        ["n_tiers", "rank_spread", "customer_id"], ascending=[False, False, True], ignore_index=True
    )
    summary = pd.DataFrame(
        {
            "n_customers": [n],
            "share_agreed": [float((tiers == tiers[0]).all(axis=0).mean())],
            "kappa": [fleiss_kappa(tiers.T)],
            "tau_low": [pairs["rank_tau"].min()],
            "tau_high": [pairs["rank_tau"].max()],
        }
    )
    options = {"methods": list(methods), "bounds": ", ".join(f"{s:g}" for s in shares), "rule": "quantile"}
    return RankAgreement(pairs, customers, summary, rankings, Recipe("rank_comparison", options))
