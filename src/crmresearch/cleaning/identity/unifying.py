"""The step from records to customers: find, decide, merge, and carry the new id into every table."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from crmresearch.case import DECISIONS_FILE, Case, Identity
from crmresearch.cleaning import ledger
from crmresearch.cleaning.duplicates import find_repeats, in_canonical_order
from crmresearch.cleaning.identity.clusters import gather_customers
from crmresearch.cleaning.identity.comparables import Comparables, compared_fields, make_comparable
from crmresearch.cleaning.identity.comparing import compare_records
from crmresearch.cleaning.identity.deciding import decide_pairs
from crmresearch.cleaning.identity.decisions import Ruling, read_decisions, rule
from crmresearch.cleaning.identity.golden import golden_records
from crmresearch.cleaning.notes import Note, examples, log_table
from crmresearch.errors import CaseError
from crmresearch.tables import TABLES

if TYPE_CHECKING:
    from crmresearch.cleaning.cleaned import Cleaned

RECORDS, PAIRS, DECIDED, SOURCES = "customer_records", "identity_pairs", "identity_decisions", "customer_sources"


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """What was found among the records, before anything is merged.

    Attributes
    ----------
    comparables : Comparables
    pairs : pd.DataFrame
        record_a, record_b, a level per compared column, weight, probability, evidence, fate, reason.
    group : np.ndarray of int
        Records of one customer have one number.
    ruling : Ruling
    """

    comparables: Comparables
    pairs: pd.DataFrame
    group: np.ndarray
    ruling: Ruling


def find_duplicates(records: pa.Table, identity: Identity, *, decisions: tuple = (), where: str = "identity") -> Found:
    """Find which records are one customer.

    Parameters
    ----------
    records : pa.Table
        A table ``customers``: customer_id and the columns to be compared.
    identity : Identity
    decisions : tuple of Decision
    where : str
        Place named in errors.
    """
    fields = compared_fields(records.column_names, identity, where)
    comparables = make_comparable(records, fields, identity)
    ids = pd.Index(records["customer_id"].to_pandas())
    ruling = rule(decisions, set(ids) if decisions else set())
    pairs = decide_pairs(compare_records(comparables, identity), fields, identity, ruling)
    codes = pd.DataFrame(
        {c: comparables.records[c].to_pandas() for c in comparables.of_kind("credit_code")}, dtype=object
    )
    group, pairs = gather_customers(ids, pairs, codes, ruling.apart, identity)
    return Found(comparables, pairs, group, ruling)


def unify_customers(case: Case, cleaned: Cleaned) -> Cleaned:
    """Make customers of records and put them in the place of ``customers``.

    Returns
    -------
    Cleaned
        With ``customers`` (one row per customer, ``n_records``), ``customer_records`` (every record as it
        was, under the customer it belongs to), ``customer_sources``, ``identity_pairs`` and
        ``identity_decisions``; every other table's ``customer_id`` is the customer's, and ``record_id`` is
        the id as recorded. The ledger counts a record that was merged into another as merged.

    Raises
    ------
    CaseError
        ``identity`` does not fit the columns of ``customers``.
    InputError
        The file of decisions cannot be read.
    """
    identity, where = case.file.identity, f"{case.name}/case.yaml"
    assert identity is not None
    if "customers" not in cleaned.tables:
        raise CaseError("identity needs the table customers", where=where, repair="Declare its file, or leave it out.")
    records = cleaned.tables["customers"]
    if identity.updated and identity.updated not in records.column_names:
        raise CaseError(
            f"identity.updated: customers has no column {identity.updated!r}",
            where=where,
            repair="Declare it, of kind date.",
        )
    decisions = read_decisions(case.folder)
    found = find_duplicates(records, identity, decisions=decisions, where=where)
    group = found.group if identity.apply else np.arange(len(records))
    golden = golden_records(records, group, found.comparables.fields, identity.updated)
    ids = records["customer_id"].combine_chunks()
    tables, notes = {}, list(_notes(found, identity, golden.base))
    for name, table in cleaned.tables.items():
        if name == "customers":
            tables[name] = golden.customers
        elif "customer_id" in table.column_names:
            tables[name] = _under_customers(table, name, ids, golden.customer_id)
            notes += _repeated(tables[name], name)
        else:
            tables[name] = table
    kept = pa.table({"customer_id": golden.customer_id, "record_id": ids})
    for name in records.column_names[1:]:
        kept = kept.append_column(records.schema.field(name), records[name])
    tables[RECORDS] = kept.sort_by([("customer_id", "ascending"), ("record_id", "ascending")])
    tables[SOURCES] = golden.sources
    tables[PAIRS] = _pair_table(found)
    tables[DECIDED] = pa.Table.from_pandas(found.ruling.table, preserve_index=False).replace_schema_metadata()
    return dataclasses.replace(
        cleaned,
        tables=tables,
        ledger=_recounted(cleaned.ledger, records, golden.base),
        log=_in_order(pa.concat_tables([cleaned.log, log_table(notes)])),
        sources=cleaned.sources | _decided(case),
    )


def _under_customers(table: pa.Table, name: str, ids: pa.Array, customers: pa.Array) -> pa.Table:
    """The table with the customer's id, and the id as recorded beside it."""
    recorded = table["customer_id"].combine_chunks()
    customer = pc.coalesce(customers.take(pc.index_in(recorded, value_set=ids)), recorded)
    at = table.column_names.index("customer_id")
    table = table.set_column(at, table.schema.field("customer_id"), customer).add_column(at + 1, "record_id", recorded)
    return in_canonical_order(table, TABLES[name]).combine_chunks()


def _repeated(table: pa.Table, name: str) -> list[tuple[str, Note]]:
    """A warning if rows differ in nothing but the record they were booked on."""
    declared = TABLES[name]
    if not declared.key:
        return []
    merged = find_repeats(table.drop_columns(["record_id"]), declared).merged
    own = table.filter(pa.array(merged))
    files = own["source_file"].to_pandas().value_counts().sort_index()
    return [(file, Note("REPEATED_AFTER_MERGE", "warning", declared.key[0], int(n))) for file, n in files.items()]


def _pair_table(found: Found) -> pa.Table:
    pairs = pa.Table.from_pandas(found.pairs, preserve_index=False).replace_schema_metadata()
    texts = [(f.name, pa.string() if pa.types.is_large_string(f.type) else f.type) for f in pairs.schema]
    return pairs.cast(pa.schema(texts))


def _recounted(lines: pa.Table, records: pa.Table, base: np.ndarray) -> pa.Table:
    """The ledger with records that were merged into another counted as merged."""
    files = records["source_file"].combine_chunks()
    alone = np.ones(len(files), bool)
    alone[base] = False
    gone = pc.value_counts(files.filter(pa.array(alone)))
    merged = {entry["values"]: entry["counts"] for entry in gone.to_pylist()}
    rows = []
    for line in lines.to_pylist():
        n = merged.get(line["source_file"], 0) if line["table"] == "customers" else 0
        rows.append(line | {"rows_kept": line["rows_kept"] - n, "rows_merged": line["rows_merged"] + n})
    return pa.Table.from_pylist(rows, ledger.SCHEMA)


def _notes(found: Found, identity: Identity, base: np.ndarray) -> list[tuple[str, Note]]:
    pairs = found.pairs
    notes = []

    def note(rule_: str, severity: str, count: int, column: str = "", shown: object = ()) -> None:
        if count:
            notes.append(("", Note(rule_, severity, column, int(count), examples(shown))))  # type: ignore[arg-type]

    for fate, rule_ in (("review", "IDENTITY_REVIEW"), ("held", "IDENTITY_HELD")):
        own = pairs[pairs["fate"] == fate]
        note(rule_, "warning", len(own), "customer_id", own["record_a"] + " " + own["record_b"])
    merged = len(found.comparables.records) - len(base)
    note("IDENTITY_MERGED", "normalised", merged, "customer_id")
    if not identity.apply:
        note("IDENTITY_NOT_APPLIED", "warning", int((pairs["fate"] == "merged").sum()), "customer_id")
    for column, own in found.comparables.shared.groupby("column"):
        note("SHARED_VALUE", "warning", len(own), str(column), own["value"])
    for column in found.comparables.of_kind("credit_code")[:1]:
        note("INVALID_CODE", "warning", found.comparables.invalid_codes, column)
    table = found.ruling.table
    unknown = table[table["status"] == "unknown_record"]
    if len(unknown):
        shown = examples(unknown["record_a"] + " " + unknown["record_b"])
        notes.append((DECISIONS_FILE, Note("UNKNOWN_DECISION", "warning", "", len(unknown), shown)))
    return notes


def _decided(case: Case) -> dict[str, str]:
    path = case.folder / DECISIONS_FILE
    return {DECISIONS_FILE: hashlib.sha256(path.read_bytes()).hexdigest()} if path.is_file() else {}


def _in_order(log: pa.Table) -> pa.Table:
    return log.sort_by(
        [(name, "ascending") for name in ("source_file", "column", "rule", "severity", "count", "examples")]
    )
