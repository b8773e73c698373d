"""One row per customer from the order lines: recency, frequency, age and spend at any date."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa

from crmresearch.errors import RefusedError, UsageError, check_choice
from crmresearch.results import Exhibit, Finding, Recipe

_MONEY = ibis.dtype("decimal(38, 2)")

ZeroAmounts = Literal["occasion", "ignored"]


def summarise_orders(
    orders: ibis.Table,
    *,
    as_of: dt.date,
    start: dt.date | None = None,
    zero_amounts: ZeroAmounts = "occasion",
) -> ibis.Table:
    """Summarise order lines to one row per customer, as one expression for any engine.

    Nothing is computed here: the expression runs unchanged on DuckDB and on PySpark, wherever
    ``orders`` lives. :func:`summarise_customers` runs it and hands over a data frame.

    Parameters
    ----------
    orders : ibis.Table
        ``customer_id`` (text), ``date`` (date), ``amount`` (decimal, the case's currency) and, where
        known, ``order_id`` (text). One row per order line, in any order.
    as_of : datetime.date
        Last observed day; later lines are left out.
    start : datetime.date | None
        First observed day; earlier lines are left out. None takes all.
    zero_amounts : {"occasion", "ignored"}
        Whether a line of amount 0 (a free sample) makes its day a purchase day.

    Returns
    -------
    ibis.Table
        In no particular order, with the columns

        ========================  ====================================================================
        ``customer_id``           text
        ``first_date``            first purchase day in the window
        ``last_date``             last purchase day in the window
        ``n_orders``              orders: distinct ``order_id`` of each day; lines without one count each
        ``n_purchase_days``       days with a purchase
        ``frequency``             repeat purchase days, ``n_purchase_days - 1`` (*x* of BG/NBD)
        ``t_x_days``              first to last purchase day (*t_x* of BG/NBD)
        ``age_days``              first purchase day to ``as_of`` (*T* of BG/NBD)
        ``recency_days``          last purchase day to ``as_of`` (*R* of RFM)
        ``mean_interval_days``    ``t_x_days / frequency``; missing without a repeat purchase
        ``spend``                 net of returns, currency
        ``returned``              sum of the negative amounts, as a positive number, currency
        ``mean_spend``            ``spend / n_purchase_days``, currency a purchase day
        ``mean_repeat_spend``     ``spend`` without the first purchase day, a repeat day; missing without one
        ========================  ====================================================================

    Notes
    -----
    A line of negative amount is a return: it lowers ``spend`` and is never a purchase. A customer
    with returns only is kept, with ``n_purchase_days`` 0, missing dates and a negative ``spend``.
    Money is added as decimals and becomes a float once, at the end, so that engines agree to the
    last digit.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. and Lee, K. L. (2005). "Counting your customers" the easy way.
    Marketing Science 24(2), 275-284. https://doi.org/10.1287/mksc.1040.0098 (x, t_x, T).

    Examples
    --------
    >>> import datetime as dt, ibis
    >>> lines = [("a", dt.date(2026, 1, 1), "5"), ("a", dt.date(2026, 1, 11), "7"), ("b", dt.date(2026, 1, 3), "2")]
    >>> orders = ibis.memtable(lines, schema={"customer_id": "str", "date": "date", "amount": "decimal(18, 2)"})
    >>> summary = summarise_orders(orders, as_of=dt.date(2026, 1, 31)).order_by("customer_id").to_pandas()
    >>> summary[["customer_id", "frequency", "t_x_days", "age_days", "recency_days", "spend"]].values.tolist()
    [['a', 1, 10, 30, 20, 12.0], ['b', 0, 0, 28, 28, 2.0]]
    """
    check_choice("zero_amounts", zero_amounts, get_args(ZeroAmounts), where="summarise_orders")
    if start is not None and start > as_of:
        raise UsageError(
            f"start {start} is after as_of {as_of}", where="summarise_orders", repair="Give an earlier start."
        )
    lines = orders.filter(orders.date <= as_of)
    if start is not None:
        lines = lines.filter(lines.date >= start)
    is_purchase = lines.amount >= 0 if zero_amounts == "occasion" else lines.amount > 0
    by_order = "order_id" in lines.columns
    days = lines.group_by("customer_id", "date", *(["order_id"] if by_order else [])).agg(
        amount=lines.amount.sum(),
        returned=lines.amount.sum(where=lines.amount < 0),
        n_orders=lines.count(where=is_purchase),
    )
    if by_order:  # grouping twice is faster, and smaller, than counting distinct orders
        # an order's lines are one order; a line without an order is one too
        n_orders = days.order_id.isnull().ifelse(days.n_orders, ibis.least(days.n_orders, 1))
        days = days.group_by("customer_id", "date").agg(
            amount=days.amount.sum(), returned=days.returned.sum(), n_orders=n_orders.sum()
        )
    bought = days.n_orders > 0
    customers = days.group_by("customer_id").agg(
        first_date=days.date.min(where=bought),
        last_date=days.date.max(where=bought),
        n_orders=days.n_orders.sum().cast("int64"),
        n_purchase_days=days.count(where=bought),
        amount=days.amount.sum(),
        first_amount=_min_by(days.amount, days.date, where=bought),
        returned=days.returned.sum(),
    )
    last_day = ibis.literal(as_of, type="date")
    repeats = ibis.greatest(customers.n_purchase_days - 1, 0)
    between = customers.last_date.delta(customers.first_date, unit="day")
    return customers.select(
        "customer_id",
        "first_date",
        "last_date",
        "n_orders",
        "n_purchase_days",
        frequency=repeats,
        t_x_days=between,
        age_days=last_day.delta(customers.first_date, unit="day"),
        recency_days=last_day.delta(customers.last_date, unit="day"),
        mean_interval_days=between / repeats.nullif(0),
        spend=customers.amount.cast("float64"),
        returned=0.0 - customers.returned.cast("float64").fill_null(0.0),
        mean_spend=customers.amount.cast("float64") / customers.n_purchase_days.nullif(0),
        mean_repeat_spend=(customers.amount - customers.first_amount).cast("float64") / repeats.nullif(0),
    )


@ibis.udf.agg.builtin(name="min_by")
def _min_by(amount: _MONEY, date: dt.date, where: bool = True) -> _MONEY:  # type: ignore[empty-body,valid-type]
    """``amount`` on the earliest ``date``, by the engine's own function: DuckDB sorts for Ibis's ``argmin``."""


@dataclass(frozen=True, slots=True)
class CustomerSummary:
    """The customers of one window.

    Attributes
    ----------
    customers : pd.DataFrame, shape (n_customers, 14)
        The columns of :func:`summarise_orders`, sorted by ``customer_id``; dates as ``datetime64``.
    totals : pd.DataFrame, shape (1, 9)
        start, as_of, n_customers, n_buyers, n_orders, spend, returned, share_repeat (of the buyers
        with a second purchase day), spend_per_customer.
    recipe : Recipe
    """

    customers: pd.DataFrame
    totals: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The totals of the window and the first customers."""
        return (
            Exhibit("customer_totals", self.totals, notes=("returns_are_netted",)),
            Exhibit("customer_summary", self.customers, rows_shown=8),
        )

    def findings(self) -> tuple[Finding, ...]:
        """How many customers bought what in which window, and how many only returned goods."""
        found = [Finding("customer_base", dict(self.totals.iloc[0]))]
        n_returns_only = int((self.customers["n_purchase_days"] == 0).sum())
        if n_returns_only:
            found.append(Finding("returns_only", {"n": n_returns_only, "n_customers": len(self.customers)}))
        return tuple(found)


def summarise_customers(
    orders: ibis.Table,
    *,
    as_of: dt.date,
    start: dt.date | None = None,
    zero_amounts: ZeroAmounts = "occasion",
) -> CustomerSummary:
    """Run :func:`summarise_orders` and hand over its rows, sorted by customer.

    Parameters
    ----------
    orders, as_of, start, zero_amounts
        As in :func:`summarise_orders`.

    Returns
    -------
    CustomerSummary

    Raises
    ------
    RefusedError
        No line lies in the window; the message says when the first and last order were.
    """
    columns = _rows(orders, as_of, start, zero_amounts)
    if not columns.num_rows:
        span = orders.aggregate(first=orders.date.min(), last=orders.date.max()).to_pyarrow().to_pylist()[0]
        known = f"the orders run from {span['first']} to {span['last']}" if span["first"] else "there are no orders"
        raise RefusedError(
            f"no order from {start or 'the beginning'} to {as_of}; {known}",
            where="as_of",
            repair="Choose a window that holds orders.",
        )
    customers = _as_frame(columns)
    n_buyers = int((customers["n_purchase_days"] > 0).sum())
    first_date = start or (customers["first_date"].min().date() if n_buyers else None)
    totals = pd.DataFrame(
        {
            "start": [first_date],
            "as_of": [as_of],
            "n_customers": [len(customers)],
            "n_buyers": [n_buyers],
            "n_orders": [int(customers["n_orders"].sum())],
            "spend": [customers["spend"].sum()],
            "returned": [customers["returned"].sum()],
            "share_repeat": [(customers["frequency"] > 0).sum() / n_buyers if n_buyers else np.nan],
            "spend_per_customer": [customers["spend"].mean()],
        }
    )
    options = {
        "start": str(start) if start else "first_order",
        "as_of": str(as_of),
        "zero_amounts": zero_amounts,
        "returns": "netted",
    }
    return CustomerSummary(customers, totals, Recipe("customer_summary", options))


def _rows(orders: ibis.Table, *window: Any) -> pa.Table:
    """The rows of :func:`summarise_orders` by customer; for a table of DuckDB, by a statement written once.

    Ibis takes as long to write the statement as DuckDB to add up seventy thousand lines.
    """
    table, engine = orders.op(), orders.get_backend()
    if engine.name != "duckdb" or not isinstance(table, ibis.expr.operations.DatabaseTable):
        return _sorted_summary(orders, *window).to_pyarrow()
    statement, schema = _statement(table.name, orders.schema(), *window)
    return engine.con.sql(statement).to_arrow_table().cast(schema)


@lru_cache(maxsize=64)
def _statement(name: str, columns: ibis.Schema, *window: Any) -> tuple[str, pa.Schema]:
    rows = _sorted_summary(ibis.table(columns, name=name), *window)
    return str(ibis.to_sql(rows, dialect="duckdb")), rows.schema().to_pyarrow()


def _sorted_summary(orders: ibis.Table, as_of: dt.date, start: dt.date | None, zero_amounts: ZeroAmounts) -> ibis.Table:
    return summarise_orders(orders, as_of=as_of, start=start, zero_amounts=zero_amounts).order_by("customer_id")


def _as_frame(columns: pa.Table) -> pd.DataFrame:
    """The columns without a copy where pandas can take them over; ``columns`` must not be used afterwards."""
    text = {pa.string(): pd.StringDtype(na_value=float("nan"))}
    return columns.to_pandas(date_as_object=False, types_mapper=text.get, split_blocks=True, self_destruct=True)
