"""How complete and how fresh the records are, by who keeps them, and which customers were reached at all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, UsageError, nearest
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.shares import wilson

_LINEAGE = ("source_file", "source_row")


@dataclass(frozen=True, slots=True)
class Completeness:
    """Which fields are filled, and when records were last touched, by source.

    Attributes
    ----------
    matrix : pd.DataFrame, shape (n_fields * n_sources, 5)
        field, kept_by, n_records, n_filled, share_filled.
    fields : pd.DataFrame, shape (n_fields, 4)
        field, n_records, n_filled, share_filled; the emptiest first.
    ages : pd.DataFrame, shape (n_sources + 1, 6)
        kept_by, n_records, n_dated, median_age_days, n_stale, share_stale; ``all_sources`` last. Empty
        without a day of the last update.
    recipe : Recipe
    """

    matrix: pd.DataFrame
    fields: pd.DataFrame
    ages: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Fields over all sources, then the age of the records by source."""
        ages = (Exhibit("records_ages", self.ages),) if len(self.ages) else ()
        return (Exhibit("records_fields", self.fields), *ages)

    def findings(self) -> tuple[Finding, ...]:
        """The emptiest field, and the share of stale records."""
        worst = self.fields.iloc[0]
        filled = float(self.fields["n_filled"].sum() / self.fields["n_records"].sum())
        found = [
            Finding(
                "records_filled",
                {
                    "share": filled,
                    "field": worst["field"],
                    "empty": 1 - worst["share_filled"],
                    "n": int(worst["n_records"]),
                },
            )
        ]
        if len(self.ages):
            whole = self.ages.iloc[-1]
            share, low, high = wilson(whole["n_stale"], whole["n_dated"])
            found.append(
                Finding(
                    "records_stale",
                    {
                        "share": share,
                        "low": low,
                        "high": high,
                        "n": int(whole["n_dated"]),
                        "days": self.recipe.options["stale_after_days"],
                        "median": whole["median_age_days"],
                        "as_of": self.recipe.options["as_of"],
                    },
                )
            )
        return tuple(found)


def score_completeness(
    records: pd.DataFrame,
    *,
    as_of: dt.date,
    source: str = "source_file",
    updated: str = "",
    stale_after_days: int = 730,
    leave_out: Sequence[str] = ("customer_id", "record_id"),
) -> Completeness:
    """Count filled cells by field and source, and the days since each record was last touched.

    Parameters
    ----------
    records : pd.DataFrame
        Customer records as entered, one row each.
    as_of : datetime.date
        Day to which ages are counted.
    source : str
        Column that tells who keeps a record: the file it came from, a branch, a department.
    updated : str
        Column with the day of the last update; empty where there is none.
    stale_after_days : int
        A record not touched for longer is stale.
    leave_out : sequence of str
        Columns that are no fields.

    Raises
    ------
    RefusedError
        There is no record, or none has a day of its last update.
    UsageError
        There is no such column, or the limit is not positive.

    Examples
    --------
    >>> sheet = pd.DataFrame({"phone": ["1", None], "source_file": ["a", "a"], "updated": ["2024-01-01", "2020-01-01"]})
    >>> sheet["updated"] = pd.to_datetime(sheet["updated"])
    >>> found = score_completeness(sheet, as_of=dt.date(2024, 12, 31), updated="updated")
    >>> found.fields["share_filled"].tolist(), found.ages["share_stale"].tolist()
    ([0.5, 1.0], [0.5, 0.5])
    """
    for column in filter(None, (source, updated)):
        if column not in records:
            raise UsageError(f"no column {column!r}{nearest(column, records.columns)}", where="completeness")
    if stale_after_days < 1:
        raise UsageError(f"stale_after_days is {stale_after_days}", where="completeness", repair="Use 1 or more.")
    if records.empty:
        raise RefusedError("there is no record", where="completeness", repair="Declare a customers file.")
    fields = [column for column in records if column not in {*leave_out, *_LINEAGE, source}]
    by = records[source].astype("object").where(records[source].notna(), "unknown_source").astype(str)
    filled = records[fields].notna()
    counts = filled.groupby(by.to_numpy()).sum().rename_axis("kept_by")
    sizes = by.value_counts().rename("n_records")
    long = counts.reset_index().melt(id_vars="kept_by", var_name="field", value_name="n_filled")
    long["n_records"] = long["kept_by"].map(sizes)
    matrix = _shares(long)[["field", "kept_by", "n_records", "n_filled", "share_filled"]]
    total = pd.DataFrame({"field": fields, "n_records": len(records), "n_filled": filled.sum().to_numpy()})
    total = _shares(total).sort_values(["share_filled", "field"], kind="stable").reset_index(drop=True)
    ages = _ages(records, by, as_of, updated, stale_after_days) if updated else pd.DataFrame()
    options = {
        "source": source,
        "updated": updated or None,
        "stale_after_days": stale_after_days,
        "as_of": as_of.isoformat(),
    }
    return Completeness(matrix, total, ages, Recipe("completeness", options))


def _shares(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(n_filled=table["n_filled"].astype(int), share_filled=table["n_filled"] / table["n_records"])


def _ages(records: pd.DataFrame, by: pd.Series, as_of: dt.date, updated: str, limit: int) -> pd.DataFrame:
    age = (pd.Timestamp(as_of) - pd.to_datetime(records[updated])).dt.days
    if age.notna().sum() == 0:
        raise RefusedError(
            "no record has a day of its last update", where="completeness", repair="Leave `updated` empty."
        )
    groups = [*sorted(by.unique()), "all_sources"]
    rows = []
    for name in groups:
        own = age if name == "all_sources" else age[by == name]
        dated = own.dropna()
        stale = int((dated > limit).sum())
        rows.append(
            {
                "kept_by": name,
                "n_records": len(own),
                "n_dated": len(dated),
                "median_age_days": float(dated.median()) if len(dated) else np.nan,
                "n_stale": stale,
                "share_stale": stale / len(dated) if len(dated) else np.nan,
            }
        )
    return pd.DataFrame(rows)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which customers were contacted, by tier.

    Attributes
    ----------
    tiers : pd.DataFrame, shape (n_tiers + 1, 7)
        tier, n_customers, n_contacted, share_contacted, contacted_low, contacted_high (Wilson),
        median_contacts; ``all_customers`` last.
    recipe : Recipe
    """

    tiers: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The table."""
        return (Exhibit("records_coverage", self.tiers, notes=("records_coverage_interval",)),)

    def findings(self) -> tuple[Finding, ...]:
        """The share of customers contacted, over all tiers."""
        whole = self.tiers.iloc[-1]
        values = {
            "share": whole["share_contacted"],
            "low": whole["contacted_low"],
            "high": whole["contacted_high"],
            "n": int(whole["n_customers"]),
            "days": self.recipe.options["window_days"],
            "as_of": self.recipe.options["as_of"],
        }
        return (Finding("records_covered", values),)


def score_coverage(
    customers: pd.DataFrame,
    interactions: pd.DataFrame,
    *,
    as_of: dt.date,
    tier: str = "",
    window_days: int = 365,
    confidence: float = 0.95,
) -> Coverage:
    """Share of customers with at least one logged contact in the last days, by tier.

    Parameters
    ----------
    customers : pd.DataFrame
        One row per customer: customer_id, and ``tier`` where one is named.
    interactions : pd.DataFrame
        customer_id and date of every logged contact.
    as_of : datetime.date
        Last day of the window.
    tier : str
        Column that divides customers; empty takes all together.

    Raises
    ------
    RefusedError
        There is no customer.
    UsageError
        There is no such column, or an option is out of range.

    Examples
    --------
    >>> base = pd.DataFrame({"customer_id": ["a", "b"]})
    >>> days = pd.to_datetime(["2024-05-01", "2024-06-01", "2020-01-01"])
    >>> visits = pd.DataFrame({"customer_id": ["a", "a", "b"], "date": days})
    >>> score_coverage(base, visits, as_of=dt.date(2024, 12, 31)).tiers["share_contacted"].tolist()
    [0.5]
    """
    if tier and tier not in customers:
        raise UsageError(f"no column {tier!r}{nearest(tier, customers.columns)}", where="contact coverage")
    if window_days < 1 or not 0 < confidence < 1:
        raise UsageError("the window is a day or more, the confidence between 0 and 1", where="contact coverage")
    if customers.empty:
        raise RefusedError("there is no customer", where="contact coverage", repair="Declare a customers file.")
    last = pd.Timestamp(as_of)
    dates = pd.to_datetime(interactions["date"])
    recent = interactions[(dates <= last) & (dates > last - pd.Timedelta(days=window_days))]
    contacts = customers["customer_id"].map(recent["customer_id"].value_counts()).fillna(0)
    groups: list[tuple[str, pd.Series]] = []
    if tier:
        names = customers[tier].astype("object").map({True: "flagged", False: "not_flagged"}).fillna(customers[tier])
        names = names.astype("object").where(names.notna(), "unknown_source").astype(str)
        groups = [(name, names == name) for name in sorted(names.unique())]
    groups.append(("all_customers", pd.Series(True, index=customers.index)))
    rows = []
    for name, own in groups:
        n, reached = int(own.sum()), int((contacts[own] > 0).sum())
        rows.append([name, n, reached, *wilson(reached, n, confidence), float(contacts[own].median())])
    columns = [
        "tier",
        "n_customers",
        "n_contacted",
        "share_contacted",
        "contacted_low",
        "contacted_high",
        "median_contacts",
    ]
    options = {"tier": tier or None, "window_days": window_days, "confidence": confidence, "as_of": as_of.isoformat()}
    return Coverage(pd.DataFrame(rows, columns=columns), Recipe("contact_coverage", options))
