"""Several purchase models of the same histories side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.value.clv.fitting import MODELS, ModelName, fit_purchases

_CLEARLY = 10.0  # a difference of AIC that leaves the worse model hardly any support


@dataclass(frozen=True, slots=True)
class ModelComparison:
    """Purchase models by AIC.

    Attributes
    ----------
    models : pd.DataFrame, shape (n_models, 6)
        model, n_customers, log_likelihood, aic, aic_above (above the lowest), reason (why a model could not be fitted,
        else empty); lowest AIC first, then those that could not be fitted.
    recipe : Recipe
    """

    models: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The models."""
        return (Exhibit("clv_models", self.models, notes=("clv_aic",)),)

    def findings(self) -> tuple[Finding, ...]:
        """Which model describes the histories best, and by how much."""
        fitted = self.models.dropna(subset="aic")
        if len(fitted) < 2:
            return ()
        first, second = fitted.iloc[0], fitted.iloc[1]
        values = {"best": first["model"], "second": second["model"], "difference": float(second["aic_above"])}
        return (Finding("clv_models_apart" if values["difference"] > _CLEARLY else "clv_models_close", values),)


def compare_models(
    histories: pd.DataFrame,
    *,
    models: tuple[ModelName, ...] = ("bgnbd", "mbgnbd", "paretonbd"),
    time_unit: str = "week",
) -> ModelComparison:
    """Fit several purchase models to the same histories.

    Parameters
    ----------
    histories : pd.DataFrame
        As for `fit_purchases`.
    models : tuple[ModelName, ...]
        Models of the same columns: their likelihoods are of the same data.
    time_unit : str

    Returns
    -------
    ModelComparison

    Raises
    ------
    RefusedError
        None of the models could be fitted; the message is the first one's.

    References
    ----------
    Burnham & Anderson (2004), Multimodel inference, Sociological Methods & Research 33(2), 261-304,
    doi:10.1177/0049124104268644.
    """
    rows, refused = [], []
    for name in models:
        try:
            fit = fit_purchases(histories, model=name, time_unit=time_unit)
            rows.append(fit.glance()[["model", "n_customers", "log_likelihood", "aic"]].assign(reason=""))
        except RefusedError as error:
            refused.append(error)
            rows.append(pd.DataFrame({"model": [name], "n_customers": [len(histories)], "reason": [str(error)]}))
    if len(refused) == len(models):
        raise refused[0]
    table = pd.concat(rows, ignore_index=True).sort_values("aic", kind="stable", ignore_index=True)
    table["aic_above"] = table["aic"] - np.nanmin(table["aic"])
    columns = ["model", "n_customers", "log_likelihood", "aic", "aic_above", "reason"]
    source = "; ".join(MODELS[m].source for m in models)
    return ModelComparison(table[columns], Recipe("clv_models", {"time_unit": time_unit}, source))
