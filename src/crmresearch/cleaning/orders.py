"""Order lines: what is kept but worth knowing before it is summed."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from crmresearch.cleaning.notes import Note
from crmresearch.cleaning.parsing.numbers import MONEY


def order_notes(rows: pa.Table) -> tuple[Note, ...]:
    """Warnings about amounts that are zero (samples, free deliveries) or negative (returns, credits).

    Both are kept: sums are net of returns, and each scorer says what it counts as a purchase.
    """
    zero = pa.scalar(Decimal(0), MONEY)
    amount = rows["amount"]
    counts = (
        ("ZERO_AMOUNT", pc.sum(pc.equal(amount, zero)).as_py()),
        ("NEGATIVE_AMOUNT", pc.sum(pc.less(amount, zero)).as_py()),
    )
    return tuple(Note(rule, "warning", "amount", count) for rule, count in counts if count)


def mixture_notes(rows: pa.Table) -> tuple[Note, ...]:
    """Warnings about what a sum over all lines would mix: tax bases, units of measure."""
    notes = []
    taxed = pc.sum(rows["tax_included"]).as_py() or 0
    stated = rows.num_rows - rows["tax_included"].null_count
    if 0 < taxed < stated:
        notes.append(Note("TAX_MIXED", "warning", "tax_included", min(taxed, stated - taxed)))
    counts = {c["values"]: c["counts"] for c in pc.value_counts(rows["unit"].drop_null()).to_pylist()}
    if len(counts) > 1:
        shown = tuple(f"{unit} {n:,}" for unit, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:5])
        notes.append(Note("UNITS_MIXED", "warning", "unit", sum(counts.values()) - max(counts.values()), shown))
    return tuple(notes)
