"""Units, tax and measures: declared, held against heading and size; asked for, never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmresearch.case import Project, load_case
from crmresearch.cleaning import clean_files, propose_case
from crmresearch.cleaning.measures import heading_measure, heading_tax, heading_unit
from crmresearch.errors import InputError

PLAIN = {"customer_id": "id", "date": "date"}
LINES = [(i, 10 + i, 7000.0) for i in range(8)]


def orders(make, heading: str, lines: list[str], amount: dict, more: dict | None = None, **case):
    content = f"id,date,{heading}\n" + "".join(f"c{i},2023-01-{i + 1:02},{line}\n" for i, line in enumerate(lines))
    return make({"o.csv": content}, {"o.csv": {"columns": {**PLAIN, "amount": amount, **(more or {})}}}, **case)


@pytest.mark.parametrize(
    ("heading", "unit"),
    [
        ("金额(万元)", "万元"),
        ("金额（万元）", "万元"),
        ("价税合计/元", "元"),
        ("销售额:千元", "千元"),
        ("金额(人民币万元)", "万元"),
        ("单价(元/吨)", "元"),
        ("单价(万元/吨)", "万元"),
        ("金额万元", "万元"),
        ("万科订单金额", ""),
        ("金额", ""),
        ("amount", ""),
    ],
)
def test_units_in_headings(heading: str, unit: str) -> None:
    assert heading_unit(heading) == unit


def test_measures_and_tax_in_headings() -> None:
    assert [heading_measure(h) for h in ("数量(吨)", "数量（箱）", "重量/KG", "销量(万吨)", "数量")] == [
        *("吨", "箱", "kg", "万吨", ""),
    ]
    assert [heading_tax(h) for h in ("金额(不含税)", "含税金额", "未税额", "价税合计", "金额")] == [
        *("excluded", "included", "excluded", "included", ""),
    ]


@pytest.mark.parametrize(
    ("heading", "declared", "words"),
    [
        ("金额(万元)", {}, "the heading says 万元, no unit is declared"),
        ("金额(万元)", {"unit": "元"}, "the heading says 万元, '元' is declared"),
        ("金额(元)", {"unit": "万元"}, "the heading says 元, '万元' is declared"),
        ("金额(不含税)", {}, "tax is excluded, nothing is declared"),
        ("含税金额", {"tax": "excluded"}, "tax is included, tax: excluded is declared"),
    ],
)
def test_a_heading_that_says_otherwise_stops_the_file_until_confirmed(make, heading, declared, words) -> None:
    with pytest.raises(InputError, match=words) as caught:
        clean_files(orders(make, heading, ["1.5"], {"heading": heading, **declared}))
    assert f"o.csv, column {heading!r}" in str(caught.value) and "confirmed: true" in caught.value.repair
    cleaned = clean_files(orders(make, heading, ["1.5"], {"heading": heading, **declared, "confirmed": True}))
    factor = 10_000 if declared.get("unit") == "万元" else 1
    assert [float(v) for v in cleaned.tables["orders"]["amount"].to_pylist()] == [1.5 * factor]


def test_what_is_declared_is_stored(make) -> None:
    content = "id,date,金额(万元),数量(万吨)\na,2023-01-02,1.5,0.2\nb,2023-01-02,1,3万吨\n"
    columns = {
        **PLAIN,
        "amount": {"heading": "金额(万元)", "unit": "万元", "tax": "excluded"},
        "quantity": {"heading": "数量(万吨)", "unit": "万吨"},
    }
    cleaned = clean_files(make({"o.csv": content}, {"o.csv": {"columns": columns}}))
    kept = cleaned.tables["orders"].select(["amount", "quantity", "unit", "tax_included"]).to_pylist()
    assert [(float(r["amount"]), r["quantity"], r["unit"], r["tax_included"]) for r in kept] == [
        (15000.0, 2000.0, "吨", False)
    ]
    assert [(e["source_row"], e["reason"]) for e in cleaned.quarantine.to_pylist()] == [(3, "UNKNOWN_UNIT")]


def test_a_cell_may_repeat_the_declared_measure_and_no_other(make) -> None:
    case = orders(make, "金额,n", ["1,3箱", "1,4", "1,5吨"], "金额", {"quantity": {"heading": "n", "unit": "箱"}})
    cleaned = clean_files(case)
    assert cleaned.tables["orders"]["quantity"].to_pylist() == [3.0, 4.0]
    assert [(e["source_row"], e["column"], e["reason"]) for e in cleaned.quarantine.to_pylist()] == [
        (4, "quantity", "UNKNOWN_UNIT")
    ]


@pytest.mark.parametrize(
    ("amounts", "declared"),
    [
        ([q * p / 10_000 for _, q, p in LINES], {}),
        ([q * p for _, q, p in LINES], {"unit": "万元"}),
    ],
)
def test_amounts_that_are_not_price_times_quantity_stop_the_file(make, amounts, declared) -> None:
    lines = [f"{amount},{q},{p}" for amount, (_, q, p) in zip(amounts, LINES, strict=True)]
    more = {"quantity": "n", "price": "p"}
    with pytest.raises(InputError, match=r"about (0\.0001|10,000) times price × quantity"):
        clean_files(orders(make, "x,n,p", lines, {"heading": "x", **declared}, more))
    cleaned = clean_files(orders(make, "x,n,p", lines, {"heading": "x", **declared, "confirmed": True}, more))
    assert cleaned.ledger["rows_kept"].to_pylist() == [8]


def test_sizes_that_do_not_fit_the_unit_stop_the_file(make) -> None:
    large = [f"{12000 + i}.35" for i in range(8)]
    with pytest.raises(InputError, match="in 万元 the middle value would be 120,038,500"):
        clean_files(orders(make, "金额(万元)", large, {"heading": "金额(万元)", "unit": "万元"}))
    fine = [f"1.{2345 + i}" for i in range(8)]
    with pytest.raises(InputError, match="8 of 8 values have more than two decimals"):
        clean_files(orders(make, "金额(元)", fine, "金额(元)"))
    assert clean_files(orders(make, "金额", fine, "金额")).ledger["rows_kept"].to_pylist() == [8]


def test_two_files_of_one_table_ten_thousand_times_apart_stop(make) -> None:
    content = [
        "id,date,amount\n" + "".join(f"{name}{i},2023-01-02,{i + 1}{zeros}\n" for i in range(6))
        for name, zeros in (("a", ""), ("b", "0000"))
    ]
    files = {"a.csv": content[0], "b.csv": content[1]}
    with pytest.raises(
        InputError, match=r"a\.csv, column 'amount': the middle value of 'amount' is 3.50 here and 35,000"
    ):
        clean_files(make(files))
    columns = {**PLAIN, "amount": {"heading": "amount", "unit": "万元"}}
    cleaned = clean_files(make(files, {"a.csv": {"columns": columns}}))
    assert cleaned.ledger["rows_kept"].to_pylist() == [6, 6]


def test_mixed_tax_bases_and_measures_are_warned_of(make) -> None:
    lines = ["1,是,吨", "2,否,箱", "3,是,吨"]
    cleaned = clean_files(orders(make, "x,税,m", lines, "x", {"tax_included": "税", "unit": "m"}))
    found = {n["rule"]: (n["count"], n["examples"]) for n in cleaned.log.to_pylist() if n["severity"] == "warning"}
    assert found == {"TAX_MIXED": (1, ""), "UNITS_MIXED": (1, "吨 2; 箱 1")}


def test_a_proposal_declares_what_the_heading_says(tmp_path: Path) -> None:
    content = "客户编码,日期,数量(吨),单价(元/吨),不含税金额(万元)\n"
    content += "".join(f"C{i},2023-01-{i + 1:02},{q},{p},{q * p / 10_000}\n" for i, q, p in LINES)
    folder = tmp_path / "data" / "raw" / "mine"
    folder.mkdir(parents=True)
    for place in (tmp_path, folder):
        (place / "销售.csv").write_text(content, encoding="gb18030")
    text = propose_case("mine", [tmp_path / "销售.csv"])
    (folder / "case.yaml").write_text(text, encoding="utf-8")
    case = load_case(Project(tmp_path), "mine")
    [source] = case.file.files
    assert (source.columns["amount"].unit, source.columns["amount"].tax) == ("万元", "excluded")
    assert source.columns["quantity"].unit == "吨" and "the heading says 万元: are the cells in 万元?" in text
    orders_ = clean_files(case).tables["orders"]
    assert set(orders_["tax_included"].to_pylist()) == {False} and set(orders_["unit"].to_pylist()) == {"吨"}
