"""Questionnaire rows: a bad answer costs the answer, not the respondent."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from crmresearch.cleaning.parsing.parsed import codes


def unanswered(table: pa.Table, items: Collection[str]) -> pa.Array:
    """Reason for the rows that answered no item at all; null elsewhere."""
    missing = pa.array([True] * table.num_rows)
    for item in items:
        missing = pc.and_(missing, pc.is_null(table[item].combine_chunks()))
    return codes(missing, "ALL_ITEMS_MISSING")
