"""Lifetime value in its parts: current, and of the future repeat, cross and up purchases and referrals.

What the data do not show is said to be not observed; it is never a zero.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.resampling import bootstrap_interval
from crmresearch.scoring.value.clv.prediction import LifetimeValue
from crmresearch.scoring.value.contributions import Contributions

PARTS = ("current_part", "repeat_part", "cross_part", "up_part", "referral_part")
"""Current value, then the four parts of future profit (重复购买、交叉购买、向上购买、推荐新客户)."""


@dataclass(frozen=True, slots=True)
class ValueParts:
    """Lifetime value of all customers, part by part.

    Attributes
    ----------
    parts : pd.DataFrame, shape (5, 5)
        part, evidence (is_observed, modelled, carried_forward, not_observed), part_value, part_low, part_high. A part
        not observed has no value.
    rates : pd.DataFrame, shape (2, 4)
        part (cross_part, up_part), rate, conf_low, conf_high: spend in the last window beyond what the same number of
        purchase days brought before, per unit of the latter. Empty without products.
    customers : pd.DataFrame, shape (n_customers, 4)
        customer_id, current_value, future_value (the repeat part), clv (their sum).
    recipe : Recipe
    """

    parts: pd.DataFrame
    rates: pd.DataFrame
    customers: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Parts, rates and the customers of highest value."""
        ranked = self.customers.sort_values(["clv", "customer_id"], ascending=[False, True], ignore_index=True)
        return (
            Exhibit("clv_parts", self.parts, notes=("clv_not_observed", "clv_parts_carried")),
            *((Exhibit("clv_part_rates", self.rates),) if len(self.rates) else ()),
            Exhibit("clv_customers", ranked, rows_shown=10),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Current and future value, and which parts are not observed."""
        part = self.parts.set_index("part")
        observed = part["part_value"].notna()
        values = {
            "current": float(part.loc["current_part", "part_value"]),
            "repeat": float(part.loc["repeat_part", "part_value"]),
            "low": float(part.loc["repeat_part", "part_low"]),
            "high": float(part.loc["repeat_part", "part_high"]),
            "missing": [name for name in PARTS if not observed[name]],
        }
        return (Finding("clv_parts" if values["missing"] else "clv_parts_all", values),)


def decompose_value(
    value: LifetimeValue,
    current: Contributions,
    orders: ibis.Table,
    *,
    as_of: dt.date,
    window_days: int,
    rng: np.random.Generator,
    n_resamples: int = 500,
) -> ValueParts:
    """Set out lifetime value as current value and the parts of future value.

    Parameters
    ----------
    value : LifetimeValue
        Of repeat purchases to come.
    current : Contributions
        Of all orders up to ``as_of``; ``compounded`` is the current value (contribution to date at the rate used).
    orders : ibis.Table
        ``customer_id``, ``date``, ``amount`` and, where known, ``product``.
    as_of : datetime.date
    window_days : int
        Length of the last window, over which cross and up purchases are observed.
    rng : np.random.Generator
    n_resamples : int
        Of customers, for the intervals of the rates.

    Returns
    -------
    ValueParts

    Notes
    -----
    For customers who bought before the window and in it, let d be purchase days in the window and m spend per purchase
    day before it. Then Σ d m is what their purchases would have brought at the old level. Cross is the window's spend
    on products new to the customer, up the rest of the difference, spend on known products less Σ d m: below 0 where
    new products replace known ones. The rates cross / Σ d m and up / Σ d m are carried forward over the horizon onto
    the repeat part, so that the three sum to repeat times the growth of spend per purchase day. That the last
    window's rates go on is an assumption. Referrals need a link from a new customer to who sent it; no canonical table
    holds one, so the part is not observed.
    """
    residual = value.customers[["customer_id", "residual_value"]].rename(columns={"residual_value": "future_value"})
    now = current.customers[["customer_id", "compounded"]].rename(columns={"compounded": "current_value"})
    customers = now.merge(residual, on="customer_id", how="left", validate="one_to_one").fillna({"future_value": 0.0})
    customers["clv"] = customers["current_value"] + customers["future_value"]
    _, _, repeat, low, high = value.total.iloc[0].tolist()
    rows = [
        ("current_part", "is_observed", float(customers["current_value"].sum()), np.nan, np.nan),
        ("repeat_part", "modelled", repeat, low, high),
    ]
    rates = _growth(orders, as_of, window_days, rng, n_resamples)
    for part, rate, rate_low, rate_high in rates.itertuples(index=False):
        rows.append((part, "carried_forward", repeat * rate, repeat * rate_low, repeat * rate_high))
    missing = [part for part in PARTS if part not in {row[0] for row in rows}]
    rows += [(part, "not_observed", np.nan, np.nan, np.nan) for part in missing]
    columns = ["part", "evidence", "part_value", "part_low", "part_high"]
    parts = pd.DataFrame(rows, columns=columns).set_index("part").loc[list(PARTS)].reset_index()
    options = {**value.recipe.options, "window_days": window_days, "n_resamples": n_resamples}
    return ValueParts(parts, rates, customers, Recipe("clv_parts", options))


def _growth(
    orders: ibis.Table, as_of: dt.date, window_days: int, rng: np.random.Generator, n_resamples: int
) -> pd.DataFrame:
    """Rates of cross and up purchases in the last window; no rows where products are not recorded."""
    names = ["part", "rate", "conf_low", "conf_high"]
    if "product" not in orders.columns:
        return pd.DataFrame(columns=names)
    start = as_of - dt.timedelta(days=window_days - 1)
    lines = orders.filter(orders.date <= as_of, orders.product.notnull())
    recent = lines.date >= ibis.literal(start)
    lines = lines.mutate(recent=recent, day=lines.date.cast("date"))
    by_product = lines.group_by("customer_id", "product").agg(
        before=lines.amount.sum(where=~lines.recent).cast("float64").fill_null(0.0),
        bought_before=(~lines.recent & (lines.amount >= 0)).sum(),
        within=lines.amount.sum(where=lines.recent).cast("float64").fill_null(0.0),
    )
    known = by_product.bought_before > 0
    spends = by_product.group_by("customer_id").agg(
        before=by_product.before.sum(),
        same=by_product.within.sum(where=known).fill_null(0.0),
        new=by_product.within.sum(where=~known).fill_null(0.0),
    )
    sales = lines.filter(lines.amount >= 0)
    days = sales.group_by("customer_id").agg(
        days_before=sales.day.nunique(where=~sales.recent), days_within=sales.day.nunique(where=sales.recent)
    )
    table = spends.inner_join(days, "customer_id").order_by("customer_id").to_pandas()
    table = table[(table["days_before"] > 0) & (table["days_within"] > 0)]
    old = (table["before"] / table["days_before"] * table["days_within"]).to_numpy()
    new, same = table["new"].to_numpy(), table["same"].to_numpy()
    if len(table) < 2 or old.sum() <= 0:
        return pd.DataFrame(columns=names)

    def rates(rows: np.ndarray) -> np.ndarray:
        base = old[rows].sum(axis=1)
        beyond = np.column_stack([new[rows].sum(axis=1), same[rows].sum(axis=1) - base])
        return beyond / np.where(base > 0, base, np.nan)[:, None]

    low, high = bootstrap_interval(rates, len(table), rng=rng, resamples=n_resamples)
    at = rates(np.arange(len(table))[None])[0]
    return pd.DataFrame({"part": ["cross_part", "up_part"], "rate": at, "conf_low": low, "conf_high": high})
