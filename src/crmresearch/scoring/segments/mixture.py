"""Gaussian mixtures: segments as overlapping clouds, the number of them by BIC or ICL."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from sklearn.utils.validation import check_is_fitted

from crmresearch.errors import check_choice
from crmresearch.scoring.segments.sweeping import CHUNK, K_RANGE, Grouping, SweptClusterer

Covariance = Literal["full", "tied", "diag", "spherical"]


class SegmentMixture(SweptClusterer):
    """Gaussian mixture by EM with several starts; the number of segments given, or by BIC or ICL.

    Parameters
    ----------
    k : int or None
        Number of components; None takes the smallest ``criterion``.
    k_range : Sequence[int]
    covariance : {"full", "tied", "diag", "spherical"}
        Shape of the clouds: each its own, one for all, along the axes, round.
    criterion : {"bic", "icl"}
        ICL adds to BIC twice the entropy of the memberships, and so prefers clouds that can be told apart.
    n_starts : int
        EM starts for each k.
    silhouette_points, fit_points : int
        Beyond this many rows a random sample is used; the others go to their most probable component.
    random_state : int, RandomState or None

    Attributes
    ----------
    mixture_ : sklearn.mixture.GaussianMixture
        The chosen fit. A component to which no row most probably belongs makes no segment.
    components_ : np.ndarray of int
        Component behind each segment.

    References
    ----------
    Fraley, C. & Raftery, A. E. (2002). Model-based clustering, discriminant analysis, and density estimation.
    Journal of the American Statistical Association 97, 611–631. https://doi.org/10.1198/016214502760047131

    Biernacki, C., Celeux, G. & Govaert, G. (2000). Assessing a mixture model for clustering with the
    integrated completed likelihood. IEEE Transactions on Pattern Analysis and Machine Intelligence 22,
    719–725. https://doi.org/10.1109/34.865189

    Examples
    --------
    >>> SegmentMixture(2, covariance="spherical").fit([[0.0], [0.1], [0.2], [5.0], [5.1]]).labels_.tolist()
    [0, 0, 0, 1, 1]
    """

    def __init__(
        self,
        k: int | None = None,
        *,
        k_range: Sequence[int] = K_RANGE,
        covariance: Covariance = "full",
        criterion: Literal["bic", "icl"] = "bic",
        n_starts: int = 5,
        silhouette_points: int = 25_000,
        fit_points: int = 50_000,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.k = k
        self.k_range = k_range
        self.covariance = covariance
        self.criterion = criterion
        self.n_starts = n_starts
        self.silhouette_points = silhouette_points
        self.fit_points = fit_points
        self.random_state = random_state

    @property
    def _decides(self) -> str:
        return self.criterion

    def fit(self, X: np.ndarray, y: None = None) -> Self:
        """Find the segments of ``X``, shape (n_customers, n_features)."""
        check_choice("covariance", self.covariance, ("full", "tied", "diag", "spherical"), where="segments")
        check_choice("criterion", self.criterion, ("bic", "icl"), where="segments")
        return super().fit(X)

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return the probability of each segment for each row of ``X``, shape (n, n_clusters_)."""
        check_is_fitted(self)
        found = self.mixture_.predict_proba(self._checked(X, reset=False))[:, self.components_]
        return found / found.sum(axis=1, keepdims=True)

    def _group(self, x: np.ndarray, k: int, random: np.random.RandomState) -> Grouping:
        fit = fit_mixture(x, k, covariance=self.covariance, n_starts=self.n_starts, random=random)
        chance = fit.predict_proba(x)
        bic = float(fit.bic(x))
        return Grouping(chance.argmax(axis=1), {"bic": bic, "icl": bic + 2 * entropy(chance)}, fit)

    def _spread(self, X: np.ndarray, order: np.ndarray, fit: Grouping) -> tuple[np.ndarray, Any]:
        return np.concatenate([fit.detail.predict(X[i : i + CHUNK]) for i in range(0, len(X), CHUNK)]), fit.detail

    def _place(self, x: np.ndarray) -> np.ndarray:
        return self.mixture_.predict_proba(x)[:, self.components_].argmax(axis=1)

    def _keep(self, detail: Any, place: np.ndarray) -> None:
        self.mixture_ = detail
        self.components_ = np.argsort(place[place >= 0])
        self.components_ = np.flatnonzero(place >= 0)[self.components_]


def fit_mixture(
    x: np.ndarray, k: int, *, covariance: Covariance, n_starts: int, random: np.random.RandomState
) -> GaussianMixture:
    """Fit one Gaussian mixture of ``k`` components."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # more components than distinct clouds
        return GaussianMixture(
            k, covariance_type=covariance, n_init=n_starts, max_iter=300, reg_covar=1e-5, random_state=random
        ).fit(x)


def entropy(chance: np.ndarray) -> float:
    """Entropy of memberships, −Σ p ln p over rows and segments.

    >>> round(entropy(np.array([[0.5, 0.5], [1.0, 0.0]])), 4)
    0.6931
    """
    return float(-(chance * np.log(np.where(chance > 0, chance, 1.0))).sum())
