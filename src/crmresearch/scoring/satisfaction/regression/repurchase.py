"""Did they buy again? Logistic regression of a yes or no, refused where predictors separate the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import special, stats
from scipy.optimize import linprog

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe, Verdict, judge_interval
from crmresearch.scoring.satisfaction.regression.squares import cluster_codes, complete_rows

_STEPS = 60
_EVENTS_PER_PREDICTOR = 5
_TOO_GOOD = 0.99
"""An area under the curve above this suggests that a predictor knew the outcome."""


@dataclass(frozen=True, slots=True)
class RepurchaseFit:
    """A logistic regression.

    Attributes
    ----------
    coefficients : pd.DataFrame, shape (1 + n_predictors, 12)
        term (intercept first), estimate (log odds), std_error, statistic (z), p_value, conf_low, conf_high,
        odds_ratio, odds_low, odds_high, marginal (average change of the chance per unit), marginal_error.
    fit : pd.DataFrame, shape (1, 9)
        n, n_left_out, n_events, log_likelihood, chi2, p_value, pseudo_r_squared (McFadden), auc, brier.
    calibration : pd.DataFrame, shape (n_bins, 4)
        bin (by foretold chance), n, share_foretold, share_observed.
    confusable : pd.DataFrame, shape (n, 3)
        row, observed, foretold (chance).
    verdict : Verdict
        On the first predictor; see :func:`fit_repurchase`.
    recipe : Recipe
    """

    coefficients: pd.DataFrame
    fit: pd.DataFrame
    calibration: pd.DataFrame
    confusable: pd.DataFrame
    verdict: Verdict
    recipe: Recipe

    def tidy(self) -> pd.DataFrame:
        """One row per term."""
        return self.coefficients.iloc[:, :7].copy()

    def glance(self) -> pd.DataFrame:
        """One row for the whole fit."""
        return self.fit.copy()

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Coefficients, fit (with a warning where it is too good to be foresight), calibration."""
        return (
            Exhibit("repurchase_coefficients", self.coefficients, notes=("odds_reading",)),
            Exhibit("repurchase_fit", self.fit, notes=("auc_too_good",) if self.fit["auc"].iloc[0] > _TOO_GOOD else ()),
            Exhibit("repurchase_calibration", self.calibration),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Odds ratio of the first predictor, with its verdict."""
        row, whole = self.coefficients.iloc[1], self.fit.iloc[0]
        return (
            Finding(
                "repurchase_odds",
                {
                    "predictor": row["term"],
                    "outcome": self.recipe.options["outcome"],
                    "odds": float(row["odds_ratio"]),
                    "low": float(row["odds_low"]),
                    "high": float(row["odds_high"]),
                    "smallest": self.recipe.options["smallest_odds"],
                    "n": int(whole["n"]),
                    "events": int(whole["n_events"]),
                    "auc": float(whole["auc"]),
                    "confidence": self.recipe.options["confidence"],
                },
                verdict=self.verdict,
            ),
        )


def fit_repurchase(
    data: pd.DataFrame,
    *,
    outcome: str,
    predictors: Sequence[str],
    cluster: str | None = None,
    confidence: float = 0.95,
    smallest_odds: float = 1.1,
) -> RepurchaseFit:
    """Regress buying again (or any yes or no) on satisfaction and what else is known.

    Parameters
    ----------
    data : pd.DataFrame
        Numeric or true/false columns; rows with a missing value are left out and counted.
    outcome : str
        Two values; the larger counts as yes.
    predictors : Sequence[str]
        The first is the one the finding is about.
    cluster : str | None
        Column of the customer, where one customer has several rows.
    confidence : float
    smallest_odds : float
        Smallest odds ratio per unit of interest, above 1.

    Returns
    -------
    RepurchaseFit

    Raises
    ------
    RefusedError
        The outcome does not have two values; fewer than five rows of the rarer one per predictor;
        a predictor, or a combination of them, separates yes from no, wholly or but for ties (named),
        so that the estimate would be infinite.

    Notes
    -----
    Maximum likelihood by Newton steps; separation is found beforehand by a linear programme (Konis
    2007), not by watching estimates grow. Robust errors where ``cluster`` is named. The rule: the
    interval of the odds ratio above ``smallest_odds`` is *supported*, below it *contradicted*, else
    *inconclusive*.

    References
    ----------
    Albert, A. & Anderson, J. A. (1984). On the existence of maximum likelihood estimates in logistic
    regression models. Biometrika 71, 1–10. https://doi.org/10.1093/biomet/71.1.1

    Konis, K. (2007). Linear programming algorithms for detecting separated data in binary logistic
    regression models. Thesis, University of Oxford.

    Examples
    --------
    >>> rng = np.random.default_rng(4)
    >>> x = rng.normal(size=400)
    >>> data = pd.DataFrame({"x": x, "again": rng.random(400) < 1 / (1 + np.exp(-x))})
    >>> fit = fit_repurchase(data, outcome="again", predictors=["x"])
    >>> bool(fit.tidy().loc[1, "conf_low"] < 1 < fit.tidy().loc[1, "conf_high"])
    True
    """
    predictors = list(predictors)
    if smallest_odds <= 1:
        raise RefusedError(f"smallest_odds must be above 1, got {smallest_odds!r}", where="fit_repurchase")
    used = complete_rows(data, outcome, predictors, "HC3", confidence)
    where = f"repurchase regression of {outcome}"
    values = np.unique(used[outcome])
    if len(values) != 2:
        raise RefusedError(
            f"{outcome!r} takes {len(values)} values, not two",
            where=where,
            repair="Use fit_ordered or fit_least_squares.",
        )
    y = (used[outcome].to_numpy() == values[1]).astype(float)
    events = int(min(y.sum(), len(y) - y.sum()))
    x = used[predictors].to_numpy(float)
    middle, scale = x.mean(axis=0), x.std(axis=0)
    design = np.column_stack([np.ones(len(y)), (x - middle) / scale])
    refuse_separation(design, 2 * y - 1, [None, *predictors], where)
    if events < _EVENTS_PER_PREDICTOR * len(predictors):
        raise RefusedError(
            f"{events} rows of the rarer outcome for {len(predictors)} predictors",
            where=where,
            repair=f"Use fewer predictors: {_EVENTS_PER_PREDICTOR} rows for each are the least.",
        )
    b = solve_binary(design, y, "logit")
    p = special.expit(design @ b)
    bread = np.linalg.inv(design.T @ ((p * (1 - p))[:, None] * design))
    spread = bread
    if cluster is not None:
        codes = cluster_codes(data, cluster, used.index, design.shape[1])
        sums = np.zeros((codes.max() + 1, design.shape[1]))
        np.add.at(sums, codes, (y - p)[:, None] * design)
        g = len(sums)
        spread = bread @ (sums.T @ sums * g / (g - 1)) @ bread
    back = np.diag(np.concatenate([[1.0], 1 / scale]))
    back[0, 1:] = -middle / scale
    plain = np.column_stack([np.ones(len(y)), x])
    table = _table(predictors, back @ b, back @ spread @ back.T, p, plain, confidence)
    likelihood = float((special.xlogy(y, p) + special.xlogy(1 - y, 1 - p)).sum())
    rate = y.mean()
    null = float(len(y) * (special.xlogy(rate, rate) + special.xlogy(1 - rate, 1 - rate)))
    low, high = table.loc[1, ["odds_low", "odds_high"]].astype(float)
    return RepurchaseFit(
        coefficients=table,
        fit=pd.DataFrame(
            {
                "n": [len(y)],
                "n_left_out": [len(data) - len(y)],
                "n_events": [int(y.sum())],
                "log_likelihood": [likelihood],
                "chi2": [2 * (likelihood - null)],
                "p_value": [stats.chi2.sf(2 * (likelihood - null), len(predictors))],
                "pseudo_r_squared": [1 - likelihood / null],
                "auc": [area_under_curve(y, p)],
                "brier": [float(((y - p) ** 2).mean())],
            }
        ),
        calibration=_calibration(y, p),
        confusable=pd.DataFrame({"row": used.index, "observed": y, "foretold": p}),
        verdict=judge_interval(low, high, smallest_odds),
        recipe=Recipe(
            "repurchase_regression",
            {
                "outcome": outcome,
                "predictors": predictors,
                "covariance": "cluster_robust" if cluster else "information",
                "confidence": confidence,
                "smallest_odds": smallest_odds,
                "missing": "complete_cases",
            },
            "Albert & Anderson (1984), https://doi.org/10.1093/biomet/71.1.1",
        ),
    )


def refuse_separation(design: np.ndarray, signs: np.ndarray, names: Sequence[str | None], where: str) -> None:
    """Refuse a design in which some combination of columns never puts a row on the wrong side.

    Parameters
    ----------
    design : float array, shape (n, p)
        Scaled columns.
    signs : float array, shape (n,)
        1 for yes, −1 for no.
    names : sequence of str or None
        Of the columns; None for intercepts.

    Raises
    ------
    RefusedError
        Names the columns of the combination.
    """
    turned = design * signs[:, None]
    whole = _direction(turned, np.ones(design.shape[1], dtype=bool))
    if whole is None:
        return
    constant = np.array([name is None for name in names])
    alone = [
        name
        for k, name in enumerate(names)
        if name is not None and _direction(turned, constant | (np.arange(len(names)) == k)) is not None
    ]
    blamed = alone[:1] or [name for name, w in zip(names, whole, strict=True) if name is not None and abs(w) > 1e-6]
    raise RefusedError(
        f"{', '.join(map(repr, blamed)) or 'the intercept'} {'separates' if len(blamed) < 2 else 'separate'} "
        "the outcomes perfectly (but for ties), so the estimate is infinite",
        where=where,
        repair="Leave it out, join its levels, or report the cross table.",
    )


def _direction(turned: np.ndarray, free: np.ndarray) -> np.ndarray | None:
    """A combination of the free columns that never puts a row on the wrong side; None where there is none."""
    found = linprog(
        -turned.sum(axis=0),
        A_ub=-turned,
        b_ub=np.zeros(len(turned)),
        bounds=[(-1, 1) if f else (0, 0) for f in free],
        method="highs",
    )
    return found.x if found.status == 0 and -found.fun > 1e-7 else None


def solve_binary(design: np.ndarray, y: np.ndarray, link: Literal["logit", "probit"]) -> np.ndarray:
    """Maximum likelihood of a binary regression by Fisher scoring; the data must not be separated."""
    b = np.zeros(design.shape[1])
    value = -np.inf
    for _ in range(_STEPS):
        p, d = _chance(design @ b, link)
        weight = d**2 / np.clip(p * (1 - p), 1e-300, None)
        score = design.T @ (d * (y - p) / np.clip(p * (1 - p), 1e-300, None))
        step = np.linalg.solve(design.T @ (weight[:, None] * design), score)
        size = 1.0
        while size > 1e-8:
            q, _ = _chance(design @ (b + size * step), link)
            likelihood = float((special.xlogy(y, q) + special.xlogy(1 - y, 1 - q)).sum())
            if likelihood >= value - 1e-10:
                break
            size /= 2
        b, value = b + size * step, likelihood
        if np.abs(step).max() < 1e-10:
            break
    return b


def _chance(eta: np.ndarray, link: str) -> tuple[np.ndarray, np.ndarray]:
    if link == "logit":
        p = special.expit(eta)
        return p, p * (1 - p)
    return special.ndtr(eta), np.exp(-(eta**2) / 2) / np.sqrt(2 * np.pi)


def _table(
    predictors: list[str], b: np.ndarray, spread: np.ndarray, p: np.ndarray, x: np.ndarray, confidence: float
) -> pd.DataFrame:
    error = np.sqrt(np.diag(spread))
    half = stats.norm.ppf((1 + confidence) / 2) * error
    mean_density = (p * (1 - p)).mean()
    # derivative of mean density · b_j in every coefficient (delta method)
    slope = ((p * (1 - p) * (1 - 2 * p))[:, None] * x).mean(axis=0)
    jacobian = np.outer(b, slope) + mean_density * np.eye(len(b))
    margin = mean_density * b
    margin_error = np.sqrt(np.diag(jacobian @ spread @ jacobian.T))
    margin[0] = margin_error[0] = np.nan
    return pd.DataFrame(
        {
            "term": ["intercept", *predictors],
            "estimate": b,
            "std_error": error,
            "statistic": b / error,
            "p_value": 2 * stats.norm.sf(np.abs(b / error)),
            "conf_low": b - half,
            "conf_high": b + half,
            "odds_ratio": np.exp(b),
            "odds_low": np.exp(b - half),
            "odds_high": np.exp(b + half),
            "marginal": margin,
            "marginal_error": margin_error,
        }
    )


def area_under_curve(y: np.ndarray, score: np.ndarray) -> float:
    """Chance that a yes has a higher score than a no; ties count half.

    Examples
    --------
    >>> area_under_curve(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]))
    0.75
    """
    rank = stats.rankdata(score)
    yes = int((y == 1).sum())
    return float((rank[y == 1].sum() - yes * (yes + 1) / 2) / (yes * (len(y) - yes)))


def _calibration(y: np.ndarray, p: np.ndarray) -> pd.DataFrame:
    bins = np.array_split(np.argsort(p, kind="stable"), min(10, max(2, len(y) // 20)))
    rows = [(k + 1, len(b), float(p[b].mean()), float(y[b].mean())) for k, b in enumerate(bins)]
    return pd.DataFrame(rows, columns=["bin", "n", "share_foretold", "share_observed"])
