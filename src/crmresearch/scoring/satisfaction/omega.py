"""McDonald's omega of each construct, with its interval: reliability that does not ask items to be equal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from crmresearch.case import Instrument
from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.satisfaction.factors.likelihood import fit_factor_model
from crmresearch.scoring.satisfaction.instrument import orient_items

_MIN_ITEMS, _MIN_RESPONDENTS = 3, 30


@dataclass(frozen=True, slots=True)
class Omega:
    """Reliability of every construct under one factor.

    Attributes
    ----------
    constructs : pd.DataFrame, shape (n_given, 8)
        construct, n_items, n, omega, conf_low, conf_high, smallest_loading (standardised), weakest_item.
    refused : pd.DataFrame, shape (n_refused, 3)
        construct, cause (key), items concerned.
    recipe : Recipe
    """

    constructs: pd.DataFrame
    refused: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Omegas, and what was refused."""
        shown = [Exhibit("omega", self.constructs, notes=("omega_interval",))]
        if len(self.refused):
            shown.append(Exhibit("omega_refused", self.refused))
        return tuple(shown)

    def findings(self) -> tuple[Finding, ...]:
        """The weakest construct."""
        weakest = self.constructs.loc[self.constructs["omega"].idxmin()]
        return (
            Finding(
                "omega_weakest",
                {
                    "construct": weakest["construct"],
                    "omega": float(weakest["omega"]),
                    "low": float(weakest["conf_low"]),
                    "high": float(weakest["conf_high"]),
                    "confidence": self.recipe.options["confidence"],
                    "n_constructs": len(self.constructs),
                },
            ),
        )


def score_omega(survey: pd.DataFrame, instrument: Instrument, *, confidence: float = 0.95) -> Omega:
    """Give omega of every construct of three items or more.

    Parameters
    ----------
    survey : pd.DataFrame
    instrument : Instrument
    confidence : float

    Returns
    -------
    Omega

    Raises
    ------
    RefusedError
        As :func:`~crmresearch.scoring.satisfaction.instrument.orient_items`; or no construct has an omega.

    Notes
    -----
    ω = (Σλ)² / ((Σλ)² + Σθ) from a one-factor model by maximum likelihood, over respondents who answered the
    whole construct. The interval is that of logit ω by the delta method with sandwich errors, which stays
    within 0 and 1 and does not ask for normal answers (Kelley & Pornprasertmanit 2016). A construct is
    refused, by name, below three items or thirty respondents, with a constant or copied item, in a Heywood
    case, and where an item runs against the others, for then a sum of the items measures nothing.

    References
    ----------
    McDonald, R. P. (1999). Test theory: a unified treatment. Erlbaum.

    Kelley, K. & Pornprasertmanit, S. (2016). Confidence intervals for population reliability coefficients.
    Psychological Methods 21, 69–92. https://doi.org/10.1037/a0040086
    """
    if not 0 < confidence < 1:
        raise RefusedError(f"confidence must lie between 0 and 1, got {confidence!r}", where="score_omega")
    answers = orient_items(survey, instrument)
    rows, refused = [], []
    for name, construct in instrument.constructs.items():
        complete = answers[list(construct.items)].dropna()
        cause = _cause(complete)
        if not cause:
            found = _omega(complete, confidence)
            cause = found if isinstance(found[0], str) else None
        if cause:
            refused.append((name, *cause))
            continue
        rows.append((name, complete.shape[1], len(complete), *found))
    if not rows:
        told = "; ".join(f"{name}: {why.replace('_', ' ')} ({items})" for name, why, items in refused)
        raise RefusedError(
            f"no construct has an omega: {told}",
            where="score_omega",
            repair="Measure a construct by three items or more that run in one direction.",
        )
    columns = ["construct", "n_items", "n", "omega", "conf_low", "conf_high", "smallest_loading", "weakest_item"]
    return Omega(
        constructs=pd.DataFrame(rows, columns=columns),
        refused=pd.DataFrame(refused, columns=["construct", "cause", "items"]),
        recipe=Recipe(
            "mcdonald_omega",
            {"confidence": confidence, "interval": "logit_delta_sandwich", "missing": "complete_cases_by_construct"},
            "McDonald (1999), ISBN 978-0-8058-3075-0; Kelley & Pornprasertmanit (2016), "
            "https://doi.org/10.1037/a0040086",
        ),
    )


def _cause(complete: pd.DataFrame) -> tuple[str, str] | None:
    everything = ", ".join(complete.columns)
    if complete.shape[1] == 1:
        return "one_item", everything
    if complete.shape[1] < _MIN_ITEMS:
        return "two_items", everything
    if len(complete) < _MIN_RESPONDENTS:
        return "too_few_respondents_for_omega", everything
    constant = [item for item in complete if complete[item].nunique() < 2]
    if constant:
        return "constant_item", ", ".join(constant)
    copies = np.argwhere(np.triu(np.abs(np.corrcoef(complete.to_numpy(), rowvar=False)) > 1 - 1e-10, 1))
    return ("identical_items", ", ".join(complete.columns[i] for i in copies[0])) if len(copies) else None


def _omega(complete: pd.DataFrame, confidence: float) -> tuple[float, float, float, float, str] | tuple[str, str]:
    """Omega, its bounds, the smallest standardised loading and its item; or why not, and the items."""
    k = complete.shape[1]
    try:
        model = fit_factor_model(complete.to_numpy(), np.ones((k, 1)))
    except RefusedError:
        return "no_maximum", ", ".join(complete.columns)
    turn = np.sign(model.loadings.sum()) or 1.0
    loadings, uniqueness = model.loadings * turn, model.uniqueness
    standardised = loadings / np.sqrt(loadings**2 + uniqueness)
    if (uniqueness <= 0).any():
        return "heywood_case", ", ".join(complete.columns[uniqueness <= 0])
    if (loadings < 0).any():
        return "mixed_signs", ", ".join(complete.columns[loadings < 0])
    common, own = loadings.sum() ** 2, uniqueness.sum()
    omega = common / (common + own)
    slope = np.concatenate([turn * np.full(k, 2 * loadings.sum() * own), np.full(k, -common)]) / (common + own) ** 2
    half = stats.norm.ppf((1 + confidence) / 2) * np.sqrt(slope @ model.covariance @ slope) / (omega * (1 - omega))
    logit = np.log(omega / (1 - omega))
    low, high = 1 / (1 + np.exp(-(logit - half))), 1 / (1 + np.exp(-(logit + half)))
    weakest = int(standardised.argmin())
    return float(omega), float(low), float(high), float(standardised[weakest]), complete.columns[weakest]
