"""What every purchase model offers, and the arithmetic that several of them share."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

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
