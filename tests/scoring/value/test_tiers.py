from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmresearch.errors import RefusedError, UsageError
from crmresearch.scoring.value.indicators import build_indicators
from crmresearch.scoring.value.ranking import Ranking, rank_topsis
from crmresearch.scoring.value.tiers import Tiers, assign_tiers
from crmresearch.scoring.value.weights import take_weights, weigh_equally


def ranking_of(*values: float) -> Ranking:
    """A ranking by one indicator, so that every weighting gives the same order."""
    table = pd.DataFrame({"customer_id": [f"c{i:03d}" for i in range(len(values))], "x": np.array(values, float)})
    matrix = build_indicators(table, directions={"x": "benefit"})
    return rank_topsis(matrix, weigh_equally(matrix))


def tiers_of(ranking: Ranking, worth=None, **options) -> Tiers:
    worth = ranking.matrix.values[:, 0] if worth is None else np.asarray(worth, dtype=float)
    options = {"n_draws": 100, "rng": np.random.default_rng(0)} | options
    return assign_tiers(ranking, worth, **options)


def labels(tiers: Tiers) -> str:
    return "".join(tiers.customers.sort_values("customer_id")["tier"])


def test_hand_computed_share_of_value() -> None:
    tiers = tiers_of(ranking_of(50, 20, 11, 9, 5, 3, 1, 1))
    # 50 reaches .5; 50 + 20 + 11 reaches .8; + 9 + 5 reaches .95.
    assert labels(tiers) == "ABBCCDDD"
    assert tiers.table["n_customers"].tolist() == [1, 2, 2, 3]
    assert tiers.table["share_worth"].tolist() == pytest.approx([0.5, 0.31, 0.14, 0.05])


def test_ties_are_never_parted() -> None:
    assert labels(tiers_of(ranking_of(40, 30, 15, 15), bounds=(0.8, 0.9), labels="ABC")) == "AAAA"
    assert labels(tiers_of(ranking_of(9, 9, 9, 1), rule="quantile", bounds=(0.25,), labels="AB")) == "AAAB"


def test_value_may_differ_from_the_score() -> None:
    assert labels(tiers_of(ranking_of(4, 3, 2, 1), [0, 0, 90, 10], bounds=(0.5,), labels="AB")) == "AAAB"


def test_negative_worth_counts_as_nothing_but_is_shown() -> None:
    tiers = tiers_of(ranking_of(4, 3, 2, 1), [60, -20, 40, 0], bounds=(0.5,), labels="AB")
    assert labels(tiers) == "ABBB" and tiers.table["worth"].tolist() == [60, 20]


def test_quantile_takes_whole_customers() -> None:
    assert labels(tiers_of(ranking_of(*range(10, 0, -1)), rule="quantile", bounds=(0.1, 0.3, 0.7))) == "ABBCCCCDDD"


def test_threshold_is_a_score() -> None:
    ranking = ranking_of(10, 8, 5, 0)  # closeness by one indicator is its place between worst and best
    assert labels(tiers_of(ranking, rule="threshold", bounds=(0.7, 0.4), labels="ABC")) == "AABC"


def test_one_indicator_leaves_nothing_to_perturb() -> None:
    tiers = tiers_of(ranking_of(50, 20, 10, 10, 5, 3, 1, 1))
    assert (tiers.customers["stay"] == 1).all() and (tiers.table["share_stable"] == 1).all()


def two_sided(n: int = 60) -> Ranking:
    values = np.random.default_rng(8).lognormal(0, 1, size=(n, 3))
    table = pd.DataFrame(values, columns=list("xyz")).assign(customer_id=[f"c{i:04d}" for i in range(n)])
    matrix = build_indicators(table, directions={"x": "benefit", "y": "benefit", "z": "cost"})
    return rank_topsis(matrix, take_weights(matrix, {"x": 0.5, "y": 0.3, "z": 0.2}))


@pytest.mark.parametrize("rule", ["value_share", "quantile", "threshold"])
def test_stability_equals_ranking_again_draw_by_draw(rule) -> None:
    ranking, n_draws = two_sided(), 100
    worth = ranking.matrix.values[:, 0]
    tiers = tiers_of(ranking, worth, rule=rule, n_draws=n_draws, rng=np.random.default_rng(11))
    base = tiers.customers.set_index("customer_id")["tier"]
    stays = pd.Series(0.0, index=base.index)
    for drawn in np.random.default_rng(11).dirichlet(100 * ranking.weights.values, size=n_draws):
        weights = take_weights(ranking.matrix, dict(zip("xyz", drawn / drawn.sum(), strict=True)))
        again = tiers_of(rank_topsis(ranking.matrix, weights), worth, rule=rule).customers.set_index("customer_id")
        stays += (again["tier"].loc[base.index] == base) / n_draws
    np.testing.assert_allclose(tiers.customers.set_index("customer_id")["stay"], stays, atol=1e-9)
    assert stays.min() < 0.9, "the example must have customers that move"


def test_firmer_weights_move_fewer_customers() -> None:
    firm, loose = (tiers_of(two_sided(), concentration=c).customers["stay"].mean() for c in (10_000, 10))
    assert firm > loose


def test_moves_are_shares_of_each_tier() -> None:
    tiers = tiers_of(two_sided())
    assert tiers.moves.groupby("tier")["share_moved"].sum().tolist() == pytest.approx([1] * 4)
    same = tiers.moves.query("tier == perturbed_tier").set_index("tier")["share_moved"]
    np.testing.assert_allclose(same, tiers.table.set_index("tier")["stay"])


def test_empty_tier_is_told() -> None:
    tiers = tiers_of(ranking_of(10, 8, 5, 0), rule="threshold", bounds=(0.7, 0.6), labels="ABC")
    assert [f.values for f in tiers.findings() if f.key == "empty_tier"] == [{"tier": "B"}]
    assert tiers.table["n_customers"].tolist() == [2, 0, 2]


def test_zero_weight_stays_zero() -> None:
    ranking = two_sided()
    alone = rank_topsis(ranking.matrix, take_weights(ranking.matrix, {"x": 1.0, "y": 0.0, "z": 0.0}))
    assert (tiers_of(alone).customers["stay"] == 1).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rule": "best"}, "Choose from: value_share, quantile, threshold"),
        ({"bounds": (0.8, 0.5, 0.9)}, "Give 3 ascending shares"),
        ({"bounds": (0.5, 0.8)}, "do not cut 4 tiers"),
        ({"rule": "threshold", "bounds": (0.1, 0.5, 0.9)}, "Give 3 descending scores"),
        ({"n_draws": 10}, "n_draws=10"),
        ({"concentration": 0}, "concentration=0"),
        ({"worth": [1.0]}, "1 values for 4 customers"),
    ],
)
def test_bad_options(options, message) -> None:
    with pytest.raises(UsageError, match=message):
        tiers_of(ranking_of(4, 3, 2, 1), **options)


@pytest.mark.parametrize("worth", [[0, 0, 0, -1], [1, 2, np.nan, 3]])
def test_no_value_to_share_is_refused(worth) -> None:
    with pytest.raises(RefusedError, match="nowhere positive"):
        tiers_of(ranking_of(4, 3, 2, 1), worth)


@settings(max_examples=25, deadline=None)
@given(
    scores=st.lists(st.integers(0, 12), min_size=2, max_size=30).filter(lambda s: len(set(s)) > 1),
    rule=st.sampled_from(["value_share", "quantile"]),
)
def test_tiers_follow_their_definition(scores, rule) -> None:
    """Down the ranking, group by group: a group is in the first tier that had not ended before it."""
    ranking = ranking_of(*scores)
    tiers = tiers_of(ranking, [s + 1 for s in scores], rule=rule, bounds=(0.25, 0.5, 0.75))
    shared = np.array([s + 1 for s in scores] if rule == "value_share" else [1] * len(scores), dtype=float)
    expected = [
        "ABCD"[sum(shared[np.array(scores) > s].sum() >= b * shared.sum() for b in (0.25, 0.5, 0.75))] for s in scores
    ]
    assert labels(tiers) == "".join(expected)
