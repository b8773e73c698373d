"""The catalogue of bad inputs: one row, one test, named by its number; outcome, place and ledger asserted.

Outcomes: ``E`` the file is refused, ``Q`` a row or value is set aside, ``N`` a value is normalised,
``W`` a warning stands in the log, ``=`` the rows are accepted as they are.
"""

from __future__ import annotations

import gzip
import io
import pickle
import zipfile
from typing import Any, NamedTuple

import pyarrow.compute as pc
import pytest

from crmresearch.cleaning import Cleaned, clean_files
from crmresearch.errors import CaseError, InputError

HEAD = "id,date,amount\n"
GOOD = "a,2023-01-02,1.50\n"


def rows(*lines: str) -> str:
    return HEAD + GOOD + "".join(f"{line}\n" for line in lines)


def workbook() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return stream.getvalue()


class Bad(NamedTuple):
    number: str
    outcome: str
    content: bytes | str
    expect: tuple[str, ...]
    """E: words of the message. Q: row, column, reason. N, W: rule, then words of its examples. =: values of id."""
    entry: dict[str, Any] = {}  # noqa: RUF012
    case: dict[str, Any] = {}  # noqa: RUF012
    file: str = "orders.csv"


CHINESE = "id,date,amount\n张三,2023-01-02,1.50\n李四,2023-01-03,2.00\n"

A = [
    Bad("1", "E", b"", ("orders.csv", "empty")),
    Bad("2", "E", HEAD, ("orders.csv", "no rows")),
    Bad("2 optional", "W", HEAD, ("EMPTY_FILE",), {"optional": True}),
    Bad("3", "E", " \n\n\t\n", ("orders.csv", "empty")),
    Bad("4", "N", b"\xef\xbb\xbf" + rows().encode(), ("ENCODING", "UTF-8")),
    Bad("4 quoted heading", "N", b'\xef\xbb\xbf"id",date,amount\na,2023-01-02,1\n', ("ENCODING", "UTF-8")),
    Bad("5 little endian", "N", rows().encode("utf-16"), ("ENCODING", "UTF-16")),
    Bad("5 big endian", "N", b"\xfe\xff" + rows().encode("utf-16-be"), ("ENCODING", "UTF-16")),
    Bad("5 unmarked", "E", rows().encode("utf-16-le"), ("orders.csv", "UTF-16 without its mark")),
    Bad("6", "N", CHINESE.encode("gbk"), ("ENCODING", "GB18030")),
    Bad("8", "E", rows("caf\xe9,2023-01-03,1").encode("latin-1"), ("orders.csv, row 3", "neither UTF-8")),
    Bad("9", "N", CHINESE.replace("张", "𠮷").encode("gb18030"), ("ENCODING", "GB18030")),
    Bad("10", "W", rows("繁體中文客戶,2023-01-03,1").encode("big5"), ("ENCODING_DOUBTFUL",)),
    Bad("10 declared", "=", rows("繁體,2023-01-03,1").encode("big5"), ("a", "繁體"), {"encoding": "big5"}),
    Bad("11", "E", CHINESE.encode() + "王五,2023-01-04,1\n".encode("gbk"), ("row 4", "two encodings", "byte 6")),
    Bad("11 reversed", "E", CHINESE.encode("gbk") + "王五先生,2023-01-04,1\n".encode(), ("row 4", "two encodings")),
    Bad("13", "Q", rows("b\x00c,2023-01-03,1"), ("3", "customer_id", "ZERO_BYTE")),
    Bad("14", "N", rows("b\x0bc,2023-01-03,1"), ("TEXT_NORMALISED", "bc")),
    Bad(
        "15", "Q", rows("b?,2023-01-03,1").encode().replace(b"?", b"\xed\xa0\x80"), ("3", "customer_id", "UNDECODABLE")
    ),
    Bad("16", "N", rows("\u200b张\u00a0三\u3000,2023-01-03,1"), ("TEXT_NORMALISED", "张 三")),
    Bad("17", "N", rows("ＡＢ,2023-01-03,1"), ("TEXT_NORMALISED", "AB")),
    Bad("18 workbook as csv", "E", workbook(), ("orders.csv", "Excel workbook", "Formats read")),
    Bad("18 hollow workbook", "E", workbook(), ("orders.xlsx", "damaged workbook"), file="orders.xlsx"),
    Bad("18 csv as workbook", "E", rows(), ("orders.xlsx", "content is text"), file="orders.xlsx"),
    Bad("18 sav as csv", "E", b"$FL2@(#) SPSS DATA FILE", ("orders.csv", "SPSS")),
    Bad("18 zip as csv", "E", b"PK\x03\x04" + b"\0" * 40, ("orders.csv", "zip archive")),
    Bad("18 parquet as csv", "E", b"PAR1" + b"\0" * 40, ("orders.csv", "content is Parquet")),
    Bad("19", "E", "<!DOCTYPE html><title>Log in</title>", ("orders.csv", "HTML page")),
    Bad("20", "E", gzip.compress(rows().encode() * 50)[:-20], ("orders.csv.gz", "gzip"), file="orders.csv.gz"),
    Bad("21", "W", rows("b,2023-01-03,2")[:-1], ("NO_FINAL_NEWLINE", "b,2023")),
    Bad("21 cut in a row", "Q", rows("b,2023-0")[:-1], ("3", "", "TOO_FEW_FIELDS")),
]

B = [
    Bad("25", "E", "id;date;amount\n1;2023-01-02;2,50\n", ("column 'amount'", "'2,50'", "decimal: ','")),
    Bad(
        "25 declared",
        "=",
        "id;date;amount\n1;2023-01-02;2,50\n",
        ("1",),
        {"columns": {"customer_id": "id", "date": "date", "amount": {"heading": "amount", "decimal": ","}}},
    ),
    Bad("27", "E", HEAD + "x,a,2023-01-02,1\n" * 3, ("row 2", "TOO_MANY_FIELDS"), {}, {"max_quarantined_share": 0.2}),
    Bad("28", "Q", rows("b,2023-01-03,1,9"), ("3", "", "TOO_MANY_FIELDS")),
    Bad("29", "Q", rows("b,2023-01-03"), ("3", "", "TOO_FEW_FIELDS")),
    Bad("30", "E", rows('"b,2023-01-03,1', "c,2023-01-04,1"), ("orders.csv, row 3", "quote")),
    Bad("32", "=", HEAD + '"two\nlines",2023-01-02,1\nb,2023-01-03,1\n', ("b", "two lines")),
    Bad("33", "=", rows("b,2023-01-03,1").replace("\n", "\r"), ("a", "b")),
    Bad("34", "E", "id,date,amount,amount\na,2023-01-02,1,2\n", ("orders.csv, row 1", "'amount'", "twice")),
    Bad("35", "N", " ＩＤ ,Date, amount\na,2023-01-02,1\n", ("HEADING_MATCHED", "Date")),
    Bad("36", "E", "id,date,amuont\na,2023-01-02,1\n", ("orders.csv", "'amount'", "nearest: amuont")),
    Bad(
        "36 undeclared",
        "E",
        rows(),
        ("no heading is given for 'amount'",),
        {"columns": {"customer_id": "id", "date": "date"}},
    ),
    Bad("37", "W", "id,date,amount,colour\na,2023-01-02,1,red\n", ("UNKNOWN_COLUMN", "colour")),
    Bad("39", "Q", rows("id,date,amount", "b,2023-01-03,1"), ("3", "", "HEADER_ROW")),
    Bad("40", "Q", rows("合 计,,3.00"), ("3", "", "TOTAL_ROW")),
    Bad("40 english", "Q", rows("Total:,,3.00"), ("3", "", "TOTAL_ROW")),
    Bad("41", "E", "Sales 2023,,\n" + rows(), ("Row 2 looks like the heading", "skip_rows: 1")),
    Bad("41 one cell", "E", "Sales 2023\n" + rows(), ("Row 2 looks like the heading", "skip_rows: 1")),
    Bad("41 declared", "=", "Sales 2023\n" + rows(), ("a",), {"skip_rows": 1}),
]

MONEY = {"customer_id": "id", "date": "date", "amount": {"heading": "amount", "missing": ["-", "n/a"]}}

E_IDS = [
    Bad("74", "=", rows("007,2023-01-03,1"), ("007", "a")),
    Bad(
        "75",
        "=",
        rows("9007199254740993,2023-01-03,1", "9007199254740992,2023-01-04,1"),
        ("9007199254740992", "9007199254740993", "a"),
    ),
    Bad("78", "=", rows("NA,2023-01-03,1", "None,2023-01-03,1", "nan,2023-01-03,1"), ("NA", "None", "a", "nan")),
    Bad("78 declared", "N", rows("b,2023-01-03,n/a"), ("DECLARED_MISSING", "n/a"), {"columns": MONEY}),
    Bad("87", "Q", rows("1.38E+10,2023-01-03,1"), ("3", "customer_id", "SCIENTIFIC_NOTATION")),
]

DAY = {"customer_id": "id", "amount": "amount"}

F = [
    Bad("90", "E", rows("b,01/02/2023,1", "c,13/02/2023,1"), ("column 'date'", "01/02/2023", "13/02/2023", "format")),
    Bad("90 declared", "=", HEAD + "b,01/02/2023,1\nc,13/02/2023,1\n", ("b", "c"),
        {"columns": {**DAY, "date": {"heading": "date", "format": "%d/%m/%Y"}}}),
    Bad("92 no such day", "Q", rows("b,2023-02-30,1"), ("3", "date", "NOT_A_DATE")),
    Bad("92 zeros", "Q", rows("b,0000-00-00,1"), ("3", "date", "NOT_A_DATE")),
    Bad("92 sentinel", "Q", rows("b,9999-12-31,1"), ("3", "date", "AFTER_AS_OF")),
    Bad("92 sentinel before", "Q", rows("b,1899-12-30,1"), ("3", "date", "BEFORE_START")),
    Bad("93 Chinese", "N", rows("b,2023年1月2日,1"), ("DATE_FORM", "2023-01-02")),
    Bad("93 compact", "N", rows("b,20230102,1"), ("DATE_FORM", "2023-01-02")),
    Bad("93 points", "N", rows("b,2023.1.2,1"), ("DATE_FORM", "2023-01-02")),
    Bad("94", "E", rows("b,2/1/68,1"), ("column 'date'", "two digits", "2/1/68")),
    Bad("94 without as_of", "E", HEAD + "b,2/1/68,1\n", ("%y", "as_of"),
        {"columns": {**DAY, "date": {"heading": "date", "format": "%d/%m/%y"}}}),
    Bad("95", "N", rows("b,2023-01-02T23:30:00+00:00,1", "c,2023-01-02 23:30,1"), ("ZONE_CONVERTED", "2023-01-03"),
        {}, {"time_zone": "Asia/Shanghai"}),
    Bad("95 unknown zone", "E", rows(), ("time_zone", "Mars/Olympus"), {}, {"time_zone": "Mars/Olympus"}),
    Bad("98 future", "Q", rows("b,2024-01-01,1"), ("3", "date", "AFTER_AS_OF"), {}, {"as_of": "2023-12-31"}),
    Bad("98 too early", "Q", rows("b,2022-12-31,1"), ("3", "date", "BEFORE_START"), {}, {"starts": "2023-01-01"}),
]  # fmt: skip

G = [
    Bad("103 thousands", "N", rows('b,2023-01-03,"1,234.50"'), ("NUMBER_FORM", "1234.50")),
    Bad("103 other mark", "Q", rows('b,2023-01-03,"2,5"', "c,2023-01-03,2.75"), ("3", "amount", "NOT_A_NUMBER")),
    Bad("104 yuan sign", "N", rows("b,2023-01-03,¥100"), ("NUMBER_FORM", "100.00")),
    Bad("104 yuan", "N", rows("b,2023-01-03,100元"), ("NUMBER_FORM", "100.00")),
    Bad("104 ten thousand", "N", rows("b,2023-01-03,1.2万"), ("NUMBER_FORM", "12000.00")),
    Bad("104 unknown unit", "Q", rows("b,2023-01-03,12箱"), ("3", "amount", "UNKNOWN_UNIT")),
    Bad("104 percent", "Q", rows("b,2023-01-03,10%"), ("3", "amount", "UNKNOWN_UNIT")),
    Bad("106", "N", rows("b,2023-01-03,１２．５"), ("TEXT_NORMALISED", "12.5")),
    Bad("107", "W", rows("b,2023-01-03,-5"), ("NEGATIVE_AMOUNT",)),
    Bad("108", "W", rows("b,2023-01-03,0"), ("ZERO_AMOUNT",)),
    Bad("109 nan", "Q", rows("b,2023-01-03,NaN"), ("3", "amount", "NOT_A_NUMBER")),
    Bad("109 inf", "Q", rows("b,2023-01-03,inf"), ("3", "amount", "NOT_A_NUMBER")),
    Bad("109 1e400", "Q", rows("b,2023-01-03,1e400"), ("3", "amount", "SCIENTIFIC_NOTATION")),
    Bad("112", "E", rows("b,2023-01-03,$5", "c,2023-01-03,€5"), ("column 'amount'", "two currencies")),
    Bad("112 declared", "E", rows("b,2023-01-03,$5"), ("column 'amount'", "CNY"), {}, {"currency": "CNY"}),
    Bad("116 without id", "W", rows(GOOD.strip()), ("DUPLICATE_ROWS", "row 3")),
    Bad("unit unknown", "E", rows(), ("unknown unit '万员'", "万元"),
        {"columns": {"customer_id": "id", "date": "date", "amount": {"heading": "amount", "unit": "万员"}}}),
    Bad("unit", "N", rows("b,2023-01-03,2"), ("UNIT", "20000.00"),
        {"columns": {"customer_id": "id", "date": "date", "amount": {"heading": "amount", "unit": "万元"}}}),
    Bad("166", "E", pickle.dumps({"a": 1}), ("orders.csv", "pickle")),
]  # fmt: skip


@pytest.mark.parametrize("bad", [*A, *B, *E_IDS, *F, *G], ids=lambda bad: f"#{bad.number}")
def test_bad_input(bad: Bad, make) -> None:
    case = make({bad.file: bad.content}, {bad.file: bad.entry}, **bad.case)
    if bad.outcome == "E":
        with pytest.raises((InputError, CaseError)) as caught:
            clean_files(case)
        assert not [word for word in bad.expect if word not in str(caught.value)], str(caught.value)
        assert caught.value.repair
        return
    cleaned = clean_files(case)
    check_ledger(cleaned)
    if bad.outcome == "Q":
        row, column, reason = bad.expect
        assert found(cleaned, reason) == [(bad.file, int(row), column)]
        assert cleaned.ledger["rows_quarantined"].to_pylist() == [1]
    elif bad.outcome == "=":
        assert cleaned.quarantine.num_rows == 0
        assert sorted(cleaned.tables["orders"]["customer_id"].to_pylist()) == sorted(bad.expect)
    else:
        rule, *words = bad.expect
        lines = [line for line in cleaned.log.to_pylist() if line["rule"] == rule]
        assert lines, cleaned.log.to_pylist()
        assert {line["severity"] for line in lines} == {"warning" if bad.outcome == "W" else "normalised"}
        assert not [word for word in words if not any(word in line["examples"] for line in lines)], lines


def found(cleaned: Cleaned, reason: str) -> list[tuple[str, int, str]]:
    entries = cleaned.quarantine.filter(pc.equal(cleaned.quarantine["reason"], reason)).to_pylist()
    return [(e["source_file"], e["source_row"], e["column"]) for e in entries]


def check_ledger(cleaned: Cleaned) -> None:
    for line in cleaned.ledger.to_pylist():
        assert line["rows_in"] == line["rows_kept"] + line["rows_quarantined"] + line["rows_merged"]
        if line["amount_in"] is not None:
            assert line["amount_in"] == line["amount_kept"] + line["amount_quarantined"] + line["amount_merged"]
        kept = cleaned.tables[line["table"]]
        assert line["rows_kept"] == kept["source_file"].to_pylist().count(line["source_file"])
