"""Which table a file holds and which column is which: guesses, each with its confidence and evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from crmresearch.cleaning.parsing import numbers, text
from crmresearch.cleaning.parsing.dates import likely_format
from crmresearch.cleaning.parsing.text import normal_form
from crmresearch.cleaning.readers import TextFrame
from crmresearch.tables import TABLES, Column, Kind, Table

_SAMPLE = 2_000
_SAME, _HOLDS, _ONLY = 0.9, 0.7, 0.4
_MAX_SCALE = 11
_MIN_ITEMS = 3


@dataclass(frozen=True, slots=True)
class Shape:
    """What the first 2,000 cells of a column look like.

    Attributes
    ----------
    heading : str
    n : int
        Cells that hold something.
    distinct : int
    dates, numbers, integers, flags : float
        Shares of those cells that can be read so.
    low, high : float | None
        Range of the numbers.
    date_format, date_proof : str
        Pattern the dates need and the cell that proves it; ``"?"`` where none does.
    decimal : str
        Decimal mark of the numbers.
    currency : str
        The currency that signs in the cells state.
    """

    heading: str
    n: int
    distinct: int
    dates: float
    numbers: float
    integers: float
    flags: float
    low: float | None
    high: float | None
    date_format: str
    date_proof: str
    decimal: str
    currency: str

    def share(self, kind: Kind) -> float:
        """Share of cells that can be read as ``kind``."""
        by_kind = {"date": self.dates, "integer": self.integers, "flag": self.flags}
        return 1.0 if kind == "text" else by_kind.get(kind, self.numbers)

    @property
    def kind(self) -> Kind:
        """The narrowest kind that reads every cell."""
        if self.currency and self.numbers == 1:
            return "money"
        kinds: tuple[Kind, ...] = ("flag", "date", "integer", "number")
        return next((kind for kind in kinds if self.n and self.share(kind) == 1), "text")

    @property
    def unique(self) -> bool:
        """Whether hardly a value stands twice, as in a column that identifies its rows."""
        return self.n > 0 and self.distinct >= 0.98 * self.n

    @property
    def on_scale(self) -> bool:
        """Whole numbers that a questionnaire's answer scale could have given."""
        return (
            self.n > 0 and self.integers == 1 and 2 < self.distinct <= _MAX_SCALE and 0 <= self.low <= self.high <= 10
        )


@dataclass(frozen=True, slots=True)
class Guess:
    """A column of a file taken for a column of a table."""

    column: Column
    shape: Shape
    confidence: float
    evidence: str


@dataclass(frozen=True, slots=True)
class FileGuess:
    """A file taken for a table.

    Attributes
    ----------
    table : Table
    confidence : float
        Mean confidence of the required columns, 0 for one not found.
    columns : dict[str, Guess]
        By canonical name.
    items, rest : tuple[Shape, ...]
        Columns taken for questionnaire items; columns no guess uses.
    """

    table: Table
    confidence: float
    columns: dict[str, Guess]
    items: tuple[Shape, ...]
    rest: tuple[Shape, ...]

    @property
    def score(self) -> float:
        """Sum of confidences; less the doubt about each required column, and one if an identifier repeats."""
        found = sum(guess.confidence for guess in self.columns.values())
        if self.items:
            return found + _MIN_ITEMS
        key = self.table.key
        repeats = len(key) == 1 and key[0] in self.columns and not self.columns[key[0]].shape.unique
        doubt = (1 - self.columns[name].confidence if name in self.columns else 1 for name in self.table.required)
        return found - sum(doubt) - repeats


def shapes(frame: TextFrame) -> tuple[Shape, ...]:
    """The shape of every column with a heading."""
    pairs = zip(frame.headings, frame.cells, strict=True)
    return tuple(_shape(heading, cells.slice(0, _SAMPLE)) for heading, cells in pairs if heading.strip())


def guess_table(columns: tuple[Shape, ...]) -> FileGuess:
    """The table for which most columns are found and fewest are missing."""
    return max((_as_table(table, columns) for table in TABLES.values()), key=lambda guess: guess.score)


def _shape(heading: str, cells: pa.Array) -> Shape:
    cleaned = text.clean(pc.fill_null(cells, ""))
    filled = cleaned.filter(pc.not_equal(cleaned, ""))
    n = len(filled)
    decimal = "," if numbers.other_decimal_mark(filled, ".") else "."
    parsed = numbers.parse_number(filled, kind="number", dimension="money", decimal=decimal)
    found = parsed.values.drop_null()
    whole = numbers.parse_number(filled, kind="integer", dimension="number").values
    dates, pattern, proof = likely_format(filled)
    ends = pc.min_max(found).as_py()
    signs = numbers.currencies(filled)
    return Shape(
        heading,
        n,
        pc.count_distinct(filled).as_py(),
        dates,
        len(found) / max(n, 1),
        (n - whole.null_count) / max(n, 1),
        (n - numbers.parse_flag(filled).values.null_count) / max(n, 1),
        ends["min"],
        ends["max"],
        pattern,
        proof,
        decimal,
        "CNY" if signs.keys() & {"元", "¥", "rmb", "cny"} else next((s.upper() for s in signs if len(s) == 3), ""),
    )


def _as_table(table: Table, columns: tuple[Shape, ...]) -> FileGuess:
    items = tuple(s for s in columns if s.on_scale) if table.name == "survey" else ()
    items = items if len(items) >= _MIN_ITEMS and len(items) * 2 > len(columns) else ()
    free = [s for s in columns if s not in items]
    candidates = [_by_name(column, shape) for column in table.columns for shape in free]
    chosen = _assign(filter(None, candidates), {})
    chosen = _assign(_by_shape(table, [s for s in free if s not in _used(chosen)]), chosen)
    confidence = sum(chosen[name].confidence if name in chosen else 0.0 for name in table.required)
    confidence /= max(len(table.required), 1)
    if items:
        confidence = max(confidence, _HOLDS)
    rest = tuple(s for s in free if s not in _used(chosen))
    return FileGuess(table, confidence, chosen, items, rest)


def _by_name(column: Column, shape: Shape) -> Guess | None:
    heading = normal_form(shape.heading).replace("_", " ")
    names = [normal_form(name).replace("_", " ") for name in (column.name, *column.aliases)]
    readable = shape.share(column.kind)
    if shape.n and (readable < 0.5 or (column.kind == "text" and shape.kind == "flag")):
        return None
    bonus = 0.08 * (2 * readable - 1)
    if heading in names:
        return Guess(column, shape, round(_SAME + bonus, 2), f"heading is {heading!r}{_readable(column, readable)}")
    held = next((name for name in names if _holds(heading, name)), None)
    if held is None:
        return None
    return Guess(column, shape, round(_HOLDS + bonus, 2), f"heading holds {held!r}{_readable(column, readable)}")


def _readable(column: Column, share: float) -> str:
    return "" if column.kind == "text" else f", {share:.0%} of the cells read as {column.kind}"


def _holds(heading: str, name: str) -> bool:
    if re.search(r"[\u4e00-\u9fff]", name):
        return len(name) > 1 and name in heading
    return bool(re.search(rf"\b{re.escape(name)}\b", heading))


def _by_shape(table: Table, free: list[Shape]) -> Iterable[Guess]:
    """Required columns that no heading names, where one column alone has the right content."""
    for name in table.required:
        column = table[name]
        if column.kind == "date":
            fits = [s for s in free if s.dates > 0.9]
        elif column.kind == "text":
            fits = (
                [s for s in free if s.unique and s.dates < 0.5 and s.integers == s.numbers]
                if table.key == (name,)
                else []
            )
        else:
            fits = [s for s in free if s.numbers > 0.9 and s.dates < 0.5]
        if len(fits) == 1:
            yield Guess(column, fits[0], _ONLY, f"the only column with such content ({column.kind})")


def _assign(guesses: Iterable[Guess], chosen: dict[str, Guess]) -> dict[str, Guess]:
    """Each column and each heading at most once, the surest first."""
    chosen = dict(chosen)
    for guess in sorted(guesses, key=lambda g: -g.confidence):
        if guess.column.name not in chosen and guess.shape not in _used(chosen):
            chosen[guess.column.name] = guess
    return chosen


def _used(chosen: dict[str, Guess]) -> list[Shape]:
    return [guess.shape for guess in chosen.values()]
