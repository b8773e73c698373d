"""Careless answer sheets: every rule by hand, the order, and the simulated truth (E13, catalogue 124 to 126, 129)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crmresearch.case import Instrument
from crmresearch.errors import RefusedError
from crmresearch.scoring.satisfaction import screen_respondents
from crmresearch.scoring.satisfaction.screening import RULES

ITEMS = [f"q{i}" for i in range(1, 9)]


def declared(**more) -> Instrument:
    return Instrument.model_validate(
        {
            "scale": {"low": 1, "high": 7},
            "constructs": {
                "left": {"title": {"en": "L", "zh": "左"}, "items": ITEMS[:4]},
                "right": {"title": {"en": "R", "zh": "右"}, "items": ITEMS[4:]},
            },
            "items": {item: {"en": item} for item in ITEMS},
            **more,
        }
    )


def sheets(rng: np.random.Generator, n: int = 60) -> pd.DataFrame:
    level = rng.normal(4, 1, (n, 2))
    x = np.repeat(level, 4, axis=1) + rng.normal(0, 1.0, (n, 8))
    frame = pd.DataFrame(np.clip(np.round(x), 1, 7).astype(int), columns=ITEMS)
    frame.insert(0, "respondent_id", [f"r{i:02d}" for i in range(n)])
    frame["customer_id"] = [f"c{i:02d}" for i in range(n)]
    frame["duration_seconds"] = 100.0
    frame["told"] = 2
    return frame


@pytest.fixture
def survey(rng: np.random.Generator) -> pd.DataFrame:
    frame = sheets(rng)
    steady = [[4, 5, 4, 3, 5, 4, 5, 6], [3, 2, 3, 4, 2, 3, 2, 3], [6, 5, 6, 5, 4, 5, 4, 4], [5, 6, 5, 6, 6, 5, 6, 7]]
    frame[ITEMS] = np.array(steady)[np.arange(60) % 4]
    frame.loc[0, ITEMS] = [4, 3, 4, 5, 3, 4, 4, 3]
    frame.loc[1, ITEMS] = frame.loc[0, ITEMS].to_numpy()
    frame.loc[1, "customer_id"] = frame.loc[0, "customer_id"]
    frame.loc[2, "duration_seconds"] = 15.9  # 8 items at 2 s are 16 s
    frame.loc[3, "told"] = 5
    frame.loc[4, ITEMS] = [3, 3, 3, 3, 3, 4, 4, 4]  # five of eight alike
    frame.loc[5, ITEMS] = [1, 7, 1, 7, 1, 7, 1, 7]
    return frame


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def test_each_rule_finds_its_sheet_in_the_declared_order(survey: pd.DataFrame) -> None:
    found = screen_respondents(survey, declared(instructed={"told": 2}, screening={"outlier_p": 0}))
    assert dict(zip(found.excluded["respondent_id"], found.excluded["rule"], strict=True)) == {
        "r01": "repeated_sheet",
        "r02": "too_fast",
        "r03": "instructed_item",
        "r04": "long_string",
        "r05": "inconsistent",
    }
    assert tuple(found.rules["rule"]) == RULES
    assert found.rules["n_left"].tolist() == [59, 58, 57, 56, 55, 55]
    assert len(found.kept) == 55 and not set(found.kept["respondent_id"]) & set(found.excluded["respondent_id"])
    assert (found.comparison["n_all"] - found.comparison["n_kept"] == 5).all()


def test_the_first_rule_broken_takes_the_sheet_and_the_others_are_counted(survey: pd.DataFrame) -> None:
    survey.loc[3, "duration_seconds"] = 5
    found = screen_respondents(survey, declared(instructed={"told": 2}, screening={"outlier_p": 0}))
    row = found.excluded.set_index("respondent_id").loc["r03"]
    assert row["rule"] == "too_fast" and row["n_rules_broken"] == 2
    counts = found.rules.set_index("rule")
    assert counts.loc["instructed_item", "n_breaking"] == 1 and counts.loc["instructed_item", "n_set_aside"] == 0


def test_a_run_is_read_as_it_was_ticked_not_as_it_was_turned(survey: pd.DataFrame) -> None:
    reverse = declared(
        items={item: {"en": item, "reverse": item == "q5"} for item in ITEMS}, screening={"outlier_p": 0}
    )
    found = screen_respondents(survey, reverse)
    assert found.measures.loc["r04", "long_string"] == pytest.approx(5 / 8)


def test_rules_without_their_column_judge_nobody_and_say_so(survey: pd.DataFrame) -> None:
    bare = survey[["respondent_id", *ITEMS]]
    found = screen_respondents(bare, declared(screening={"outlier_p": 0})).rules.set_index("rule")
    assert found.loc[["repeated_sheet", "too_fast", "instructed_item"], "n_evaluated"].tolist() == [0, 0, 0]


def test_an_outlier_is_far_from_the_sheets_that_break_no_other_rule(rng: np.random.Generator) -> None:
    frame = sheets(rng, 200)
    frame.loc[7, ITEMS] = [7, 7, 6, 7, 1, 7, 1, 1]
    found = screen_respondents(frame, declared(screening={"max_item_spread": 9, "longest_run": 1}))
    assert found.measures.loc["r07", "outlier"] < 1e-3


def test_order_of_rows_changes_nothing(survey: pd.DataFrame) -> None:
    one = screen_respondents(survey, declared(instructed={"told": 2}))
    two = screen_respondents(survey.sample(frac=1, random_state=1), declared(instructed={"told": 2}))
    pd.testing.assert_frame_equal(one.excluded, two.excluded)


def test_an_instructed_item_without_a_column_is_named(survey: pd.DataFrame) -> None:
    with pytest.raises(RefusedError, match="no column 'asked'"):
        screen_respondents(survey, declared(instructed={"asked": 2}))


def test_everybody_careless_is_refused(survey: pd.DataFrame) -> None:
    survey["duration_seconds"] = 0.1
    with pytest.raises(RefusedError, match="every answer sheet breaks a rule"):
        screen_respondents(survey, declared())


def test_the_simulated_careless_sheets_are_found_and_no_honest_one(petrochemical) -> None:
    survey, instrument, truth = petrochemical
    found = screen_respondents(survey, instrument)
    told = truth["speeder"] | truth["straight_liner"] | truth["repeat_of"].ne("")
    assert set(found.excluded["respondent_id"]) == set(told.index[told])
