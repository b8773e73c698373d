"""Cross tables: do two categorical answers go together? Chi-squared, exact where counts are small, Cramér's V."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.satisfaction.multiplicity import Adjustment, adjust_p

_MOST_LEVELS = 20


@dataclass(frozen=True, slots=True)
class CrossTables:
    """Categorical columns against categorical columns.

    Attributes
    ----------
    tests : pd.DataFrame, one row per pair
        outcome, background, n, chi2, df, p_value (by permutation where an expected count lies below five),
        p_adjusted, cramers_v (corrected for bias), smallest_expected, permuted (flag).
    cells : pd.DataFrame
        outcome, background, group, category, n, share_of_group, residual (adjusted standardised).
    recipe : Recipe
    """

    tests: pd.DataFrame
    cells: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Tests and cells."""
        return (
            Exhibit("cross_tests", self.tests, notes=("cross_rule", "adjusted_p")),
            Exhibit("cross_cells", self.cells, notes=("residual_reading",), rows_shown=30),
        )

    def findings(self) -> tuple[Finding, ...]:
        """How many pairs go together, and the closest."""
        size = round(1 - self.recipe.options["confidence"], 12)
        top = self.tests.sort_values(["p_adjusted", "cramers_v"], ascending=[True, False], kind="stable").iloc[0]
        return (
            Finding(
                "cross_associated" if top["p_adjusted"] < size else "cross_open",
                {
                    "k": int((self.tests["p_adjusted"] < size).sum()),
                    "n_tests": len(self.tests),
                    "outcome": top["outcome"],
                    "background": top["background"],
                    "p": float(top["p_adjusted"]),
                    "v": float(top["cramers_v"]),
                },
            ),
        )


def cross_tabulate(
    data: pd.DataFrame,
    *,
    outcomes: Sequence[str],
    backgrounds: Sequence[str],
    rng: np.random.Generator,
    adjustment: Adjustment = "holm",
    confidence: float = 0.95,
    permutations: int = 1999,
) -> CrossTables:
    """Test each categorical outcome against each background.

    Parameters
    ----------
    data : pd.DataFrame
    outcomes, backgrounds : Sequence[str]
        Columns of up to twenty levels; rows that lack either are left out; a column against itself is passed over.
    rng : np.random.Generator
    adjustment : {"holm", "bh", "none"}
    confidence : float
    permutations : int
        Tables drawn with the same margins where an expected count lies below five.

    Raises
    ------
    RefusedError
        A column is absent, has one level only, or more than twenty.

    Notes
    -----
    Cramér's V corrected for bias: Bergsma (2013), https://doi.org/10.1016/j.jkss.2012.10.002.

    Examples
    --------
    >>> data = pd.DataFrame({"again": list("yyynnnyn") * 5, "plan": list("aaaabbbb") * 5})
    >>> found = cross_tabulate(data, outcomes=["again"], backgrounds=["plan"], rng=np.random.default_rng(1))
    >>> round(found.tests.loc[0, "chi2"], 3)
    np.float64(10.0)
    """
    absent = [name for name in (*outcomes, *backgrounds) if name not in data]
    if absent or not outcomes or not backgrounds:
        raise RefusedError(f"no column {absent[0]!r}" if absent else "no column was named", where="cross table")
    tests, cells = [], []
    for background in backgrounds:
        for outcome in outcomes:
            if outcome == background:
                continue
            counts = pd.crosstab(*(_levels(data, name) for name in (background, outcome)))
            if min(counts.shape) < 2 or max(counts.shape) > _MOST_LEVELS:
                raise RefusedError(
                    f"{outcome!r} by {background!r} is a table of {counts.shape[0]} by {counts.shape[1]}",
                    where="cross table",
                    repair=f"Use columns of two to {_MOST_LEVELS} levels.",
                )
            table = counts.to_numpy(float)
            n = table.sum()
            expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / n
            chi2, df = float(((table - expected) ** 2 / expected).sum()), (table.shape[0] - 1) * (table.shape[1] - 1)
            permuted = bool(expected.min() < 5)
            p = _permuted(table, expected, chi2, rng, permutations) if permuted else float(stats.chi2.sf(chi2, df))
            tests.append(
                (outcome, background, int(n), chi2, df, p, _cramers_v(chi2, n, table.shape), expected.min(), permuted)
            )
            cells += _cells(outcome, background, counts, expected)
    if not tests:
        raise RefusedError("no column stands against another", where="cross table")
    columns = ["outcome", "background", "n", "chi2", "df", "p_value", "cramers_v", "smallest_expected", "permuted"]
    frame = pd.DataFrame(tests, columns=columns)
    frame.insert(6, "p_adjusted", adjust_p(frame["p_value"].to_numpy(), adjustment))
    return CrossTables(
        tests=frame,
        cells=pd.DataFrame(
            cells, columns=["outcome", "background", "group", "category", "n", "share_of_group", "residual"]
        ),
        recipe=Recipe(
            "cross_table",
            {"adjustment": f"adjust_{adjustment}", "confidence": confidence, "permutations": permutations},
            "Bergsma (2013), https://doi.org/10.1016/j.jkss.2012.10.002",
        ),
    )


def _levels(data: pd.DataFrame, name: str) -> pd.Series:
    return data[name].astype("string")


def _cramers_v(chi2: float, n: float, shape: tuple[int, int]) -> float:
    r, c = shape
    phi = max(0.0, chi2 / n - (r - 1) * (c - 1) / (n - 1))
    least = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1
    return float(np.sqrt(phi / least)) if least > 0 else float("nan")


def _permuted(
    table: np.ndarray, expected: np.ndarray, chi2: float, rng: np.random.Generator, permutations: int
) -> float:
    drawn = stats.random_table(table.sum(axis=1).astype(int), table.sum(axis=0).astype(int)).rvs(
        permutations, random_state=rng
    )
    values = ((drawn - expected) ** 2 / expected).sum(axis=(1, 2))
    return float((1 + (values >= chi2 - 1e-9).sum()) / (1 + permutations))


def _cells(outcome: str, background: str, counts: pd.DataFrame, expected: np.ndarray) -> list[tuple]:
    table = counts.to_numpy(float)
    n = table.sum()
    share = table / table.sum(axis=1, keepdims=True)
    spread = expected * (1 - table.sum(axis=1, keepdims=True) / n) * (1 - table.sum(axis=0) / n)
    residual = (table - expected) / np.sqrt(spread)
    return [
        (outcome, background, str(g), str(v), int(table[i, j]), share[i, j], residual[i, j])
        for i, g in enumerate(counts.index)
        for j, v in enumerate(counts.columns)
    ]
