"""Returns and cancellations: signs made right, void lines set aside, returns linked to what was bought.

The rule: a return is a line of negative amount, and lowers every sum. A line that the file calls a
return (退货, 退款, 红字 …), or whose quantity is negative, becomes one if it is written with a positive
amount. A line that the file calls cancelled or void (取消, 作废 …) never was a sale: it is set aside. What
was returned stays a purchase of its day; no scorer counts the return as one.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from crmresearch.cleaning.notes import Note
from crmresearch.cleaning.parsing.numbers import MONEY
from crmresearch.cleaning.parsing.parsed import codes

_RETURN = r"退货|退款|退回|退换|红字|红冲|冲红|冲销|\breturn|\brefund|\bcredit note\b|\breversal\b"
_VOID = r"取消|作废|撤销|\bcancel|\bvoid\b"
_FLIPPED = ("amount", "cost", "profit")


def settle_signs(values: Mapping[str, pa.Array]) -> tuple[dict[str, pa.Array], pa.Array, tuple[Note, ...]]:
    """Values with the signs of returns, the reason of void lines, and what was changed.

    Parameters
    ----------
    values : Mapping[str, pa.Array]
        Typed columns of order lines: ``amount``; ``quantity`` and ``type`` where the file has them.

    Returns
    -------
    values : dict[str, pa.Array]
    reasons : pa.Array
        ``CANCELLED`` where the line is void, else null.
    notes : tuple[Note, ...]
    """
    values = dict(values)
    n = len(values["amount"])
    no = pa.array(np.zeros(n, bool))
    back, void = no, no
    if "type" in values:
        words = pc.utf8_lower(values["type"])
        void = pc.fill_null(pc.match_substring_regex(words, _VOID), False)
        back = pc.and_not(pc.fill_null(pc.match_substring_regex(words, _RETURN), False), void)
    if "quantity" in values:
        back = pc.or_(back, pc.and_not(pc.fill_null(pc.less(values["quantity"], 0), False), void))
    positive = pc.fill_null(pc.greater(values["amount"], pa.scalar(Decimal(0), MONEY)), False)
    flipped = pc.and_(back, positive)
    for name in _FLIPPED:
        if name in values:
            values[name] = pc.if_else(flipped, pc.negate(values[name]), values[name])
    changed = flipped
    if "quantity" in values:
        taken = pc.and_(back, pc.fill_null(pc.greater(values["quantity"], 0), False))
        values["quantity"] = pc.if_else(taken, pc.negate(values["quantity"]), values["quantity"])
        changed = pc.or_(flipped, taken)
    count = pc.sum(changed).as_py() or 0
    notes = (Note("RETURN_SIGN", "normalised", "amount", count),) if count else ()
    return values, codes(void, "CANCELLED"), notes


def linked_returns(orders: pa.Table) -> tuple[Note, ...]:
    """How many returns have an earlier purchase of the same customer, product, quantity and amount.

    Each purchase answers for one return at most; on one day purchases come before returns.
    """
    amount = pc.cast(orders["amount"], pa.float64()).to_numpy(zero_copy_only=False)
    if not (amount < 0).any():
        return ()
    lines = pd.DataFrame(
        {
            "customer": _codes(orders["customer_id"]),
            "product": _codes(orders["product"]),
            "quantity": np.abs(orders["quantity"].to_numpy(zero_copy_only=False).astype(float)),
            "amount": np.abs(amount),
            "day": pc.cast(orders["date"], pa.int32()).to_numpy(zero_copy_only=False),
            "step": np.sign(amount),
        }
    )
    key = ["customer", "product", "quantity", "amount"]
    lines = lines[lines["amount"] > 0].sort_values([*key, "day", "step"], ascending=[True] * 5 + [False])
    balance = lines.groupby(key, dropna=False, sort=False)["step"].cumsum()
    lowest = balance.groupby([lines[name] for name in key], dropna=False, sort=False).min()
    unlinked = int(-lowest.clip(upper=0).sum())
    linked = int((lines["step"] < 0).sum()) - unlinked
    notes = []
    if linked:
        notes.append(Note("RETURN_LINKED", "normalised", "amount", linked))
    if unlinked:
        notes.append(Note("RETURN_UNLINKED", "warning", "amount", unlinked))
    return tuple(notes)


def _codes(column: pa.ChunkedArray) -> np.ndarray:
    return pc.dictionary_encode(column.combine_chunks(), null_encoding="encode").indices.to_numpy()
