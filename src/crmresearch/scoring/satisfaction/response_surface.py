"""Polynomial regression with response surface: the direct rating over received and expected, nothing subtracted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from crmresearch.case import Instrument
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.satisfaction.attributes import (
    attribute_ratings,
    choose_attributes,
    outcome_score,
    refuse_unusable,
)
from crmresearch.scoring.satisfaction.regression import Covariance, LeastSquares, fit_least_squares

TERMS = ("received", "expected", "received_squared", "received_x_expected", "expected_squared")


@dataclass(frozen=True, slots=True)
class ResponseSurface:
    """The direct rating as a surface over what was received and what was expected.

    Attributes
    ----------
    regression : LeastSquares
        Of the direct rating on the five terms, both ratings less the middle of the scale.
    surface : pd.DataFrame, shape (4, 7)
        term (a1 … a4, see notes), estimate, std_error, statistic, p_value, conf_low, conf_high.
    constraints : pd.DataFrame, shape (2, 4)
        check (``gap_suffices``: slopes opposite and no curve; ``no_curve``), statistic (F), df, p_value.
    grid : pd.DataFrame, shape (21 * 21, 3)
        received, expected, fitted: the surface in points of the scale.
    points : pd.DataFrame, shape (n, 3)
        received, expected, direct.
    recipe : Recipe
    """

    regression: LeastSquares
    surface: pd.DataFrame
    constraints: pd.DataFrame
    grid: pd.DataFrame
    points: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Coefficients, slopes of the surface, constraints."""
        return (
            Exhibit(
                "surface_coefficients", self.regression.coefficients, notes=("surface_centring", "association_only")
            ),
            Exhibit("surface_slopes", self.surface, notes=("surface_reading",)),
            Exhibit("surface_constraints", self.constraints, notes=("constraints_reading",)),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Slopes of received and expected, and whether the gap says it all."""
        tidy = self.regression.coefficients.set_index("term")
        gap = self.constraints.iloc[0]
        p, e = tidy.loc["received"], tidy.loc["expected"]
        return (
            Finding(
                "surface_gap_suffices"
                if gap["p_value"] >= 1 - self.recipe.options["confidence"]
                else "surface_gap_fails",
                {
                    "outcome": self.recipe.options["outcome"],
                    "received": float(p["estimate"]),
                    "received_low": float(p["conf_low"]),
                    "received_high": float(p["conf_high"]),
                    "expected": float(e["estimate"]),
                    "expected_low": float(e["conf_low"]),
                    "expected_high": float(e["conf_high"]),
                    "p_value": float(gap["p_value"]),
                    "r_squared": float(self.regression.fit.loc[0, "r_squared"]),
                    "n": int(self.regression.fit.loc[0, "n"]),
                    "confidence": self.recipe.options["confidence"],
                },
            ),
        )


def fit_response_surface(
    survey: pd.DataFrame,
    instrument: Instrument,
    *,
    outcome: str,
    attributes: Sequence[str] = (),
    covariance: Covariance = "HC3",
    confidence: float = 0.95,
) -> ResponseSurface:
    """Regress the direct rating on received, expected, their squares and product.

    Parameters
    ----------
    survey : pd.DataFrame
    instrument : Instrument
    outcome : str
        Construct of the direct rating.
    attributes : Sequence[str]
        All with an expectation item where left out; ratings are averaged over them.
    covariance : {"HC3", "HC2", "HC1", "HC0", "nonrobust"}
    confidence : float

    Raises
    ------
    RefusedError
        As :func:`~crmresearch.scoring.satisfaction.received_expected.compare_definitions` and
        :func:`~crmresearch.scoring.satisfaction.regression.fit_least_squares`.

    Notes
    -----
    With b₁ … b₅ for the terms in their order: a1 = b₁ + b₂ is the slope where received equals expected, a2 =
    b₃ + b₄ + b₅ the curve along it, a3 = b₁ − b₂ the slope where they part (received rising, expected falling),
    a4 = b₃ − b₄ + b₅ the curve along that. A gap score takes b₁ = −b₂ and b₃ = b₄ = b₅ = 0 for granted; the
    constraint is tested, not presumed.

    References
    ----------
    Edwards, J. R. & Parry, M. E. (1993). On the use of polynomial regression equations as an alternative to
    difference scores in organizational research. Academy of Management Journal 36, 1577–1613.
    https://doi.org/10.5465/256822
    """
    where = "response surface"
    names = choose_attributes(instrument, attributes, twins=("expectation",), where=where)
    received = attribute_ratings(survey, instrument, names, "performance")
    expected = attribute_ratings(survey, instrument, names, "expectation")
    both = received.notna() & expected.notna()
    points = pd.DataFrame(
        {
            "received": received.where(both).mean(axis=1),
            "expected": expected.where(both).mean(axis=1),
            "direct": outcome_score(survey, instrument, outcome, where=where),
        }
    )
    points = refuse_unusable(points, where=where)
    middle = (instrument.scale.low + instrument.scale.high) / 2
    design = pd.DataFrame(_terms(points["received"] - middle, points["expected"] - middle))
    fit = fit_least_squares(
        design.assign(direct=points["direct"]),
        outcome="direct",
        predictors=list(TERMS),
        covariance=covariance,
        confidence=confidence,
    )
    df = int(fit.fit.loc[0, "df_residual"])
    b, spread = fit.coefficients["estimate"].to_numpy(), fit.covariance
    along = np.array([[0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1], [0, 1, -1, 0, 0, 0], [0, 0, 0, 1, -1, 1]], dtype=float)
    estimate, error = along @ b, np.sqrt(np.diag(along @ spread @ along.T))
    half = stats.t.ppf((1 + confidence) / 2, df) * error
    curve = np.eye(6)[3:]
    opposite = np.vstack([along[0], curve])
    ends = np.linspace(instrument.scale.low, instrument.scale.high, 21)
    across, up = (mesh.ravel() for mesh in np.meshgrid(ends, ends))
    flat = np.column_stack([np.ones(len(across)), *_terms(across - middle, up - middle).values()])
    return ResponseSurface(
        regression=fit,
        surface=pd.DataFrame(
            {
                "term": ["a1_congruence_slope", "a2_congruence_curve", "a3_parting_slope", "a4_parting_curve"],
                "estimate": estimate,
                "std_error": error,
                "statistic": estimate / error,
                "p_value": 2 * stats.t.sf(np.abs(estimate / error), df),
                "conf_low": estimate - half,
                "conf_high": estimate + half,
            }
        ),
        constraints=pd.DataFrame(
            [("gap_suffices", *_wald(opposite, b, spread, df)), ("no_curve", *_wald(curve, b, spread, df))],
            columns=["check", "statistic", "df", "p_value"],
        ),
        grid=pd.DataFrame({"received": across, "expected": up, "fitted": flat @ b}),
        points=points,
        recipe=Recipe(
            "response_surface",
            {
                "outcome": outcome,
                "centred_at": float(middle),
                "covariance": covariance,
                "confidence": confidence,
                "n_used": len(points),
                "missing": "complete_cases",
            },
            "Edwards & Parry (1993), https://doi.org/10.5465/256822",
        ),
    )


def _terms(p: pd.Series | np.ndarray, e: pd.Series | np.ndarray) -> dict[str, pd.Series | np.ndarray]:
    return dict(zip(TERMS, (p, e, p**2, p * e, e**2), strict=True))


def _wald(rows: np.ndarray, b: np.ndarray, spread: np.ndarray, df: int) -> tuple[float, int, float]:
    """F statistic of rows · b = 0, its first degrees of freedom, its p value."""
    value = rows @ b
    statistic = float(value @ np.linalg.solve(rows @ spread @ rows.T, value) / len(rows))
    return statistic, len(rows), float(stats.f.sf(statistic, len(rows), df))
