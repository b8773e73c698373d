"""Repeats, orphans and the money of the ledger."""

from __future__ import annotations

from decimal import Decimal

import pytest

from crmresearch.cleaning import clean_files
from crmresearch.cleaning.ledger import ledger_line
from crmresearch.errors import CrmresearchError, InputError

COLUMNS = {"order_id": "no", "customer_id": "id", "date": "date", "amount": "amount", "cost": "cost"}
HEAD = "no,id,date,amount,cost\n"


def orders(make, *lines: str, **case):
    return clean_files(
        make({"o.csv": HEAD + "".join(f"{x}\n" for x in lines)}, {"o.csv": {"columns": COLUMNS}}, **case)
    )


def test_a_line_exported_twice_is_merged_by_its_identifier(make) -> None:
    """Catalogue 80 and 116."""
    cleaned = orders(make, "1,a,2023-01-02,5.10,1", "1,a,2023-01-02,5.1,1.00", "2,a,2023-01-02,5.10,1")
    assert cleaned.tables["orders"].select(["order_id", "source_row"]).to_pylist() == [
        {"order_id": "1", "source_row": 2},
        {"order_id": "2", "source_row": 4},
    ]
    [line] = cleaned.ledger.to_pylist()
    assert (line["rows_in"], line["rows_kept"], line["rows_merged"]) == (3, 2, 1)
    assert (line["amount_in"], line["amount_kept"], line["amount_merged"]) == tuple(
        map(Decimal, ("15.30", "10.20", "5.10"))
    )


def test_lines_of_one_order_that_differ_in_the_key_are_all_kept(make) -> None:
    cleaned = orders(make, "1,a,2023-01-02,5.10,1", "1,a,2023-01-02,6.10,1")
    assert cleaned.ledger["rows_kept"].to_pylist() == [2]


def test_a_repeat_that_differs_elsewhere_is_set_aside_and_the_fuller_row_kept(make) -> None:
    """Catalogue 81."""
    cleaned = orders(make, "1,a,2023-01-02,5.10,", "1,a,2023-01-02,5.10,3")
    assert cleaned.tables["orders"]["source_row"].to_pylist() == [3]
    assert [(e["source_row"], e["column"], e["reason"]) for e in cleaned.quarantine.to_pylist()] == [
        (2, "order_id", "CONFLICT")
    ]


def test_files_that_overlap_are_merged_across(make) -> None:
    line = "1,a,2023-01-02,5.10,1\n"
    entry = {"columns": COLUMNS}
    cleaned = clean_files(make({"b.csv": HEAD + line, "a.csv": HEAD + line}, {"a.csv": entry, "b.csv": entry}))
    assert cleaned.ledger.select(["source_file", "rows_kept", "rows_merged"]).to_pylist() == [
        {"source_file": "a.csv", "rows_kept": 1, "rows_merged": 0},
        {"source_file": "b.csv", "rows_kept": 0, "rows_merged": 1},
    ]


def test_orders_of_unknown_customers_are_set_aside(make) -> None:
    """Catalogue 85 and 86: a customer without orders stays."""
    case = make(
        {"o.csv": "id,date,amount\na,2023-01-02,1\nz,2023-01-02,2\n", "c.csv": "id\na\nb\n"},
        {"c.csv": {"table": "customers", "columns": {"customer_id": "id"}}},
    )
    cleaned = clean_files(case)
    assert cleaned.tables["customers"]["customer_id"].to_pylist() == ["a", "b"]
    assert cleaned.tables["orders"]["customer_id"].to_pylist() == ["a"]
    assert [(e["source_row"], e["column"], e["raw_value"], e["reason"]) for e in cleaned.quarantine.to_pylist()] == [
        (3, "customer_id", "z", "ORPHAN")
    ]
    line = next(line for line in cleaned.ledger.to_pylist() if line["table"] == "orders")
    assert (line["amount_in"], line["amount_quarantined"]) == (Decimal("3.00"), Decimal("2.00"))


def test_money_that_cannot_be_read_is_counted_not_summed(make) -> None:
    cleaned = orders(make, "1,a,2023-01-02,5.10,1", "2,a,2023-01-02,five,1", "3,a,x,2.00,1", "4,a,2023-01-02")
    [line] = cleaned.ledger.to_pylist()
    assert (line["amounts_unread"], line["rows_quarantined"]) == (2, 3)
    assert (line["amount_in"], line["amount_kept"]) == (Decimal("7.10"), Decimal("5.10"))


def test_cents_add_up_exactly(make) -> None:
    """Catalogue 111."""
    lines = [f"{i},a,2023-01-02,0.10,1" for i in range(10)] + ["x,a,2023-01-02,0.30000000000000004,1"]
    assert orders(make, *lines).ledger["amount_kept"].to_pylist() == [Decimal("1.30")]


def test_too_many_bad_rows_refuse_the_file(make) -> None:
    lines = ["1,a,2023-01-02,5,1", "2,a,2023-01-02,5,1", "3,a,2023-02-30,5,1"]
    with pytest.raises(InputError, match=r"o\.csv, row 4, column 'date': 1 of 3 rows .*'2023-02-30', NOT_A_DATE"):
        orders(make, *lines, max_quarantined_share=0.3)
    assert orders(make, *lines, max_quarantined_share=0.34).ledger["rows_kept"].to_pylist() == [2]


def test_totals_and_void_lines_are_no_failures(make) -> None:
    lines = ["1,a,2023-01-02,5,1", "小计,,,5,1", "2,a,2023-01-03,5,1", "小计,,,5,1", "合计,,,10,2"]
    cleaned = orders(make, *lines, max_quarantined_share=0.0)
    assert cleaned.ledger.select(["rows_in", "rows_kept", "rows_quarantined"]).to_pylist() == [
        {"rows_in": 5, "rows_kept": 2, "rows_quarantined": 3}
    ]


def test_a_ledger_that_does_not_add_up_is_an_error(make) -> None:
    from crmresearch.cleaning.intake import take_in
    from crmresearch.cleaning.plan import table_schema

    case = make({"o.csv": "id,date,amount\na,2023-01-02,1\nb,2023-01-02,2\n"})
    intake = take_in(case, case.file.files[0], table_schema(case, "orders"))
    nothing = intake.rows.slice(0, 0)
    with pytest.raises(CrmresearchError, match=r"o\.csv: the ledger does not add up: rows in 2, .* 1\."):
        ledger_line(intake, intake.rows.slice(0, 1), nothing, intake.quarantine)


def test_optional_dates_may_lie_ahead_where_they_are_plans(make) -> None:
    entry = {
        "table": "payments",
        "columns": {"invoice_id": "no", "customer_id": "id", "due_date": "due", "paid_date": "paid"},
    }
    content = "no,id,due,paid\n1,a,2024-05-01,2023-05-01\n2,a,2024-05-01,2024-05-01\n"
    cleaned = clean_files(make({"p.csv": content}, {"p.csv": entry}, as_of="2023-12-31"))
    assert [(e["source_row"], e["column"], e["reason"]) for e in cleaned.quarantine.to_pylist()] == [
        (3, "paid_date", "AFTER_AS_OF")
    ]
    assert cleaned.ledger["amount_in"].to_pylist() == [None]


def test_columns_of_the_case_s_own_have_kind_and_range(make) -> None:
    columns = {
        "customer_id": "id",
        "score": {"heading": "score", "kind": "integer", "low": 0, "high": 10},
        "vip": {"heading": "vip", "kind": "flag"},
    }
    content = "id,score,vip\na,3,是\nb,11,no\nc,4,maybe\n"
    cleaned = clean_files(make({"c.csv": content}, {"c.csv": {"table": "customers", "columns": columns}}))
    assert cleaned.tables["customers"].select(["score", "vip"]).to_pylist() == [{"score": 3, "vip": True}]
    assert [(e["source_row"], e["column"], e["reason"]) for e in cleaned.quarantine.to_pylist()] == [
        (3, "score", "ABOVE_RANGE"),
        (4, "vip", "NOT_A_FLAG"),
    ]
