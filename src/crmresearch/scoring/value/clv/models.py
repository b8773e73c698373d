"""What every purchase model offers, and the arithmetic that several of them share."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmresearch.scoring.value.clv.likelihood import Part


@dataclass(frozen=True, slots=True)
class PurchaseModel(ABC):
    """A model of when customers buy and when they silently leave.

    Methods take the natural parameters first, in the order of ``parameters``; each parameter is a number
    or an array over customers. Then x (repeat purchases), t_x (time of the last), T (time observed; the
    number of opportunities in a discrete-time model) and h (horizon), in one time unit.

    Attributes
    ----------
    key : str
        Name in words files and recipes.
    source : str
        Publication with DOI.
    """

    key: str
    source: str

    parameters: ClassVar[tuple[str, ...]]
    time_parameters: ClassVar[tuple[int, ...]]
    columns: ClassVar[tuple[str, str, str]]
    covariate_loads: ClassVar[tuple[tuple[int, float], ...]] = ()

    @abstractmethod
    def start(self, x: np.ndarray, t_x: np.ndarray, T: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Log-parameters where the search begins; proportional to the time unit where the parameter is."""

    @abstractmethod
    def parts(self, x: np.ndarray, t_x: np.ndarray, T: np.ndarray, counts: np.ndarray) -> tuple[Part, ...]:
        """Summands of the log-likelihood, each over the distinct values of the columns it needs."""

    def row_parts(self, x: np.ndarray, t_x: np.ndarray, T: np.ndarray, counts: np.ndarray) -> tuple[Part, ...]:
        """Summands over one and the same rows, for parameters that differ by row."""
        return self.parts(x, t_x, T, counts)

    @abstractmethod
    def log_likelihood(self, parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
        """Log-likelihood of each history."""

    @abstractmethod
    def share_alive(self, parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
        """Probability that a customer with this history has not left."""

    @abstractmethod
    def expected_if_alive(self, parameters: np.ndarray, h: np.ndarray, x: np.ndarray, T: np.ndarray) -> np.ndarray:
        """Expected purchases in the h after T of a customer who is alive at T."""

    @abstractmethod
    def discounted_if_alive(
        self, parameters: np.ndarray, h: float, force: float, x: np.ndarray, T: np.ndarray
    ) -> np.ndarray:
        """The same, each purchase discounted at the continuous rate ``force`` per time unit."""

    @abstractmethod
    def expected_new(self, parameters: np.ndarray, h: np.ndarray) -> np.ndarray:
        """Expected repeat purchases of a new customer in the first h."""

    @abstractmethod
    def probability(self, parameters: np.ndarray, x: np.ndarray, h: np.ndarray) -> np.ndarray:
        """Probability of x repeat purchases of a new customer in the first h."""

    @abstractmethod
    def simulate(self, parameters: np.ndarray, T: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """One history (x, t_x) for each T."""


def distinct(x: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct values of x with the customers who have each."""
    codes, values = pd.factorize(x, sort=True)
    return values, np.bincount(codes, weights=counts)


def tidy_estimates(terms: Sequence[str], theta: np.ndarray, covariance: np.ndarray, k: int) -> pd.DataFrame:
    """Estimates of ``theta``, whose first k entries are logarithms of natural parameters, one row each.

    Returns
    -------
    pd.DataFrame
        term, estimate, std_error (natural parameters by the delta method), statistic, p_value (covariate
        coefficients only: a parameter above zero by construction has no test against zero), conf_low,
        conf_high (95 %; of natural parameters on the logarithmic scale, so never below zero).

    Examples
    --------
    >>> tidy_estimates(["r", "r:age"], np.array([0.0, 0.5]), np.diag([0.01, 0.04]), 1).round(3).values.tolist()
    [['r', 1.0, 0.1, nan, nan, 0.822, 1.217], ['r:age', 0.5, 0.2, 2.5, 0.012, 0.108, 0.892]]
    """
    error = np.sqrt(np.diag(covariance))
    low, high = theta - norm.ppf(0.975) * error, theta + norm.ppf(0.975) * error
    natural = np.arange(len(theta)) < k
    statistic = np.where(natural, np.nan, theta / error)
    return pd.DataFrame(
        {
            "term": terms,
            "estimate": np.where(natural, np.exp(theta), theta),
            "std_error": np.where(natural, np.exp(theta) * error, error),
            "statistic": statistic,
            "p_value": 2 * norm.sf(np.abs(statistic)),
            "conf_low": np.where(natural, np.exp(low), low),
            "conf_high": np.where(natural, np.exp(high), high),
        }
    )


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)
UNIT_NODES, UNIT_WEIGHTS = (_NODES + 1) / 2, _WEIGHTS / 2
"""Gauss-Legendre nodes and weights on [0, 1]."""

_NEGLIGIBLE = 40.0  # exp(-40) of a purchase is nothing


def discount_by_quadrature(
    rate: Callable[..., np.ndarray], parameters: np.ndarray, h: float, force: float, x: np.ndarray, T: np.ndarray
) -> np.ndarray:
    """Integral of ``exp(-force · u) · rate(u)`` over u from 0 to h.

    Nodes are spread evenly in ``log(1 + u / (alpha + T))``, the scale on which purchase rates of these
    models change. ``parameters[1]`` is alpha.
    """
    reach = h if force == 0 else min(h, _NEGLIGIBLE / force)
    if not math.isfinite(reach):
        raise ValueError("an endless horizon needs a discount rate above zero")
    scale = parameters[1] + T
    v = np.log1p(reach / scale) * UNIT_NODES[:, None]
    u = scale * np.expm1(v)
    step = np.log1p(reach / scale) * UNIT_WEIGHTS[:, None] * (scale + u)
    return (step * np.exp(-force * u) * rate(parameters, u, x, T)).sum(axis=0)
