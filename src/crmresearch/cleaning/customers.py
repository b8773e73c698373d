"""The customers a case knows, and the rows of other tables that name none of them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from crmresearch.cleaning.notes import Note, examples
from crmresearch.cleaning.parsing.parsed import codes

_MAY_BE_ANONYMOUS = frozenset({"customers", "survey"})


def orphans(rows: pa.Table, table: str, known: pa.Array | None) -> pa.Array:
    """Reason for rows whose customer is not among ``known``; null elsewhere.

    Without a customers table every customer is known by what he did. A survey may be anonymous:
    its rows are kept and counted by ``unknown_respondents``.
    """
    if known is None or table in _MAY_BE_ANONYMOUS or "customer_id" not in rows.column_names:
        return pa.nulls(rows.num_rows, pa.large_string())
    return codes(_unknown(rows, known), "ORPHAN")


def unknown_respondents(rows: pa.Table, known: pa.Array | None) -> tuple[Note, ...]:
    """A warning if survey rows name customers that the customers table lacks."""
    if known is None:
        return ()
    strangers = _unknown(rows, known)
    count = pc.sum(strangers).as_py() or 0
    shown = examples(pc.unique(rows["customer_id"].filter(strangers)).to_pylist()) if count else ()
    return (Note("UNKNOWN_CUSTOMER", "warning", "customer_id", count, shown),) if count else ()


def _unknown(rows: pa.Table, known: pa.Array) -> pa.BooleanArray:
    ids = rows["customer_id"].combine_chunks()
    return pc.and_(pc.is_valid(ids), pc.invert(pc.is_in(ids, value_set=known)))
