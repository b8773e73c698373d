"""How far two or more judgements of the same customers agree: Kendall's tau, Cohen's and Fleiss' kappa."""

from __future__ import annotations

import numpy as np
from scipy.stats import kendalltau, norm

from crmresearch.errors import RefusedError

_JUDGED = 1000  # customers from whom the error of tau is taken
_SIGNS = 1_000_000  # held at a time


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
    so its variance is about 4 Var(c_i) / n), the interval from Fisher's z of tau. Memory: a million signs at a time.

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
    x, y = (np.unique(values, return_inverse=True)[1].astype(np.int32) for values in (x, y))
    blocks = [
        (np.sign(x - x[part, None]) * np.sign(y - y[part, None])).sum(axis=1)
        for part in np.array_split(rows, -(-len(rows) * n // _SIGNS))
    ]
    agree = np.concatenate(blocks) / (n - 1)
    plain = agree.mean()
    scale = tau / plain if abs(plain) > 1e-9 else 1.0  # ties: from tau-a to tau-b
    error = 2 * agree.std(ddof=1) * abs(scale) / np.sqrt(n)
    half = norm.ppf(0.5 + confidence / 2) * error / max(1 - tau**2, 1e-12)
    centre = np.arctanh(np.clip(tau, -1 + 1e-12, 1 - 1e-12))
    return tau, float(np.tanh(centre - half)), float(np.tanh(centre + half))


def cohen_kappa(a: np.ndarray, b: np.ndarray, times: np.ndarray | None = None) -> np.ndarray:
    """Cohen's kappa of two classifications, along the last axis; NaN where chance agreement is complete.

    Parameters
    ----------
    a, b : np.ndarray of bool or int, shape (..., n)
        The class of each customer, numbered from 0.
    times : np.ndarray, shape (B, n), optional
        How often each customer counts in each of B resamples of n; the result has an axis of B at its end.

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

    def share(hit: np.ndarray) -> np.ndarray:
        return hit.mean(axis=-1) if times is None else hit @ times.T / hit.shape[-1]

    agree = share(a == b)
    chance = sum(share(a == k) * share(b == k) for k in range(int(max(a.max(), b.max())) + 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(chance < 1, (agree - chance) / (1 - chance), np.nan)


def fleiss_kappa(classes: np.ndarray) -> float:
    """Fleiss' kappa of several classifications of the same customers; NaN where all are in one class.

    Parameters
    ----------
    classes : np.ndarray of bool or int, shape (n_customers, n_raters)
        The class of each customer by each rule, method or rater, numbered from 0.

    Raises
    ------
    RefusedError
        No customer.

    References
    ----------
    Fleiss (1971), Psychological Bulletin 76(5), 378-382, doi:10.1037/h0031619.

    Examples
    --------
    >>> round(fleiss_kappa(np.array([[1, 1, 1], [1, 1, 0], [0, 0, 0], [0, 0, 1]], dtype=bool)), 3)
    0.333
    """
    if not classes.size:
        raise RefusedError("nothing is classified", where="agreement", repair="Give at least one customer.")
    n_raters = classes.shape[1]
    counts = np.array([(classes == k).sum(axis=1) for k in range(int(classes.max()) + 1)], dtype=float)
    same = ((counts**2).sum(axis=0) - n_raters).mean() / (n_raters * (n_raters - 1))
    chance = ((counts.sum(axis=1) / counts.sum()) ** 2).sum()
    return float((same - chance) / (1 - chance)) if chance < 1 else np.nan
