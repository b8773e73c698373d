"""What a fitted model says of each customer: probability of being alive, purchases to come, value to come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, UsageError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.value.clv.fitting import PurchaseFit, covariate_columns
from crmresearch.scoring.value.clv.gammagamma import SpendFit, expected_spend
from crmresearch.scoring.value.clv.histories import DAYS, Groups, group_equal, group_histories, numbers
from crmresearch.scoring.value.clv.uncertainty import Estimates, IntervalMethod, Sampling, estimate, sampling_of


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
        """Tables as a report shows them."""
        ranked = _ranked(self.customers, "expected_purchases")
        return (
            Exhibit("clv_forecast_total", self.total),
            Exhibit("clv_forecast_new_customer", self.new_customer),
            Exhibit("clv_forecast_customers", ranked, ("clv_interval_of_mean",), rows_shown=10),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Sentences with their numbers."""
        values = _stated(self.total, self.recipe) | {"alive": float(self.customers["p_alive"].mean())}
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
    sampling = sampling_of(fit, interval, refits=refits, rng=rng)
    alive = estimate(lambda theta, columns: _alive(fit, theta, columns), groups, sampling, link="logit")
    to_come = estimate(
        lambda theta, columns: _alive(fit, theta, columns) * _if_alive(fit, theta, columns, horizon), groups, sampling
    )
    alone = Groups((np.zeros(1),), np.ones(1), np.zeros(1, dtype=np.int64))
    of_new = estimate(
        lambda theta, columns: np.atleast_1d(fit.model.expected_new(fit.parameters_at(theta), horizon)), alone, sampling
    )
    customers = _describe(histories, fit).assign(
        **_per_customer(groups, alive, "p_alive", "p_alive_low", "p_alive_high"),
        **_per_customer(groups, to_come, *_EXPECTED),
    )
    total = _totalled(horizon, int(groups.counts.sum()), to_come, _EXPECTED)
    new_customer = _totalled(horizon, 1, of_new, _EXPECTED).drop(columns="n_customers")
    options = _forecast_options(fit, horizon, interval, sampling)
    return PurchaseForecast(customers, total, new_customer, Recipe("clv_forecast", options, fit.recipe.source))


@dataclass(frozen=True, slots=True)
class LifetimeValue:
    """Residual value: what customers are expected to bring from now on, discounted.

    Attributes
    ----------
    customers : pd.DataFrame, shape (n_customers, 10)
        customer_id, frequency, t_x, T (or n), p_alive, discounted_purchases, expected_spend (per purchase),
        residual_value, residual_low, residual_high (95 %), in the currency of ``mean_spend``.
    total : pd.DataFrame, shape (1, 5)
        horizon, n_customers, residual_value, residual_low, residual_high.
    recipe : Recipe
    """

    customers: pd.DataFrame
    total: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Tables as a report shows them."""
        ranked = _ranked(self.customers, "residual_value")
        return (
            Exhibit("clv_value_total", self.total),
            Exhibit("clv_value_customers", ranked, ("clv_repeat_only",), rows_shown=10),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Sentences with their numbers."""
        values = _stated(self.total, self.recipe) | {"rate": float(self.recipe.options["annual_discount_rate"])}
        return (Finding("clv_residual_value", values),)


def score_lifetime_value(
    fit: PurchaseFit,
    spend: SpendFit,
    histories: pd.DataFrame,
    *,
    horizon: float,
    annual_discount_rate: float,
    margin: float | pd.Series = 1.0,
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
    margin : float or pd.Series
        Share of spend that is contribution, above 0 up to 1; or each customer's own, by customer_id, at most 1
        (below 0 where customers are served at a loss).
    interval, refits, rng
        As for `predict_purchases`.

    Returns
    -------
    LifetimeValue

    Raises
    ------
    RefusedError
        Histories that cannot be, a missing or negative mean spend, a customer without a margin, or margins so low
        that the customers together bring nothing.
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
    rates = _margins(histories, margin)
    if not (annual_discount_rate >= 0 and rates.max() <= 1 and (isinstance(margin, pd.Series) or margin > 0)):
        raise UsageError(
            f"annual_discount_rate = {annual_discount_rate}, margin up to {rates.max()}",
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
    z = _mean_spend(histories)
    *columns, own_margin = (by_margin := _groups(fit, histories, z, rates)).columns
    # A margin is a known factor: it weighs the sum over customers, and each customer's value and bounds afterwards.
    groups = Groups(tuple(columns), by_margin.counts * own_margin, by_margin.group_of)
    k = len(fit.theta)
    sampling = sampling_of(fit, interval, refits=refits, rng=rng)
    sampling = sampling.beside(sampling_of(spend, interval, refits=refits, rng=rng))

    def discounted(theta: np.ndarray, columns: tuple[np.ndarray, ...]) -> np.ndarray:
        return _alive(fit, theta, columns) * _discounted_if_alive(fit, theta, columns, horizon, force)

    def per_purchase(theta: np.ndarray, columns: tuple[np.ndarray, ...]) -> np.ndarray:
        return expected_spend(np.exp(theta), columns[0], columns[-1])

    value = estimate(
        lambda theta, columns: discounted(theta[:k], columns[:-1]) * per_purchase(theta[k:], columns), groups, sampling
    )
    if value.total[0] <= 0:
        raise RefusedError(
            f"at the customers' margins their future purchases are worth {value.total[0]:,.2f} together",
            where="lifetime value",
            repair="Check costs against amounts; see who is served at a loss in a profitability study.",
        )
    bounds = np.sort([value.low * own_margin, value.high * own_margin], axis=0)
    value = Estimates(value.value * own_margin, bounds[0], bounds[1], value.total)
    plain = groups.columns[:-1]
    customers = _describe(histories, fit).assign(
        p_alive=_alive(fit, fit.theta, plain)[groups.group_of],
        discounted_purchases=discounted(fit.theta, plain)[groups.group_of],
        expected_spend=per_purchase(spend.theta, groups.columns)[groups.group_of],
        **_per_customer(groups, value, *_RESIDUAL),
    )
    total = _totalled(horizon, int(by_margin.counts.sum()), value, _RESIDUAL)
    options = _forecast_options(fit, horizon, interval, sampling) | {
        "annual_discount_rate": annual_discount_rate,
        "margin": margin if isinstance(margin, float | int) else "own_margin",
    }
    source = "Fader, Hardie & Lee (2005), Journal of Marketing Research 42(4), doi:10.1509/jmkr.2005.42.4.415"
    return LifetimeValue(customers, total, Recipe("clv_residual_value", options, source))


_EXPECTED = ("expected_purchases", "expected_low", "expected_high")
_RESIDUAL = ("residual_value", "residual_low", "residual_high")


def _check_horizon(fit: PurchaseFit, horizon: float) -> None:
    whole = fit.model.columns[2] != "n" or float(horizon).is_integer()
    if not (np.isfinite(horizon) and horizon > 0 and whole):
        raise UsageError(
            f"horizon = {horizon}",
            where="forecast",
            repair=f"Give a time above 0 in the fit's time unit ({fit.time_unit}); whole opportunities for the BG/BB.",
        )


def _groups(fit: PurchaseFit, histories: pd.DataFrame, *more: np.ndarray) -> Groups:
    extra = covariate_columns(histories, fit.model, fit.covariates, to_fit=False)
    return group_histories(histories, fit.model.columns, [*extra, *more])


def _mean_spend(histories: pd.DataFrame) -> np.ndarray:
    """Mean spend, 0 for customers without a repeat purchase."""
    if "mean_spend" not in histories.columns:
        raise RefusedError(
            "no column 'mean_spend'",
            where="lifetime value",
            repair="purchase_histories() makes it from the customer summary.",
        )
    z = numbers(histories["mean_spend"])
    repeats = histories["frequency"].to_numpy(dtype=float) > 0
    bad = repeats & ~(z >= 0)
    if bad.any():
        row = histories[bad].iloc[0]
        raise RefusedError(
            f"{np.count_nonzero(bad):,} customers who bought again have a negative or missing mean spend",
            where=f"lifetime value, customer {row.get('customer_id', row.name)}",
            repair="Set returns against their purchases, or leave these customers out.",
        )
    return np.where(repeats, z, 0.0)


def _alive(fit: PurchaseFit, theta: np.ndarray, columns: tuple[np.ndarray, ...]) -> np.ndarray:
    x, t_x, end, *extra = columns
    return fit.model.share_alive(fit.parameters_at(theta, extra), x, t_x, end)


def _if_alive(fit: PurchaseFit, theta: np.ndarray, columns: tuple[np.ndarray, ...], horizon: float) -> np.ndarray:
    def of(parameters: np.ndarray, x: np.ndarray, end: np.ndarray) -> np.ndarray:
        return fit.model.expected_if_alive(parameters, horizon, x, end)

    return _by_x_and_end(fit, theta, columns, of)


def _discounted_if_alive(
    fit: PurchaseFit, theta: np.ndarray, columns: tuple[np.ndarray, ...], horizon: float, force: float
) -> np.ndarray:
    def of(parameters: np.ndarray, x: np.ndarray, end: np.ndarray) -> np.ndarray:
        return fit.model.discounted_if_alive(parameters, horizon, force, x, end)

    return _by_x_and_end(fit, theta, columns, of)


def _by_x_and_end(
    fit: PurchaseFit,
    theta: np.ndarray,
    columns: tuple[np.ndarray, ...],
    of: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
) -> np.ndarray:
    """Evaluate once per distinct (x, T): of the living, recency says nothing more."""
    x, _, end, *extra = columns
    if extra:
        return of(fit.parameters_at(theta, extra), x, end)
    pairs = group_equal([x, end])
    return of(fit.parameters_at(theta), *pairs.columns)[pairs.group_of]


def _describe(histories: pd.DataFrame, fit: PurchaseFit) -> pd.DataFrame:
    """Identifier and history of each customer, as given."""
    ids = histories["customer_id"] if "customer_id" in histories.columns else pd.Series(histories.index)
    described = pd.DataFrame({"customer_id": ids.to_numpy()})
    return described.assign(**{c: histories[c].to_numpy() for c in fit.model.columns})


def _per_customer(groups: Groups, estimates: Estimates, *names: str) -> dict[str, np.ndarray]:
    values = (estimates.value, estimates.low, estimates.high)
    return {name: v[groups.group_of] for name, v in zip(names, values, strict=True)}


def _margins(histories: pd.DataFrame, margin: float | pd.Series) -> np.ndarray:
    """Each customer's margin."""
    if not isinstance(margin, pd.Series):
        return np.full(len(histories), float(margin))
    rates = histories["customer_id"].map(margin).to_numpy(dtype=float, na_value=np.nan)
    if np.isnan(rates).any():
        raise RefusedError(
            f"{np.isnan(rates).sum():,} customers have no margin",
            where=f"lifetime value, customer {histories['customer_id'].iloc[int(np.argmax(np.isnan(rates)))]}",
            repair="Take margins over the window of the histories, or give one margin for all.",
        )
    return rates


def _totalled(horizon: float, n: int, estimates: Estimates, names: tuple[str, str, str]) -> pd.DataFrame:
    """The sum over customers with its interval, as one row."""
    row = (horizon, n, *estimates.total)
    return pd.DataFrame([row], columns=["horizon", "n_customers", *names])


def _stated(total: pd.DataFrame, recipe: Recipe) -> dict[str, Any]:
    """What a sentence says of all customers together."""
    horizon, n, value, low, high = total.iloc[0].tolist()
    unit = recipe.options["time_unit"]
    return {"n": int(n), "horizon": round(float(horizon), 2), "unit": unit, "total": value, "low": low, "high": high}


def _forecast_options(fit: PurchaseFit, horizon: float, interval: str, sampling: Sampling) -> dict[str, Any]:
    return {
        "model": fit.model.key,
        "horizon": horizon,
        "time_unit": fit.time_unit,
        "interval": interval,
        "refits": None if sampling.draws is None else len(sampling.draws),
    }


def _ranked(customers: pd.DataFrame, by: str) -> pd.DataFrame:
    """Highest first, columns as a report names them."""
    ranked = customers.sort_values([by, "customer_id"], ascending=[False, True], ignore_index=True)
    return ranked.rename(columns={"T": "time_observed", "n": "time_observed"})
