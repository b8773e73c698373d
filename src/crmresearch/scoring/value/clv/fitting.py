"""Fit a purchase model to histories: estimates with standard errors, and the model ready for prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.value.clv.bgbb import BG_BB
from crmresearch.scoring.value.clv.bgnbd import BG_NBD, MBG_NBD
from crmresearch.scoring.value.clv.histories import (
    FEWEST_CUSTOMERS,
    FEWEST_REPEATERS,
    Groups,
    group_equal,
    group_histories,
    numbers,
)
from crmresearch.scoring.value.clv.likelihood import Covariates, Optimum, maximize
from crmresearch.scoring.value.clv.models import PurchaseModel, tidy_estimates
from crmresearch.scoring.value.clv.paretonbd import PARETO_NBD

MODELS: dict[str, PurchaseModel] = {m.key: m for m in (BG_NBD, MBG_NBD, PARETO_NBD, BG_BB)}
ModelName = Literal["bgnbd", "mbgnbd", "paretonbd", "bgbb"]


@dataclass(frozen=True, slots=True)
class PurchaseFit:
    """A purchase model fitted by maximum likelihood.

    Attributes
    ----------
    model : PurchaseModel
    theta : np.ndarray, shape (4 + n_coefficients,)
        Logarithms of the natural parameters, then covariate coefficients.
    covariance : np.ndarray, shape (len(theta), len(theta))
        Of ``theta``: the inverse of the observed information.
    log_likelihood : float
    groups : Groups
        Distinct histories (x, t_x, T and covariates) with customers per history.
    covariates : tuple[str, ...]
        Columns of the histories that move the parameters.
    time_unit : str
        Unit of t_x and T; ``"opportunity"`` in discrete time.
    recipe : Recipe
    """

    model: PurchaseModel
    theta: np.ndarray
    covariance: np.ndarray
    log_likelihood: float
    groups: Groups
    covariates: tuple[str, ...]
    time_unit: str
    recipe: Recipe

    @property
    def parameters(self) -> np.ndarray:
        """Natural parameters at covariates of zero, shape (4,)."""
        return np.exp(self.theta[: len(self.model.parameters)])

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of ``theta``: the paper's parameters, then ``<parameter>:<covariate>``."""
        model = self.model
        moved = [f"{model.parameters[k]}:{c}" for k, _ in model.covariate_loads for c in self.covariates]
        return (*model.parameters, *moved)

    def parameters_at(self, theta: np.ndarray, covariates: Sequence[np.ndarray] = ()) -> np.ndarray:
        """Natural parameters, shape (4,), or (4, rows) where covariate columns are given."""
        k = len(self.model.parameters)
        if not len(covariates):
            return np.exp(theta[:k])
        return Covariates(np.column_stack(covariates), self.model.covariate_loads).parameters(theta, k)

    def tidy(self) -> pd.DataFrame:
        """Estimates, one row per parameter: see :func:`~.models.tidy_estimates`."""
        return tidy_estimates(self.terms, self.theta, self.covariance, len(self.model.parameters))

    def glance(self) -> pd.DataFrame:
        """One row: model, n_customers, n_histories (distinct), log_likelihood, aic, bic, time_unit."""
        k, n = len(self.theta), self.groups.counts.sum()
        return pd.DataFrame(
            {
                "model": [self.model.key],
                "n_customers": [int(n)],
                "n_histories": [len(self.groups.counts)],
                "log_likelihood": [self.log_likelihood],
                "aic": [2 * k - 2 * self.log_likelihood],
                "bic": [k * np.log(n) - 2 * self.log_likelihood],
                "time_unit": [self.time_unit],
            }
        )

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Tables as a report shows them."""
        return (
            Exhibit(
                "clv_parameters", self.tidy().rename(columns={"term": "parameter"}), notes=("clv_observed_information",)
            ),
            Exhibit("clv_model_summary", self.glance()),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Sentences with their numbers."""
        x = self.groups.columns[0]
        n, repeaters = self.groups.counts.sum(), self.groups.counts[x > 0].sum()
        values = {
            "n": int(n),
            "repeaters": int(repeaters),
            "share": repeaters / n,
            "model": self.model.key,
            "log_likelihood": self.log_likelihood,
        }
        return (Finding("clv_model_fitted", values),)


def fit_purchases(
    histories: pd.DataFrame,
    *,
    model: ModelName = "bgnbd",
    time_unit: str = "week",
    covariates: tuple[str, ...] = (),
) -> PurchaseFit:
    """Fit a model of buying and leaving by maximum likelihood.

    Equal histories are counted once, so the work grows with the distinct histories. Newton's method runs in
    the logarithms of the parameters, with analytic gradient and Hessian; standard errors come from the
    observed information.

    Parameters
    ----------
    histories : pd.DataFrame
        ``frequency`` (repeat purchases), ``t_x`` and ``T`` (time units since the first purchase; for the BG/BB
        ``n`` opportunities instead of T); optionally ``customers`` (how many share the row) and covariates.
    model : {"bgnbd", "mbgnbd", "paretonbd", "bgbb"}
        BG/NBD and MBG/NBD: customers leave after a purchase, Pareto/NBD: at any time; BG/BB: buying happens at
        discrete opportunities.
    time_unit : str
        Unit of t_x and T, carried along into every table; the BG/BB counts opportunities.
    covariates : tuple[str, ...]
        Numeric columns, constant over a customer's time (BG/NBD, MBG/NBD, Pareto/NBD). BG/NBD: alpha_i = alpha
        exp(-z γ1), a_i = a exp(z γ2), b_i = b exp(z γ3); Pareto/NBD: alpha_i = alpha exp(-z γ1), beta_i = beta
        exp(-z γ2).

    Returns
    -------
    PurchaseFit

    Raises
    ------
    RefusedError
        Histories that cannot be, fewer than 50 customers or 20 who bought again, or a likelihood without
        a well determined maximum.

    References
    ----------
    Each model's module names its paper. Covariates: Fader & Hardie (2007), Incorporating time-invariant
    covariates into the Pareto/NBD and BG/NBD models, brucehardie.com/notes/019.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x, t_x = BG_NBD.simulate((0.24, 4.4, 0.8, 2.4), np.full(2000, 39.0), rng)
    >>> fit = fit_purchases(pd.DataFrame({"frequency": x, "t_x": t_x, "T": 39.0}))
    >>> fit.tidy()["term"].tolist()
    ['r', 'alpha', 'a', 'b']
    """
    chosen = MODELS[model]
    groups = group_histories(
        histories,
        chosen.columns,
        covariate_columns(histories, chosen, covariates),
        fewest_customers=FEWEST_CUSTOMERS,
        fewest_repeaters=FEWEST_REPEATERS,
    )
    if chosen is BG_BB:
        time_unit = "opportunity"
    optimum = _optimum(chosen, groups)
    options = {"time_unit": time_unit, "covariates": ", ".join(covariates) or None}
    recipe = Recipe(f"clv_{chosen.key}", options, chosen.source)
    return PurchaseFit(
        chosen, optimum.theta, optimum.covariance, optimum.log_likelihood, groups, tuple(covariates), time_unit, recipe
    )


def refit(fit: PurchaseFit, groups: Groups) -> PurchaseFit:
    """Fit the same model to other histories, starting from a fit."""
    optimum = _optimum(fit.model, groups, fit.theta)
    return replace(
        fit,
        theta=optimum.theta,
        covariance=optimum.covariance,
        log_likelihood=optimum.log_likelihood,
        groups=groups,
    )


def _optimum(model: PurchaseModel, groups: Groups, start: np.ndarray | None = None) -> Optimum:
    x, t_x, end, *extra = groups.columns
    k = len(model.parameters)
    if not extra:
        start = model.start(x, t_x, end, groups.counts) if start is None else start
        return maximize(model.parts(x, t_x, end, groups.counts), start, k, model=model.key)
    moved = Covariates(np.column_stack(extra), model.covariate_loads)
    if start is None:
        plain = group_equal([x, t_x, end], groups.counts)
        start = np.concatenate([_optimum(model, plain).theta, np.zeros(moved.n_coefficients)])
    return maximize(model.row_parts(x, t_x, end, groups.counts), start, k, moved, model=model.key)


def covariate_columns(
    histories: pd.DataFrame, model: PurchaseModel, covariates: tuple[str, ...], *, to_fit: bool = True
) -> list[np.ndarray]:
    """Checked covariates; to be fitted they must vary, and not determine one another."""
    where = "covariates"
    if covariates and not model.covariate_loads:
        able = ", ".join(m.key for m in MODELS.values() if m.covariate_loads)
        raise RefusedError(f"{model.key} takes none", where=where, repair=f"Models that do: {able}.")
    extra = []
    for name in covariates:
        if name not in histories.columns:
            raise RefusedError(f"no column {name!r}", where=where, repair="Add it to the histories.")
        values = numbers(histories[name])
        if not np.isfinite(values).all():
            raise RefusedError(
                f"{name!r} is missing or not a number for {np.count_nonzero(~np.isfinite(values)):,} customers",
                where=where,
                repair="Code categories as 0/1 columns and complete or set aside those customers.",
            )
        if to_fit and np.ptp(values) == 0:
            raise RefusedError(f"{name!r} is the same for every customer", where=where, repair="Leave it out.")
        extra.append(values)
    if extra and to_fit:
        centred = np.column_stack(extra)
        if np.linalg.matrix_rank(centred - centred.mean(axis=0)) < len(extra):
            raise RefusedError("covariates determine one another", where=where, repair="Leave out a redundant one.")
    return extra
