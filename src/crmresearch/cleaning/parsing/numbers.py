"""Amounts and numbers: exact decimals for money, correctly rounded doubles for the rest."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from crmresearch.cleaning.parsing.parsed import Parsed, codes
from crmresearch.cleaning.parsing.units import CURRENCIES, FACTORS, Dimension

MONEY = pa.decimal128(18, 2)
_WIDE = pa.decimal128(28, 12)
_MAX_WHOLE_DIGITS = 16
_KEPT_DECIMALS = 12
_STRING = pa.large_string()
_EMPTY, _MINUS, _ZERO = (pa.scalar(text, _STRING) for text in ("", "-", "0"))

_NUMBER = (
    r"^(?P<open>\()?(?P<sign>[+-]?) ?(?P<currency>[^\d\s.,()+-]*) ?(?P<inner>[+-]?)"
    r"(?P<whole>\d{1,3}(?:,\d{3})+|\d*)(?P<fraction>\.\d*)?(?P<exponent>[eE][+-]?\d+)? ?"
    r"(?P<unit>[^\d\s.,()+-]*)(?P<close>\))?$"
)
_OTHER_MARK = r"^[^\d,]*\d{1,3}(\.\d{3})*,(\d{1,2}|\d{4,})[^\d,]*$"
_THIS_MARK = r"\d\.\d"
_PLAIN = r"^-?\d+(\.\d+)?$"
_TRUE = ("1", "yes", "y", "true", "t", "是", "有", "对")
_FALSE = ("0", "no", "n", "false", "f", "否", "无", "错")


def parse_number(
    texts: pa.LargeStringArray,
    *,
    kind: Literal["money", "number", "integer"],
    dimension: Dimension,
    decimal: Literal[".", ","] = ".",
    factor: float = 1,
    own_unit: str = "",
) -> Parsed:
    """Parse cleaned texts as numbers.

    Accepted are thousands separators in groups of three, one decimal mark, a sign or accounting
    parentheses, a currency sign before or a unit after. A value that states its own unit keeps it;
    ``factor`` applies to bare numbers. Money is rounded half away from zero to two decimals.

    Parameters
    ----------
    texts : pa.LargeStringArray
        Distinct cleaned texts; null where missing.
    kind : {"money", "number", "integer"}
        Gives decimal(18, 2), float64 or int64.
    dimension : {"money", "seconds", "number"}
        Which units are known.
    decimal : {".", ","}
        Decimal mark; the other separates thousands.
    factor : float
        Multiplier of the column's declared unit.
    own_unit : str
        Unit of measure that the values may repeat (``12箱`` in a column declared in 箱).

    Examples
    --------
    >>> texts = pa.array(["¥1,234.5", "1.2万", "(3)", "12,5", "1e400"], pa.large_string())
    >>> parsed = parse_number(texts, kind="money", dimension="money")
    >>> [str(v) for v in parsed.values.to_pylist()]
    ['1234.50', '12000.00', '-3.00', 'None', 'None']
    >>> parsed.reasons.to_pylist()
    [None, None, None, 'NOT_A_NUMBER', 'SCIENTIFIC_NOTATION']
    """
    texts = pc.replace_substring(texts, "\u2212", "-")
    parts = _split(texts, decimal)
    matched = pc.and_(pc.is_valid(parts["whole"]), _has_digits(parts))
    balanced = pc.equal(pc.equal(parts["open"], ""), pc.equal(parts["close"], ""))
    one_sign = pc.or_(pc.equal(parts["sign"], ""), pc.equal(parts["inner"], ""))
    number = pc.fill_null(pc.and_(pc.and_(matched, balanced), one_sign), False)
    scale, known = _scale(parts, dimension, factor, own_unit)
    reasons = pc.coalesce(
        codes(pc.and_(pc.is_valid(texts), pc.invert(number)), "NOT_A_NUMBER"),
        codes(pc.invert(known), "UNKNOWN_UNIT"),
    )
    written = pc.if_else(pc.is_null(reasons), _compose(parts), None)
    if kind == "money":
        values, more, rounded = _decimals(written, scale)
    else:
        values, more, rounded = _doubles(written, scale, whole=kind == "integer")
    plain = pc.match_substring_regex(texts, _PLAIN)
    rules = pc.coalesce(codes(rounded, "ROUNDED"), codes(pc.invert(plain), "NUMBER_FORM"))
    if factor != 1:
        rules = pc.coalesce(rules, codes(plain, "UNIT"))
    reasons = pc.coalesce(reasons, more)
    return Parsed(values, reasons, pc.if_else(pc.is_null(reasons), rules, None))


def parse_flag(texts: pa.LargeStringArray) -> Parsed:
    """Yes or no, in the words of either language.

    Examples
    --------
    >>> parse_flag(pa.array(["Yes", "否", "2"], pa.large_string())).values.to_pylist()
    [True, False, None]
    """
    lower = pc.utf8_lower(texts)
    yes, no = (pc.is_in(lower, value_set=pa.array(words, _STRING)) for words in (_TRUE, _FALSE))
    values = pc.if_else(pc.or_(yes, no), yes, pa.scalar(None, pa.bool_()))
    reasons = codes(pc.and_(pc.is_valid(texts), pc.is_null(values)), "NOT_A_FLAG")
    return Parsed(values, reasons, pa.nulls(len(texts), _STRING))


def currencies(texts: pa.LargeStringArray) -> dict[str, str]:
    """Currency sign or code in the texts → the first text, in sorted order, that carries it."""
    parts = _split(texts, ".")
    found: dict[str, str] = {}
    for part in ("currency", "unit"):
        signs = pc.utf8_lower(parts[part])
        signs = pc.if_else(pc.ends_with(signs, "元"), "元", signs)
        known = pc.is_in(signs, value_set=pa.array(list(CURRENCIES), _STRING))
        for sign in pc.unique(signs.filter(pc.fill_null(known, False))).to_pylist():
            found[sign] = min(texts.filter(pc.fill_null(pc.equal(signs, sign), False)).to_pylist())
    return found


def other_decimal_mark(texts: pa.LargeStringArray, decimal: str) -> str | None:
    """A text that shows the column uses the other decimal mark, or None.

    Numbers like ``2,50`` cannot be read with a decimal point; where they outnumber those that
    can only be read with it, the declaration is wrong and ``1,234`` would be misread in silence.
    """
    if decimal == ",":
        texts = _swap(texts)
    against = texts.filter(pc.fill_null(pc.match_substring_regex(texts, _OTHER_MARK), False))
    given = pc.sum(pc.match_substring_regex(texts, _THIS_MARK + r"{1,2}(\D|$)")).as_py() or 0
    if len(against) <= given:
        return None
    return min((_swap(against) if decimal == "," else against).to_pylist())


def _split(texts: pa.LargeStringArray, decimal: str) -> dict[str, pa.LargeStringArray]:
    if decimal == ",":
        texts = _swap(texts)
    parts = pc.extract_regex(texts, pattern=_NUMBER)
    names = ("open", "sign", "currency", "inner", "whole", "fraction", "exponent", "unit", "close")
    return {name: pc.struct_field(parts, name) for name in names}


def _swap(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    texts = pc.replace_substring(texts, ".", "\x00")
    return pc.replace_substring(pc.replace_substring(texts, ",", "."), "\x00", ",")


def _has_digits(parts: dict[str, pa.LargeStringArray]) -> pa.BooleanArray:
    return pc.or_(pc.not_equal(parts["whole"], ""), pc.greater(pc.utf8_length(parts["fraction"]), 1))


def _scale(
    parts: dict[str, pa.LargeStringArray], dimension: Dimension, factor: float, own_unit: str
) -> tuple[pa.Array, pa.Array]:
    """The factor each text states, and whether its words are known."""
    signs = pa.array(["", *(CURRENCIES if dimension == "money" else ())], _STRING)
    table = {"": factor, **FACTORS[dimension]}
    if dimension == "money":
        table = {**dict.fromkeys(CURRENCIES, factor), **table}
    if own_unit:
        table[own_unit.lower()] = factor
    unit = pc.utf8_lower(parts["unit"])
    row = pc.index_in(unit, value_set=pa.array(list(table), _STRING))
    known = pc.and_(pc.is_in(pc.utf8_lower(parts["currency"]), value_set=signs), pc.is_valid(row))
    known = pc.or_(known, pc.is_null(unit))
    return pa.array(list(table.values()), pa.float64()).take(row), known


def _compose(parts: dict[str, pa.LargeStringArray]) -> pa.LargeStringArray:
    signs = pc.binary_join_element_wise(parts["sign"], parts["inner"], _EMPTY)
    minus = pc.xor(pc.match_substring(signs, "-"), pc.not_equal(parts["open"], ""))
    whole = pc.replace_substring(parts["whole"], ",", "")
    whole = pc.if_else(pc.equal(whole, ""), _ZERO, whole)
    fraction = pc.if_else(pc.equal(parts["fraction"], "."), _EMPTY, parts["fraction"])
    return pc.binary_join_element_wise(pc.if_else(minus, _MINUS, _EMPTY), whole, fraction, parts["exponent"], _EMPTY)


def _decimals(written: pa.LargeStringArray, scale: pa.Array) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Exact decimals, rounded to two; what stands beyond the twelfth decimal cannot change that and is cut."""
    exponent = pc.match_substring_regex(written, "[eE]")
    whole = pc.extract_regex(written, pattern=r"^(?P<sign>-?)0*(?P<whole>\d*)")
    large = pc.greater(pc.utf8_length(pc.struct_field(whole, "whole")), _MAX_WHOLE_DIGITS)
    reasons = pc.coalesce(codes(exponent, "SCIENTIFIC_NOTATION"), codes(large, "TOO_LARGE"))
    kept = pc.if_else(pc.is_null(reasons), written, None)
    kept = pc.replace_substring_regex(kept, rf"(\.\d{{{_KEPT_DECIMALS}}})\d+$", r"\1")
    kept = pc.replace_substring_regex(kept, r"^(-?)0+(\d)", r"\1\2")
    exact = pc.multiply(pc.cast(kept, _WIDE), pc.cast(pc.cast(scale, pa.int64()), pa.decimal128(19, 0)).cast(_FACTOR))
    cents = pc.round(exact, 2, round_mode="half_towards_infinity")
    beyond = pc.greater_equal(pc.abs(cents), pa.scalar(10**_MAX_WHOLE_DIGITS).cast(pa.decimal128(19, 0)))
    reasons = pc.coalesce(reasons, codes(beyond, "TOO_LARGE"))
    cents = pc.if_else(pc.fill_null(beyond, False), None, cents)
    return pc.cast(cents, MONEY), reasons, pc.not_equal(cents, exact)


_FACTOR = pa.decimal128(9, 0)


def _doubles(written: pa.LargeStringArray, scale: pa.Array, *, whole: bool) -> tuple[pa.Array, pa.Array, pa.Array]:
    values = pc.cast(written, pa.float64())
    values = pc.if_else(pc.equal(scale, 1), values, pc.multiply(values, scale))
    reasons = codes(pc.invert(pc.is_finite(values)), "NOT_FINITE")
    if whole:
        odd = pc.not_equal(values, pc.round(values))
        reasons = pc.coalesce(
            reasons, codes(odd, "NOT_AN_INTEGER"), codes(pc.greater_equal(pc.abs(values), 2.0**53), "TOO_LARGE")
        )
    values = pc.if_else(pc.is_null(reasons), values, None)
    never = pa.array([False]).take(pa.array([0] * len(values), pa.int64())) if len(values) else pa.array([], pa.bool_())
    return (pc.cast(values, pa.int64()) if whole else values), reasons, never
