"""Resampling: rows drawn with replacement, many resamples at once, and the intervals that follow from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from crmresearch.errors import UsageError

FEWEST_RESAMPLES = 100
_NUMBERS_AT_ONCE = 2_000_000  # 16 MB
_FEWEST_NUMBERS = 4_000  # at most 500 resamples at once, however few the rows


def check_resampling(resamples: int, confidence: float, *, where: str, fewest: int = FEWEST_RESAMPLES) -> None:
    """Raise a UsageError where an interval cannot come from so few resamples, or has no such level."""
    if resamples < fewest:
        raise UsageError(f"{resamples!r} resamples are too few for an interval", where=where, repair=f"Use {fewest}.")
    if not 0 < confidence < 1:
        raise UsageError(f"{confidence!r} is not a level", where=where, repair="Use a number between 0 and 1.")


def batches(resamples: int, numbers: int) -> Iterator[int]:
    """Sizes of the batches in which resamples of so many numbers each are held: 16 MB, or one resample.

    >>> list(batches(5, 1_000_000))
    [2, 2, 1]
    """
    most = max(1, _NUMBERS_AT_ONCE // numbers)
    return (min(most, resamples - begin) for begin in range(0, resamples, most))


def bootstrap(
    statistic: Callable[[np.ndarray], np.ndarray], n: int, *, rng: np.random.Generator, resamples: int
) -> np.ndarray:
    """Give a statistic of every resample of ``n`` rows drawn with replacement.

    Parameters
    ----------
    statistic : Callable[[np.ndarray], np.ndarray]
        From the rows drawn (positions, shape (B, n), its to overwrite) to one value or several of each resample,
        shape (B, ...).
    n : int
    rng : np.random.Generator
    resamples : int

    Returns
    -------
    np.ndarray, shape (resamples, ...)

    Notes
    -----
    Memory: the positions of a batch of resamples take 16 MB, or 8 n bytes where that is more; the statistic holds
    its own arrays beside them.
    """
    return np.concatenate([statistic(rng.integers(0, n, (size, n))) for size in batches(resamples, n)])


def bootstrap_counts(
    statistic: Callable[[np.ndarray], np.ndarray], n: int, *, rng: np.random.Generator, resamples: int
) -> np.ndarray:
    """As `bootstrap`, for a statistic of how often each row is in each resample, shape (B, n) of floats."""
    return np.concatenate(
        [
            statistic(count_rows(rng.integers(0, n, (size, n)), n))
            for size in batches(resamples, max(n, _FEWEST_NUMBERS))
        ]
    )


def bootstrap_interval(
    statistic: Callable[[np.ndarray], np.ndarray],
    n: int,
    *,
    rng: np.random.Generator,
    resamples: int = 1000,
    confidence: float = 0.95,
) -> np.ndarray:
    """Percentile interval of a statistic over rows drawn with replacement.

    Parameters
    ----------
    statistic : Callable[[np.ndarray], np.ndarray]
        As in `bootstrap`; a value that the rows drawn do not define is NaN and left out.
    n : int
        Number of rows.
    rng : np.random.Generator
    resamples : int
        At least 100.
    confidence : float

    Returns
    -------
    np.ndarray, shape (2, ...)
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
    >>> low, high = bootstrap_interval(lambda rows: values[rows].mean(axis=1), 100, rng=np.random.default_rng(1))
    >>> bool(43 < low < 45), bool(54 < high < 56)
    (True, True)
    """
    check_resampling(resamples, confidence, where="bootstrap")
    return percentile_bounds(bootstrap(statistic, n, rng=rng, resamples=resamples), confidence)


def percentile_bounds(draws: np.ndarray, confidence: float) -> np.ndarray:
    """Lower and upper percentile of the draws along the first axis; shape (2, ...).

    Draws without a value are left out; where none has one, the bounds are NaN.

    >>> percentile_bounds(np.array([[0.0, np.nan], [1.0, np.nan], [np.nan, np.nan]]), 0.5).tolist()
    [[0.25, nan], [0.75, nan]]
    """
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    known = ~np.isnan(draws)
    if known.all():
        return np.quantile(draws, tails, axis=0)
    some = known.any(axis=0)
    bounds = np.full((2, *draws.shape[1:]), np.nan)
    bounds[:, some] = np.nanquantile(draws[:, some], tails, axis=0)
    return bounds


def count_rows(drawn: np.ndarray, n: int, weights: np.ndarray | None = None) -> np.ndarray:
    """How often each of ``0 … n − 1`` stands in each row, or the sum of its weights there; (B, m) → (B, n).

    Of the positions drawn that is how often each row is in each resample; of the groups of the rows drawn, how large
    each group is in it.

    Examples
    --------
    >>> count_rows(np.array([[0, 0, 2], [1, 2, 1]]), 3)
    array([[2., 0., 1.],
           [0., 2., 1.]])
    """
    shifted = (drawn + n * np.arange(len(drawn))[:, None]).ravel()
    weights = None if weights is None else weights.ravel()
    return np.bincount(shifted, weights, minlength=n * len(drawn)).reshape(len(drawn), n).astype(float, copy=False)
