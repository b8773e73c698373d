"""Bootstrap of customers: percentile intervals of any statistic of one row per customer; Wilson's for a share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import norm

from crmresearch.errors import UsageError

FEWEST_RESAMPLES = 100


def bootstrap_interval(
    statistic: Callable[[np.ndarray], np.ndarray | float],
    n: int,
    *,
    rng: np.random.Generator,
    n_resamples: int = 1000,
    confidence: float = 0.95,
) -> tuple[np.ndarray, np.ndarray]:
    """Percentile interval of a statistic over customers drawn with replacement.

    Parameters
    ----------
    statistic : Callable[[np.ndarray], np.ndarray | float]
        From the rows drawn (positions, shape (n,)) to one value or several; a value that the rows drawn do not
        define is NaN and left out.
    n : int
        Number of customers.
    rng : np.random.Generator
    n_resamples : int
        At least 100.
    confidence : float

    Returns
    -------
    tuple[np.ndarray, np.ndarray]
        Lower and upper bounds, each of the statistic's shape.

    Raises
    ------
    UsageError
        Too few resamples, or a level that is none.

    References
    ----------
    Efron, B. and Tibshirani, R. (1993). An Introduction to the Bootstrap. Chapman & Hall, ch. 13.

    Examples
    --------
    >>> values = np.arange(100.0)
    >>> low, high = bootstrap_interval(lambda rows: values[rows].mean(), 100, rng=np.random.default_rng(1))
    >>> bool(43 < low < 45), bool(54 < high < 56)
    (True, True)
    """
    if n_resamples < FEWEST_RESAMPLES:
        raise UsageError(
            f"n_resamples={n_resamples} is too few for an interval",
            where="bootstrap",
            repair=f"Use {FEWEST_RESAMPLES} or more.",
        )
    if not 0 < confidence < 1:
        raise UsageError(
            f"confidence={confidence} is not a level", where="bootstrap", repair="Use a number between 0 and 1."
        )
    draws = np.array([statistic(rng.integers(0, n, n)) for _ in range(n_resamples)], dtype=float)
    return percentile_bounds(draws, confidence)


def percentile_bounds(draws: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper percentile of the draws, shape (n_draws, ...), along the first axis, or NaN."""
    tail = (1 - confidence) / 2
    known = ~np.isnan(draws).all(axis=0)
    bounds = np.full((2, *draws.shape[1:]), np.nan)
    bounds[:, known] = np.nanquantile(draws[:, known], [tail, 1 - tail], axis=0)
    return bounds[0], bounds[1]


def wilson(k: int, n: int, confidence: float) -> tuple[float, float]:
    """Wilson's interval of a share.

    References
    ----------
    Wilson (1927), Journal of the American Statistical Association 22(158), 209-212, doi:10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> [round(bound, 3) for bound in wilson(1, 10, 0.95)]
    [0.018, 0.404]
    """
    z = norm.ppf(0.5 + confidence / 2)
    centre = (k + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(k * (n - k) / n + z**2 / 4)
    return float(max(centre - half, 0.0)), float(min(centre + half, 1.0))
