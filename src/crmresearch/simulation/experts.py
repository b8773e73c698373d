"""What experts, raters and employees say: judgement matrices, ratings of firms, an employee survey."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmresearch.simulation.naming import INDUSTRIES
from crmresearch.simulation.population import Population
from crmresearch.simulation.records import Records
from crmresearch.simulation.world import World, stream

RATED = {"condition": "客户经营状况", "strategic": "战略合作能力"}
EMPLOYEE_ITEMS = (
    "我对本职工作感到满意",
    "我愿意推荐亲友来本公司工作",
    "上级尊重并支持我的工作",
    "我得到的报酬与付出相称",
    "我有权当场解决客户的问题",
)
CRITERIA_TITLE = "客户价值"


def draw_judgements(world: World, seed: int) -> pd.DataFrame:
    """Pairwise judgements of the criteria on Saaty's scale, each pair once, from the stronger side.

    The last expert's judgements contradict each other: the first criterion above the second, the
    second above the third, and the third above the first.

    Returns
    -------
    pd.DataFrame
        expert (1 …), stronger, weaker (criteria), judgement (1–9).
    """
    rng, weights = stream(seed, "judgements"), np.array(world.criteria_weights)
    row, column = np.triu_indices(len(weights), 1)
    expert = np.repeat(np.arange(world.n_experts), len(row))
    row, column = np.tile(row, world.n_experts), np.tile(column, world.n_experts)
    logs = np.log(weights[row] / weights[column]) + rng.normal(0, world.judgement_sd, len(row))
    last = expert == world.n_experts - 1
    for a, b, forced in ((0, 1, 5.0), (1, 2, 5.0), (0, 2, 1 / 5.0)):
        logs[last & (row == a) & (column == b)] = np.log(forced)
    names = np.array(world.criteria)
    return pd.DataFrame(
        {
            "expert": expert + 1,
            "stronger": names[np.where(logs >= 0, row, column)],
            "weaker": names[np.where(logs >= 0, column, row)],
            "judgement": np.clip(np.round(np.exp(np.abs(logs))), 1, 9).astype(int),
        }
    )


def draw_ratings(population: Population, records: Records, world: World, seed: int) -> pd.DataFrame:
    """Ratings (1–5) of the firms with most orders by several raters: rater, record_id, criterion, rating."""
    rng, firms = stream(seed, "ratings"), population.firms
    size = (firms["orders_per_month"] * firms["tonnes_per_order"]).to_numpy()
    rated = np.sort(np.argsort(-size, kind="stable")[: world.n_rated])
    shape = (world.n_raters, len(rated), len(RATED))
    severity = rng.normal(0, world.rater_sd, (world.n_raters, 1, len(RATED)))
    score = 3.2 + 0.8 * firms[list(RATED)].to_numpy()[rated] + severity + rng.normal(0, world.rating_sd, shape)
    rater, firm, criterion = (axis.ravel() for axis in np.indices(shape))
    record = records.records["record_id"].to_numpy()[records.first[rated]]
    return pd.DataFrame(
        {
            "rater": rater + 1,
            "record_id": record[firm],
            "criterion": np.array(list(RATED.values()))[criterion],
            "rating": np.clip(np.round(score), 1, 5).astype(int).ravel(),
        }
    )


def draw_employees(population: Population, world: World, seed: int) -> pd.DataFrame:
    """Employee survey by branch: respondent_id, branch (index), seconds, day, item_1 … (1–7)."""
    rng = stream(seed, "employees")
    branch = np.repeat(np.arange(world.n_branches), 1 + rng.poisson(world.employees_per_branch - 1, world.n_branches))
    n = len(branch)
    feeling = population.morale[branch] + rng.normal(0, 0.7, n)
    score = world.item_centre + feeling[:, None] + rng.normal(0, world.item_sd, (n, len(EMPLOYEE_ITEMS)))
    answers = pd.DataFrame(np.clip(np.round(score), 1, 7).astype(int))
    answers.columns = [f"item_{i}" for i in range(1, len(EMPLOYEE_ITEMS) + 1)]
    answers.insert(0, "respondent_id", "YG" + pd.Series(np.arange(1, n + 1)).astype(str).str.zfill(4))
    answers.insert(1, "branch", branch)
    answers.insert(2, "seconds", np.exp(rng.normal(np.log(90), 0.3, n)).astype(int))
    answers.insert(3, "day", world.day(world.survey_day) - rng.integers(1, 30, n))
    return answers


def life_cycle_stages() -> dict[str, str]:
    """Industry, as the customer sheet writes it → true stage of its life cycle."""
    return {industry.sector: industry.stage for industry in INDUSTRIES}
