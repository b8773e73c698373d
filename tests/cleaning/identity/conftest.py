"""Customer files made on the spot, and the records they hold."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest

from crmresearch.case import Case

HEADINGS = ("customer_id", "name", "credit_code", "phone", "address")


def records(*rows: tuple[str | None, ...]) -> pa.Table:
    """A table ``customers`` with id, name, credit code, phone and address."""
    return pa.table({h: pa.array([row[i] for row in rows], pa.string()) for i, h in enumerate(HEADINGS)})


@pytest.fixture
def case_of(make: Callable[..., Case]) -> Callable[..., Case]:
    """``case_of(customers, orders, **identity)``: a case with an identity part, its rows given as CSV lines."""

    def build(customers: str, orders: str = "", decisions: str = "", **identity: object) -> Case:
        files = {"customers.csv": "id,name,code,phone,address\n" + customers}
        columns = dict(zip(HEADINGS, ("id", "name", "code", "phone", "address"), strict=True))
        entries = {"customers.csv": {"table": "customers", "columns": columns}}
        if orders:
            files["orders.csv"] = "id,order,date,amount\n" + orders
            columns = {"customer_id": "id", "order_id": "order", "date": "date", "amount": "amount"}
            entries["orders.csv"] = {"columns": columns}
        case = make(files, entries, identity=identity)
        if decisions:
            heading = "record_a,record_b,decision,decided_by,decided_on,reason\n"
            (case.folder / "identity_decisions.csv").write_text(heading + decisions, encoding="utf-8")
        return case

    return build
