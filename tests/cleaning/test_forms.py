"""One table, eight forms: whatever the file is, the processed tables are the same."""

from __future__ import annotations

import datetime as dt
import io
import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest

from crmresearch.cleaning import Cleaned, clean_files
from tests.cleaning.files import book
from tests.cleaning.test_bad_inputs import check_ledger
from tests.cleaning.test_database import VARIABLE, postgres, server  # noqa: F401 (fixtures)

COLUMNS = {
    "order_id": "no",
    "customer_id": "客户编码",
    "date": "日期",
    "product": "品名",
    "amount": "金额",
    "cost": "成本",
}
HEADINGS = list(COLUMNS.values())
ROWS = [
    ("1", "007", "2023-01-02", "聚乙烯", "12.5", "3"),
    ("1", "007", "2023-01-02", "聚乙烯", "12.5", "3"),
    ("2", "张三", "2023年5月", "PE  膜", "1.2万", ""),
    ("3", "𠮷野", "2023.5.1", "", "-8", "2"),
    ("4", "９", "45000", "ＰＰ", "¥1,000.005", "7"),
    ("5", "", "2023-02-30", "x", "five", ""),
    ("合计", "", "", "", "99", ""),
    ("6", "b", "2023-06-30", "é", "0.3", "0.1"),
]
TEXT = "".join(",".join(f'"{cell}"' if "," in cell else cell for cell in row) + "\n" for row in [HEADINGS, *ROWS])
NUMBERS = ("金额", "成本")


def typed(cell: str, heading: str) -> Any:
    """A cell as a person would have typed it into a spreadsheet: numbers and dates where they are plain."""
    if heading in NUMBERS and cell.lstrip("-").replace(".", "").isdigit():
        return float(cell)
    if heading == "日期" and len(cell) == 10 and cell != "2023-02-30":
        return dt.datetime.fromisoformat(cell)
    return 45000 if cell == "45000" else cell


def workbook() -> bytes:
    return book([HEADINGS, *[[typed(c, h) for c, h in zip(row, HEADINGS, strict=True)] for row in ROWS]])


def frame() -> pd.DataFrame:
    return pd.DataFrame(ROWS, columns=HEADINGS)


def spss(folder: Path) -> bytes:
    pyreadstat.write_sav(frame(), str(folder / "o.sav"))
    return (folder / "o.sav").read_bytes()


def stata(folder: Path) -> bytes:
    pyreadstat.write_dta(frame(), str(folder / "o.dta"), version=15)
    return (folder / "o.dta").read_bytes()


def parquet() -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table({h: [row[j] for row in ROWS] for j, h in enumerate(HEADINGS)}), stream)
    return stream.getvalue()


def sqlite(folder: Path) -> bytes:
    link = sqlite3.connect(folder / "o.db")
    listed = ", ".join(f'"{h}" {"NUMERIC" if h in NUMBERS else "TEXT"}' for h in HEADINGS)
    link.execute(f"CREATE TABLE sales ({listed})")
    link.executemany(f"INSERT INTO sales VALUES ({', '.join('?' * len(HEADINGS))})", ROWS)
    link.commit()
    link.close()
    return (folder / "o.db").read_bytes()


FORMS = {
    "UTF-8 with mark": lambda _: ("o.csv", TEXT.encode("utf-8-sig")),
    "GB18030": lambda _: ("o.csv", TEXT.encode("gb18030")),
    "UTF-16": lambda _: ("o.csv", TEXT.encode("utf-16")),
    "tabs": lambda _: (
        "o.tsv",
        TEXT.replace('"¥1,000.005"', "¥1#000.005").replace(",", "\t").replace("#", ",").encode(),
    ),
    "xlsx": lambda _: ("o.xlsx", workbook()),
    "sav": lambda folder: ("o.sav", spss(folder)),
    "dta": lambda folder: ("o.dta", stata(folder)),
    "Parquet": lambda _: ("o.parquet", parquet()),
    "SQLite": lambda folder: ("o.db", sqlite(folder)),
}


def outcome(cleaned: Cleaned) -> list[Any]:
    """Everything of a processed case but the names of files and sheets, and how values were written."""
    check_ledger(cleaned)
    table = cleaned.tables["orders"].drop_columns(["source_file"])
    entries = cleaned.quarantine.drop_columns(["source_file", "sheet"])
    stream = io.BytesIO()
    pq.write_table(table, stream)
    return [stream.getvalue(), entries.to_pylist(), cleaned.ledger.drop_columns(["source_file"]).to_pylist()]


@pytest.fixture
def plain(make) -> list[Any]:
    return outcome(clean_files(make({"o.csv": TEXT}, {"o.csv": {"columns": COLUMNS}})))


def test_the_table_is_not_trivial(plain: list[Any]) -> None:
    [ledger] = plain[2]
    assert [ledger[f"rows_{fate}"] for fate in ("in", "kept", "quarantined", "merged")] == [8, 5, 2, 1]
    assert {(e["source_row"], e["column"], e["reason"]) for e in plain[1]} == {
        (7, "customer_id", "MISSING_VALUE"),
        (7, "date", "NOT_A_DATE"),
        (7, "amount", "NOT_A_NUMBER"),
        (8, "", "TOTAL_ROW"),
    }


@pytest.mark.parametrize("form", FORMS)
def test_the_same_table_in_any_form_gives_the_same_output(make, plain, tmp_path: Path, monkeypatch, form: str) -> None:
    (tmp_path / "written").mkdir()
    name, content = FORMS[form](tmp_path / "written")
    entry = {"columns": COLUMNS}
    if name.endswith(".db"):
        monkeypatch.setenv(VARIABLE, "sqlite:///o.db")
        entry |= {"connection": VARIABLE, "query": "SELECT * FROM sales ORDER BY rowid"}
    assert outcome(clean_files(make({name: content}, {name: entry}))) == plain


def test_postgresql_gives_the_same_output(make, plain, postgres, server) -> None:  # noqa: F811
    import pg8000.native

    with pg8000.native.Connection("owner", host=server[0], port=server[1], database="postgres") as link:
        link.run("CREATE TABLE same (place integer, " + ", ".join(f'"{h}" text' for h in HEADINGS) + ")")
        for place, row in enumerate(ROWS):
            named = {f"v{j}": cell for j, cell in enumerate(row)}
            link.run(f"INSERT INTO same VALUES (:p, {', '.join(f':{k}' for k in named)})", p=place, **named)
        link.run("GRANT SELECT ON same TO reader")
    listed = ", ".join(f'"{h}"' for h in HEADINGS)
    entry = {"columns": COLUMNS, "connection": VARIABLE, "query": f"SELECT {listed} FROM same ORDER BY place"}
    assert outcome(clean_files(make({"sales": b""}, {"sales": entry}))) == plain
