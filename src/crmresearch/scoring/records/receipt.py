"""The intake receipt: where every row of every file went, and why rows were set aside."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe

_FATES = ("in", "kept", "quarantined", "merged")


@dataclass(frozen=True, slots=True)
class IntakeReceipt:
    """Every row of every file, accounted for.

    Attributes
    ----------
    files : pd.DataFrame, shape (n_files, 6)
        source_file, table, rows_in, rows_kept, rows_quarantined, rows_merged.
    reasons : pd.DataFrame, shape (n_reasons, 5)
        source_file, column, reason, rows, examples: what was set aside, most first.
    recipe : Recipe
    """

    files: pd.DataFrame
    reasons: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The files, and the reasons where anything was set aside."""
        reasons = (Exhibit("records_set_aside", self.reasons),) if len(self.reasons) else ()
        return (Exhibit("records_receipt", self.files, notes=("records_ledger",)), *reasons)

    def findings(self) -> tuple[Finding, ...]:
        """That the rows add up, with their number."""
        totals = {f"rows_{fate}": int(self.files[f"rows_{fate}"].sum()) for fate in _FATES}
        return (Finding("records_accounted", totals | {"n_files": len(self.files)}),)


def account_for_rows(ledger: pd.DataFrame, quarantine: pd.DataFrame) -> IntakeReceipt:
    """Account for every row of a case's files.

    Parameters
    ----------
    ledger : pd.DataFrame
        source_file, table, rows_in, rows_kept, rows_quarantined, rows_merged; one row per file.
    quarantine : pd.DataFrame
        source_file, column, raw_value, reason; one row per row or value set aside.

    Raises
    ------
    RefusedError
        The rows of a file do not add up.

    Examples
    --------
    >>> counts = {"rows_in": [5], "rows_kept": [3], "rows_quarantined": [1], "rows_merged": [1]}
    >>> ledger = pd.DataFrame({"source_file": ["a.csv"], "table": ["orders"], **counts})
    >>> aside = pd.DataFrame([["a.csv", "date", "30 Feb", "NOT_A_DATE"]])
    >>> aside.columns = ["source_file", "column", "raw_value", "reason"]
    >>> account_for_rows(ledger, aside).reasons["rows"].tolist()
    [1]
    """
    rows = [f"rows_{fate}" for fate in _FATES]
    files = ledger[["source_file", "table", *rows]].sort_values("source_file").reset_index(drop=True)
    wrong = files[files["rows_in"] != files[rows[1:]].sum(axis=1)]
    if len(wrong):
        raise RefusedError(
            "the rows do not add up", where=str(wrong["source_file"].iloc[0]), repair="Clean the case again."
        )
    keys = ["source_file", "column", "reason"]
    reasons = (
        quarantine.groupby(keys, sort=True)["raw_value"]
        .agg(rows="size", examples=lambda raw: "; ".join(sorted({str(v)[:40] for v in raw})[:3]))
        .reset_index()
        .sort_values(["rows", *keys], ascending=[False, True, True, True])
        .reset_index(drop=True)
    )
    reasons["reason"] = "cleaning_" + reasons["reason"].str.lower()
    return IntakeReceipt(files, reasons, Recipe("intake_receipt", {"n_files": len(files)}))
