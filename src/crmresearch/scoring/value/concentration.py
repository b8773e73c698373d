"""How much hangs on few accounts: HHI, the fewest with more than half, what losing one does, who stays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, UsageError
from crmresearch.results import Exhibit, Finding, Recipe, Verdict
from crmresearch.scoring.resampling import batches, bootstrap_interval, percentile_bounds
from crmresearch.scoring.value.panel import Panel

CLAIMED_HALF = 0.5
"""Claim D05: key accounts bring more than this share of revenue or profit (50%以上)."""

CLAIMED_MEASURES = ("revenue", "contribution", "net_profit")
"""What claim D05 is about; of a value to come it says nothing."""

CLAIMED_STAY = 0.5
"""Claim D04: more than this share of the top customers of one period are on top again in the next."""


@dataclass(frozen=True, slots=True)
class Concentration:
    """Concentration of revenue, profit or future value over accounts.

    Attributes
    ----------
    accounts : pd.DataFrame, shape (n_accounts, 7)
        rank, customer_id, account_value, share_value, cumulative_share, and of the account's loss: hhi_without,
        n_half_without (accounts then needed for more than half); largest first, ties by customer_id. Only values above
        0 are counted.
    summary : pd.DataFrame, shape (9, 4)
        measure, value, interval_low, interval_high: hhi, effective_accounts (1 / HHI), largest_share, top_5_share,
        top_10_share, n_over_half, share_half (n_over_half over all accounts), top_share (of the top share of accounts),
        n_without_value.
    recipe : Recipe
    """

    accounts: pd.DataFrame
    summary: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The statistics, and what losing each of the largest accounts does."""
        return (
            Exhibit("concentration_summary", self.summary, notes=("concentration_percentile",)),
            Exhibit("account_losses", self.accounts, notes=("loss_is_arithmetic",), rows_shown=10),
        )

    def findings(self) -> tuple[Finding, ...]:
        """HHI and the fewest accounts; claim D05 in both readings; what losing the largest account does."""
        options = self.recipe.options
        table = self.summary.set_index("measure").astype(float)
        value, low, high = (table[c] for c in ("value", "interval_low", "interval_high"))
        common = {"measure": options["measure"], "confidence": options["confidence"]}
        largest = self.accounts.iloc[0]
        found = [
            Finding(
                "concentration",
                common
                | {
                    "hhi": value["hhi"],
                    "low": low["hhi"],
                    "high": high["hhi"],
                    "effective": value["effective_accounts"],
                }
                | {"k": int(value["n_over_half"]), "share": value["share_half"], "n": len(self.accounts)},
            ),
            Finding(
                "largest_lost",
                common
                | {"share": float(largest["share_value"]), "hhi": value["hhi"]}
                | {"hhi_without": float(largest["hhi_without"]), "k": int(value["n_over_half"])}
                | {"k_without": int(largest["n_half_without"])},
            ),
        ]
        if options["measure"] in CLAIMED_MEASURES:
            half = {"top": options["top_share"], "share": value["top_share"], "single": value["largest_share"]}
            bounds = {"low": low["top_share"], "high": high["top_share"]}
            verdict = judge_half(**bounds)
            found.insert(1, Finding("claim_half_jointly", common | half | bounds, verdict, claim="D05"))
        return tuple(found)


def judge_half(low: float, high: float) -> Verdict:
    """Judge claim D05 (key accounts bring more than half) by the interval of their share.

    Supported if the interval lies above one half, contradicted if below, inconclusive across. The document does not
    say whether one account or the group is meant: the group of the top accounts is judged, the largest single
    account's share is stated beside it.

    Examples
    --------
    >>> judge_half(0.55, 0.7), judge_half(0.3, 0.45), judge_half(0.45, 0.6)
    ('supported', 'contradicted', 'inconclusive')
    """
    return "supported" if low > CLAIMED_HALF else "contradicted" if high <= CLAIMED_HALF else "inconclusive"


def score_concentration(
    values: pd.DataFrame,
    *,
    measure: str,
    rng: np.random.Generator,
    top_share: float = 0.2,
    n_resamples: int = 1000,
    confidence: float = 0.95,
) -> Concentration:
    """Measure how much of a value hangs on few accounts.

    Parameters
    ----------
    values : pd.DataFrame
        customer_id and the column ``measure``, one row an account; records of one firm merged beforehand, or the
        concentration comes out too low.
    measure : str
        Column to measure: revenue, contribution, net_profit, residual_value.
    rng : np.random.Generator
    top_share : float
        Share of accounts that counts as key accounts in claim D05, in (0, 1); the number is rounded up.
    n_resamples : int
        Bootstrap resamples of accounts, at least 100.
    confidence : float

    Returns
    -------
    Concentration

    Raises
    ------
    RefusedError
        Fewer than two accounts have a value above 0, or a value is missing.

    Notes
    -----
    HHI is Σ share². Without account i it is (HHI − s_i²) / (1 − s_i)². What losing an account does is arithmetic: the
    others are taken to go on as they are.

    Examples
    --------
    >>> table = pd.DataFrame({"customer_id": list("abcd"), "revenue": [40.0, 30, 20, 10]})
    >>> found = score_concentration(table, measure="revenue", rng=np.random.default_rng(1))
    >>> found.summary.set_index("measure").loc[["hhi", "n_over_half"], "value"].round(2).tolist()
    [0.3, 2.0]
    """
    if not 0 < top_share < 1:
        raise UsageError(f"top_share={top_share}", where="score_concentration", repair="Use a share.")
    table = values[["customer_id", measure]].rename(columns={measure: "account_value"})
    amount = table["account_value"].to_numpy(dtype=float)
    positive = amount > 0
    if not np.isfinite(amount).all() or positive.sum() < 2:
        raise RefusedError(
            f"{np.count_nonzero(~np.isfinite(amount))} accounts without a value, {positive.sum()} with one above 0",
            where=f"concentration of {measure}",
            repair="Two accounts are the fewest; choose a longer window.",
        )
    table = table[positive].sort_values(["account_value", "customer_id"], ascending=[False, True], ignore_index=True)
    worth = table["account_value"].to_numpy(dtype=float)

    at = _statistics(worth, top_share)
    low, high = bootstrap_interval(
        lambda rows: _statistics(worth[np.sort(rows, axis=1)], top_share),
        len(worth),
        rng=rng,
        resamples=n_resamples,
        confidence=confidence,
    )
    names = ["hhi", "effective_accounts", "largest_share", "top_5_share", "top_10_share", "n_over_half", "share_half"]
    summary = pd.DataFrame({"measure": [*names, "top_share"], "value": at, "interval_low": low, "interval_high": high})
    summary.loc[len(summary)] = ["n_without_value", float((~positive).sum()), np.nan, np.nan]
    share = worth / worth.sum()
    table["share_value"], table["cumulative_share"] = share, np.cumsum(share)
    table["hhi_without"] = ((share**2).sum() - share**2) / (1 - share) ** 2
    table["n_half_without"] = _half_without(share)
    table.insert(0, "rank", table["account_value"].rank(method="min", ascending=False).astype(int))
    options = {
        "measure": measure,
        "top_share": top_share,
        "interval": "bootstrap_percentile",
        "n_resamples": n_resamples,
        "confidence": confidence,
    }
    return Concentration(table, summary, Recipe("concentration", options))


def _statistics(down: np.ndarray, top_share: float) -> np.ndarray:
    """Of values in descending order along the last axis; the order of ``Concentration.summary``."""
    share = down / down.sum(axis=-1, keepdims=True)
    cumulative, n = np.cumsum(share, axis=-1), share.shape[-1]
    hhi = (share**2).sum(axis=-1)
    half = (cumulative < 0.5 + 1e-12).sum(axis=-1) + 1
    top = [cumulative[..., min(k, n) - 1] for k in (1, 5, 10, int(np.ceil(top_share * n - 1e-9)))]
    return np.stack([hhi, 1 / hhi, *top[:3], half, half / n, top[3]], axis=-1)


def _half_without(share: np.ndarray) -> np.ndarray:
    """Fewest of the other accounts with more than half of what is left, for each account lost."""
    cumulative, position = np.cumsum(share), np.arange(len(share))
    needed = (1 - share) / 2 + 1e-12
    before = np.searchsorted(cumulative, needed, side="left") + 1  # where the lost account comes later
    after = np.searchsorted(cumulative, needed + share, side="left")  # where it comes earlier it is left out
    return np.where(position >= before, before, after)


@dataclass(frozen=True, slots=True)
class StayOnTop:
    """Whether the top customers of one period are those of the next.

    Attributes
    ----------
    summary : pd.DataFrame, shape (5, 4)
        measure, value, interval_low, interval_high: n_top, share_top_first and share_top_later (of each period's
        revenue, by the first period's top customers), share_stayed, share_stayed_unchanged (expected where nobody
        changed, with its range at ``confidence``).
    moves : pd.DataFrame, shape (3, 4)
        later_place (top_again, fell_below, bought_nothing), n_customers, share_customers, revenue_first: of the first
        period's top customers.
    recipe : Recipe
    """

    summary: pd.DataFrame
    moves: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Summary and moves."""
        return (
            Exhibit("stay_summary", self.summary, notes=("stay_reference",)),
            Exhibit("stay_moves", self.moves),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Claim D04 with its verdict, beside what no change at all would show."""
        table = self.summary.set_index("measure").astype(float)
        stayed, unchanged = table.loc["share_stayed"], table.loc["share_stayed_unchanged"]
        values = {
            "top": self.recipe.options["top_share"],
            "n": int(table.loc["n_top", "value"]),
            "stayed": stayed["value"],
            "low": stayed["interval_low"],
            "high": stayed["interval_high"],
            "confidence": self.recipe.options["confidence"],
            "unchanged": unchanged["value"],
            "unchanged_low": unchanged["interval_low"],
            "unchanged_high": unchanged["interval_high"],
            "first": table.loc["share_top_first", "value"],
            "later": table.loc["share_top_later", "value"],
            "months": self.recipe.options["months"],
        }
        verdict = judge_stay(values["low"], values["high"])
        return (Finding("claim_stay_on_top", values, verdict, claim="D04"),)


def judge_stay(low: float, high: float) -> Verdict:
    """Judge claim D04 (the same customers stay on top) by the interval of the share that stayed.

    Supported if the interval lies above one half, contradicted if below, inconclusive across. The share to be seen
    where no customer changed at all is below 1, for chance alone moves customers; it is stated with the verdict.

    Examples
    --------
    >>> judge_stay(0.6, 0.8), judge_stay(0.2, 0.4), judge_stay(0.4, 0.6)
    ('supported', 'contradicted', 'inconclusive')
    """
    return "supported" if low > CLAIMED_STAY else "contradicted" if high <= CLAIMED_STAY else "inconclusive"


def score_stay_on_top(
    panel: Panel,
    *,
    rng: np.random.Generator,
    top_share: float = 0.2,
    n_resamples: int = 1000,
    confidence: float = 0.95,
) -> StayOnTop:
    """Compare the top customers of the first half of a panel's months with those of the second.

    Parameters
    ----------
    panel : Panel
        An even number of months: with 24 each half is a whole year, so seasons do not come in between.
    rng : np.random.Generator
    top_share : float
        Of the buyers of each half; the number is rounded up.
    n_resamples : int
        Bootstrap resamples of customers, and shuffles of months, at least 100.
    confidence : float

    Returns
    -------
    StayOnTop

    Raises
    ------
    RefusedError
        An odd number of months, or fewer than ten buyers in a half.

    Notes
    -----
    Reference of no change: each customer's months of the two halves are swapped pair by pair (January with January) at
    random. Where a customer's buying is the same in both halves, the swapped panel is as likely as the one seen, so the
    share that stays in it is what chance leaves.
    """
    half = len(panel.months) // 2
    if len(panel.months) % 2:
        raise RefusedError(
            f"{len(panel.months)} months have no two halves", where="who stays on top", repair="Use an even number."
        )
    first, later = panel.revenue[:, :half], panel.revenue[:, half:]
    once, again = np.maximum(first.sum(axis=1), 0.0), np.maximum(later.sum(axis=1), 0.0)
    if min((once > 0).sum(), (again > 0).sum()) < 10:
        raise RefusedError(
            f"{(once > 0).sum()} and {(again > 0).sum()} buyers in the two halves",
            where="who stays on top",
            repair="Ten in each are the fewest; use more months.",
        )

    at = _stayed(once, again, top_share)
    low, high = bootstrap_interval(
        lambda rows: _stayed(once[rows], again[rows], top_share),
        len(once),
        rng=rng,
        resamples=n_resamples,
        confidence=confidence,
    )
    buyers = (once > 0) | (again > 0)
    first, later = first[buyers], later[buyers]
    chance = []
    for size in batches(n_resamples, first.size):
        swapped = rng.random((size, *first.shape)) < 0.5
        a, b = np.where(swapped, later, first).sum(axis=-1), np.where(swapped, first, later).sum(axis=-1)
        chance.append(_stayed(np.maximum(a, 0), np.maximum(b, 0), top_share)[:, 2])
    chance = np.concatenate(chance)
    unchanged_low, unchanged_high = percentile_bounds(chance, confidence)
    top, top_later = _top(once, top_share), _top(again, top_share)
    place = np.where(again[top] <= 0, "bought_nothing", np.where(top_later[top], "top_again", "fell_below"))
    moves = pd.DataFrame({"later_place": place, "revenue_first": once[top]}).groupby("later_place")["revenue_first"]
    moves = moves.agg(n_customers="size", revenue_first="sum").reindex(
        ["top_again", "fell_below", "bought_nothing"], fill_value=0
    )
    moves = moves.rename_axis("later_place").reset_index()
    moves.insert(2, "share_customers", moves["n_customers"] / top.sum())
    rows = [("n_top", float(top.sum()), np.nan, np.nan)]
    names = ("share_top_first", "share_top_later", "share_stayed")
    rows += [(name, *row) for name, row in zip(names, zip(at, low, high, strict=True), strict=True)]
    rows.append(("share_stayed_unchanged", chance.mean(), float(unchanged_low), float(unchanged_high)))
    summary = pd.DataFrame(rows, columns=["measure", "value", "interval_low", "interval_high"])
    options = {
        "top_share": top_share,
        "months": half,
        "start": str(panel.months[0]),
        "n_resamples": n_resamples,
        "confidence": confidence,
    }
    return StayOnTop(summary, moves, Recipe("stay_on_top", options))


def _top(value: np.ndarray, top_share: float) -> np.ndarray:
    """Flags of the top buyers along the last axis; ties at the edge are all in."""
    n_top = np.ceil(top_share * (value > 0).sum(axis=-1, keepdims=True) - 1e-9).astype(int)
    return value >= np.take_along_axis(-np.sort(-value, axis=-1), np.maximum(n_top - 1, 0), axis=-1)


def _stayed(once: np.ndarray, again: np.ndarray, top_share: float) -> np.ndarray:
    """Share of the first top in each period's revenue, and share of it on top again; NaN where nobody bought."""
    top, later = _top(once, top_share), _top(again, top_share)
    with np.errstate(invalid="ignore"):
        shares = [(value * top).sum(axis=-1) / value.sum(axis=-1) for value in (once, again)]
    shares.append((top & later).sum(axis=-1) / top.sum(axis=-1))
    bought = once.any(axis=-1) & again.any(axis=-1)
    return np.where(bought[..., None], np.stack(shares, axis=-1), np.nan)
