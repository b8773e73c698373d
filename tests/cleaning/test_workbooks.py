"""Workbooks: what calamine reads, what the sheet's own XML adds, and limits that hold against bombs."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from crmresearch.case import Case, Project, SourceFile, load_case
from crmresearch.cleaning import clean_files
from crmresearch.cleaning.readers import untrusted
from crmresearch.cleaning.readers.untrusted import read_workbook, sheet_names
from crmresearch.errors import CaseError, InputError
from tests.cleaning.bombs import far_cell, many_blanks, many_parts, with_entities, workbook_of, zip_bomb
from tests.cleaning.files import XLSX, book, second_sheet
from tests.cleaning.test_bad_inputs import check_ledger

SOURCE = SourceFile(file="a.xlsx", table="orders")
SECONDS, KILOBYTES = 5, 500_000


def cells(content: bytes, **declared) -> dict[str, list[str]]:
    frame = read_workbook(content, SOURCE.model_copy(update=declared), ())
    return {heading: column.to_pylist() for heading, column in zip(frame.headings, frame.cells, strict=True)}


def test_cells_become_the_text_an_export_would_hold() -> None:
    row = [7, 12.5, 0.1 + 0.2, 1e-7, -3.0, True, "007", dt.datetime(2023, 5, 1), dt.datetime(2023, 5, 1, 3, 4, 5)]
    content = book([[f"c{i}" for i in range(len(row))], row])
    texts = ["7", "12.5", "0.3", "0.0000001", "-3", "TRUE", "007", "2023-05-01", "2023-05-01T03:04:05"]
    assert [column[0] for column in cells(content).values()] == texts


def test_days_counted_from_1904_are_the_same_days() -> None:
    content = [["d"], [dt.datetime(2023, 5, 1)]]
    assert cells(book(content)) == cells(book(content, date_1904=True)) == {"d": ["2023-05-01"]}


def test_rows_keep_their_physical_numbers() -> None:
    frame = read_workbook(book([["id"], ["a"], [], [], ["b"]]), SOURCE, ())
    assert frame.rows.to_pylist() == [2, 5] and frame.sheet == "2023"


def test_merged_headings_of_two_rows_are_joined() -> None:
    rows = [["客户", "销售", "", "备注"], ["", "数量", "金额", ""], ["a", 1, 2, "x"]]

    def merge(workbook, sheet) -> None:
        sheet.merge_range("A1:A2", "客户")
        sheet.merge_range("B1:C1", "销售")
        sheet.merge_range("D1:D2", "备注")

    assert cells(book(rows, merge), heading_rows=2) == {
        "客户": ["a"],
        "销售 数量": ["1"],
        "销售 金额": ["2"],
        "备注": ["x"],
    }


def declared(case: Case, files: list[dict]) -> Case:
    """The case with other entries for its files."""
    path = case.folder / "case.yaml"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"files": files}), encoding="utf-8")
    return load_case(Project(case.folder.parents[2]), case.name)


def test_each_sheet_of_a_workbook_is_accounted_for_by_itself(make) -> None:
    content = book([*XLSX, ["b", "2023-02-30", 2]], second_sheet("2024", [*XLSX, ["合计", "", 1.5]]))
    entry = {"file": "o.xlsx", "table": "orders", "columns": {"customer_id": "id", "date": "date", "amount": "amount"}}
    both = [{**entry, "sheet": "2023"}, {**entry, "sheet": "2024"}]
    cleaned = clean_files(declared(make({"o.xlsx": content}), both))
    check_ledger(cleaned)
    assert cleaned.ledger.select(["source_file", "rows_in", "rows_kept"]).to_pylist() == [
        {"source_file": "o.xlsx [2023]", "rows_in": 2, "rows_kept": 1},
        {"source_file": "o.xlsx [2024]", "rows_in": 2, "rows_kept": 1},
    ]
    places = [(e["source_file"], e["sheet"], e["source_row"], e["reason"]) for e in cleaned.quarantine.to_pylist()]
    assert places == [("o.xlsx [2023]", "2023", 3, "NOT_A_DATE"), ("o.xlsx [2024]", "2024", 3, "TOTAL_ROW")]
    assert "OTHER_SHEETS" not in cleaned.log["rule"].to_pylist()
    with pytest.raises(CaseError, match="declared twice"):
        clean_files(declared(make({"o.xlsx": content}), [entry, both[1]]))


def test_sheets_without_content_are_not_offered() -> None:
    assert sheet_names(book(XLSX, second_sheet("empty", [])), "a.xlsx") == ("2023",)


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9, 0.99])
def test_a_workbook_cut_anywhere_is_an_error_that_names_it(cut: float) -> None:
    content = book([["id"], *[[f"c{i}"] for i in range(200)]])
    with pytest.raises(InputError, match=r"a\.xlsx: .*[Cc]opy or export it again"):
        read_workbook(content[: int(len(content) * cut)], SOURCE, ())


def test_formulas_are_read_by_their_stored_value_and_never_computed() -> None:
    content = book([["id", "n"], ["a", ""]], lambda w, s: s.write_formula("B2", "=1+1", None, 5))
    assert cells(content)["n"] == ["5"]


def test_a_child_that_hangs_or_dies_is_an_error(monkeypatch) -> None:
    monkeypatch.setattr(untrusted, "SECONDS", 0.001)
    with pytest.raises(InputError, match=r"a\.xlsx: not read after"):
        read_workbook(book(XLSX), SOURCE, ())
    monkeypatch.undo()
    monkeypatch.setattr(untrusted, "_CHILD", untrusted._CHILD / "nothing")
    with pytest.raises(InputError, match=r"a\.xlsx: reading it took more memory or time"):
        read_workbook(book(XLSX), SOURCE, ())


def long_texts() -> bytes:
    """One text of 32,767 characters that a hundred thousand cells repeat: 6 GB as Python would hold it."""
    rows = b"".join(b'<row r="%d"><c r="A%d" t="s"><v>0</v></c></row>' % (i, i) for i in range(1, 100_001))
    main = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    shared = b'<sst xmlns="%s" count="1" uniqueCount="1"><si><t>%s</t></si></sst>' % (main, b"x" * 32_767)
    kind = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    links = (
        b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        b'<Relationship Id="r1" Type="%s/worksheet" Target="worksheets/sheet1.xml"/>'
        b'<Relationship Id="r2" Type="%s/sharedStrings" Target="sharedStrings.xml"/></Relationships>' % (kind, kind)
    )
    return workbook_of(rows, {"xl/sharedStrings.xml": shared, "xl/_rels/workbook.xml.rels": links})


BOMBS = {
    "far cell": far_cell,
    "zip bomb": zip_bomb,
    "blanks": many_blanks,
    "parts": many_parts,
    "entities": lambda: with_entities(book(XLSX)),
    "long texts": long_texts,
}


MEASURE = """
import json, resource, sys, time
from pathlib import Path
from crmresearch.case import SourceFile
from crmresearch.cleaning.readers.untrusted import read_workbook
from crmresearch.errors import InputError
for path in sorted(Path(sys.argv[1]).iterdir()):
    content, begin, before = path.read_bytes(), time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        read_workbook(content, SourceFile(file=path.name, table="orders"), ())
        said = ""
    except InputError as error:
        said = str(error)
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = spent.ru_utime + spent.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps([path.name, busy, time.perf_counter() - begin, spent.ru_maxrss, said]))
"""


def measured(folder: Path) -> list[tuple[str, float, float, int, str]]:
    """Name, processor and clock seconds, kilobytes, sentence of each workbook; no other children are measured."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2] / "src")}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(folder)], capture_output=True, check=True, env=environment, timeout=300
    )
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


def test_bombs_are_refused_in_time_and_memory(tmp_path: Path) -> None:
    """Catalogue 52 to 55: within 5 s of the processor, for the clock stands still for no busy machine, and 500 MB."""
    for name, make_bomb in BOMBS.items():
        (tmp_path / f"{name}.xlsx").write_bytes(make_bomb())
    found = measured(tmp_path)
    assert len(found) == len(BOMBS)
    for name, seconds, _, kilobytes, said in found:
        assert said.startswith(name) and seconds < SECONDS and kilobytes < KILOBYTES, (name, seconds, kilobytes, said)


@pytest.mark.slow
def test_a_bomb_of_a_gigabyte_is_refused_in_time_and_memory(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(zip_bomb(1_000_000_001))
    [(_, _, seconds, kilobytes, said)] = measured(tmp_path)
    assert "above the limit of 1,000,000,000" in said and seconds < SECONDS and kilobytes < KILOBYTES
