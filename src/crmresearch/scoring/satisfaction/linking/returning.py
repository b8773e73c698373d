"""Who answered each wave of a survey, who answered again, and whether the two differed before."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import stats

from crmresearch.case import Instrument
from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.satisfaction.linking.waves import WaveComparison, order_waves
from crmresearch.scoring.satisfaction.multiplicity import Adjustment, adjust_p
from crmresearch.scoring.satisfaction.screening import choose_sheets
from crmresearch.scoring.shares import wilson

_FEWEST = 5


@dataclass(frozen=True, slots=True)
class WaveSheets:
    """The answer sheets of every wave, screened wave by wave.

    Attributes
    ----------
    waves : pd.DataFrame
        wave, first_day, last_day, n_sheets, n_set_aside, n_careful, n_customers, n_answered_before (customers
        of the careful sheets; NaN where the survey names no customer, or before the first wave).
    kept : pd.DataFrame
        The sheets that are compared, as they came.
    recipe : Recipe
    """

    waves: pd.DataFrame
    kept: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Sheets by wave."""
        return (Exhibit("wave_sheets", self.waves, notes=("wave_sheets_rule",)),)

    def findings(self) -> tuple[Finding, ...]:
        """How many waves, from when to when, and how many sheets are compared."""
        if self.waves[["first_day", "last_day"]].isna().to_numpy().any():
            return ()
        return (
            Finding(
                "waves_asked",
                {
                    "n_waves": len(self.waves),
                    "first": self.waves["first_day"].min().date(),
                    "last": self.waves["last_day"].max().date(),
                    "n_sheets": int(self.waves["n_sheets"].sum()),
                    "n_careful": int(self.waves["n_careful"].sum()),
                },
            ),
        )


def screen_waves(survey: pd.DataFrame, instrument: Instrument, *, careful_only: bool = True) -> WaveSheets:
    """Screen every wave by itself, and count who answered.

    Parameters
    ----------
    survey : pd.DataFrame
        respondent_id, wave, the items; where known customer_id, submitted and what the screening reads.
    instrument : Instrument
    careful_only : bool
        Set aside the sheets that break a rule of the instrument's screening; else all are kept.

    Raises
    ------
    RefusedError
        The survey has no waves, or a wave cannot be screened.

    Examples
    --------
    >>> instrument = Instrument.model_validate({
    ...     "scale": {"low": 1, "high": 5},
    ...     "constructs": {"calm": {"title": {"en": "Calm", "zh": "平静"}, "items": ["a"]}},
    ...     "items": {"a": {"en": "I am calm"}}})
    >>> survey = pd.DataFrame({"respondent_id": ["r1", "r2", "r3"], "customer_id": ["c1", "c1", "c2"],
    ...                        "wave": ["2023", "2024", "2024"], "a": [4, 3, 5]})
    >>> screen_waves(survey, instrument, careful_only=False).waves["n_answered_before"].tolist()
    [nan, 1.0]
    """
    waves = order_waves(survey)
    if not waves:
        raise RefusedError("the survey has no wave", where="waves", repair="Map the wave under 'files' in case.yaml.")
    rows, kept, before = [], [], None
    for wave in waves:
        sheets = survey[survey["wave"].eq(wave).fillna(False)]
        careful = choose_sheets(sheets, instrument, careful_only=careful_only)
        days = pd.to_datetime(sheets["submitted"] if "submitted" in sheets else pd.Series(pd.NaT, index=sheets.index))
        customers = set(careful["customer_id"].dropna()) if "customer_id" in careful else None
        again = np.nan if before is None or customers is None else float(len(customers & before))
        known = np.nan if customers is None else float(len(customers))
        n = len(sheets)
        rows.append((wave, days.min(), days.max(), n, n - len(careful), len(careful), known, again))
        kept.append(careful)
        before = customers
    columns = ["wave", "first_day", "last_day", "n_sheets", "n_set_aside", "n_careful", "n_customers"]
    return WaveSheets(
        waves=pd.DataFrame(rows, columns=[*columns, "n_answered_before"]),
        kept=pd.concat(kept, ignore_index=True),
        recipe=Recipe("wave_sheets", {"n_waves": len(waves), "careful_only": careful_only}),
    )


@dataclass(frozen=True, slots=True)
class Returning:
    """Customers of a wave who answered the next one too, beside those who did not.

    Attributes
    ----------
    differences : pd.DataFrame, one row per pair of neighbouring waves and construct
        from_wave, to_wave, construct, n_again, mean_again, n_once, mean_once, mean_difference, conf_low,
        conf_high, p_value, p_adjusted; all of them scores of the first wave.
    shares : pd.DataFrame, one row per pair
        from_wave, to_wave, n (customers of the first wave), share (who answered again), conf_low, conf_high.
    recipe : Recipe
    """

    differences: pd.DataFrame
    shares: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The comparison."""
        return (Exhibit("wave_returning", self.differences, notes=("wave_returning_rule", "adjusted_p")),)

    def findings(self) -> tuple[Finding, ...]:
        """Share of each wave that answered again, and what those customers had differed in."""
        size = round(1 - self.recipe.options["confidence"], 12)
        found = []
        for row in self.shares.itertuples():
            of_pair = self.differences[
                (self.differences["from_wave"] == row.from_wave) & (self.differences["to_wave"] == row.to_wave)
            ]
            shown = of_pair.loc[of_pair["p_adjusted"] < size, "construct"].tolist()
            values = {
                "n": row.n,
                "from_wave": str(row.from_wave),
                "to_wave": str(row.to_wave),
                "share": row.share,
                "low": row.conf_low,
                "high": row.conf_high,
                "confidence": self.recipe.options["confidence"],
            }
            found.append(
                Finding("returning_differ", {**values, "constructs": shown})
                if shown
                else Finding("returning_alike", values)
            )
        return tuple(found)


def compare_returning(
    scores: pd.DataFrame, survey: pd.DataFrame, *, adjustment: Adjustment = "holm", confidence: float = 0.95
) -> Returning:
    """Compare, in the wave before, customers who answered again with those who did not, by Welch's test.

    Parameters
    ----------
    scores : pd.DataFrame
        One row per respondent, indexed by respondent_id.
    survey : pd.DataFrame
        respondent_id, customer_id, wave; submitted where known.
    adjustment : {"holm", "bh", "none"}
    confidence : float

    Raises
    ------
    RefusedError
        No wave or customer is known, or no two neighbouring waves have five customers of either kind.

    Notes
    -----
    Respondents of a customer are averaged. Those who did not answer again were not asked again, had left, or
    kept silent; the survey alone does not tell which.

    Examples
    --------
    >>> survey = pd.DataFrame({"respondent_id": range(20), "customer_id": [*range(12), *range(6), 20, 21],
    ...                        "wave": ["2023"] * 12 + ["2024"] * 8})
    >>> scores = pd.DataFrame({"trust": [5.0, 6.0] * 3 + [3.0, 4.0] * 3 + [5.0] * 8}, index=range(20))
    >>> found = compare_returning(scores, survey)
    >>> found.shares[["n", "share"]].values.tolist(), found.differences["mean_difference"].tolist()
    ([[12.0, 0.5]], [2.0])
    """
    waves = order_waves(survey)
    if len(waves) < 2:
        raise RefusedError("the survey has one wave", where="waves", repair="A change needs two.")
    if "customer_id" not in survey:
        raise RefusedError(
            "the survey names no customer", where="waves", repair="Map the customer under 'files' in case.yaml."
        )
    table = scores.join(survey.set_index("respondent_id")[["wave", "customer_id"]], how="left")
    means = table.dropna(subset=["wave", "customer_id"]).groupby(["wave", "customer_id"])[list(scores.columns)].mean()
    rows, shares = [], []
    for a, b in pairwise(waves):
        if not {a, b} <= set(means.index.get_level_values(0)):
            continue
        first, later = means.loc[a], means.loc[b]
        again = first.index.isin(later.index)
        shares.append((a, b, len(first), *map(float, wilson(int(again.sum()), len(first), confidence))))
        for construct in scores.columns:
            x, y = (first.loc[which, construct].dropna().to_numpy(float) for which in (again, ~again))
            if min(len(x), len(y)) < _FEWEST or np.ptp(x) + np.ptp(y) == 0:
                continue
            found = stats.ttest_ind(x, y, equal_var=False)
            low, high = found.confidence_interval(confidence)
            difference = x.mean() - y.mean()
            rows.append((a, b, construct, len(x), x.mean(), len(y), y.mean(), difference, low, high, found.pvalue))
    if not rows:
        raise RefusedError(
            f"no wave has {_FEWEST} customers who answered again and {_FEWEST} who did not",
            where="waves",
            repair="Read the comparison of everybody.",
        )
    columns = ["from_wave", "to_wave", "construct", "n_again", "mean_again", "n_once", "mean_once"]
    columns += ["mean_difference", "conf_low", "conf_high", "p_value"]
    differences = pd.DataFrame(rows, columns=columns)
    differences["p_adjusted"] = adjust_p(differences["p_value"].to_numpy(), adjustment)
    return Returning(
        differences=differences,
        shares=pd.DataFrame(shares, columns=["from_wave", "to_wave", "n", "share", "conf_low", "conf_high"]),
        recipe=Recipe(
            "wave_returning",
            {"n_waves": len(waves), "adjustment": f"adjust_{adjustment}", "confidence": confidence},
            "Welch (1947), https://doi.org/10.1093/biomet/34.1-2.28",
        ),
    )


@dataclass(frozen=True, slots=True)
class WaveTruth:
    """Estimated changes beside the true ones of a simulated case; nothing where no truth is known.

    Attributes
    ----------
    changes : pd.DataFrame
        construct, design, declared_rise (latent units), true_change (points of the scale), mean_difference,
        conf_low, conf_high, inside.
    recipe : Recipe
    """

    changes: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The two side by side."""
        return (Exhibit("wave_truth", self.changes, notes=("wave_truth_rule",)),) if len(self.changes) else ()

    def findings(self) -> tuple[Finding, ...]:
        """How many intervals hold the truth."""
        if self.changes.empty:
            return ()
        options = self.recipe.options
        k = int(self.changes["inside"].sum())
        return (Finding("wave_truth", {"k": k, "n": len(self.changes), "confidence": options["confidence"]}),)


def compare_changes_with_truth(compared: WaveComparison, known: pd.DataFrame | None) -> WaveTruth:
    """Set estimated changes of two waves beside those that are true of a simulated case.

    Parameters
    ----------
    compared : WaveComparison
    known : pd.DataFrame | None
        construct, declared, panel, cross_section, as the simulation writes them; None outside simulated cases.

    Raises
    ------
    RefusedError
        None of the constructs is among the known ones, or more than two waves are compared.
    """
    recipe = Recipe("wave_truth", {"confidence": compared.recipe.options["confidence"]})
    if known is None:
        return WaveTruth(pd.DataFrame(), recipe)
    if len(compared.changes[["from_wave", "to_wave"]].drop_duplicates()) > 1:
        raise RefusedError("the truth is known of one change only", where="truth", repair="Leave the parameter empty.")
    true = known.melt(["construct", "declared"], ["cross_section", "panel"], "design", "true_change")
    both = compared.changes.merge(true, on=["construct", "design"]).rename(columns={"declared": "declared_rise"})
    if both.empty:
        raise RefusedError(
            "no construct is among those whose change is known", where="truth", repair="Leave the parameter empty."
        )
    both["inside"] = (both["conf_low"] <= both["true_change"]) & (both["true_change"] <= both["conf_high"])
    order = ["construct", "design", "declared_rise", "true_change", "mean_difference", "conf_low", "conf_high"]
    return WaveTruth(both[[*order, "inside"]], recipe)
