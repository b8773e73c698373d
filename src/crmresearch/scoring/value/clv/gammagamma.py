"""Gamma-Gamma: what a customer spends per purchase, when spending and buying rate are independent.

Each purchase of a customer is Gamma(p, rate v), v is Gamma(q, rate gamma) over customers; so a customer with x
purchases of mean z is judged partly by z and partly by everybody.

References
----------
Fader & Hardie (2013), The Gamma-Gamma model of monetary value, brucehardie.com/notes/025. Fader, Hardie & Lee
(2005), RFM and CLV, Journal of Marketing Research 42(4), 415-430, doi:10.1509/jmkr.2005.42.4.415.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import gammaln, polygamma, psi
from scipy.stats import norm, pearsonr, spearmanr

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.value.clv.histories import FEWEST_REPEATERS, numbers
from crmresearch.scoring.value.clv.likelihood import Optimum, Part, Terms, maximize
from crmresearch.scoring.value.clv.models import distinct, tidy_estimates

PARAMETERS = ("p", "q", "gamma")
SOURCE = "Fader & Hardie (2013), The Gamma-Gamma model of monetary value, brucehardie.com/notes/025"


def _counting_terms(parameters: np.ndarray, x: np.ndarray) -> Terms:
    """Log of ``Γ(px+q) γ^q x^(px) / (Γ(px) Γ(q))``."""
    p, q, gamma = parameters
    value = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(gamma) + p * x * np.log(x)
    first, second = np.empty((3, len(x))), np.zeros((3, 3, len(x)))
    first[0] = x * (psi(p * x + q) - psi(p * x) + np.log(x))
    first[1] = psi(p * x + q) - psi(q) + np.log(gamma)
    first[2] = q / gamma
    second[0, 0] = x**2 * (polygamma(1, p * x + q) - polygamma(1, p * x))
    second[0, 1] = x * polygamma(1, p * x + q)
    second[1, 1] = polygamma(1, p * x + q) - polygamma(1, q)
    second[1, 2] = 1 / gamma
    second[2, 2] = -q / gamma**2
    return value, first, second


def _spending_terms(parameters: np.ndarray, x: np.ndarray, z: np.ndarray, log_z: np.ndarray) -> Terms:
    """Log of ``z^(px-1) (γ+xz)^-(px+q)``."""
    p, q, gamma = parameters
    shape, log_total, by_total = p * x + q, np.log(gamma + x * z), 1 / (gamma + x * z)
    first, second = np.empty((3, len(x))), np.zeros((3, 3, len(x)))
    first[0] = x * (log_z - log_total)
    first[1] = -log_total
    first[2] = -shape * by_total
    second[0, 2] = -x * by_total
    second[1, 2] = -by_total
    second[2, 2] = -first[2] * by_total
    return p * first[0] - log_z - q * log_total, first, second


def log_likelihood(parameters: np.ndarray, x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Log-likelihood of each customer's mean spend."""
    return _counting_terms(parameters, x)[0] + _spending_terms(parameters, x, z, np.log(z))[0]


def expected_spend(parameters: np.ndarray, x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Expected spend per purchase of a customer with x purchases of mean z.

    A weighted mean of z and the population's mean ``p γ / (q - 1)``, which exists only for q > 1.

    Examples
    --------
    >>> expected_spend(np.array([6.25, 3.74, 15.44]), np.array([2.0, 0.0]), np.array([22.35, 0.0])).round(2)
    array([24.66, 35.22])
    """
    p, q, gamma = parameters
    return p * (gamma + x * z) / (p * x + q - 1)


@dataclass(frozen=True, slots=True)
class SpendFit:
    """The Gamma-Gamma model fitted by maximum likelihood.

    Attributes
    ----------
    theta : np.ndarray, shape (3,)
        Logarithms of p, q, gamma.
    covariance : np.ndarray, shape (3, 3)
        Of ``theta``: the inverse of the observed information.
    log_likelihood : float
    x, z : np.ndarray, shape (n_repeaters,)
        Repeat purchases and their mean spend of the customers behind the fit.
    recipe : Recipe
    """

    theta: np.ndarray
    covariance: np.ndarray
    log_likelihood: float
    x: np.ndarray
    z: np.ndarray
    recipe: Recipe

    @property
    def parameters(self) -> np.ndarray:
        """p, q, gamma."""
        return np.exp(self.theta)

    @property
    def independence(self) -> pd.DataFrame:
        """Correlation of spend with frequency: see `check_independence`."""
        return check_independence(self.x, self.z)

    def tidy(self) -> pd.DataFrame:
        """Estimates, one row per parameter: see :func:`~.models.tidy_estimates`."""
        return tidy_estimates(PARAMETERS, self.theta, self.covariance, len(PARAMETERS))

    def glance(self) -> pd.DataFrame:
        """One row: model, n_customers, log_likelihood, aic, bic, mean_spend (population mean, currency)."""
        p, q, gamma = self.parameters
        n = len(self.x)
        return pd.DataFrame(
            {
                "model": ["gammagamma"],
                "n_customers": [n],
                "log_likelihood": [self.log_likelihood],
                "aic": [6 - 2 * self.log_likelihood],
                "bic": [3 * np.log(n) - 2 * self.log_likelihood],
                "expected_spend": [p * gamma / (q - 1)],
            }
        )

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Tables as a report shows them."""
        return (
            Exhibit(
                "clv_spend_parameters",
                self.tidy().rename(columns={"term": "parameter"}),
                notes=("clv_observed_information",),
            ),
            Exhibit("clv_spend_summary", self.glance()),
            Exhibit("clv_independence", self.independence, notes=("clv_independence_needed",)),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Sentences with their numbers."""
        rank = self.independence.set_index("measure").loc["spearman"]
        values = {
            "n": len(self.x),
            "correlation": float(rank["correlation"]),
            "low": float(rank["conf_low"]),
            "high": float(rank["conf_high"]),
        }
        holds = abs(values["correlation"]) < WEAK_CORRELATION
        mean = float(self.glance()["expected_spend"].iloc[0])
        found = [
            Finding("clv_spend_fitted", {"n": len(self.x), "mean": mean}),
            Finding("clv_independence_holds" if holds else "clv_independence_doubtful", values, main=not holds),
        ]
        if n_left_out := self.recipe.options["n_left_out"]:
            found.append(Finding("clv_spend_left_out", {"n": n_left_out}))
        return tuple(found)


WEAK_CORRELATION = 0.1
"""Spend and frequency correlated less than this, in size, are taken as independent (Cohen's small effect)."""


def check_independence(x: np.ndarray, z: np.ndarray) -> pd.DataFrame:
    """Correlation of repeat purchases with their mean spend, which the Gamma-Gamma model takes to be none.

    Parameters
    ----------
    x, z : np.ndarray, shape (n_repeaters,)

    Returns
    -------
    pd.DataFrame
        measure (pearson, spearman), correlation, conf_low, conf_high (95 %, Fisher's z; for Spearman with
        variance 1.06 / (n - 3)), p_value. Undefined where everybody bought equally often.

    References
    ----------
    Fieller, Hartley & Pearson (1957), Biometrika 44, 470-481, doi:10.1093/biomet/44.3-4.470.
    """
    rows = []
    for measure, test, inflation in (("pearson", pearsonr, 1.0), ("spearman", spearmanr, 1.06)):
        if np.ptp(x) == 0 or np.ptp(z) == 0:
            rows.append((measure, np.nan, np.nan, np.nan, np.nan))
            continue
        correlation, p_value = test(x, z)
        half = norm.ppf(0.975) * np.sqrt(inflation / (len(x) - 3))
        centre = np.arctanh(correlation)
        rows.append((measure, correlation, np.tanh(centre - half), np.tanh(centre + half), p_value))
    return pd.DataFrame(rows, columns=["measure", "correlation", "conf_low", "conf_high", "p_value"])


def fit_spend(histories: pd.DataFrame, *, leave_out_free: bool = False) -> SpendFit:
    """Fit the Gamma-Gamma model to the mean spend of customers who bought again.

    Parameters
    ----------
    histories : pd.DataFrame
        ``frequency`` (repeat purchases) and ``mean_spend`` (per repeat purchase, currency); customers without
        a repeat purchase say nothing and are left out.
    leave_out_free : bool
        Leave out customers whose repeat purchases were free or all returned, and say how many, instead of refusing:
        a Gamma distribution gives them no probability.

    Returns
    -------
    SpendFit

    Raises
    ------
    RefusedError
        A mean spend of zero or less, fewer than 20 customers who bought again, no maximum, or q <= 1, where
        the population's mean spend does not exist.

    References
    ----------
    Fader & Hardie (2013), The Gamma-Gamma model of monetary value, brucehardie.com/notes/025.

    Examples
    --------
    >>> rng = np.random.default_rng(2)
    >>> x = rng.integers(1, 6, 500)
    >>> z = rng.gamma(6.0 * x) / x / rng.gamma(4.0, 1 / 15.0, 500)
    >>> fit_spend(pd.DataFrame({"frequency": x, "mean_spend": z})).tidy()["term"].tolist()
    ['p', 'q', 'gamma']
    """
    missing = [c for c in ("frequency", "mean_spend") if c not in histories.columns]
    if missing:
        raise RefusedError(
            f"no column {missing[0]!r}",
            where="mean spend",
            repair="purchase_histories() makes it from the customer summary.",
        )
    x, z = (numbers(histories[c]) for c in ("frequency", "mean_spend"))
    repeats = x > 0
    x, z = x[repeats], z[repeats]
    bad = ~(z > 0)
    n_left_out = int(bad.sum()) if leave_out_free else 0
    if leave_out_free:
        x, z = x[~bad], z[~bad]
    elif bad.any():
        row = histories[repeats].iloc[int(np.argmax(bad))]
        raise RefusedError(
            f"{np.count_nonzero(bad):,} customers who bought again have a mean spend of zero, below it or missing",
            where=f"mean spend, customer {row.get('customer_id', row.name)} ({row['mean_spend']})",
            repair="The Gamma-Gamma model needs spend above zero: leave these customers out (leave_out_free), "
            "set returns against their purchases, and analyse margins as spend times a margin rate.",
        )
    if len(x) < FEWEST_REPEATERS:
        raise RefusedError(
            f"{len(x)} customers who bought again are too few for three parameters (at least {FEWEST_REPEATERS})",
            where="mean spend",
            repair="Lengthen the observation window, or report the mean spend itself.",
        )
    if np.ptp(z) == 0:
        raise RefusedError(
            "every customer spends the same", where="mean spend", repair="Use that amount; there is nothing to fit."
        )
    optimum = _optimum(x, z, np.log([2.0, 3.0, z.mean()]))
    p, q, _ = np.exp(optimum.theta)
    if q <= 1:
        raise RefusedError(
            f"q = {q:.3f} is not above 1, so the population's mean spend does not exist (p = {p:.3f})",
            where="mean spend",
            repair="A few very large customers dominate: fit them apart from the others.",
        )
    options = {"weak_correlation": WEAK_CORRELATION, "n_left_out": n_left_out}
    recipe = Recipe("clv_gammagamma", options, SOURCE)
    return SpendFit(optimum.theta, optimum.covariance, optimum.log_likelihood, x, z, recipe)


def refit_spend(fit: SpendFit, x: np.ndarray, z: np.ndarray) -> SpendFit:
    """Fit again to other customers, starting from a fit."""
    optimum = _optimum(x, z, fit.theta)
    return replace(
        fit, theta=optimum.theta, covariance=optimum.covariance, log_likelihood=optimum.log_likelihood, x=x, z=z
    )


def _optimum(x: np.ndarray, z: np.ndarray, start: np.ndarray) -> Optimum:
    distinct_x, counts = distinct(x, np.ones(len(x)))
    parts = (
        Part(_counting_terms, (distinct_x,), counts),
        Part(_spending_terms, (x, z, np.log(z)), np.ones(len(x))),
    )
    return maximize(parts, start, 3, model="gammagamma")
