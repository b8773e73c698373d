"""Intervals of whatever a fitted model predicts: by the delta method, or from refits to resampled customers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm

from crmresearch.errors import RefusedError
from crmresearch.scoring.value.clv.fitting import PurchaseFit, refit
from crmresearch.scoring.value.clv.gammagamma import SpendFit, refit_spend
from crmresearch.scoring.value.clv.histories import group_equal

Quantity = Callable[[np.ndarray], np.ndarray]
"""From ``theta`` (parameters in logs, then covariate coefficients) to values of shape (rows,)."""

IntervalMethod = Literal["delta", "cases", "parametric"]
"""``delta``: normal approximation; ``cases``: refits to customers drawn with replacement; ``parametric``: refits
to histories simulated from the fitted model."""

_STEP = 1e-4  # of a log-parameter; central differences are then good to 1e-8
_FEWEST_REFITS_KEPT = 0.95


def jacobian(quantity: Quantity, theta: np.ndarray) -> np.ndarray:
    """Derivatives of a quantity by ``theta``, shape (rows, len(theta)), by central differences."""
    steps = _STEP * np.eye(len(theta))
    return np.stack([(quantity(theta + s) - quantity(theta - s)) / (2 * _STEP) for s in steps], axis=-1)


def delta_interval(
    quantity: Quantity, theta: np.ndarray, covariance: np.ndarray, *, link: Literal["log", "logit"] = "log"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Standard error and 95 % interval of a quantity, by the delta method on a scale that respects its range.

    Parameters
    ----------
    quantity : Quantity
    theta : np.ndarray, shape (k,)
    covariance : np.ndarray, shape (k, k)
    link : {"log", "logit"}
        The interval is symmetric in the logarithm, or in the log-odds for probabilities.

    Returns
    -------
    std_error, conf_low, conf_high : np.ndarray, shape (rows,)
        A quantity of exactly 0 (or a probability of 1) has an interval of no width.
    """
    at = quantity(theta)
    slope = jacobian(quantity, theta)
    error = np.sqrt(np.einsum("ij,jk,ik->i", slope, covariance, slope))
    with np.errstate(divide="ignore", invalid="ignore"):
        if link == "log":
            half = norm.ppf(0.975) * error / at
            low, high = at * np.exp(-half), at * np.exp(half)
        else:
            half = norm.ppf(0.975) * error / (at * (1 - at))
            low, high = expit(logit(at) - half), expit(logit(at) + half)
    certain = error == 0
    return error, np.where(certain, at, low), np.where(certain, at, high)


def percentile_interval(quantity: Quantity, draws: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Standard error and 95 % percentile interval of a quantity over bootstrap estimates.

    Parameters
    ----------
    quantity : Quantity
    draws : np.ndarray, shape (n_refits, k)

    Returns
    -------
    std_error, conf_low, conf_high : np.ndarray, shape (rows,)
    """
    values = np.stack([quantity(theta) for theta in draws])
    low, high = np.percentile(values, [2.5, 97.5], axis=0)
    return values.std(axis=0, ddof=1), low, high


def bootstrap(
    fit: PurchaseFit | SpendFit, *, method: Literal["cases", "parametric"], refits: int, rng: np.random.Generator
) -> np.ndarray:
    """Estimates from refits to resampled customers.

    Parameters
    ----------
    fit : PurchaseFit or SpendFit
    method : {"cases", "parametric"}
    refits : int
    rng : np.random.Generator

    Returns
    -------
    np.ndarray, shape (n_kept, k)
        ``theta`` of each refit that converged.

    Raises
    ------
    RefusedError
        More than one refit in twenty did not converge.
    """
    again = _again_spend if isinstance(fit, SpendFit) else _again_purchases
    draws, refused = [], 0
    for _ in range(refits):
        try:
            draws.append(again(fit, method, rng).theta)
        except RefusedError:
            refused += 1
    if len(draws) < _FEWEST_REFITS_KEPT * refits:
        raise RefusedError(
            f"{refused} of {refits} refits did not converge",
            where=f"bootstrap of {fit.recipe.method}",
            repair="The estimates are not stable under resampling; use more customers.",
        )
    return np.array(draws)


def _again_purchases(fit: PurchaseFit, method: str, rng: np.random.Generator) -> PurchaseFit:
    groups = fit.groups
    if method == "cases":
        n = int(groups.counts.sum())
        counts = rng.multinomial(n, groups.counts / groups.counts.sum()).astype(float)
        kept = counts > 0
        return refit(fit, replace(groups, columns=tuple(c[kept] for c in groups.columns), counts=counts[kept]))
    rows = np.repeat(np.arange(len(groups.counts)), groups.counts.astype(int))
    _, _, end, *extra = (column[rows] for column in groups.columns)
    parameters = fit.parameters_of(fit.theta, np.column_stack(extra) if extra else None)
    x, t_x = fit.model.simulate(parameters, end, rng)
    return refit(fit, group_equal([x, t_x, end, *extra]))


def _again_spend(fit: SpendFit, method: str, rng: np.random.Generator) -> SpendFit:
    n = len(fit.x)
    if method == "cases":
        rows = rng.integers(n, size=n)
        return refit_spend(fit, fit.x[rows], fit.z[rows])
    p, q, gamma = fit.parameters
    return refit_spend(fit, fit.x, rng.gamma(p * fit.x) / fit.x / rng.gamma(q, 1 / gamma, n))
