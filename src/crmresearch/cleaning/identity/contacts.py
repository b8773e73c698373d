"""Phones, addresses, e-mails and credit codes in comparable form, or nothing where they say nothing."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from crmresearch.cleaning.identity.names import plain_text, regions_of_china

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS = 3 ** np.arange(17) % 31
_CHINESE_NUMERALS = str.maketrans("一二三四五六七八九〇零", "12345678900")
_STREETS = {"street": "st", "road": "rd", "avenue": "ave", "place": "pl", "drive": "dr", "crescent": "cres"}
_MARKS = r"[\s\-–—.()/]"


def plain_phones(values: pa.Array) -> tuple[pa.Array, pa.Array]:
    """The first and the second phone number of each cell, as ``+86…`` (numbers without a country are Chinese).

    Full-width digits, ``(0351)``, ``0351-``, ``+86`` and ``86-`` give one form; an extension is left
    out. Null where no number can be read, or where it is a placeholder (all digits alike, 12345678).

    Examples
    --------
    >>> cells = ["+86 351-2633869", "(0351)2633869", "１３８ 0013 8001/0351 2633869", "13800000000", "none"]
    >>> for number in zip(*(phone.to_pylist() for phone in plain_phones(pa.array(cells)))):
    ...     print(number)
    ('+863512633869', None)
    ('+863512633869', None)
    ('+8613800138001', '+863512633869')
    (None, None)
    (None, None)
    """
    distinct = pc.dictionary_encode(values.cast(pa.string()))
    text = pc.utf8_normalize(distinct.dictionary, form="NFKC")
    split = pc.extract_regex(text, r"^\s*(?P<first>[^/,;、,;|]*)(?:[/,;、,;|]\s*(?P<second>.*))?$")
    first, second = (_phone(pc.struct_field(split, part)) for part in ("first", "second"))
    second = pc.if_else(pc.fill_null(pc.equal(first, second), False), None, second)
    return first.take(distinct.indices), second.take(distinct.indices)


def _phone(text: pa.Array) -> pa.Array:
    """By rule where the form is Chinese and plain; by the ``phonenumbers`` library elsewhere."""
    body = pc.replace_substring_regex(text, r"(?i)(?:ext|转|分机|x).*$", "")
    digits = pc.replace_substring_regex(body, _MARKS, "")
    plain = pc.extract_regex(
        digits, r"^(?:\+?86|0086)?(?:0?(?P<mobile>1[3-9]\d{9})|(?P<line>0?[2-9]\d{9,10}|010\d{8}))$"
    )
    line = pc.replace_substring_regex(pc.struct_field(plain, "line"), "^0", "")
    mobile = pc.struct_field(plain, "mobile")
    number = pc.if_else(pc.equal(mobile, ""), line, mobile)
    number = pc.binary_join_element_wise("+86", number, "")
    rest = pc.and_(pc.is_null(number), pc.fill_null(pc.match_substring_regex(digits, r"\d{5}"), False))
    if pc.any(rest).as_py():
        number = pc.replace_with_mask(
            number, rest, pa.array(map(_by_library, body.filter(rest).to_pylist()), pa.string())
        )
    placeholder = pc.match_substring_regex(number, r"(?:0{7}|1{7}|2{7}|3{7}|5{7}|6{7}|8{7}|9{7}|1234567)\d?$")
    return pc.if_else(pc.fill_null(placeholder, True), None, number)


def _by_library(text: str) -> str | None:
    import phonenumbers

    try:
        number = phonenumbers.parse(text, "CN")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def plain_addresses(values: pa.Array) -> pa.Array:
    """Addresses without province, marks and final 号; Chinese house numbers as digits.

    Examples
    --------
    >>> plain_addresses(pa.array(["山西省太原市砚山路9号", "太原市砚山路九號", "12 High Street"])).to_pylist()
    ['太原市砚山路9', '太原市砚山路9', '12 high st']
    """
    distinct = pc.dictionary_encode(values.cast(pa.string()))
    text = plain_text(distinct.dictionary)
    provinces = "|".join(sorted(set(regions_of_china().values())))
    text = pc.replace_substring_regex(
        text, f"^(?:中国)?(?:{provinces})(?:省|壮族自治区|回族自治区|维吾尔自治区|自治区)", ""
    )
    text = pc.replace_substring_regex(text, f"^(?:{provinces})(\\p{{Han}}{{2,4}}[市区])", r"\1")
    counted = r"[一二三四五六七八九〇零]+(?:号|弄|栋|幢|层|室|楼)"
    written = pc.fill_null(pc.match_substring_regex(text, counted), False)
    if pc.any(written).as_py():
        text = pc.replace_with_mask(
            text, written, pa.array(map(_digits, text.filter(written).to_pylist()), pa.string())
        )
    text = pc.replace_substring_regex(text, r"(\d)号(?:院|楼)?$", r"\1")
    for long, short in _STREETS.items():
        text = pc.replace_substring_regex(text, rf"\b{long}\b", short)
    return text.take(distinct.indices)


def _digits(text: str) -> str:
    import re

    return re.sub(
        r"[一二三四五六七八九〇零]+(?=号|弄|栋|幢|层|室|楼)", lambda found: found[0].translate(_CHINESE_NUMERALS), text
    )


def house_numbers(addresses: pa.Array) -> pa.Array:
    """All digits of each address, in order: addresses with other numbers are other places.

    Examples
    --------
    >>> house_numbers(pa.array(["太原市砚山路9号院2栋", "nowhere"])).to_pylist()
    ['9 2', '']
    """
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(addresses, r"\D+", " "))


def plain_emails(values: pa.Array) -> pa.Array:
    """E-mail addresses in lower case; null for what is none.

    Examples
    --------
    >>> plain_emails(pa.array([" A.B@Example.com", "none"])).to_pylist()
    ['a.b@example.com', None]
    """
    text = pc.utf8_trim_whitespace(pc.utf8_lower(pc.utf8_normalize(values.cast(pa.string()), form="NFKC")))
    return pc.if_else(pc.match_substring_regex(text, r"^[^@\s]+@[^@\s]+\.[^@\s]+$"), text, None)


def plain_codes(values: pa.Array) -> pa.Array:
    """Identifying codes: NFKC, capitals, without blanks and marks.

    Examples
    --------
    >>> plain_codes(pa.array(["９１ab-12", ""])).to_pylist()
    ['91AB12', None]
    """
    text = pc.utf8_upper(pc.utf8_normalize(values.cast(pa.string()), form="NFKC"))
    text = pc.replace_substring_regex(text, r"[^0-9A-Z]", "")
    return pc.if_else(pc.equal(text, ""), None, text)


def valid_credit_codes(codes: pa.Array) -> pa.Array:
    """Whether codes are unified social credit codes by their last character (GB 32100-2015).

    Examples
    --------
    >>> valid_credit_codes(pa.array(["91350100M000100Y43", "91350100M000100Y44", "12", None])).to_pylist()
    [True, False, False, False]
    """
    formed = pc.fill_null(pc.match_substring_regex(codes, f"^[{_ALPHABET}]{{18}}$"), False)
    valid = np.zeros(len(codes), dtype=bool)
    at = np.flatnonzero(formed.to_numpy(zero_copy_only=False))
    if len(at):
        letters = np.array(codes.take(pa.array(at)).to_pylist(), dtype="U18").view("U1").reshape(-1, 18)
        places = np.searchsorted(np.array([*_ALPHABET]), letters)
        valid[at] = (places[:, :17] @ _WEIGHTS + places[:, 17]) % 31 == 0
    return pa.array(valid)
