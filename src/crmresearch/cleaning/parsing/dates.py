"""Dates: only forms that can be read in one way, or the one form ``case.yaml`` declares."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from crmresearch.cleaning.notes import excerpt
from crmresearch.cleaning.parsing import serials
from crmresearch.cleaning.parsing.parsed import Parsed, codes
from crmresearch.errors import CaseError, InputError

EARLIEST, LATEST = dt.date(1900, 1, 1), dt.date(2100, 12, 31)
"""Dates outside these are typing errors or sentinels, never events of a customer's life."""

_STRING = pa.large_string()
_TIME = (
    r"(?:(?:[T ]| ?(?:上午|下午) ?)(?P<time>\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?) ?(?P<zone>Z|UTC|[+-]\d{2}:?\d{2})?)?"
)
_YEAR_FIRST = (
    r"^(?P<year>\d{4})(?:[-/.](?P<m1>\d{1,2})[-/.](?P<d1>\d{1,2})|年 ?(?P<m2>\d{1,2}) ?月 ?(?P<d2>\d{1,2}) ?[日号]"
    rf"|(?P<m3>\d{{2}})(?P<d3>\d{{2}})){_TIME}$"
)
_YEAR_LAST = r"^\d{1,2}[-/.]\d{1,2}[-/.]\d{4}( .*)?$"
_YEAR_SHORT = r"^\d{1,2}[-/.]\d{1,2}[-/.]\d{2}( .*)?$"
_ISO = r"^\d{4}-\d{2}-\d{2}$"
_ISO_START = r"^\d{4}-\d{2}-\d{2}([T ]|$)"


def parse_date(
    texts: pa.LargeStringArray,
    *,
    pattern: str,
    zone: str,
    as_of: dt.date | None,
    where: str,
    last_day: bool = False,
    date_1904: bool = False,
) -> Parsed:
    """Parse cleaned texts as calendar dates.

    Without a pattern only year-first forms are read (``2023-01-02``, ``2023/1/2``, ``2023.1.2``,
    ``20230102``, ``2023年1月2日``, each with an optional time). Where day and month could change
    places, or the year has two digits, the file is refused until a pattern is declared. A time with
    an offset is moved to the case's zone; a time without one is taken to be in that zone. A month
    without a day stands for its first day, or its last; a number that Excel counts days by is a
    date if it lies in 1990–2100.

    Parameters
    ----------
    texts : pa.LargeStringArray
        Distinct cleaned texts; null where missing.
    pattern : str
        ``strptime`` pattern, or empty. ``%y`` counts in the hundred years that end with ``as_of``.
    zone : str
        IANA time zone of the case.
    as_of : datetime.date | None
        Last observed day.
    where : str
        File and column, for messages.
    last_day : bool
        A month without a day stands for its last day.
    date_1904 : bool
        Days are counted from 1904, as in workbooks of old Macintoshes.

    Raises
    ------
    InputError
        A form that can be read in two ways, and no pattern.
    CaseError
        The zone is unknown, the pattern is not one, or ``%y`` without ``as_of``.

    Examples
    --------
    >>> texts = pa.array(["2023年1月2日", "20230102", "2023-02-30"], pa.large_string())
    >>> parsed = parse_date(texts, pattern="", zone="UTC", as_of=None, where="a.csv")
    >>> [str(v) for v in parsed.values.to_pylist()], parsed.reasons.to_pylist()
    (['2023-01-02', '2023-01-02', 'None'], [None, None, 'NOT_A_DATE'])
    """
    declared = pattern in serials.FORMATS
    moved, rules = None, pa.nulls(len(texts), _STRING)
    if pattern and not declared:
        values = _by_pattern(texts, pattern, as_of, where)
        if not pattern.startswith("%Y"):  # a workbook's own dates arrive as ISO text beside typed ones
            iso = pc.if_else(pc.fill_null(pc.match_substring_regex(texts, _ISO_START), False), texts, None)
            values = pc.coalesce(values, _year_first(iso, zone, where)[0])
    else:
        _refuse_ambiguous(texts, where)
        values, moved = _year_first(texts, zone, where)
        months = serials.parse_month(texts, last_day=last_day)
        days = serials.parse_serial(
            texts, date_1904=pattern == "serial1904" if declared else date_1904, any_year=declared
        )
        rules = pc.coalesce(codes(pc.is_valid(months), "MONTH_ONLY"), codes(pc.is_valid(days), "EXCEL_SERIAL"))
        values = pc.coalesce(values, months, days)
    unread = pc.and_(pc.is_valid(texts), pc.is_null(values))
    reasons = pc.coalesce(
        codes(pc.and_(unread, serials.doubtful_month(texts)), "MONTH_DOUBTFUL"), codes(unread, "NOT_A_DATE")
    )
    other = pc.and_(pc.is_valid(values), pc.invert(pc.match_substring_regex(texts, _ISO)))
    rules = pc.coalesce(rules, codes(other, "DATE_FORM"))
    if moved is not None:
        rules = pc.coalesce(codes(moved, "ZONE_CONVERTED"), rules)
    return Parsed(values, reasons, rules)


def _refuse_ambiguous(texts: pa.LargeStringArray, where: str) -> None:
    for form, problem in ((_YEAR_LAST, "day and month can change places"), (_YEAR_SHORT, "the year has two digits")):
        hits = texts.filter(pc.fill_null(pc.match_substring_regex(texts, form), False))
        if len(hits):
            first = min(hits.to_pylist())
            raise InputError(
                f"{problem} in {excerpt(first)!r}{_evidence(hits) if form == _YEAR_LAST else ''}",
                where=where,
                repair="Declare the column's 'format' in case.yaml, such as %d/%m/%Y or %m/%d/%Y.",
            )


def likely_format(texts: pa.LargeStringArray) -> tuple[float, str, str]:
    """Share of texts that look like dates, the pattern they need, and a text that proves it.

    The pattern is empty where none is needed, and ``"?"`` where day and month cannot be told apart.

    Examples
    --------
    >>> likely_format(pa.array(["1/2/2023", "13/2/2023"], pa.large_string()))
    (1.0, '%d/%m/%Y', '13/2/2023')
    """
    first = pc.fill_null(pc.match_substring_regex(texts, _YEAR_FIRST), False)
    first = pc.or_(first, pc.is_valid(serials.parse_month(texts, last_day=False)))
    last = pc.fill_null(pc.match_substring_regex(texts, _YEAR_LAST), False)
    share = pc.mean(pc.or_(first, last)).as_py() if len(texts) else 0.0
    pattern, proof = "", ""
    for text in sorted(texts.filter(last).to_pylist()):
        left, mark, right = re.match(r"(\d+)([-/.])(\d+)", text).groups()
        if (int(left) > 12) != (int(right) > 12):
            day_first = int(left) > 12
            return share, f"%d{mark}%m{mark}%Y" if day_first else f"%m{mark}%d{mark}%Y", text
        pattern, proof = "?", text
    return share, pattern, proof


def _evidence(hits: pa.LargeStringArray) -> str:
    """A value that can be read in one way only, to help to choose."""
    _, pattern, proof = likely_format(hits)
    if pattern == "?":
        return ""
    return f" ({excerpt(proof)!r} can only have the {'day' if pattern.startswith('%d') else 'month'} first)"


def _by_pattern(texts: pa.LargeStringArray, pattern: str, as_of: dt.date | None, where: str) -> pa.Array:
    if "%y" in pattern and as_of is None:
        raise CaseError(
            "a two-digit year (%y) needs the case's as_of, the end of its hundred years",
            where=where,
            repair="Add as_of to case.yaml.",
        )
    try:
        stamps = pd.to_datetime(texts.to_pandas(), format=pattern, errors="coerce")
        if stamps.isna().all() and "%" not in pattern:
            raise ValueError("it has no % field")
    except ValueError as error:
        raise CaseError(
            f"{pattern!r} is no date format ({error})", where=where, repair="Use one such as %d/%m/%Y."
        ) from None
    values = pc.cast(pa.array(stamps.dt.strftime("%Y-%m-%d"), _STRING), pa.date32())
    if "%y" not in pattern or as_of is None:
        return values
    late = pc.greater(values, pa.scalar(as_of))
    earlier = pa.array((stamps - pd.DateOffset(years=100)).dt.strftime("%Y-%m-%d"), _STRING)
    return pc.if_else(late, pc.cast(earlier, pa.date32()), values)


def _year_first(texts: pa.LargeStringArray, zone: str, where: str) -> tuple[pa.Array, pa.BooleanArray]:
    parts = pc.extract_regex(texts, pattern=_YEAR_FIRST)
    part = {name: pc.struct_field(parts, name) for name in ("year", "m1", "d1", "m2", "d2", "m3", "d3", "time", "zone")}
    empty = pa.scalar("", _STRING)
    month = pc.binary_join_element_wise(part["m1"], part["m2"], part["m3"], empty)
    day = pc.binary_join_element_wise(part["d1"], part["d2"], part["d3"], empty)
    dash = pa.scalar("-", _STRING)
    iso = pc.binary_join_element_wise(
        part["year"], pc.utf8_lpad(month, 2, padding="0"), pc.utf8_lpad(day, 2, padding="0"), dash
    )
    days = pd.to_datetime(iso.to_pandas(), format="%Y-%m-%d", errors="coerce")
    values = pc.cast(pa.array(days.dt.strftime("%Y-%m-%d"), _STRING), pa.date32())
    timed = pc.fill_null(pc.not_equal(part["time"], ""), False)
    clock = pd.to_timedelta(_full_clock(part["time"].filter(timed)), errors="coerce")
    good_clock = pa.array(clock < pd.Timedelta(days=1))
    values = pc.if_else(_scatter(timed, pc.invert(good_clock)), None, values)
    offset = pc.fill_null(pc.not_equal(part["zone"], ""), False)
    return _to_zone(values, part, offset, iso, zone, where), offset


def _full_clock(times: pa.LargeStringArray) -> pd.Series:
    """``9:05`` → ``9:05:00``."""
    short = pc.match_substring_regex(times, r"^\d{1,2}:\d{2}$")
    tail = pc.if_else(short, pa.scalar(":00", _STRING), pa.scalar("", _STRING))
    return pc.binary_join_element_wise(times, tail, pa.scalar("", _STRING)).to_pandas()


def _scatter(mask: pa.BooleanArray, inner: pa.BooleanArray) -> pa.BooleanArray:
    """A mask over all texts from one over those where ``mask`` holds."""
    return pc.replace_with_mask(mask, mask, pc.fill_null(inner, True))


def _to_zone(
    values: pa.Array, part: dict[str, pa.Array], offset: pa.BooleanArray, iso: pa.Array, zone: str, where: str
) -> pa.Array:
    """Local dates in the case's zone for the texts that carry an offset."""
    try:
        target = zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise CaseError(
            f"unknown time_zone {zone!r}", where=where, repair="Use a name such as Asia/Shanghai."
        ) from None
    if not pc.any(offset).as_py():
        return values
    clock, shift = _full_clock(part["time"].filter(offset)), part["zone"].filter(offset)
    shift = pc.if_else(pc.is_in(shift, value_set=pa.array(["Z", "UTC"], _STRING)), pa.scalar("+00:00", _STRING), shift)
    stamps = pc.binary_join_element_wise(iso.filter(offset), pa.array(clock, _STRING), shift, pa.scalar(" ", _STRING))
    moments = pd.to_datetime(stamps.to_pandas(), utc=True, errors="coerce", format="ISO8601")
    local = pa.array(moments.dt.tz_convert(target).dt.strftime("%Y-%m-%d"), _STRING)
    return pc.replace_with_mask(values, offset, pc.cast(local, pa.date32()))
