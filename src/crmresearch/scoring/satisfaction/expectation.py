"""Received over expected: which form of the comparison goes with satisfaction (D10), and in what order (D11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe, Verdict, judge_interval
from crmresearch.scoring.resampling import bootstrap_counts, percentile_bounds
from crmresearch.scoring.satisfaction.weighted import weighted_covariances

_FEWEST = 30
FORMS = {
    "form_performance": ("p",),
    "form_ratio": ("p_over_e",),
    "form_ratio_reversed": ("e_over_p",),
    "form_difference": ("p_minus_e",),
    "form_both": ("p", "e"),
    "form_polynomial": ("p", "e", "pp", "pe", "ee"),
}
BANDS = ("band_below", "band_met", "band_above")


@dataclass(frozen=True, slots=True)
class ExpectationForms:
    """Forms of comparing received with expected, by what they foretell of satisfaction.

    Attributes
    ----------
    forms : pd.DataFrame, shape (6, 8)
        form, n, n_coefficients, r_squared, r_squared_left_out, advantage (adjusted R² of the ratio less this
        form's), advantage_low, advantage_high (bootstrap).
    artefact : pd.DataFrame, shape (2, 4)
        form (ratio, difference), r_expectation (with E itself), r_performance, n: how far each form is its own E.
    verdict : Verdict
        D10, the ratio foretells satisfaction better than performance alone, the difference and both sides.
    recipe : Recipe
    """

    forms: pd.DataFrame
    artefact: pd.DataFrame
    verdict: Verdict
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Forms and artefact."""
        return (
            Exhibit("expectation_forms", self.forms, notes=("forms_rule",)),
            Exhibit("expectation_artefact", self.artefact, notes=("artefact_reading",)),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Claim D10."""
        best = self.forms.loc[self.forms["r_squared_left_out"].idxmax()]
        ratio = self.forms.set_index("form").loc["form_ratio"]
        rivals = self.forms.set_index("form").loc[["form_performance", "form_difference", "form_both"]]
        closest = rivals["advantage"].idxmin()
        return (
            Finding(
                "ratio_foretells",
                {
                    "outcome": self.recipe.options["outcome"],
                    "ratio": float(ratio["r_squared_left_out"]),
                    "best": best["form"],
                    "best_r": float(best["r_squared_left_out"]),
                    "rival": closest,
                    "advantage": float(rivals.loc[closest, "advantage"]),
                    "low": float(rivals.loc[closest, "advantage_low"]),
                    "high": float(rivals.loc[closest, "advantage_high"]),
                    "n": int(best["n"]),
                    "confidence": self.recipe.options["confidence"],
                },
                verdict=self.verdict,
                claim="D10",
            ),
        )


@dataclass(frozen=True, slots=True)
class ExpectationBands:
    """Outcomes of customers below, at and above what they expected.

    Attributes
    ----------
    bands : pd.DataFrame, shape (3 · n_outcomes, 7)
        outcome, band, n, mean, sd, conf_low, conf_high.
    order : pd.DataFrame, one row per outcome
        outcome, n, tau (Kendall's tau-b of band and outcome), conf_low, conf_high (bootstrap), below_to_met,
        met_to_above (differences of neighbouring means), p_first_step, p_second_step (Welch), verdict.
    recipe : Recipe
    """

    bands: pd.DataFrame
    order: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Bands and their order."""
        return (
            Exhibit("expectation_bands", self.bands),
            Exhibit("expectation_order", self.order.drop(columns="verdict"), notes=("bands_rule",)),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Claim D11, one sentence per outcome."""
        return tuple(
            Finding(
                "bands_ordered",
                {
                    "outcome": row["outcome"],
                    "tau": row["tau"],
                    "low": row["conf_low"],
                    "high": row["conf_high"],
                    "first": row["below_to_met"],
                    "second": row["met_to_above"],
                    "smallest": self.recipe.options["smallest_effect"],
                    "n": int(row["n"]),
                    "confidence": self.recipe.options["confidence"],
                },
                verdict=row["verdict"],
                claim="D11",
            )
            for row in self.order.to_dict("records")
        )


def compare_forms(
    data: pd.DataFrame,
    *,
    performance: str,
    expectation: str,
    outcome: str,
    rng: np.random.Generator,
    resamples: int = 2000,
    confidence: float = 0.95,
) -> ExpectationForms:
    """Set ratio, reversed ratio, difference, both sides and a polynomial beside performance alone.

    Parameters
    ----------
    data : pd.DataFrame
        Numeric columns; performance and expectation positive, on one scale.
    performance, expectation, outcome : str
    rng : np.random.Generator
    resamples : int
        At least 200.
    confidence : float

    Raises
    ------
    RefusedError
        A column is absent, fewer than thirty rows have all three, an answer is not positive, or a column
        does not vary.

    Notes
    -----
    The rule of D10, fixed before the data: *supported* if the bootstrap interval of the ratio's advantage in
    adjusted R² lies above zero against each of performance alone, the difference, and both sides entered
    separately; *contradicted* if it lies below zero against any of them; else *inconclusive*. A ratio and a
    difference contain E, so they correlate with it by themselves. Left-out R² leaves one row out at a time.

    References
    ----------
    Edwards, J. R. (2001). Ten difference score myths. Organizational Research Methods 4, 265–287.
    https://doi.org/10.1177/109442810143005

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> p, e = rng.uniform(2, 7, (2, 400))
    >>> data = pd.DataFrame({"p": p, "e": e, "s": p + rng.normal(0, 1, 400)})
    >>> compare_forms(data, performance="p", expectation="e", outcome="s", rng=rng, resamples=200).verdict
    'contradicted'
    """
    names = [performance, expectation, outcome]
    used = _complete(data, names, resamples)
    p, e, y = (used[name].to_numpy() for name in names)
    if min(p.min(), e.min()) <= 0:
        raise RefusedError("a ratio needs answers above zero", where="received over expected")
    cp, ce = p - p.mean(), e - e.mean()
    columns = {
        "p": p,
        "e": e,
        "p_over_e": p / e,
        "e_over_p": e / p,
        "p_minus_e": p - e,
        "pp": cp**2,
        "pe": cp * ce,
        "ee": ce**2,
    }
    n = len(y)
    found = {form: _left_out([columns[c] for c in which], y) for form, which in FORMS.items()}

    def advantages(counts: np.ndarray) -> np.ndarray:
        """Adjusted R² of the ratio less that of each form."""
        each = [_adjusted([columns[c] for c in which], y, counts) for which in FORMS.values()]
        return each[list(FORMS).index("form_ratio")][:, None] - np.column_stack(each)

    gains = advantages(np.ones((1, n)))[0]
    bounds = percentile_bounds(bootstrap_counts(advantages, n, rng=rng, resamples=resamples), confidence).T
    rows = []
    for (form, which), gain, bound in zip(FORMS.items(), gains, bounds, strict=True):
        own = (np.nan,) * 3 if form == "form_ratio" else (gain, *bound)
        rows.append((form, n, len(which) + 1, *found[form], *own))
    forms = pd.DataFrame(
        rows,
        columns=[
            "form",
            "n",
            "n_coefficients",
            "r_squared",
            "r_squared_left_out",
            "advantage",
            "advantage_low",
            "advantage_high",
        ],
    )
    rivals = forms.set_index("form").loc[["form_performance", "form_difference", "form_both"]]
    if (rivals["advantage_low"] > 0).all():
        verdict: Verdict = "supported"
    else:
        verdict = "contradicted" if (rivals["advantage_high"] < 0).any() else "inconclusive"
    mixed = (("form_ratio", p / e), ("form_difference", p - e))
    artefact = [(form, np.corrcoef(v, e)[0, 1], np.corrcoef(v, p)[0, 1], n) for form, v in mixed]
    return ExpectationForms(
        forms=forms,
        artefact=pd.DataFrame(artefact, columns=["form", "r_expectation", "r_performance", "n"]),
        verdict=verdict,
        recipe=Recipe(
            "expectation_forms",
            {"outcome": outcome, "resamples": resamples, "confidence": confidence, "missing": "complete_cases"},
            "Edwards (2001), https://doi.org/10.1177/109442810143005",
        ),
    )


def compare_bands(
    data: pd.DataFrame,
    *,
    gap: str,
    outcomes: Sequence[str],
    rng: np.random.Generator,
    edge: float = 0.5,
    smallest_effect: float = 0.1,
    resamples: int = 2000,
    confidence: float = 0.95,
) -> ExpectationBands:
    """Compare customers below, at and above what they expected.

    Parameters
    ----------
    data : pd.DataFrame
        Numeric columns; ``gap`` is performance less expectation.
    gap : str
    outcomes : Sequence[str]
    rng : np.random.Generator
    edge : float
        A gap within ± this many points counts as expectation met; declared before the data.
    smallest_effect : float
        Smallest Kendall's tau of interest.
    resamples : int
    confidence : float

    Raises
    ------
    RefusedError
        A column is absent, fewer than thirty rows, a band of fewer than five, or an edge that is not positive.

    Notes
    -----
    The rule of D11, fixed before the data: the outcome rises over the bands. *Supported* if the bootstrap
    interval of Kendall's tau-b between band and outcome lies above the smallest effect and neither step between
    neighbouring bands goes down, *contradicted* if the interval lies below the smallest effect, else
    *inconclusive*.

    Examples
    --------
    >>> rng = np.random.default_rng(2)
    >>> gap = rng.normal(0, 1, 300)
    >>> data = pd.DataFrame({"gap": gap, "loyalty": gap + rng.normal(0, 1, 300)})
    >>> compare_bands(data, gap="gap", outcomes=["loyalty"], rng=rng, resamples=300).order.loc[0, "verdict"]
    'supported'
    """
    from scipy import stats

    if edge <= 0:
        raise RefusedError(f"edge must be positive, got {edge!r}", where="compare_bands")
    bands, order = [], []
    for outcome in outcomes:
        used = _complete(data, [gap, outcome], resamples)
        x, y = used[gap].to_numpy(), used[outcome].to_numpy()
        band = np.where(x < -edge, 0, np.where(x > edge, 2, 1))
        parts = [y[band == k] for k in range(3)]
        small = min(range(3), key=lambda k: len(parts[k]))
        if len(parts[small]) < 5:
            raise RefusedError(
                f"{len(parts[small])} respondents in the band {BANDS[small]!r}",
                where=f"bands of {gap}",
                repair="Choose a narrower edge, before looking at the outcome.",
            )
        for name, v in zip(BANDS, parts, strict=True):
            half = stats.t.ppf((1 + confidence) / 2, len(v) - 1) * v.std(ddof=1) / np.sqrt(len(v))
            bands.append((outcome, name, len(v), v.mean(), v.std(ddof=1), v.mean() - half, v.mean() + half))
        tau, low, high = _tau(band, y, rng, resamples, confidence)
        steps = [parts[k + 1].mean() - parts[k].mean() for k in range(2)]
        p = [stats.ttest_ind(parts[k + 1], parts[k], equal_var=False).pvalue for k in range(2)]
        verdict = judge_interval(low, high, smallest_effect)
        if verdict == "supported" and min(steps) < 0:
            verdict = "inconclusive"
        order.append((outcome, len(y), tau, low, high, *steps, *p, verdict))
    return ExpectationBands(
        bands=pd.DataFrame(bands, columns=["outcome", "band", "n", "mean", "sd", "conf_low", "conf_high"]),
        order=pd.DataFrame(
            order,
            columns=[
                "outcome",
                "n",
                "tau",
                "conf_low",
                "conf_high",
                "below_to_met",
                "met_to_above",
                "p_first_step",
                "p_second_step",
                "verdict",
            ],
        ),
        recipe=Recipe(
            "expectation_bands",
            {
                "gap": gap,
                "edge": edge,
                "smallest_effect": smallest_effect,
                "resamples": resamples,
                "confidence": confidence,
            },
            "Kendall (1945), https://doi.org/10.1093/biomet/33.3.239",
        ),
    )


def _complete(data: pd.DataFrame, names: Sequence[str], resamples: int) -> pd.DataFrame:
    absent = [name for name in names if name not in data]
    if absent:
        raise RefusedError(f"no column {absent[0]!r}", where="received and expected")
    used = data[list(names)].astype("Float64").astype(float).dropna()
    flat = [name for name in names if used[name].nunique() < 2]
    if len(used) < _FEWEST or flat or resamples < 200:
        what = f"{flat[0]!r} does not vary" if flat else f"{len(used)} complete rows, {resamples} resamples"
        raise RefusedError(
            what, where="received and expected", repair=f"{_FEWEST} rows and 200 resamples are the least."
        )
    return used


def _left_out(columns: list[np.ndarray], y: np.ndarray) -> tuple[float, float]:
    q = np.linalg.qr(np.column_stack([np.ones(len(y)), *columns]))[0]
    residual = y - q @ (q.T @ y)
    total = ((y - y.mean()) ** 2).sum()
    left = residual / (1 - (q**2).sum(axis=1))
    return 1 - (residual**2).sum() / total, 1 - (left**2).sum() / (total * (len(y) / (len(y) - 1)) ** 2)


def _adjusted(columns: list[np.ndarray], y: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Adjusted R² of every resample, all solved together."""
    x = np.column_stack([y, *columns])
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    total, p, spread = counts.sum(axis=1), x.shape[1], weighted_covariances(x, counts)
    a, b = spread[:, 1:, 1:], spread[:, 1:, 0]
    sound = np.linalg.cond(a) < 1e12
    r2 = np.full(len(counts), np.nan)
    solved = np.linalg.solve(a[sound], b[sound][:, :, None])[:, :, 0]
    r2[sound] = (solved * b[sound]).sum(axis=1) / spread[sound, 0, 0]
    return 1 - (1 - r2) * (total - 1) / (total - p)


def _tau(
    band: np.ndarray, y: np.ndarray, rng: np.random.Generator, resamples: int, confidence: float
) -> tuple[float, float, float]:
    """Kendall's tau-b with its bootstrap interval; a resample is a vector of row counts."""
    u, v = np.sign(band[:, None] - band), np.sign(y[:, None] - y)
    pieces = (u * v, u * u, v * v)

    def value(counts: np.ndarray) -> np.ndarray:
        both, one, other = (((counts @ m) * counts).sum(axis=1) for m in pieces)
        return both / np.sqrt(one * other)

    low, high = percentile_bounds(bootstrap_counts(value, len(y), rng=rng, resamples=resamples), confidence)
    return float(value(np.ones((1, len(y))))[0]), float(low), float(high)
