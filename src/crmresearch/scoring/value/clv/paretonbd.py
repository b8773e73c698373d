"""Pareto/NBD: buying is Poisson until an exponentially distributed time at which a customer leaves.

Purchase rates are Gamma(r, rate alpha) over customers, dropout rates Gamma(s, rate beta). The papers
write the likelihood with Gauss's hypergeometric function; here the integral over the unseen time of
leaving that stands behind it is computed by Gauss-Legendre quadrature on a logarithmic axis, because
its derivatives by r and s then cost nothing more.

References
----------
Schmittlein, Morrison & Colombo (1987), Counting your customers, Management Science 33(1), 1-24,
doi:10.1287/mnsc.33.1.1. Fader & Hardie (2005), A note on deriving the Pareto/NBD model and related
expressions, brucehardie.com/notes/009.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import expit, gammaln, polygamma, psi
from scipy.stats import nbinom

from crmresearch.scoring.value.clv.likelihood import Part, Terms, mixture
from crmresearch.scoring.value.clv.models import (
    UNIT_NODES,
    UNIT_WEIGHTS,
    PurchaseModel,
    discount_by_quadrature,
    distinct,
)


@dataclass(frozen=True, slots=True)
class _ParetoNBD(PurchaseModel):
    parameters: ClassVar = ("r", "alpha", "s", "beta")
    time_parameters: ClassVar = (1, 3)
    columns: ClassVar = ("frequency", "t_x", "T")
    covariate_loads: ClassVar = ((1, -1.0), (3, -1.0))

    def start(self, x: np.ndarray, t_x: np.ndarray, T: np.ndarray, counts: np.ndarray) -> np.ndarray:
        mean_T = np.average(T, weights=counts)
        return np.log([0.5, 0.3 * mean_T, 0.5, 0.3 * mean_T])

    def parts(self, x: np.ndarray, t_x: np.ndarray, T: np.ndarray, counts: np.ndarray) -> tuple[Part, ...]:
        distinct_x, counts_x = distinct(x, counts)
        return (
            Part(self._counting_terms, (distinct_x,), counts_x),
            Part(self._timing_terms, (x, t_x, T), counts, block_rows=256),
        )

    def row_parts(self, x: np.ndarray, t_x: np.ndarray, T: np.ndarray, counts: np.ndarray) -> tuple[Part, ...]:
        return (
            Part(self._counting_terms, (x,), counts),
            Part(self._timing_terms, (x, t_x, T), counts, block_rows=256),
        )

    def _counting_terms(self, parameters: np.ndarray, x: np.ndarray) -> Terms:
        """Log of ``Γ(r+x) α^r β^s / Γ(r)``."""
        r, alpha, s, beta = parameters
        value = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
        first, second = np.empty((4, len(x))), np.zeros((4, 4, len(x)))
        first[0] = psi(r + x) - psi(r) + np.log(alpha)
        first[1] = r / alpha
        first[2] = np.log(beta)
        first[3] = s / beta
        second[0, 0] = polygamma(1, r + x) - polygamma(1, r)
        second[0, 1] = 1 / alpha
        second[1, 1] = -r / alpha**2
        second[2, 3] = 1 / beta
        second[3, 3] = -s / beta**2
        return value, first, second

    def _components(
        self, parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, T: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Logs of the components of ``(α+T)^-(r+x) (β+T)^-s + s ∫ (α+τ)^-(r+x) (β+τ)^-(s+1) dτ`` and their times.

        Component 0 is still alive at T; the others left at a node τ between t_x and T.
        """
        r, alpha, s, beta = parameters
        base = np.minimum(alpha, beta) + t_x
        # in v = log((base + τ - t_x) / base) the integrand falls at least at this rate; beyond 45 / rate it is nothing
        rate = base * ((r + x) / (alpha + t_x) + (s + 1) / (beta + t_x)) - 1
        reach = np.minimum(np.log1p((T - t_x) / base), 45 / np.maximum(rate, 1e-300))
        v = reach * UNIT_NODES[:, None] ** 2  # the squares crowd the nodes at t_x, where the integrand is steep
        tau = np.concatenate([T[None], t_x + base * np.expm1(v)])
        with np.errstate(divide="ignore"):  # nobody can have left between t_x and T when they coincide
            step = np.log(reach * 2 * (UNIT_NODES * UNIT_WEIGHTS)[:, None] * base) + v + np.log(s)
        logs = -(r + x) * np.log(alpha + tau) - s * np.log(beta + tau)
        logs[1:] += step - np.log(beta + tau[1:])
        return logs, tau

    def _timing_terms(self, parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> Terms:
        r, alpha, s, beta = parameters
        logs, tau = self._components(parameters, x, t_x, T)
        gone = np.ones((len(tau), 1))
        gone[0] = 0.0
        by_alpha, by_beta, power = 1 / (alpha + tau), 1 / (beta + tau), s + gone
        first, second = np.empty((4, *tau.shape)), np.zeros((4, 4, *tau.shape))
        first[0] = -np.log(alpha + tau)
        first[1] = -(r + x) * by_alpha
        first[2] = gone / s - np.log(beta + tau)
        first[3] = -power * by_beta
        second[0, 1] = -by_alpha
        second[1, 1] = (r + x) * by_alpha**2
        second[2, 2] = -gone / s**2
        second[2, 3] = -by_beta
        second[3, 3] = power * by_beta**2
        return mixture(logs, first, second)

    def log_likelihood(self, parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
        logs = self._components(parameters, x, t_x, T)[0]
        return self._counting_terms(parameters, x)[0] + np.logaddexp.reduce(logs, axis=0)

    def share_alive(self, parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
        logs = self._components(parameters, x, t_x, T)[0]
        return expit(logs[0] - np.logaddexp.reduce(logs[1:], axis=0))

    def expected_if_alive(self, parameters: np.ndarray, h: np.ndarray, x: np.ndarray, T: np.ndarray) -> np.ndarray:
        r, alpha, s, beta = parameters
        return (r + x) / (alpha + T) * _time_alive(s, beta + T, h)

    def rate_if_alive(self, parameters: np.ndarray, u: np.ndarray, x: np.ndarray, T: np.ndarray) -> np.ndarray:
        """Expected purchases per unit of time, u after T."""
        r, alpha, s, beta = parameters
        return (r + x) / (alpha + T) * ((beta + T) / (beta + T + u)) ** s

    def discounted_if_alive(
        self, parameters: np.ndarray, h: float, force: float, x: np.ndarray, T: np.ndarray
    ) -> np.ndarray:
        return discount_by_quadrature(self.rate_if_alive, parameters, h, force, x, T)

    def expected_new(self, parameters: np.ndarray, h: np.ndarray) -> np.ndarray:
        r, alpha, s, beta = parameters
        return r / alpha * _time_alive(s, beta, h)

    def probability(self, parameters: np.ndarray, x: np.ndarray, h: np.ndarray) -> np.ndarray:
        r, alpha, s, beta = parameters
        x, h = np.broadcast_arrays(x, h)
        base = np.minimum(alpha, beta)
        reach = np.log1p(h / base)
        tau = base * np.expm1(reach * UNIT_NODES.reshape(-1, *[1] * h.ndim))
        density = s / (beta + tau) * (beta / (beta + tau)) ** s
        step = reach * UNIT_WEIGHTS.reshape(-1, *[1] * h.ndim) * (base + tau)
        left = (step * density * nbinom.pmf(x, r, alpha / (alpha + tau))).sum(axis=0)
        return left + (beta / (beta + h)) ** s * nbinom.pmf(x, r, alpha / (alpha + h))

    def simulate(self, parameters: np.ndarray, T: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        r, alpha, s, beta = parameters
        rate = rng.gamma(np.broadcast_to(r, T.shape), 1 / alpha)
        leaves = rng.exponential(size=T.shape) / rng.gamma(np.broadcast_to(s, T.shape), 1 / beta)
        active = np.minimum(leaves, T)
        x = rng.poisson(rate * active)
        return x, np.where(x > 0, rng.beta(np.maximum(x, 1), 1.0) * active, 0.0)


def _time_alive(s: np.ndarray, beta: np.ndarray, h: np.ndarray) -> np.ndarray:
    """Expected time alive within h: ``β/(s-1) · (1 - (β/(β+h))^(s-1))``, also at s = 1."""
    log_ratio = np.log1p(h / beta)
    power = (1 - s) * log_ratio
    with np.errstate(invalid="ignore", divide="ignore"):
        growth = np.where(np.abs(power) < 1e-12, 1.0, np.expm1(power) / power)
    return beta * log_ratio * growth


PARETO_NBD = _ParetoNBD(
    key="paretonbd",
    source="Schmittlein, Morrison & Colombo (1987), Management Science 33(1), doi:10.1287/mnsc.33.1.1",
)
