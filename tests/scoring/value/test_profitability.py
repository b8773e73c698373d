"""Cost to serve and the whale curve: by hand, by simulation, by rule."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmresearch.errors import RefusedError, UsageError
from crmresearch.scoring.value import known_rates, score_profitability, trace_costs

START, END = dt.date(2025, 1, 1), dt.date(2025, 12, 31)
ORDERS = pd.DataFrame({"customer_id": ["a", "b"], "n_orders": [2, 1], "n_lines": [5, 1], "n_returns": [0, 1]})
VISITS = pd.DataFrame(
    {
        "customer_id": ["a", "c", "a", "b"],
        "date": pd.to_datetime(["2025-02-01", "2025-03-01", "2024-12-31", "2025-05-05"]),
        "cost": [30.0, 70.0, 999.0, None],
    }
)
PAYMENTS = pd.DataFrame(
    {
        "customer_id": ["a", "b"],
        "invoice_date": pd.to_datetime(["2025-01-01", "2025-06-01"]),
        "paid_date": pd.to_datetime(["2025-03-15", None]),
        "paid_amount": [10_000.0, None],
    }
)


def traced(**options):
    window = {"start": START, "as_of": END}
    return trace_costs(ORDERS, rates={"order": 10, "returned": 5}, **window, **options)


def test_hand_computed() -> None:
    found = traced(interactions=VISITS, payments=PAYMENTS, annual_rate=0.1)
    cost = found.customers.set_index("customer_id")["cost_to_serve"]
    # a: two orders, a visit, 10,000 for 73 days at 10 %; b: an order and a return; c bought nothing and was visited.
    assert cost.to_dict() == pytest.approx({"a": 20 + 30 + 10_000 * 73 / 365 * 0.1, "b": 15, "c": 70})


def test_what_is_not_observed_is_not_zero() -> None:
    """B05's rule for costs: an activity without rate or record has no cost printed, and is named."""
    found = traced()
    activities = found.activities.set_index("activity")
    assert activities.loc["serve_line", "evidence"] == "not_observed"
    assert np.isnan(activities.loc["serve_line", "activity_cost"]) and activities.loc["serve_line", "quantity"] == 6
    missing = found.findings()[1].values["activities"]
    assert missing == ["serve_line", "serve_complaint", "serve_contact", "serve_credit"]


def test_a_rate_of_zero_is_a_statement() -> None:
    found = trace_costs(ORDERS, start=START, as_of=END, rates={"order": 1, "line": 0.0})
    assert found.activities.set_index("activity").loc["serve_line", "activity_cost"] == 0.0


def test_booked_costs_go_to_their_customer() -> None:
    booked = pd.DataFrame({"customer_id": ["b"], "date": pd.to_datetime(["2025-07-01"]), "cost": [12.0]})
    assert traced(costs=booked).customers["cost_to_serve"].tolist() == [20, 27]


@pytest.mark.parametrize("rates", [{"order": -1.0}, {"visit": 3.0}, {"line": float("nan")}])
def test_rates_that_mean_nothing(rates) -> None:
    with pytest.raises(UsageError, match="rate"):
        trace_costs(ORDERS, start=START, as_of=END, rates=rates)


def test_no_cost_at_all_is_refused() -> None:
    with pytest.raises(RefusedError, match="no activity has a rate"):
        trace_costs(ORDERS, start=START, as_of=END, rates=known_rates(order=None))


def profits(*net: float, serving: float = 0.0):
    ids = [f"c{i:03d}" for i in range(len(net))]
    table = pd.DataFrame({"customer_id": ids, "revenue": np.abs(net), "contribution": np.array(net) + serving})
    cost = pd.DataFrame({"customer_id": ids, "cost_to_serve": serving})
    return score_profitability(table, cost, rng=np.random.default_rng(1), n_resamples=100)


def test_whale_curve_by_hand() -> None:
    """B14: 60 + 40 + 20 earned, 20 lost: a peak of 120 % with three of four customers."""
    found = profits(40, -20, 60, 20, serving=7)
    value = found.summary.set_index("measure")["value"]
    assert found.curve["share_profit"].tolist() == pytest.approx([0, 0.6, 1.0, 1.2, 1.0])
    assert (value["peak"], value["share_at_peak"], value["n_loss"]) == (pytest.approx(1.2), 0.75, 1)
    assert found.customers["profit_class"].tolist() == ["high_profit", "high_profit", "low_profit", "loss_making"]
    assert found.exhibits()[-1].data["net_profit"].tolist() == [-20]


def test_currency_does_not_matter() -> None:
    once, again = profits(40, -20, 60, 20), profits(4000, -2000, 6000, 2000)
    pd.testing.assert_series_equal(once.summary["value"][1:], again.summary["value"][1:])
    assert once.customers["customer_id"].equals(again.customers["customer_id"])


def test_customers_served_without_orders_are_losses() -> None:
    table = pd.DataFrame({"customer_id": ["a"], "revenue": [10.0], "contribution": [5.0]})
    cost = pd.DataFrame({"customer_id": ["a", "z"], "cost_to_serve": [1.0, 2.0]})
    found = score_profitability(table, cost, rng=np.random.default_rng(1), n_resamples=100)
    assert found.customers["net_profit"].tolist() == [4, -2]


def test_negative_total_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"net profit of -10\.00"):
        profits(5, -15)


def test_costing_moves_customers_across_zero() -> None:
    table = pd.DataFrame({"customer_id": ["a", "b"], "revenue": [100.0, 100.0], "contribution": [20.0, 3.0]})
    cost = pd.DataFrame({"customer_id": ["a", "b"], "cost_to_serve": [2.0, 4.0]})
    found = score_profitability(table, cost, rng=np.random.default_rng(1), n_resamples=100)
    changed = found.sensitivity.set_index("costing")["n_changed"].to_dict()
    assert changed == {"rates_halved": 1, "rates_as_used": 0, "rates_doubled": 0, "over_revenue": 1}
