"""Waves of a survey: what changed on average, and for those who answered twice."""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class WaveComparison:
    """Neighbouring waves, compared.

    Attributes
    ----------
    means : pd.DataFrame
        wave, construct, n, mean, sd, conf_low, conf_high.
    changes : pd.DataFrame, one row per pair of neighbouring waves, construct and design
        from_wave, to_wave, construct, design (``cross_section``: everybody, Welch; ``panel``: customers of both
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
        """How many changes are shown, and the surest."""
        size = round(1 - self.recipe.options["confidence"], 12)
        top = self.changes.sort_values("p_adjusted", kind="stable").iloc[0]
        return (
            Finding(
                "waves_differ" if top["p_adjusted"] < size else "waves_alike",
                {
                    "k": int((self.changes["p_adjusted"] < size).sum()),
                    "n_tests": len(self.changes),
                    "construct": top["construct"],
                    "from_wave": str(top["from_wave"]),
                    "to_wave": str(top["to_wave"]),
                    "difference": float(top["mean_difference"]),
                    "low": float(top["conf_low"]),
                    "high": float(top["conf_high"]),
                    "confidence": self.recipe.options["confidence"],
                },
            ),
        )


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
        respondent_id, wave and, for the panel, customer_id.
    adjustment : {"holm", "bh", "none"}
    confidence : float

    Raises
    ------
    RefusedError
        There is no wave column, fewer than two waves of five respondents, or a construct does not vary.

    Notes
    -----
    Waves are taken in the order of their names. Two cross-sections of different people differ in who
    answered as well as in what they think; only the panel speaks of change, and only of those who stayed.

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
    columns = ["wave", "customer_id"] if "customer_id" in survey else ["wave"]
    table = scores.join(survey.set_index("respondent_id")[columns], how="left").dropna(subset=["wave"])
    sizes = table["wave"].value_counts()
    waves = sorted(sizes[sizes >= _FEWEST].index, key=str)
    if len(waves) < 2:
        raise RefusedError(
            f"{len(waves)} wave(s) of {_FEWEST} or more respondents", where="waves", repair="A change needs two."
        )
    means, changes, stability = [], [], []
    t = lambda n: stats.t.ppf((1 + confidence) / 2, n - 1)  # noqa: E731
    for construct in scores.columns:
        if table[construct].nunique() < 2:
            raise RefusedError(f"{construct!r} does not vary", where="waves", repair="Leave it out.")
        for wave in waves:
            v = table.loc[table["wave"] == wave, construct].dropna()
            half = t(len(v)) * v.std() / np.sqrt(len(v))
            means.append((wave, construct, len(v), v.mean(), v.std(), v.mean() - half, v.mean() + half))
        for a, b in pairwise(waves):
            x, y = (table.loc[table["wave"] == w, construct].dropna().to_numpy() for w in (a, b))
            found = stats.ttest_ind(y, x, equal_var=False)
            low, high = found.confidence_interval(confidence)
            changes.append(
                (a, b, construct, "cross_section", len(x) + len(y), y.mean() - x.mean(), low, high, found.pvalue)
            )
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
            "Welch (1947), https://doi.org/10.1093/biomet/34.1-2.28",
        ),
    )


def _panel(table: pd.DataFrame, construct: str, a: object, b: object) -> np.ndarray:
    known = table.dropna(subset=["customer_id", construct])
    wide = known.pivot_table(index="customer_id", columns="wave", values=construct, aggfunc="mean")
    return wide[[a, b]].dropna().to_numpy(float)


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
