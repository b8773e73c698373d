"""Kano: which features are taken for granted, wanted in proportion, or a delight, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from crmresearch.case import Instrument
from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.shares import wilson

CATEGORIES = ("attractive", "one_dimensional", "must_be", "indifferent", "reverse_quality", "questionable")
_A, _O, _M, _I, _R, _Q = range(6)
EVALUATION = np.array(
    [
        [_Q, _A, _A, _A, _O],
        [_R, _I, _I, _I, _M],
        [_R, _I, _I, _I, _M],
        [_R, _I, _I, _I, _M],
        [_R, _R, _R, _R, _Q],
    ]
)
"""Category by answer if offered (rows: like … dislike) and if not offered (columns: like … dislike)."""
_LEAST_ANSWERS = 10


@dataclass(frozen=True, slots=True)
class KanoResult:
    """Kano categories of every feature.

    Attributes
    ----------
    features : pd.DataFrame, shape (k, 13)
        kano_feature, n, category (the most frequent), category_share, runner_up, clear (Fong's test tells the
        two apart), kano_better, kano_better_low, kano_better_high, kano_worse, kano_worse_low, kano_worse_high,
        total_strength.
    counts : pd.DataFrame, shape (k * 6, 4)
        kano_feature, kano_category, n_answers, share_of_answers.
    recipe : Recipe
    """

    features: pd.DataFrame
    counts: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Categories with coefficients, and counts."""
        return (
            Exhibit("kano_features", self.features, notes=("kano_rule", "kano_coefficients")),
            Exhibit("kano_counts", self.counts),
        )

    def findings(self) -> tuple[Finding, ...]:
        """One sentence a feature."""
        return tuple(
            Finding(
                "kano_clear" if row.clear else "kano_unclear",
                {
                    "feature": row.kano_feature,
                    "category": row.category,
                    "runner_up": row.runner_up,
                    "share": float(row.category_share),
                    "n": int(row.n),
                    "better": float(row.kano_better),
                    "worse": float(row.kano_worse),
                },
            )
            for row in self.features.itertuples()
        )


def classify_kano(survey: pd.DataFrame, instrument: Instrument, *, confidence: float = 0.95) -> KanoResult:
    """Classify each feature asked in Kano's two-question form.

    Parameters
    ----------
    survey : pd.DataFrame
        The columns ``instrument.kano`` names, answered 1 to 5.
    instrument : Instrument
    confidence : float
        Of the intervals and of Fong's test.

    Returns
    -------
    KanoResult

    Raises
    ------
    RefusedError
        No Kano pair is declared, a column is missing, an answer is off 1 to 5, or a feature has fewer than ten
        pairs of answers; all by name.

    Notes
    -----
    The evaluation table is Kano's (1984) as Berger et al. (1993) print it. Better = (A + O)/(A + O + M + I) and
    worse = −(O + M)/(A + O + M + I), with Wilson intervals. The most frequent category is clear if it leads the
    next by at least z·√((a + b)(2n − a − b)/(2n)) (Fong 1996). Total strength is the share of A, O and M.

    References
    ----------
    Kano, N., Seraku, N., Takahashi, F. & Tsuji, S. (1984). Attractive quality and must-be quality. Hinshitsu
    14(2), 39–48.

    Berger, C. et al. (1993). Kano's methods for understanding customer-defined quality. Center for Quality of
    Management Journal 2(4), 3–36.

    Fong, D. (1996). Using the self-stated importance questionnaire to interpret Kano questionnaire results.
    Center for Quality of Management Journal 5(3), 21–24.
    """
    if instrument.kano is None:
        raise RefusedError("no Kano pair", where="instrument", repair="Declare them under instrument.kano.")
    if not 0 < confidence < 1:
        raise RefusedError(f"confidence must lie between 0 and 1, got {confidence!r}", where="Kano")
    z = float(stats.norm.ppf((1 + confidence) / 2))
    rows, counts = [], []
    for name, pair in instrument.kano.features.items():
        present, absent = (_codes(survey, column, instrument.kano.like) for column in (pair.present, pair.absent))
        both = present.notna() & absent.notna()
        n = int(both.sum())
        if n < _LEAST_ANSWERS:
            raise RefusedError(
                f"{n} pairs of answers; {_LEAST_ANSWERS} are needed",
                where=f"Kano, feature {name}",
                repair="Leave it out.",
            )
        kinds = EVALUATION[present[both].astype(int), absent[both].astype(int)]
        count = np.bincount(kinds, minlength=len(CATEGORIES))
        order = _order(count)
        first, second = count[order[0]], count[order[1]]
        margin = z * np.sqrt((first + second) * (2 * n - first - second) / (2 * n))
        base = int(count[: _I + 1].sum())
        better = wilson(count[_A] + count[_O], base, confidence)
        worse = wilson(count[_O] + count[_M], base, confidence)
        rows.append(
            (
                name,
                n,
                CATEGORIES[order[0]],
                first / n,
                CATEGORIES[order[1]],
                bool(first - second >= margin),
                *better,
                -worse[0],
                -worse[2],
                -worse[1],
                count[: _M + 1].sum() / n,
            )
        )
        counts += [(name, category, int(c), c / n) for category, c in zip(CATEGORIES, count, strict=True)]
    columns = [
        "kano_feature",
        "n",
        "category",
        "category_share",
        "runner_up",
        "clear",
        "kano_better",
        "kano_better_low",
    ]
    columns += ["kano_better_high", "kano_worse", "kano_worse_low", "kano_worse_high", "total_strength"]
    return KanoResult(
        features=pd.DataFrame(rows, columns=columns),
        counts=pd.DataFrame(counts, columns=["kano_feature", "kano_category", "n_answers", "share_of_answers"]),
        recipe=Recipe(
            "kano",
            {"confidence": confidence, "ties": "must_be_first", "interval": "wilson"},
            "Kano et al. (1984), Hinshitsu 14(2), 39–48; Fong (1996), Center for Quality of Management Journal 5(3)",
        ),
    )


def _order(count: np.ndarray) -> np.ndarray:
    """Categories by falling count; ties in the order must-be, one-dimensional, attractive, indifferent."""
    preference = np.array([2, 1, 0, 3, 4, 5])
    return np.lexsort((preference, -count))


def _codes(survey: pd.DataFrame, column: str, like: str) -> pd.Series:
    """Answers as 0 (like) to 4 (dislike), NaN where open."""
    if column not in survey:
        raise RefusedError(
            f"no column {column!r}, which the instrument calls a Kano answer",
            where="survey",
            repair="Map it under 'files' in case.yaml.",
        )
    if not pd.api.types.is_numeric_dtype(survey[column].dtype):
        raise RefusedError(f"the answers are {survey[column].dtype}, not numbers", where=f"survey, column {column}")
    answers = survey[column].astype("Float64").astype(float)
    off = answers.notna() & ~answers.isin([1, 2, 3, 4, 5])
    if off.any():
        raise RefusedError(
            f"answer {answers[off].iloc[0]:g} is none of 1 to 5", where=f"survey, column {column}", repair="Correct it."
        )
    return answers - 1 if like == "lowest" else 5 - answers
