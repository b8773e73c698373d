"""Contribution of each customer by hand, and customers by month."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import ibis
import numpy as np
import pyarrow as pa
import pytest

from crmresearch.errors import RefusedError, UsageError
from crmresearch.scoring.value import build_panel, measure_contribution

_TYPES = {"date": pa.date32(), **dict.fromkeys(("amount", "cost", "profit"), pa.decimal128(18, 2))}
END = dt.date(2025, 12, 31)


def lines(*rows: tuple) -> ibis.Table:
    names = ["customer_id", "order_id", "date", "product", "amount", "cost", "profit"]
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    columns["date"] = [dt.date.fromisoformat(day) for day in columns["date"]]
    for name in ("amount", "cost", "profit"):
        columns[name] = [None if value is None else Decimal(value) for value in columns[name]]
    fields = [pa.array(columns[name], type=_TYPES.get(name, pa.string())) for name in names]
    return ibis.memtable(pa.table(fields, names=names))


ORDERS = lines(
    ("a", "1", "2025-01-10", "x", "100.00", "80.00", None),
    ("a", "1", "2025-01-10", "y", "50.00", None, "20.00"),
    ("a", "2", "2025-03-01", "x", "-30.00", "-24.00", None),
    ("b", None, "2025-12-31", "x", "10.00", "12.00", None),
    ("b", "4", "2024-12-31", "x", "1000.00", "1.00", None),
)


def test_hand_computed() -> None:
    found = measure_contribution(ORDERS, start=dt.date(2025, 1, 1), as_of=END, annual_rate=0.1, prior_orders=0)
    a, b = found.customers.set_index("customer_id").loc[["a", "b"]].to_dict("records")
    assert (a["revenue"], a["contribution"], a["n_orders"], a["n_lines"]) == (120, 34, 1, 2)
    assert (a["n_returns"], a["returned"], a["share_known"]) == (1, 30, 1)
    assert (b["revenue"], b["contribution"], b["n_orders"], b["margin"]) == (10, -2, 1, pytest.approx(-0.2))
    grown = (20 + 20) * 1.1 ** (355 / 365.25) - 6 * 1.1 ** (305 / 365.25)
    assert a["compounded"] == pytest.approx(grown, abs=1e-3)
    assert found.totals["margin"][0] == pytest.approx(32 / 130)


def test_margins_are_shrunken_towards_everybodys() -> None:
    found = measure_contribution(ORDERS, start=dt.date(2025, 1, 1), as_of=END, prior_orders=2)
    assert found.margins["b"] == pytest.approx((1 * -0.2 + 2 * 32 / 130) / 3)


def test_a_line_without_cost_asks_for_a_margin() -> None:
    unknown = lines(("a", "1", "2025-01-10", "x", "100.00", None, None))
    with pytest.raises(RefusedError, match="1 order lines have neither cost nor profit"):
        measure_contribution(unknown, as_of=END)
    found = measure_contribution(unknown, as_of=END, margin=0.25)
    assert found.customers["contribution"].tolist() == [25] and found.findings()[0].key == "contribution_assumed"


def test_bad_windows_and_rates() -> None:
    with pytest.raises(RefusedError, match="no order"):
        measure_contribution(ORDERS, as_of=dt.date(2020, 1, 1))
    with pytest.raises(UsageError, match="margin=2"):
        measure_contribution(ORDERS, as_of=END, margin=2)


def test_panel_counts_whole_months_only() -> None:
    panel = build_panel(ORDERS, as_of=dt.date(2025, 3, 15), n_months=2)
    assert [str(m) for m in panel.months] == ["2025-01-01", "2025-02-01"]
    assert panel.customer_id.tolist() == ["a", "b"]
    assert panel.revenue.tolist() == [[150, 0], [0, 0]] and panel.first_month.tolist() == [0, -1]
    assert panel.continuity.to_dict() == {"a": 0.5, "b": 0.0}


def test_panel_refuses_months_before_the_first_order() -> None:
    with pytest.raises(RefusedError, match="reach back 13 whole months, not 24"):
        build_panel(ORDERS, as_of=END, n_months=24)


def test_row_order_does_not_matter() -> None:
    table = ORDERS.to_pyarrow()
    shuffled = ibis.memtable(table.take(np.random.default_rng(3).permutation(table.num_rows)))
    once, again = (measure_contribution(orders, as_of=END).customers for orders in (ORDERS, shuffled))
    assert once.equals(again)
