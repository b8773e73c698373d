"""Names in comparable form: one script, one width; region, trade and legal form split off and kept."""

from __future__ import annotations

from functools import cache
from importlib import resources

import pyarrow as pa
import pyarrow.compute as pc

_FORMS = """
集团股份有限公司 集团有限责任公司 集团有限公司 股份有限公司 有限责任公司 股份公司 有限公司 总公司 集团公司 公司 集团
总厂 分厂 厂 经营部 商行 合伙企业 普通合伙 有限合伙 个体工商户
"""
_LATIN = """
incorporated inc corporation corp company co limited ltd llc llp plc gmbh ag kg bv nv sa sas spa srl oy ab pty pte
"""
_LEGAL_FORMS, _LATIN_FORMS = frozenset(_FORMS.split()), tuple(_LATIN.split())
_SUFFIXES = ("壮族自治区", "回族自治区", "维吾尔自治区", "自治区", "特别行政区", "省", "市", "地区", "县", "区")
_HAN = r"[\x{3400}-\x{9fff}]"

PARTS = ("region", "core", "trade", "legal_form", "branch")
"""What a company's name is split into. ``core`` is what is left: the brand, or nothing."""


def plain_text(values: pa.Array) -> pa.Array:
    """Text in one form: NFKC, Simplified characters, lower case, marks as blanks; no blanks in Chinese.

    Examples
    --------
    >>> plain_text(pa.array(["山西　煤業", "ＡＣＭＥ  Co., Ltd.", None])).to_pylist()
    ['山西煤业', 'acme co ltd', None]
    """
    text = simplified(pc.utf8_lower(pc.utf8_normalize(values.cast(pa.string()), form="NFKC")))
    text = pc.replace_substring_regex(text, r"[^\p{L}\p{N}]+", " ")
    text = pc.utf8_trim_whitespace(text)
    text = pc.if_else(pc.match_substring_regex(text, _HAN), pc.replace_substring(text, " ", ""), text)
    return pc.if_else(pc.equal(text, ""), None, text)


def simplified(values: pa.Array) -> pa.Array:
    """Traditional characters replaced by Simplified ones.

    Examples
    --------
    >>> simplified(pa.array(["山西煤產品總公司", "abc"])).to_pylist()
    ['山西煤产品总公司', 'abc']
    """
    han = pc.fill_null(pc.match_substring_regex(values, _HAN), False)
    if not pc.any(han).as_py():
        return values
    found = values.filter(han)
    text = _converter().convert("\n".join(found.to_pylist()))  # one call: the price of a call is high
    return pc.replace_with_mask(values, han, pa.array(text.split("\n"), values.type))


def split_company_names(names: pa.Array) -> pa.Table:
    """Split company names in plain form into :data:`PARTS`; a part that is not there is empty.

    Parameters
    ----------
    names : pa.Array
        As :func:`plain_text` gives them.

    Returns
    -------
    pa.Table
        region (a province or city, without 省 or 市), core, trade (words of an industry), legal_form,
        branch (of a branch office), trade_group (one word for all names of a trade).

    Examples
    --------
    >>> table = split_company_names(pa.array(["山西煤业", "山西煤产品总公司", "山西焦煤", "砺泽塑料厂太原分公司"]))
    >>> for row in table.select(["region", "core", "trade", "legal_form"]).to_pylist():
    ...     print(*row.values(), sep="|")
    山西||煤业|
    山西||煤产品|总公司
    山西|焦|煤|
    |砺泽|塑料|厂
    >>> table["branch"].to_pylist()[-1], set(table["trade_group"].to_pylist()[:3])
    ('太原', {'煤业'})
    """
    distinct = pc.dictionary_encode(names)
    words = distinct.dictionary
    chinese = pc.match_substring_regex(words, _HAN)
    parts = _split_chinese(pc.fill_null(pc.if_else(chinese, words, ""), ""))
    latin = pc.extract_regex(pc.if_else(chinese, None, words), _latin_pattern())
    for part in ("core", "legal_form"):
        parts[part] = pc.coalesce(pc.struct_field(latin, part), parts[part])
    groups = _trade_groups()
    last = _off_end(parts["trade"], frozenset(groups))[1]
    parts["trade_group"] = pa.array([groups.get(word, "") for word in last.to_pylist()], pa.string())
    return pa.table(parts).take(distinct.indices)


def _split_chinese(words: pa.Array) -> dict[str, pa.Array]:
    office = pc.extract_regex(
        words, r"^(?P<firm>.*(?:公司|厂|集团|行))(?P<branch>.{2,8})(?:分公司|办事处|营业部|分厂)$"
    )
    rest = pc.coalesce(pc.struct_field(office, "firm"), words)
    parts = {"branch": pc.fill_null(pc.struct_field(office, "branch"), "")}
    rest, parts["region"] = _off_start(rest, _regions())
    rest, city = _off_start(rest, _regions())
    parts["region"] = pc.if_else(pc.equal(city, ""), parts["region"], city)
    for suffix in _SUFFIXES:
        shorter = pc.replace_substring_regex(parts["region"], f"{suffix}$", "")
        parts["region"] = pc.if_else(pc.greater_equal(pc.utf8_length(shorter), 2), shorter, parts["region"])
    rest, parts["legal_form"] = _off_end(rest, _LEGAL_FORMS, times=2)
    rest, parts["trade"] = _off_end(rest, frozenset(_trade_groups()), times=3)
    core, behind = _off_end(rest, _regions())  # 中石化(上海)有限公司
    moved = pc.and_(pc.equal(parts["region"], ""), pc.greater_equal(pc.utf8_length(core), 2))
    parts["core"], parts["region"] = pc.if_else(moved, core, rest), pc.if_else(moved, behind, parts["region"])
    return parts


def _off_end(texts: pa.Array, words: frozenset[str], times: int = 1) -> tuple[pa.Array, pa.Array]:
    """Take the longest of ``words`` off the end of each text, ``times`` over; the rest, and what was taken."""
    rest = texts
    for _ in range(times):
        taken = pa.repeat(0, len(texts))
        for length in sorted({len(word) for word in words}):
            own = pa.array([word for word in words if len(word) == length], pa.string())
            hit = pc.is_in(pc.utf8_slice_codeunits(rest, -length), own)
            taken = pc.if_else(hit, length, taken)
        left = pc.subtract(pc.utf8_length(rest), taken)
        rest = _firsts(rest, left)
    gone = pc.subtract(pc.utf8_length(texts), pc.utf8_length(rest))
    return rest, _lasts(texts, gone)


def _off_start(texts: pa.Array, words: frozenset[str]) -> tuple[pa.Array, pa.Array]:
    """Take the longest of ``words`` off the start of each text; the rest, and what was taken."""
    rest, taken = _off_end(pc.utf8_reverse(texts), frozenset(word[::-1] for word in words))
    return pc.utf8_reverse(rest), pc.utf8_reverse(taken)


def _firsts(texts: pa.Array, lengths: pa.Array) -> pa.Array:
    """The first characters of each text, a number of its own for each."""
    out = pa.repeat("", len(texts))
    for length in pc.unique(lengths).to_pylist():
        own = pc.utf8_slice_codeunits(texts, 0, length) if length else pa.repeat("", len(texts))
        out = pc.if_else(pc.equal(lengths, length), own, out)
    return out


def _lasts(texts: pa.Array, lengths: pa.Array) -> pa.Array:
    return pc.utf8_reverse(_firsts(pc.utf8_reverse(texts), lengths))


def provinces(regions: pa.Array) -> pa.Array:
    """The province of a region or of a text that begins with one; null where none is known.

    Examples
    --------
    >>> provinces(pa.array(["太原", "山西省太原市砚山路9号", "上海市", "somewhere"])).to_pylist()
    ['山西', '山西', '上海', None]
    """
    of = regions_of_china()
    distinct = pc.dictionary_encode(regions)
    begin = _off_start(pc.fill_null(distinct.dictionary, ""), frozenset(of))[1]
    found = pa.array([of.get(place) for place in begin.to_pylist()], pa.string())
    return found.take(distinct.indices)


@cache
def regions_of_china() -> dict[str, str]:
    """Provinces and cities, each with its province."""
    lines = (line.split() for line in _lines("regions.txt"))
    return {place: line[0] for line in lines for place in reversed(line)}


@cache
def _trade_groups() -> dict[str, str]:
    return {word: line.split()[0] for line in _lines("industries.txt") for word in line.split()}


def _lines(file: str) -> list[str]:
    return (resources.files("crmresearch.cleaning.identity") / file).read_text(encoding="utf-8").splitlines()


@cache
def _converter() -> object:
    import opencc

    return opencc.OpenCC("t2s")


@cache
def _regions() -> frozenset[str]:
    return frozenset(place + suffix for place in regions_of_china() for suffix in ("", *_SUFFIXES))


@cache
def _latin_pattern() -> str:
    return rf"^(?P<core>.*?)(?P<legal_form>(?: (?:{'|'.join(_LATIN_FORMS)}))*)$"
