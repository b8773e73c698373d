"""How many respondents for this? Power of the usual tests, and the number that reaches a power asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe

POWER_ASKED = 0.8
_MOST = 10_000_000


@dataclass(frozen=True, slots=True)
class SamplePlan:
    """Power of a sample, and the samples that effects need.

    Attributes
    ----------
    needed : pd.DataFrame, one row per test and effect
        test, effect_kind, effect_size, n_needed (in all), power_now (with ``n``).
    curve : pd.DataFrame
        test, effect_size, n, power: along the number of respondents.
    detectable : pd.DataFrame, one row per test
        test, effect_kind, n, effect_size (the smallest seen with the power asked for).
    recipe : Recipe
    """

    needed: pd.DataFrame
    curve: pd.DataFrame
    detectable: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """What is needed, what is detectable."""
        return (
            Exhibit("sample_needed", self.needed, notes=("power_rule",)),
            Exhibit("sample_detectable", self.detectable),
        )

    def findings(self) -> tuple[Finding, ...]:
        """The smallest correlation this sample sees."""
        first = self.detectable.iloc[0]
        small = self.needed[self.needed["test"] == "test_correlation"].iloc[0]
        return (
            Finding(
                "sample_sees",
                {
                    "n": int(first["n"]),
                    "effect": float(first["effect_size"]),
                    "power": self.recipe.options["power_asked"],
                    "size": self.recipe.options["size"],
                    "small": float(small["effect_size"]),
                    "n_needed": int(small["n_needed"]),
                },
            ),
        )


def correlation_power(n: int, r: float, *, confidence: float = 0.95) -> float:
    """Return the power (0–1) of the two-sided test of no correlation when the true one is ``r``.

    Fisher's z: atanh(r)·√(n − 3) is normal with variance 1.

    Examples
    --------
    >>> round(correlation_power(85, 0.3), 3)
    0.8
    """
    if n <= 3:
        return 0.0
    critical, shift = stats.norm.ppf((1 + confidence) / 2), np.arctanh(r) * np.sqrt(n - 3)
    return float(stats.norm.sf(critical - shift) + stats.norm.cdf(-critical - shift))


def respondents_needed(r: float, *, confidence: float = 0.95, power: float = POWER_ASKED) -> int:
    """Return the number of respondents at which a true correlation ``r`` is seen with ``power``.

    Examples
    --------
    >>> respondents_needed(0.1), respondents_needed(0.3)
    (783, 85)
    """
    z = stats.norm.ppf((1 + confidence) / 2) + stats.norm.ppf(power)
    return int(np.ceil((z / np.arctanh(r)) ** 2 + 3))


def means_power(n: float, d: float, *, confidence: float = 0.95) -> float:
    """Power of the t test of two equal groups, ``n`` in all, whose means differ by ``d`` standard deviations.

    Examples
    --------
    >>> round(means_power(128, 0.5), 3)
    0.801
    """
    df = n - 2
    if df < 1:
        return 0.0
    critical, shift = stats.t.ppf((1 + confidence) / 2, df), d * np.sqrt(n) / 2
    return float(stats.nct.sf(critical, df, shift) + stats.nct.cdf(-critical, df, shift))


def variance_power(n: float, f: float, *, groups: int, confidence: float = 0.95) -> float:
    """Power of the analysis of variance of equal groups, ``n`` in all, at Cohen's f.

    Examples
    --------
    >>> round(variance_power(159, 0.25, groups=3), 3)
    0.805
    """
    df1, df2 = groups - 1, n - groups
    if df2 < 1:
        return 0.0
    return float(stats.ncf.sf(stats.f.ppf(confidence, df1, df2), df1, df2, f**2 * n))


def increase_power(n: float, f2: float, *, tested: int, predictors: int, confidence: float = 0.95) -> float:
    """Power to see that ``tested`` of ``predictors`` raise R², at Cohen's f² = ΔR²/(1 − R²).

    Examples
    --------
    >>> round(increase_power(77, 0.15, tested=3, predictors=3), 3)
    0.802
    """
    df1, df2 = tested, n - predictors - 1
    if df2 < 1:
        return 0.0
    return float(stats.ncf.sf(stats.f.ppf(confidence, df1, df2), df1, df2, f2 * n))


def mediation_power(
    n: int, a: float, b: float, *, rng: np.random.Generator, confidence: float = 0.95, samples: int = 1000
) -> float:
    """Power to show an indirect effect a·b of standardised slopes, by the joint test of both.

    Drawn: ``samples`` samples of ``n``, all solved together. The joint test has the size and power of the
    bootstrap (Fritz & MacKinnon 2007, https://doi.org/10.1111/j.1467-9280.2007.01882.x).

    Examples
    --------
    >>> bool(0.7 < mediation_power(71, 0.39, 0.39, rng=np.random.default_rng(1)) < 0.9)
    True
    """
    if not max(abs(a), abs(b)) < 1:
        raise RefusedError("standardised slopes lie between -1 and 1", where="mediation_power")
    x, e, u = rng.standard_normal((3, samples, n))
    m = a * x + np.sqrt(1 - a**2) * e
    y = b * m + np.sqrt(1 - b**2) * u
    x, m, y = (v - v.mean(axis=1, keepdims=True) for v in (x, m, y))
    xx, mm, xm, my, xy, yy = ((p * q).sum(axis=1) for p, q in ((x, x), (m, m), (x, m), (m, y), (x, y), (y, y)))
    slope = xm / xx
    t_a = slope / np.sqrt((mm - slope * xm) / (n - 2) / xx)
    determinant = xx * mm - xm**2
    slope_b, slope_c = (xx * my - xm * xy) / determinant, (mm * xy - xm * my) / determinant
    left = yy - slope_b * my - slope_c * xy
    t_b = slope_b / np.sqrt(left / (n - 3) * xx / determinant)
    critical = stats.t.ppf((1 + confidence) / 2, n - 3)
    return float(((np.abs(t_a) > critical) & (np.abs(t_b) > critical)).mean())


def plan_sample(
    n: int, *, predictors: int = 3, groups: int = 3, confidence: float = 0.95, power: float = POWER_ASKED
) -> SamplePlan:
    """Say what a sample of ``n`` can see and how many respondents small, medium and large effects need.

    Parameters
    ----------
    n : int
        Respondents at hand, or planned; four or more.
    predictors : int
        Of the regression; the last is tested.
    groups : int
        Of the analysis of variance.
    confidence, power : float

    Returns
    -------
    SamplePlan

    Raises
    ------
    RefusedError
        n below four, or an option out of range.

    Notes
    -----
    Small, medium and large after Cohen (1992), https://doi.org/10.1037/0033-2909.112.1.155: r .10, .30, .50;
    d .20, .50, .80; f .10, .25, .40; f² .02, .15, .35. Power computed from the effect that was found ("observed
    power") is never given: it restates the p value (Hoenig & Heisey 2001, https://doi.org/10.1198/000313001300339897).

    Examples
    --------
    >>> plan_sample(86).needed.loc[1, "n_needed"]
    np.int64(85)
    """
    if n < 4 or predictors < 1 or groups < 2 or not 0 < confidence < 1 or not 0 < power < 1:
        raise RefusedError(
            f"n {n!r}, predictors {predictors!r}, groups {groups!r}, confidence {confidence!r}, power {power!r}",
            where="plan_sample",
        )
    tests: dict[str, tuple[str, tuple[float, ...], Callable[[float, float], float]]] = {
        "test_correlation": (
            "effect_r",
            (0.1, 0.3, 0.5),
            lambda m, e: correlation_power(int(m), e, confidence=confidence),
        ),
        "test_means": ("effect_d", (0.2, 0.5, 0.8), lambda m, e: means_power(m, e, confidence=confidence)),
        "test_variance": (
            "effect_f",
            (0.1, 0.25, 0.4),
            lambda m, e: variance_power(m, e, groups=groups, confidence=confidence),
        ),
        "test_increase": (
            "effect_f2",
            (0.02, 0.15, 0.35),
            lambda m, e: increase_power(m, e, tested=1, predictors=predictors, confidence=confidence),
        ),
    }
    needed = [
        (test, kind, effect, _smallest_n(lambda m, e=effect, f=run: f(m, e), power), run(n, effect))
        for test, (kind, effects, run) in tests.items()
        for effect in effects
    ]
    sizes = np.unique(np.round(np.geomspace(10, 2000, 60)).astype(int))
    curve = [(test, e, m, run(m, e)) for test, (_, effects, run) in tests.items() for e in effects for m in sizes]
    detectable = [
        (test, kind, n, _smallest_effect(lambda e, f=run: f(n, e), power)) for test, (kind, _, run) in tests.items()
    ]
    return SamplePlan(
        needed=pd.DataFrame(needed, columns=["test", "effect_kind", "effect_size", "n_needed", "power_now"]),
        curve=pd.DataFrame(curve, columns=["test", "effect_size", "n", "power"]),
        detectable=pd.DataFrame(detectable, columns=["test", "effect_kind", "n", "effect_size"]),
        recipe=Recipe(
            "sample_plan",
            {
                "n_used": n,
                "size": round(1 - confidence, 12),
                "power_asked": power,
                "n_predictors": predictors,
                "n_groups": groups,
            },
            "Cohen (1992), https://doi.org/10.1037/0033-2909.112.1.155",
        ),
    )


def _smallest_n(power_at: Callable[[float], float], power: float) -> int:
    low, high = 3, 8
    while power_at(high) < power and high < _MOST:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_at(middle) >= power else (middle, high)
    return high


def _smallest_effect(power_at: Callable[[float], float], power: float) -> float:
    low, high = 0.0, 0.999
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if power_at(middle) >= power else (middle, high)
    return high
