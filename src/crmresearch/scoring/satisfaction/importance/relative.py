"""Relative importance of attributes: Johnson's weights and dominance analysis, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from crmresearch.case import Instrument
from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.resampling import bootstrap_counts, percentile_bounds
from crmresearch.scoring.satisfaction.attributes import (
    attribute_ratings,
    choose_attributes,
    outcome_score,
    refuse_unusable,
)
from crmresearch.scoring.satisfaction.weighted import weighted_correlations

_MOST_FOR_DOMINANCE = 12


@dataclass(frozen=True, slots=True)
class RelativeImportance:
    """How much of what goes with the outcome each attribute accounts for.

    Attributes
    ----------
    attributes : pd.DataFrame, shape (k, 9)
        attribute, correlation (with the outcome), relative_weight (Johnson's; they sum to R²), conf_low, conf_high,
        weight_share (of R²), general_dominance (sums to R² too), rank, rank_held (share of resamples in which
        the attribute keeps its rank).
    dominance : pd.DataFrame, shape (k(k−1)/2, 4)
        attribute (the one ahead on average), other, complete, conditional: does the first dominate the second in
        every subset, and at every number of predictors.
    fit : pd.DataFrame, shape (1, 3)
        n, r_squared, n_left_out.
    recipe : Recipe
    """

    attributes: pd.DataFrame
    dominance: pd.DataFrame
    fit: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Weights, dominance."""
        return (
            Exhibit("relative_importance", self.attributes, notes=("relative_importance_rule", "association_only")),
            Exhibit("dominance_pairs", self.dominance, notes=("dominance_rule",)),
        )

    def findings(self) -> tuple[Finding, ...]:
        """The attribute ahead, and how sure that is."""
        top = self.attributes.sort_values("rank").iloc[0]
        return (
            Finding(
                "relative_importance",
                {
                    "attribute": top["attribute"],
                    "outcome": self.recipe.options["outcome"],
                    "share": float(top["weight_share"]),
                    "held": float(top["rank_held"]),
                    "r_squared": float(self.fit.loc[0, "r_squared"]),
                    "n": int(self.fit.loc[0, "n"]),
                    "n_attributes": len(self.attributes),
                },
            ),
        )


@threadpool_limits.wrap(limits=1)
def score_relative_importance(
    survey: pd.DataFrame,
    instrument: Instrument,
    *,
    outcome: str,
    attributes: Sequence[str] = (),
    resamples: int = 2000,
    confidence: float = 0.95,
    rng: np.random.Generator,
) -> RelativeImportance:
    """Share the R² of the outcome out among correlated attributes.

    Parameters
    ----------
    survey : pd.DataFrame
    instrument : Instrument
    outcome : str
        A construct, such as satisfaction.
    attributes : Sequence[str]
        Two to twelve; all where left out.
    resamples : int
    confidence : float
    rng : np.random.Generator

    Raises
    ------
    RefusedError
        Fewer than two attributes or more than twelve; too few complete answers; a constant rating; ratings that
        are combinations of one another.

    Notes
    -----
    Johnson (2000): with R = VΛ²V' of the attributes and Λ½ = VΛV', the weight of attribute j is
    Σᵢ (Λ½)²ⱼᵢ β²ᵢ, β = Λ½⁻¹ r. General dominance (Budescu 1993) is the gain in R² of an attribute, averaged
    over the subsets of each size, then over sizes; all subsets of a size are solved at once.

    References
    ----------
    Johnson, J. W. (2000). A heuristic method for estimating the relative weight of predictor variables in
    multiple regression. Multivariate Behavioral Research 35, 1–19. https://doi.org/10.1207/S15327906MBR3501_1

    Budescu, D. V. (1993). Dominance analysis. Psychological Bulletin 114, 542–551.
    https://doi.org/10.1037/0033-2909.114.3.542
    """
    where = "relative importance"
    names = choose_attributes(instrument, attributes, where=where)
    if not 2 <= len(names) <= _MOST_FOR_DOMINANCE:
        raise RefusedError(
            f"{len(names)} attributes; 2 to {_MOST_FOR_DOMINANCE} can be compared", where=where, repair="Name them."
        )
    score = outcome_score(survey, instrument, outcome, where=where)
    together = attribute_ratings(survey, instrument, names, "performance").assign(**{"\0": score})
    complete = refuse_unusable(together.rename(columns={"\0": f"{outcome} "}), where=where)
    x = complete.to_numpy()
    correlation = np.corrcoef(x, rowvar=False)
    if np.linalg.eigvalsh(correlation[:-1, :-1])[0] < 1e-8:
        raise RefusedError(
            "ratings are combinations of one another", where=where, repair="Leave one of the attributes out."
        )
    weight = johnson_weights(correlation[None])[0]
    drawn = bootstrap_counts(
        lambda times: johnson_weights(weighted_correlations(x, times)), len(x), rng=rng, resamples=resamples
    )
    bounds = percentile_bounds(drawn, confidence)
    rank = _ranks(weight[None])[0]
    general, complete_over, conditional_over = dominance(correlation)
    r_squared = float(weight.sum())
    pairs = [(i, j) if general[i] >= general[j] else (j, i) for i, j in combinations(range(len(names)), 2)]
    return RelativeImportance(
        attributes=pd.DataFrame(
            {
                "attribute": names,
                "correlation": correlation[-1, :-1],
                "relative_weight": weight,
                "conf_low": bounds[0],
                "conf_high": bounds[1],
                "weight_share": weight / r_squared,
                "general_dominance": general,
                "rank": rank,
                "rank_held": (_ranks(drawn) == rank).mean(axis=0),
            }
        ).sort_values("rank", ignore_index=True),
        dominance=pd.DataFrame(
            {
                "attribute": [names[i] for i, _ in pairs],
                "other": [names[j] for _, j in pairs],
                "complete": [bool(complete_over[i, j]) for i, j in pairs],
                "conditional": [bool(conditional_over[i, j]) for i, j in pairs],
            }
        ),
        fit=pd.DataFrame({"n": [len(x)], "r_squared": [r_squared], "n_left_out": [len(survey) - len(x)]}),
        recipe=Recipe(
            "relative_importance",
            {
                "outcome": outcome,
                "n_used": len(x),
                "resamples": resamples,
                "confidence": confidence,
                "missing": "complete_cases",
            },
            "Johnson (2000), https://doi.org/10.1207/S15327906MBR3501_1; Budescu (1993), "
            "https://doi.org/10.1037/0033-2909.114.3.542",
        ),
    )


def johnson_weights(correlation: np.ndarray) -> np.ndarray:
    """Relative weights of the first k variables for the last; shape (B, k) for (B, k + 1, k + 1).

    Examples
    --------
    >>> correlation = np.array([[1, 0, 0.6], [0, 1, 0.3], [0.6, 0.3, 1]])  # unrelated: the squares of r
    >>> johnson_weights(correlation[None]).round(4).tolist()
    [[0.36, 0.09]]
    """
    usable = np.isfinite(correlation).all(axis=(1, 2))
    weights = np.full((len(correlation), correlation.shape[1] - 1), np.nan)
    values, vectors = np.linalg.eigh(correlation[usable, :-1, :-1])
    root = np.sqrt(np.maximum(values, 1e-12))
    link = (vectors * root[:, None, :]) @ vectors.transpose(0, 2, 1)
    back = (vectors / root[:, None, :]) @ vectors.transpose(0, 2, 1)
    beta = (back @ correlation[usable, :-1, -1:])[..., 0]
    weights[usable] = np.einsum("bij,bj->bi", link**2, beta**2)
    return weights


def dominance(correlation: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """General dominance of each predictor, and which predictor dominates which.

    Parameters
    ----------
    correlation : np.ndarray, shape (k + 1, k + 1)
        The outcome last.

    Returns
    -------
    general : np.ndarray, shape (k,)
    complete, conditional : np.ndarray, shape (k, k)
        Row over column: the larger gain in every subset without the two; the larger mean gain at every size.

    Examples
    --------
    >>> correlation = np.array([[1, 0, 0.6], [0, 1, 0.3], [0.6, 0.3, 1]])
    >>> dominance(correlation)[0].round(4).tolist()
    [0.36, 0.09]
    """
    k = len(correlation) - 1
    r2 = np.zeros(2**k)
    for size in range(1, k + 1):
        subsets = np.array(list(combinations(range(k), size)))
        inner = correlation[subsets[:, :, None], subsets[:, None, :]]
        outer = correlation[subsets, k]
        r2[(1 << subsets).sum(axis=1)] = (outer * np.linalg.solve(inner, outer[..., None])[..., 0]).sum(axis=1)
    codes = np.arange(2**k)
    sizes = np.array([bin(code).count("1") for code in codes])
    gains = np.full((k, 2**k), np.nan)
    for i in range(k):
        without = codes[(codes >> i) & 1 == 0]
        gains[i, without] = r2[without | (1 << i)] - r2[without]
    by_size = np.array([[np.nanmean(gains[i, sizes == s]) for s in range(k)] for i in range(k)])
    complete = np.zeros((k, k), dtype=bool)
    for i, j in combinations(range(k), 2):
        both_out = ((codes >> i) & 1 == 0) & ((codes >> j) & 1 == 0)
        ahead = gains[i, both_out] - gains[j, both_out]
        complete[i, j], complete[j, i] = (ahead > 0).all(), (ahead < 0).all()
    conditional = (by_size[:, None, :] > by_size[None, :, :]).all(axis=2)
    return by_size.mean(axis=1), complete, conditional


def _ranks(weights: np.ndarray) -> np.ndarray:
    return (-weights).argsort(axis=1, kind="stable").argsort(axis=1, kind="stable") + 1
