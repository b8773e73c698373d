"""Delimited text → text frame: encodings, delimiters, quotes, and the physical line of every row."""

from __future__ import annotations

import csv
import io
import itertools
from array import array
from collections.abc import Collection, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from crmresearch.case import SourceFile
from crmresearch.cleaning.notes import Note, excerpt
from crmresearch.cleaning.parsing.text import normal_form
from crmresearch.cleaning.readers.encodings import decode
from crmresearch.cleaning.readers.frame import BROKEN, EMPTY, TOP_ROWS, TextFrame, join_headings
from crmresearch.errors import InputError

WHITESPACE = "whitespace"
_DELIMITERS = (",", "\t", ";", "|")
_TITLE_LINES = 10
_TAIL = 200


def read_text(data: bytes, source: SourceFile, wanted: Collection[str]) -> TextFrame:
    r"""Read delimited text.

    Fields may be quoted with ``"`` and then hold delimiters and line ends; a row's number is the
    physical line it begins on. Rows with too many or too few fields are set aside, never padded.

    Parameters
    ----------
    data : bytes
    source : SourceFile
    wanted : Collection[str]
        Headings looked for, in normal form.

    Raises
    ------
    InputError
        The encoding is none of those read, a quote is never closed, or a heading stands twice.

    Examples
    --------
    >>> source = SourceFile(file="a.csv", table="orders")
    >>> frame = read_text(b'id,note\n1,"two\nlines"\n2,x\n', source, ())
    >>> frame.headings, frame.rows.to_pylist(), frame.cells[0].to_pylist()
    (('id', 'note'), [2, 4], ['1', '2'])
    """
    text, notes = decode(data, source)
    if not text.strip():
        return EMPTY
    delimiter = source.delimiter or _sniff_delimiter(text, source.skip_rows, wanted)
    split = _split_quoted if '"' in text and delimiter != WHITESPACE else _split_plain
    fields, lines = split(text, delimiter, source.file)
    content = pc.not_equal(pc.utf8_trim_whitespace(pc.binary_join(fields, pa.scalar("", pa.large_string()))), "")
    content = pc.and_(content, pc.greater(lines, source.skip_rows))
    n_blank = _blank_rows(content, fields, lines, source.skip_rows)
    fields, lines = fields.filter(content), lines.filter(content)
    if not len(fields):
        return EMPTY
    top = tuple(zip(lines[:TOP_ROWS].to_pylist(), map(tuple, fields[:TOP_ROWS].to_pylist()), strict=True))
    levels = fields[: source.heading_rows].to_pylist()
    headings = tuple(levels[0]) if len(levels) == 1 else join_headings(levels)
    _refuse_repeats(headings, source.file, lines[0].as_py())
    fields, lines = fields[len(levels) :], lines[len(levels) :]
    widths = fields.value_lengths()
    good = pc.equal(widths, len(headings))
    flat, starts = fields.filter(good).flatten(), np.arange(pc.sum(good).as_py() or 0) * len(headings)
    cells = tuple(flat.take(pa.array(starts + j)) for j in range(len(headings)))
    if not text.endswith(("\n", "\r")):
        notes = (*notes, Note("NO_FINAL_NEWLINE", "warning", examples=(excerpt(text[-_TAIL:].splitlines()[-1]),)))
    if n_blank:
        notes = (*notes, Note("BLANK_ROWS", "normalised", count=n_blank))
    broken = _broken(fields, lines, widths, good, delimiter, len(headings))
    return TextFrame(headings, cells, lines.filter(good), broken, notes=notes, top=top)


def _blank_rows(content: pa.BooleanArray, fields: pa.Array, lines: pa.Array, skip: int) -> int:
    """Rows of bare delimiters; wholly empty lines say nothing and are not counted."""
    bare = pc.and_(pc.invert(content), pc.greater(fields.value_lengths(), 1))
    return pc.sum(pc.and_(bare, pc.greater(lines, skip))).as_py() or 0


def _split_plain(text: str, delimiter: str, file: str) -> tuple[pa.ListArray, pa.Int64Array]:
    """Split text without quotes: every line is a row."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = pc.split_pattern(pa.array([text], pa.large_string()), "\n").flatten()
    numbers = pa.array(np.arange(1, len(lines) + 1))
    if delimiter == WHITESPACE:
        return pc.utf8_split_whitespace(pc.utf8_trim_whitespace(lines)), numbers
    return pc.split_pattern(lines, delimiter), numbers


def _split_quoted(text: str, delimiter: str, file: str) -> tuple[pa.ListArray, pa.Int64Array]:
    """Split text with quotes; one record may span lines."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    ends, widths = array("q", [0]), array("q", [0])

    def records() -> Iterator[list[str]]:
        for record in reader:
            ends.append(reader.line_num)
            widths.append(len(record))
            yield record

    try:
        flat = pa.array(list(itertools.chain.from_iterable(records())), pa.large_string())
    except csv.Error as error:
        problem = (
            "a quote is opened and not closed" if "unexpected end" in str(error) or "limit" in str(error) else error
        )
        raise InputError(
            f"broken quoting: {problem}",
            where=f"{file}, row {ends[-1] + 1}",
            repair='Close the quote; write a quote inside a quoted field as "".',
        ) from None
    offsets = pa.array(np.cumsum(np.frombuffer(widths, np.int64)), pa.int32())
    begins = pa.array(np.frombuffer(ends, np.int64)[:-1] + 1)
    return pa.ListArray.from_arrays(offsets, flat), begins


def _broken(fields: pa.Array, lines: pa.Array, widths: pa.Array, good: pa.Array, delimiter: str, n: int) -> pa.Table:
    bad = pc.invert(good)
    joint = " " if delimiter == WHITESPACE else delimiter
    raw = pc.binary_join(fields.filter(bad), pa.scalar(joint, pa.large_string()))
    reason = pc.if_else(pc.greater(widths.filter(bad), n), "TOO_MANY_FIELDS", "TOO_FEW_FIELDS")
    return pa.table([lines.filter(bad), raw, pc.cast(reason, pa.large_string())], schema=BROKEN)


def _refuse_repeats(headings: tuple[str, ...], file: str, line: int) -> None:
    names = [normal_form(h) for h in headings if h.strip()]
    twice = next((h for h, name in zip(filter(str.strip, headings), names, strict=True) if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(
            f"the heading {excerpt(twice)!r} stands twice",
            where=f"{file}, row {line}",
            repair="Give each column a heading of its own.",
        )


def first_lines(text: str, skip: int) -> list[str]:
    """The first ten lines with content after ``skip`` lines."""
    lines = itertools.islice(io.StringIO(text, newline=None), skip, None)
    return list(itertools.islice((line.rstrip("\n") for line in lines if line.strip()), _TITLE_LINES))


def _sniff_delimiter(text: str, skip: int, wanted: Collection[str]) -> str:
    """The delimiter under which one of the first lines shows most of the headings looked for, then most fields."""
    lines = first_lines(text, skip) or [""]

    def shown(line: str, delimiter: str) -> tuple[int, int]:
        cells = next(csv.reader([line], delimiter=delimiter), [])
        return sum(normal_form(cell) in wanted for cell in cells), len(cells)

    def score(delimiter: str) -> tuple[int, int]:
        found = max(shown(line, delimiter)[0] for line in lines)
        return found, shown(next(line for line in lines if shown(line, delimiter)[0] == found), delimiter)[1]

    best = max(_DELIMITERS, key=score)
    found, n_fields = score(best)
    blanks = lines[0].split()
    if n_fields == 1 and (len(blanks) > 1) and sum(normal_form(b) in wanted for b in blanks) >= found:
        return WHITESPACE
    return best
