"""What a segment is worth, who stands for it, and a table to plan its treatment with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.resampling import bootstrap, count_rows, percentile_bounds
from crmresearch.scoring.segments.clustering import Segmentation
from crmresearch.scoring.segments.profiles import Segmented

_RESAMPLES = 400


@dataclass(frozen=True, slots=True)
class SegmentValue:
    """What each segment brings.

    Attributes
    ----------
    value : pd.DataFrame, shape (k, 9)
        segment, n_customers, share_of_customers, segment_value (sum), share_of_value, value_low, value_high
        (95 % bootstrap of the share), mean_value, gini_within (of the segment's customers, 0 alike to 1; missing
        where a value is negative).
    recipe : Recipe
    """

    value: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Value by segment."""
        return (Exhibit("segment_value", self.value, notes=("value_reading",)),)

    def findings(self) -> tuple[Finding, ...]:
        """The segment that brings most."""
        first = self.value.loc[self.value["share_of_value"].idxmax()]
        values = {
            "segment": int(first["segment"]),
            "share": float(first["share_of_value"]),
            "low": float(first["value_low"]),
            "high": float(first["value_high"]),
            "customers": float(first["share_of_customers"]),
        }
        return (Finding("segment_value_first", values),)


@dataclass(frozen=True, slots=True)
class Representatives:
    """Customers that stand for their segment, under a code.

    Attributes
    ----------
    customers : pd.DataFrame, shape (k * per_segment, 3 + n_features)
        segment, customer_code, distance_to_centre (in prepared features), and the features in their own units.
    recipe : Recipe
    """

    customers: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The customers nearest to the middle of their segment."""
        return (Exhibit("representatives", self.customers, notes=("pseudonym_reading",)),)

    def findings(self) -> tuple[Finding, ...]:
        """None: they illustrate."""
        return ()


@dataclass(frozen=True, slots=True)
class TreatmentTable:
    """Evidence beside empty cells: which treatment a segment gets is for the researcher to decide.

    Attributes
    ----------
    table : pd.DataFrame, shape (k, 10)
        segment, n_customers, share_of_value, highest, lowest, stability (grade, where given), treatment_chosen,
        reason_for_it, responsible, review_date: the last four empty.
    recipe : Recipe
    """

    table: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The table."""
        return (Exhibit("treatment_table", self.table, notes=("treatment_reading",)),)

    def findings(self) -> tuple[Finding, ...]:
        """None: nothing is recommended by a program."""
        return ()


def value_segments(
    segmentation: Segmented, value: pd.Series, *, rng: np.random.Generator, n_resamples: int = _RESAMPLES
) -> SegmentValue:
    """Say what each segment brings, and how unequal its customers are.

    Parameters
    ----------
    segmentation : Segmentation or RuleSegments
    value : pd.Series
        Spend, profit or another value of each customer, by customer_id; missing counts as 0.
    rng : np.random.Generator
    n_resamples : int
        Bootstrap resamples of customers behind the intervals of the shares, at least 50.

    Returns
    -------
    SegmentValue

    Raises
    ------
    RefusedError
        There are no segments, the values do not sum to more than 0, or there are too few resamples.
    """
    if segmentation.k < 1:
        raise RefusedError("there are no segments to describe", where="value_segments")
    segments = segmentation.segments.sort_index()
    worth = value.reindex(segments.index).astype("Float64").astype(float).fillna(0.0)
    if n_resamples < 50 or worth.sum() <= 0:
        raise RefusedError(
            f"value sums to {worth.sum():g}, n_resamples is {n_resamples}",
            where="value_segments",
            repair="Shares need a positive sum and 50 resamples.",
        )
    k, n = segmentation.k, len(segments)
    label, money = segments.to_numpy(), worth.to_numpy()

    def shares(rows: np.ndarray) -> np.ndarray:
        sums = count_rows(label[rows], k + 1, money[rows])
        return sums[:, 1:] / sums.sum(axis=1, keepdims=True)

    low, high = percentile_bounds(bootstrap(shares, n, rng=rng, resamples=n_resamples), 0.95)
    sizes, sums = np.bincount(label, minlength=k + 1)[1:], np.bincount(label, weights=money, minlength=k + 1)[1:]
    return SegmentValue(
        value=pd.DataFrame(
            {
                "segment": np.arange(1, k + 1),
                "n_customers": sizes,
                "share_of_customers": sizes / n,
                "segment_value": sums,
                "share_of_value": sums / money.sum(),
                "value_low": low,
                "value_high": high,
                "mean_value": sums / np.maximum(sizes, 1),
                "gini_within": [gini(money[label == one]) for one in range(1, k + 1)],
            }
        ),
        recipe=Recipe("segment_value", {"value_column": str(value.name), "n_resamples": n_resamples}),
    )


def gini(values: np.ndarray) -> float:
    """Gini coefficient; missing where a value is negative or all are 0.

    >>> round(gini(np.array([0.0, 0.0, 0.0, 4.0])), 3)
    0.75
    """
    if not len(values) or values.min() < 0 or values.sum() <= 0:
        return float("nan")
    ranked, n = np.sort(values), len(values)
    return float(2 * (np.arange(1, n + 1) * ranked).sum() / (n * ranked.sum()) - (n + 1) / n)


def pick_representatives(
    segmentation: Segmentation, *, rng: np.random.Generator, per_segment: int = 3
) -> Representatives:
    """Pick the customers nearest to the middle of each segment, and give them codes.

    Parameters
    ----------
    segmentation : Segmentation
    rng : np.random.Generator
        Source of the salt of the codes: the same seed gives the same codes.
    per_segment : int

    Returns
    -------
    Representatives

    Notes
    -----
    A code is a salted SHA-256 of the customer's id: who it is can be looked up by one who holds the data
    and the seed, and by nobody from the report.
    """
    if segmentation.k < 1 or per_segment < 1:
        raise RefusedError("there are no segments, or no customer asked for", where="pick_representatives")
    salt = rng.bytes(16)
    middle = segmentation.centres.set_index("segment")
    x = segmentation.features.matrix
    apart = pd.Series(np.inf, index=x.index)
    segments = segmentation.segments.reindex(x.index)
    for segment, centre in middle.iterrows():
        own = x[segments == segment]
        if segmentation.features.metric == "gower":
            apart[own.index] = segmentation.model.distances(own.to_numpy(), centre.to_numpy()[None])[:, 0]
        else:
            apart[own.index] = np.sqrt(((own - centre) ** 2).sum(axis=1))
    table = pd.DataFrame({"segment": segments, "distance_to_centre": apart}).rename_axis("customer_id").reset_index()
    table = table[table["segment"] > 0].sort_values(["segment", "distance_to_centre", "customer_id"], kind="stable")
    table = table.groupby("segment").head(per_segment)
    codes = [hashlib.sha256(salt + str(one).encode()).hexdigest()[:8].upper() for one in table["customer_id"]]
    original = segmentation.formed_by.reindex(table["customer_id"]).reset_index(drop=True)
    table = table.drop(columns="customer_id").reset_index(drop=True)
    table.insert(1, "customer_code", codes)
    return Representatives(
        customers=pd.concat([table, original], axis=1),
        recipe=Recipe("representatives", {"per_segment": per_segment, "nearest_by": segmentation.features.metric}),
    )


def plan_treatments(
    sizes: pd.DataFrame, value: pd.DataFrame | None = None, stability: pd.DataFrame | None = None
) -> TreatmentTable:
    """Put the evidence on each segment beside empty cells for the researcher's decisions.

    Parameters
    ----------
    sizes : pd.DataFrame
        ``SegmentProfiles.sizes``.
    value : pd.DataFrame, optional
        ``SegmentValue.value``.
    stability : pd.DataFrame, optional
        ``SegmentStability.segments``.

    Returns
    -------
    TreatmentTable
    """
    table = sizes[["segment", "n_customers", "highest", "lowest"]].copy()
    if value is not None:
        table.insert(2, "share_of_value", table["segment"].map(value.set_index("segment")["share_of_value"]))
    if stability is not None:
        table["grade"] = table["segment"].map(stability.set_index("segment")["grade"])
    empty = pd.DataFrame(
        "", index=table.index, columns=["treatment_chosen", "reason_for_it", "responsible", "review_date"]
    )
    return TreatmentTable(pd.concat([table, empty], axis=1), Recipe("treatment_table", {"filled_by": "researcher"}))
