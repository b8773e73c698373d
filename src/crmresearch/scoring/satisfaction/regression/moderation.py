"""Moderation: does a slope change with another variable, and where is that shown? Johnson and Neyman."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe, Verdict
from crmresearch.scoring.satisfaction.regression.squares import (
    Covariance,
    LeastSquares,
    complete_rows,
    fit_least_squares,
)

PRODUCT = "product_term"
_GRID = 81


@dataclass(frozen=True, slots=True)
class Moderation:
    """A regression with a product term.

    Attributes
    ----------
    predictor, moderator, outcome : str
    regression : LeastSquares
        Predictor and moderator centred on their means, then covariates, then ``product_term``.
    slopes : pd.DataFrame, shape (3, 7)
        Slope of the outcome on the predictor with the moderator one standard deviation below its mean, at it
        and above: moderator_level, moderator_value, estimate, std_error, p_value, conf_low, conf_high.
    regions : pd.DataFrame, shape (n_regions, 5)
        Johnson–Neyman: from_value, to_value of the moderator within the data, slope_sign (``slope_positive``,
        ``slope_negative``, ``slope_open`` where the interval holds zero), n, share_of_respondents.
    band : pd.DataFrame, shape (81, 4)
        The moderator under its own name, then estimate, conf_low, conf_high of the slope along it.
    lines : pd.DataFrame, shape (6, 3)
        moderator_level, the predictor under its own name, fitted: the line of each level.
    verdict : Verdict
        Whether the product has the expected sign.
    claim : str
    recipe : Recipe
    """

    predictor: str
    moderator: str
    outcome: str
    regression: LeastSquares
    slopes: pd.DataFrame
    regions: pd.DataFrame
    band: pd.DataFrame
    lines: pd.DataFrame
    verdict: Verdict
    claim: str
    recipe: Recipe

    def tidy(self) -> pd.DataFrame:
        """One row per term."""
        return self.regression.tidy()

    def glance(self) -> pd.DataFrame:
        """One row for the regression."""
        return self.regression.glance()

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Coefficients, simple slopes, regions."""
        reading = ("d30_as_product",) if self.claim == "D30" else ()
        return (
            Exhibit("moderation_coefficients", self.regression.coefficients, notes=("moderation_centred", *reading)),
            Exhibit("moderation_slopes", self.slopes),
            Exhibit("moderation_regions", self.regions, notes=("johnson_neyman_rule",)),
        )

    def findings(self) -> tuple[Finding, ...]:
        """The product term, and its verdict."""
        row = self.regression.coefficients.iloc[-1]
        return (
            Finding(
                "moderation_product",
                {
                    "predictor": self.predictor,
                    "moderator": self.moderator,
                    "outcome": self.outcome,
                    "estimate": float(row["estimate"]),
                    "low": float(row["conf_low"]),
                    "high": float(row["conf_high"]),
                    "slope_low": float(self.slopes.loc[0, "estimate"]),
                    "slope_high": float(self.slopes.loc[2, "estimate"]),
                    "n": int(self.regression.fit.loc[0, "n"]),
                    "confidence": self.recipe.options["confidence"],
                },
                verdict=self.verdict,
                claim=self.claim,
            ),
        )


def moderate(
    data: pd.DataFrame,
    *,
    outcome: str,
    predictor: str,
    moderator: str,
    covariates: Sequence[str] = (),
    expected: int = 1,
    covariance: Covariance = "HC3",
    cluster: str | None = None,
    confidence: float = 0.95,
    claim: str = "",
) -> Moderation:
    """Regress with a product term, give simple slopes and the Johnson–Neyman regions.

    Parameters
    ----------
    data : pd.DataFrame
        Numeric columns; rows with a missing value are left out.
    outcome, predictor, moderator : str
    covariates : Sequence[str]
    expected : {1, -1}
        Sign of the product that the hypothesis states: 1, the slope grows with the moderator.
    covariance, cluster, confidence
        As :func:`~crmresearch.scoring.satisfaction.regression.fit_least_squares`.
    claim : str
        Claim that the product's sign is judged for. D30 (switching costs hold customers) is read here as: loyalty
        goes less with satisfaction where switching costs are high (``expected=-1``); that customers leave later is
        another reading, judged by :func:`~crmresearch.scoring.satisfaction.linking.fit_leaving`.

    Returns
    -------
    Moderation

    Raises
    ------
    RefusedError
        As :func:`~crmresearch.scoring.satisfaction.regression.fit_least_squares`; ``expected`` is not ±1.

    Notes
    -----
    The slope at moderator w is b₁ + b₃(w − w̄), its variance v₁₁ + 2(w − w̄)v₁₃ + (w − w̄)²v₃₃; the
    boundaries of its significance are the roots of a quadratic (Johnson & Neyman 1936; Bauer & Curran
    2005), kept where they lie within the data. The rule: the product's interval beyond zero on the
    expected side is *supported*, on the other *contradicted*, else *inconclusive*.

    References
    ----------
    Bauer, D. J. & Curran, P. J. (2005). Probing interactions in fixed and multilevel regression.
    Multivariate Behavioral Research 40, 373–400. https://doi.org/10.1207/s15327906mbr4003_5

    Examples
    --------
    >>> rng = np.random.default_rng(5)
    >>> x, w = rng.normal(size=(2, 500))
    >>> data = pd.DataFrame({"x": x, "w": w, "y": 0.3 * x + 0.3 * x * w + rng.normal(size=500)})
    >>> found = moderate(data, outcome="y", predictor="x", moderator="w")
    >>> found.verdict, found.regions["slope_sign"].tolist()[-1]
    ('supported', 'slope_positive')
    """
    if expected not in (1, -1):
        raise RefusedError(f"expected must be 1 or -1, got {expected!r}", where="moderate")
    covariates = list(covariates)
    used = complete_rows(data, outcome, [predictor, moderator, *covariates], covariance, confidence)
    x, w = used[predictor] - used[predictor].mean(), used[moderator] - used[moderator].mean()
    design = used.assign(**{predictor: x, moderator: w, PRODUCT: x * w})
    if cluster is not None:
        design[cluster] = data.loc[used.index, cluster]
    fit = fit_least_squares(
        design,
        outcome=outcome,
        predictors=[predictor, moderator, *covariates, PRODUCT],
        covariance=covariance,
        cluster=cluster,
        confidence=confidence,
    )
    table, last = fit.coefficients, len(covariates) + 3
    row = table.iloc[last]
    freedom = fit.fit.loc[0, "df_error"]
    critical = stats.t.ppf((1 + confidence) / 2, freedom)
    b1, b3 = table["estimate"].iloc[[1, last]]
    v = fit.covariance[np.ix_([1, last], [1, last])]

    def slope(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return b1 + b3 * at, np.sqrt(v[0, 0] + 2 * at * v[0, 1] + at**2 * v[1, 1])

    levels = np.array([-w.std(), 0.0, w.std()])
    estimate, error = slope(levels)
    grid = np.linspace(w.min(), w.max(), _GRID)
    along, spread = slope(grid)
    middle = used[moderator].mean()
    low, high = float(row["conf_low"]), float(row["conf_high"])
    beyond = low > 0 if expected == 1 else high < 0
    against = high < 0 if expected == 1 else low > 0
    names = ["level_low", "level_mean", "level_high"]
    edges = np.array([x.min(), x.max()])
    b0, b2 = table["estimate"].iloc[[0, 2]]
    held = float((table["estimate"].iloc[3:last].to_numpy() * used[covariates].mean().to_numpy()).sum())
    lines = [
        pd.DataFrame(
            {
                "moderator_level": name,
                predictor: edges + used[predictor].mean(),
                "fitted": b0 + held + b2 * at + (b1 + b3 * at) * edges,
            }
        )
        for name, at in zip(names, levels, strict=True)
    ]
    return Moderation(
        predictor=predictor,
        moderator=moderator,
        outcome=outcome,
        regression=fit,
        slopes=pd.DataFrame(
            {
                "moderator_level": names,
                "moderator_value": levels + middle,
                "estimate": estimate,
                "std_error": error,
                "p_value": 2 * stats.t.sf(np.abs(estimate / error), freedom),
                "conf_low": estimate - critical * error,
                "conf_high": estimate + critical * error,
            }
        ),
        regions=_regions(w.to_numpy(), middle, (b1, b3), v, critical),
        band=pd.DataFrame(
            {
                moderator: grid + middle,
                "estimate": along,
                "conf_low": along - critical * spread,
                "conf_high": along + critical * spread,
            }
        ),
        lines=pd.concat(lines, ignore_index=True),
        verdict="supported" if beyond else "contradicted" if against else "inconclusive",
        claim=claim,
        recipe=Recipe(
            "moderation",
            {
                "outcome": outcome,
                "predictor": predictor,
                "moderator": moderator,
                "covariates": covariates or None,
                "covariance": "cluster_robust" if cluster else covariance,
                "confidence": confidence,
                "expected_sign": "slope_positive" if expected == 1 else "slope_negative",
                "missing": "complete_cases",
            },
            "Bauer & Curran (2005), https://doi.org/10.1207/s15327906mbr4003_5",
        ),
    )


def _regions(w: np.ndarray, middle: float, b: tuple[float, float], v: np.ndarray, critical: float) -> pd.DataFrame:
    """Stretches of the moderator, cut at the Johnson–Neyman boundaries, with the sign shown in each."""
    roots = np.roots(
        [
            b[1] ** 2 - critical**2 * v[1, 1],
            2 * (b[0] * b[1] - critical**2 * v[0, 1]),
            b[0] ** 2 - critical**2 * v[0, 0],
        ]
    )
    inside = sorted(r.real for r in roots if abs(r.imag) < 1e-12 and w.min() < r.real < w.max())
    edges = [float(w.min()), *inside, float(w.max())]
    rows = []
    for k in range(len(edges) - 1):
        start, end = edges[k], edges[k + 1]
        at = (start + end) / 2
        slope, error = b[0] + b[1] * at, np.sqrt(v[0, 0] + 2 * at * v[0, 1] + at**2 * v[1, 1])
        sign = "slope_open" if abs(slope) < critical * error else "slope_positive" if slope > 0 else "slope_negative"
        last = k == len(edges) - 2
        n = int(((w >= start) & ((w <= end) if last else (w < end))).sum())
        rows.append((start + middle, end + middle, sign, n, n / len(w)))
    return pd.DataFrame(rows, columns=["from_value", "to_value", "slope_sign", "n", "share_of_respondents"])
