"""Pairs that wait for a person, said in plain words, and the decisions that answer them."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from crmresearch.cleaning.cleaned import Cleaned
from crmresearch.cleaning.identity.deciding import REASONS
from crmresearch.cleaning.identity.decisions import Decision, decided_today
from crmresearch.errors import UsageError, nearest

_LEVELS = {
    "same": "same",
    "like": "the same but for its writing",
    "generic": "the same place and trade, no brand in either",
    "same_words": "the same words in another order",
    "alike": "alike",
    "same_brand": "the same brand, another trade or place",
    "near": "nearly the same",
    "open": "one without a brand",
    "different": "different",
}


def waiting_pairs(cleaned: Cleaned) -> pd.DataFrame:
    """The pairs with fate ``review`` or ``held``, the likeliest first."""
    pairs = cleaned.tables["identity_pairs"].to_pandas()
    waiting = pairs[pairs["fate"].isin(["review", "held"])]
    return waiting.sort_values(["probability", "record_a", "record_b"], ascending=[False, True, True])


def describe_pairs(cleaned: Cleaned, pairs: pd.DataFrame) -> Iterator[str]:
    """Each pair with both records' values, level by level, and why it was not merged."""
    records = cleaned.tables["customer_records"]
    rows = records.filter(
        pc.is_in(records["record_id"], pa.array([*pairs["record_a"], *pairs["record_b"]], pa.string()))
    )
    known = {row["record_id"]: row for row in rows.to_pylist()}
    fields = [column for column in pairs.columns if column in records.column_names]
    for pair in pairs.to_dict("records"):
        a, b = known.get(pair["record_a"], {}), known.get(pair["record_b"], {})
        lines = [f"{pair['record_a']} and {pair['record_b']}: {REASONS[pair['reason']]}"]
        lines[0] += f" (probability {pair['probability']:.3f}, weight {pair['weight']:+.1f})"
        for field in fields:
            if pair[field] != "missing":
                lines.append(f"  {field}: {_LEVELS[pair[field]]}: {a.get(field)} | {b.get(field)}")
        yield "\n".join(lines)


def decide(cleaned: Cleaned, a: str, b: str, decision: str, *, by: str, reason: str) -> Decision:
    """A decision about two records that are there.

    Raises
    ------
    UsageError
        There is no such record.
    """
    known = cleaned.tables["customer_records"]["record_id"].to_pylist()
    for record in (a, b):
        if record not in known:
            raise UsageError(f"no customer record {record!r}{nearest(record, known)}", where="customers")
    return decided_today(a, b, decision, by=by, reason=reason)


def unmerge(cleaned: Cleaned, customer: str, records: list[str], *, by: str, reason: str) -> list[Decision]:
    """The decisions that take records out of a customer; all of them, if none is named.

    A record that is taken out stands alone: neither evidence nor weight links it again, only a later
    decision to accept does.

    Raises
    ------
    UsageError
        There is no such customer, it has one record only, or a record is not its own.
    """
    table = cleaned.tables["customer_records"].select(["customer_id", "record_id"]).to_pandas()
    own = table.loc[table["customer_id"] == customer, "record_id"].tolist()
    if not own:
        member = table.loc[table["record_id"] == customer, "customer_id"]
        hint = f"It is a record of {member.iloc[0]}." if len(member) else ""
        raise UsageError(
            f"no customer {customer!r}{nearest(customer, table['customer_id'])}", where="customers", repair=hint
        )
    if len(own) == 1:
        raise UsageError(f"{customer!r} is one record; there is nothing to take apart", where="customers")
    for record in records:
        if record not in own:
            raise UsageError(
                f"{record!r} is no record of {customer!r}", where="customers", repair=f"It has {', '.join(own)}."
            )
    return [decided_today(record, "", "split", by=by, reason=reason) for record in records or own]
