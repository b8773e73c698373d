"""What each customer's orders brought in a window: revenue, and what the cost of the goods leaves of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, UsageError
from crmresearch.results import Exhibit, Finding, Recipe

_MONEY = "decimal(18, 2)"


@dataclass(frozen=True, slots=True)
class Contributions:
    """Revenue and contribution of each customer.

    Attributes
    ----------
    customers : pd.DataFrame, shape (n_customers, 10)
        customer_id, revenue (net of returns), contribution (revenue less the cost of the goods), margin (shrunken
        towards all customers' margin), n_orders, n_lines, n_returns (return lines), returned (their amount, above
        zero), compounded (contribution with interest up to ``as_of``), share_known (of the revenue turned over, the
        part whose cost or profit is on the line); sorted by customer_id.
    totals : pd.DataFrame, shape (1, 6)
        start, as_of, n_customers, revenue, contribution, margin.
    recipe : Recipe
    """

    customers: pd.DataFrame
    totals: pd.DataFrame
    recipe: Recipe

    @property
    def margins(self) -> pd.Series:
        """Each customer's shrunken margin, by customer_id."""
        return self.customers.set_index("customer_id")["margin"]

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The totals and the customers with the largest contribution."""
        first = self.customers.sort_values(["contribution", "customer_id"], ascending=[False, True], ignore_index=True)
        columns = ["customer_id", "revenue", "contribution", "margin", "n_orders", "n_returns"]
        return (
            Exhibit("contribution_totals", self.totals),
            Exhibit("contribution_customers", first[columns], notes=("margin_shrunken",), rows_shown=8),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Revenue and contribution of the window, and on what the contribution rests."""
        total = self.totals.iloc[0]
        assumed = self.recipe.options["margin"]
        known = float(self.recipe.options["share_known"])
        values = {**total.to_dict(), "share_known": known, "assumed": assumed}
        return (Finding("contribution_assumed" if assumed is not None else "contribution_known", values),)


def measure_contribution(
    orders: ibis.Table,
    *,
    as_of: dt.date,
    start: dt.date | None = None,
    margin: float | None = None,
    annual_rate: float = 0.0,
    prior_orders: float = 1.0,
) -> Contributions:
    """Add up what each customer's orders brought.

    Parameters
    ----------
    orders : ibis.Table
        ``customer_id``, ``date``, ``amount`` and, where known, ``profit``, ``cost``, ``order_id``. One row per line.
    as_of : datetime.date
        Last day of the window.
    start : datetime.date | None
        Its first day; None takes all orders up to ``as_of``.
    margin : float | None
        Contribution per unit of revenue of lines without profit and cost; None asks that every line has one.
    annual_rate : float
        Interest by which ``compounded`` brings past contributions to ``as_of``; 0.10 is ten per cent a year.
    prior_orders : float
        A customer's margin is shrunken as if this many orders of its own size at all customers' margin
        stood beside its own.

    Returns
    -------
    Contributions

    Raises
    ------
    RefusedError
        No line lies in the window, or a line has neither profit nor cost and no ``margin`` is given.
    UsageError
        A margin, rate or prior out of range.

    Notes
    -----
    Of a line the contribution is its profit where it has one, else amount less cost, else margin times amount. Returns
    are lines of negative amount and lower both. The shrunken margin is (n m + k m̄) / (n + k), with m and n the
    customer's own margin and orders, m̄ all customers' margin and k ``prior_orders``: a customer of few orders says
    little about its own margin, one without revenue nothing. Orders are counted as distinct numbers; lines without
    one count each.

    Examples
    --------
    >>> import datetime as dt, ibis
    >>> rows = [("a", dt.date(2026, 1, 1), "100", "80"), ("a", dt.date(2026, 1, 9), "50", "45")]
    >>> schema = {"customer_id": "str", "date": "date", "amount": "decimal(18, 2)", "cost": "decimal(18, 2)"}
    >>> found = measure_contribution(ibis.memtable(rows, schema=schema), as_of=dt.date(2026, 1, 31))
    >>> found.customers[["revenue", "contribution", "n_orders"]].values.tolist()
    [[150.0, 25.0, 2.0]]
    """
    if not ((margin is None or -1 <= margin <= 1) and annual_rate >= 0 and prior_orders >= 0):
        raise UsageError(
            f"margin={margin}, annual_rate={annual_rate}, prior_orders={prior_orders}",
            where="measure_contribution",
            repair="The margin is at most 1 (0.2 is a fifth), the rate and the prior are 0 or more.",
        )
    customers = _customers(orders, as_of, start, margin, annual_rate)
    if customers.empty:
        raise RefusedError(
            f"no order from {start or 'the beginning'} to {as_of}",
            where="contribution",
            repair="Choose a window that holds orders.",
        )
    unknown = int(customers.pop("n_unknown").sum())
    if unknown and margin is None:
        raise RefusedError(
            f"{unknown:,} order lines have neither cost nor profit",
            where="contribution",
            repair="Map the column cost or profit in case.yaml, or give margin, the share of revenue that is left.",
        )
    turned_over, known = customers.pop("turned_over"), customers.pop("known_turned_over")
    customers["share_known"] = (known / turned_over.where(turned_over > 0)).fillna(0.0)
    revenue, contribution = customers["revenue"].sum(), customers["contribution"].sum()
    overall = contribution / revenue if revenue > 0 else np.nan
    n, own = customers["n_orders"], customers["contribution"] / customers["revenue"].where(customers["revenue"] > 0)
    customers["margin"] = ((n * own.fillna(overall) + prior_orders * overall) / (n + prior_orders)).fillna(overall)
    customers["margin"] = customers["margin"].clip(upper=1.0)
    first = start or customers.pop("first").min()
    row = (first, as_of, len(customers), revenue, contribution, overall)
    totals = pd.DataFrame([row], columns=["start", "as_of", "n_customers", "revenue", "contribution", "margin"])
    options = {
        "start": str(start) if start else "first_order",
        "as_of": str(as_of),
        "margin": margin if unknown else None,
        "share_known": float(known.sum() / turned_over.sum()) if turned_over.sum() else 0.0,
        "annual_discount_rate": annual_rate,
        "prior_orders": prior_orders,
    }
    columns = ["customer_id", "revenue", "contribution", "margin", "n_orders", "n_lines", "n_returns", "returned"]
    return Contributions(customers[[*columns, "compounded", "share_known"]], totals, Recipe("contribution", options))


def _customers(
    orders: ibis.Table, as_of: dt.date, start: dt.date | None, margin: float | None, annual_rate: float
) -> pd.DataFrame:
    lines = orders.filter(orders.date <= as_of)
    if start is not None:
        lines = lines.filter(lines.date >= start)
    nothing = ibis.null(_MONEY)
    profit = lines.profit.cast(_MONEY) if "profit" in lines.columns else nothing
    cost = lines.cost.cast(_MONEY) if "cost" in lines.columns else nothing
    known = ibis.coalesce(profit, (lines.amount - cost).cast(_MONEY))
    amount = lines.amount.cast("float64")
    left = ibis.coalesce(known.cast("float64"), amount * (0.0 if margin is None else margin))
    day = ibis.literal(as_of, type="date")
    years = day.delta(lines.date, unit="day") / 365.25
    number = lines.order_id if "order_id" in lines.columns else ibis.null("string")
    lines = lines.select(
        "customer_id",
        "date",
        "amount",
        left=left,
        compounded=left * ibis.literal(1.0 + annual_rate).pow(years) if annual_rate else left,
        unknown=known.isnull(),
        returned=ibis.least(lines.amount, 0).cast(_MONEY),
        turnover=lines.amount.abs().cast(_MONEY),
        order=number,
    )
    sale = lines.amount >= 0
    found = lines.group_by("customer_id").agg(
        first=lines.date.min(),
        revenue=lines.amount.sum().cast("float64"),
        contribution=lines.left.sum(),
        compounded=lines.compounded.sum(),
        n_orders=(lines.order.nunique(where=sale) + (sale & lines.order.isnull()).sum()).cast("int64"),
        n_lines=sale.sum().cast("int64"),
        n_returns=(~sale).sum().cast("int64"),
        returned=(0.0 - lines.returned.sum().cast("float64")),
        turned_over=lines.turnover.sum().cast("float64"),
        known_turned_over=lines.turnover.sum(where=~lines.unknown).cast("float64").fill_null(0.0),
        n_unknown=lines.unknown.sum().cast("int64"),
    )
    frame = found.order_by("customer_id").to_pandas()
    # Sums of floats depend on the order in which an engine adds; to a tenth of a cent they do not.
    frame[["contribution", "compounded"]] = frame[["contribution", "compounded"]].round(3)
    return frame
