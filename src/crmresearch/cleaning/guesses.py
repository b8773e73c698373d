"""Which table a file holds and which column is which: guesses, each with its confidence and evidence."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from crmresearch.cleaning.answerscales import known_answers
from crmresearch.cleaning.parsing import numbers, text
from crmresearch.cleaning.parsing.dates import likely_format
from crmresearch.cleaning.parsing.serials import parse_serial
from crmresearch.cleaning.parsing.text import normal_form
from crmresearch.cleaning.readers import TextFrame
from crmresearch.tables import TABLES, Column, Kind, Table

_SAMPLE = 2_000
_SAME, _HOLDS, _ONLY = 0.9, 0.7, 0.4
_MAX_SCALE = 11
_MIN_ITEMS = 3
_MAX_WORDS = 12


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
    serials, seconds : float
        Shares of cells that are Excel's day numbers, if they are dates at all; that are durations.
    words : tuple[str, ...]
        The texts of a column that holds twelve or fewer, in sorted order.
    wording, short : str
        What the heading stands for in words, and its short name, where format or platform say so.
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
    serials: float = 0.0
    seconds: float = 0.0
    words: tuple[str, ...] = ()
    wording: str = ""
    short: str = ""

    @property
    def answers(self) -> dict[str, int]:
        """Codes of the answers, where every text is one of a known scale of answers."""
        return known_answers(self.words) if self.n and not self.numbers else {}

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
        if self.answers:
            return len(self.words) > 1
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
    times: tuple[str, str] | None = None


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


def shapes(frame: TextFrame, skipped: Collection[str] = ()) -> tuple[Shape, ...]:
    """The shape of every column with a heading; ``skipped`` are texts that say nothing was answered."""
    short = {position: name for name, position in frame.names.items()}
    found = []
    for i, (heading, cells) in enumerate(zip(frame.headings, frame.cells, strict=True)):
        if heading.strip():
            shape = _shape(heading, cells.slice(0, _SAMPLE), skipped)
            told = frame.wordings.get(heading, "")
            found.append(dataclasses.replace(shape, wording=told, short=short.get(i, "")))
    return tuple(found)


def guess_table(columns: tuple[Shape, ...]) -> FileGuess:
    """The table for which most columns are found and fewest are missing."""
    return max((_as_table(table, columns) for table in TABLES.values()), key=lambda guess: guess.score)


def best_guess(columns: Iterable[Column], shape: Shape) -> Guess | None:
    """The column that a heading or its wording names best; None if it names none."""
    guesses = [guess for column in columns if (guess := _by_name(column, shape))]
    return max(guesses, key=lambda guess: guess.confidence, default=None)


def _shape(heading: str, cells: pa.Array, skipped: Collection[str]) -> Shape:
    cleaned = text.clean(pc.fill_null(cells, ""))
    empty = pc.is_in(cleaned, value_set=pa.array(["", *skipped], pa.large_string()))
    filled = cleaned.filter(pc.invert(empty))
    n = len(filled)
    decimal = "," if numbers.other_decimal_mark(filled, ".") else "."
    parsed = numbers.parse_number(filled, kind="number", dimension="money", decimal=decimal)
    found = parsed.values.drop_null()
    whole = numbers.parse_number(filled, kind="integer", dimension="number").values
    dates, pattern, proof = likely_format(filled)
    ends = pc.min_max(found).as_py()
    signs = numbers.currencies(filled)
    days = parse_serial(filled, date_1904=False, any_year=False)
    distinct = pc.unique(filled)
    return Shape(
        heading,
        n,
        len(distinct),
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
        (n - days.null_count) / max(n, 1),
        (n - numbers.parse_number(filled, kind="number", dimension="seconds").values.null_count) / max(n, 1),
        tuple(sorted(distinct.to_pylist())) if len(distinct) <= _MAX_WORDS else (),
    )


def _as_table(table: Table, columns: tuple[Shape, ...]) -> FileGuess:
    items = _items(columns) if table.name == "survey" else ()
    mostly = any(s.short for s in columns) or len(items) * 2 > len(columns)
    items = items if len(items) >= _MIN_ITEMS and mostly else ()
    free = [s for s in columns if s not in items]
    candidates = [_by_name(column, shape) for column in table.columns for shape in free]
    chosen = _assign(filter(None, candidates), {})
    chosen |= _computed(table, chosen)
    chosen = _assign(_by_shape(table, [s for s in free if s not in _used(chosen)], chosen), chosen)
    confidence = sum(chosen[name].confidence if name in chosen else 0.0 for name in table.required)
    confidence /= max(len(table.required), 1)
    if items:
        confidence = max(confidence, _HOLDS)
    rest = tuple(s for s in free if s not in _used(chosen))
    return FileGuess(table, confidence, chosen, items, rest)


def _computed(table: Table, chosen: dict[str, Guess]) -> dict[str, Guess]:
    """The amount as quantity times price, where a file states these two and no amount."""
    if table.name != "orders" or "amount" in chosen or not {"quantity", "price"} <= chosen.keys():
        return {}
    sure = round(min(chosen["quantity"].confidence, chosen["price"].confidence) - 0.2, 2)
    evidence = "no heading for it; the product of quantity and price"
    return {"amount": Guess(table["amount"], chosen["price"].shape, sure, evidence, ("quantity", "price"))}


def _items(columns: tuple[Shape, ...]) -> tuple[Shape, ...]:
    """Columns of answers on one scale; a platform's own columns and those of several answers are none."""
    numbered = any(s.short for s in columns)
    items = tuple(s for s in columns if s.on_scale and (not numbered or (s.short and "_" not in s.short)))
    worded = tuple(s for s in items if s.answers)
    return worded if len(worded) * 2 > len(items) else tuple(s for s in items if not s.answers)


def _by_name(column: Column, shape: Shape) -> Guess | None:
    names = [_plain(name) for name in (column.name, *column.aliases)]
    readable = shape.share(column.kind)
    if column.kind == "date" and readable < shape.serials:
        readable = shape.serials
    if column.unit == "s":
        readable = shape.seconds
    if shape.n and (readable < 0.5 or (column.kind == "text" and shape.kind == "flag")):
        return None
    bonus = 0.08 * (2 * readable - 1)
    content = _content(column, shape, readable)
    for what, heading in (("heading", shape.heading), ("label", shape.wording)):
        if _plain(heading) in names:
            return Guess(column, shape, round(_SAME + bonus, 2), f"{what} is {_plain(heading)!r}{content}")
    for what, heading in (("heading", shape.heading), ("label", shape.wording)):
        held = next((name for name in names if _holds(_plain(heading), name)), None)
        if held is not None:
            return Guess(column, shape, round(_HOLDS + bonus, 2), f"{what} holds {held!r}{content}")
    return None


def _plain(heading: str) -> str:
    """A heading for comparison: ``InvoiceDate`` and ``invoice_date`` are ``invoice date``."""
    return normal_form(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", heading)).replace("_", " ")


def _content(column: Column, shape: Shape, share: float) -> str:
    """What the cells show: how many can be read, and their range."""
    if column.kind == "text":
        return ""
    by_serial = column.kind == "date" and shape.serials > shape.dates
    said = f", {share:.0%} of the cells read as {column.kind}{' (Excel day numbers)' if by_serial else ''}"
    if column.kind in {"money", "number", "integer"} and shape.low is not None:
        said += f", {shape.low:,.10g} to {shape.high:,.10g}"
    return said


def _holds(heading: str, name: str) -> bool:
    if re.search(r"[\u4e00-\u9fff]", name):
        return len(name) > 1 and name in heading
    return bool(re.search(rf"\b{re.escape(name)}\b", heading))


def _by_shape(table: Table, free: list[Shape], chosen: Collection[str]) -> Iterable[Guess]:
    """Required columns that no heading names, where one column alone has the right content."""
    for name in table.required:
        column = table[name]
        if column.kind == "date":
            fits = [s for s in free if s.dates > 0.9]
        elif column.kind == "text":
            fits = (
                [s for s in free if s.unique and s.dates < 0.5 and s.integers == s.numbers and not s.short]
                if table.key == (name,)
                else []
            )
        else:
            fits = [s for s in free if s.numbers > 0.9 and s.dates < 0.5]
        if name in chosen:
            continue
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
