"""Exploratory factor analysis, round by round: how many factors, which items leave and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from crmresearch.case import Instrument
from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.satisfaction.factors.complete import MIN_ITEMS, RULE_SOURCE, complete_answers
from crmresearch.scoring.satisfaction.factors.extraction import Extraction, extract_factors
from crmresearch.scoring.satisfaction.factors.factorability import MIN_KMO, sampling_adequacy
from crmresearch.scoring.satisfaction.factors.retention import parallel_analysis
from crmresearch.scoring.satisfaction.factors.rotation import Rotation, rotate_loadings
from crmresearch.scoring.satisfaction.polychoric import polychoric_correlations

Correlation = Literal["pearson", "polychoric"]


@dataclass(frozen=True, slots=True)
class Exploration:
    """Factors found in the items, with every round that led there.

    Attributes
    ----------
    loadings : pd.DataFrame, shape (n_items, 5 + m)
        item, construct, factor (of the largest loading), communality, msa, then factor_1 … factor_m: the
        pattern after rotation. By factor and falling loading.
    factors : pd.DataFrame, shape (m, 3 + m)
        factor, variance (sum over items of loading × structure), share_of_variance, and the factor's
        correlation with each factor.
    scree : pd.DataFrame, shape (p, 6)
        Parallel analysis of the first round: factor, eigenvalue, random_mean, random_high, kept,
        share_of_variance.
    rounds : pd.DataFrame, shape (n_rounds, 8)
        round, n_items, n_factors, kmo, share_of_variance, deleted (item, empty in the last round), reason,
        measured (the loading or the gap that decided).
    recipe : Recipe
    """

    loadings: pd.DataFrame
    factors: pd.DataFrame
    scree: pd.DataFrame
    rounds: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Rounds, loadings, factors."""
        return (
            Exhibit("factor_rounds", self.rounds, notes=("factor_round_rule",)),
            Exhibit("factor_loadings", self.loadings, notes=("factor_pattern",)),
            Exhibit("factor_variance", self.factors),
        )

    def findings(self) -> tuple[Finding, ...]:
        """How many factors of how many items, and which items left."""
        gone = self.rounds.loc[self.rounds["deleted"] != "", "deleted"].tolist()
        last = self.rounds.iloc[-1]
        values = {
            "n_factors": int(last["n_factors"]),
            "n_items": int(last["n_items"]),
            "share": float(last["share_of_variance"]),
            "n": self.recipe.options["n_used"],
            "n_rounds": len(self.rounds),
        }
        found = [Finding("factors_found", values)]
        if gone:
            found.append(Finding("items_deleted", {"n": len(gone), "items": gone}))
        return tuple(found)


@threadpool_limits.wrap(limits=1)
def explore_factors(
    survey: pd.DataFrame,
    instrument: Instrument,
    *,
    constructs: Sequence[str] = (),
    method: Extraction = "ml",
    rotation: Rotation = "oblimin",
    correlation: Correlation = "pearson",
    n_factors: int = 0,
    min_loading: float = 0.40,
    min_gap: float = 0.10,
    delete: bool = True,
    draws: int = 500,
    rng: np.random.Generator,
) -> Exploration:
    """Find the factors behind the items; take items that fit none out one at a time, and log it.

    Parameters
    ----------
    survey : pd.DataFrame
    instrument : Instrument
    constructs : Sequence[str]
        Constructs whose items are analysed; all where left out.
    method : {"ml", "paf", "pca"}
    rotation : {"oblimin", "promax", "varimax", "none"}
    correlation : {"pearson", "polychoric"}
        Polychoric for answers on few points.
    n_factors : int
        0 takes the number parallel analysis keeps, anew in every round.
    min_loading : float
        An item whose largest loading is smaller leaves.
    min_gap : float
        An item whose two largest loadings differ by less leaves.
    delete : bool
        False shows one round with all items.
    draws : int
        Random matrices of the parallel analysis.
    rng : np.random.Generator

    Raises
    ------
    RefusedError
        As :func:`~crmresearch.scoring.satisfaction.factors.complete.complete_answers`; KMO below .5; no
        factor beats chance; a Heywood case, by item; or the deletions leave no three items.

    Notes
    -----
    In each round the item with the smallest largest loading leaves if that is below ``min_loading``; if
    none is, the item of the narrowest gap leaves if that is below ``min_gap``. One item a round, since
    every deletion moves the loadings of the others.

    References
    ----------
    Fabrigar, L. R. et al. (1999). Evaluating the use of exploratory factor analysis in psychological
    research. Psychological Methods 4, 272–299. https://doi.org/10.1037/1082-989X.4.3.272
    """
    where = "exploratory factor analysis"
    answers = complete_answers(survey, instrument, constructs=constructs, where=where)
    whole = (
        polychoric_correlations(answers)
        if correlation == "polychoric"
        else pd.DataFrame(np.corrcoef(answers.to_numpy(), rowvar=False), answers.columns, answers.columns)
    )
    items, rounds, scree = list(answers.columns), [], None
    while True:
        r = whole.loc[items, items].to_numpy()
        kmo, own = sampling_adequacy(r)
        if kmo < MIN_KMO:
            raise RefusedError(
                f"KMO is {kmo:.2f}, below {MIN_KMO}: the items have too little in common",
                where=where,
                repair="Analyse constructs that belong together, or report the items one by one.",
            )
        parallel = parallel_analysis(r, len(answers), draws=draws, rng=rng)
        scree = parallel if scree is None else scree
        m = n_factors or int(parallel["kept"].sum())
        if m == 0:
            raise RefusedError(
                "no eigenvalue exceeds those of unrelated items", where=where, repair="Report the items one by one."
            )
        plain = extract_factors(r, m, method=method)
        if plain.heywood.any():
            raise RefusedError(
                f"Heywood case: {', '.join(np.array(items)[plain.heywood])} would have no variance of its own",
                where=where,
                repair="Ask for fewer factors (n_factors), leave the item out, or use method='pca'.",
            )
        pattern, phi = rotate_loadings(plain.loadings, method=rotation)
        share = float((1 - plain.uniqueness).sum() / len(items))
        gone, reason, measured = _worst(pattern, items, min_loading, min_gap) if delete else ("", "", np.nan)
        rounds.append((len(rounds) + 1, len(items), m, kmo, share, gone, reason, measured))
        if not gone:
            break
        items.remove(gone)
        if len(items) < MIN_ITEMS:
            raise RefusedError(
                f"the deletions leave fewer than {MIN_ITEMS} items", where=where, repair="Use delete=False."
            )
    columns = ["round", "n_items", "n_factors", "kmo", "share_of_variance", "deleted", "reason", "measured"]
    return Exploration(
        loadings=_loadings(pattern, phi, items, own, instrument),
        factors=_factors(pattern, phi),
        scree=scree,
        rounds=pd.DataFrame(rounds, columns=columns),
        recipe=Recipe(
            "exploratory_factors",
            {
                "n_used": len(answers),
                "extraction": method,
                "rotation": rotation,
                "correlation_kind": correlation,
                "n_factors_rule": n_factors or "parallel_analysis",
                "draws": draws,
                "min_loading": min_loading,
                "min_gap": min_gap,
                "missing": "complete_cases",
            },
            f"Fabrigar et al. (1999), https://doi.org/10.1037/1082-989X.4.3.272; {RULE_SOURCE}",
        ),
    )


def _worst(pattern: np.ndarray, items: list[str], min_loading: float, min_gap: float) -> tuple[str, str, float]:
    size = np.sort(np.abs(pattern), axis=1)[:, ::-1]
    weakest = int(size[:, 0].argmin())
    if size[weakest, 0] < min_loading:
        return items[weakest], "low_loading", float(size[weakest, 0])
    if pattern.shape[1] > 1:
        gap = size[:, 0] - size[:, 1]
        nearest_call = int(gap.argmin())
        if gap[nearest_call] < min_gap:
            return items[nearest_call], "cross_loading", float(gap[nearest_call])
    return "", "", np.nan


def _loadings(
    pattern: np.ndarray, phi: np.ndarray, items: list[str], own: np.ndarray, instrument: Instrument
) -> pd.DataFrame:
    home = {item: name for name, construct in instrument.constructs.items() for item in construct.items}
    table = pd.DataFrame(
        {
            "item": items,
            "construct": [home[item] for item in items],
            "factor": np.abs(pattern).argmax(axis=1) + 1,
            "communality": ((pattern @ phi) * pattern).sum(axis=1),
            "msa": own,
            **{f"factor_{j + 1}": column for j, column in enumerate(pattern.T)},
        }
    )
    table["_size"] = -np.abs(pattern).max(axis=1)
    return table.sort_values(["factor", "_size"], kind="stable", ignore_index=True).drop(columns="_size")


def _factors(pattern: np.ndarray, phi: np.ndarray) -> pd.DataFrame:
    variance = (pattern * (pattern @ phi)).sum(axis=0)
    return pd.DataFrame(
        {
            "factor": np.arange(1, len(phi) + 1),
            "variance": variance,
            "share_of_variance": variance / len(pattern),
            **{f"factor_{j + 1}": column for j, column in enumerate(phi.T)},
        }
    )
