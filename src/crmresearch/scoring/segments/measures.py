"""What order lines and receipts say of each customer beyond recency, frequency and spend."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

MEASURES = (
    "orders_per_month",
    "order_amount",
    "margin",
    "growth_per_year",
    "price_to_market",
    "n_products_bought",
    "payment_term_days",
    "days_to_payment",
)


def measure_customers(
    customers: pd.DataFrame,
    *,
    as_of: dt.date | None,
    orders: pd.DataFrame | None = None,
    payments: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Add to a table of customers what their order lines and receipts say of them.

    Parameters
    ----------
    customers : pd.DataFrame
        Indexed by customer_id; its columns are kept.
    as_of : datetime.date, optional
        Lines, invoices and receipts after it are left out; None keeps all.
    orders : pd.DataFrame, optional
        customer_id, date, amount and, where known, order_id, product, price, cost.
    payments : pd.DataFrame, optional
        customer_id, invoice_date, due_date, paid_date.

    Returns
    -------
    pd.DataFrame
        ``customers`` with, where the columns behind them exist: orders_per_month (from first purchase to
        last, in months, and one more), order_amount (median amount of an order), margin (profit share of
        the amount, returns netted), growth_per_year (log change of the order size a year, by least squares;
        missing below 6 orders), price_to_market (median price paid relative to the product's median price
        of the quarter), n_products_bought, payment_term_days (median due date − invoice date),
        days_to_payment (median paid date − invoice date).
    """
    found, last = customers.copy(), last_moment(as_of)
    if orders is not None:
        for name, values in _of_orders(orders[orders["date"] <= last]).items():
            found[name] = values.reindex(found.index)
    if payments is not None:
        if "due_date" in payments and payments["due_date"].notna().any():
            found["payment_term_days"] = _days_after_invoice(payments, "due_date", last).reindex(found.index)
        if "paid_date" in payments and payments["paid_date"].notna().any():
            found["days_to_payment"] = days_to_payment(payments, last).reindex(found.index)
    return found


def last_moment(as_of: dt.date | None) -> pd.Timestamp:
    """The last day as a moment to compare with; without one, the end of time."""
    return pd.Timestamp.max if as_of is None else pd.Timestamp(as_of)


def days_to_payment(payments: pd.DataFrame, last: pd.Timestamp) -> pd.Series:
    """Median days from invoice to receipt, by customer_id; of what was received by the last day."""
    return _days_after_invoice(payments[payments["paid_date"] <= last], "paid_date", last)


def _days_after_invoice(payments: pd.DataFrame, column: str, last: pd.Timestamp) -> pd.Series:
    rows = payments[payments["invoice_date"] <= last]
    return (rows[column] - rows["invoice_date"]).dt.days.astype(float).groupby(rows["customer_id"]).median()


def _of_orders(lines: pd.DataFrame) -> dict[str, pd.Series]:
    amount = lines["amount"].astype(float)
    found: dict[str, pd.Series] = {}
    if "cost" in lines and lines["cost"].notna().any():
        sums = pd.DataFrame({"amount": amount, "cost": lines["cost"].astype(float)}).groupby(lines["customer_id"]).sum()
        found["margin"] = ((sums["amount"] - sums["cost"]) / sums["amount"]).where(sums["amount"] > 0)
    sold = lines[amount >= 0].assign(amount=amount[amount >= 0])
    if "price" in sold and "product" in sold and sold["price"].notna().any() and sold["product"].notna().any():
        price = sold["price"].astype(float)
        usual = price.groupby([sold["product"], sold["date"].dt.to_period("Q")]).transform("median")
        found["price_to_market"] = (price / usual).groupby(sold["customer_id"]).median()
        found["n_products_bought"] = sold.groupby("customer_id")["product"].nunique().astype(float)
    each = "order_id" if "order_id" in sold and sold["order_id"].notna().all() else "date"
    by_order = sold.groupby(["customer_id", each]).agg(date=("date", "min"), amount=("amount", "sum"))
    by_customer = by_order.groupby(level=0)
    months = (by_customer["date"].max() - by_customer["date"].min()).dt.days / (365.25 / 12) + 1
    found["orders_per_month"] = by_customer.size() / months
    found["order_amount"] = by_customer["amount"].median()
    found["growth_per_year"] = _growth(by_order[by_order["amount"] > 0])
    return found


def _growth(by_order: pd.DataFrame) -> pd.Series:
    """Least-squares slope of ln(amount) on years, by customer."""
    customer = by_order.index.get_level_values(0)
    years = (by_order["date"] - by_order["date"].min()) / pd.Timedelta(days=365.25)
    t = years - years.groupby(customer).transform("mean")
    y = np.log(by_order["amount"])
    y = y - y.groupby(customer).transform("mean")
    square = (t**2).groupby(customer).sum()
    slope = (t * y).groupby(customer).sum() / square.where(square > 0)
    return slope.where(by_order.groupby(level=0).size() >= 6)
