"""Repeated rows: merged where an identifier proves them, flagged where none does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from crmresearch.tables import LINEAGE, Table


@dataclass(frozen=True, slots=True)
class Repeats:
    """What became of repeated rows; one element per row of the table that was asked about.

    Attributes
    ----------
    merged : np.ndarray of bool
        Equal in every column to a kept row that has the same identifier.
    conflicting : np.ndarray of bool
        Same identifier as a kept row, but not equal to it.
    unproved : np.ndarray of bool
        Equal in every column to an earlier row, without an identifier; kept.
    """

    merged: np.ndarray
    conflicting: np.ndarray
    unproved: np.ndarray


def in_canonical_order(rows: pa.Table, table: Table) -> pa.Table:
    """Rows sorted by the required columns, then by all others, then by lineage.

    The order depends on values alone (text by code point), so no order of files or rows shows in it.
    """
    if not rows.num_rows:
        return rows
    data = [name for name in rows.column_names if name not in LINEAGE]
    names = [*table.required, *(name for name in data if name not in table.required), *LINEAGE]
    keys = {name: rows[name].cast(pa.int8()) if pa.types.is_boolean(rows[name].type) else rows[name] for name in names}
    used = [name for name in names if rows[name].null_count < rows.num_rows]
    return rows.take(pc.sort_indices(pa.table(keys), [(name, "ascending") for name in used]))


def find_repeats(rows: pa.Table, table: Table) -> Repeats:
    """Find repeated rows among ``rows``, which are in canonical order.

    The first column of the table's key is its identifier. Of rows with one identifier and one key
    the fullest is kept, the first in canonical order among equals.
    """
    data = [name for name in rows.column_names if name not in LINEAGE]
    codes = pd.DataFrame({name: _codes(rows[name]) for name in data if rows[name].null_count < rows.num_rows})
    same = codes.duplicated().to_numpy() if len(codes.columns) else np.zeros(rows.num_rows, bool)
    if not table.key:
        return Repeats(np.zeros_like(same), np.zeros_like(same), same)
    identified = rows[table.key[0]].is_valid().to_numpy(zero_copy_only=False)
    merged = same & identified
    key = [name for name in table.key if name in codes]
    fullness = sum(
        (rows[name].is_valid().to_numpy(zero_copy_only=False).astype(int) for name in codes), np.zeros(len(same))
    )
    rest = np.flatnonzero(identified & ~merged)
    rest = rest[np.argsort(-fullness[rest], kind="stable")]
    conflicting = np.zeros_like(same)
    conflicting[rest] = codes.loc[rest, key].duplicated().to_numpy() if key else False
    return Repeats(merged, conflicting, same & ~identified)


def _codes(column: pa.ChunkedArray) -> np.ndarray:
    """Equal numbers for equal values; null is a value."""
    return pc.dictionary_encode(column.combine_chunks(), null_encoding="encode").indices.to_numpy()
