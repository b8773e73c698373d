"""Order lines small enough to add up by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import ibis
import pytest

Line = tuple[str | None, str, dt.date, str]
SCHEMA = {"order_id": "str", "customer_id": "str", "date": "date", "amount": "decimal(18, 2)"}


@pytest.fixture
def orders() -> Callable[[Sequence[Line]], ibis.Table]:
    """Order lines (order_id, customer_id, date, amount) as a table."""
    return lambda lines: ibis.memtable(list(lines), schema=SCHEMA)


@pytest.fixture
def hand_lines() -> list[Line]:
    """Six customers: a loyal one, one of a day, two lines of one order, a returner, a free sample, a late one."""
    day = dt.date
    return [
        (None, "loyal", day(2026, 1, 1), "10.10"),
        (None, "loyal", day(2026, 1, 11), "20.20"),
        (None, "loyal", day(2026, 1, 31), "0.20"),
        ("o1", "single", day(2026, 1, 5), "7.00"),
        ("o1", "single", day(2026, 1, 5), "3.00"),
        ("o2", "single", day(2026, 1, 5), "1.00"),
        (None, "returner", day(2026, 1, 2), "50.00"),
        (None, "returner", day(2026, 1, 20), "-15.00"),
        (None, "only_returns", day(2026, 1, 8), "-4.00"),
        (None, "sample", day(2026, 1, 3), "0.00"),
        (None, "late", day(2026, 2, 20), "9.00"),
    ]
