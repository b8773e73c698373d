"""Relationship stages of customers period by period, the moves between them, and the time until a customer is lost."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.resampling import bootstrap_counts, count_rows, percentile_bounds
from crmresearch.scoring.segments.movement import transition_table

STAGES = ("potential_customer", "exploration", "formation", "stability", "decline", "ended")
"""Known without a purchase; first purchases; buying again; buying steadily; buying less; silent."""
_OTHER_NAMES = {  # stage → five-stage model, four-stage model, state machine, ladder
    "potential_customer": ("l5_acquisition", "l4_exploration", "m1_potential", "m2_suspect"),
    "exploration": ("l5_acquisition", "l4_exploration", "m1_first", "m2_buyer"),
    "formation": ("l5_growth", "l4_formation", "m1_repeat", "m2_follower"),
    "stability": ("l5_maturity", "l4_stability", "m1_loyal", "m2_follower"),
    "decline": ("l5_decline", "l4_decline", "m1_repeat", "m2_follower"),
    "ended": ("l5_end", "no_counterpart", "m1_lost", "no_counterpart"),
}


@dataclass(frozen=True, slots=True)
class CustomerStages:
    """Stages of every customer in every period, and how customers move between them.

    Attributes
    ----------
    panel : pd.DataFrame, shape (n_customer_periods, 4)
        customer_id, period (its last day), stage, spend (of the period).
    now : pd.DataFrame, shape (6, 8)
        stage, n_customers, share_of_customers, share_of_value (of the last ``window`` periods' spend), and
        its names in the other models: five_stages, four_stages, state_machine, ladder.
    moves : pd.DataFrame, shape (36, 6)
        from_state, to_state, n_moves, share_of_row, share_low, share_high: one period on.
    time_to_loss : pd.DataFrame, shape (4, 4)
        stage, periods (expected until ``ended``), periods_low, periods_high (95 % bootstrap of customers).
    homogeneity : pd.DataFrame, shape (1, 3)
        statistic, degrees, p_value: likelihood-ratio test that moves are alike in all periods.
    steady : pd.DataFrame
        stage, share_steady: where shares would settle; empty where the moves differ between periods.
    recipe : Recipe
    """

    panel: pd.DataFrame
    now: pd.DataFrame
    moves: pd.DataFrame
    time_to_loss: pd.DataFrame
    homogeneity: pd.DataFrame
    steady: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Stages now, moves, time to loss, the test; the steady state where it exists."""
        shown = [
            Exhibit("stages_now", self.now, notes=("stages_reading",)),
            Exhibit(
                "stage_moves", self.moves[self.moves["n_moves"] > 0].reset_index(drop=True), notes=("moves_reading",)
            ),
            Exhibit("time_to_loss", self.time_to_loss, notes=("time_to_loss_reading",)),
            Exhibit("stage_homogeneity", self.homogeneity),
        ]
        if len(self.steady):
            shown.append(Exhibit("stage_steady", self.steady))
        return tuple(shown)

    def findings(self) -> tuple[Finding, ...]:
        """The commonest stage, customers won back, whether one set of moves describes all periods."""
        options = self.recipe.options
        first = self.now.loc[self.now["n_customers"].idxmax()]
        back = self.moves[(self.moves["from_state"] == "ended") & (self.moves["to_state"] != "ended")]
        row = self.homogeneity.iloc[0]
        values = {"stage": first["stage"], "share": float(first["share_of_customers"]), "as_of": options["as_of"]}
        returned = {"n": int(back["n_moves"].sum()), "share": float(back["share_of_row"].sum())}
        alike = {"p_value": float(row["p_value"]), "n_periods": options["n_periods"]}
        return (
            Finding("stage_commonest", values),
            Finding("stage_returned", returned),
            Finding("stages_alike" if len(self.steady) else "stages_differ", alike),
        )


def stage_customers(
    orders: pd.DataFrame,
    *,
    as_of: dt.date,
    rng: np.random.Generator,
    known: pd.Series | None = None,
    months: int = 3,
    window: int = 4,
    steady_periods: int = 3,
    decline: float = 0.5,
    level: float = 0.05,
) -> CustomerStages:
    """Put each customer into a stage in each period by rules on its orders.

    Parameters
    ----------
    orders : pd.DataFrame
        Order lines: customer_id, date, amount. Lines after ``as_of`` are left out; a line of negative
        amount lowers spend and is no purchase.
    as_of : datetime.date
        Last observed day; periods are counted back from it.
    rng : np.random.Generator
        Source of the bootstrap.
    known : pd.Series, optional
        Customers known to the firm: day on record (missing: all along) by customer_id; those without an
        order are potential ones.
    months : int
        Months in a period.
    window : int
        Periods looked back on; after as many without a purchase the relationship has ended.
    steady_periods : int
        Periods with a purchase, of the last ``window``, that make buying steady.
    decline : float
        A steady customer whose spend of the window is below this share of the window before is in decline.
    level : float
        Level of the test that moves are alike in all periods; above it the steady state is given.

    Returns
    -------
    CustomerStages

    Raises
    ------
    RefusedError
        Fewer than ``window`` + 2 periods, no purchase, or an option is out of range.

    Notes
    -----
    In a period: *ended* after ``window`` periods without a purchase; *stability* with purchases in at
    least ``steady_periods`` of the window; *decline* where that was so before and is no longer, or spend
    has fallen below ``decline`` of the window before; *exploration* until a purchase in a second period;
    *formation* otherwise. A purchase after *ended* begins *formation* again. Expected time to loss is
    (I − Q)⁻¹1 of the pooled moves among the stages before *ended*.

    References
    ----------
    Anderson, T. W. & Goodman, L. A. (1957). Statistical inference about Markov chains. Annals of Mathematical
    Statistics 28, 89–110. https://doi.org/10.1214/aoms/1177707039

    Dwyer, F. R., Schurr, P. H. & Oh, S. (1987). Developing buyer-seller relationships. Journal of Marketing
    51 (2), 11–27. https://doi.org/10.1177/002224298705100202
    """
    if months < 1 or not 1 <= steady_periods <= window or not 0 < decline < 1 or not 0 < level < 1:
        raise RefusedError(
            f"months ≥ 1, 1 ≤ steady_periods ≤ window, decline and level between 0 and 1; got {months}, "
            f"{steady_periods}, {window}, {decline!r}, {level!r}",
            where="stage_customers",
        )
    bought, spend, ends = _periods(orders, as_of, months)
    if bought.shape[1] < window + 2:
        raise RefusedError(
            f"{bought.shape[1]} periods of {months} months, fewer than {window + 2}",
            where="stage_customers",
            repair="Choose shorter periods or a shorter window.",
        )
    codes = _stages(bought.to_numpy(), spend.to_numpy(), window, steady_periods, decline)
    names = bought.index
    if known is not None:
        codes, names, spend = _with_known(codes, spend, known, ends)
    before, after = codes[:, :-1], codes[:, 1:]
    there = (before >= 0) & (after >= 0)
    stage = np.array(STAGES)
    moves = transition_table(pd.Series(stage[before[there]]), pd.Series(stage[after[there]]), STAGES)
    test = _alike(before, after)
    rows, columns = np.nonzero(codes >= 0)
    panel = pd.DataFrame(
        {
            "customer_id": names[rows],
            "period": pd.DatetimeIndex(ends)[columns],
            "stage": stage[codes[rows, columns]],
            "spend": spend.to_numpy()[rows, columns],
        }
    )
    alike = test["p_value"].iloc[0] > level
    return CustomerStages(
        panel=panel,
        now=_now(codes[:, -1], spend.to_numpy()[:, -window:].sum(axis=1)),
        moves=moves,
        time_to_loss=_time_to_loss(before, after, rng),
        homogeneity=test,
        steady=_steady(before, after) if alike else pd.DataFrame({"stage": [], "share_steady": []}),
        recipe=Recipe(
            "relationship_stages",
            {
                "as_of": as_of.isoformat(),
                "months": months,
                "window": window,
                "steady_periods": steady_periods,
                "decline_below": decline,
                "n_periods": codes.shape[1],
                "significance_level": level,
            },
            "Anderson & Goodman (1957), https://doi.org/10.1214/aoms/1177707039",
        ),
    )


def _periods(
    orders: pd.DataFrame, as_of: dt.date, months: int
) -> tuple[pd.DataFrame, pd.DataFrame, list[pd.Timestamp]]:
    """Purchases (0 or 1) and spend, customers × periods; whole periods only."""
    lines = orders[orders["date"] <= pd.Timestamp(as_of)]
    sold = lines["amount"].astype(float) >= 0
    if not sold.any():
        raise RefusedError("no purchase up to the last observed day", where="stage_customers")
    ends = [pd.Timestamp(as_of)]
    first = lines.loc[sold, "date"].min()
    while ends[0] - pd.DateOffset(months=months) >= first:
        ends.insert(0, pd.Timestamp(as_of) - pd.DateOffset(months=months * len(ends)))
    place = np.searchsorted(pd.DatetimeIndex(ends).to_numpy(), lines["date"].to_numpy())
    customers = np.sort(lines.loc[sold, "customer_id"].unique())
    row = pd.Index(customers).get_indexer(lines["customer_id"])
    inside = row >= 0
    shape = (len(customers), len(ends))
    bought, spend = np.zeros(shape), np.zeros(shape)
    np.maximum.at(bought, (row[inside], place[inside]), sold.to_numpy()[inside].astype(float))
    np.add.at(spend, (row[inside], place[inside]), lines["amount"].astype(float).to_numpy()[inside])
    index = pd.Index(customers, name="customer_id")
    return pd.DataFrame(bought, index=index), pd.DataFrame(spend, index=index), ends


def _stages(bought: np.ndarray, spend: np.ndarray, window: int, steady: int, decline: float) -> np.ndarray:
    """Code of the stage of each customer in each period; −1 before the first purchase."""
    n, periods = bought.shape
    codes = np.full((n, periods), -1)
    was_steady, active = np.zeros(n, dtype=bool), np.zeros(n)
    for t in range(periods):
        back = bought[:, max(0, t - window + 1) : t + 1]
        recent, sums = back.sum(axis=1), spend[:, max(0, t - window + 1) : t + 1].sum(axis=1)
        earlier = spend[:, max(0, t - 2 * window + 1) : max(0, t - window + 1)].sum(axis=1)
        gone = (recent == 0) & (active > 0)
        active = np.where(gone, 0, active + bought[:, t])
        ever = bought[:, : t + 1].any(axis=1)
        returned = ever & (bought[:, t] > 0) & (codes[:, t - 1] == 5) if t else np.zeros(n, dtype=bool)
        active = np.where(returned, 2, active)  # one who comes back is known already
        shrinking = was_steady & (recent < steady)
        shrinking |= (recent >= steady) & (earlier > 0) & (sums < decline * earlier) & (t >= 2 * window - 1)
        stable = (recent >= steady) & ~shrinking
        code = np.select([~ever, gone | ((recent == 0) & ever), stable, shrinking, active < 2], [-1, 5, 3, 4, 1], 2)
        codes[:, t] = code
        was_steady = (was_steady | stable) & (code != 5)
    return codes


def _with_known(
    codes: np.ndarray, spend: pd.DataFrame, known: pd.Series, ends: list[pd.Timestamp]
) -> tuple[np.ndarray, pd.Index, pd.DataFrame]:
    """Add known customers: potential from the day on record until the first purchase."""
    names = spend.index.union(known.index).rename("customer_id")
    whole = np.full((len(names), codes.shape[1]), -1)
    whole[names.get_indexer(spend.index)] = codes
    since = known.reindex(names)
    there = np.where(
        since.isna().to_numpy()[:, None],
        names.isin(known.index)[:, None],
        pd.DatetimeIndex(ends).to_numpy()[None, :] >= since.to_numpy()[:, None],
    )
    whole = np.where((whole < 0) & there, 0, whole)
    return whole, names, spend.reindex(names, fill_value=0.0)


def _now(codes: np.ndarray, recent: np.ndarray) -> pd.DataFrame:
    there = codes >= 0
    n = np.bincount(codes[there], minlength=len(STAGES))
    sums = np.bincount(codes[there], weights=recent[there], minlength=len(STAGES))
    names = pd.DataFrame(
        [_OTHER_NAMES[stage] for stage in STAGES], columns=["five_stages", "four_stages", "state_machine", "ladder"]
    )
    table = pd.DataFrame(
        {
            "stage": STAGES,
            "n_customers": n,
            "share_of_customers": n / n.sum(),
            "share_of_value": sums / sums.sum() if sums.sum() > 0 else np.nan,
        }
    )
    return pd.concat([table, names], axis=1)


def _matrix(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    there = (before >= 0) & (after >= 0)
    size = len(STAGES)
    return np.bincount(before[there] * size + after[there], minlength=size**2).reshape(size, size).astype(float)


def _alike(before: np.ndarray, after: np.ndarray) -> pd.DataFrame:
    """Likelihood-ratio test that the moves of all periods come from one matrix (Anderson & Goodman)."""
    each = np.stack([_matrix(before[:, t], after[:, t]) for t in range(before.shape[1])])
    pooled = each.sum(axis=0)
    share = pooled / np.maximum(pooled.sum(axis=1, keepdims=True), 1)
    total = each.sum(axis=2, keepdims=True)
    own = each / np.maximum(total, 1)
    term = np.where(each > 0, each * np.log(np.where(each > 0, own, 1) / np.where(each > 0, share, 1)), 0.0)
    used = (total[:, :, 0] > 0).sum(axis=0)
    degrees = int((np.maximum(used - 1, 0) * np.maximum((pooled > 0).sum(axis=1) - 1, 0)).sum())
    statistic = float(2 * term.sum())
    p = float(stats.chi2.sf(statistic, degrees)) if degrees else np.nan
    return pd.DataFrame({"statistic": [statistic], "degrees": [degrees], "p_value": [p]})


def _time_to_loss(before: np.ndarray, after: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    size = len(STAGES)
    move = np.where((before >= 0) & (after >= 0), before * size + after, size**2)
    own = count_rows(move, size**2 + 1)[:, :-1]  # of each customer

    def expected(times: np.ndarray) -> np.ndarray:
        return _expected((times @ own).reshape(-1, size, size))

    low, high = percentile_bounds(bootstrap_counts(expected, len(own), rng=rng, resamples=200), 0.95)
    return pd.DataFrame(
        {
            "stage": STAGES[1:5],
            "periods": _expected(_matrix(before, after)[None])[0],
            "periods_low": low,
            "periods_high": high,
        }
    )


def _expected(counts: np.ndarray) -> np.ndarray:
    """Expected periods until ``ended`` from the four stages of buyers; missing where it cannot be reached.

    Of many matrices of moves at once: (B, 6, 6) → (B, 4).
    """
    inner = counts[:, 1:5]
    total = inner.sum(axis=2)
    left = np.eye(4) - inner[:, :, 1:5] / np.maximum(total, 1)[:, :, None]
    found = np.full(total.shape, np.nan)
    ends = np.linalg.det(left) != 0
    found[ends] = np.linalg.solve(left[ends], np.ones((4, 1)))[:, :, 0]
    return np.where((total > 0) & (found > 0) & (found < 1e6), found, np.nan)


def _steady(before: np.ndarray, after: np.ndarray) -> pd.DataFrame:
    counts = _matrix(before, after)
    total = counts.sum(axis=1)
    p = np.where(total[:, None] > 0, counts / np.maximum(total, 1)[:, None], np.eye(len(STAGES)))
    settled = np.linalg.matrix_power(p, 4096)
    start = np.bincount(after[:, -1][after[:, -1] >= 0], minlength=len(STAGES)).astype(float)
    return pd.DataFrame({"stage": STAGES, "share_steady": start @ settled / start.sum()})


def days_on_record(customers: pd.DataFrame | None) -> pd.Series | None:
    """Day each known customer was put on record (missing: not stated), for ``known``; None without a table.

    >>> days_on_record(pd.DataFrame({"customer_id": ["a"]})).isna().tolist()
    [True]
    """
    if customers is None:
        return None
    known = customers.set_index("customer_id")
    empty = pd.Series(pd.NaT, index=known.index, dtype="datetime64[s]")
    return known.get("registered_date", empty)


def days_earlier(day: dt.date, days: int) -> dt.date:
    """Return the date so many days before.

    >>> days_earlier(dt.date(2024, 3, 1), 1).isoformat()
    '2024-02-29'
    """
    if days < 1:
        raise RefusedError(f"days must be 1 or more, got {days}", where="days_earlier")
    return day - dt.timedelta(days=days)
