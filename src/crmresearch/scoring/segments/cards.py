"""Segment cards: what the records say of the eight attributes of each segment's needs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.segments.measures import days_to_payment, last_moment
from crmresearch.scoring.segments.profiles import Segmented

ATTRIBUTES = ("content", "time", "place", "stated_reason", "batch_size", "price", "buying_frequency", "payment")
"""The eight attributes of a customer's need, in the order of the card."""


@dataclass(frozen=True, slots=True)
class SegmentCards:
    """What the records say of each segment's needs.

    Attributes
    ----------
    cards : pd.DataFrame, shape (k * n_rows, 8)
        segment, need_attribute, evidence (what was looked at; "not_observed" where nothing was), n (customers
        with that evidence), typical (commonest answer; missing for numbers), share_typical (of the
        segment's customers who have it as their own commonest), median_level (median of the customers; missing for
        words), base (the same share or median of all customers).
    recipe : Recipe
    """

    cards: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """One card a segment, below one another."""
        return (Exhibit("segment_cards", self.cards, notes=("cards_reading",)),)

    def findings(self) -> tuple[Finding, ...]:
        """How many of the eight attributes the records show."""
        seen = self.cards.loc[self.cards["evidence"] != "not_observed", "need_attribute"].unique()
        missing = [name for name in ATTRIBUTES if name not in seen]
        if missing:
            return (Finding("cards_partly", {"n": len(seen), "missing": missing}),)
        return (Finding("cards_complete", {"n": len(seen)}),)


def build_cards(
    segmentation: Segmented,
    *,
    orders: pd.DataFrame | None = None,
    customers: pd.DataFrame | None = None,
    payments: pd.DataFrame | None = None,
    reasons: pd.DataFrame | None = None,
    columns: Sequence[str] = (),
    as_of: dt.date | None = None,
) -> SegmentCards:
    """Fill a card for each segment with what the records show of the eight attributes of need.

    Parameters
    ----------
    segmentation : Segmentation or RuleSegments
    orders : pd.DataFrame, optional
        Order lines: customer_id, date, amount and, where known, order_id, product, quantity, price.
        Returns (amount below 0) are left out.
    customers : pd.DataFrame, optional
        With customer_id, as a column or the index: ``region`` (place), ``payment_method`` (payment).
    payments : pd.DataFrame, optional
        customer_id, invoice_date, paid_date: days to payment.
    reasons : pd.DataFrame, optional
        Indexed by customer_id: stated needs, one column of 0 and 1 each; what most of a segment state.
    columns : Sequence[str]
        ``attribute=column`` of ``customers`` for further evidence, beyond that above.
    as_of : datetime.date, optional
        Lines and receipts after it are left out; None keeps all.

    Returns
    -------
    SegmentCards
        An attribute of which nothing is recorded says so; it is never filled in.

    Raises
    ------
    RefusedError
        There are no segments, ``columns`` names no attribute or no column, or nothing is given at all.
    """
    if segmentation.k < 1:
        raise RefusedError("there are no segments to describe", where="build_cards")
    pairs = dict(pair.partition("=")[::2] for pair in columns)
    for name, column in pairs.items():
        if name not in ATTRIBUTES or customers is None or column not in customers:
            raise RefusedError(
                f"no attribute {name!r} or no column {column!r}",
                where="build_cards",
                repair=f"Attributes: {', '.join(ATTRIBUTES)}.",
            )
    if customers is not None and "customer_id" in customers:
        customers = customers.set_index("customer_id")
    segments = segmentation.segments
    segments = segments[segments > 0]
    facts = _facts(orders, customers, payments, reasons, pairs, last_moment(as_of))
    if not facts:
        raise RefusedError(
            "no records to fill the cards from", where="build_cards", repair="Give orders, customers or payments."
        )
    rows: list[tuple[object, ...]] = []
    for segment in range(1, segmentation.k + 1):
        own = segments.index[segments == segment]
        for attribute in ATTRIBUTES:
            found = [
                _row(segment, attribute, evidence, values, segments.index, own)
                for (known, evidence), values in facts.items()
                if known == attribute
            ]
            rows += found or [(segment, attribute, "not_observed", 0, None, np.nan, np.nan, np.nan)]
    names = ["segment", "need_attribute", "evidence", "n", "typical", "share_typical", "median_level", "base"]
    return SegmentCards(
        cards=pd.DataFrame(rows, columns=names),
        recipe=Recipe("segment_cards", {"evidence_rows": len(facts), "summary": "median_of_customers"}),
    )


def _row(
    segment: int, attribute: str, evidence: str, values: pd.Series, everyone: pd.Index, own: pd.Index
) -> tuple[object, ...]:
    base, mine = values.reindex(everyone).dropna(), values.reindex(own).dropna()
    if not len(mine):
        return segment, attribute, evidence, 0, None, np.nan, np.nan, np.nan
    if pd.api.types.is_numeric_dtype(values.dtype):
        return segment, attribute, evidence, len(mine), None, np.nan, float(mine.median()), float(base.median())
    counts = mine.value_counts()
    commonest = sorted(counts.index[counts == counts.max()])[0]
    share, of_all = float((mine == commonest).mean()), float((base == commonest).mean())
    return segment, attribute, evidence, len(mine), str(commonest), share, np.nan, of_all


def _facts(
    orders: pd.DataFrame | None,
    customers: pd.DataFrame | None,
    payments: pd.DataFrame | None,
    reasons: pd.DataFrame | None,
    columns: dict[str, str],
    last: pd.Timestamp,
) -> dict[tuple[str, str], pd.Series]:
    """(attribute, evidence) → one value a customer."""
    facts: dict[tuple[str, str], pd.Series] = {}
    if orders is not None:
        facts |= _order_facts(orders[(orders["amount"] >= 0) & (orders["date"] <= last)])
    if customers is not None:
        for attribute, column in {"place": "region", "payment": "payment_method", **columns}.items():
            if column in customers and customers[column].notna().any():
                facts[attribute, column] = customers[column].dropna()
    if reasons is not None:
        facts["stated_reason", "stated_need"] = _first_need(reasons)
    if payments is not None and payments["paid_date"].notna().any():
        facts["payment", "days_to_payment"] = days_to_payment(payments, last).dropna()
    return facts


def _order_facts(orders: pd.DataFrame) -> dict[tuple[str, str], pd.Series]:
    customer, facts = orders["customer_id"], {}
    amount = orders["amount"].astype(float)
    each = orders["order_id"] if "order_id" in orders and orders["order_id"].notna().all() else orders["date"]
    by_order = [customer, each]
    if "product" in orders and orders["product"].notna().any():
        facts["content", "main_product"] = _main(customer, orders["product"], amount)
        facts["content", "n_products"] = orders.groupby("customer_id")["product"].nunique().astype(float)
    month = orders["date"].dt.month.astype(float)
    facts["time", "main_month"] = _main(customer, month.astype(int).astype(str).str.zfill(2), amount)
    facts["time", "share_in_main_quarter"] = _top_share(customer, orders["date"].dt.quarter, amount)
    if "quantity" in orders and orders["quantity"].notna().any():
        facts["batch_size", "quantity_per_order"] = _median(orders["quantity"].astype(float).groupby(by_order).sum())
    facts["batch_size", "amount_per_order"] = _median(amount.groupby(by_order).sum())
    if "price" in orders and orders["price"].notna().any():
        facts["price", "price_paid"] = orders["price"].astype(float).groupby(customer).median()
        if "product" in orders:
            list_price = orders["price"].astype(float).groupby([orders["product"], orders["date"].dt.to_period("Q")])
            relative = orders["price"].astype(float) / list_price.transform("median")
            facts["price", "price_to_market"] = relative.groupby(customer).median()
    elif "quantity" in orders and orders["quantity"].notna().any():
        unit = amount / orders["quantity"].astype(float).where(orders["quantity"].astype(float) > 0)
        facts["price", "amount_per_unit"] = unit.groupby(customer).median().dropna()
    dates = orders.groupby("customer_id")["date"]
    span = (dates.max() - dates.min()).dt.days
    visits = orders.drop_duplicates(["customer_id", "date"]).groupby("customer_id").size()
    facts["buying_frequency", "purchase_days"] = visits.astype(float)
    facts["buying_frequency", "days_between"] = (span / (visits - 1)).where(visits > 1).dropna()
    return {key: values for key, values in facts.items() if len(values)}


def _median(by_order: pd.Series) -> pd.Series:
    return by_order.groupby(level=0).median()


def _main(customer: pd.Series, what: pd.Series, amount: pd.Series) -> pd.Series:
    """What each customer spends most on; equal sums take the first in order of name."""
    total = amount.groupby([customer, what]).sum().rename_axis(["customer_id", "what"]).reset_index()
    total = total.sort_values(["customer_id", "amount", "what"], ascending=[True, False, True], kind="stable")
    return total.drop_duplicates("customer_id").set_index("customer_id")["what"]


def _top_share(customer: pd.Series, what: pd.Series, amount: pd.Series) -> pd.Series:
    total = amount.groupby([customer, what]).sum()
    whole = total.groupby(level=0).sum()
    return (total.groupby(level=0).max() / whole.where(whole > 0)).dropna()


def _first_need(reasons: pd.DataFrame) -> pd.Series:
    """The need stated first (largest value); customers who state none are left out."""
    stated = reasons.astype("Float64").astype(float)
    stated = stated[stated.max(axis=1) > 0]
    return stated.groupby(level=0).mean().idxmax(axis=1)
