"""Ordered logit and probit of one answer, with the test that every threshold has the same slopes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy import special, stats

from crmresearch.errors import RefusedError, check_choice
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.satisfaction.regression.repurchase import refuse_separation, solve_binary
from crmresearch.scoring.satisfaction.regression.squares import cluster_codes, complete_rows

Link = Literal["logit", "probit"]
_FEWEST = 5
_STEPS = 100


@dataclass(frozen=True, slots=True)
class OrderedFit:
    """A cumulative-link regression of an ordered answer.

    Attributes
    ----------
    coefficients : pd.DataFrame, shape (n_predictors, 10)
        term, estimate, std_error, statistic (z), p_value, conf_low, conf_high, odds_ratio, odds_low, odds_high
        (of a higher rather than a lower answer, at one unit more; missing for the probit).
    thresholds : pd.DataFrame, shape (n_levels − 1, 3)
        threshold (``1|2``), estimate, std_error.
    fit : pd.DataFrame, shape (1, 7)
        n, n_levels, log_likelihood, log_likelihood_null, chi2 (likelihood ratio), p_value, pseudo_r_squared (McFadden).
    proportional : pd.DataFrame, shape (1 + n_predictors, 4)
        term (``all_predictors`` first), chi2, df, p_value: the test of Brant (1990). Empty where fewer than two
        splits of the answer hold enough respondents.
    splits : pd.DataFrame
        threshold, term, estimate: the binary regressions behind that test.
    recipe : Recipe
    """

    coefficients: pd.DataFrame
    thresholds: pd.DataFrame
    fit: pd.DataFrame
    proportional: pd.DataFrame
    splits: pd.DataFrame
    recipe: Recipe

    def tidy(self) -> pd.DataFrame:
        """One row per predictor."""
        return self.coefficients.iloc[:, :7].copy()

    def glance(self) -> pd.DataFrame:
        """One row for the whole fit."""
        return self.fit.copy()

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Coefficients, thresholds, fit, proportional odds."""
        shown = [
            Exhibit("ordered_coefficients", self.coefficients, notes=("ordered_reading",)),
            Exhibit("ordered_thresholds", self.thresholds),
            Exhibit("ordered_fit", self.fit),
        ]
        if len(self.proportional):
            shown.append(Exhibit("ordered_proportional", self.proportional, notes=("brant_rule",)))
        return tuple(shown)

    def findings(self) -> tuple[Finding, ...]:
        """The first predictor, and whether its slope holds over all thresholds."""
        row = self.coefficients.iloc[0]
        logit = self.recipe.options["link"] == "link_logit"
        values = {
            "predictor": row["term"],
            "outcome": self.recipe.options["outcome"],
            "estimate": float(row["odds_ratio"] if logit else row["estimate"]),
            "low": float(row["odds_low"] if logit else row["conf_low"]),
            "high": float(row["odds_high"] if logit else row["conf_high"]),
            "n": int(self.fit.loc[0, "n"]),
            "confidence": self.recipe.options["confidence"],
        }
        found = [Finding("ordered_odds" if logit else "ordered_slope", values)]
        if len(self.proportional):
            whole = self.proportional.iloc[0]
            holds = whole["p_value"] >= 1 - self.recipe.options["confidence"]
            told = {"p": float(whole["p_value"]), "df": int(whole["df"]), "chi2": float(whole["chi2"])}
            found.append(Finding("proportional_held" if holds else "proportional_broken", told))
        return tuple(found)


def fit_ordered(
    data: pd.DataFrame,
    *,
    outcome: str,
    predictors: Sequence[str],
    link: Link = "logit",
    cluster: str | None = None,
    confidence: float = 0.95,
) -> OrderedFit:
    """Regress an ordered answer on predictors without taking its points as equal steps.

    Parameters
    ----------
    data : pd.DataFrame
        Numeric columns; rows with a missing value are left out. The outcome's distinct values are its levels.
    outcome : str
    predictors : Sequence[str]
    link : {"logit", "probit"}
    cluster : str | None
        Column of the customer: errors then allow for its respondents being alike (sandwich).
    confidence : float

    Returns
    -------
    OrderedFit

    Raises
    ------
    RefusedError
        The outcome has fewer than three or more than twenty levels, predictors separate the levels
        perfectly (named), or the fit does not converge.

    Notes
    -----
    P(Y ≤ j) = F(θ_j − xβ), by maximum likelihood with Newton steps and exact derivatives. Brant's test
    sets the binary regressions of Y > j against each other (Wald, with their covariances); thresholds
    with fewer than five respondents on a side, or whose binary regression is separated, take no part.

    References
    ----------
    McCullagh, P. (1980). Regression models for ordinal data. Journal of the Royal Statistical Society B
    42, 109–127. https://doi.org/10.1111/j.2517-6161.1980.tb01109.x

    Brant, R. (1990). Assessing proportionality in the proportional odds model for ordinal logistic
    regression. Biometrics 46, 1171–1178. https://doi.org/10.2307/2532457

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> x = rng.normal(size=600)
    >>> y = np.digitize(x + rng.logistic(size=600), [-1, 0, 1])
    >>> fit = fit_ordered(pd.DataFrame({"x": x, "y": y}), outcome="y", predictors=["x"])
    >>> bool(fit.tidy().loc[0, "conf_low"] < 1 < fit.tidy().loc[0, "conf_high"])
    True
    """
    predictors = list(predictors)
    check_choice("link", link, get_args(Link), where="fit_ordered")
    used = complete_rows(data, outcome, predictors, "HC3", confidence)
    levels, y = np.unique(used[outcome].to_numpy(), return_inverse=True)
    if not 3 <= len(levels) <= 20:
        raise RefusedError(
            f"{outcome!r} takes {len(levels)} values; an ordered answer has 3 to 20",
            where=f"ordered regression of {outcome}",
            repair="Use a single item; for two values fit_repurchase, for a mean of items fit_least_squares.",
        )
    x = used[predictors].to_numpy(float)
    middle, scale = x.mean(axis=0), x.std(axis=0)
    z = (x - middle) / scale
    _refuse_split(z, y, predictors, outcome)
    parameters, hessian, scores, likelihood = _maximise(z, y, len(levels) - 1, link, outcome)
    bread = np.linalg.inv(-hessian)
    spread = bread
    if cluster is not None:
        codes = cluster_codes(data, cluster, used.index, len(parameters))
        sums = np.zeros((codes.max() + 1, len(parameters)))
        np.add.at(sums, codes, scores)
        g = len(sums)
        spread = bread @ (sums.T @ sums * g / (g - 1)) @ bread
    k = len(levels) - 1
    back = np.eye(len(parameters))
    back[k:, k:] = np.diag(1 / scale)
    back[:k, k:] = middle / scale  # θ_j − (x − m)/s·b = (θ_j + m·b/s) − x·b/s
    estimate, spread = back @ parameters, back @ spread @ back.T
    error = np.sqrt(np.diag(spread))
    _, share = np.unique(y, return_counts=True)
    null = float((share * np.log(share / len(y))).sum())
    test, binary = _brant(z, y, k, link, predictors, scale, levels)
    return OrderedFit(
        coefficients=_table(predictors, estimate[k:], error[k:], confidence, link),
        thresholds=pd.DataFrame(
            {
                "threshold": [f"{a:g}|{b:g}" for a, b in itertools.pairwise(levels)],
                "estimate": estimate[:k],
                "std_error": error[:k],
            }
        ),
        fit=pd.DataFrame(
            {
                "n": [len(y)],
                "n_levels": [len(levels)],
                "log_likelihood": [likelihood],
                "log_likelihood_null": [null],
                "chi2": [2 * (likelihood - null)],
                "p_value": [stats.chi2.sf(2 * (likelihood - null), len(predictors))],
                "pseudo_r_squared": [1 - likelihood / null],
            }
        ),
        proportional=test,
        splits=binary,
        recipe=Recipe(
            "ordered_regression",
            {
                "outcome": outcome,
                "predictors": predictors,
                "link": f"link_{link}",
                "covariance": "cluster_robust" if cluster else "information",
                "confidence": confidence,
                "missing": "complete_cases",
            },
            "McCullagh (1980), https://doi.org/10.1111/j.2517-6161.1980.tb01109.x; Brant (1990), "
            "https://doi.org/10.2307/2532457",
        ),
    )


def _refuse_split(z: np.ndarray, y: np.ndarray, predictors: list[str], outcome: str) -> None:
    """The likelihood has no maximum where every threshold's binary regression is separated one way."""
    rows, signs = [], []
    for j in range(y.max()):
        near = (y == j) | (y == j + 1)
        rows.append(z[near])
        signs.append(np.where(y[near] > j, 1.0, -1.0))
    blocks = [np.zeros((len(r), len(rows))) for r in rows]
    for j, block in enumerate(blocks):
        block[:, j] = 1
    design = np.column_stack([np.vstack(blocks), np.vstack(rows)])
    refuse_separation(
        design, np.concatenate(signs), [None] * len(rows) + predictors, f"ordered regression of {outcome}"
    )


def _cdf(eta: np.ndarray, link: Link) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distribution, density and its slope."""
    if link == "logit":
        p = special.expit(eta)
        return p, p * (1 - p), p * (1 - p) * (1 - 2 * p)
    density = np.exp(-(eta**2) / 2) / np.sqrt(2 * np.pi)
    return special.ndtr(eta), density, -eta * density


def _derivatives(
    parameters: np.ndarray, z: np.ndarray, y: np.ndarray, k: int, link: Link
) -> tuple[float, np.ndarray, np.ndarray]:
    """Log-likelihood, scores of every row (n, k + m), Hessian."""
    n, m = z.shape
    theta, slope = parameters[:k], z @ parameters[k:]
    if (np.diff(theta) <= 0).any():
        return -np.inf, np.zeros((n, k + m)), np.zeros((k + m, k + m))
    parts = []
    for edge, inside in ((y, y < k), (y - 1, y > 0)):
        eta = np.where(inside, theta[np.clip(edge, 0, k - 1)] - slope, 0.0)
        f, d, s = _cdf(eta, link)
        direction = np.zeros((n, k + m))
        direction[np.arange(n)[inside], edge[inside]] = 1
        direction[inside, k:] = -z[inside]
        outer = 1.0 if edge is y else 0.0
        parts.append((np.where(inside, f, outer), np.where(inside, d, 0.0), np.where(inside, s, 0.0), direction))
    (f1, d1, s1, a), (f0, d0, s0, b) = parts
    p = np.maximum(f1 - f0, 1e-300)
    score = (d1[:, None] * a - d0[:, None] * b) / p[:, None]
    hessian = a.T @ ((s1 / p)[:, None] * a) - b.T @ ((s0 / p)[:, None] * b) - score.T @ score
    return float(np.log(p).sum()), score, hessian


def _maximise(
    z: np.ndarray, y: np.ndarray, k: int, link: Link, outcome: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    below = np.cumsum(np.bincount(y)[:-1]) / len(y)
    start = special.logit(below) if link == "logit" else special.ndtri(below)
    at = np.concatenate([start, np.zeros(z.shape[1])])
    value, score, hessian = _derivatives(at, z, y, k, link)
    for _ in range(_STEPS):
        gradient = score.sum(axis=0)
        step = np.linalg.solve(-hessian, gradient)
        if gradient @ step < 1e-18 * max(1.0, abs(value)) and np.abs(step).max() < 1e-9:
            return at, hessian, score, value
        size = 1.0
        while size > 1e-10:
            value_new, score_new, hessian_new = _derivatives(at + size * step, z, y, k, link)
            if value_new >= value - 1e-12 * abs(value):
                break
            size /= 2
        at, value, score, hessian = at + size * step, value_new, score_new, hessian_new
    raise RefusedError(
        "the likelihood has no maximum that can be found",
        where=f"ordered regression of {outcome}",
        repair="Join levels with few answers, or use fewer predictors.",
    )


def _table(terms: list[str], b: np.ndarray, error: np.ndarray, confidence: float, link: Link) -> pd.DataFrame:
    half = stats.norm.ppf((1 + confidence) / 2) * error
    odds = np.exp(np.stack([b, b - half, b + half])) if link == "logit" else np.full((3, len(b)), np.nan)
    return pd.DataFrame(
        {
            "term": terms,
            "estimate": b,
            "std_error": error,
            "statistic": b / error,
            "p_value": 2 * stats.norm.sf(np.abs(b / error)),
            "conf_low": b - half,
            "conf_high": b + half,
            "odds_ratio": odds[0],
            "odds_low": odds[1],
            "odds_high": odds[2],
        }
    )


def _brant(
    z: np.ndarray, y: np.ndarray, k: int, link: Link, predictors: list[str], scale: np.ndarray, levels: np.ndarray
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Wald test that the slopes of the binary regressions of Y > j are one."""
    n, m = z.shape
    design = np.column_stack([np.ones(n), z])
    slopes, chances, weights, names = [], [], [], []
    for j in range(k):
        above = (y > j).astype(float)
        if min(above.sum(), n - above.sum()) < _FEWEST:
            continue
        try:
            refuse_separation(design, 2 * above - 1, [None, *predictors], "")
        except RefusedError:
            continue
        b = solve_binary(design, above, link)
        p, d, _ = _cdf(design @ b, link)
        slopes.append(b)
        chances.append(p)
        weights.append(d / np.clip(p * (1 - p), 1e-300, None))
        names.append(f"{levels[j]:g}|{levels[j + 1]:g}")
    binary = pd.DataFrame(
        [
            (t, p, b / s)
            for t, row in zip(names, slopes, strict=True)
            for p, b, s in zip(predictors, row[1:], scale, strict=True)
        ],
        columns=["threshold", "term", "estimate"],
    )
    empty = pd.DataFrame(columns=["term", "chi2", "df", "p_value"])
    q = len(slopes)
    if q < 2:
        return empty, binary
    breads = [
        np.linalg.inv(design.T @ ((g**2 * p * (1 - p))[:, None] * design))
        for p, g in zip(chances, weights, strict=True)
    ]
    whole = np.empty((q * m, q * m))
    for i in range(q):
        for j in range(q):
            hi, lo = max(i, j), min(i, j)
            w = weights[i] * weights[j] * chances[hi] * (1 - chances[lo])
            block = breads[i] @ (design.T @ (w[:, None] * design)) @ breads[j]
            whole[i * m : (i + 1) * m, j * m : (j + 1) * m] = block[1:, 1:]
    b = np.concatenate([s[1:] for s in slopes])
    rows = [_wald("all_predictors", b, whole, m, q, range(m))]
    rows += [_wald(name, b, whole, m, q, [r]) for r, name in enumerate(predictors)]
    return pd.DataFrame(rows, columns=["term", "chi2", "df", "p_value"]), binary


def _wald(term: str, b: np.ndarray, spread: np.ndarray, m: int, q: int, which: Sequence[int]) -> tuple:
    contrast = np.array([np.eye(q * m)[r] - np.eye(q * m)[j * m + r] for j in range(1, q) for r in which])
    c = contrast @ b
    chi2 = float(c @ np.linalg.solve(contrast @ spread @ contrast.T, c))
    return term, chi2, len(c), float(stats.chi2.sf(chi2, len(c)))
