"""Invented firms: names built from parts, addresses, phones and credit codes nobody can own.

Brands are two characters from lists of rare ones. Phone numbers have a real area code and a local
part that begins with 0, which no exchange assigns. Credit codes carry valid check characters and a
district code ending in 9999, which no district has.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True, slots=True)
class Region:
    """A province and the city its firms sit in: area code, first two digits of the district code."""

    province: str
    suffix: str
    city: str
    area_code: str
    district: str


REGIONS = (
    Region("山西", "省", "太原市", "0351", "14"),
    Region("广东", "省", "茂名市", "0668", "44"),
    Region("浙江", "省", "宁波市", "0574", "33"),
    Region("江苏", "省", "南京市", "025", "32"),
    Region("山东", "省", "淄博市", "0533", "37"),
    Region("上海", "市", "金山区", "021", "31"),
    Region("福建", "省", "泉州市", "0595", "35"),
    Region("湖南", "省", "岳阳市", "0730", "43"),
    Region("湖北", "省", "武汉市", "027", "42"),
    Region("四川", "省", "成都市", "028", "51"),
    Region("河南", "省", "郑州市", "0371", "41"),
    Region("辽宁", "省", "大连市", "0411", "21"),
)


@dataclass(frozen=True, slots=True)
class Industry:
    """An industry: as in the sheet's column, as in a name, the name's other wording, life-cycle stage."""

    sector: str
    word: str
    synonym: str
    stage: str


INDUSTRIES = (
    Industry("塑料加工", "塑料", "塑胶", "mature"),
    Industry("化学纤维", "化纤", "化学纤维", "decline"),
    Industry("涂料", "涂料", "油漆", "mature"),
    Industry("橡胶制品", "橡胶", "橡塑", "mature"),
    Industry("道路材料", "沥青", "路面材料", "decline"),
    Industry("包装", "包装", "包装材料", "growth"),
    Industry("贸易", "贸易", "商贸", "mature"),
    Industry("新材料", "新材料", "高分子材料", "growth"),
    Industry("电子化学品", "电子材料", "电子化学", "introduction"),
    Industry("煤炭", "煤业", "煤矿", "decline"),
)
SHANXI, COAL = 0, len(INDUSTRIES) - 1
"""Region and industry of the source documents' example."""
DOCUMENT_NAMES = ("山西煤業", "山西煤礦", "山西煤產品總公司")
"""One firm, entered three times; with ``OTHER_COAL_FIRM`` the source documents' own example."""
OTHER_COAL_FIRM = "山西焦煤"

_FIRST = tuple("砺澄昀翊岚珩璟沄朔霁衡笙槿茗砚翎溯嵘铄淳湉旻弈琛垚晗枫葳钰淇")
_SECOND = tuple("泽禾辰原川屿帆垣陶颂汀岩舟域杉穗崧漪翰澍畴榆葵凇朗毓璞菡鸢岑")
LEGAL_FORMS = ("有限公司", "有限责任公司", "股份有限公司", "集团有限公司")
_ROADS = ("静澜路", "砚山路", "望汐街", "青穗大道", "云陌路", "朔风街", "霁月路", "槿园路", "听松街", "沄溪大道")
MAX_PER_REGION = len(_FIRST) * len(_SECOND)

_SIMPLE = "业矿广东苏辽岚铄钰鸢颂泽嵘砺砚沄枫霁畴涂胶纤维贸电学团责装沥"
_TRADITIONAL = "業礦廣東蘇遼嵐鑠鈺鳶頌澤嶸礪硯澐楓霽疇塗膠纖維貿電學團責裝瀝"
TO_TRADITIONAL = str.maketrans(_SIMPLE, _TRADITIONAL)
TO_SIMPLIFIED = str.maketrans(_TRADITIONAL + "產總", _SIMPLE + "产总")
TO_FULL_WIDTH = str.maketrans({chr(c): chr(c + 0xFEE0) for c in range(0x21, 0x7F)})

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS = 3 ** np.arange(17) % 31
_UNIT_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2])


def manager_names(manager: np.ndarray) -> np.ndarray:
    """Managers by number: nobody's name."""
    return np.char.mod("客户经理%02d", manager + 1)


def branch_names(branch: np.ndarray) -> np.ndarray:
    """Branches by the province they serve."""
    return np.array([f"{r.province}分公司" for r in REGIONS])[branch]


def draw_brands(regions: np.ndarray, sibling_of: np.ndarray, rng: np.random.Generator) -> pd.Series:
    """A brand of two characters for each firm; no two firms of a region share one, but siblings do.

    Parameters
    ----------
    regions : np.ndarray, shape (n,)
    sibling_of : np.ndarray, shape (n,)
        The firm whose brand this one bears; itself where it bears its own.
    """
    place = pd.Series(regions).groupby(regions).cumcount().to_numpy()
    shuffled = np.argsort(rng.random((len(REGIONS), MAX_PER_REGION)), axis=1)
    code = shuffled[regions, place][sibling_of]
    return pd.Series(np.array(_FIRST)[code // len(_SECOND)]) + np.array(_SECOND)[code % len(_SECOND)]


def draw_addresses(regions: np.ndarray, rng: np.random.Generator) -> pd.Series:
    """An address for each firm, on roads that are invented; no two are the same."""
    n = len(regions)
    province = np.array([r.province + r.suffix for r in REGIONS])[regions]
    city = np.array([r.city for r in REGIONS])[regions]
    road = np.array(_ROADS)[rng.integers(len(_ROADS), size=n)]
    number = (np.arange(n) * 3 + rng.integers(1, 4, n)).astype(str)
    return pd.Series(province) + city + road + number + "号"


def draw_phones(regions: np.ndarray, rng: np.random.Generator) -> pd.Series:
    """A phone number for each firm whose local part begins with 0: such numbers are never assigned."""
    area = np.array([r.area_code for r in REGIONS])[regions]
    local = rng.choice(10_000_000, len(regions), replace=False)
    return pd.Series(area) + "-0" + pd.Series(local).astype(str).str.zfill(7)


def draw_credit_codes(regions: np.ndarray, rng: np.random.Generator) -> pd.Series:
    """Unified social credit codes with valid check characters and district codes that do not exist."""
    n = len(regions)
    district = np.array([r.district for r in REGIONS])[regions]
    unit = pd.Series((10_000_000 + rng.choice(90_000_000, n, replace=False)).astype(str))
    unit += check_unit(unit)
    body = "91" + pd.Series(district) + "9999" + unit
    return body + check_credit(body)


def check_unit(codes: pd.Series) -> pd.Series:
    """Check character of organisation codes: 8 characters, GB 11714, modulus 11.

    Examples
    --------
    >>> check_unit(pd.Series(["D2143569"]))[0]
    'X'
    """
    digits = _places(codes, 8)
    rest = (11 - digits @ _UNIT_WEIGHTS % 11) % 11
    return pd.Series(np.array([*"0123456789X"])[rest])


def check_credit(codes: pd.Series) -> pd.Series:
    """Check character of unified social credit codes: 17 characters, GB 32100-2015, ISO 7064 MOD 31-3.

    Examples
    --------
    >>> check_credit(pd.Series(["91350100M000100Y4"]))[0]
    '3'
    """
    rest = (31 - _places(codes, 17) @ _CREDIT_WEIGHTS % 31) % 31
    return pd.Series(np.array([*_ALPHABET])[rest])


def _places(codes: pd.Series, length: int) -> np.ndarray:
    """Place in the alphabet of each character."""
    characters = np.array(codes.tolist(), dtype=f"U{length}").view("U1").reshape(len(codes), length)
    return np.searchsorted(np.array([*_ALPHABET]), characters)
