"""Metrics of loyalty: time, behaviour and feeling, each with what it was measured by, or why it was not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe

METRICS = {
    "tenure": ("facet_time", 1),
    "repeat_purchase": ("facet_behaviour", 1),
    "selection_time": ("facet_behaviour", -1),
    "purchase_spending": ("facet_behaviour", 1),
    "price_sensitivity": ("facet_behaviour", -1),
    "trust": ("facet_feeling", 1),
    "tolerance": ("facet_feeling", 1),
    "attitude_to_competitors": ("facet_feeling", -1),
}
"""Metric → its facet, and whether more of it means more loyalty."""


@dataclass(frozen=True, slots=True)
class LoyaltyMetrics:
    """The loyalty metrics of a case's customers.

    Attributes
    ----------
    metrics : pd.DataFrame, shape (8, 10)
        facet, metric, direction (``more_is_loyal``, ``less_is_loyal``), measured_by (column; missing where the case has
        none), n, mean, conf_low, conf_high, sd, median.
    agreement : pd.DataFrame
        metric, other, n, correlation (Spearman, both turned so that more is more loyal), p_value.
    recipe : Recipe
    """

    metrics: pd.DataFrame
    agreement: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Metrics and how they agree."""
        return (
            Exhibit("loyalty_metrics", self.metrics, notes=("metrics_missing",)),
            Exhibit("loyalty_agreement", self.agreement, notes=("agreement_turned",)),
        )

    def findings(self) -> tuple[Finding, ...]:
        """How many metrics the case has, and how far they agree."""
        measured = self.metrics["measured_by"].notna()
        return (
            Finding(
                "metrics_measured",
                {
                    "k": int(measured.sum()),
                    "all": len(self.metrics),
                    "absent": self.metrics.loc[~measured, "metric"].tolist(),
                    "median_r": float(self.agreement["correlation"].median()),
                },
            ),
        )


def measure_loyalty(
    customers: pd.DataFrame, *, measured_by: Mapping[str, str], confidence: float = 0.95
) -> LoyaltyMetrics:
    """Describe the loyalty metrics that a case has, and say which it lacks.

    Parameters
    ----------
    customers : pd.DataFrame
        One row per customer, numeric columns.
    measured_by : Mapping[str, str]
        Metric (a key of ``METRICS``) → column; an empty text says that there is none.
    confidence : float

    Raises
    ------
    RefusedError
        A metric is unknown, a column is absent, or fewer than two metrics are measured.

    Examples
    --------
    >>> table = pd.DataFrame({"days": [10.0, 20, 30, 40], "orders": [1.0, 2, 4, 3]})
    >>> found = measure_loyalty(table, measured_by={"tenure": "days", "repeat_purchase": "orders"})
    >>> float(found.agreement.loc[0, "correlation"].round(2))
    0.8
    """
    columns = {metric: column for metric, column in measured_by.items() if column}
    unknown = sorted(set(columns) - set(METRICS))
    if unknown:
        raise RefusedError(
            f"no metric {unknown[0]!r}", where="loyalty metrics", repair=f"There are: {', '.join(METRICS)}."
        )
    absent = [c for c in columns.values() if c not in customers]
    if absent or len(columns) < 2:
        raise RefusedError(
            f"no column {absent[0]!r}" if absent else "fewer than two metrics are measured", where="loyalty metrics"
        )
    values = {m: customers[c].astype("Float64").astype(float) for m, c in columns.items()}
    rows = []
    for metric, (facet, sign) in METRICS.items():
        way = "more_is_loyal" if sign > 0 else "less_is_loyal"
        if metric not in values:
            rows.append((facet, metric, way, None, 0, *[np.nan] * 5))
            continue
        v = values[metric].dropna()
        half = stats.t.ppf((1 + confidence) / 2, max(len(v) - 1, 1)) * v.std() / np.sqrt(max(len(v), 1))
        rows.append(
            (
                facet,
                metric,
                way,
                columns[metric],
                len(v),
                v.mean(),
                v.mean() - half,
                v.mean() + half,
                v.std(),
                v.median(),
            )
        )
    pairs, names = [], list(values)
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            both = pd.concat([values[a] * METRICS[a][1], values[b] * METRICS[b][1]], axis=1).dropna().to_numpy()
            if len(both) < 4 or (np.ptp(both, axis=0) == 0).any():
                continue
            found = stats.spearmanr(both[:, 0], both[:, 1])
            pairs.append((a, b, len(both), float(found.statistic), float(found.pvalue)))
    return LoyaltyMetrics(
        metrics=pd.DataFrame(
            rows,
            columns=[
                "facet",
                "metric",
                "direction",
                "measured_by",
                "n",
                "mean",
                "conf_low",
                "conf_high",
                "sd",
                "median",
            ],
        ),
        agreement=pd.DataFrame(pairs, columns=["metric", "other", "n", "correlation", "p_value"]),
        recipe=Recipe("loyalty_metrics", {"confidence": confidence}),
    )
