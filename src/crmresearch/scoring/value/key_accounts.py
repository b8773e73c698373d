"""Who is a key account? Six rules of the literature side by side, and how far they agree."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, UsageError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.resampling import bootstrap_counts, check_resampling, percentile_bounds
from crmresearch.scoring.value.agreement import cohen_kappa, fleiss_kappa
from crmresearch.scoring.value.wallet import current_wallet

RULES: dict[str, tuple[str, ...]] = {
    "k1": ("revenue",),
    "k2": ("purchasing_power", "loyal_buying", "influence"),
    "k3": ("revenue", "cooperation_potential", "willingness", "contribution"),
    "k4": ("revenue", "strategic_importance"),
    "k5": ("flagged",),
    "k6": ("revenue", "contribution"),
}
"""Rule → facets it looks at.

K1 带来50%以上收入: the fewest customers who together bring more than half of revenue.
K2 购买力、忠诚度、市场影响力: the top share by the mean of percentile ranks.
K3 业务量、合作潜力、合作意愿、价值贡献: the same with these facets.
K4 经济重要性或战略重要性: the top share by revenue, or the top share by strategic rating.
K5 因不同原因被认为值得特别关注: the firm's own flag.
K6 大订单、大利润: the top share by revenue and by contribution both.
"""

FACETS = tuple(dict.fromkeys(facet for facets in RULES.values() for facet in facets))


@dataclass(frozen=True, slots=True)
class KeyAccounts:
    """Customers under six rules.

    Attributes
    ----------
    customers : pd.DataFrame, shape (n_customers, n_rules + 4)
        customer_id, revenue, contribution, one flag for each rule that can be applied, n_rules (how many flag the
        customer); most rules first, then by revenue.
    rules : pd.DataFrame, shape (6, 5)
        rule, n_key, share_customers, share_revenue, share_contribution; a rule without a single facet has no numbers.
    facets : pd.DataFrame, shape (14, 3)
        rule, facet, evidence (is_observed, not_observed).
    pairs : pd.DataFrame, shape (n_pairs, 8)
        rule, other_rule, n_both, n_only_rule, n_only_other, kappa, kappa_low, kappa_high.
    patterns : pd.DataFrame, shape (n_patterns, 4)
        pattern (rules that flag, joined by " + "; "none_of_them"), n_customers, revenue, n_rules; largest first.
    fleiss : float
        Fleiss' kappa of all rules.
    recipe : Recipe
    """

    customers: pd.DataFrame
    rules: pd.DataFrame
    facets: pd.DataFrame
    pairs: pd.DataFrame
    patterns: pd.DataFrame
    fleiss: float
    recipe: Recipe

    @property
    def applied(self) -> list[str]:
        """Rules that could be applied."""
        return [rule for rule in RULES if rule in self.customers]

    @property
    def flags(self) -> pd.DataFrame:
        """The rules' flags, one column each, by customer_id."""
        return self.customers.set_index("customer_id")[self.applied]

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Rules, agreement, and the customers who change by rule."""
        moved = self.customers[self.customers["n_rules"].between(1, len(self.applied) - 1)]
        return (
            Exhibit("key_rules", self.rules, notes=("key_rules_sizes",)),
            Exhibit("key_facets", self.facets, notes=("key_facets_missing",)),
            Exhibit("key_pairs", self.pairs, notes=("kappa_bootstrap",)),
            Exhibit("key_patterns", self.patterns, rows_shown=12),
            Exhibit("key_changing", moved.reset_index(drop=True), rows_shown=10),
        )

    def findings(self) -> tuple[Finding, ...]:
        """How many customers any, some and all rules flag, and the agreement."""
        n, k = self.customers["n_rules"], len(self.applied)
        values = {
            "rules": k,
            "any": int((n > 0).sum()),
            "all": int((n == k).sum()),
            "some": int(n.between(1, k - 1).sum()),
            "n": len(n),
            "kappa": self.fleiss,
        }
        lowest, highest = self.pairs.loc[self.pairs["kappa"].idxmin()], self.pairs.loc[self.pairs["kappa"].idxmax()]
        extremes = {}
        for name, row in (("lowest", lowest), ("highest", highest)):
            extremes |= {name: row["kappa"], f"{name}_a": row["rule"], f"{name}_b": row["other_rule"]}
        return (Finding("key_accounts", values), Finding("key_accounts_pairs", extremes))


def identify_key_accounts(
    contributions: pd.DataFrame,
    *,
    as_of: dt.date,
    rng: np.random.Generator,
    continuity: pd.Series | None = None,
    wallet: pd.DataFrame | None = None,
    ratings: pd.DataFrame | None = None,
    criteria: Mapping[str, str] | None = None,
    flagged: pd.Series | None = None,
    top_share: float = 0.1,
    n_resamples: int = 500,
    confidence: float = 0.95,
) -> KeyAccounts:
    """Apply the six rules to the same customers.

    Parameters
    ----------
    contributions : pd.DataFrame
        customer_id, revenue, contribution of the window.
    as_of : datetime.date
    rng : np.random.Generator
    continuity : pd.Series, optional
        Share of months with an order, by customer_id: loyalty as behaviour.
    wallet : pd.DataFrame, optional
        Estimates of what customers buy in all, as for `current_wallet`: that is purchasing power, and what they buy
        elsewhere is potential.
    ratings : pd.DataFrame, optional
        customer_id, criterion, rating; raters are averaged.
    criteria : Mapping[str, str], optional
        Facet (influence, willingness, strategic_importance) → criterion of the ratings; one with an
        empty criterion is left out.
    flagged : pd.Series, optional
        The firm's own flag, by customer_id.
    top_share : float
        Share of customers that a ranking rule makes key accounts, in (0, 1); the number is rounded up, ties at the
        edge are all in. The source documents name none.
    n_resamples : int
        Bootstrap resamples of customers for the intervals of kappa, at least 100.
    confidence : float

    Returns
    -------
    KeyAccounts

    Raises
    ------
    RefusedError
        Fewer than ten customers, or none with revenue.
    UsageError
        ``top_share`` out of range, or a criterion that the ratings do not have.

    Notes
    -----
    A scored rule takes the mean of the percentile ranks of its facets; a facet that no customer has is left out and
    listed, one that a customer lacks is left out of that customer's mean. A rule with no facet of its own beyond
    revenue is still applied, but on what it has.

    Examples
    --------
    >>> table = pd.DataFrame({"customer_id": list("abcdefghij"), "revenue": [50.0, 20, 9, 8, 5, 3, 2, 1, 1, 1]})
    >>> table["contribution"], rng = table["revenue"], np.random.default_rng(1)
    >>> found = identify_key_accounts(table, as_of=dt.date(2026, 12, 31), rng=rng)
    >>> found.rules.set_index("rule").loc[["k1", "k6"], "n_key"].astype(int).tolist()
    [2, 1]
    """
    if not 0 < top_share < 1:
        raise UsageError(f"top_share={top_share}", where="identify_key_accounts", repair="Use a share.")
    check_resampling(n_resamples, confidence, where="identify_key_accounts")
    table = gather_facets(contributions, as_of, continuity, wallet, ratings, criteria or {}, flagged)
    revenue = table["revenue"].to_numpy(dtype=float)
    if len(table) < 10 or np.maximum(revenue, 0).sum() <= 0:
        raise RefusedError(
            f"{len(table)} customers with revenue of {np.maximum(revenue, 0).sum():,.2f}",
            where="key accounts",
            repair="Ten customers with revenue are the fewest; choose a longer window.",
        )
    known = [facet for facet in FACETS if facet in table and table[facet].notna().any()]
    ranks = table[[f for f in known if f != "flagged"]].astype("Float64").astype(float).rank(pct=True)
    flags = {}
    for rule, facets in RULES.items():
        used = [facet for facet in facets if facet in known]
        if used:
            flags[rule] = _flag(rule, used, table, ranks, revenue, top_share)
    matrix = np.column_stack(list(flags.values()))
    money = {c: table[c].clip(lower=0) for c in ("revenue", "contribution")}
    rows = []
    for rule in RULES:
        numbers = [np.nan] * 4
        if rule in flags:
            shares = [amount[flags[rule]].sum() / amount.sum() if amount.sum() else np.nan for amount in money.values()]
            numbers = [flags[rule].sum(), flags[rule].mean(), *shares]
        rows.append((rule, *numbers))
    rules = pd.DataFrame(rows, columns=["rule", "n_key", "share_customers", "share_revenue", "share_contribution"])
    seen = [
        (rule, f, "is_observed" if f in known else "not_observed") for rule, facets in RULES.items() for f in facets
    ]
    found = table[["customer_id", "revenue", "contribution"]].assign(**flags, n_rules=matrix.sum(axis=1))
    order = np.lexsort((found["customer_id"], -revenue, -found["n_rules"]))
    options = {"top_share": top_share, "n_resamples": n_resamples, "confidence": confidence}
    return KeyAccounts(
        found.iloc[order].reset_index(drop=True),
        rules,
        pd.DataFrame(seen, columns=["rule", "facet", "evidence"]),
        _pairs(flags, rng, n_resamples, confidence),
        _patterns(flags, found),
        fleiss_kappa(matrix),
        Recipe("key_accounts", options),
    )


def _flag(
    rule: str, used: list[str], table: pd.DataFrame, ranks: pd.DataFrame, revenue: np.ndarray, top_share: float
) -> np.ndarray:
    if rule == "k1":
        paid = np.maximum(revenue, 0.0)
        order = np.argsort(-paid, kind="stable")
        cumulative = np.cumsum(paid[order])
        n = int(np.searchsorted(cumulative, 0.5 * paid.sum() * (1 + 1e-12), side="left")) + 1
        return paid >= paid[order[n - 1]]
    if rule == "k5":
        return table["flagged"].eq(True).fillna(False).to_numpy(dtype=bool)
    if rule in ("k2", "k3"):
        return _top(ranks[used].mean(axis=1).to_numpy(), top_share)
    flags = [_top(ranks[facet].to_numpy(), top_share) for facet in used]
    return np.logical_or.reduce(flags) if rule == "k4" else np.logical_and.reduce(flags)


def _top(score: np.ndarray, top_share: float) -> np.ndarray:
    """The top share of all customers by a score; who has none is never in it."""
    n = int(np.ceil(top_share * len(score) - 1e-9))
    down = -np.sort(-score[~np.isnan(score)])
    return score >= down[min(n, len(down)) - 1] if len(down) else np.zeros(len(score), dtype=bool)


def _pairs(flags: dict[str, np.ndarray], rng: np.random.Generator, n_resamples: int, confidence: float) -> pd.DataFrame:
    pairs = list(combinations(flags, 2))
    a, b = (np.array([flags[pair[side]] for pair in pairs]) for side in (0, 1))
    draws = bootstrap_counts(lambda times: cohen_kappa(a, b, times).T, a.shape[1], rng=rng, resamples=n_resamples)
    low, high = percentile_bounds(draws, confidence)
    table = pd.DataFrame(pairs, columns=["rule", "other_rule"])
    counts = {"n_both": a & b, "n_only_rule": a & ~b, "n_only_other": ~a & b}
    kappa = {"kappa": cohen_kappa(a, b), "kappa_low": low, "kappa_high": high}
    return table.assign(**{name: hit.sum(axis=1) for name, hit in counts.items()}, **kappa)


def _patterns(flags: dict[str, np.ndarray], found: pd.DataFrame) -> pd.DataFrame:
    names = np.array([rule.upper() for rule in flags])
    matrix = np.column_stack(list(flags.values()))
    pattern = [" + ".join(names[row]) or "none_of_them" for row in matrix]
    table = pd.DataFrame({"pattern": pattern, "revenue": found["revenue"], "n_rules": matrix.sum(axis=1)})
    table = table.groupby("pattern").agg(
        n_customers=("revenue", "size"), revenue=("revenue", "sum"), n_rules=("n_rules", "first")
    )
    return table.reset_index().sort_values(["n_customers", "pattern"], ascending=[False, True], ignore_index=True)


def gather_facets(
    contributions: pd.DataFrame,
    as_of: dt.date,
    continuity: pd.Series | None,
    wallet: pd.DataFrame | None,
    ratings: pd.DataFrame | None,
    criteria: Mapping[str, str],
    flagged: pd.Series | None,
) -> pd.DataFrame:
    """Bring the facets of the six rules together from what a case has; see `identify_key_accounts`."""
    table = contributions[["customer_id", "revenue", "contribution"]].sort_values("customer_id", ignore_index=True)
    ids = table["customer_id"]
    if continuity is not None:
        table["loyal_buying"] = ids.map(continuity)
    if wallet is not None:
        total = ids.map(current_wallet(wallet, as_of=as_of).set_index("customer_id")["total_spend"])
        table["purchasing_power"], table["cooperation_potential"] = total, (total - table["revenue"]).clip(lower=0.0)
    for facet, criterion in criteria.items():
        if not criterion:
            continue
        rated = pd.DataFrame() if ratings is None else ratings[ratings["criterion"] == criterion]
        if facet not in FACETS or rated.empty:
            raise UsageError(
                f"facet {facet!r} from criterion {criterion!r}",
                where="key accounts",
                repair="Name a facet of the six rules and a criterion that the ratings have.",
            )
        table[facet] = ids.map(rated.groupby("customer_id")["rating"].mean())
    if flagged is not None:
        table["flagged"] = ids.map(flagged)
    return table
