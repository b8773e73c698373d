"""Generated and mutated inputs: each ends in a ledger that adds up or in a named error, never in another."""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmresearch.case import Project, SourceFile, load_case
from crmresearch.cleaning import clean_files
from crmresearch.cleaning.readers import untrusted
from crmresearch.errors import CrmresearchError
from tests.cleaning.test_bad_inputs import check_ledger
from tests.cleaning.test_forms import COLUMNS, TEXT, parquet, workbook

CHILD = Path(untrusted._CHILD)
SURROUNDINGS = {
    "title": {"en": "", "zh": ""},
    "description": {"en": "", "zh": ""},
    "provenance": {"origin": "", "copy_from": "", "terms": ""},
    "max_quarantined_share": 1,
}
ENCODINGS = ("utf-8", "utf-8-sig", "gb18030", "utf-16", "big5", "latin-1")
ODD_CELLS = st.sampled_from(
    (
        *("", "NA", "1e400", "-0", "１２", "1,234.5", "1.234,5", "(5)", "¥", "万", "5万", "$5", "€5", "-3", "=1+1"),
        *("2023年13月", "2023.1", "45000", "1/2/3", "01/02/2023", "13/02/2023", "合计", "小计", "取消"),
        *("\u200b", "\ufffd", "a" * 40_000, "9" * 40),
    )
)
CELLS = st.one_of(ODD_CELLS, st.text(st.characters(codec="utf-8"), max_size=8), st.floats(width=32).map(repr))
TABLES = st.lists(st.lists(CELLS, min_size=0, max_size=8), max_size=6)
COUNTS = {"few": 60, "many": 3_400}
"""Three properties below: ten thousand inputs and more in all where every example runs."""


def profile(size: str) -> settings:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=COUNTS[size], deadline=None, suppress_health_check=checks, database=None)


def outcome(name: str, content: bytes, entry: dict[str, Any]) -> None:
    """Clean the file; whatever is wrong with it, the ledger adds up or the error has a name and a repair."""
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "data" / "raw" / "sample"
        folder.mkdir(parents=True)
        (folder / name).write_bytes(content)
        files = [{"file": name, "table": "orders", "columns": COLUMNS, **entry}]
        text = json.dumps({**SURROUNDINGS, "files": files}, ensure_ascii=False)
        (folder / "case.yaml").write_text(text, encoding="utf-8")
        try:
            check_ledger(clean_files(load_case(Project(Path(root)), "sample")))
        except CrmresearchError as error:
            assert error.repair and type(error) is not CrmresearchError, str(error)


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if any(ch in cell for ch in '",\n\r') else cell


@st.composite
def texts(draw: st.DrawFn) -> tuple[bytes, dict[str, Any]]:
    """A delimited file: the heading, or something else, and rows of odd cells in some encoding."""
    heading = draw(st.sampled_from([list(COLUMNS.values())] * 4 + [["客户编码", "日期", "金额"], []]))
    rows = [heading, *draw(TABLES)]
    content = "\n".join(",".join(map(quoted, row)) for row in rows)
    encoded = content.encode(draw(st.sampled_from(ENCODINGS)), "replace")
    skip = draw(st.sampled_from([0, 0, 0, 1]))
    return encoded, {"skip_rows": skip, "heading_rows": draw(st.sampled_from([1, 1, 1, 2]))}


@st.composite
def mutations(draw: st.DrawFn, content: bytes) -> bytes:
    """The bytes with a few of them changed, cut, doubled or put in."""
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        more = draw(st.binary(max_size=6))
        cut = draw(st.sampled_from([0, 0, 1, 2, 40, len(content)]))
        content = content[:at] + more + content[at + cut :]
    return content


PLAIN, BOOK, PARQUET = TEXT.encode(), workbook(), parquet()
YAML_WORDS = st.sampled_from(
    ["file", "table", "columns", "orders", "heading", "times", "&a", "*a", "!!x", "[", "}", ": "]
)


def mutated_case(root: Path, text: str) -> None:
    folder = root / "data" / "raw" / "sample"
    folder.mkdir(parents=True)
    (folder / "o.csv").write_bytes(PLAIN)
    (folder / "case.yaml").write_text(text, encoding="utf-8")
    try:
        check_ledger(clean_files(load_case(Project(root), "sample")))
    except CrmresearchError as error:
        assert error.repair and type(error) is not CrmresearchError, str(error)


def check_texts(given_: tuple[bytes, dict[str, Any]]) -> None:
    outcome("o.csv", *given_)


def check_mutations(pair: tuple[str, bytes]) -> None:
    outcome(pair[0], pair[1], {})


def check_yaml(pieces: list[str]) -> None:
    good = json.dumps({**SURROUNDINGS, "files": [{"file": "o.csv", "table": "orders", "columns": COLUMNS}]})
    place = sum(map(len, pieces)) * 37 % len(good)
    with tempfile.TemporaryDirectory() as root:
        mutated_case(Path(root), good[:place] + "".join(pieces) + good[place + len(pieces) :])


MUTATED = st.one_of(mutations(PLAIN).map(lambda b: ("o.csv", b)), mutations(PARQUET).map(lambda b: ("o.parquet", b)))
PIECES = st.lists(YAML_WORDS | st.text(st.characters(codec="utf-8"), max_size=3), min_size=1, max_size=4)
PROPERTIES = {"texts": (check_texts, texts()), "mutated": (check_mutations, MUTATED), "yaml": (check_yaml, PIECES)}


@pytest.mark.parametrize("name", PROPERTIES)
def test_no_input_ends_in_an_unnamed_error(name: str) -> None:
    check, inputs = PROPERTIES[name]
    profile("few")(given(inputs)(check))()


@pytest.mark.slow
@pytest.mark.parametrize("name", PROPERTIES)
def test_ten_thousand_inputs_end_in_no_unnamed_error(name: str) -> None:
    check, inputs = PROPERTIES[name]
    profile("many")(given(inputs)(check))()


@pytest.fixture
def child(monkeypatch) -> Any:
    """The reader of workbooks as the child process runs it, in this process."""
    monkeypatch.syspath_prepend(str(CHILD))
    for name in ("refusal", "sheetxml", "workbook"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module("workbook")


def workbooks_end_well(child: Any, count: int) -> None:
    """Refused by name, read, or a fault that the child process answers for: never half a table."""
    options = {"form": "workbook", "sheet": "", "skip_rows": 0, "heading_rows": 1, "encoding": "", "wanted": []}
    unnamed = []

    @settings(max_examples=count, deadline=None, database=None)
    @given(mutations(BOOK))
    def read(content: bytes) -> None:
        try:
            child.prove_harmless(content)
            info, columns = child.read(content, options)
        except child.RefusalError as refusal:
            assert refusal.what and refusal.repair
        except BaseException as error:
            unnamed.append((repr(error), content))
        else:
            assert len({len(column) for column in columns}) <= 1 and len(columns) >= 1 + len(info["headings"])

    read()
    for said, content in unnamed[:3]:
        with pytest.raises(CrmresearchError):
            untrusted.read_workbook(content, SourceFile(file="o.xlsx", table="orders"), ())
        assert said


def test_mutated_workbooks_end_well(child: Any) -> None:
    workbooks_end_well(child, 150)


@pytest.mark.slow
def test_two_thousand_mutated_workbooks_end_well(child: Any) -> None:
    workbooks_end_well(child, 2_000)
