"""Published values beside ours, as a result that a notebook can show."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from crmresearch.reproduction.published import reproduce
from crmresearch.results import Exhibit, Finding, Recipe


@dataclass(frozen=True, slots=True)
class PublishedComparison:
    """Published values of one source beside ours.

    Attributes
    ----------
    table : pd.DataFrame, shape (n_values, 6)
        statistic, published, ours, published_difference, tolerance (printed precision of the source), inside.
    recipe : Recipe
    """

    table: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The values side by side."""
        return (Exhibit("published_values", self.table, notes=("published_values",)),)

    def findings(self) -> tuple[Finding, ...]:
        """How many values lie within the printed precision."""
        values = {"n": len(self.table), "n_inside": int(self.table["inside"].fillna(False).sum())}
        values |= {
            "case": self.recipe.options["published_case"],
            "largest": float(self.table["published_difference"].abs().max()),
        }
        return (Finding("published_values", values),)


def compare_published(case: str) -> PublishedComparison:
    """Recompute the published values of one case (see :func:`~.published.reproduce`).

    Raises
    ------
    UsageError
        No published value of that case.
    """
    rows = reproduce(case).rename(columns={"difference": "published_difference"})
    columns = ["statistic", "published", "ours", "published_difference", "tolerance", "inside"]
    return PublishedComparison(
        rows[columns].reset_index(drop=True),
        Recipe("published_comparison", {"published_case": case}, str(rows["source"].iloc[0])),
    )
