"""scikit-learn estimators of the wing: indicators made comparable, customers scored, measures binned."""

from __future__ import annotations

from typing import Literal, Self, get_args

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from crmresearch.errors import RefusedError, check_choice
from crmresearch.scoring.value.indicators import Indicator, IndicatorMatrix
from crmresearch.scoring.value.weights import weigh

Normalisation = Literal["minmax", "vector", "sum", "zscore"]
Weighting = Literal["entropy", "critic", "deviation", "equal"]


class IndicatorScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Make indicators comparable, more being better, by what was learnt from the customers fitted.

    Parameters
    ----------
    normalisation : {"minmax", "vector", "sum", "zscore"}
        (value − lowest) over the range; value over the root of the sum of squares; value over the sum; or
        (value − mean) over the population standard deviation. A column that never varied becomes 0.
    costs : tuple[int, ...]
        Columns for which less is better; their sign is turned ("minmax": 1 − value).

    Attributes
    ----------
    start_, size_ : np.ndarray, shape (n_features,)
        What is taken away, and what is divided by.

    Examples
    --------
    >>> IndicatorScaler(costs=(1,)).fit_transform([[0.0, 10.0], [5.0, 30.0]]).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """

    def __init__(self, *, normalisation: Normalisation = "minmax", costs: tuple[int, ...] = ()) -> None:
        self.normalisation = normalisation
        self.costs = costs

    def fit(self, X: np.ndarray, y: None = None) -> Self:
        """Learn start and size of ``X``, shape (n_customers, n_features)."""
        X = validate_data(self, X, dtype=float)
        check_choice("normalisation", self.normalisation, get_args(Normalisation), where="estimator")
        if any(not 0 <= c < X.shape[1] for c in self.costs):
            raise RefusedError(f"costs {self.costs} of {X.shape[1]} columns", where="IndicatorScaler")
        zero = np.zeros(X.shape[1])
        if self.normalisation == "minmax":
            self.start_, size = X.min(axis=0), np.ptp(X, axis=0)
        elif self.normalisation == "zscore":
            self.start_, size = X.mean(axis=0), X.std(axis=0)
        else:
            self.start_ = zero
            size = np.sqrt((X**2).sum(axis=0)) if self.normalisation == "vector" else X.sum(axis=0)
        varies = X.min(axis=0) < X.max(axis=0)
        self.size_ = np.where(varies & (size != 0), size, np.inf)
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Comparable values, shape (n_customers, n_features)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=float, reset=False)
        scaled = (X - self.start_) / self.size_
        for column in self.costs:
            turned = 1 - scaled[:, column] if self.normalisation == "minmax" else -scaled[:, column]
            scaled[:, column] = turned if np.isfinite(self.size_[column]) else 0.0
        return scaled


class TopsisScorer(TransformerMixin, BaseEstimator):
    """Closeness of customers to the ideal of the customers fitted, so that new customers do not move it.

    Parameters
    ----------
    weighting : {"entropy", "critic", "deviation", "equal"}
    costs : tuple[int, ...]
        Columns for which less is better.

    Attributes
    ----------
    weights_ : np.ndarray, shape (n_features,)
    scale_ : np.ndarray, shape (n_features,)
        One over the root of the sum of squares.
    best_, worst_ : np.ndarray, shape (n_features,)

    Examples
    --------
    >>> scorer = TopsisScorer(weighting="equal").fit([[1.0, 1.0], [3.0, 2.0], [2.0, 5.0]])
    >>> scorer.transform([[3.0, 5.0], [1.0, 1.0]]).ravel().tolist()
    [1.0, 0.0]
    """

    def __init__(
        self,
        *,
        weighting: Weighting = "entropy",
        costs: tuple[int, ...] = (),
    ) -> None:
        self.weighting = weighting
        self.costs = costs

    def fit(self, X: np.ndarray, y: None = None) -> Self:
        """Learn weights and ideals of ``X``, shape (n_customers, n_features)."""
        X = validate_data(self, X, dtype=float, ensure_min_samples=2)
        check_choice("weighting", self.weighting, get_args(Weighting), where="estimator")
        indicators = tuple(Indicator(f"x{j}", "cost" if j in self.costs else "benefit") for j in range(X.shape[1]))
        matrix = IndicatorMatrix(np.arange(len(X)), X, indicators, None)
        self.weights_ = weigh(matrix, weighting=self.weighting).values
        length, low, high = np.sqrt((X**2).sum(axis=0)), X.min(axis=0), X.max(axis=0)
        self.scale_ = np.divide(1.0, length, out=np.zeros(len(length)), where=length > 0)
        self.best_, self.worst_ = np.where(matrix.is_benefit, [high, low], [low, high])
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Closeness, shape (n_customers, 1); .5 where the ideal and its opposite are the same."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=float, reset=False)
        factor = self.weights_ * self.scale_
        far = np.sqrt((((X - self.worst_) * factor) ** 2).sum(axis=1))
        near = np.sqrt((((X - self.best_) * factor) ** 2).sum(axis=1))
        total = far + near
        return np.divide(far, total, out=np.full(len(X), 0.5), where=total > 0)[:, None]

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """The one column."""
        return np.array(["topsis_score"], dtype=object)


class QuantileScorer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Scores 1..bins by the quantiles of the customers fitted, as RFM gives them; equal values, equal scores.

    Parameters
    ----------
    bins : int
        2 to 9.
    less_is_better : tuple[int, ...]
        Columns such as recency.

    Attributes
    ----------
    sorted_ : np.ndarray, shape (n_customers, n_features)
        The fitted values, worst first.

    Examples
    --------
    >>> QuantileScorer(bins=2).fit_transform([[1.0], [1.0], [2.0], [9.0]]).ravel().tolist()
    [1.0, 1.0, 2.0, 2.0]
    """

    def __init__(self, *, bins: int = 5, less_is_better: tuple[int, ...] = ()) -> None:
        self.bins = bins
        self.less_is_better = less_is_better

    def fit(self, X: np.ndarray, y: None = None) -> Self:
        """Learn the distribution of ``X``, shape (n_customers, n_features)."""
        X = validate_data(self, X, dtype=float)
        if not 2 <= self.bins <= 9:
            raise RefusedError(f"bins={self.bins}", where="QuantileScorer", repair="Use 2 to 9.")
        self.sorted_ = np.sort(X * self._sign(X.shape[1]), axis=0)
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Scores as floats, shape (n_customers, n_features)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=float, reset=False)
        n, goodness = len(self.sorted_), X * self._sign(X.shape[1])
        worse = [np.searchsorted(s, g, side="left") for s, g in zip(self.sorted_.T, goodness.T, strict=True)]
        return np.minimum(1 + self.bins * np.array(worse).T // n, self.bins).astype(float)

    def _sign(self, n_features: int) -> np.ndarray:
        return np.where(np.isin(np.arange(n_features), self.less_is_better), -1.0, 1.0)
