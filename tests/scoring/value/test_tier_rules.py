"""Natural breaks, and the smallest change of a weight that demotes."""

from __future__ import annotations

import jenkspy
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmresearch.errors import RefusedError, UsageError
from crmresearch.scoring.value import (
    assign_tiers,
    build_indicators,
    find_demotions,
    rank_by,
    rank_weighted_sum,
    take_weights,
    weigh_equally,
)
from crmresearch.scoring.value.tiers import find_breaks


def matrix_of(values):
    values = np.asarray(values, dtype=float)
    names = list("xyz")[: values.shape[1]]
    table = pd.DataFrame(values, columns=names).assign(customer_id=[f"c{i:04d}" for i in range(len(values))])
    return build_indicators(table, directions=dict.fromkeys(names, "benefit"))


def within(scores, floors) -> float:
    tier = (scores[:, None] < floors).sum(axis=1)
    return sum(((scores[tier == k] - scores[tier == k].mean()) ** 2).sum() for k in np.unique(tier))


def test_natural_breaks_find_the_gaps() -> None:
    assert find_breaks(np.array([0.1, 0.12, 0.5, 0.52, 0.9]), 3).tolist() == [0.9, 0.5]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=4, max_size=25).filter(lambda v: len(set(v)) >= 4), st.integers(2, 4))
def test_natural_breaks_are_the_least_squares(values, n_tiers) -> None:
    """Against every way to cut the distinct values."""
    from itertools import combinations

    scores = np.array(values, dtype=float)
    best = min(within(scores, np.array(cut)[::-1]) for cut in combinations(np.unique(scores)[1:], n_tiers - 1))
    assert within(scores, find_breaks(scores, n_tiers)) == pytest.approx(best, abs=1e-9)


def test_binned_breaks_are_nearly_those_of_jenkspy() -> None:
    scores = np.random.default_rng(5).gamma(2, size=900)
    exact = np.array(jenkspy.jenks_breaks(scores, n_classes=4))[1:-1]
    assert within(scores, find_breaks(scores, 4)) <= within(scores, np.nextafter(exact[::-1], np.inf)) * 1.001


def test_natural_breaks_need_enough_scores() -> None:
    with pytest.raises(RefusedError, match="2 different scores cannot make 3 tiers"):
        find_breaks(np.array([0.1, 0.1, 0.9]), 3)


def test_tiers_by_natural_breaks_with_their_stability() -> None:
    values = np.random.default_rng(1).lognormal(size=(80, 3))
    matrix = matrix_of(values)
    ranking = rank_by(matrix, weigh_equally(matrix))
    tiers = assign_tiers(ranking, values[:, 0], rule="natural_breaks", n_draws=100, rng=np.random.default_rng(2))
    assert tiers.table["n_customers"].sum() == 80 and tiers.customers["stay"].between(0, 1).all()
    expected = (ranking.score[:, None] < find_breaks(ranking.score, 4)).sum(axis=1)
    found = tiers.customers.set_index("customer_id")["tier"].loc[matrix.customer_id]
    assert found.tolist() == ["ABCD"[k] for k in expected]
    with pytest.raises(UsageError, match="Leave the bounds out"):
        assign_tiers(ranking, values[:, 0], rule="natural_breaks", bounds=(0.5,), rng=np.random.default_rng(2))


def test_two_customers_change_places_where_the_closed_form_says() -> None:
    """a has x = 1, y = 0; b has x = 0, y = 1: b passes a once the weight of y is above ½."""
    matrix = matrix_of([[1, 0], [0, 1]])
    ranking = rank_weighted_sum(matrix, take_weights(matrix, {"x": 0.7, "y": 0.3}))
    found = find_demotions(ranking, [1, 1], rule="quantile", bounds=(0.5,), labels="AB")
    first = found.customers.iloc[0]
    assert (first["customer_id"], first["indicator"], first["tier"]) == ("c0000", "x", "A")
    assert first["weight_change"] == pytest.approx(-0.21) and first["new_weight"] == pytest.approx(0.49)
    assert found.customers["weight_change"].isna().tolist() == [False, True]


@pytest.mark.parametrize("rule", ["value_share", "quantile", "threshold"])
def test_demotion_equals_trying_every_weighting(rule) -> None:
    values = np.random.default_rng(4).lognormal(size=(15, 3))
    matrix = matrix_of(values)
    weights = {"x": 0.5, "y": 0.3, "z": 0.2}
    ranking = rank_by(matrix, take_weights(matrix, weights))
    options = {"rule": rule, "bounds": (0.6, 0.2) if rule == "threshold" else (0.2, 0.6), "labels": "ABC"}

    def tier_under(given):
        again = rank_by(matrix, take_weights(matrix, given))
        tiers = assign_tiers(again, values[:, 0], n_draws=100, rng=np.random.default_rng(0), **options)
        return tiers.customers.set_index("customer_id")["tier"].loc[matrix.customer_id].to_numpy()

    base, smallest = tier_under(weights), np.full(15, np.inf)
    for name, weight in weights.items():
        for move in np.arange(-1, 1.001, 0.1).round(2):
            if move == 0 or not 0 <= round(weight + move, 9) <= 1:
                continue
            moved = {k: v * (1 - weight - move) / (1 - weight) for k, v in weights.items()} | {name: weight + move}
            moved = {k: max(v, 0.0) / sum(max(u, 0.0) for u in moved.values()) for k, v in moved.items()}
            falls = tier_under(moved) > base
            smallest[falls] = np.minimum(smallest, abs(move))[falls]
    found = find_demotions(ranking, values[:, 0], step=0.1, **options)
    ours = found.customers.set_index("customer_id")["weight_change"].loc[matrix.customer_id].abs().fillna(np.inf)
    np.testing.assert_allclose(ours, smallest, atol=1e-9)


def test_nobody_is_demoted_by_the_only_indicator() -> None:
    matrix = matrix_of([[3], [2], [1]])
    ranking = rank_by(matrix, weigh_equally(matrix))
    found = find_demotions(ranking, [3, 2, 1], bounds=(0.5,), labels="AB")
    assert found.customers["weight_change"].isna().all()
    with pytest.raises(UsageError, match="step=0"):
        find_demotions(ranking, [3, 2, 1], bounds=(0.5,), labels="AB", step=0)
