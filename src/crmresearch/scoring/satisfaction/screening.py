"""Careless answer sheets: found by rules declared beforehand, in a fixed order, with results with and without."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from crmresearch.case import Instrument
from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.satisfaction.instrument import orient_items

RULES = ("repeated_sheet", "too_fast", "instructed_item", "long_string", "inconsistent", "outlier")
"""In the order in which they are applied; a sheet is set aside by the first that it breaks."""
_EVALUABLE = 0.9  # share of respondents an item needs to count in the outlier rule
_LEAST_CONSTRUCTS = 2


@dataclass(frozen=True, slots=True)
class Screening:
    """Which answer sheets were set aside, why, and what difference it makes.

    Attributes
    ----------
    rules : pd.DataFrame, shape (6, 6)
        rule, threshold, n_evaluated, n_breaking (whatever the rules before say), n_set_aside (by this rule
        first), n_left.
    excluded : pd.DataFrame, shape (n_excluded, 4)
        respondent_id, rule (the first it broke), measured, n_rules_broken.
    measures : pd.DataFrame, shape (n_respondents, 12)
        Indexed by respondent_id: the measure of each rule (named by it) and whether it is broken
        (``<rule>_broken``).
    comparison : pd.DataFrame, shape (n_constructs, 8)
        construct, n_all, mean_all, alpha_all, n_kept, mean_kept, alpha_kept, mean_shift (kept less all, in
        standard deviations of all). Alpha is missing where it cannot be given.
    kept : pd.DataFrame, shape (n_kept, …)
        The survey without the sheets set aside.
    recipe : Recipe
    """

    rules: pd.DataFrame
    excluded: pd.DataFrame
    measures: pd.DataFrame
    comparison: pd.DataFrame
    kept: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Rules with their counts, results with and without, every sheet set aside."""
        shown = [
            Exhibit("screening_rules", self.rules, notes=("screening_order", "screening_thresholds")),
            Exhibit("screening_comparison", self.comparison, notes=("screening_shift",)),
        ]
        if len(self.excluded):
            shown.append(Exhibit("screening_excluded", self.excluded, rows_shown=40))
        return tuple(shown)

    def findings(self) -> tuple[Finding, ...]:
        """How many were set aside, and the largest shift of a mean."""
        at = self.comparison["mean_shift"].abs()
        top = self.comparison.loc[at.idxmax()] if at.notna().any() else None
        return (
            Finding(
                "screening",
                {
                    "n": len(self.measures),
                    "n_excluded": len(self.excluded),
                    "share": len(self.excluded) / len(self.measures),
                    "construct": "" if top is None else top["construct"],
                    "shift": 0.0 if top is None else float(top["mean_shift"]),
                },
            ),
        )


def choose_sheets(survey: pd.DataFrame, instrument: Instrument, *, careful_only: bool) -> pd.DataFrame:
    """The survey as it came, or without the sheets that :func:`screen_respondents` sets aside."""
    return screen_respondents(survey, instrument).kept if careful_only else survey


def screen_respondents(survey: pd.DataFrame, instrument: Instrument) -> Screening:
    """Set careless answer sheets aside by the rules the instrument declares.

    Parameters
    ----------
    survey : pd.DataFrame
        respondent_id, the items, and where there are any: customer_id, duration_seconds and the
        instructed items.
    instrument : Instrument
        Items in the order of the form, instructed items, thresholds (``instrument.screening``).

    Returns
    -------
    Screening

    Raises
    ------
    RefusedError
        As :func:`~crmresearch.scoring.satisfaction.instrument.orient_items`; an instructed item's column
        is missing; or all sheets break a rule.

    Notes
    -----
    The rules, in their order:

    - *repeated_sheet*: the same answers to every item as an earlier sheet of the same customer.
    - *too_fast*: seconds per item answered below the threshold.
    - *instructed_item*: an instructed item answered otherwise than told.
    - *long_string*: a run of one answer, as it was ticked, over more than the allowed share of the items.
    - *inconsistent*: the variance of the respondent's answers within constructs, over the (K² − 1)/12 that K
      points ticked at random have, above the threshold; needs two constructs of two answers.
    - *outlier*: squared Mahalanobis distance among the sheets left, items nine in ten answered.

    A rule whose column or whose items are not there evaluates nobody, and the table says so.

    References
    ----------
    Curran, P. G. (2016). Methods for the detection of carelessly invalid responses in survey data. Journal
    of Experimental Social Psychology 66, 4–19. https://doi.org/10.1016/j.jesp.2015.07.006

    Marjanovic, Z. et al. (2015). The inter-item standard deviation (ISD): an index that discriminates between
    conscientious and random responders. Personality and Individual Differences 84, 79–83.
    https://doi.org/10.1016/j.paid.2014.08.021

    Huang, J. L. et al. (2012). Detecting and deterring insufficient effort responding to surveys. Journal of
    Business and Psychology 27, 99–114. https://doi.org/10.1007/s10869-011-9231-8
    """
    items = orient_items(survey, instrument)
    sheets = survey.set_index("respondent_id").loc[items.index]
    limits = instrument.screening
    measures = pd.DataFrame(
        {
            "repeated_sheet": _repeats(sheets, items),
            "too_fast": _seconds_per_item(sheets, items),
            "instructed_item": _wrong_instructed(sheets, instrument),
            "long_string": _longest_run(_as_ticked(items, instrument)),
            "inconsistent": _item_spread(items, instrument),
        },
        index=items.index,
    )
    broken = pd.DataFrame(
        {
            "repeated_sheet": measures["repeated_sheet"] > 0,
            "too_fast": measures["too_fast"] < limits.min_seconds_per_item,
            "instructed_item": measures["instructed_item"] > 0,
            "long_string": measures["long_string"] > limits.longest_run,
            "inconsistent": measures["inconsistent"] > limits.max_item_spread,
        }
    )
    measures["outlier"] = _outlier_p(items, ~broken.any(axis=1))
    broken["outlier"] = measures["outlier"] < limits.outlier_p
    thresholds = (0, limits.min_seconds_per_item, 0, limits.longest_run, limits.max_item_spread, limits.outlier_p)
    first = broken.idxmax(axis=1).where(broken.any(axis=1))
    set_aside = first.value_counts().reindex(list(RULES), fill_value=0)
    rules = pd.DataFrame(
        {
            "rule": list(RULES),
            "threshold": np.array(thresholds, dtype=float),
            "n_evaluated": measures[list(RULES)].notna().sum().to_numpy(),
            "n_breaking": broken.sum().to_numpy(),
            "n_set_aside": set_aside.to_numpy(),
            "n_left": len(items) - set_aside.cumsum().to_numpy(),
        }
    )
    if rules["n_left"].iloc[-1] == 0:
        raise RefusedError(
            "every answer sheet breaks a rule of the screening",
            where="survey",
            repair="Check the unit of duration_seconds, the instructed items, and 'screening' in case.yaml.",
        )
    out = first[first.notna()]
    excluded = pd.DataFrame(
        {
            "respondent_id": out.index,
            "rule": out.to_numpy(),
            "measured": [measures.at[person, rule] for person, rule in out.items()],
            "n_rules_broken": broken.loc[out.index].sum(axis=1).to_numpy(),
        }
    ).sort_values(["rule", "respondent_id"], key=_in_order, kind="stable", ignore_index=True)
    return Screening(
        rules=rules,
        excluded=excluded,
        measures=measures[list(RULES)].join(broken.add_suffix("_broken")),
        comparison=_compare(items, first.isna(), instrument),
        kept=survey[~survey["respondent_id"].isin(out.index)].reset_index(drop=True),
        recipe=Recipe(
            "screening",
            {"n_items": len(instrument.items), "declared_in": "case_file", "order_of_rules": list(RULES)},
            "Curran (2016), https://doi.org/10.1016/j.jesp.2015.07.006",
        ),
    )


def _in_order(column: pd.Series) -> pd.Series:
    return column.map({rule: i for i, rule in enumerate(RULES)}) if column.name == "rule" else column


def _as_ticked(items: pd.DataFrame, instrument: Instrument) -> pd.DataFrame:
    reverse = [name for name, item in instrument.items.items() if item.reverse]
    ticked = items.copy()
    ticked[reverse] = (instrument.scale.high + instrument.scale.low) - ticked[reverse]
    return ticked


def _repeats(sheets: pd.DataFrame, items: pd.DataFrame) -> pd.Series:
    """1 where an earlier sheet (by day, then id) of the customer has the same answers; NaN without a customer."""
    customer = sheets["customer_id"] if "customer_id" in sheets else pd.Series(pd.NA, index=sheets.index)
    submitted = sheets["submitted"] if "submitted" in sheets else pd.Series(pd.NaT, index=sheets.index)
    known = items.assign(_customer=customer, _day=submitted)[customer.notna().to_numpy()]
    ordered = known.sort_values("_day", kind="stable", na_position="last").drop(columns="_day")
    return ordered.duplicated().astype(float).reindex(items.index)


def _seconds_per_item(sheets: pd.DataFrame, items: pd.DataFrame) -> pd.Series:
    if "duration_seconds" not in sheets:
        return pd.Series(np.nan, index=items.index)
    answered = items.notna().sum(axis=1)
    return sheets["duration_seconds"].astype("Float64").astype(float) / answered.where(answered > 0)


def _wrong_instructed(sheets: pd.DataFrame, instrument: Instrument) -> pd.Series:
    """Number of instructed items answered otherwise; one left open counts as not followed."""
    wrong = pd.Series(np.nan if not instrument.instructed else 0.0, index=sheets.index)
    for column, told in instrument.instructed.items():
        if column not in sheets:
            raise RefusedError(
                f"no column {column!r}, which the instrument calls an instructed item",
                where="survey",
                repair="Map it under 'files' in case.yaml, or take it out of 'instructed'.",
            )
        wrong += (sheets[column].astype("Float64").astype(float) != told).to_numpy()
    return wrong


def _longest_run(ticked: pd.DataFrame) -> pd.Series:
    """Longest run of one answer as a share of the items answered; open items are passed over."""
    x, answered = ticked.to_numpy(), ticked.notna().sum(axis=1).to_numpy()
    run, longest, last = np.zeros(len(x)), np.zeros(len(x)), np.full(len(x), np.nan)
    for column in x.T:
        seen = ~np.isnan(column)
        run = np.where(seen, np.where(column == last, run + 1, 1), run)
        longest, last = np.maximum(longest, run), np.where(seen, column, last)
    share = np.where(answered > 1, longest / np.maximum(answered, 1), np.nan)
    return pd.Series(share, index=ticked.index)


def _item_spread(items: pd.DataFrame, instrument: Instrument) -> pd.Series:
    """Variance within constructs over that of ticks at random; NaN without two constructs of two answers."""
    total, freedom, used = 0.0, 0.0, 0.0
    for construct in instrument.constructs.values():
        answers = items[list(construct.items)]
        count = answers.notna().sum(axis=1)
        squares = answers.sub(answers.mean(axis=1), axis=0).pow(2).sum(axis=1)
        total, freedom, used = total + squares, freedom + (count - 1).clip(lower=0), used + (count > 1)
    points = instrument.scale.high - instrument.scale.low + 1
    at_random = (points**2 - 1) / 12
    return (total / freedom.where((used >= _LEAST_CONSTRUCTS) & (freedom > 0)) / at_random).reindex(items.index)


def _outlier_p(items: pd.DataFrame, careful: pd.Series) -> pd.Series:
    """Chance of each sheet's Mahalanobis distance from the sheets that break no earlier rule."""
    used = items.loc[:, (items.notna().mean() >= _EVALUABLE) & (items.loc[careful].nunique() > 1)]
    complete = used.dropna()
    base = complete[careful.loc[complete.index]].to_numpy()
    empty = pd.Series(np.nan, index=items.index)
    if used.shape[1] < 2 or len(base) <= 2 * used.shape[1]:
        return empty
    spread = np.cov(base, rowvar=False)
    if np.linalg.cond(spread) > 1e10:
        return empty
    centred = complete.to_numpy() - base.mean(axis=0)
    distance = (np.linalg.solve(spread, centred.T).T * centred).sum(axis=1)
    return pd.Series(stats.chi2.sf(distance, used.shape[1]), index=complete.index).reindex(items.index)


def _compare(items: pd.DataFrame, kept: pd.Series, instrument: Instrument) -> pd.DataFrame:
    rows = []
    for name, construct in instrument.constructs.items():
        answers = items[list(construct.items)]
        before, after = (_level(answers), _level(answers[kept]))
        spread = answers.mean(axis=1).std()
        rows.append((name, *before, *after, (after[1] - before[1]) / spread if spread > 0 else np.nan))
    columns = ["construct", "n_all", "mean_all", "alpha_all", "n_kept", "mean_kept", "alpha_kept", "mean_shift"]
    return pd.DataFrame(rows, columns=columns)


def _level(answers: pd.DataFrame) -> tuple[int, float, float]:
    scores, complete = answers.mean(axis=1).dropna(), answers.dropna()
    k, alpha = answers.shape[1], np.nan
    if k > 1 and len(complete) > 2:
        spread = np.cov(complete.to_numpy(), rowvar=False)
        alpha = k / (k - 1) * (1 - np.trace(spread) / spread.sum()) if spread.sum() > 0 else np.nan
    return len(scores), float(scores.mean()), float(alpha)
