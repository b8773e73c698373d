"""Who is in each segment: size, centre in original units, index against the base, what tells them apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.oneway import anova_oneway

from crmresearch.errors import RefusedError, check_choice
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.shares import wilson

Correction = Literal["holm", "bonferroni", "fdr_bh", "fdr_by"]


class Segmented(Protocol):
    """Customers in segments, however they came into them: found, or put there by a rule."""

    @property
    def k(self) -> int:
        """Number of segments."""

    @property
    def segments(self) -> pd.Series:
        """Segment of each customer (from 1; 0 in none), by customer_id."""

    @property
    def formed_by(self) -> pd.DataFrame:
        """What formed the segments, in original units, by customer_id."""


_CORRECTIONS = ("holm", "bonferroni", "fdr_bh", "fdr_by")


@dataclass(frozen=True, slots=True)
class SegmentProfiles:
    """Size and features of every segment.

    Attributes
    ----------
    sizes : pd.DataFrame, shape (k, 7)
        segment, n_customers, share_of_customers, share_low, share_high, highest, lowest: the features
        that name the segment (missing where none is far enough from the base).
    profile : pd.DataFrame, shape (k * n_features, 8)
        segment, feature, n, mean, median, base_mean, index (100 = base; missing where the base is not
        above 0), distance (from the base in standard deviations of all customers).
    effects : pd.DataFrame, shape (n_features, 7)
        feature, formed_segments, n, eta_squared (share of variance between segments, 0–1), f_value (Welch),
        p_value, p_adjusted; the last three are missing for features that formed the segments.
    recipe : Recipe
    """

    sizes: pd.DataFrame
    profile: pd.DataFrame
    effects: pd.DataFrame
    recipe: Recipe

    def distances(self) -> pd.DataFrame:
        """Return the heat map's values: one row per segment, one column per feature."""
        return self.profile.pivot(index="segment", columns="feature", values="distance")[self.effects["feature"]]

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Sizes and names, profile, effects."""
        return (
            Exhibit("segment_sizes", self.sizes, notes=("size_interval", "naming_rule")),
            Exhibit("segment_profile", self.profile, notes=("index_reading",)),
            Exhibit("segment_effects", self.effects, notes=("effects_reading",)),
        )

    def findings(self) -> tuple[Finding, ...]:
        """One sentence for each segment, and the feature that separates most."""
        found = []
        for row in self.sizes.itertuples():
            values = {
                "segment": int(row.segment),
                "n": int(row.n_customers),
                "share": float(row.share_of_customers),
                "low": float(row.share_low),
                "high": float(row.share_high),
            }
            named = {side: name for side, name in (("highest", row.highest), ("lowest", row.lowest)) if pd.notna(name)}
            key = "segment_" + ("_".join(named) if named else "near_base")
            found.append(Finding(key, values | named))
        first = self.effects.sort_values("eta_squared", ascending=False, kind="stable").iloc[0]
        values = {"feature": first["feature"], "eta_squared": float(first["eta_squared"])}
        return (*found, Finding("segments_separated_by", values))


def profile_segments(
    segmentation: Segmented,
    features: pd.DataFrame | None = None,
    *,
    confidence: float = 0.95,
    correction: Correction = "holm",
    naming_distance: float = 0.5,
) -> SegmentProfiles:
    """Describe every segment by its size and its features in their own units.

    Parameters
    ----------
    segmentation : Segmentation or RuleSegments
    features : pd.DataFrame, optional
        Further numeric features, indexed by customer_id, that took no part in forming the segments; a
        customer without a value counts in no mean of that feature. Columns that did form them are ignored.
    confidence : float
        Coverage of the size intervals.
    correction : {"holm", "bonferroni", "fdr_bh", "fdr_by"}
        How p-values of the further features are adjusted for their number.
    naming_distance : float
        Distance from the base, in standard deviations, from which a feature may name a segment.

    Returns
    -------
    SegmentProfiles

    Raises
    ------
    RefusedError
        An option is out of range; a further feature is not numeric, or none of its customers is in a segment.

    Notes
    -----
    Size intervals are Wilson's (1927). η² is the between-segment share of a feature's sum of squares. Segments
    are made to differ in the features that formed them, so a test of those would prove nothing and
    is not given; further features get Welch's analysis of variance, adjusted for how many there are.
    A segment's name is the feature in which it lies furthest above the base and the one in which it
    lies furthest below.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. Journal of
    the American Statistical Association 22, 209–212. https://doi.org/10.1080/01621459.1927.10502953

    Welch, B. L. (1951). On the comparison of several mean values: an alternative approach. Biometrika 38,
    330–336. https://doi.org/10.1093/biomet/38.3-4.330
    """
    if not 0 < confidence < 1 or naming_distance < 0:
        raise RefusedError(
            f"confidence must lie between 0 and 1, naming_distance 0 or more; got {confidence!r}, {naming_distance!r}",
            where="profile_segments",
        )
    check_choice("correction", correction, _CORRECTIONS, where="profile_segments")
    if segmentation.k < 1:
        raise RefusedError(
            "there are no segments to describe", where="profile_segments", repair="No segments is an answer."
        )
    forming = segmentation.formed_by
    values = forming.join(_further(features, forming))
    segments = segmentation.segments.reindex(forming.index)
    profile = _profile(values, segments)
    return SegmentProfiles(
        sizes=_sizes(segments, segmentation.k, confidence).merge(
            _names(profile[profile["feature"].isin(forming.columns)], naming_distance), on="segment"
        ),
        profile=profile,
        effects=_effects(values, segments, set(forming.columns), correction),
        recipe=Recipe(
            "segment_profile",
            {
                "confidence": confidence,
                "size_interval": "wilson",
                "correction": correction,
                "naming_distance": naming_distance,
                "n_further_features": values.shape[1] - forming.shape[1],
            },
            "Wilson (1927), https://doi.org/10.1080/01621459.1927.10502953",
        ),
    )


def _further(features: pd.DataFrame | None, forming: pd.DataFrame) -> pd.DataFrame:
    """Return the features that took no part, as floats, for the customers in segments."""
    if features is None:
        return pd.DataFrame(index=forming.index)
    more = features[[name for name in features if name not in forming]]
    wordy = [name for name in more if not (pd.api.types.is_numeric_dtype(more[name].dtype) or more[name].dtype == bool)]
    if wordy:
        raise RefusedError(
            f"feature {wordy[0]!r} holds {more[wordy[0]].dtype}, not numbers",
            where="profile_segments",
            repair="Code its categories as 0 and 1.",
        )
    more = more.astype("Float64").astype(float).reindex(forming.index)
    empty = more.columns[more.isna().all()]
    if len(empty):
        raise RefusedError(
            f"feature {empty[0]!r} has no value for any customer in a segment",
            where="profile_segments",
            repair="Index the features by customer_id.",
        )
    return more


def _sizes(segments: pd.Series, k: int, confidence: float) -> pd.DataFrame:
    n = segments.value_counts().reindex(range(1, k + 1), fill_value=0).to_numpy()
    share, low, high = wilson(n, len(segments), confidence)
    return pd.DataFrame(
        {
            "segment": np.arange(1, k + 1),
            "n_customers": n,
            "share_of_customers": share,
            "share_low": low,
            "share_high": high,
        }
    )


def _profile(values: pd.DataFrame, segments: pd.Series) -> pd.DataFrame:
    grouped = values[segments > 0].groupby(segments)
    base, spread = values.mean(), values.std()
    table = pd.DataFrame(
        {"n": grouped.count().stack(), "mean": grouped.mean().stack(), "median": grouped.median().stack()}
    ).rename_axis(["segment", "feature"])
    table = table.reset_index()
    own = table["feature"].map(base)
    return table.assign(
        base_mean=own,
        index=(100 * table["mean"] / own).where(own > 0),
        distance=(table["mean"] - own) / table["feature"].map(spread.where(spread > 0)),
    )


def _names(profile: pd.DataFrame, limit: float) -> pd.DataFrame:
    distance = profile.pivot(index="segment", columns="feature", values="distance")[profile["feature"].unique()]
    return pd.DataFrame(
        {
            "segment": distance.index,
            "highest": distance.idxmax(axis=1).where(distance.max(axis=1) >= limit).to_numpy(),
            "lowest": distance.idxmin(axis=1).where(distance.min(axis=1) <= -limit).to_numpy(),
        }
    )


def _effects(values: pd.DataFrame, segments: pd.Series, forming: set[str], correction: Correction) -> pd.DataFrame:
    values, segments = values[segments > 0], segments[segments > 0]
    deviation = values - values.mean()
    within = values - values.groupby(segments).transform("mean")
    total = (deviation**2).sum()
    table = pd.DataFrame(
        {
            "feature": values.columns,
            "formed_segments": [name in forming for name in values],
            "n": values.count().to_numpy(),
            "eta_squared": (1 - (within**2).sum() / total.where(total > 0)).to_numpy(),
            "f_value": np.nan,
            "p_value": np.nan,
            "p_adjusted": np.nan,
        }
    )
    for row in np.flatnonzero(~table["formed_segments"]):
        table.loc[row, ["f_value", "p_value"]] = _welch(values[table.loc[row, "feature"]], segments)
    tested = table["p_value"].notna()
    if tested.any():
        table.loc[tested, "p_adjusted"] = multipletests(table.loc[tested, "p_value"], method=correction)[1]
    return table


def _welch(values: pd.Series, segments: pd.Series) -> tuple[float, float]:
    """Welch's F and p over the segments in which the feature varies; missing where fewer than two do."""
    present = values.dropna()
    groups = [group.to_numpy() for _, group in present.groupby(segments) if group.nunique() > 1]
    if len(groups) < 2:
        return np.nan, np.nan
    test = anova_oneway(groups, use_var="unequal")
    return float(test.statistic), float(stats.f.sf(test.statistic, *test.df))
