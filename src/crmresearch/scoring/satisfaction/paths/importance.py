"""Importance–performance map: what goes with the target most, and how well it is rated."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, UsageError, nearest
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.satisfaction.paths import quality
from crmresearch.scoring.satisfaction.paths.fitting import PathFit
from crmresearch.scoring.satisfaction.paths.moments import Moments
from crmresearch.scoring.satisfaction.paths.staging import Estimator


@dataclass(frozen=True, slots=True)
class ImportanceMap:
    """Importance and performance of every construct that leads to the target.

    Attributes
    ----------
    target : str
    constructs : pd.DataFrame, one row per construct with a route to the target
        construct, importance (unstandardised total effect: points of the target's 0–100 score that
        go with one point of the construct's), importance_standardised, performance (mean 0–100 score).
    items : pd.DataFrame, one row per item of these constructs
        construct, item, importance, performance.
    target_performance : float
        Mean 0–100 score of the target.
    """

    target: str
    constructs: pd.DataFrame
    items: pd.DataFrame
    target_performance: float
    recipe: Recipe = field(repr=False)

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The map of constructs and that of items."""
        return (
            Exhibit("path_importance", self.constructs, notes=("path_association_only",)),
            Exhibit("path_item_importance", self.items, rows_shown=20),
        )

    def findings(self) -> tuple[Finding, ...]:
        """The construct of most importance among those rated below the average of the map."""
        low = self.constructs[self.constructs["performance"] < self.constructs["performance"].mean()]
        if low.empty:
            return ()
        first = low.loc[low["importance"].idxmax()]
        return (
            Finding(
                "path_priority",
                {
                    "construct": first["construct"],
                    "target": self.target,
                    "importance": first["importance"],
                    "performance": first["performance"],
                },
            ),
        )


def map_importance(fit: PathFit, target: str, *, low: float, high: float) -> ImportanceMap:
    """Importance–performance map of a fitted path model.

    Parameters
    ----------
    fit : PathFit
    target : str
        Construct whose antecedents are mapped.
    low, high : float
        Ends of the answer scale of all items.

    Raises
    ------
    UsageError
        The target is unknown or no path leads to it; the scale is empty.
    RefusedError
        An answer lies off the scale; a weight of the target or of a construct that leads to it is
        not positive, so that its score has no 0–100 scale.

    Notes
    -----
    Scores are weighted means of items rescaled to 0–100, with weights divided by the item's standard
    deviation and summing to 1. Ringle and Sarstedt (2016), doi:10.1108/IMDS-10-2015-0449.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> from crmresearch.scoring.satisfaction.paths import Construct, PathModel, fit_paths
    >>> trust = rng.integers(1, 6, 200)
    >>> data = pd.DataFrame({"t": trust, "l": np.clip(trust + rng.integers(-1, 2, 200), 1, 5)})
    >>> model = PathModel((Construct("trust", ("t",)), Construct("loyalty", ("l",))), (("trust", "loyalty"),))
    >>> mapped = map_importance(fit_paths(data, model), "loyalty", low=1, high=5)
    >>> bool(np.isclose(mapped.constructs.loc[0, "performance"], (trust.mean() - 1) / 4 * 100))
    True
    """
    model, answers = fit.model, fit.answers
    if target not in model.endogenous:
        raise UsageError(
            f"no path leads to {target!r}{nearest(target, model.endogenous)}",
            where="target",
            repair=f"Choose one of {', '.join(model.endogenous)}.",
        )
    if not high > low:
        raise UsageError(f"scale from {low!r} to {high!r}", where="importance map", repair="high must be above low.")
    off = np.argwhere((answers.values < low) | (answers.values > high))
    if len(off):
        row, item = off[0]
        raise RefusedError(
            f"answer {answers.values[row, item]:g} lies outside {low:g} to {high:g}",
            where=f"item {answers.names[item]}",
            repair="State the scale of the items.",
        )
    estimator = Estimator(model, fit.settings)
    _, _, correlation = Moments(answers).of(np.ones((1, answers.n)))
    solved = estimator.solve_one(correlation)
    layout, paths = solved[-1].layout, solved[-1].solution.paths
    t = layout.position(target)
    leads = np.flatnonzero(quality.total_effects(layout.arrows[None].astype(float))[0, :, t] > 0)
    raw = estimator.item_weights(solved)[0] / answers.sd[:, None]
    for j in (*leads, t):
        if (raw[:, j] < 0).any():
            raise RefusedError(
                f"item {answers.names[int(np.argmin(raw[:, j]))]} has a negative weight, "
                "so the score has no 0–100 scale",
                where=f"construct {layout.constructs[j]}",
                repair="Declare the item as reversed, or leave it out.",
            )
    share = raw / raw.sum(axis=0)
    rescaled = (np.where(np.isnan(answers.values), answers.mean, answers.values) - low) / (high - low) * 100
    scores = rescaled @ share
    sd = scores.std(axis=0, ddof=1)
    total = quality.total_effects(paths)[0, :, t]
    importance = total * sd[t] / sd
    rows, columns = np.nonzero(share[:, leads])
    return ImportanceMap(
        target=target,
        constructs=pd.DataFrame(
            {
                "construct": [layout.constructs[j] for j in leads],
                "importance": importance[leads],
                "importance_standardised": total[leads],
                "performance": scores.mean(axis=0)[leads],
            }
        ),
        items=pd.DataFrame(
            {
                "construct": [layout.constructs[leads[c]] for c in columns],
                "item": [answers.names[i] for i in rows],
                "importance": share[rows, leads[columns]] * importance[leads[columns]],
                "performance": rescaled.mean(axis=0)[rows],
            }
        ),
        target_performance=float(scores[:, t].mean()),
        recipe=Recipe(
            "path_importance_map",
            {"target": target, "scale_low": low, "scale_high": high, **fit.recipe.options},
            "Ringle and Sarstedt (2016), doi:10.1108/IMDS-10-2015-0449",
        ),
    )
