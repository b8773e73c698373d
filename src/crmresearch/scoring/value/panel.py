"""Customers by month: what each customer bought in each of the last whole months."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, UsageError
from crmresearch.results import Exhibit, Finding, Recipe


@dataclass(frozen=True, slots=True)
class Panel:
    """Net revenue and orders by customer and month.

    Attributes
    ----------
    customer_id : np.ndarray, shape (n_customers,)
        Customers with a line in the months of the panel or before, ascending.
    months : np.ndarray, shape (n_months,)
        First day of each month, ``datetime64[D]``.
    revenue : np.ndarray, shape (n_customers, n_months)
        Net of returns.
    bought : np.ndarray, shape (n_customers, n_months)
        Whether the customer has a line of zero or more in the month.
    first_month : np.ndarray, shape (n_customers,)
        Month of the customer's first line of all, as a position in ``months``; below 0 before them.
    recipe : Recipe
    """

    customer_id: np.ndarray
    months: np.ndarray
    revenue: np.ndarray
    bought: np.ndarray
    first_month: np.ndarray
    recipe: Recipe

    @property
    def totals(self) -> pd.DataFrame:
        """month, revenue, n_buyers of all customers."""
        return pd.DataFrame(
            {"month": self.months, "revenue": self.revenue.sum(axis=0), "n_buyers": self.bought.sum(axis=0)}
        )

    @property
    def continuity(self) -> pd.Series:
        """Share of the months since a customer's first order in which it bought, by customer_id."""
        alive = len(self.months) - np.maximum(self.first_month, 0)
        return pd.Series(self.bought.sum(axis=1) / alive, index=self.customer_id, name="continuity")

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Revenue by month."""
        return (Exhibit("panel_months", self.totals, rows_shown=12),)

    def findings(self) -> tuple[Finding, ...]:
        """How many customers over how many months."""
        values = {
            "n": len(self.customer_id),
            "months": len(self.months),
            "start": str(self.months[0]),
            "continuity": float(self.continuity.mean()),
        }
        return (Finding("panel", values),)


def build_panel(orders: ibis.Table, *, as_of: dt.date, n_months: int = 24) -> Panel:
    """Net revenue of each customer in each of the last ``n_months`` whole calendar months up to ``as_of``.

    Parameters
    ----------
    orders : ibis.Table
        ``customer_id``, ``date``, ``amount``; one row per line, in any order.
    as_of : datetime.date
        Last observed day; a month it cuts short is left out.
    n_months : int
        At least 2.

    Returns
    -------
    Panel

    Raises
    ------
    RefusedError
        The orders do not reach back ``n_months`` whole months.

    Notes
    -----
    Memory: 9 bytes a customer and month beside what the engine needs.
    """
    if n_months < 2:
        raise UsageError(f"n_months={n_months}", where="build_panel", repair="Use two months or more.")
    last = np.datetime64(as_of, "M") + (0 if (as_of + dt.timedelta(days=1)).day == 1 else -1)
    months = np.arange(last - n_months + 1, last + 1)
    lines = orders.filter(orders.date < ibis.literal((last + 1).astype("datetime64[D]").item()))
    grouped = lines.group_by("customer_id", year=lines.date.year(), month=lines.date.month()).agg(
        revenue=lines.amount.sum().cast("float64"), n=(lines.amount >= 0).sum().cast("int64")
    )
    table = grouped.to_pandas()
    if table.empty:
        raise RefusedError("no orders in whole months", where="monthly panel", repair="Choose a later as_of.")
    month = (table["year"].astype(int) - 1970) * 12 + table["month"].astype(int) - 1
    at = (month - months[0].astype(int)).to_numpy()
    if at.min() > 0:
        raise RefusedError(
            f"the orders reach back {n_months - at.min()} whole months, not {n_months}",
            where="monthly panel",
            repair="Use fewer months.",
        )
    ids, row = np.unique(table["customer_id"].to_numpy(dtype=object), return_inverse=True)
    first = np.full(len(ids), n_months)
    np.minimum.at(first, row, at)
    revenue, bought = np.zeros((len(ids), n_months)), np.zeros((len(ids), n_months), dtype=bool)
    inside = at >= 0
    revenue[row[inside], at[inside]] = table["revenue"].to_numpy()[inside]
    bought[row[inside], at[inside]] = table["n"].to_numpy()[inside] > 0
    options = {"n_months": n_months, "start": str(months[0].astype("datetime64[D]")), "as_of": str(as_of)}
    return Panel(ids, months.astype("datetime64[D]"), revenue, bought, first, Recipe("monthly_panel", options))
