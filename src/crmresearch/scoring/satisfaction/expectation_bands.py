"""Below, at and above expectation: do satisfaction and loyalty rise over the three bands? Claim D11."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe, judge_interval
from crmresearch.scoring.resampling import bootstrap_counts, percentile_bounds

_FEWEST = 30
BANDS = ("band_below", "band_met", "band_above")


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
