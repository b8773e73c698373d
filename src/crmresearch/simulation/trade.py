"""What the firms buy and how they pay: order lines, returns and invoices."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmresearch.simulation.population import Population
from crmresearch.simulation.world import DAYS_PER_MONTH, World, stream

MAX_LINES = 3


def draw_orders(population: Population, world: World, seed: int) -> pd.DataFrame:
    """Draw every order line of the four years.

    Returns
    -------
    pd.DataFrame
        order_id, entity, day (from the world's first day), product (index), quantity (in the
        product's unit, negative for a return), price (yuan a unit), amount and cost (whole yuan,
        tax included), kind (``sale`` or ``return``); sorted by day and order_id.

    Notes
    -----
    A firm orders on its first day and then as a Poisson process with its own rate while it stays;
    one that is won back does so again. Order size is lognormal around the firm's median, which
    grows exponentially; product, price index and margin follow the firm's basket, one random walk
    for all, and the firm's margin.
    """
    rng = stream(seed, "orders")
    orders = _order_days(population.firms, world, rng)
    lines = _lines(orders, population, world, price_index(world, seed), rng)
    lines = pd.concat([lines, _returns(lines, world, rng)], ignore_index=True)
    return lines.sort_values(["day", "order_id", "product"], kind="stable", ignore_index=True)


def _order_days(firms: pd.DataFrame, world: World, rng: np.random.Generator) -> pd.DataFrame:
    back = firms.dropna(subset="won_back_day")
    stays = pd.DataFrame(
        {
            "entity": np.concatenate([firms["entity"], back["entity"]]),
            "begin": np.concatenate([firms["start_day"], back["won_back_day"]]),
            "end": np.concatenate([firms["dropout_day"], back["left_again_day"]]).clip(max=world.n_days),
        }
    )
    length = (stays["end"] - stays["begin"]).to_numpy()
    rate = firms["orders_per_month"].to_numpy()[stays["entity"]] / DAYS_PER_MONTH
    counts = 1 + rng.poisson(rate * length)
    orders = stays.loc[np.repeat(stays.index, counts)]
    first = np.zeros(len(orders), bool)
    first[np.cumsum(counts) - counts] = True
    since = np.where(first, 0.0, rng.random(len(orders)))
    day = np.floor(orders["begin"] + since * (orders["end"] - orders["begin"])).astype(int)
    orders = pd.DataFrame({"entity": orders["entity"].to_numpy(), "day": day.to_numpy()})
    orders = orders.sort_values(["day", "entity"], kind="stable", ignore_index=True)
    orders["order_id"] = "XS" + pd.Series(np.arange(1, len(orders) + 1)).astype(str).str.zfill(7)
    return orders


def _lines(
    orders: pd.DataFrame, population: Population, world: World, index: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    firms, n = population.firms, len(orders)
    who = orders["entity"].to_numpy()
    n_lines = np.minimum(1 + rng.poisson(world.extra_lines, n), MAX_LINES)
    wished = np.argsort(-(np.log(population.basket[who]) + rng.gumbel(size=(n, len(world.products)))), axis=1)
    years = (orders["day"].to_numpy() - firms["start_day"].to_numpy()[who]) / 365.25
    tonnes = firms["tonnes_per_order"].to_numpy()[who] * np.exp(firms["growth_per_year"].to_numpy()[who] * years)
    tonnes = tonnes * np.exp(rng.normal(0, world.size_sd_within, n))
    order = np.repeat(np.arange(n), n_lines)
    place = np.arange(len(order)) - np.repeat(np.cumsum(n_lines) - n_lines, n_lines)
    lines = orders.iloc[order].reset_index(drop=True)
    lines["product"] = wished[order, place]
    part = rng.uniform(0.5, 1.5, len(order))
    part /= np.bincount(order, part)[order]
    unit_tonnes = np.array([p.tonnes for p in world.products])[lines["product"]]
    wanted = tonnes[order] * part / unit_tonnes
    lines["quantity"] = np.where(unit_tonnes == 1, np.maximum(wanted.round(1), 0.1), np.maximum(wanted.round(), 1.0))
    entity = lines["entity"].to_numpy()
    list_price = np.array([p.price * p.tonnes for p in world.products])[lines["product"]]
    price = list_price * index[(lines["day"] / DAYS_PER_MONTH).astype(int)]
    price *= (1 - firms["discount"].to_numpy()[entity]) * (1 + rng.normal(0, 0.01, len(lines)))
    lines["price"] = price.round()
    lines["amount"] = (lines["quantity"] * lines["price"]).round()
    margin = firms["margin"].to_numpy()[entity] + rng.normal(0, 0.01, len(lines))
    lines["cost"] = (lines["amount"] * (1 - margin)).round()
    lines["kind"] = "sale"
    return lines


def price_index(world: World, seed: int) -> np.ndarray:
    """Price level by month, 1 in the first: a random walk of logs."""
    rng = stream(seed, "prices")
    months = int(world.n_days / DAYS_PER_MONTH) + 1
    return np.exp(np.concatenate([[0.0], rng.normal(0, world.price_sd_per_month, months - 1)]).cumsum())


def _returns(lines: pd.DataFrame, world: World, rng: np.random.Generator) -> pd.DataFrame:
    day = lines["day"] + rng.integers(3, 21, len(lines))
    back = lines[(rng.random(len(lines)) < world.return_share) & (day < world.n_days)].copy()
    share = rng.uniform(0.2, 1.0, len(back))
    whole = back["quantity"].to_numpy()
    back["quantity"] = -np.maximum(np.minimum(np.ceil(whole * share), whole), 0.1)
    back["amount"] = (back["quantity"] * back["price"]).round()
    back["cost"] = (back["cost"] * back["quantity"] / whole).round()
    back["day"] = day[back.index]
    back["order_id"] = "TH" + back["order_id"].str[2:]
    back["kind"] = "return"
    return back


def draw_payments(lines: pd.DataFrame, population: Population, world: World, seed: int) -> pd.DataFrame:
    """One invoice per order; some are paid in two parts, and what is still open has no receipt.

    Parameters
    ----------
    lines : pd.DataFrame
        As :func:`draw_orders`, with the record_id each order was booked on.

    Returns
    -------
    pd.DataFrame
        invoice_id, order_id, entity, record_id, invoice_day, due_day, paid_day (NaN: open),
        paid_amount (NaN: open).
    """
    rng = stream(seed, "payments")
    sales = lines[lines["kind"] == "sale"]
    bills = sales.groupby("order_id", sort=True).agg(
        entity=("entity", "first"),
        record_id=("record_id", "first"),
        invoice_day=("day", "first"),
        paid_amount=("amount", "sum"),
    )
    bills = bills.reset_index()
    who = bills["entity"].to_numpy()
    bills["invoice_id"] = "FP" + bills["order_id"].str[2:]
    bills["due_day"] = bills["invoice_day"] + population.firms["payment_term_days"].to_numpy()[who]
    late = rng.gamma(2.0, population.firms["mean_delay_days"].to_numpy()[who] / 2.0)
    bills["paid_day"] = np.floor(bills["due_day"] + late)
    second = bills[rng.random(len(bills)) < 0.08].copy()
    second_amount = (second["paid_amount"] * 0.4).round()
    bills.loc[second.index, "paid_amount"] -= second_amount
    second["paid_amount"] = second_amount
    second["paid_day"] += rng.integers(10, 40, len(second))
    second = second[second["paid_day"] < world.n_days]
    bills = pd.concat([bills, second]).sort_values(["invoice_day", "invoice_id"], kind="stable", ignore_index=True)
    bills.loc[bills["paid_day"] >= world.n_days, ["paid_day", "paid_amount"]] = np.nan
    return bills[["invoice_id", "order_id", "entity", "record_id", "invoice_day", "due_day", "paid_day", "paid_amount"]]
