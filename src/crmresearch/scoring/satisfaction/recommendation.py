"""Would they recommend: the net promoter score with its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from crmresearch.case import Instrument
from crmresearch.errors import RefusedError, nearest
from crmresearch.results import Exhibit, Finding, Recipe


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Net promoter score.

    Attributes
    ----------
    scores : pd.DataFrame, shape (1 + n_groups, 8)
        respondent_group (first ``everybody``), n, promoters, passives, detractors (shares), nps (−1 to 1), conf_low,
        conf_high.
    answers : pd.DataFrame, shape (11, 3)
        answer (0–10), n_answers, share_of_answers.
    recipe : Recipe
    """

    scores: pd.DataFrame
    answers: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Scores, and the answers behind them."""
        return (
            Exhibit("net_promoters", self.scores, notes=("nps_rule",)),
            Exhibit("recommendation_answers", self.answers),
        )

    def findings(self) -> tuple[Finding, ...]:
        """The score with its interval."""
        row = self.scores.iloc[0]
        values = {name: float(row[name]) for name in ("promoters", "detractors", "nps")}
        bounds = {"low": float(row["conf_low"]), "high": float(row["conf_high"])}
        return (
            Finding(
                "net_promoters",
                {**values, **bounds, "n": int(row["n"]), "confidence": self.recipe.options["confidence"]},
            ),
        )


def score_recommendation(
    survey: pd.DataFrame, instrument: Instrument, *, segment: str = "", confidence: float = 0.95
) -> Recommendation:
    """Give the net promoter score: share of answers 9 and 10 less share of answers 0 to 6.

    Parameters
    ----------
    survey : pd.DataFrame
    instrument : Instrument
        ``instrument.recommend`` names the column, answered 0 to 10.
    segment : str
        Column of the survey to split by; empty does not.
    confidence : float

    Raises
    ------
    RefusedError
        No such question, answers off 0 to 10, or fewer than ten answers.

    Notes
    -----
    Adjusted Wald interval: ¾ promoter, 1½ passives and ¾ detractor are added (Rocks 2016).

    References
    ----------
    Rocks, B. (2016). Interval estimation for the "net promoter score". The American Statistician 70, 365–372.
    https://doi.org/10.1080/00031305.2016.1198278
    """
    where = "net promoter score"
    column = instrument.recommend
    if not column or column not in survey:
        raise RefusedError(
            "nobody was asked how likely they are to recommend" if not column else f"no column {column!r}",
            where=where,
            repair="Name the column as 'recommend' under instrument in case.yaml.",
        )
    answers = survey[column].astype("Float64").astype(float)
    off = answers.notna() & ~answers.isin(range(11))
    if off.any():
        raise RefusedError(f"answer {answers[off].iloc[0]:g} is none of 0 to 10", where=f"survey, column {column}")
    if segment and segment not in survey:
        raise RefusedError(f"no column {segment!r}{nearest(segment, survey.columns)}", where=where)
    given = answers.dropna()
    if len(given) < 10:
        raise RefusedError(f"{len(given)} answers; 10 are needed", where=where, repair="Ask more respondents.")
    groups = [("everybody", given)]
    if segment:
        groups += [(str(name), part) for name, part in given.groupby(survey.loc[given.index, segment])]
    z = stats.norm.ppf((1 + confidence) / 2)
    rows = []
    for name, part in groups:
        counts = np.array([(part >= 9).sum(), part.between(7, 8).sum(), (part <= 6).sum()])
        share = counts / len(part)
        smooth = (counts + np.array([0.75, 1.5, 0.75])) / (len(part) + 3)
        centre = smooth[0] - smooth[2]
        half = z * np.sqrt((smooth[0] + smooth[2] - centre**2) / (len(part) + 3))
        bounds = np.clip([centre - half, centre + half], -1, 1)
        rows.append((name, len(part), *share, share[0] - share[2], *bounds))
    columns = ["respondent_group", "n", "promoters", "passives", "detractors", "nps", "conf_low", "conf_high"]
    count = given.value_counts().reindex(range(11), fill_value=0)
    return Recommendation(
        scores=pd.DataFrame(rows, columns=columns),
        answers=pd.DataFrame(
            {"answer": range(11), "n_answers": count.to_numpy(), "share_of_answers": count.to_numpy() / len(given)}
        ),
        recipe=Recipe(
            "net_promoter_score",
            {"confidence": confidence, "interval": "adjusted_wald", "missing": "answered_only"},
            "Rocks (2016), https://doi.org/10.1080/00031305.2016.1198278",
        ),
    )
