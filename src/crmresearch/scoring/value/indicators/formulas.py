"""Formulas of indicators: from a case's tables to one observed value per customer, or the reason why not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import ibis
import numpy as np
import pandas as pd

from crmresearch.case import IndicatorNode
from crmresearch.scoring.value.indicators.shrinkage import Shrunk, shrink_means, shrink_shares
from crmresearch.scoring.value.indicators.trading import summarise_trading

DAYS_A_YEAR = 365


class NotObservedError(Exception):
    """The tables do not hold what a formula needs; ``reason`` is a key of the words files."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Sources:
    """What formulas read.

    Attributes
    ----------
    summary : pd.DataFrame
        Customer summary (see ``summarise_customers``), indexed by customer_id.
    orders : ibis.Table | None
    tables : Mapping[str, pd.DataFrame]
        Canonical tables other than orders.
    as_of : dt.date
    industry_stages : Mapping[str, str]
    margin_rate : float | None
        Stands in where no line states cost or profit.
    """

    summary: pd.DataFrame
    orders: ibis.Table | None
    tables: Mapping[str, pd.DataFrame]
    as_of: dt.date
    industry_stages: Mapping[str, str] = field(default_factory=dict)
    margin_rate: float | None = None
    _trading: dict[int | None, pd.DataFrame] = field(default_factory=dict)

    def trading(self, window_days: int | None) -> pd.DataFrame:
        """Order measures of a window, computed once for each window, for every customer of the summary."""
        if self.orders is None:
            raise NotObservedError("no_orders")
        if window_days not in self._trading:
            found = summarise_trading(self.orders, as_of=self.as_of, window_days=window_days)
            self._trading[window_days] = found.reindex(self.summary.index)
        return self._trading[window_days]

    def table(self, name: str, *columns: str) -> pd.DataFrame:
        """A table up to ``as_of``, with something in each of ``columns``."""
        if name not in self.tables:
            raise NotObservedError("no_table")
        table = self.tables[name]
        for column in columns:
            if column not in table or table[column].isna().all():
                raise NotObservedError("no_column")
        return table

    def until(self, table: pd.DataFrame, column: str) -> pd.DataFrame:
        """The rows dated up to ``as_of``; undated rows are left out."""
        return table[pd.to_datetime(table[column]) <= pd.Timestamp(self.as_of)]


@dataclass(frozen=True, slots=True)
class Observed:
    """Values of one indicator.

    Attributes
    ----------
    values : pd.Series
        By customer_id; missing where it was not observed.
    shrunk : Shrunk | None
        What the values were before, and towards what they were drawn; None where they were not.
    note : str
        Key of what a reader should know of these values; empty where there is nothing.
    note_share : float
        How much of the data the note speaks of.
    """

    values: pd.Series
    shrunk: Shrunk | None = None
    note: str = ""
    note_share: float = float("nan")


def _column(node: IndicatorNode, sources: Sources) -> Observed:
    if node.column not in sources.summary:
        raise NotObservedError("no_column")
    return Observed(sources.summary[node.column].astype(float))


def _spend(node: IndicatorNode, sources: Sources) -> Observed:
    return Observed(sources.trading(node.window_days)["spend"])


def _profit(node: IndicatorNode, sources: Sources) -> Observed:
    return _profit_of(sources.trading(node.window_days), sources)


def _profit_of(trading: pd.DataFrame, sources: Sources) -> Observed:
    """Known profit, and the rest of the amount at the margin of all known lines, or at the declared one."""
    known, amount = trading["known_amount"].sum(), trading["spend"].sum()
    share_known = known / amount if amount > 0 else 0.0
    whole = sources.trading(None)
    if whole["known_amount"].sum() > 0:
        rate, note = (
            whole["known_profit"].sum() / whole["known_amount"].sum(),
            "profit_partly_known" if share_known < 0.999 else "",
        )
    elif sources.margin_rate is not None:
        rate, note = sources.margin_rate, "profit_by_margin_rate"
    else:
        raise NotObservedError("no_cost")
    profit = trading["known_profit"] + rate * (trading["spend"] - trading["known_amount"])
    return Observed(profit, note=note, note_share=1 - share_known)


def _past_profit(node: IndicatorNode, sources: Sources) -> Observed:
    """Profit before the window that ``present`` covers."""
    whole = _profit_of(sources.trading(None), sources)
    return Observed(whole.values - _profit(node, sources).values, note=whole.note, note_share=whole.note_share)


def _profit_ahead(node: IndicatorNode, sources: Sources) -> Observed:
    """Profit of the window, carried on for as long at the shrunken growth, at least 0."""
    now = _profit(node, sources)
    rate = _growth(node.model_copy(update={"shrink": True, "window_days": None}), sources).values
    years = (node.window_days or DAYS_A_YEAR) / DAYS_A_YEAR
    return Observed(now.values.clip(lower=0) * (1 + (rate * years).clip(lower=-1)), note="extrapolated")


def _active_share(node: IndicatorNode, sources: Sources) -> Observed:
    trading = sources.trading(node.window_days)
    return _share(trading["active_months"], trading["months"], node)


def _gap_variation(node: IndicatorNode, sources: Sources) -> Observed:
    trading = sources.trading(node.window_days)
    return Observed((trading["gap_std"] / trading["gap_mean"]).where(trading["n_gaps"] >= 2))


def _longest_gap(node: IndicatorNode, sources: Sources) -> Observed:
    return Observed(sources.trading(node.window_days)["longest_gap"])


def _growth(node: IndicatorNode, sources: Sources) -> Observed:
    """Slope of monthly amounts over their mean, per year."""
    trading = sources.trading(node.window_days)
    scale = 12 / trading["mean_month"].where(trading["mean_month"] > 0)
    rate = trading["slope"] * scale
    return _mean(rate, trading["slope_variance"] * scale**2, node)


def _cross_sell(node: IndicatorNode, sources: Sources) -> Observed:
    trading = sources.trading(node.window_days)
    if not trading["n_offered"].max() > 1:
        raise NotObservedError("no_products")
    return Observed(1 - trading["n_products"] / trading["n_offered"])


def _payment_delay(node: IndicatorNode, sources: Sources) -> Observed:
    """Mean days from due date to payment; invoices paid in parts by their amounts."""
    payments = sources.until(sources.table("payments", "invoice_date", "due_date"), "invoice_date")
    due, paid = (pd.to_datetime(payments[c]) for c in ("due_date", "paid_date"))
    today = pd.Timestamp(sources.as_of)
    is_open = paid.isna() | (paid > today)
    late = (paid.where(~is_open, today) - due).dt.days.astype(float)
    counted = due.notna() & ~(is_open & (due > today))  # an open invoice not yet due says nothing so far
    weight = (
        pd.to_numeric(payments["paid_amount"], errors="coerce").astype(float) if "paid_amount" in payments else None
    )
    weight = weight.where(weight > 0, 1.0).fillna(1.0) if weight is not None else pd.Series(1.0, index=late.index)
    rows = pd.DataFrame({"customer_id": payments["customer_id"], "invoice_id": payments["invoice_id"]})
    rows = rows.assign(weight=weight, weighed=weight * late)[counted]
    invoices = rows.groupby(["customer_id", "invoice_id"]).sum()
    days = (invoices["weighed"] / invoices["weight"]).groupby(level="customer_id")
    n, mean = days.size(), days.mean()
    within = (days.var() * (n - 1)).sum() / max((n - 1).sum(), 1)
    share_open = float((is_open & counted).sum() / max(counted.sum(), 1))
    found = _mean(mean.reindex(sources.summary.index), (within / n).reindex(sources.summary.index), node)
    return Observed(found.values, found.shrunk, "open_invoices" if share_open else "", share_open)


def _default_rate(node: IndicatorNode, sources: Sources) -> Observed:
    contracts = sources.until(sources.table("contracts", "start_date", "breached"), "start_date")
    by = contracts.dropna(subset="breached").groupby("customer_id")["breached"]
    return _share(by.sum().astype(float), by.size(), node, sources)


def _overdue_rate(node: IndicatorNode, sources: Sources) -> Observed:
    payments = sources.until(sources.table("payments", "due_date"), "due_date")
    today = pd.Timestamp(sources.as_of)
    late = pd.to_datetime(payments["paid_date"]).fillna(today + pd.Timedelta(days=1)) > pd.to_datetime(
        payments["due_date"]
    )
    by = late.groupby([payments["customer_id"], payments["invoice_id"]]).any().groupby(level="customer_id")
    return _share(by.sum().astype(float), by.size(), node, sources)


def _complaint_rate(node: IndicatorNode, sources: Sources) -> Observed:
    complaints = sources.until(sources.table("complaints", "opened"), "opened")
    trading = sources.trading(None)
    n = complaints.groupby("customer_id").size().reindex(trading.index, fill_value=0).astype(float)
    orders = trading["n_orders"]
    return _share(n.clip(upper=orders), orders, node)


def _has_violation(node: IndicatorNode, sources: Sources) -> Observed:
    violations = sources.until(sources.table("violations", "date"), "date")
    index = sources.summary.index
    return Observed(pd.Series(index.isin(violations["customer_id"]).astype(float), index=index))


def _worst_violation(node: IndicatorNode, sources: Sources) -> Observed:
    violations = sources.until(sources.table("violations", "date", "severity"), "date")
    worst = violations.groupby("customer_id")["severity"].max().reindex(sources.summary.index).fillna(0)
    return Observed(worst.astype(int).astype("string"))


def _rating(node: IndicatorNode, sources: Sources) -> Observed:
    ratings = sources.table("ratings", "rating")
    mine = ratings[ratings["criterion"] == node.column]
    if mine.empty:
        raise NotObservedError("no_criterion")
    mean = mine.groupby("customer_id")["rating"].mean().astype(float)
    return Observed(mean.reindex(sources.summary.index))


def _industry_stage(node: IndicatorNode, sources: Sources) -> Observed:
    customers = sources.table("customers", "industry")
    if not sources.industry_stages:
        raise NotObservedError("no_industry_stages")
    stage = customers.set_index("customer_id")["industry"].map(dict(sources.industry_stages))
    return Observed(stage.reindex(sources.summary.index).astype("string"))


def _wallet(sources: Sources) -> pd.DataFrame:
    """Latest estimate of each customer's total spend; of one day the one of the best grade."""
    wallet = sources.until(sources.table("wallet", "total_spend"), "date")
    by = ["customer_id", "date", *(["grade"] if "grade" in wallet else [])]
    newest = wallet.sort_values(by, ascending=[True, False, True][: len(by)], kind="stable")
    newest = newest.drop_duplicates("customer_id").set_index("customer_id")
    total = newest["total_spend"].astype(float).reindex(sources.summary.index)
    return pd.DataFrame({"total": total.where(total > 0), "own": sources.trading(DAYS_A_YEAR)["spend"].clip(lower=0)})


def _wallet_share(node: IndicatorNode, sources: Sources) -> Observed:
    wallet = _wallet(sources)
    share = wallet["own"] / wallet["total"]
    above = float((share > 1).sum() / max(share.notna().sum(), 1))
    return Observed(share.clip(upper=1), note="wallet_above_one" if above else "", note_share=above)


def _wallet_room(node: IndicatorNode, sources: Sources) -> Observed:
    share = _wallet_share(node, sources)
    return Observed(1 - share.values, note=share.note, note_share=share.note_share)


def _share(hits: pd.Series, trials: pd.Series, node: IndicatorNode, sources: Sources | None = None) -> Observed:
    if sources is not None:
        hits, trials = hits.reindex(sources.summary.index), trials.reindex(sources.summary.index)
    x, n = hits.fillna(0.0).to_numpy(dtype=float), trials.fillna(0.0).to_numpy(dtype=float)
    if not node.shrink:
        return Observed(pd.Series(np.divide(x, n, out=np.full(len(x), np.nan), where=n > 0), index=hits.index))
    shrunk = shrink_shares(x, n)
    return Observed(pd.Series(shrunk.values, index=hits.index), shrunk)


def _mean(mean: pd.Series, variance: pd.Series, node: IndicatorNode) -> Observed:
    if not node.shrink:
        return Observed(mean)
    shrunk = shrink_means(mean.to_numpy(dtype=float), variance.to_numpy(dtype=float))
    return Observed(pd.Series(shrunk.values, index=mean.index), shrunk)


FORMULAS: Mapping[str, Callable[[IndicatorNode, Sources], Observed]] = MappingProxyType(
    {
        "column": _column,
        "spend": _spend,
        "profit": _profit,
        "past_profit": _past_profit,
        "profit_ahead": _profit_ahead,
        "active_share": _active_share,
        "gap_variation": _gap_variation,
        "longest_gap": _longest_gap,
        "growth": _growth,
        "cross_sell": _cross_sell,
        "payment_delay": _payment_delay,
        "default_rate": _default_rate,
        "overdue_rate": _overdue_rate,
        "complaint_rate": _complaint_rate,
        "has_violation": _has_violation,
        "worst_violation": _worst_violation,
        "rating": _rating,
        "industry_stage": _industry_stage,
        "wallet_share": _wallet_share,
        "wallet_room": _wallet_room,
    }
)
"""Formula of an indicator system → its function."""
