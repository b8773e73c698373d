"""The matrix of current by future value: lead, iron, gold, platinum, and what hangs on its cuts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, check_choice
from crmresearch.results import Exhibit, Finding, Recipe, Verdict, judge_interval
from crmresearch.scoring.resampling import bootstrap, check_resampling, count_rows, percentile_bounds

CutRule = Literal["median", "mean", "half_of_value"]

CLASSES = ("lead", "iron", "gold", "platinum")
"""Low and low, low current and high future, high current and low future, high and high (铅、铁、金、白金)."""

TREATMENTS = dict(zip(CLASSES, ("abandon", "improve", "maintain", "vip"), strict=True))
"""The same four under the names of the other document (放弃、改进、维持、贵宾)."""

LEVELS = (0.3, 0.4, 0.5, 0.6, 0.7)
"""Quantiles at which the cuts are tried, each of current with each of future value."""

CONTRASTS = (("iron", "lead"), ("gold", "lead"), ("platinum", "iron"), ("platinum", "gold"))
"""What D27 says, pair by pair: the first class brings more, per customer, in the period after."""


@dataclass(frozen=True, slots=True)
class ClvMatrix:
    """Customers in four classes.

    Attributes
    ----------
    customers : pd.DataFrame, shape (n_customers, 5)
        customer_id, current_value, future_value, clv_class, share_kept (of the cuts tried, the share under which the
        class is the same); highest sum of values first.
    classes : pd.DataFrame, shape (4, 7)
        clv_class, treatment, n_customers, share_customers, current_value, future_value (totals), share_kept (mean).
    sensitivity : pd.DataFrame, shape (n_rules, 8)
        cut_rule, current_cut, future_cut, lead, iron, gold, platinum (customers), share_same (class as used).
    recipe : Recipe
    """

    customers: pd.DataFrame
    classes: pd.DataFrame
    sensitivity: pd.DataFrame
    recipe: Recipe

    @property
    def cuts(self) -> tuple[float, float]:
        """Where high current and high future value begin."""
        return self.recipe.options["current_cut"], self.recipe.options["future_cut"]

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The classes, the other cuts, and the customers."""
        return (
            Exhibit("clv_classes", self.classes, notes=("clv_cuts_tried",)),
            Exhibit("clv_cut_sensitivity", self.sensitivity),
            Exhibit("clv_class_customers", self.customers, rows_shown=10),
        )

    def findings(self) -> tuple[Finding, ...]:
        """How many customers of each class, and how many keep theirs under other cuts."""
        n = self.classes.set_index("clv_class")["n_customers"]
        sure = float((self.customers["share_kept"] == 1).mean())
        return (
            Finding("clv_matrix", {**{k: int(v) for k, v in n.items()}, "rule": self.recipe.options["cut_rule"]}),
            Finding("clv_matrix_kept", {"kept": float(self.customers["share_kept"].mean()), "sure": sure}),
        )


def classify_clv(current: pd.DataFrame, future: pd.DataFrame, *, rule: CutRule = "median") -> ClvMatrix:
    """Put customers into the four classes of current by future value.

    Parameters
    ----------
    current : pd.DataFrame
        customer_id, contribution: what each customer brought in the window that counts as the present; customers not
        in it brought nothing.
    future : pd.DataFrame
        customer_id, residual_value: what each is expected to bring (`LifetimeValue.customers`). Its customers are
        classified.
    rule : {"median", "mean", "half_of_value"}
        Where high begins: at the median, at the mean, or at the value of the smallest of the customers who together
        hold half of the (positive) total. The source documents name no cut.

    Returns
    -------
    ClvMatrix

    Raises
    ------
    RefusedError
        A missing value, fewer than four customers, or a value that is the same for everybody.

    Notes
    -----
    A value at the cut is high, unless the cut is the least value of all (most customers bought nothing in the window):
    then only values above it are. The cuts tried are the three rules, and every pair of the 30, 40, 50, 60 and 70 %
    quantiles of the two values.

    Examples
    --------
    >>> now = pd.DataFrame({"customer_id": list("abcd"), "contribution": [1.0, 2, 8, 9]})
    >>> to_come = pd.DataFrame({"customer_id": list("abcd"), "residual_value": [1.0, 9, 2, 8]})
    >>> classify_clv(now, to_come).customers.set_index("customer_id")["clv_class"].sort_index().tolist()
    ['lead', 'iron', 'gold', 'platinum']
    """
    values = future[["customer_id", "residual_value"]].rename(columns={"residual_value": "future_value"})
    brought = current.set_index("customer_id")["contribution"]
    values["current_value"] = values["customer_id"].map(brought).fillna(0.0).astype(float)
    current, future = (values[c].to_numpy(dtype=float) for c in ("current_value", "future_value"))
    check_choice("rule", rule, rules := get_args(CutRule), where="classify_clv")
    if len(values) < 4 or not (np.isfinite(current) & np.isfinite(future)).all():
        raise RefusedError(
            f"{len(values)} customers, {np.count_nonzero(~np.isfinite(current + future))} of them without a value",
            where="CLV matrix",
            repair="Give both values of four customers or more.",
        )
    for name, value in (("current_value", current), ("future_value", future)):
        if np.ptp(value) == 0:
            raise RefusedError(
                f"{name} is {value[0]:g} for every customer", where="CLV matrix", repair="There is nothing to part."
            )
    used = _cut(current, rule), _cut(future, rule)
    chosen = _classes(current, future, *used)
    tried = [(f"cut_{name}", _cut(current, name), _cut(future, name)) for name in rules]
    tried += [("cut_quantile", np.quantile(current, a), np.quantile(future, b)) for a in LEVELS for b in LEVELS]
    found = np.array([_classes(current, future, a, b) for _, a, b in tried])
    same = found == chosen
    counts = (found[:, :, None] == np.arange(4)).sum(axis=1)
    sensitivity = pd.DataFrame(tried, columns=["cut_rule", "current_cut", "future_cut"])
    sensitivity = sensitivity.assign(**dict(zip(CLASSES, counts.T, strict=True)), share_same=same.mean(axis=1))
    customers = values[["customer_id", "current_value", "future_value"]].assign(
        clv_class=np.array(CLASSES)[chosen], share_kept=same.mean(axis=0)
    )
    order = np.lexsort((customers["customer_id"], -(current + future)))
    options = {
        "cut_rule": f"cut_{rule}",
        "current_cut": float(used[0]),
        "future_cut": float(used[1]),
        "n_cuts_tried": len(tried),
    }
    return ClvMatrix(
        customers.iloc[order].reset_index(drop=True),
        _describe_classes(customers),
        sensitivity,
        Recipe("clv_matrix", options),
    )


def _cut(value: np.ndarray, rule: str) -> float:
    if rule == "half_of_value":
        down = np.sort(np.maximum(value, 0.0))[::-1]
        return float(down[np.searchsorted(np.cumsum(down), down.sum() / 2)]) if down.sum() > 0 else float(value.max())
    return float(np.median(value) if rule == "median" else value.mean())


def _classes(current: np.ndarray, future: np.ndarray, current_cut: float, future_cut: float) -> np.ndarray:
    """Position in ``CLASSES``."""
    return 2 * _high(current, current_cut) + _high(future, future_cut)


def _high(value: np.ndarray, cut: float) -> np.ndarray:
    """At the cut or above; above it alone where the cut is the least of all, which would make everybody high."""
    return value > cut if cut <= value.min() else value >= cut


def _describe_classes(customers: pd.DataFrame) -> pd.DataFrame:
    table = customers.groupby("clv_class").agg(
        n_customers=("customer_id", "size"),
        current_value=("current_value", "sum"),
        future_value=("future_value", "sum"),
        share_kept=("share_kept", "mean"),
    )
    table = table.reindex(CLASSES).fillna({"n_customers": 0, "current_value": 0.0, "future_value": 0.0})
    table = table.astype({"n_customers": int}).rename_axis("clv_class").reset_index()
    table.insert(1, "treatment", table["clv_class"].map(TREATMENTS))
    table.insert(3, "share_customers", table["n_customers"] / len(customers))
    return table


@dataclass(frozen=True, slots=True)
class ClvMatrixCheck:
    """What the customers of each class brought in the period after.

    Attributes
    ----------
    classes : pd.DataFrame, shape (4, 8)
        clv_class, n_customers, later_value, later_low, later_high (mean per customer), lift (mean over all customers'
        mean), share_later (of the period's total), share_bought_again.
    contrasts : pd.DataFrame, shape (4, 5)
        clv_class, other_class, class_difference, difference_low, difference_high: of mean later value; the four
        intervals hold together at the stated level.
    loyalty : dict
        D26: share of gold customers who bought again, of all others, their difference, low, high.
    recipe : Recipe
    """

    classes: pd.DataFrame
    contrasts: pd.DataFrame
    loyalty: dict[str, float]
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Classes and contrasts."""
        return (
            Exhibit("clv_classes_later", self.classes, notes=("clv_later_unseen",)),
            Exhibit("clv_class_contrasts", self.contrasts, notes=("clv_joint_intervals",)),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Claims D27 and D26 with their verdicts.

        Loyalty here is buying again after the day of classification, so no class is made from what judges it.
        """
        lift = self.classes.set_index("clv_class")["lift"]
        common = {"confidence": self.recipe.options["confidence"], "days": self.recipe.options["holdout_days"]}
        gold = judge_difference(self.loyalty["low"], self.loyalty["high"])
        order = {f"{name}_lift": float(lift[name]) for name in CLASSES}
        return (
            Finding("claim_clv_classes", order | common, judge_contrasts(self.contrasts), claim="D27"),
            Finding("claim_gold_loyal", self.loyalty | common, gold, claim="D26"),
        )


def judge_difference(low: float, high: float) -> Verdict:
    """Judge a claimed excess by its interval: supported above 0, contradicted below, inconclusive across.

    The rule of claim D26 (gold customers are loyal: they buy again in the period after more often than all others).

    Examples
    --------
    >>> judge_difference(0.02, 0.2), judge_difference(-0.3, -0.1), judge_difference(-0.1, 0.1)
    ('supported', 'contradicted', 'inconclusive')
    """
    if np.isnan(low) or np.isnan(high):
        return "not testable with these data"
    return judge_interval(low, high)


def judge_contrasts(contrasts: pd.DataFrame) -> Verdict:
    """Judge claim D27 by joint intervals of four differences in mean later value.

    The rule is fixed before data are read: platinum above iron and above gold, iron above lead, gold above lead.
    Supported if all four intervals lie above 0, contradicted if one lies below 0, otherwise inconclusive; not
    testable where a class is empty.
    """
    low, high = contrasts["difference_low"], contrasts["difference_high"]
    if low.isna().any():
        return "not testable with these data"
    return "supported" if (low > 0).all() else "contradicted" if (high < 0).any() else "inconclusive"


def check_clv_matrix(
    matrix: ClvMatrix,
    later: pd.DataFrame,
    *,
    holdout_days: int,
    rng: np.random.Generator,
    n_resamples: int = 1000,
    confidence: float = 0.95,
) -> ClvMatrixCheck:
    """Compare the classes by what their customers brought after the day of classification.

    Parameters
    ----------
    matrix : ClvMatrix
        Made from data up to that day only.
    later : pd.DataFrame
        customer_id, contribution, n_orders of the period after; customers not in it brought nothing.
    holdout_days : int
        Length of that period, for the record.
    rng : np.random.Generator
    n_resamples : int
        Bootstrap resamples of customers, at least 100.
    confidence : float
        Of single intervals; of the four contrasts together (Bonferroni).

    Returns
    -------
    ClvMatrixCheck
    """
    customers = matrix.customers
    seen = later.set_index("customer_id").reindex(customers["customer_id"]).fillna(0.0)
    value, again = seen["contribution"].to_numpy(dtype=float), seen["n_orders"].to_numpy(dtype=float) > 0
    which = customers["clv_class"].map({name: i for i, name in enumerate(CLASSES)}).to_numpy()
    a, b = (np.array([CLASSES.index(pair[side]) for pair in CONTRASTS]) for side in (0, 1))

    def statistics(rows: np.ndarray) -> np.ndarray:
        n, total, bought = (count_rows(which[rows], 4, w) for w in (None, value[rows], again[rows]))
        with np.errstate(invalid="ignore", divide="ignore"):
            mean, gold = total / n, bought[:, 2] / n[:, 2]
            others = (bought.sum(axis=1) - bought[:, 2]) / (n.sum(axis=1) - n[:, 2])
        return np.column_stack([mean, mean[:, a] - mean[:, b], gold - others, gold, others])

    check_resampling(n_resamples, confidence, where="CLV matrix")
    everybody = statistics(np.arange(len(value))[None])[0]
    draws = bootstrap(statistics, len(value), rng=rng, resamples=n_resamples)
    low, high = percentile_bounds(draws, confidence)
    joint_low, joint_high = percentile_bounds(draws, 1 - (1 - confidence) / len(CONTRASTS))
    n = np.bincount(which, minlength=4)
    total = np.bincount(which, weights=value, minlength=4)
    with np.errstate(invalid="ignore", divide="ignore"):
        bought = np.bincount(which, weights=again, minlength=4) / n
    classes = pd.DataFrame(
        {
            "clv_class": CLASSES,
            "n_customers": n,
            "later_value": everybody[:4],
            "later_low": low[:4],
            "later_high": high[:4],
            "lift": everybody[:4] / value.mean() if value.mean() else np.nan,
            "share_later": total / value.sum() if value.sum() else np.nan,
            "share_bought_again": bought,
        }
    )
    contrasts = pd.DataFrame(CONTRASTS, columns=["clv_class", "other_class"]).assign(
        class_difference=everybody[4:8], difference_low=joint_low[4:8], difference_high=joint_high[4:8]
    )
    gold = {"gold": everybody[9], "others": everybody[10]}
    gold |= {"difference": everybody[8], "low": low[8], "high": high[8]}
    options = {
        **matrix.recipe.options,
        "holdout_days": holdout_days,
        "interval": "bootstrap_percentile",
        "n_resamples": n_resamples,
        "confidence": confidence,
    }
    return ClvMatrixCheck(
        classes, contrasts, {k: float(v) for k, v in gold.items()}, Recipe("clv_matrix_check", options)
    )
