"""Readers: physical rows, both ways of splitting, Parquet types, formats told by content."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmresearch.case import SourceFile
from crmresearch.cleaning.readers import read_file
from crmresearch.cleaning.readers.text import read_text
from crmresearch.errors import InputError

SOURCE = SourceFile(file="a.csv", table="orders")


def test_newlines_in_quotes_do_not_shift_the_rows() -> None:
    frame = read_text(b'id,note\r\n1,"a\r\nb\r\nc"\r\n\r\n2,"x ""y"""\r\n', SOURCE, ())
    assert frame.rows.to_pylist() == [2, 6]
    assert frame.cells[1].to_pylist() == ["a\r\nb\r\nc", 'x "y"']


cell = st.text(st.characters(codec="utf-8", exclude_characters='",\r\n\x00', exclude_categories=["Cs"]), max_size=6)
lines = st.lists(st.lists(cell.map(lambda t: t.strip() or "x"), min_size=1, max_size=4), min_size=1, max_size=8)


@settings(max_examples=50, deadline=None)
@given(lines)
def test_both_ways_of_splitting_agree(records: list[list[str]]) -> None:
    """The same file with and without a quoted field gives the same cells, rows and broken rows."""
    body = "\n".join(",".join(record) for record in records)
    plain = read_text(f"id,note\nstart,x\n{body}\n".encode(), SOURCE, ())
    quoted = read_text(f'id,note\n"start",x\n{body}\n'.encode(), SOURCE, ())
    assert plain.rows.equals(quoted.rows) and plain.broken.equals(quoted.broken)
    assert [c.to_pylist() for c in plain.cells] == [c.to_pylist() for c in quoted.cells]


@pytest.mark.parametrize(
    ("text", "delimiter"), [("id\tnote\n1\t2\n", "\\t"), ("id|note\n1|2\n", "|"), ("  id   note\n  1  2\n", "blanks")]
)
def test_delimiters_are_found(text: str, delimiter: str) -> None:
    assert [c.to_pylist() for c in read_text(text.encode(), SOURCE, ("id",)).cells] == [["1"], ["2"]], delimiter


def test_the_headings_looked_for_decide_between_delimiters() -> None:
    text = b"id;note, long, with commas\n1;2\n"
    assert read_text(text, SOURCE, ("id",)).headings == ("id", "note, long, with commas")


def test_rows_of_bare_delimiters_are_skipped_and_counted() -> None:
    frame = read_text(b"id,note\n1,2\n,\n\n3,4\n", SOURCE, ())
    assert frame.rows.to_pylist() == [2, 5]
    assert [(n.rule, n.count) for n in frame.notes] == [("BLANK_ROWS", 1)]


def parquet(table: pa.Table) -> bytes:
    stream = io.BytesIO()
    pq.write_table(table, stream)
    return stream.getvalue()


def test_parquet_types_become_the_text_an_export_would_hold(tmp_path: Path) -> None:
    table = pa.table(
        {
            "whole": pa.array([7.0, None, 12.5]),
            "big": pa.array([9007199254740993, 1, None]),
            "day": pa.array([dt.date(2023, 1, 2), None, dt.date(2023, 1, 3)]),
            "moment": pa.array([dt.datetime(2023, 1, 2, 3, 4, 5), None, None], pa.timestamp("ns")),
            "zoned": pa.array([dt.datetime(2023, 1, 2, 3, 4, 5), None, None], pa.timestamp("us", "Asia/Shanghai")),
            "money": pa.array([Decimal("1.50"), None, Decimal("2.25")]),
            "word": pa.array(["x", None, "y"]).dictionary_encode(),
            "flag": pa.array([True, None, False]),
        }
    )
    path = tmp_path / "a.parquet"
    path.write_bytes(parquet(table))
    frame, _ = read_file(path, SourceFile(file="a.parquet", table="orders"))
    assert dict(zip(frame.headings, (c[0].as_py() for c in frame.cells), strict=True)) == {
        "whole": "7",
        "big": "9007199254740993",
        "day": "2023-01-02",
        "moment": "2023-01-02T03:04:05",
        "zoned": "2023-01-02T03:04:05+00:00",
        "money": "1.50",
        "word": "x",
        "flag": "true",
    }
    assert all(cells[1].as_py() is None for cells in frame.cells if cells[1].as_py() != "1")
    assert frame.rows.to_pylist() == [2, 3, 4]


def test_nested_parquet_columns_are_refused_by_name(tmp_path: Path) -> None:
    """Catalogue 65."""
    path = tmp_path / "a.parquet"
    path.write_bytes(parquet(pa.table({"many": [[1], [2]]})))
    with pytest.raises(InputError, match=r"a\.parquet: column 'many' is of type list"):
        read_file(path, SourceFile(file="a.parquet", table="orders"))


@pytest.mark.parametrize("hidden", [b"qqqq", b"zzzz"])
def test_a_parquet_whose_text_is_no_utf8_is_damaged(tmp_path: Path, hidden: bytes) -> None:
    """Catalogue 15: in a cell, and in a heading."""
    stream = io.BytesIO()
    pq.write_table(pa.table({"zzzz": ["qqqq"]}), stream, compression="none", store_schema=False)
    path = tmp_path / "a.parquet"
    path.write_bytes(stream.getvalue().replace(hidden, b"q\xff\xfeq"))
    with pytest.raises(InputError, match=r"a\.parquet: damaged or cut-off Parquet file"):
        read_file(path, SourceFile(file="a.parquet", table="orders"))


def test_a_parquet_cut_anywhere_is_an_error_that_names_it(tmp_path: Path) -> None:
    """Fault F8, catalogue 63."""
    path, whole = tmp_path / "a.parquet", parquet(pa.table({"id": list(range(500))}))
    for cut in range(0, len(whole), max(1, len(whole) // 20)):
        path.write_bytes(whole[:cut])
        with pytest.raises(InputError, match=r"a\.parquet"):
            frame, _ = read_file(path, SourceFile(file="a.parquet", table="orders"))
            assert frame.n_records == 0, "an empty file is refused a step later"
            raise InputError("empty", where="a.parquet")


def test_a_gzip_cut_anywhere_is_an_error_that_names_it(tmp_path: Path) -> None:
    """Fault F8, catalogue 20."""
    import gzip

    path, whole = tmp_path / "a.csv.gz", gzip.compress(b"id,amount\n" + b"1,2\n" * 5000)
    for cut in range(1, len(whole), max(1, len(whole) // 20)):
        path.write_bytes(whole[:cut])
        with pytest.raises(InputError, match=r"a\.csv\.gz"):
            read_file(path, SourceFile(file="a.csv.gz", table="orders"))


def test_a_declared_digest_is_kept_to(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"id\n1\n")
    with pytest.raises(InputError, match=r"a\.csv: the file differs from its declared sha256"):
        read_file(tmp_path / "a.csv", SourceFile(file="a.csv", table="orders", sha256="0" * 64))


def test_a_missing_file_is_named_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_bytes(b"id\n1\n")
    with pytest.raises(InputError, match=r"order\.csv: no such file; nearest: orders\.csv"):
        read_file(tmp_path / "order.csv", SourceFile(file="order.csv", table="orders"))


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, monkeypatch) -> None:
    """Catalogue 23."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"id\n1\n")
    read = Path.read_bytes

    def growing(self: Path) -> bytes:
        content = read(self)
        self.write_bytes(content + b"2\n")
        return content

    monkeypatch.setattr(Path, "read_bytes", growing)
    with pytest.raises(InputError, match=r"a\.csv: the file changed while it was read"):
        read_file(path, SOURCE)


def test_a_file_above_the_limit_is_refused_before_reading(tmp_path: Path, monkeypatch) -> None:
    """Catalogue 22, and a gzip bomb."""
    import gzip

    monkeypatch.setattr("crmresearch.cleaning.readers.MAX_BYTES", 1000)
    (tmp_path / "a.csv").write_bytes(b"1\n" * 501)
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"1\n" * 5000))
    with pytest.raises(InputError, match=r"a\.csv: 1,002 bytes, above the limit"):
        read_file(tmp_path / "a.csv", SOURCE)
    with pytest.raises(InputError, match=r"b\.csv\.gz: unpacks to more than"):
        read_file(tmp_path / "b.csv.gz", SOURCE)


MEASURE = """
import json, resource, sys, time
from pathlib import Path
from crmresearch.case import SourceFile
from crmresearch.cleaning.readers import read_file
from crmresearch.errors import InputError
own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in map(Path, sys.argv[1:]):
    begin = time.process_time()
    try:
        read_file(path, SourceFile(file=path.name, table="orders"))
        said = ""
    except InputError as error:
        said = str(error)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - own
    print(json.dumps([path.name, time.process_time() - begin, grown, said]))
"""


def test_bombs_of_other_formats_are_refused_in_time_and_memory(tmp_path: Path) -> None:
    """Catalogue 22 and 53: gzip and Parquet, measured in a process of their own."""
    import gzip
    import json
    import os
    import subprocess
    import sys

    with gzip.open(tmp_path / "a.csv.gz", "wb", compresslevel=1) as stream:
        for _ in range(150):
            stream.write(b" " * 1_000_000)
    table = pa.table({f"c{i}": pa.array([7]).take(pa.array([0] * 1_000_000)) for i in range(30)})
    pq.write_table(table, tmp_path / "a.parquet", compression="zstd")
    files = [str(tmp_path / name) for name in ("a.csv.gz", "a.parquet")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2] / "src")}
    done = subprocess.run([sys.executable, "-c", MEASURE, *files], capture_output=True, check=True, env=environment)
    for name, seconds, kilobytes, said in map(json.loads, done.stdout.splitlines()):
        assert said.startswith(name) and seconds < 5 and kilobytes < 500_000, (name, seconds, kilobytes, said)
