"""Indicator systems: data, measurement by hand, shrinkage, raters, and the true ranking of the simulated case."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pingouin
import pyarrow as pa
import pytest
from pydantic import ValidationError
from scipy import stats

from crmresearch.case import IndicatorSystem, Project, Valuation, load_case
from crmresearch.cleaning import clean_case
from crmresearch.errors import RefusedError, UsageError
from crmresearch.reporting.words import load_words
from crmresearch.scoring.value import (
    Indicator,
    build_indicators,
    judge_criteria,
    load_system,
    measure_indicators,
    rank_by,
    score_agreement,
    summarise_customers,
    weigh,
)
from crmresearch.scoring.value.indicators import PRESETS, shrink_means, shrink_shares
from crmresearch.scoring.value.indicators.formulas import FORMULAS

ROOT = Path(__file__).resolve().parents[3]
AS_OF = dt.date(2024, 12, 31)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_whole_and_their_names_are_words(name) -> None:
    system = load_system(name)
    for key, node in system.indicators().items():
        assert node.formula in FORMULAS and node.direction and node.unit and node.table, key
        assert load_words().word(f"formula_{node.formula}")
    for key, node, _ in system.walk():
        assert load_words().word(key) == {"en": node.en, "zh": node.zh}


def test_logistics_system_is_the_documented_one() -> None:
    """A1: profit, continuity, condition, credit; cross-sell, strategic ability, industry stage, development."""
    groups = load_system("logistics").groups
    assert [list(g.children) for g in groups.values()] == [
        ["profit", "continuity", "condition", "credit"],
        ["cross_sell", "strategic", "industry_stage", "growth"],
    ]
    assert groups["current_value"].zh == "当前价值" and groups["potential_value"].zh == "潜在价值"
    assert groups["current_value"].children["credit"].zh == "信誉情况"
    by_name = load_system("logistics").indicators()
    assert by_name["payment_delay_days"].direction == by_name["default_rate"].direction == "cost"
    assert by_name["industry_stage"].direction == "ordinal"


def test_monopoly_system_is_the_documented_one() -> None:
    """A2: contribution (past, present, future), violation record, severity, growth room."""
    system = load_system("monopoly_retail")
    assert list(system.groups) == ["contribution", "has_violation", "violation_severity", "growth_room"]
    assert list(system.groups["contribution"].children) == ["past_profit", "present_profit", "future_profit"]


LEAF = {"en": "x", "zh": "x", "table": "orders", "formula": "spend"}


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (LEAF, "has no direction; a wrong one reverses the ranking"),
        (LEAF | {"direction": "target"}, "target go together"),
        (LEAF | {"direction": "ordinal"}, "levels go together"),
        ({"en": "x", "zh": "x", "direction": "cost"}, "needs a formula and a table, or children"),
        (LEAF | {"direction": "cost", "children": {"y": LEAF | {"direction": "cost"}}}, "either group or indicator"),
        (LEAF | {"direction": "target", "target": [2, 1]}, "from low to high"),
    ],
)
def test_system_that_breaks_a_rule_is_no_system(node, message) -> None:
    """Bad input 140: direction missing."""
    with pytest.raises(ValidationError, match=message):
        IndicatorSystem.model_validate({"title": {"en": "t", "zh": "t"}, "groups": {"x": node}})


def orders_of(rows) -> ibis.Table:
    customers, days, products, amounts, costs = zip(*rows, strict=True)
    money = pa.decimal128(18, 2)
    return ibis.memtable(
        pa.table(
            {
                "customer_id": pa.array(customers, pa.string()),
                "date": pa.array([dt.date.fromisoformat(d) for d in days], pa.date32()),
                "product": pa.array(products, pa.string()),
                "amount": pa.array([Decimal(a) for a in amounts], money),
                "cost": pa.array([None if c is None else Decimal(c) for c in costs], money),
            }
        )
    )


def small_case():
    orders = orders_of(
        [
            ("a", "2024-01-10", "P", 100, 60),
            ("a", "2024-03-10", "Q", 100, 60),
            ("a", "2024-03-20", "P", -50, -30),
            ("b", "2023-06-01", "P", 40, 30),
            ("b", "2024-12-31", "P", 60, None),
            ("b", "2025-01-01", "R", 999, 1),
        ]
    )
    tables = {
        "payments": pd.DataFrame(
            {
                "invoice_id": ["1", "1", "2", "3", "4"],
                "customer_id": ["a", "a", "a", "b", "b"],
                "invoice_date": pd.to_datetime(["2024-01-10"] * 3 + ["2024-06-01", "2024-12-20"]),
                "due_date": pd.to_datetime(["2024-02-01"] * 3 + ["2024-12-21", "2025-01-20"]),
                "paid_date": pd.to_datetime(["2024-02-11", "2024-02-05", "2024-01-31", None, None]),
                "paid_amount": [75.0, 25.0, 10.0, 5.0, 5.0],
            }
        ),
        "contracts": pd.DataFrame(
            {
                "contract_id": ["1", "2", "3"],
                "customer_id": ["a", "a", "b"],
                "start_date": pd.to_datetime(["2024-01-01", "2024-02-01", "2025-02-01"]),
                "breached": [True, False, True],
            }
        ),
        "violations": pd.DataFrame(
            {"customer_id": ["b", "b"], "date": pd.to_datetime(["2024-01-01", "2024-02-01"]), "severity": [1, 3]}
        ),
        "wallet": pd.DataFrame(
            {
                "customer_id": ["a", "a", "b"],
                "date": pd.to_datetime(["2023-12-31", "2024-12-31", "2024-12-31"]),
                "total_spend": [1.0, 300.0, 30.0],
            }
        ),
    }
    summary = summarise_customers(orders, as_of=AS_OF).customers
    return summary, orders, tables


def measured_value(customers: pd.DataFrame, name: str) -> list:
    return customers.set_index("customer_id")[name].round(4).tolist()


def test_formulas_by_hand() -> None:
    summary, orders, tables = small_case()
    own = IndicatorSystem.model_validate(
        {
            "title": {"en": "t", "zh": "t"},
            "groups": {
                formula: {**LEAF, "formula": formula, "direction": "benefit", "window_days": window}
                for formula, window in (
                    *(("profit", 365), ("active_share", None), ("longest_gap", None), ("cross_sell", None)),
                    *(("payment_delay", None), ("default_rate", None), ("overdue_rate", None), ("growth", None)),
                    *(("has_violation", None), ("wallet_share", None), ("past_profit", 365)),
                )
            },
        }
    )
    found = measure_indicators(summary, as_of=AS_OF, system=own, orders=orders, tables=tables).customers
    assert measured_value(found, "profit") == [
        60,
        round(60 * 70 / 190, 4),
    ]  # the line without a cost at the margin of the others
    assert measured_value(found, "past_profit") == [0, 10]
    assert measured_value(found, "active_share") == [round(2 / 12, 4), round(2 / 19, 4)]
    assert measured_value(found, "longest_gap") == [296, 579]  # a: open since 10 March; b: between its two orders
    assert measured_value(found, "cross_sell") == [0, 0.5]
    # a: invoice 1 in parts, (75·10 + 25·4) / 100 = 8.5, invoice 2 −1; b: open and due for 10 days, the other not yet
    assert measured_value(found, "payment_delay") == [3.75, 10]
    assert measured_value(found, "default_rate")[0] == 0.5 and np.isnan(measured_value(found, "default_rate")[1])
    assert measured_value(found, "overdue_rate") == [0.5, 1]
    assert measured_value(found, "has_violation") == [0, 1]
    assert measured_value(found, "wallet_share") == [0.5, 1]  # b sold twice its estimate


def test_growth_is_the_slope_of_monthly_amounts() -> None:
    rows = [("a", f"2024-{m:02d}-05", "P", 10 * m, 1) for m in range(1, 13)]
    orders = orders_of(rows)
    own = IndicatorSystem.model_validate(
        {"title": {"en": "t", "zh": "t"}, "groups": {"g": {**LEAF, "formula": "growth", "direction": "benefit"}}}
    )
    summary = summarise_customers(orders, as_of=AS_OF).customers
    found = measure_indicators(summary, as_of=AS_OF, system=own, orders=orders).customers
    assert measured_value(found, "g") == [round(10 * 12 / 65, 4)]


def test_what_is_not_observed_is_told_and_never_nought() -> None:
    summary, orders, tables = small_case()
    del tables["contracts"], tables["wallet"]
    found = measure_indicators(summary, as_of=AS_OF, system="logistics", orders=orders, tables=tables)
    status = found.coverage.set_index("indicator")["observed_status"].to_dict()
    assert status["default_rate"] == "no_table" and status["industry_stage"] == "no_table"
    assert status["condition"] == "no_table" and status["profit"] == "observed"
    assert "default_rate" not in found.customers
    told = [f.values["indicator"] for f in found.findings() if f.key == "indicator_not_observed"]
    assert "default_rate" in told and "profit" not in told
    with pytest.raises(RefusedError, match=r"no indicator of the system was observed: past_profit \(no_orders\)"):
        measure_indicators(summary, as_of=AS_OF, system="monopoly_retail")
    with pytest.raises(UsageError, match="no system of indicators 'logistic'; nearest: logistics"):
        load_system("logistic")
    with pytest.raises(UsageError, match="no system of indicators 'case'"):
        load_system("case", Valuation())


def test_margin_rate_stands_in_with_a_remark() -> None:
    orders = orders_of([("a", "2024-05-01", "P", 100, None), ("b", "2024-05-01", "P", 300, None)])
    summary = summarise_customers(orders, as_of=AS_OF).customers
    options = {"as_of": AS_OF, "system": "general_b2b", "orders": orders}
    without = measure_indicators(summary, **options).coverage.set_index("indicator")
    assert without.loc["profit", "observed_status"] == "no_cost"
    found = measure_indicators(summary, **options, valuation=Valuation(margin_rate=0.2))
    assert measured_value(found.customers, "profit") == [20, 60]
    assert "note_profit_by_margin_rate" in [f.key for f in found.findings()]


def test_target_and_ordinal_directions() -> None:
    table = pd.DataFrame(
        {"customer_id": list("abc"), "share": [0.1, 0.5, 0.9], "stage": ["growth", "decline", "mature"]}
    )
    indicators = (
        Indicator("share", "target", target=(0.3, 0.7)),
        Indicator("stage", "ordinal", levels={"growth": 3, "mature": 2, "decline": 1}),
    )
    matrix = build_indicators(table, indicators=indicators)
    np.testing.assert_allclose(matrix.values, [[0.2, 3], [0, 1], [0.2, 2]], atol=1e-12)
    assert matrix.is_benefit.tolist() == [False, True]
    with pytest.raises(RefusedError, match="the level 'rising', which its order does not name"):
        build_indicators(table.assign(stage="rising"), indicators=indicators)
    with pytest.raises(UsageError, match="direction 'target' with target None"):
        Indicator("share", "target")


def test_missing_values_by_rule() -> None:
    table = pd.DataFrame({"customer_id": list("abcd"), "x": [1.0, 2, 3, np.nan], "y": [np.nan] * 3 + [1]})
    directions = {"x": "benefit", "y": "benefit"}
    filled = build_indicators(table, directions=directions, missing="median")
    assert filled.names == ["x"] and filled.values.ravel().tolist() == [1, 2, 3, 2]
    assert [f.key for f in filled.findings()] == ["indicator_matrix", "indicator_set_aside", "indicator_filled"]
    left = build_indicators(table, directions=directions, missing="leave_out")
    assert left.customer_id.tolist() == ["a", "b", "c"] and left.recipe.options["n_unmeasured"] == 1
    with pytest.raises(RefusedError, match="'x' is missing or infinite for 1 customers, first 'd'"):
        build_indicators(table, directions=directions)
    with pytest.raises(RefusedError, match="no indicator is observed for 90% of the customers"):
        build_indicators(table, directions=directions, missing="median", least_observed=0.9)


def test_shrinkage_recovers_true_shares_better_than_the_raw() -> None:
    rng = np.random.default_rng(11)
    truth, n = rng.beta(2, 18, 3000), rng.integers(1, 12, 3000)
    hits = rng.binomial(n, truth)
    found = shrink_shares(hits, n)
    raw_error, error = ((hits / n - truth) ** 2).mean(), ((found.values - truth) ** 2).mean()
    assert error < 0.4 * raw_error
    assert found.centre == pytest.approx(0.1, abs=0.01) and found.strength == pytest.approx(20, rel=0.25)


def test_shrinkage_of_means_recovers_the_spread() -> None:
    rng = np.random.default_rng(12)
    truth, variance = rng.normal(5, 2, 4000), rng.uniform(0.5, 6, 4000)
    means = rng.normal(truth, np.sqrt(variance))
    found = shrink_means(means, variance)
    assert ((found.values - truth) ** 2).mean() < 0.8 * ((means - truth) ** 2).mean()
    assert found.strength == pytest.approx(np.median(variance) / 4, rel=0.1)
    assert np.isnan(shrink_means(np.array([np.nan, 1, 2]), np.array([1.0, 1, 1])).values[0])


def test_equal_shares_are_all_the_mean() -> None:
    found = shrink_shares([1, 2, 0], [10, 20, 0])
    assert found.values[:2].tolist() == [0.1, 0.1] and np.isnan(found.values[2]) and np.isinf(found.strength)


SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def test_agreement_of_shrout_fleiss_and_pingouin() -> None:
    """Shrout & Fleiss (1979), table 2: ICC(2,1) = .29, ICC(2,4) = .62."""
    rows = [(f"j{j}", f"s{i}", "x", v) for i, row in enumerate(SHROUT_FLEISS) for j, v in enumerate(row)]
    ratings = pd.DataFrame(rows, columns=["rater", "customer_id", "criterion", "rating"])
    row = score_agreement(ratings).table.iloc[0]
    assert (round(row["icc_single"], 2), round(row["icc_mean"], 2)) == (0.29, 0.62)
    oracle = pingouin.intraclass_corr(ratings, "customer_id", "rater", "rating")
    oracle = oracle.set_index(oracle["Type"].str.replace(" ", ""))
    for kind, low, high in (("ICC(A,1)", "single_low", "single_high"), ("ICC(A,k)", "mean_low", "mean_high")):
        interval = next(c for c in oracle.columns if c.startswith("CI95"))
        np.testing.assert_allclose([row[low], row[high]], oracle.loc[kind, interval], atol=0.006)
    with pytest.raises(RefusedError, match="no criterion was rated by two raters"):
        score_agreement(ratings[ratings["rater"] == "j0"])


@pytest.fixture(scope="module")
def petrochemical():
    project = Project(ROOT)
    case = load_case(project, "petrochemical")
    processed = clean_case(project, case)
    folder = case.folder / "truth"
    records = pd.read_parquet(folder / "records.parquet")
    firm_of = dict(zip(records["record_id"], records["entity"].astype(str), strict=True))
    orders = ibis.duckdb.connect().read_parquet(processed.path("orders"))
    orders = orders.mutate(customer_id=orders.customer_id.substitute(firm_of)).cache()
    tables = {}
    for name in set(processed.tables) - {"orders"}:
        table = pd.read_parquet(processed.path(name), dtype_backend="numpy_nullable")
        if "customer_id" in table:
            table["customer_id"] = table["customer_id"].map(firm_of)
        tables[name] = table
    tables["customers"] = tables["customers"].drop_duplicates("customer_id")
    summary = summarise_customers(orders, as_of=AS_OF).customers
    measured = measure_indicators(
        summary, as_of=AS_OF, system="logistics", orders=orders, tables=tables, valuation=case.file.value
    )
    truth = pd.read_parquet(folder / "firms.parquet").assign(entity=lambda f: f["entity"].astype(str))
    return measured, judge_criteria(tables["judgements"]), truth.set_index("entity")["value"]


@pytest.mark.parametrize(
    ("weighting", "method", "least"),
    [("ahp", "topsis", 0.65), ("combined", "topsis", 0.65), ("ahp", "rank_sum_ratio", 0.75)],
)
def test_true_ranking_of_petrochemical_is_recovered(petrochemical, weighting, method, least) -> None:
    """Kendall's τ between score and true value of the firms, with a bootstrap interval."""
    measured, judged, truth = petrochemical
    matrix = build_indicators(measured.customers, indicators=measured.indicators, missing="median")
    score = rank_by(
        matrix, weigh(matrix, weighting=weighting, judged=judged, system=measured.system), method=method
    ).score
    value = truth.loc[matrix.customer_id].to_numpy()
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(value), (200, len(value)))
    draws = [stats.kendalltau(score[r], value[r]).statistic for r in rows]
    low, high = np.quantile(draws, [0.025, 0.975])
    assert least < low < high < 1


def test_experts_of_petrochemical_recover_the_true_weights(petrochemical) -> None:
    _, judged, _ = petrochemical
    told = dict(zip(judged.table["judged_item"], judged.table["weight"], strict=True))
    for name, weight in {"利润贡献": 0.4, "订单连续性": 0.2, "信誉": 0.18, "交叉销售": 0.1, "发展潜力": 0.12}.items():
        assert told[name] == pytest.approx(weight, abs=0.02)
    assert judged.contradictions["expert"].tolist() == ["专家5"]
