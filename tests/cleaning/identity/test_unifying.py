"""From records to customers in a whole case: tables, ledger, decisions, unmerge, and the same bytes every time."""

from __future__ import annotations

import pandas as pd
import pytest
from typer.testing import CliRunner

from crmresearch.case import DECISIONS_FILE, Project, load_case
from crmresearch.cleaning import clean_case, clean_files
from crmresearch.cleaning.identity import reviewing
from crmresearch.cli import app
from crmresearch.errors import CaseError, InputError, UsageError

CUSTOMERS = (
    "007,山西砺泽塑料有限公司,,0351-4117000,太原市解放路80号\n"
    "008,山西礪澤塑料,,(0351)4117000,\n"
    "009,山西澄禾贸易,,0351-4117999,\n"
)
ORDERS = "007,A1,2024-01-02,100.00\n008,A2,2024-01-03,50.00\n009,A3,2024-01-04,10.00\n008,A4,2024-01-05,5.00\n"


def frame(cleaned, table: str) -> pd.DataFrame:
    return cleaned.tables[table].to_pandas()


def test_orders_stand_under_the_customer_and_remember_the_record(case_of):
    """C17, E1: every figure is of customers, and every row says which record it was booked on."""
    cleaned = clean_files(case_of(CUSTOMERS, ORDERS))
    orders = frame(cleaned, "orders")
    assert orders.groupby("customer_id")["amount"].sum().astype(float).to_dict() == {"007": 155.0, "009": 10.0}
    assert dict(zip(orders["order_id"], orders["record_id"], strict=True)) == {
        "A1": "007",
        "A2": "008",
        "A3": "009",
        "A4": "008",
    }
    customers = frame(cleaned, "customers").set_index("customer_id")
    assert customers["n_records"].to_dict() == {"007": 2, "009": 1}
    assert (
        customers.loc["007", "name"] == "山西砺泽塑料有限公司" and customers.loc["007", "address"] == "太原市解放路80号"
    )
    kept = frame(cleaned, "customer_records")
    assert kept[["customer_id", "record_id", "name"]].to_numpy().tolist()[1] == ["007", "008", "山西礪澤塑料"]
    sources = frame(cleaned, "customer_sources").set_index("field")
    assert sources.loc["name", ["record_id", "n_values"]].tolist() == ["007", 2]


def test_merged_records_count_as_merged_and_the_ledger_adds_up(case_of):
    """Bad input 82."""
    cleaned = clean_files(case_of(CUSTOMERS, ORDERS))
    line = next(entry for entry in cleaned.ledger.to_pylist() if entry["table"] == "customers")
    assert (line["rows_in"], line["rows_kept"], line["rows_quarantined"], line["rows_merged"]) == (3, 2, 0, 1)
    log = cleaned.log.to_pandas().set_index("rule")
    assert log.loc["IDENTITY_MERGED", "count"] == 1


def test_fields_come_from_the_latest_record_that_has_them(case_of, make):
    """Bad input 81: latest, non-null, longest; each with its source."""
    text = (
        "id,name,code,phone,address,since,touched\n"
        "2,砺泽塑料有限公司,,0351-4117000,太原市解放路80号,2021-05-01,2022-01-01\n"
        "1,砺泽塑料,,0351-4117000,太原市迎泽大街1号,2022-05-01,2024-01-01\n"
    )
    columns = {"customer_id": "id", "name": "name", "credit_code": "code", "phone": "phone", "address": "address"}
    columns |= {"registered_date": "since", "touched": {"heading": "touched", "kind": "date"}}
    case = make({"c.csv": text}, {"c.csv": {"table": "customers", "columns": columns}}, identity={"updated": "touched"})
    customer = frame(clean_files(case), "customers").iloc[0]
    assert (customer["customer_id"], customer["name"]) == ("2", "砺泽塑料有限公司")
    assert customer["address"] == "太原市迎泽大街1号"
    assert str(customer["registered_date"]) == "2021-05-01"


def test_without_apply_pairs_are_listed_and_figures_stay_as_recorded(case_of):
    cleaned = clean_files(case_of(CUSTOMERS, ORDERS, apply=False))
    assert frame(cleaned, "orders")["customer_id"].nunique() == 3
    assert frame(cleaned, "identity_pairs")["fate"].tolist() == ["merged"]
    assert "IDENTITY_NOT_APPLIED" in set(cleaned.log.to_pandas()["rule"])


def test_the_order_of_rows_changes_nothing_and_bytes_repeat(case_of, tmp_path):
    """The digest of the processed tables holds every table, so equal digests are equal bytes."""
    lines = CUSTOMERS.splitlines(keepends=True)
    first = clean_files(case_of(CUSTOMERS, ORDERS))
    turned = clean_files(case_of("".join(reversed(lines)), ORDERS))
    for name in ("customers", "customer_records", "identity_pairs", "orders"):
        drop = [c for c in ("source_row",) if c in first.tables[name].column_names]
        assert first.tables[name].drop_columns(drop).equals(turned.tables[name].drop_columns(drop)), name
    case = case_of(CUSTOMERS, ORDERS)
    assert clean_case(Project(tmp_path), case).digest == clean_case(Project(tmp_path), case).digest


def test_decisions_are_replayed_and_unknown_records_named(case_of):
    cleaned = clean_files(case_of(CUSTOMERS, decisions="007,009,accept,li,2024-05-01,same boss\n007,404,reject,li,,\n"))
    assert frame(cleaned, "customers")["n_records"].tolist() == [3]
    assert frame(cleaned, "identity_decisions")["status"].tolist() == ["replayed", "unknown_record"]
    assert "UNKNOWN_DECISION" in set(cleaned.log.to_pandas()["rule"])
    assert DECISIONS_FILE in cleaned.sources


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("007,009,perhaps,,,", "'perhaps' is no decision"),
        ("007,,accept,,,", "names two different records"),
        ("007,009,split,,,", "names record_a alone"),
        ("007,009", "2 fields instead of 6"),
    ],
)
def test_a_line_that_is_no_decision_stops_cleaning(case_of, line, message):
    with pytest.raises(InputError, match=message) as caught:
        clean_files(case_of(CUSTOMERS, decisions=f"{line}\n"))
    assert "row 2" in caught.value.where


def test_unmerge_takes_records_out_until_someone_accepts_them(case_of, tmp_path, monkeypatch):
    """Bad input 82: undo possible."""
    case = case_of(CUSTOMERS, ORDERS)
    monkeypatch.setenv("CRMRESEARCH_HOME", str(tmp_path))
    (tmp_path / "notebooks").mkdir()
    call = CliRunner().invoke
    listed = call(app, ["identity", case.name], standalone_mode=False)
    assert "3 records, 2 customers, 0 pairs to decide" in listed.output
    done = call(app, ["unmerge", case.name, "007", "008", "--by", "li"], standalone_mode=False)
    assert done.exception is None, done.exception
    assert frame(clean_files(load_case(Project(tmp_path), case.name)), "customers").shape[0] == 3
    call(app, ["identity", case.name, "--accept", "007 008"], standalone_mode=False)
    again = clean_files(load_case(Project(tmp_path), case.name))
    assert frame(again, "customers").shape[0] == 2
    with pytest.raises(UsageError, match="no customer '008'"):
        reviewing.unmerge(again, "008", [], by="", reason="")
    with pytest.raises(UsageError, match="no record of '007'"):
        reviewing.unmerge(again, "007", ["009"], by="", reason="")
    with pytest.raises(UsageError, match="nothing to take apart"):
        reviewing.unmerge(again, "009", [], by="", reason="")
    with pytest.raises(UsageError, match="no customer record '404'"):
        reviewing.decide(again, "404", "007", "accept", by="", reason="")


@pytest.mark.parametrize(
    ("identity", "message"),
    [
        ({"fields": {"fax": "phone"}}, "no column 'fax'"),
        ({"updated": "touched"}, "no column 'touched'"),
        ({"fields": {"credit_code": "name"}}, "one column of kind name"),
    ],
)
def test_an_identity_part_that_does_not_fit_is_refused(case_of, identity, message):
    with pytest.raises(CaseError, match=message):
        clean_files(case_of(CUSTOMERS, **identity))


@pytest.mark.parametrize(
    ("key", "value"), [("merge_at", 2), ("shared_by", 0), ("review_at", 0.99), ("kinds", "company")]
)
def test_the_identity_part_is_strict(case_of, key, value):
    with pytest.raises(CaseError, match=key):
        case_of(CUSTOMERS, **{key: value})
