"""One wave of a survey enters the studies, by one rule, and the page says which."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from crmresearch.case import Project
from crmresearch.errors import CaseError
from crmresearch.running.dataflow import calls_of
from crmresearch.running.onewave import take_wave
from crmresearch.running.plan import missing_needs
from crmresearch.running.study import open_study

ROOT = Path(__file__).resolve().parents[2]
CASE = """\
title: {en: A, zh: 甲}
description: {en: A, zh: 甲}
provenance: {origin: a, copy_from: b, terms: c}
as_of: 2024-12-31
files:
  - file: now.csv
    table: survey
    columns: {respondent_id: no, submitted: day, wave: {value: autumn}}
  - file: then.csv
    table: survey
    columns: {respondent_id: {heading: no, prefix: s-}, submitted: day, wave: {value: spring}}
instrument:
  scale: {low: 1, high: 5}
  constructs: {calm: {title: {en: Calm, zh: 平静}, items: [q1]}}
  items: {q1: {en: I am calm, zh: 我平静}}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    folder = tmp_path / "data/raw/shop"
    folder.mkdir(parents=True)
    (folder / "case.yaml").write_text(CASE, encoding="utf-8")
    (folder / "now.csv").write_text("no,day,q1\n1,2024-09-02,4\n2,2024-09-03,5\n3,2024-09-04,5\n")
    (folder / "then.csv").write_text("no,day,q1\n1,2024-03-01,3\n2,2024-03-02,2\n")
    (tmp_path / "notebooks").mkdir()
    shutil.copy(ROOT / "notebooks/satisfaction_groups.ipynb", tmp_path / "notebooks")
    monkeypatch.setenv("CRMRESEARCH_HOME", str(tmp_path))
    return Project(tmp_path)


def notes(study) -> list[dict]:
    return [block for block in study._record.blocks if block["type"] == "note"]


def test_a_study_reads_the_latest_wave_and_says_so_once(project: Project) -> None:
    study = open_study("satisfaction_groups", case="shop")
    assert study.table("survey")["respondent_id"].tolist() == ["1", "2", "3"]
    assert study.tables["survey"]["wave"].unique().tolist() == ["autumn"]
    [note] = notes(study)
    assert note["values"] == {
        **{"table": "survey", "wave": "autumn", "rule": "wave_latest"},
        **{"n_waves": 2, "n": 3, "n_all": 5},
    }
    assert "This study reads autumn (the latest): 3 of 5 answer sheets." in note["text"]["en"]
    assert "本研究只读取 autumn（最近一期）：5 份答卷中的 3 份。" in note["text"]["zh"]


def test_every_wave_is_there_to_be_compared(project: Project) -> None:
    study = open_study("satisfaction_groups", case="shop")
    assert sorted(study.every_wave("survey")["respondent_id"]) == ["1", "2", "3", "s-1", "s-2"]
    assert list(study.tables) == ["survey"] and notes(study) == [], "no table was asked for yet"


def test_what_lies_after_the_last_observed_day_is_not_the_latest(project: Project) -> None:
    study = open_study("satisfaction_groups", case="shop", as_of="2024-06-30")
    assert study.table("survey")["respondent_id"].tolist() == ["s-1", "s-2"]


def test_a_declared_wave_is_read(project: Project) -> None:
    path = project.raw / "shop/case.yaml"
    path.write_text(CASE + "  wave: spring\n", encoding="utf-8")
    study = open_study("satisfaction_groups", case="shop")
    assert study.table("survey")["wave"].unique().tolist() == ["spring"]
    assert notes(study)[0]["values"]["rule"] == "wave_declared"
    path.write_text(CASE + "  wave: sprig\n", encoding="utf-8")
    with pytest.raises(CaseError, match=r"no wave 'sprig'; nearest: spring.*The survey has spring, autumn"):
        open_study("satisfaction_groups", case="shop").table("survey")


def case(wave: str = "") -> SimpleNamespace:
    return SimpleNamespace(name="shop", file=SimpleNamespace(instrument=SimpleNamespace(wave=wave)))


def test_a_survey_of_one_wave_or_none_is_read_whole() -> None:
    for waves in (None, ["2024", "2024"], [None, None]):
        table = pd.DataFrame({"respondent_id": ["1", "2"]}).assign(**({"wave": waves} if waves else {}))
        assert take_wave(table, "survey", case(), None) is None


def test_sheets_without_a_wave_belong_to_none() -> None:
    table = pd.DataFrame({"respondent_id": ["1", "2"], "wave": ["2024", None]})
    one = take_wave(table, "survey", case(), None)
    assert one.rows["respondent_id"].tolist() == ["1"] and (one.n_waves, one.n_all) == (1, 2)


def test_before_the_first_day_the_first_wave_is_read() -> None:
    days = pd.to_datetime(["2023-01-05", "2024-01-05"])
    table = pd.DataFrame({"respondent_id": ["1", "2"], "wave": ["a", "b"], "submitted": days})
    assert take_wave(table, "survey", case(), dt.date(2020, 1, 1)).wave == "a"
    assert take_wave(table, "survey", case(), dt.date(2024, 1, 5)).wave == "b"
    assert take_wave(table, "employee_survey", case("a"), None).wave == "b", "the declared wave is the customers'"


def test_a_study_of_change_needs_waves() -> None:
    study = SimpleNamespace(needs=("survey", "waves"))
    told = SimpleNamespace(instrument=None, identity=None)
    for has, lacks in ((True, []), (False, ["waves"])):
        told.has_waves = has
        assert missing_needs(study, SimpleNamespace(file=told), ["survey"]) == lacks


def test_calls_that_see_every_wave_are_told_from_those_that_see_one() -> None:
    cells = [
        "study.score(one, study.table('survey'))",
        "sheets = study.score(all_of_them, study.every_wave('survey'))",
        "study.score(later, sheets.kept)",
    ]
    found = [(c.function, sorted(c.tables), sorted(c.every_wave)) for c in calls_of(cells, ["orders", "survey"], {})]
    assert found == [
        ("one", ["survey"], []),
        ("all_of_them", ["survey"], ["survey"]),
        ("later", ["survey"], ["survey"]),
    ]
