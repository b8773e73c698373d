"""Units of money, tax and measure: what a column declares, held against its heading and the size of its values."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from crmresearch.case import ColumnMap
from crmresearch.cleaning.parsing.units import FACTORS
from crmresearch.cleaning.plan import ColumnPlan
from crmresearch.errors import InputError

_MULTIPLE = r"(?:人民币|rmb|cny)?(?P<multiple>十万|百万|千万|[百千万亿])?(?P<yuan>元)?"
_MONEY_HEADING = re.compile(
    rf"[(\[【/_:]\s*{_MULTIPLE}(?:/\w+)?\s*[)\]】]?\s*$|(?P<bare>十万|百万|千万|[百千万亿])元\s*$"
)
_MEASURES = (
    "吨",
    "千克",
    "公斤",
    "kg",
    "克",
    "箱",
    "件",
    "个",
    "桶",
    "袋",
    "台",
    "套",
    "米",
    "升",
    "瓶",
    "包",
    "卷",
    "只",
)
_MEASURE_HEADING = re.compile(rf"[(\[【/_:]\s*(?P<multiple>万|千)?(?P<unit>{'|'.join(_MEASURES)}|t)\s*[)\]】]?\s*$")
_EXCLUDED, _INCLUDED = (
    ("不含税", "未税", "税前", "excl. tax", "excluding tax", "net of tax"),
    ("含税", "价税合计", "incl. tax"),
)
_LINES = ("orders", "payments", "interactions")
_MIN_ROWS = 5
_FACTORS_APART = (3, 4, 6, 8)
_NEAR = 0.35
_LARGE_LINE = 1e8
_FAR_APART = 1_000
_CHECKED = "or declare confirmed: true if a look at the file shows that it is right."


def heading_unit(heading: str) -> str:
    """The unit of money that a heading names; empty if it names none.

    Examples
    --------
    >>> heading_unit("金额（万元）"), heading_unit("单价(元)"), heading_unit("万科订单金额")
    ('万元', '元', '')
    """
    match = _MONEY_HEADING.search(unicodedata.normalize("NFKC", heading).lower())
    multiple = match and (match["multiple"] or match["bare"])
    if not match or not (multiple or match["yuan"]):
        return ""
    return f"{multiple or ''}元"


def heading_measure(heading: str) -> str:
    """The unit of measure that a heading names: ``吨`` of ``数量(吨)``; empty if it names none."""
    match = _MEASURE_HEADING.search(unicodedata.normalize("NFKC", heading).lower())
    return f"{match['multiple'] or ''}{match['unit']}" if match else ""


def heading_tax(heading: str) -> str:
    """Whether a heading says ``included`` or ``excluded`` of the tax; empty if it says nothing.

    Examples
    --------
    >>> heading_tax("金额(不含税)"), heading_tax("价税合计"), heading_tax("金额")
    ('excluded', 'included', '')
    """
    text = unicodedata.normalize("NFKC", heading).lower()
    if any(word in text for word in _EXCLUDED):
        return "excluded"
    return "included" if any(word in text for word in _INCLUDED) else ""


def check_headings(plans: Sequence[ColumnPlan], file: str) -> None:
    """Stop where a heading names a unit or a tax basis that the declaration does not repeat.

    Raises
    ------
    InputError
        Names file, column and heading, and asks for the declaration.
    """
    names = {plan.name for plan in plans}
    for plan in plans:
        if plan.origin.confirmed or not plan.origin.heading:
            continue
        where = f"{file}, column {plan.origin.heading!r}"
        if plan.unit == "currency":
            _same_money(plan.origin, where)
        if plan.name == "amount" and "tax_included" not in names:
            _same_tax(plan.origin, where)
        if plan.name == "quantity" and "unit" not in names:
            _same_measure(plan.origin, where)


def _same_money(origin: ColumnMap, where: str) -> None:
    said = heading_unit(origin.heading)
    declared = FACTORS["money"].get(origin.unit, 1)
    if said and FACTORS["money"][said] != declared:
        is_said = f"{origin.unit!r} is declared" if origin.unit else "no unit is declared"
        raise InputError(
            f"the heading says {said}, {is_said}",
            where=where,
            repair=f"Look at the values. Declare unit: {said} for the column in case.yaml, {_CHECKED}",
        )


def _same_tax(origin: ColumnMap, where: str) -> None:
    said = heading_tax(origin.heading)
    if said and said != origin.tax:
        is_said = f"tax: {origin.tax} is declared" if origin.tax else "nothing is declared"
        raise InputError(
            f"the heading says that tax is {said}, {is_said}",
            where=where,
            repair=f"Declare tax: {said} for the column in case.yaml, {_CHECKED}",
        )


def _same_measure(origin: ColumnMap, where: str) -> None:
    said = heading_measure(origin.heading)
    if said and said != origin.unit.lower():
        is_said = f"{origin.unit!r} is declared" if origin.unit else "no unit is declared"
        raise InputError(
            f"the heading says {said}, {is_said}",
            where=where,
            repair=f"Declare unit: {said} for the column in case.yaml, {_CHECKED}",
        )


def check_sizes(rows: pa.Table, plans: Sequence[ColumnPlan], rounded: Mapping[str, int], table: str, file: str) -> None:
    """Stop where the size of a file's values does not fit their unit.

    Three signs: amount is not about price times quantity but a power of ten away; lines of a table
    of single dealings are above a hundred million each; amounts in 元 have more than two decimals.

    Parameters
    ----------
    rows : pa.Table
        The file's rows, typed and in the table's units.
    plans : Sequence[ColumnPlan]
    rounded : Mapping[str, int]
        Column → cells that had more than two decimals.
    table, file : str

    Raises
    ------
    InputError
    """
    by_name = {plan.name: plan for plan in plans if not plan.origin.times}
    if {"price", "quantity", "amount"} <= by_name.keys():
        _check_product(rows, by_name, file)
    for name, plan in by_name.items():
        if plan.unit != "currency" or plan.origin.confirmed:
            continue
        sizes = _sizes(rows, name)
        said = plan.origin.unit or heading_unit(plan.origin.heading)
        if table in _LINES and FACTORS["money"].get(said, 1) >= 1_000 and _median(sizes) >= _LARGE_LINE:
            raise InputError(
                f"in {said} the middle value would be {_median(sizes):,.0f} in the case's currency",
                where=f"{file}, column {plan.origin.heading!r}",
                repair=f"Are the cells in 元? Then declare unit: 元 and confirmed: true; {_CHECKED}",
            )
        fine = rounded.get(name, 0)
        if said == "元" and fine >= _MIN_ROWS and fine * 2 > len(sizes) and _median(sizes) < 10_000:
            raise InputError(
                f"{fine:,} of {len(sizes):,} values have more than two decimals, which amounts in 元 have not",
                where=f"{file}, column {plan.origin.heading!r}",
                repair=f"Are the cells in 万元? Then declare unit: 万元 and confirmed: true; {_CHECKED}",
            )


def _check_product(rows: pa.Table, plans: Mapping[str, ColumnPlan], file: str) -> None:
    used = [plans[name] for name in ("price", "quantity", "amount")]
    if any(plan.origin.confirmed for plan in used):
        return
    price, quantity, amount = (_floats(rows, plan.name) for plan in used)
    with np.errstate(all="ignore"):
        ratio = np.abs(amount / (price * quantity))
    ratio = ratio[np.isfinite(ratio) & (ratio > 0)]
    if len(ratio) < _MIN_ROWS:
        return
    exponent = math.log10(float(np.median(ratio)))
    nearest = min((sign * power for power in _FACTORS_APART for sign in (1, -1)), key=lambda k: abs(k - exponent))
    if abs(nearest - exponent) < _NEAR:
        raise InputError(
            f"the amounts are about {10.0**nearest:,.8g} times price × quantity",
            where=f"{file}, columns {', '.join(repr(plan.origin.heading) for plan in used)}",
            repair=f"One of the three is in another unit (万元 or 元, 吨 or 千克?): mend its unit, {_CHECKED}",
        )


def check_files(files: Iterable[tuple[str, pa.Table, Sequence[ColumnPlan]]]) -> None:
    """Stop where one money column is a thousand times larger in one file of a table than in another.

    Raises
    ------
    InputError
    """
    for (one, rows, plans), (two, others, other_plans) in combinations(list(files), 2):
        theirs = {plan.name: plan for plan in other_plans}
        for plan in plans:
            pair = (plan, theirs.get(plan.name))
            if plan.unit != "currency" or pair[1] is None or any(p.origin.confirmed for p in pair):
                continue
            sizes = [_sizes(rows, plan.name), _sizes(others, plan.name)]
            if min(map(len, sizes)) < _MIN_ROWS:
                continue
            low, high = sorted(map(_median, sizes))
            if low > 0 and high >= _FAR_APART * low:
                raise InputError(
                    f"the middle value of {plan.name!r} is {_median(sizes[0]):,.2f} here and "
                    f"{_median(sizes[1]):,.2f} in {two}",
                    where=f"{one}, column {plan.origin.heading!r}",
                    repair=f"One of the two is in another unit (万元 or 元?): mend its unit, {_CHECKED}",
                )


def _floats(rows: pa.Table, name: str) -> np.ndarray:
    return pc.cast(rows[name], pa.float64()).to_numpy(zero_copy_only=False)


def _sizes(rows: pa.Table, name: str) -> np.ndarray:
    """Absolute values that are not zero."""
    values = np.abs(_floats(rows, name))
    return values[np.isfinite(values) & (values > 0)]


def _median(sizes: np.ndarray) -> float:
    return float(np.median(sizes)) if len(sizes) else 0.0
