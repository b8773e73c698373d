"""The values of two records side by side: one row for each, raw, with its difference and how it changed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from crmresearch.reporting.comparison.pairing import Pair
from crmresearch.reporting.numbers import LANGUAGES, NUMERIC, Language, format_value
from crmresearch.reporting.record import Block
from crmresearch.reporting.words import Text, Words, placeholders

Change = Literal["changed", "too_small_to_print", "same", "first_only", "second_only"]
GAP, OTHERS = "□", "…"
"""In a clause of a finding: the value compared, and other values that differ too; those that do not are printed."""

_AND = {"en": ", ", "zh": "、"}
_CLAUSE = re.compile(r"[.;:,]\s+|[()（）。；：，]")
_SHORTEST_CLAUSE = {"en": 16, "zh": 7}  # letters
_NAMING = frozenset({"text", "name", "date", "flag", "integer", "count", "level"})
"""Kinds of first columns that can name a row; a measured number cannot."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a record: raw, its kind, and the wording of those that are words."""

    raw: Any
    kind: str
    words: Mapping[str, Text]

    def printed(self, language: Language) -> str:
        """The value as a report prints it."""
        return _printed(self.raw, self.kind, self.words, language)

    @property
    def number(self) -> Decimal | None:
        """The value as a number; None where it is none."""
        if isinstance(self.raw, bool) or (isinstance(self.raw, str) and self.kind not in NUMERIC):
            return None
        try:
            return Decimal(str(self.raw)) if isinstance(self.raw, int | float | str) else None
        except InvalidOperation:
            return None


@dataclass(frozen=True, slots=True)
class Row:
    """One value in two editions.

    Attributes
    ----------
    study, section, block, name : str
        Where it stands: the study, the section's key, the id of the finding or table (in the second edition, if
        it is there), and the value's name: of a table its row's first cells and its column.
    type : {"finding", "table"}
    group : Text
        The section's heading, or the table's caption.
    what : Text
        The clause that states the value (``GAP`` in its place), or the table's row and column.
    first, second : Value | None
        None where an edition does not hold it.
    """

    study: str
    section: str
    block: str
    name: str
    type: Literal["finding", "table"]
    group: Text
    what: Text
    first: Value | None
    second: Value | None

    @property
    def change(self) -> Change:
        """What became of the value from the first edition to the second."""
        if self.first is None or self.second is None:
            return "second_only" if self.first is None else "first_only"
        numbers = self.first.number, self.second.number
        if numbers[0] == numbers[1] if None not in numbers else self.first.raw == self.second.raw:
            return "same"
        alike = all(self.first.printed(language) == self.second.printed(language) for language in LANGUAGES)
        return "too_small_to_print" if alike else "changed"

    @property
    def difference(self) -> Decimal | None:
        """Second less first; None where they are not two finite numbers."""
        numbers = [value.number for value in (self.first, self.second) if value is not None]
        if len(numbers) < 2 or any(number is None or not number.is_finite() for number in numbers):
            return None
        return numbers[1] - numbers[0]  # type: ignore[operator]

    @property
    def relative(self) -> Decimal | None:
        """The difference as a share of the first's size; None where the first is zero."""
        difference = self.difference
        base = abs(self.first.number) if difference is not None else None  # type: ignore[union-attr, arg-type]
        return difference / base if base else None


def rows_of(study: str, pair: Pair, words: Words) -> Iterator[Row]:
    """Every value of a pair of findings, or of a pair of tables."""
    if pair.either["type"] == "finding":
        yield from _finding_rows(study, pair, words)
    elif pair.either["type"] == "table":
        yield from _table_rows(study, pair, words)


def _finding_rows(study: str, pair: Pair, words: Words) -> Iterator[Row]:
    sides = [_finding_values(block) if block else {} for block in (pair.first, pair.second)]
    heading = pair.section["text"] if pair.section else dict.fromkeys(LANGUAGES, "")
    for name in dict.fromkeys((*sides[1], *sides[0])):
        stating = next((b for b in (pair.second, pair.first) if b and name in _stated(b)), None)
        if stating is None:
            what = {
                lang: words.fill(words.label("compared_unprinted", lang), {"name": name}, lang) for lang in LANGUAGES
            }
        else:
            differing = {n for n in sides[0] if n in sides[1] and sides[0][n].raw != sides[1][n].raw}
            what = _clause(stating, name, differing, words)
        place = study, _key(pair.section), pair.either["id"], name
        yield Row(*place, "finding", heading, what, sides[0].get(name), sides[1].get(name))


def _finding_values(block: Block) -> dict[str, Value]:
    kinds = _stated(block)
    values = {}
    for name, raw in block["values"].items():
        kind = kinds.get(name, "") or {float: "number", int: "integer"}.get(type(raw), "")
        values[name] = Value(raw, "p" if kind == "equals_p" else kind, block["words"])
    return values


def _stated(block: Block) -> dict[str, str]:
    """Name → kind of the values that a finding's sentence prints."""
    pairs = list(placeholders(block["template"]["en"]))
    return {name: kind for name, kind in reversed(pairs) if kind != "plural"}


def _clause(block: Block, name: str, differing: set[str], words: Words) -> Text:
    """The part of the sentence that states a value."""
    clauses, own = {}, words.of("findings", block["key"]).with_terms(block["words"])
    for language in LANGUAGES:
        marked = ""
        for text, stated in own.pieces(block["template"][language], block["values"], language):
            marked += GAP if stated == name and GAP not in marked else OTHERS if stated in differing else text
        clauses[language] = _around_gap(marked, _SHORTEST_CLAUSE[language])
    return clauses


def _around_gap(sentence: str, letters: int) -> str:
    """The clause that holds the gap, with as many before it (or else after it) as it takes to say something."""
    ends = [0, *(match.end() for match in _CLAUSE.finditer(sentence)), len(sentence)]
    high = next(n for n, end in enumerate(ends) if end > max(sentence.find(GAP), 0))
    low, last = high - 1, len(ends) - 1
    while len(re.sub(r"[\W\d_]", "", sentence[ends[low] : ends[high]])) < letters and (low or high < last):
        low, high = (low - 1, high) if low else (low, high + 1)
    clause = sentence[ends[low] : ends[high]].strip(" ,;:，；：.。").rstrip("(（ ")
    for opening, closing in ("()", "（）"):
        surplus = clause.count(opening) - clause.count(closing)
        clause = clause + closing if surplus > 0 else clause.removesuffix(closing) if surplus < 0 else clause
    return clause


def _table_rows(study: str, pair: Pair, words: Words) -> Iterator[Row]:
    blocks = [block for block in (pair.first, pair.second) if block]
    place = study, _key(pair.section), pair.either["id"]
    caption = pair.either["caption"]
    if any(block["rows_total"] > len(block["rows"]) for block in blocks):
        totals = [Value(b["rows_total"], "count", {}) if b else None for b in (pair.first, pair.second)]
        yield Row(*place, "rows", "table", caption, _both(words, "compared_rows"), *totals)
        return
    naming = _naming_columns(blocks)
    width = next((n for n in range(naming + 1) if all(_tells_apart(block, n) for block in blocks)), None)
    sides = [_cells(block, naming if width is None else width, width is None) if block else {} for block in (
        pair.first, pair.second)]  # fmt: skip
    for key in dict.fromkeys((*sides[1], *sides[0])):
        label, column = next(side[key][1] for side in (sides[1], sides[0]) if key in side)
        what = {lang: " · ".join(filter(None, (label[lang], column[lang]))) for lang in LANGUAGES}
        values = [side[key][0] if key in side else None for side in sides]
        yield Row(*place, "/".join(map(str, key)), "table", caption, what, *values)


def _naming_columns(blocks: Sequence[Block]) -> int:
    """How many first columns may name a row: those the tables share, up to the first that is measured."""
    columns = [[(column["name"], column["kind"]) for column in block["columns"]] for block in blocks]
    shared = 0
    for heads in zip(*columns, strict=False):
        if len(set(heads)) > 1 or heads[0][1] not in _NAMING:
            break
        shared += 1
    return min(shared, *(len(heads) - 1 for heads in columns))


def _tells_apart(block: Block, width: int) -> bool:
    """Whether no two rows have the same first cells."""
    keys = [str(row[:width]) for row in block["rows"]]
    return len(set(keys)) == len(keys)


def _cells(block: Block, width: int, numbered: bool) -> dict[tuple[Any, ...], tuple[Value, tuple[Text, Text]]]:
    """Cells by the first cells of their row, its number among those alike where these do not do, and their column."""
    cells, alike = {}, Counter()
    row_kinds = block.get("row_kinds") or [""] * len(block["rows"])
    for row, row_kind in zip(block["rows"], row_kinds, strict=True):
        kinds = [row_kind if column["kind"] == "by_row" else column["kind"] for column in block["columns"]]
        values = [Value(raw, kind, block["words"]) for raw, kind in zip(row, kinds, strict=True)]
        key = tuple(map(str, row[:width]))
        alike[key] += 1
        number = (str(alike[key]),) if numbered else ()
        label = {lang: " · ".join((*(v.printed(lang) for v in values[:width]), *number)) for lang in LANGUAGES}
        for column, value in list(zip(block["columns"], values, strict=True))[width:]:
            cells[(*key, *number, column["name"])] = value, (label, column["label"])
    return cells


def _key(section: Block | None) -> str:
    return section["key"] if section else ""


def _both(words: Words, key: str) -> Text:
    return {language: words.label(key, language) for language in LANGUAGES}


def _printed(raw: Any, kind: str, words: Mapping[str, Text], language: Language) -> str:
    if isinstance(raw, Mapping):
        return str(raw[language])
    if isinstance(raw, list):
        return _AND[language].join(_printed(item, kind, words, language) for item in raw)
    if kind in {"", "text"} and isinstance(raw, str) and raw in words:
        return words[raw][language]
    return format_value(raw, kind or ("flag" if isinstance(raw, bool) else "text"), language)
