"""Nothing generated can belong to a real firm or person."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crmresearch.simulation import naming

# fmt: off
WELL_KNOWN = [
    "石化", "石油", "海油", "中化", "中煤", "神华", "国能", "恒力", "荣盛", "桐昆", "恒逸", "盛虹",
    "万华", "鲁西", "华谊", "金发", "卫星", "宝丰", "凤鸣", "齐翔", "东明", "京博", "华鲁", "阳煤",
    "潞安", "晋能", "同煤", "晋煤", "焦煤", "兖矿", "伊泰", "山能", "美锦", "道恩", "国恩", "会通",
    "玲珑", "赛轮", "双星", "雨虹", "立邦", "嘉宝莉", "三棵树", "新奥", "万达", "浙石", "镇海", "扬子",
    "燕山", "金山", "茂名", "巴陵", "长岭", "大庆", "东岳", "联泓", "合盛", "新安", "兴发", "云天化",
    "华峰", "龙盛", "传化", "巨化", "中策", "海螺", "东方希望",
]
# fmt: on
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@pytest.fixture
def regions() -> np.ndarray:
    return np.tile(np.arange(len(naming.REGIONS)), naming.MAX_PER_REGION)


def test_no_brand_is_a_well_known_one(regions: np.ndarray) -> None:
    brands = naming.draw_brands(regions, np.arange(len(regions)), np.random.default_rng(1))
    assert brands.nunique() == naming.MAX_PER_REGION
    assert not set(WELL_KNOWN) & set(brands)
    assert not brands.str.contains("|".join(WELL_KNOWN)).any()


def test_brands_are_unique_within_a_region_but_for_siblings() -> None:
    regions = np.array([0, 0, 1, 0])
    brands = naming.draw_brands(regions, np.array([0, 0, 2, 3]), np.random.default_rng(1))
    assert brands[0] == brands[1] != brands[3]


def test_credit_codes_are_valid_and_nobodys(regions: np.ndarray) -> None:
    codes = naming.draw_credit_codes(regions[:500], np.random.default_rng(1))
    assert codes.is_unique
    for code in codes:
        weighted = sum(ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(code[:17]))
        assert (weighted + ALPHABET.index(code[17])) % 31 == 0, code
        digits = sum(int(c) * w for c, w in zip(code[8:16], (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
        assert (digits + (10 if code[16] == "X" else int(code[16]))) % 11 == 0, code
    assert codes.str.slice(2, 8).str.endswith("9999").all(), "no district of China is numbered 9999"


def test_published_credit_code() -> None:
    """The worked example of GB 32100-2015."""
    assert naming.check_credit(pd.Series(["91350100M000100Y4"])).tolist() == ["3"]


def test_phones_cannot_be_dialled(regions: np.ndarray) -> None:
    phones = naming.draw_phones(regions, np.random.default_rng(1))
    assert phones.is_unique
    assert phones.str.fullmatch(r"0\d{2,3}-0\d{7}").all(), "no exchange assigns numbers that begin with 0"


def test_addresses_are_all_different(regions: np.ndarray) -> None:
    assert naming.draw_addresses(regions, np.random.default_rng(1)).is_unique


def test_scripts_map_back() -> None:
    text = "广东砺颂电子材料有限责任公司"
    assert text.translate(naming.TO_TRADITIONAL) == "廣東礪頌電子材料有限責任公司"
    assert text.translate(naming.TO_TRADITIONAL).translate(naming.TO_SIMPLIFIED) == text
