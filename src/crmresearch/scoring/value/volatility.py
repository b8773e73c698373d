"""Is the revenue of key accounts steadier than the rest? Variation, shares of variance, claim D44."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe, Verdict, judge_interval
from crmresearch.scoring.resampling import check_resampling, percentile_bounds
from crmresearch.scoring.value.panel import Panel

GROUPS = ("key_accounts", "rest", "everybody")


@dataclass(frozen=True, slots=True)
class Volatility:
    """Variation of monthly revenue of key accounts and of the rest.

    Attributes
    ----------
    months : pd.DataFrame, shape (n_months, 4)
        month, key_accounts, rest, everybody: revenue.
    groups : pd.DataFrame, shape (3, 8)
        account_group, n_customers, mean_revenue (a month), cv, cv_low, cv_high (coefficient of variation around the
        linear
        trend), cv_raw (around the mean), cv_single (median of single customers' own, those who bought in six months
        or more).
    variance : pd.DataFrame, shape (4, 3)
        variance_part (key_accounts, rest, twice_covariance, everybody), variance, share_variance: of revenue around the
        trend; the first three add up to the fourth.
    difference : dict
        cv of key accounts less cv of the rest: difference, low, high.
    recipe : Recipe
    """

    months: pd.DataFrame
    groups: pd.DataFrame
    variance: pd.DataFrame
    difference: dict[str, float]
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Groups and shares of variance."""
        return (
            Exhibit("volatility_groups", self.groups, notes=("volatility_trend", "volatility_size")),
            Exhibit("volatility_variance", self.variance),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Claim D44 with its verdict, both signs, and what key accounts have in the total's variance."""
        cv = self.groups.set_index("account_group")["cv"].astype(float)
        share = self.variance.set_index("variance_part")["share_variance"].astype(float)
        mean = self.groups.set_index("account_group")["mean_revenue"].astype(float)
        values = {
            "key": cv["key_accounts"],
            "rest": cv["rest"],
            "everybody": cv["everybody"],
            **self.difference,
            "share_variance": share["key_accounts"],
            "share_revenue": mean["key_accounts"] / mean["everybody"],
            "confidence": self.recipe.options["confidence"],
            "months": self.recipe.options["n_months"],
        }
        verdict = judge_steadier(self.difference["low"], self.difference["high"])
        return (Finding("claim_steadier", values, verdict, claim="D44"),)


def judge_steadier(low: float, high: float) -> Verdict:
    """Judge claim D44 (key accounts lower the volatility of revenue) by the difference in variation.

    Supported if the interval of cv(key accounts) − cv(rest) lies below 0, contradicted if above, inconclusive across.

    Examples
    --------
    >>> judge_steadier(-0.2, -0.1), judge_steadier(0.1, 0.3), judge_steadier(-0.1, 0.1)
    ('supported', 'contradicted', 'inconclusive')
    """
    return judge_interval(-high, -low)


def compare_volatility(
    panel: Panel,
    flags: pd.DataFrame,
    *,
    rule: str,
    rng: np.random.Generator,
    block_months: int = 3,
    n_resamples: int = 1000,
    confidence: float = 0.95,
) -> Volatility:
    """Compare how much monthly revenue varies, key accounts against the rest.

    Parameters
    ----------
    panel : Panel
        At least 12 months.
    flags : pd.DataFrame of bool
        A column for each rule (`KeyAccounts.flags`), by customer_id; customers not in it belong to the rest.
    rule : str
        The column used. Best the firm's own flag (k5): who is chosen by the revenue of the same months has been
        chosen for a good run.
    rng : np.random.Generator
    block_months : int
        Months drawn together by the bootstrap, so that neighbours stay neighbours.
    n_resamples : int
        At least 100.
    confidence : float

    Returns
    -------
    Volatility

    Raises
    ------
    RefusedError
        Fewer than 12 months, an empty group, or a rule that could not be applied.

    Notes
    -----
    The coefficient of variation is the standard deviation around a straight line in time over the mean. Both groups'
    residuals are drawn in the same circular blocks of months, so that common shocks (prices) stay common. A group of
    few large customers varies more than one of many small ones even if each single customer is as steady:
    ``cv_single`` shows the customers themselves.

    References
    ----------
    Politis & Romano (1992), A circular block-resampling procedure for stationary data, in: Exploring the Limits of
    Bootstrap, Wiley, 263-270.
    """
    if rule not in flags:
        raise RefusedError(
            f"rule {rule!r} could not be applied", where="volatility", repair=f"These could: {', '.join(flags)}."
        )
    check_resampling(n_resamples, confidence, where="volatility")
    n_months = len(panel.months)
    chosen = pd.Series(panel.customer_id).map(flags[rule]).eq(True).to_numpy()
    revenue = np.array([panel.revenue[chosen].sum(axis=0), panel.revenue[~chosen].sum(axis=0)])
    if n_months < 12 or (revenue.mean(axis=1) <= 0).any():
        raise RefusedError(
            f"{n_months} months, {chosen.sum()} key accounts, {(~chosen).sum()} others with revenue",
            where="volatility",
            repair="Give twelve months or more, and key accounts that are some, not all, of the customers.",
        )
    series = np.vstack([revenue, revenue.sum(axis=0)])
    mean, residual = series.mean(axis=1), _around_trend(series)
    cv = _spread(residual) / mean
    begin = rng.integers(0, n_months, (n_resamples, -(-n_months // block_months)))
    at = ((begin[:, :, None] + np.arange(block_months)) % n_months).reshape(n_resamples, -1)[:, :n_months]
    drawn = residual[:, at]
    drawn = _spread(drawn - drawn.mean(axis=-1, keepdims=True)).T / mean
    low, high = percentile_bounds(np.column_stack([drawn, drawn[:, 0] - drawn[:, 1]]), confidence)
    often = panel.bought.sum(axis=1) >= 6
    single = np.full(len(chosen), np.nan)
    own = panel.revenue[often]
    single[often] = own.std(axis=1, ddof=1) / np.where(own.mean(axis=1) > 0, own.mean(axis=1), np.nan)
    groups = pd.DataFrame(
        {
            "account_group": GROUPS,
            "n_customers": [chosen.sum(), (~chosen).sum(), len(chosen)],
            "mean_revenue": mean,
            "cv": cv,
            "cv_low": low[:3],
            "cv_high": high[:3],
            "cv_raw": series.std(axis=1, ddof=1) / mean,
            "cv_single": [_median(single[chosen]), _median(single[~chosen]), _median(single)],
        }
    )
    covariance = residual[:2] @ residual[:2].T / (n_months - 2)
    parts = [covariance[0, 0], covariance[1, 1], 2 * covariance[0, 1], covariance.sum()]
    names = ["key_accounts", "rest", "twice_covariance", "everybody"]
    variance = pd.DataFrame({"variance_part": names, "variance": parts})
    variance["share_variance"] = variance["variance"] / parts[3] if parts[3] else np.nan
    months = pd.DataFrame({"month": panel.months, **dict(zip(GROUPS, series, strict=True))})
    difference = {"difference": float(cv[0] - cv[1]), "low": float(low[3]), "high": float(high[3])}
    options = {
        **panel.recipe.options,
        "key_rule": rule,
        "block_months": block_months,
        "n_resamples": n_resamples,
        "confidence": confidence,
    }
    source = "Politis & Romano (1992), in: Exploring the Limits of Bootstrap, Wiley, 263-270"
    return Volatility(months, groups, variance, difference, Recipe("volatility", options, source))


def _around_trend(series: np.ndarray) -> np.ndarray:
    """Residuals of each row around its straight line."""
    time = np.arange(series.shape[1]) - (series.shape[1] - 1) / 2
    slope = series @ time / (time @ time)
    return series - series.mean(axis=1, keepdims=True) - slope[:, None] * time


def _spread(residual: np.ndarray) -> np.ndarray:
    """Standard deviation around a line, along the last axis: two degrees of freedom are spent."""
    return np.sqrt((residual**2).sum(axis=-1) / (residual.shape[-1] - 2))


def _median(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else np.nan
