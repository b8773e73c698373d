"""Confirmatory factor analysis: how far the items measure the constructs that the questionnaire says they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from crmresearch.case import Instrument
from crmresearch.errors import RefusedError, check_choice
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.satisfaction.factors.complete import RULE_SOURCE, complete_answers
from crmresearch.scoring.satisfaction.factors.fit import fit_indices
from crmresearch.scoring.satisfaction.factors.likelihood import FactorModel, fit_factor_model

Errors = Literal["sandwich", "normal_theory"]
GOOD_CFI, GOOD_RMSEA, GOOD_SRMR = 0.95, 0.06, 0.08
"""Cut-offs of Hu and Bentler (1999)."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A confirmatory factor model of the questionnaire's constructs.

    Attributes
    ----------
    fit : pd.DataFrame, shape (17, 2)
        measure, value: the fit indices, one a row.
    loadings : pd.DataFrame, shape (n_items, 10)
        construct, item, estimate, std_error, statistic, p_value, standardised, conf_low, conf_high (of the
        standardised), r_squared.
    correlations : pd.DataFrame, shape (n_pairs, 6)
        construct, other, correlation, std_error, conf_low, conf_high: of the constructs behind the items.
    left_out : pd.DataFrame, shape (n_left_out, 2)
        construct, cause: constructs of one item.
    answers : pd.DataFrame, shape (n, n_items)
        What was fitted.
    model : FactorModel
    recipe : Recipe
    """

    fit: pd.DataFrame
    loadings: pd.DataFrame
    correlations: pd.DataFrame
    left_out: pd.DataFrame
    answers: pd.DataFrame
    model: FactorModel
    recipe: Recipe

    def tidy(self) -> pd.DataFrame:
        """One row per loading."""
        return self.loadings.copy()

    def glance(self) -> pd.DataFrame:
        """One row of fit indices."""
        return self.fit.set_index("measure")["value"].to_frame().T.reset_index(drop=True)

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Fit, loadings, and constructs left out."""
        shown = [
            Exhibit("cfa_fit", self.fit, notes=("cfa_cutoffs", "cfa_robust")),
            Exhibit("cfa_loadings", self.loadings, notes=("cfa_scale",)),
        ]
        if len(self.left_out):
            shown.append(Exhibit("cfa_left_out", self.left_out))
        return tuple(shown)

    def findings(self) -> tuple[Finding, ...]:
        """Fit against the cut-offs, and the weakest loading."""
        fit = self.fit.set_index("measure")["value"]
        good = fit["cfi_robust"] >= GOOD_CFI and fit["rmsea_robust"] <= GOOD_RMSEA and fit["srmr"] <= GOOD_SRMR
        weak = self.loadings.loc[self.loadings["standardised"].idxmin()]
        values = {name: float(fit[name]) for name in ("chi_squared_scaled", "p_scaled", "cfi_robust", "rmsea_robust")}
        return (
            Finding(
                "cfa_fit",
                {
                    **values,
                    "srmr": float(fit["srmr"]),
                    "df": int(fit["df"]),
                    "n": int(fit["n"]),
                    "good_cfi": GOOD_CFI,
                    "good_rmsea": GOOD_RMSEA,
                    "good_srmr": GOOD_SRMR,
                },
                "supported" if good else "contradicted",
            ),
            Finding(
                "cfa_weakest",
                {
                    "item": weak["item"],
                    "construct": weak["construct"],
                    "loading": float(weak["standardised"]),
                    "low": float(weak["conf_low"]),
                    "high": float(weak["conf_high"]),
                    "confidence": self.recipe.options["confidence"],
                },
            ),
        )


def confirm_factors(
    survey: pd.DataFrame,
    instrument: Instrument,
    *,
    constructs: Sequence[str] = (),
    errors: Errors = "sandwich",
    confidence: float = 0.95,
) -> Confirmation:
    """Fit the questionnaire's own measurement model by maximum likelihood.

    Parameters
    ----------
    survey : pd.DataFrame
    instrument : Instrument
        Each construct is a factor; its items load on it alone.
    constructs : Sequence[str]
        Constructs in the model; all where left out. Those of one item are left out and named.
    errors : {"sandwich", "normal_theory"}
        Sandwich standard errors (Satorra & Bentler 1994), or those of normal answers.
    confidence : float

    Raises
    ------
    RefusedError
        As :func:`~crmresearch.scoring.satisfaction.factors.complete.complete_answers`; an item in two
        constructs; a Heywood case, by item; two constructs that the items cannot tell apart (correlation 1
        or more, or correlations that cannot hold together), by name.

    References
    ----------
    Jöreskog, K. G. (1969). A general approach to confirmatory maximum likelihood factor analysis.
    Psychometrika 34, 183–202. https://doi.org/10.1007/BF02289343
    """
    where = "confirmatory factor analysis"
    check_choice("errors", errors, ("sandwich", "normal_theory"), where=where)
    chosen = [name for name in constructs or instrument.constructs if name in instrument.constructs]
    single = [name for name in chosen if len(instrument.constructs[name].items) < 2]
    model_of = [name for name in constructs or chosen if name not in single]
    answers = complete_answers(survey, instrument, constructs=model_of, where=where)
    owner = [name for name in model_of for _ in instrument.constructs[name].items]
    if len(owner) > answers.shape[1]:
        raise RefusedError("an item belongs to two constructs", where=where, repair="Name one of them only.")
    membership = (np.array(owner)[:, None] == np.array(model_of)).astype(float)
    model = fit_factor_model(answers.to_numpy(), membership)
    _refuse_impossible(model, list(answers.columns), model_of)
    z = stats.norm.ppf((1 + confidence) / 2)
    spread = model.covariance if errors == "sandwich" else model.naive
    return Confirmation(
        fit=fit_indices(model, answers.to_numpy()).T.reset_index().set_axis(["measure", "value"], axis=1),
        loadings=_loading_table(model, spread, owner, list(answers.columns), z),
        correlations=_correlation_table(model, spread, model_of, z),
        left_out=pd.DataFrame({"construct": single, "cause": ["one_item"] * len(single)}),
        answers=answers,
        model=model,
        recipe=Recipe(
            "confirmatory_factors",
            {
                "n_used": len(answers),
                "constructs": model_of,
                "errors": errors,
                "confidence": confidence,
                "missing": "complete_cases",
                "identification": "factor_variance_one",
            },
            f"Jöreskog (1969), https://doi.org/10.1007/BF02289343; {RULE_SOURCE}",
        ),
    )


def _refuse_impossible(model: FactorModel, items: list[str], constructs: list[str]) -> None:
    negative = np.flatnonzero(model.uniqueness <= 0)
    if len(negative):
        told = ", ".join(f"{items[i]} ({model.uniqueness[i]:.3f})" for i in negative)
        raise RefusedError(
            f"Heywood case: negative residual variance of {told}",
            where="confirmatory factor analysis",
            repair="Check the item's wording, give its construct more items, or ask more respondents.",
        )
    if len(constructs) > 1 and np.linalg.eigvalsh(model.correlations)[0] <= 0:
        apart = np.triu(np.abs(model.correlations), 1)
        a, b = np.unravel_index(apart.argmax(), apart.shape)
        raise RefusedError(
            f"the correlations of the constructs cannot hold together; that of {constructs[a]} and {constructs[b]} "
            f"is {model.correlations[a, b]:.2f}",
            where="confirmatory factor analysis",
            repair="Treat the two as one construct, or confirm fewer constructs (parameter constructs).",
        )


def _loading_table(
    model: FactorModel, spread: np.ndarray, owner: list[str], items: list[str], z: float
) -> pd.DataFrame:
    p, q = len(items), len(spread)
    error = np.sqrt(np.diag(spread)[:p])
    total = model.loadings**2 + model.uniqueness
    standardised = model.loadings / np.sqrt(total)
    own = np.arange(p)
    slope = np.zeros((p, q))
    slope[own, own] = model.uniqueness / total**1.5
    slope[own, q - p + own] = -model.loadings / (2 * total**1.5)
    half = z * np.sqrt(((slope @ spread) * slope).sum(axis=1))
    return pd.DataFrame(
        {
            "construct": owner,
            "item": items,
            "estimate": model.loadings,
            "std_error": error,
            "statistic": model.loadings / error,
            "p_value": 2 * stats.norm.sf(np.abs(model.loadings / error)),
            "standardised": standardised,
            "conf_low": standardised - half,
            "conf_high": standardised + half,
            "r_squared": standardised**2,
        }
    )


def _correlation_table(model: FactorModel, spread: np.ndarray, names: list[str], z: float) -> pd.DataFrame:
    a, b = np.triu_indices(len(names), 1)
    p = len(model.loadings)
    error = np.sqrt(np.diag(spread)[p : p + len(a)])
    r = model.correlations[a, b]
    return pd.DataFrame(
        {
            "construct": [names[i] for i in a],
            "other": [names[i] for i in b],
            "correlation": r,
            "std_error": error,
            "conf_low": r - z * error,
            "conf_high": r + z * error,
        }
    )
