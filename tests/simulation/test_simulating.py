"""The case folder: the same bytes for a seed, its mark everywhere, its ledger true, its truth consistent."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from python_calamine import CalamineWorkbook

from crmresearch.case import Case, Project, load_case
from crmresearch.cleaning import clean_case
from crmresearch.errors import UsageError
from crmresearch.simulation import World, simulate_case
from crmresearch.simulation.records import plain_address, plain_phone
from crmresearch.simulation.sheets import MARK
from crmresearch.tables import TABLES

SEED, N = 7, 90
FULL_WIDTH = re.compile("[０-９]")
TRADITIONAL = re.compile("[業礦產總廣東蘇遼嵐鑠鈺鳶頌澤嶸礪硯澐楓霽疇塗膠纖維貿電學團責裝瀝]")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("project")
    for folder in ("data/raw", "data/processed", "notebooks"):
        (root / folder).mkdir(parents=True)
    simulate_case(root / "data/raw/petrochemical", seed=SEED, n_customers=N)
    return Project(root)


@pytest.fixture(scope="module")
def case(project: Project) -> Case:
    return load_case(project, "petrochemical")


@pytest.fixture(scope="module")
def sheets(case: Case) -> dict[str, list[dict[str, str]]]:
    """File → rows, read without our own readers."""
    found = {}
    for source in case.file.files:
        if source.file.endswith(".xlsx"):
            rows = whole_book(case.folder / source.file)[source.skip_rows :]
            found[source.file] = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
            continue
        text = (
            (case.folder / source.file).read_bytes().decode("gb18030" if is_gb18030(case, source.file) else "utf-8-sig")
        )
        lines = text.splitlines(keepends=True)[source.skip_rows :]
        found[source.file] = list(csv.DictReader(io.StringIO("".join(lines))))
    return found


@pytest.fixture(scope="module")
def ledger(case: Case) -> pd.DataFrame:
    return pd.read_parquet(case.folder / "truth/injected.parquet")


def whole_book(path: Path) -> list[list[str]]:
    return [[str(cell) for cell in row] for row in CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()]


def is_gb18030(case: Case, file: str) -> bool:
    return not (case.folder / file).read_bytes().startswith(b"\xef\xbb\xbf")


def of_table(case: Case, sheets: dict[str, list[dict[str, str]]], table: str) -> list[dict[str, str]]:
    return [row for source in case.file.files if source.table == table for row in sheets[source.file]]


def test_same_seed_same_bytes(case: Case, tmp_path: Path) -> None:
    again = simulate_case(tmp_path / "again", seed=SEED, n_customers=N)
    other = simulate_case(tmp_path / "other", seed=SEED + 1, n_customers=N)
    names = sorted(p.relative_to(again) for p in again.rglob("*") if p.is_file())
    assert names == sorted(p.relative_to(case.folder) for p in case.folder.rglob("*") if p.is_file())
    assert len(names) == len(case.file.files) + 11
    for name in names:
        assert (again / name).read_bytes() == (case.folder / name).read_bytes(), name
        assert (other / name).read_bytes() != (case.folder / name).read_bytes(), name


def test_marked_as_simulated_everywhere(case: Case, sheets: dict[str, list[dict[str, str]]]) -> None:
    assert case.file.simulated
    assert "simulated" in case.file.title.en and MARK in case.file.title.zh
    for source in case.file.files:
        assert MARK in source.file
        if source.file.endswith(".xlsx"):
            assert MARK in whole_book(case.folder / source.file)[0][0]
        elif source.skip_rows:
            encoding = "gb18030" if is_gb18030(case, source.file) else "utf-8-sig"
            assert MARK in (case.folder / source.file).read_bytes().decode(encoding).splitlines()[0]
        else:
            assert {row["来源详情"] for row in sheets[source.file]} == {MARK}
    told = yaml.safe_load((case.folder / "truth/truth.yaml").read_text(encoding="utf-8"))
    assert told["simulated"] is True and told["seed"] == SEED
    for path in (case.folder / "truth").glob("*.parquet"):
        assert pq.read_schema(path).metadata == {b"simulated": b"true"}


def test_encodings_are_those_of_chinese_offices(case: Case) -> None:
    customers = next(s for s in case.file.files if s.table == "customers")
    with pytest.raises(UnicodeDecodeError):
        (case.folder / customers.file).read_bytes().decode("utf-8")
    survey = next(s for s in case.file.files if s.table == "survey")
    assert (case.folder / survey.file).read_bytes().startswith(b"\xef\xbb\xbf")


def test_the_workbook_holds_numbers_dates_and_identifiers_as_people_keep_them(case: Case) -> None:
    wallet = next(s for s in case.file.files if s.table == "wallet")
    assert wallet.file.endswith(".xlsx")
    title, headings, row = CalamineWorkbook.from_path(case.folder / wallet.file).get_sheet_by_index(0).to_python()[:3]
    assert MARK in title[0] and set(title[1:]) == {""}
    kinds = {heading: type(cell).__name__ for heading, cell in zip(headings, row, strict=True)}
    assert kinds == {
        **{"客户编码": "str", "估计日期": "date", "来源": "str", "来源等级": "str"},
        **dict.fromkeys(("年采购总额(万元)", "下限(万元)", "上限(万元)"), "float"),
    }


def test_every_table_of_the_world_is_there(case: Case) -> None:
    assert {s.table for s in case.file.files} == {
        *("customers", "orders", "payments", "contracts", "violations", "complaints", "interactions"),
        *("survey", "employee_survey", "judgements", "ratings", "wallet", "campaigns"),
    }


def test_headings_are_ones_the_tables_know(case: Case) -> None:
    """Without unit, number and form of address each heading is an alias of the column it is mapped to."""
    for source in case.file.files:
        known = {column.name: column.aliases for column in TABLES[source.table].columns}
        for name in (name for name in known.keys() & source.columns.keys() if source.columns[name].heading):
            heading = re.sub(r"\(.*\)$|^\d+、(您所在的|贵单位的)?", "", source.columns[name].heading)
            assert heading in known[name], f"{source.file}: {heading}"


def test_customer_ledger_is_what_the_sheet_holds(
    case: Case, sheets: dict[str, list[dict[str, str]]], ledger: pd.DataFrame
) -> None:
    rows = of_table(case, sheets, "customers")
    truth = pd.read_parquet(case.folder / "truth/records.parquet").set_index("record_id")
    phones = pd.DataFrame(
        {"key": [r["客户编码"] for r in rows], "phone": plain_phone(pd.Series([r["联系电话"] for r in rows]))}
    )
    phones["entity"] = truth.loc[phones["key"], "entity"].to_numpy()
    firms_per_phone = phones[phones["phone"] != ""].groupby("phone")["entity"].transform("nunique")
    recounted = {
        "traditional_name": {r["客户编码"] for r in rows if TRADITIONAL.search(r["客户名称"])},
        "wide_blank_in_name": {r["客户编码"] for r in rows if "\u3000" in r["客户名称"]},
        "full_width_phone": {r["客户编码"] for r in rows if FULL_WIDTH.search(r["联系电话"])},
        "missing_credit_code": {r["客户编码"] for r in rows if not r["统一社会信用代码"]},
        "missing_phone": {r["客户编码"] for r in rows if not r["联系电话"]},
        "missing_address": {r["客户编码"] for r in rows if not r["地址"]},
        "switchboard_phone": set(phones["key"][firms_per_phone.index[firms_per_phone > 1]]),
        "stale": {
            r["客户编码"]
            for r in rows
            if (World().as_of - dt.date.fromisoformat(r["最近更新日期"])).days >= World().stale_after_days
        },
        "duplicate_record": set(truth.index[truth["entity"].duplicated()]),
    }
    for kind, keys in recounted.items():
        assert keys == set(ledger.loc[ledger["kind"] == kind, "key"]), kind
        assert keys, kind


def test_sales_ledger_is_what_the_sheets_hold(
    case: Case, sheets: dict[str, list[dict[str, str]]], ledger: pd.DataFrame
) -> None:
    rows = of_table(case, sheets, "orders")
    lines = pd.DataFrame(rows)
    recounted = {
        "impossible_date": (lines["开票日期"] == "2022/2/30").sum(),
        "full_width_amount": lines["价税合计(万元)"].str.contains(FULL_WIDTH).sum(),
        "return": (lines["数量"].str.startswith("-")).sum(),
        "total_row": (lines["单据编号"] == "合计").sum(),
        "repeated_line": lines.duplicated().sum(),
        "unknown_customer": (lines["客户编码"] == "000000").sum(),
    }
    assert {kind: (ledger["kind"] == kind).sum() for kind in recounted} == recounted
    assert all(recounted.values())


@pytest.mark.parametrize("wave", ["2024", "2023"])
def test_survey_ledger_is_what_the_export_holds(case: Case, sheets: dict[str, list[dict[str, str]]], wave: str) -> None:
    source = next(s for s in case.file.files if s.table == "survey" and s.columns["wave"].value == wave)
    ledger = pd.read_parquet(case.folder / "truth" / f"{'earlier_' if wave == '2023' else ''}injected.parquet")
    ledger = ledger[ledger["file"] == source.file]
    rows = sheets[source.file]
    items = [item.heading for item in case.file.instrument.items.values()]
    attention = next(heading for heading in rows[0] if "请选择" in heading)
    told = {
        "speeder": {r["序号"] for r in rows if int(r["所用时间"].removesuffix("秒")) < 60},
        "straight_liner": {r["序号"] for r in rows if len({r[h] for h in items} - {"-3"}) == 1},
        "failed_attention": {r["序号"] for r in rows if r[attention] != "2"},
    }
    for kind, keys in told.items():
        assert keys == set(ledger.loc[ledger["kind"] == kind, "key"]), kind
        assert keys, kind
    for kind, code in (("skipped", "-3"), ("unselected", "-2")):
        held = sum(value == code for row in rows for value in row.values())
        assert held == (ledger["kind"] == kind).sum() > 0
    answers = pd.DataFrame(rows).drop(columns=["序号", "提交答卷时间"])
    assert answers.duplicated().sum() == (ledger["kind"] == "repeated_answers").sum() == World().repeat_respondents


def test_both_waves_have_one_form(case: Case, sheets: dict[str, list[dict[str, str]]]) -> None:
    now, then = (s for s in case.file.files if s.table == "survey")
    assert list(sheets[now.file][0]) == list(sheets[then.file][0])
    assert [s.columns["wave"].value for s in (now, then)] == ["2024", "2023"]
    assert (now.columns["respondent_id"].prefix, then.columns["respondent_id"].prefix) == ("", "2023-")
    people = pd.read_parquet(case.folder / "truth/earlier_respondents.parquet")
    assert people["respondent_id"].tolist() == [row["序号"] for row in sheets[then.file]]


def test_duplicates_are_known_and_most_can_be_proved(case: Case, sheets: dict[str, list[dict[str, str]]]) -> None:
    rows = pd.DataFrame(of_table(case, sheets, "customers"))
    truth = pd.read_parquet(case.folder / "truth/records.parquet").set_index("record_id")
    assert sorted(rows["客户编码"]) == sorted(truth.index)
    rows["entity"] = truth.loc[rows["客户编码"], "entity"].to_numpy()
    for column, plain in (
        ("统一社会信用代码", rows["统一社会信用代码"]),
        ("地址", plain_address(rows["地址"])),
        ("联系电话", plain_phone(rows["联系电话"])),
    ):
        given = rows.assign(value=plain)[plain.ne("").to_numpy()]
        if column == "联系电话":
            given = given[truth.loc[given["客户编码"], "own_phone"].to_numpy()]
        assert (given.groupby("value")["entity"].nunique() == 1).all(), f"two firms share a {column}"
    assert rows.groupby("客户名称")["entity"].nunique().max() == 1
    further = truth[truth["entity"].duplicated() & (truth["entity"] > 0)]
    assert further["evidence"].mean() > 0.9


def test_the_documents_own_example(case: Case) -> None:
    truth = pd.read_parquet(case.folder / "truth/records.parquet")
    one = truth[truth["name"].isin(["山西煤業", "山西煤礦", "山西煤產品總公司"])]
    assert len(one) == 3 and one["entity"].nunique() == 1 and one["evidence"].all()
    other = truth[truth["name"] == "山西焦煤"]
    assert other["entity"].nunique() == 1 and not set(other["entity"]) & set(one["entity"])


def test_cleaning_loses_what_was_spoilt_and_nothing_else(project: Project, case: Case, ledger: pd.DataFrame) -> None:
    processed = clean_case(project, case)
    counts = ledger["kind"].value_counts()
    reasons = processed.quarantine["reason"].value_counts().to_dict()
    assert reasons == {
        "NOT_A_DATE": counts["impossible_date"],
        "ORPHAN": counts["unknown_customer"],
        "TOTAL_ROW": counts["total_row"],
    }
    merged = processed.ledger.groupby("table")["rows_merged"].sum()
    assert merged["orders"] == counts["repeated_line"]
    assert merged.drop("orders").index[merged.drop("orders") > 0].tolist() == ["customers"], "records of one firm"
    orders = pq.read_table(processed.path("orders"), columns=["amount", "cost"])
    firms = pd.read_parquet(case.folder / "truth/firms.parquet")
    undated = processed.quarantine.query("reason == 'NOT_A_DATE'")["source_row"]
    first = next(s for s in case.file.files if s.table == "orders")
    lines = (case.folder / first.file).read_bytes().decode("gb18030").splitlines()
    lost = sum(Decimal(lines[row - 1].split(",")[8]) * 10_000 for row in undated)
    assert sum(orders["amount"].to_pylist()) + lost == Decimal(int(firms["amount"].sum()))


@pytest.mark.parametrize(
    ("change", "match"),
    [({"seed": -1}, "not negative"), ({"n_customers": 10}, "10 customers"), ({"n_customers": 10**6}, "Use 60 to")],
)
def test_refusals(tmp_path: Path, change: dict[str, int], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        simulate_case(tmp_path / "case", **{"seed": 1, **change})
    assert not (tmp_path / "case").exists()


def test_a_folder_with_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("a", encoding="utf-8")
    with pytest.raises(UsageError, match="holds files already"):
        simulate_case(tmp_path, seed=1)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.csv"]
