"""What serving each customer costs, traced by activity: orders, lines, returns, complaints, contacts, credit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, UsageError
from crmresearch.results import Exhibit, Finding, Recipe

RATED = {"order": "n_orders", "line": "n_lines", "returned": "n_returns"}
"""Activities priced by a rate on the orders themselves, with the column that counts them."""


@dataclass(frozen=True, slots=True)
class CostToServe:
    """What serving each customer cost in a window.

    Attributes
    ----------
    customers : pd.DataFrame, shape (n_customers, n_activities + 2)
        customer_id, one column of cost for each activity, cost_to_serve (their sum).
    activities : pd.DataFrame, shape (n_activities, 6)
        activity, evidence (at_rate, recorded, not_observed), quantity (how often; for credit, money times
        years), rate (currency a piece; a year's rate for credit), activity_cost, share_cost. What has neither record
        nor rate is not observed and costs nothing here.
    recipe : Recipe
    """

    customers: pd.DataFrame
    activities: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Activities and what they cost."""
        return (Exhibit("cost_activities", self.activities, notes=("cost_not_observed",)),)

    def findings(self) -> tuple[Finding, ...]:
        """Total cost to serve, the dearest activity, and what is not observed."""
        table = self.activities
        dearest = table.loc[table["activity_cost"].idxmax()]
        values = {
            "total": float(table["activity_cost"].sum()),
            "n": len(self.customers),
            "dearest": dearest["activity"],
            "share": float(dearest["share_cost"]),
            "start": self.recipe.options["start"],
            "as_of": self.recipe.options["as_of"],
        }
        found = [Finding("cost_to_serve", values)]
        if missing := table.loc[table["evidence"] == "not_observed", "activity"].tolist():
            found.append(Finding("cost_activities_missing", {"activities": missing}))
        return tuple(found)


def known_rates(**rates: float | None) -> dict[str, float]:
    """Rates that are known, for `trace_costs`; None leaves an activity not observed.

    Examples
    --------
    >>> known_rates(order=600.0, complaint=None)
    {'order': 600.0}
    """
    return {name: rate for name, rate in rates.items() if rate is not None}


def trace_costs(
    contributions: pd.DataFrame,
    *,
    start: dt.date,
    as_of: dt.date,
    rates: Mapping[str, float],
    interactions: pd.DataFrame | None = None,
    complaints: pd.DataFrame | None = None,
    payments: pd.DataFrame | None = None,
    costs: pd.DataFrame | None = None,
    annual_rate: float | None = None,
) -> CostToServe:
    """Trace the cost of serving to the customers who caused it.

    Parameters
    ----------
    contributions : pd.DataFrame
        customer_id, n_orders, n_lines, n_returns of the window (`Contributions.customers`).
    start, as_of : datetime.date
        First and last day of the window; events outside it are left out.
    rates : Mapping[str, float]
        Currency a piece for ``order``, ``line``, ``returned``, ``complaint`` and ``contact`` (contacts without a
        recorded cost). An activity without a rate is not observed; a rate of 0 says that it costs nothing.
    interactions : pd.DataFrame, optional
        customer_id, date, cost.
    complaints : pd.DataFrame, optional
        customer_id, opened.
    payments : pd.DataFrame, optional
        customer_id, invoice_date, paid_date, paid_amount.
    costs : pd.DataFrame, optional
        customer_id, date, activity, cost: costs booked on customers.
    annual_rate : float, optional
        Interest a year on money between invoice and receipt.

    Returns
    -------
    CostToServe

    Raises
    ------
    UsageError
        A rate below 0 or for no known activity.
    RefusedError
        Neither a rate nor a record of any cost.

    Notes
    -----
    Costs of activities are driven by what customers do (orders, lines, returns, complaints, contacts), not spread over
    revenue. The credit cost of a receipt is amount × days from invoice to payment × rate / 365; invoices still
    unpaid carry no amount and are left out, which understates it.

    References
    ----------
    Cooper, R. and Kaplan, R. S. (1991). Profit priorities from activity-based costing. Harvard Business Review 69(3),
    130-135.
    """
    known = (*RATED, "complaint", "contact")
    for name, rate in rates.items():
        if name not in known or not rate >= 0:
            raise UsageError(
                f"rate {name}={rate}",
                where="trace_costs",
                repair=f"Give rates of 0 or more for: {', '.join(known)}.",
            )
    events = {
        "complaint": None if complaints is None else _inside(complaints, "opened", start, as_of),
        "contact": None if interactions is None else _inside(interactions, "date", start, as_of),
        "credit": None if payments is None or annual_rate is None else _receipts(payments, start, as_of),
        "booked": None if costs is None else _inside(costs, "date", start, as_of),
    }
    on_orders = contributions.set_index("customer_id")[list(RATED.values())].astype(float)
    found = [(name, *_at_rate(on_orders[column], rates.get(name))) for name, column in RATED.items()]
    found.append(("complaint", *_complaints(events["complaint"], rates.get("complaint"))))
    found.append(("contact", *_contacts(events["contact"], rates.get("contact"))))
    found.append(("credit", *_credit(events["credit"], annual_rate)))
    if (booked := events["booked"]) is not None:
        found.append(("booked", "recorded", float(len(booked)), np.nan, _by_customer(booked, booked["cost"])))
    priced = [cost for *_, cost in found if cost is not None]
    ids = sorted({*on_orders.index}.union(*(cost.index for cost in priced)))
    table = pd.DataFrame(index=pd.Index(ids, name="customer_id"))
    for activity, *_, cost in found:
        table[f"cost_{activity}"] = 0.0 if cost is None else cost.reindex(ids).fillna(0.0).astype(float)
    rows = [(f"serve_{name}", *priced) for name, *priced, _ in found]
    if all(evidence == "not_observed" for _, evidence, _, _ in rows):
        raise RefusedError(
            "no activity has a rate or a recorded cost",
            where="cost to serve",
            repair="Give rates (of an order, a line, a return, a complaint), or the tables interactions, payments.",
        )
    activities = pd.DataFrame(rows, columns=["activity", "evidence", "quantity", "rate"])
    activities["activity_cost"] = table.sum().to_numpy()
    total = activities["activity_cost"].sum()
    activities["share_cost"] = activities["activity_cost"] / total if total else np.nan
    activities.loc[activities["evidence"] == "not_observed", ["activity_cost", "share_cost"]] = np.nan
    table["cost_to_serve"] = table.sum(axis=1)
    options = {"start": str(start), "as_of": str(as_of), "annual_discount_rate": annual_rate}
    recipe = Recipe("cost_to_serve", options, "Cooper & Kaplan (1991), Harvard Business Review 69(3), 130-135")
    return CostToServe(table.reset_index(), activities, recipe)


_Priced = tuple[str, float, float, pd.Series | None]
"""Evidence, quantity, rate, and cost by customer of an activity."""


def _inside(table: pd.DataFrame, day: str, start: dt.date, as_of: dt.date) -> pd.DataFrame:
    days = pd.to_datetime(table[day])
    return table[(days >= pd.Timestamp(start)) & (days <= pd.Timestamp(as_of))]


def _by_customer(events: pd.DataFrame, cost: pd.Series) -> pd.Series:
    return cost.astype(float).groupby(events["customer_id"].to_numpy(dtype=object)).sum()


def _at_rate(counts: pd.Series, rate: float | None) -> _Priced:
    if rate is None:
        return "not_observed", float(counts.sum()), np.nan, None
    return "at_rate", float(counts.sum()), rate, counts * rate


def _complaints(tickets: pd.DataFrame | None, rate: float | None) -> _Priced:
    if tickets is None:
        return "not_observed", np.nan, np.nan, None
    return _at_rate(_by_customer(tickets, pd.Series(1.0, index=tickets.index)), rate)


def _contacts(contacts: pd.DataFrame | None, rate: float | None) -> _Priced:
    """Recorded costs; contacts without one at the rate, where there is one."""
    if contacts is None:
        return "not_observed", np.nan, np.nan, None
    recorded = contacts["cost"] if "cost" in contacts else pd.Series(np.nan, index=contacts.index)
    price = pd.to_numeric(recorded).astype("Float64").astype(float).fillna(np.nan if rate is None else rate)
    if price.isna().all() and len(contacts):
        return "not_observed", float(len(contacts)), np.nan, None
    return "recorded", float(price.notna().sum()), np.nan, _by_customer(contacts, price.fillna(0.0))


def _receipts(payments: pd.DataFrame, start: dt.date, as_of: dt.date) -> pd.DataFrame:
    return _inside(payments.dropna(subset=["invoice_date", "paid_date", "paid_amount"]), "paid_date", start, as_of)


def _credit(receipts: pd.DataFrame | None, annual_rate: float | None) -> _Priced:
    """Interest on money between invoice and receipt; the quantity is money times years."""
    if receipts is None:
        return "not_observed", np.nan, np.nan, None
    days = (pd.to_datetime(receipts["paid_date"]) - pd.to_datetime(receipts["invoice_date"])).dt.days.clip(lower=0)
    tied_up = receipts["paid_amount"].astype(float) * days / 365
    return "at_rate", float(tied_up.sum()), annual_rate, _by_customer(receipts, tied_up * annual_rate)
