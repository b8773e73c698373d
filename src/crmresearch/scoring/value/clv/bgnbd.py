"""BG/NBD and MBG/NBD: buying is Poisson; after a purchase a customer may leave for good.

In the BG/NBD a customer can leave only after a repeat purchase; in the MBG/NBD already after the first.
Notation of the papers: purchase rates are Gamma(r, rate alpha) over customers, dropout probabilities
Beta(a, b); x repeat purchases, the last at t_x, observed until T.

References
----------
Fader, Hardie & Lee (2005), "Counting your customers" the easy way, Marketing Science 24(2), 275-284,
doi:10.1287/mksc.1040.0098. Batislam, Denizel & Filiztekin (2007), International Journal of Research in
Marketing 24(3), 201-209, doi:10.1016/j.ijresmar.2006.12.005. Hoppe & Wagner (2007), Marketing - Journal of
Research and Management 3(2), 75-90.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import betaln, expit, gammaln, hyp2f1, polygamma, psi
from scipy.stats import nbinom

from crmresearch.scoring.value.clv.likelihood import Part, Terms
from crmresearch.scoring.value.clv.models import PurchaseModel, discount_by_quadrature, distinct


@dataclass(frozen=True, slots=True)
class _BetaGeometric(PurchaseModel):
    """What the two models share; ``k = x + draws_at_entry`` counts the times a customer chose to stay."""

    draws_at_entry: int = 0

    parameters: ClassVar = ("r", "alpha", "a", "b")
    time_parameters: ClassVar = (1,)
    columns: ClassVar = ("frequency", "t_x", "T")
    covariate_loads: ClassVar = ((1, -1.0), (2, 1.0), (3, 1.0))

    def start(self, x: np.ndarray, t_x: np.ndarray, T: np.ndarray, counts: np.ndarray) -> np.ndarray:
        return np.log([0.5, 0.3 * np.average(T, weights=counts), 1.0, 2.0])

    def parts(self, x: np.ndarray, t_x: np.ndarray, T: np.ndarray, counts: np.ndarray) -> tuple[Part, ...]:
        distinct_x, counts_x = distinct(x, counts)
        return (
            Part(self._counting_terms, (distinct_x,), counts_x),
            Part(self._timing_terms, (x, t_x, T), counts),
        )

    def row_parts(self, x: np.ndarray, t_x: np.ndarray, T: np.ndarray, counts: np.ndarray) -> tuple[Part, ...]:
        return (
            Part(self._counting_terms, (x,), counts),
            Part(self._timing_terms, (x, t_x, T), counts),
        )

    def _counting_terms(self, parameters: np.ndarray, x: np.ndarray) -> Terms:
        """Log of ``Γ(r+x) α^r / Γ(r) · B(a, b+k) / B(a, b)``."""
        r, alpha, a, b = parameters
        k = x + self.draws_at_entry
        value = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
        value = value + gammaln(a + b) - gammaln(a + b + k) + gammaln(b + k) - gammaln(b)
        first, second = np.empty((4, len(x))), np.zeros((4, 4, len(x)))
        both = psi(a + b) - psi(a + b + k)
        first[0] = psi(r + x) - psi(r) + np.log(alpha)
        first[1] = r / alpha
        first[2] = both
        first[3] = both + psi(b + k) - psi(b)
        both = polygamma(1, a + b) - polygamma(1, a + b + k)
        second[0, 0] = polygamma(1, r + x) - polygamma(1, r)
        second[0, 1] = 1 / alpha
        second[1, 1] = -r / alpha**2
        second[2, 2] = second[2, 3] = both
        second[3, 3] = both + polygamma(1, b + k) - polygamma(1, b)
        return value, first, second

    def _log_odds_gone(self, parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
        """Log-odds that the customer left right after the last purchase."""
        r, alpha, a, b = parameters
        k = x + self.draws_at_entry
        odds = np.log(a / (b + np.maximum(k, 1) - 1)) + (r + x) * np.log((alpha + T) / (alpha + t_x))
        return np.where(k > 0, odds, -np.inf)

    def _timing_terms(self, parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> Terms:
        """Log of ``(α+T)^-(r+x) + a / (b+k-1) · (α+t_x)^-(r+x)``, the second only where k > 0."""
        r, alpha, a, b = parameters
        shape, stays = r + x, b + np.maximum(x + self.draws_at_entry, 1) - 1
        log_end, at_end, at_last = np.log(alpha + T), 1 / (alpha + T), 1 / (alpha + t_x)
        gap, slope = log_end - np.log(alpha + t_x), at_end - at_last
        odds = np.log(a / stays) + shape * gap
        if self.draws_at_entry == 0:
            odds = np.where(x > 0, odds, -np.inf)
        gone = expit(odds)
        both = gone * (1 - gone)
        value = np.logaddexp(0, odds) - shape * log_end
        d_odds = gap, shape * slope, np.broadcast_to(1 / a, x.shape), -1 / stays
        first, second = np.empty((4, len(x))), np.zeros((4, 4, len(x)))
        for i in range(4):
            first[i] = gone * d_odds[i]
            steep = both * d_odds[i]
            for j in range(i, 4):
                second[i, j] = steep * d_odds[j]
        first[0] -= log_end
        first[1] -= shape * at_end
        second[0, 1] += gone * slope - at_end
        second[1, 1] += shape * (at_end**2 + gone * (at_last**2 - at_end**2))
        second[2, 2] -= gone / a**2
        second[3, 3] += gone / stays**2
        return value, first, second

    def log_likelihood(self, parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
        return self._counting_terms(parameters, x)[0] + self._timing_terms(parameters, x, t_x, T)[0]

    def share_alive(self, parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
        return expit(-self._log_odds_gone(parameters, x, t_x, T))

    def expected_if_alive(self, parameters: np.ndarray, h: np.ndarray, x: np.ndarray, T: np.ndarray) -> np.ndarray:
        r, alpha, a, b = parameters
        return _expected_of_stayers(r + x, alpha + T, a, b + x + self.draws_at_entry, h)

    def rate_if_alive(self, parameters: np.ndarray, u: np.ndarray, x: np.ndarray, T: np.ndarray) -> np.ndarray:
        """Expected purchases per unit of time, u after T."""
        r, alpha, a, b = parameters
        shape, rate, b = r + x, alpha + T, b + x + self.draws_at_entry
        z = u / (rate + u)
        return shape / rate * (1 - z) ** (shape + 1) * hyp2f1(shape + 1, b, a + b, z)

    def discounted_if_alive(
        self, parameters: np.ndarray, h: float, force: float, x: np.ndarray, T: np.ndarray
    ) -> np.ndarray:
        return discount_by_quadrature(self.rate_if_alive, parameters, h, force, x, T)

    def expected_new(self, parameters: np.ndarray, h: np.ndarray) -> np.ndarray:
        r, alpha, a, b = parameters
        entering = (b / (a + b)) ** self.draws_at_entry
        return entering * _expected_of_stayers(r, alpha, a, b + self.draws_at_entry, h)

    def probability(self, parameters: np.ndarray, x: np.ndarray, h: np.ndarray) -> np.ndarray:
        r, alpha, a, b = parameters
        k, succeeds = x + self.draws_at_entry, alpha / (alpha + h)
        stayed = np.exp(betaln(a, b + k) - betaln(a, b)) * nbinom.pmf(x, r, succeeds)
        left = np.exp(betaln(a + 1, b + np.maximum(k, 1) - 1) - betaln(a, b)) * nbinom.sf(x - 1, r, succeeds)
        return stayed + np.where(k > 0, left, 0.0)

    def simulate(self, parameters: np.ndarray, T: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        r, alpha, a, b = parameters
        rate = rng.gamma(np.broadcast_to(r, T.shape), 1 / alpha)
        leaves = np.clip(rng.beta(np.broadcast_to(a, T.shape), b), 1e-12, 1.0)
        most = np.minimum(rng.geometric(leaves), 2**31) - self.draws_at_entry
        would_buy = rng.poisson(rate * T)
        x = np.minimum(would_buy, most)
        # the x-th of so many purchases, which fall anywhere in T
        return x, np.where(x > 0, rng.beta(np.maximum(x, 1), would_buy - x + 1) * T, 0.0)


def _expected_of_stayers(r: np.ndarray, alpha: np.ndarray, a: np.ndarray, b: np.ndarray, h: np.ndarray) -> np.ndarray:
    """Expected purchases in h of a customer who is alive now (Fader, Hardie & Lee 2005, eq. 9 and 10).

    At a = 1 the formula is 0 / 0; its limit is taken a millionth beside it.
    """
    a = np.where(np.abs(a - 1) < 1e-6, 1 + 1e-6, a)
    z = h / (alpha + h)
    return (a + b - 1) / (a - 1) * (1 - (1 - z) ** r * hyp2f1(r, b, a + b - 1, z))


BG_NBD = _BetaGeometric(
    key="bgnbd",
    source="Fader, Hardie & Lee (2005), Marketing Science 24(2), doi:10.1287/mksc.1040.0098",
)
MBG_NBD = _BetaGeometric(
    key="mbgnbd",
    source="Batislam, Denizel & Filiztekin (2007), IJRM 24(3), doi:10.1016/j.ijresmar.2006.12.005",
    draws_at_entry=1,
)
