"""The catalogue of bad inputs: one row, one test, named by its number; outcome, place and ledger asserted.

Outcomes: ``E`` the file is refused, ``Q`` a row or value is set aside, ``N`` a value is normalised,
``W`` a warning stands in the log, ``=`` the rows are accepted as they are.
"""

from __future__ import annotations

import gzip
import pickle
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from crmresearch.cleaning import Cleaned, clean_files
from crmresearch.errors import CaseError, InputError
from tests.cleaning.bombs import far_cell, many_blanks, many_parts, with_entities, zip_bomb
from tests.cleaning.files import (
    SECOND,
    XLSX,
    added,
    book,
    database,
    hollow,
    parquet,
    sav,
    second_sheet,
)

HEAD = "id,date,amount\n"
GOOD = "a,2023-01-02,1.50\n"


def rows(*lines: str) -> str:
    return HEAD + GOOD + "".join(f"{line}\n" for line in lines)


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
    Bad("18 workbook as csv", "E", hollow(), ("orders.csv", "Excel workbook", "Formats read")),
    Bad("18 hollow workbook", "E", hollow(), ("orders.xlsx", "not a workbook that can be read"), file="orders.xlsx"),
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
    Bad(
        "77",
        "=",
        HEAD + "".join(f"{i},2023-01-02,1\n" for i in range(2_500)) + "x,2023-01-02,1\n",
        ("x", *map(str, range(2_500))),
    ),
    Bad("78", "=", rows("NA,2023-01-03,1", "None,2023-01-03,1", "nan,2023-01-03,1"), ("NA", "None", "a", "nan")),
    Bad("78 declared", "N", rows("b,2023-01-03,n/a"), ("DECLARED_MISSING", "n/a"), {"columns": MONEY}),
    Bad("87", "Q", rows("1.38E+10,2023-01-03,1"), ("3", "customer_id", "SCIENTIFIC_NOTATION")),
]

DAY = {"customer_id": "id", "amount": "amount"}
ORDERS = {**DAY, "date": "date"}

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
    Bad("92 declared missing", "Q", rows("b,9999-12-31,1"), ("3", "date", "MISSING_VALUE"),
        {"columns": {**DAY, "date": {"heading": "date", "missing": ["9999-12-31"]}}}),
    Bad("93 month", "N", rows("b,2023年5月,1"), ("MONTH_ONLY", "2023-05-01")),
    Bad("93 last of month", "N", rows("b,2024年2月,1"), ("MONTH_ONLY", "2024-02-29"),
        {"columns": {**DAY, "date": {"heading": "date", "month_as": "last day"}}}),
    Bad("93 month cut", "Q", rows("b,2023.1,1"), ("3", "date", "MONTH_DOUBTFUL")),
    Bad("97", "=", rows("b,2023-03-26 02:30:00,1", "c,2023-10-29 02:30:00,1"), ("a", "b", "c"), {},
        {"time_zone": "Europe/Berlin"}),
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
    Bad("107 quantity", "N", "id,date,amount,n\na,2023-01-02,5,-2\n", ("RETURN_SIGN",),
        {"columns": {**ORDERS, "quantity": "n"}}),
    Bad("107 type", "N", "id,date,amount,type\na,2023-01-02,5,退货\n", ("RETURN_SIGN",),
        {"columns": {**ORDERS, "type": "type"}}),
    Bad("107 linked", "N", rows("a,2023-01-03,-1.50"), ("RETURN_LINKED",)),
    Bad("107 not linked", "W", rows("a,2023-01-03,-7"), ("RETURN_UNLINKED",)),
    Bad("107 cancelled", "Q", "id,date,amount,type\na,2023-01-02,5,sale\nb,2023-01-02,5,已取消\n",
        ("3", "type", "CANCELLED"), {"columns": {**ORDERS, "type": "type"}}),
    Bad("108", "W", rows("b,2023-01-03,0"), ("ZERO_AMOUNT",)),
    Bad("109 nan", "Q", rows("b,2023-01-03,NaN"), ("3", "amount", "NOT_A_NUMBER")),
    Bad("109 inf", "Q", rows("b,2023-01-03,inf"), ("3", "amount", "NOT_A_NUMBER")),
    Bad("109 1e400", "Q", rows("b,2023-01-03,1e400"), ("3", "amount", "SCIENTIFIC_NOTATION")),
    Bad("112", "E", rows("b,2023-01-03,$5", "c,2023-01-03,€5"), ("column 'amount'", "two currencies")),
    Bad("112 declared", "E", rows("b,2023-01-03,$5"), ("column 'amount'", "CNY"), {}, {"currency": "CNY"}),
    Bad("116 without id", "W", rows(GOOD.strip()), ("DUPLICATE_ROWS", "row 3")),
    Bad("unit unknown", "E", rows(), ("unknown unit '万员'", "万元"),
        {"columns": {"customer_id": "id", "date": "date", "amount": {"heading": "amount", "unit": "万员"}}}),
    Bad("104 unit in the heading", "E", "id,date,金额(万元)\na,2023-01-02,1.5\n",
        ("column '金额(万元)'", "the heading says 万元, no unit is declared", "unit: 万元"),
        {"columns": {**ORDERS, "amount": "金额(万元)"}}),
    Bad("104 tax in the heading", "E", "id,date,金额(不含税)\na,2023-01-02,1.5\n",
        ("column '金额(不含税)'", "tax is excluded", "tax: excluded"),
        {"columns": {**ORDERS, "amount": "金额(不含税)"}}),
    Bad("104 measure in the heading", "E", "id,date,amount,数量(箱)\na,2023-01-02,1.5,3\n",
        ("column '数量(箱)'", "the heading says 箱", "unit: 箱"), {"columns": {**ORDERS, "quantity": "数量(箱)"}}),
    Bad("unit", "N", rows("b,2023-01-03,2"), ("UNIT", "20000.00"),
        {"columns": {"customer_id": "id", "date": "date", "amount": {"heading": "amount", "unit": "万元"}}}),
    Bad("166", "E", pickle.dumps({"a": 1}), ("orders.csv", "pickle")),
]  # fmt: skip


ASKED = {"connection": "CRM_TEST_DATABASE", "query": "SELECT * FROM sales ORDER BY id"}
SPSS = {"id": ["a", "b"], "date": ["2023-01-02", "2023-01-03"], "amount": [1.5, 2.0]}

C = [
    Bad("42", "Q", book([*XLSX, [12345678901234567890, "2023-01-03", 2]]),
        ("3", "customer_id", "SCIENTIFIC_NOTATION"), file="o.xlsx"),
    Bad("43", "=", book([*XLSX, ["007", "2023-01-03", 2]]), ("007", "a"), file="o.xlsx"),
    Bad("44", "W", book(XLSX, lambda w, s: (s.write(2, 0, 7, w.add_format({"num_format": "000"})),
                                           s.write_row(2, 1, ["2023-01-03", 2]))), ("ZERO_FORMAT",), file="o.xlsx"),
    Bad("44 width", "N", book([*XLSX, [7, "2023-01-03", 2]]), ("ZERO_PADDED", "007"),
        {"columns": {**ORDERS, "customer_id": {"heading": "id", "width": 3}}}, file="o.xlsx"),
    Bad("45", "Q", book([*XLSX, SECOND], lambda w, s: s.write_formula("C3", "=C2+1", None, "")),
        ("3", "amount", "FORMULA_NO_VALUE"), file="o.xlsx"),
    Bad("45 error cell", "Q", book([*XLSX, SECOND], lambda w, s: s.write_formula("C3", "=1/0", None, "#DIV/0!")),
        ("3", "amount", "ERROR_CELL"), file="o.xlsx"),
    Bad("47 heading", "E", book([["id", "", ""], ["a", "date", "amount"], SECOND],
                                lambda w, s: s.merge_range("B1:C1", "sale")),
        ("o.xlsx, sheet '2023', row 1", "'sale' spans 2 columns", "heading_rows: 2"), file="o.xlsx"),
    Bad("47", "Q", book([*XLSX, ["b", "2023-01-03", 2], ["", "2023-01-03", 3]],
                        lambda w, s: s.merge_range("A3:A4", "b")), ("4", "customer_id", "MERGED_CELL"), file="o.xlsx"),
    Bad("48 rows", "W", book([*XLSX, SECOND], lambda w, s: s.set_row(2, None, None, {"hidden": True})),
        ("HIDDEN_ROWS",), file="o.xlsx"),
    Bad("48 sheet", "W", book(XLSX, second_sheet("old", [["x"]], hidden=True)),
        ("HIDDEN_SHEETS", "old"), file="o.xlsx"),
    Bad("49", "E", book([["notes"], ["see the next sheet"]], second_sheet("sales", XLSX)),
        ("o.xlsx", "the sheet 'sales'", "sheet: sales"), file="o.xlsx"),
    Bad("49 several", "E", book(XLSX, second_sheet("2024", XLSX)), ("several sheets: '2023', '2024'",), file="o.xlsx"),
    Bad("49 unknown sheet", "E", book(XLSX), ("no sheet '2022'", "'2023'"), {"sheet": "2022"}, file="o.xlsx"),
    Bad("50", "N", book([*XLSX, ["b", 45000, 2]]), ("EXCEL_SERIAL", "2023-03-15"), file="o.xlsx"),
    Bad("50 text", "N", rows("b,45000,2"), ("EXCEL_SERIAL", "2023-03-15")),
    Bad("50 from 1904", "N", book([*XLSX, ["b", 43538, 2]], date_1904=True), ("EXCEL_SERIAL", "2023-03-15"),
        file="o.xlsx"),
    Bad("50 out of bounds", "Q", rows("b,99999,2"), ("3", "date", "NOT_A_DATE")),
    Bad("52", "E", far_cell(), ("o.xlsx", "XFD1048576", "1,048,576 rows and 16,384 columns"), file="o.xlsx"),
    Bad("53", "E", zip_bomb(), ("o.xlsx", "unpack", "zip bomb"), file="o.xlsx"),
    Bad("53 parts", "E", many_parts(), ("o.xlsx", "parts, above the limit"), file="o.xlsx"),
    Bad("54", "E", many_blanks(), ("o.xlsx", "zip bomb, or a sheet of blanks"), file="o.xlsx"),
    Bad("55", "E", with_entities(book(XLSX)), ("o.xlsx", "defines entities"), file="o.xlsx"),
    Bad("57 macros", "W", added(book(XLSX), "xl/vbaProject.bin", b"x"), ("MACROS",), file="o.xlsm"),
    Bad("57 links", "W", added(book(XLSX), "xl/externalLinks/externalLink1.xml", b"<a/>"), ("EXTERNAL_LINKS",),
        file="o.xlsx"),
    Bad("18 cut workbook", "E", book(XLSX)[:-200], ("o.xlsx", "damaged or cut-off workbook"), file="o.xlsx"),
    Bad("1 empty workbook", "E", b"", ("o.xlsx", "empty"), file="o.xlsx"),
    Bad("2 empty sheet", "E", book([]), ("o.xlsx", "empty"), file="o.xlsx"),
    Bad("2 workbook heading only", "E", book(XLSX[:1]), ("o.xlsx", "no rows"), file="o.xlsx"),
    Bad("34 workbook", "E", book([["id", "date", "amount", "Amount "], ["a", "2023-01-02", 1, 2]]),
        ("o.xlsx, sheet '2023', row 1", "'Amount' stands twice"), file="o.xlsx"),
    Bad("40 workbook", "Q", book([*XLSX, ["合计", "", 1.5]]), ("3", "", "TOTAL_ROW"), file="o.xlsx"),
    Bad("41 workbook", "E", book([["Sales"], *XLSX]), ("Row 2 looks like the heading", "skip_rows: 1"), file="o.xlsx"),
    Bad("41 two rows", "E", "sale,,\n,when,\nid,date,amount\na,2023-01-02,1\n", ("skip_rows: 2",)),
]  # fmt: skip
MISNAMED = (
    sav(SPSS | {"id": ["x" * 8, "b"]}).replace(b"UTF-8", b"CP819").replace(b"x" * 8, "张三李四".encode("gb18030"))
)
"""An SPSS file whose text is GB18030 and which says that it is Latin-1."""

D = [
    Bad("59", "N", sav(SPSS | {"amount": [1.5, 99.0]}, missing_ranges={"amount": [99]},
                       variable_value_labels={"amount": {99: "拒答"}}), ("USER_MISSING", "99 拒答"), file="o.sav"),
    Bad("61", "W", MISNAMED, ("ENCODING_DOUBTFUL",), file="o.sav"),
    Bad("61 declared", "=", MISNAMED, ("b", "张三李四"), {"encoding": "gb18030"}, file="o.sav"),
    Bad("62", "E", sav(SPSS)[:-30], ("o.sav", "cut-off"), file="o.sav"),
    Bad("62 header only", "E", b"$FL2@(#) SPSS DATA FILE", ("o.sav", "damaged"), file="o.sav"),
    Bad("63 empty", "E", b"", ("o.parquet", "empty"), file="o.parquet"),
    Bad("63 footerless", "E", b"PAR1" + b"x" * 50, ("o.parquet", "Parquet"), file="o.parquet"),
    Bad("65", "E", parquet(pa.table({"id": [[1]], "date": ["2023-01-02"], "amount": [1]})),
        ("o.parquet", "column 'id' is of type list"), file="o.parquet"),
    Bad("67", "E", database(), ("sales", "no such table: sale", "nearest: sales"),
        {**ASKED, "query": "SELECT * FROM sale"}, file="a.db"),
    Bad("70", "E", b"x" * 8 + b"DUCK" + b"x" * 50, ("a.duckdb", "a DuckDB database"), file="a.duckdb"),
    Bad("71", "Q", database(("a", "2023-01-02", 1), ("b", "2023-01-03", "one")), ("3", "amount", "NOT_A_NUMBER"),
        ASKED, file="a.db"),
    Bad("72", "E", database(), ("a.db", "no rows"), ASKED, file="a.db"),
    Bad("73", "N", database(("b", "2023-01-02", 1), ("a", "2023-01-03", 2)), ("NO_ORDER",),
        {**ASKED, "query": "SELECT * FROM sales"}, file="a.db"),
    Bad("169", "E", database(("a", "2023-01-02", 1)), ("not one SELECT",),
        {**ASKED, "query": "SELECT 1; DROP TABLE sales"}, file="a.db"),
]  # fmt: skip


@pytest.mark.parametrize("bad", [*A, *B, *C, *D, *E_IDS, *F, *G], ids=lambda bad: f"#{bad.number}")
def test_bad_input(bad: Bad, make, monkeypatch) -> None:
    monkeypatch.setenv("CRM_TEST_DATABASE", f"sqlite:///{bad.file}")
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
