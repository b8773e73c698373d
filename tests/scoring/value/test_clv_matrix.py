"""The matrix of current by future value, its check out of time, and the score of order size and persistence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crmresearch.errors import RefusedError, UsageError
from crmresearch.scoring.value import check_clv_matrix, classify_clv, score_orders
from crmresearch.scoring.value.clv_matrix import CLASSES


def classified(current, future, **options):
    ids = [f"c{i:04d}" for i in range(len(current))]
    now = pd.DataFrame({"customer_id": ids, "contribution": np.asarray(current, float)})
    to_come = pd.DataFrame({"customer_id": ids, "residual_value": np.asarray(future, float)})
    return classify_clv(now, to_come, **options)


def classes_of(matrix) -> list[str]:
    return matrix.customers.set_index("customer_id")["clv_class"].sort_index().tolist()


def test_the_quadrants_are_the_documents() -> None:
    """A14: I lead low/low, II iron low/high, III gold high/low, IV platinum high/high."""
    assert classes_of(classified([1, 2, 8, 9], [1, 9, 2, 8])) == ["lead", "iron", "gold", "platinum"]
    names = classified([1, 2, 8, 9], [1, 9, 2, 8]).classes.set_index("clv_class")["treatment"].to_dict()
    assert names == {"lead": "abandon", "iron": "improve", "gold": "maintain", "platinum": "vip"}


def test_each_rule_cuts_where_it_says() -> None:
    current, future = [0, 0, 1, 2, 97], [1, 2, 3, 4, 90]
    assert classified(current, future).cuts == (1, 3)
    assert classified(current, future, rule="mean").cuts == (20, 20)
    assert classified(current, future, rule="half_of_value").cuts == (97, 90)


def test_a_cut_at_the_least_value_does_not_make_everybody_high() -> None:
    found = classified([0, 0, 0, 0, 5], [1, 2, 3, 4, 5])
    assert found.cuts[0] == 0 and classes_of(found).count("platinum") == 1


def test_currency_order_and_absent_customers() -> None:
    rng = np.random.default_rng(1)
    current, future = rng.gamma(0.5, 10, 80), rng.gamma(0.5, 10, 80)
    once = classified(current, future)
    again = classified(current * 7.1, future * 7.1)
    assert once.customers["clv_class"].tolist() == again.customers["clv_class"].tolist()
    assert once.sensitivity["share_same"].equals(again.sensitivity["share_same"])
    absent = classify_clv(
        pd.DataFrame({"customer_id": ["d"], "contribution": [5.0]}),
        pd.DataFrame({"customer_id": list("abcd"), "residual_value": [1.0, 2, 3, 4]}),
    )
    assert absent.customers.set_index("customer_id").loc["a", "current_value"] == 0


def test_share_kept_counts_the_cuts_tried() -> None:
    """Far from every cut a class is sure; the customer at the median is not."""
    found = classified(np.arange(101.0), np.arange(101.0))
    kept = found.customers.set_index("customer_id")["share_kept"]
    assert kept["c0000"] == 1 and kept["c0050"] < 0.6 and len(found.sensitivity) == 28
    assert (found.sensitivity[list(CLASSES)].sum(axis=1) == 101).all()


def test_refusals() -> None:
    with pytest.raises(RefusedError, match="future_value is 3 for every customer"):
        classified([1, 2, 3, 4], [3, 3, 3, 3])
    with pytest.raises(RefusedError, match="3 customers"):
        classified([1, 2, 3], [1, 2, 3])
    with pytest.raises(RefusedError, match="1 of them without a value"):
        classified([1, 2, 3, 4], [1, 2, np.nan, 4])
    with pytest.raises(UsageError, match="rule='best'"):
        classified([1, 2, 3, 4], [1, 2, 3, 4], rule="best")


def checked(brought: dict[str, float], again: dict[str, float], seed: int = 3):
    rng = np.random.default_rng(seed)
    matrix = classified(np.tile([1, 2, 8, 9], 100) + rng.random(400), np.tile([1, 9, 2, 8], 100) + rng.random(400))
    which = matrix.customers["clv_class"]
    bought = rng.random(400) < which.map(again)
    value = which.map(brought) * rng.lognormal(0, 0.3, 400)
    later = pd.DataFrame({"customer_id": matrix.customers["customer_id"], "contribution": value, "n_orders": bought})
    return check_clv_matrix(matrix, later, holdout_days=365, rng=rng, n_resamples=300)


LOYAL = {"lead": 0.2, "iron": 0.5, "gold": 0.9, "platinum": 0.6}


def test_claims_are_supported_where_they_are_true() -> None:
    """D27 and D26 on a world in which they hold."""
    found = checked({"lead": 1, "iron": 3, "gold": 5, "platinum": 20}, LOYAL)
    assert [(f.claim, f.verdict) for f in found.findings()] == [("D27", "supported"), ("D26", "supported")]
    lift = found.classes.set_index("clv_class")["lift"]
    assert lift["platinum"] == pytest.approx(20 / 7.25, rel=0.1)
    assert found.classes["share_later"].sum() == pytest.approx(1)


def test_claims_are_contradicted_where_they_are_false() -> None:
    found = checked({"lead": 5, "iron": 1, "gold": 6, "platinum": 20}, LOYAL | {"gold": 0.1})
    assert [f.verdict for f in found.findings()] == ["contradicted", "contradicted"]


def test_equal_classes_stay_open() -> None:
    same = dict.fromkeys(CLASSES, 4.0)
    findings = [checked(same, dict.fromkeys(CLASSES, 0.5), seed).findings() for seed in range(10)]
    opened = [finding.verdict == "inconclusive" for pair in findings for finding in pair]
    assert sum(opened) >= 17  # of 20; each errs one time in twenty


def test_an_empty_class_cannot_be_tested() -> None:
    matrix = classified(np.arange(40.0), np.arange(40.0))
    later = pd.DataFrame({"customer_id": matrix.customers["customer_id"], "contribution": 1.0, "n_orders": 1})
    found = check_clv_matrix(matrix, later, holdout_days=30, rng=np.random.default_rng(1), n_resamples=100)
    assert {f.verdict for f in found.findings()} == {"not testable with these data"}


def test_order_score_by_hand() -> None:
    """D38: size and persistence rank ten customers as their worth does, but for one pair."""
    ids = [f"c{i}" for i in range(10)]
    summary = pd.DataFrame({"customer_id": ids, "mean_spend": np.arange(10.0)})
    continuity = pd.Series(np.arange(10.0) / 10, index=ids)
    value = np.arange(10.0)
    value[[0, 1]] = 1, 0
    worth = pd.DataFrame({"customer_id": ids, "clv": value})
    found = score_orders(summary, continuity, worth, rng=np.random.default_rng(1))
    assert found.agreement["tau"][0] == pytest.approx(43 / 45) and found.findings()[0].claim == "D38"
    with pytest.raises(RefusedError, match="9 customers"):
        score_orders(summary.head(9), continuity, worth, rng=np.random.default_rng(1))
