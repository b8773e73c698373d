"""Concentration of spend: top share, Lorenz curve, Gini, ABC classes, and how sure they are."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, UsageError, check_choice
from crmresearch.results import Exhibit, Finding, Recipe, Verdict
from crmresearch.scoring.resampling import bootstrap_interval, check_resampling, count_rows

Denominator = Literal["buyers", "customers"]

CLAIMED_TOP_SHARE, CLAIMED_SHARE, CLAIMED_BAND = 0.2, 0.80, 0.05
CURVE_POINTS = 512


@dataclass(frozen=True, slots=True)
class ParetoShares:
    """How spend is spread over customers.

    Attributes
    ----------
    customers : pd.DataFrame, shape (n_rows, 6)
        customer_id, spend, share_spend, cumulative_share, rank (1 is the largest; equal spend shares
        the smaller rank), abc; largest spend first, ties by customer_id. Rows without positive spend
        have no class in the denominator "buyers".
    curve : pd.DataFrame, shape (<= 513, 2)
        share_customers, share_spend: the Lorenz curve from the smallest customer up, thinned for
        drawing; every statistic comes from all customers.
    summary : pd.DataFrame, shape (8, 4)
        measure, value, interval_low, interval_high; intervals for top_share and gini only.
    classes : pd.DataFrame, shape (3, 5)
        abc, n_customers, share_customers, spend, share_spend.
    recipe : Recipe
    """

    customers: pd.DataFrame
    curve: pd.DataFrame
    summary: pd.DataFrame
    classes: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The statistics, the classes and the largest customers."""
        return (
            Exhibit("pareto_summary", self.summary, notes=("pareto_window",)),
            Exhibit("abc_classes", self.classes, notes=("abc_ties",)),
            Exhibit("largest_customers", self.customers, rows_shown=10),
        )

    def findings(self) -> tuple[Finding, ...]:
        """The top share with its interval and verdict, Gini, half of the spend, a dominating customer."""
        options = self.recipe.options
        statistic = self.summary.set_index("measure").astype(float)
        top, gini = statistic.loc["top_share"].to_dict(), statistic.loc["gini"].to_dict()
        values: dict[str, Any] = {
            "top": options["top_share"],
            "share": top["value"],
            "low": top["interval_low"],
            "high": top["interval_high"],
            "confidence": options["confidence"],
            "n": options["n_customers"],
            "start": options["start"],
            "as_of": options["as_of"],
            "denominator": options["denominator"],
        }
        found = [Finding("top_share", values)]
        if options["top_share"] == CLAIMED_TOP_SHARE:
            claimed = {"claimed": CLAIMED_SHARE, "band": CLAIMED_BAND}
            verdict = judge_share(top["interval_low"], top["interval_high"])
            found.append(Finding("claim_eighty_twenty", values | claimed, verdict, claim="D03"))
        found.append(
            Finding(
                "gini",
                {
                    "gini": gini["value"],
                    "low": gini["interval_low"],
                    "high": gini["interval_high"],
                    "confidence": options["confidence"],
                },
            )
        )
        value = statistic["value"].to_dict()
        half, largest = int(value["n_half"]), value["largest_share"]
        found.append(
            Finding("half_of_spend", {"k": half, "share_customers": half / options["n_customers"], "largest": largest})
        )
        if largest > 0.5:
            found.append(Finding("dominant_customer", {"share": largest}))
        if value["n_nonpositive"]:
            left_out = {"n": int(value["n_nonpositive"]), "spend": value["spend_nonpositive"]}
            found.append(Finding("nonpositive_spend", left_out | {"denominator": options["denominator"]}))
        return tuple(found)


def judge_share(low: float, high: float) -> Verdict:
    """Judge claim D03 (20 % of customers bring 80 % of spend) by the interval of the share.

    The rule is fixed before data are read: supported if the interval lies within .80 ± .05,
    contradicted if it lies wholly outside, inconclusive if it crosses an edge.

    Examples
    --------
    >>> judge_share(0.60, 0.70), judge_share(0.77, 0.83), judge_share(0.74, 0.78)
    ('contradicted', 'supported', 'inconclusive')
    """
    floor, ceiling = CLAIMED_SHARE - CLAIMED_BAND, CLAIMED_SHARE + CLAIMED_BAND
    if high < floor or low > ceiling:
        return "contradicted"
    return "supported" if floor <= low and high <= ceiling else "inconclusive"


def score_pareto(
    summary: pd.DataFrame,
    *,
    start: dt.date,
    as_of: dt.date,
    rng: np.random.Generator,
    top_share: float = 0.2,
    denominator: Denominator = "buyers",
    n_customers: int | None = None,
    class_bounds: tuple[float, float] = (0.8, 0.95),
    n_resamples: int = 1000,
    confidence: float = 0.95,
) -> ParetoShares:
    r"""Measure how much of the spend the top customers bring, with a bootstrap interval.

    Parameters
    ----------
    summary : pd.DataFrame
        One row per customer with customer_id and spend (net of returns, currency).
    start, as_of : datetime.date
        First and last day of the orders behind ``summary``; printed with every share, for a longer
        window gives a higher share.
    rng : np.random.Generator
        Source of the resamples.
    top_share : float
        Share of customers that counts as the top, in (0, 1).
    denominator : {"buyers", "customers"}
        Of whom the top share is taken: customers with positive spend, or all customers. Including
        those who bought nothing raises the share by construction.
    n_customers : int | None
        With "customers": how many there are, where ``summary`` lists only those with orders; the
        others count with spend 0.
    class_bounds : tuple[float, float]
        Cumulative shares of spend where class A and class B end.
    n_resamples : int
        Bootstrap resamples of customers, at least 100.
    confidence : float
        Level of the percentile intervals.

    Returns
    -------
    ParetoShares

    Raises
    ------
    RefusedError
        Fewer than two customers count, or no positive spend.
    UsageError
        An option out of range.

    Notes
    -----
    The top share is read from the Lorenz curve, linear between customers, so ties need no rule.
    Gini is :math:`\sum_i (2i - n - 1) x_{(i)} / (n \sum x)`. HHI is the sum of squared shares.
    Spend at or below zero is left out ("buyers") or counts as 0 ("customers"); how many and how
    much is in the summary. A class ends with the customer whose spend reaches its bound; customers of
    equal spend are never parted. Resampling keeps one count vector per resample, in batches of
    16 MB, with four of that size alive at once.

    References
    ----------
    Efron, B. and Tibshirani, R. (1993). An Introduction to the Bootstrap. Chapman & Hall, ch. 13.

    Examples
    --------
    >>> import datetime as dt
    >>> spends = pd.DataFrame({"customer_id": list("abcde"), "spend": [80.0, 5.0, 5.0, 5.0, 5.0]})
    >>> window = {"start": dt.date(2026, 1, 1), "as_of": dt.date(2026, 12, 31)}
    >>> shares = score_pareto(spends, **window, rng=np.random.default_rng(1))
    >>> shares.summary.set_index("measure").loc[["top_share", "gini"], "value"].round(3).tolist()
    [0.8, 0.6]
    """
    check_resampling(n_resamples, confidence, where="score_pareto")
    _check_options(top_share, denominator, n_customers, class_bounds)
    ordered = summary[["customer_id", "spend"]].sort_values(["spend", "customer_id"], ascending=[False, True])
    spend = ordered["spend"].to_numpy(dtype=float)
    if not np.isfinite(spend).all():
        raise RefusedError("spend is missing or infinite for a customer", where="Pareto", repair="Clean the orders.")
    positive = spend > 0
    n_positive = int(positive.sum())
    counted = spend[positive] if denominator == "buyers" else np.maximum(spend, 0.0)
    if n_customers is not None:
        if n_customers < len(spend):
            raise UsageError(
                f"n_customers={n_customers} is below the {len(spend)} rows", where="score_pareto", repair="Raise it."
            )
        counted = np.concatenate([counted, np.zeros(n_customers - len(spend))])
    if n_positive == 0 or len(counted) < 2:
        raise RefusedError(
            f"{n_positive} of {len(spend)} customers have positive spend; concentration needs two customers and some",
            where="Pareto",
            repair="Choose a longer window.",
        )
    ascending = counted[::-1]
    total, n = ascending.sum(), len(ascending)
    lorenz = np.concatenate([[0.0], np.cumsum(ascending) / total])
    bounds = bootstrap_interval(
        lambda rows: _shares_and_gini(rows, ascending, top_share),
        n,
        rng=rng,
        resamples=n_resamples,
        confidence=confidence,
    )
    shares = counted / total
    cumulative = np.cumsum(shares)
    values = {
        "top_share": 1 - np.interp((1 - top_share) * n, np.arange(n + 1), lorenz),
        "gini": _gini(ascending),
        "hhi": float((shares**2).sum()),
        "largest_share": float(shares[0]),
        "n_half": int(np.searchsorted(cumulative, 0.5, side="right")) + 1,
        "n_customers": n,
        "n_nonpositive": len(spend) - n_positive,
        "spend_nonpositive": spend[~positive].sum(),
    }
    table = pd.DataFrame({"measure": list(values), "value": [float(v) for v in values.values()]})
    table["interval_low"], table["interval_high"] = np.nan, np.nan
    table.loc[:1, ["interval_low", "interval_high"]] = bounds.T
    customers = _list_customers(ordered, total, class_bounds, denominator)
    options = {
        "top_share": top_share,
        "denominator": denominator,
        "n_customers": n,
        "start": str(start),
        "as_of": str(as_of),
        "class_a": class_bounds[0],
        "class_b": class_bounds[1],
        "interval": "bootstrap_percentile",
        "confidence": confidence,
        "n_resamples": n_resamples,
    }
    recipe = Recipe("pareto", options, "Efron & Tibshirani (1993), ch. 13")
    return ParetoShares(customers, _thin(lorenz), table, _count_classes(customers, n), recipe)


def _check_options(
    top_share: float,
    denominator: str,
    n_customers: int | None,
    class_bounds: tuple[float, float],
) -> None:
    check_choice("denominator", denominator, get_args(Denominator), where="score_pareto")
    rules = (
        (0 < top_share < 1, f"top_share={top_share} is not a share", "Use a number between 0 and 1."),
        (n_customers is None or denominator == "customers", "n_customers needs denominator='customers'", "Set it."),
        (0 < class_bounds[0] < class_bounds[1] < 1, f"class_bounds={class_bounds}", "Use two ascending shares."),
    )
    for kept, what, repair in rules:
        if not kept:
            raise UsageError(what, where="score_pareto", repair=repair)


def _gini(ascending: np.ndarray) -> float:
    n = len(ascending)
    return float((2 * np.arange(1, n + 1) - n - 1) @ ascending / (n * ascending.sum()))


def _shares_and_gini(rows: np.ndarray, ascending: np.ndarray, top_share: float) -> np.ndarray:
    """Top share and Gini of each resample, shape (B, 2); a resample is a vector of counts on the sorted spends."""
    n = len(ascending)
    bottom = (1 - top_share) * n
    counts = count_rows(rows, n)
    reached = np.cumsum(counts, axis=1)
    money = counts * ascending
    total = money.sum(axis=1)
    # Ranks of a value drawn c times end at `reached`; their mean is reached - (c - 1) / 2.
    rank_sum = np.einsum("ij,ij->i", money, reached) - (np.einsum("ij,ij->i", money, counts) - total) / 2
    gini = (2 * rank_sum - (n + 1) * total) / (n * total)
    # The bottom share ends inside one value; the part of it that lies below is paid for in full.
    edge = (reached < bottom).sum(axis=1)
    below = np.cumsum(money, axis=1, out=money)
    row = np.arange(len(rows))
    overshoot = (reached[row, edge] - bottom) * ascending[edge]
    return np.column_stack([1 - (below[row, edge] - overshoot) / total, gini])


def _list_customers(ordered: pd.DataFrame, total: float, bounds: tuple[float, float], denominator: str) -> pd.DataFrame:
    customers = ordered.reset_index(drop=True)
    paid = customers["spend"].clip(lower=0.0)
    customers["share_spend"] = paid / total
    customers["cumulative_share"] = customers["share_spend"].cumsum()
    customers["rank"] = customers["spend"].rank(method="min", ascending=False).astype(int)
    before = (customers["cumulative_share"] - customers["share_spend"]).to_numpy()[customers["rank"] - 1]
    # A share that should meet a bound exactly may miss it by rounding.
    group = np.searchsorted(np.asarray(bounds), before + 1e-12, side="right")
    classes = pd.Series(np.array(["A", "B", "C"])[group], dtype="str")
    customers["abc"] = classes.where(customers["spend"] > 0) if denominator == "buyers" else classes
    return customers


def _count_classes(customers: pd.DataFrame, n: int) -> pd.DataFrame:
    paid = customers.assign(spend=customers["spend"].clip(lower=0.0))
    table = paid.groupby("abc")["spend"].agg(n_customers="size", spend="sum").reindex(["A", "B", "C"], fill_value=0)
    listed = int(customers["abc"].notna().sum())
    table.loc["C", "n_customers"] += n - listed
    table.insert(1, "share_customers", table["n_customers"] / n)
    table["share_spend"] = table["spend"] / table["spend"].sum()
    return table.rename_axis("abc").reset_index()


def _thin(lorenz: np.ndarray) -> pd.DataFrame:
    n = len(lorenz) - 1
    # Half of the points evenly over customers, half evenly over spend, where the curve bends.
    by_customer = np.linspace(0, n, CURVE_POINTS // 2).round().astype(int)
    by_spend = np.searchsorted(lorenz, np.linspace(0, 1, CURVE_POINTS // 2)).clip(max=n)
    keep = np.unique(np.concatenate([by_customer, by_spend, [0, n]]))
    return pd.DataFrame({"share_customers": keep / n, "share_spend": lorenz[keep]})
