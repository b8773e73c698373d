"""Proposals: what was guessed loads and cleans; what was not is asked for by name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from crmresearch.case import Case, Project, load_case
from crmresearch.cleaning import clean_files, propose_case, receipt
from crmresearch.errors import CaseError, InputError

RAW = Path(__file__).resolve().parents[2] / "data" / "raw"


def propose(tmp_path: Path, name: str, files: list[Path]) -> tuple[str, Case]:
    folder = tmp_path / "data" / "raw" / name
    folder.mkdir(parents=True)
    text = propose_case(name, files)
    (folder / "case.yaml").write_text(text, encoding="utf-8")
    for file in files:
        shutil.copy(file, folder)
    return text, load_case(Project(tmp_path), name)


def write(tmp_path: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    (tmp_path / name).write_bytes(text.encode(encoding))
    return tmp_path / name


@pytest.mark.parametrize(
    ("file", "table", "columns", "studies"),
    [
        (
            "cdnow/CDNOW_master.txt.gz",
            "orders",
            {"customer_id": "customer_id", "date": "date", "quantity": "number_of_cds", "amount": "dollar_value"},
            {"value_indicators", "segment_profile"},
        ),
        ("ecsi_mobile/mobi.csv", "survey", {"respondent_id": ""}, {"satisfaction_loyalty"}),
        ("telco_churn/wa_churn.csv", "customers", {"customer_id": "rownames"}, set()),
    ],
    ids=["cdnow", "ecsi_mobile", "telco_churn"],
)
def test_the_built_in_files_are_recognised(tmp_path: Path, file, table, columns, studies) -> None:
    text, case = propose(tmp_path, "mine", [RAW / file])
    [source] = case.file.files
    assert source.table == table
    found = {name: column.heading for name, column in source.columns.items() if column.kind is None}
    assert found == columns
    assert set(case.file.studies) == studies
    assert "# ??" in text and "0.9" in text or "0.6" in text or "0.4" in text
    cleaned = clean_files(case)
    assert cleaned.ledger["rows_in"].to_pylist() == cleaned.ledger["rows_kept"].to_pylist()


def test_chinese_headings_units_and_currency(tmp_path: Path) -> None:
    content = "订单号,客户编码,下单日期,品名,数量,金额（万元）\nA1,C01,2023年1月2日,PE,3,¥1.2\nA2,C02,2023.1.3,PP,4,2.5\n"
    text, case = propose(tmp_path, "销售", [write(tmp_path, "销售.csv", content, "gb18030")])
    [source] = case.file.files
    assert {name: column.heading for name, column in source.columns.items()} == {
        "order_id": "订单号",
        "customer_id": "客户编码",
        "date": "下单日期",
        "product": "品名",
        "quantity": "数量",
        "amount": "金额（万元）",
    }
    assert source.columns["amount"].unit == "万元" and case.file.currency == "CNY"
    assert "the heading says 万元" in text
    assert str(case.file.as_of) == "2023-01-03"
    assert [str(v) for v in clean_files(case).tables["orders"]["amount"].to_pylist()] == ["12000.00", "25000.00"]


def test_day_and_month_are_told_apart_by_a_proof_or_asked_for(tmp_path: Path) -> None:
    head = "customer,order date,total\n"
    text, case = propose(tmp_path, "proof", [write(tmp_path, "a.csv", head + "a,1/2/2023,5\nb,13/2/2023,6.5\n")])
    assert case.file.files[0].columns["date"].format == "%d/%m/%Y"
    assert "'13/2/2023' shows the order" in text
    text, case = propose(tmp_path, "asked", [write(tmp_path, "b.csv", head + "a,1/2/2023,5\nb,3/2/2023,6.5\n")])
    assert "?? format: %d/%m/%Y or %m/%d/%Y?" in text
    with pytest.raises(InputError, match="day and month can change places"):
        clean_files(case)


def test_what_was_not_found_is_named_on_loading(tmp_path: Path) -> None:
    content = "customer,order date,order id,colour\na,2023-01-02,1,red\nb,2023-01-02,2,red\n"
    with pytest.raises(CaseError, match=r"files\.0\.columns\.amount"):
        propose(tmp_path, "gap", [write(tmp_path, "a.csv", content)])
    text = (tmp_path / "data" / "raw" / "gap" / "case.yaml").read_text(encoding="utf-8")
    assert 'amount: ""  # ?? its heading; columns not used: "colour"' in text


def test_decimal_commas_are_seen(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "customer;order date;total\na;2023-01-02;1,5\nb;2023-01-03;1.234,5\n")
    _, case = propose(tmp_path, "comma", [path])
    assert case.file.files[0].columns["amount"].decimal == ","
    assert [str(v) for v in clean_files(case).tables["orders"]["amount"].to_pylist()] == ["1.50", "1234.50"]


def test_headings_cannot_break_the_yaml(tmp_path: Path) -> None:
    content = 'customer,"a: b # c",{x},"it\'s ""q"" \\n",customer_id2\n' + "".join(f"c{i},1,2,3,4\n" for i in range(3))
    _, case = propose(tmp_path, "odd", [write(tmp_path, "a.csv", content)])
    headings = {column.heading for column in case.file.files[0].columns.values()}
    assert {"a: b # c", "{x}", 'it\'s "q" \\n'} <= headings


def test_an_empty_file_and_a_workbook_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.csv: the file has no rows"):
        propose_case("x", [write(tmp_path, "a.csv", "id\n")])
    with pytest.raises(InputError, match=r"a\.xlsx"):
        propose_case("x", [write(tmp_path, "a.xlsx", "id\n1\n")])


def test_the_receipt_accounts_for_every_row(make) -> None:
    content = "id,date,amount,colour\na,2023-01-02,1.50,red\nb,2023-02-30,2,red\n"
    assert receipt(clean_files(make({"o.csv": content}))).splitlines() == [
        "o.csv → orders",
        "  rows     2 in = 1 kept + 1 quarantined + 0 merged",
        "  amounts  3.50 in = 1.50 kept + 2.00 quarantined + 0.00 merged",
        "Set aside",
        "  1 × NOT_A_DATE: not a date of the calendar in an accepted form",
        "    first: o.csv, row 3, column date: '2023-02-30'",
        "Warnings",
        "  o.csv: 1 columns of the file that no table column uses ('colour')".replace("'", ""),
        "Normalised: none",
    ]
