"""Shares and how sure they are: Wilson's interval, for one share or many at once."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm


def wilson(
    k: np.ndarray | int, n: np.ndarray | int, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Share of k in n with Wilson's score interval; NaN of nothing.

    Parameters
    ----------
    k, n : np.ndarray or int
        Of one shape, or one of them a number.
    confidence : float

    Returns
    -------
    share, low, high : np.ndarray

    References
    ----------
    Wilson (1927), Journal of the American Statistical Association 22(158), 209-212, doi:10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> [part.round(3).tolist() for part in wilson(np.array([1, 8]), 10)]
    [[0.1, 0.8], [0.018, 0.49], [0.404, 0.943]]
    """
    k, n = np.asarray(k, dtype=float), np.asarray(n, dtype=float)
    z = norm.ppf(0.5 + confidence / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = k / n
        centre = (k + z**2 / 2) / (n + z**2)
        half = z / (n + z**2) * np.sqrt(k * (1 - share) + z**2 / 4)
    return share, np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)
