"""The cleaning log: what was normalised, and what a reader of the results should know."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

Severity = Literal["normalised", "warning"]

MAX_EXAMPLES = 5
MAX_EXCERPT = 40


@dataclass(frozen=True, slots=True)
class Note:
    """One line of the cleaning log.

    Attributes
    ----------
    rule : str
        Code of the rule, a key of ``RULES``.
    severity : Severity
        ``normalised``: values were changed by the rule. ``warning``: accepted, but worth knowing.
    column : str
        Canonical column, or empty where the note is about the whole file.
    count : int
        Cells, rows or headings concerned.
    examples : tuple[str, ...]
        Up to five, in sorted order.
    """

    rule: str
    severity: Severity
    column: str = ""
    count: int = 1
    examples: tuple[str, ...] = ()


RULES = {
    "ENCODING": "read in an encoding other than plain UTF-8",
    "ENCODING_DOUBTFUL": "many rare characters after decoding as GB18030; set 'encoding' if the text looks wrong",
    "NO_FINAL_NEWLINE": "the last line has no line end; the file may have been cut off",
    "MACROS": "the workbook holds macros; they were not run",
    "EXTERNAL_LINKS": "links to other workbooks; the values stored in this one were read",
    "HIDDEN_SHEETS": "hidden sheets, not read",
    "OTHER_SHEETS": "further sheets of the workbook, not read by this entry",
    "HIDDEN_ROWS": "hidden or filtered rows, read like the others",
    "ZERO_FORMAT": "numbers that only their cell format shows with leading zeros; declare 'width' to keep them",
    "USER_MISSING": "values that the file declares missing, with their label",
    "NO_ORDER": "rows of a query without ORDER BY, numbered in sorted order",
    "BLANK_ROWS": "rows without any content, skipped",
    "HEADING_MATCHED": "headings that differ from the declared ones in case, width or blanks only",
    "UNKNOWN_COLUMN": "columns of the file that no table column uses",
    "UNDECLARED_FILE": "files in the case folder that case.yaml does not declare",
    "SKIPPED_FILE": "files of the system or of an open program, skipped",
    "EMPTY_FILE": "an optional file without rows",
    "TEXT_NORMALISED": "blanks, invisible characters or character forms (NFKC) unified",
    "NUMBER_FORM": "signs, thousands separators or units resolved",
    "ROUNDED": "amounts with more than two decimals, rounded half away from zero",
    "DATE_FORM": "dates written otherwise than YYYY-MM-DD",
    "MONTH_ONLY": "dates that name a month only, taken as the day that 'month_as' states",
    "EXCEL_SERIAL": "Excel's day numbers, turned into dates",
    "ZONE_CONVERTED": "times with an offset, moved to the case's time zone",
    "EMPTY": "cells without a value in a column that may lack one",
    "DECLARED_MISSING": "texts declared to mean 'missing'",
    "UNIT": "values multiplied to the table's unit",
    "ANSWER_CODED": "answers in words, turned into their codes",
    "ZERO_PADDED": "identifiers padded with zeros to the declared width",
    "PRODUCT": "amounts computed as the product of two columns of the file",
    "RETURN_SIGN": "returns written with a positive amount or quantity, made negative",
    "RETURN_LINKED": "returns that have an earlier purchase of the same customer, product, quantity and amount",
    "RETURN_UNLINKED": "returns without such a purchase in these files; they lower the sums all the same",
    "TAX_MIXED": "amounts with tax and without tax in one table; their sums mix both",
    "UNITS_MIXED": "quantities in several units of measure; they cannot be added up",
    "MERGED": "repeats of a whole row with the same identifier, merged",
    "DUPLICATE_ROWS": "rows equal in every column but without an identifier; kept",
    "ZERO_AMOUNT": "orders with an amount of zero; kept",
    "NEGATIVE_AMOUNT": "orders with a negative amount (returns, credits); kept",
    "UNKNOWN_CUSTOMER": "survey rows whose customer is not in the customers table; kept",
    "IDENTITY_MERGED": "records merged into another record of the same customer",
    "IDENTITY_REVIEW": "pairs of records that may be one customer; decide them with: crmresearch identity",
    "IDENTITY_HELD": "pairs not merged, because the customer would be too large or contradict itself",
    "IDENTITY_NOT_APPLIED": "pairs that would be merged; identity.apply is false",
    "SHARED_VALUE": "values under too many different names; they are no evidence of identity",
    "INVALID_CODE": "credit codes whose check character does not fit; not compared",
    "UNKNOWN_DECISION": "decisions about records that are not among the customers",
    "REPEATED_AFTER_MERGE": "rows that differ in nothing but the record of the customer they stand under; kept",
}
"""Every rule of the cleaning log and what it says."""


LOG_SCHEMA = pa.schema(
    [
        ("source_file", pa.string()),
        ("column", pa.string()),
        ("rule", pa.string()),
        ("severity", pa.string()),
        ("count", pa.int64()),
        ("examples", pa.string()),
    ]
)


def log_table(notes: Iterable[tuple[str, Note]]) -> pa.Table:
    """The cleaning log from pairs of file name and note, in the form of ``LOG_SCHEMA``."""
    lines = sorted((file, n.column, n.rule, n.severity, n.count, "; ".join(n.examples)) for file, n in notes)
    return pa.Table.from_pylist([dict(zip(LOG_SCHEMA.names, line, strict=True)) for line in lines], LOG_SCHEMA)


def excerpt(value: object) -> str:
    """``value`` as text of at most 40 characters."""
    text = str(value)
    return text if len(text) <= MAX_EXCERPT else text[: MAX_EXCERPT - 1] + "…"


def examples(values: Iterable[object]) -> tuple[str, ...]:
    """The first five of the distinct values in sorted order, each cut to 40 characters."""
    return tuple(sorted({excerpt(v) for v in values})[:MAX_EXAMPLES])


def changes(before: pa.Array, after: pa.Array) -> tuple[str, ...]:
    """Examples ``'before' → 'after'`` of changed values, the same for every order of rows."""
    first = pc.sort_indices(before)[:MAX_EXAMPLES]
    pairs = zip(before.take(first).to_pylist(), after.take(first).to_pylist(), strict=True)
    return tuple(f"{excerpt(repr(b))} → {excerpt(repr(a))}" for b, a in pairs)
