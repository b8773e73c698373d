"""What every reader hands over."""

from __future__ import annotations

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
    """

    headings: tuple[str, ...]
    cells: tuple[pa.LargeStringArray, ...]
    rows: pa.Int64Array
    broken: pa.Table
    sheet: str = ""
    notes: tuple[Note, ...] = field(default=())

    @property
    def n_records(self) -> int:
        """Records in the file: those split and those that could not be."""
        return len(self.rows) + self.broken.num_rows


BROKEN = pa.schema([("source_row", pa.int64()), ("raw_value", pa.large_string()), ("reason", pa.large_string())])

EMPTY = TextFrame((), (), pa.array([], pa.int64()), BROKEN.empty_table())
"""A file without a heading or rows."""
