"""Every word and figure of accounts and of the CLV matrix, from scorers to sentences, in both languages."""

from __future__ import annotations

import datetime as dt

import ibis
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from crmresearch.reporting.figures import accounts, clv
from crmresearch.reporting.figures.theme import theme
from crmresearch.reporting.numbers import LANGUAGES
from crmresearch.reporting.words import load_words
from crmresearch.scoring import value
from tests.worded import check_words

END, START = dt.date(2025, 12, 31), dt.date(2025, 1, 1)
SCHEMA = {"customer_id": "str", "date": "date", "product": "str", "amount": "decimal(18, 2)"}


@pytest.fixture(scope="module")
def results() -> dict[str, object]:
    """One result of each scorer, from forty customers drawn from a seed."""
    rng = np.random.default_rng(1)
    who = rng.integers(0, 40, 900)
    days = [dt.date(2024, 1, 1) + dt.timedelta(int(d)) for d in rng.integers(0, 731, 900)]
    amounts = [f"{a:.2f}" for a in rng.lognormal(who / 15, 0.5)]
    rows = list(zip([f"c{i:02d}" for i in who], days, rng.choice(list("pqr"), 900), amounts, strict=True))
    orders = ibis.memtable(rows, schema=SCHEMA)
    drawn = {"rng": rng, "n_resamples": 100}
    found = {"contribution": value.measure_contribution(orders, as_of=END, start=START, margin=0.3)}
    customers = found["contribution"].customers
    found["costs"] = value.trace_costs(customers, start=START, as_of=END, rates={"order": 1.0, "complaint": 2.0})
    found["profit"] = value.score_profitability(customers, found["costs"].customers, **drawn)
    found["concentration"] = value.score_concentration(customers, measure="revenue", **drawn)
    found["panel"] = value.build_panel(orders, as_of=END)
    found["stay"] = value.score_stay_on_top(found["panel"], **drawn)
    flagged = pd.Series(np.arange(40) > 30, index=[f"c{i:02d}" for i in range(40)])
    found["key"] = value.identify_key_accounts(customers, as_of=END, flagged=flagged, top_share=0.2, **drawn)
    found["steady"] = value.compare_volatility(found["panel"], found["key"].flags, rule="k5", **drawn)
    wallet = pd.DataFrame({"customer_id": flagged.index, "date": pd.Timestamp(END), "total_spend": 900.0, "grade": "A"})
    found["wallet"] = value.score_wallet(customers, wallet, as_of=END, rng=rng, later=customers)
    found["holdings"] = value.score_holdings(orders, start=START, as_of=END, target=0.9)
    to_come = customers[["customer_id"]].assign(residual_value=rng.gamma(1, 50, len(customers)))
    found["matrix"] = value.classify_clv(customers, to_come)
    found["check"] = value.check_clv_matrix(found["matrix"], customers, holdout_days=365, **drawn)
    summary = value.summarise_customers(orders, as_of=END).customers
    worth = to_come.rename(columns={"residual_value": "clv"})
    found["score"] = value.score_orders(summary, found["panel"].continuity, worth, rng=rng)
    return found


def test_everything_said_has_words(results) -> None:
    words = load_words()
    for result in results.values():
        for language in LANGUAGES:
            check_words(result, words, language)


def test_every_verdict_of_every_claim_has_a_sentence() -> None:
    findings = load_words().entries["findings"]
    claims = ("half_jointly", "stay_on_top", "steadier", "wallet_growth", "clv_classes", "gold_loyal", "order_score")
    for claim in claims:
        assert {"supported", "contradicted", "inconclusive"} <= set(findings[f"claim_{claim}"]), claim


def test_every_text_in_a_cell_is_worded(results) -> None:
    """Cells of kind text are words, not code; identifiers and products have kinds of their own."""
    words = load_words()
    allowed = {"A", "B", "C"}
    for result in results.values():
        for exhibit in result.exhibits():
            for column in exhibit.data.columns:
                own = words.of("exhibits", exhibit.key)
                if own.kind(column) == "text" and column not in ("pattern",):
                    cells = set(exhibit.data[column].dropna().unique()) - allowed
                    assert all(own.word(cell) for cell in cells), (exhibit.key, column, cells)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_figure_draws(results, language) -> None:
    say = load_words().of("figures", "whale_curve").say(language)
    key = results["key"]
    parts = pd.DataFrame(
        {
            "part": ["current_part", "repeat_part", "cross_part", "up_part", "referral_part"],
            "part_value": [100.0, 80.0, 10.0, -5.0, np.nan],
            "part_low": [np.nan, 70.0, 5.0, -9.0, np.nan],
            "part_high": [np.nan, 95.0, 15.0, -1.0, np.nan],
        }
    )
    figures = [
        accounts.plot_whale(results["profit"].curve, say),
        accounts.plot_net_profit(results["profit"].customers, say),
        accounts.plot_costs(results["costs"].activities, say),
        accounts.plot_concentration(results["concentration"].accounts, say, measure="revenue"),
        accounts.plot_key_rules(key.patterns, say, rules=key.applied),
        accounts.plot_kappa(key.pairs, say),
        accounts.plot_volatility(results["steady"].months, say),
        accounts.plot_penetration(results["holdings"].matrix, say),
        accounts.plot_wallet(results["wallet"].customers, say),
    ]
    with theme():
        figures += [
            clv.plot_value_parts(parts, say),
            clv.plot_clv_matrix(results["matrix"].customers, say, cuts=results["matrix"].cuts),
            clv.plot_classes_later(results["check"].classes, say),
        ]
        for figure in figures:
            figure.canvas.draw()
            plt.close(figure)
    unobserved = [text.get_text() for text in figures[9].axes[0].texts]
    assert say("not_observed") in unobserved
