"""Which products customers hold: holding ratio, penetration against target, white space by customer and product."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, UsageError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.shares import wilson

MOST_PRODUCTS = 500


@dataclass(frozen=True, slots=True)
class Holdings:
    """Products held, and not held, by customers of a window.

    Attributes
    ----------
    customers : pd.DataFrame, shape (n_customers, 4)
        customer_id, n_held, holding_ratio (of the relevant products), product_spend; most held first.
    products : pd.DataFrame, shape (n_products, 8)
        product, n_holders, penetration, penetration_low, penetration_high (Wilson), target_share, target_gap (target
        less penetration), product_spend; by penetration.
    white_space : pd.DataFrame, shape (n_cells, 6)
        customer_id, product, n_peers (customers of the same group), peer_penetration (shrunken), basket_ratio (what
        peers who hold it spend on it per unit of their other spend, median), expected_spend_new (penetration × ratio ×
        the customer's spend); one row for each product a customer does not hold, largest first.
    distribution : pd.DataFrame, shape (n_products + 1, 2)
        n_held, n_customers.
    matrix : pd.DataFrame, shape (n_groups, n_products)
        Penetration by group and product, in the order of ``products``; one row "all_customers" without groups.
    recipe : Recipe
    """

    customers: pd.DataFrame
    products: pd.DataFrame
    white_space: pd.DataFrame
    distribution: pd.DataFrame
    matrix: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Penetration, number of products, white space."""
        return (
            Exhibit("product_penetration", self.products, notes=("penetration_target",), rows_shown=20),
            Exhibit("products_held", self.distribution),
            Exhibit("white_space", self.white_space, notes=("white_space_rule",), rows_shown=12),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Mean holding, products below target, where the white space lies."""
        held, products = self.customers["n_held"], self.products
        behind = products[products["target_gap"] > 0]
        space = self.white_space.groupby("product")["expected_spend_new"].sum().sort_values(ascending=False)
        values = {
            "mean": float(held.mean()),
            "ratio": float(self.customers["holding_ratio"].mean()),
            "n_products": len(products),
            "n": len(held),
            "one": float((held == 1).mean()),
        }
        found = [Finding("product_holding", values)]
        if products["target_share"].notna().any():
            below = behind.loc[behind["penetration_high"] < behind["target_share"], "product"].tolist()
            found.append(Finding("penetration_below_target", {"k": len(below), "n_products": len(products)}))
        if len(space):
            total = float(space.sum())
            most = {"product": {"en": space.index[0], "zh": space.index[0]}, "share": float(space.iloc[0] / total)}
            found.append(Finding("white_space", most | {"total": total, "cells": len(self.white_space)}))
        return tuple(found)


def score_holdings(
    orders: ibis.Table,
    *,
    as_of: dt.date,
    start: dt.date,
    products: Sequence[str] = (),
    target: float | None = None,
    groups: pd.Series | None = None,
    prior_customers: float = 10.0,
) -> Holdings:
    """Measure which products customers hold, and where there is room for more.

    Parameters
    ----------
    orders : ibis.Table
        ``customer_id``, ``date``, ``product``, ``amount``; lines without a product are left out.
    as_of, start : datetime.date
        Last and first day of the window. A product is held if the customer's net spend on it there is above 0.
    products : Sequence[str]
        The relevant products; empty takes all that anybody bought in the window.
    target : float | None
        Penetration aimed at for every product, 0 to 1.
    groups : pd.Series | None
        Group of each customer (industry, segment), by customer_id: peers are customers of the same group. None takes
        all as peers.
    prior_customers : float
        A group's penetration is shrunken as if this many customers with all customers' penetration stood beside it.

    Returns
    -------
    Holdings

    Raises
    ------
    RefusedError
        No product is recorded, only one is relevant, or more than 500 are.
    UsageError
        A target out of range, or a relevant product nobody bought.

    Notes
    -----
    White space ranks offers; it is no forecast. ``expected_spend_new`` says what the customer would spend if it came
    to hold the product as often, and spend on it as much, as its peers.
    """
    if target is not None and not 0 < target <= 1:
        raise UsageError(f"target={target}", where="score_holdings", repair="Use a share.")
    spend = _spend_by_product(orders, start, as_of, products)
    names = spend.columns.to_numpy()
    held = spend.to_numpy() > 0
    spend = spend[held.any(axis=1)]
    held, amount = held[held.any(axis=1)], spend.clip(lower=0).to_numpy()
    n = len(spend)
    penetration, low, high = wilson(held.sum(axis=0), n)
    order = np.lexsort((names, -penetration))
    goal = np.nan if target is None else target
    table = pd.DataFrame(
        {
            "product": names,
            "n_holders": held.sum(axis=0),
            "penetration": penetration,
            "penetration_low": low,
            "penetration_high": high,
            "target_share": goal,
            "target_gap": goal - penetration,
            "product_spend": amount.sum(axis=0),
        }
    )
    table = table.iloc[order].reset_index(drop=True)
    ids = spend.index.to_numpy(dtype=object)
    group = pd.Series("all_customers", index=ids) if groups is None else pd.Series(ids, index=ids).map(groups)
    group = group.astype("str").where(group.notna(), "ungrouped")
    code, labels = pd.factorize(group, sort=True)
    of_group = np.array([held[code == g].mean(axis=0) for g in range(len(labels))])
    size = np.bincount(code)
    shrunken = (of_group * size[:, None] + prior_customers * penetration) / (size[:, None] + prior_customers)
    ratio = np.array([_basket_ratio(amount[code == g], held[code == g]) for g in range(len(labels))])
    ratio = np.where(np.isnan(ratio), _basket_ratio(amount, held), ratio)
    row, column = np.nonzero(~held)
    space = pd.DataFrame(
        {
            "customer_id": ids[row],
            "product": names[column],
            "n_peers": size[code[row]] - 1,
            "peer_penetration": shrunken[code[row], column],
            "basket_ratio": ratio[code[row], column],
        }
    )
    space["expected_spend_new"] = space["peer_penetration"] * space["basket_ratio"] * amount.sum(axis=1)[row]
    space = space.sort_values(
        ["expected_spend_new", "customer_id", "product"], ascending=[False, True, True], ignore_index=True
    )
    n_held = held.sum(axis=1)
    customers = pd.DataFrame(
        {
            "customer_id": ids,
            "n_held": n_held,
            "holding_ratio": n_held / len(names),
            "product_spend": amount.sum(axis=1),
        }
    ).sort_values(["n_held", "product_spend", "customer_id"], ascending=[False, False, True], ignore_index=True)
    counts = np.bincount(n_held, minlength=len(names) + 1)
    options = {
        "start": str(start),
        "as_of": str(as_of),
        "n_products": len(names),
        "target_share": target,
        "grouped": groups is not None,
        "prior_customers": prior_customers,
    }
    return Holdings(
        customers,
        table,
        space,
        pd.DataFrame({"n_held": np.arange(len(counts)), "n_customers": counts})[1:].reset_index(drop=True),
        pd.DataFrame(of_group, index=pd.Index(labels, name="group"), columns=names)[table["product"]],
        Recipe("product_holding", options),
    )


def _spend_by_product(orders: ibis.Table, start: dt.date, as_of: dt.date, products: Sequence[str]) -> pd.DataFrame:
    """Net spend, customers by products."""
    where = "product holding"
    if "product" not in orders.columns:
        raise RefusedError("orders have no product", where=where, repair="Map the column product in case.yaml.")
    lines = orders.filter(orders.date >= start, orders.date <= as_of, orders.product.notnull())
    if products:
        lines = lines.filter(lines.product.isin(list(products)))
    found = lines.group_by("customer_id", "product").agg(amount=lines.amount.sum().cast("float64")).to_pandas()
    if missing := sorted(set(products) - set(found["product"])):
        raise UsageError(f"nobody bought {missing[0]!r}", where=where, repair="Name products of the order lines.")
    if not 2 <= found["product"].nunique() <= MOST_PRODUCTS:
        raise RefusedError(
            f"{found['product'].nunique():,} products",
            where=where,
            repair=f"Between 2 and {MOST_PRODUCTS} can be compared; use product groups, or name the relevant products.",
        )
    wide = found.pivot(index="customer_id", columns="product", values="amount").fillna(0.0)
    return wide.sort_index().sort_index(axis=1)


def _basket_ratio(amount: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Median over holders of what they spend on a product per unit of their other spend; NaN without holders."""
    other = amount.sum(axis=1, keepdims=True) - amount
    ratio = np.full(held.shape, np.nan)
    np.divide(amount, other, out=ratio, where=held & (other > 0))
    known = ~np.isnan(ratio).all(axis=0)
    median = np.full(held.shape[1], np.nan)
    median[known] = np.nanmedian(ratio[:, known], axis=0)
    return median
