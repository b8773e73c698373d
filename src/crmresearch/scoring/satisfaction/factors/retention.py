"""How many factors: parallel analysis, eigenvalues against those of unrelated items."""

from __future__ import annotations

import numpy as np
import pandas as pd


def random_eigenvalues(n: int, p: int, *, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the eigenvalues of correlation matrices of ``p`` unrelated normal items and ``n`` respondents.

    Parameters
    ----------
    n, p : int
        n > p.
    draws : int
    rng : np.random.Generator

    Returns
    -------
    np.ndarray, shape (draws, p)
        Falling along the second axis.

    Notes
    -----
    The scatter matrix of n normal respondents is Wishart with n − 1 degrees of freedom, drawn by its
    triangular factor (Bartlett 1933): p² numbers a draw instead of n · p, and the same distribution.
    Memory: draws · p² · 16 bytes.
    """
    factor = np.tril(rng.standard_normal((draws, p, p)), -1)
    factor[:, np.arange(p), np.arange(p)] = np.sqrt(rng.chisquare(n - 1 - np.arange(p), (draws, p)))
    factor /= np.sqrt((factor**2).sum(axis=2, keepdims=True))
    return np.linalg.eigvalsh(factor @ factor.transpose(0, 2, 1))[:, ::-1]


def parallel_analysis(
    correlation: np.ndarray, n: int, *, draws: int = 1000, percentile: float = 0.95, rng: np.random.Generator
) -> pd.DataFrame:
    """Compare eigenvalues with those of unrelated items (Horn 1965).

    Parameters
    ----------
    correlation : np.ndarray, shape (p, p)
    n : int
        Respondents, more than items.
    draws : int
        Random matrices.
    percentile : float
        Share (0–1) of random eigenvalues an eigenvalue must exceed (.95: Glorfeld 1995).
    rng : np.random.Generator

    Returns
    -------
    pd.DataFrame, shape (p, 6)
        factor (1, 2, …), eigenvalue, random_mean, random_high, kept (this eigenvalue and all before it
        exceed ``random_high``), share_of_variance.

    References
    ----------
    Horn, J. L. (1965). A rationale and test for the number of factors in factor analysis. Psychometrika
    30, 179–185. https://doi.org/10.1007/BF02289447

    Examples
    --------
    >>> correlation = np.full((6, 6), 0.5) + 0.5 * np.eye(6)
    >>> found = parallel_analysis(correlation, 200, draws=200, rng=np.random.default_rng(1))
    >>> int(found["kept"].sum())
    1
    """
    own = np.linalg.eigvalsh(correlation)[::-1]
    drawn = random_eigenvalues(n, len(correlation), draws=draws, rng=rng)
    bound = np.quantile(drawn, percentile, axis=0)
    return pd.DataFrame(
        {
            "factor": np.arange(1, len(own) + 1),
            "eigenvalue": own,
            "random_mean": drawn.mean(axis=0),
            "random_high": bound,
            "kept": np.logical_and.accumulate(own > bound),
            "share_of_variance": own / len(own),
        }
    )
