"""Waves of a survey: what changed on average, and for those who answered twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import stats

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.satisfaction.correlations import fisher_interval
from crmresearch.scoring.satisfaction.multiplicity import Adjustment, adjust_p

_FEWEST = 5
_WELCH = "Welch (1947), https://doi.org/10.1093/biomet/34.1-2.28"


@dataclass(frozen=True, slots=True)
class WaveComparison:
    """Neighbouring waves, compared.

    Attributes
    ----------
    means : pd.DataFrame
        wave, construct, n, mean, sd, conf_low, conf_high.
    changes : pd.DataFrame, one row per pair of neighbouring waves, construct and design
        from_wave, to_wave, construct, design (``cross_section``: everybody; ``panel``: customers of both
        waves, paired), n, mean_difference, conf_low, conf_high, p_value, p_adjusted.
    stability : pd.DataFrame
        from_wave, to_wave, construct, n, correlation, conf_low, conf_high, icc (absolute agreement, single).
    recipe : Recipe
    """

    means: pd.DataFrame
    changes: pd.DataFrame
    stability: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Means, changes, stability."""
        shown = [
            Exhibit("wave_means", self.means),
            Exhibit("wave_changes", self.changes, notes=("wave_rule", "adjusted_p")),
        ]
        if len(self.stability):
            shown.append(Exhibit("wave_stability", self.stability))
        return tuple(shown)

    def findings(self) -> tuple[Finding, ...]:
        """How many changes are shown, the surest, and what rose and fell for the customers of both waves."""
        size = round(1 - self.recipe.options["confidence"], 12)
        top = self.changes.sort_values(["p_adjusted", "p_value"], kind="stable").iloc[0]
        return (
            Finding(
                "waves_differ" if top["p_adjusted"] < size else "waves_alike",
                {
                    "k": int((self.changes["p_adjusted"] < size).sum()),
                    "n_tests": len(self.changes),
                    "construct": top["construct"],
                    "design": top["design"],
                    "from_wave": str(top["from_wave"]),
                    "to_wave": str(top["to_wave"]),
                    "difference": float(top["mean_difference"]),
                    "low": float(top["conf_low"]),
                    "high": float(top["conf_high"]),
                    "confidence": self.recipe.options["confidence"],
                },
            ),
            *self._of_the_panel(size),
        )

    def _of_the_panel(self, size: float) -> Iterator[Finding]:
        panel = self.changes[self.changes["design"] == "panel"]
        for (a, b), changes in panel.groupby(["from_wave", "to_wave"], sort=False):
            shown, rose = changes["p_adjusted"] < size, changes["mean_difference"] > 0
            for key, which in (("panel_rose", shown & rose), ("panel_fell", shown & ~rose), ("panel_open", ~shown)):
                if which.any():
                    named = changes.loc[which, "construct"].tolist()
                    yield Finding(
                        key, {"constructs": named, "from_wave": str(a), "to_wave": str(b), "n": int(changes["n"].max())}
                    )


def order_waves(survey: pd.DataFrame) -> list[str]:
    """The waves of a survey, the earliest first: by the first day answered, or by name where a wave has no day.

    Parameters
    ----------
    survey : pd.DataFrame
        wave and, where known, submitted.

    Examples
    --------
    >>> days = pd.to_datetime(["2024-06-01", "2023-06-01", "2025-06-01"])
    >>> order_waves(pd.DataFrame({"wave": ["second", "first", "third"], "submitted": days}))
    ['first', 'second', 'third']
    >>> order_waves(pd.DataFrame({"wave": ["b", "a", None]}))
    ['a', 'b']
    """
    named = survey.dropna(subset=["wave"]) if "wave" in survey else survey.iloc[:0].assign(wave="")
    waves = sorted(named["wave"].unique(), key=str)
    if "submitted" not in named or not waves:
        return waves
    first = named.groupby("wave")["submitted"].min().reindex(waves)
    return waves if first.isna().any() else first.sort_values(kind="stable").index.tolist()


def compare_waves(
    scores: pd.DataFrame,
    survey: pd.DataFrame,
    *,
    adjustment: Adjustment = "holm",
    confidence: float = 0.95,
) -> WaveComparison:
    """Compare neighbouring waves by all who answered and by customers who answered in both.

    Parameters
    ----------
    scores : pd.DataFrame
        One row per respondent, indexed by respondent_id.
    survey : pd.DataFrame
        respondent_id, wave and, where known, customer_id (for the panel) and submitted (for the order of waves).
    adjustment : {"holm", "bh", "none"}
    confidence : float

    Raises
    ------
    RefusedError
        There is no wave column, fewer than two waves of five respondents, or a construct does not vary.

    Notes
    -----
    Waves follow one another as :func:`order_waves` says. Two cross-sections of different people differ in who
    answered as well as in what they think; only the panel speaks of change, and only of those who stayed.

    Everybody is compared by Welch's test with the variance of customers rather than of respondents: what the
    respondents of one customer add to the difference is summed before it is squared (Liang and Zeger 1986), so
    that neither several respondents of a customer nor customers of both waves count as independent. Where
    every respondent stands for himself it is Welch's test itself. In the panel a customer is the mean of its
    respondents, and the difference of its two means is one observation.

    References
    ----------
    Liang, K.-Y. & Zeger, S. L. (1986). Longitudinal data analysis using generalized linear models.
    Biometrika 73, 13–22. https://doi.org/10.1093/biomet/73.1.13

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> survey = pd.DataFrame({"respondent_id": range(200), "customer_id": [i % 100 for i in range(200)],
    ...                        "wave": ["2023"] * 100 + ["2024"] * 100})
    >>> scores = pd.DataFrame({"satisfaction": rng.normal(4, 1, 200)}, index=range(200))
    >>> scores.iloc[100:] = scores.iloc[:100].to_numpy() + 0.5 + rng.normal(0, 0.2, (100, 1))
    >>> compare_waves(scores, survey).changes["mean_difference"].round(1).tolist()
    [0.5, 0.5]
    """
    if "wave" not in survey or survey["wave"].notna().sum() == 0:
        raise RefusedError("the survey has no wave", where="waves", repair="Map the wave under 'files' in case.yaml.")
    known = [c for c in ("wave", "customer_id", "submitted") if c in survey]
    table = scores.join(survey.set_index("respondent_id")[known], how="left").dropna(subset=["wave"]).sort_index()
    sizes = table["wave"].value_counts()
    waves = [wave for wave in order_waves(table) if sizes[wave] >= _FEWEST]
    if len(waves) < 2:
        raise RefusedError(
            f"{len(waves)} wave(s) of {_FEWEST} or more respondents", where="waves", repair="A change needs two."
        )
    customer = table.get("customer_id", pd.Series(pd.NA, index=table.index, dtype="str"))
    table["_of"] = customer.where(customer.notna(), [f"\0{i}" for i in range(len(table))])
    means, changes, stability = [], [], []
    for construct in scores.columns:
        if table[construct].nunique() < 2:
            raise RefusedError(f"{construct!r} does not vary", where="waves", repair="Leave it out.")
        heard = {wave: _Wave.of(table[table["wave"] == wave].dropna(subset=[construct]), construct) for wave in waves}
        for wave, v in heard.items():
            means.append((wave, construct, v.n, v.mean, v.sd, *v.interval(confidence)))
        for a, b in pairwise(waves):
            if min(heard[a].n, heard[b].n) < _FEWEST:
                continue
            everybody = heard[b].less(heard[a])
            low, high = everybody.interval(confidence)
            n = heard[a].n + heard[b].n
            changes.append((a, b, construct, "cross_section", n, everybody.mean, low, high, everybody.p_value))
            both = _panel(table, construct, a, b) if "customer_id" in table else np.empty((0, 2))
            if len(both) >= _FEWEST and np.ptp(both[:, 1] - both[:, 0]) > 0:
                paired = stats.ttest_rel(both[:, 1], both[:, 0])
                low, high = paired.confidence_interval(confidence)
                moved = both[:, 1].mean() - both[:, 0].mean()
                changes.append((a, b, construct, "panel", len(both), moved, low, high, paired.pvalue))
                r = float(np.corrcoef(both.T)[0, 1])
                stability.append(
                    (a, b, construct, len(both), r, *fisher_interval(r, len(both), confidence), agreement(both))
                )
    head = ["from_wave", "to_wave", "construct"]
    change = pd.DataFrame(
        changes, columns=[*head, "design", "n", "mean_difference", "conf_low", "conf_high", "p_value"]
    )
    change["p_adjusted"] = adjust_p(change["p_value"].to_numpy(), adjustment)
    return WaveComparison(
        means=pd.DataFrame(means, columns=["wave", "construct", "n", "mean", "sd", "conf_low", "conf_high"]),
        changes=change,
        stability=pd.DataFrame(stability, columns=[*head, "n", "correlation", "conf_low", "conf_high", "icc"]),
        recipe=Recipe(
            "wave_comparison",
            {"n_waves": len(waves), "adjustment": f"adjust_{adjustment}", "confidence": confidence},
            _WELCH,
        ),
    )


@dataclass(frozen=True, slots=True)
class _Estimate:
    """A mean or a difference of means, with its standard error and degrees of freedom."""

    mean: float
    std_error: float
    freedom: float

    def interval(self, confidence: float) -> tuple[float, float]:
        half = stats.t.ppf((1 + confidence) / 2, self.freedom) * self.std_error if self.freedom > 0 else np.nan
        return self.mean - half, self.mean + half

    @property
    def p_value(self) -> float:
        if self.std_error == 0:
            return float(self.mean == 0)
        return float(2 * stats.t.sf(abs(self.mean) / self.std_error, self.freedom))


@dataclass(frozen=True, slots=True)
class _Wave(_Estimate):
    """The mean of a wave, and what each customer's respondents add to it."""

    n: int
    sd: float
    sums: pd.Series

    @classmethod
    def of(cls, sheets: pd.DataFrame, construct: str) -> _Wave:
        v, n = sheets[construct], len(sheets)
        sums = ((v - v.mean()) / np.sqrt(n * max(n - 1, 1))).groupby(sheets["_of"]).sum()
        return cls(v.mean(), float(np.sqrt((sums**2).sum())), len(sums) - 1, n, v.std(), sums)

    def less(self, other: _Wave) -> _Estimate:
        """Return this mean less another's, by Welch, customers of both waves taken together."""
        together = self.sums.sub(other.sums, fill_value=0.0)
        squares = [w.std_error**2 for w in (self, other)]
        parts = sum(s**2 / max(w.freedom, 1) for s, w in zip(squares, (self, other), strict=True))
        freedom = sum(squares) ** 2 / parts if parts else min(self.freedom, other.freedom)
        return _Estimate(self.mean - other.mean, float(np.sqrt((together**2).sum())), freedom)


def _panel(table: pd.DataFrame, construct: str, a: object, b: object) -> np.ndarray:
    known = table.dropna(subset=["customer_id", construct])
    wide = known.pivot_table(index="customer_id", columns="wave", values=construct, aggfunc="mean")
    return wide.reindex(columns=[a, b]).dropna().to_numpy(float)


def agreement(both: np.ndarray) -> float:
    """ICC(2,1), absolute agreement of two columns (Shrout & Fleiss 1979, https://doi.org/10.1037/0033-2909.86.2.420).

    Examples
    --------
    >>> round(agreement(np.array([[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]])), 3)
    1.0
    """
    n, k = both.shape
    grand, rows, columns = both.mean(), both.mean(axis=1), both.mean(axis=0)
    between_rows = k * ((rows - grand) ** 2).sum() / (n - 1)
    between_columns = n * ((columns - grand) ** 2).sum() / (k - 1)
    left = ((both - rows[:, None] - columns + grand) ** 2).sum() / ((n - 1) * (k - 1))
    total = between_rows + (k - 1) * left + k * (between_columns - left) / n
    return float((between_rows - left) / total)
