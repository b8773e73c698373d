"""Do needs differ between groups of customers? Shares with intervals, permutation tests, and claim D22."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from crmresearch.errors import RefusedError, check_choice
from crmresearch.results import Exhibit, Finding, Recipe, Verdict
from crmresearch.scoring.resampling import bootstrap, count_rows
from crmresearch.scoring.segments.stated_needs import check_needs, share_stating

NEGLIGIBLE = 0.1
"""Cramér's V below which a difference of needs is too small to matter (Cohen's small effect)."""
_FEWEST_IN_GROUP = 5


Subject = Literal["needs", "classes"]
_OF_CLASSES = {"need": "latent_class", "n_stating": "n_assigned", "share_stating": "share_of_group"}
"""Columns as a report of classes names them."""


@dataclass(frozen=True, slots=True)
class NeedsByGroup:
    """Needs, or membership of latent classes, in the groups of one or more classifications.

    Attributes
    ----------
    shares : pd.DataFrame, shape (n_rows, 8)
        classification, customer_group, need (or class), n (answers), n_stating (or belonging), share_stating,
        share_low, share_high (Wilson).
    tests : pd.DataFrame, shape (n_classifications * n_needs, 9)
        classification, need, n, n_groups, chi_square, cramers_v, v_high (its 95 % upper bound), p_value
        (permutation), p_adjusted (Holm).
    of : {"needs", "classes"}
    recipe : Recipe
    """

    shares: pd.DataFrame
    tests: pd.DataFrame
    of: Subject
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Shares in the groups, tests."""
        shares, tests = self.shares, self.tests
        if self.of == "classes":
            shares, tests = shares.rename(columns=_OF_CLASSES), tests.rename(columns=_OF_CLASSES)
        return (
            Exhibit(f"{self.of}_by_group", shares, notes=("needs_interval",), rows_shown=16),
            Exhibit(f"{self.of}_tests", tests, notes=(f"{self.of}_tests_reading",)),
        )

    def findings(self) -> tuple[Finding, ...]:
        """The difference that is largest, and claim D22 for the classifications given."""
        largest = self.tests.loc[self.tests["cramers_v"].idxmax()]
        values = _stated(largest) | {"n_tests": len(self.tests)}
        found = [Finding(f"{self.of}_differ_most", values)]
        for classification in self.recipe.options["claimed_of"]:
            own = self.tests[self.tests["classification"] == classification]
            if len(own):
                verdict = judge_needs(own["p_adjusted"].to_numpy(), own["v_high"].to_numpy())
                values = _stated(own.loc[own["p_adjusted"].idxmin()]) | {"limit": NEGLIGIBLE}
                found.append(Finding("claim_needs_differ", values, verdict, claim="D22"))
        return tuple(found)


def _stated(test: pd.Series) -> dict[str, Any]:
    """What a sentence says of one test."""
    return {
        "classification": test["classification"],
        "need": test["need"],
        "v": float(test["cramers_v"]),
        "p_value": float(test["p_adjusted"]),
        "n": int(test["n"]),
    }


def judge_needs(p_adjusted: np.ndarray, v_high: np.ndarray) -> Verdict:
    """Judge claim D22 (customers of different places and kinds need different things) for one classification.

    The rule is fixed before data are read: supported if any need differs between the groups at an adjusted
    p of at most .05; contradicted if no need does and every Cramér's V lies surely (95 %) below 0.1;
    inconclusive otherwise.

    Examples
    --------
    >>> judge_needs(np.array([0.01, 0.6]), np.array([0.4, 0.2]))
    'supported'
    >>> judge_needs(np.array([0.4]), np.array([0.05])), judge_needs(np.array([0.4]), np.array([0.3]))
    ('contradicted', 'inconclusive')
    """
    if (p_adjusted <= 0.05).any():
        return "supported"
    return "contradicted" if (v_high < NEGLIGIBLE).all() else "inconclusive"


def score_needs(
    needs: pd.DataFrame,
    groups: pd.DataFrame,
    *,
    rng: np.random.Generator,
    n_permutations: int = 1_999,
    fewest_in_group: int = _FEWEST_IN_GROUP,
    claimed_of: Sequence[str] = (),
    of: Subject = "needs",
) -> NeedsByGroup:
    """Compare which needs the groups of customers state, or which latent classes they belong to.

    Parameters
    ----------
    needs : pd.DataFrame, shape (n_respondents, n_needs)
        1 where the respondent states the need, 0 where not, missing where not asked; by respondent_id. Of
        classes: :func:`~.stated_needs.class_membership`.
    groups : pd.DataFrame, shape (n_respondents, n_classifications)
        Region, industry, tier …: one column each, by respondent_id; groups are shown in the order of a
        categorical column, of another by name.
    rng : np.random.Generator
    n_permutations : int
        Shufflings of the groups behind a p-value, at least 99.
    fewest_in_group : int
        Groups with fewer respondents are left out of shares and tests, and counted.
    claimed_of : Sequence[str]
        Classifications for which claim D22 is judged: places and kinds of customers.
    of : {"needs", "classes"}
        What the columns of ``needs`` are; the report words it.

    Returns
    -------
    NeedsByGroup

    Raises
    ------
    RefusedError
        Needs are not 0 and 1, fewer than 40 respondents answered, n_permutations is below 99, or no classification
        has two groups of enough respondents.
    UsageError
        An option that is unknown.

    Notes
    -----
    The p-value of a need is the share of shufflings of the groups with at least the χ² seen, for expected
    counts are often below 5; it is adjusted by Holm over all needs and classifications tested. The upper bound
    of Cramér's V is the 95 % quantile of a bootstrap over respondents.

    References
    ----------
    Cramér, H. (1946). Mathematical methods of statistics. Princeton University Press.

    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of
    Statistics 6, 65–70. https://www.jstor.org/stable/4615733
    """
    check_choice("of", of, get_args(Subject), where="score_needs")
    if n_permutations < 99:
        raise RefusedError(
            f"n_permutations is {n_permutations}", where="score_needs", repair="Use 99 permutations at the least."
        )
    table = check_needs(needs, "score_needs")
    shares, tests, left_out = [], [], 0
    for classification in groups:
        labels = groups[classification].reindex(table.index)
        sizes = labels.value_counts()
        left_out += int((sizes < fewest_in_group).sum())
        labels = labels.where(labels.isin(sizes.index[sizes >= fewest_in_group]))
        if labels.nunique() < 2:
            continue
        shares += _shares(table, labels, str(classification))
        tests += _tests(table, labels, str(classification), n_permutations, rng)
    if not tests:
        raise RefusedError(
            f"no classification has two groups of {fewest_in_group} respondents",
            where="score_needs",
            repair="Give another classification, or merge its groups.",
        )
    tested = pd.DataFrame(tests)
    tested["p_adjusted"] = multipletests(tested["p_value"], method="holm")[1]
    names = ["classification", "need", "n", "n_groups", "chi_square", "cramers_v", "v_high", "p_value", "p_adjusted"]
    return NeedsByGroup(
        shares=pd.DataFrame(shares),
        tests=tested[names],
        of=of,
        recipe=Recipe(
            f"{of}_by_group",
            {
                "n_permutations": n_permutations,
                "correction": "holm",
                "size_interval": "wilson",
                "fewest_in_group": fewest_in_group,
                "groups_left_out": left_out,
                "claimed_of": list(claimed_of),
            },
            "Holm (1979), https://www.jstor.org/stable/4615733",
        ),
    )


def _shares(table: pd.DataFrame, labels: pd.Series, classification: str) -> list[Mapping[str, Any]]:
    rows, groups = [], labels.dropna().unique()
    for group in groups.sort_values() if labels.dtype == "category" else sorted(groups, key=str):
        for name in table:
            given = table.loc[labels == group, name].dropna()
            head = {"classification": classification, "customer_group": str(group), "need": name}
            rows.append(share_stating(given, head))
    return rows


def _tests(
    table: pd.DataFrame, labels: pd.Series, classification: str, n_permutations: int, rng: np.random.Generator
) -> list[dict[str, Any]]:
    rows = []
    for name in table:
        present = table[name].notna() & labels.notna()
        y = table.loc[present, name].to_numpy()
        codes, groups = pd.factorize(labels[present], sort=True)
        n_groups = len(groups)
        if n_groups < 2 or y.min() == y.max():
            rows.append(_row(classification, name, len(y), n_groups, 0.0, 0.0, 0.0, 1.0))
            continue
        member, size = codes[:, None] == np.arange(n_groups), np.bincount(codes, minlength=n_groups)
        seen = float(_chi2(y @ member, size))
        shuffled = _chi2(rng.permuted(np.tile(y, (n_permutations, 1)), axis=1) @ member, size)
        p = (1 + int((shuffled >= seen - 1e-9).sum())) / (1 + n_permutations)
        high = np.quantile(bootstrap(partial(_resampled_v, codes=codes, y=y), len(y), rng=rng, resamples=200), 0.95)
        v = float(np.sqrt(seen / len(y)))
        rows.append(_row(classification, name, len(y), n_groups, seen, v, float(high), p))
    return rows


def _row(classification: str, need: str, n: int, n_groups: int, chi2: float, v: float, high: float, p: float) -> dict:
    return {
        "classification": classification,
        "need": need,
        "n": n,
        "n_groups": n_groups,
        "chi_square": chi2,
        "cramers_v": v,
        "v_high": high,
        "p_value": p,
    }


def _resampled_v(rows: np.ndarray, codes: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Cramér's V of stated × group in each resample."""
    groups = codes[rows]
    n = codes.max() + 1
    return np.sqrt(_chi2(count_rows(groups, n, y[rows]), count_rows(groups, n)) / len(y))


def _chi2(stating: np.ndarray, size: np.ndarray) -> np.ndarray:
    """χ² of stated × group along the last axis, groups; 0 where all state it or nobody does."""
    share = stating.sum(axis=-1, keepdims=True) / size.sum(axis=-1)[..., None]
    apart = ((stating - size * share) ** 2 / np.maximum(size, 1)).sum(axis=-1)
    spread = (share * (1 - share))[..., 0]
    return np.divide(apart, spread, out=np.zeros_like(apart), where=spread > 0)
