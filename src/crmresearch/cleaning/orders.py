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
