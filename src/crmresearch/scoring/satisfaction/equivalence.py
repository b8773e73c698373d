"""Is it small enough to ignore? Equivalence of a correlation or of two means, against a smallest effect."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.satisfaction.correlations import fisher_interval
from crmresearch.scoring.satisfaction.power import correlation_power, respondents_needed


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Two one-sided tests (TOST) beside the usual test of no effect.

    Attributes
    ----------
    table : pd.DataFrame, one row per comparison
        outcome, predictor, n, estimate, conf_low, conf_high (of 1 − 2α coverage, the interval that equivalence goes
        by), smallest_effect, p_value (of no effect), p_above, p_below (of the two one-sided tests), p_equivalence
        (their larger), conclusion (``different``, ``equivalent``, ``different_but_small``, ``undecided``), power
        (of the usual test for the smallest effect), n_needed.
    recipe : Recipe
    """

    table: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The table."""
        return (Exhibit("equivalence", self.table, notes=("equivalence_rule",)),)

    def findings(self) -> tuple[Finding, ...]:
        """One sentence per comparison."""
        return tuple(
            Finding(
                f"equivalence_{row['conclusion']}",
                {
                    "predictor": row["predictor"],
                    "outcome": row["outcome"],
                    "estimate": row["estimate"],
                    "low": row["conf_low"],
                    "high": row["conf_high"],
                    "smallest": row["smallest_effect"],
                    "p": row["p_equivalence"],
                    "p_usual": row["p_value"],
                    "n": int(row["n"]),
                    "power": row["power"],
                    "n_needed": int(row["n_needed"]),
                    "level": round(1 - 2 * self.recipe.options["size"], 12),
                },
            )
            for row in self.table.to_dict("records")
        )


def test_equivalence(
    scores: pd.DataFrame, *, outcome: str, predictors: list[str], smallest_effect: float = 0.1, size: float = 0.05
) -> Equivalence:
    """Test whether correlations with an outcome are too small to matter.

    Parameters
    ----------
    scores : pd.DataFrame
        Numeric columns; each pair uses the rows that have both.
    outcome : str
    predictors : list of str
    smallest_effect : float
        Smallest correlation of interest, 0 < r < 1.
    size : float
        Error rate of each test.

    Returns
    -------
    Equivalence

    Raises
    ------
    RefusedError
        A column is absent or constant, fewer than four rows have both, or an option is out of range.

    Notes
    -----
    On Fisher's z scale, the estimate must lie above −smallest and below +smallest, each tested at
    ``size`` (Schuirmann 1987; Lakens 2017). "Not significant" is not "equal": only the equivalence test
    can say that an association is too small to matter, and with few respondents neither test decides.

    References
    ----------
    Lakens, D. (2017). Equivalence tests. Social Psychological and Personality Science 8, 355–362.
    https://doi.org/10.1177/1948550617697177

    Examples
    --------
    >>> rng = np.random.default_rng(8)
    >>> scores = pd.DataFrame(rng.normal(size=(3000, 2)), columns=["a", "b"])
    >>> test_equivalence(scores, outcome="b", predictors=["a"]).table.loc[0, "conclusion"]
    'equivalent'
    """
    if not 0 < smallest_effect < 1 or not 0 < size < 0.5:
        raise RefusedError(
            f"smallest_effect {smallest_effect!r}, size {size!r}",
            where="test_equivalence",
            repair="Give a correlation between 0 and 1 and an error rate below one half.",
        )
    rows = []
    for name in predictors:
        absent = [c for c in (name, outcome) if c not in scores]
        if absent:
            raise RefusedError(f"no column {absent[0]!r}", where="equivalence")
        both = scores[[name, outcome]].astype("Float64").astype(float).dropna()
        n = len(both)
        if n < 4 or (both.nunique() < 2).any():
            raise RefusedError(
                f"{n} rows have both {name!r} and {outcome!r}, or one of them is constant", where="equivalence"
            )
        r = float(np.corrcoef(both.T)[0, 1])
        rows.append((outcome, name, n, r, *_tost(r, n, smallest_effect, size)))
    columns = [
        "outcome",
        "predictor",
        "n",
        "estimate",
        "conf_low",
        "conf_high",
        "smallest_effect",
        "p_value",
        "p_above",
        "p_below",
        "p_equivalence",
        "conclusion",
        "power",
        "n_needed",
    ]
    return Equivalence(
        pd.DataFrame(rows, columns=columns),
        Recipe(
            "equivalence_test",
            {"smallest_effect": smallest_effect, "size": size},
            "Lakens (2017), https://doi.org/10.1177/1948550617697177",
        ),
    )


test_equivalence.__test__ = False  # a scorer, not a pytest function


def _tost(r: float, n: int, smallest: float, size: float) -> tuple:
    root, edge = np.sqrt(n - 3), np.arctanh(smallest)
    z = np.arctanh(np.clip(r, -1 + 1e-15, 1 - 1e-15))
    usual = float(2 * stats.norm.sf(abs(z) * root))
    above, below = float(stats.norm.sf((z + edge) * root)), float(stats.norm.cdf((z - edge) * root))
    equal, different = max(above, below) < size, usual < size
    answer = {
        (False, True): "different",
        (True, False): "equivalent",
        (True, True): "different_but_small",
        (False, False): "undecided",
    }[equal, different]
    low, high = fisher_interval(r, n, 1 - 2 * size)
    power = correlation_power(n, smallest, confidence=1 - size)
    needed = respondents_needed(smallest, confidence=1 - size)
    return low, high, smallest, usual, above, below, max(above, below), answer, power, needed


def mean_equivalence(x: np.ndarray, y: np.ndarray, *, smallest: float) -> tuple[float, float]:
    """P of the two one-sided Welch tests that two means differ by less than ``smallest`` points.

    Returns
    -------
    tuple
        p above −smallest, p below +smallest; the larger is the p of equivalence.

    Examples
    --------
    >>> x = np.linspace(-1, 1, 200)
    >>> max(mean_equivalence(x, x + 0.01, smallest=0.3)) < 0.001
    True
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    if min(len(x), len(y)) < 2:
        raise RefusedError("each group needs two or more values", where="mean_equivalence")
    u, v = x.var(ddof=1) / len(x), y.var(ddof=1) / len(y)
    if u + v == 0:
        raise RefusedError("neither group varies", where="mean_equivalence")
    df = (u + v) ** 2 / (u**2 / (len(x) - 1) + v**2 / (len(y) - 1))
    difference, error = x.mean() - y.mean(), np.sqrt(u + v)
    return (
        float(stats.t.sf((difference + smallest) / error, df)),
        float(stats.t.cdf((difference - smallest) / error, df)),
    )
