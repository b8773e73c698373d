"""Rows and values set aside, each with its place, its raw text and a reason."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

REASONS = {
    "TOO_MANY_FIELDS": "more fields than headings",
    "TOO_FEW_FIELDS": "fewer fields than headings",
    "HEADER_ROW": "the heading repeated among the rows",
    "TOTAL_ROW": "a total or subtotal, not a record",
    "FORMULA_NO_VALUE": "a formula whose result the workbook does not hold; open and save it in Excel",
    "ERROR_CELL": "an error value of the spreadsheet",
    "MERGED_CELL": "the inside of merged cells: it is empty, whatever the sheet shows",
    "CANCELLED": "the file says that the order was cancelled or is void",
    "ZERO_BYTE": "the text holds a zero byte",
    "UNDECODABLE": "a character was lost in an earlier conversion",
    "MISSING_VALUE": "no value in a required column",
    "SCIENTIFIC_NOTATION": "a number in scientific notation has lost digits",
    "NOT_A_NUMBER": "not a number in the declared form",
    "NOT_AN_INTEGER": "not a whole number",
    "NOT_FINITE": "infinite, or beyond what a number can hold",
    "TOO_LARGE": "more digits than can be kept exactly",
    "UNKNOWN_UNIT": "a unit or sign that the unit table lacks",
    "NOT_A_FLAG": "neither yes nor no",
    "NOT_A_DATE": "not a date of the calendar in an accepted form",
    "MONTH_DOUBTFUL": "January, or October whose zero a spreadsheet has cut",
    "BELOW_RANGE": "below the column's lowest value",
    "ABOVE_RANGE": "above the column's highest value",
    "BEFORE_START": "before the case's 'starts', or before 1900",
    "AFTER_AS_OF": "after the case's 'as_of', its last observed day, or after 2100",
    "ORPHAN": "the customer is not in the customers table",
    "CONFLICT": "the identifier stands for another, fuller row already",
    "OFF_SCALE": "an answer outside the instrument's scale",
    "ALL_ITEMS_MISSING": "no item was answered",
}
"""Every reason code and what it says."""

NO_RECORDS = ("HEADER_ROW", "TOTAL_ROW", "CANCELLED")
"""Reasons that are no fault of a row: it never was a record, and counts for no share of failures."""

SCHEMA = pa.schema(
    [
        ("source_file", pa.string()),
        ("sheet", pa.string()),
        ("source_row", pa.int64()),
        ("column", pa.string()),
        ("raw_value", pa.string()),
        ("reason", pa.string()),
        ("scope", pa.string()),
    ]
)
"""``scope`` is ``row`` where the whole row was set aside, ``value`` where only the value became missing."""


def entries(
    rows: pa.Array,
    raw: pa.Array,
    reasons: pa.Array,
    *,
    file: pa.Array | str,
    sheet: pa.Array | str,
    column: str,
    scope: str = "row",
) -> pa.Table:
    """Quarantine entries for the rows whose ``reasons`` are not null, in the form of ``SCHEMA``."""
    bad = pc.is_valid(reasons)
    rows, raw, reasons = rows.filter(bad), raw.filter(bad), reasons.filter(bad)
    n = len(rows)
    files, sheets = (pa.repeat(x, n) if isinstance(x, str) else x.filter(bad) for x in (file, sheet))
    raw = pc.fill_null(pc.cast(raw, pa.string()), "")
    columns = [files, sheets, rows, pa.repeat(column, n), raw, pc.cast(reasons, pa.string())]
    return pa.table([*columns, pa.repeat(scope, n)], schema=SCHEMA)


def in_order(table: pa.Table) -> pa.Table:
    """Entries sorted by place, so that they never depend on the order of work."""
    return table.sort_by([(name, "ascending") for name in ("source_file", "sheet", "source_row", "column", "reason")])
