"""A segmentation as rules: a few conditions in original units, and how faithfully they give the segments back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.tree import DecisionTreeClassifier

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.segments.profiles import Segmented

_FOLDS = 5


@dataclass(frozen=True, slots=True)
class SegmentRules:
    """Rules that put customers into segments by at most a few conditions.

    Attributes
    ----------
    rules : pd.DataFrame, shape (n_conditions, 8)
        segment, rule_number (1 is the segment's widest), feature, above (the feature is greater; missing: no
        bound), up_to (the feature is at most; missing: no bound), n_covered (customers the rule takes),
        precision (share of those that are in the segment), coverage (share of the segment it takes).
        The conditions of a rule hold together.
    fidelity : pd.DataFrame, shape (k, 4)
        segment, n_rules, recall (share of the segment that its rules take, cross-validated), precision
        (share of those its rules take that are in the segment, cross-validated).
    agreement : float
        Share of customers whom rules from other customers put into their own segment.
    largest_share : float
        The agreement of a rule that puts everyone into the largest segment.
    recipe : Recipe
    """

    rules: pd.DataFrame
    fidelity: pd.DataFrame
    agreement: float
    largest_share: float
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The rules, and how faithful they are."""
        return (
            Exhibit("segment_rules", self.rules, notes=("rules_reading",)),
            Exhibit("rules_fidelity", self.fidelity, notes=("fidelity_reading",)),
        )

    def findings(self) -> tuple[Finding, ...]:
        """How many customers the rules put where the segmentation has them."""
        values = {
            "agreement": self.agreement,
            "largest": self.largest_share,
            "conditions": self.recipe.options["max_conditions"],
            "n_rules": int(self.rules[["segment", "rule_number"]].drop_duplicates().shape[0]),
        }
        return (Finding("rules_agree", values),)


def explain_segments(
    segmentation: Segmented,
    *,
    rng: np.random.Generator,
    max_conditions: int = 4,
    smallest_share: float = 0.02,
    max_points: int = 50_000,
) -> SegmentRules:
    """Explain segments by conditions on the features that formed them.

    Parameters
    ----------
    segmentation : Segmentation or RuleSegments
    rng : np.random.Generator
        Source of the cross-validation's folds.
    max_conditions : int
        Conditions of a rule at most, 1 to 4.
    smallest_share : float
        Share of all customers that a rule must take.
    max_points : int
        Customers from whom the rules are learned: all up to this many, a random sample beyond.

    Returns
    -------
    SegmentRules

    Raises
    ------
    RefusedError
        Fewer than two segments, or an option is out of range.

    Notes
    -----
    A classification tree (CART, Gini) of depth ``max_conditions`` on the features in original units, leaves
    weighed so that small segments count as much as large ones. Two bounds on one feature are one
    condition, a range. Fidelity comes from five-fold cross-validation.

    References
    ----------
    Breiman, L., Friedman, J., Olshen, R. & Stone, C. (1984). Classification and regression trees. Wadsworth.
    """
    if not 1 <= max_conditions <= 4 or not 0 < smallest_share < 0.5:
        raise RefusedError(
            f"max_conditions must lie between 1 and 4, smallest_share in (0, 0.5); got {max_conditions}, "
            f"{smallest_share!r}",
            where="explain_segments",
        )
    values = segmentation.formed_by.sort_index()
    labels = segmentation.segments.reindex(values.index)
    values, labels = values[labels > 0], labels[labels > 0]
    if labels.nunique() < 2:
        raise RefusedError("there is one segment or none: nothing to explain", where="explain_segments")
    if len(values) > max_points:
        kept = np.sort(rng.choice(len(values), max_points, replace=False))
        values, labels = values.iloc[kept], labels.iloc[kept]
    x, y = values.to_numpy(), labels.to_numpy()
    tree = DecisionTreeClassifier(
        max_depth=max_conditions,
        min_samples_leaf=max(1, int(np.ceil(smallest_share * len(x)))),
        class_weight="balanced",
        random_state=0,
    ).fit(x, y)
    folds = int(min(_FOLDS, np.bincount(y)[np.unique(y)].min()))
    said = tree.predict(x)
    if folds > 1:
        split = StratifiedKFold(folds, shuffle=True, random_state=int(rng.integers(2**31)))
        said = cross_val_predict(tree, x, y, cv=split)
    rules = _rules(tree, list(values.columns), x, y)
    segments = np.unique(y)
    return SegmentRules(
        rules=rules,
        fidelity=pd.DataFrame(
            {
                "segment": segments,
                "n_rules": [rules.loc[rules["segment"] == one, "rule_number"].nunique() for one in segments],
                "recall": [np.mean(said[y == one] == one) for one in segments],
                "precision": [np.mean(y[said == one] == one) if (said == one).any() else np.nan for one in segments],
            }
        ),
        agreement=float(np.mean(said == y)),
        largest_share=float(np.bincount(y).max() / len(y)),
        recipe=Recipe(
            "rule_tree",
            {
                "max_conditions": max_conditions,
                "smallest_rule": smallest_share,
                "n_folds": folds,
                "n_points": len(x),
                "features": [str(name) for name in values.columns],
            },
            "Breiman et al. (1984)",
        ),
    )


def _rules(tree: DecisionTreeClassifier, names: list[str], x: np.ndarray, y: np.ndarray) -> pd.DataFrame:
    """One row for each condition of each leaf, the widest rule of a segment first."""
    inner, leaf_of = tree.tree_, tree.apply(x)
    rows = []

    def walk(node: int, bounds: dict[int, tuple[float, float]]) -> None:
        if inner.children_left[node] < 0:
            segment = int(tree.classes_[inner.value[node, 0].argmax()])
            inside = leaf_of == node
            hit = int((y[inside] == segment).sum())
            common = (segment, hit, int(inside.sum()), hit / inside.sum(), hit / (y == segment).sum())
            rows.append((common, bounds))
            return
        j, cut = int(inner.feature[node]), float(inner.threshold[node])
        low, high = bounds.get(j, (-np.inf, np.inf))
        walk(inner.children_left[node], {**bounds, j: (low, min(high, cut))})
        walk(inner.children_right[node], {**bounds, j: (max(low, cut), high)})

    walk(0, {})
    rows.sort(key=lambda row: (row[0][0], -row[0][1]))
    table, number, last = [], 0, None
    for (segment, _, covered, precision, coverage), bounds in rows:
        number, last = (number + 1 if segment == last else 1), segment
        for j, (low, high) in bounds.items():
            bound = (low if np.isfinite(low) else np.nan, high if np.isfinite(high) else np.nan)
            table.append((segment, number, names[j], *bound, covered, precision, coverage))
    columns = ["segment", "rule_number", "feature", "above", "up_to", "n_covered", "precision", "coverage"]
    return pd.DataFrame(table, columns=columns)
