"""What foretells an outcome: one class is refused, the future is kept out, and a fit too good is named (133, 143)."""

from __future__ import annotations

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from crmresearch.errors import RefusedError
from crmresearch.reporting.words import load_words
from crmresearch.scoring.satisfaction import fit_leaving, fit_repurchase, link_behaviour
from crmresearch.scoring.satisfaction.linking import LinkedCustomers

N = 60
ASKED, AS_OF = dt.date(2026, 6, 30), dt.date(2026, 12, 31)


def linked(later: float = 1.0, beyond: float = 1.0) -> LinkedCustomers:
    """Customers who bought before; every third one again; spending after the survey and after ``as_of`` as given."""
    lines = [(f"c{i:02d}", dt.date(2026, k, 3 + i % 20), str(10 + i)) for i in range(N) for k in range(1, 7)]
    lines += [(f"c{i:02d}", dt.date(2026, 8, 5), str((50 + i) * later)) for i in range(0, N, 3)]
    lines += [(f"c{i:02d}", dt.date(2027, 1, 1 + i % 9), str(1_000 * beyond)) for i in range(1, N, 2)]
    orders = ibis.memtable(lines, schema={"customer_id": "str", "date": "date", "amount": "decimal(18, 2)"})
    names = [f"r{i}" for i in range(N)]
    survey = pd.DataFrame({"respondent_id": names, "customer_id": [f"c{i:02d}" for i in range(N)]})
    survey["submitted"] = pd.Timestamp(ASKED)
    scores = pd.DataFrame({"satisfaction": np.random.default_rng(2).normal(4, 1, N)}, index=names)
    return link_behaviour(scores, survey, orders, as_of=AS_OF, horizon_days=90)


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    return linked().customers


@pytest.mark.parametrize("value", [0, 1])
def test_one_class_in_the_target_is_refused(value: int, customers: pd.DataFrame) -> None:
    """Catalogue 133: a regression of yes or no, without one of the two."""
    with pytest.raises(RefusedError, match=f"'again' is constant \\({value} in all {N} rows\\)"):
        fit_repurchase(customers.assign(again=value), outcome="again", predictors=["satisfaction"])


@pytest.mark.parametrize("left", [0.0, 1.0])
def test_nobody_or_everybody_left_is_refused(left: float, customers: pd.DataFrame) -> None:
    """Catalogue 133: a model of leaving, without one of the two."""
    data = customers.assign(left=left, followed_days=np.arange(1.0, N + 1))
    with pytest.raises(RefusedError, match=f"{int(left) * N} of {N} customers left"):
        fit_leaving(data, predictors=["satisfaction"])


def test_what_lies_after_the_day_of_asking_changes_no_feature(customers: pd.DataFrame) -> None:
    """Catalogue 143: features end on the day a customer was asked; nothing after ``as_of`` counts at all."""
    pd.testing.assert_frame_equal(linked(beyond=9.0).customers, customers)
    richer = linked(later=7.0).customers
    features = [c for c in customers if c.endswith("_before") or c in {"tenure_days", "satisfaction", "asked"}]
    assert {"purchases_before", "spend_before", "log_spend_before"} <= {*features}
    pd.testing.assert_frame_equal(richer[features], customers[features])
    assert richer["spend_after"].sum() == pytest.approx(7 * customers["spend_after"].sum())


def test_a_feature_out_of_the_future_is_refused_or_named(customers: pd.DataFrame) -> None:
    """Catalogue 143: spending after the survey says whether there was any; all but that is warned of."""
    with pytest.raises(RefusedError, match="'spend_after' separates the outcomes"):
        fit_repurchase(customers, outcome="bought_again", predictors=["spend_after"])
    rng = np.random.default_rng(8)
    again = np.repeat([0.0, 1.0], 200)
    data = pd.DataFrame(
        {"again": again, "known": 5 * again + rng.normal(size=400), "fair": again + rng.normal(size=400)}
    )
    noted = {}
    for predictor in ("known", "fair"):
        fit = fit_repurchase(data, outcome="again", predictors=[predictor])
        noted[predictor] = (fit.fit["auc"].iloc[0] > 0.99, fit.exhibits()[1].notes)
    assert noted == {"known": (True, ("auc_too_good",)), "fair": (False, ())}
    assert all(load_words().note("auc_too_good", language) for language in ("en", "zh"))
