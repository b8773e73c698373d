"""SPSS and Stata files: labels kept beside codes, user-missing values missing by name, cuts found."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

from crmresearch.case import SourceFile
from crmresearch.cleaning import clean_files
from crmresearch.cleaning.readers.untrusted import read_spss, read_stata
from crmresearch.errors import InputError

DATA = pd.DataFrame(
    {
        "id": ["007", "8", "张三"],
        "q1": [1.0, 99.0, 5.0],
        "q2": [1.5, None, 2.0],
        "day": [dt.date(2023, 5, 1), None, dt.date(2023, 5, 3)],
    }
)
LABELS = {"q1": {1: "很不满意", 5: "很满意", 99: "拒答"}}
WORDINGS = ["编号", "您对服务满意吗", "x", "日期"]
SOURCE = SourceFile(file="a.sav", table="survey", columns={"respondent_id": "id"})
INSTRUMENT = {
    "scale": {"low": 1, "high": 5},
    "constructs": {"all": {"title": {"en": "All", "zh": "全部"}, "items": ["q1"]}},
    "items": {"q1": {"en": "Satisfied"}},
}


@pytest.fixture(scope="module")
def spss(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("spss") / "a.sav"
    options = {"column_labels": WORDINGS, "variable_value_labels": LABELS}
    pyreadstat.write_sav(DATA, str(path), missing_ranges={"q1": [{"lo": 90, "hi": 99}]}, **options)
    return path.read_bytes()


@pytest.fixture(scope="module")
def stata(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("stata") / "a.dta"
    pyreadstat.write_dta(
        DATA.assign(q1=[1, "a", 5]),
        str(path),
        column_labels=WORDINGS,
        variable_value_labels={"q1": {1: "很不满意", 5: "很满意", "a": "拒答"}},
        missing_user_values={"q1": ["a"]},
    )
    return path.read_bytes()


@pytest.mark.parametrize("form", ["spss", "stata"])
def test_codes_labels_and_wordings(form: str, spss: bytes, stata: bytes) -> None:
    """Catalogue 59 and 60."""
    frame = read_spss(spss, SOURCE, ()) if form == "spss" else read_stata(stata, SOURCE, ())
    found = {heading: column.to_pylist() for heading, column in zip(frame.headings, frame.cells, strict=True)}
    assert found == {
        "id": ["007", "8", "张三"],
        "q1": ["1", None, "5"],
        "q1 (label)": ["很不满意", None, "很满意"],
        "q2": ["1.5", None, "2"],
        "day": ["2023-05-01", None, "2023-05-03"],
    }
    assert frame.wordings == dict(zip(DATA.columns, WORDINGS, strict=True))
    [note] = [note for note in frame.notes if note.rule == "USER_MISSING"]
    assert (note.column, note.count) == ("q1", 1) and "拒答" in note.examples[0]


def test_a_value_declared_missing_is_no_answer(make, spss: bytes) -> None:
    entry = {"table": "survey", "columns": {"respondent_id": "id"}}
    cleaned = clean_files(make({"s.sav": spss}, {"s.sav": entry}, instrument=INSTRUMENT))
    assert dict(zip(*(cleaned.tables["survey"][n].to_pylist() for n in ("respondent_id", "q1")), strict=True)) == {
        "007": 1,
        "张三": 5,
    }
    assert [(e["source_row"], e["reason"]) for e in cleaned.quarantine.to_pylist()] == [(3, "ALL_ITEMS_MISSING")]


@pytest.mark.parametrize("form", ["spss", "stata"])
@pytest.mark.parametrize("cut", [0.3, 0.999])
def test_a_file_cut_anywhere_is_an_error_that_names_it(form: str, cut: float, spss: bytes, stata: bytes) -> None:
    """Catalogue 62."""
    content, read = (spss, read_spss) if form == "spss" else (stata, read_stata)
    with pytest.raises(InputError, match=r"a\.sav: (damaged or )?cut"):
        read(content[: int(len(content) * cut)], SOURCE, ())


def test_labels_help_to_find_the_columns(tmp_path: Path, spss: bytes) -> None:
    from crmresearch.cleaning import propose_case

    (tmp_path / "a.sav").write_bytes(spss)
    text = propose_case("mine", [tmp_path / "a.sav"])
    assert 'heading: "id"' in text and "label is '编号'" in text
