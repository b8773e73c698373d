"""Cronbach's alpha with its interval, item by item, refusing what alpha cannot say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from crmresearch.case import Instrument
from crmresearch.errors import RefusedError, check_choice
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.satisfaction.instrument import item_rest_correlation, orient_items

Interval = Literal["feldt", "adf"]

_SOURCES = {
    "feldt": "Feldt, Woodruff & Salih (1987), https://doi.org/10.1177/014662168701100107",
    "adf": "Maydeu-Olivares, Coffman & Hartmann (2007), https://doi.org/10.1037/1082-989X.12.2.157",
}
_MIN_RESPONDENTS = 3


@dataclass(frozen=True, slots=True)
class Reliability:
    """Internal consistency of every construct.

    Attributes
    ----------
    constructs : pd.DataFrame, shape (n_given, 9)
        construct, n_items, n, n_left_out (respondents with an unanswered item), alpha, conf_low,
        conf_high, alpha_standardised, mean_item_r.
    items : pd.DataFrame, shape (n_items_given, 7)
        construct, item, reverse, mean, sd, item_rest_r, alpha_if_deleted (missing in a pair of items).
    refused : pd.DataFrame, shape (n_refused, 3)
        construct, cause (key), items concerned. ``constant_item`` costs the item; the others cost
        the construct.
    recipe : Recipe
    """

    constructs: pd.DataFrame
    items: pd.DataFrame
    refused: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Alphas, item statistics, and what was refused."""
        shown = [
            Exhibit("reliability", self.constructs, notes=("alpha_interval", "alpha_complete_cases")),
            Exhibit("item_statistics", self.items, notes=("alpha_if_deleted",)),
        ]
        if len(self.refused):
            shown.append(Exhibit("reliability_refused", self.refused))
        return tuple(shown)

    def findings(self) -> tuple[Finding, ...]:
        """The weakest and the strongest construct; how much was refused."""
        ordered = self.constructs.sort_values(["alpha", "construct"], kind="stable")
        weakest, strongest = ordered.iloc[0], ordered.iloc[-1]
        found = [
            Finding(
                "reliability_range",
                {
                    "n_constructs": len(ordered),
                    "weakest": weakest["construct"],
                    "alpha": float(weakest["alpha"]),
                    "low": float(weakest["conf_low"]),
                    "high": float(weakest["conf_high"]),
                    "strongest": strongest["construct"],
                    "strongest_alpha": float(strongest["alpha"]),
                    "confidence": self.recipe.options["confidence"],
                },
            )
        ]
        if len(self.refused):
            found.append(
                Finding(
                    "reliability_refused",
                    {"n": len(self.refused), "constructs": list(dict.fromkeys(self.refused["construct"]))},
                )
            )
        return tuple(found)


def score_reliability(
    survey: pd.DataFrame, instrument: Instrument, *, confidence: float = 0.95, interval: Interval = "feldt"
) -> Reliability:
    """Give Cronbach's alpha of every construct with an interval, item–rest r and alpha if deleted.

    Parameters
    ----------
    survey : pd.DataFrame
        respondent_id and one numeric column per item, missing where unanswered.
    instrument : Instrument
        Scale, constructs, items and their direction; reverse items are turned first.
    confidence : float
        Coverage of the intervals, between 0 and 1.
    interval : {"feldt", "adf"}
        ``feldt``: exact for parallel, normal items. ``adf``: distribution-free for large n.

    Returns
    -------
    Reliability

    Raises
    ------
    RefusedError
        As :func:`~crmresearch.scoring.satisfaction.instrument.orient_items`; or no construct has an
        alpha, with the reason of each.

    Notes
    -----
    α = k/(k − 1) · (1 − Σ s²ⱼ / s²_total) over respondents who answered all k items of the construct.
    The Feldt interval takes (1 − α)/(1 − α̂) as F with n − 1 and (n − 1)(k − 1) degrees of freedom; the
    distribution-free one takes the variance of α̂ from each respondent's share in it (delta method).
    A constant item is left out and named. A construct is refused, by name, where fewer than two items
    or three complete respondents remain, where two items are copies of one another (r = 1), and where
    α < 0, for then the items do not measure one thing in one direction.

    References
    ----------
    Cronbach, L. J. (1951). Coefficient alpha and the internal structure of tests. Psychometrika 16,
    297–334. https://doi.org/10.1007/BF02310555

    Examples
    --------
    >>> from crmresearch.case import Instrument
    >>> instrument = Instrument.model_validate({
    ...     "scale": {"low": 1, "high": 5},
    ...     "constructs": {"calm": {"title": {"en": "Calm", "zh": "平静"}, "items": ["a", "b"]}},
    ...     "items": {"a": {"en": "I am calm"}, "b": {"en": "I am at ease"}}})
    >>> survey = pd.DataFrame({"respondent_id": ["1", "2", "3", "4"], "a": [1, 2, 3, 4], "b": [2, 1, 4, 3]})
    >>> score_reliability(survey, instrument).constructs["alpha"].round(4).tolist()
    [0.75]
    """
    if not 0 < confidence < 1:
        raise RefusedError(f"confidence must lie between 0 and 1, got {confidence!r}", where="score_reliability")
    check_choice("interval", interval, _SOURCES, where="score_reliability")
    answers = orient_items(survey, instrument)
    alphas, tables, refused = [], [], []
    for name, construct in instrument.constructs.items():
        complete = answers[list(construct.items)].dropna()
        constant = [item for item in complete if complete[item].nunique() < 2] if len(complete) > 1 else []
        if constant and len(complete) >= _MIN_RESPONDENTS:
            refused.append((name, "constant_item", ", ".join(constant)))
            complete = complete.drop(columns=constant)
        cause = _why_no_alpha(complete)
        if cause:
            refused.append((name, *cause))
            continue
        x = complete.to_numpy()
        alpha = _alpha(np.cov(x, rowvar=False))
        low, high = _INTERVALS[interval](x, alpha, confidence)
        mean_r = _mean_off_diagonal(np.corrcoef(x, rowvar=False))
        k, n = x.shape[1], len(x)
        standardised = k * mean_r / (1 + (k - 1) * mean_r)
        alphas.append((name, k, n, len(answers) - n, alpha, low, high, standardised, mean_r))
        tables.append(_item_table(name, complete, instrument))
    columns = ["construct", "n_items", "n", "n_left_out", "alpha", "conf_low", "conf_high", "alpha_standardised"]
    turned_away = pd.DataFrame(refused, columns=["construct", "cause", "items"])
    if not alphas:
        told = "; ".join(f"{name}: {reason.replace('_', ' ')} ({items})" for name, reason, items in refused)
        raise RefusedError(
            f"no construct has an alpha: {told}",
            where="score_reliability",
            repair="Measure a construct by at least two items that vary and run in one direction.",
        )
    return Reliability(
        constructs=pd.DataFrame(alphas, columns=[*columns, "mean_item_r"]),
        items=pd.concat(tables, ignore_index=True),
        refused=turned_away,
        recipe=Recipe(
            "cronbach_alpha",
            {
                "interval": interval,
                "confidence": confidence,
                "missing": "complete_cases_by_construct",
                "reverse_coding": "high_plus_low_minus_x",
            },
            f"Cronbach (1951), https://doi.org/10.1007/BF02310555; {_SOURCES[interval]}",
        ),
    )


def _why_no_alpha(complete: pd.DataFrame) -> tuple[str, str] | None:
    """Return the reason key and the items concerned where alpha would mislead, else None."""
    everything = ", ".join(complete.columns)
    if len(complete) < _MIN_RESPONDENTS:
        return "too_few_respondents", everything
    if complete.shape[1] < 2:
        return "one_item", everything
    x = complete.to_numpy()
    copies = np.argwhere(np.triu(np.corrcoef(x, rowvar=False) > 1 - 1e-12, 1))
    if len(copies):
        return "identical_items", ", ".join(complete.columns[i] for i in copies[0])
    if not _alpha(np.cov(x, rowvar=False)) >= 0:
        against = complete.columns[item_rest_correlation(x) < 0]
        return "negative_alpha", ", ".join(against)
    return None


def _alpha(covariance: np.ndarray) -> float:
    k, total = len(covariance), covariance.sum()
    return float(k / (k - 1) * (1 - np.trace(covariance) / total)) if total > 0 else -np.inf


def _feldt_interval(x: np.ndarray, alpha: float, confidence: float) -> tuple[float, float]:
    n, k = x.shape
    tails = (1 + confidence) / 2, (1 - confidence) / 2
    low, high = 1 - (1 - alpha) * stats.f.ppf(tails, n - 1, (n - 1) * (k - 1))
    return float(low), float(high)


def _adf_interval(x: np.ndarray, alpha: float, confidence: float) -> tuple[float, float]:
    n, k = x.shape
    centred = x - x.mean(axis=0)
    own, total = (centred**2).sum(axis=1), centred.sum(axis=1) ** 2
    variance_own, variance_total = own.sum() / (n - 1), total.sum() / (n - 1)
    share = k / (k - 1) * (total * variance_own / variance_total**2 - own / variance_total)
    half = stats.norm.ppf((1 + confidence) / 2) * share.std(ddof=1) / np.sqrt(n)
    return float(alpha - half), float(min(alpha + half, 1.0))


_INTERVALS = {"feldt": _feldt_interval, "adf": _adf_interval}


def _mean_off_diagonal(matrix: np.ndarray) -> float:
    k = len(matrix)
    return float((matrix.sum() - np.trace(matrix)) / (k * (k - 1)))


def _item_table(name: str, complete: pd.DataFrame, instrument: Instrument) -> pd.DataFrame:
    x = complete.to_numpy()
    k = x.shape[1]
    covariance = np.cov(x, rowvar=False)
    own = np.diag(covariance)
    total = covariance.sum() - 2 * covariance.sum(axis=0) + own
    with np.errstate(invalid="ignore", divide="ignore"):
        deleted = (k - 1) / (k - 2) * (1 - (own.sum() - own) / total) if k > 2 else np.full(k, np.nan)
    return pd.DataFrame(
        {
            "construct": name,
            "item": complete.columns,
            "reverse": [instrument.items[item].reverse for item in complete],
            "mean": x.mean(axis=0),
            "sd": np.sqrt(own),
            "item_rest_r": item_rest_correlation(x),
            "alpha_if_deleted": deleted,
        }
    )
