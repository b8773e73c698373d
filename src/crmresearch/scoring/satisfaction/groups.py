"""Do groups of respondents differ? Welch tests, analysis of variance and cross tables, with effect sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import special, stats
from scipy.optimize import brentq

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.satisfaction.multiplicity import Adjustment, adjust_p

_SMALLEST_GROUP = 5
_MOST_GROUPS = 20
_NODES = np.polynomial.legendre.leggauss(120)


@dataclass(frozen=True, slots=True)
class GroupDifferences:
    """Scores of groups, compared.

    Attributes
    ----------
    tests : pd.DataFrame, one row per outcome and background
        outcome, background, n_groups, n, statistic (Welch's F; its root is Welch's t for two groups), df1, df2,
        p_value, p_adjusted, f_classical, p_classical (equal variances), p_rank (Kruskal–Wallis),
        omega_squared (of the classical table), eta_low, eta_high (interval of eta squared).
    groups : pd.DataFrame, one row per outcome, background and group
        outcome, background, group, n, mean, sd, conf_low, conf_high of the mean.
    pairs : pd.DataFrame, one row per pair of groups
        outcome, background, group, other, mean_difference, conf_low, conf_high (Games–Howell), p_value
        (Games–Howell), hedges_g, g_low, g_high.
    assumptions : pd.DataFrame
        outcome, background, p_variance (Brown–Forsythe), skewness, kurtosis (of the residuals, excess), p_normal
        (Jarque–Bera of the residuals), smallest_group.
    left_out : pd.DataFrame
        background, group, n: groups of fewer than five, compared with nobody.
    recipe : Recipe
    """

    tests: pd.DataFrame
    groups: pd.DataFrame
    pairs: pd.DataFrame
    assumptions: pd.DataFrame
    left_out: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Tests, groups, pairs, assumptions."""
        shown = [
            Exhibit("group_tests", self.tests, notes=("welch_rule", "adjusted_p")),
            Exhibit("group_means", self.groups, rows_shown=40),
            Exhibit("group_pairs", self.pairs, notes=("games_howell_rule",), rows_shown=20),
            Exhibit("group_assumptions", self.assumptions, notes=("group_assumption_reading",)),
        ]
        if len(self.left_out):
            shown.append(Exhibit("groups_left_out", self.left_out, notes=("small_groups_rule",)))
        return tuple(shown)

    def findings(self) -> tuple[Finding, ...]:
        """How many comparisons show a difference, and the largest."""
        size = round(1 - self.recipe.options["confidence"], 12)
        top = self.tests.sort_values(["p_adjusted", "omega_squared"], ascending=[True, False], kind="stable").iloc[0]
        return (
            Finding(
                "groups_differ" if top["p_adjusted"] < size else "groups_alike",
                {
                    "k": int((self.tests["p_adjusted"] < size).sum()),
                    "n_tests": len(self.tests),
                    "outcome": top["outcome"],
                    "background": top["background"],
                    "p": float(top["p_adjusted"]),
                    "effect": float(top["omega_squared"]),
                    "low": float(top["eta_low"]),
                    "high": float(top["eta_high"]),
                    "confidence": self.recipe.options["confidence"],
                },
            ),
        )


def compare_backgrounds(
    data: pd.DataFrame,
    *,
    outcomes: Sequence[str],
    backgrounds: Sequence[str],
    adjustment: Adjustment = "holm",
    confidence: float = 0.95,
) -> GroupDifferences:
    """Compare the mean of each outcome between the groups of each background.

    Parameters
    ----------
    data : pd.DataFrame
        Numeric ``outcomes`` and ``backgrounds`` of any kind.
    outcomes, backgrounds : Sequence[str]
    adjustment : {"holm", "bh", "none"}
        Over all outcomes and backgrounds together.
    confidence : float

    Returns
    -------
    GroupDifferences

    Raises
    ------
    RefusedError
        A column is absent; a background has one group only, or more than twenty; an outcome does not
        vary within any group.

    Notes
    -----
    Welch's test does not ask for equal variances and is the one to read (Delacre et al. 2019); the
    classical F and the rank test stand beside it. Omega squared is the share of variance that goes
    with the groups, less what chance gives; the interval is that of eta squared from the noncentral F
    distribution (Smithson 2003). Pairs by Games & Howell (1976). Sums of squares are taken about the
    exact mean (``math.fsum``), so that a large common offset costs no digits.

    References
    ----------
    Delacre, M. et al. (2019). Taking parametric assumptions seriously. International Review of Social
    Psychology 32, 13. https://doi.org/10.5334/irsp.198

    Games, P. A. & Howell, J. F. (1976). Pairwise multiple comparison procedures with unequal N's.
    Journal of Educational Statistics 1, 113–125. https://doi.org/10.3102/10769986001002113

    Examples
    --------
    >>> data = pd.DataFrame({"score": [1.0, 2, 3, 4, 5, 3, 4, 5, 6, 7], "region": list("aaaaabbbbb")})
    >>> found = compare_backgrounds(data, outcomes=["score"], backgrounds=["region"])
    >>> round(float(found.tests.loc[0, "statistic"]), 3), found.groups["mean"].tolist()
    (4.0, [3.0, 5.0])
    """
    absent = [name for name in (*outcomes, *backgrounds) if name not in data]
    if absent or not outcomes or not backgrounds:
        raise RefusedError(
            f"no column {absent[0]!r}" if absent else "no outcome or no background was named", where="group comparison"
        )
    tests, groups, pairs, checks, small = [], [], [], [], []
    for background in backgrounds:
        for outcome in outcomes:
            parts, left = _parts(data, outcome, background)
            small += [(background, name, n) for name, n in left if outcome == outcomes[0]]
            key = (outcome, background)
            tests.append((*key, *_test(list(parts.values()), confidence)))
            groups += [(*key, name, *_mean(values, confidence)) for name, values in parts.items()]
            pairs += [(*key, a, b, *_games_howell(parts, a, b, confidence)) for a, b in combinations(parts, 2)]
            checks.append((*key, *_assumptions(list(parts.values()))))
    head = ["outcome", "background"]
    table = pd.DataFrame(
        tests,
        columns=[
            *head,
            "n_groups",
            "n",
            "statistic",
            "df1",
            "df2",
            "p_value",
            "f_classical",
            "p_classical",
            "p_rank",
            "omega_squared",
            "eta_low",
            "eta_high",
        ],
    )
    table.insert(8, "p_adjusted", adjust_p(table["p_value"].to_numpy(), adjustment))
    return GroupDifferences(
        tests=table,
        groups=pd.DataFrame(groups, columns=[*head, "group", "n", "mean", "sd", "conf_low", "conf_high"]),
        pairs=pd.DataFrame(
            pairs,
            columns=[
                *head,
                "group",
                "other",
                "mean_difference",
                "conf_low",
                "conf_high",
                "p_value",
                "hedges_g",
                "g_low",
                "g_high",
            ],
        ),
        assumptions=pd.DataFrame(
            checks, columns=[*head, "p_variance", "skewness", "kurtosis", "p_normal", "smallest_group"]
        ),
        left_out=pd.DataFrame(small, columns=["background", "group", "n"]),
        recipe=Recipe(
            "group_comparison",
            {
                "adjustment": f"adjust_{adjustment}",
                "confidence": confidence,
                "smallest_group": _SMALLEST_GROUP,
                "missing": "pairwise",
            },
            "Delacre et al. (2019), https://doi.org/10.5334/irsp.198",
        ),
    )


def analyse_variance(parts: Sequence[np.ndarray]) -> dict[str, float]:
    """One-way analysis of variance, exact about a large common offset.

    Returns
    -------
    dict
        ss_between, ss_within, df_between, df_within, f, p_value, r_squared, residual_sd.

    Examples
    --------
    >>> round(analyse_variance([np.array([1.0, 2, 3]), np.array([2.0, 3, 4])])["f"], 3)
    1.5
    """
    everything = np.concatenate(parts)
    offset = math.fsum(everything) / len(everything)
    shifted = [np.asarray(part) - offset for part in parts]
    means = [math.fsum(part) / len(part) for part in shifted]
    grand = math.fsum(np.concatenate(shifted)) / len(everything)
    between = math.fsum(len(p) * (m - grand) ** 2 for p, m in zip(shifted, means, strict=True))
    within = math.fsum(math.fsum((p - m) ** 2) for p, m in zip(shifted, means, strict=True))
    df1, df2 = len(parts) - 1, len(everything) - len(parts)
    f = between / df1 / (within / df2) if within > 0 else math.inf
    return {
        "ss_between": between,
        "ss_within": within,
        "df_between": df1,
        "df_within": df2,
        "f": f,
        "p_value": float(stats.f.sf(f, df1, df2)),
        "r_squared": between / (between + within),
        "residual_sd": math.sqrt(within / df2),
    }


def _parts(data: pd.DataFrame, outcome: str, background: str) -> tuple[dict[str, np.ndarray], list[tuple[str, int]]]:
    used = data[[outcome, background]].dropna()
    if used[background].nunique() > _MOST_GROUPS:
        raise RefusedError(
            f"{background!r} has {used[background].nunique()} groups",
            where="group comparison",
            repair=f"Join them into {_MOST_GROUPS} or fewer.",
        )
    names = used[background].astype(str)
    values = used[outcome].astype("Float64").astype(float)
    whole = {name: values[names == name].to_numpy() for name in sorted(names.unique())}
    kept = {name: v for name, v in whole.items() if len(v) >= _SMALLEST_GROUP}
    if len(kept) < 2:
        raise RefusedError(
            f"{background!r} has {len(kept)} group(s) of {_SMALLEST_GROUP} or more respondents",
            where=f"comparison of {outcome}",
            repair="Leave the background out, or join its groups.",
        )
    flat = [name for name, v in kept.items() if np.ptp(v) == 0]
    if flat:
        raise RefusedError(
            f"every respondent of group {flat[0][:40]!r} has the same {outcome!r}",
            where=f"comparison by {background}",
            repair="Leave the group out; without spread no test exists.",
        )
    return kept, [(name, len(v)) for name, v in whole.items() if name not in kept]


def _test(parts: list[np.ndarray], confidence: float) -> tuple[float, ...]:
    k, n = len(parts), sum(map(len, parts))
    sizes, means = np.array([len(p) for p in parts]), np.array([p.mean() for p in parts])
    weight = sizes / np.array([p.var(ddof=1) for p in parts])
    grand = (weight * means).sum() / weight.sum()
    loss = ((1 - weight / weight.sum()) ** 2 / (sizes - 1)).sum()
    f = (weight * (means - grand) ** 2).sum() / (k - 1) / (1 + 2 * (k - 2) / (k**2 - 1) * loss)
    df2 = (k**2 - 1) / (3 * loss)
    table = analyse_variance(parts)
    mean_square = table["ss_within"] / table["df_within"]
    omega = (table["ss_between"] - (k - 1) * mean_square) / (table["ss_between"] + table["ss_within"] + mean_square)
    low, high = eta_interval(table["f"], k - 1, n - k, confidence)
    rank = stats.kruskal(*parts).pvalue
    return (
        k,
        n,
        f,
        k - 1,
        df2,
        stats.f.sf(f, k - 1, df2),
        table["f"],
        table["p_value"],
        rank,
        max(omega, 0.0),
        low,
        high,
    )


def eta_interval(f: float, df1: int, df2: int, confidence: float) -> tuple[float, float]:
    """Interval of eta squared from the noncentral F distribution.

    Examples
    --------
    >>> [round(v, 3) for v in eta_interval(4.0, 2, 60, 0.95)]
    [0.001, 0.26]
    """

    def bound(tail: float) -> float:
        return float(special.ncfdtrinc(df1, df2, tail, f)) if stats.f.cdf(f, df1, df2) > tail else 0.0

    total = df1 + df2 + 1
    low, high = bound((1 + confidence) / 2), bound((1 - confidence) / 2)
    return low / (low + total), high / (high + total)


def _mean(values: np.ndarray, confidence: float) -> tuple[float, ...]:
    half = stats.t.ppf((1 + confidence) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return len(values), values.mean(), values.std(ddof=1), values.mean() - half, values.mean() + half


def _games_howell(parts: dict[str, np.ndarray], a: str, b: str, confidence: float) -> tuple[float, ...]:
    x, y = parts[a], parts[b]
    u, v = x.var(ddof=1) / len(x), y.var(ddof=1) / len(y)
    df = (u + v) ** 2 / (u**2 / (len(x) - 1) + v**2 / (len(y) - 1))
    difference, k = x.mean() - y.mean(), len(parts)
    error = np.sqrt((u + v) / 2)
    critical = float(brentq(lambda q: range_tail(q, k, df) - (1 - confidence), 0.1, 500.0))
    p = range_tail(abs(difference) / error, k, df)
    g, low, high = hedges_g(x, y, confidence)
    return difference, difference - critical * error, difference + critical * error, p, g, low, high


def range_tail(q: float, k: int, df: float) -> float:
    """Upper tail of the studentized range of ``k`` means, by Gauss–Legendre quadrature (to some ten digits).

    Examples
    --------
    >>> round(range_tail(3.877, 3, 10), 4)
    0.05
    """
    if q <= 0:
        return 1.0
    nodes, weights = _NODES
    z, z_weight = 8.5 * nodes, 8.5 * weights
    spread = min(8.0 / math.sqrt(2 * df), 0.999) if df > 40 else None
    low, high = (1 - spread, 1 + spread) if spread else (0.0, 1 + 9.0 / math.sqrt(2 * df))
    s, s_weight = (high - low) / 2 * nodes + (high + low) / 2, (high - low) / 2 * weights
    log_density = (
        (df / 2) * math.log(df)
        - math.lgamma(df / 2)
        - (df / 2 - 1) * math.log(2)
        + (df - 1) * np.log(s)
        - df * s**2 / 2
    )
    normal = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    inside = special.ndtr(z) - special.ndtr(z - q * s[:, None])
    within = k * (normal * z_weight * inside ** (k - 1)).sum(axis=1)
    density = np.exp(log_density) * s_weight
    return float(min(1.0, max(0.0, 1 - (density * within).sum() / density.sum())))


def hedges_g(x: np.ndarray, y: np.ndarray, confidence: float) -> tuple[float, float, float]:
    """Standardised difference of two means with small-sample correction, and its interval (noncentral t).

    Examples
    --------
    >>> [round(float(v), 2) for v in hedges_g(np.array([2.0, 4, 6, 8]), np.array([1.0, 2, 3, 4]), 0.95)]
    [1.06, -0.31, 2.37]
    """
    n, m = len(x), len(y)
    df = n + m - 2
    pooled = np.sqrt(((n - 1) * x.var(ddof=1) + (m - 1) * y.var(ddof=1)) / df)
    d, scale = (x.mean() - y.mean()) / pooled, np.sqrt(1 / n + 1 / m)
    correction = math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)
    t = d / scale

    def bound(tail: float) -> float:
        return float(special.nctdtrinc(df, tail, t))

    low, high = bound((1 + confidence) / 2), bound((1 - confidence) / 2)
    return float(correction * d), correction * low * scale, correction * high * scale


def _assumptions(parts: list[np.ndarray]) -> tuple[float, ...]:
    residual = np.concatenate([p - p.mean() for p in parts])
    return (
        stats.levene(*parts, center="median").pvalue,
        float(stats.skew(residual)),
        float(stats.kurtosis(residual)),
        float(stats.jarque_bera(residual).pvalue),
        min(map(len, parts)),
    )
