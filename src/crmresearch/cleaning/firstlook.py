"""A first look at raw files and databases: which sheets or tables, where the heading stands, how columns look."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from crmresearch.case import SourceFile
from crmresearch.cleaning.guesses import Shape, shapes
from crmresearch.cleaning.parsing.text import normal_form
from crmresearch.cleaning.readers import TextFrame, read_file
from crmresearch.cleaning.readers.frame import join_headings
from crmresearch.cleaning.readers.magic import format_of_name
from crmresearch.cleaning.readers.untrusted import sheet_names, workbook_top
from crmresearch.cleaning.readers.wenjuanxing import NOT_ANSWERED, is_wenjuanxing
from crmresearch.errors import InputError, nearest
from crmresearch.tables import TABLES

_DEPTHS = (1, 2)


@dataclass(frozen=True, slots=True)
class Look:
    """One table of a file: how it is to be read, its rows as text, the shapes of its columns."""

    source: SourceFile
    frame: TextFrame
    sha256: str
    shapes: tuple[Shape, ...]


def known_headings() -> frozenset[str]:
    """Normal forms of every name and alias of a column of any table."""
    return frozenset(normal_form(a) for t in TABLES.values() for c in t.columns for a in (c.name, *c.aliases))


def look_at(path: Path) -> Iterator[Look]:
    """Each table of a file: one, or one for every sheet that holds rows.

    Raises
    ------
    InputError
        The file cannot be read, or has no rows.
    """
    wanted = known_headings()
    sheets: Sequence[str] = ("",)
    is_book = format_of_name(path.name) == "an Excel workbook (.xlsx)" and path.is_file()
    if is_book:
        _refuse_other_content(path)
        sheets = sheet_names(path.read_bytes(), path.name) or ("",)
    found = 0
    for sheet in sheets:
        source = SourceFile(file=path.name, table="orders", sheet=sheet if len(sheets) > 1 else "")
        top = workbook_top(path.read_bytes(), path.name, sheet) if is_book else read_file(path, source, wanted)[0].top
        skip, depth = likely_heading(top, wanted)
        frame, sha256 = read_file(path, source.model_copy(update={"skip_rows": skip, "heading_rows": depth}), wanted)
        if len(sheets) > 1 and not (frame.n_records and len(frame.headings) > 1):
            continue
        platform = "wenjuanxing" if is_wenjuanxing(frame.headings) else ""
        source = source.model_copy(update={"skip_rows": skip, "heading_rows": depth, "platform": platform})
        if platform:
            frame, _ = read_file(path, source, wanted)
        if frame.n_records:
            found += 1
            yield Look(source, frame, sha256, shapes(frame, NOT_ANSWERED if platform else ()))
    if not found:
        raise InputError("the file has no rows", where=path.name, repair="Export it again.")


def look_at_database(connection: str, folder: Path, names: Sequence[str] = ()) -> Iterator[Look]:
    """Each table of a database that holds rows, or those named.

    Parameters
    ----------
    connection : str
        Name of the environment variable that holds the database's URL.
    folder : Path
        The case folder, where a relative path of SQLite starts.
    names : Sequence[str]
        Tables or views; all where none is named.

    Raises
    ------
    CaseError, InputError
        The database cannot be read, lacks a table that is named, or holds no rows.
    """
    from crmresearch.cleaning.readers.database import table_queries

    queries = table_queries(connection, folder)
    absent = [name for name in names if name not in queries]
    if absent:
        raise InputError(
            f"the database has no table {absent[0]!r}{nearest(absent[0], queries)}",
            where=connection,
            repair=f"It has: {', '.join(list(queries)[:20]) or 'none'}.",
        )
    found = 0
    for name in names or queries:
        label = re.sub(r"[^\w.-]", "_", name)
        source = SourceFile(file=label, table="orders", connection=connection, query=queries[name])
        frame, sha256 = read_file(folder / label, source, known_headings())
        if frame.n_records:
            found += 1
            yield Look(source, frame, sha256, shapes(frame, ()))
    if not found:
        raise InputError("the database has no rows", where=connection, repair="Name tables that hold some.")


def _refuse_other_content(path: Path) -> None:
    """Refuse a workbook by name that is something else, with the sentence the readers have for it."""
    if path.read_bytes()[:4] != b"PK\x03\x04":
        read_file(path, SourceFile(file=path.name, table="orders"))


def likely_heading(top: Sequence[tuple[int, Sequence[str]]], wanted: Collection[str]) -> tuple[int, int]:
    """Rows above the heading and rows of the heading, by the names known; (0, 1) where none is known.

    Examples
    --------
    >>> top = [(1, ["2023年销售"]), (2, ["客户编码", "金额(元)"]), (3, ["C01", "5"])]
    >>> likely_heading(top, {"客户编码", "金额"})
    (1, 1)
    """
    best, choice = 0, (0, 1)
    for depth in _DEPTHS:
        for i in range(len(top) - depth + 1):
            headings = join_headings([cells for _, cells in top[i : i + depth]])
            filled = [normal_form(h) for h in headings if h.strip()]
            if len(filled) < 2 or len(set(filled)) < len(filled):
                continue
            if depth > 1 and any(_is_number(c) for _, cells in top[i : i + depth] for c in cells):
                continue
            score = sum(2 if h in wanted else _holds_known(h, wanted) for h in filled)
            if score > best:
                best, choice = score, (top[i][0] - 1, depth)
    if best == 0 and len(top) > 1 and sum(bool(c.strip()) for c in top[0][1]) == 1 < len(top[1][1]):
        filled = [sum(bool(c.strip()) for c in cells) for _, cells in top]
        first = next((i for i, n in enumerate(filled) if n > 1), 0)
        return max(top[first][0] - 1, 0), 1
    return choice


def _is_number(cell: str) -> bool:
    return bool(re.fullmatch(r"[-+]?[\d,]+(\.\d+)?", cell.strip()))


def _holds_known(heading: str, wanted: Collection[str]) -> int:
    return int(any(len(name) > 1 and not name.isascii() and name in heading for name in wanted))
