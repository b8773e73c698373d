"""Indicators of customer value: what is measured, which way is good, and the matrix of values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, UsageError
from crmresearch.results import Exhibit, Finding, Recipe

Direction = Literal["benefit", "cost"]


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator: a column and which way is good.

    Attributes
    ----------
    name : str
        The column of the customer summary; its label is data of the words files.
    direction : {"benefit", "cost"}
        Whether more is better or worse.
    unit : str
    """

    name: str
    direction: Direction
    unit: str = ""

    def __post_init__(self) -> None:
        if self.direction not in get_args(Direction):
            raise UsageError(
                f"indicator {self.name!r} has direction {self.direction!r}",
                where="indicators",
                repair="Say 'benefit' (more is better) or 'cost' (less is better); a wrong guess turns the ranking round.",
            )


ORDER_INDICATORS: tuple[Indicator, ...] = (
    Indicator("spend", "benefit", "currency"),
    Indicator("mean_spend", "benefit", "currency"),
    Indicator("n_purchase_days", "benefit", "days"),
    Indicator("recency_days", "cost", "days"),
    Indicator("age_days", "benefit", "days"),
)
"""Value from orders alone: how much, how much a time, how often, how recently, for how long."""


@dataclass(frozen=True, slots=True)
class IndicatorMatrix:
    """Customers by indicators, complete and finite.

    Attributes
    ----------
    customer_id : np.ndarray, shape (n_customers,)
    values : np.ndarray, shape (n_customers, n_indicators)
        Raw values in each indicator's unit. A view of the frame it came from where that is possible.
    indicators : tuple[Indicator, ...]
        One per column, in order.
    recipe : Recipe
    """

    customer_id: np.ndarray
    values: np.ndarray
    indicators: tuple[Indicator, ...]
    recipe: Recipe

    @property
    def names(self) -> list[str]:
        """Names of the indicators, in column order."""
        return [i.name for i in self.indicators]

    @property
    def is_benefit(self) -> np.ndarray:
        """Whether more is better, shape (n_indicators,)."""
        return np.array([i.direction == "benefit" for i in self.indicators])

    def column(self, name: str) -> np.ndarray:
        """Raw values of one indicator, shape (n_customers,)."""
        return self.values[:, self.names.index(name)]

    def describe(self) -> pd.DataFrame:
        """indicator, direction, indicator_unit, mean, std, least, median, most, share_zero; one row per indicator."""
        values = pd.DataFrame(self.values, columns=self.names, copy=False)
        table = pd.DataFrame(
            {
                "indicator": self.names,
                "direction": [i.direction for i in self.indicators],
                "indicator_unit": [i.unit for i in self.indicators],
            }
        )
        for name, statistic in (
            ("mean", "mean"),
            ("std", "std"),
            ("least", "min"),
            ("median", "median"),
            ("most", "max"),
        ):
            table[name] = values.agg(statistic).to_numpy()
        table["share_zero"] = [(self.values[:, j] == 0).mean() for j in range(len(self.indicators))]
        return table

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The dictionary of indicators."""
        return (Exhibit("indicators", self.describe(), notes=("indicator_direction",)),)

    def findings(self) -> tuple[Finding, ...]:
        """How many customers are measured by what, and how many could not be."""
        n, left_out = len(self.customer_id), self.recipe.options["n_left_out"]
        found = [Finding("indicator_matrix", {"n": n, "n_indicators": len(self.indicators)})]
        if left_out:
            found.append(Finding("indicators_left_out", {"n": left_out}))
        return tuple(found)


def build_indicators(
    summary: pd.DataFrame,
    *,
    indicators: Sequence[Indicator] = ORDER_INDICATORS,
    directions: Mapping[str, Direction] | None = None,
) -> IndicatorMatrix:
    """Take the indicators of each customer out of a customer table.

    Parameters
    ----------
    summary : pd.DataFrame
        One row per customer: customer_id and one numeric column per indicator. Where the column
        n_purchase_days is there, customers without a purchase are left out, and counted.
    indicators : Sequence[Indicator]
        What to measure. The default comes from the orders alone.
    directions : Mapping[str, {"benefit", "cost"}] | None
        Short form for other tables: column → direction, in place of ``indicators``.

    Returns
    -------
    IndicatorMatrix
        Customers in the order of ``customer_id``.

    Raises
    ------
    UsageError
        A column that is not there, an indicator named twice, a direction that is missing.
    RefusedError
        Fewer than two customers, or a value that is missing or infinite; both are named.

    Examples
    --------
    >>> table = pd.DataFrame({"customer_id": ["a", "b"], "profit": [3.0, 1.0], "days_to_pay": [20.0, 60.0]})
    >>> matrix = build_indicators(table, directions={"profit": "benefit", "days_to_pay": "cost"})
    >>> matrix.names, matrix.is_benefit.tolist()
    (['profit', 'days_to_pay'], [True, False])
    """
    where = "build_indicators"
    chosen = tuple(indicators) if directions is None else tuple(Indicator(n, d) for n, d in directions.items())
    names = [i.name for i in chosen]
    if len(set(names)) < len(names) or not names:
        raise UsageError("an indicator is named twice, or none is", where=where, repair="Name each one once.")
    if missing := [c for c in ("customer_id", *names) if c not in summary]:
        known = ", ".join(map(str, summary.columns))
        raise UsageError(f"no column {missing[0]!r} for an indicator", where=where, repair=f"There are: {known}.")
    rows = summary[summary["n_purchase_days"] > 0] if "n_purchase_days" in summary else summary
    if not rows["customer_id"].is_monotonic_increasing:
        rows = rows.sort_values("customer_id", kind="stable")
    if len(rows) < 2:
        raise RefusedError(f"{len(rows)} customers cannot be compared", where="indicators", repair="Widen the window.")
    values = rows[names].to_numpy(dtype=np.float64)
    customer_id = rows["customer_id"].to_numpy()
    for j, name in enumerate(names):
        bad = ~np.isfinite(values[:, j])
        if bad.any():
            raise RefusedError(
                f"indicator {name!r} is missing or infinite for {bad.sum()} customers, "
                f"first {customer_id[bad.argmax()]!r}",
                where="indicators",
                repair="Fill or leave out those customers on purpose, or drop the indicator.",
            )
    recipe = Recipe("indicator_matrix", {"indicators": len(names), "n_left_out": len(summary) - len(rows)})
    return IndicatorMatrix(customer_id, values, chosen, recipe)
