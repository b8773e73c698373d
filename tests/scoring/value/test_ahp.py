"""Judgement matrices: read, checked, made consistent by nobody but the expert; carried down a tree."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmresearch.case import IndicatorSystem
from crmresearch.errors import RefusedError, UsageError
from crmresearch.scoring.value import build_indicators, judge_criteria, weigh, weigh_ahp
from crmresearch.scoring.value.weights import (
    RANDOM_INDEX,
    complete,
    measure_consistency,
    priorities,
    read_pairwise,
)
from tests.reference.decisions_oracles import LEFT_OUT, PAIRS

ORACLE = pd.read_csv(Path(__file__).parents[2] / "reference" / "decisions_oracles.csv")
DIGITS = 2e-8  # ahpy rounds to eight digits
INCOMPLETE = 1e-5  # where its cycling coordinates stop
CYCLE = [[1, 9, "1/9"], ["1/9", 1, 9], [9, "1/9", 1]]


def oracle(what: str) -> np.ndarray:
    return ORACLE.query("oracle == 'ahpy' and what == @what")["value"].to_numpy()


def square(pairs) -> pd.DataFrame:
    items = list("abcde")
    table = pd.DataFrame(np.nan, index=items, columns=items)
    for (row, column), value in pairs.items():
        table.loc[row, column] = value
    return table


def long(rows, expert="one", matrix="value") -> pd.DataFrame:
    columns = ["row_item", "column_item", "judgement"]
    return pd.DataFrame(rows, columns=columns).assign(expert=expert, matrix=matrix)


def test_priorities_and_consistency_equal_ahpy() -> None:
    pairwise = read_pairwise(square(PAIRS))
    np.testing.assert_allclose(priorities(pairwise), oracle("whole"), atol=DIGITS)
    for name, index in (("saaty", "saaty_2005"), ("dd", "donegan_dodd")):
        found = measure_consistency(pairwise, random_index=index)
        assert found.cr == pytest.approx(oracle(f"whole_cr_{name}")[0], abs=DIGITS)


def test_incomplete_matrix_is_completed_as_ahpy_does() -> None:
    pairwise = read_pairwise(square({p: v for p, v in PAIRS.items() if p not in LEFT_OUT}))
    assert pairwise.n_missing == 2
    np.testing.assert_allclose(priorities(pairwise), oracle("incomplete"), atol=INCOMPLETE)
    found = measure_consistency(pairwise, random_index="saaty_2005")
    assert found.ri == pytest.approx(1.11 * (1 - 2 * 2 / (4 * 3)))
    assert found.ci / 1.11 == pytest.approx(oracle("incomplete_cr_saaty")[0], abs=1e-4)  # ahpy takes the whole RI


def test_completion_is_the_least_eigenvalue() -> None:
    pairwise = read_pairwise(square({p: v for p, v in PAIRS.items() if p not in LEFT_OUT}))
    best = np.linalg.eigvals(complete(pairwise)).real.max()
    for x, y in itertools.product((0.8, 1.25), repeat=2):
        moved = complete(pairwise)
        for (i, j), factor in zip(((0, 4), (1, 3)), (x, y), strict=True):
            moved[i, j] *= factor
            moved[j, i] /= factor
        assert np.linalg.eigvals(moved).real.max() > best


def test_hand_computed_three_items() -> None:
    """a : b = 2, b : c = 2, a : c = 4 agree wholly: 4 : 2 : 1; with a : c = 2 the geometric means are 4, 2, 1 to ⅓."""
    agreed = read_pairwise([[1, 2, 4], ["1/2", 1, 2], ["1/4", "1/2", 1]])
    for method in ("eigenvector", "geometric_mean", "column_mean"):
        np.testing.assert_allclose(priorities(agreed, method), [4 / 7, 2 / 7, 1 / 7], atol=1e-12)
    assert measure_consistency(agreed).cr == pytest.approx(0, abs=1e-12)
    assert measure_consistency(agreed).triad is None
    other = read_pairwise([[1, 2, 2], ["", 1, 2], ["", "", 1]])
    roots = np.array([4 ** (1 / 3), 1, (1 / 4) ** (1 / 3)])
    np.testing.assert_allclose(priorities(other, "geometric_mean"), roots / roots.sum(), atol=1e-12)
    columns = np.array([[1, 2, 2], [1 / 2, 1, 2], [1 / 2, 1 / 2, 1]])
    np.testing.assert_allclose(
        priorities(other, "column_mean"), (columns / columns.sum(axis=0)).mean(axis=1), atol=1e-12
    )


@settings(max_examples=25, deadline=None)
@given(weights=st.lists(st.integers(1, 9), min_size=3, max_size=7), drop=st.integers(0, 2))
def test_consistent_judgements_give_their_weights_back(weights, drop) -> None:
    """Whatever the method, and with pairs left out as long as a chain connects the items."""
    w = np.array(weights, dtype=float)
    matrix = w[:, None] / w
    for i in range(min(drop, len(w) - 2)):
        matrix[i, len(w) - 1] = matrix[len(w) - 1, i] = np.nan
    pairwise = read_pairwise(matrix)
    for method in ("eigenvector", "geometric_mean", "column_mean"):
        np.testing.assert_allclose(priorities(pairwise, method), w / w.sum(), atol=1e-5)
    assert measure_consistency(pairwise).cr < 1e-6


def test_order_of_items_does_not_matter() -> None:
    table = square(PAIRS)
    back = table.iloc[::-1, ::-1]
    np.testing.assert_allclose(priorities(read_pairwise(back))[::-1], priorities(read_pairwise(table)), atol=1e-12)


def test_random_index_tables_have_thirteen_entries_and_two_items_are_consistent() -> None:
    assert {len(table) for table in RANDOM_INDEX.values()} == {13}
    assert measure_consistency(read_pairwise([[1, 7], ["1/7", 1]])).cr == 0
    with pytest.raises(UsageError, match="saaty_1980, saaty_2005, donegan_dodd"):
        measure_consistency(read_pairwise(CYCLE), random_index="own")


def test_rounded_fractions_count_exactly() -> None:
    rounded = read_pairwise([[1, 3, 6], [0.33, 1, 2], [0.17, 0.5, 1]])
    np.testing.assert_allclose(priorities(rounded), np.array([6, 2, 1]) / 9, atol=1e-12)


def test_one_side_is_enough() -> None:
    """Bad input 138 and G: an empty side takes the other's reciprocal."""
    assert read_pairwise([["1", "", ""], ["1/3", "1", ""], ["1/5", "1/2", "1"]]).values[0].tolist() == [1, 3, 5]


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[1, 3], [3, 1]], r"'item 1' against 'item 2' is 3, the other way round 3, not 1/3.*neither is guessed"),
        ([[1, 0], ["", 1]], "is 0, outside 1/9 to 9"),
        ([[1, -3], ["", 1]], "is -3, outside 1/9 to 9"),
        ([[1, 12], ["", 1]], "is 12, outside 1/9 to 9"),
        ([[2, 3], ["1/3", 1]], "against itself is not 1"),
        ([[1, "x"], ["", 1]], "'x' is no judgement"),
        ([[1, "1/0"], ["", 1]], "'1/0' is no judgement"),
        ([[1, 3, 2], ["1/3", 1, 2]], "2 × 3 judgements of 2 items"),
        ([[1, 3, "", ""], ["", 1, "", ""], ["", "", 1, 2], ["", "", "", 1]], "connects item 3, item 4 with item 1"),
        (np.ones((16, 16)), "16 items; a random index is known, and judging is workable, up to 15"),
    ],
)
def test_bad_matrices_are_refused_by_name(matrix, message) -> None:
    """Bad inputs 136 to 138."""
    with pytest.raises(RefusedError, match=message):
        read_pairwise(matrix)


def test_cycle_is_refused_with_its_worst_triad_and_the_entry_to_ask_again() -> None:
    """Bad input 136: a over b over c over a, each nine times."""
    found = measure_consistency(read_pairwise(CYCLE))
    assert found.cr > 5 and set(found.triad) == {"item 1", "item 2", "item 3"}
    assert found.indirect == 81 and found.direct == pytest.approx(1 / 9)
    rows = [("a", "b", 9), ("b", "c", 9), ("c", "a", 9)]
    message = (
        r"consistency ratio of \d+\.\d+, above 0\.1; worst triad: a over b over c, 1/9 as judged but 81.*Ask again"
    )
    with pytest.raises(RefusedError, match=message):
        judge_criteria(long(rows), inconsistent="refuse")
    judged = judge_criteria(long(rows))
    assert [f.key for f in judged.findings()] == [
        "experts_consistent",
        "contradiction_left_out",
        "no_consistent_expert",
    ]
    matrix = build_indicators(
        pd.DataFrame({"customer_id": list("xyz"), "a": [1, 2, 3], "b": [3, 1, 2], "c": [2, 3, 1]}),
        directions=dict.fromkeys("abc", "benefit"),
    )
    with pytest.raises(RefusedError, match="Nothing is repaired here"):
        weigh_ahp(matrix, judged)
    kept = judge_criteria(long(rows), inconsistent="keep")
    assert "contradiction_kept" in [f.key for f in kept.findings()]
    np.testing.assert_allclose(weigh_ahp(matrix, kept).values, [1 / 3] * 3, atol=1e-9)


def test_the_entry_named_is_the_one_that_was_put_wrong() -> None:
    w = np.array([4.0, 2.0, 1.0, 1.0])
    matrix = w[:, None] / w
    matrix[0, 3], matrix[3, 0] = 1 / 7, 7
    found = measure_consistency(read_pairwise(matrix, list("abcd")))
    row, column, stated, value, after = found.repair
    assert {row, column} == {"a", "d"} and found.cr > 0.1 and after < 0.01
    assert stated == pytest.approx(7) and value == pytest.approx(1 / 4)


def test_experts_are_joined_by_the_geometric_mean() -> None:
    one, two = long([("a", "b", 2)], "one"), long([("b", "a", "1/8")], "two")
    judged = judge_criteria(pd.concat([one, two]))
    np.testing.assert_allclose(judged.table["weight"], [0.8, 0.2], atol=1e-12)  # √(2 · 8) = 4
    assert judged.table[["expert_lowest", "expert_highest"]].round(4).values.tolist() == [
        [0.6667, 0.8889],
        [0.1111, 0.3333],
    ]


def test_inconsistent_expert_stands_aside() -> None:
    sound = long([("a", "b", 2), ("b", "c", 2), ("a", "c", 4)], "sound")
    torn = long([("a", "b", 9), ("b", "c", 9), ("c", "a", 9)], "torn")
    judged = judge_criteria(pd.concat([sound, torn]))
    np.testing.assert_allclose(judged.table["weight"], [4 / 7, 2 / 7, 1 / 7], atol=1e-9)
    used = judged.consistency.set_index("expert")["counted_in"]
    assert used["sound"] and not used["torn"]


def test_pair_judged_twice_is_refused() -> None:
    with pytest.raises(RefusedError, match="'a' against 'b' is judged twice, 2 and 3"):
        judge_criteria(long([("a", "b", 2), ("a", "b", 3)]))


TREE = IndicatorSystem.model_validate(
    {
        "title": {"en": "Value", "zh": "客户价值"},
        "groups": {
            "now": {
                "en": "Now",
                "zh": "当前价值",
                "children": {
                    name: {"en": name, "zh": name, "direction": "benefit", "table": "orders", "formula": "spend"}
                    for name in ("profit", "orders")
                },
            },
            "later": {"en": "Later", "zh": "潜在价值", "direction": "cost", "table": "orders", "formula": "spend"},
        },
    }
)


def observed(*names: str):
    values = np.random.default_rng(0).random((5, len(names)))
    table = pd.DataFrame(values, columns=list(names)).assign(customer_id=list("abcde"))
    return build_indicators(table, directions=dict.fromkeys(names, "benefit"))


def test_weight_flows_down_the_hierarchy() -> None:
    top = long([("当前价值", "潜在价值", 3)], matrix="客户价值")
    under = long([("profit", "orders", 4)], matrix="Now")
    matrix = observed("profit", "orders", "later")
    weights = weigh_ahp(matrix, judge_criteria(pd.concat([top, under])), system=TREE)
    np.testing.assert_allclose(weights.values, [0.75 * 0.8, 0.75 * 0.2, 0.25], atol=1e-12)
    shared = weigh_ahp(matrix, judge_criteria(top), system=TREE)
    np.testing.assert_allclose(shared.values, [0.375, 0.375, 0.25], atol=1e-12)
    assert weigh(matrix, weighting="ahp", judged=judge_criteria(top), system=TREE).values.tolist() == (
        shared.values.tolist()
    )


def test_what_was_judged_but_not_observed_is_told() -> None:
    judged = judge_criteria(long([("Now", "Later", 3)], matrix="Value"))
    weights = weigh_ahp(observed("profit", "orders"), judged, system=TREE)
    assert weights.values.tolist() == [0.5, 0.5]
    finding = next(f for f in weights.findings() if f.key == "criteria_unobserved")
    assert finding.values["criteria"] == ["Later"] and finding.values["weight"] == pytest.approx(0.25)


def test_what_nobody_judged_counts_nothing_and_is_told() -> None:
    judged = judge_criteria(long([("profit", "orders", 3)], matrix="Value"))
    weights = weigh_ahp(observed("profit", "orders", "later"), judged, system=TREE)
    np.testing.assert_allclose(weights.values, [0.75, 0.25, 0], atol=1e-12)
    assert [f.values for f in weights.findings() if f.key == "indicators_unjudged"] == [{"indicators": ["later"]}]


def test_hierarchies_that_make_no_sense_are_refused() -> None:
    matrix = observed("profit", "orders", "later")
    with pytest.raises(RefusedError, match="judged 'profits', which the system of indicators does not know; nearest"):
        weigh_ahp(matrix, judge_criteria(long([("profits", "orders", 3)], matrix="Value")), system=TREE)
    with pytest.raises(RefusedError, match="no expert judged"):
        weigh_ahp(matrix, judge_criteria(None), system=TREE)
    with pytest.raises(RefusedError, match="no expert judged"):
        weigh(matrix, weighting="combined")
    assert [f.key for f in judge_criteria(None).findings()] == ["no_judgements"]
