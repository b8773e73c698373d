"""Purchase histories: one row per customer, checked, and equal rows counted once.

A history is x repeat purchase occasions (``frequency``), the time of the last of them (``t_x``) and the
time observed (``T``), both counted from the customer's first purchase in one time unit; purchases of one
day are one occasion. In discrete time ``n`` opportunities take the place of ``T``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

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
    key, rows = np.zeros(len(columns[0]), dtype=np.int64), []
    for column in columns:
        codes, values = pd.factorize(column, sort=True)
        occupied, key = _occupied(key * len(values) + codes, (len(rows[0]) if rows else 1) * len(values))
        rows = [row[occupied // len(values)] for row in rows]
        rows.append(np.asarray(values, dtype=float)[occupied % len(values)])
    return Groups(tuple(rows), np.bincount(key, weights=weights).astype(float), key)


def _occupied(key: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Keys below ``size`` that occur, ascending, and the position of each row's key among them."""
    if size > 4 * len(key) + 1024:
        return np.unique(key, return_inverse=True)
    present = np.zeros(size, dtype=bool)
    present[key] = True
    return np.flatnonzero(present), (np.cumsum(present) - 1)[key]


def group_histories(
    histories: pd.DataFrame,
    columns: tuple[str, str, str],
    more: Sequence[np.ndarray] = (),
    *,
    fewest_customers: int = 1,
    fewest_repeaters: int = 0,
) -> Groups:
    """Distinct histories; those that cannot be, or are too few, are refused.

    Parameters
    ----------
    histories : pd.DataFrame
        The three columns and, optionally, ``customers``: how many customers share the row.
    columns : tuple[str, str, str]
        ``("frequency", "t_x", "T")``, or ``n`` for the last in discrete time.
    more : Sequence[np.ndarray]
        Further columns that tell histories apart.
    fewest_customers, fewest_repeaters : int

    Returns
    -------
    Groups

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
            repair=f"A history has the columns {', '.join(columns)}; purchase_histories() makes them.",
        )
    values = [numbers(histories[c]) for c in columns]
    _refuse_unless(np.isfinite(sum(values)), "a value is missing or not a number", histories, columns)
    weights = numbers(histories["customers"]) if "customers" in histories.columns else None
    if weights is not None:
        _refuse_unless((weights > 0) & np.isfinite(weights), "customers is not a count", histories, ("customers",))
    groups = group_equal([*values, *more], weights)
    x, t_x, end = groups.columns[:3]
    rules = [
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
            _refuse_unless(kept[groups.group_of], what, histories, columns)
    n_customers, n_repeaters = groups.counts.sum(), groups.counts[x > 0].sum()
    if n_customers < fewest_customers or n_repeaters < fewest_repeaters:
        raise RefusedError(
            f"{n_customers:,.0f} customers of whom {n_repeaters:,.0f} bought again are too few for four parameters "
            f"(at least {fewest_customers} and {fewest_repeaters})",
            where="purchase histories",
            repair="Lengthen the observation window or add customers; report frequencies instead of a model.",
        )
    return groups


def numbers(column: pd.Series) -> np.ndarray:
    """A column as float64; what is no number becomes missing."""
    if column.dtype == np.float64:
        return column.to_numpy()
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)


def _refuse_unless(kept: np.ndarray, what: str, histories: pd.DataFrame, columns: tuple[str, ...]) -> None:
    if kept.all():
        return
    row = int(np.argmin(kept))
    who = histories["customer_id"].iloc[row] if "customer_id" in histories.columns else histories.index[row]
    got = ", ".join(f"{c} = {histories[c].iloc[row]}" for c in columns)
    raise RefusedError(
        f"{what} ({got}; {np.count_nonzero(~kept):,} such rows)",
        where=f"purchase histories, customer {who}",
        repair="Correct these rows or set them aside before fitting.",
    )


def purchase_histories(customers: pd.DataFrame, *, time_unit: TimeUnit = "week") -> pd.DataFrame:
    """Histories from the one-row-per-customer summary of orders.

    Parameters
    ----------
    customers : pd.DataFrame
        ``customer_id``, ``first_date``, ``frequency`` (repeat purchase days), ``t_x_days`` (first to last purchase
        day), ``age_days`` (first purchase day to the last day observed), ``mean_repeat_spend`` (currency a repeat
        purchase day). Customers without a purchase (no ``first_date``: returns only) are left out.
    time_unit : {"day", "week", "month", "year"}
        Unit of ``t_x`` and ``T``; months and years of average length.

    Returns
    -------
    pd.DataFrame
        ``customer_id``, ``first_date``, ``frequency``, ``t_x``, ``T`` (time units since the first purchase),
        ``mean_spend`` (currency a repeat purchase day; 0 without one).

    Raises
    ------
    RefusedError
        A column is missing, or nobody purchased.

    Examples
    --------
    >>> summary = pd.DataFrame({
    ...     "customer_id": ["a", "b"],
    ...     "first_date": pd.to_datetime(["2024-01-01", "2024-01-08"]),
    ...     "frequency": [1, 0],
    ...     "t_x_days": [14, 0],
    ...     "age_days": [28, 21],
    ...     "mean_repeat_spend": [25.0, None],
    ... })
    >>> purchase_histories(summary, time_unit="week").drop(columns="first_date")
      customer_id  frequency  t_x    T  mean_spend
    0           a          1  2.0  4.0        25.0
    1           b          0  0.0  3.0         0.0
    """
    needed = ("customer_id", "first_date", "frequency", "t_x_days", "age_days", "mean_repeat_spend")
    missing = [c for c in needed if c not in customers.columns]
    if missing:
        raise RefusedError(
            f"no column {missing[0]!r}",
            where="customer summary",
            repair=f"Purchase histories are made from {', '.join(needed)}.",
        )
    buyers = customers[customers["first_date"].notna()].reset_index(drop=True)
    if buyers.empty:
        raise RefusedError("nobody purchased", where="customer summary", repair="Choose a later as_of.")
    return pd.DataFrame(
        {
            "customer_id": buyers["customer_id"],
            "first_date": pd.to_datetime(buyers["first_date"]),
            "frequency": buyers["frequency"].to_numpy(dtype=np.int64),
            "t_x": buyers["t_x_days"].to_numpy(dtype=float) / DAYS[time_unit],
            "T": buyers["age_days"].to_numpy(dtype=float) / DAYS[time_unit],
            "mean_spend": buyers["mean_repeat_spend"].to_numpy(dtype=float, na_value=0.0),
        }
    )
