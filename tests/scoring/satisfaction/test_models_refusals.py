"""What the models refuse, each with the column or group named: separation, rank, one group, constants."""

import numpy as np
import pandas as pd
import pytest

from crmresearch.errors import RefusedError
from crmresearch.scoring.satisfaction import (
    compare_backgrounds,
    compare_waves,
    correlate,
    fit_blocks,
    fit_least_squares,
    fit_leaving,
    fit_ordered,
    fit_repurchase,
    fit_shapes,
    link_employees,
    measure_loyalty,
    name_untestable,
    type_loyalty,
)

RNG = np.random.default_rng(4)
X = RNG.normal(size=60)
DATA = pd.DataFrame({"x": X, "z": RNG.normal(size=60), "flat": 1.0, "y": X + RNG.normal(size=60), "one": "a"})


@pytest.mark.parametrize("ties", [False, True])
def test_separation_is_refused_by_name(ties):
    again = DATA["x"] > DATA["x"].median()
    x = DATA["x"].round(0) if ties else DATA["x"]
    again = x > 0 if ties else again
    with pytest.raises(RefusedError, match="'x' separates the outcomes"):
        fit_repurchase(DATA.assign(x=x, again=again), outcome="again", predictors=["x", "z"])


def test_ordered_separation_is_refused_by_name():
    with pytest.raises(RefusedError, match="'x' separates"):
        fit_ordered(DATA.assign(level=np.digitize(DATA["x"], [-0.5, 0.5])), outcome="level", predictors=["x"])


def test_few_events_are_refused():
    again = np.arange(60) < 3
    with pytest.raises(RefusedError, match="3 rows of the rarer outcome"):
        fit_repurchase(DATA.assign(again=again), outcome="again", predictors=["z"])


@pytest.mark.parametrize("call", [fit_least_squares, fit_shapes])
def test_constant_predictor_is_refused(call):
    options = {"predictors": ["flat"]} if call is fit_least_squares else {"predictor": "flat", "rng": RNG}
    with pytest.raises(RefusedError, match="'flat' is constant"):
        call(DATA, outcome="y", **options)


def test_rank_deficient_blocks_are_refused():
    data = DATA.assign(sum=DATA["x"] + DATA["z"])
    with pytest.raises(RefusedError, match="'sum' is an exact combination of 'x', 'z'"):
        fit_blocks(data, outcome="y", blocks=[["x", "z"], ["sum"]], rng=RNG, resamples=200)


def test_one_group_is_refused():
    with pytest.raises(RefusedError, match="'one' has 1 group"):
        compare_backgrounds(DATA, outcomes=["y"], backgrounds=["one"])


def test_constant_group_is_refused():
    data = DATA.assign(half=np.repeat(["a", "b"], 30), y=np.repeat([1.0, 2.0], 30))
    with pytest.raises(RefusedError, match="every respondent of group 'a'"):
        compare_backgrounds(data, outcomes=["y"], backgrounds=["half"])


def test_named_constant_column_is_refused_and_an_unnamed_one_left_out():
    with pytest.raises(RefusedError, match="'flat' is constant"):
        correlate(DATA, columns=["x", "flat"])
    assert correlate(DATA[["x", "y", "flat"]]).pairs[["construct", "other"]].values.tolist() == [["x", "y"]]


def test_few_clusters_are_refused():
    with pytest.raises(RefusedError, match="2 clusters for 2 coefficients"):
        fit_least_squares(DATA.assign(who=np.repeat(["a", "b"], 30)), outcome="y", predictors=["x"], cluster="who")


def test_employees_and_customers_are_never_joined_person_by_person():
    customers = pd.DataFrame({"branch": ["a"], "s": [1.0]})
    with pytest.raises(RefusedError, match="no customer belongs to one employee"):
        link_employees(customers, customers, score="s", rng=RNG, level="person")
    with pytest.raises(RefusedError, match="0 branches have 3 employees"):
        link_employees(customers, customers.assign(item=1.0), score="s", rng=RNG)


def test_nobody_left_is_refused():
    data = DATA.assign(followed_days=100.0, left=0.0)
    with pytest.raises(RefusedError, match="0 of 60 customers left"):
        fit_leaving(data, predictors=["x"])


def test_no_wave_is_refused():
    with pytest.raises(RefusedError, match="the survey has no wave"):
        compare_waves(DATA[["x"]], pd.DataFrame({"respondent_id": range(60)}))


def test_unknown_metric_claim_and_indicator_are_refused():
    with pytest.raises(RefusedError, match="no metric 'joy'"):
        measure_loyalty(DATA, measured_by={"joy": "x"})
    with pytest.raises(RefusedError, match="no claim 'D99'"):
        name_untestable(["D99"])
    with pytest.raises(RefusedError, match="no rule uses the indicator 'mood'"):
        type_loyalty(DATA.assign(customer_id="a"), attitude="x", patronage="y", indicators={"mood": "z"}, scale=(-3, 3))


def test_types_are_never_forced():
    """By hand: high attitude and purchases with low switching cost is premium; a missing indicator leaves no type."""
    n = 12
    data = pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(n)],
            "a": [7.0] * 4 + [1.0] * 8,
            "p": [4.0] * 8 + [0.0] * 4,
            "c": [1.0, 1.0, np.nan, 7.0] + [1.0] * 8,
        }
    )
    found = type_loyalty(
        data, attitude="a", patronage="p", indicators={"switching_cost": "c"}, scale=(1, 7), patronage_high=3
    )
    assert found.customers["quadrant"].tolist() == ["true_loyalty"] * 4 + ["spurious_loyalty"] * 4 + ["no_loyalty"] * 4
    assert found.customers["by_cause"].tolist() == (
        ["premium", "premium", "unassignable", "unassignable"] + ["unassignable"] * 4 + ["not_loyal"] * 4
    )
    assert set(found.customers["by_need"]) == {"unassignable"}


@pytest.mark.slow
def test_null_data_get_no_support_and_tests_hold_their_size():
    """Claims D24, D30, D13 on noise: false support no more often than declared, over 300 data sets."""
    support = {"blocks": 0, "moderation": 0, "shape": 0}
    from crmresearch.scoring.satisfaction import moderate

    for seed in range(300):
        rng = np.random.default_rng(seed)
        data = pd.DataFrame(rng.normal(size=(120, 3)), columns=["x", "w", "y"])
        blocks = fit_blocks(data, outcome="y", blocks=[["x"], ["w"]], rng=rng, resamples=200)
        support["blocks"] += blocks.findings()[0].verdict == "supported"
        support["moderation"] += moderate(data, outcome="y", predictor="x", moderator="w").verdict == "supported"
        shape = fit_shapes(data, outcome="y", predictor="x", rng=rng, resamples=200)
        support["shape"] += shape.forms.loc[2, "p_value"] < 0.05
    assert support["blocks"] <= 15 and support["moderation"] <= 17 and 4 <= support["shape"] <= 28, support
