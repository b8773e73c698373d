"""Numbers, ordered answers and categories together: coded for Gower's distance, every step named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, check_choice, nearest
from crmresearch.results import Recipe
from crmresearch.scoring.segments.preparation import FeaturePreparer, PreparedFeatures, Transformation

_MOST_LEVELS = 30  # more levels than this make every customer a kind of its own


@dataclass(frozen=True, slots=True)
class MixedPreparer:
    """Codes further customers as the fitted ones were coded.

    Attributes
    ----------
    numbers : dict[str, FeaturePreparer]
        Number → its fitted preparation.
    ranges : dict[str, tuple[float, float]]
        Number → smallest and largest prepared value, which become 0 and 1.
    levels : dict[str, tuple]
        Ordered answer or category → its levels, ascending.
    ordered : frozenset[str]
        Those whose levels are ordered.
    names : tuple[str, ...]
        All features in their order.
    """

    numbers: dict[str, FeaturePreparer]
    ranges: dict[str, tuple[float, float]]
    levels: dict[str, tuple[Any, ...]]
    ordered: frozenset[str]
    names: tuple[str, ...]

    def transform(self, features: pd.DataFrame) -> np.ndarray:
        """Return codes, shape (n, n_features); a category not seen before differs from all (−1)."""
        coded = np.full((len(features), len(self.names)), np.nan)
        for j, name in enumerate(self.names):
            column = features[name]
            present = column.notna().to_numpy()
            if name in self.numbers:
                low, high = self.ranges[name]
                values = column[present].astype(float).to_numpy()[:, None]
                if len(values):
                    coded[present, j] = (self.numbers[name].transform(values)[:, 0] - low) / (high - low)
            else:
                place = {level: i for i, level in enumerate(self.levels[name])}
                codes = np.array([place.get(value, -1) for value in column[present]], dtype=float)
                ordered = name in self.ordered
                coded[present, j] = np.where(codes < 0, np.nan, codes / (len(place) - 1)) if ordered else codes
        return coded


def prepare_mixed(
    features: pd.DataFrame,
    *,
    ordered: Mapping[str, Sequence[Any]] | None = None,
    transformation: Mapping[str, Transformation] | None = None,
    winsorise: float = 0.0,
    missing: Literal["keep", "drop"] = "keep",
    correlation_limit: float = 0.9,
) -> PreparedFeatures:
    """Code numbers, ordered answers and categories so that each counts alike in Gower's distance.

    Parameters
    ----------
    features : pd.DataFrame, shape (n_customers, n_features)
        Indexed by customer_id, each customer once. Numbers (and yes/no) run from 0 to 1 over their
        range; text columns are categories.
    ordered : Mapping[str, Sequence]
        Ordered answers → their levels, lowest first; coded in equal steps from 0 to 1.
    transformation : Mapping[str, str]
        Number → ``none``, ``log1p``, ``rank`` or ``yeo_johnson``, before the range is taken.
    winsorise : float
        Share (0 to below 0.5) of values pulled in at each end of each number: one whale would
        otherwise set the range.
    missing : {"keep", "drop"}
        ``keep``: two customers are compared on the features both have. A customer with none is left out.
    correlation_limit : float
        Association from which a pair is named: |r| of two numbers, Cramér's V of two categories, η
        of a number and a category.

    Returns
    -------
    PreparedFeatures
        With ``metric="gower"``; ``original`` holds the numbers, and a column of 0 and 1 for each level
        of a category, named ``feature = level``.

    Raises
    ------
    RefusedError
        A feature is constant, has one level, is entirely missing, or has so many levels that it names
        customers rather than describes them; too few customers remain.
    UsageError
        An option that is unknown.

    Examples
    --------
    >>> customers = pd.DataFrame({"spend": [1.0, 2, 9], "plan": ["a", "b", "a"]}, index=list("xyz"))
    >>> prepare_mixed(customers).matrix.to_numpy().tolist()
    [[0.0, 0.0], [0.125, 1.0], [1.0, 0.0]]
    """
    ordered, transformation = dict(ordered or {}), dict(transformation or {})
    whole = _checked(features, ordered, transformation, missing)
    n_missing = whole.isna().sum(axis=1)
    out = n_missing.eq(whole.shape[1]) if missing == "keep" else n_missing.gt(0)
    kept = whole[~out]
    if len(kept) < 2:
        raise RefusedError(f"{len(kept)} of {len(whole)} customers have features to compare", where="preparation")
    preparer = _fit(kept, ordered, transformation, winsorise)
    matrix = pd.DataFrame(preparer.transform(kept), index=kept.index, columns=kept.columns)
    categories = [name for name in kept if name in preparer.levels and name not in preparer.ordered]
    summary = pd.DataFrame(
        {
            "feature": list(kept.columns),
            "feature_kind": [
                "ordered" if name in preparer.ordered else "category" if name in categories else "a_number"
                for name in kept
            ],
            "transformation": [transformation.get(name, "none") for name in kept],
            "n_levels": [kept[name].nunique() for name in kept],
            "n_missing": whole.isna().sum().to_numpy(),
            "commonest_share": [kept[name].value_counts(normalize=True).iloc[0] for name in kept],
        }
    )
    return PreparedFeatures(
        matrix=matrix,
        original=_plain(kept, categories, preparer),
        summary=summary,
        correlated=_associated(matrix, categories, correlation_limit),
        left_out=n_missing[out].rename("n_missing").rename_axis("customer_id").reset_index(),
        preparer=preparer,
        recipe=Recipe(
            "mixed_preparation",
            {
                "scaling": "range",
                "winsorise": winsorise,
                "missing": missing,
                "correlation_limit": correlation_limit,
                "categories": categories,
                "ordered_features": sorted(preparer.ordered),
            },
            "Gower (1971), https://doi.org/10.2307/2528823",
        ),
        metric="gower",
        categorical=tuple(list(kept.columns).index(name) for name in categories),
    )


def _checked(
    features: pd.DataFrame, ordered: Mapping[str, Any], transformation: Mapping[str, Any], missing: str
) -> pd.DataFrame:
    check_choice("missing", missing, ("keep", "drop"), where="preparation")
    if features.empty:
        raise RefusedError(f"{len(features)} customers with {features.shape[1]} features", where="preparation")
    for name in (*ordered, *transformation):
        if name not in features:
            raise RefusedError(f"no feature {name!r}{nearest(name, features.columns)}", where="preparation")
    twice = features.index[features.index.duplicated()]
    if len(twice):
        raise RefusedError(
            f"customer {str(twice[0])[:40]!r} stands twice", where="preparation", repair="Give one row per customer."
        )
    whole = features.rename_axis("customer_id").sort_index()
    for name in whole:
        levels = whole[name].nunique()
        if levels < 2:
            what = "is entirely missing" if levels == 0 else f"has one value only ({whole[name].dropna().iloc[0]})"
            raise RefusedError(f"feature {name!r} {what}", where="preparation", repair="Leave it out.")
        if not _is_number(whole[name]) and name not in ordered and levels > _MOST_LEVELS:
            raise RefusedError(
                f"feature {name!r} has {levels} categories, more than {_MOST_LEVELS}",
                where="preparation",
                repair="Group them into fewer, or leave the feature out.",
            )
    return whole


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype)


def _fit(
    kept: pd.DataFrame, ordered: Mapping[str, Sequence[Any]], transformation: Mapping[str, str], winsorise: float
) -> MixedPreparer:
    numbers: dict[str, FeaturePreparer] = {}
    ranges: dict[str, tuple[float, float]] = {}
    levels: dict[str, tuple[Any, ...]] = {}
    for name in kept:
        present = kept[name].dropna()
        if name in ordered:
            levels[name] = tuple(ordered[name])
            strange = [value for value in present.unique() if value not in levels[name]]
            if strange or len(levels[name]) < 2:
                raise RefusedError(
                    f"ordered feature {name!r} holds {strange[:1] or 'one level'}", where="preparation, ordered"
                )
        elif _is_number(present):
            values = present.astype(float).to_numpy()[:, None]
            if not np.isfinite(values).all():
                raise RefusedError(f"feature {name!r} is infinite", where="preparation", repair="Leave it out.")
            one = FeaturePreparer(
                transformation=transformation.get(name, "none"), scaling="none", winsorise=winsorise
            ).fit(values)
            prepared = one.transform(values)
            if prepared.max() <= prepared.min():
                raise RefusedError(
                    f"feature {name!r} is constant once {winsorise:.0%} are pulled in at each end",
                    where="preparation",
                    repair="Pull in fewer, or leave it out.",
                )
            numbers[name], ranges[name] = one, (float(prepared.min()), float(prepared.max()))
        else:
            levels[name] = tuple(sorted(present.unique(), key=str))
    return MixedPreparer(numbers, ranges, levels, frozenset(ordered), tuple(kept.columns))


def _plain(kept: pd.DataFrame, categories: list[str], preparer: MixedPreparer) -> pd.DataFrame:
    """Numbers as they are, ordered answers by the place of their level (from 1), categories as 0 and 1."""
    columns = {}
    for name in kept:
        present = kept[name].notna()
        if name in categories:
            for level in preparer.levels[name]:
                columns[f"{name} = {level}"] = (kept[name] == level).astype(float).where(present)
        elif name in preparer.ordered:
            place = {level: float(i) for i, level in enumerate(preparer.levels[name], 1)}
            columns[name] = kept[name].map(place).astype(float)
        else:
            columns[name] = kept[name].astype("Float64").astype(float)
    return pd.DataFrame(columns, index=kept.index)


def _associated(matrix: pd.DataFrame, categories: list[str], limit: float) -> pd.DataFrame:
    found = []
    for one, other in combinations(matrix.columns, 2):
        pair = matrix[[one, other]].dropna()
        strength = _strength(pair[one], pair[other], one in categories, other in categories)
        if abs(strength) >= limit:
            found.append((one, other, strength))
    table = pd.DataFrame(found, columns=["feature", "other_feature", "correlation"])
    return table.sort_values("correlation", key=np.abs, ascending=False, kind="stable", ignore_index=True)


def _strength(one: pd.Series, other: pd.Series, coded_one: bool, coded_other: bool) -> float:
    if one.nunique() < 2 or other.nunique() < 2:
        return 0.0
    if coded_one and coded_other:
        return cramers_v(pd.crosstab(one, other).to_numpy())
    if coded_one or coded_other:
        values, groups = (other, one) if coded_one else (one, other)
        within = values - values.groupby(groups).transform("mean")
        return float(np.sqrt(max(0.0, 1 - (within**2).sum() / ((values - values.mean()) ** 2).sum())))
    return float(np.corrcoef(one, other)[0, 1])


def cramers_v(table: np.ndarray) -> float:
    """Cramér's V of a table of counts, 0 to 1.

    >>> cramers_v(np.array([[5, 0], [0, 5]]))
    1.0
    """
    table = np.asarray(table, dtype=float)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if min(table.shape) < 2:
        return 0.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    chi2 = ((table - expected) ** 2 / expected).sum()
    return float(np.sqrt(chi2 / table.sum() / (min(table.shape) - 1)))
