"""Customer records in comparable form: one column per thing that can agree or differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from crmresearch.case import FieldKind, Identity
from crmresearch.cleaning.identity.contacts import (
    house_numbers,
    plain_addresses,
    plain_codes,
    plain_emails,
    plain_phones,
    valid_credit_codes,
)
from crmresearch.cleaning.identity.names import plain_text, provinces, split_company_names
from crmresearch.errors import CaseError, nearest

EVIDENCE: tuple[FieldKind, ...] = ("credit_code", "code", "phone", "email", "address")
"""Kinds whose agreement is evidence that two records are one customer."""
_BY_NAME: dict[str, FieldKind] = {
    "name": "name",
    "credit_code": "credit_code",
    "phone": "phone",
    "email": "email",
    "address": "address",
}
MAX_BLOCK = 100
"""Records that may share a name, or a value of evidence, and still be compared with each other."""


@dataclass(frozen=True, slots=True)
class Comparables:
    """Records ready to be compared.

    Attributes
    ----------
    fields : dict[str, FieldKind]
        Column of ``customers`` → its kind.
    records : pa.Table
        ``record_id``; per column its plain form, null where it says nothing; for the name its parts
        (``core``, ``name_region``, ``province``, ``trade``, ``branch``, or ``words`` of a person) and ``name_block``.
    shared : pd.DataFrame
        column, value, n_names, n_records of every value that is shared by too many to say anything.
    invalid_codes : int
        Credit codes whose last character does not fit; they count as missing.
    """

    fields: dict[str, FieldKind]
    records: pa.Table
    shared: pd.DataFrame
    invalid_codes: int

    def of_kind(self, *kinds: FieldKind) -> list[str]:
        """Columns of the given kinds, in order."""
        return [column for column, kind in self.fields.items() if kind in kinds]


def compared_fields(columns: list[str], identity: Identity, where: str) -> dict[str, FieldKind]:
    """The columns that are compared, with their kinds.

    Raises
    ------
    CaseError
        ``identity.fields`` names a column that ``customers`` lacks, two names, or no evidence is left.
    """
    for column in identity.fields:
        if column not in columns:
            raise CaseError(
                f"identity.fields: the table customers has no column {column!r}{nearest(column, columns)}",
                where=where,
                repair="Declare it under 'columns' of the customers file.",
            )
    fields = {column: kind for column, kind in _BY_NAME.items() if column in columns} | identity.fields
    if [*fields.values()].count("name") != 1:
        raise CaseError("identity needs one column of kind name", where=where, repair="Map the customers' name.")
    if not set(EVIDENCE) & set(fields.values()):
        raise CaseError(
            "identity has only names to compare, and a name alone never merges",
            where=where,
            repair="Map a phone, an address, an e-mail or a code of the customers.",
        )
    return fields


def make_comparable(customers: pa.Table, fields: dict[str, FieldKind], identity: Identity) -> Comparables:
    """Bring every compared column into plain form and take away what too many records share."""
    made: dict[str, pa.Array] = {"record_id": customers["customer_id"].combine_chunks()}
    invalid = 0
    for column, kind in fields.items():
        raw = customers[column].combine_chunks()
        if kind == "name":
            continue
        if kind == "phone":
            made[column], made[f"{column}_2"] = plain_phones(raw)
        elif kind == "address":
            made[column] = plain_addresses(raw)
            made[f"{column}_numbers"] = house_numbers(made[column])
        elif kind == "credit_code":
            codes = plain_codes(raw)
            valid = valid_credit_codes(codes)
            invalid += pc.sum(pc.and_(pc.is_valid(codes), pc.invert(valid))).as_py() or 0
            made[column] = pc.if_else(valid, codes, None)
        else:
            make = {"email": plain_emails, "code": plain_codes}.get(kind, plain_text)
            made[column] = make(raw.cast(pa.string()))
    name = next(column for column, kind in fields.items() if kind == "name")
    made |= _named(customers, plain_text(customers[name].combine_chunks()), fields, identity)
    shared = []
    for column, kind in fields.items():
        if kind in EVIDENCE:
            for own in [column, *([f"{column}_2"] if kind == "phone" else [])]:
                made[own], found = _unless_shared(made[own], made["identifying_name"], identity.shared_by)
                shared.append(found.assign(column=column))
    return Comparables(fields, pa.table(made), _shared_table(shared), invalid)


def _named(
    customers: pa.Table, plain: pa.Array, fields: dict[str, FieldKind], identity: Identity
) -> dict[str, pa.Array]:
    """The parts of the names, what stands for the name, and the key under which names are looked up."""
    if identity.kind == "person":
        words = pa.array([" ".join(sorted(text.split())) if text else None for text in plain.to_pylist()], pa.string())
        return {"name": plain, "words": words, "identifying_name": words, "name_block": _small_blocks(words)}
    parts = split_company_names(plain)
    core, trade, branch = (pc.fill_null(parts[part].combine_chunks(), "") for part in ("core", "trade_group", "branch"))
    told = [provinces(parts["region"].combine_chunks())]
    if "region" in customers.column_names:
        told.append(provinces(plain_text(customers["region"].combine_chunks())))
    for column, kind in fields.items():
        if kind == "address":
            told.append(provinces(plain_text(customers[column].combine_chunks())))
    province = pc.coalesce(*told)
    generic = pc.equal(core, "")
    known = pc.if_else(generic, pc.binary_join_element_wise(pc.fill_null(province, ""), trade, " "), core)
    identifying = pc.if_else(pc.is_null(plain), None, pc.coalesce(known, plain))
    return {
        "name": plain,
        "core": core,
        "province": province,
        "name_region": told[0],
        "trade": trade,
        "branch": branch,
        "identifying_name": identifying,
        "name_block": _small_blocks(identifying),
    }


def _small_blocks(values: pa.Array) -> pa.Array:
    """The values that at most ``MAX_BLOCK`` records have; null for the others."""
    codes = pc.dictionary_encode(values, null_encoding="encode").indices.to_numpy()
    crowded = np.bincount(codes)[codes] > MAX_BLOCK if len(codes) else np.zeros(0, bool)
    return pc.if_else(pa.array(crowded), None, values)


def _unless_shared(values: pa.Array, names: pa.Array, shared_by: int) -> tuple[pa.Array, pd.DataFrame]:
    """Null for values under more than ``shared_by`` names, or on more than ``MAX_BLOCK`` records."""
    frame = pd.DataFrame(
        {
            "value": pc.dictionary_encode(values).indices.to_pandas(),
            "name": pc.dictionary_encode(names).indices.to_pandas(),
        }
    )
    frame = frame.dropna(subset="value")
    counts = frame.groupby("value").agg(n_names=("name", "nunique"), n_records=("name", "size"))
    many = counts[(counts["n_names"] > shared_by) | (counts["n_records"] > MAX_BLOCK)]
    texts = pc.dictionary_encode(values).dictionary.take(pa.array(many.index.to_numpy(dtype="int64")))
    kept = pc.if_else(pc.is_in(values, value_set=texts), None, values)
    return kept, many.assign(value=texts.to_pylist()).reset_index(drop=True)


def _shared_table(found: list[pd.DataFrame]) -> pd.DataFrame:
    table = pd.concat(found)[["column", "value", "n_names", "n_records"]]
    return table.sort_values(["column", "value"]).reset_index(drop=True)
