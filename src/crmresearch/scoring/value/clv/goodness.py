"""Does the model fit: customers by number of purchases, purchases over time, and a hold-out by frequency."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
from scipy.stats import chi2, spearmanr

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.value.clv.fitting import PurchaseFit
from crmresearch.scoring.value.clv.histories import DAYS, group_equal
from crmresearch.scoring.value.clv.prediction import PurchaseForecast

_FEWEST_EXPECTED = 5  # per cell of the chi-square test


@dataclass(frozen=True, slots=True)
class FrequencyFit:
    """Customers by number of repeat purchases, actual against expected.

    Attributes
    ----------
    histogram : pd.DataFrame, shape (last + 1, 3)
        purchases (the last row stands for that many and more), actual, expected: numbers of customers.
    test : pd.DataFrame, shape (1, 3)
        chi_square, df (cells - parameters - 1; cells expecting fewer than 5 customers are pooled), p_value. With
        many customers any model is rejected; read the histogram first.
    recipe : Recipe
    """

    histogram: pd.DataFrame
    test: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Tables as a report shows them."""
        return (
            Exhibit("clv_frequency", self.histogram, notes=("clv_last_row_open",)),
            Exhibit("clv_frequency_test", self.test),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Sentences with their numbers."""
        gap = (self.histogram["actual"] - self.histogram["expected"]).abs().sum() / 2
        share = gap / self.histogram["actual"].sum()
        return (Finding("clv_frequency_fit", {"share": float(share), **self.test.iloc[0].to_dict()}),)


def assess_frequencies(fit: PurchaseFit, *, last: int = 7) -> FrequencyFit:
    """Compare how many customers bought again 0, 1, 2, ... times with what the model expects.

    Parameters
    ----------
    fit : PurchaseFit
    last : int
        The last class holds this many purchases and more; at least 1.

    Returns
    -------
    FrequencyFit

    References
    ----------
    Fader, Hardie & Lee (2005), Marketing Science 24(2), figure 2.
    """
    x, _, end, *extra = fit.groups.columns
    counts = fit.groups.counts
    watched = group_equal([end, *extra], counts)
    horizons, *moved = watched.columns
    parameters = fit.parameters_at(fit.theta, moved)
    expected = np.empty(last + 1)
    expected[:last] = [
        watched.counts @ fit.model.probability(parameters, np.full_like(horizons, k), horizons) for k in range(last)
    ]
    expected[last] = counts.sum() - expected[:last].sum()
    actual = np.bincount(np.minimum(x, last).astype(np.int64), weights=counts, minlength=last + 1)
    histogram = pd.DataFrame(
        {"purchases": np.arange(last + 1), "actual": actual.astype(np.int64), "expected": expected}
    )
    recipe = Recipe(
        "clv_frequency_fit",
        {"model": fit.model.key, "last": last, "fewest_expected": _FEWEST_EXPECTED},
        fit.recipe.source,
    )
    return FrequencyFit(histogram, _chi_square(actual, expected, len(fit.theta)), recipe)


def _chi_square(actual: np.ndarray, expected: np.ndarray, n_parameters: int) -> pd.DataFrame:
    """Pearson's test; from the top down, classes are pooled until each expects enough customers."""
    tail = np.cumsum(expected[::-1])[::-1]
    cells = max(int(np.count_nonzero(tail >= _FEWEST_EXPECTED)), 1)
    pooled = [np.append(v[: cells - 1], v[cells - 1 :].sum()) for v in (actual, expected)]
    statistic = float(((pooled[0] - pooled[1]) ** 2 / pooled[1]).sum())
    df = cells - n_parameters - 1
    p_value = float(chi2.sf(statistic, df)) if df > 0 else np.nan
    return pd.DataFrame({"chi_square": [statistic], "df": [df], "p_value": [p_value]})


@dataclass(frozen=True, slots=True)
class Tracking:
    """Repeat purchases of all customers over calendar time.

    Attributes
    ----------
    periods : pd.DataFrame, shape (n_periods, 7)
        period (1, 2, ... since the first customer's first purchase), end_date, in_sample (flag), actual, expected,
        actual_cumulative, expected_cumulative.
    summary : pd.DataFrame, shape (1 or 2, 5)
        sample (calibration, holdout), actual, expected, relative_error (expected / actual - 1), mape (mean absolute
        percentage error of the cumulative line).
    recipe : Recipe
    """

    periods: pd.DataFrame
    summary: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Tables as a report shows them."""
        return (Exhibit("clv_tracking_summary", self.summary), Exhibit("clv_tracking", self.periods, rows_shown=10))

    def findings(self) -> tuple[Finding, ...]:
        """Sentences with their numbers."""
        last = self.summary.iloc[-1]
        values = {k: float(last[k]) for k in ("actual", "expected", "relative_error")}
        return (Finding(f"clv_tracking_{last['sample']}", values),)


def track_purchases(
    fit: PurchaseFit, histories: pd.DataFrame, orders: ibis.Table, *, calibration_end: dt.date, until: dt.date
) -> Tracking:
    """Follow actual and expected repeat purchases period by period, into time the model has not seen.

    Parameters
    ----------
    fit : PurchaseFit
        A continuous-time model without covariates.
    histories : pd.DataFrame
        ``customer_id`` and ``first_date`` of the customers behind the fit, as from `purchase_histories`.
    orders : ibis.Table
        ``customer_id``, ``date``, ``amount``.
    calibration_end : datetime.date
        The ``as_of`` of the histories.
    until : datetime.date
        Last day with orders; an unfinished last period is left out.

    Returns
    -------
    Tracking

    Raises
    ------
    RefusedError
        The BG/BB, a fit with covariates, or fewer than two whole periods.

    References
    ----------
    Fader, Hardie & Lee (2005), Marketing Science 24(2), figures 3 and 4.
    """
    if fit.time_unit not in DAYS or fit.covariates:
        raise RefusedError(
            "only continuous-time models without covariates are followed over calendar time",
            where=f"tracking of {fit.model.key}",
            repair="Fit the BG/NBD, MBG/NBD or Pareto/NBD without covariates.",
        )
    length = DAYS[fit.time_unit]
    first = pd.to_datetime(histories["first_date"])
    origin = first.min()
    n_periods = int(((pd.Timestamp(until) - origin).days + 1) / length)
    if n_periods < 2:
        raise RefusedError(
            f"{origin.date()} to {until} is fewer than two periods of one {fit.time_unit}",
            where="tracking",
            repair="Give a later until, or fit in a shorter time unit.",
        )
    edges = np.arange(1, n_periods + 1) * length
    starts, customers = np.unique((first - origin).dt.days.to_numpy(), return_counts=True)
    age = np.maximum(edges[:, None] - starts, 0.0) / length
    expected = fit.model.expected_new(fit.parameters, age) @ customers
    repeat = _repeat_purchase_days(orders, histories, until)
    period = ((pd.to_datetime(repeat["day"]) - origin).dt.days.to_numpy() / length).astype(np.int64)
    inside = period < n_periods
    actual = np.bincount(period[inside], weights=repeat["n"].to_numpy()[inside], minlength=n_periods)
    end_date = origin + pd.to_timedelta(np.ceil(edges) - 1, unit="D")
    periods = pd.DataFrame(
        {
            "period": np.arange(1, n_periods + 1),
            "end_date": end_date,
            "in_sample": end_date <= pd.Timestamp(calibration_end),
            "actual": actual.astype(np.int64),
            "expected": np.diff(expected, prepend=0.0),
            "actual_cumulative": np.cumsum(actual).astype(np.int64),
            "expected_cumulative": expected,
        }
    )
    options = {"model": fit.model.key, "time_unit": fit.time_unit, "calibration_end": str(calibration_end)}
    return Tracking(periods, _tracking_summary(periods), Recipe("clv_tracking", options, fit.recipe.source))


def _repeat_purchase_days(orders: ibis.Table, histories: pd.DataFrame, until: dt.date) -> pd.DataFrame:
    """Customers buying again on each day: day, n. A day with a line of zero or more is a purchase day."""
    lines = orders.filter(orders.amount >= 0, orders.date.cast("date") <= ibis.literal(until))
    wanted = ibis.memtable(pd.DataFrame({"customer_id": histories["customer_id"].astype(object)}))
    lines = lines.semi_join(wanted, "customer_id")
    days = lines.select("customer_id", day=lines.date.cast("date")).distinct()
    first = days.group_by("customer_id").aggregate(first=days.day.min())
    again = days.join(first, "customer_id").filter(ibis._.day > ibis._.first)
    return again.group_by("day").aggregate(n=ibis._.count()).to_pandas()


def _tracking_summary(periods: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for sample, part in (("calibration", periods[periods["in_sample"]]), ("holdout", periods[~periods["in_sample"]])):
        if len(part):
            actual, expected = part["actual"].sum(), part["expected"].sum()
            line = part[part["actual_cumulative"] > 0]
            mape = (line["expected_cumulative"] / line["actual_cumulative"] - 1).abs().mean()
            rows.append((sample, actual, expected, expected / actual - 1 if actual else np.nan, mape))
    return pd.DataFrame(rows, columns=["sample", "actual", "expected", "relative_error", "mape"])


@dataclass(frozen=True, slots=True)
class Holdout:
    """Purchases in the hold-out period by calibration frequency.

    Attributes
    ----------
    bins : pd.DataFrame, shape (last + 1, 4)
        purchases (in calibration; the last row stands for that many and more), n_customers, actual, expected: mean
        purchases per customer in the hold-out.
    summary : pd.DataFrame, shape (1, 6)
        n_customers, actual, expected (totals), relative_error, mean_absolute_error, rank_correlation per customer.
    recipe : Recipe
    """

    bins: pd.DataFrame
    summary: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Tables as a report shows them."""
        return (
            Exhibit("clv_holdout", self.bins, notes=("clv_last_row_open",)),
            Exhibit("clv_holdout_summary", self.summary),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Sentences with their numbers."""
        row = self.summary.iloc[0]
        keys = ("actual", "expected", "relative_error", "rank_correlation")
        return (Finding("clv_holdout", {k: float(row[k]) for k in keys}),)


def assess_holdout(forecast: PurchaseForecast, later: pd.DataFrame, *, last: int = 7) -> Holdout:
    """Compare a forecast with what the customers then bought.

    Parameters
    ----------
    forecast : PurchaseForecast
        Over the length of the hold-out period.
    later : pd.DataFrame
        ``customer_id``, ``n_purchase_days``: the customer summary of the hold-out period alone. Customers not in it
        bought nothing.
    last : int
        The last class holds this many purchases and more.

    Returns
    -------
    Holdout

    References
    ----------
    Fader, Hardie & Lee (2005), Marketing Science 24(2), figure 5.
    """
    customers = forecast.customers
    actual = (
        customers["customer_id"].map(later.set_index("customer_id")["n_purchase_days"]).fillna(0).to_numpy(dtype=float)
    )
    expected = customers["expected_purchases"].to_numpy()
    table = pd.DataFrame(
        {
            "purchases": np.minimum(customers["frequency"].to_numpy(), last).astype(np.int64),
            "actual": actual,
            "expected": expected,
        }
    )
    bins = table.groupby("purchases").agg(
        n_customers=("actual", "size"), actual=("actual", "mean"), expected=("expected", "mean")
    )
    ranked = np.ptp(actual) > 0 and np.ptp(expected) > 0
    summary = pd.DataFrame(
        {
            "n_customers": [len(table)],
            "actual": [actual.sum()],
            "expected": [expected.sum()],
            "relative_error": [expected.sum() / actual.sum() - 1 if actual.sum() else np.nan],
            "mean_absolute_error": [np.abs(actual - expected).mean()],
            "rank_correlation": [spearmanr(actual, expected).statistic if ranked else np.nan],
        }
    )
    recipe = Recipe("clv_holdout", {**forecast.recipe.options, "last": last}, forecast.recipe.source)
    return Holdout(bins.reset_index(), summary, recipe)


@dataclass(frozen=True, slots=True)
class AliveMap:
    """Probability of being alive over recency and frequency.

    Attributes
    ----------
    grid : pd.DataFrame, shape (n_t_x * (most + 1), 3)
        frequency, t_x, p_alive for a customer observed for the longest time in the data; impossible combinations are
        left out.
    recipe : Recipe
    """

    grid: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Tables as a report shows them."""
        return (Exhibit("clv_alive_map", self.grid, rows_shown=10),)

    def findings(self) -> tuple[Finding, ...]:
        """Sentences with their numbers."""
        return ()


def map_alive(fit: PurchaseFit, *, most: int = 20, steps: int = 40) -> AliveMap:
    """Probability of being alive on a grid of repeat purchases and time of the last.

    Parameters
    ----------
    fit : PurchaseFit
        Without covariates, or at covariates of zero.
    most : int
        Largest number of repeat purchases.
    steps : int
        Values of t_x from 0 to the longest time observed; the BG/BB shows every opportunity.

    Returns
    -------
    AliveMap
    """
    end = float(fit.groups.columns[2].max())
    times = np.arange(end + 1) if fit.model.columns[2] == "n" else np.linspace(0, end, steps + 1)
    x, t_x = (v.ravel() for v in np.meshgrid(np.arange(most + 1.0), times, indexing="ij"))
    possible = (x == 0) == (t_x == 0)
    if fit.model.columns[2] == "n":
        possible &= x <= t_x
    x, t_x = x[possible], t_x[possible]
    alive = fit.model.share_alive(fit.parameters, x, t_x, np.full_like(x, end))
    grid = pd.DataFrame({"frequency": x.astype(np.int64), "t_x": t_x, "p_alive": alive})
    options = {"model": fit.model.key, "observed_time": end, "time_unit": fit.time_unit}
    return AliveMap(grid, Recipe("clv_alive_map", options, fit.recipe.source))
