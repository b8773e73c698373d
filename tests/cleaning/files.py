"""Raw files as bytes: workbooks, SPSS files, Parquet, SQLite."""

from __future__ import annotations

import datetime as dt
import io
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import xlsxwriter

XLSX = [["id", "date", "amount"], ["a", "2023-01-02", 1.5]]
SECOND = ["b", "2023-01-03", 2]


def book(rows: list[list[Any]], finish: Callable[..., None] | None = None, **options: Any) -> bytes:
    """An xlsx workbook: one sheet of cells, and what ``finish(workbook, sheet)`` adds."""
    stream = io.BytesIO()
    workbook = xlsxwriter.Workbook(stream, {"in_memory": True, **options})
    sheet = workbook.add_worksheet("2023")
    day = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    for i, row in enumerate(rows):
        for j, cell in enumerate(row):
            sheet.write_datetime(i, j, cell, day) if isinstance(cell, dt.datetime) else sheet.write(i, j, cell)
    if finish:
        finish(workbook, sheet)
    workbook.close()
    return stream.getvalue()


def added(source: bytes, name: str, content: bytes) -> bytes:
    stream = io.BytesIO(source)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def second_sheet(name: str, rows: list[list[Any]], **hidden: bool) -> Callable[..., None]:
    def finish(workbook: Any, sheet: Any) -> None:
        other = workbook.add_worksheet(name)
        for i, row in enumerate(rows):
            other.write_row(i, 0, row)
        if hidden:
            other.hide()

    return finish


def sav(columns: dict[str, list[Any]], **options: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.sav"
        pyreadstat.write_sav(pd.DataFrame(columns), str(path), **options)
        return path.read_bytes()


def parquet(table: pa.Table) -> bytes:
    stream = io.BytesIO()
    pq.write_table(table, stream)
    return stream.getvalue()


def database(*rows: tuple[Any, ...]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.db"
        link = sqlite3.connect(path)
        link.execute("CREATE TABLE sales (id TEXT, date TEXT, amount INTEGER)")
        link.executemany("INSERT INTO sales VALUES (?, ?, ?)", rows)
        link.commit()
        link.close()
        return path.read_bytes()


def hollow() -> bytes:
    """What makes a zip file a workbook, and nothing more."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return stream.getvalue()
