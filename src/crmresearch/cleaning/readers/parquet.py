"""Parquet → text frame."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from crmresearch.case import SourceFile
from crmresearch.cleaning.readers.frame import BROKEN, TextFrame
from crmresearch.errors import InputError

MAX_CELLS, MAX_UNPACKED = 500_000_000, 8_000_000_000
_RATIO_FROM, _MAX_RATIO = 20_000_000, 100
_EXACT = 2**53


def read_parquet(data: bytes, source: SourceFile, wanted: Collection[str]) -> TextFrame:
    """Read Parquet bytes as text.

    A Parquet file has no lines: ``rows`` counts records from 2, as a sheet with one heading would.

    Raises
    ------
    InputError
        The file is cut off or damaged, or a column is of a nested or binary type.
    """
    try:
        _refuse_bomb(pq.read_metadata(pa.BufferReader(data)), data, source.file)
        table = pq.read_table(pa.BufferReader(data))
        table.validate(full=True)  # Arrow reads text that is not UTF-8 without complaint
        names = table.column_names
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"damaged or cut-off Parquet file ({str(error).splitlines()[0][:80]})",
            where=source.file,
            repair="Copy or export it again.",
        ) from None
    cells = tuple(
        _as_text(column.combine_chunks(), source.file, name) for name, column in zip(names, table.columns, strict=True)
    )
    rows = pa.array(np.arange(2, table.num_rows + 2))
    return TextFrame(tuple(names), cells, rows, BROKEN.empty_table())


def _refuse_bomb(facts: pq.FileMetaData, data: bytes, file: str) -> None:
    """Refuse what no table of these bytes can be, before a column of it is unpacked."""
    cells = facts.num_rows * facts.num_columns
    unpacked = sum(facts.row_group(i).total_byte_size for i in range(facts.num_row_groups))
    if cells > MAX_CELLS or unpacked > MAX_UNPACKED or (cells > _RATIO_FROM and cells > _MAX_RATIO * len(data)):
        raise InputError(
            f"{len(data):,} bytes declare {facts.num_rows:,} rows and {facts.num_columns:,} columns",
            where=file,
            repair="Export only the rows and columns needed, or split the file.",
        )


def _as_text(column: pa.Array, file: str, heading: str) -> pa.LargeStringArray:
    """Write a column the way a text export would: ISO dates, whole numbers without a point."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _as_text(column.dictionary_decode(), file, heading)
    if pa.types.is_floating(kind):
        return _float_text(pc.cast(column, pa.float64()), file, heading)
    if pa.types.is_timestamp(kind):
        zone = "+00:00" if kind.tz else ""
        naive = pc.cast(column, pa.timestamp("s", "UTC" if kind.tz else None), safe=False)
        return pc.cast(pc.strftime(naive, format=f"%Y-%m-%dT%H:%M:%S{zone}"), pa.large_string())
    try:
        if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            raise pa.ArrowNotImplementedError(str(kind))
        return pc.cast(column, pa.large_string())
    except pa.ArrowException:
        raise InputError(
            f"column {heading!r} is of type {kind}, not of a plain one",
            where=file,
            repair="Export it as text, number or date.",
        ) from None


def _float_text(column: pa.DoubleArray, file: str, heading: str) -> pa.LargeStringArray:
    whole = pc.and_(pc.equal(column, pc.floor(column)), pc.less(pc.abs(column), float(_EXACT)))
    integers = pc.cast(pc.if_else(whole, column, None), pa.int64())
    text = pc.cast(pc.if_else(pc.is_nan(column), None, column), pa.large_string())
    return pc.coalesce(pc.cast(integers, pa.large_string()), text)
