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
from crmresearch.scoring.shares import wilson

NEGLIGIBLE = 0.1
"""Cramér's V below which a difference of needs is too small to matter (Cohen's small effect)."""
_FEWEST, _FEWEST_IN_GROUP = 40, 5


Subject = Literal["needs", "classes"]
_OF_CLASSES = {"need": "latent_class", "n_stating": "n_assigned", "share_stating": "share_of_group"}
"""Columns as a report of classes names them."""


@dataclass(frozen=True, slots=True)
class StatedNeeds:
    """Needs of all respondents.

    Attributes
    ----------
    table : pd.DataFrame, shape (n_needs, 6)
        need, n (answers), n_stating, share_stating, share_low, share_high (Wilson).
    recipe : Recipe
    """

    table: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The needs and how many state them."""
        return (Exhibit("needs_overall", self.table, notes=("needs_interval",)),)

    def findings(self) -> tuple[Finding, ...]:
        """The need stated most."""
        first = self.table.loc[self.table["share_stating"].idxmax()]
        values = {
            "need": first["need"],
            "share": float(first["share_stating"]),
            "low": float(first["share_low"]),
            "high": float(first["share_high"]),
            "n": int(first["n"]),
        }
        return (Finding("need_first", values),)


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


def count_needs(needs: pd.DataFrame) -> StatedNeeds:
    """Count how many respondents state each need.

    Parameters
    ----------
    needs : pd.DataFrame, shape (n_respondents, n_needs)
        As for :func:`score_needs`.

    Returns
    -------
    StatedNeeds

    Raises
    ------
    RefusedError
        Needs are not 0 and 1, or fewer than 40 respondents answered.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. Journal of the
    American Statistical Association 22, 209-212. https://doi.org/10.1080/01621459.1927.10502953

    Examples
    --------
    >>> stated = pd.DataFrame({"delivery": [1.0] * 30 + [0.0] * 10, "price": [1.0] * 20 + [0.0] * 20})
    >>> count_needs(stated).table["share_stating"].tolist()
    [0.75, 0.5]
    """
    table = _checked(needs, "count_needs")
    rows = [_share(table[name].dropna(), {"need": name}) for name in table]
    return StatedNeeds(pd.DataFrame(rows), Recipe("stated_needs", {"size_interval": "wilson"}))


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
        classes: :func:`class_membership`.
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
        Needs are not 0 and 1, fewer than 40 respondents answered, or no classification has two groups
        of enough respondents.

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
    table = _checked(needs, "score_needs")
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


def _checked(needs: pd.DataFrame, where: str) -> pd.DataFrame:
    """Respondents who stated or denied a need, as numbers."""
    table = needs.astype("Float64").astype(float)
    strange = table.to_numpy()[~np.isnan(table.to_numpy()) & ~np.isin(table.to_numpy(), (0.0, 1.0))]
    if len(strange):
        raise RefusedError(
            f"a need is 0 or 1, got {strange[0]:g}", where=where, repair="Code stated needs as 1, others as 0."
        )
    table = table.dropna(how="all").sort_index()
    if len(table) < _FEWEST:
        raise RefusedError(
            f"{len(table)} respondents stated needs", where=where, repair=f"Use {_FEWEST} respondents at the least."
        )
    return table


def state_needs(ranks: pd.DataFrame, *, up_to: int = 2) -> pd.DataFrame:
    """Turn ranks of needs into stated (1) and not stated (0).

    Parameters
    ----------
    ranks : pd.DataFrame
        1 is the most important; missing where the respondent did not rank the need.
    up_to : int
        Last rank that counts as stated.

    Returns
    -------
    pd.DataFrame
        Respondents who ranked nothing are missing throughout.

    Examples
    --------
    >>> state_needs(pd.DataFrame({"a": [1, None], "b": [3, None]})).to_numpy().tolist()
    [[1.0, 0.0], [nan, nan]]
    """
    values = ranks.astype("Float64").astype(float)
    return (values <= up_to).astype(float).where(values.notna().any(axis=1), np.nan)


def group_respondents(
    survey: pd.DataFrame,
    customers: pd.DataFrame,
    columns: Sequence[str],
    *,
    labels: Mapping[str, pd.Series] | None = None,
) -> pd.DataFrame:
    """Give each respondent the groups of its customer.

    Parameters
    ----------
    survey : pd.DataFrame
        respondent_id, customer_id.
    customers : pd.DataFrame
        Indexed by customer_id, with ``columns``.
    columns : Sequence[str]
    labels : Mapping[str, pd.Series], optional
        Further groups: name → label by customer_id.

    Returns
    -------
    pd.DataFrame
        By respondent_id; missing where the customer is unknown.
    """
    found = customers[list(columns)].copy()
    for name, values in (labels or {}).items():
        found[name] = values.reindex(found.index)
    matched = found.reindex(survey["customer_id"])
    return matched.set_axis(pd.Index(survey["respondent_id"], name="respondent_id"))


def class_membership(members: pd.DataFrame) -> pd.DataFrame:
    """Turn classes into a column of 0 and 1 each, so that they can be compared like needs.

    >>> class_membership(pd.DataFrame({"respondent_id": ["a", "b"], "latent_class": [1, 2]})).to_numpy().tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    own = members.set_index("respondent_id")["latent_class"]
    return pd.DataFrame({one: (own == one).astype(float) for one in sorted(own.unique())})


def _shares(table: pd.DataFrame, labels: pd.Series, classification: str) -> list[Mapping[str, Any]]:
    ordered = labels.cat.remove_unused_categories().cat.categories if labels.dtype == "category" else None
    rows = []
    for group in sorted(labels.dropna().unique(), key=str) if ordered is None else ordered:
        for name in table:
            given = table.loc[labels == group, name].dropna()
            rows.append(_share(given, {"classification": classification, "customer_group": str(group), "need": name}))
    return rows


def _share(given: pd.Series, head: dict[str, Any]) -> dict[str, Any]:
    n, stating = len(given), int(given.sum())
    share, low, high = wilson(stating, n)
    return {**head, "n": n, "n_stating": stating, "share_stating": share, "share_low": low, "share_high": high}


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
