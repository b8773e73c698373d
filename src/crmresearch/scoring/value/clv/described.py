"""What the purchase histories of a window look like before any model is fitted to them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pandas as pd

from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.value.clv.histories import TimeUnit, purchase_histories


@dataclass(frozen=True, slots=True)
class DescribedHistories:
    """Purchase histories and their distribution.

    Attributes
    ----------
    table : pd.DataFrame, shape (n_customers, 6)
        As from `purchase_histories`.
    summary : pd.DataFrame, shape (4, 6)
        measure (history_frequency, history_t_x, history_observed, and history_spend of customers with a repeat
        purchase), average, spread (standard deviation), least, middle (median), most.
    totals : pd.DataFrame, shape (1, 6)
        first_date, as_of, n_customers, n_repeaters, share_repeat, n_repeats (repeat purchase days).
    recipe : Recipe
    """

    table: pd.DataFrame
    summary: pd.DataFrame
    totals: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Window, counts and distribution."""
        return (
            Exhibit("clv_window", self.totals),
            Exhibit("clv_histories", self.summary, notes=("clv_purchase_days", "clv_frequency_counts_repeats")),
        )

    def findings(self) -> tuple[Finding, ...]:
        """The window, and how many bought again."""
        return (Finding("clv_window", {**self.totals.iloc[0].to_dict(), "unit": self.recipe.options["time_unit"]}),)


def describe_histories(customers: pd.DataFrame, *, as_of: dt.date, time_unit: TimeUnit = "week") -> DescribedHistories:
    """Make purchase histories from the customer summary, and describe them.

    Parameters
    ----------
    customers : pd.DataFrame
        As for `purchase_histories`.
    as_of : datetime.date
        Last day observed.
    time_unit : {"day", "week", "month", "year"}

    Returns
    -------
    DescribedHistories

    Raises
    ------
    RefusedError
        As `purchase_histories`.
    """
    table = purchase_histories(customers, time_unit=time_unit)
    again = table["frequency"] > 0
    columns = {
        "history_frequency": table["frequency"],
        "history_t_x": table["t_x"],
        "history_observed": table["T"],
        "history_spend": table.loc[again, "mean_spend"],
    }
    rows = [(k, v.mean(), v.std(), v.min(), v.median(), v.max()) for k, v in columns.items()]
    summary = pd.DataFrame(rows, columns=["measure", "average", "spread", "least", "middle", "most"])
    row = (table["first_date"].min().date(), as_of, len(table), int(again.sum()), float(again.mean()))
    totals = pd.DataFrame(
        [(*row, int(table["frequency"].sum()))],
        columns=["first_date", "as_of", "n_customers", "n_repeaters", "share_repeat", "n_repeats"],
    )
    return DescribedHistories(table, summary, totals, Recipe("clv_histories", {"time_unit": time_unit}))
