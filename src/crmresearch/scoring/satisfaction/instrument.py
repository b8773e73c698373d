"""From a questionnaire's declaration and its answers to construct scores, one direction for every item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmresearch.case import Instrument
from crmresearch.errors import RefusedError, nearest
from crmresearch.results import Exhibit, Finding, Recipe


@dataclass(frozen=True, slots=True)
class ConstructScores:
    """Scores of every respondent on every construct, with what they were made from.

    Attributes
    ----------
    items : pd.DataFrame, shape (n_respondents, n_items)
        Answers as floats, reverse items turned; indexed by respondent_id, in its order.
    scores : pd.DataFrame, shape (n_respondents, n_constructs)
        Mean of the answered items in units of the scale; NaN where too few were answered.
    summary : pd.DataFrame, shape (n_constructs, 7)
        construct, n_items, n (respondents scored), n_unscored, mean, sd, median.
    answers : pd.DataFrame, shape (n_items * n_scale_points, 5)
        construct, item, answer (as coded after turning), n_answers, share_of_answers.
    suspects : pd.DataFrame, shape (n_suspects, 4)
        construct, item, item_rest_r, n: items not declared reverse that run against the others.
    recipe : Recipe
    """

    items: pd.DataFrame
    scores: pd.DataFrame
    summary: pd.DataFrame
    answers: pd.DataFrame
    suspects: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Construct summary; the suspected reverse items where there are any."""
        shown = [Exhibit("construct_scores", self.summary, notes=("score_is_mean",))]
        if len(self.suspects):
            shown.append(Exhibit("reverse_suspects", self.suspects, notes=("suspect_rule",)))
        return tuple(shown)

    def findings(self) -> tuple[Finding, ...]:
        """How many were scored, the highest and lowest construct, and any suspected items."""
        ordered = self.summary.sort_values(["mean", "construct"], ascending=[False, True], kind="stable")
        top, low = ordered.iloc[0], ordered.iloc[-1]
        found = [
            Finding(
                "construct_means",
                {
                    "n": len(self.scores),
                    "n_constructs": len(self.summary),
                    "highest": top["construct"],
                    "highest_mean": float(top["mean"]),
                    "lowest": low["construct"],
                    "lowest_mean": float(low["mean"]),
                },
            )
        ]
        if len(self.suspects):
            found.append(
                Finding(
                    "reverse_suspects", {"items": self.suspects["item"].tolist(), "n": len(self.suspects)}, main=True
                )
            )
        return tuple(found)


def orient_items(survey: pd.DataFrame, instrument: Instrument) -> pd.DataFrame:
    """Return the item answers with every declared reverse item turned.

    A reverse item becomes (high + low) − x, the only coding that keeps the scale's distances;
    a reciprocal such as 1/x does not and is not offered.

    Parameters
    ----------
    survey : pd.DataFrame
        respondent_id and one numeric column per item of the instrument; missing where unanswered.
    instrument : Instrument
        Scale, items and their direction.

    Returns
    -------
    pd.DataFrame, shape (n_respondents, n_items)
        Floats, NaN where unanswered, indexed by respondent_id in ascending order, columns in the
        instrument's order.

    Raises
    ------
    RefusedError
        An item's column is missing or not numeric, an answer lies off the scale, or a respondent stands twice.

    Examples
    --------
    >>> from crmresearch.case import Instrument
    >>> instrument = Instrument.model_validate({
    ...     "scale": {"low": 1, "high": 5},
    ...     "constructs": {"calm": {"title": {"en": "Calm", "zh": "平静"}, "items": ["a", "b"]}},
    ...     "items": {"a": {"en": "I am calm"}, "b": {"en": "I am tense", "reverse": True}}})
    >>> orient_items(pd.DataFrame({"respondent_id": ["r1"], "a": [4], "b": [2]}), instrument).values.tolist()
    [[4.0, 4.0]]
    """
    scale, names = instrument.scale, list(instrument.items)
    absent = [name for name in ("respondent_id", *names) if name not in survey]
    if absent:
        raise RefusedError(
            f"no column {absent[0]!r}" + (f" (and {len(absent) - 1} more)" if len(absent) > 1 else ""),
            where="survey",
            repair="Map it under 'files' in case.yaml, or take the item out of the instrument.",
        )
    twice = survey["respondent_id"][survey["respondent_id"].duplicated()]
    if len(twice):
        raise RefusedError(
            f"{twice.nunique()} respondent_id stand twice, first {str(twice.iloc[0])[:40]!r}",
            where="survey",
            repair="Keep one row per respondent.",
        )
    wordy = [name for name in names if not pd.api.types.is_numeric_dtype(survey[name].dtype)]
    if wordy:
        raise RefusedError(f"the answers are {survey[wordy[0]].dtype}, not numbers", where=f"survey, item {wordy[0]}")
    items = survey.set_index("respondent_id")[names].astype("Float64").astype(float).sort_index()
    items.columns.name = None
    off = (items < scale.low) | (items > scale.high)
    if off.to_numpy().any():
        row, column = np.argwhere(off.to_numpy())[0]
        raise RefusedError(
            f"answer {items.iat[row, column]:g} lies off the scale {scale.low} to {scale.high}",
            where=f"survey, item {names[column]}, respondent {str(items.index[row])[:40]}",
            repair="Correct the scale in case.yaml, or list the code under 'missing'.",
        )
    reverse = [name for name, item in instrument.items.items() if item.reverse]
    items[reverse] = (scale.high + scale.low) - items[reverse]
    return items


def declare_reverse(instrument: Instrument, items: Sequence[str]) -> Instrument:
    """The instrument with further items taken as reverse: what a reader decides about a suspect after its wording.

    Parameters
    ----------
    instrument : Instrument
    items : Sequence[str]
        Items to be turned although the questionnaire's declaration does not say so.

    Raises
    ------
    RefusedError
        An item is unknown, or reverse already: turning it twice would undo its declaration.

    Examples
    --------
    >>> from crmresearch.case import Instrument
    >>> instrument = Instrument.model_validate({
    ...     "scale": {"low": 1, "high": 5},
    ...     "constructs": {"calm": {"title": {"en": "Calm", "zh": "平静"}, "items": ["a", "b"]}},
    ...     "items": {"a": {"en": "I am calm"}, "b": {"en": "I am tense"}}})
    >>> declare_reverse(instrument, ["b"]).items["b"].reverse
    True
    """
    for name in items:
        if name not in instrument.items:
            raise RefusedError(f"no item {name!r}{nearest(name, instrument.items)}", where="items to turn")
        if instrument.items[name].reverse:
            raise RefusedError(
                f"item {name!r} is declared reverse already", where="items to turn", repair="Take it off the list."
            )
    turned = {name: instrument.items[name].model_copy(update={"reverse": True}) for name in items}
    return instrument.model_copy(update={"items": {**instrument.items, **turned}})


def item_rest_correlation(items: np.ndarray) -> np.ndarray:
    """Return each item's correlation with the sum of the other items (corrected item–total r).

    Parameters
    ----------
    items : np.ndarray, shape (n, k)
        Complete answers, k ≥ 2, turned into one direction.

    Returns
    -------
    np.ndarray, shape (k,)
        NaN where the item or the rest does not vary.

    Examples
    --------
    >>> item_rest_correlation(np.array([[1.0, 1], [2, 3], [3, 2]])).round(4)
    array([0.5, 0.5])
    """
    rest = items.sum(axis=1, keepdims=True) - items
    a, b = items - items.mean(axis=0), rest - rest.mean(axis=0)
    length = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(length > 0, (a * b).sum(axis=0) / length, np.nan)


def score_constructs(survey: pd.DataFrame, instrument: Instrument, *, min_answered: float = 0.5) -> ConstructScores:
    """Score every construct as the mean of its answered items, and flag items that run against the others.

    Parameters
    ----------
    survey : pd.DataFrame
        respondent_id and one numeric column per item, missing where unanswered.
    instrument : Instrument
        Scale, constructs, items and their direction.
    min_answered : float
        Smallest share (0–1) of a construct's items a respondent must have answered to be scored.

    Returns
    -------
    ConstructScores

    Raises
    ------
    RefusedError
        As :func:`orient_items`; ``min_answered`` outside (0, 1]; nobody answered anything.

    Notes
    -----
    The mean of the answered items stands in for the missing ones, which is sound where at least half
    are answered (Graham 2009). Among respondents who answered a whole construct, the item of the most
    negative item–rest correlation is turned on trial, and so on until none is negative; the items turned
    are suspects: reversed wording that was not declared, or an item that measures something else. In a
    pair both are named. The scores themselves keep what was declared.

    References
    ----------
    Graham, J. W. (2009). Missing data analysis: making it work in the real world. Annual Review of
    Psychology 60, 549–576. https://doi.org/10.1146/annurev.psych.58.110405.085530
    """
    if not 0 < min_answered <= 1:
        raise RefusedError(f"min_answered must lie in (0, 1], got {min_answered!r}", where="score_constructs")
    items = orient_items(survey, instrument)
    if items.notna().to_numpy().sum() == 0:
        raise RefusedError("no item was answered by anybody", where="survey", repair="Check the item headings.")
    scores, rows, suspects = {}, [], []
    for name, construct in instrument.constructs.items():
        answers = items[list(construct.items)]
        enough = answers.notna().sum(axis=1) >= min_answered * len(construct.items)
        score = answers.mean(axis=1).where(enough)
        scores[name] = score
        rows.append((name, len(construct.items), int(enough.sum()), int((~enough).sum()), *_moments(score)))
        suspects += [(name, *found) for found in _suspects(answers, instrument)]
    return ConstructScores(
        items=items,
        scores=pd.DataFrame(scores),
        summary=pd.DataFrame(rows, columns=["construct", "n_items", "n", "n_unscored", "mean", "sd", "median"]),
        answers=_answer_counts(items, instrument),
        suspects=pd.DataFrame(suspects, columns=["construct", "item", "item_rest_r", "n"]),
        recipe=Recipe(
            "construct_mean",
            {
                "scale_low": instrument.scale.low,
                "scale_high": instrument.scale.high,
                "reverse_coding": "high_plus_low_minus_x",
                "n_reverse_items": sum(item.reverse for item in instrument.items.values()),
                "min_answered": min_answered,
            },
            "Graham (2009), https://doi.org/10.1146/annurev.psych.58.110405.085530",
        ),
    )


def _moments(score: pd.Series) -> tuple[float, float, float]:
    return float(score.mean()), float(score.std()), float(score.median())


def _suspects(answers: pd.DataFrame, instrument: Instrument) -> list[tuple[str, float, int]]:
    complete = answers.dropna()
    if answers.shape[1] < 2 or len(complete) < 3:
        return []
    against = _items_against(complete.to_numpy())
    r = item_rest_correlation(complete.to_numpy())
    return [
        (item, float(r[j]), len(complete))
        for j, item in enumerate(answers.columns)
        if against[j] and not instrument.items[item].reverse
    ]


def _items_against(x: np.ndarray) -> np.ndarray:
    """Mark the items that would have to be turned, worst first, until no item–rest r is negative."""
    r = item_rest_correlation(x)
    if x.shape[1] == 2:
        return r < 0  # which of a pair runs the other way, the pair cannot tell
    turned = np.zeros(x.shape[1], dtype=bool)
    while np.nanmin(r, initial=0) < 0 and not turned[worst := np.nanargmin(r)]:
        turned[worst] = True
        r = item_rest_correlation(np.where(turned, -x, x))
    return turned


def _answer_counts(items: pd.DataFrame, instrument: Instrument) -> pd.DataFrame:
    """Count every point of the scale for every item of a construct; unused points count 0."""
    points = np.arange(instrument.scale.low, instrument.scale.high + 1)
    pairs = [(name, item) for name, construct in instrument.constructs.items() for item in construct.items]
    values = items[[item for _, item in pairs]].to_numpy()
    counts = (values[:, :, None] == points).sum(axis=0)
    totals = counts.sum(axis=1, keepdims=True)
    return pd.DataFrame(
        {
            "construct": np.repeat([name for name, _ in pairs], len(points)),
            "item": np.repeat([item for _, item in pairs], len(points)),
            "answer": np.tile(points, len(pairs)),
            "n_answers": counts.ravel(),
            "share_of_answers": (counts / np.maximum(totals, 1)).ravel(),
        }
    )
