"""Fits: what they must not depend on, what they refuse, and recovery of known parameters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crmresearch.errors import RefusedError
from crmresearch.scoring.value.clv import MODELS, check_independence, fit_purchases, fit_spend, purchase_histories
from crmresearch.scoring.value.clv.histories import group_equal

SAME = 1e-7  # relative, between two converged fits of one likelihood
CONTINUOUS = ("bgnbd", "mbgnbd", "paretonbd")


@pytest.mark.parametrize("model", CONTINUOUS)
def test_row_order_and_grouping_do_not_matter(cdnow, model):
    fit = fit_purchases(cdnow, model=model)
    shuffled = fit_purchases(cdnow.sample(frac=1, random_state=1), model=model)
    assert shuffled.theta.tolist() == fit.theta.tolist()
    counted = cdnow.groupby(["frequency", "t_x", "T"]).size().rename("customers").reset_index()
    assert fit_purchases(counted, model=model).theta == pytest.approx(fit.theta, rel=1e-12)


@pytest.mark.parametrize("model", CONTINUOUS)
def test_another_time_unit_rescales_only_the_rates(cdnow, model):
    weeks = fit_purchases(cdnow, model=model)
    days = fit_purchases(cdnow.assign(t_x=cdnow["t_x"] * 7, T=cdnow["T"] * 7), model=model, time_unit="day")
    factor = np.ones(4)
    factor[list(MODELS[model].time_parameters)] = 7
    assert days.parameters == pytest.approx(weeks.parameters * factor, rel=SAME)
    assert days.covariance == pytest.approx(weeks.covariance, rel=1e-5)


def test_another_currency_rescales_only_gamma(cdnow):
    dollars, cents = fit_spend(cdnow), fit_spend(cdnow.assign(mean_spend=cdnow["mean_spend"] * 100))
    assert cents.parameters == pytest.approx(dollars.parameters * [1, 1, 100], rel=SAME)


def test_donors_counted_or_listed_give_one_fit(donors):
    listed = donors.loc[donors.index.repeat(donors["customers"])].drop(columns="customers")
    assert fit_purchases(listed, model="bgbb").theta.tolist() == fit_purchases(donors, model="bgbb").theta.tolist()


def test_group_equal_restores_the_rows():
    rng = np.random.default_rng(3)
    columns = [
        rng.integers(0, 3, 500),
        rng.integers(0, 4, 500) / 7,
        np.where(rng.random(500) < 0.5, 1.5, rng.random(500)),
    ]
    groups = group_equal(columns)
    for column, distinct in zip(columns, groups.columns, strict=True):
        assert (distinct[groups.group_of] == column).all()
    assert groups.counts.sum() == 500
    rows = np.column_stack(groups.columns)
    assert (rows == np.unique(rows, axis=0)).all()


def test_tidy_and_glance(cdnow):
    fit = fit_purchases(cdnow)
    table = fit.tidy()
    assert list(table) == ["term", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"]
    assert (table["conf_low"] > 0).all()
    assert ((table["conf_low"] < table["estimate"]) & (table["estimate"] < table["conf_high"])).all()
    row = fit.glance().iloc[0]
    assert row["n_customers"] == 2357
    assert row["aic"] == pytest.approx(8 - 2 * row["log_likelihood"])


def test_purchase_histories_by_hand():
    summary = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c"],
            "first_date": pd.to_datetime(["2024-01-01", "2024-01-08", None]),
            "frequency": [1, 0, 0],
            "t_x_days": [14.0, 0.0, np.nan],
            "age_days": [28.0, 21.0, np.nan],
            "mean_repeat_spend": [25.0, np.nan, np.nan],
        }
    )
    made = purchase_histories(summary, time_unit="week").drop(columns="first_date")
    assert made.to_numpy().tolist() == [["a", 1, 2.0, 4.0, 25.0], ["b", 0, 0.0, 3.0, 0.0]]
    with pytest.raises(RefusedError, match="no column 'age_days'"):
        purchase_histories(summary.drop(columns="age_days"))


GOOD = {"frequency": 2, "t_x": 3.0, "T": 9.0}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"t_x": np.nan}, "missing or not a number"),
        ({"frequency": 1.5}, "not a whole number"),
        ({"frequency": -1}, "not a whole number"),
        ({"t_x": 9.5}, "does not lie between 0 and T"),
        ({"t_x": -1.0}, "does not lie between 0 and T"),
        ({"frequency": 0}, "above 0 without a repeat purchase"),
        ({"t_x": 0.0}, "0 with a repeat purchase"),
    ],
)
def test_impossible_histories_are_refused_by_name(wrong, message):
    table = pd.DataFrame([GOOD] * 80).astype(float)
    table["customer_id"] = [f"c{i}" for i in range(80)]
    for column, value in wrong.items():
        table.loc[7, column] = value
    with pytest.raises(RefusedError, match=message) as refusal:
        fit_purchases(table)
    assert "customer c7" in str(refusal.value)


def test_too_few_customers_or_repeaters_are_refused(cdnow):
    with pytest.raises(RefusedError, match="30 customers of whom"):
        fit_purchases(cdnow.head(30))
    once = cdnow[cdnow["frequency"] == 0]
    with pytest.raises(RefusedError, match="0 bought again"):
        fit_purchases(once)


@pytest.mark.parametrize("model", CONTINUOUS)
def test_customers_who_are_all_alike_are_refused(model):
    """Without differences between customers the distributions over them shrink to points."""
    x = np.tile([1, 2, 3], 60)
    table = pd.DataFrame({"frequency": x, "t_x": 9.9, "T": 10.0})
    with pytest.raises(RefusedError, match=r"no maximum|not determined|short of") as refusal:
        fit_purchases(table, model=model)
    assert "more customers" in str(refusal.value)


@pytest.mark.parametrize("value", [0.0, -5.0, np.nan])
def test_spend_must_be_positive(cdnow, value):
    table = cdnow[cdnow["frequency"] > 0].copy()
    table.iloc[4, table.columns.get_loc("mean_spend")] = value
    with pytest.raises(RefusedError, match="mean spend of zero, below it or missing"):
        fit_spend(table)


def test_constant_or_scarce_spend_is_refused(cdnow):
    with pytest.raises(RefusedError, match="every customer spends the same"):
        fit_spend(cdnow.assign(mean_spend=12.0))
    with pytest.raises(RefusedError, match="too few for three parameters"):
        fit_spend(cdnow[cdnow["frequency"] > 0].head(10))


def test_independence_check_sees_dependence():
    rng = np.random.default_rng(5)
    x = rng.integers(1, 20, 400).astype(float)
    z = x * rng.gamma(6 * x) / x / rng.gamma(4.0, 1 / 15.0, 400)
    table = check_independence(x, z).set_index("measure")
    assert table.loc["spearman", "conf_low"] > 0.7
    fit = fit_spend(pd.DataFrame({"frequency": x, "mean_spend": z}))
    assert fit.findings()[1].key == "clv_independence_doubtful"


def test_covariates_are_recovered():
    rng = np.random.default_rng(8)
    n = 20_000
    z = rng.integers(0, 2, n)
    slopes = {"bgnbd": (0.6, 0.4, -0.3), "paretonbd": (0.6, -0.5)}
    for model, truth in slopes.items():
        base = np.array((0.5, 5.0, 0.8, 2.0) if model == "bgnbd" else (0.6, 8.0, 0.7, 10.0))
        natural = np.repeat(base[:, None], n, axis=1)
        for (position, sign), slope in zip(MODELS[model].covariate_loads, truth, strict=True):
            natural[position] *= np.exp(sign * slope * z)
        T = np.full(n, 50.0)
        x, t_x = MODELS[model].simulate(natural, T, rng)
        table = pd.DataFrame({"frequency": x, "t_x": t_x, "T": T, "channel": z})
        fit = fit_purchases(table, model=model, covariates=("channel",))
        error = np.sqrt(np.diag(fit.covariance))
        expected = np.concatenate([np.log(base), truth])
        assert np.abs((fit.theta - expected) / error).max() < 3.5
        assert fit.terms[4] == "alpha:channel"


@pytest.mark.parametrize(
    ("model", "column", "message"),
    [
        ("bgbb", "channel", "takes none"),
        ("bgnbd", "absent", "no column 'absent'"),
        ("bgnbd", "same", "the same for every"),
    ],
)
def test_covariates_that_cannot_serve_are_refused(cdnow, donors, model, column, message):
    table = donors if model == "bgbb" else cdnow.assign(channel=cdnow.index % 2, same=1.0)
    with pytest.raises(RefusedError, match=message):
        fit_purchases(table, model=model, covariates=(column,))


TRUTH = {
    "bgnbd": (0.5, 5.0, 0.8, 2.5),
    "mbgnbd": (0.7, 5.0, 0.8, 2.0),
    "paretonbd": (0.7, 8.0, 0.8, 10.0),
    "bgbb": (1.2, 0.8, 0.7, 2.8),
}
RUNS = 200


SLOPES = {"bgnbd": (0.5, 0.4, -0.3), "mbgnbd": (0.5, 0.3, -0.2), "paretonbd": (0.5, -0.4)}
"""Coefficients of one covariate, in the order of each model's covariate loads."""


@pytest.mark.slow
@pytest.mark.parametrize("model", [*TRUTH, "gammagamma", *(f"{name} with a covariate" for name in SLOPES)])
def test_intervals_cover_the_truth(model):
    """95 % intervals of every parameter hold the truth in 92 to 98 % of 200 simulated customer bases."""
    truth, covered = covers(model)
    assert ((covered >= 0.92) & (covered <= 0.98)).all(), dict(zip(truth, covered, strict=True))


def covers(model: str, runs: int = RUNS) -> tuple[np.ndarray, np.ndarray]:
    """True parameters, and the share of simulated customer bases whose intervals hold each."""
    name = model.split()[0]
    truth = np.array(TRUTH.get(name, (6.0, 4.0, 15.0)))
    if name != model:
        truth = np.concatenate([truth, SLOPES[name]])
    covered = np.zeros(len(truth))
    for seed in range(runs):
        table = _fitted(name, truth, name != model, np.random.default_rng([20260101, seed])).tidy()
        covered += (table["conf_low"] <= truth) & (truth <= table["conf_high"])
    return truth, covered / runs


def _fitted(name: str, truth: np.ndarray, moved: bool, rng: np.random.Generator):
    if name == "gammagamma":
        x = 1 + rng.negative_binomial(1, 0.4, 1500)
        z = rng.gamma(truth[0] * x) / x / rng.gamma(truth[1], 1 / truth[2], len(x))
        return fit_spend(pd.DataFrame({"frequency": x, "mean_spend": z}))
    end = np.full(4000, 10.0) if name == "bgbb" else 52 - np.floor(rng.uniform(0, 90, 4000)) / 7
    natural, columns = truth[:4], {}
    if moved:
        columns["channel"] = rng.integers(0, 2, len(end))
        natural = np.repeat(natural[:, None], len(end), axis=1)
        for (position, sign), slope in zip(MODELS[name].covariate_loads, truth[4:], strict=True):
            natural[position] *= np.exp(sign * slope * columns["channel"])
    x, t_x = MODELS[name].simulate(natural, end, rng)
    columns |= dict(zip(MODELS[name].columns, (x, t_x, end), strict=True))
    return fit_purchases(pd.DataFrame(columns), model=name, covariates=("channel",) if moved else ())
