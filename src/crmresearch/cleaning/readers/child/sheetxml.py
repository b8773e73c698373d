"""What a sheet's own XML says beyond its values: errors, formulas without values, hidden rows, far cells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from refusal import RefusalError, note

MAX_CELLS = 20_000_000
_LOOK_CLOSELY = 60_000_000
_MAX_COVERED = 2_000_000
_CELL = re.compile(rb'<(?:\w+:)?c\b[^>]*?\br="([A-Z]{1,3})(\d{1,7})"')
_ERROR = re.compile(
    rb'<(?:\w+:)?c\b(?=[^>]*\bt="e")[^>]*?\br="([A-Z]{1,3})(\d{1,7})"[^>]*>.{0,4000}?<(?:\w+:)?v>([^<]*)<', re.DOTALL
)
_NO_VALUE = re.compile(
    rb'<(?:\w+:)?c\b(?![^>]*\bt="str")[^>]*?\br="([A-Z]{1,3})(\d{1,7})"[^>]*>\s*'
    rb"<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>([^<]*)</(?:\w+:)?f>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*"
    rb"</(?:\w+:)?c>"
)
_HIDDEN = re.compile(rb'<(?:\w+:)?row\b[^>]*\bhidden="(?:1|true)"')
_FILTER = re.compile(rb"<(?:\w+:)?autoFilter\b")
_STYLE = re.compile(rb'<(?:\w+:)?c\b[^>]*?\bs="(\d+)"')
_REPAIR = "Open it in Excel, delete the rows and columns beyond the table, and save it anew; or save it as CSV UTF-8."


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a sheet beside its values.

    Attributes
    ----------
    reasons, raw : dict[tuple[int, int], str]
        (row from 1, column from 0) → reason code; → the text that stands there.
    notes : list[dict[str, Any]]
    """

    reasons: dict[tuple[int, int], str] = field(default_factory=dict)
    raw: dict[tuple[int, int], str] = field(default_factory=dict)
    notes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def flawed_rows(self) -> set[int]:
        """Rows that hold content, though it cannot be read."""
        return {row for row, _ in self.reasons}

    def flaws(self, merges: Sequence[Any], first: int, last: int, width: int) -> dict[tuple[int, int], str]:
        """Reasons by place, with the cells that a merged one covers among the rows ``first`` to ``last``."""
        found, covered = dict(self.reasons), 0
        for (top, left), (bottom, right) in merges:
            for i in range(max(top + 1, first), min(bottom + 1, last) + 1):
                for j in range(left, min(right + 1, width)):
                    covered += 1
                    if (i, j) != (top + 1, left):
                        found.setdefault((i, j), "MERGED_CELL")
            if covered > _MAX_COVERED:
                raise RefusalError("more merged cells than a table can have", _REPAIR)
        return found

    @staticmethod
    def refuse_far_cells(xml: bytes, sheet: str) -> None:
        """Refuse a sheet that spans more cells than a table of its size can fill."""
        if len(xml) > _LOOK_CLOSELY:
            return
        row, column, cells, far = 0, 0, 0, ""
        for match in _CELL.finditer(xml):
            letters, digits = match.groups()
            cells += 1
            number, place = int(digits), position(letters)
            if number > row or place > column:
                row, column, far = max(row, number), max(column, place), (letters + digits).decode()
        if row * (column + 1) > max(MAX_CELLS, 0) or (row * (column + 1) > 5_000_000 and cells * 100 < row):
            raise RefusalError(
                f"the cell {far} stretches the sheet to {row:,} rows and {column + 1:,} columns, above the limit of "
                f"{MAX_CELLS:,} cells",
                _REPAIR,
                f"sheet {sheet!r}",
            )


def position(letters: bytes) -> int:
    """Column from 0: ``A`` is 0, ``XFD`` is 16383."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def facts_of(xml: bytes, sheet: str, zero_formats: set[int]) -> Facts:
    """Read what the sheet's XML says beside its values."""
    facts = Facts()
    if b't="e"' in xml:
        for letters, digits, value in _ERROR.findall(xml):
            _mark(facts, letters, digits, "ERROR_CELL", value)
    if re.search(rb"<(?:\w+:)?f\b", xml):
        for letters, digits, formula in _NO_VALUE.findall(xml):
            _mark(facts, letters, digits, "FORMULA_NO_VALUE", b"=" + formula)
    hidden = len(_HIDDEN.findall(xml)) if b"hidden=" in xml else 0
    if hidden:
        facts.notes.append(note("HIDDEN_ROWS", "warning", hidden, ("filtered",) if _FILTER.search(xml) else ()))
    if zero_formats:
        padded = sum(int(style) in zero_formats for style in _STYLE.findall(xml))
        if padded:
            facts.notes.append(note("ZERO_FORMAT", "warning", padded))
    return facts


def _mark(facts: Facts, letters: bytes, digits: bytes, reason: str, raw: bytes) -> None:
    place = (int(digits), position(letters))
    facts.reasons[place] = reason
    facts.raw[place] = raw.decode("utf-8", "replace")[:200]
