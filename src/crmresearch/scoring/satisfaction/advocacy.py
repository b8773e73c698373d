"""Who recommends: are advocates satisfied and loyal, as it is said they must be? Claim D47."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe, Verdict, judge_interval
from crmresearch.scoring.shares import wilson

_FEWEST = 10


@dataclass(frozen=True, slots=True)
class Advocates:
    """Advocates by satisfaction and loyalty.

    Attributes
    ----------
    shares : pd.DataFrame, shape (6, 6)
        group (``advocates``, ``others``), state (``both_high``, ``satisfied_high``, ``loyal_high``), n, share,
        conf_low, conf_high.
    verdict : Verdict
    recipe : Recipe
    """

    shares: pd.DataFrame
    verdict: Verdict
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The shares."""
        return (Exhibit("advocate_shares", self.shares, notes=("advocate_rule", "wilson_interval")),)

    def findings(self) -> tuple[Finding, ...]:
        """Claim D47."""
        row, others = self.shares.iloc[0], self.shares.iloc[3]
        return (
            Finding(
                "advocates_loyal",
                {
                    "n": int(row["n"]),
                    "share": float(row["share"]),
                    "low": float(row["conf_low"]),
                    "high": float(row["conf_high"]),
                    "asked": self.recipe.options["share_asked"],
                    "others": float(others["share"]),
                    "confidence": self.recipe.options["confidence"],
                },
                verdict=self.verdict,
                claim="D47",
            ),
        )


def judge_advocates(
    data: pd.DataFrame,
    *,
    recommend: str,
    advocate_from: float,
    satisfaction: str,
    loyalty: str,
    scale: tuple[float, float],
    high_from: float = 0.6,
    share_asked: float = 0.9,
    confidence: float = 0.95,
) -> Advocates:
    """Give the share of advocates who are both satisfied and loyal.

    Parameters
    ----------
    data : pd.DataFrame
        Numeric columns, one row per respondent.
    recommend : str
        Likelihood to recommend; it must be no item of ``loyalty``, or the answer is partly its own cause.
    advocate_from : float
        Answer from which a respondent is an advocate (9 on 0 to 10).
    satisfaction, loyalty : str
        Scores on the answer scale.
    scale : (float, float)
    high_from : float
        Share of the way along the scale from which a score is high.
    share_asked : float
        "Must be" taken as at least this share, for no questionnaire answers without error.
    confidence : float

    Raises
    ------
    RefusedError
        A column is absent, or fewer than ten respondents are advocates or are not.

    Notes
    -----
    The rule of D47, fixed before the data: *supported* if the interval of the share lies above ``share_asked``,
    *contradicted* if below, else *inconclusive*.

    Examples
    --------
    >>> data = pd.DataFrame({"r": [10] * 40 + [5] * 40, "s": [6.0] * 40 + [3.0] * 40, "l": [6.0] * 80})
    >>> judge_advocates(data, recommend="r", advocate_from=9, satisfaction="s", loyalty="l", scale=(1, 7)).verdict
    'supported'
    """
    names = [recommend, satisfaction, loyalty]
    absent = [name for name in names if name not in data]
    if absent:
        raise RefusedError(f"no column {absent[0]!r}", where="advocates")
    used = data[names].astype("Float64").astype(float).dropna()
    advocate = (used[recommend] >= advocate_from).to_numpy()
    if min(advocate.sum(), (~advocate).sum()) < _FEWEST:
        raise RefusedError(
            f"{int(advocate.sum())} advocates and {int((~advocate).sum())} others",
            where="advocates",
            repair=f"{_FEWEST} of each are the least; see advocate_from.",
        )
    cut = scale[0] + high_from * (scale[1] - scale[0])
    happy, loyal = (used[name].to_numpy() >= cut for name in (satisfaction, loyalty))
    states = {"both_high": happy & loyal, "satisfied_high": happy, "loyal_high": loyal}
    rows = [
        (group, state, int(member.sum()), *wilson((held & member).sum(), member.sum(), confidence))
        for group, member in (("advocates", advocate), ("others_asked", ~advocate))
        for state, held in states.items()
    ]
    shares = pd.DataFrame(rows, columns=["group", "state", "n", "share", "conf_low", "conf_high"])
    return Advocates(
        shares=shares,
        verdict=judge_interval(float(shares.loc[0, "conf_low"]), float(shares.loc[0, "conf_high"]), share_asked),
        recipe=Recipe(
            "advocates",
            {
                "recommend": recommend,
                "advocate_from": advocate_from,
                "high_from": high_from,
                "share_asked": share_asked,
                "confidence": confidence,
            },
            "Wilson (1927), https://doi.org/10.1080/01621459.1927.10502953",
        ),
    )
