"""One record per customer out of several, each field with the record it comes from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from crmresearch.case import FieldKind
from crmresearch.cleaning.identity.contacts import plain_codes, valid_credit_codes
from crmresearch.tables import LINEAGE

SOURCES_SCHEMA = pa.schema(
    [("customer_id", pa.string()), ("field", pa.string()), ("record_id", pa.string()), ("n_values", pa.int64())]
)


@dataclass(frozen=True, slots=True)
class Golden:
    """Customers out of records.

    Attributes
    ----------
    customers : pa.Table
        One row per customer: the columns of the records and ``n_records``, in order of ``customer_id``.
    sources : pa.Table
        For customers of several records: customer_id, field, record_id (whose value it is), n_values
        (different values the records have).
    customer_id : pa.Array, shape (n_records,)
        The customer each record belongs to, in the order of the records.
    base : np.ndarray of int
        Position of the record that gives each customer its id and its lineage.
    """

    customers: pa.Table
    sources: pa.Table
    customer_id: pa.Array
    base: np.ndarray


def golden_records(records: pa.Table, group: np.ndarray, fields: dict[str, FieldKind], updated: str) -> Golden:
    """Choose every field of a customer from one of its records.

    The id is that of the record entered first (``registered_date``, then the smallest id), so that it
    stays as records join. Of names the longest counts, as it is the fullest; of credit codes a valid
    one; ``registered_date`` is the earliest. Every other field comes from the record that was updated
    last (``updated``), else from the fullest, among those that have a value.
    """
    ids = records["customer_id"].combine_chunks()
    number = pd.factorize(group)[0]
    id_rank = np.argsort(pc.sort_indices(ids).to_numpy())
    entered = _days(records, "registered_date", late=True)
    base = _chosen(number, np.lexsort((id_rank, entered)), np.ones(len(ids), bool))
    fullness = sum(records[name].is_valid().to_numpy().astype(int) for name in records.column_names)
    latest = np.lexsort((id_rank, -fullness, -_days(records, updated, late=False)))
    several = np.flatnonzero(np.bincount(number) > 1)
    columns: dict[str, pa.Array] = {}
    sources = []
    for name in records.column_names:
        values = records[name].combine_chunks()
        if name == "customer_id" or name in LINEAGE:
            columns[name] = values.take(pa.array(base))
            continue
        chosen = _chosen(
            number,
            _preference(name, values, fields, entered, latest, id_rank),
            values.is_valid().to_numpy(zero_copy_only=False),
        )
        columns[name] = values.take(pa.array(chosen, mask=chosen < 0))
        told = several[chosen[several] >= 0]
        sources.append(
            pd.DataFrame(
                {
                    "customer": told,
                    "field": name,
                    "record": chosen[told],
                    "n_values": _distinct(number, values)[told],
                }
            )
        )
    customers = pa.table(columns)
    counts = pa.array(np.bincount(number).astype("int64"))
    at = customers.column_names.index(LINEAGE[0])
    customers = customers.add_column(at, "n_records", counts)
    order = pc.sort_indices(customers["customer_id"])
    table = pd.concat(sources)
    told = pa.table(
        [
            ids.take(pa.array(base[table["customer"].to_numpy()])),
            pa.array(table["field"], pa.string()),
            ids.take(pa.array(table["record"].to_numpy(dtype="int64"))),
            pa.array(table["n_values"].to_numpy(dtype="int64")),
        ],
        schema=SOURCES_SCHEMA,
    ).sort_by([("customer_id", "ascending"), ("field", "ascending")])
    return Golden(customers.take(order), told, ids.take(pa.array(base[number])), base)


def _preference(
    name: str,
    values: pa.Array,
    fields: dict[str, FieldKind],
    entered: np.ndarray,
    latest: np.ndarray,
    id_rank: np.ndarray,
) -> np.ndarray:
    """Positions of the records, the one whose value counts first."""
    kind = fields.get(name)
    if kind == "name":
        length = pc.fill_null(pc.utf8_length(values), 0).to_numpy(zero_copy_only=False)
        return latest[np.argsort(-length[latest], kind="stable")]
    if kind == "credit_code":
        valid = valid_credit_codes(plain_codes(values)).to_numpy(zero_copy_only=False)
        return latest[np.argsort(~valid[latest], kind="stable")]
    if name == "registered_date":
        return np.lexsort((id_rank, entered))
    return latest


def _chosen(number: np.ndarray, order: np.ndarray, has: np.ndarray) -> np.ndarray:
    """For each customer the first record in ``order`` that has a value; -1 where none has."""
    order = order[has[order]]
    who, first = np.unique(number[order], return_index=True)
    chosen = np.full(int(number.max(initial=-1)) + 1, -1, dtype="int64")
    chosen[who] = order[first]
    return chosen


def _distinct(number: np.ndarray, values: pa.Array) -> np.ndarray:
    codes = pc.dictionary_encode(values).indices.to_pandas()
    counts = codes.groupby(number).nunique()
    return counts.to_numpy()


def _days(records: pa.Table, column: str, *, late: bool) -> np.ndarray:
    """Days since 1970; records without a date as if very late, or very early."""
    nothing = np.full(len(records), 10**7 if late else -(10**7))
    if column not in records.column_names or not pa.types.is_date(records.schema.field(column).type):
        return nothing
    days = pc.fill_null(records[column].combine_chunks().cast(pa.int32()), int(nothing[0]) if len(nothing) else 0)
    return days.to_numpy(zero_copy_only=False).astype(int)
