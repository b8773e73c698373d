"""Three-line tables: a record's table block as the text that every renderer sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from crmresearch.reporting.numbers import NUMERIC, REPORT, Language, Style, format_value
from crmresearch.reporting.record import Block
from crmresearch.reporting.words import Words

Flow = Literal["number", "date", "words"]


@dataclass(frozen=True, slots=True)
class TableView:
    """A table ready to set: one rule above, one below the headings, one at the end.

    Attributes
    ----------
    caption : str
    headings : tuple[str, ...]
    flows : tuple[Flow, ...]
        How each column is set: numbers flush right, dates on one line, words wrapped.
    rows : tuple[tuple[str, ...], ...]
    notes : tuple[str, ...]
    """

    caption: str
    headings: tuple[str, ...]
    flows: tuple[Flow, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def view_table(
    block: Block, words: Words, language: Language, style: Style = REPORT, *, currency: str = ""
) -> TableView:
    """Set a table block of a record.

    Parameters
    ----------
    block : Block
        Of type ``table``; see ``record``.
    words : Words
        For the sentence that says how many rows are not shown.
    language : {"en", "zh"}
    style : Style
    currency : str
        Stands in the headings of columns of money.

    Returns
    -------
    TableView
    """
    columns = block["columns"]
    kinds = [column["kind"] for column in columns]
    row_kinds = block.get("row_kinds") or [""] * len(block["rows"])
    rows = tuple(
        tuple(
            _cell(value, row_kind if kind == "by_row" else kind, block["words"], language, style)
            for value, kind in zip(row, kinds, strict=True)
        )
        for row, row_kind in zip(block["rows"], row_kinds, strict=True)
    )
    notes = [note["text"][language] for note in block["notes"]]
    if block["rows_total"] > len(rows):
        hidden = {"shown": len(rows), "total": block["rows_total"], "file": block["file"]}
        notes.append(words.fill(words.label("rows_shown", language), hidden, language, style))
    return TableView(
        caption=block["caption"][language],
        headings=tuple(_heading(column["label"][language], column["kind"], currency, language) for column in columns),
        flows=tuple(_flow(kind) for kind in kinds),
        rows=rows,
        notes=tuple(notes),
    )


def view_rows(
    key: str, rows: Sequence[Mapping[str, Any]], words: Words, language: Language, style: Style = REPORT
) -> TableView:
    """Set rows that come with an edition, such as its cleaning ledger; columns without a value are left out."""
    names = [name for name in (rows[0] if rows else ()) if any(row[name] not in (None, "") for row in rows)]
    return TableView(
        caption=words.caption(key, language),
        headings=tuple(words.column(name, language) for name in names),
        flows=tuple(_flow(words.kind(name)) for name in names),
        rows=tuple(tuple(words.value(row[name], words.kind(name), language, style) for name in names) for row in rows),
    )


def _flow(kind: str) -> Flow:
    if kind in NUMERIC or kind == "by_row":
        return "number"
    return "date" if kind == "date" else "words"


def _heading(label: str, kind: str, currency: str, language: Language) -> str:
    if kind != "money" or not currency:
        return label
    return f"{label}（{currency}）" if language == "zh" else f"{label} ({currency})"


def _cell(value: Any, kind: str, words: Mapping[str, Any], language: Language, style: Style) -> str:
    if kind == "text" and isinstance(value, str) and value in words:
        return words[value][language]
    return format_value(value, kind, language, style)
