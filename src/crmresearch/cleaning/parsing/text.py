"""Text and identifiers: one written form per character, nothing invisible."""

from __future__ import annotations

import re
import unicodedata

import pyarrow as pa
import pyarrow.compute as pc

from crmresearch.cleaning.parsing.parsed import Parsed, codes

_INVISIBLE = (
    r"[\x{00}-\x{08}\x{0B}\x{0C}\x{0E}-\x{1F}\x{7F}-\x{9F}\x{AD}"  # control characters, soft hyphen
    r"\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2060}-\x{2064}\x{2066}-\x{206F}\x{FEFF}]"  # zero width, direction
)
_SPACES = r"\s+"
_SCIENTIFIC = r"^\d(\.\d+)?[Ee]\+\d+$"


def clean(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    """NFKC, without control, zero-width and direction characters, blanks collapsed and trimmed.

    Examples
    --------
    >>> clean(pa.array(["张\u200b三\u3000", "ＡＢ１２"], pa.large_string())).to_pylist()
    ['张三', 'AB12']
    """
    texts = pc.utf8_normalize(texts, form="NFKC")
    texts = pc.replace_substring_regex(texts, _INVISIBLE, "")
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(texts, _SPACES, " "))


def normal_form(heading: str) -> str:
    """The form in which two headings are compared: NFKC, case-folded, visible, single blanks.

    Examples
    --------
    >>> normal_form(" Customer\u3000ID ") == normal_form("customer id")
    True
    """
    text = unicodedata.normalize("NFKC", heading).casefold()
    text = "".join(ch for ch in text if unicodedata.category(ch) not in {"Cc", "Cf"} or ch.isspace())
    return re.sub(r"\s+", " ", text).strip()


def parse_text(texts: pa.LargeStringArray, *, identifier: bool, width: int = 0) -> Parsed:
    """Cleaned texts as they are; an identifier a spreadsheet has cut to ``1.38E+10`` has lost digits.

    Digits shorter than ``width`` get their leading zeros back.

    Examples
    --------
    >>> parse_text(pa.array(["7", "A7", "1.38E+10"], pa.large_string()), identifier=True, width=3).values.to_pylist()
    ['007', 'A7', None]
    """
    nothing = pa.nulls(len(texts), pa.large_string())
    cut = pc.match_substring_regex(texts, _SCIENTIFIC)
    reasons = codes(cut, "SCIENTIFIC_NOTATION") if identifier else nothing
    values = pc.if_else(pc.is_null(reasons), texts, None)
    if not width:
        return Parsed(values, reasons, nothing)
    short = pc.and_(pc.match_substring_regex(values, r"^\d+$"), pc.less(pc.utf8_length(values), width))
    padded = pc.if_else(short, pc.utf8_lpad(values, width, padding="0"), values)
    return Parsed(padded, reasons, codes(short, "ZERO_PADDED"))


def undecodable(raw: pa.LargeStringArray) -> pa.LargeStringArray:
    """Reason for texts that hold a zero byte or a character lost in an earlier conversion."""
    return pc.coalesce(
        codes(pc.match_substring(raw, "\x00"), "ZERO_BYTE"), codes(pc.match_substring(raw, "\ufffd"), "UNDECODABLE")
    )
