"""Rows that are no records: headings repeated among the data, totals and subtotals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from crmresearch.cleaning.parsing import text
from crmresearch.cleaning.parsing.parsed import codes
from crmresearch.cleaning.plan import ColumnPlan

_TOTAL = r"^(总计|合计|小计|累计|总额|本页合计|total|subtotal|sub-total|grand total|sum)[:：]?$"


def no_records(raw: Mapping[str, pa.Array], plans: Iterable[ColumnPlan], first: pa.Array) -> pa.Array:
    """Reason for the rows that are no records, null for the rest.

    A row is a heading if every mapped cell repeats its heading. It is a total if a required text
    says so, or if the file's first column says so and a required value is missing: a customer
    called Total, with a complete row, is a customer.

    Parameters
    ----------
    raw : Mapping[str, pa.Array]
        Raw cells of the planned columns.
    plans : Iterable[ColumnPlan]
    first : pa.Array
        Raw cells of the file's first column.
    """
    headings, totals, gaps = [], [], []
    for plan in plans:
        if plan.name not in raw or not plan.origin.heading:
            continue
        cells = raw[plan.name]
        headings.append(_distinctly(cells, lambda d, h=plan.origin.heading: _equals(d, h)))
        if plan.required:
            gaps.append(_distinctly(cells, lambda d: pc.equal(text.clean(d), "")))
            if plan.kind == "text":
                totals.append(_distinctly(cells, _says_total))
    never = pa.repeat(False, len(next(iter(raw.values()))))
    heading = reduce(pc.and_, headings) if headings else never
    gap, total = reduce(pc.or_, gaps, never), reduce(pc.or_, totals, never)
    total = pc.or_(total, pc.and_(_distinctly(first, _says_total), gap))
    return pc.coalesce(codes(heading, "HEADER_ROW"), codes(total, "TOTAL_ROW"))


def _distinctly(cells: pa.Array, test: Callable[[pa.Array], pa.BooleanArray]) -> pa.BooleanArray:
    """``test`` asked once per distinct cell; a null cell is a gap."""
    encoded = pc.dictionary_encode(cells, null_encoding="encode")
    answers = test(pc.fill_null(encoded.dictionary, ""))
    return answers.take(encoded.indices)


def _equals(distinct: pa.Array, heading: str) -> pa.BooleanArray:
    folded = pc.utf8_lower(text.clean(distinct))
    return pc.equal(folded, text.normal_form(heading))


def _says_total(distinct: pa.Array) -> pa.BooleanArray:
    squeezed = pc.replace_substring_regex(pc.utf8_lower(text.clean(distinct)), r"(\p{Han}) (\p{Han})", r"\1\2")
    return pc.match_substring_regex(squeezed, _TOTAL)
