"""Confirmatory factor model by maximum likelihood: Fisher scoring, sandwich errors, scaled chi-squared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import linalg
from threadpoolctl import threadpool_limits

from crmresearch.errors import RefusedError


@dataclass(frozen=True, slots=True)
class FactorModel:
    """A fitted confirmatory factor model: each item on one factor, factors with variance 1, free to correlate.

    Attributes
    ----------
    membership : np.ndarray, shape (p, k)
        1 where the item belongs to the factor.
    loadings, uniqueness : np.ndarray, shape (p,)
        In units of the items; uniqueness is the variance the factor leaves.
    correlations : np.ndarray, shape (k, k)
        Of the factors.
    implied : np.ndarray, shape (p, p)
        Covariance matrix the model implies; its diagonal is the sample's.
    covariance : np.ndarray, shape (q, q)
        Of the estimates (loadings, correlations by row of the upper triangle, uniquenesses): sandwich.
    naive : np.ndarray, shape (q, q)
        The same under normal items.
    chi_squared, scale : float
        n · F, and the Satorra-Bentler factor it is divided by.
    degrees : int
        Degrees of freedom.
    rounds : int
    """

    membership: np.ndarray
    loadings: np.ndarray
    uniqueness: np.ndarray
    correlations: np.ndarray
    implied: np.ndarray
    covariance: np.ndarray
    naive: np.ndarray
    chi_squared: float
    scale: float
    degrees: int
    rounds: int


@threadpool_limits.wrap(limits=1)  # matrices this small are slower, and less repeatable, on several
def fit_factor_model(answers: np.ndarray, membership: np.ndarray) -> FactorModel:
    """Fit a confirmatory factor model to complete answers.

    Parameters
    ----------
    answers : np.ndarray, shape (n, p)
        Complete; n > p.
    membership : np.ndarray, shape (p, k)
        Exactly one 1 in each row.

    Returns
    -------
    FactorModel
        Also where a uniqueness is not positive or the factor correlations are impossible; callers refuse.

    Raises
    ------
    RefusedError
        The covariance matrix is singular, the model is not identified, or scoring does not settle.

    Notes
    -----
    Minimises F = log|Σ| + tr(SΣ⁻¹) − log|S| − p with S over n, as lavaan does. Steps are those of Fisher
    scoring, halved until F falls. With z an answer less its mean and u = Σ⁻¹z, the score of parameter j
    is ½(u'Σ̇ⱼu − tr Σ⁻¹SΣ⁻¹Σ̇ⱼ); sandwich errors and the scaling factor need the second moments of those
    scores only, never the p⁴ matrix of fourth moments (Satorra & Bentler 1994).

    References
    ----------
    Satorra, A. & Bentler, P. M. (1994). Corrections to test statistics and standard errors in covariance
    structure analysis. In A. von Eye & C. C. Clogg (Eds.), Latent variables analysis (399–419). Sage.
    """
    n, p = answers.shape
    centred = answers - answers.mean(axis=0)
    sample = centred.T @ centred / n
    owner = membership.argmax(axis=1)
    k = membership.shape[1]
    above = np.triu_indices(k, 1)
    q = 2 * p + len(above[0])
    degrees = p * (p + 1) // 2 - q
    sign, sample_log = np.linalg.slogdet(sample)
    spread = np.sqrt(np.diag(sample))
    if sign <= 0 or np.linalg.eigvalsh(sample / np.outer(spread, spread))[0] < 1e-9:
        raise RefusedError(
            "the covariance matrix of the items is singular",
            where="confirmatory factor analysis",
            repair="Leave out items that are copies or sums of others, or ask more respondents.",
        )
    if degrees < 0:
        raise RefusedError(
            f"{q} parameters for {p * (p + 1) // 2} variances and covariances",
            where="confirmatory factor analysis",
            repair="A factor alone needs three items.",
        )

    def unpack(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        phi = np.eye(k)
        phi[above] = theta[p : q - p]
        phi.T[above] = theta[p : q - p]
        pattern = membership * theta[:p, None]
        return pattern, phi, theta[q - p :], pattern @ phi @ pattern.T + np.diag(theta[q - p :])

    def discrepancy(theta: np.ndarray) -> float:
        try:
            root = linalg.cholesky(unpack(theta)[3], lower=True)
        except linalg.LinAlgError:
            return np.inf
        half = linalg.solve_triangular(root, sample, lower=True)
        trace = np.trace(linalg.solve_triangular(root, half.T, lower=True))
        return float(2 * np.log(np.diag(root)).sum() + trace - sample_log - p)

    theta = np.concatenate([_first_loadings(sample, membership), np.full(len(above[0]), 0.3), np.zeros(p)])
    theta[q - p :] = np.diag(sample) - theta[:p] ** 2
    value = discrepancy(theta)
    for rounds in range(1, 501):
        pattern, phi, _, implied = unpack(theta)
        inverse = linalg.inv(implied)
        slopes = _derivatives(pattern, phi, owner, above)
        weighted = inverse @ slopes  # Σ⁻¹Σ̇ⱼ, all j at once
        information = _information(weighted)
        gradient = 0.5 * np.einsum("aij,ji->a", weighted, np.eye(p) - inverse @ sample)
        try:
            step = linalg.solve(information, -gradient, assume_a="pos")
        except linalg.LinAlgError:
            break
        length, fell = 1.0, False
        while length > 1e-6 and not fell:
            tried = discrepancy(theta + length * step)
            fell = tried <= value + 1e-13
            length /= 1 if fell else 2
        small = abs(step @ gradient) < 1e-13
        if fell:
            theta, value = theta + length * step, tried
        if small:
            return _fitted(theta, unpack, membership, centred, sample, value, degrees, rounds, above)
        if not fell:
            break
    raise RefusedError(
        "the maximum of the likelihood was not found",
        where="confirmatory factor analysis",
        repair="Ask more respondents, or give each construct three items or more that go together.",
    )


def _first_loadings(sample: np.ndarray, membership: np.ndarray) -> np.ndarray:
    """Loadings of each block's first principal component, its items turned by their signs."""
    start = np.zeros(len(sample))
    for column in membership.T:
        rows = np.flatnonzero(column)
        values, vectors = np.linalg.eigh(sample[np.ix_(rows, rows)])
        first = vectors[:, -1] * np.sqrt(values[-1])
        start[rows] = 0.8 * first * (np.sign(first.sum()) or 1.0)
    return start


def _derivatives(
    pattern: np.ndarray, phi: np.ndarray, owner: np.ndarray, above: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Derivative of the implied matrix by each parameter; shape (q, p, p)."""
    p = len(owner)
    arm = pattern @ phi
    slopes = np.zeros((2 * p + len(above[0]), p, p))
    own = np.arange(p)
    slopes[own, own, :] += arm[:, owner].T
    slopes[own, :, own] += arm[:, owner].T
    for number, (a, b) in enumerate(zip(*above, strict=True), p):
        crossed = np.outer(pattern[:, a], pattern[:, b])
        slopes[number] = crossed + crossed.T
    slopes[len(slopes) - p + own, own, own] = 1.0
    return slopes


def _information(weighted: np.ndarray) -> np.ndarray:
    """Expected information of one respondent, ½ tr(Σ⁻¹Σ̇ₐΣ⁻¹Σ̇ᵦ), from Σ⁻¹Σ̇ⱼ."""
    q = len(weighted)
    return 0.5 * weighted.reshape(q, -1) @ weighted.transpose(0, 2, 1).reshape(q, -1).T


def _fitted(
    theta: np.ndarray,
    unpack: Callable[[np.ndarray], tuple[np.ndarray, ...]],
    membership: np.ndarray,
    centred: np.ndarray,
    sample: np.ndarray,
    value: float,
    degrees: int,
    rounds: int,
    above: tuple[np.ndarray, np.ndarray],
) -> FactorModel:
    n, p = centred.shape
    pattern, phi, uniqueness, implied = unpack(theta)
    inverse = linalg.inv(implied)
    slopes = _derivatives(pattern, phi, membership.argmax(axis=1), above)
    weighted = inverse @ slopes
    bread = linalg.inv(_information(weighted))
    meat = score_moments(centred, inverse, slopes)
    return FactorModel(
        membership=membership,
        loadings=theta[:p],
        uniqueness=uniqueness,
        correlations=phi,
        implied=implied,
        covariance=bread @ meat @ bread / n,
        naive=bread / n,
        chi_squared=max(n * value, 0.0),
        scale=scaling(centred, sample, inverse, float(np.trace(bread @ meat)), degrees),
        degrees=degrees,
        rounds=rounds,
    )


def score_moments(centred: np.ndarray, inverse: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Mean product of the respondents' scores, ½(u'Σ̇u) less its mean; shape (q, q)."""
    u = centred @ inverse
    scores = 0.5 * ((u @ slopes) * u).sum(axis=2).T
    scores -= scores.mean(axis=0)
    return scores.T @ scores / len(u)


def scaling(centred: np.ndarray, sample: np.ndarray, inverse: np.ndarray, taken: float, degrees: int) -> float:
    """Satorra–Bentler scaling factor tr(UΓ)/df; NaN without degrees of freedom."""
    if degrees == 0:
        return np.nan
    distance = ((centred @ inverse) * centred).sum(axis=1)
    product = inverse @ sample
    whole = 0.5 * (float((distance**2).mean()) - float(np.trace(product @ product)))
    return (whole - taken) / degrees
