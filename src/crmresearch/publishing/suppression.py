"""Small cells: what is hidden, and what must be hidden with it so that no sum or earlier month gives it away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from crmresearch.reporting.numbers import NUMERIC

Block = dict[str, Any]
_COUNTS_OF_THINGS = frozenset(
    {
        "n_orders", "n_purchase_days", "n_items", "n_resamples", "n_draws", "n_references", "n_starts", "n_products",
        "n_folds", "n_components", "n_parameters", "n_iterations", "n_segments", "n_constructs", "n_indicators",
        "n_predictors", "n_rows", "n_files", "n_alternatives", "n_criteria", "n_periods", "n_features",
        "n_attributes", "n_clear", "n_coefficients", "n_distinct", "n_factors", "n_good", "n_groups", "n_held",
        "n_inside", "n_levels", "n_matrices", "n_methods", "n_raised", "n_returns", "n_rounds", "n_rules",
        "n_rules_broken", "n_stable", "n_sure", "n_tests", "n_tiers",
    }
)  # fmt: skip
"""Names of counts that count no people; every other ``n`` or ``n_…`` is taken to."""


def is_count(name: str) -> bool:
    """Whether a column or a finding's value counts people or firms.

    >>> is_count("n_customers"), is_count("n"), is_count("n_orders"), is_count("share")
    (True, True, False, False)
    """
    counts = name in {"n", "customers", "respondents", "count"} or name.startswith("n_")
    return counts and name not in _COUNTS_OF_THINGS


def small_rows(block: Block, k: int, earlier: Block | None = None) -> set[int]:
    """Rows of a table with a small cell, or one that differs by fewer than ``k`` from an earlier edition's.

    Parameters
    ----------
    block : Block
        Of type ``table``.
    k : int
    earlier : Block | None
        The same table of the edition published before, unsuppressed cells only.
    """
    before = {_labels(earlier, row): row for row in earlier["rows"]} if earlier else {}
    found = set()
    for number, row in enumerate(block["rows"]):
        old = before.get(_labels(block, row))
        columns = _count_columns(block, row)
        for place in columns:
            value = row[place]
            if not _is_whole(value):
                continue
            if 0 < value < k:
                found.add(number)
            if old is not None and place < len(old) and _is_whole(old[place]) and 0 < abs(value - old[place]) < k:
                found.add(number)
        counts = [row[place] for place in columns if _is_whole(row[place])]
        if any(0 < abs(a - b) < k for i, a in enumerate(counts) for b in counts[i + 1 :]):
            found.add(number)
    return found


def with_complements(block: Block, hidden: set[int]) -> set[int]:
    """Further rows to hide, so that along every label no hidden cell stands alone under a known sum.

    In the whole table and, where rows are crossed by two labels, in every line and column of the
    crossing: a group with hidden cells has at least two. And no hidden cell may be the only link between
    two parts of the crossing, for then the sums around it would give it away. The next smallest row that
    is not zero is taken.
    """
    if not hidden:
        return set()
    found = set(hidden)
    weights = [sum(row[p] for p in _count_columns(block, row) if _is_whole(row[p])) for row in block["rows"]]
    groups, crossing = _groups(block), _crossing(block)

    def smallest(rows: set[int]) -> int:
        return min(rows, key=lambda number: (weights[number] == 0, weights[number], number))

    while True:
        lonely = next((g - found for g in groups if len(found & g) == 1 and len(g) > 1), set())
        if not lonely and len(crossing) == 2:
            lonely = _around_bridge(block, crossing, found)
        if not lonely:
            return found
        found.add(smallest(lonely))


def _around_bridge(block: Block, crossing: Sequence[int], hidden: set[int]) -> set[int]:
    """Shown cells of which one more, hidden, would leave some solvable hidden cell unsolvable.

    Hidden cells link the lines and columns of a crossing; one whose removal parts its line from its column
    follows from the sums of either side.
    """
    ends = {n: tuple((p, str(row[p])) for p in crossing) for n, row in enumerate(block["rows"])}
    for cell in sorted(hidden):
        side, waiting = {ends[cell][0]}, [ends[cell][0]]
        while waiting:
            node = waiting.pop()
            for other in hidden - {cell}:
                if node in ends[other]:
                    fresh = set(ends[other]) - side
                    side |= fresh
                    waiting += fresh
        if ends[cell][1] not in side:
            across = {n for n in ends if n not in hidden and (ends[n][0] in side) != (ends[n][1] in side)}
            if across:
                return across
    return set()


def suppress(block: Block, rows: set[int]) -> Block:
    """The table without the numbers of those rows, but for those that name a row (segment 1, 2).

    Its sums are those of what is left.
    """
    taken = [
        column["kind"] in NUMERIC | {"by_row"} and (column["kind"] != "integer" or is_count(column["name"]))
        for column in block["columns"]
    ]
    kept = []
    for number, row in enumerate(block["rows"]):
        if number in rows:
            row = [None if out else value for value, out in zip(row, taken, strict=True)]
        kept.append(row)
    return _resummed({**block, "rows": kept}, rows)


def rounded(block: Block, base: int) -> Block:
    """The table with its counts of people rounded to a multiple of ``base``."""
    rows = [
        [
            _round(value, base) if place in _count_columns(block, row) and _is_whole(value) else value
            for place, value in enumerate(row)
        ]
        for row in block["rows"]
    ]
    return {**block, "rows": rows}


def small_values(block: Block, k: int) -> bool:
    """Whether a finding states a small count, or two counts whose difference is one."""
    counts = [v for name, v in block["values"].items() if is_count(name) and _is_whole(v)]
    differences = (abs(a - b) for i, a in enumerate(counts) for b in counts[i + 1 :])
    return any(0 < count < k for count in (*counts, *differences))


def _resummed(block: Block, hidden: set[int]) -> Block:
    """Rows that are totals hold the sum of the rows shown."""
    totals = [n for n, row in enumerate(block["rows"]) if row and str(row[0]).lower() in {"total", "合计", "all"}]
    if not totals or not hidden:
        return block
    rows = [list(row) for row in block["rows"]]
    for total in totals:
        for place in _count_columns(block, rows[total]):
            shown = [row[place] for n, row in enumerate(rows) if n not in totals and _is_whole(row[place])]
            rows[total][place] = sum(shown)
        for place, column in enumerate(block["columns"]):
            if column["kind"] in NUMERIC and place not in _count_columns(block, rows[total]):
                rows[total][place] = None
    return {**block, "rows": rows}


def _groups(block: Block) -> list[set[int]]:
    groups = [set(range(len(block["rows"])))]
    for place in _crossing(block):
        members = defaultdict(set)
        for number, row in enumerate(block["rows"]):
            members[str(row[place])].add(number)
        groups += members.values()
    return groups


def _crossing(block: Block) -> list[int]:
    """Columns of labels that several rows share: words, or else whole numbers (segment 1, 2)."""
    kinds = [column["kind"] for column in block["columns"]]
    for wanted in (lambda kind: kind not in NUMERIC | {"by_row"}, lambda kind: kind == "integer"):
        places = [place for place, kind in enumerate(kinds) if wanted(kind)]
        found = [p for p in places if 1 < len({str(row[p]) for row in block["rows"]}) < len(block["rows"])]
        if found:
            return found
    return []


def _count_columns(block: Block, row: Sequence[Any]) -> list[int]:
    """Places of a row that count people: by the column's name, or by the measure that the row begins with."""
    return [
        place
        for place, column in enumerate(block["columns"])
        if is_count(str(row[0]) if column["kind"] == "by_row" else column["name"])
    ]


def _labels(block: Block | None, row: Sequence[Any]) -> tuple[str, ...]:
    columns = block["columns"] if block else ()
    return tuple(str(v) for v, c in zip(row, columns, strict=True) if c["kind"] not in NUMERIC - {"integer"})


def _round(value: float, base: int) -> int:
    return base * round(value / base)


def _is_whole(value: Any) -> bool:
    """A whole number; a share counts nobody, whatever its name."""
    return isinstance(value, int | float) and not isinstance(value, bool) and float(value).is_integer()
