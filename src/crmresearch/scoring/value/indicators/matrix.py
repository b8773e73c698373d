"""The matrix of customers by indicators: which way is good, what is missing, and what was done about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, UsageError
from crmresearch.results import Exhibit, Finding, Recipe

Direction = Literal["benefit", "cost", "target", "ordinal"]
Missing = Literal["refuse", "leave_out", "median"]

_BLOCK_ROWS = 8_192


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator: a column and which way is good.

    Attributes
    ----------
    name : str
        The column of the customer table; its label is data of the words files or of the case.
    direction : {"benefit", "cost", "target", "ordinal"}
        More is better; less is better; best within ``target``, the distance from which is then the
        value; by the numbers that ``levels`` gives to each level, more being better.
    unit : str
    target : tuple[float, float] | None
        Lowest and highest best value.
    levels : Mapping[str, float]
    """

    name: str
    direction: Direction
    unit: str = ""
    target: tuple[float, float] | None = None
    levels: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        if self.direction not in get_args(Direction):
            raise UsageError(
                f"indicator {self.name!r} has direction {self.direction!r}",
                where="indicators",
                repair="Say 'benefit' (more is better) or 'cost' (less is better), 'target' or 'ordinal'; "
                "a wrong one reverses the ranking.",
            )
        if (self.direction == "target") != (self.target is not None):
            raise UsageError(
                f"indicator {self.name!r}: direction {self.direction!r} with target {self.target}",
                where="indicators",
                repair="Give a target with direction 'target', and only there.",
            )
        if (self.direction == "ordinal") != bool(self.levels):
            raise UsageError(
                f"indicator {self.name!r}: direction {self.direction!r} with {len(self.levels)} levels",
                where="indicators",
                repair="Give levels with direction 'ordinal', and only there.",
            )

    def read(self, column: pd.Series) -> np.ndarray:
        """The column as numbers for which more is better (benefit, ordinal) or less is (cost, target)."""
        if self.direction == "ordinal":
            text = column.astype("string")
            if unknown := sorted(set(text.dropna()) - set(self.levels)):
                raise RefusedError(
                    f"indicator {self.name!r} has the level {unknown[0]!r}, which its order does not name",
                    where="indicators",
                    repair=f"Give it a place among: {', '.join(self.levels)}.",
                )
            return text.map(dict(self.levels)).to_numpy(dtype=np.float64, na_value=np.nan)
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        if self.direction == "target":
            low, high = self.target
            return np.maximum(np.maximum(low - values, values - high), np.where(np.isnan(values), np.nan, 0.0))
        return values


ORDER_INDICATORS: tuple[Indicator, ...] = (
    Indicator("spend", "benefit", "currency"),
    Indicator("mean_spend", "benefit", "currency"),
    Indicator("n_purchase_days", "benefit", "days"),
    Indicator("recency_days", "cost", "days"),
    Indicator("age_days", "benefit", "days"),
)
"""Value from orders alone: how much, how much a time, how often, how recently, for how long."""


class Moments(NamedTuple):
    """What scales are made of, each of shape (n_indicators,)."""

    low: np.ndarray
    high: np.ndarray
    mean: np.ndarray
    length: np.ndarray


@dataclass(frozen=True, slots=True)
class IndicatorMatrix:
    """Customers by indicators, complete and finite.

    Attributes
    ----------
    customer_id : np.ndarray, shape (n_customers,)
    values : np.ndarray, shape (n_customers, n_indicators)
        Values in each indicator's unit: of a target the distance from it, of an order the numbers of
        its levels. A view of the frame it came from where that is possible.
    indicators : tuple[Indicator, ...]
        One per column, in order.
    recipe : Recipe
    share_filled : np.ndarray, shape (n_indicators,)
        Share of the customers whose value was missing and was filled.
    set_aside : pd.DataFrame, shape (n_set_aside, 2)
        indicator, share_observed: indicators observed for too few customers to be used.
    """

    customer_id: np.ndarray
    values: np.ndarray
    indicators: tuple[Indicator, ...]
    recipe: Recipe
    share_filled: np.ndarray | None = None
    set_aside: pd.DataFrame | None = None

    @property
    def names(self) -> list[str]:
        """Names of the indicators, in column order."""
        return [i.name for i in self.indicators]

    @property
    def is_benefit(self) -> np.ndarray:
        """Whether more is better, shape (n_indicators,)."""
        return np.array([i.direction in ("benefit", "ordinal") for i in self.indicators])

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """The customers a few thousand at a time: which rows, and their values, one indicator after another.

        A block has the shape (n_indicators, n_rows), may be overwritten, and holds until the next one:
        a pass over the customers takes the memory of one block and reads each value once.
        """
        buffer = np.empty((len(self.indicators), _BLOCK_ROWS))
        for begin in range(0, len(self.values), _BLOCK_ROWS):
            part = self.values[begin : begin + _BLOCK_ROWS]
            block = buffer[:, : len(part)]
            block[:] = part.T
            yield slice(begin, begin + len(part)), block

    def moments(self) -> Moments:
        """Least, most, mean and Euclidean length of each indicator over the customers."""
        low, high, total, square = np.full(len(self.indicators), np.inf), *np.zeros((3, len(self.indicators)))
        high -= np.inf
        for _, block in self.blocks():
            np.minimum(low, block.min(axis=1), out=low)
            np.maximum(high, block.max(axis=1), out=high)
            total += block.sum(axis=1)
            square += np.einsum("ij,ij->i", block, block)
        return Moments(low, high, total / len(self.values), np.sqrt(square))

    def take(self, rows: np.ndarray) -> IndicatorMatrix:
        """The matrix of some customers."""
        return IndicatorMatrix(self.customer_id[rows], self.values[rows], self.indicators, self.recipe)

    def describe(self) -> pd.DataFrame:
        """indicator, direction, indicator_unit, mean, std, least, median, most, share_zero; one row per indicator.

        With share_imputed where a value was filled.
        """
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
        if self.share_filled is not None and self.share_filled.any():
            table["share_imputed"] = self.share_filled
        return table

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The dictionary of indicators."""
        notes = ["indicator_direction"]
        if any(i.direction == "target" for i in self.indicators):
            notes.append("indicator_target")
        return (Exhibit("indicators", self.describe(), notes=tuple(notes)),)

    def findings(self) -> tuple[Finding, ...]:
        """How many customers are measured by what, and how many could not be."""
        n, left_out = len(self.customer_id), self.recipe.options["n_left_out"]
        found = [Finding("indicator_matrix", {"n": n, "n_indicators": len(self.indicators)})]
        if left_out:
            found.append(Finding("indicators_left_out", {"n": left_out}))
        if unmeasured := self.recipe.options.get("n_unmeasured"):
            found.append(Finding("indicators_unmeasured", {"n": unmeasured}))
        for row in self.set_aside.itertuples() if self.set_aside is not None else ():
            found.append(Finding("indicator_set_aside", {"indicator": row.indicator, "share": row.share_observed}))
        for j in np.flatnonzero(self.share_filled) if self.share_filled is not None else ():
            values = {"indicator": self.names[j], "share": float(self.share_filled[j])}
            found.append(Finding("indicator_filled", values))
        return tuple(found)


def build_indicators(
    summary: pd.DataFrame,
    *,
    indicators: Sequence[Indicator] = ORDER_INDICATORS,
    directions: Mapping[str, Direction] | None = None,
    missing: Missing = "refuse",
    least_observed: float = 0.5,
) -> IndicatorMatrix:
    """Take the indicators of each customer out of a customer table.

    Parameters
    ----------
    summary : pd.DataFrame
        One row per customer: customer_id and one column per indicator, numeric unless its direction
        is "ordinal". Where the column n_purchase_days is there, customers without a purchase are left
        out, and counted.
    indicators : Sequence[Indicator]
        What to measure. The default comes from the orders alone.
    directions : Mapping[str, {"benefit", "cost"}] | None
        Short form for other tables: column → direction, in place of ``indicators``.
    missing : {"refuse", "leave_out", "median"}
        What becomes of a value that was not observed: nothing is given; the customer is left out; or
        the median of the observed takes its place, the share of such customers being told. It never
        becomes 0.
    least_observed : float
        With "leave_out" and "median", an indicator observed for a smaller share of the customers is
        set aside and named.

    Returns
    -------
    IndicatorMatrix
        Customers in the order of ``customer_id``.

    Raises
    ------
    UsageError
        A column that is not there, an indicator named twice, a direction that is missing.
    RefusedError
        Fewer than two customers; under "refuse" a value that is missing or infinite, which is named;
        no indicator observed for enough customers.

    Examples
    --------
    >>> table = pd.DataFrame({"customer_id": ["a", "b"], "profit": [3.0, 1.0], "days_to_pay": [20.0, 60.0]})
    >>> matrix = build_indicators(table, directions={"profit": "benefit", "days_to_pay": "cost"})
    >>> matrix.names, matrix.is_benefit.tolist()
    (['profit', 'days_to_pay'], [True, False])
    """
    chosen = tuple(indicators) if directions is None else tuple(Indicator(n, d) for n, d in directions.items())
    _check(summary, chosen, missing, least_observed)
    rows = summary[summary["n_purchase_days"] > 0] if "n_purchase_days" in summary else summary
    if not rows["customer_id"].is_monotonic_increasing:
        rows = rows.sort_values("customer_id", kind="stable")
    if len(rows) < 2:
        raise RefusedError(f"{len(rows)} customers cannot be compared", where="indicators", repair="Widen the window.")
    customer_id = rows["customer_id"].to_numpy()
    options = {"indicators": len(chosen), "n_left_out": len(summary) - len(rows)}
    if all(i.direction in ("benefit", "cost") for i in chosen):
        values = rows[[i.name for i in chosen]].to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        values = np.column_stack([i.read(rows[i.name]) for i in chosen])
    if missing == "refuse":
        for j, indicator in enumerate(chosen):
            bad = ~np.isfinite(values[:, j])
            if bad.any():
                raise RefusedError(
                    f"indicator {indicator.name!r} is missing or infinite for {bad.sum()} customers, "
                    f"first {customer_id[bad.argmax()]!r}",
                    where="indicators",
                    repair="Fill or leave out those customers on purpose, or drop the indicator.",
                )
        return IndicatorMatrix(customer_id, values, chosen, Recipe("indicator_matrix", options))
    seen = np.isfinite(values)
    kept = seen.mean(axis=0) >= least_observed
    if not kept.any():
        raise RefusedError(
            f"no indicator is observed for {least_observed:.0%} of the customers",
            where="indicators",
            repair="Use another system of indicators, or lower least_observed.",
        )
    aside = pd.DataFrame({"indicator": [i.name for i in chosen], "share_observed": seen.mean(axis=0)})[~kept]
    chosen = tuple(i for i, keep in zip(chosen, kept, strict=True) if keep)
    values, seen = values[:, kept], seen[:, kept]
    options |= {"indicators": len(chosen), "missing": missing, "least_observed": least_observed}
    filled = np.zeros(len(chosen))
    if missing == "leave_out":
        whole = seen.all(axis=1)
        if whole.sum() < 2:
            raise RefusedError(
                f"{whole.sum()} customers have every indicator", where="indicators", repair="Use missing='median'."
            )
        options["n_unmeasured"] = int((~whole).sum())
        customer_id, values = customer_id[whole], values[whole]
    else:
        filled = 1 - seen.mean(axis=0)
        values = np.where(seen, values, np.nanmedian(np.where(seen, values, np.nan), axis=0))
    recipe = Recipe("indicator_matrix", options)
    return IndicatorMatrix(customer_id, values, chosen, recipe, filled, aside.reset_index(drop=True))


def _check(summary: pd.DataFrame, chosen: tuple[Indicator, ...], missing: str, least_observed: float) -> None:
    where = "build_indicators"
    names = [i.name for i in chosen]
    if len(set(names)) < len(names) or not names:
        raise UsageError("an indicator is named twice, or none is", where=where, repair="Name each one once.")
    if missing not in get_args(Missing) or not 0 < least_observed <= 1:
        raise UsageError(
            f"missing={missing!r}, least_observed={least_observed}",
            where=where,
            repair=f"Choose from {', '.join(get_args(Missing))}, and a share above 0.",
        )
    if lacking := [c for c in ("customer_id", *names) if c not in summary]:
        known = ", ".join(map(str, summary.columns))
        raise UsageError(f"no column {lacking[0]!r} for an indicator", where=where, repair=f"There are: {known}.")
