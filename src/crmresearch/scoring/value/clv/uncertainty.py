"""Intervals of whatever a fitted model predicts: by the delta method, or from refits to resampled customers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.linalg import block_diag
from scipy.special import expit, logit
from scipy.stats import norm

from crmresearch.errors import RefusedError, UsageError
from crmresearch.scoring.value.clv.fitting import PurchaseFit, refit
from crmresearch.scoring.value.clv.gammagamma import SpendFit, refit_spend
from crmresearch.scoring.value.clv.histories import Groups, group_equal

Quantity = Callable[[np.ndarray, tuple[np.ndarray, ...]], np.ndarray]
"""From ``theta`` and the columns of some rows to one value for each row."""

IntervalMethod = Literal["delta", "cases", "parametric"]
"""``delta``: normal approximation; ``cases``: refits to customers drawn with replacement; ``parametric``: refits
to histories simulated from the fitted model."""

_STEP = 1e-4  # of a log-parameter; central differences are then good to 1e-8
_FEWEST_REFITS_KEPT = 0.95
_BLOCK = 16_384  # rows at a time, so that memory does not grow with customers times refits


@dataclass(frozen=True, slots=True)
class Sampling:
    """What is known of the estimation error of ``theta``.

    Attributes
    ----------
    theta : np.ndarray, shape (k,)
    covariance : np.ndarray, shape (k, k)
    draws : np.ndarray or None, shape (n_refits, k)
        Bootstrap estimates; None for the delta method.
    """

    theta: np.ndarray
    covariance: np.ndarray
    draws: np.ndarray | None

    def beside(self, other: Sampling) -> Sampling:
        """Two estimates from separate likelihoods, taken as independent."""
        draws = None
        if self.draws is not None and other.draws is not None:
            kept = min(len(self.draws), len(other.draws))
            draws = np.hstack([self.draws[:kept], other.draws[:kept]])
        theta = np.concatenate([self.theta, other.theta])
        return Sampling(theta, block_diag(self.covariance, other.covariance), draws)


@dataclass(frozen=True, slots=True)
class Estimates:
    """A quantity of each row, and its sum over customers, each with a 95 % interval.

    Attributes
    ----------
    value, low, high : np.ndarray, shape (rows,)
    total : tuple[float, float, float]
        Value, low and high of the sum.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    total: tuple[float, float, float]


def estimate(
    quantity: Quantity, groups: Groups, sampling: Sampling, *, link: Literal["log", "logit"] = "log"
) -> Estimates:
    """A quantity with 95 % intervals, by the delta method or as bootstrap percentiles.

    Parameters
    ----------
    quantity : Quantity
    groups : Groups
    sampling : Sampling
    link : {"log", "logit"}
        Scale on which delta intervals are symmetric: logarithm, or log-odds for probabilities. A value that does
        not move with ``theta`` has an interval of no width.

    Returns
    -------
    Estimates
    """
    theta, draws = sampling.theta, sampling.draws
    value, low, high = (np.empty(len(groups.counts)) for _ in range(3))
    total_slope = np.zeros(len(theta))
    total_draws = np.zeros(0 if draws is None else len(draws))
    for first in range(0, len(groups.counts), _BLOCK):
        rows = slice(first, first + _BLOCK)
        columns = tuple(column[rows] for column in groups.columns)
        value[rows] = quantity(theta, columns)
        if draws is None:
            slope = _jacobian(quantity, theta, columns)
            error = np.sqrt(np.einsum("ij,jk,ik->i", slope, sampling.covariance, slope))
            low[rows], high[rows] = _delta_interval(value[rows], error, link)
            total_slope += groups.counts[rows] @ slope
        else:
            values = np.stack([quantity(draw, columns) for draw in draws])
            low[rows], high[rows] = np.percentile(values, [2.5, 97.5], axis=0)
            total_draws += values @ groups.counts[rows]
    total = np.array([groups.counts @ value])
    if draws is None:
        bounds = _delta_interval(total, np.sqrt([total_slope @ sampling.covariance @ total_slope]), "log")
    else:
        bounds = np.percentile(total_draws[:, None], [2.5, 97.5], axis=0)
    return Estimates(value, low, high, (total.item(), bounds[0].item(), bounds[1].item()))


def _jacobian(quantity: Quantity, theta: np.ndarray, columns: tuple[np.ndarray, ...]) -> np.ndarray:
    """Derivatives by ``theta``, shape (rows, k), by central differences."""
    steps = _STEP * np.eye(len(theta))
    return np.stack([quantity(theta + s, columns) - quantity(theta - s, columns) for s in steps], axis=-1) / (2 * _STEP)


def _delta_interval(at: np.ndarray, error: np.ndarray, link: str) -> tuple[np.ndarray, np.ndarray]:
    with np.errstate(divide="ignore", invalid="ignore"):
        if link == "log":
            half = norm.ppf(0.975) * error / at
            low, high = at * np.exp(-half), at * np.exp(half)
        else:
            half = norm.ppf(0.975) * error / (at * (1 - at))
            low, high = expit(logit(at) - half), expit(logit(at) + half)
    return np.where(error == 0, at, low), np.where(error == 0, at, high)


def sampling_of(
    fit: PurchaseFit | SpendFit, method: IntervalMethod, *, refits: int, rng: np.random.Generator | None
) -> Sampling:
    """Estimation error of a fit, by the chosen method."""
    if method == "delta":
        return Sampling(fit.theta, fit.covariance, None)
    if rng is None or refits < 2:
        raise UsageError(
            f"interval = {method!r} with refits = {refits} and rng = {rng}",
            where="intervals",
            repair="A bootstrap needs rng=np.random.default_rng(seed) and at least 2 refits.",
        )
    return Sampling(fit.theta, fit.covariance, bootstrap(fit, method=method, refits=refits, rng=rng))


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
    parameters = fit.parameters_at(fit.theta, extra)
    x, t_x = fit.model.simulate(parameters, end, rng)
    return refit(fit, group_equal([x, t_x, end, *extra]))


def _again_spend(fit: SpendFit, method: str, rng: np.random.Generator) -> SpendFit:
    n = len(fit.x)
    if method == "cases":
        rows = rng.integers(n, size=n)
        return refit_spend(fit, fit.x[rows], fit.z[rows])
    p, q, gamma = fit.parameters
    return refit_spend(fit, fit.x, rng.gamma(p * fit.x) / fit.x / rng.gamma(q, 1 / gamma, n))
