"""Bounds of what was bootstrapped: percentiles, or bias-corrected and accelerated (BCa) with the jackknife."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import norm

from crmresearch.scoring.resampling import percentile_bounds


def bound_draws(
    draws: np.ndarray,
    estimate: np.ndarray,
    run: Callable[[np.ndarray], np.ndarray],
    n: int,
    *,
    interval: str,
    level: float,
    batch: int = 500,
) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper bounds of each column.

    Parameters
    ----------
    draws : float array, shape (B, k)
    estimate : float array, shape (k,)
    run : Callable[[np.ndarray], np.ndarray]
        From how often each of the ``n`` rows counts, shape (B, n), to the estimates, shape (B, k).
    n : int
    interval : str
        ``bca``; any other is by percentiles.
    level : float
    batch : int
        Rows left out in turn at a time: batch · n · 8 bytes are held.
    """
    if interval != "bca":
        return tuple(percentile_bounds(draws, level))
    parts = [run(1.0 - np.eye(min(batch, n - k), n, k)) for k in range(0, n, batch)]
    return bca_bounds(draws, estimate, np.concatenate(parts), level)


def bca_bounds(
    draws: np.ndarray, estimate: np.ndarray, jackknife: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Bias-corrected and accelerated bounds of each column.

    Parameters
    ----------
    draws : float array, shape (B, k)
    estimate : float array, shape (k,)
    jackknife : float array, shape (n, k)
        Estimates with one row left out at a time.
    level : float

    Notes
    -----
    Efron (1987), doi:10.1080/01621459.1987.10478410.
    """
    used = len(draws)
    share = ((draws < estimate).sum(axis=0) + 0.5 * (draws == estimate).sum(axis=0)) / used
    shift = norm.ppf(np.clip(share, 0.5 / used, 1 - 0.5 / used))
    away = jackknife.mean(axis=0) - jackknife
    spread = (away**2).sum(axis=0)
    skew = np.divide((away**3).sum(axis=0), 6 * spread**1.5, out=np.zeros_like(spread), where=spread > 1e-24)
    ordered = np.sort(draws, axis=0)

    def bound(tail: float) -> np.ndarray:
        z = shift + norm.ppf(tail)
        spot = norm.cdf(shift + z / (1 - skew * z)) * (used - 1)
        lower = np.floor(spot).astype(int)
        at = np.take_along_axis(ordered, np.stack([lower, np.minimum(lower + 1, used - 1)]), axis=0)
        return at[0] + (spot - lower) * (at[1] - at[0])

    return bound((1 - level) / 2), bound((1 + level) / 2)
