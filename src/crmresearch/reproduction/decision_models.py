"""Published examples of weights and rankings: AHP hierarchies, entropy weights, TOPSIS.

The judgements of the AHP examples stand in ``ahp_examples.csv`` as the README of the Python package AHPy
prints them: how much of each drink is consumed (Saaty 2008), and the choice of a leader.
"""

from __future__ import annotations

from importlib import resources

import numpy as np
import pandas as pd

from crmresearch.case import Project
from crmresearch.scoring.value.indicators import build_indicators
from crmresearch.scoring.value.ranking import Ranking, rank_topsis
from crmresearch.scoring.value.weights import (
    ENTROPY_PRESETS,
    Priorities,
    Weights,
    judge_criteria,
    take_weights,
    weigh_entropy,
)

_RANDOM_INDEX = "saaty_2005"  # the table of the source


def read_judgements(case: str) -> pd.DataFrame:
    """Judgements of a published AHP example: expert, matrix, row_item, column_item, judgement."""
    with (resources.files("crmresearch.reproduction") / "ahp_examples.csv").open(encoding="utf-8") as file:
        rows = pd.read_csv(file, dtype=str)
    return rows[rows["case"] == case].drop(columns="case").assign(expert="published").reset_index(drop=True)


def judge_published(case: str) -> Priorities:
    """Priorities of a published AHP example, by eigenvector."""
    return judge_criteria(read_judgements(case), random_index=_RANDOM_INDEX)


def ahp_drinks(project: Project | None) -> dict[str, float]:
    """Saaty's drinks: priorities and consistency ratio."""
    judged = judge_published("ahp_drinks")
    weights = judged.table.set_index("judged_item")["weight"]
    return {**{f"weight {item}": float(w) for item, w in weights.items()}, "CR": _ratios(judged)["drinks"]}


def ahp_leader(project: Project | None) -> dict[str, float]:
    """The choice of a leader: criteria, three candidates under each, and the whole."""
    judged = judge_published("ahp_leader")
    weights, ratios = judged.table.set_index(["matrix", "judged_item"])["weight"], _ratios(judged)
    criteria = weights["goal"]
    values = {f"weight {item}": float(w) for item, w in criteria.items()}
    values |= {"CR criteria": ratios["goal"]}
    values |= {f"CR {name.lower()}": ratios[name] for name in ("Experience", "Education")}
    for person in ("Moll", "Nell", "Sue"):
        values[f"goal {person}"] = float(sum(criteria[c] * weights[c][person] for c in criteria.index))
    return values


def _ratios(judged: Priorities) -> dict[str, float]:
    group = judged.consistency[judged.consistency["expert"] == "group"]
    return dict(zip(group["matrix"], group["cr"].astype(float), strict=True))


def weigh_two_by_two() -> Weights:
    """Entropy weights of the two-by-two matrix in scikit-criteria's tests."""
    table = pd.DataFrame({"customer_id": ["a", "b"], "x": [1.0, 4.0], "y": [2.0, 16.0]})
    matrix = build_indicators(table, directions={"x": "cost", "y": "benefit"})
    return weigh_entropy(matrix, **ENTROPY_PRESETS["scikit_criteria"])


def rank_four_alternatives() -> Ranking:
    """The four alternatives of Tzeng and Huang (2011), by TOPSIS."""
    values = pd.DataFrame(np.array([[5, 8, 4], [7, 6, 8], [8, 8, 6], [7, 4, 6]]), columns=list("xyz"))
    table = values.assign(customer_id=["A1", "A2", "A3", "A4"])
    matrix = build_indicators(table, directions=dict.fromkeys("xyz", "benefit"))
    return rank_topsis(matrix, take_weights(matrix, {"x": 0.3, "y": 0.4, "z": 0.3}))


def entropy_skcriteria(project: Project | None) -> dict[str, float]:
    """Entropy weights of the two-by-two matrix in scikit-criteria's tests."""
    weights = weigh_two_by_two().values
    return {"w1": float(weights[0]), "w2": float(weights[1])}


def topsis_tzeng_huang(project: Project | None) -> dict[str, float]:
    """Closeness of the four alternatives of Tzeng and Huang (2011)."""
    ranking = rank_four_alternatives()
    return {f"C* {name}": float(c) for name, c in zip(ranking.matrix.customer_id, ranking.score, strict=True)}
