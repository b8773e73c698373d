"""BG/BB: at each of n opportunities a living customer buys or not; between two a customer may leave.

Probabilities of buying are Beta(alpha, beta) over customers, of leaving before an opportunity
Beta(gamma, delta). x opportunities taken, the last of them at t_x, out of n.

References
----------
Fader, Hardie & Shang (2010), Customer-base analysis in a discrete-time noncontractual setting, Marketing
Science 29(6), 1086-1108, doi:10.1287/mksc.1100.0580.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import betaln, gammaln, polygamma, psi

from crmresearch.scoring.value.clv.likelihood import Part, Terms, mixture
from crmresearch.scoring.value.clv.models import PurchaseModel


@dataclass(frozen=True, slots=True)
class _BetaGeometricBetaBinomial(PurchaseModel):
    parameters: ClassVar = ("alpha", "beta", "gamma", "delta")
    time_parameters: ClassVar = ()
    columns: ClassVar = ("frequency", "t_x", "n")

    def start(self, x: np.ndarray, t_x: np.ndarray, n: np.ndarray, counts: np.ndarray) -> np.ndarray:
        return np.log([1.0, 1.0, 0.5, 2.0])

    def parts(self, x: np.ndarray, t_x: np.ndarray, n: np.ndarray, counts: np.ndarray) -> tuple[Part, ...]:
        return (Part(self._terms, (x, t_x, n), counts, block_rows=1024),)

    def _components(
        self, parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, n: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        """Logs of the ways to get a history: alive at n (component 0), or left before opportunity m + 1.

        Then m, and 1 where the component is a customer who left.
        """
        alpha, beta, gamma, delta = parameters
        m = t_x + np.arange(int((n - t_x).max(initial=0)))[:, None]
        m = np.concatenate([n[None], m])
        gone = np.ones((len(m), 1))
        gone[0] = 0.0
        logs = betaln(alpha + x, beta + m - x) - betaln(alpha, beta)
        logs += betaln(gamma + gone, delta + m) - betaln(gamma, delta)
        logs[1:][m[1:] >= n] = -np.inf
        return logs, m, gone

    def _terms(self, parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, n: np.ndarray) -> Terms:
        alpha, beta, gamma, delta = parameters
        logs, m, gone = self._components(parameters, x, t_x, n)
        first, second = np.empty((4, *logs.shape)), np.zeros((4, 4, *logs.shape))

        def derivatives(of: Callable[[np.ndarray], np.ndarray]) -> tuple[np.ndarray, ...]:
            buys = of(alpha + beta) - of(alpha + beta + m)
            stays = of(gamma + delta) - of(gamma + delta + m + gone)
            bought, skipped = of(alpha + x) - of(alpha), of(beta + m - x) - of(beta)
            left, stayed = of(gamma + gone) - of(gamma), of(delta + m) - of(delta)
            return buys, stays, bought, skipped, left, stayed

        buys, stays, *own = derivatives(psi)
        both = buys, buys, stays, stays
        for i in range(4):
            first[i] = own[i] + both[i]
        buys, stays, *own = derivatives(lambda z: polygamma(1, z))
        both = buys, buys, stays, stays
        for i in range(4):
            second[i, i] = own[i] + both[i]
        second[0, 1] = buys
        second[2, 3] = stays
        return mixture(logs, first, second)

    def log_likelihood(self, parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, n: np.ndarray) -> np.ndarray:
        return np.logaddexp.reduce(self._components(parameters, x, t_x, n)[0], axis=0)

    def share_alive(self, parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, n: np.ndarray) -> np.ndarray:
        """Probability of being alive at opportunity n + 1, as the paper defines it."""
        _, _, gamma, delta = parameters
        at_n = np.exp(self._components(parameters, x, t_x, n)[0][0] - self.log_likelihood(parameters, x, t_x, n))
        return at_n * (delta + n) / (gamma + delta + n)

    def expected_if_alive(self, parameters: np.ndarray, h: np.ndarray, x: np.ndarray, n: np.ndarray) -> np.ndarray:
        alpha, beta, gamma, delta = parameters
        return (alpha + x) / (alpha + beta + n) * (1 + _opportunities(gamma, delta + n + 1, h - 1))

    def discounted_if_alive(
        self, parameters: np.ndarray, h: float, force: float, x: np.ndarray, n: np.ndarray
    ) -> np.ndarray:
        alpha, beta, gamma, delta = parameters
        ahead = np.arange(1, int(h) + 1)[:, None]
        stays = np.exp(betaln(gamma, delta + n + ahead) - betaln(gamma, delta + n + 1))
        return (alpha + x) / (alpha + beta + n) * (np.exp(-force * ahead) * stays).sum(axis=0)

    def expected_new(self, parameters: np.ndarray, h: np.ndarray) -> np.ndarray:
        alpha, beta, gamma, delta = parameters
        return alpha / (alpha + beta) * _opportunities(gamma, delta, h)

    def probability(self, parameters: np.ndarray, x: np.ndarray, h: np.ndarray) -> np.ndarray:
        alpha, beta, gamma, delta = parameters
        x, h = (np.asarray(v, dtype=float) for v in np.broadcast_arrays(x, h))
        m = np.arange(int(h.max()) + 1).reshape(-1, *[1] * x.ndim)
        choose = gammaln(m + 1) - gammaln(x + 1) - gammaln(np.maximum(m - x, 0) + 1)
        logs = choose + betaln(alpha + x, beta + np.maximum(m - x, 0)) - betaln(alpha, beta)
        logs = logs + np.where(m == h, betaln(gamma, delta + m), betaln(gamma + 1, delta + m)) - betaln(gamma, delta)
        return np.where((m >= x) & (m <= h), np.exp(logs), 0.0).sum(axis=0)

    def simulate(self, parameters: np.ndarray, n: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        alpha, beta, gamma, delta = parameters
        n = n.astype(np.int64)
        buys = rng.beta(np.broadcast_to(alpha, n.shape), beta)
        leaves = np.clip(rng.beta(np.broadcast_to(gamma, n.shape), delta), 1e-12, 1.0)
        active = np.minimum(rng.geometric(leaves) - 1, n)
        taken = rng.uniform(size=(int(n.max(initial=0)), len(n))) < buys
        opportunity = np.arange(1, len(taken) + 1)[:, None]
        taken &= opportunity <= active
        return taken.sum(axis=0), (taken * opportunity).max(axis=0, initial=0)


def _opportunities(gamma: np.ndarray, delta: np.ndarray, h: np.ndarray) -> np.ndarray:
    """Expected number of the next h opportunities at which a living customer is still alive."""
    gamma = np.where(np.abs(gamma - 1) < 1e-6, 1 + 1e-6, gamma)  # 0 / 0 there; its limit lies beside it
    still = gammaln(gamma + delta) - gammaln(gamma + delta + h) + gammaln(1 + delta + h) - gammaln(1 + delta)
    return delta / (gamma - 1) * -np.expm1(still)


BG_BB = _BetaGeometricBetaBinomial(
    key="bgbb",
    source="Fader, Hardie & Shang (2010), Marketing Science 29(6), doi:10.1287/mksc.1100.0580",
)
