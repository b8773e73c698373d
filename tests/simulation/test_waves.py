"""The earlier wave: the world's equations hold in it, its answers are drawn apart, its truth is what it says."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmresearch.simulation import waves
from crmresearch.simulation.population import draw_population
from crmresearch.simulation.questionnaire import CONSTRUCTS, QUESTIONS, SKIPPED, draw_survey
from crmresearch.simulation.world import DIMENSIONS, World

WORLD, N, SEED = World(), 4000, 3


@pytest.fixture(scope="module")
def drawn():
    population = draw_population(WORLD, N, SEED)
    then = waves.earlier_firms(population, WORLD, SEED)
    unmerged = SimpleNamespace(pick=lambda entity, rng: entity.astype(str))
    rng = np.random.default_rng(1)
    days = [WORLD.day(day) for day in waves.wave_days(WORLD).values()]
    orders = tuple(np.where(rng.random(N) < 0.7, day - 10, -1) for day in days)
    later = draw_survey(population, unmerged, orders[1], WORLD, SEED)
    earlier = waves.draw_earlier_survey(then, unmerged, orders, later, WORLD, SEED)
    return population, then, orders, earlier, later


def test_scores_moved_by_what_is_declared(drawn) -> None:
    """Within four standard errors, and exactly nought for what is no score of the firm."""
    population, then, *_ = drawn
    for construct, rise in waves.declared_changes(WORLD).items():
        latents = {q.latent for q in QUESTIONS.values() if q.construct == construct}
        for name in latents:
            moved = population.firms[name] - then[name]
            assert abs(moved.mean() - rise) < 4 * moved.std() / np.sqrt(N), name
            assert abs(np.corrcoef(moved, population.firms[name])[0, 1]) < 0.35, name
    changed = {c for c in then if not population.firms[c].equals(then[c])}
    assert changed == {
        *(f"{part}_{d}" for part in ("performance", "expectation") for d in DIMENSIONS),
        *("satisfaction", "trust", "switching_cost", "loyalty"),
    }


def test_some_rise_some_stay_one_falls() -> None:
    rises = waves.declared_changes(WORLD)
    assert set(rises) == set(CONSTRUCTS)
    assert [c for c, rise in rises.items() if rise < 0] == ["performance_cost"]
    assert sum(rise > 0 for rise in rises.values()) == 5 and sum(rise == 0 for rise in rises.values()) == 3


def test_satisfaction_follows_the_worlds_own_equation(drawn) -> None:
    population, then, *_ = drawn
    moved = {c: population.firms[c] - then[c] for c in then if then[c].dtype == float}
    gap = sum(
        b * (moved[f"performance_{d}"] - moved[f"expectation_{d}"])
        for b, d in zip(WORLD.satisfaction_on_gap, DIMENSIONS, strict=True)
    )
    left = moved["satisfaction"] - gap
    assert left.std() == pytest.approx(WORLD.drift_sd, rel=0.05)
    assert (moved["trust"] - WORLD.trust_on_satisfaction * moved["satisfaction"]).std() == pytest.approx(
        WORLD.drift_sd, rel=0.05
    )


def test_expected_answer_is_the_mean_of_answers_drawn() -> None:
    rng = np.random.default_rng(5)
    for score in (-2.0, 0.3, 1.8):
        own = score + rng.normal(0, WORLD.respondent_sd, 200_000)
        answer = WORLD.item_centre + WORLD.item_loading * own + rng.normal(0, WORLD.halo_sd, 200_000)
        answer = np.clip(np.round(answer + rng.normal(0, WORLD.item_sd, 200_000)), 1, 7)
        assert waves.expected_answer(np.array([score]), WORLD)[0] == pytest.approx(answer.mean(), abs=0.01)


def test_who_answered_later_is_likelier_to_have_answered_before(drawn) -> None:
    _, _, orders, earlier, later = drawn
    asked = [order >= WORLD.day(day) - 365 for order, day in zip(orders, waves.wave_days(WORLD).values(), strict=True)]
    did = [np.isin(np.arange(N), sheets.respondents["entity"]) for sheets in (earlier, later)]
    assert not (did[0] & ~asked[0]).any()
    assert did[0][asked[0]].mean() == pytest.approx(WORLD.response_rate, abs=0.03)
    assert did[0][asked[0] & did[1]].mean() == pytest.approx(WORLD.answer_again, abs=0.03)
    assert did[0][asked[0] & ~asked[1]].mean() == pytest.approx(WORLD.response_rate, abs=0.04)


def test_the_same_kinds_of_trouble(drawn) -> None:
    earlier = drawn[3]
    told = earlier.respondents
    assert told["speeder"].mean() == pytest.approx(WORLD.speeder_share, abs=0.015)
    assert told["straight_liner"].mean() == pytest.approx(WORLD.straight_liner_share, abs=0.015)
    assert told["repeat_of"].ne("").sum() == WORLD.repeat_respondents
    assert (earlier.answers["p_complaint1"] == SKIPPED).any()


def test_truth_of_the_panel_is_the_rise_of_expected_answers(drawn) -> None:
    population, then, orders, earlier, later = drawn
    true = waves.true_changes(population.firms, then, (earlier, later), orders, WORLD).set_index("construct")
    assert list(true.index) == list(CONSTRUCTS)
    both = np.intersect1d(
        *(r.loc[~r["speeder"] & ~r["straight_liner"], "entity"] for r in (earlier.respondents, later.respondents))
    )
    rise = waves.expected_answer(population.firms["trust"].to_numpy()[both], WORLD)
    rise -= waves.expected_answer(then["trust"].to_numpy()[both], WORLD)
    assert true.loc["trust", ["panel", "n_panel"]].tolist() == pytest.approx([rise.mean(), len(both)])
    assert true.loc["performance_complaint", "n_panel"] < true.loc["trust", "n_panel"] / 5
    assert (np.sign(true["panel"].round(1)) == np.sign(true["declared"].round(1))).all()


def test_the_other_streams_are_left_alone() -> None:
    """The later survey is the same whatever the earlier world was."""
    population = draw_population(WORLD, 200, SEED)
    other = World(performance_rise=(0.0, 0.0, 0.0, 1.0), drift_sd=0.5, answer_again=0.6)
    pd.testing.assert_frame_equal(population.firms, draw_population(other, 200, SEED).firms)
