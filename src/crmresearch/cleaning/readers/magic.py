"""What a file is, by its first bytes and by its name."""

from __future__ import annotations

from pathlib import PurePath

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"PAR1", "Parquet"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (.xls) or another OLE file"),
    (0, b"$FL2", "an SPSS file"),
    (0, b"$FL3", "an SPSS file"),
    (0, b"<stata_dta>", "a Stata file"),
    (0, b"SQLite format 3\0", "an SQLite database"),
    (8, b"DUCK", "a DuckDB database"),
    (0, b"%PDF", "a PDF document"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"BZh", "a bzip2 file"),
    (0, b"\xfd7zXZ\0", "an xz file"),
    (0, b"\x28\xb5\x2f\xfd", "a zstd file"),
)

_OLD_STATA = range(0x69, 0x74)
"""First byte of the Stata formats 105 to 115."""

_NAMES = {
    "text": (".csv", ".tsv", ".txt", ".tab", ".dat", ""),
    "Parquet": (".parquet", ".pq"),
    "an Excel workbook (.xlsx)": (".xlsx", ".xlsm"),
    "an old Excel workbook": (".xls", ".xlsb"),
    "an SPSS file": (".sav", ".zsav"),
    "a Stata file": (".dta",),
    "a database": (".db", ".sqlite", ".sqlite3", ".duckdb"),
    "an archive": (".zip", ".7z", ".rar"),
    "a pickle": (".pkl", ".pickle", ".joblib"),
}


def format_of_name(name: str) -> str:
    """Format that a file name promises; text for a suffix that promises nothing."""
    path = PurePath(name.lower())
    suffix = PurePath(path.stem).suffix if path.suffix == ".gz" else path.suffix
    return next((form for form, suffixes in _NAMES.items() if suffix in suffixes), "text")


def format_of_content(data: bytes) -> str:
    """Format that the bytes show: a key of ``FORMATS``, ``gzip``, or what else it is, in words.

    Examples
    --------
    >>> format_of_content(b"id,amount")
    'text'
    >>> format_of_content(b"<!DOCTYPE html><title>Log in</title>")
    'an HTML page'
    """
    for offset, magic, name in _MAGIC:
        if data.startswith(magic, offset):
            return name
    if data.startswith(b"PK\x03\x04"):
        return "an Excel workbook (.xlsx)" if b"xl/" in data[:100_000] + data[-100_000:] else "a zip archive"
    if data[:1] and data[0] in _OLD_STATA and data[1:2] in b"\x01\x02" and data[2:4] == b"\x01\0":
        return "a Stata file"
    if data[:1] == b"\x80" and data[1:2] in b"\x02\x03\x04\x05" and data.endswith(b"."):
        return "a Python pickle, which runs code when it is loaded"
    start = data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "an HTML page"
    if start.startswith(b"<?xml"):
        return "an XML document"
    if start.startswith(b'{"') or start.startswith(b"[{"):
        return "JSON"
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    if not marked and data[:4096].count(0) * 10 > len(data[:4096]):
        return "binary, or UTF-16 without its mark"
    return "text"
