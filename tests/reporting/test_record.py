"""The record: raw values, both languages, the same bytes for the same study."""

from __future__ import annotations

import hashlib
import json

import pandas as pd
import pytest

from crmresearch.errors import StorageError, StudyError
from crmresearch.reporting.record import Record, _column_kind, read_record, write_csv
from crmresearch.reporting.tables import view_table
from crmresearch.reporting.words import WordsError
from tests.reporting.sample_study import Tiers, write_study


def block(record, name):
    return next(b for b in record["blocks"] if b["id"] == name)


def test_blocks_come_in_reading_order_with_stable_ids(tmp_path, words):
    write_study(tmp_path, words)
    assert [b["id"] for b in read_record(tmp_path)["blocks"]] == [
        "section-concentration",
        "finding-top",
        "finding-slope",
        "table-tiers",
        "table-summary",
        "recipe-score_tiers",
        "figure-curve",
        "refusal-score_abc",
    ]


def test_numbers_are_raw_and_texts_in_both_languages(tmp_path, words):
    write_study(tmp_path, words)
    record = read_record(tmp_path)
    table = block(record, "table-tiers")
    assert table["rows"] == [["Ann", "gold", 1234.5], ["柳州", "gold", None]]
    assert (table["rows_total"], table["number"], table["result"]) == (3, 1, "recipe-score_tiers")
    assert table["words"] == {"gold": {"en": "gold", "zh": "金牌"}}
    assert [c["personal"] for c in table["columns"]] == [True, False, False]
    assert block(record, "table-summary")["row_kinds"] == ["count", "score", "share"]
    finding = block(record, "finding-top")
    assert finding["values"] == {"share": 0.2, "n": 3, "tier": "gold"}
    assert finding["text"] == {"en": "The top 20.0\xa0% of 3 customers are gold.", "zh": "3名客户中前20.0%为金牌。"}
    assert block(record, "finding-slope")["verdict"] == "supported"
    options = block(record, "recipe-score_tiers")["options"]
    assert [(o["value"], o["text"]["zh"]) for o in options] == [(0.2, "0.2"), ("spend", "消费额")]


def test_json_is_strict_and_the_digest_is_its_own(tmp_path, words):
    digest = write_study(tmp_path, words)
    content = (tmp_path / "record.json").read_bytes()
    assert hashlib.sha256(content).hexdigest() == digest
    json.loads(content, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_same_study_gives_the_same_bytes(tmp_path, words):
    for run in "ab":
        write_study(tmp_path / run, words)
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file())
    assert len(files) == 7
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


def test_a_key_used_twice_gets_a_second_id_and_file(tmp_path, words):
    record = Record(
        tmp_path, study="s", case="c", title={"en": "", "zh": ""}, as_of="", parameters={}, inputs={}, words=words
    )
    record.result(Tiers(), "m.score_tiers")
    blocks = record.result(Tiers(), "m.score_tiers")
    assert [b["id"] for b in blocks][2:4] == ["table-tiers-2", "table-summary-2"]
    assert blocks[2]["file"] == "tables/tiers-2.csv" and (tmp_path / blocks[2]["file"]).exists()


def test_a_closed_record_takes_no_more(tmp_path, words):
    record = Record(
        tmp_path, study="s", case="c", title={"en": "", "zh": ""}, as_of="", parameters={}, inputs={}, words=words
    )
    record.close()
    with pytest.raises(StudyError, match="s: the record is closed"):
        record.section("concentration")


def test_unworded_keys_are_refused(tmp_path, words):
    record = Record(
        tmp_path, study="s", case="c", title={"en": "", "zh": ""}, as_of="", parameters={}, inputs={}, words=words
    )
    with pytest.raises(WordsError, match="no wording for 'concentrations' in 'sections'; nearest: concentration"):
        record.section("concentrations")


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 99}'])
def test_unreadable_record_is_named(tmp_path, content):
    (tmp_path / "record.json").write_text(content)
    with pytest.raises(StorageError, match=r"record\.json"):
        read_record(tmp_path)


def test_tables_are_whole_exact_and_open_in_a_spreadsheet(tmp_path, words):
    write_study(tmp_path, words)
    content = (tmp_path / "tables" / "tiers.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf") and "柳州".encode() in content
    assert content.decode("utf-8-sig").splitlines()[1] == "Ann,gold,1234.5"
    assert len(pd.read_csv(tmp_path / "tables" / "tiers.csv", keep_default_na=False)) == 3


def test_texts_that_spreadsheets_would_run_are_guarded(tmp_path):
    payloads = ["=cmd|'/c calc'!A1", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "safe", "a=b", None]
    data = pd.DataFrame({"=name": payloads, "kind": pd.Categorical(["=x"] + ["y"] * 8), "number": [-1.5] * 9})
    assert write_csv(data, tmp_path / "t.csv") == 8
    back = pd.read_csv(tmp_path / "t.csv", lineterminator="\n")
    assert list(back.columns) == ["'=name", "kind", "number"]
    assert [str(v)[0] for v in back["'=name"]] == ["'"] * 6 + ["s", "a", "n"]
    assert back["kind"][0] == "'=x" and (back["number"] == -1.5).all()


def test_a_list_in_a_cell_is_worded_step_by_step(tmp_path, words):
    """Mediators on a route are a list: the page names each in its language."""
    write_study(tmp_path, words)
    table = block(read_record(tmp_path), "table-tiers")
    table["rows"] = [["Ann", ["gold", "gold"], 1.0], ["Bo", [], 1.0]]
    found = [view_table(table, words, language).rows for language in ("en", "zh")]
    assert [rows[0][1] for rows in found] == ["gold → gold", "金牌 → 金牌"]
    assert "[" not in found[0][1][1]


def test_a_column_headed_by_the_name_of_a_construct_is_printed_by_what_it_holds(words):
    own = words.with_terms({"IMAG": {"en": "Image", "zh": "形象"}})
    assert _column_kind(own, pd.Series([0.123456], name="IMAG")) == "number"
    assert _column_kind(own, pd.Series(["a"], name="IMAG")) == "text"
