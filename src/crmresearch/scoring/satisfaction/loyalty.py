"""Does loyalty go with satisfaction? Correlations, a regression with robust errors, and claim D01."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe, judge_interval
from crmresearch.scoring.satisfaction.power import POWER_ASKED, correlation_power, respondents_needed
from crmresearch.scoring.satisfaction.regression import Covariance, LeastSquares, fit_least_squares


@dataclass(frozen=True, slots=True)
class LoyaltyFit:
    """How loyalty goes with satisfaction among the respondents.

    Attributes
    ----------
    correlations : pd.DataFrame, shape (2 * n_predictors, 7)
        predictor, coefficient (``pearson``, ``spearman``), n, correlation, conf_low, conf_high, p_value.
    regression : LeastSquares
        Loyalty on all predictors; ``coefficients``, ``fit``, ``residuals``, ``diagnostics``.
    curvature : pd.DataFrame, shape (1, 7)
        Tidy row of the squared (centred) first predictor when added to the regression.
    claim : pd.DataFrame, shape (1, 9)
        D01: n, correlation, conf_low, conf_high, smallest_effect, verdict, power (of seeing a correlation of
        the smallest effect with n respondents), n_needed (respondents for a power of 0.8), confidence.
    points : pd.DataFrame, shape (n, 5)
        First predictor and outcome of each respondent in the regression (under their own names), then
        fitted, fitted_low, fitted_high: the regression line at that predictor, the controls held at their
        means, and the interval of that mean. In order of the predictor.
    recipe : Recipe
    """

    correlations: pd.DataFrame
    regression: LeastSquares
    curvature: pd.DataFrame
    claim: pd.DataFrame
    points: pd.DataFrame
    recipe: Recipe

    def tidy(self) -> pd.DataFrame:
        """One row per regression term."""
        return self.regression.tidy()

    def glance(self) -> pd.DataFrame:
        """One row for the regression."""
        return self.regression.glance()

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Correlations, coefficients, fit, diagnostics."""
        checks = pd.concat(
            [
                self.regression.diagnostics,
                pd.DataFrame({"check": ["curvature"], **self.curvature[["statistic", "p_value"]]}),
            ],
            ignore_index=True,
        )
        return (
            Exhibit("loyalty_correlations", self.correlations, notes=("correlation_intervals",)),
            Exhibit("loyalty_coefficients", self.regression.coefficients, notes=("robust_errors", "beta_intervals")),
            Exhibit("loyalty_fit", self.regression.fit),
            Exhibit("loyalty_diagnostics", checks, notes=("diagnostics_reading",)),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Claim D01 with its verdict, and the slope in the regression."""
        claim, slope, fit = self.claim.iloc[0], self.regression.coefficients.iloc[1], self.regression.fit.iloc[0]
        names = {"satisfaction": slope["term"], "outcome": self.recipe.options["outcome"]}
        return (
            Finding(
                "satisfaction_loyalty",
                {
                    **names,
                    "n": int(claim["n"]),
                    "correlation": float(claim["correlation"]),
                    "low": float(claim["conf_low"]),
                    "high": float(claim["conf_high"]),
                    "confidence": float(claim["confidence"]),
                    "smallest_effect": float(claim["smallest_effect"]),
                    "power": float(claim["power"]),
                    "n_needed": int(claim["n_needed"]),
                    "power_asked": POWER_ASKED,
                },
                verdict=claim["verdict"],
                claim="D01",
            ),
            Finding(
                "loyalty_slope",
                {
                    **names,
                    "estimate": float(slope["estimate"]),
                    "low": float(slope["conf_low"]),
                    "high": float(slope["conf_high"]),
                    "beta": float(slope["beta"]),
                    "n": int(fit["n"]),
                    "r_squared": float(fit["r_squared"]),
                    "n_predictors": int(fit["df_model"]),
                    "confidence": float(claim["confidence"]),
                },
            ),
        )


def fit_loyalty(
    scores: pd.DataFrame,
    *,
    outcome: str = "loyalty",
    predictors: Sequence[str] = ("satisfaction",),
    covariance: Covariance = "HC3",
    confidence: float = 0.95,
    smallest_effect: float = 0.10,
) -> LoyaltyFit:
    """Relate loyalty to satisfaction and judge claim D01, that the two are positively correlated.

    Parameters
    ----------
    scores : pd.DataFrame, shape (n_respondents, n_constructs)
        Construct scores, one column each; rows with a missing value among those used are left out.
    outcome : str
        Column of loyalty.
    predictors : Sequence[str]
        Columns of the regression; the first is satisfaction, the one the claim is about, the others
        are controls.
    covariance : {"HC3", "HC2", "HC1", "HC0", "nonrobust"}
        Kind of standard error in the regression.
    confidence : float
        Coverage of every interval.
    smallest_effect : float
        Smallest correlation of interest, 0 < r < 1; .10 is "small" after Cohen (1988).

    Returns
    -------
    LoyaltyFit

    Raises
    ------
    RefusedError
        As :func:`~crmresearch.scoring.satisfaction.regression.fit_least_squares`; or the smallest
        effect is out of range.

    Notes
    -----
    The rule of D01, fixed before the data: the claim is *supported* if the whole interval of Pearson's
    correlation between the first predictor and the outcome lies above the smallest effect,
    *contradicted* if the whole interval lies below it, and *inconclusive* otherwise. Pearson's interval
    is Fisher's z; Spearman's uses the variance (1 + r²/2)/(n − 3) of Bonett & Wright (2000). Power is that
    of the two-sided test of r = 0 at level 1 − confidence against the smallest effect, by Fisher's z.
    One questionnaire gives association only: both answers come from one person at one time.

    References
    ----------
    Bonett, D. G. & Wright, T. A. (2000). Sample size requirements for estimating Pearson, Kendall and
    Spearman correlations. Psychometrika 65, 23–28. https://doi.org/10.1007/BF02294183

    Examples
    --------
    >>> satisfaction = np.tile([1.0, 2, 3, 4, 5], 20)
    >>> scores = pd.DataFrame({"satisfaction": satisfaction, "loyalty": satisfaction + np.tile([0.5, -0.5], 50)})
    >>> fit_loyalty(scores).findings()[0].verdict
    'supported'
    """
    if not 0 < smallest_effect < 1:
        raise RefusedError(f"smallest_effect must lie between 0 and 1, got {smallest_effect!r}", where="fit_loyalty")
    predictors = list(predictors)
    regression = fit_least_squares(
        scores, outcome=outcome, predictors=predictors, covariance=covariance, confidence=confidence
    )
    used = scores.loc[regression.residuals["row"], [*predictors, outcome]].astype("Float64").astype(float)
    correlations = _correlations(used, outcome, confidence)
    r, low, high = correlations.loc[0, ["correlation", "conf_low", "conf_high"]].astype(float)
    claim = pd.DataFrame(
        {
            "n": [len(used)],
            "correlation": [r],
            "conf_low": [low],
            "conf_high": [high],
            "smallest_effect": [smallest_effect],
            "verdict": [judge_interval(low, high, smallest_effect)],
            "power": [correlation_power(len(used), smallest_effect, confidence=confidence)],
            "n_needed": [respondents_needed(smallest_effect, confidence=confidence)],
            "confidence": [confidence],
        }
    )
    first = used[predictors[0]]
    bent = used.assign(curvature=(first - first.mean()) ** 2)
    return LoyaltyFit(
        correlations=correlations,
        regression=regression,
        curvature=_curvature(bent, outcome, predictors, covariance, confidence),
        claim=claim,
        points=_line(used, outcome, regression, confidence),
        recipe=Recipe(
            "loyalty_regression",
            {
                "outcome": outcome,
                "predictors": predictors,
                "covariance": covariance,
                "confidence": confidence,
                "missing": "complete_cases",
                "smallest_effect": smallest_effect,
                "claim_rule": "interval_against_smallest_effect",
            },
            "Long & Ervin (2000), https://doi.org/10.1080/00031305.2000.10474549",
        ),
    )


def _correlations(used: pd.DataFrame, outcome: str, confidence: float) -> pd.DataFrame:
    """Pearson and Spearman correlation of each predictor with the outcome."""
    n, z = len(used), stats.norm.ppf((1 + confidence) / 2)
    rows = []
    for name in used.columns.drop(outcome):
        for method, test in (("pearson", stats.pearsonr), ("spearman", stats.spearmanr)):
            r, p = test(used[name], used[outcome])
            variance = 1 if method == "pearson" else 1 + r**2 / 2
            half = z * np.sqrt(variance / (n - 3)) if n > 3 else np.inf
            centre = np.arctanh(np.clip(r, -1, 1)) if abs(r) < 1 else np.sign(r) * np.inf
            rows.append((name, method, n, float(r), np.tanh(centre - half), np.tanh(centre + half), float(p)))
    columns = ["predictor", "coefficient", "n", "correlation", "conf_low", "conf_high", "p_value"]
    return pd.DataFrame(rows, columns=columns)


def _line(used: pd.DataFrame, outcome: str, regression: LeastSquares, confidence: float) -> pd.DataFrame:
    """The respondents and the fitted line over the first predictor, with its interval."""
    first = used.columns[0]
    at = used.drop(columns=outcome).copy()
    at.iloc[:, 1:] = at.iloc[:, 1:].mean()
    design = np.column_stack([np.ones(len(at)), at])
    fitted = design @ regression.coefficients["estimate"].to_numpy()
    error = np.sqrt(np.einsum("ij,jk,ik->i", design, regression.covariance, design))
    half = stats.t.ppf((1 + confidence) / 2, regression.fit.loc[0, "df_residual"]) * error
    line = used[[first, outcome]].assign(fitted=fitted, fitted_low=fitted - half, fitted_high=fitted + half)
    return line.sort_values([first, outcome], kind="stable", ignore_index=True)


def _curvature(
    bent: pd.DataFrame, outcome: str, predictors: list[str], covariance: Covariance, confidence: float
) -> pd.DataFrame:
    """Tidy row of the squared first predictor; missing where it cannot be told from the others."""
    try:
        fit = fit_least_squares(
            bent, outcome=outcome, predictors=[*predictors, "curvature"], covariance=covariance, confidence=confidence
        )
    except RefusedError:
        columns = ["term", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"]
        return pd.DataFrame([["curvature"] + [np.nan] * 6], columns=columns)
    return fit.tidy().iloc[[-1]].reset_index(drop=True)
