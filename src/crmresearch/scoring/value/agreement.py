"""How far two or more judgements of the same customers agree: Kendall's tau, Cohen's and Fleiss' kappa."""

from __future__ import annotations

import numpy as np
from scipy.stats import kendalltau, norm

_JUDGED = 1000  # customers from whom the error of tau is taken


def kendall_interval(
    x: np.ndarray, y: np.ndarray, *, rng: np.random.Generator, confidence: float = 0.95
) -> tuple[float, float, float]:
    """Kendall's tau-b of two rankings with its interval.

    Parameters
    ----------
    x, y : np.ndarray, shape (n,)
    rng : np.random.Generator
        Draws the customers from whom the error is taken where there are more than 1,000.
    confidence : float

    Returns
    -------
    tuple[float, float, float]
        tau, lower and upper bound; NaN where one of the rankings has a single place or fewer than four customers.

    Notes
    -----
    The standard error comes from the spread of single customers' concordance with all others (tau is a U-statistic,
    so its variance is about 4 Var(c_i) / n), the interval from Fisher's z of tau. Memory: 1,000 × n signs.

    References
    ----------
    Hollander, Wolfe & Chicken (2014), Nonparametric Statistical Methods, ch. 8. Wiley.

    Examples
    --------
    >>> x = np.arange(200.0)
    >>> tau, low, high = kendall_interval(x, np.round(x / 10) % 20, rng=np.random.default_rng(1))
    >>> low < tau < high
    True
    """
    n = len(x)
    if n < 4 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return (np.nan,) * 3
    tau = float(kendalltau(x, y).statistic)
    rows = np.arange(n) if n <= _JUDGED else rng.choice(n, _JUDGED, replace=False)
    agree = np.zeros(len(rows))
    for position, row in enumerate(rows):
        agree[position] = (np.sign(x - x[row]) * np.sign(y - y[row])).sum() / (n - 1)
    plain = agree.mean()
    scale = tau / plain if abs(plain) > 1e-9 else 1.0  # ties: from tau-a to tau-b
    error = 2 * agree.std(ddof=1) * abs(scale) / np.sqrt(n)
    half = norm.ppf(0.5 + confidence / 2) * error / max(1 - tau**2, 1e-12)
    centre = np.arctanh(np.clip(tau, -1 + 1e-12, 1 - 1e-12))
    return tau, float(np.tanh(centre - half)), float(np.tanh(centre + half))


def cohen_kappa(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cohen's kappa of flags, along the last axis; NaN where chance agreement is complete.

    Parameters
    ----------
    a, b : np.ndarray of bool, shape (..., n)

    References
    ----------
    Cohen (1960), Educational and Psychological Measurement 20(1), 37-46, doi:10.1177/001316446002000104.

    Examples
    --------
    >>> a = np.repeat([True, True, False, False], [20, 5, 10, 15])
    >>> b = np.repeat([True, False, True, False], [20, 5, 10, 15])
    >>> round(float(cohen_kappa(a, b)), 3)
    0.4
    """
    agree, p, q = (a == b).mean(axis=-1), a.mean(axis=-1), b.mean(axis=-1)
    chance = p * q + (1 - p) * (1 - q)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(chance < 1, (agree - chance) / (1 - chance), np.nan)


def fleiss_kappa(flags: np.ndarray) -> float:
    """Fleiss' kappa of several rules that each flag a customer or not; NaN where all flags are the same.

    Parameters
    ----------
    flags : np.ndarray of bool, shape (n_customers, n_rules)

    References
    ----------
    Fleiss (1971), Psychological Bulletin 76(5), 378-382, doi:10.1037/h0031619.

    Examples
    --------
    >>> round(fleiss_kappa(np.array([[1, 1, 1], [1, 1, 0], [0, 0, 0], [0, 0, 1]], dtype=bool)), 3)
    0.333
    """
    n, k = flags.shape
    yes = flags.sum(axis=1)
    same = (yes * (yes - 1) + (k - yes) * (k - yes - 1)).mean() / (k * (k - 1))
    p = yes.sum() / (n * k)
    chance = p**2 + (1 - p) ** 2
    return float((same - chance) / (1 - chance)) if chance < 1 else np.nan
