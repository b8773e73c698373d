"""Answers beside later behaviour: one row a customer, everything counted from the day it was asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe

_FEWEST = 10
_DAY = pd.Timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LinkedCustomers:
    """Customers with their answers and what they bought before and after.

    Attributes
    ----------
    customers : pd.DataFrame, one row per linked customer
        customer_id; the constructs (means of its respondents); n_respondents; asked (first day);
        tenure_days (first purchase to that day); purchases_before, spend_before (over the horizon up to that
        day); purchases_after, spend_after (over the horizon from the next day; missing where the data end
        earlier); bought_again (0 or 1; missing likewise); log_spend_before, log_spend_after (of 1 + spend);
        followed_days (asked to the last purchase, or to the last observed day where the customer has not
        left; at least half a day), left (1: silent on the last observed day). Both are missing where the
        customer was silent already when it was asked: whoever had left before cannot leave afterwards.
    coverage : pd.DataFrame, shape (n_steps, 2)
        measure, count: how many respondents and customers the link holds and loses.
    behaviour : pd.DataFrame, shape (n_measures, 5)
        measure, n, mean, median, sd of the customers' behaviour.
    recipe : Recipe
    """

    customers: pd.DataFrame
    coverage: pd.DataFrame
    behaviour: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Coverage and behaviour."""
        return (
            Exhibit("link_coverage", self.coverage, notes=("link_rule",)),
            Exhibit("link_behaviour", self.behaviour, notes=("link_window",)),
        )

    def findings(self) -> tuple[Finding, ...]:
        """How many were linked, bought again, left."""
        table = self.customers
        return (
            Finding(
                "customers_linked",
                {
                    "n": len(table),
                    "n_respondents": int(self.coverage.loc[0, "count"]),
                    "again": float(table["bought_again"].mean()),
                    "horizon": int(self.recipe.options["horizon_days"]),
                    "left": float(table["left"].mean()),
                },
            ),
        )


def link_behaviour(
    scores: pd.DataFrame,
    survey: pd.DataFrame,
    orders: ibis.Table,
    *,
    as_of: dt.date,
    horizon_days: int = 180,
    silent_days: int = 90,
    silent_times: float = 3.0,
    extra: pd.DataFrame | None = None,
) -> LinkedCustomers:
    """Join construct scores to orders by customer, with time running one way.

    Parameters
    ----------
    scores : pd.DataFrame
        One row per respondent, indexed by respondent_id; numeric columns.
    survey : pd.DataFrame
        respondent_id, customer_id, submitted.
    orders : ibis.Table
        customer_id, date, amount; one row per line.
    as_of : datetime.date
        Last observed day.
    horizon_days : int
        Length of the windows before and after the day a customer was asked.
    silent_days, silent_times : int, float
        A customer that has bought nothing for ``silent_days`` and for ``silent_times`` its own mean interval
        between purchases counts as having left, on the day of its last purchase.
    extra : pd.DataFrame | None
        Further columns to carry along (branch, key_account …); customer_id is a column or the index.

    Returns
    -------
    LinkedCustomers

    Raises
    ------
    RefusedError
        A column is absent, nobody names a customer or a day, fewer than ten customers link, or a window
        is not positive.

    Notes
    -----
    Purchases up to the day of asking are never counted as an outcome, so that "satisfied customers
    bought more before" cannot pass for "buy more afterwards". Scores of a customer's respondents are
    averaged. Who answered had been asked because it still bought: nothing is said of the others.

    Examples
    --------
    >>> lines = [(f"c{i}", dt.date(2026, m, 1), "5") for i in range(12) for m in (1, 2, 3) if m < 3 or i % 2]
    >>> orders = ibis.memtable(lines, schema={"customer_id": "str", "date": "date", "amount": "decimal(18, 2)"})
    >>> names = [f"r{i}" for i in range(12)]
    >>> survey = pd.DataFrame({"respondent_id": names, "customer_id": [f"c{i}" for i in range(12)],
    ...                        "submitted": pd.Timestamp("2026-02-10")})
    >>> scores = pd.DataFrame({"satisfaction": range(12)}, index=names)
    >>> linked = link_behaviour(scores, survey, orders, as_of=dt.date(2026, 4, 30), horizon_days=30)
    >>> linked.customers["bought_again"].tolist()[:3]
    [0.0, 1.0, 0.0]
    """
    if horizon_days < 1 or silent_days < 1:
        raise RefusedError(f"windows of {horizon_days} and {silent_days} days", where="link_behaviour")
    absent = [c for c in ("respondent_id", "customer_id", "submitted") if c not in survey]
    if absent:
        raise RefusedError(f"no column {absent[0]!r}", where="survey", repair="Map it in case.yaml.")
    who = survey.set_index("respondent_id")[["customer_id", "submitted"]]
    answers = scores.join(who, how="left")
    named = answers.dropna(subset=["customer_id", "submitted"])
    if named.empty:
        raise RefusedError("no respondent names a customer and a day", where="survey")
    if extra is not None and "customer_id" in extra:
        extra = extra.set_index("customer_id")
    if extra is not None and extra.index.duplicated().any():
        raise RefusedError("a customer stands twice among the further columns", where="customers")
    customers = named.groupby("customer_id")[list(scores.columns)].mean()
    customers["n_respondents"] = named.groupby("customer_id").size()
    customers["asked"] = pd.to_datetime(named.groupby("customer_id")["submitted"].min())
    bought = _purchases(orders, customers["asked"], as_of, horizon_days)
    linked = customers.join(bought, how="inner")
    if len(linked) < _FEWEST:
        raise RefusedError(
            f"{len(linked)} of {len(customers)} customers who answered have orders",
            where="link of survey and orders",
            repair="Compare how the two files write the customer's identifier.",
        )
    linked = _derive(linked, as_of, horizon_days, silent_days, silent_times)
    if extra is not None:
        linked = linked.join(extra, how="left")
    linked = linked.sort_index().reset_index(names="customer_id")
    steps = {
        "respondents": len(scores),
        "respondents_without_customer": int(answers["customer_id"].isna().sum()),
        "respondents_without_day": int((answers["customer_id"].notna() & answers["submitted"].isna()).sum()),
        "customers_answering": len(customers),
        "customers_without_orders": len(customers) - len(linked),
        "customers_linked_count": len(linked),
        "customers_several_respondents": int((linked["n_respondents"] > 1).sum()),
        "customers_window_open": int(linked["bought_again"].isna().sum()),
        "customers_silent_before": int(linked["left"].isna().sum()),
    }
    measures = [
        "tenure_days",
        "purchases_before",
        "purchases_after",
        "spend_before",
        "spend_after",
        "bought_again",
        "left",
    ]
    values = linked[measures].astype(float)
    return LinkedCustomers(
        customers=linked,
        coverage=pd.DataFrame({"measure": list(steps), "count": list(steps.values())}),
        behaviour=pd.DataFrame(
            {
                "measure": measures,
                "n": values.notna().sum().to_numpy(),
                "mean": values.mean().to_numpy(),
                "median": values.median().to_numpy(),
                "sd": values.std().to_numpy(),
            }
        ),
        recipe=Recipe(
            "link_behaviour",
            {
                "horizon_days": horizon_days,
                "silent_days": silent_days,
                "silent_times": silent_times,
                "respondents_of_one_customer": "averaged",
                "as_of": as_of.isoformat(),
            },
        ),
    )


def service_gap(
    items: pd.DataFrame, *, performance: Sequence[str], expectation: Sequence[str], name: str = "service_gap"
) -> pd.Series:
    """Return performance less expectation of each respondent, averaged over the pairs it answered.

    Parameters
    ----------
    items : pd.DataFrame
        Answers, one column per item.
    performance, expectation : Sequence[str]
        Items of each pair, in the same order; half of the pairs must be answered.
    name : str

    Raises
    ------
    RefusedError
        The lists differ in length or are empty, or an item is absent.

    Examples
    --------
    >>> service_gap(pd.DataFrame({"p": [5.0], "e": [3.0]}), performance=["p"], expectation=["e"]).tolist()
    [2.0]
    """
    performance, expectation = list(performance), list(expectation)
    absent = [i for i in (*performance, *expectation) if i not in items]
    if absent or not performance or len(performance) != len(expectation):
        what = (
            f"no item {absent[0]!r}"
            if absent
            else f"{len(performance)} performance, {len(expectation)} expectation items"
        )
        raise RefusedError(what, where="service gap", repair="Name the items in pairs.")
    gaps = items[performance].to_numpy(float) - items[expectation].to_numpy(float)
    enough = np.isfinite(gaps).sum(axis=1) * 2 >= len(performance)
    mean = np.nansum(gaps, axis=1) / np.maximum(np.isfinite(gaps).sum(axis=1), 1)
    return pd.Series(np.where(enough, mean, np.nan), index=items.index, name=name)


def _purchases(orders: ibis.Table, asked: pd.Series, as_of: dt.date, horizon_days: int) -> pd.DataFrame:
    """First and last purchase, and what lies in the two windows, of every customer asked."""
    days = {"customer_id": asked.index.astype(str).to_list(), "asked": asked.dt.date.to_list()}
    known = ibis.memtable(pa.table(days))
    lines = orders.select("customer_id", "date", "amount").filter(lambda t: t.date <= ibis.literal(as_of, type="date"))
    lines = lines.join(known, "customer_id")
    since = lines.date.delta(lines.asked, unit="day")
    lines = lines.mutate(since=since, bought=lines.amount > 0)
    before, after = (
        (lines.since <= 0) & (lines.since > -horizon_days),
        (lines.since > 0) & (lines.since <= horizon_days),
    )
    summed = lines.group_by("customer_id").agg(
        first_date=lines.date.min(where=lines.bought),
        last_date=lines.date.max(where=lines.bought),
        last_before=lines.date.max(where=lines.bought & (lines.since <= 0)),
        n_days=lines.date.nunique(where=lines.bought),
        n_days_before=lines.date.nunique(where=lines.bought & (lines.since <= 0)),
        purchases_before=lines.date.nunique(where=before & lines.bought),
        purchases_after=lines.date.nunique(where=after & lines.bought),
        spend_before=lines.amount.sum(where=before).cast("float64"),
        spend_after=lines.amount.sum(where=after).cast("float64"),
    )
    table = summed.to_pyarrow().to_pandas().set_index("customer_id").dropna(subset=["first_date"])
    return table.assign(**{c: table[c].fillna(0.0) for c in ("spend_before", "spend_after")})


def _derive(
    linked: pd.DataFrame, as_of: dt.date, horizon_days: int, silent_days: int, silent_times: float
) -> pd.DataFrame:
    end, asked = pd.Timestamp(as_of), linked["asked"]
    first, last, last_before = (pd.to_datetime(linked[c]) for c in ("first_date", "last_date", "last_before"))
    seen = asked + horizon_days * _DAY <= end

    def silent(since: pd.Series, until: pd.Timestamp | pd.Series, n_days: pd.Series) -> pd.Series:
        own = ((since - first) / _DAY / (n_days - 1).where(n_days > 1)).fillna(0.0)
        return (until - since) / _DAY >= np.maximum(silent_days, silent_times * own)

    before = last_before.isna() | silent(last_before, asked, linked["n_days_before"])
    left = silent(last, end, linked["n_days"])
    stayed = (np.where(left, np.maximum(last, asked), np.datetime64(end)) - asked.to_numpy()) / np.timedelta64(1, "D")
    out = linked.drop(columns=["first_date", "last_date", "last_before", "n_days", "n_days_before"])
    out["tenure_days"] = ((asked - first) / _DAY).clip(lower=0)
    for column in ("purchases_after", "spend_after"):
        out[column] = out[column].astype(float).where(seen)
    out["bought_again"] = (out["purchases_after"] > 0).astype(float).where(seen)
    for side in ("before", "after"):
        out[f"log_spend_{side}"] = np.log1p(out[f"spend_{side}"].clip(lower=0))
    out["followed_days"] = pd.Series(np.maximum(stayed, 0.5), index=out.index).where(~before)
    out["left"] = left.astype(float).where(~before)
    return out
