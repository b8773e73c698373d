"""May these items be factor-analysed: sampling adequacy, Bartlett's test, respondents per item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from crmresearch.case import Instrument
from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.satisfaction.factors.complete import RULE_SOURCE, complete_answers

MIN_KMO = 0.5
_ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Factorability:
    """Whether the correlations of the items are worth a factor analysis.

    Attributes
    ----------
    checks : pd.DataFrame, shape (1, 8)
        n, n_items, n_per_item, kmo, bartlett (chi-squared), df, p_value, factorable.
    items : pd.DataFrame, shape (n_items, 3)
        item, msa (Kaiser's measure of the item alone), largest_r (with another item).
    recipe : Recipe
    """

    checks: pd.DataFrame
    items: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The checks, and each item's own measure."""
        return (
            Exhibit("factorability", self.checks, notes=("factorability_rule",)),
            Exhibit("sampling_adequacy", self.items),
        )

    def findings(self) -> tuple[Finding, ...]:
        """KMO and Bartlett in one sentence."""
        row = self.checks.iloc[0]
        verdict = "supported" if row["factorable"] else "contradicted"
        values = {name: row[name] for name in ("n", "n_items", "kmo", "bartlett", "df", "p_value")}
        return (Finding("factorability", {**values, "least": MIN_KMO}, verdict),)


def score_factorability(
    survey: pd.DataFrame, instrument: Instrument, *, constructs: Sequence[str] = ()
) -> Factorability:
    """Check sampling adequacy (KMO) and test that the items are unrelated (Bartlett).

    Parameters
    ----------
    survey : pd.DataFrame
    instrument : Instrument
    constructs : Sequence[str]
        Constructs whose items are analysed; all where left out.

    Raises
    ------
    RefusedError
        As :func:`~crmresearch.scoring.satisfaction.factors.complete.complete_answers`; or the
        correlation matrix is singular.

    References
    ----------
    Kaiser, H. F. (1974). An index of factorial simplicity. Psychometrika 39, 31–36.
    https://doi.org/10.1007/BF02291575

    Bartlett, M. S. (1951). The effect of standardization on a χ² approximation in factor analysis.
    Biometrika 38, 337–344. https://doi.org/10.1093/biomet/38.3-4.337
    """
    answers = complete_answers(survey, instrument, constructs=constructs, where="factorability")
    n, p = answers.shape
    correlation = np.corrcoef(answers.to_numpy(), rowvar=False)
    kmo, own = sampling_adequacy(correlation)
    statistic, df = bartlett_statistic(correlation, n)
    chance = float(stats.chi2.sf(statistic, df))
    apart = np.abs(correlation - np.eye(p))
    return Factorability(
        checks=pd.DataFrame(
            {
                "n": [n],
                "n_items": [p],
                "n_per_item": [n / p],
                "kmo": [kmo],
                "bartlett": [statistic],
                "df": [df],
                "p_value": [chance],
                "factorable": [kmo >= MIN_KMO and chance < _ALPHA],
            }
        ),
        items=pd.DataFrame({"item": answers.columns, "msa": own, "largest_r": apart.max(axis=1)}),
        recipe=Recipe(
            "factorability",
            {"constructs": list(constructs) or list(instrument.constructs), "missing": "complete_cases"},
            f"Kaiser (1974), https://doi.org/10.1007/BF02291575; {RULE_SOURCE}",
        ),
    )


def sampling_adequacy(correlation: np.ndarray) -> tuple[float, np.ndarray]:
    """Kaiser–Meyer–Olkin measure, over all items and of each.

    Raises
    ------
    RefusedError
        The matrix is singular.

    Examples
    --------
    >>> correlation = np.array([[1, 0.5, 0.5], [0.5, 1, 0.5], [0.5, 0.5, 1]])
    >>> round(sampling_adequacy(correlation)[0], 4)  # partial correlations 1/3: .25 / (.25 + 1/9)
    0.6923
    """
    if np.linalg.eigvalsh(correlation)[0] < 1e-9:
        raise RefusedError(
            "the correlation matrix of the items is singular",
            where="factor analysis",
            repair="Leave out items that are sums of others, or ask more respondents than items.",
        )
    inverse = np.linalg.inv(correlation)
    root = np.sqrt(np.diag(inverse))
    off = ~np.eye(len(correlation), dtype=bool)
    r2, partial2 = np.where(off, correlation**2, 0), np.where(off, (inverse / np.outer(root, root)) ** 2, 0)
    own = r2.sum(axis=1) / (r2.sum(axis=1) + partial2.sum(axis=1))
    return float(r2.sum() / (r2.sum() + partial2.sum())), own


def bartlett_statistic(correlation: np.ndarray, n: int) -> tuple[float, int]:
    """Bartlett's chi-squared of unrelated items, and its degrees of freedom."""
    p = len(correlation)
    log_determinant = np.linalg.slogdet(correlation)[1]
    return float(-(n - 1 - (2 * p + 5) / 6) * log_determinant), p * (p - 1) // 2
