"""A column that is the product of two others: the amount of files that state quantity and unit price."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from crmresearch.cleaning.columns import ParsedColumn
from crmresearch.cleaning.notes import Note
from crmresearch.cleaning.parsing.parsed import codes
from crmresearch.cleaning.plan import ARROW, ColumnPlan

_FACTOR = pa.decimal128(16, 4)
_LIMIT = 10.0**11


def product_column(plan: ColumnPlan, one: ParsedColumn, two: ParsedColumn) -> ParsedColumn:
    """The product, exact to four decimals of each factor; money is rounded half away from zero.

    A row in which a factor could not be read has no product, and its reason is the factor's.
    """
    factors = [pc.cast(column.values, pa.float64()) for column in (one, two)]
    if plan.kind == "money":
        small = [pc.less(pc.abs(factor), _LIMIT) for factor in factors]
        fits = pc.fill_null(pc.and_(*small), False)
        exact = [pc.cast(pc.round(pc.if_else(fits, f, None), 4), _FACTOR) for f in factors]
        cents = pc.round(pc.multiply(*exact), 2, round_mode="half_towards_infinity")
        beyond = pc.greater_equal(pc.abs(pc.multiply(*factors)), 10.0**15)
        cents = pc.if_else(pc.fill_null(beyond, True), None, cents)
        values = pc.cast(cents, ARROW["money"])
    else:
        values = pc.cast(pc.multiply(*factors), ARROW[plan.kind], safe=False)
    whole = pc.and_(pc.is_valid(factors[0]), pc.is_valid(factors[1]))
    reasons = codes(pc.and_(whole, pc.is_null(values)), "TOO_LARGE")
    unread = pc.or_(pc.is_valid(one.reasons), pc.is_valid(two.reasons))
    if plan.required:
        absent = pc.and_(pc.and_not(pc.is_null(values), unread), pc.is_null(reasons))
        reasons = pc.coalesce(reasons, codes(absent, "MISSING_VALUE"))
    count = len(values) - values.null_count
    notes = (Note("PRODUCT", "normalised", plan.name, count),) if count else ()
    return ParsedColumn(values, reasons, notes)
