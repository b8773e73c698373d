"""Employees and customers meet at the branch: claim D02, at that level only."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe, judge_interval
from crmresearch.scoring.satisfaction.correlations import fisher_interval
from crmresearch.scoring.satisfaction.power import correlation_power, respondents_needed

_FEWEST_BRANCHES = 5
_FEWEST_PEOPLE = 3


@dataclass(frozen=True, slots=True)
class BranchLink:
    """Customer and employee scores by branch.

    Attributes
    ----------
    branches : pd.DataFrame, one row per branch
        branch, n_employees, employee_mean, employee_sd, n_respondents, customer_mean, customer_sd.
    correlations : pd.DataFrame, shape (2, 7)
        coefficient, n (branches), correlation, conf_low, conf_high, p_value, p_permutation.
    multilevel : pd.DataFrame, shape (1, 9)
        Customers within branches on their branch's employee mean, random intercept: term, estimate, std_error,
        statistic (t), p_value, conf_low, conf_high (branches − 2 degrees of freedom), icc_customers,
        icc_employees (share of variance between branches).
    left_out : pd.DataFrame
        branch, n_employees, n_respondents: branches with fewer than three of either.
    claim : pd.DataFrame, shape (1, 6)
        n, correlation, smallest_effect, verdict, power, n_needed.
    recipe : Recipe
    """

    branches: pd.DataFrame
    correlations: pd.DataFrame
    multilevel: pd.DataFrame
    left_out: pd.DataFrame
    claim: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Branches, correlations, multilevel slope."""
        shown = [
            Exhibit("branch_scores", self.branches),
            Exhibit("branch_correlations", self.correlations, notes=("branch_level_rule",)),
            Exhibit("branch_multilevel", self.multilevel, notes=("branch_multilevel_rule",)),
        ]
        if len(self.left_out):
            shown.append(Exhibit("branches_left_out", self.left_out))
        return tuple(shown)

    def findings(self) -> tuple[Finding, ...]:
        """Claim D02 with its verdict."""
        row, claim = self.correlations.iloc[0], self.claim.iloc[0]
        return (
            Finding(
                "branch_satisfaction",
                {
                    "n": int(row["n"]),
                    "correlation": float(row["correlation"]),
                    "low": float(row["conf_low"]),
                    "high": float(row["conf_high"]),
                    "smallest": float(claim["smallest_effect"]),
                    "power": float(claim["power"]),
                    "n_needed": int(claim["n_needed"]),
                    "confidence": self.recipe.options["confidence"],
                },
                verdict=claim["verdict"],
                claim="D02",
            ),
        )


def link_employees(
    customers: pd.DataFrame,
    employees: pd.DataFrame,
    *,
    score: str,
    rng: np.random.Generator,
    level: Literal["branch", "person"] = "branch",
    smallest_effect: float = 0.1,
    confidence: float = 0.95,
    permutations: int = 4999,
) -> BranchLink:
    """Relate customers' and employees' satisfaction between branches.

    Parameters
    ----------
    customers : pd.DataFrame
        branch and the numeric column ``score``, one row per customer or respondent.
    employees : pd.DataFrame
        branch and item columns (all other numeric columns); an employee's score is the mean of its items.
    score : str
    rng : np.random.Generator
    level : {"branch"}
        "person" is refused.
    smallest_effect : float
        Smallest correlation of interest.
    confidence : float
    permutations : int

    Returns
    -------
    BranchLink

    Raises
    ------
    RefusedError
        ``level="person"``; a column is absent; fewer than five branches have three employees and three
        customers; branch means do not vary.

    Notes
    -----
    A customer deals with a branch, not with the employee in the same row of another file: joining
    persons would pair them at random and count each branch's mean many times over. So branches are the
    cases, and n is their number. The rule of D02, fixed before the data: *supported* if the whole interval
    of Pearson's correlation of branch means lies above the smallest effect, *contradicted* if below,
    else *inconclusive*; with a dozen branches the last is the rule. The multilevel slope uses every customer but tests
    it against the number of branches.

    References
    ----------
    Brown, S. P. & Lam, S. K. (2008). A meta-analysis of relationships linking employee satisfaction to
    customer responses. Journal of Retailing 84, 243–255. https://doi.org/10.1016/j.jretai.2008.06.001
    """
    if level != "branch":
        raise RefusedError(
            "customers and employees cannot be joined person by person: no customer belongs to one employee, and "
            "a join would repeat each branch's mean many times",
            where="employees and customers",
            repair="Use level='branch'.",
        )
    if not 0 < smallest_effect < 1 or not 0 < confidence < 1:
        raise RefusedError(f"smallest_effect {smallest_effect!r}, confidence {confidence!r}", where="link_employees")
    for name, table, columns in (("customers", customers, ("branch", score)), ("employees", employees, ("branch",))):
        absent = [c for c in columns if c not in table]
        if absent:
            raise RefusedError(f"no column {absent[0]!r}", where=name)
    items = employees.drop(columns="branch").select_dtypes("number")
    staff = pd.DataFrame({"branch": employees["branch"], "score": items.astype("Float64").astype(float).mean(axis=1)})
    firms = pd.DataFrame({"branch": customers["branch"], "score": customers[score].astype("Float64").astype(float)})
    whole = _by_branch(staff, "employee").join(_by_branch(firms, "customer"), how="outer")
    whole = whole.rename(columns={"employee_n": "n_employees", "customer_n": "n_respondents"}).reset_index()
    counts = ["n_employees", "n_respondents"]
    whole[counts] = whole[counts].fillna(0).astype(int)
    enough = (whole[counts] >= _FEWEST_PEOPLE).all(axis=1)
    table = whole[enough].reset_index(drop=True)
    if len(table) < _FEWEST_BRANCHES:
        raise RefusedError(
            f"{len(table)} branches have {_FEWEST_PEOPLE} employees and {_FEWEST_PEOPLE} customers",
            where="employees and customers",
            repair="Ask in more branches.",
        )
    x, y = table["employee_mean"].to_numpy(), table["customer_mean"].to_numpy()
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        raise RefusedError("the branch means do not vary", where="employees and customers")
    correlations = _correlations(x, y, rng, permutations, confidence)
    r, low, high = correlations.loc[0, ["correlation", "conf_low", "conf_high"]].astype(float)
    inside = firms.dropna()[lambda d: d["branch"].isin(table["branch"])]
    return BranchLink(
        branches=table,
        correlations=correlations,
        multilevel=_multilevel(inside, table, staff, confidence),
        left_out=whole.loc[~enough, ["branch", *counts]].reset_index(drop=True),
        claim=pd.DataFrame(
            {
                "n": [len(table)],
                "correlation": [r],
                "smallest_effect": [smallest_effect],
                "verdict": [judge_interval(low, high, smallest_effect)],
                "power": [correlation_power(len(table), smallest_effect, confidence=confidence)],
                "n_needed": [respondents_needed(smallest_effect, confidence=confidence)],
            }
        ),
        recipe=Recipe(
            "branch_link",
            {
                "level_of_link": "branch",
                "score_of_customers": score,
                "smallest_effect": smallest_effect,
                "confidence": confidence,
                "permutations": permutations,
            },
            "Brown & Lam (2008), https://doi.org/10.1016/j.jretai.2008.06.001",
        ),
    )


def _by_branch(people: pd.DataFrame, who: str) -> pd.DataFrame:
    grouped = people.dropna().groupby("branch")["score"]
    return pd.DataFrame({f"{who}_n": grouped.size(), f"{who}_mean": grouped.mean(), f"{who}_sd": grouped.std()})


def _correlations(
    x: np.ndarray, y: np.ndarray, rng: np.random.Generator, permutations: int, confidence: float
) -> pd.DataFrame:
    rows = []
    shuffled = rng.permuted(np.tile(np.arange(len(x)), (permutations, 1)), axis=1)
    for name, a, b in (("pearson", x, y), ("spearman", stats.rankdata(x), stats.rankdata(y))):
        r, p = stats.pearsonr(a, b)
        u, v = (a - a.mean()) / a.std(), (b - b.mean()) / b.std()
        beyond = (np.abs(u[shuffled] @ v / len(u)) >= abs(r) - 1e-12).sum()
        low, high = fisher_interval(float(r), len(x), confidence, spearman=name == "spearman")
        rows.append((name, len(x), float(r), low, high, float(p), (1 + beyond) / (1 + permutations)))
    columns = ["coefficient", "n", "correlation", "conf_low", "conf_high", "p_value", "p_permutation"]
    return pd.DataFrame(rows, columns=columns)


def _multilevel(firms: pd.DataFrame, table: pd.DataFrame, staff: pd.DataFrame, confidence: float) -> pd.DataFrame:
    import statsmodels.api as sm

    means = table.set_index("branch")["employee_mean"]
    design = sm.add_constant(means.reindex(firms["branch"]).to_numpy())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a variance of zero between branches is an answer, not a fault
        fit = sm.MixedLM(firms["score"].to_numpy(), design, groups=firms["branch"].to_numpy()).fit(reml=True)
    b, error, df = float(fit.fe_params[1]), float(fit.bse_fe[1]), len(table) - 2
    half = stats.t.ppf((1 + confidence) / 2, df) * error
    return pd.DataFrame(
        {
            "term": ["employee_mean"],
            "estimate": [b],
            "std_error": [error],
            "statistic": [b / error],
            "p_value": [2 * stats.t.sf(abs(b / error), df)],
            "conf_low": [b - half],
            "conf_high": [b + half],
            "icc_customers": [share_between(firms)],
            "icc_employees": [share_between(staff.dropna()[lambda d: d["branch"].isin(table["branch"])])],
        }
    )


def share_between(people: pd.DataFrame) -> float:
    """Intraclass correlation ICC(1) of ``score`` within ``branch``, by the analysis of variance; 0 at least.

    Examples
    --------
    >>> share_between(pd.DataFrame({"branch": list("aabb"), "score": [1.0, 1.0, 3.0, 3.0]}))
    1.0
    """
    groups = [g["score"].to_numpy() for _, g in people.groupby("branch")]
    sizes = np.array([len(g) for g in groups])
    n, k = sizes.sum(), len(groups)
    grand = people["score"].mean()
    between = sum(len(g) * (g.mean() - grand) ** 2 for g in groups) / (k - 1)
    within = sum(((g - g.mean()) ** 2).sum() for g in groups) / (n - k)
    size = (n - (sizes**2).sum() / n) / (k - 1)
    return float(max(0.0, (between - within) / (between + (size - 1) * within)))
