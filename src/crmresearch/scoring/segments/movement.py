"""Movement: who changes segment between two dates, who is new, who is gone, and whether the segments drift."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.segments.assignment import SavedSegmentation
from crmresearch.scoring.shares import wilson

_SHIFTED, _MUCH = 0.1, 0.25  # usual readings of the population stability index


@dataclass(frozen=True, slots=True)
class Migration:
    """Customers' segments at two dates.

    Attributes
    ----------
    moves : pd.DataFrame, shape (k ** 2, 6)
        from_segment, to_segment, n_customers, share_of_row, share_low, share_high (Wilson).
    balance : pd.DataFrame, shape (k, 8)
        segment, n_before, n_after, share_before, share_after, stayed (share of those before who are
        still in it), newcomers (not there before), vanished (not there after).
    customers : pd.DataFrame, shape (n, 3)
        customer_id, from_segment, to_segment (missing where the customer is not there).
    stability_index : float
        Population stability index of the two size distributions; below 0.1 little has shifted, from 0.25
        much.
    recipe : Recipe
    """

    moves: pd.DataFrame
    balance: pd.DataFrame
    customers: pd.DataFrame
    stability_index: float
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Moves, and the balance of each segment."""
        return (
            Exhibit("segment_moves", self.moves, notes=("moves_reading",)),
            Exhibit("segment_balance", self.balance, notes=("balance_reading",)),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Share that stayed, new and vanished customers, the shift of sizes."""
        both = self.customers.dropna()
        stayed = int((both["from_segment"] == both["to_segment"]).sum())
        share, low, high = wilson(stayed, len(both))
        options = self.recipe.options
        values = {
            "n": len(both),
            "share": float(share),
            "low": float(low),
            "high": float(high),
            "before": options["date_before"],
            "after": options["date_after"],
        }
        counts = {"new": int(self.balance["newcomers"].sum()), "gone": int(self.balance["vanished"].sum())}
        psi = self.stability_index
        grade = "shift_small" if psi < _SHIFTED else "shift_some" if psi < _MUCH else "shift_large"
        return (
            Finding("migration_stayed", values),
            Finding("migration_new_gone", counts),
            Finding("migration_shift", {"psi": psi, "grade": grade}),
        )


@dataclass(frozen=True, slots=True)
class SegmentDrift:
    """Whether the customers of a segment have changed, though the segment's definition has not.

    Attributes
    ----------
    drift : pd.DataFrame, shape (k * n_features, 8)
        segment, feature, mean_before, mean_after, change_sd (difference in standard deviations of all
        customers before), change_low, change_high (95 %, Welch), clearly_changed (the interval excludes 0 and the
        change is at least 0.2 sd).
    recipe : Recipe
    """

    drift: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Means of each segment at both dates."""
        return (Exhibit("segment_drift", self.drift, notes=("drift_reading",)),)

    def findings(self) -> tuple[Finding, ...]:
        """How many means moved clearly, and the one that moved most."""
        most = self.drift.loc[self.drift["change_sd"].abs().idxmax()]
        values = {
            "n_clear": int(self.drift["clearly_changed"].sum()),
            "n": len(self.drift),
            "segment": int(most["segment"]),
            "feature": most["feature"],
            "change": float(most["change_sd"]),
        }
        return (Finding("segment_drift_most", values),)


def score_migration(
    before: pd.Series, after: pd.Series, *, date_before: dt.date, date_after: dt.date, confidence: float = 0.95
) -> Migration:
    """Compare the segments of the same model at two dates.

    Parameters
    ----------
    before, after : pd.Series
        Segment (from 1; 0 or missing: not there) by customer_id, from the same saved segmentation.
    date_before, date_after : datetime.date
        Printed with the result.
    confidence : float
        Coverage of each interval of a row's shares.

    Returns
    -------
    Migration

    Raises
    ------
    RefusedError
        A customer stands twice, nobody is there at both dates, the dates are not in order, or the
        confidence is out of range.

    Notes
    -----
    Population stability index: Σ (q − p) ln (q / p) over the segments, with half a customer added to each
    size so that empty segments have a logarithm.

    References
    ----------
    Yurdakul, B. & Naranjo, J. (2020). Statistical properties of the population stability index. Journal of
    Risk Model Validation 14 (4). https://doi.org/10.21314/JRMV.2020.227
    """
    if date_after <= date_before:
        raise RefusedError(f"{date_after} is not after {date_before}", where="score_migration")
    if not 0 < confidence < 1:
        raise RefusedError(f"confidence must lie between 0 and 1, got {confidence!r}", where="score_migration")
    for name, labels in (("before", before), ("after", after)):
        twice = labels.index[labels.index.duplicated()]
        if len(twice):
            raise RefusedError(f"customer {str(twice[0])[:40]!r} stands twice in {name}", where="score_migration")
    table = pd.DataFrame({"from_segment": before.where(before > 0), "to_segment": after.where(after > 0)})
    table = table.astype("Int64").rename_axis("customer_id").dropna(how="all").sort_index()
    both = table.dropna()
    if both.empty:
        raise RefusedError(
            "no customer is there at both dates",
            where="score_migration",
            repair="Choose dates nearer to one another, or check the ids.",
        )
    k = int(table.max(axis=None))
    moves = transition_table(
        both["from_segment"].astype(int), both["to_segment"].astype(int), range(1, k + 1), confidence=confidence
    ).rename(columns={"from_state": "from_segment", "to_state": "to_segment", "n_moves": "n_customers"})
    n_before = _counts(table["from_segment"], k)
    n_after = _counts(table["to_segment"], k)
    stayed = moves.loc[moves["from_segment"] == moves["to_segment"], "share_of_row"].to_numpy()
    new, gone = table["from_segment"].isna(), table["to_segment"].isna()
    return Migration(
        moves=moves,
        balance=pd.DataFrame(
            {
                "segment": np.arange(1, k + 1),
                "n_before": n_before,
                "n_after": n_after,
                "share_before": n_before / n_before.sum(),
                "share_after": n_after / n_after.sum(),
                "stayed": stayed,
                "newcomers": _counts(table.loc[new, "to_segment"], k),
                "vanished": _counts(table.loc[gone, "from_segment"], k),
            }
        ),
        customers=table.reset_index(),
        stability_index=stability_index(n_before, n_after),
        recipe=Recipe(
            "segment_migration",
            {
                "date_before": date_before.isoformat(),
                "date_after": date_after.isoformat(),
                "confidence": confidence,
                "size_interval": "wilson",
            },
            "Yurdakul & Naranjo (2020), https://doi.org/10.21314/JRMV.2020.227",
        ),
    )


def score_drift(
    saved: SavedSegmentation,
    before: pd.DataFrame,
    after: pd.DataFrame,
    segments_before: pd.Series,
    segments_after: pd.Series,
) -> SegmentDrift:
    """Compare each segment's customers at two dates, feature by feature, in original units.

    Parameters
    ----------
    saved : SavedSegmentation
    before, after : pd.DataFrame
        The saved features at both dates, indexed by customer_id.
    segments_before, segments_after : pd.Series
        Segments by the saved model at those dates.

    Returns
    -------
    SegmentDrift

    Raises
    ------
    RefusedError
        The features hold categories, or no segment has two customers at both dates.
    """
    if saved.metric == "gower":
        raise RefusedError("drift compares means; some features are categories", where="score_drift")
    names = list(saved.names)
    tables = [
        frame[names].astype("Float64").astype(float).reindex(labels.index[labels > 0])
        for frame, labels in ((before, segments_before), (after, segments_after))
    ]
    spread, rows = tables[0].std(), []
    for segment in range(1, len(saved.limits) + 1):
        one, other = (
            table[labels.reindex(table.index) == segment]
            for table, labels in zip(tables, (segments_before, segments_after), strict=True)
        )
        for name in names:
            a, b = one[name].dropna(), other[name].dropna()
            if len(a) < 2 or len(b) < 2 or not spread[name] > 0:
                continue
            error = np.sqrt(a.var() / len(a) + b.var() / len(b)) / spread[name]
            change = (b.mean() - a.mean()) / spread[name]
            low, high = change - 1.96 * error, change + 1.96 * error
            clear = abs(change) >= 0.2 and (low > 0 or high < 0)
            rows.append((segment, name, a.mean(), b.mean(), change, low, high, clear))
    if not rows:
        raise RefusedError("no segment has two customers at both dates", where="score_drift")
    columns = [
        "segment",
        "feature",
        "mean_before",
        "mean_after",
        "change_sd",
        "change_low",
        "change_high",
        "clearly_changed",
    ]
    return SegmentDrift(
        drift=pd.DataFrame(rows, columns=columns), recipe=Recipe("segment_drift", {"clear_from_sd": 0.2})
    )


def transition_table(
    before: pd.Series, after: pd.Series, states: Sequence[object], *, confidence: float = 0.95
) -> pd.DataFrame:
    """Count moves between states, with each row's shares and their Wilson intervals.

    Parameters
    ----------
    before, after : pd.Series
        State of the same row before and after.
    states : Sequence
        All states, in order; those without a move are there with 0.
    confidence : float

    Returns
    -------
    pd.DataFrame, shape (n_states ** 2, 6)
        from_state, to_state, n_moves, share_of_row, share_low, share_high; shares of a state that nobody
        was in are missing.

    Examples
    --------
    >>> moves = transition_table(pd.Series([1, 1, 2]), pd.Series([1, 2, 2]), [1, 2])
    >>> moves["share_of_row"].tolist()
    [0.5, 0.5, 0.0, 1.0]
    """
    states = list(states)
    counts = pd.crosstab(before.to_numpy(), after.to_numpy()).reindex(index=states, columns=states, fill_value=0)
    n = counts.to_numpy()
    total = n.sum(axis=1, keepdims=True) * np.ones_like(n)
    share, low, high = wilson(n, total, confidence)
    return pd.DataFrame(
        {
            "from_state": np.repeat(np.array(states), len(states)),
            "to_state": np.tile(np.array(states), len(states)),
            "n_moves": n.ravel(),
            "share_of_row": share.ravel(),
            "share_low": low.ravel(),
            "share_high": high.ravel(),
        }
    )


def stability_index(before: np.ndarray, after: np.ndarray) -> float:
    """Population stability index of two sets of counts.

    >>> stability_index(np.array([50, 50]), np.array([50, 50]))
    0.0
    """
    p, q = (np.asarray(n, dtype=float) + 0.5 for n in (before, after))
    p, q = p / p.sum(), q / q.sum()
    return float(((q - p) * np.log(q / p)).sum())


def _counts(labels: pd.Series, k: int) -> np.ndarray:
    return labels.dropna().astype(int).value_counts().reindex(range(1, k + 1), fill_value=0).to_numpy()
