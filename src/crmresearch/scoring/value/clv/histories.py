"""Purchase histories: one row per customer, checked, and equal rows counted once.

A history is x repeat purchase occasions (``frequency``), the time of the last of them (``t_x``) and the
time observed (``T``), both counted from the customer's first purchase in one time unit; purchases of one
day are one occasion. In discrete time ``n`` opportunities take the place of ``T``.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

import ibis
import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError

TimeUnit = Literal["day", "week", "month", "year"]
DAYS: dict[str, float] = {"day": 1.0, "week": 7.0, "month": 365.25 / 12, "year": 365.25}
"""Length of each time unit in days."""

FEWEST_CUSTOMERS = 50
FEWEST_REPEATERS = 20
"""Below these counts four parameters are not estimated."""


@dataclass(frozen=True, slots=True)
class Groups:
    """Distinct rows of some columns.

    Attributes
    ----------
    columns : tuple[np.ndarray, ...]
        Distinct rows in ascending order, each column of shape (n_groups,) as float64.
    counts : np.ndarray, shape (n_groups,)
        Customers per distinct row.
    group_of : np.ndarray, shape (n_rows,)
        Position of each input row's distinct row.
    """

    columns: tuple[np.ndarray, ...]
    counts: np.ndarray
    group_of: np.ndarray


def group_equal(columns: list[np.ndarray], weights: np.ndarray | None = None) -> Groups:
    """Count equal rows.

    Parameters
    ----------
    columns : list[np.ndarray]
        Each of shape (n_rows,), finite.
    weights : np.ndarray, optional
        Customers per input row; 1 each by default.

    Returns
    -------
    Groups

    Examples
    --------
    >>> groups = group_equal([np.array([2, 0, 2]), np.array([1.5, 0.0, 1.5])])
    >>> groups.counts, groups.group_of
    (array([1., 2.]), array([1, 0, 1]))
    """
    key = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        codes, values = pd.factorize(column)
        key = key * len(values) + codes
        if len(values) > 2**20:  # the next product could overflow
            key = pd.factorize(key)[0]
    codes, keys = pd.factorize(key)
    first_row = np.empty(len(keys), dtype=np.int64)
    first_row[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
    rows = tuple(np.asarray(column, dtype=float)[first_row] for column in columns)
    order = np.lexsort(rows[::-1])
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    group_of = rank[codes]
    counts = np.bincount(group_of, weights=weights, minlength=len(order)).astype(float)
    return Groups(tuple(row[order] for row in rows), counts, group_of)


def check_histories(
    histories: pd.DataFrame, columns: tuple[str, str, str], *, fewest_customers: int = 1, fewest_repeaters: int = 0
) -> tuple[list[np.ndarray], np.ndarray]:
    """Refuse histories that cannot be, or that are too few.

    Parameters
    ----------
    histories : pd.DataFrame
        The three columns and, optionally, ``customers``: how many customers share the row.
    columns : tuple[str, str, str]
        ``("frequency", "t_x", "T")``, or ``n`` for the last in discrete time.
    fewest_customers, fewest_repeaters : int

    Returns
    -------
    columns : list[np.ndarray]
    counts : np.ndarray

    Raises
    ------
    RefusedError
        Naming the first customer whose history breaks a rule, or the count that is too small.
    """
    missing = [c for c in columns if c not in histories.columns]
    if missing:
        raise RefusedError(
            f"no column {missing[0]!r}",
            where="purchase histories",
            repair=f"A history has the columns {', '.join(columns)}; purchase_histories() makes them from orders.",
        )
    values = [pd.to_numeric(histories[c], errors="coerce").to_numpy(dtype=float, na_value=np.nan) for c in columns]
    x, t_x, end = values
    rules = [
        (np.isfinite(x) & np.isfinite(t_x) & np.isfinite(end), "a value is missing or not a number"),
        ((x >= 0) & (x == np.floor(x)), f"{columns[0]} is not a whole number of repeat purchases"),
        ((t_x >= 0) & (t_x <= end + 1e-9), f"{columns[1]} does not lie between 0 and {columns[2]}"),
        ((x > 0) | (t_x == 0), f"{columns[1]} is above 0 without a repeat purchase"),
        ((x == 0) | (t_x > 0), f"{columns[1]} is 0 with a repeat purchase (purchases of one day are one occasion)"),
    ]
    if columns[2] == "n":
        whole = (t_x == np.floor(t_x)) & (end == np.floor(end))
        rules.append((whole & (x <= t_x), "opportunities are not whole, or fewer than the purchases"))
    for kept, what in rules:
        if not kept.all():
            row = int(np.argmin(kept))
            who = histories["customer_id"].iloc[row] if "customer_id" in histories.columns else histories.index[row]
            got = ", ".join(f"{c} = {histories[c].iloc[row]}" for c in columns)
            raise RefusedError(
                f"{what} ({got}; {np.count_nonzero(~kept):,} such rows)",
                where=f"purchase histories, customer {who}",
                repair="Correct these rows or set them aside before fitting.",
            )
    counts = histories["customers"].to_numpy(dtype=float) if "customers" in histories.columns else np.ones(len(x))
    n_customers, n_repeaters = counts.sum(), counts[x > 0].sum()
    if n_customers < fewest_customers or n_repeaters < fewest_repeaters:
        raise RefusedError(
            f"{n_customers:,.0f} customers of whom {n_repeaters:,.0f} bought again are too few for four parameters "
            f"(at least {fewest_customers} and {fewest_repeaters})",
            where="purchase histories",
            repair="Lengthen the observation window or add customers; report frequencies instead of a model.",
        )
    return values, counts


def purchase_histories(
    orders: ibis.Table, *, as_of: dt.date, time_unit: TimeUnit = "week", since: dt.date | None = None
) -> pd.DataFrame:
    """Histories of all customers from their orders.

    Parameters
    ----------
    orders : ibis.Table
        ``customer_id``, ``date``, ``amount``.
    as_of : datetime.date
        Last day observed; later orders are left out.
    time_unit : {"day", "week", "month", "year"}
        Unit of ``t_x`` and ``T``.
    since : datetime.date, optional
        Only customers whose first order falls on or after this day: where records begin later than the
        business, the first order on record is not the customer's first.

    Returns
    -------
    pd.DataFrame
        ``customer_id``, ``first_date``, ``frequency`` (repeat purchase days), ``t_x``, ``T`` (time units since
        the first), ``mean_spend`` (per repeat purchase day, currency; 0 without one), ordered by customer_id.
        Days whose orders net to less than zero are returns, not purchases.

    Raises
    ------
    RefusedError
        No order on or before ``as_of``.

    Examples
    --------
    >>> orders = ibis.memtable(pd.DataFrame({
    ...     "customer_id": ["a", "a", "a", "b"],
    ...     "date": pd.to_datetime(["2024-01-01", "2024-01-15", "2024-01-15", "2024-01-08"]),
    ...     "amount": [10.0, 20.0, 5.0, 7.0],
    ... }))
    >>> purchase_histories(orders, as_of=dt.date(2024, 1, 29)).drop(columns="first_date")
      customer_id  frequency  t_x    T  mean_spend
    0           a          1  2.0  4.0        25.0
    1           b          0  0.0  3.0         0.0
    """
    days = purchase_days(orders, as_of)
    table = (
        days.group_by("customer_id")
        .aggregate(
            first_date=ibis._.day.min(),
            last_date=ibis._.day.max(),
            frequency=ibis._.count() - 1,
            repeat_spend=ibis._.spend.sum(where=ibis._.day > ibis._.first),
        )
        .order_by("customer_id")
        .to_pandas()
    )
    if since is not None:
        table = table[pd.to_datetime(table["first_date"]) >= pd.Timestamp(since)].reset_index(drop=True)
    if table.empty:
        raise RefusedError(
            f"no purchase on or before {as_of}", where="orders", repair="Choose a later as_of, or an earlier since."
        )
    first, last = pd.to_datetime(table["first_date"]), pd.to_datetime(table["last_date"])
    frequency = table["frequency"].to_numpy(dtype=np.int64)
    repeat_spend = table["repeat_spend"].to_numpy(dtype=float, na_value=0.0)
    return pd.DataFrame(
        {
            "customer_id": table["customer_id"],
            "first_date": first,
            "frequency": frequency,
            "t_x": (last - first).dt.days.to_numpy() / DAYS[time_unit],
            "T": (pd.Timestamp(as_of) - first).dt.days.to_numpy() / DAYS[time_unit],
            "mean_spend": np.where(frequency > 0, repeat_spend / np.maximum(frequency, 1), 0.0),
        }
    )


def purchase_days(orders: ibis.Table, until: dt.date) -> ibis.Table:
    """Days on which customers bought, up to and with ``until``: customer_id, day, spend, first (the first of them).

    Days whose orders net to less than zero are returns, not purchases.
    """
    days = orders.mutate(day=orders.date.cast("date")).filter(ibis._.day <= ibis.literal(until))
    days = days.group_by("customer_id", "day").aggregate(spend=ibis._.amount.sum().cast("float64"))
    days = days.filter(ibis._.spend >= 0)
    return days.mutate(first=ibis._.day.min().over(ibis.window(group_by="customer_id")))
