"""Units of measure and currency signs: the tables by which a stated unit becomes the stored one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from crmresearch.errors import CaseError, nearest

Dimension = Literal["money", "seconds", "number"]

_MULTIPLES = {"百": 100, "千": 1_000, "万": 10_000, "十万": 100_000, "百万": 1_000_000, "千万": 10_000_000, "亿": 10**8}

FACTORS: Mapping[Dimension, Mapping[str, float]] = {
    "money": {
        "元": 1,
        "块": 1,
        "圆": 1,
        **_MULTIPLES,
        **{f"{word}元": factor for word, factor in _MULTIPLES.items()},
        "thousand": 1_000,
        "k": 1_000,
        "million": 1_000_000,
        "mn": 1_000_000,
        "billion": 10**9,
    },
    "seconds": {
        **dict.fromkeys(("s", "sec", "秒", "秒钟", "seconds", "second"), 1),
        **dict.fromkeys(("min", "minutes", "minute", "分", "分钟"), 60),
        **dict.fromkeys(("h", "hours", "hour", "小时"), 3600),
    },
    "number": {**_MULTIPLES, "%": 0.01, "‰": 0.001},
}
"""Dimension → unit word → factor to the stored unit (the currency's main unit, second, one)."""

CURRENCIES: Mapping[str, frozenset[str]] = {
    "¥": frozenset({"CNY", "JPY"}),
    "元": frozenset({"CNY"}),
    "rmb": frozenset({"CNY"}),
    "人民币": frozenset({"CNY"}),
    "cny": frozenset({"CNY"}),
    "jpy": frozenset({"JPY"}),
    "$": frozenset({"USD", "CAD", "AUD", "HKD", "SGD", "NZD", "MXN", "TWD"}),
    "us$": frozenset({"USD"}),
    "usd": frozenset({"USD"}),
    "hk$": frozenset({"HKD"}),
    "hkd": frozenset({"HKD"}),
    "€": frozenset({"EUR"}),
    "eur": frozenset({"EUR"}),
    "£": frozenset({"GBP"}),
    "gbp": frozenset({"GBP"}),
}
"""Sign or code → the currencies (ISO 4217) it may stand for."""


def unit_factor(unit: str, dimension: Dimension, *, where: str) -> float:
    """Factor from a unit declared in ``case.yaml`` to the stored unit.

    Raises
    ------
    CaseError
        The unit is not in the table.

    Examples
    --------
    >>> unit_factor("万元", "money", where="orders.csv")
    10000
    """
    known = FACTORS[dimension]
    if unit and unit not in known and unit.upper() not in {"CNY", "USD", "EUR", "GBP", "JPY", "HKD"}:
        raise CaseError(
            f"unknown unit {unit!r}{nearest(unit, known)}", where=where, repair=f"Units known: {', '.join(known)}."
        )
    return known.get(unit, 1)


def measure_parts(unit: str) -> tuple[float, str]:
    """Factor and unit of a declared unit of measure.

    Examples
    --------
    >>> measure_parts("吨"), measure_parts("万吨")
    ((1, '吨'), (10000, '吨'))
    """
    if len(unit) > 1 and unit[0] in "万千百" and unit not in {"千克", "千米", "百米"}:
        return _MULTIPLES[unit[0]], unit[1:]
    return 1, unit
