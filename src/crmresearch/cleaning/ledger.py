"""The ledger: every row and every amount of every file is kept, quarantined or merged. Nothing else."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from crmresearch.cleaning.intake import FileIntake
from crmresearch.errors import CrmresearchError
from crmresearch.tables import TABLES

SUM = pa.decimal128(38, 2)
SCHEMA = pa.schema(
    [
        ("source_file", pa.string()),
        ("table", pa.string()),
        *((f"rows_{fate}", pa.int64()) for fate in ("in", "kept", "quarantined", "merged")),
        *((f"amount_{fate}", SUM) for fate in ("in", "kept", "quarantined", "merged")),
        ("amounts_unread", pa.int64()),
    ]
)
"""``amount_*`` sum the table's main money column, null where it has none. ``amounts_unread`` counts
the rows in which no amount could be read: they have no part in the sums, on either side."""


def main_amount(table: str) -> str | None:
    """The money column that a table's ledger sums: the first it has."""
    return next((c.name for c in TABLES[table].columns if c.kind == "money"), None)


def ledger_line(intake: FileIntake, kept: pa.Table, merged: pa.Table, quarantine: pa.Table) -> dict[str, object]:
    """The ledger of one file, from what was read on one side and what was written on the other.

    Parameters
    ----------
    intake : FileIntake
        The file as it was read; gives ``rows_in`` and ``amount_in``.
    kept, merged : pa.Table
        Rows of this file in the processed table, and rows merged into others.
    quarantine : pa.Table
        The quarantine entries of this file.

    Raises
    ------
    CrmresearchError
        The sides differ: a row or an amount was lost or counted twice.
    """
    whole_rows = quarantine.filter(pc.equal(quarantine["scope"], "row"))
    places = pc.unique(whole_rows["source_row"])
    aside = intake.rows.filter(pc.is_in(intake.rows["source_row"], value_set=places))
    line = {"source_file": intake.source.label, "table": intake.source.table}
    line |= {
        "rows_in": intake.rows_in,
        "rows_kept": kept.num_rows,
        "rows_quarantined": len(places),
        "rows_merged": merged.num_rows,
    }
    amount = main_amount(intake.source.table)
    if amount in intake.source.columns:
        sides = {"in": intake.rows, "kept": kept, "quarantined": aside, "merged": merged}
        line |= {f"amount_{fate}": _total(rows[amount]) for fate, rows in sides.items()}
        line["amounts_unread"] = intake.rows_in - intake.rows.num_rows + intake.rows[amount].null_count
    _balance(line)
    return line


def _total(amounts: pa.ChunkedArray) -> object:
    return pc.sum(amounts.cast(SUM), min_count=0).as_py()


def _balance(line: dict[str, object]) -> None:
    for what in ("rows", "amount") if "amount_in" in line else ("rows",):
        entered = line[f"{what}_in"]
        left = line[f"{what}_kept"] + line[f"{what}_quarantined"] + line[f"{what}_merged"]
        if entered != left:
            raise CrmresearchError(
                f"the ledger does not add up: {what} in {entered}, kept, quarantined and merged {left}",
                where=str(line["source_file"]),
                repair="This is a fault of crmresearch, not of the file; please report it with the file's form.",
            )
