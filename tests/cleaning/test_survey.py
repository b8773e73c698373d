"""Questionnaires: a bad answer becomes missing, the respondent stays; a blank sheet goes."""

from __future__ import annotations

import pytest

from crmresearch.cleaning import clean_files, review
from crmresearch.errors import CaseError, InputError

INSTRUMENT = {
    "scale": {"low": 1, "high": 5, "missing": ["-99"]},
    "constructs": {"all": {"title": {"en": "All", "zh": "全部"}, "items": ["q1", "q2"]}},
    "items": {"q1": {"en": "First"}, "q2": {"en": "Second", "heading": "第2题"}},
}
ENTRY = {"table": "survey", "columns": {"respondent_id": "no"}}
HEAD = "no,q1,第2题\n"


def survey(make, *lines: str, instrument=INSTRUMENT, columns=ENTRY["columns"], head=HEAD):
    content = head + "".join(f"{line}\n" for line in lines)
    return make({"s.csv": content}, {"s.csv": {"table": "survey", "columns": columns}}, instrument=instrument)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("6", "OFF_SCALE"),
        ("0", "OFF_SCALE"),
        ("99", "OFF_SCALE"),
        ("-1", "OFF_SCALE"),
        ("2.5", "NOT_AN_INTEGER"),
        ("很满意", "NOT_A_NUMBER"),
        ("5分", "UNKNOWN_UNIT"),
    ],
)
def test_a_bad_answer_becomes_missing_with_its_reason(make, answer: str, reason: str) -> None:
    """Catalogue 117 and 118."""
    cleaned = clean_files(survey(make, "1,5,4", f"2,3,{answer}"))
    assert cleaned.tables["survey"].select(["q1", "q2"]).to_pylist() == [{"q1": 5, "q2": 4}, {"q1": 3, "q2": None}]
    [entry] = cleaned.quarantine.to_pylist()
    assert entry == {
        "source_file": "s.csv",
        "sheet": "",
        "source_row": 3,
        "column": "q2",
        "raw_value": answer,
        "reason": reason,
        "scope": "value",
    }
    assert cleaned.ledger.select(["rows_in", "rows_kept", "rows_quarantined"]).to_pylist() == [
        {"rows_in": 2, "rows_kept": 2, "rows_quarantined": 0}
    ]


@pytest.mark.parametrize("code", ["-99", "-99.0", " －99 ", "−99"])
def test_a_missing_code_counts_in_any_spelling(make, code: str) -> None:
    cleaned = clean_files(survey(make, "1,5,4", f"2,3,{code}"))
    assert cleaned.tables["survey"]["q2"].to_pylist() == [4, None]
    assert cleaned.quarantine.num_rows == 0
    assert [n["count"] for n in cleaned.log.to_pylist() if n["rule"] == "DECLARED_MISSING"] == [1]


def test_a_respondent_without_any_answer_is_set_aside(make) -> None:
    """Catalogue 126."""
    cleaned = clean_files(survey(make, "1,5,4", "2,,-99"))
    assert cleaned.tables["survey"]["respondent_id"].to_pylist() == ["1"]
    assert [(e["source_row"], e["reason"], e["scope"]) for e in cleaned.quarantine.to_pylist()] == [
        (3, "ALL_ITEMS_MISSING", "row")
    ]


def test_a_respondent_twice_is_merged_and_one_who_differs_is_set_aside(make) -> None:
    """Catalogue 125; the fuller row stays, wherever it stands."""
    cleaned = clean_files(survey(make, "1,5,4", "1,5,4", "2,3,", "2,3,1"))
    assert cleaned.tables["survey"].select(["respondent_id", "q2"]).to_pylist() == [
        {"respondent_id": "1", "q2": 4},
        {"respondent_id": "2", "q2": 1},
    ]
    assert [(e["source_row"], e["reason"]) for e in cleaned.quarantine.to_pylist()] == [(4, "CONFLICT")]
    assert cleaned.ledger["rows_merged"].to_pylist() == [1]


def test_rows_number_respondents_where_no_column_does(make) -> None:
    cleaned = clean_files(
        survey(make, "5,4", "3,2", columns={"respondent_id": {"row_number": True}}, head="q1,第2题\n")
    )
    assert cleaned.tables["survey"]["respondent_id"].to_pylist() == ["1", "2"]


def test_two_files_that_number_their_rows_do_not_share_respondents(make) -> None:
    entry = {"table": "survey", "columns": {"respondent_id": {"row_number": True}}}
    content = "q1,第2题\n5,4\n"
    case = make({"a.csv": content, "b.csv": content}, {"a.csv": entry, "b.csv": entry}, instrument=INSTRUMENT)
    assert clean_files(case).tables["survey"]["respondent_id"].to_pylist() == ["a.csv:1", "b.csv:1"]


def test_an_item_that_the_file_lacks_is_named_with_the_nearest(make) -> None:
    with pytest.raises(InputError, match=r"s\.csv, heading: no column '第2题' for 'q2'; nearest: 第3题"):
        clean_files(survey(make, "1,5,4", head="no,q1,第3题\n"))


def test_an_item_cannot_be_a_declared_column_too(make) -> None:
    with pytest.raises(CaseError, match="'q1' is both an item"):
        clean_files(survey(make, "1,5,4", columns={"respondent_id": "no", "q1": {"heading": "q1", "kind": "integer"}}))


def test_a_duration_states_its_own_unit(make) -> None:
    columns = {"respondent_id": "no", "duration_seconds": "所用时间"}
    cleaned = clean_files(survey(make, "1,5,4,123秒", "2,3,2,2分钟", columns=columns, head="no,q1,第2题,所用时间\n"))
    assert cleaned.tables["survey"]["duration_seconds"].to_pylist() == [123.0, 120.0]


def test_respondents_may_be_unknown_to_the_customers_table(make) -> None:
    """Catalogue 129."""
    survey_entry = {"table": "survey", "columns": {"respondent_id": "no", "customer_id": "id"}}
    case = make(
        {"s.csv": "no,id,q1,第2题\n1,a,5,4\n2,z,3,2\n3,,3,2\n", "c.csv": "id\na\n"},
        {"s.csv": survey_entry, "c.csv": {"table": "customers", "columns": {"customer_id": "id"}}},
        instrument=INSTRUMENT,
    )
    cleaned = clean_files(case)
    assert cleaned.tables["survey"].num_rows == 3
    assert [(n["count"], n["examples"]) for n in cleaned.log.to_pylist() if n["rule"] == "UNKNOWN_CUSTOMER"] == [
        (1, "z")
    ]


def test_a_file_may_be_one_wave_as_a_whole(make) -> None:
    """Two exports that number their sheets from 1: the wave is declared, and put before the number."""
    content = "no,q1,第2题\n1,5,4\n2,3,2\n"
    columns = {"respondent_id": "no", "wave": {"value": "2024"}}
    before = {"respondent_id": {"heading": "no", "prefix": "2023-", "width": 3}, "wave": {"value": "2023"}}
    case = make(
        {"a.csv": content, "b.csv": content},
        {"a.csv": {"table": "survey", "columns": columns}, "b.csv": {"table": "survey", "columns": before}},
        instrument=INSTRUMENT,
    )
    cleaned = clean_files(case)
    assert cleaned.tables["survey"].select(["respondent_id", "wave"]).to_pylist() == [
        {"respondent_id": "1", "wave": "2024"},
        {"respondent_id": "2", "wave": "2024"},
        {"respondent_id": "2023-001", "wave": "2023"},
        {"respondent_id": "2023-002", "wave": "2023"},
    ]
    assert cleaned.quarantine.num_rows == 0
    assert case.file.has_waves
    said = review(case)
    assert "wave ← '2023' on every row" in said and "respondent_id ← 'no', prefix 2023-" in said


def test_a_row_without_answers_is_no_record_though_its_wave_is_known(make) -> None:
    columns = {"respondent_id": "no", "wave": {"value": "2024"}}
    cleaned = clean_files(survey(make, "1,5,4", "2,,", ",,", columns=columns))
    assert cleaned.tables["survey"]["respondent_id"].to_pylist() == ["1"]
    assert sorted(cleaned.quarantine["reason"].to_pylist())[0] == "ALL_ITEMS_MISSING"
