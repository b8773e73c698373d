from __future__ import annotations

import datetime as dt
import math
import sys
from collections.abc import Callable, Sequence

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmresearch.errors import RefusedError, UsageError
from crmresearch.scoring.value.summary import summarise_customers, summarise_orders

AS_OF = dt.date(2026, 2, 10)
NAN = math.nan
Line = tuple[str | None, str, dt.date, str]
SCHEMA = {"order_id": "str", "customer_id": "str", "date": "date", "amount": "decimal(18, 2)"}


@pytest.fixture
def orders() -> Callable[[Sequence[Line]], ibis.Table]:
    """Order lines (order_id, customer_id, date, amount) as a table."""
    return lambda lines: ibis.memtable(list(lines), schema=SCHEMA)


@pytest.fixture
def hand_lines() -> list[Line]:
    """Six customers: a loyal one, one of a day, two lines of one order, a returner, a free sample, a late one."""
    day = dt.date
    return [
        (None, "loyal", day(2026, 1, 1), "10.10"),
        (None, "loyal", day(2026, 1, 11), "20.20"),
        (None, "loyal", day(2026, 1, 31), "0.20"),
        ("o1", "single", day(2026, 1, 5), "7.00"),
        ("o1", "single", day(2026, 1, 5), "3.00"),
        ("o2", "single", day(2026, 1, 5), "1.00"),
        (None, "returner", day(2026, 1, 2), "50.00"),
        (None, "returner", day(2026, 1, 20), "-15.00"),
        (None, "only_returns", day(2026, 1, 8), "-4.00"),
        (None, "sample", day(2026, 1, 3), "0.00"),
        (None, "late", day(2026, 2, 20), "9.00"),
    ]


def test_hand_computed(orders, hand_lines) -> None:
    summary = summarise_customers(orders(hand_lines), as_of=AS_OF).customers.set_index("customer_id")
    assert summary.index.tolist() == ["loyal", "only_returns", "returner", "sample", "single"]
    columns = ["n_orders", "n_purchase_days", "frequency", "t_x_days", "age_days", "recency_days", "spend", "returned"]
    expected = {
        "loyal": [3, 3, 2, 30, 40, 10, 30.5, 0],
        "only_returns": [0, 0, 0, NAN, NAN, NAN, -4, 4],
        "returner": [1, 1, 0, 0, 39, 39, 35, 15],
        "sample": [1, 1, 0, 0, 38, 38, 0, 0],
        "single": [2, 1, 0, 0, 36, 36, 11, 0],
    }
    for customer, row in expected.items():
        np.testing.assert_array_equal(summary.loc[customer, columns].astype(float), row, err_msg=customer)
    assert summary.loc["loyal", "mean_interval_days"] == 15
    assert summary.loc["loyal", "mean_repeat_spend"] == 10.2
    assert summary.loc["loyal", "mean_spend"] == pytest.approx(30.5 / 3, abs=1e-15)
    assert summary["mean_interval_days"].isna().sum() == 4
    assert summary.loc["loyal", "first_date"] == pd.Timestamp(2026, 1, 1)


def test_totals_add_up(orders, hand_lines) -> None:
    totals = summarise_customers(orders(hand_lines), as_of=AS_OF).totals.iloc[0]
    assert (totals["n_customers"], totals["n_buyers"], totals["n_orders"]) == (5, 4, 7)
    assert (totals["spend"], totals["returned"], totals["share_repeat"]) == (72.5, 19, 0.25)


def test_returns_only_customers_are_told(orders, hand_lines) -> None:
    findings = {f.key: f.values for f in summarise_customers(orders(hand_lines), as_of=AS_OF).findings()}
    assert findings["returns_only"] == {"n": 1, "n_customers": 5}


def test_free_samples_can_be_ignored(orders, hand_lines) -> None:
    summary = summarise_customers(orders(hand_lines), as_of=AS_OF, zero_amounts="ignored").customers
    sample = summary.set_index("customer_id").loc["sample"]
    assert sample["n_purchase_days"] == 0 and pd.isna(sample["first_date"])


def test_window_cuts_both_ends(orders, hand_lines) -> None:
    summary = summarise_customers(orders(hand_lines), start=dt.date(2026, 1, 10), as_of=dt.date(2026, 1, 31)).customers
    assert summary["customer_id"].tolist() == ["loyal", "returner"]
    assert summary.loc[0, ["n_orders", "age_days", "recency_days"]].tolist() == [2, 20, 0]


def test_orders_without_order_id_column(orders, hand_lines) -> None:
    lines = orders(hand_lines).drop("order_id")
    assert summarise_customers(lines, as_of=AS_OF).customers.set_index("customer_id").loc["single", "n_orders"] == 3


def test_money_is_exact(orders) -> None:
    lines = [(None, "a", dt.date(2026, 1, 1 + i % 20), "0.10") for i in range(1000)]
    assert summarise_customers(orders(lines), as_of=AS_OF).customers.loc[0, "spend"] == 100.0


def test_as_of_before_first_order_is_refused(orders, hand_lines) -> None:
    with pytest.raises(RefusedError, match=r"as_of: no order .* the orders run from 2026-01-01 to 2026-02-20"):
        summarise_customers(orders(hand_lines), as_of=dt.date(2025, 12, 31))


def test_no_orders_at_all_is_refused(orders, hand_lines) -> None:
    with pytest.raises(RefusedError, match="there are no orders"):
        summarise_customers(orders(hand_lines).filter(ibis.literal(False)), as_of=AS_OF)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"zero_amounts": "maybe"}, "is unknown"), ({"start": dt.date(2026, 3, 1)}, "start 2026-03-01 is after as_of")],
)
def test_bad_options(orders, hand_lines, options, message) -> None:
    with pytest.raises(UsageError, match=message):
        summarise_orders(orders(hand_lines), as_of=AS_OF, **options)


amounts = st.integers(-5_000, 50_000).map(lambda cents: f"{cents / 100:.2f}")
lines_of = st.lists(
    st.tuples(
        st.sampled_from([None, "o1", "o2"]),
        st.sampled_from("abc"),
        st.dates(dt.date(2026, 1, 1), dt.date(2026, 1, 20)),
        amounts,
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=lines_of, seed=st.integers(0, 99))
def test_line_order_never_matters(orders, lines, seed) -> None:
    shuffled = [lines[i] for i in np.random.default_rng(seed).permutation(len(lines))]
    ours, theirs = (summarise_customers(orders(x), as_of=AS_OF).customers for x in (lines, shuffled))
    pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=lines_of)
def test_against_plain_pandas(orders, lines) -> None:
    frame = pd.DataFrame(lines, columns=["order_id", "customer_id", "date", "amount"]).astype({"amount": float})
    frame["date"] = pd.to_datetime(frame["date"])
    ours = summarise_customers(orders(lines), as_of=AS_OF).customers.set_index("customer_id")
    np.testing.assert_allclose(ours["spend"], frame.groupby("customer_id")["amount"].sum(), atol=1e-9)
    bought = frame[frame["amount"] >= 0].groupby("customer_id")["date"].agg(["nunique", "min", "max"])
    bought = bought.reindex(ours.index)
    np.testing.assert_array_equal(ours["n_purchase_days"], bought["nunique"].fillna(0))
    np.testing.assert_array_equal(ours["t_x_days"], (bought["max"] - bought["min"]).dt.days)
    np.testing.assert_array_equal(ours["recency_days"], (pd.Timestamp(AS_OF) - bought["max"]).dt.days)


@pytest.mark.slow
def test_duckdb_and_spark_agree_to_the_last_digit(tmp_path, orders, hand_lines, monkeypatch) -> None:
    sql = pytest.importorskip("pyspark.sql", reason="the optional extra 'spark' is not installed")
    rng = np.random.default_rng(7)
    n = 3000
    lines = hand_lines + [
        (
            f"o{rng.integers(50)}" if rng.random() < 0.5 else None,
            f"c{rng.integers(200):03d}",
            dt.date(2026, 1, 1) + dt.timedelta(days=int(rng.integers(60))),
            f"{rng.integers(-2000, 90_000) / 100:.2f}",
        )
        for _ in range(n)
    ]
    path = tmp_path / "orders.parquet"
    orders(lines).to_parquet(path)
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    session = (
        sql.SparkSession.builder.master("local[2]")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .getOrCreate()
    )
    try:
        duck, spark = (
            summarise_customers(engine.read_parquet(path), start=dt.date(2026, 1, 3), as_of=AS_OF).customers
            for engine in (ibis.duckdb.connect(), ibis.pyspark.connect(session))
        )
    finally:
        session.stop()
    assert len(duck) > 200
    pd.testing.assert_frame_equal(duck, spark, check_exact=True)
