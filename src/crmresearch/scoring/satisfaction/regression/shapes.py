"""Straight, bent or stepped: linear, quadratic and threshold forms of one predictor, compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.satisfaction.regression.squares import (
    Covariance,
    LeastSquares,
    complete_rows,
    fit_least_squares,
)

_KNOTS_BETWEEN = (0.15, 0.85)
_GRID = 60


@dataclass(frozen=True, slots=True)
class ShapeFit:
    """Three forms of the same regression.

    Attributes
    ----------
    forms : pd.DataFrame, shape (3, 8)
        form (``form_linear``, ``form_quadratic``, ``form_threshold``), n, n_coefficients, r_squared, aic,
        r_squared_left_out (share of variance foretold for rows left out one at a time), extra (estimate of
        the added term), p_value (of the added term: t with robust errors; for the threshold, whose place is
        searched, by the bootstrap of Hansen 1996).
    turning : pd.DataFrame, shape (2, 5)
        place (``turning_point`` of the parabola, ``threshold`` of the bent line), estimate, within_answers (it lies
        within the answers), slope_below, slope_above (of the parabola at the lowest and highest answer).
    curves : pd.DataFrame
        The predictor (under its own name), form, fitted: the outcome along the predictor, controls at their means.
    points : pd.DataFrame, shape (n, 2)
        Predictor and outcome under their own names.
    recipe : Recipe
    """

    forms: pd.DataFrame
    turning: pd.DataFrame
    curves: pd.DataFrame
    points: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The forms and where they turn."""
        return (
            Exhibit("shape_forms", self.forms, notes=("shape_rule",)),
            Exhibit("shape_turning", self.turning),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Which form foretells left-out rows best, and whether a bend is shown."""
        best = self.forms.loc[self.forms["r_squared_left_out"].idxmax()]
        size = round(1 - self.recipe.options["confidence"], 12)
        bent = self.forms.iloc[1:]
        shown = bent[bent["p_value"] < size / 2]
        key = "shape_bent" if len(shown) else "shape_straight"
        values = {
            "predictor": self.points.columns[0],
            "outcome": self.points.columns[1],
            "best": best["form"],
            "left_out": float(best["r_squared_left_out"]),
            "left_out_linear": float(self.forms.loc[0, "r_squared_left_out"]),
            "p_quadratic": float(self.forms.loc[1, "p_value"]),
            "p_threshold": float(self.forms.loc[2, "p_value"]),
            "threshold": float(self.turning.loc[1, "estimate"]),
            "below": float(self.turning.loc[1, "slope_below"]),
            "above": float(self.turning.loc[1, "slope_above"]),
            "n": int(best["n"]),
        }
        return (Finding(key, values),)


def fit_shapes(
    data: pd.DataFrame,
    *,
    outcome: str,
    predictor: str,
    rng: np.random.Generator,
    controls: Sequence[str] = (),
    covariance: Covariance = "HC3",
    cluster: str | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
) -> ShapeFit:
    """Compare a straight line, a parabola and a line that bends at one place.

    Parameters
    ----------
    data : pd.DataFrame
        Numeric columns; rows with a missing value are left out.
    outcome, predictor : str
    rng : np.random.Generator
    controls : Sequence[str]
    covariance, cluster, confidence
        As :func:`~crmresearch.scoring.satisfaction.regression.fit_least_squares`.
    resamples : int
        Bootstrap samples of the test for a threshold, at least 200.

    Returns
    -------
    ShapeFit

    Raises
    ------
    RefusedError
        As :func:`~crmresearch.scoring.satisfaction.regression.fit_least_squares`; or the predictor has
        fewer than five different values, too few to tell a bend from a step.

    Notes
    -----
    The threshold is searched over the values between the 15th and 85th percentile of the predictor; a
    bend (a change of slope) is taken where the sum of squares is least. Since it was searched, an
    ordinary p value would be too small: the largest F over all places is compared with its own
    distribution when the straight line is true, from residuals with random signs (Hansen 1996). A bend
    counts as shown if either form's p lies below (1 − confidence)/2.

    References
    ----------
    Hansen, B. E. (1996). Inference when a nuisance parameter is not identified under the null
    hypothesis. Econometrica 64, 413–430. https://doi.org/10.2307/2171789

    Examples
    --------
    >>> rng = np.random.default_rng(2)
    >>> x = rng.uniform(1, 7, 300)
    >>> data = pd.DataFrame({"x": x, "y": np.maximum(x - 4, 0) + rng.normal(0, 0.3, 300)})
    >>> fit = fit_shapes(data, outcome="y", predictor="x", rng=rng, resamples=200)
    >>> bool(abs(fit.turning.loc[1, "estimate"] - 4) < 0.4)
    True
    """
    controls = list(controls)
    if resamples < 200:
        raise RefusedError(f"{resamples} resamples", where="fit_shapes", repair="Use at least 200.")
    used = complete_rows(data, outcome, [predictor, *controls], covariance, confidence)
    x, y = used[predictor].to_numpy(), used[outcome].to_numpy()
    levels = np.unique(x)
    if len(levels) < 5:
        raise RefusedError(
            f"{predictor!r} takes {len(levels)} values; five are needed to see a bend",
            where=f"shape of {outcome}",
            repair="Use the mean of several items.",
        )
    places = np.unique(x[(x >= np.quantile(x, _KNOTS_BETWEEN[0])) & (x <= np.quantile(x, _KNOTS_BETWEEN[1]))])
    places = places[(places > levels[0]) & (places < levels[-1])]
    if not len(places):
        raise RefusedError(
            f"nearly all rows give {predictor!r} one value", where=f"shape of {outcome}", repair="Use a wider scale."
        )
    if len(places) > _GRID:
        places = np.unique(np.quantile(places, np.linspace(0, 1, _GRID), method="nearest"))
    base = np.column_stack([np.ones(len(x)), used[[predictor, *controls]]])
    place, p_threshold = _search(base, x, y, places, rng, resamples)
    bent = used.assign(**{"squared": (x - x.mean()) ** 2, "above": np.maximum(x - place, 0)})
    if cluster is not None:
        bent[cluster] = data.loc[used.index, cluster]
    fits = {
        form: fit_least_squares(
            bent,
            outcome=outcome,
            predictors=[predictor, *controls, *extra],
            covariance=covariance,
            cluster=cluster,
            confidence=confidence,
        )
        for form, extra in (("linear", []), ("quadratic", ["squared"]), ("threshold", ["above"]))
    }
    forms = pd.DataFrame([_form(form, fit, y) for form, fit in fits.items()])
    forms.loc[2, "p_value"] = p_threshold
    return ShapeFit(
        forms=forms,
        turning=_turning(fits, x, place),
        curves=_curves(fits, used, predictor, controls, place),
        points=used[[predictor, outcome]].sort_values([predictor, outcome], ignore_index=True),
        recipe=Recipe(
            "shape_regression",
            {
                "outcome": outcome,
                "predictor": predictor,
                "covariates": controls or None,
                "covariance": "cluster_robust" if cluster else covariance,
                "confidence": confidence,
                "resamples": resamples,
                "n_places": len(places),
            },
            "Hansen (1996), https://doi.org/10.2307/2171789",
        ),
    )


def _search(
    base: np.ndarray, x: np.ndarray, y: np.ndarray, places: np.ndarray, rng: np.random.Generator, resamples: int
) -> tuple[float, float]:
    """Place of the bend that leaves the least, and the bootstrap p of the largest F over the places."""
    q = np.linalg.qr(base)[0]
    bends = np.maximum(x[:, None] - places, 0)
    bends -= q @ (q.T @ bends)
    length = np.linalg.norm(bends, axis=0)
    good = length > 1e-8 * np.linalg.norm(x)
    bends, places = bends[:, good] / length[good], places[good]
    residual = y - q @ (q.T @ y)
    fitted, rest = y - residual, len(y) - base.shape[1] - 1

    def largest(left: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        gain = (bends.T @ left) ** 2
        best = gain.max(axis=0)
        return best / ((left**2).sum(axis=0) - best) * rest, gain.argmax(axis=0)

    observed, at = largest(residual[:, None])
    beyond = 0
    for k in range(0, resamples, 500):
        signs = rng.choice([-1.0, 1.0], (len(y), min(500, resamples - k)))
        again = fitted[:, None] + residual[:, None] * signs
        beyond += int((largest(again - q @ (q.T @ again))[0] >= observed[0]).sum())
    return float(places[at[0]]), (1 + beyond) / (1 + resamples)


def _form(form: str, fit: LeastSquares, y: np.ndarray) -> dict:
    left = fit.residuals["residual"] / (1 - fit.residuals["leverage"])
    extra = fit.coefficients.iloc[-1]
    return {
        "form": f"form_{form}",
        "n": int(fit.fit.loc[0, "n"]),
        "n_coefficients": len(fit.coefficients),
        "r_squared": fit.fit.loc[0, "r_squared"],
        "aic": fit.fit.loc[0, "aic"],
        "r_squared_left_out": 1 - (left**2).sum() / ((y - y.mean()) ** 2).sum() * ((len(y) - 1) / len(y)) ** 2,
        "extra": np.nan if form == "linear" else extra["estimate"],
        "p_value": np.nan if form == "linear" else extra["p_value"],
    }


def _turning(fits: dict[str, LeastSquares], x: np.ndarray, place: float) -> pd.DataFrame:
    """Where parabola and bent line turn, and their slopes at either end."""
    squared, bent = (fits[f].coefficients["estimate"].to_numpy() for f in ("quadratic", "threshold"))
    b, c = squared[1], squared[-1]
    turn = x.mean() - b / (2 * c) if c else np.nan
    slopes = [b + 2 * c * (edge - x.mean()) for edge in (x.min(), x.max())]
    return pd.DataFrame(
        {
            "place": ["turning_point", "threshold_place"],
            "estimate": [turn, place],
            "within_answers": [bool(x.min() < turn < x.max()), True],
            "slope_below": [slopes[0], bent[1]],
            "slope_above": [slopes[1], bent[1] + bent[-1]],
        }
    )


def _curves(
    fits: dict[str, LeastSquares], used: pd.DataFrame, predictor: str, controls: list[str], place: float
) -> pd.DataFrame:
    x = used[predictor]
    grid = np.linspace(x.min(), x.max(), 101)
    held = [np.full(len(grid), used[c].mean()) for c in controls]
    extras = {"linear": [], "quadratic": [(grid - x.mean()) ** 2], "threshold": [np.maximum(grid - place, 0)]}
    parts = [
        pd.DataFrame(
            {
                predictor: grid,
                "form": f"form_{form}",
                "fitted": np.column_stack([np.ones(len(grid)), grid, *held, *extras[form]])
                @ fit.coefficients["estimate"].to_numpy(),
            }
        )
        for form, fit in fits.items()
    ]
    return pd.concat(parts, ignore_index=True)
