"""What merges and what does not: requirements E1, E2, E9 and bad inputs 80 to 87."""

from __future__ import annotations

import pandas as pd
import pytest

from crmresearch.case import Identity
from crmresearch.cleaning.identity.decisions import Decision
from crmresearch.cleaning.identity.unifying import find_duplicates
from crmresearch.simulation.naming import check_credit
from tests.cleaning.identity.conftest import records

SHANXI = [
    ("1", "山西煤業", None, None, None),
    ("2", "山西煤礦", None, None, None),
    ("3", "山西煤產品總公司", None, None, None),
]
JIAOMEI = ("4", "山西焦煤", None, "0351-2633000", "太原市新晋祠路一段1号")


def credit_code(unit: str) -> str:
    body = f"91149999{unit}"
    return body + check_credit(pd.Series([body]))[0]


ONE, OTHER = credit_code("783605152"), credit_code("963428085")


def groups(*rows, decisions=(), **options) -> list[list[str]]:
    """Record ids of each customer."""
    found = find_duplicates(records(*rows), Identity(**options), decisions=tuple(decisions))
    ids = pd.Series([row[0] for row in rows])
    return sorted(sorted(own) for own in ids.groupby(found.group).apply(list))


def fate(*rows, decisions=(), **options) -> tuple[str, str]:
    """Fate and reason of the pair that two records make; 'unlisted' where it is none."""
    pairs = find_duplicates(records(*rows), Identity(**options), decisions=tuple(decisions)).pairs
    return (pairs["fate"].iloc[0], pairs["reason"].iloc[0]) if len(pairs) else ("unlisted", "")


def test_three_records_are_three_customers_by_their_names_alone():
    """E1: three before."""
    assert groups(*SHANXI, JIAOMEI) == [["1"], ["2"], ["3"], ["4"]]
    pairs = find_duplicates(records(*SHANXI, JIAOMEI), Identity()).pairs
    assert pairs[["record_a", "record_b"]].to_numpy().tolist() == [["1", "2"], ["1", "3"], ["2", "3"]]
    assert set(pairs["fate"]) == {"review"} and set(pairs["reason"]) == {"name_alone"}


def test_three_records_are_one_customer_on_evidence():
    """E1: one after phone and address agree; 山西焦煤 stays apart."""
    told = [
        ("1", "山西煤業", None, "0351-4117000", "太原市迎泽大街1号"),
        ("2", "山西煤礦", None, "(0351)4117000", "太原市解放路80号"),
        ("3", "山西煤產品總公司", ONE, None, "山西省太原市解放路80號"),
    ]
    assert groups(*told, JIAOMEI) == [["1", "2", "3"], ["4"]]


def test_three_records_are_one_customer_by_decision():
    """E1: one after two decisions; 山西焦煤 stays apart."""
    decided = [Decision("1", "2", "accept"), Decision("3", "2", "accept")]
    assert groups(*SHANXI, JIAOMEI, decisions=decided) == [["1", "2", "3"], ["4"]]


def test_a_name_alone_never_merges_however_rare():
    rows = [(str(i), "山西砺泽云母屏风股份有限公司", None, f"0351-41170{i}{i}", None) for i in range(1, 5)]
    assert groups(*rows, merge_at=0.01, review_at=0.001) == [["1"], ["2"], ["3"], ["4"]]


def test_one_credit_code_is_one_customer_whatever_the_names():
    """E2."""
    assert fate(("1", "砺泽贸易", ONE, None, None), ("2", "Lize Trading Co., Ltd.", ONE, None, None)) == (
        "merged",
        "same_code",
    )


def test_two_valid_credit_codes_are_two_customers():
    rows = (
        ("1", "砺泽塑料", ONE, "0351-4117000", "太原市解放路80号"),
        ("2", "砺泽塑料", OTHER, "0351-4117000", "太原市解放路80号"),
    )
    assert fate(*rows) == ("apart", "codes_differ")
    assert fate(*rows, decisions=[Decision("1", "2", "accept")]) == ("merged", "decided")


def test_a_credit_code_with_a_wrong_check_character_says_nothing():
    wrong = ONE[:-1] + ("A" if ONE[-1] != "A" else "B")
    assert groups(("1", "砺泽塑料", wrong, None, None), ("2", "泽禾贸易", wrong, None, None)) == [["1"], ["2"]]


@pytest.mark.parametrize("phones", [("+86 138-0013-8001", "13800138001"), ("８６13800138001", "138 0013 8001")])
def test_phone_forms_are_one(phones):
    """Bad input 87."""
    a, b = ((str(i), "砺泽塑料", None, phone, None) for i, phone in enumerate(phones))
    assert fate(a, b) == ("merged", "evidence_and_name")


def test_placeholders_and_shared_values_carry_no_weight():
    """Bad input 83: a hotline, 13800000000."""
    brands = ["砺泽", "澄禾", "昀辰", "翊原", "岚川"]
    hotline = [(str(i), f"山西{brand}塑料有限公司", None, "400-820-8820", None) for i, brand in enumerate(brands)]
    again = ("9", "山西砺泽塑料有限责任公司", None, "400-820-8820", None)
    assert len(groups(*hotline, again)) == 6
    placeholder = [(str(i), "砺泽塑料", None, "13800000000", None) for i in range(2)]
    assert len(groups(*placeholder)) == 2
    few = find_duplicates(records(*hotline[:2], again), Identity())
    assert few.group[0] == few.group[2] != few.group[1]


def test_evidence_under_contradicting_names_waits_for_a_person():
    rows = (
        ("1", "山西砺泽塑料", None, "0351-4117000", "太原市解放路80号"),
        ("2", "山西澄禾贸易", None, "0351-4117000", "太原市解放路80号"),
    )
    assert fate(*rows) == ("review", "names_contradict")


def test_a_third_record_cannot_bring_two_credit_codes_together():
    """The link that weighs more is taken, the other held; and the result does not depend on the order."""
    rows = [
        ("1", "砺泽塑料", ONE, "0351-4117000", "太原市解放路80号"),
        ("2", "砺泽塑料", None, "0351-4117000", "太原市解放路80号"),
        ("3", "砺泽塑料", OTHER, "0351-4117000", None),
    ]
    assert groups(*rows) == [["1", "2"], ["3"]] == groups(*reversed(rows))
    pairs = find_duplicates(records(*rows), Identity()).pairs.set_index(["record_a", "record_b"])
    assert pairs.loc[("2", "3"), ["fate", "reason"]].tolist() == ["held", "contradiction"]


def test_a_customer_of_too_many_records_is_held():
    rows = [(str(i), "砺泽塑料", None, "0351-4117000", None) for i in range(5)]
    assert len(groups(*rows)) == 1
    assert len(groups(*rows, max_records=4)) == 5
    pairs = find_duplicates(records(*rows), Identity(max_records=4)).pairs
    assert set(pairs["reason"]) == {"too_large"}


def test_what_a_person_keeps_apart_stays_apart_by_way_of_a_third_too():
    rows = [(i, "砺泽塑料", None, "0351-4117000", f"太原市解放路8{i}号") for i in "123"]
    assert groups(*rows) == [["1", "2", "3"]]
    apart = groups(*rows, decisions=[Decision("1", "3", "reject")])
    assert apart in ([["1", "2"], ["3"]], [["1"], ["2", "3"]])


def test_the_last_decision_counts_and_a_split_record_stands_alone():
    rows = [(i, "砺泽塑料", None, "0351-4117000", None) for i in "123"]
    split = [Decision("2", "", "split")]
    assert groups(*rows, decisions=split) == [["1", "3"], ["2"]]
    assert groups(*rows, decisions=[*split, Decision("1", "2", "accept")]) == [["1", "2", "3"]]
    assert groups(*rows, decisions=[Decision("1", "2", "reject"), Decision("2", "1", "accept")]) == [["1", "2", "3"]]


def test_people_are_matched_by_words_in_any_order_and_never_by_name_and_birthday_alone():
    columns = {"customer_id": ["1", "2", "3"], "name": ["Ann Lee", "lee, ann", "Ann Lee"], "born": ["19700102"] * 3}
    import pyarrow as pa

    table = pa.table({**columns, "phone": ["+44 20 7946 0958", "+442079460958", None]})
    found = find_duplicates(table, Identity(kind="person", fields={"born": "date"}))
    assert found.group[0] == found.group[1] != found.group[2]


def test_nothing_in_common_and_single_records_make_no_pairs():
    assert fate(("1", "砺泽塑料", None, "0351-4117000", None)) == ("unlisted", "")
    assert fate(("1", "砺泽", None, "0351-4117000", None), ("2", "澄禾", None, "0351-4117999", None)) == (
        "unlisted",
        "",
    )
    assert fate(("1", None, None, None, None), ("2", None, None, None, None)) == ("unlisted", "")
