"""Maximum likelihood in log-parameters: the sum over distinct rows, its gradient and Hessian, and Newton.

A model writes its log-likelihood as parts. A part is a function of the natural parameters and some
columns that returns value, gradient and Hessian for each distinct row; rows count as often as customers
share them. Everything else (log-parameters, covariates, blocks of rows, the optimiser, the observed
information, the decision that a fit cannot be trusted) is done here once for all models.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from crmresearch.errors import RefusedError

Terms = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Log-likelihood (rows,), its gradient (k, rows) and Hessian (k, k, rows) in the natural parameters.

Of the Hessian only the upper triangle is read."""

NEWTON_TOLERANCE = 1e-4
"""A fit has converged when one more Newton step would move it by less than this many standard errors."""

WIDEST_LOG_ERROR = 5.0
"""A standard error of a log-parameter beyond this (a 95 % interval over eight powers of ten) is no estimate."""

_THINNED_ROWS = 20_000  # with far more distinct rows than this, a thinned sample gives the start
_NEWTON_STEPS = 6


@dataclass(frozen=True, slots=True)
class Part:
    """A summand of the log-likelihood.

    Attributes
    ----------
    terms : Callable[..., Terms]
        ``terms(parameters, *columns)``; each parameter is a number, or an array over rows.
    columns : tuple[np.ndarray, ...]
        Each of shape (rows,).
    counts : np.ndarray, shape (rows,)
        Customers who share the row.
    block_rows : int
        Rows evaluated at a time, so that intermediate arrays stay in the processor's cache.
    """

    terms: Callable[..., Terms]
    columns: tuple[np.ndarray, ...]
    counts: np.ndarray
    block_rows: int = 16_384

    def thinned(self) -> Part:
        """Every so-manieth row, standing for as many customers as the whole."""
        step = len(self.counts) // _THINNED_ROWS
        if step < 4:
            return self
        counts = self.counts[::step]
        counts = counts * (self.counts.sum() / counts.sum())
        return Part(self.terms, tuple(c[::step] for c in self.columns), counts, self.block_rows)


@dataclass(frozen=True, slots=True)
class Covariates:
    """Time-invariant covariates: ``log(parameter_i) = log(parameter) + sign * z_i @ coefficients``.

    Attributes
    ----------
    values : np.ndarray, shape (rows, n_covariates)
        Aligned with the rows of every part.
    loads : tuple[tuple[int, float], ...]
        One pair (position of the parameter, sign) for each parameter that covariates move.
    """

    values: np.ndarray
    loads: tuple[tuple[int, float], ...]

    @property
    def n_coefficients(self) -> int:
        """Covariates times the parameters they move."""
        return len(self.loads) * self.values.shape[1]

    def parameters(self, theta: np.ndarray, k: int) -> np.ndarray:
        """Natural parameters of each row, shape (k, rows)."""
        eta = np.repeat(theta[:k, None], len(self.values), axis=1)
        for (position, sign), slope in zip(self.loads, theta[k:].reshape(len(self.loads), -1), strict=True):
            eta[position] += sign * (self.values @ slope)
        return np.exp(eta)

    def design(self, k: int) -> np.ndarray:
        """Derivative of each row's log-parameters by ``theta``, shape (k, rows, k + n_coefficients)."""
        rows, width = self.values.shape
        design = np.zeros((k, rows, k + self.n_coefficients))
        design[np.arange(k), :, np.arange(k)] = 1.0
        for j, (position, sign) in enumerate(self.loads):
            design[position, :, k + j * width : k + (j + 1) * width] = sign * self.values
        return design

    def block(self, rows: slice) -> Covariates:
        """The same for some of the rows."""
        return Covariates(self.values[rows], self.loads)


def evaluate(
    theta: np.ndarray, parts: Sequence[Part], k: int, covariates: Covariates | None = None
) -> tuple[float, np.ndarray, np.ndarray]:
    """Log-likelihood of all customers with its gradient and Hessian in ``theta``.

    Parameters
    ----------
    theta : np.ndarray, shape (k + n_coefficients,)
        Logarithms of the natural parameters, then covariate coefficients.
    parts : Sequence[Part]
    k : int
        Number of natural parameters.
    covariates : Covariates, optional

    Returns
    -------
    value : float
    gradient : np.ndarray, shape (len(theta),)
    hessian : np.ndarray, shape (len(theta), len(theta))
    """
    value, gradient, hessian = 0.0, np.zeros(len(theta)), np.zeros((len(theta), len(theta)))
    parameters = np.exp(theta[:k])
    for part in parts:
        for first in range(0, len(part.counts), part.block_rows):
            rows = slice(first, first + part.block_rows)
            counts, columns = part.counts[rows], [column[rows] for column in part.columns]
            if covariates is None:
                v, g, h = part.terms(parameters, *columns)
                # not "@": threads of the linear algebra library would cost more than these sums
                gradient += np.einsum("kg,g->k", g, counts)
                hessian += np.einsum("klg,g->kl", h, counts)
            else:
                block = covariates.block(rows)
                natural = block.parameters(theta, k)
                v, g, h = part.terms(natural, *columns)
                g_log, h_log = _in_logs(natural, g, h)
                design = block.design(k)
                gradient += np.einsum("kg,kgm->m", g_log * counts, design)
                hessian += np.einsum("kgm,klg,lgn->mn", design, h_log * counts, design, optimize=True)
            value += np.einsum("g,g", v, counts)
    if covariates is None:
        gradient, hessian = _in_logs(parameters, gradient, hessian)
    return float(value), gradient, hessian


def _in_logs(parameters: np.ndarray, gradient: np.ndarray, hessian: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Chain rule from parameters to their logarithms; fills the Hessian's lower triangle."""
    gradient = parameters * gradient
    hessian = parameters[:, None] * parameters[None, :] * hessian
    for i in range(len(parameters)):
        hessian[i + 1 :, i] = hessian[i, i + 1 :]
        hessian[i, i] += gradient[i]
    return gradient, hessian


@dataclass(frozen=True, slots=True)
class Optimum:
    """The maximum of a log-likelihood.

    Attributes
    ----------
    theta : np.ndarray, shape (k,)
    covariance : np.ndarray, shape (k, k)
        Inverse of the observed information, in ``theta``.
    log_likelihood : float
    evaluations : int
        Passes over all rows.
    """

    theta: np.ndarray
    covariance: np.ndarray
    log_likelihood: float
    evaluations: int


def maximize(
    parts: Sequence[Part], start: np.ndarray, k: int, covariates: Covariates | None = None, *, model: str
) -> Optimum:
    """Maximise by Newton's method in a trust region, and check that the answer is a maximum.

    Parameters
    ----------
    parts : Sequence[Part]
    start : np.ndarray, shape (k + n_coefficients,)
    k : int
        Number of natural parameters.
    covariates : Covariates, optional
    model : str
        Named in the refusal.

    Returns
    -------
    Optimum

    Raises
    ------
    RefusedError
        The search did not converge, or the likelihood is flat in some direction at its end.
    """
    if covariates is None:
        thinned = [part.thinned() for part in parts]
        if any(small is not part for small, part in zip(thinned, parts, strict=True)):
            start = _search(thinned, start, k, None)[0]
    theta, at, evaluations = _search(parts, start, k, covariates)
    n_customers = parts[-1].counts.sum()
    for _ in range(_NEWTON_STEPS):
        value, gradient, information = at(theta)
        covariance = _inverse(information)
        if covariance is None:
            break
        step = -covariance @ gradient
        short_of = np.sqrt(n_customers * (step @ information @ step))
        if short_of < 1e-3 * NEWTON_TOLERANCE:
            break
        theta = theta + step
        evaluations += 1
    _refuse_unless_maximum(covariance, short_of if covariance is not None else np.inf, n_customers, model)
    return Optimum(theta, covariance / n_customers, -value * n_customers, evaluations)


def _search(
    parts: Sequence[Part], start: np.ndarray, k: int, covariates: Covariates | None
) -> tuple[np.ndarray, Callable[[np.ndarray], tuple[float, np.ndarray, np.ndarray]], int]:
    """Trust-region Newton on minus the mean log-likelihood; one pass over the rows serves all three derivatives."""
    n_customers = parts[-1].counts.sum()
    seen: dict[bytes, tuple[float, np.ndarray, np.ndarray]] = {}

    def at(theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        key = theta.tobytes()
        if key not in seen:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                value, gradient, hessian = evaluate(theta, parts, k, covariates)
            if np.isfinite(value) and np.isfinite(gradient).all() and np.isfinite(hessian).all():
                seen[key] = -value / n_customers, -gradient / n_customers, -hessian / n_customers
            else:  # out of the range of floating point: the trust region shrinks and turns back
                seen[key] = np.inf, np.zeros(len(theta)), np.eye(len(theta))
        return seen[key]

    try:
        answer = minimize(
            lambda theta: at(theta)[0],
            start,
            jac=lambda theta: at(theta)[1],
            hess=lambda theta: at(theta)[2],
            method="trust-exact",
            options={"gtol": 1e-6, "maxiter": 200, "initial_trust_radius": 1.0, "max_trust_radius": 8.0},
        )
    except ValueError:  # the search ran away until its numbers overflowed
        return start, lambda theta: (np.inf, np.zeros(len(theta)), np.zeros((len(theta), len(theta)))), len(seen)
    return answer.x, at, len(seen)


def _inverse(information: np.ndarray) -> np.ndarray | None:
    """Inverse of a positive definite matrix; None where it is not one."""
    try:
        root = np.linalg.inv(np.linalg.cholesky(information))
    except np.linalg.LinAlgError:
        return None
    return root.T @ root


def _refuse_unless_maximum(covariance: np.ndarray | None, short_of: float, n_customers: float, model: str) -> None:
    where = f"{model} on {n_customers:,.0f} customers"
    remedy = "Use more customers or a longer observation window, or compare a model with fewer parameters."
    if covariance is None or not np.isfinite(short_of):
        raise RefusedError("the likelihood has no maximum inside the parameter space", where=where, repair=remedy)
    if short_of > NEWTON_TOLERANCE:
        what = f"the search stopped {short_of:.2g} standard errors short of the maximum"
        raise RefusedError(what, where=where, repair=remedy)
    widest = np.sqrt(np.diag(covariance).max() / n_customers)
    if widest > WIDEST_LOG_ERROR:
        what = f"a parameter is not determined: the standard error of its logarithm is {widest:.1f}"
        raise RefusedError(what, where=where, repair=remedy)


def mixture(logs: np.ndarray, first: np.ndarray, second: np.ndarray) -> Terms:
    """Logarithm of a sum of exponentials with its derivatives, for every row at once.

    Parameters
    ----------
    logs : np.ndarray, shape (components, rows)
    first : np.ndarray, shape (k, components, rows)
        Gradient of each component's logarithm.
    second : np.ndarray, shape (k, k, components, rows)
        Hessian of each component's logarithm.

    Returns
    -------
    Terms
    """
    top = logs.max(axis=0)
    shares = np.exp(logs - top)
    total = shares.sum(axis=0)
    shares /= total
    weighted = first * shares
    gradient = weighted.sum(axis=1)
    hessian = np.einsum("kjg,ljg->klg", weighted, first) + np.einsum("kljg,jg->klg", second, shares)
    hessian -= gradient[:, None] * gradient[None, :]
    return top + np.log(total), gradient, hessian
