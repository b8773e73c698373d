"""Dates that are no day yet: months without a day, and the numbers by which Excel counts days."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pyarrow.compute as pc

FORMATS = ("serial", "serial1904")
"""Formats that ``case.yaml`` may declare for Excel's day numbers."""

_STRING = pa.large_string()
_MONTH = (
    r"^(?:(?P<y1>\d{4}) ?年 ?(?P<m1>\d{1,2}) ?月份?|(?P<y2>\d{4})[-/](?P<m2>\d{1,2})"
    r"|(?P<y3>\d{4})\.(?P<m3>0[1-9]|1[0-2]|[2-9])|(?P<y4>19[1-9]\d|20[1-9]\d)(?P<m4>0[1-9]|1[0-2]))$"
)
_DOUBTFUL = r"^\d{4}\.1$"
_SERIAL = r"^\d{1,7}(\.\d+)?$"
_EPOCH = dt.date(1899, 12, 30)
_DAYS_1904 = 1462
_FIRST, _LAST = 32_874, 73_415  # 1990-01-01 and 2100-12-31


def parse_month(texts: pa.LargeStringArray, *, last_day: bool) -> pa.Date32Array:
    """Months without a day as their first or last day; null for all else.

    Six digits are a month where they cannot be a day with a short year: the year's last two digits
    lie above 12.

    Examples
    --------
    >>> texts = pa.array(["2023年5月", "2023-05", "2023.5", "202305", "2023.1", "200105"], pa.large_string())
    >>> [str(day) for day in parse_month(texts, last_day=True).to_pylist()]
    ['2023-05-31', '2023-05-31', '2023-05-31', '2023-05-31', 'None', 'None']
    """
    parts = pc.extract_regex(texts, pattern=_MONTH)
    empty = pa.scalar("", _STRING)

    def joined(letter: str) -> pa.Array:
        return pc.binary_join_element_wise(*(pc.struct_field(parts, f"{letter}{i}") for i in range(1, 5)), empty)

    year, month = (pc.cast(pc.if_else(pc.equal(joined(k), ""), None, joined(k)), pa.int64()) for k in "ym")
    yy = pc.subtract(year, pc.multiply(pc.divide(year, 100), 100))
    six = pc.fill_null(pc.not_equal(pc.struct_field(parts, "y4"), ""), False)
    short = pc.and_(six, pc.less_equal(yy, 12))
    good = pc.and_(pc.and_(pc.greater_equal(month, 1), pc.less_equal(month, 12)), pc.invert(pc.fill_null(short, False)))
    good = pc.and_(good, pc.greater_equal(year, 1))
    index = pc.if_else(pc.fill_null(good, False), pc.add(pc.multiply(year, 12), pc.subtract(month, 1)), None)
    return pa.array([_day(number, last_day) for number in index.to_pylist()], pa.date32())


def _day(number: int | None, last_day: bool) -> dt.date | None:
    if number is None:
        return None
    year, month = divmod(number + last_day, 12)
    if year > dt.MAXYEAR:
        return None
    return dt.date(year, month + 1, 1) - dt.timedelta(days=int(last_day))


def doubtful_month(texts: pa.LargeStringArray) -> pa.BooleanArray:
    """``2023.1`` may be January, or October whose zero a spreadsheet has cut."""
    return pc.fill_null(pc.match_substring_regex(texts, _DOUBTFUL), False)


def parse_serial(texts: pa.LargeStringArray, *, date_1904: bool, any_year: bool) -> pa.Date32Array:
    """Excel's day numbers as dates, where they fall into 1990–2100 or any year is allowed; null for all else.

    Examples
    --------
    >>> texts = pa.array(["45000", "45000.75", "7", "99999"], pa.large_string())
    >>> [str(day) for day in parse_serial(texts, date_1904=False, any_year=False).to_pylist()]
    ['2023-03-15', '2023-03-15', 'None', 'None']
    """
    looks = pc.fill_null(pc.match_substring_regex(texts, _SERIAL), False)
    days = pc.cast(pc.floor(pc.cast(pc.if_else(looks, texts, None), pa.float64())), pa.int64())
    days = pc.add(days, _DAYS_1904 if date_1904 else 0)
    within = pc.and_(pc.greater_equal(days, 61 if any_year else _FIRST), pc.less_equal(days, _LAST))
    days = pc.if_else(pc.fill_null(within, False), days, None)
    epoch = (_EPOCH - dt.date(1970, 1, 1)).days
    return pc.cast(pc.cast(pc.add(days, epoch), pa.int32()), pa.date32())
