"""Least squares with robust errors: the one path every regression of this wing takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import linalg, stats
from statsmodels.stats.diagnostic import het_breuschpagan

from crmresearch.errors import RefusedError, check_choice

Covariance = Literal["HC3", "HC2", "HC1", "HC0", "nonrobust"]

_COVARIANCES = ("HC3", "HC2", "HC1", "HC0", "nonrobust")
_RANK_TOLERANCE = 1e-10  # share of a column's length left once the columns before it are taken out


@dataclass(frozen=True, slots=True)
class LeastSquares:
    """A fitted linear regression.

    Attributes
    ----------
    coefficients : pd.DataFrame, shape (1 + n_predictors, 11)
        term (intercept first), estimate, std_error, statistic (t), p_value, conf_low, conf_high,
        beta, beta_low, beta_high (standardised; missing for the intercept), vif.
    fit : pd.DataFrame, shape (1, 11)
        n, n_left_out, r_squared, r_squared_adjusted, residual_sd, f_value, df_model, df_residual,
        df_error (behind the intervals: df_residual, or clusters − 1), p_value, aic.
    residuals : pd.DataFrame, shape (n, 5)
        row (the input's index value), fitted, residual, leverage, cook_distance.
    diagnostics : pd.DataFrame, shape (n_checks, 3)
        check, statistic, p_value (missing where the check has none).
    covariance : np.ndarray, shape (1 + n_predictors, 1 + n_predictors)
        Covariance of the estimates, of the kind asked for.
    """

    coefficients: pd.DataFrame
    fit: pd.DataFrame
    residuals: pd.DataFrame
    diagnostics: pd.DataFrame
    covariance: np.ndarray

    def tidy(self) -> pd.DataFrame:
        """One row per term: term, estimate, std_error, statistic, p_value, conf_low, conf_high."""
        return self.coefficients.iloc[:, :7].copy()

    def glance(self) -> pd.DataFrame:
        """One row for the whole fit."""
        return self.fit.copy()


def fit_least_squares(
    data: pd.DataFrame,
    *,
    outcome: str,
    predictors: Sequence[str],
    covariance: Covariance = "HC3",
    cluster: str | None = None,
    confidence: float = 0.95,
) -> LeastSquares:
    """Regress ``outcome`` on ``predictors`` and an intercept, over the rows that have them all.

    Parameters
    ----------
    data : pd.DataFrame
        Numeric columns ``outcome`` and ``predictors``; rows with a missing value are left out and counted.
    outcome : str
    predictors : Sequence[str]
        At least one, none twice.
    covariance : {"HC3", "HC2", "HC1", "HC0", "nonrobust"}
        Kind of standard error; HC3 holds its level in samples of 250 and fewer (Long & Ervin 2000).
    cluster : str | None
        Column that names the customer a row comes from: errors then allow for rows of one customer being
        alike (CR1) and take the place of ``covariance``. A row without a name is a customer of its own.
    confidence : float
        Coverage of the intervals, which use t with n − p degrees of freedom, or clusters − 1.

    Returns
    -------
    LeastSquares

    Raises
    ------
    RefusedError
        A column is missing or twice, the outcome or a predictor is constant,
        n ≤ number of coefficients, predictors are collinear (named), one row alone fixes a
        coefficient where errors of kind HC2 or HC3 are asked for, or there are not more clusters than
        coefficients.
    UsageError
        An option that is unknown.

    Notes
    -----
    The design is centred and scaled to unit columns, solved by QR, mapped back, and corrected twice
    by the normal equations' remainder summed without rounding, which keeps eight and more digits of
    nearly collinear predictors (Björck 1987). Standardised coefficients are b · s_x / s_y; their
    intervals take the two standard deviations as fixed. Diagnostics: Breusch–Pagan, Jarque–Bera,
    Durbin–Watson (in the order of the rows, so it speaks only where that is an order in time), largest
    Cook's distance, number of rows above 4/n, largest VIF, condition number of the scaled design.

    References
    ----------
    Björck, Å. (1987). Stability analysis of the method of seminormal equations for linear least squares
    problems. Linear Algebra and its Applications 88–89, 31–48. https://doi.org/10.1016/0024-3795(87)90101-7

    Long, J. S. & Ervin, L. H. (2000). Using heteroscedasticity consistent standard errors in the linear
    regression model. The American Statistician 54, 217–224. https://doi.org/10.1080/00031305.2000.10474549

    Examples
    --------
    >>> data = pd.DataFrame({"y": [1.0, 3, 5, 7.5], "x": [0.0, 1, 2, 3]})
    >>> fit_least_squares(data, outcome="y", predictors=["x"]).coefficients["estimate"].round(3).tolist()
    [0.9, 2.15]
    """
    predictors = list(predictors)
    complete = complete_rows(data, outcome, predictors, covariance, confidence)
    y, x = complete[outcome].to_numpy(float), complete[predictors].to_numpy(float)
    n, p = len(y), 1 + x.shape[1]
    middle, length = x.mean(axis=0), np.linalg.norm(x - x.mean(axis=0), axis=0)
    scaled = (x - middle) / length
    _refuse_collinear(scaled, predictors)
    design = np.column_stack([np.ones(n), scaled])
    leverage = (linalg.qr(design, mode="economic")[0] ** 2).sum(axis=1)
    if cluster is None and covariance in ("HC2", "HC3") and leverage.max() > 1 - 1e-9:
        raise RefusedError(
            f"one row alone fixes a coefficient, so that {covariance} errors do not exist",
            where=f"regression of {outcome}, row {str(complete.index[leverage.argmax()])[:40]}",
            repair="Take out the predictor that only this row sets, or use covariance='HC1'.",
        )
    groups = None if cluster is None else cluster_codes(data, cluster, complete.index, p)
    kind = (
        {"cov_type": covariance}
        if groups is None
        else {"cov_type": "cluster", "cov_kwds": {"groups": groups, "use_correction": True}}
    )
    result = sm.OLS(y, design).fit(method="qr", use_t=True, **kind)
    freedom = n - p if groups is None else int(groups.max())
    back = np.diag(np.concatenate([[1.0], 1 / length]))
    back[0, 1:] = -middle / length
    estimate = _refine(x, y, back @ result.params, back, linalg.qr(design, mode="r")[0][:p])
    spread = back @ result.cov_params() @ back.T
    gram_inverse = linalg.inv(scaled.T @ scaled)
    vif = np.diag(gram_inverse)
    residual = np.asarray(result.resid)
    variance = residual @ residual / (n - p)
    with np.errstate(invalid="ignore", divide="ignore"):
        cook = residual**2 * leverage / (p * variance * (1 - leverage) ** 2)
    return LeastSquares(
        coefficients=_coefficients(
            ["intercept", *predictors], estimate, np.sqrt(np.diag(spread)), freedom, confidence, length, y, vif
        ),
        fit=pd.DataFrame(
            {
                "n": [n],
                "n_left_out": [len(data) - n],
                "r_squared": [result.rsquared],
                "r_squared_adjusted": [result.rsquared_adj],
                "residual_sd": [np.sqrt(variance)],
                "f_value": [float(np.squeeze(result.fvalue))],
                "df_model": [p - 1],
                "df_residual": [n - p],
                "df_error": [freedom],
                "p_value": [float(np.squeeze(result.f_pvalue))],
                "aic": [result.aic],
            }
        ),
        residuals=pd.DataFrame(
            {
                "row": complete.index,
                "fitted": np.asarray(result.fittedvalues),
                "residual": residual,
                "leverage": leverage,
                "cook_distance": cook,
            }
        ),
        diagnostics=_diagnostics(residual, design, cook, vif),
        covariance=spread,
    )


def complete_rows(
    data: pd.DataFrame, outcome: str, predictors: list[str], covariance: str, confidence: float
) -> pd.DataFrame:
    """Return the rows that have outcome and predictors as floats, or refuse what no regression can use."""
    where = f"regression of {outcome}"
    names = [outcome, *predictors]
    absent = [name for name in names if name not in data]
    if absent or not predictors:
        raise RefusedError(
            f"no column {absent[0]!r}" if absent else "no predictor was named",
            where=where,
            repair=f"There are: {', '.join(map(str, data.columns[:20]))}.",
        )
    if len(set(names)) < len(names):
        raise RefusedError("a column stands twice among outcome and predictors", where=where, repair="Name each once.")
    check_choice("covariance", covariance, _COVARIANCES, where=where)
    if not 0 < confidence < 1:
        raise RefusedError(f"confidence must lie between 0 and 1, got {confidence!r}", where=where)
    complete = data[names].astype("Float64").astype(float).dropna()
    n, p = len(complete), len(names)
    if n <= p:
        raise RefusedError(
            f"{n} complete rows for {p} coefficients",
            where=where,
            repair="Use fewer predictors or more rows; a fit that passes through every point says nothing.",
        )
    for name in names:
        if complete[name].nunique() < 2:
            raise RefusedError(
                f"{name!r} is constant ({complete[name].iloc[0]:g} in all {n} rows)",
                where=where,
                repair="Leave it out." if name != outcome else "There is nothing to explain.",
            )
    return complete


def cluster_codes(data: pd.DataFrame, cluster: str, rows: pd.Index, p: int) -> np.ndarray:
    """Number the clusters of the rows in use from 0; a row without a name stands alone.

    Raises
    ------
    RefusedError
        The column is absent, or there are not more clusters than coefficients.
    """
    if cluster not in data:
        raise RefusedError(f"no column {cluster!r}", where="clusters", repair="Name the column of the customer.")
    names = data.loc[rows, cluster]
    codes = pd.factorize(names)[0]
    alone = codes < 0
    codes[alone] = codes.max(initial=-1) + 1 + np.arange(alone.sum())
    found = len(np.unique(codes))
    if found <= p:
        raise RefusedError(
            f"{found} clusters for {p} coefficients",
            where=f"clusters by {cluster}",
            repair="Use fewer predictors, or errors that take rows as independent (cluster=None).",
        )
    return codes


def _refuse_collinear(scaled: np.ndarray, predictors: list[str]) -> None:
    """Refuse predictors that are linear combinations of one another, naming the first such set."""
    for j in range(1, scaled.shape[1]):
        weights, *_ = linalg.lstsq(scaled[:, :j], scaled[:, j])
        if np.linalg.norm(scaled[:, j] - scaled[:, :j] @ weights) < _RANK_TOLERANCE:
            others = [name for name, w in zip(predictors[:j], weights, strict=True) if abs(w) > 1e-8]
            raise RefusedError(
                f"{predictors[j]!r} is an exact combination of {', '.join(map(repr, others))}",
                where="regression design",
                repair="Leave one of them out.",
            )


def _refine(x: np.ndarray, y: np.ndarray, estimate: np.ndarray, back: np.ndarray, triangle: np.ndarray) -> np.ndarray:
    """Correct least-squares estimates by what their residuals still share with the design."""
    design = np.column_stack([np.ones(len(y)), x])
    for _ in range(2):
        remainder = back.T @ _dot_unrounded(design, y - design @ estimate)
        step = linalg.solve_triangular(triangle, linalg.solve_triangular(triangle, remainder, trans="T"))
        estimate = estimate + back @ step
    return estimate


def _dot_unrounded(columns: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Return ``columns.T @ vector``, each product split into two floats (Dekker 1971), summed exactly."""

    def split(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        big = a * 134217729.0  # 2**27 + 1
        head = big - (big - a)
        return head, a - head

    b = vector[:, None]
    product, (a_head, a_tail), (b_head, b_tail) = columns * b, split(columns), split(b)
    rounding = ((a_head * b_head - product) + a_head * b_tail + a_tail * b_head) + a_tail * b_tail
    return np.array([math.fsum(both) for both in np.vstack([product, rounding]).T])


def _coefficients(
    terms: list[str],
    estimate: np.ndarray,
    error: np.ndarray,
    df: int,
    confidence: float,
    length: np.ndarray,
    y: np.ndarray,
    vif: np.ndarray,
) -> pd.DataFrame:
    half = stats.t.ppf((1 + confidence) / 2, df) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        t = estimate / error
    scale = np.concatenate([[np.nan], length / np.linalg.norm(y - y.mean())])
    low, high = estimate - half, estimate + half
    return pd.DataFrame(
        {
            "term": terms,
            "estimate": estimate,
            "std_error": error,
            "statistic": t,
            "p_value": 2 * stats.t.sf(np.abs(t), df),
            "conf_low": low,
            "conf_high": high,
            "beta": estimate * scale,
            "beta_low": low * scale,
            "beta_high": high * scale,
            "vif": np.concatenate([[np.nan], vif]),
        }
    )


def _diagnostics(residual: np.ndarray, design: np.ndarray, cook: np.ndarray, vif: np.ndarray) -> pd.DataFrame:
    rows: list[tuple[str, float, float]] = []
    exact = np.ptp(residual) < 1e-9 * max(1.0, np.abs(residual).max())
    if not exact:
        lagrange, p_lagrange, *_ = het_breuschpagan(residual, design)
        jarque = stats.jarque_bera(residual)
        rows += [("breusch_pagan", lagrange, p_lagrange), ("jarque_bera", jarque.statistic, jarque.pvalue)]
        steps = np.diff(residual)
        rows.append(("durbin_watson", float(steps @ steps / (residual @ residual)), np.nan))
    rows += [
        ("largest_cook_distance", cook.max(), np.nan),
        ("n_influential", float((cook > 4 / len(cook)).sum()), np.nan),
        ("largest_vif", vif.max(), np.nan),
        ("condition_number", np.linalg.cond(design / np.linalg.norm(design, axis=0)), np.nan),
    ]
    return pd.DataFrame(rows, columns=["check", "statistic", "p_value"])
