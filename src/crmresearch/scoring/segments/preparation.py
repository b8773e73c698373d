"""Features made comparable before customers are grouped: every step named, fitted once, reusable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.preprocessing import PowerTransformer
from sklearn.utils.validation import check_is_fitted, validate_data

from crmresearch.errors import RefusedError, check_choice
from crmresearch.results import Exhibit, Finding, Recipe

Transformation = Literal["none", "log1p", "rank", "yeo_johnson"]
Scaling = Literal["standard", "robust", "none"]
Missing = Literal["drop", "median", "refuse"]

_CHOICES = {
    "transformation": ("none", "log1p", "rank", "yeo_johnson"),
    "scaling": ("standard", "robust", "none"),
    "missing": ("drop", "median", "refuse"),
}


class FeaturePreparer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Winsorise, transform and scale numeric features, in this order, each column by itself.

    Parameters
    ----------
    transformation : {"none", "log1p", "rank", "yeo_johnson"} or a sequence of these, one per column
        ``log1p`` needs values ≥ 0. ``rank`` gives the share of fitted values below, ties in their
        middle. ``yeo_johnson`` is fitted by maximum likelihood.
    scaling : {"standard", "robust", "none"}
        ``standard``: mean 0, population standard deviation 1. ``robust``: median 0, interquartile
        range 1 (standard deviation 1 where that range is 0).
    winsorise : float
        Share (0 to below 0.5) of values pulled in at each end of every column.

    Attributes
    ----------
    limits_ : np.ndarray, shape (2, n_features)
        Lowest and highest value that winsorising keeps.
    centre_, spread_ : np.ndarray, shape (n_features,)
        What scaling takes away and divides by.

    References
    ----------
    Yeo, I.-K. & Johnson, R. A. (2000). A new family of power transformations to improve normality or
    symmetry. Biometrika 87, 954–959. https://doi.org/10.1093/biomet/87.4.954

    Examples
    --------
    >>> spend = [[0.0], [np.e - 1], [np.e**2 - 1]]
    >>> FeaturePreparer(transformation="log1p").fit_transform(spend).round(3).ravel().tolist()
    [-1.225, 0.0, 1.225]
    """

    def __init__(
        self,
        *,
        transformation: Transformation | tuple[Transformation, ...] = "none",
        scaling: Scaling = "standard",
        winsorise: float = 0.0,
    ) -> None:
        self.transformation = transformation
        self.scaling = scaling
        self.winsorise = winsorise

    def fit(self, X: np.ndarray, y: None = None) -> Self:
        """Learn limits, transformations and scale from ``X``, shape (n_customers, n_features)."""
        X = validate_data(self, X, dtype=float)
        if not 0 <= self.winsorise < 0.5:
            raise RefusedError(f"winsorise must lie in [0, 0.5), got {self.winsorise!r}", where="preparation")
        _check("scaling", self.scaling)
        each = self.transformation
        self.transformations_ = (each,) * X.shape[1] if isinstance(each, str) else tuple(each)
        for one in self.transformations_:
            _check("transformation", one)
        self.limits_ = np.quantile(X, [self.winsorise, 1 - self.winsorise], axis=0)
        X = np.clip(X, *self.limits_)
        self.sorted_ = {j: np.sort(X[:, j]) for j in self._columns("rank")}
        power = self._columns("yeo_johnson")
        self.power_ = PowerTransformer(standardize=False).fit(X[:, power]) if power else None
        X = self._transformed(X)
        if self.scaling == "robust":
            low, self.centre_, high = np.quantile(X, [0.25, 0.5, 0.75], axis=0)
            spread = np.where(high > low, high - low, X.std(axis=0))
        else:
            self.centre_, spread = X.mean(axis=0), X.std(axis=0)
        if self.scaling == "none":
            self.centre_, spread = np.zeros(X.shape[1]), np.ones(X.shape[1])
        self.spread_ = np.where(spread > 0, spread, 1.0)
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Apply what was learned to ``X``, shape (n_customers, n_features)."""
        check_is_fitted(self)
        X = np.clip(validate_data(self, X, dtype=float, reset=False), *self.limits_)
        return (self._transformed(X) - self.centre_) / self.spread_

    def state(self) -> dict[str, Any]:
        """Return what was learned as plain numbers, for a file; :meth:`of_state` reads it."""
        check_is_fitted(self)
        return {
            "names": [str(name) for name in getattr(self, "feature_names_in_", [])],
            "transformations": list(self.transformations_),
            "scaling": self.scaling,
            "winsorise": float(self.winsorise),
            "limits": self.limits_.tolist(),
            "sorted": {str(j): values.tolist() for j, values in self.sorted_.items()},
            "lambdas": [] if self.power_ is None else self.power_.lambdas_.tolist(),
            "centre": self.centre_.tolist(),
            "spread": self.spread_.tolist(),
        }

    @classmethod
    def of_state(cls, state: Mapping[str, Any]) -> Self:
        """Return a fitted preparer from what :meth:`state` gave."""
        made = cls(
            transformation=tuple(state["transformations"]), scaling=state["scaling"], winsorise=state["winsorise"]
        )
        made.transformations_ = tuple(state["transformations"])
        made.limits_ = np.array(state["limits"], dtype=float)
        made.n_features_in_ = made.limits_.shape[1]
        if state["names"]:
            made.feature_names_in_ = np.array(state["names"], dtype=object)
        made.sorted_ = {int(j): np.array(values, dtype=float) for j, values in state["sorted"].items()}
        made.power_ = None
        if state["lambdas"]:
            made.power_ = PowerTransformer(standardize=False)
            made.power_.lambdas_ = np.array(state["lambdas"], dtype=float)
            made.power_.n_features_in_ = len(state["lambdas"])
        made.centre_, made.spread_ = (np.array(state[name], dtype=float) for name in ("centre", "spread"))
        return made

    def _columns(self, transformation: str) -> list[int]:
        return [j for j, one in enumerate(self.transformations_) if one == transformation]

    def _transformed(self, X: np.ndarray) -> np.ndarray:
        X, logs, power = X.copy(), self._columns("log1p"), self._columns("yeo_johnson")
        if logs:
            if (X[:, logs] < 0).any():
                raise RefusedError(
                    "log1p needs values of 0 and more",
                    where=f"preparation, feature {self._name(logs[int(np.argmax((X[:, logs] < 0).any(axis=0)))])}",
                    repair="Use yeo_johnson or rank for this feature.",
                )
            X[:, logs] = np.log1p(X[:, logs])
        if power:
            X[:, power] = self.power_.transform(X[:, power])
        for j, fitted in self.sorted_.items():
            below, through = (np.searchsorted(fitted, X[:, j], side=side) for side in ("left", "right"))
            X[:, j] = (below + through) / (2 * len(fitted))
        return X

    def _name(self, column: int) -> str:
        return str(getattr(self, "feature_names_in_", range(column + 1))[column])


@dataclass(frozen=True, slots=True)
class PreparedFeatures:
    """Features ready for grouping, and how they came about.

    Attributes
    ----------
    matrix : pd.DataFrame, shape (n_kept, n_features)
        Prepared values, indexed by customer_id in ascending order.
    original : pd.DataFrame, shape (n_kept, n_features)
        The same customers' values in their own units (medians where missing values were filled).
    summary : pd.DataFrame, shape (n_features, 9)
        feature, transformation, n_missing, mean, sd, median, skewness, skewness_prepared, n_winsorised.
    correlated : pd.DataFrame, shape (n_pairs, 3)
        feature, other_feature, correlation: pairs of prepared features at or above ``correlation_limit``,
        which count double in every distance.
    left_out : pd.DataFrame, shape (n_left_out, 2)
        customer_id, n_missing.
    preparer : FeaturePreparer
        Fitted; prepares further customers the same way.
    recipe : Recipe
    metric : {"euclidean", "gower"}
        Distance that suits the matrix: Gower's where it holds categories.
    categorical : tuple[int, ...]
        Positions of the matrix's columns that hold codes of categories.
    """

    matrix: pd.DataFrame
    original: pd.DataFrame
    summary: pd.DataFrame
    correlated: pd.DataFrame
    left_out: pd.DataFrame
    preparer: FeaturePreparer
    recipe: Recipe
    metric: Literal["euclidean", "gower"] = "euclidean"
    categorical: tuple[int, ...] = ()

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Feature summary; the correlated pairs where there are any."""
        mixed = self.metric == "gower"
        note = "mixed_reading" if mixed else "preparation_order"
        shown = [Exhibit("mixed_preparation" if mixed else "feature_preparation", self.summary, notes=(note,))]
        if len(self.correlated):
            shown.append(Exhibit("correlated_features", self.correlated, notes=("correlated_count_double",)))
        return tuple(shown)

    def findings(self) -> tuple[Finding, ...]:
        """How many customers and features there are, and how many customers were left out."""
        values = {"n": len(self.matrix), "n_features": self.matrix.shape[1], "n_left_out": len(self.left_out)}
        found = [Finding("features_prepared", values)]
        if len(self.correlated):
            worst = self.correlated.iloc[0]
            found.append(
                Finding(
                    "features_correlated",
                    {
                        "n": len(self.correlated),
                        "feature": worst["feature"],
                        "other": worst["other_feature"],
                        "correlation": float(worst["correlation"]),
                    },
                )
            )
        return tuple(found)


def prepare_features(
    features: pd.DataFrame,
    *,
    transformation: Transformation | Sequence[Transformation] | Mapping[str, Transformation] = "none",
    scaling: Scaling = "standard",
    winsorise: float = 0.0,
    missing: Missing = "drop",
    correlation_limit: float = 0.9,
) -> PreparedFeatures:
    """Winsorise, transform and scale the features of customers, and say what that changed.

    Parameters
    ----------
    features : pd.DataFrame, shape (n_customers, n_features)
        Numeric (or true/false) columns, indexed by customer_id, each customer once.
    transformation : str, Sequence[str] or Mapping[str, str]
        One of ``none``, ``log1p``, ``rank``, ``yeo_johnson`` for every feature, or one for each in order
        (a single one in a list is for every feature), or feature → one of them, ``none`` for features the
        mapping leaves out.
    scaling : {"standard", "robust", "none"}
    winsorise : float
        Share (0 to below 0.5) of values pulled in at each end of each feature.
    missing : {"drop", "median", "refuse"}
        What becomes of a customer with a missing feature: left out and listed, filled with the feature's
        median, or no result. A customer with every feature missing is always left out.
    correlation_limit : float
        |r| from which a pair of prepared features is named.

    Returns
    -------
    PreparedFeatures

    Raises
    ------
    RefusedError
        A feature is not numeric, infinite, entirely missing or constant (named); a customer stands
        twice; ``log1p`` meets a negative value; too few customers remain.
    UsageError
        An option that is unknown.

    Examples
    --------
    >>> features = pd.DataFrame({"spend": [1.0, 10, 100], "visits": [1, 2, 4]}, index=["a", "b", "c"])
    >>> prepare_features(features, transformation={"spend": "log1p"}).summary["transformation"].tolist()
    ['log1p', 'none']
    """
    _check("scaling", scaling)
    _check("missing", missing)
    whole = _numeric(features)
    chosen = _by_feature(transformation, list(whole.columns))
    n_missing = whole.isna().sum(axis=1)
    if missing == "refuse" and n_missing.any():
        first = n_missing.ne(0).idxmax()
        raise RefusedError(
            f"{int(n_missing.gt(0).sum())} customers lack a feature, first {str(first)[:40]!r}",
            where="preparation",
            repair="Use missing='drop' or 'median'.",
        )
    out = n_missing.gt(0) if missing == "drop" else n_missing.eq(whole.shape[1])
    kept = whole[~out]
    kept = kept.fillna(kept.median())
    if len(kept) < 2:
        raise RefusedError(
            f"{len(kept)} of {len(whole)} customers have all {whole.shape[1]} features",
            where="preparation",
            repair="Leave out the feature that is missing most, or use missing='median'.",
        )
    flat = [name for name in kept if kept[name].nunique() < 2]
    if flat:
        raise RefusedError(
            f"feature {flat[0]!r} is constant ({kept[flat[0]].iloc[0]:g} for all {len(kept)} customers)",
            where="preparation",
            repair="Leave it out: it cannot tell customers apart.",
        )
    preparer = FeaturePreparer(transformation=chosen, scaling=scaling, winsorise=winsorise).fit(kept)
    matrix = pd.DataFrame(preparer.transform(kept), index=kept.index, columns=kept.columns)
    summary = pd.DataFrame(
        {
            "feature": kept.columns,
            "transformation": chosen,
            "n_missing": whole.isna().sum().to_numpy(),
            "mean": kept.mean().to_numpy(),
            "sd": kept.std().to_numpy(),
            "median": kept.median().to_numpy(),
            "skewness": stats.skew(kept.to_numpy()),
            "skewness_prepared": stats.skew(matrix.to_numpy()),
            "n_winsorised": ((kept < preparer.limits_[0]) | (kept > preparer.limits_[1])).sum().to_numpy(),
        }
    )
    options = {"transformation": chosen[0] if len(set(chosen)) == 1 else "by_feature"}
    options |= {"scaling": scaling, "winsorise": winsorise, "missing": missing, "correlation_limit": correlation_limit}
    return PreparedFeatures(
        matrix=matrix,
        original=kept,
        summary=summary,
        correlated=_correlated(matrix, correlation_limit),
        left_out=n_missing[out].rename("n_missing").rename_axis("customer_id").reset_index(),
        preparer=preparer,
        recipe=Recipe("feature_preparation", options),
    )


def _check(option: str, value: object) -> None:
    check_choice(option, value, _CHOICES[option], where="preparation")


def _numeric(features: pd.DataFrame) -> pd.DataFrame:
    """Return the features as floats in ascending order of customer_id, refusing what is not a number."""
    if features.empty:
        raise RefusedError(f"{len(features)} customers with {features.shape[1]} features", where="preparation")
    twice = features.index[features.index.duplicated()]
    if len(twice):
        raise RefusedError(
            f"customer {str(twice[0])[:40]!r} stands twice", where="preparation", repair="Give one row per customer."
        )
    for name in features:
        if not (pd.api.types.is_numeric_dtype(features[name].dtype) or features[name].dtype == bool):
            raise RefusedError(
                f"feature {name!r} holds {features[name].dtype}, not numbers",
                where="preparation",
                repair="Choose numeric columns, or code the categories as 0 and 1.",
            )
    whole = features.astype("Float64").astype(float).rename_axis("customer_id").sort_index()
    for rule, bad in (("entirely missing", whole.isna().all()), ("infinite", np.isinf(whole).any())):
        if bad.any():
            raise RefusedError(f"feature {bad.idxmax()!r} is {rule}", where="preparation", repair="Leave it out.")
    return whole


def _by_feature(transformation: str | Sequence[str] | Mapping[str, str], names: list[str]) -> tuple[str, ...]:
    if not isinstance(transformation, str | Mapping):
        if len(transformation) not in (1, len(names)):
            raise RefusedError(
                f"{len(transformation)} transformations for {len(names)} features",
                where="preparation, transformation",
                repair="Give one for all, or one for each.",
            )
        transformation = dict(
            zip(names, [*transformation] * (len(names) if len(transformation) < len(names) else 1), strict=True)
        )
    if isinstance(transformation, str):
        _check("transformation", transformation)
        return (transformation,) * len(names)
    unknown = [name for name in transformation if name not in names]
    if unknown:
        raise RefusedError(
            f"no feature {unknown[0]!r}", where="preparation, transformation", repair=f"There are: {', '.join(names)}."
        )
    for value in transformation.values():
        _check("transformation", value)
    return tuple(transformation.get(name, "none") for name in names)


def _correlated(matrix: pd.DataFrame, limit: float) -> pd.DataFrame:
    r = np.corrcoef(matrix.to_numpy(), rowvar=False).reshape(matrix.shape[1], matrix.shape[1])
    first, second = np.nonzero(np.triu(np.abs(r) >= limit, 1))
    pairs = pd.DataFrame(
        {"feature": matrix.columns[first], "other_feature": matrix.columns[second], "correlation": r[first, second]}
    )
    return pairs.sort_values("correlation", key=np.abs, ascending=False, kind="stable", ignore_index=True)
