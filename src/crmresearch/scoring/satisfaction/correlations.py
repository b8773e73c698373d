"""Correlation matrix of constructs: every pair with its interval, its p adjusted for their number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy import stats

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.satisfaction.multiplicity import Adjustment, adjust_p, stars

Coefficient = Literal["pearson", "spearman"]
_FEWEST = 4


@dataclass(frozen=True, slots=True)
class Correlations:
    """Correlations of every pair of columns.

    Attributes
    ----------
    matrix : pd.DataFrame, shape (k, k + 4)
        construct, n, mean, sd, then one column per construct: the correlations, lower triangle only.
    pairs : pd.DataFrame, shape (k(k − 1)/2, 9)
        construct, other, n, correlation, conf_low, conf_high, p_value, p_adjusted, stars (by p_adjusted).
    recipe : Recipe
    """

    matrix: pd.DataFrame
    pairs: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The matrix, then the pairs."""
        return (
            Exhibit("correlation_matrix", self.matrix, notes=("correlation_stars",)),
            Exhibit("correlation_pairs", self.pairs, notes=("correlation_intervals", "adjusted_p"), rows_shown=45),
        )

    def findings(self) -> tuple[Finding, ...]:
        """How many pairs are shown to correlate, and the strongest."""
        strongest = self.pairs.loc[self.pairs["correlation"].abs().idxmax()]
        size = round(1 - self.recipe.options["confidence"], 12)
        return (
            Finding(
                "correlations_shown",
                {
                    "k": int((self.pairs["p_adjusted"] < size).sum()),
                    "pairs": len(self.pairs),
                    "construct": strongest["construct"],
                    "other": strongest["other"],
                    "correlation": float(strongest["correlation"]),
                    "low": float(strongest["conf_low"]),
                    "high": float(strongest["conf_high"]),
                    "size": size,
                    "confidence": self.recipe.options["confidence"],
                },
            ),
        )


def correlate(
    scores: pd.DataFrame,
    *,
    columns: Sequence[str] | None = None,
    coefficient: Coefficient = "pearson",
    adjustment: Adjustment = "holm",
    confidence: float = 0.95,
) -> Correlations:
    """Correlate every pair of columns, each over the rows that have both.

    Parameters
    ----------
    scores : pd.DataFrame
        One numeric column per construct.
    columns : Sequence[str] | None
        Which; None takes all that vary.
    coefficient : {"pearson", "spearman"}
    adjustment : {"holm", "bh", "none"}
    confidence : float

    Returns
    -------
    Correlations

    Raises
    ------
    RefusedError
        Fewer than two columns; a named column is absent or constant; a pair has fewer than four rows;
        an option is unknown.

    Notes
    -----
    Intervals by Fisher's z, for Spearman with the variance of Bonett & Wright (2000); they are not
    adjusted for the number of pairs, the p values are. p of Pearson by t with n − 2 degrees of freedom.

    Examples
    --------
    >>> scores = pd.DataFrame({"a": [1.0, 2, 3, 4, 5], "b": [1.0, 3, 2, 5, 4]})
    >>> correlate(scores).pairs.loc[0, "correlation"].round(3)
    np.float64(0.8)
    """
    if coefficient not in get_args(Coefficient) or not 0 < confidence < 1:
        raise RefusedError(f"coefficient {coefficient!r}, confidence {confidence!r}", where="correlate")
    named = columns is not None
    names = list(columns) if named else list(scores.columns)
    absent = [name for name in names if name not in scores]
    if absent:
        raise RefusedError(f"no column {absent[0]!r}", where="correlations")
    values = scores[names].astype("Float64").astype(float)
    flat = [name for name in names if values[name].nunique() < 2]
    if flat and named:
        raise RefusedError(f"{flat[0]!r} is constant or empty", where="correlations", repair="Leave it out.")
    names = [name for name in names if name not in flat]
    if len(names) < 2:
        raise RefusedError("fewer than two columns that vary", where="correlations")
    rows = [(a, b, *_pair(values[a], values[b], coefficient, confidence)) for a, b in combinations(names, 2)]
    pairs = pd.DataFrame(rows, columns=["construct", "other", "n", "correlation", "conf_low", "conf_high", "p_value"])
    pairs["p_adjusted"] = adjust_p(pairs["p_value"].to_numpy(), adjustment)
    pairs["stars"] = stars(pairs["p_adjusted"].to_numpy())
    table = np.full((len(names), len(names)), np.nan)
    for row in pairs.itertuples():
        table[names.index(row.other), names.index(row.construct)] = row.correlation
    np.fill_diagonal(table, 1.0)
    matrix = pd.DataFrame(
        {
            "construct": names,
            "n": values[names].notna().sum().to_numpy(),
            "mean": values[names].mean().to_numpy(),
            "sd": values[names].std().to_numpy(),
        }
    )
    return Correlations(
        matrix=pd.concat([matrix, pd.DataFrame(table, columns=names)], axis=1),
        pairs=pairs,
        recipe=Recipe(
            "correlation_matrix",
            {
                "coefficient_kind": coefficient,
                "adjustment": f"adjust_{adjustment}",
                "confidence": confidence,
                "missing": "pairwise",
            },
            "Bonett & Wright (2000), https://doi.org/10.1007/BF02294183",
        ),
    )


def _pair(a: pd.Series, b: pd.Series, coefficient: Coefficient, confidence: float) -> tuple[float, ...]:
    both = pd.concat([a, b], axis=1).dropna().to_numpy()
    n = len(both)
    if n < _FEWEST:
        raise RefusedError(f"{n} rows have both {a.name!r} and {b.name!r}", where="correlations")
    if (np.ptp(both, axis=0) == 0).any():
        return n, np.nan, np.nan, np.nan, np.nan
    r, p = (stats.pearsonr if coefficient == "pearson" else stats.spearmanr)(both[:, 0], both[:, 1])
    low, high = fisher_interval(float(r), n, confidence, spearman=coefficient == "spearman")
    return n, float(r), low, high, float(p)


def fisher_interval(r: float, n: int, confidence: float, *, spearman: bool = False) -> tuple[float, float]:
    """Interval of a correlation by Fisher's z.

    Examples
    --------
    >>> [round(v, 3) for v in fisher_interval(0.5, 50, 0.95)]
    [0.257, 0.683]
    """
    if n <= 3:
        return -1.0, 1.0
    half = stats.norm.ppf((1 + confidence) / 2) * np.sqrt((1 + r**2 / 2 if spearman else 1) / (n - 3))
    centre = np.arctanh(r) if abs(r) < 1 else np.sign(r) * np.inf
    return float(np.tanh(centre - half)), float(np.tanh(centre + half))
