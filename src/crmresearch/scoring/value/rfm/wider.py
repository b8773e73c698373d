"""RFM with more letters: RFM-T (time between purchases) and LRFMC (length of relationship, price level)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import Literal, get_args

import ibis
import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, UsageError, check_choice
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.value.rfm.scoring import describe_bins

Scheme = Literal["rfmt", "lrfmc"]

MEASURES = MappingProxyType(
    {
        "rfmt": {"r": "recency_days", "f": "n_orders", "m": "spend", "t": "mean_interval_days"},
        "lrfmc": {
            "l": "age_days",
            "r": "recency_days",
            "f": "n_orders",
            "m": "spend",
            "c": "price_level",
        },
    }
)
"""Scheme → letter → measure."""
_LESS_IS_BETTER = ("recency_days", "mean_interval_days")
_SOURCES = {
    "rfmt": "Zhou, Wei & Xu (2021), doi:10.1016/j.jretconser.2021.102588",
    "lrfmc": "LRFMC of airline customers: length, recency, flights, mileage, mean discount coefficient",
}


@dataclass(frozen=True, slots=True)
class WideScores:
    """Scores of every letter of a scheme.

    Attributes
    ----------
    customers : pd.DataFrame, shape (n_buyers, 1 + 2 * n_letters + 1)
        customer_id, the measures, letter_r and so on (1..bins, bins is best), and mean_score;
        best mean score first.
    cuts : pd.DataFrame, shape (n_letters * bins, 8)
        As of :class:`~.scoring.RfmScores`.
    correlation : pd.DataFrame, shape (n_pairs, 3)
        first_letter, second_letter, rank_correlation (Spearman's, of the scores): what a letter adds is what
        it does not share.
    recipe : Recipe
    """

    customers: pd.DataFrame
    cuts: pd.DataFrame
    correlation: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The bins of each measure beyond R, F and M, the correlations, and the best customers."""
        known = self.cuts["measure"].isin(["recency_days", "n_orders", "spend"])
        return (
            Exhibit("wide_cuts", self.cuts[~known].reset_index(drop=True), notes=("rfm_quantile_ties",)),
            Exhibit("wide_correlation", self.correlation),
            Exhibit("wide_customers", self.customers, rows_shown=8),
        )

    def findings(self) -> tuple[Finding, ...]:
        """The two letters that say most nearly the same, and the customers scored."""
        nearest = self.correlation.loc[self.correlation["rank_correlation"].abs().idxmax()]
        values = {"scheme": self.recipe.options["rfm_scheme"], "n": len(self.customers)}
        values |= {"first": nearest["first_letter"], "second": nearest["second_letter"]}
        values["r"] = float(nearest["rank_correlation"])
        return (Finding("wide_scores", values),)


def score_wider(
    summary: pd.DataFrame,
    *,
    scheme: Scheme = "rfmt",
    bins: int = 5,
    orders: ibis.Table | None = None,
    as_of: dt.date | None = None,
) -> WideScores:
    """Score customers by RFM-T or LRFMC.

    Parameters
    ----------
    summary : pd.DataFrame
        Customer summary (see :func:`~crmresearch.scoring.value.summarise_orders`); customers without a
        purchase are left out.
    scheme : {"rfmt", "lrfmc"}
        R, F, M and the mean days between purchases (a customer with one purchase day counts as the
        worst); or length of the relationship, R, F, M and the price level paid.
    bins : int
        Scores per letter, 2 to 9, by quantiles; equal values get equal scores.
    orders : ibis.Table | None
        Order lines, which the price level comes from; only LRFMC needs them.
    as_of : dt.date | None
        Last observed day, for the price level.

    Raises
    ------
    RefusedError
        Fewer buyers than bins, a measure that is the same for all of them, or, for LRFMC, no order line
        with product, quantity and amount.
    UsageError
        An unknown scheme, or bins out of range.

    Notes
    -----
    Price level: the sum of a customer's amounts over the sum of the same quantities at the median unit
    price that all customers paid for the product in that month; 1 is the usual price, below it a discount. A
    customer without such a line counts as the usual price.
    """
    where = "score_wider"
    check_choice("scheme", scheme, get_args(Scheme), where=where)
    if not 2 <= bins <= 9:
        raise UsageError(f"bins={bins} is out of range", where=where, repair="Use 2 to 9.")
    measures = MEASURES[scheme]
    buyers = summary[summary["n_purchase_days"] > 0].sort_values("customer_id", kind="stable")
    if len(buyers) < bins:
        raise RefusedError(
            f"{len(buyers)} customers cannot fill {bins} bins",
            where=scheme,
            repair="Use fewer bins or a longer window.",
        )
    if "price_level" in measures.values():
        if orders is None or as_of is None:
            raise UsageError("LRFMC needs orders and as_of", where=where, repair="Pass both.")
        level = price_levels(orders, as_of=as_of).reindex(buyers["customer_id"]).fillna(1.0)
        buyers = buyers.assign(price_level=level.to_numpy())
    customers = buyers[["customer_id", *measures.values()]].reset_index(drop=True)
    for letter, column in measures.items():
        goodness = customers[column].to_numpy(dtype=float)
        goodness = -np.nan_to_num(goodness, nan=np.inf) if column in _LESS_IS_BETTER else goodness
        if (goodness == goodness[0]).all():
            raise RefusedError(
                f"all customers have the same {column!r}, which tells none from another",
                where=scheme,
                repair="Choose a longer window, or another scheme.",
            )
        n_worse = np.searchsorted(np.sort(goodness), goodness, side="left")
        customers[f"letter_{letter}"] = (1 + bins * n_worse // len(goodness)).astype(int)
    scores = customers[[f"letter_{letter}" for letter in measures]]
    customers["mean_score"] = scores.mean(axis=1)
    r = scores.corr(method="spearman").to_numpy()
    pairs = [(a.upper(), b.upper(), r[i, j]) for (i, a), (j, b) in combinations(enumerate(measures), 2)]
    correlation = pd.DataFrame(pairs, columns=["first_letter", "second_letter", "rank_correlation"])
    named = {f"letter_{letter}": column for letter, column in measures.items()}
    cuts = describe_bins(customers.assign(code="scored"), named, bins)
    order = ["mean_score", "spend", "customer_id"]
    customers = customers.sort_values(order, ascending=[False, False, True], ignore_index=True)
    options = {"rfm_scheme": scheme, "bins": bins, "method": "quantile", "ties": "equal_values_share_the_lower_bin"}
    return WideScores(customers, cuts, correlation, Recipe("wider_rfm", options, _SOURCES[scheme]))


def price_levels(orders: ibis.Table, *, as_of: dt.date) -> pd.Series:
    """Price level each customer paid (1 is usual), by customer_id; see :func:`score_wider`.

    Raises
    ------
    RefusedError
        No line up to ``as_of`` has product, quantity and amount.
    """
    if {"product", "quantity", "amount"} <= set(orders.columns):
        lines = orders.filter(
            (orders.date <= as_of) & (orders.quantity > 0) & (orders.amount > 0) & orders["product"].notnull()
        )
        lines = lines.select(
            "customer_id",
            quantity=lines.quantity.cast("float64"),
            amount=lines.amount.cast("float64"),
            good=lines["product"].cast("string")
            + (ibis.coalesce(lines.unit.cast("string"), "") if "unit" in lines.columns else ""),
            month=lines.date.year() * 12 + lines.date.month(),
        )
        usual = lines.group_by(["good", "month"]).agg(usual=(lines.amount / lines.quantity).median())
        priced = lines.join(usual, ["good", "month"])
        levels = priced.group_by("customer_id").agg(level=priced.amount.sum() / (priced.quantity * priced.usual).sum())
        found = levels.order_by("customer_id").to_pandas()
        if len(found):
            return found.set_index("customer_id")["level"]
    raise RefusedError(
        "no order line has product, quantity and amount, so no price level is known",
        where="LRFMC",
        repair="Use the scheme 'rfmt', or give the orders products and quantities.",
    )
