"""Who earns money once serving is paid for: the whale curve and the customers served at a loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, UsageError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.resampling import bootstrap_interval
from crmresearch.scoring.shares import wilson

_DEARER = (0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class Profitability:
    """Net profit of each customer, and what the whale curve says.

    Attributes
    ----------
    customers : pd.DataFrame, shape (n_customers, 7)
        customer_id, revenue, contribution, cost_to_serve, net_profit, cumulative_profit (as a share of the total),
        profit_class (high_profit, low_profit, loss_making); highest net profit first, ties by customer_id.
    curve : pd.DataFrame, shape (n_customers + 1, 2)
        share_customers, share_profit: the whale curve, most profitable first.
    summary : pd.DataFrame, shape (6, 4)
        measure, value, interval_low, interval_high: net_total, n_loss, share_loss (Wilson), peak (highest point of the
        curve), destroyed (peak - 1, bootstrap), share_at_peak (customers up to the peak).
    classes : pd.DataFrame, shape (3, 6)
        profit_class, n_customers, share_customers, revenue, cost_to_serve, net_profit.
    sensitivity : pd.DataFrame, shape (4, 5)
        costing (rates_halved, rates_as_used, rates_doubled, over_revenue), n_loss, peak, net_total, n_changed
        (customers on the other side of zero than as used).
    recipe : Recipe
    """

    customers: pd.DataFrame
    curve: pd.DataFrame
    summary: pd.DataFrame
    classes: pd.DataFrame
    sensitivity: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Summary, classes, sensitivity, the customers who earn most and those who lose most."""
        columns = ["customer_id", "revenue", "contribution", "cost_to_serve", "net_profit", "profit_class"]
        losing = self.customers[self.customers["net_profit"] < 0][columns].iloc[::-1].reset_index(drop=True)
        return (
            Exhibit("profit_summary", self.summary, notes=("whale_peak",)),
            Exhibit("profit_classes", self.classes, notes=("profit_class_rule",)),
            Exhibit("profit_sensitivity", self.sensitivity, notes=("cost_over_revenue",)),
            Exhibit("profit_customers", self.customers[columns], rows_shown=8),
            *((Exhibit("loss_customers", losing, rows_shown=10),) if len(losing) else ()),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Loss-making customers, the peak of the curve, and how the allocation moves them."""
        table = self.summary.set_index("measure").astype(float)
        loss, peak = table.loc["share_loss"], table.loc["peak"]
        values = {
            "n": len(self.customers),
            "n_loss": int(table.loc["n_loss", "value"]),
            "share": float(loss["value"]),
            "low": float(loss["interval_low"]),
            "high": float(loss["interval_high"]),
            "confidence": self.recipe.options["confidence"],
        }
        whale = {
            "peak": float(peak["value"]),
            "low": float(peak["interval_low"]),
            "high": float(peak["interval_high"]),
            "share_customers": float(table.loc["share_at_peak", "value"]),
            "destroyed": float(table.loc["destroyed", "value"]),
            "confidence": self.recipe.options["confidence"],
        }
        spread = self.sensitivity.set_index("costing")["n_changed"]
        moved = {"n": len(self.customers), **{k: int(v) for k, v in spread.items()}}
        return (
            Finding("loss_customers", values),
            Finding("whale_curve", whale),
            Finding("costing_moves", moved),
        )


def score_profitability(
    contributions: pd.DataFrame,
    costs: pd.DataFrame,
    *,
    rng: np.random.Generator,
    high_share: float = 0.8,
    n_resamples: int = 1000,
    confidence: float = 0.95,
) -> Profitability:
    """Net profit of each customer, the whale curve, and who is served at a loss.

    Parameters
    ----------
    contributions : pd.DataFrame
        customer_id, revenue, contribution.
    costs : pd.DataFrame
        customer_id, cost_to_serve (`CostToServe.customers`). Customers in one of the tables only are kept: who bought
        nothing and was served is a loss.
    rng : np.random.Generator
    high_share : float
        High-profit customers are those, most profitable first, who bring this share of all profit made (losses not
        deducted); the others above zero are low-profit. The source documents name no cut.
    n_resamples : int
        Bootstrap resamples of customers, at least 100.
    confidence : float

    Returns
    -------
    Profitability

    Raises
    ------
    RefusedError
        Fewer than two customers, a missing amount, or no profit in total: shares of it mean nothing.

    Notes
    -----
    The whale curve adds net profit from the most to the least profitable customer, as a share of the total. Where it
    rises above 1, the customers beyond the peak destroy what lies above. "Over revenue" spreads the same total cost
    by revenue, as books without activities do.

    Examples
    --------
    >>> table = pd.DataFrame({"customer_id": list("abc"), "revenue": [10, 9, 8], "contribution": [6.0, 2, 1]})
    >>> serving = pd.DataFrame({"customer_id": list("abc"), "cost_to_serve": [1.0, 1, 3]})
    >>> found = score_profitability(table, serving, rng=np.random.default_rng(1))
    >>> found.customers["net_profit"].tolist(), found.curve["share_profit"].round(2).tolist()
    ([5.0, 1.0, -2.0], [0.0, 1.25, 1.5, 1.0])
    """
    if not 0 < high_share < 1:
        raise UsageError(f"high_share={high_share}", where="score_profitability", repair="Use a share.")
    table = contributions[["customer_id", "revenue", "contribution"]].copy()
    table = table.merge(costs[["customer_id", "cost_to_serve"]], on="customer_id", how="outer")
    amounts = ["revenue", "contribution", "cost_to_serve"]
    table[amounts] = table[amounts].astype(float).fillna(0.0)
    table["net_profit"] = table["contribution"] - table["cost_to_serve"]
    net = table["net_profit"].to_numpy(dtype=float)
    if len(net) < 2 or not np.isfinite(net).all() or net.sum() <= 0:
        raise RefusedError(
            f"{len(net)} customers with a net profit of {net.sum():,.2f} together; shares need a total above zero",
            where="profitability",
            repair="Check costs against amounts, or judge customers by their losses alone.",
        )
    table = table.sort_values(["net_profit", "customer_id"], ascending=[False, True], ignore_index=True)
    net = table["net_profit"].to_numpy(dtype=float)
    cumulative = np.cumsum(net)
    table["cumulative_profit"] = cumulative / net.sum()
    gained = np.cumsum(np.maximum(net, 0.0))
    high = gained - np.maximum(net, 0.0) < high_share * gained[-1]
    table["profit_class"] = np.where(net < 0, "loss_making", np.where(high & (net > 0), "high_profit", "low_profit"))
    summary = _summarise(net, rng, n_resamples, confidence)
    curve = pd.DataFrame(
        {
            "share_customers": np.arange(len(net) + 1) / len(net),
            "share_profit": np.concatenate([[0.0], cumulative / net.sum()]),
        }
    )
    grouped = table.groupby("profit_class").agg(
        n_customers=("customer_id", "size"),
        revenue=("revenue", "sum"),
        cost_to_serve=("cost_to_serve", "sum"),
        net_profit=("net_profit", "sum"),
    )
    grouped = (
        grouped.reindex(["high_profit", "low_profit", "loss_making"], fill_value=0)
        .rename_axis("profit_class")
        .reset_index()
    )
    grouped.insert(2, "share_customers", grouped["n_customers"] / len(table))
    options = {
        "high_share": high_share,
        "interval": "bootstrap_percentile",
        "n_resamples": n_resamples,
        "confidence": confidence,
    }
    return Profitability(table, curve, summary, grouped, _vary(table), Recipe("profitability", options))


def _peak(net: np.ndarray) -> np.ndarray:
    """Highest point of the whale curve: the profit of all who make one over the total; NaN without a total above 0."""
    total = net.sum(axis=-1)
    return np.divide(np.maximum(net, 0.0).sum(axis=-1), total, out=np.full_like(total, np.nan), where=total > 0)


def _summarise(net: np.ndarray, rng: np.random.Generator, n_resamples: int, confidence: float) -> pd.DataFrame:
    n, n_loss, peak = len(net), int((net < 0).sum()), float(_peak(net))
    low, high = bootstrap_interval(
        lambda rows: _peak(net[rows]), n, rng=rng, resamples=n_resamples, confidence=confidence
    )
    rows = [
        ("net_total", net.sum(), np.nan, np.nan),
        ("n_loss", n_loss, np.nan, np.nan),
        ("share_loss", *wilson(n_loss, n, confidence)),
        ("peak", peak, low, high),
        ("destroyed", peak - 1, low - 1, high - 1),
        ("share_at_peak", (net > 0).mean(), np.nan, np.nan),
    ]
    return pd.DataFrame(rows, columns=["measure", "value", "interval_low", "interval_high"])


def _vary(table: pd.DataFrame) -> pd.DataFrame:
    """Other prices of serving, and the same cost spread over revenue."""
    contribution, cost = (table[c].to_numpy(dtype=float) for c in ("contribution", "cost_to_serve"))
    revenue = table["revenue"].clip(lower=0).to_numpy(dtype=float)
    spread = cost.sum() * revenue / revenue.sum() if revenue.sum() > 0 else cost
    variants = dict(
        zip(("rates_halved", "rates_as_used", "rates_doubled"), (cost * factor for factor in _DEARER), strict=True)
    )
    rows = []
    for name, charged in (variants | {"over_revenue": spread}).items():
        net = contribution - charged
        changed = ((net < 0) != (contribution - cost < 0)).sum()
        rows.append((name, int((net < 0).sum()), float(_peak(net)), net.sum(), int(changed)))
    return pd.DataFrame(rows, columns=["costing", "n_loss", "peak", "net_total", "n_changed"])
