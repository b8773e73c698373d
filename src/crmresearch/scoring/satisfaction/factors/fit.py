"""Fit indices of a covariance model."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import optimize, stats

from crmresearch.scoring.satisfaction.factors.likelihood import FactorModel, scaling, score_moments


def fit_indices(model: FactorModel, answers: np.ndarray, *, confidence: float = 0.90) -> pd.DataFrame:
    """Fit of a factor model against the saturated and the independence model.

    Parameters
    ----------
    model : FactorModel
    answers : np.ndarray, shape (n, p)
        What it was fitted to.
    confidence : float
        Coverage of the interval of the RMSEA; .90 by custom, so that its bounds are tests at .05.

    Returns
    -------
    pd.DataFrame, shape (1, 17)
        n, chi_squared, df, p_value, chi_squared_per_df, scaling, chi_squared_scaled, p_scaled, cfi, tli,
        rmsea, rmsea_low, rmsea_high, srmr, cfi_robust, tli_robust, rmsea_robust. Ratios are missing where
        df = 0.

    References
    ----------
    Hu, L. & Bentler, P. M. (1999). Cutoff criteria for fit indexes in covariance structure analysis.
    Structural Equation Modeling 6, 1–55. https://doi.org/10.1080/10705519909540118

    Brosseau-Liard, P. E. & Savalei, V. (2014). Adjusting incremental fit indices for nonnormality.
    Multivariate Behavioral Research 49, 460–470. https://doi.org/10.1080/00273171.2014.933697
    """
    n, p = answers.shape
    centred = answers - answers.mean(axis=0)
    sample = centred.T @ centred / n
    spread = np.sqrt(np.diag(sample))
    chi, df, c = model.chi_squared, model.degrees, model.scale
    base_chi = -n * np.linalg.slogdet(sample / np.outer(spread, spread))[1]
    base_df = p * (p - 1) // 2
    base_c = _independence_scaling(centred, sample, base_df)
    low, high = _rmsea_interval(chi, df, n, confidence)
    lower = np.tril_indices(p)
    residual = ((sample - model.implied) / np.outer(spread, spread))[lower]
    scaled = chi / c if df else np.nan
    return pd.DataFrame(
        {
            "n": [n],
            "chi_squared": [chi],
            "df": [df],
            "p_value": [stats.chi2.sf(chi, df) if df else np.nan],
            "chi_squared_per_df": [chi / df if df else np.nan],
            "scaling": [c],
            "chi_squared_scaled": [scaled],
            "p_scaled": [stats.chi2.sf(scaled, df) if df else np.nan],
            "cfi": [_cfi(chi - df, base_chi - base_df)],
            "tli": [1 - (chi - df) / df * base_df / (base_chi - base_df) if df else np.nan],
            "rmsea": [np.sqrt(max(chi - df, 0) / (n * df)) if df else np.nan],
            "rmsea_low": [low],
            "rmsea_high": [high],
            "srmr": [float(np.sqrt((residual**2).mean()))],
            "cfi_robust": [_cfi(chi - c * df, base_chi - base_c * base_df) if df else np.nan],
            "tli_robust": [1 - (chi - c * df) / df * base_df / (base_chi - base_c * base_df) if df else np.nan],
            "rmsea_robust": [np.sqrt(max(chi - c * df, 0) / (n * df)) if df else np.nan],
        }
    )


def _cfi(misfit: float, base: float) -> float:
    worst = max(misfit, base, 0.0)
    return 1.0 - max(misfit, 0.0) / worst if worst > 0 else 1.0


def _independence_scaling(centred: np.ndarray, sample: np.ndarray, df: int) -> float:
    variance = np.diag(sample)
    inverse = np.diag(1 / variance)
    slopes = np.zeros((len(variance),) * 3)
    own = np.arange(len(variance))
    slopes[own, own, own] = 1.0
    meat = score_moments(centred, inverse, slopes)
    taken = float((2 * variance**2 * np.diag(meat)).sum())
    return scaling(centred, sample, inverse, taken, df)


def _rmsea_interval(chi: float, df: int, n: int, confidence: float) -> tuple[float, float]:
    if df == 0:
        return np.nan, np.nan

    def noncentrality(tail: float) -> float:
        if stats.chi2.cdf(chi, df) <= tail:
            return 0.0
        top = max(chi, 1.0)
        while stats.ncx2.cdf(chi, df, top) > tail:
            top *= 2
        return float(optimize.brentq(lambda x: stats.ncx2.cdf(chi, df, x) - tail, 1e-12, top))

    low, high = noncentrality((1 + confidence) / 2), noncentrality((1 - confidence) / 2)
    return float(np.sqrt(low / (n * df))), float(np.sqrt(high / (n * df)))
