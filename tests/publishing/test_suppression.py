"""Small cells stay hidden from someone who knows every sum and last month's edition."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.optimize import linprog

from crmresearch.publishing.suppression import is_count, rounded, small_rows, small_values, suppress, with_complements

K = 10


def table(rows: list[list], *labels: str, counts: tuple[str, ...] = ("n_customers",)) -> dict:
    columns = [{"name": name, "kind": "text", "personal": False} for name in labels]
    columns += [{"name": name, "kind": "count", "personal": False} for name in counts]
    return {"type": "table", "id": "t", "columns": columns, "rows": rows}


def published(block: dict, earlier: dict | None = None) -> dict:
    hidden = with_complements(block, small_rows(block, K, earlier))
    return suppress(block, hidden)


def test_a_small_cell_takes_the_next_smallest_with_it():
    block = table([["a", 4], ["b", 50], ["c", 20], ["d", 300]], "tier")
    assert [row[1] for row in published(block)["rows"]] == [None, 50, None, 300]


def test_a_total_is_the_sum_of_what_is_shown():
    block = table([["a", 4], ["b", 50], ["c", 20], ["d", 300], ["total", 374]], "tier")
    assert [row[1] for row in published(block)["rows"]] == [None, 50, None, 300, 350]


def test_two_counts_that_differ_by_few_hide_the_row():
    block = table([["a", 250, 247], ["b", 240, 100], ["c", 90, 30]], "construct", counts=("n", "n_scored"))
    assert [row[1] for row in published(block)["rows"]] == [None, 240, None]


def test_rounding_is_on_request_and_leaves_other_numbers():
    block = table([["a", 123, 7]], "tier", counts=("n_customers", "n_orders"))
    assert rounded(block, 5)["rows"] == [["a", 125, 7]]


def test_findings_with_small_counts_or_differences():
    assert small_values({"values": {"n_left_out": 3}}, K)
    assert small_values({"values": {"n_buyers": 95, "n_customers": 100}}, K)
    assert not small_values({"values": {"n_customers": 100, "n_orders": 5, "share": 0.2}}, K)
    assert is_count("n_respondents") and not is_count("n_draws")


def bounds(shape: tuple[int, int], known: dict[tuple[int, int], int], rows: list[int], columns: list[int], cell):
    """The least and the most a hidden cell can be, given the shown cells and every sum of a line and column."""
    n = shape[0] * shape[1]
    equations, values = [], []
    for i in range(shape[0]):
        equations.append([float(p // shape[1] == i) for p in range(n)])
        values.append(rows[i])
    for j in range(shape[1]):
        equations.append([float(p % shape[1] == j) for p in range(n)])
        values.append(columns[j])
    for (i, j), value in known.items():
        equations.append([float(p == i * shape[1] + j) for p in range(n)])
        values.append(value)
    found = []
    for sign in (1, -1):
        objective = np.zeros(n)
        objective[cell[0] * shape[1] + cell[1]] = sign
        found.append(sign * linprog(objective, A_eq=equations, b_eq=values, bounds=(0, None)).fun)
    return tuple(found)


@pytest.mark.parametrize("seed", range(12))
def test_an_attacker_who_solves_sums_of_lines_and_columns_recovers_no_small_cell(seed):
    rng = np.random.default_rng(seed)
    counts = np.where(rng.random((4, 5)) < 0.25, rng.integers(1, K, (4, 5)), rng.integers(K, 200, (4, 5)))
    rows = [[f"r{i}", f"c{j}", int(counts[i, j])] for i, j in itertools.product(range(4), range(5))]
    shown = published(table(rows, "line", "column"))["rows"]
    known = {(int(r[0][1]), int(r[1][1])): r[2] for r in shown if r[2] is not None}
    assert all(value >= K for value in known.values())
    for i, j in itertools.product(range(4), range(5)):
        if counts[i, j] < K:
            low, high = bounds((4, 5), known, counts.sum(axis=1), counts.sum(axis=0), (i, j))
            assert high - low > 0.5, (i, j, low, high)


@pytest.mark.parametrize("seed", range(12))
def test_an_attacker_who_subtracts_two_months_recovers_no_small_change(seed):
    rng = np.random.default_rng(seed)
    first = rng.integers(20, 200, 6)
    second = first + rng.choice([0, 2, 5, 30], 6)
    january = table([[f"tier {n}", int(v)] for n, v in enumerate(first)], "tier")
    february = table([[f"tier {n}", int(v)] for n, v in enumerate(second)], "tier")
    shown = published(february, published(january))["rows"]
    differences = [row[1] - int(old) for row, old in zip(shown, first, strict=True) if row[1] is not None]
    assert not [d for d in differences if 0 < abs(d) < K]
    hidden = [n for n, row in enumerate(shown) if row[1] is None]
    assert len(hidden) != 1, "one hidden cell would follow from the total of the month"


def test_a_hidden_row_keeps_its_name_and_counts_of_things_hide_nothing():
    columns = [
        {"name": name, "kind": kind}
        for name, kind in (
            ("segment", "integer"),
            ("n_customers", "count"),
            ("customers", "share"),
            ("n_rules", "count"),
        )
    ]
    table = {"columns": columns, "rows": [[1, 400, 0.8, 3], [2, 6, 0.2, 2], [3, 94, 0.1, 7]]}
    hidden = with_complements(table, small_rows(table, 10))
    assert hidden == {1, 2}
    assert suppress(table, hidden)["rows"] == [[1, 400, 0.8, 3], [2, None, None, None], [3, None, None, None]]
    assert not small_values({"values": {"n_rules": 3, "customers": 0.34}}, 10)
