"""Segments beside a grouping known from elsewhere: how far the two are one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.resampling import bootstrap_interval, count_rows
from crmresearch.scoring.segments.profiles import Segmented

_RESAMPLES = 500


@dataclass(frozen=True, slots=True)
class GroupAgreement:
    """Segments against known groups.

    Attributes
    ----------
    table : pd.DataFrame, shape (n_cells, 5)
        known_group, segment, n_customers, share_of_group, share_of_segment; empty without known groups.
    index : pd.DataFrame, shape (1, 7)
        adjusted_rand (1 identical, 0 as by chance), rand_low, rand_high (95 % bootstrap of customers),
        mutual_information (adjusted), n_customers, k, n_groups; empty without known groups.
    recipe : Recipe
    """

    table: pd.DataFrame
    index: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The index and the cross table, where there is something to compare with."""
        if self.index.empty:
            return ()
        return (Exhibit("agreement_index", self.index, notes=("agreement_reading",)), Exhibit("agreement", self.table))

    def findings(self) -> tuple[Finding, ...]:
        """The adjusted Rand index with its interval."""
        if self.index.empty:
            return (Finding("agreement_unknown", {}),)
        row = self.index.iloc[0]
        values = {
            "index": float(row["adjusted_rand"]),
            "low": float(row["rand_low"]),
            "high": float(row["rand_high"]),
            "n": int(row["n_customers"]),
            "k": int(row["k"]),
            "n_groups": int(row["n_groups"]),
        }
        return (Finding("agreement_found", values),)


def compare_groups(segmentation: Segmented, known: pd.Series | None, *, rng: np.random.Generator) -> GroupAgreement:
    """Compare segments with a grouping known from elsewhere (an expert's, another method's, a simulation's truth).

    Parameters
    ----------
    segmentation : Segmentation or RuleSegments
    known : pd.Series, optional
        Group of each customer, by customer_id; customers without one take no part. None: there is none.
    rng : np.random.Generator
        Source of the bootstrap.

    Returns
    -------
    GroupAgreement

    Raises
    ------
    RefusedError
        Fewer than ten customers in segments have a known group, or they all have the same.

    References
    ----------
    Hubert, L. & Arabie, P. (1985). Comparing partitions. Journal of Classification 2, 193–218.
    https://doi.org/10.1007/BF01908075
    """
    recipe = Recipe(
        "group_agreement",
        {"n_resamples": _RESAMPLES, "known": None if known is None else str(known.name)},
        "Hubert & Arabie (1985), https://doi.org/10.1007/BF01908075",
    )
    if known is None:
        return GroupAgreement(pd.DataFrame(), pd.DataFrame(), recipe)
    segments = segmentation.segments
    both = pd.DataFrame({"segment": segments[segments > 0], "known": known.reindex(segments.index)}).dropna()
    if len(both) < 10 or both["known"].nunique() < 2:
        raise RefusedError(
            f"{len(both)} customers in segments have a known group, {both['known'].nunique()} groups",
            where="compare_groups",
            repair="Give a grouping of the same customers.",
        )
    own, groups = both["segment"].to_numpy(), pd.factorize(both["known"], sort=True)[0]
    k, n_groups = own.max() + 1, groups.max() + 1
    cell = groups * k + own

    def index(rows: np.ndarray) -> np.ndarray:
        return _adjusted_rand(count_rows(cell[rows], n_groups * k).reshape(-1, n_groups, k))

    low, high = bootstrap_interval(index, len(both), rng=rng, resamples=_RESAMPLES)
    counts = pd.crosstab(both["known"], both["segment"])
    table = counts.stack().rename("n_customers").reset_index().rename(columns={"known": "known_group"})
    table["share_of_group"] = (counts.div(counts.sum(axis=1), axis=0)).stack().to_numpy()
    table["share_of_segment"] = (counts / counts.sum()).stack().to_numpy()
    return GroupAgreement(
        table=table,
        index=pd.DataFrame(
            {
                "adjusted_rand": [adjusted_rand_score(groups, own)],
                "rand_low": [low],
                "rand_high": [high],
                "mutual_information": [adjusted_mutual_info_score(groups, own)],
                "n_customers": [len(both)],
                "k": [segmentation.k],
                "n_groups": [both["known"].nunique()],
            }
        ),
        recipe=recipe,
    )


def _adjusted_rand(counts: np.ndarray) -> np.ndarray:
    """Adjusted Rand index of each cross table, shape (B, rows, columns); 1 where both groupings are one group."""

    def pairs(n: np.ndarray) -> np.ndarray:
        return (n * (n - 1)).sum(axis=-1) / 2

    together = pairs(counts.reshape(len(counts), -1))
    first, second = pairs(counts.sum(axis=2)), pairs(counts.sum(axis=1))
    by_chance = first * second / pairs(counts.sum(axis=(1, 2))[:, None])
    apart = (first + second) / 2 - by_chance
    return np.divide(together - by_chance, apart, out=np.ones_like(apart), where=apart != 0)
