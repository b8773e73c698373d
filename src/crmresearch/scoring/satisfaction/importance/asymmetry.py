"""Penalty and reward: what a low rating of an attribute goes with, against what a high one does."""

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
from crmresearch.scoring.satisfaction.attributes import (
    attribute_ratings,
    choose_attributes,
    outcome_score,
    refuse_unusable,
)
from crmresearch.scoring.satisfaction.regression import Covariance, fit_least_squares

Bands = Literal["scale_thirds", "answer_quartiles"]
_LEAST_IN_BAND = 10


@dataclass(frozen=True, slots=True)
class PenaltyReward:
    """What low and high ratings of each attribute go with.

    Attributes
    ----------
    attributes : pd.DataFrame, shape (k, 13)
        attribute, n_low, n_high, penalty (mean difference of the outcome, low against middle ratings),
        penalty_low, penalty_high, reward (high against middle), reward_low, reward_high, asymmetry (reward +
        penalty), asymmetry_low, asymmetry_high, asymmetry_class.
    fit : pd.DataFrame
        Of the regression.
    recipe : Recipe
    """

    attributes: pd.DataFrame
    fit: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Penalties, rewards and classes."""
        return (Exhibit("penalty_reward", self.attributes, notes=("penalty_reward_rule", "association_only")),)

    def findings(self) -> tuple[Finding, ...]:
        """Attributes of each asymmetric class."""
        values = {
            "n_attributes": len(self.attributes),
            "n": int(self.fit.loc[0, "n"]),
            "outcome": self.recipe.options["outcome"],
        }
        found = []
        for kind, key in (("basic_attribute", "penalty_basic"), ("excitement_attribute", "penalty_excitement")):
            members = self.attributes.loc[self.attributes["asymmetry_class"] == kind, "attribute"].tolist()
            if members:
                found.append(Finding(key, {**values, "attributes": members, "n_class": len(members)}))
        return tuple(found) or (Finding("penalty_reward_none", values),)


def fit_penalty_reward(
    survey: pd.DataFrame,
    instrument: Instrument,
    *,
    outcome: str,
    attributes: Sequence[str] = (),
    bands: Bands = "scale_thirds",
    covariance: Covariance = "HC3",
    confidence: float = 0.95,
) -> PenaltyReward:
    """Regress the outcome on two dummies an attribute: rated low, rated high; the middle is the reference.

    Parameters
    ----------
    survey : pd.DataFrame
    instrument : Instrument
    outcome : str
        A construct.
    attributes : Sequence[str]
        All where left out.
    bands : {"scale_thirds", "answer_quartiles"}
        What counts as low and as high: the outer thirds of the scale, or ratings up to the lower and from the
        upper quartile of the answers to the attribute, for answers that crowd at one end.
    covariance : {"HC3", "HC2", "HC1", "HC0", "nonrobust"}
    confidence : float

    Raises
    ------
    RefusedError
        Fewer than ten low, middle or high ratings of an attribute, by name; as
        :func:`~crmresearch.scoring.satisfaction.regression.fit_least_squares`.

    Notes
    -----
    An attribute is *basic* if the whole interval of reward + penalty lies below zero (a low rating goes with
    more than a high one), *excitement* if it lies above, and *symmetric* otherwise: not shown to be either.

    References
    ----------
    Brandt, R. D. (1988). How service marketers can identify value-enhancing service elements. Journal of
    Services Marketing 2(3), 35–41. https://doi.org/10.1108/eb024732
    """
    where = "penalty and reward"
    check_choice("bands", bands, ("scale_thirds", "answer_quartiles"), where=where)
    names = choose_attributes(instrument, attributes, where=where)
    score = outcome_score(survey, instrument, outcome, where=where)
    rated = attribute_ratings(survey, instrument, names, "performance")
    complete = refuse_unusable(rated.assign(**{f"{outcome} ": score}), where=where)
    marked = {}
    for name in names:
        low, high = _edges(complete[name], instrument, bands)
        down, up = marked[name] = complete[name] <= low, (complete[name] >= high) & (complete[name] > low)
        fewest = min(down.sum(), up.sum(), (~down & ~up).sum())
        if fewest < _LEAST_IN_BAND:
            raise RefusedError(
                f"{int(down.sum())} low, {int((~down & ~up).sum())} middle and {int(up.sum())} high ratings of "
                f"{name!r}; {_LEAST_IN_BAND} of each are needed",
                where=where,
                repair="Use bands='answer_quartiles', or leave the attribute out.",
            )
    dummies = pd.DataFrame(
        {f"{name}:{side}": mark.astype(float) for name in names for side, mark in zip("-+", marked[name], strict=True)}
    )
    data = dummies.assign(**{"outcome": complete[f"{outcome} "]})
    fit = fit_least_squares(
        data, outcome="outcome", predictors=list(dummies), covariance=covariance, confidence=confidence
    )
    tidy = fit.coefficients.set_index("term")
    down, up = (tidy.loc[[f"{name}:{side}" for name in names]] for side in "-+")
    position = np.arange(len(names)) * 2 + 1
    spread = fit.covariance
    error = np.sqrt(
        spread[position, position] + spread[position + 1, position + 1] + 2 * spread[position, position + 1]
    )
    asymmetry = down["estimate"].to_numpy() + up["estimate"].to_numpy()
    half = stats.t.ppf((1 + confidence) / 2, fit.fit.loc[0, "df_residual"]) * error
    kinds = np.select(
        [asymmetry + half < 0, asymmetry - half > 0], ["basic_attribute", "excitement_attribute"], "symmetric_attribute"
    )
    return PenaltyReward(
        attributes=pd.DataFrame(
            {
                "attribute": names,
                "n_low": [int(marked[name][0].sum()) for name in names],
                "n_high": [int(marked[name][1].sum()) for name in names],
                "penalty": down["estimate"].to_numpy(),
                "penalty_low": down["conf_low"].to_numpy(),
                "penalty_high": down["conf_high"].to_numpy(),
                "reward": up["estimate"].to_numpy(),
                "reward_low": up["conf_low"].to_numpy(),
                "reward_high": up["conf_high"].to_numpy(),
                "asymmetry": asymmetry,
                "asymmetry_low": asymmetry - half,
                "asymmetry_high": asymmetry + half,
                "asymmetry_class": kinds,
            }
        ),
        fit=fit.fit,
        recipe=Recipe(
            "penalty_reward",
            {
                "outcome": outcome,
                "bands": bands,
                "covariance": covariance,
                "confidence": confidence,
                "missing": "complete_cases",
            },
            "Brandt (1988), https://doi.org/10.1108/eb024732",
        ),
    )


def _edges(ratings: pd.Series, instrument: Instrument, bands: Bands) -> tuple[float, float]:
    """Highest rating that counts as low, lowest that counts as high."""
    if bands == "answer_quartiles":
        return float(ratings.quantile(0.25)), float(ratings.quantile(0.75))
    third = (instrument.scale.high - instrument.scale.low) / 3
    return instrument.scale.low + third, instrument.scale.high - third
