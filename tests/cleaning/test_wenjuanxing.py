"""Exports of the survey platform: short names, wordings, answers in words, codes that never count."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmresearch.case import Project, load_case
from crmresearch.cleaning import clean_files, propose_case
from tests.cleaning.files import book

FRONT = ["序号", "提交答卷时间", "所用时间", "来源", "来源详情", "来自IP"]
ASKED = [
    "1、您对产品质量满意吗?",
    "2、您对交货期满意吗?",
    "3、您对价格满意吗?",
    "4、看重什么(价格)",
    "4、看重什么(服务)",
]
WORDS = ["非常不满意", "不满意", "一般", "满意", "非常满意"]
CODES = {word: code for code, word in enumerate(WORDS, 1)}
INSTRUMENT = {
    "scale": {"low": 1, "high": 5, "answers": CODES},
    "constructs": {"all": {"title": {"en": "All", "zh": "全部"}, "items": ["q1", "q2", "q3"]}},
    "items": {name: {"en": name} for name in ("q1", "q2", "q3")},
}
ENTRY = {
    "table": "survey",
    "platform": "wenjuanxing",
    "columns": {
        "respondent_id": "序号",
        "submitted": "提交答卷时间",
        "duration_seconds": "所用时间",
        "price": {"heading": "q4_1", "kind": "integer", "low": 1, "high": 2},
    },
}


def front(number: int) -> list[str]:
    return [str(number), "2024/6/17 12:04:13", f"{100 + number}秒", "微信", "直接访问", "192.0.2.1(山东-济南)"]


def export(*answers: list[str]) -> str:
    lines = [[*FRONT, *ASKED], *([*front(i), *given] for i, given in enumerate(answers, 1))]
    return "".join(",".join(line) + "\n" for line in lines)


def test_questions_are_found_by_their_short_names_and_words_get_their_codes(make) -> None:
    content = export(["非常满意", "B.不满意", "3", "1", "2"], ["5", "一般", "满意", "2", "1"])
    cleaned = clean_files(make({"s.csv": content}, {"s.csv": ENTRY}, instrument=INSTRUMENT))
    columns = ["respondent_id", "duration_seconds", "q1", "q2", "q3", "price"]
    assert [list(row.values()) for row in cleaned.tables["survey"].select(columns).to_pylist()] == [
        ["1", 101.0, 5, 2, 3, 1],
        ["2", 102.0, 5, 3, 4, 2],
    ]
    coded = {line["column"]: line["count"] for line in cleaned.log.to_pylist() if line["rule"] == "ANSWER_CODED"}
    assert coded == {"q1": 1, "q2": 2, "q3": 1}


def test_words_and_codes_give_the_same_table(make) -> None:
    """Text → code → text: the words of the scale lead back to what was answered."""
    answers = [[WORDS[(i + j) % 5] for j in range(3)] for i in range(10)]
    in_words = export(*([*words, "1", "2"] for words in answers))
    in_codes = export(*([*(str(CODES[word]) for word in words), "1", "2"] for words in answers))
    tables = [
        clean_files(make({"s.csv": content}, {"s.csv": ENTRY}, instrument=INSTRUMENT)).tables["survey"]
        for content in (in_words, in_codes)
    ]
    assert tables[0].equals(tables[1])
    back = {code: word for word, code in CODES.items()}
    rows = sorted(tables[0].to_pylist(), key=lambda row: int(row["respondent_id"]))
    assert [[back[row[q]] for q in ("q1", "q2", "q3")] for row in rows] == answers


@pytest.mark.parametrize("code", ["-3", "-2", "(跳过)", "(空)", "－3"])
def test_codes_of_the_platform_are_never_averaged(make, code: str) -> None:
    content = export(["5", "4", "3", "1", "2"], [code, "4", "3", code, "1"])
    cleaned = clean_files(make({"s.csv": content}, {"s.csv": ENTRY}, instrument=INSTRUMENT))
    survey = cleaned.tables["survey"]
    assert survey["q1"].to_pylist() == [5, None] and survey["price"].to_pylist() == [1, None]
    assert cleaned.quarantine.num_rows == 0 and cleaned.ledger["rows_kept"].to_pylist() == [2]
    assert [n["column"] for n in cleaned.log.to_pylist() if n["rule"] == "DECLARED_MISSING"] == ["price", "q1"]


def test_a_proposal_names_the_questions_and_keeps_their_wording(tmp_path: Path) -> None:
    rows = [[*front(i), *(WORDS[(i * k) % 5] for k in (1, 2, 3)), 1, 2] for i in range(1, 21)]
    (tmp_path / "问卷.xlsx").write_bytes(book([[*FRONT, *ASKED], *rows]))
    folder = tmp_path / "data" / "raw" / "mine"
    folder.mkdir(parents=True)
    (folder / "问卷.xlsx").write_bytes((tmp_path / "问卷.xlsx").read_bytes())
    text = propose_case("mine", [tmp_path / "问卷.xlsx"])
    (folder / "case.yaml").write_text(text, encoding="utf-8")
    case = load_case(Project(tmp_path), "mine")
    [source] = case.file.files
    assert source.platform == "wenjuanxing" and source.table == "survey"
    assert source.columns["duration_seconds"].heading == "所用时间"
    assert {name: item.zh for name, item in case.file.instrument.items.items()} == {
        "q1": "您对产品质量满意吗?",
        "q2": "您对交货期满意吗?",
        "q3": "您对价格满意吗?",
    }
    assert case.file.instrument.scale.answers == CODES
    assert not {"来自ip", "来源"} & source.columns.keys() and '# not used: "来源", "来源详情", "来自IP"' in text
    cleaned = clean_files(case)
    assert cleaned.ledger["rows_kept"].to_pylist() == [20] and cleaned.quarantine.num_rows == 0
