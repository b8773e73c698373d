"""Relative importance, quadrants, penalty and reward, index, Kano, recommendation: by hand and against oracles."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pingouin
import pytest

from crmresearch.case import Instrument
from crmresearch.errors import RefusedError
from crmresearch.scoring.satisfaction import (
    classify_kano,
    fit_penalty_reward,
    map_importance_performance,
    score_delivered_value,
    score_index,
    score_recommendation,
    score_relative_importance,
)
from crmresearch.scoring.satisfaction.importance.quadrants import QUADRANTS
from crmresearch.scoring.satisfaction.importance.relative import dominance, johnson_weights
from crmresearch.scoring.satisfaction.kano import CATEGORIES, EVALUATION

LETTER = dict(zip(CATEGORIES, "AOMIRQ", strict=True))


def declared(names: list[str], **more) -> Instrument:
    items = [f"{kind}_{name}" for name in names for kind in ("p", "i")]
    return Instrument.model_validate(
        {
            "scale": {"low": 1, "high": 7},
            "constructs": {
                "overall": {"title": {"en": "O", "zh": "总"}, "items": ["sat"]},
                "goods": {"title": {"en": "G", "zh": "货"}, "items": [f"p_{names[0]}"]},
                "price": {"title": {"en": "P", "zh": "价"}, "items": [f"p_{names[1]}"]},
            },
            "items": {item: {"en": item} for item in [*items, "sat"]},
            "attributes": {
                n: {"title": {"en": n, "zh": n}, "performance": f"p_{n}", "importance": f"i_{n}"} for n in names
            },
            **more,
        }
    )


def rated(rng: np.random.Generator, names: list[str], slopes: list[float], n: int = 400) -> pd.DataFrame:
    common = rng.standard_normal((n, 1))
    p = np.clip(np.round(4 + 1.2 * (0.6 * common + 0.8 * rng.standard_normal((n, len(names))))), 1, 7)
    sat = np.clip(np.round(4 + (p - 4) @ slopes + rng.normal(0, 0.8, n)), 1, 7)
    frame = pd.DataFrame(p.astype(int), columns=[f"p_{name}" for name in names])
    for number, name in enumerate(names):
        frame[f"i_{name}"] = rng.integers(3 + number, 6 + number, n).clip(1, 7)
    frame["sat"] = sat.astype(int)
    frame.insert(0, "respondent_id", [f"r{i:04d}" for i in range(n)])
    return frame


def correlation_of(rng: np.random.Generator, k: int) -> tuple[pd.DataFrame, np.ndarray]:
    x = rng.standard_normal((300, k)) @ rng.normal(size=(k, k)) + rng.standard_normal((300, 1))
    y = x @ rng.normal(size=k) + 3 * rng.standard_normal(300)
    data = pd.DataFrame(x).assign(y=y)
    return data, np.corrcoef(data.to_numpy(), rowvar=False)


@pytest.mark.parametrize("seed", range(3))
def test_general_dominance_is_that_of_pingouin(seed: int) -> None:
    data, correlation = correlation_of(np.random.default_rng(seed), 5)
    told = pingouin.linear_regression(data.drop(columns="y"), data["y"], relimp=True)
    ours, complete, conditional = dominance(correlation)
    np.testing.assert_allclose(ours, told["relimp"].to_numpy()[1:], atol=1e-10)
    assert (conditional | ~complete).all()  # complete dominance implies conditional


@pytest.mark.parametrize("seed", range(3))
def test_johnson_weights_by_way_of_the_nearest_orthogonal_variables(seed: int) -> None:
    data, correlation = correlation_of(np.random.default_rng(seed), 4)
    x = data.drop(columns="y").to_numpy()
    x = (x - x.mean(axis=0)) / x.std(axis=0) / np.sqrt(len(x))
    y = data["y"].to_numpy()
    y = (y - y.mean()) / y.std() / np.sqrt(len(y))
    u, _, vt = np.linalg.svd(x, full_matrices=False)
    nearest = u @ vt
    expected = ((x.T @ nearest) ** 2) @ (nearest.T @ y) ** 2
    ours = johnson_weights(correlation[None])[0]
    np.testing.assert_allclose(ours, expected, atol=1e-10)
    r_squared = correlation[-1, :-1] @ np.linalg.solve(correlation[:-1, :-1], correlation[-1, :-1])
    assert ours.sum() == pytest.approx(r_squared, abs=1e-12)
    assert dominance(correlation)[0].sum() == pytest.approx(r_squared, abs=1e-12)


def test_the_attribute_that_matters_leads_and_order_changes_nothing() -> None:
    names = ["goods", "price", "staff"]
    survey = rated(np.random.default_rng(1), names, [0.7, 0.1, 0.3])
    found = score_relative_importance(
        survey, declared(names), outcome="overall", resamples=300, rng=np.random.default_rng(1)
    )
    assert found.attributes["attribute"].tolist() == ["goods", "staff", "price"]
    assert found.attributes["rank_held"].iloc[0] > 0.99
    again = score_relative_importance(
        survey.sample(frac=1, random_state=2),
        declared(names),
        outcome="overall",
        attributes=["staff", "goods", "price"],
        resamples=100,
        rng=np.random.default_rng(1),
    )
    np.testing.assert_allclose(again.attributes["relative_weight"], found.attributes["relative_weight"], atol=1e-12)


def test_axes_and_quadrants_are_those_of_martilla_and_james() -> None:
    """B27: performance across, importance upwards; concentrate here is the upper left corner."""
    assert QUADRANTS == {
        (True, False): "concentrate_here",
        (True, True): "keep_up",
        (False, False): "low_priority",
        (False, True): "possible_overkill",
    }
    names = ["goods", "price", "staff", "web"]
    survey = pd.DataFrame({"respondent_id": [f"r{i}" for i in range(40)], "sat": 4})
    levels = {"goods": (2, 6), "price": (6, 6), "staff": (2, 2), "web": (6, 2)}  # performance, importance
    for name, (p, i) in levels.items():
        survey[f"p_{name}"], survey[f"i_{name}"] = p, i
    found = map_importance_performance(survey, declared(names), resamples=50, rng=np.random.default_rng(1))
    assert found.attributes.set_index("attribute")["quadrant"].to_dict() == {
        "goods": "concentrate_here",
        "price": "keep_up",
        "staff": "low_priority",
        "web": "possible_overkill",
    }
    assert found.lines.iloc[0].tolist() == [4.0, 4.0] and (found.attributes["quadrant_held"] == 1).all()


def test_the_figure_puts_performance_across_and_concentrate_here_at_the_upper_left() -> None:
    from crmresearch.reporting.figures.importance import plot_quadrants

    attributes = pd.DataFrame(
        {
            "attribute": ["goods", "price"],
            "performance_mean": [2.0, 6.0],
            "performance_low": [1.8, 5.8],
            "performance_high": [2.2, 6.2],
            "importance_value": [0.7, 0.3],
            "importance_low": [0.6, 0.2],
            "importance_high": [0.8, 0.4],
        }
    )
    lines = pd.DataFrame({"performance_line": [4.0], "importance_line": [0.5]})
    axes = plot_quadrants(attributes, str, lines=lines).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("ipa_performance_axis", "ipa_importance_axis")
    places = {text.get_text(): text.get_position() for text in axes.texts}
    assert places["concentrate_here"] == (0.01, 0.99) and places["possible_overkill"] == (0.99, 0.01)
    assert places["keep_up"] == (0.99, 0.99) and places["low_priority"] == (0.01, 0.01)


def test_penalty_and_reward_come_back() -> None:
    rng = np.random.default_rng(2)
    names = ["goods", "price", "staff"]
    survey = rated(rng, names, [0, 0, 0], n=1500)
    p = survey[[f"p_{name}" for name in names]]
    low, high = p <= 3, p >= 5
    made = 4 - 1.5 * low["p_goods"] + 1.5 * high["p_price"] - 0.8 * low["p_staff"] + 0.8 * high["p_staff"]
    survey["sat"] = np.clip(np.round(made + rng.normal(0, 0.5, len(survey))), 1, 7).astype(int)
    found = fit_penalty_reward(survey, declared(names), outcome="overall").attributes.set_index("attribute")
    assert found["asymmetry_class"].to_dict() == {
        "goods": "basic_attribute",
        "price": "excitement_attribute",
        "staff": "symmetric_attribute",
    }
    assert found.loc["goods", "penalty"] == pytest.approx(-1.5, abs=0.15)
    assert found.loc["price", "reward"] == pytest.approx(1.5, abs=0.15)


def test_a_band_with_too_few_ratings_is_named() -> None:
    survey = rated(np.random.default_rng(2), ["goods", "price"], [0.5, 0.2])
    survey["p_price"] = survey["p_price"].clip(lower=4)
    with pytest.raises(RefusedError, match=r"0 low, .* ratings of 'price'"):
        fit_penalty_reward(survey, declared(["goods", "price"]), outcome="overall")


def test_the_index_by_hand() -> None:
    """Ratings 4 and 6 of 1 to 7 are 50 and 83.33; importance 2 and 6 weighs them 1/4 and 3/4: 75."""
    survey = pd.DataFrame({"respondent_id": [f"r{i}" for i in range(40)], "sat": 4})
    survey[["p_goods", "p_price", "i_goods", "i_price"]] = [4, 6, 2, 6]
    found = score_index(survey, declared(["goods", "price"]), resamples=50, rng=np.random.default_rng(1))
    assert found.attributes["index_weight"].tolist() == [0.25, 0.75]
    assert found.overall["index_value"].tolist() == pytest.approx([75.0, 200 / 3])
    assert found.overall.loc[0, ["conf_low", "conf_high"]].tolist() == pytest.approx([75.0, 75.0])


def test_an_attribute_without_its_twin_is_named() -> None:
    scale = declared(["goods", "price"]).model_dump()
    scale["attributes"]["price"]["importance"] = ""
    survey = rated(np.random.default_rng(1), ["goods", "price"], [0.3, 0.3])
    with pytest.raises(RefusedError, match="'price' has no question on importance"):
        score_index(
            survey,
            Instrument.model_validate(scale),
            attributes=["goods", "price"],
            rng=np.random.default_rng(1),
        )


def test_delivered_value_by_hand() -> None:
    """B03: value 6, cost rated favourable at 5 is a burden of 3: delivered 3."""
    survey = rated(np.random.default_rng(1), ["goods", "price"], [0.3, 0.3]).assign(p_goods=6, p_price=5)
    kinds = {"value": ["goods"], "cost": ["price"]}
    found = score_delivered_value(survey, declared(["goods", "price"]), **kinds).groups.iloc[0]
    assert (found["total_value"], found["total_cost"], found["delivered_value"]) == (6, 3, 3)
    burden = score_delivered_value(survey, declared(["goods", "price"]), cost_wording="burden", **kinds)
    assert burden.groups.iloc[0]["delivered_value"] == 1


def test_net_promoters_by_hand() -> None:
    """50 of 9 and 10, 30 of 7 and 8, 20 of 0 to 6: .30; Rocks's adjusted Wald interval."""
    survey = pd.DataFrame({"respondent_id": [f"r{i}" for i in range(100)], "likely": [9] * 50 + [7] * 30 + [0] * 20})
    found = score_recommendation(survey, declared(["goods", "price"], recommend="likely")).scores.iloc[0]
    assert found["nps"] == pytest.approx(0.30)
    p, d = 50.75 / 103, 20.75 / 103
    half = 1.959964 * np.sqrt((p + d - (p - d) ** 2) / 103)
    assert found[["conf_low", "conf_high"]].tolist() == pytest.approx([p - d - half, p - d + half], abs=1e-6)
    with pytest.raises(RefusedError, match="answer 11 is none of 0 to 10"):
        score_recommendation(survey.assign(likely=11), declared(["goods", "price"], recommend="likely"))


def test_the_evaluation_table_is_kanos() -> None:
    """Berger et al. (1993): rows if offered, columns if not, like to dislike."""
    letters = ["".join(LETTER[CATEGORIES[code]] for code in row) for row in EVALUATION]
    assert letters == ["QAAAO", "RIIIM", "RIIIM", "RIIIM", "RRRRQ"]


KANO = {"features": {"fast": {"title": {"en": "F", "zh": "快"}, "present": "with", "absent": "without"}}}


def test_kano_by_hand_and_in_either_coding() -> None:
    """30 must-be, 20 one-dimensional, 6 attractive, 4 indifferent of 60."""
    pairs = [(3, 5)] * 30 + [(1, 5)] * 20 + [(1, 3)] * 6 + [(3, 3)] * 4
    survey = pd.DataFrame(pairs, columns=["with", "without"]).assign(respondent_id=[f"r{i}" for i in range(60)])
    found = classify_kano(survey, declared(["goods", "price"], kano=KANO))
    row = found.features.iloc[0]
    assert (row["category"], row["runner_up"], row["n"]) == ("must_be", "one_dimensional", 60)
    assert (row["kano_better"], row["kano_worse"]) == (pytest.approx(26 / 60), pytest.approx(-50 / 60))
    margin = 1.959964 * np.sqrt(50 * 70 / 120)  # Fong: 10.6, and must-be leads by 10
    assert margin > 10 and not row["clear"]
    assert row["kano_worse_low"] < row["kano_worse"] < row["kano_worse_high"]
    turned = survey.assign(**{"with": 6 - survey["with"], "without": 6 - survey["without"]})
    same = classify_kano(turned, declared(["goods", "price"], kano={**KANO, "like": "highest"}))
    pd.testing.assert_frame_equal(same.counts, found.counts)


@pytest.mark.parametrize(
    ("change", "words"),
    [({"with": 6}, "answer 6 is none of 1 to 5"), ({"without": "like"}, "not numbers"), ({"with": pd.NA}, "0 pairs")],
)
def test_kano_answers_that_cannot_be_used_are_named(change: dict, words: str) -> None:
    survey = pd.DataFrame({"respondent_id": [f"r{i}" for i in range(20)], "with": 1, "without": 5}).assign(**change)
    survey["with"] = survey["with"].astype("Int64")
    with pytest.raises(RefusedError, match=words):
        classify_kano(survey, declared(["goods", "price"], kano=KANO))


def test_the_simulated_kano_categories_come_back(petrochemical) -> None:
    survey, instrument, _ = petrochemical
    found = classify_kano(survey, instrument).features.set_index("kano_feature")
    assert found["category"].to_dict() == {"stock": "must_be", "price": "one_dimensional", "portal": "attractive"}
    assert found["clear"].all()


def test_stated_importance_ranks_the_simulated_attributes_as_they_were_made(petrochemical) -> None:
    """Satisfaction hangs on promise and staff most, then cost, then complaint handling."""
    survey, instrument, _ = petrochemical
    found = map_importance_performance(survey, instrument, resamples=100, rng=np.random.default_rng(1)).attributes
    ranked = found.sort_values("importance_value", ascending=False)["attribute"].tolist()
    assert set(ranked[:2]) == {"rated_promise", "rated_staff"} and ranked[2:] == ["rated_cost", "rated_complaint"]
