"""Segments by stated rules: eight RFM types, the value matrix, ABC sizes, profit classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, check_choice
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.shares import wilson

RFM_TYPES = {
    (True, True, True): "rfm_champion",
    (True, False, True): "rfm_develop",
    (False, True, True): "rfm_keep",
    (False, False, True): "rfm_retain",
    (True, True, False): "rfm_regular",
    (True, False, False): "rfm_newcomer",
    (False, True, False): "rfm_fading",
    (False, False, False): "rfm_sleeping",
}
"""High recency, frequency, money → type."""
QUADRANTS = {
    (True, True): "matrix_platinum",
    (True, False): "matrix_gold",
    (False, True): "matrix_iron",
    (False, False): "matrix_lead",
}
"""High current value, high future value → quadrant; the course names are aliases (words files)."""
SIZES = ("top_customers", "large_customers", "medium_customers", "small_customers")
PROFITS = ("high_profit", "low_profit", "loss_making")


@dataclass(frozen=True, slots=True)
class RuleSegments:
    """Customers in segments that a rule defines.

    Attributes
    ----------
    customers : pd.DataFrame, shape (n_customers, 3)
        customer_id, segment (in the order of the rule, from 1; 0 where a value is missing), segment_name.
    table : pd.DataFrame, shape (k, 6)
        segment, segment_name, n_customers, share_of_customers, share_low, share_high (Wilson).
    cuts : pd.DataFrame, shape (n_measures, 2)
        measure, cut.
    formed_by : pd.DataFrame
        The measures, indexed by customer_id.
    recipe : Recipe
    """

    customers: pd.DataFrame
    table: pd.DataFrame
    cuts: pd.DataFrame
    formed_by: pd.DataFrame
    recipe: Recipe

    @property
    def k(self) -> int:
        """Number of segments of the rule, empty ones too."""
        return len(self.table)

    @property
    def segments(self) -> pd.Series:
        """Segment of each customer, by customer_id."""
        return self.customers.set_index("customer_id")["segment"]

    @property
    def names(self) -> pd.Series:
        """Name of each customer's segment, by customer_id; a category in the order of the rule."""
        names = self.customers.set_index("customer_id")["segment_name"]
        return names.astype(pd.CategoricalDtype(self.table["segment_name"], ordered=True))

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Sizes of the segments and the cuts behind them."""
        return (
            Exhibit("rule_segments", self.table, notes=("size_interval",)),
            Exhibit("rule_cuts", self.cuts, notes=("rule_cuts_reading",)),
        )

    def findings(self) -> tuple[Finding, ...]:
        """The largest segment, and customers without one."""
        largest = self.table.loc[self.table["n_customers"].idxmax()]
        found = [
            Finding(
                "rule_largest",
                {
                    "name": largest["segment_name"],
                    "n": int(largest["n_customers"]),
                    "share": float(largest["share_of_customers"]),
                    "k": int((self.table["n_customers"] > 0).sum()),
                },
            )
        ]
        left = int((self.customers["segment"] == 0).sum())
        if left:
            found.append(Finding("rule_unassigned", {"n": left}))
        return tuple(found)


def segment_by_rfm(scores: pd.DataFrame, *, cut: Literal["mean", "middle"] = "mean") -> RuleSegments:
    """Name eight types of customers by whether recency, frequency and money score above the cut.

    Parameters
    ----------
    scores : pd.DataFrame
        customer_id, r, f, m (larger is better), e.g. ``RfmScores.customers``.
    cut : {"mean", "middle"}
        A score is high above the mean of all customers, or above the middle of the range seen.

    Returns
    -------
    RuleSegments

    Raises
    ------
    RefusedError
        A column is missing, a customer stands twice, or nobody has all three scores.
    UsageError
        An option that is unknown.

    Examples
    --------
    >>> scores = pd.DataFrame({"customer_id": ["a", "b"], "r": [5, 1], "f": [5, 1], "m": [4, 2]})
    >>> segment_by_rfm(scores).customers["segment_name"].tolist()
    ['rfm_champion', 'rfm_sleeping']
    """
    check_choice("cut", cut, ("mean", "middle"), where="segment_by_rfm")
    values = _values(scores, ("r", "f", "m"), "segment_by_rfm")
    cuts = values.mean() if cut == "mean" else (values.min() + values.max()) / 2
    high = (values > cuts).to_numpy()
    names = pd.Series([RFM_TYPES[tuple(row)] for row in high.tolist()], index=values.index)
    return _named(names, list(RFM_TYPES.values()), values, cuts, Recipe("rfm_types", {"cut": cut}))


def segment_by_matrix(
    values: pd.DataFrame, *, cut: Literal["median", "mean"] | tuple[float, float] = "median"
) -> RuleSegments:
    """Put customers into the four fields of current by future value.

    Parameters
    ----------
    values : pd.DataFrame
        customer_id, current_value, future_value.
    cut : {"median", "mean"} or (float, float)
        A value is high from the median or mean of all customers, or from the two numbers given, on.

    Returns
    -------
    RuleSegments
        matrix_platinum (both high), matrix_gold (current high), matrix_iron (future high), matrix_lead.

    Raises
    ------
    RefusedError
        A column is missing, a customer stands twice, or nobody has both values.
    UsageError
        An option that is unknown.
    """
    found = _values(values, ("current_value", "future_value"), "segment_by_matrix")
    if isinstance(cut, str):
        check_choice("cut", cut, ("median", "mean"), where="segment_by_matrix")
    cuts = getattr(found, cut)() if isinstance(cut, str) else pd.Series(cut, index=found.columns, dtype=float)
    high = (found >= cuts).to_numpy()
    names = pd.Series([QUADRANTS[tuple(row)] for row in high.tolist()], index=found.index)
    recipe = Recipe("value_matrix", {"cut": cut if isinstance(cut, str) else list(cut)})
    return _named(names, list(QUADRANTS.values()), found, cuts, recipe)


def segment_by_size(
    values: pd.DataFrame, *, value: str = "spend", bounds: Sequence[float] = (0.5, 0.8, 0.95)
) -> RuleSegments:
    """Put customers into top, large, medium and small by their share of all value.

    Parameters
    ----------
    values : pd.DataFrame
        customer_id and the column ``value``.
    value : str
    bounds : Sequence[float]
        Cumulated shares of value, largest customer first, at which a class ends: three, ascending.
        Equal values stay together, in the higher class.

    Returns
    -------
    RuleSegments

    Raises
    ------
    RefusedError
        The bounds are not three ascending shares, or there is no positive value.
    """
    if len(bounds) != 3 or list(bounds) != sorted(bounds) or bounds[0] <= 0 or bounds[-1] >= 1:
        raise RefusedError(f"bounds must be three ascending shares; got {list(bounds)}", where="segment_by_size")
    found = _values(values, (value,), "segment_by_size")
    ranked = found[value].clip(lower=0).sort_values(ascending=False, kind="stable")
    if ranked.sum() <= 0:
        raise RefusedError(f"no customer has a positive {value!r}", where="segment_by_size")
    before = ((ranked.cumsum() - ranked) / ranked.sum()).groupby(ranked).transform("min")
    place = np.searchsorted(np.asarray(bounds), before.to_numpy(), side="right")
    names = pd.Series(np.array(SIZES)[place], index=ranked.index).reindex(found.index)
    lowest = found[value].groupby(names).min()
    cuts = pd.Series({name: lowest.get(name, np.nan) for name in SIZES[:-1]})
    return _named(
        names, list(SIZES), found, cuts, Recipe("abc_sizes", {"class_bounds": list(bounds), "value_column": value})
    )


def segment_by_profit(values: pd.DataFrame, *, value: str = "profit") -> RuleSegments:
    """Put customers into high profit (from the mean of the profitable on), low profit and loss.

    Parameters
    ----------
    values : pd.DataFrame
        customer_id and the column ``value``.
    value : str

    Returns
    -------
    RuleSegments
    """
    found = _values(values, (value,), "segment_by_profit")
    profit = found[value]
    mean = profit[profit > 0].mean()
    names = pd.Series(np.where(profit < 0, PROFITS[2], np.where(profit >= mean, *PROFITS[:2])), index=found.index)
    cuts = pd.Series({PROFITS[0]: mean, PROFITS[1]: 0.0})
    return _named(names, list(PROFITS), found, cuts, Recipe("profit_classes", {"value_column": value}))


def _values(table: pd.DataFrame, columns: Sequence[str], where: str) -> pd.DataFrame:
    lacking = [name for name in ("customer_id", *columns) if name not in table]
    if lacking:
        raise RefusedError(f"no column {lacking[0]!r}", where=where, repair=f"Give {', '.join(columns)}.")
    twice = table["customer_id"][table["customer_id"].duplicated()]
    if len(twice):
        raise RefusedError(f"customer {str(twice.iloc[0])[:40]!r} stands twice", where=where)
    found = table.set_index("customer_id")[list(columns)].astype("Float64").astype(float).sort_index()
    if found.dropna().empty:
        raise RefusedError(f"no customer has {' and '.join(columns)}", where=where)
    return found


def _named(names: pd.Series, order: list[str], values: pd.DataFrame, cuts: pd.Series, recipe: Recipe) -> RuleSegments:
    whole = values.notna().all(axis=1)
    number = names.map({name: i for i, name in enumerate(order, 1)}).where(whole, 0).astype(int)
    n = number[number > 0].value_counts().reindex(range(1, len(order) + 1), fill_value=0).to_numpy()
    share, low, high = wilson(n, n.sum())
    return RuleSegments(
        customers=pd.DataFrame(
            {"customer_id": values.index, "segment": number.to_numpy(), "segment_name": names.where(whole).to_numpy()}
        ),
        table=pd.DataFrame(
            {
                "segment": np.arange(1, len(order) + 1),
                "segment_name": order,
                "n_customers": n,
                "share_of_customers": share,
                "share_low": low,
                "share_high": high,
            }
        ),
        cuts=pd.DataFrame({"measure": [str(name) for name in cuts.index], "cut": cuts.to_numpy(dtype=float)}),
        formed_by=values[whole],
        recipe=recipe,
    )
