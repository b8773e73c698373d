"""Wallet share: what part of a customer's purchases is ours, from estimates of stated grade and range."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe, Verdict, judge_interval
from crmresearch.scoring.value.agreement import kendall_interval

SMALLEST_TAU = 0.1
"""Claim D39: smallest rank correlation of unfilled wallet with later growth that counts."""

UNGRADED = "ungraded"


def current_wallet(wallet: pd.DataFrame, *, as_of: dt.date, valid_days: int = 730) -> pd.DataFrame:
    """One estimate a customer: of the best grade, then the newest, then the first source by name.

    Parameters
    ----------
    wallet : pd.DataFrame
        customer_id, date, total_spend and, where known, low_spend, high_spend, source, grade (A is best; an estimate
        without one comes after all grades).
    as_of : datetime.date
        Later estimates are left out.
    valid_days : int
        Older estimates are left out.

    Returns
    -------
    pd.DataFrame
        customer_id, date, total_spend, low_spend, high_spend, source, grade; by customer_id.
    """
    table = wallet.copy()
    for column in ("low_spend", "high_spend", "source", "grade"):
        if column not in table:
            table[column] = pd.NA
    days = pd.to_datetime(table["date"])
    oldest = pd.Timestamp(as_of) - pd.Timedelta(days=valid_days)
    money = ["total_spend", "low_spend", "high_spend"]
    table[money] = table[money].apply(pd.to_numeric).astype(float)
    table = table[(days <= pd.Timestamp(as_of)) & (days >= oldest) & (table["total_spend"] > 0)]
    table = table.assign(grade=table["grade"].astype("str").where(table["grade"].notna(), UNGRADED))
    table = table.assign(source=table["source"].astype("str").where(table["source"].notna(), ""))
    keys = ["customer_id", "grade", "date", "source"]
    table = table.sort_values(keys, ascending=[True, True, False, True], kind="stable")
    return table.drop_duplicates("customer_id")[["customer_id", "date", *money, "source", "grade"]].reset_index(
        drop=True
    )


@dataclass(frozen=True, slots=True)
class WalletShares:
    """Our share of customers' purchases.

    Attributes
    ----------
    customers : pd.DataFrame, shape (n_estimated, 10)
        customer_id, own_spend (our sales of the window), total_spend, wallet_share, wallet_low, wallet_high (own over
        the highest and the lowest total), unfilled (total less own, at least 0), estimate_source, source_grade,
        above_total (our sales exceed the estimate, which is therefore too low; the share counts as 1); largest
        unfilled first.
    grades : pd.DataFrame, shape (n_grades, 6)
        source_grade, n_customers, own_spend, total_spend, wallet_share (of the sums), range_width (mean width of the
        range of single shares).
    summary : pd.DataFrame, shape (7, 2)
        measure, value: n_with_sales, n_estimated, share_estimated (of our sales with an estimate),
        wallet_share, wallet_low, wallet_high (of the sums), n_above_total.
    growth : tuple[float, float, float] or None
        Claim D39: Kendall's tau of unfilled share with later growth, lower and upper bound; None without later sales.
    recipe : Recipe
    """

    customers: pd.DataFrame
    grades: pd.DataFrame
    summary: pd.DataFrame
    growth: tuple[float, float, float] | None
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Summary, grades, and the customers with most to be had."""
        return (
            Exhibit("wallet_summary", self.summary, notes=("wallet_range",)),
            Exhibit("wallet_grades", self.grades, notes=("wallet_grade_rule",)),
            Exhibit("wallet_customers", self.customers, rows_shown=10),
        )

    def findings(self) -> tuple[Finding, ...]:
        """The wallet share with its range, estimates that cannot be, and claim D39."""
        value = self.summary.set_index("measure")["value"].astype(float)
        shares = {
            "share": value["wallet_share"],
            "low": value["wallet_low"],
            "high": value["wallet_high"],
            "n": int(value["n_estimated"]),
            "n_customers": int(value["n_with_sales"]),
            "covered": value["share_estimated"],
        }
        found = [Finding("wallet_share", shares)]
        if above := int(value["n_above_total"]):
            found.append(Finding("wallet_above_total", {"n": above, "n_estimated": int(value["n_estimated"])}))
        tau, low, high = self.growth or (np.nan,) * 3
        values = {"tau": tau, "low": low, "high": high, "smallest": SMALLEST_TAU, "as_of": self.recipe.options["as_of"]}
        found.append(Finding("claim_wallet_growth", values, judge_growth(low, high), claim="D39"))
        return tuple(found)


def judge_growth(low: float, high: float) -> Verdict:
    """Judge claim D39 (ranking by wallet share finds potential) by tau of unfilled share with later growth.

    Supported if the interval lies above .1, contradicted if below, inconclusive across; not testable where no sales
    after the estimates are known.

    Examples
    --------
    >>> judge_growth(0.15, 0.3), judge_growth(-0.1, 0.05), judge_growth(0.0, 0.2)
    ('supported', 'contradicted', 'inconclusive')
    """
    if np.isnan(low):
        return "not testable with these data"
    return judge_interval(low, high, SMALLEST_TAU)


def score_wallet(
    own: pd.DataFrame,
    wallet: pd.DataFrame | None,
    *,
    as_of: dt.date,
    rng: np.random.Generator,
    later: pd.DataFrame | None = None,
    valid_days: int = 730,
    window_days: int = 365,
) -> WalletShares:
    """Set our sales against estimates of what customers buy of everybody.

    Parameters
    ----------
    own : pd.DataFrame
        customer_id, revenue: our sales to each customer in the window that an estimate covers (a year).
    wallet : pd.DataFrame or None
        Estimates, as for `current_wallet`; None where the case has none.
    as_of : datetime.date
    rng : np.random.Generator
        For the error of claim D39 with more than 1,000 customers.
    later : pd.DataFrame, optional
        customer_id, revenue of a window after ``as_of`` of the same length; customers not in it bought nothing.
    valid_days : int
        Age at which an estimate is no longer used.
    window_days : int
        Length of the window of ``own``, for the record.

    Returns
    -------
    WalletShares

    Raises
    ------
    RefusedError
        There are no estimates, or none is valid for a customer with sales.

    Notes
    -----
    Denominators come from visits, surveys and third parties, so each share carries its source's grade and range. The
    range of all customers' share takes every estimate at its lowest, or every one at its highest: the widest there
    can be. Growth for D39 is later revenue over revenue, less 1, of customers with sales in the window; note that an
    error in our own sales of the window moves share and growth against each other by itself.
    """
    if wallet is None:
        raise RefusedError(
            "there are no estimates of what customers buy in all",
            where="wallet share",
            repair="Collect them (visits, accounts, third parties) into a table wallet, with source, grade and date.",
        )
    estimates = current_wallet(wallet, as_of=as_of, valid_days=valid_days)
    sales = own[["customer_id", "revenue"]].rename(columns={"revenue": "own_spend"})
    sales = sales[sales["own_spend"] > 0]
    table = sales.merge(estimates, on="customer_id", validate="one_to_one")
    if table.empty:
        raise RefusedError(
            f"none of {len(sales)} customers with sales has an estimate of {valid_days} days or younger",
            where="wallet share",
            repair="Collect what customers buy in all (visits, accounts, third parties), with source and date.",
        )
    spend, total = table["own_spend"], table["total_spend"]
    lowest, highest = table["low_spend"].fillna(total), table["high_spend"].fillna(total)
    table["wallet_share"] = (spend / total).clip(upper=1.0)
    table["wallet_low"], table["wallet_high"] = (spend / highest).clip(upper=1), (spend / lowest).clip(upper=1)
    table["unfilled"] = (total - spend).clip(lower=0.0)
    table["above_total"] = spend > total
    width = table["wallet_high"] - table["wallet_low"]
    table = table.rename(columns={"source": "estimate_source", "grade": "source_grade"})
    grades = table.assign(range_width=width).groupby("source_grade")
    grades = grades.agg(
        n_customers=("customer_id", "size"),
        own_spend=("own_spend", "sum"),
        total_spend=("total_spend", "sum"),
        range_width=("range_width", "mean"),
    ).reset_index()
    grades.insert(4, "wallet_share", (grades["own_spend"] / grades["total_spend"]).clip(upper=1.0))
    values = {
        "n_with_sales": len(sales),
        "n_estimated": len(table),
        "share_estimated": spend.sum() / sales["own_spend"].sum(),
        "wallet_share": min(spend.sum() / total.sum(), 1.0),
        "wallet_low": min(spend.sum() / highest.sum(), 1.0),
        "wallet_high": min(spend.sum() / np.maximum(lowest, spend).sum(), 1.0),
        "n_above_total": int(table["above_total"].sum()),
    }
    summary = pd.DataFrame({"measure": list(values), "value": [float(v) for v in values.values()]})
    growth = None
    if later is not None:
        after = table["customer_id"].map(later.set_index("customer_id")["revenue"]).fillna(0.0)
        growth = kendall_interval((1 - table["wallet_share"]).to_numpy(), (after / spend - 1).to_numpy(), rng=rng)
    columns = ["customer_id", "own_spend", "total_spend", "wallet_share", "wallet_low", "wallet_high", "unfilled"]
    table = table.sort_values(["unfilled", "customer_id"], ascending=[False, True], ignore_index=True)
    options = {"as_of": str(as_of), "window_days": window_days, "valid_days": valid_days}
    return WalletShares(
        table[[*columns, "estimate_source", "source_grade", "above_total"]],
        grades,
        summary,
        growth,
        Recipe("wallet_share", options),
    )
