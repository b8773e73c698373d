"""Do order size and persistence alone tell who is valuable? A score of two columns against value, claim D38."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe, Verdict
from crmresearch.scoring.value.agreement import kendall_interval

CLAIMED_TAU = 0.6
"""Claim D38 asks that the two-column score order at least four pairs of customers in five as value does: tau .6."""


@dataclass(frozen=True, slots=True)
class OrderScore:
    """A score of order size and persistence beside what it should stand for.

    Attributes
    ----------
    customers : pd.DataFrame, shape (n_customers, 5)
        customer_id, order_size (per purchase day), continuity (share of months with an order), order_score (mean
        of the two percentile ranks), worth (what it is compared with); highest score first.
    agreement : pd.DataFrame, shape (3, 5)
        score_of (order_score, order_size, continuity), tau, conf_low, conf_high, r_squared (of worth's ranks on the
        score's).
    recipe : Recipe
    """

    customers: pd.DataFrame
    agreement: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Agreement, and the customers by score."""
        return (
            Exhibit("order_score_agreement", self.agreement, notes=("order_score_ranks",)),
            Exhibit("order_score_customers", self.customers, rows_shown=8),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Claim D38 with its verdict."""
        row = self.agreement.iloc[0]
        values = {
            "tau": float(row["tau"]),
            "low": float(row["conf_low"]),
            "high": float(row["conf_high"]),
            "r_squared": float(row["r_squared"]),
            "claimed": CLAIMED_TAU,
            "n": len(self.customers),
            "confidence": self.recipe.options["confidence"],
        }
        return (Finding("claim_order_score", values, judge_tau(values["low"], values["high"]), claim="D38"),)


def judge_tau(low: float, high: float) -> Verdict:
    """Judge claim D38 by the interval of tau: supported from .6 up, contradicted below, inconclusive across.

    Examples
    --------
    >>> judge_tau(0.62, 0.7), judge_tau(0.4, 0.5), judge_tau(0.55, 0.65)
    ('supported', 'contradicted', 'inconclusive')
    """
    return "supported" if low >= CLAIMED_TAU else "contradicted" if high < CLAIMED_TAU else "inconclusive"


def score_orders(
    summary: pd.DataFrame,
    continuity: pd.Series,
    worth: pd.DataFrame,
    *,
    rng: np.random.Generator,
    confidence: float = 0.95,
) -> OrderScore:
    """Compare the score of order size and persistence with customers' worth.

    Parameters
    ----------
    summary : pd.DataFrame
        customer_id, mean_spend (per purchase day) of the window.
    continuity : pd.Series
        Share of months with an order, by customer_id (`Panel.continuity`).
    worth : pd.DataFrame
        customer_id, clv: what the two columns are claimed to tell (`ValueParts.customers`).
    rng : np.random.Generator
    confidence : float

    Returns
    -------
    OrderScore

    Raises
    ------
    RefusedError
        Fewer than ten customers have all three.
    """
    table = summary[["customer_id", "mean_spend"]].rename(columns={"mean_spend": "order_size"})
    table["continuity"] = table["customer_id"].map(continuity)
    table["worth"] = table["customer_id"].map(worth.set_index("customer_id")["clv"])
    table = table.dropna().astype({"order_size": float, "continuity": float, "worth": float})
    if len(table) < 10:
        raise RefusedError(
            f"{len(table)} customers have order size, persistence and worth",
            where="order score",
            repair="Ten are the fewest; lengthen the window.",
        )
    ranks = table[["order_size", "continuity"]].rank(pct=True)
    table["order_score"] = ranks.mean(axis=1)
    worth_ranks = table["worth"].rank()
    rows = []
    for name in ("order_score", "order_size", "continuity"):
        tau = kendall_interval(table[name].to_numpy(), table["worth"].to_numpy(), rng=rng, confidence=confidence)
        rows.append((name, *tau, table[name].rank().corr(worth_ranks) ** 2))
    agreement = pd.DataFrame(rows, columns=["score_of", "tau", "conf_low", "conf_high", "r_squared"])
    columns = ["customer_id", "order_size", "continuity", "order_score", "worth"]
    customers = table.sort_values(["order_score", "customer_id"], ascending=[False, True], ignore_index=True)[columns]
    return OrderScore(customers, agreement, Recipe("order_score", {"claimed": CLAIMED_TAU, "confidence": confidence}))
