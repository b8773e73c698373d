"""What every reader hands over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from crmresearch.cleaning.notes import Note


@dataclass(frozen=True, slots=True)
class TextFrame:
    """A raw file as text: nothing guessed, nothing converted, nothing dropped.

    Attributes
    ----------
    headings : tuple[str, ...]
        Column headings as written.
    cells : tuple[pa.LargeStringArray, ...]
        One array per heading; null where the format knows a missing value.
    rows : pa.Int64Array
        Physical row each record began on (1 = first line of the file, the heading counted).
    broken : pa.Table
        Records that could not be split into as many fields as there are headings:
        ``source_row``, ``raw_value``, ``reason``.
    sheet : str
        Sheet of a workbook; empty for other formats.
    notes : tuple[Note, ...]
        What the reader had to decide.
    flaws : Mapping[int, pa.LargeStringArray]
        By position of a column: reason code where the reader knows that a cell's value cannot be
        trusted (a formula without its value, an error, the inside of merged cells).
    wordings : Mapping[str, str]
        Heading → what it stands for in words, where the format or the platform says so.
    names : Mapping[str, int]
        Short names beside the headings → position.
    top : tuple[tuple[int, tuple[str, ...]], ...]
        The first rows with content as they stand, with their numbers: title, heading, first records.
    date_1904 : bool
        The workbook counts its days from 1904.
    """

    headings: tuple[str, ...]
    cells: tuple[pa.LargeStringArray, ...]
    rows: pa.Int64Array
    broken: pa.Table
    sheet: str = ""
    notes: tuple[Note, ...] = field(default=())
    flaws: Mapping[int, pa.LargeStringArray] = field(default_factory=dict)
    wordings: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, int] = field(default_factory=dict)
    top: tuple[tuple[int, tuple[str, ...]], ...] = ()
    date_1904: bool = False

    @property
    def n_records(self) -> int:
        """Records in the file: those split and those that could not be."""
        return len(self.rows) + self.broken.num_rows


TOP_ROWS = 12

BROKEN = pa.schema([("source_row", pa.int64()), ("raw_value", pa.large_string()), ("reason", pa.large_string())])

EMPTY = TextFrame((), (), pa.array([], pa.int64()), BROKEN.empty_table())
"""A file without a heading or rows."""


def join_headings(levels: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """One heading per column from several rows: an upper one holds until the next begins.

    Examples
    --------
    >>> join_headings([["客户", "销售", "", "备注"], ["", "数量", "金额", ""]])
    ('客户', '销售 数量', '销售 金额', '备注')
    """
    width = max(map(len, levels), default=0)
    padded = [[*level, *[""] * (width - len(level))] for level in levels]
    for upper in padded[:-1]:
        for j in range(1, width):
            below = any(level[j].strip() for level in padded[1:])
            upper[j] = upper[j] if upper[j].strip() or not below else upper[j - 1]
    joined = []
    for parts in zip(*padded, strict=True):
        kept = [part.strip() for part in parts if part.strip()]
        joined.append(" ".join(part for i, part in enumerate(kept) if i == 0 or part != kept[i - 1]))
    return tuple(joined)
