"""Forecasts and values per customer, their intervals, and goodness of fit."""

from __future__ import annotations

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.special import hyperu

from crmresearch.errors import RefusedError, UsageError
from crmresearch.results import Result
from crmresearch.scoring.value.clv import (
    MODELS,
    assess_frequencies,
    assess_holdout,
    expected_spend,
    fit_purchases,
    fit_spend,
    map_alive,
    predict_purchases,
    score_lifetime_value,
    track_purchases,
)

PARAMETERS = {
    "bgnbd": np.array([0.6, 4.0, 0.8, 2.4]),
    "mbgnbd": np.array([0.6, 4.0, 0.8, 2.4]),
    "paretonbd": np.array([0.6, 10.0, 0.7, 11.0]),
}
QUADRATURE = 1e-6  # relative


def one(value: float) -> np.ndarray:
    return np.array([float(value)])


@pytest.mark.parametrize("model", PARAMETERS)
def test_expectation_is_the_integral_of_the_rate(model):
    m, parameters = MODELS[model], PARAMETERS[model]
    for x, T in ((0, 20.0), (3, 20.0), (40, 50.0)):
        value, _ = quad(lambda u, x=x, T=T: m.rate_if_alive(parameters, one(u), one(x), one(T))[0], 0, 30, epsrel=1e-10)
        assert m.expected_if_alive(parameters, 30.0, one(x), one(T))[0] == pytest.approx(value, rel=QUADRATURE)
        assert m.discounted_if_alive(parameters, 30.0, 0.0, one(x), one(T))[0] == pytest.approx(value, rel=QUADRATURE)


def test_discounted_residual_transactions_fader2005rfm():
    """Over an endless horizon the Pareto/NBD has a closed form with Tricomi's function (equation 2)."""
    r, alpha, s, beta = PARAMETERS["paretonbd"]
    x, T, force = 4.0, 40.0, 0.0027
    closed = (r + x) / (alpha + T) * (beta + T) * (force * (beta + T)) ** (s - 1) * hyperu(s, s, force * (beta + T))
    mine = MODELS["paretonbd"].discounted_if_alive(PARAMETERS["paretonbd"], 1e9, force, one(x), one(T))[0]
    assert mine == pytest.approx(closed, rel=QUADRATURE)


def test_bgbb_discounts_each_opportunity():
    parameters = np.array([1.2, 0.75, 0.66, 2.8])
    m, (x, n) = MODELS["bgbb"], (one(3), one(6))
    steps = np.diff([m.expected_if_alive(parameters, h, x, n)[0] for h in range(6)])
    force = 0.1
    value = (steps * np.exp(-force * np.arange(1, 6))).sum()
    assert m.discounted_if_alive(parameters, 5, force, x, n)[0] == pytest.approx(value, rel=1e-10)


@pytest.mark.parametrize("model", [*PARAMETERS, "bgbb"])
def test_simulated_customers_behave_as_the_formulas_say(model):
    """Alive and to come, against the second half of simulated histories."""
    m, rng = MODELS[model], np.random.default_rng(4)
    parameters = PARAMETERS.get(model, np.array([1.2, 0.75, 0.66, 2.8]))
    x, t_x = m.simulate(parameters, np.full(60_000, 10.0), rng)
    assert x.mean() == pytest.approx(float(m.expected_new(parameters, 10.0)), rel=0.04)
    assert (x == 0).mean() == pytest.approx(m.probability(parameters, one(0), one(10))[0], abs=0.01)
    assert ((t_x >= 0) & (t_x <= 10)).all()
    assert ((x == 0) == (t_x == 0)).all()
    # of all customers together: expected in 10 more = expected in 20 - expected in 10
    end = np.full(len(x), 10.0)
    to_come = m.share_alive(parameters, x, t_x, end) * m.expected_if_alive(parameters, 10.0, x, end)
    gain = float(m.expected_new(parameters, 20.0) - m.expected_new(parameters, 10.0))
    assert to_come.mean() == pytest.approx(gain, rel=0.04)


def test_more_recent_is_more_alive_and_longer_horizons_bring_more(cdnow):
    for model in PARAMETERS:
        grid = map_alive(fit_purchases(cdnow, model=model)).grid
        table = grid.pivot(index="t_x", columns="frequency", values="p_alive").drop(columns=0).dropna()
        assert (table.diff().dropna() > 0).all().all()
        assert grid["p_alive"].between(0, 1).all()


def test_forecast_intervals_hold_the_estimate_and_methods_agree(cdnow):
    fit = fit_purchases(cdnow)
    delta = predict_purchases(fit, cdnow, horizon=39)
    assert isinstance(delta, Result)
    for name in ("p_alive", "expected"):
        value = delta.customers["p_alive" if name == "p_alive" else "expected_purchases"]
        assert (delta.customers[f"{name}_low"] <= value).all()
        assert (value <= delta.customers[f"{name}_high"]).all()
    total = delta.total.iloc[0]
    assert total["expected_purchases"] == pytest.approx(delta.customers["expected_purchases"].sum())
    width = total["expected_high"] - total["expected_low"]
    for method in ("cases", "parametric"):
        rng = np.random.default_rng(9)
        other = predict_purchases(fit, cdnow, horizon=39, interval=method, refits=20, rng=rng).total.iloc[0]
        assert other["expected_purchases"] == total["expected_purchases"]
        assert 0.5 < (other["expected_high"] - other["expected_low"]) / width < 1.8


def test_lifetime_value_is_the_product_of_its_parts(cdnow):
    fit, spend = fit_purchases(cdnow, model="paretonbd"), fit_spend(cdnow)
    value = score_lifetime_value(fit, spend, cdnow, horizon=52, annual_discount_rate=0.0, margin=0.3)
    forecast = predict_purchases(fit, cdnow, horizon=52).customers
    per_purchase = expected_spend(spend.parameters, cdnow["frequency"].to_numpy(), cdnow["mean_spend"].to_numpy())
    parts = 0.3 * forecast["expected_purchases"] * per_purchase
    assert value.customers["residual_value"].to_numpy() == pytest.approx(parts.to_numpy(), rel=QUADRATURE)
    later = score_lifetime_value(fit, spend, cdnow, horizon=52, annual_discount_rate=0.2, margin=0.3)
    assert (later.customers["residual_value"] < value.customers["residual_value"]).all()
    row = value.total.iloc[0]
    assert row["residual_low"] < row["residual_value"] < row["residual_high"]
    assert value.findings()[0].values["total"] == row["residual_value"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"horizon": 0}, "horizon = 0"),
        ({"horizon": np.inf}, "horizon = inf"),
        ({"horizon": 9, "interval": "cases"}, "interval = 'cases'"),
    ],
)
def test_forecasts_refuse_options_that_mean_nothing(cdnow, options, message):
    with pytest.raises(UsageError, match=message):
        predict_purchases(fit_purchases(cdnow), cdnow, **options)


@pytest.mark.parametrize("wrong", [{"annual_discount_rate": -0.1}, {"margin": 0.0}, {"margin": 1.5}])
def test_value_refuses_rates_out_of_range(cdnow, wrong):
    options = {"horizon": 52, "annual_discount_rate": 0.1, **wrong}
    with pytest.raises(UsageError, match="annual_discount_rate"):
        score_lifetime_value(fit_purchases(cdnow), fit_spend(cdnow), cdnow, **options)


def test_value_refuses_negative_spend(cdnow):
    fit, spend = fit_purchases(cdnow), fit_spend(cdnow)
    table = cdnow.copy()
    table.loc[0, "mean_spend"] = -3.0
    with pytest.raises(RefusedError, match="negative or missing mean spend"):
        score_lifetime_value(fit, spend, table, horizon=52, annual_discount_rate=0.1)


def test_frequencies_add_up_to_the_customers(cdnow, donors):
    for fit in (fit_purchases(cdnow, model="mbgnbd"), fit_purchases(donors, model="bgbb")):
        histogram = assess_frequencies(fit, last=5).histogram
        assert histogram["actual"].sum() == fit.groups.counts.sum()
        assert histogram["expected"].sum() == pytest.approx(fit.groups.counts.sum())
        assert np.abs(histogram["actual"] - histogram["expected"]).sum() < 0.1 * fit.groups.counts.sum()


def test_holdout_by_frequency(cdnow, cdnow_customers):
    forecast = predict_purchases(fit_purchases(cdnow, model="paretonbd"), cdnow, horizon=39)
    later = cdnow_customers.rename(columns={"later_days": "n_purchase_days"})[["customer_id", "n_purchase_days"]]
    holdout = assess_holdout(forecast, later)
    assert holdout.bins["n_customers"].sum() == 2357
    assert holdout.summary["actual"].iloc[0] == later["n_purchase_days"].sum()
    assert (holdout.bins["expected"].diff().dropna() > 0).all()
    assert abs(holdout.summary["relative_error"].iloc[0]) < 0.15
    never = assess_holdout(forecast, later.head(0))
    assert never.summary["actual"].iloc[0] == 0


def test_tracking_counts_repeat_days_by_period(cdnow, tmp_path):
    fit = fit_purchases(cdnow)
    histories = pd.DataFrame({"customer_id": ["a", "b"], "first_date": pd.to_datetime(["1997-01-01", "1997-01-10"])})
    lines = pd.DataFrame(
        [
            ("a", "1997-01-01", 5.0),
            ("a", "1997-01-07", 5.0),
            ("a", "1997-01-08", 5.0),
            ("a", "1997-01-08", 2.0),
            ("b", "1997-01-10", 5.0),
            ("b", "1997-01-20", -5.0),
            ("b", "1997-01-21", 1.0),
            ("c", "1997-01-09", 1.0),
        ],
        columns=["customer_id", "date", "amount"],
    ).assign(date=lambda t: pd.to_datetime(t["date"]))
    lines.to_parquet(tmp_path / "orders.parquet")
    orders = ibis.duckdb.connect().read_parquet(tmp_path / "orders.parquet")
    tracking = track_purchases(fit, histories, orders, calibration_end=dt.date(1997, 1, 14), until=dt.date(1997, 1, 30))
    periods = tracking.periods
    assert periods["actual"].tolist() == [1, 1, 1, 0]
    assert periods["in_sample"].tolist() == [True, True, False, False]
    new = fit.model.expected_new(fit.parameters, np.array([4.0, 4.0 - 9 / 7]))
    assert periods["expected_cumulative"].iloc[-1] == pytest.approx(new.sum())
    with pytest.raises(RefusedError, match="fewer than two periods"):
        track_purchases(fit, histories, orders, calibration_end=dt.date(1997, 1, 5), until=dt.date(1997, 1, 8))
