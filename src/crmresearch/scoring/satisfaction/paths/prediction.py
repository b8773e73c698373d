"""Prediction of unseen answers (PLSpredict) and of cells left out (Stone–Geisser Q²)."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import Literal, get_args

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, UsageError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.satisfaction.paths.fitting import PathFit
from crmresearch.scoring.satisfaction.paths.model import Layout
from crmresearch.scoring.satisfaction.paths.moments import Items, Moments
from crmresearch.scoring.satisfaction.paths.staging import Estimator

Antecedents = Literal["direct", "earliest"]
"""Composites are predicted from their direct predecessors' scores, or from the exogenous scores alone."""


@dataclass(frozen=True, slots=True)
class PathPrediction:
    """Out-of-sample error of a path model's items, beside two benchmarks.

    Attributes
    ----------
    items : pd.DataFrame, one row per item of an endogenous construct
        construct, item, q2_predict (1 − squared error over that of the training mean), rmse, mae,
        rmse_linear, mae_linear (items regressed on the antecedents' items), better (lower rmse than
        the regression).
    folds, repetitions : int
    """

    items: pd.DataFrame
    folds: int
    repetitions: int
    recipe: Recipe = field(repr=False)

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The table of items."""
        return (Exhibit("path_prediction", self.items, notes=("path_predict_rule",)),)

    def findings(self) -> tuple[Finding, ...]:
        """How many items are predicted better than by their mean and by the regression."""
        return (
            Finding(
                "path_predictive",
                {
                    "above_mean": int((self.items["q2_predict"] > 0).sum()),
                    "above_linear": int(self.items["better"].sum()),
                    "n": len(self.items),
                },
            ),
        )


@dataclass(frozen=True, slots=True)
class Blindfolding:
    """Cross-validated redundancy of the endogenous constructs.

    Attributes
    ----------
    constructs : pd.DataFrame, one row per endogenous construct
        construct, q2 (1 − squared error of the omitted cells over that of their replacement).
    """

    constructs: pd.DataFrame
    recipe: Recipe = field(repr=False)

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The table of constructs."""
        return (Exhibit("path_blindfolding", self.constructs, notes=("path_blindfolding_rule",)),)

    def findings(self) -> tuple[Finding, ...]:
        """None: the table says it all."""
        return ()


def predict_paths(
    fit: PathFit,
    *,
    rng: np.random.Generator,
    folds: int = 10,
    repetitions: int = 10,
    antecedents: Antecedents = "direct",
    assignment: np.ndarray | None = None,
) -> PathPrediction:
    """Predict every answer from a model that was fitted without its respondent (PLSpredict).

    Parameters
    ----------
    fit : PathFit
    rng : np.random.Generator
    folds : int
        At least 2.
    repetitions : int
        Times the respondents are dealt to folds anew; errors are averaged over all.
    antecedents : {"direct", "earliest"}
    assignment : int array, shape (repetitions, n), optional
        Fold of each row in each repetition, instead of a random deal.

    Raises
    ------
    RefusedError
        The model has higher-order constructs (no agreed procedure), or a fold's model has no answer.

    Notes
    -----
    Standardisation, weights and paths all come from the training rows. Shmueli et al. (2016),
    doi:10.1016/j.jbusres.2016.03.049; Shmueli et al. (2019), doi:10.1108/EJM-02-2019-0189.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> from crmresearch.scoring.satisfaction.paths import Construct, PathModel, fit_paths
    >>> trust = rng.normal(size=200)
    >>> data = pd.DataFrame({"t": trust, "l": 0.6 * trust + 0.8 * rng.normal(size=200)})
    >>> model = PathModel((Construct("trust", ("t",)), Construct("loyalty", ("l",))), (("trust", "loyalty"),))
    >>> bool(predict_paths(fit_paths(data, model), rng=rng).items.loc[0, "q2_predict"] > 0.2)
    True
    """
    answers, n = fit.answers, fit.answers.n
    estimator = Estimator(fit.model, fit.settings)
    if estimator.second:
        raise RefusedError(
            "prediction with higher-order constructs has no agreed procedure",
            where="path model",
            repair="Predict with a model of first-order constructs.",
        )
    if antecedents not in get_args(Antecedents) or not 2 <= folds <= n or repetitions < 1:
        raise UsageError(
            f"antecedents {antecedents!r}, {folds!r} folds, {repetitions!r} repetitions",
            where="prediction",
            repair="Use direct or earliest, 2 to n folds, at least one repetition.",
        )
    if assignment is None:
        assignment = rng.permuted(np.tile(np.arange(n) % folds, (repetitions, 1)), axis=1)
    repetitions, folds = len(assignment), int(assignment.max()) + 1
    training = (assignment[:, None, :] != np.arange(folds)[:, None]).astype(float).reshape(-1, n)
    mean, sd, correlation = Moments(answers).of(training)
    solved = estimator.solve(correlation)[-1]
    s, layout = solved.solution, solved.layout
    failed = (sd == 0).any(axis=1) | s.singular | ~s.converged
    if failed.any():
        raise RefusedError(
            f"{int(failed.sum())} of {len(failed)} training samples have no answer "
            "(an item without variance, a singular regression or no convergence)",
            where="prediction",
            repair="Use fewer folds or drop items that hardly vary.",
        )
    linear = _linear(correlation, layout, antecedents)
    z = answers.standardised
    observed = ~np.isnan(answers.values)
    wanted = np.flatnonzero(np.isin(layout.block, layout.order))
    squared = {k: np.zeros(len(wanted)) for k in ("model", "linear", "mean")}
    absolute = {k: np.zeros(len(wanted)) for k in ("model", "linear")}
    for r in range(repetitions):
        f = r * folds + assignment[r]
        x = np.where(observed, (z - mean[f]) / sd[f], 0.0)
        scores = (x * s.weights[f]) @ layout.membership
        guess = _predict_scores(scores, s.paths[f], layout, antecedents)
        predicted = {
            "model": (guess[:, layout.block] * s.loadings[f])[:, wanted],
            "linear": np.einsum("ni,nij->nj", x, linear[f])[:, wanted],
            "mean": np.zeros((n, len(wanted))),
        }
        scale = sd[f][:, wanted] * answers.sd[wanted]
        for k, value in predicted.items():
            error = np.where(observed[:, wanted], (x[:, wanted] - value) * scale, 0.0)
            squared[k] += (error**2).sum(axis=0)
            if k in absolute:
                absolute[k] += np.abs(error).sum(axis=0)
    cells = repetitions * observed[:, wanted].sum(axis=0)
    rmse = {k: np.sqrt(v / cells) for k, v in squared.items()}
    return PathPrediction(
        items=pd.DataFrame(
            {
                "construct": [layout.constructs[layout.block[i]] for i in wanted],
                "item": [layout.items[i] for i in wanted],
                "q2_predict": 1 - squared["model"] / squared["mean"],
                "rmse": rmse["model"],
                "mae": absolute["model"] / cells,
                "rmse_linear": rmse["linear"],
                "mae_linear": absolute["linear"] / cells,
                "better": rmse["model"] < rmse["linear"],
            }
        ),
        folds=folds,
        repetitions=repetitions,
        recipe=Recipe(
            "path_prediction",
            {
                "folds": folds,
                "repetitions": repetitions,
                "antecedents": f"antecedents_{antecedents}",
                **fit.recipe.options,
            },
            "Shmueli et al. (2016), doi:10.1016/j.jbusres.2016.03.049",
        ),
    )


def _predict_scores(scores: np.ndarray, paths: np.ndarray, layout: Layout, antecedents: Antecedents) -> np.ndarray:
    """Predicted composites of each row; exogenous ones keep their scores. ``paths`` (n, J, J)."""
    out = scores.copy()
    for j in layout.order:
        source = out if antecedents == "earliest" else scores
        out[:, j] = np.einsum("ni,ni->n", source, paths[:, :, j])
    return out


def _linear(correlation: np.ndarray, layout: Layout, antecedents: Antecedents) -> np.ndarray:
    """(B, p, p): coefficients at ``[predictor, item]`` of each endogenous item on its antecedents' items."""
    exogenous = np.flatnonzero(~layout.arrows.any(axis=0))
    out = np.zeros_like(correlation)
    for j in layout.order:
        source = layout.predecessors[j] if antecedents == "direct" else exogenous
        before = np.flatnonzero(np.isin(layout.block, source))
        own = np.flatnonzero(layout.block == j)
        inverse = np.linalg.pinv(correlation[:, before[:, None], before], hermitian=True)
        out[:, before[:, None], own] = inverse @ correlation[:, before[:, None], own]
    return out


def blindfold_paths(fit: PathFit, *, omission_distance: int | None = None) -> Blindfolding:
    """Stone–Geisser Q² by blindfolding (cross-validated redundancy).

    Parameters
    ----------
    fit : PathFit
    omission_distance : int | None
        Every ``omission_distance``-th cell of a construct's block, item by item, is left out in turn.
        It must not divide the number of rows; None takes the first from 7 on that does not.

    Raises
    ------
    UsageError
        The distance is below 2, above the number of rows, or divides it.
    RefusedError
        The model has higher-order constructs.

    Notes
    -----
    Left-out cells are replaced by the mean of the item's remaining answers, the model is estimated
    again, and the cells are predicted through the predecessors' scores and the item's loading.
    Q² = 1 − Σe² / Σo², o being the error of the replacement itself. Stone (1974), Geisser (1974);
    Chin (1998), The partial least squares approach to structural equation modeling, p. 317.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> from crmresearch.scoring.satisfaction.paths import Construct, PathModel, fit_paths
    >>> trust = rng.normal(size=200)
    >>> data = pd.DataFrame({"t": trust, "l": 0.6 * trust + 0.8 * rng.normal(size=200)})
    >>> model = PathModel((Construct("trust", ("t",)), Construct("loyalty", ("l",))), (("trust", "loyalty"),))
    >>> bool(blindfold_paths(fit_paths(data, model)).constructs.loc[0, "q2"] > 0.2)
    True
    """
    answers, n = fit.answers, fit.answers.n
    estimator = Estimator(fit.model, fit.settings)
    if estimator.second:
        raise RefusedError(
            "blindfolding with higher-order constructs has no agreed procedure",
            where="path model",
            repair="Use a model of first-order constructs.",
        )
    if omission_distance is None:
        omission_distance = next(distance for distance in count(7) if n % distance)
    if not 2 <= omission_distance <= n or n % omission_distance == 0:
        raise UsageError(
            f"omission distance {omission_distance!r} with {n} rows",
            where="blindfolding",
            repair="Use a number from 5 to 12 that does not divide the number of rows.",
        )
    layout = estimator.first
    q2 = [_redundancy(answers, estimator, j, omission_distance) for j in layout.order]
    return Blindfolding(
        pd.DataFrame({"construct": [layout.constructs[j] for j in layout.order], "q2": q2}),
        Recipe(
            "path_blindfolding",
            {"omission_distance": omission_distance, **fit.recipe.options},
            "Stone (1974), doi:10.1111/j.2517-6161.1974.tb00994.x; Geisser (1974), doi:10.1093/biomet/61.1.101",
        ),
    )


def _redundancy(answers: Items, estimator: Estimator, j: int, distance: int) -> float:
    layout = estimator.first
    own = np.flatnonzero(layout.block == j)
    x = answers.standardised
    cell = np.arange(answers.n * len(own)).reshape(len(own), answers.n).T
    left_out = cell % distance == np.arange(distance)[:, None, None]
    observed = ~np.isnan(answers.values[:, own])
    kept = ~left_out & observed
    mean = np.where(kept, x[:, own], 0.0).sum(axis=1) / kept.sum(axis=1)
    filled = np.repeat(x[None], distance, axis=0)
    filled[:, :, own] = np.where(kept, x[:, own], mean[:, None, :])
    centred = filled - filled.mean(axis=1, keepdims=True)
    sd = centred.std(axis=1, ddof=1)
    z = centred / sd[:, None, :]
    s = estimator.solve(z.transpose(0, 2, 1) @ z / (answers.n - 1))[-1].solution
    scores = (z * s.weights[:, None, :]) @ layout.membership
    guess = np.einsum("bnj,bj->bn", scores, s.paths[:, :, j])
    predicted = mean[:, None, :] + guess[:, :, None] * (s.loadings * sd)[:, None, own]
    test = left_out & observed
    error = np.where(test, x[:, own] - predicted, 0.0) * answers.sd[own]
    base = np.where(test, x[:, own] - mean[:, None, :], 0.0) * answers.sd[own]
    return float(1 - (error**2).sum() / (base**2).sum())
