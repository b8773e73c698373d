"""How a value is printed: the one place where a raw number becomes text."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Literal, get_args

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
ReportLanguage = Literal["en", "zh", "zh-hant"]
"""Languages of reports: records hold the first two, Traditional Chinese is turned out of Simplified."""

Kind = Literal[
    "text",  # a word: looked up in the words files, else printed as it is
    "name",  # data of the case (a customer's name): printed as it is, never looked up
    "integer",  # 1998
    "count",  # 23,570
    "money",  # 1,234.50
    "number",  # 0.123
    "score",  # 0.1234
    "share",  # 0 to 1, shown as 12.3 %
    "level",  # 0 to 1, chosen rather than measured: as short as it is, 95 %, 2.5 %
    "p",  # 0.034, < 0.001
    "equals_p",  # = 0.034, < 0.001: follows the letter p in a sentence
    "date",  # 1998-06-30
    "flag",  # yes, no
    "by_row",  # the kind of the column that the row's first cell names
]
KINDS: tuple[str, ...] = get_args(Kind)
NUMERIC = frozenset({"integer", "count", "money", "number", "score", "share", "level", "p", "equals_p"})


_DECIMALS = MappingProxyType(
    {"integer": 0, "count": 0, "money": 2, "number": 3, "score": 4, "share": 1, "p": 3, "equals_p": 3}
)


@dataclass(frozen=True, slots=True)
class Style:
    """A publisher's way of printing numbers.

    Attributes
    ----------
    decimals : Mapping[str, int]
        Kind → digits after the point. A share's are those of its percentage.
    smallest_p : Decimal
        A p value below it is printed as "< smallest_p".
    missing : str
        What stands for a value that is not there.
    bounded : frozenset[str]
        Columns and values that cannot exceed one (p, r, α) and lose the zero before the point.
    bounded_decimals : int
    followers : frozenset[str]
        Limits of intervals and the like, bounded where a bounded value (a p apart) stands beside them.
    mean_sd : bool
        A mean and the standard deviation beside it share a cell: M ± SD.
    stars : tuple[Decimal, ...]
        Levels of significance, largest first; a p value below one earns an asterisk more.
    starred : frozenset[str]
        Columns that carry the asterisks of the p value in their row.
    """

    decimals: Mapping[str, int] = field(default_factory=lambda: _DECIMALS)
    smallest_p: Decimal = Decimal("0.001")
    missing: str = "–"
    bounded: frozenset[str] = frozenset()
    bounded_decimals: int = 3
    followers: frozenset[str] = frozenset()
    mean_sd: bool = False
    stars: tuple[Decimal, ...] = ()
    starred: frozenset[str] = frozenset()

    def governing(self, name: str, beside: Iterable[str]) -> str:
        """The name that decides how a value is printed: its own, or that of the bounded value it belongs to."""
        if name not in self.followers:
            return name
        return next((other for other in beside if other in self.bounded and not other.startswith("p_")), name)


REPORT = Style()
LONGEST_TEXT, LONGEST_SHOWN = 1000, 200
"""Characters a cell or a value of a sentence may have, and those shown of one that has more."""


def format_value(value: Any, kind: str, language: Language = "en", style: Style = REPORT, *, name: str = "") -> str:
    r"""Print one raw value.

    Parameters
    ----------
    value : Any
        A number (or its exact text, as records keep money), date, flag or text; None is missing.
    kind : str
        One of ``KINDS`` but ``"by_row"``. A number under a kind of text is printed in full.
    language : {"en", "zh"}
    style : Style
    name : str
        Of the column or the finding's value; a style may print some of them in a way of its own.

    Returns
    -------
    str

    Examples
    --------
    >>> format_value(0.1234, "share"), format_value(0.1234, "share", "zh")
    ('12.3\xa0%', '12.3%')
    >>> format_value(0.00002, "p"), format_value(-1234.5, "money"), format_value(None, "count")
    ('<\xa00.001', '−1,234.50', '–')
    >>> format_value(1504.26, "number"), format_value(15_373_370.0, "number")
    ('1,504.260', '15,373,370')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return style.missing
    if kind == "flag" or isinstance(value, bool):
        return _FLAGS[language][str(value).lower() in {"true", "1", "1.0"}]
    if kind == "date":
        return value.strftime("%Y-%m-%d") if isinstance(value, dt.date) else str(value)
    if kind not in NUMERIC:
        return shortened(_in_full(value), language)
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    text = _number(number, _BOUNDED if name in style.bounded and kind in {"number", "score"} else kind, language, style)
    return text.replace("0.", ".", 1) if style.bounded and _loses_zero(text, kind, name, style) else text


_BOUNDED = "bounded"
_LEADING_ZERO = re.compile(r"[=<\xa0\s−-]*0\.")


def _loses_zero(text: str, kind: str, name: str, style: Style) -> bool:
    return (kind in {"p", "equals_p"} or name in style.bounded) and _LEADING_ZERO.match(text) is not None


_LARGE = 100_000
"""A plain number from here on is printed without decimals: they would be its seventh digit and further."""
_FLAGS: dict[str, tuple[str, str]] = {"en": ("no", "yes"), "zh": ("否", "是")}


def _number(number: Decimal, kind: str, language: Language, style: Style) -> str:
    if number.is_infinite():
        return "∞" if number > 0 else "−∞"
    space = "" if language == "zh" and kind != "equals_p" else "\xa0"
    if kind in {"p", "equals_p"} and number < style.smallest_p:
        return f"<{space}{style.smallest_p}"
    if kind in {"share", "level"}:
        number *= 100
    if kind == "level":
        text = f"{round(number, 8).normalize():f}"  # 1 - 0.99 is 1 %, whatever binary fractions make of it
    else:
        decimals = style.bounded_decimals if kind == _BOUNDED else style.decimals[kind]
        if kind == "number" and abs(number) >= _LARGE:
            decimals = 0
        text = f"{number:{'' if kind == 'integer' else ','}.{decimals}f}"
    if text.startswith("-"):
        text = text[1:] if not text.strip("-0.,") else "−" + text[1:]
    if kind in {"share", "level"}:
        text += space + "%"
    return f"={space}{text}" if kind == "equals_p" else text


def shortened(text: str, language: Language) -> str:
    """A text as it is, unless it is too long for any page: then its beginning, and how long it is."""
    if len(text) <= LONGEST_TEXT:
        return text
    count = f"{len(text):,}"
    return text[:LONGEST_SHOWN] + (f"……（共 {count} 个字符）" if language == "zh" else f"… ({count} characters in all)")


def _in_full(value: Any) -> str:
    if isinstance(value, float):
        value = f"{value:.10g}"
        return "−" + value[1:] if value.startswith("-") else value
    return str(value)


def plain(value: Any) -> Any:
    """Turn a value into what strict JSON can hold, without rounding it.

    Missing (None, NaN, NaT, NA) becomes None; an infinity the text ``"inf"``; a decimal its exact
    text; a date or time its ISO text. Mappings and sequences are converted item by item.

    Raises
    ------
    TypeError
        The value is of no kind that a record holds.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> plain({"share": np.float64(0.25), "until": pd.Timestamp("1998-06-30"), "low": float("nan")})
    {'share': 0.25, 'until': '1998-06-30', 'low': None}
    """
    import numpy as np
    import pandas as pd  # slow to load, and who sets a document needs neither

    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(item) for item in value]
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None if math.isnan(value) else str(value)
    if isinstance(value, Decimal):
        return None if value.is_nan() else str(value)
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, pd.Period | pd.Interval):
        return str(value)
    raise TypeError(f"a record cannot hold a {type(value).__name__}: {value!r:.60}")
