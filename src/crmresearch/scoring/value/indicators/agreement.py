"""Do raters agree: intraclass correlations of ratings, with their intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe

GOOD_FROM, MODERATE_FROM = 0.75, 0.5
_SOURCE = "McGraw & Wong (1996), doi:10.1037/1082-989X.1.1.30; bands of Koo & Li (2016), doi:10.1016/j.jcm.2016.02.012"


@dataclass(frozen=True, slots=True)
class RaterAgreement:
    """Agreement of raters, criterion by criterion.

    Attributes
    ----------
    table : pd.DataFrame, shape (n_criteria, 11)
        criterion, n_raters, n_customers (rated by every rater), n_incomplete (by some only), icc_single,
        single_low, single_high (one rater), icc_mean, mean_low, mean_high (the mean of all), agreement
        ("good", "moderate" or "poor" by the lower bound of the mean's interval, "not_testable").
    recipe : Recipe
    """

    table: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The correlations with their intervals."""
        return (Exhibit("rater_agreement", self.table, notes=("rater_agreement",)),)

    def findings(self) -> tuple[Finding, ...]:
        """One sentence a criterion."""
        columns = ("criterion", "n_raters", "icc_mean", "mean_low", "mean_high", "agreement")
        return tuple(
            Finding("rater_agreement", {c: row[c] for c in columns} | {"confidence": self.recipe.options["confidence"]})
            for row in self.table.dropna(subset="icc_mean").to_dict("records")
        )


def score_agreement(ratings: pd.DataFrame, *, confidence: float = 0.95) -> RaterAgreement:
    r"""Agreement of raters who rated the same customers.

    Parameters
    ----------
    ratings : pd.DataFrame
        rater, customer_id, criterion, rating; one row per rating.
    confidence : float

    Returns
    -------
    RaterAgreement

    Raises
    ------
    RefusedError
        No criterion was rated by two raters for two customers.

    Notes
    -----
    ICC(A,1) and ICC(A,k): two-way random effects, absolute agreement, of one rater and of the mean of
    all, with the intervals of McGraw and Wong. Only customers whom every rater rated count; the others
    are counted beside.

    References
    ----------
    McGraw, K. O. and Wong, S. P. (1996). https://doi.org/10.1037/1082-989X.1.1.30
    """
    rows = []
    for criterion, of in ratings.groupby("criterion", sort=True):
        wide = of.pivot_table(index="customer_id", columns="rater", values="rating", aggfunc="mean").astype(float)
        whole = wide.dropna()
        row = {
            "criterion": criterion,
            "n_raters": wide.shape[1],
            "n_customers": len(whole),
            "n_incomplete": len(wide) - len(whole),
        }
        rows.append(row | _icc(whole.to_numpy(), confidence))
    table = pd.DataFrame(rows)
    if table.empty or table["icc_mean"].isna().all():
        raise RefusedError(
            "no criterion was rated by two raters for two customers",
            where="rater agreement",
            repair="Have at least two raters rate the same customers.",
        )
    return RaterAgreement(table, Recipe("rater_agreement", {"confidence": confidence}, _SOURCE))


def _icc(values: np.ndarray, confidence: float) -> dict[str, float | str]:
    n, k = values.shape
    empty = dict.fromkeys(("icc_single", "single_low", "single_high", "icc_mean", "mean_low", "mean_high"), np.nan)
    if n < 2 or k < 2 or np.ptp(values) == 0:
        return empty | {"agreement": "not_testable"}
    grand = values.mean()
    rows = k * ((values.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    columns = n * ((values.mean(axis=0) - grand) ** 2).sum() / (k - 1)
    rest = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + grand
    error = (rest**2).sum() / ((n - 1) * (k - 1))
    single = (rows - error) / (rows + (k - 1) * error + k / n * (columns - error))
    mean = (rows - error) / (rows + (columns - error) / n)
    a, b = k * single / (n * (1 - single)), 1 + k * single * (n - 1) / (n * (1 - single))
    with np.errstate(divide="ignore", invalid="ignore"):
        v = (a * columns + b * error) ** 2 / ((a * columns) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1)))
    tail = (1 + confidence) / 2
    upper, lower = stats.f.ppf(tail, n - 1, v), stats.f.ppf(tail, v, n - 1)
    beside = k * columns + (k * n - k - n) * error
    low = n * (rows - upper * error) / (upper * beside + n * rows)
    high = n * (lower * rows - error) / (beside + n * lower * rows)
    step_up = [k * r / (1 + (k - 1) * r) for r in (low, high)]
    agreement = "good" if step_up[0] >= GOOD_FROM else "moderate" if step_up[0] >= MODERATE_FROM else "poor"
    values = (single, low, high, mean, *step_up)
    return dict(zip(empty, map(float, values), strict=True)) | {"agreement": agreement}
