"""What a fitted model says of each customer: probability of being alive, purchases to come, value to come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, UsageError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.value.clv.fitting import PurchaseFit
from crmresearch.scoring.value.clv.gammagamma import SpendFit, expected_spend
from crmresearch.scoring.value.clv.histories import DAYS, Groups, check_histories, group_equal
from crmresearch.scoring.value.clv.uncertainty import (
    IntervalMethod,
    Quantity,
    bootstrap,
    delta_interval,
    percentile_interval,
)

_BLOCK = 50_000  # distinct histories whose bootstrap values are held at once


@dataclass(frozen=True, slots=True)
class PurchaseForecast:
    """Purchases to come.

    Attributes
    ----------
    customers : pd.DataFrame, shape (n_customers, 10)
        customer_id, frequency, t_x, T (or n), p_alive, p_alive_low, p_alive_high, expected_purchases,
        expected_low, expected_high (95 % intervals of the expectation, not of a single customer's count).
    total : pd.DataFrame, shape (1, 5)
        horizon, n_customers, expected_purchases, expected_low, expected_high of all customers together.
    new_customer : pd.DataFrame, shape (1, 4)
        horizon, expected_purchases, expected_low, expected_high of a customer who has just bought first (at
        covariates of zero).
    recipe : Recipe
    """

    customers: pd.DataFrame
    total: pd.DataFrame
    new_customer: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        ranked = self.customers.sort_values("expected_purchases", ascending=False, kind="stable")
        return (
            Exhibit("clv_forecast_total", self.total),
            Exhibit("clv_forecast_new_customer", self.new_customer),
            Exhibit("clv_forecast_customers", ranked.reset_index(drop=True), ("clv_interval_of_mean",), rows_shown=10),
        )

    def findings(self) -> tuple[Finding, ...]:
        total = self.total.iloc[0]
        values = {
            "n": int(total["n_customers"]),
            "horizon": float(total["horizon"]),
            "unit": self.recipe.options["time_unit"],
            "total": float(total["expected_purchases"]),
            "low": float(total["expected_low"]),
            "high": float(total["expected_high"]),
            "alive": float(self.customers["p_alive"].mean()),
        }
        return (Finding("clv_forecast", values),)


def predict_purchases(
    fit: PurchaseFit,
    histories: pd.DataFrame,
    *,
    horizon: float,
    interval: IntervalMethod = "delta",
    refits: int = 200,
    rng: np.random.Generator | None = None,
) -> PurchaseForecast:
    """Predict for each customer the probability of being alive and the purchases in the next ``horizon``.

    Parameters
    ----------
    fit : PurchaseFit
    histories : pd.DataFrame
        One row per customer: optional ``customer_id``, the model's columns, covariates as in the fit.
    horizon : float
        In the fit's time unit, above 0; whole opportunities for the BG/BB.
    interval : {"delta", "cases", "parametric"}
        How the 95 % intervals are made; the last two refit the model ``refits`` times.
    refits : int
        At least 2.
    rng : np.random.Generator, optional
        Needed for a bootstrap.

    Returns
    -------
    PurchaseForecast

    Raises
    ------
    RefusedError
        Histories that cannot be.
    UsageError
        A horizon of zero or less, or a bootstrap without ``rng``.

    References
    ----------
    Fader, Hardie & Lee (2005), Marketing Science 24(2), eq. 9 and 10; Fader & Hardie (2005), note 009, eq. 36
    and 41; Fader, Hardie & Shang (2010), eq. 11 and 13.

    Examples
    --------
    >>> from crmresearch.scoring.value.clv.bgnbd import BG_NBD
    >>> from crmresearch.scoring.value.clv.fitting import fit_purchases
    >>> x, t_x = BG_NBD.simulate((0.24, 4.4, 0.8, 2.4), np.full(2000, 39.0), np.random.default_rng(1))
    >>> histories = pd.DataFrame({"frequency": x, "t_x": t_x, "T": 39.0})
    >>> forecast = predict_purchases(fit_purchases(histories), histories, horizon=26)
    >>> bool(forecast.customers["p_alive"].between(0, 1).all())
    True
    """
    _check_horizon(fit, horizon)
    groups = _groups(fit, histories)
    draws = _draws(fit, interval, refits, rng)
    alive = _intervals(fit, groups, _alive, draws, link="logit")
    to_come = _intervals(fit, groups, lambda *a: _alive(*a) * _on_x_and_T(fit.model.expected_if_alive, *a, horizon), draws)
    columns = {
        "p_alive": alive[0],
        "p_alive_low": alive[2],
        "p_alive_high": alive[3],
        "expected_purchases": to_come[0],
        "expected_low": to_come[2],
        "expected_high": to_come[3],
    }
    customers = _named(histories, fit, {name: values[groups.group_of] for name, values in columns.items()})

    def of_all(theta: np.ndarray) -> np.ndarray:
        each = _alive(fit, theta, groups) * _on_x_and_T(fit.model.expected_if_alive, fit, theta, groups, horizon)
        return np.atleast_1d(groups.counts @ each)

    def of_new(theta: np.ndarray) -> np.ndarray:
        return np.atleast_1d(fit.model.expected_new(np.exp(theta[: len(fit.model.parameters)]), horizon))

    recipe = Recipe(
        "clv_forecast",
        {
            "model": fit.model.key,
            "horizon": horizon,
            "time_unit": fit.time_unit,
            "interval": interval,
            "refits": None if draws is None else len(draws),
        },
        fit.recipe.source,
    )
    n = int(groups.counts.sum())
    total = _one_row(of_all, fit, draws, {"horizon": horizon, "n_customers": n})
    return PurchaseForecast(customers, total, _one_row(of_new, fit, draws, {"horizon": horizon}), recipe)


@dataclass(frozen=True, slots=True)
class LifetimeValue:
    """Residual value: what customers are expected to bring from now on, discounted.

    Attributes
    ----------
    customers : pd.DataFrame, shape (n_customers, 8)
        customer_id, p_alive, discounted_purchases, expected_spend (per purchase), residual_value,
        residual_low, residual_high (95 %), in the currency of ``mean_spend``; frequency.
    total : pd.DataFrame, shape (1, 5)
        horizon, n_customers, residual_value, residual_low, residual_high.
    recipe : Recipe
    """

    customers: pd.DataFrame
    total: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        ranked = self.customers.sort_values("residual_value", ascending=False, kind="stable")
        return (
            Exhibit("clv_value_total", self.total),
            Exhibit("clv_value_customers", ranked.reset_index(drop=True), ("clv_repeat_only",), rows_shown=10),
        )

    def findings(self) -> tuple[Finding, ...]:
        total = self.total.iloc[0]
        values = {
            "n": int(total["n_customers"]),
            "horizon": float(total["horizon"]),
            "unit": self.recipe.options["time_unit"],
            "total": float(total["residual_value"]),
            "low": float(total["residual_low"]),
            "high": float(total["residual_high"]),
            "rate": float(self.recipe.options["annual_discount_rate"]),
        }
        return (Finding("clv_residual_value", values),)


def score_lifetime_value(
    fit: PurchaseFit,
    spend: SpendFit,
    histories: pd.DataFrame,
    *,
    horizon: float,
    annual_discount_rate: float,
    margin: float = 1.0,
    interval: IntervalMethod = "delta",
    refits: int = 200,
    rng: np.random.Generator | None = None,
) -> LifetimeValue:
    """Discounted value of each customer's future repeat purchases.

    Parameters
    ----------
    fit : PurchaseFit
    spend : SpendFit
    histories : pd.DataFrame
        One row per customer: optional ``customer_id``, the model's columns, covariates, ``mean_spend``.
    horizon : float
        In the fit's time unit, above 0.
    annual_discount_rate : float
        Effective rate per year, 0 or more; 0.10 is ten per cent.
    margin : float
        Share of spend that is contribution, above 0 up to 1.
    interval, refits, rng
        As for `predict_purchases`.

    Returns
    -------
    LifetimeValue

    Raises
    ------
    RefusedError
        Histories that cannot be, or a missing or negative mean spend.
    UsageError
        A horizon, rate or margin out of range, a time unit whose length is unknown, or a bootstrap without ``rng``.

    Notes
    -----
    ``residual_value = margin · E(spend | x, z) · P(alive) · ∫ exp(-δ u) purchase rate(u) du`` over u from 0 to the
    horizon, δ the continuous rate per time unit. The models of buying and spending are fitted to separate data and
    their errors taken as independent. Cross-selling, up-selling and referrals are not part of it.

    References
    ----------
    Fader, Hardie & Lee (2005), RFM and CLV, Journal of Marketing Research 42(4), 415-430,
    doi:10.1509/jmkr.2005.42.4.415.
    """
    _check_horizon(fit, horizon)
    if not (annual_discount_rate >= 0 and 0 < margin <= 1):
        raise UsageError(
            f"annual_discount_rate = {annual_discount_rate}, margin = {margin}",
            where="lifetime value",
            repair="The rate is 0 or more (0.10 is ten per cent a year), the margin above 0 and at most 1.",
        )
    if fit.time_unit not in DAYS and annual_discount_rate > 0:
        raise UsageError(
            f"the length of one {fit.time_unit!r} is unknown",
            where="lifetime value",
            repair=f"Fit with a time_unit of {', '.join(DAYS)}, or set annual_discount_rate to 0.",
        )
    force = np.log1p(annual_discount_rate) * DAYS[fit.time_unit] / DAYS["year"] if annual_discount_rate > 0 else 0.0
    groups = _groups(fit, histories)
    draws = _draws(fit, interval, refits, rng)
    x, z = _spending(histories)
    to_come = _intervals(
        fit,
        groups,
        lambda *a: _alive(*a) * _on_x_and_T(fit.model.discounted_if_alive, *a, horizon, force),
        draws,
        transform=np.log,
    )
    alive = _alive(fit, fit.theta, groups)
    ...
