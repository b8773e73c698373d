"""The world is the one its coefficients describe: each is recovered from what was drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from crmresearch.errors import UsageError
from crmresearch.simulation import dealings, experts, questionnaire, records, trade, truth
from crmresearch.simulation.population import Population, draw_population
from crmresearch.simulation.world import DAYS_PER_MONTH, DIMENSIONS, World, stream

WORLD = World()
N = 4000
MAX_Z = 4.0  # four standard errors: one false alarm in 16,000 for each coefficient and seed


@pytest.fixture(scope="module")
def population() -> Population:
    return draw_population(WORLD, N, seed=11)


@pytest.fixture(scope="module")
def lines(population: Population) -> pd.DataFrame:
    return trade.draw_orders(population, WORLD, seed=11)


def assert_recovered(outcome: pd.Series, predictors: pd.DataFrame, expected: dict[str, float]) -> None:
    fit = sm.OLS(outcome.to_numpy(), sm.add_constant(predictors.astype(float))).fit()
    for name, value in expected.items():
        assert abs(fit.params[name] - value) < MAX_Z * fit.bse[name], f"{name}: {fit.params[name]} for {value}"
        assert fit.bse[name] < 0.1


def test_satisfaction_hangs_on_performance_less_expectation(population: Population) -> None:
    firms = population.firms
    gaps = pd.DataFrame({d: firms[f"performance_{d}"] - firms[f"expectation_{d}"] for d in DIMENSIONS})
    assert_recovered(firms["satisfaction"], gaps, dict(zip(DIMENSIONS, WORLD.satisfaction_on_gap, strict=True)))


def test_loyalty_hangs_on_satisfaction_trust_and_switching_cost(population: Population) -> None:
    firms = population.firms.assign(both=lambda f: f["satisfaction"] * f["switching_cost"])
    assert_recovered(firms["trust"], firms[["satisfaction"]], {"satisfaction": WORLD.trust_on_satisfaction})
    expected = {
        "satisfaction": WORLD.loyalty_on_satisfaction,
        "trust": WORLD.loyalty_on_trust,
        "switching_cost": WORLD.loyalty_on_switching,
        "both": WORLD.loyalty_interaction,
    }
    assert_recovered(firms["loyalty"], firms[list(expected)], expected)
    total = firms[["satisfaction", "switching_cost", "both"]]
    assert_recovered(firms["loyalty"], total, {"satisfaction": WORLD.loyalty_total})


def test_rate_of_leaving_hangs_on_satisfaction(population: Population) -> None:
    firms = population.firms
    predictors = pd.concat(
        [firms[["satisfaction", "switching_cost"]], pd.get_dummies(firms["type"], drop_first=True)], axis=1
    )
    expected = {"satisfaction": WORLD.hazard_on_satisfaction, "switching_cost": WORLD.hazard_on_switching}
    assert_recovered(np.log(firms["hazard_per_month"]), predictors, expected)
    aged = (firms["dropout_day"] - firms["start_day"]) / DAYS_PER_MONTH * firms["hazard_per_month"]
    assert abs(aged.mean() - 1) < MAX_Z / np.sqrt(N)


def test_staff_of_contented_branches_serve_better(population: Population) -> None:
    firms = population.firms.assign(morale=population.morale[population.firms["branch"]])
    expected = {"expectation_staff": WORLD.performance_on_expectation, "morale": WORLD.staff_on_morale}
    assert_recovered(firms["performance_staff"], firms[list(expected)], expected)


def test_orders_come_at_the_firms_own_rate(population: Population, lines: pd.DataFrame) -> None:
    firms = population.firms
    stays = np.minimum(firms["dropout_day"], WORLD.n_days) - firms["start_day"]
    back = (firms["left_again_day"].clip(upper=WORLD.n_days) - firms["won_back_day"]).fillna(0)
    expected = (firms["orders_per_month"] / DAYS_PER_MONTH * (stays + back)).sum()
    orders = lines.loc[lines["kind"] == "sale", "order_id"].nunique()
    repeats = orders - N - firms["won_back_day"].notna().sum()
    assert abs(repeats - expected) < MAX_Z * np.sqrt(expected)


def test_nobody_buys_after_leaving(population: Population, lines: pd.DataFrame) -> None:
    sales = lines[lines["kind"] == "sale"].merge(population.firms, on="entity")
    staying = (sales["day"] >= sales["start_day"]) & (sales["day"] < sales["dropout_day"])
    back = (sales["day"] >= sales["won_back_day"]) & (sales["day"] < sales["left_again_day"])
    assert (staying | back).all()
    assert sales["day"].max() < WORLD.n_days


def test_margin_is_the_firms(population: Population, lines: pd.DataFrame) -> None:
    sums = lines[lines["kind"] == "sale"].groupby("entity")[["amount", "cost"]].sum()
    firms = population.firms.loc[sums.index]
    observed = 1 - sums["cost"] / sums["amount"]
    assert np.abs(observed - firms["margin"]).median() < 0.005


def test_returns_are_part_of_a_sale(lines: pd.DataFrame) -> None:
    back = lines[lines["kind"] == "return"].assign(order_id=lambda r: "XS" + r["order_id"].str[2:])
    both = back.merge(lines[lines["kind"] == "sale"], on=["order_id", "product"], suffixes=("", "_sold"))
    assert len(both) == len(back) > 0
    assert (both["quantity"] < 0).all() and (both["amount"] <= 0).all() and (both["cost"] <= 0).all()
    assert (-both["quantity"] <= both["quantity_sold"]).all()
    assert (both["day"] > both["day_sold"]).all()


def test_win_back_beats_acquisition_as_declared(population: Population) -> None:
    calls = dealings.draw_campaign(population, replace(WORLD, n_prospects=4000), seed=11)
    for is_lost, rate in ((True, WORLD.win_back_rate), (False, WORLD.acquisition_rate)):
        arm = calls.loc[(calls["entity"] >= 0) == is_lost, "converted"]
        assert abs(arm.mean() - rate) < MAX_Z * np.sqrt(rate * (1 - rate) / len(arm))


def test_wallet_estimates_miss_by_their_grade(population: Population, lines: pd.DataFrame) -> None:
    wallet = dealings.draw_wallet(lines, population, WORLD, seed=11)
    np.testing.assert_allclose(wallet["own"] / wallet["true_total"], population.firms["wallet_share"][wallet["entity"]])
    miss = np.log(wallet["total"] / wallet["true_total"]).groupby(wallet["grade"]).std()
    np.testing.assert_allclose(miss, WORLD.wallet_error, rtol=0.1)


def test_value_is_profit_gone_and_to_come(population: Population, lines: pd.DataFrame) -> None:
    values = truth.true_values(lines, population, WORLD, seed=11)
    gone = ~population.firms["alive"]
    assert (values.loc[gone, "future_value"] == 0).all()
    assert sorted(values["value_rank"]) == list(range(1, N + 1))
    ranked = values.sort_values("value_rank")
    assert ranked["value"].is_monotonic_decreasing
    assert "".join(ranked["tier"].drop_duplicates()) == "ABC"
    a = values.loc[values["tier"] == "A", "value"].sum() / values["value"].clip(lower=0).sum()
    assert WORLD.tier_shares[0] <= a < WORLD.tier_shares[0] + 0.01
    assert values["profit"].sum() == lines["amount"].sum() - lines["cost"].sum()


def test_expected_month_is_the_mean_of_many(lines: pd.DataFrame, population: Population) -> None:
    """Profit booked in the last year by firms that stayed through it is what was expected of them."""
    values = truth.true_values(lines, population, WORLD, seed=11)
    steady = population.firms["dropout_day"] >= WORLD.n_days
    booked, expected = values.loc[steady, "current_value"].sum() / 12, values.loc[steady, "monthly_profit"].sum()
    assert booked == pytest.approx(expected, rel=0.15)


def test_answers_measure_what_they_should(population: Population) -> None:
    kept = records.draw_records(population, WORLD, seed=11)
    survey = questionnaire.draw_survey(population, kept, np.full(N, 1200), WORLD, seed=11)
    careful = ~(survey.respondents["speeder"] | survey.respondents["straight_liner"])
    names = [n for n in questionnaire.QUESTIONS if not n.startswith("p_complaint")]
    answers = survey.answers.loc[careful, names].astype(float)
    for name in names:
        question = questionnaire.QUESTIONS[name]
        r = answers[name].corr(survey.respondents.loc[careful, question.latent])
        assert (-r if question.reverse else r) > 0.3, name


def test_one_expert_is_inconsistent() -> None:
    judged = experts.draw_judgements(WORLD, seed=11)
    names, random_index = list(WORLD.criteria), 1.12  # Saaty's mean CI of random 5 × 5 matrices
    logs = []
    for _, own in judged.groupby("expert"):
        matrix = np.ones((5, 5))
        row, column = own["stronger"].map(names.index), own["weaker"].map(names.index)
        matrix[row, column], matrix[column, row] = own["judgement"], 1 / own["judgement"]
        ratio = (np.linalg.eigvals(matrix).real.max() - 5) / 4 / random_index
        assert (ratio > 0.1) == (len(logs) == WORLD.n_experts - 1)
        logs.append(np.log(matrix))
    weights = np.exp(np.mean(logs[:-1], axis=0).mean(axis=1))
    np.testing.assert_allclose(weights / weights.sum(), WORLD.criteria_weights, atol=0.04)


def test_streams_are_independent_of_each_other(population: Population) -> None:
    """More win-back calls leave every order as it was."""
    assert stream(3, "a").random() != stream(3, "b").random()
    again = draw_population(replace(WORLD, n_prospects=1, response_rate=0.1), N, seed=11)
    pd.testing.assert_frame_equal(again.firms, population.firms)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"types": WORLD.types[:2]}, "sum to 0.28"),
        ({"criteria_weights": (0.5, 0.5)}, "a weight for each"),
        ({"n_branches": 13}, "13 branches"),
    ],
)
def test_impossible_worlds_are_refused(change: dict, match: str) -> None:
    with pytest.raises(UsageError, match=match):
        replace(WORLD, **change)
