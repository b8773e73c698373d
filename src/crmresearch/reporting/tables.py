"""Three-line tables: a record's table block as the text that every renderer sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from crmresearch.reporting.numbers import NUMERIC, REPORT, Language, Style, format_value
from crmresearch.reporting.record import Block
from crmresearch.reporting.words import Words

Flow = Literal["number", "date", "words"]
_MEANS = {"mean": ("sd", "std")}


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
    origins : tuple[tuple[int, ...], ...]
        For each column, the columns of the record (from 1) whose values its cells print.
    """

    caption: str
    headings: tuple[str, ...]
    flows: tuple[Flow, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    origins: tuple[tuple[int, ...], ...] = ()


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
    names = [column["name"] for column in columns]
    columns = [{**column, "governing": style.governing(column["name"], names)} for column in columns]
    row_kinds = block.get("row_kinds") or [""] * len(block["rows"])
    texts = [
        [
            _cell(value, column, row_kind, block["words"], language, style)
            for value, column in zip(row, columns, strict=True)
        ]
        for row, row_kind in zip(block["rows"], row_kinds, strict=True)
    ]
    headings = [_heading(column["label"][language], column["kind"], currency, language) for column in columns]
    origins = [(number,) for number in range(1, len(columns) + 1)]
    notes = [note["text"][language] for note in block["notes"]]
    if style.stars and _add_stars(texts, block["rows"], names, style):
        levels = ", ".join if language == "en" else "，".join
        notes.append(levels(f"{'*' * n} p < {level}" for n, level in enumerate(style.stars, start=1)))
    if style.mean_sd:
        _join_means(texts, headings, origins, names)
    if block["rows_total"] > len(texts):
        hidden = {"shown": len(texts), "total": block["rows_total"], "file": block["file"]}
        notes.append(words.fill(words.label("rows_shown", language), hidden, language, style))
    return TableView(
        caption=block["caption"][language],
        headings=tuple(headings),
        flows=tuple(_flow(columns[origin[0] - 1]["kind"]) for origin in origins),
        rows=tuple(tuple(row) for row in texts),
        notes=tuple(notes),
        origins=tuple(origins),
    )


def view_rows(
    key: str, rows: Sequence[Mapping[str, Any]], words: Words, language: Language, style: Style = REPORT
) -> TableView:
    """Set rows that come with an edition, such as its cleaning ledger; columns without a value are left out."""
    words = words.of("exhibits", key)
    names = [name for name in (rows[0] if rows else ()) if any(row[name] not in (None, "") for row in rows)]
    return TableView(
        caption=words.caption(key, language),
        headings=tuple(words.column(name, language) for name in names),
        flows=tuple(_flow(words.kind(name)) for name in names),
        rows=tuple(tuple(words.value(row[name], words.kind(name), language, style) for name in names) for row in rows),
        origins=tuple((number,) for number in range(1, len(names) + 1)),
    )


def _add_stars(texts: list[list[str]], rows: Sequence[Sequence[Any]], names: list[str], style: Style) -> bool:
    """Put the asterisks of each row's p value beside its starred columns; whether there are any."""
    starred = [place for place, name in enumerate(names) if name in style.starred]
    if "p_value" not in names or not starred:
        return False
    for text, row in zip(texts, rows, strict=True):
        p = row[names.index("p_value")]
        stars = "" if p is None else "*" * sum(Decimal(str(p)) < level for level in style.stars)
        for place in starred:
            text[place] += stars
    return True


def _join_means(texts: list[list[str]], headings: list[str], origins: list[tuple[int, ...]], names: list[str]) -> None:
    """Put each mean and the standard deviation right after it into one cell."""
    for place in range(len(names) - 1, 0, -1):
        if names[place] in _MEANS.get(names[place - 1], ()):
            for row in texts:
                row[place - 1 : place + 1] = [f"{row[place - 1]} ± {row[place]}"]
            headings[place - 1 : place + 1] = ["M ± SD"]
            origins[place - 1 : place + 1] = [(*origins[place - 1], *origins[place])]


def _flow(kind: str) -> Flow:
    if kind in NUMERIC or kind == "by_row":
        return "number"
    return "date" if kind == "date" else "words"


def _heading(label: str, kind: str, currency: str, language: Language) -> str:
    if kind != "money" or not currency:
        return label
    return f"{label}（{currency}）" if language == "zh" else f"{label} ({currency})"


def _cell(
    value: Any, column: Mapping[str, Any], row_kind: str, words: Mapping[str, Any], language: Language, style: Style
) -> str:
    kind = row_kind if column["kind"] == "by_row" else column["kind"]
    if isinstance(value, list):
        steps = (_cell(item, column, row_kind, words, language, style) for item in value)
        return " → ".join(steps) or format_value(None, kind, language, style, name=column["governing"])
    if kind == "text" and isinstance(value, str) and value in words:
        return words[value][language]
    return format_value(value, kind, language, style, name=column["governing"])
