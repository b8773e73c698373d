"""Who leaves sooner? Proportional hazards of leaving after the survey: claims D12, D13 and D30."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe, Verdict, judge_interval

_EVENTS_PER_PREDICTOR = 5
_THIRDS = ("third_low", "third_middle", "third_high")


@dataclass(frozen=True, slots=True)
class LeavingFit:
    """A Cox regression of the days until a customer left.

    Attributes
    ----------
    hazards : pd.DataFrame, one row per predictor
        term, estimate (log hazard per standard deviation), std_error, statistic (z), p_value, hazard_ratio,
        hazard_low, hazard_high, residual_r, residual_p (Schoenfeld residuals against the rank of time: a small
        p speaks against a constant ratio).
    fit : pd.DataFrame, shape (1, 5)
        n, n_events, log_likelihood, concordance, median_followed_days.
    survival : pd.DataFrame
        group (thirds of the first predictor), day, n_at_risk, share_staying, conf_low, conf_high (Kaplan–Meier).
    verdict : Verdict
    claim : str
    recipe : Recipe
    """

    hazards: pd.DataFrame
    fit: pd.DataFrame
    survival: pd.DataFrame
    verdict: Verdict
    claim: str
    recipe: Recipe

    def tidy(self) -> pd.DataFrame:
        """``term, estimate, std_error, statistic, p_value`` of the log hazards."""
        return self.hazards.iloc[:, :5].copy()

    def glance(self) -> pd.DataFrame:
        """One row for the whole fit."""
        return self.fit.copy()

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Hazard ratios and fit."""
        reading = ("d30_as_leaving",) if self.claim == "D30" else ()
        return (
            Exhibit("leaving_hazards", self.hazards, notes=("leaving_rule", "schoenfeld_reading", *reading)),
            Exhibit("leaving_fit", self.fit),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Hazard ratio of the first predictor, with its verdict."""
        row, whole = self.hazards.iloc[0], self.fit.iloc[0]
        return (
            Finding(
                "leaving_hazard",
                {
                    "predictor": row["term"],
                    "hazard": float(row["hazard_ratio"]),
                    "low": float(row["hazard_low"]),
                    "high": float(row["hazard_high"]),
                    "smallest": self.recipe.options["hazard_judged"],
                    "n": int(whole["n"]),
                    "events": int(whole["n_events"]),
                    "confidence": self.recipe.options["confidence"],
                },
                verdict=self.verdict,
                claim=self.claim,
            ),
        )


def fit_leaving(
    customers: pd.DataFrame,
    *,
    predictors: Sequence[str],
    expected: int = -1,
    smallest_hazard: float = 1.1,
    confidence: float = 0.95,
    claim: str = "",
) -> LeavingFit:
    """Regress the time until a customer left, counted from the day it was asked.

    Parameters
    ----------
    customers : pd.DataFrame
        followed_days, left (``LinkedCustomers.customers``) and numeric predictors; rows that lack one are left out.
    predictors : Sequence[str]
        The first is the one judged.
    expected : {-1, 1}
        −1: the claim says that more of the first predictor goes with leaving later; 1: sooner.
    smallest_hazard : float
        Smallest hazard ratio per standard deviation of interest, above 1 (its inverse for ``expected=-1``).
    confidence : float
    claim : str
        D12 (service gap), D13 (satisfaction) or D30 (switching cost), which is read here as: the higher the cost of
        switching, the later customers leave. Whether satisfaction then counts for less is another reading of D30,
        judged by :func:`~crmresearch.scoring.satisfaction.regression.moderate`.

    Returns
    -------
    LeavingFit

    Raises
    ------
    RefusedError
        A column is absent or constant; fewer than five customers left per predictor; predictors are
        collinear, or separate those who left.

    Notes
    -----
    Cox (1972) with Efron's ties, predictors standardised. The clock starts at the survey: years as a
    customer before it cannot count as loyalty after it (immortal time). Leaving in a trade without
    contracts is a silence, not a date; who has been silent for long may still come back. The rule: the
    hazard ratio's interval beyond the smallest one on the expected side is *supported*; wholly on the near
    side of it *contradicted*; else *inconclusive*.

    References
    ----------
    Cox, D. R. (1972). Regression models and life-tables. Journal of the Royal Statistical Society B 34,
    187–220. https://doi.org/10.1111/j.2517-6161.1972.tb00899.x

    Examples
    --------
    >>> rng = np.random.default_rng(6)
    >>> x = rng.normal(size=500)
    >>> days = rng.exponential(100 * np.exp(0.5 * x))
    >>> data = pd.DataFrame({"x": x, "followed_days": np.minimum(days, 150), "left": (days < 150).astype(float)})
    >>> fit_leaving(data, predictors=["x"]).verdict
    'supported'
    """
    from statsmodels.duration.hazard_regression import PHReg

    predictors = list(predictors)
    absent = [c for c in ("followed_days", "left", *predictors) if c not in customers]
    if absent or not predictors:
        raise RefusedError(f"no column {absent[0]!r}" if absent else "no predictor was named", where="leaving")
    if expected not in (1, -1) or smallest_hazard <= 1 or not 0 < confidence < 1:
        raise RefusedError(
            f"expected {expected!r}, smallest_hazard {smallest_hazard!r}, confidence {confidence!r}",
            where="fit_leaving",
        )
    used = customers[["followed_days", "left", *predictors]].astype("Float64").astype(float).dropna()
    flat = [name for name in predictors if used[name].nunique() < 2]
    if flat:
        raise RefusedError(f"{flat[0]!r} is constant", where="leaving", repair="Leave it out.")
    events = int(used["left"].sum())
    if min(events, len(used) - events) < _EVENTS_PER_PREDICTOR * len(predictors):
        raise RefusedError(
            f"{events} of {len(used)} customers left, for {len(predictors)} predictors",
            where="leaving",
            repair="Observe longer, set silent_days otherwise, or use fewer predictors.",
        )
    z = (used[predictors] - used[predictors].mean()) / used[predictors].std()
    if np.linalg.eigvalsh(np.corrcoef(z.to_numpy().T) if len(predictors) > 1 else np.eye(1))[0] < 1e-8:
        raise RefusedError("the predictors are collinear", where="leaving", repair="Leave one of them out.")
    days, left = used["followed_days"].to_numpy(), used["left"].to_numpy()
    result = PHReg(days, z.to_numpy(), status=left, ties="efron").fit()
    b, error = np.asarray(result.params), np.asarray(result.bse)
    if not np.isfinite(error).all() or (np.abs(b) > 15).any():
        raise RefusedError("a predictor separates the customers who left", where="leaving", repair="Leave it out.")
    half = stats.norm.ppf((1 + confidence) / 2) * error
    checks = [_residual_trend(np.asarray(result.schoenfeld_residuals)[:, k], days) for k in range(len(b))]
    judged = smallest_hazard if expected == 1 else 1 / smallest_hazard
    low, high = np.exp(b[0] - half[0]), np.exp(b[0] + half[0])
    return LeavingFit(
        hazards=pd.DataFrame(
            {
                "term": predictors,
                "estimate": b,
                "std_error": error,
                "statistic": b / error,
                "p_value": 2 * stats.norm.sf(np.abs(b / error)),
                "hazard_ratio": np.exp(b),
                "hazard_low": np.exp(b - half),
                "hazard_high": np.exp(b + half),
                "residual_r": [r for r, _ in checks],
                "residual_p": [p for _, p in checks],
            }
        ),
        fit=pd.DataFrame(
            {
                "n": [len(used)],
                "n_events": [events],
                "log_likelihood": [float(result.llf)],
                "concordance": [_concordance(days, left, z.to_numpy() @ b)],
                "median_followed_days": [float(np.median(days))],
            }
        ),
        survival=_by_third(days, left, used[predictors[0]].to_numpy(), confidence),
        verdict=_judge(low, high, judged, expected),
        claim=claim,
        recipe=Recipe(
            "leaving_hazard",
            {
                "predictors": predictors,
                "expected_sign": "hazard_higher" if expected == 1 else "hazard_lower",
                "hazard_judged": judged,
                "confidence": confidence,
                "ties": "efron",
                "missing": "complete_cases",
            },
            "Cox (1972), https://doi.org/10.1111/j.2517-6161.1972.tb00899.x",
        ),
    )


def _judge(low: float, high: float, judged: float, expected: int) -> Verdict:
    """Judge a hazard ratio by its interval; see :func:`fit_leaving`.

    >>> _judge(0.5, 0.8, 0.9, -1), _judge(0.95, 1.2, 0.9, -1), _judge(0.8, 1.1, 0.9, -1)
    ('supported', 'contradicted', 'inconclusive')
    """
    return judge_interval(low, high, judged) if expected == 1 else judge_interval(-high, -low, -judged)


def _residual_trend(residual: np.ndarray, days: np.ndarray) -> tuple[float, float]:
    """Correlation of Schoenfeld residuals with the rank of the time they belong to."""
    there = np.isfinite(residual)
    if there.sum() < 4 or np.ptp(residual[there]) == 0:
        return np.nan, np.nan
    found = stats.pearsonr(residual[there], stats.rankdata(days[there]))
    return float(found.statistic), float(found.pvalue)


def _concordance(days: np.ndarray, left: np.ndarray, risk: np.ndarray) -> float:
    """Share of comparable pairs in which the one who left first had the higher risk; ties count half."""
    earlier = (days[:, None] < days) & (left[:, None] == 1)
    higher = (risk[:, None] > risk) + 0.5 * (risk[:, None] == risk)
    return float((earlier * higher).sum() / max(earlier.sum(), 1))


def _by_third(days: np.ndarray, left: np.ndarray, values: np.ndarray, confidence: float) -> pd.DataFrame:
    edges = np.quantile(values, [1 / 3, 2 / 3])
    third = np.searchsorted(edges, values, side="left")
    parts = [
        stay_curve(days[third == k], left[third == k], confidence).assign(group=name)
        for k, name in enumerate(_THIRDS)
        if (third == k).any()
    ]
    return pd.concat(parts, ignore_index=True)[["group", "day", "n_at_risk", "share_staying", "conf_low", "conf_high"]]


def stay_curve(days: np.ndarray, left: np.ndarray, confidence: float = 0.95) -> pd.DataFrame:
    """Kaplan–Meier estimate with log–log intervals, from day 0.

    Examples
    --------
    >>> stay_curve(np.array([1.0, 2, 3]), np.array([1.0, 0, 1]))["share_staying"].round(3).tolist()
    [1.0, 0.667, 0.0]
    """
    times = np.unique(days[left == 1])
    at_risk = (days[:, None] >= times).sum(axis=0)
    gone = ((days[:, None] == times) & (left[:, None] == 1)).sum(axis=0)
    share = np.cumprod(1 - gone / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(np.cumsum(gone / (at_risk * (at_risk - gone)))) / np.abs(np.log(share))
        z = stats.norm.ppf((1 + confidence) / 2)
        low, high = share ** np.exp(z * spread), share ** np.exp(-z * spread)
    return pd.DataFrame(
        {
            "day": np.concatenate([[0.0], times]),
            "n_at_risk": np.concatenate([[len(days)], at_risk]),
            "share_staying": np.concatenate([[1.0], share]),
            "conf_low": np.concatenate([[1.0], low]),
            "conf_high": np.concatenate([[1.0], high]),
        }
    )
