"""What orders say of each customer in a window: profit, continuity, gaps, growth, product holding."""

from __future__ import annotations

import datetime as dt

import ibis
import numpy as np
import pandas as pd

_MONTHS_A_YEAR = 12


def summarise_trading(orders: ibis.Table, *, as_of: dt.date, window_days: int | None = None) -> pd.DataFrame:
    r"""One row per customer with an order up to ``as_of``, from order lines, in two queries.

    Parameters
    ----------
    orders : ibis.Table
        Canonical order lines: customer_id, date, amount; product, cost and profit where known.
    as_of : dt.date
        Last observed day; later lines are not looked at.
    window_days : int | None
        Days up to ``as_of`` that count; None counts all.

    Returns
    -------
    pd.DataFrame, indexed by customer_id
        spend (net of returns), known_profit, known_amount (of lines with a profit, or a cost), n_orders
        (lines bought), months (from the later of first purchase and window's begin, to ``as_of``),
        active_months (with a purchase), slope (of net monthly amounts, per month), mean_month,
        slope_variance, n_gaps, gap_mean, gap_std (days between purchase days), longest_gap (days, the
        open one to ``as_of`` included), n_products (bought), n_offered (products anybody bought). A customer
        without a purchase in the window has zeros and missing values.

    Notes
    -----
    With monthly amounts :math:`y_t`, :math:`t = 0 … T - 1`, months without a purchase counting 0, the
    slope is :math:`(\sum t y - \bar t \sum y) / S`, :math:`S = T (T^2 - 1) / 12`, and its variance the
    residual variance over :math:`S`.
    """
    lines = orders.filter(orders.date <= as_of)
    first = lines.filter(lines.amount >= 0).group_by("customer_id").agg(first_date=lambda t: t.date.min())
    begin = as_of - dt.timedelta(days=window_days - 1) if window_days else None
    within = lines.filter(lines.date >= begin) if begin else lines
    known = ibis.literal(None, type="float64")
    if "cost" in within.columns:
        known = (within.amount - within.cost).cast("float64")
    if "profit" in within.columns:
        known = ibis.coalesce(within.profit.cast("float64"), known)
    amount = within.amount.cast("float64")
    product = within.product if "product" in within.columns else ibis.literal(None, type="string")
    within = within.select(
        "customer_id", "date", amount=amount, known=known, bought=within.amount >= 0, product=product
    )
    month = within.date.year() * _MONTHS_A_YEAR + within.date.month()
    totals = within.group_by("customer_id").agg(
        spend=within.amount.sum(),
        known_profit=within.known.sum(),
        known_amount=within.amount.sum(where=within.known.notnull()),
        n_orders=within.bought.sum(),
        n_products=within.product.nunique(where=within.bought & (within.amount > 0)),
    )
    monthly = within.mutate(month=month).group_by(["customer_id", "month"])
    monthly = monthly.agg(y=within.amount.sum(), active=within.bought.any())
    end = as_of.year * _MONTHS_A_YEAR + as_of.month
    moments = monthly.group_by("customer_id").agg(
        active_months=monthly.active.sum(),
        y=monthly.y.sum(),
        yy=(monthly.y * monthly.y).sum(),
        back=(monthly.y * (end - monthly.month)).sum(),
    )
    days = within.filter(within.bought).select("customer_id", "date").distinct()
    previous = days.date.lag().over(ibis.window(group_by="customer_id", order_by="date"))
    gaps = days.mutate(gap=days.date.delta(previous, unit="day").cast("float64"))
    gaps = gaps.group_by("customer_id").agg(
        last_date=gaps.date.max(),
        n_gaps=gaps.gap.count(),
        gap_mean=gaps.gap.mean(),
        gap_std=gaps.gap.std(how="sample"),
        widest=gaps.gap.max(),
    )
    joined = first.left_join(totals, "customer_id").drop("customer_id_right")
    joined = joined.left_join(moments, "customer_id").drop("customer_id_right")
    joined = joined.left_join(gaps, "customer_id").drop("customer_id_right")
    table = joined.order_by("customer_id").to_pandas().set_index("customer_id")
    offered = within.filter(within.bought).aggregate(n=within.product.nunique()).to_pandas()["n"][0]
    return _finish(table, as_of, begin, int(offered))


def _finish(table: pd.DataFrame, as_of: dt.date, begin: dt.date | None, offered: int) -> pd.DataFrame:
    since = pd.to_datetime(table["first_date"])
    if begin:
        since = since.clip(lower=pd.Timestamp(begin))
    months = (as_of.year - since.dt.year) * _MONTHS_A_YEAR + as_of.month - since.dt.month + 1
    counts = ["spend", "known_profit", "known_amount", "n_orders", "n_products", "active_months", "n_gaps"]
    table = table.assign(months=months).fillna(dict.fromkeys([*counts, "y", "yy", "back"], 0.0))
    T = months.to_numpy(dtype=float)
    y, yy = table["y"].to_numpy(dtype=float), table["yy"].to_numpy(dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = T * (T**2 - 1) / 12
        # t = T - 1 - months back, so the sum of t·y is (T - 1)·sum y - sum of back·y
        slope = ((T - 1) / 2 * y - table["back"].to_numpy(dtype=float)) / size
        residual = np.maximum(yy - y**2 / T - slope**2 * size, 0.0)
        variance = np.where(T > 2, residual / (T - 2) / size, np.nan)
    last = pd.to_datetime(table["last_date"])
    open_gap = (pd.Timestamp(as_of) - last).dt.days.astype(float)
    result = table[[*counts, "months", "gap_mean", "gap_std"]].astype(float)
    result["slope"], result["slope_variance"] = np.where(T > 2, slope, np.nan), variance
    result["mean_month"] = y / T
    result["longest_gap"] = np.fmax(table["widest"].to_numpy(dtype=float, na_value=np.nan), open_gap)
    result["n_offered"] = float(offered)
    return result
