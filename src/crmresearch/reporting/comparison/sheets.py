"""A comparison as it is shown: the tables of its page and of the terminal, and the whole of it as one table."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from crmresearch.reporting.comparison.causes import short_title
from crmresearch.reporting.comparison.comparing import Claim, Comparison
from crmresearch.reporting.comparison.rows import Row
from crmresearch.reporting.numbers import NUMERIC, format_value
from crmresearch.reporting.record import Block
from crmresearch.reporting.tables import Flow, TableView

if TYPE_CHECKING:  # rendering a page needs no pandas
    import pandas as pd

_NARROWEST = 12


@dataclass(frozen=True, slots=True)
class Sheet:
    """A part of a comparison: its heading, its tables, and those tables that are shown on demand.

    Attributes
    ----------
    level : int
        Of the heading, from 2.
    lead : str
        A sentence below the heading.
    tables : tuple[TableView, ...]
    folded : tuple[TableView, ...]
        Shown when asked for; a terminal only counts their rows.
    summary : str
        What ``folded`` holds.
    """

    heading: str
    level: int = 2
    lead: str = ""
    tables: tuple[TableView, ...] = ()
    folded: tuple[TableView, ...] = ()
    summary: str = ""


def sheets(comparison: Comparison) -> Iterator[Sheet]:
    """The parts of a comparison in reading order: causes, verdicts, how many, what changed, what stands alone."""
    yield _causes(comparison)
    yield _verdicts(comparison)
    yield _overview(comparison)
    yield from _values(comparison, "compared_changed", ("changed",))
    yield from _values(comparison, "compared_alone", ("first_only", "second_only"))
    yield from _values(comparison, "compared_tiny", ("too_small_to_print",))


def _causes(comparison: Comparison) -> Sheet:
    say, language = comparison.voice.say, comparison.voice.language
    rows = tuple(
        (say(c.sort), c.name[language], *(side[language] or "–" for side in (c.first, c.second)))
        for c in comparison.causes
    )
    lead = say("compared_causes_lead" if rows else "compared_no_causes")
    return Sheet(
        say("compared_causes"), lead=lead, tables=_table(comparison, ("sort", "name", "first", "second"), rows)
    )


def _verdicts(comparison: Comparison) -> Sheet:
    say = comparison.voice.say
    claims = [claim for claim in comparison.claims if claim.study in comparison.shared]
    changed = [claim for claim in claims if claim.is_changed]
    alone = [claim for claim in claims if not (claim.first and claim.second)]
    filled = {"changed": len(changed), "total": len(claims), "alone": len(alone)}
    lead = comparison.voice.words.fill(say("compared_verdicts_lead"), filled, comparison.voice.language)
    rows = tuple(_verdict(comparison, claim) for claim in (*changed, *alone))
    return Sheet(
        say("compared_verdicts"), lead=lead, tables=_table(comparison, ("study", "claim", "first", "second"), rows)
    )


def _verdict(comparison: Comparison, claim: Claim) -> tuple[str, ...]:
    def said(block: Block | None) -> str:
        if block is None:
            return "–"
        verdict = comparison.voice.words.verdict(block["verdict"], language) if block["verdict"] else "–"
        return f"{verdict}{'：' if language == 'zh' else ': '}{block['text'][language]}"

    language = comparison.voice.language
    return short_title(comparison.titles[claim.study])[language], claim.name, said(claim.first), said(claim.second)


_CHANGES = ("changed", "too_small_to_print", "same", "first_only", "second_only")
_COUNTED = ("changed_count", *_CHANGES[1:])


def _overview(comparison: Comparison) -> Sheet:
    say, language = comparison.voice.say, comparison.voice.language
    rows = []
    for study, title in comparison.titles.items():
        own = [row.change for row in comparison.rows if row.study == study]
        if own:
            counts = [len(own), *(own.count(change) for change in _CHANGES)]  # type: ignore[arg-type]
            rows.append((short_title(title)[language], *(format_value(count, "count", language) for count in counts)))
    columns = ("study", "compared", *_COUNTED)
    return Sheet(say("compared_overview"), lead=say("compared_rule"), tables=_table(comparison, columns, tuple(rows)))


def _values(comparison: Comparison, heading: str, changes: tuple[str, ...]) -> Iterator[Sheet]:
    """The values of shared studies that changed in some ways, study by study: of findings shown, of tables folded."""
    say, voice = comparison.voice.say, comparison.voice
    chosen = [row for row in comparison.rows if row.change in changes and row.study in comparison.shared]
    yield Sheet(say(heading), lead="" if chosen else say("compared_none"))
    for study, title in comparison.titles.items():
        own = [row for row in chosen if row.study == study]
        stated = _table(comparison, _COLUMNS, [_cells(comparison, row) for row in own if row.type == "finding"])
        groups: dict[tuple[str, str], list[Row]] = {}
        for row in own:
            if row.type == "table":
                groups.setdefault((row.block, row.group[voice.language]), []).append(row)
        folded = tuple(
            view
            for (_, caption), rows in groups.items()
            for view in _table(comparison, _COLUMNS, [_cells(comparison, row) for row in rows], caption)
        )
        if stated or folded:
            numbers = {"tables": len(folded), "values": sum(map(len, groups.values()))}
            summary = voice.words.fill(say("compared_in_tables"), numbers, voice.language) if folded else ""
            yield Sheet(title[voice.language], 3, "", stated, folded, summary)


_COLUMNS = ("what", "first", "second", "difference", "relative")


def _cells(comparison: Comparison, row: Row) -> tuple[str, ...]:
    language = comparison.voice.language
    sides = [value.printed(language) if value else "" for value in (row.first, row.second)]
    return row.what[language], *sides, _difference(comparison, row), _signed(row.relative, "share", comparison)


def _difference(comparison: Comparison, row: Row) -> str:
    kind = row.second.kind if row.second else ""
    if kind not in {"share", "level"} or row.difference is None:
        return _signed(row.difference, kind, comparison)
    return _signed(row.difference, "share", comparison).rstrip("%\xa0") + comparison.voice.say("compared_points")


def _signed(number: Decimal | None, kind: str, comparison: Comparison) -> str:
    """A difference in the form of its kind, with its sign; empty where there is none."""
    if number is None:
        return ""
    kind = kind if kind in NUMERIC - {"p"} else "number"
    text = format_value(number, kind, comparison.voice.language)
    return f"+{text}" if number > 0 else text


def _table(
    comparison: Comparison, columns: Sequence[str], rows: Sequence[tuple[str, ...]], caption: str = ""
) -> tuple[TableView, ...]:
    if not rows:
        return ()
    heads = tuple(
        comparison.first.edition if name == "first" else comparison.second.edition if name == "second"
        else comparison.voice.say(f"compared_{name}")
        for name in columns
    )  # fmt: skip
    numbers = {"difference", "relative", "compared", *_COUNTED, *(("first", "second") if columns is _COLUMNS else ())}
    flows: tuple[Flow, ...] = tuple("number" if name in numbers else "words" for name in columns)
    return (TableView(caption, heads, flows, tuple(rows)),)


def comparison_frame(comparison: Comparison) -> pd.DataFrame:
    """Every value compared, one a row, unrounded; verdicts come first."""
    import pandas as pd

    rows = [
        {
            "change": "verdict"
            if claim.is_changed
            else "same verdict"
            if claim.first and claim.second
            else "verdict alone",
            "study": claim.study,
            "section": "",
            "part": "claim",
            "block": (claim.second or claim.first)["id"],
            "name": claim.name,
            "what_en": (claim.second or claim.first)["text"]["en"],
            "what_zh": (claim.second or claim.first)["text"]["zh"],
            "first": claim.first and claim.first["verdict"],
            "second": claim.second and claim.second["verdict"],
        }
        for claim in comparison.claims
    ]
    for row in comparison.rows:
        group = {lang: f"{row.group[lang]}: " if row.type == "table" else "" for lang in ("en", "zh")}
        numbers = [None if n is None else float(n) for n in (row.difference, row.relative)]
        rows.append(
            {
                "change": row.change.replace("_", " "),
                "study": row.study,
                "section": row.section,
                "part": row.type,
                "block": row.block,
                "name": row.name,
                "what_en": group["en"] + row.what["en"],
                "what_zh": group["zh"] + row.what["zh"],
                "first": _raw(row.first),
                "second": _raw(row.second),
                "difference": numbers[0],
                "relative_difference": numbers[1],
            }
        )
    columns = ("change", "study", "section", "part", "block", "name", "what_en", "what_zh", "first", "second")
    return pd.DataFrame(rows, columns=[*columns, "difference", "relative_difference"])


def _raw(value: object) -> object:
    """A number as a number, anything else as its English text."""
    if value is None:
        return None
    number = value.number  # type: ignore[attr-defined]
    return value.printed("en") if number is None else number if number.is_finite() else str(number)  # type: ignore[attr-defined]


def describe(comparison: Comparison, width: int = 100) -> str:
    """The comparison as lines for a terminal; values of tables are counted, the page and the CSV hold them."""
    voice = comparison.voice
    title = voice.text(voice.written(comparison.second.title.model_dump()))
    lines = [f"{title}: {comparison.first.edition} | {comparison.second.edition}"]
    for sheet in sheets(comparison):
        lines += ["", sheet.heading.upper() if sheet.level == 2 else sheet.heading]
        lines += _wrapped(sheet.lead, width) if sheet.lead else []
        for view in sheet.tables:
            lines += _text_table(view, width)
        lines += [f"  ({sheet.summary})"] if sheet.summary else []
    return "\n".join(_printable(line) for line in lines)


def _text_table(view: TableView, width: int) -> Iterator[str]:
    """A table in columns of text; columns of words share the room that those of numbers leave."""
    cells = [[_printable(cell) for cell in row] for row in (view.headings, *view.rows)]
    longest = [max(_columns(row[n]) for row in cells) for n in range(len(view.headings))]
    free = width - 2 * len(longest)
    wide = sorted(range(len(longest)), key=lambda n: longest[n])
    widths = list(longest)
    for place, n in enumerate(wide):  # the narrow take what they need, the others share what is left
        widths[n] = min(longest[n], max(_NARROWEST, free // (len(wide) - place)))
        free -= widths[n]
    for number, row in enumerate(cells):
        columns = [_wrapped(cell, widths[n]) for n, cell in enumerate(row)]
        for line in range(max(map(len, columns))):
            parts = [column[line] if line < len(column) else "" for column in columns]
            yield (
                "  "
                + "  ".join(
                    _padded(part, widths[n], view.flows[n] == "number") for n, part in enumerate(parts)
                ).rstrip()
            )
        if number == 0:
            yield "  " + "  ".join("-" * n for n in widths)


def _wrapped(text: str, width: int) -> list[str]:
    """Text in lines of a width; Chinese may break anywhere and is twice as wide."""
    if _columns(text) <= width:
        return [text]
    if _columns(text) == len(text):
        return textwrap.wrap(text, width)
    lines, line = [], ""
    for character in text:
        if _columns(line + character) > width:
            lines.append(line)
            line = ""
        line += character
    return [*lines, line]


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _padded(text: str, width: int, right: bool) -> str:
    gap = " " * (width - _columns(text))
    return gap + text if right else text + gap


def _printable(text: str) -> str:
    """Data of a case cannot steer the terminal."""
    return "".join(c if c.isprintable() or c == "\xa0" else "\ufffd" for c in text).replace("\xa0", " ")
