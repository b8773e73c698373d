"""Six rules of key accounts, their agreement, wallet share and product holding."""

from __future__ import annotations

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import fleiss_kappa as statsmodels_fleiss

from crmresearch.errors import RefusedError, UsageError
from crmresearch.scoring.value import identify_key_accounts, score_holdings, score_wallet
from crmresearch.scoring.value.agreement import cohen_kappa, fleiss_kappa, kendall_interval
from crmresearch.scoring.value.wallet import current_wallet

END = dt.date(2025, 12, 31)
IDS = list("abcdefghij")
TABLE = pd.DataFrame(
    {
        "customer_id": IDS,
        "revenue": [40.0, 30, 10, 8, 5, 3, 2, 1, 1, 0],
        "contribution": [1.0, 9, 2, 1, 1, 1, 1, 0.5, 0.5, 0],
    }
)
RATINGS = pd.DataFrame({"rater": "r", "customer_id": ["h", "i"], "criterion": "strategy", "rating": [5.0, 1.0]})
FLAGGED = pd.Series([True, False, True] + [False] * 7, index=IDS)


def identified(**options):
    return identify_key_accounts(
        TABLE, as_of=END, rng=np.random.default_rng(1), n_resamples=100, **{"top_share": 0.2} | options
    )


def flagged(found, rule: str) -> str:
    return "".join(found.flags.index[found.flags[rule]].sort_values())


def test_six_rules_by_hand() -> None:
    """A3: each rule on ten customers, the top two by the ranking rules."""
    continuity = pd.Series(np.linspace(0.1, 1.0, 10), index=IDS)
    wallet = pd.DataFrame({"customer_id": IDS, "date": pd.Timestamp(END), "total_spend": [100.0] * 9 + [1000.0]})
    found = identified(
        continuity=continuity,
        wallet=wallet,
        ratings=RATINGS,
        criteria={"strategic_importance": "strategy"},
        flagged=FLAGGED,
    )
    assert flagged(found, "k1") == "ab"  # 40 + 30 of 100; 40 alone is not more than half
    assert flagged(found, "k2") == "ij"  # power and loyalty: j, then i
    assert flagged(found, "k4") == "abhi"  # by revenue a and b, by rating h and i
    assert flagged(found, "k5") == "ac"
    assert flagged(found, "k6") == "b"  # by revenue a, b; by contribution b, c
    missing = found.facets[found.facets["evidence"] == "not_observed"][["rule", "facet"]].values.tolist()
    assert missing == [["k2", "influence"], ["k3", "willingness"]]
    shares = found.rules.set_index("rule")
    assert shares.loc["k1", "share_revenue"] == pytest.approx(0.7) and shares.loc["k5", "n_key"] == 2


def test_a_rule_without_facets_is_not_applied() -> None:
    found = identified()
    assert found.applied == ["k1", "k3", "k4", "k6"]
    rules = found.rules.set_index("rule")
    assert np.isnan(rules.loc["k5", "n_key"]) and np.isnan(rules.loc["k2", "share_revenue"])


def test_customers_who_change_by_rule_are_listed() -> None:
    found = identified(flagged=FLAGGED)
    changing = next(e for e in found.exhibits() if e.key == "key_changing").data
    assert set(changing["customer_id"]) == {"a", "b", "c"} and "b" not in flagged(found, "k5")
    assert found.patterns["n_customers"].sum() == 10


def test_row_order_and_currency_do_not_matter() -> None:
    shuffled = TABLE.sample(frac=1, random_state=1)
    shuffled[["revenue", "contribution"]] *= 10_000
    again = identify_key_accounts(
        shuffled, as_of=END, rng=np.random.default_rng(1), n_resamples=100, top_share=0.2, flagged=FLAGGED
    )
    once = identified(flagged=FLAGGED)
    assert once.flags.sort_index().equals(again.flags.sort_index()) and once.fleiss == again.fleiss


def test_refusals() -> None:
    with pytest.raises(RefusedError, match="9 customers"):
        identify_key_accounts(TABLE.head(9), as_of=END, rng=np.random.default_rng(1))
    with pytest.raises(UsageError, match="criterion 'charm'"):
        identified(ratings=RATINGS, criteria={"influence": "charm"})
    with pytest.raises(UsageError, match="top_share"):
        identified(top_share=0.0)


def test_kappas_agree_with_scikit_learn_and_statsmodels() -> None:
    rng = np.random.default_rng(4)
    flags = rng.random((200, 4)) < np.array([0.1, 0.2, 0.3, 0.25])
    flags[:, 3] |= flags[:, 2]
    for i in range(4):
        ours = float(cohen_kappa(flags[:, 0], flags[:, i]))
        assert ours == pytest.approx(cohen_kappa_score(flags[:, 0], flags[:, i]))
    counts = np.column_stack([(~flags).sum(axis=1), flags.sum(axis=1)])
    assert fleiss_kappa(flags) == pytest.approx(statsmodels_fleiss(counts))


def test_kendall_interval_covers_the_truth() -> None:
    """Of two normals of correlation .5, tau is 2/π · asin(.5) = 1/3."""
    rng = np.random.default_rng(6)
    inside = 0
    for _ in range(200):
        x = rng.normal(size=150)
        y = 0.5 * x + np.sqrt(0.75) * rng.normal(size=150)
        _, low, high = kendall_interval(x, y, rng=rng)
        inside += low <= 1 / 3 <= high
    assert 0.91 <= inside / 200 <= 0.985


WALLET = pd.DataFrame(
    {
        "customer_id": ["a", "a", "a", "b", "c", "d"],
        "date": pd.to_datetime(["2025-01-01", "2025-06-01", "2025-07-01", "2025-06-01", "2022-01-01", "2026-02-01"]),
        "total_spend": [200.0, 100.0, 400.0, 20.0, 50.0, 50.0],
        "low_spend": [None, 80.0, None, None, None, None],
        "high_spend": [None, 160.0, None, 40.0, None, None],
        "source": ["x", "books", "rumour", "visit", "visit", "visit"],
        "grade": ["B", "A", None, "B", "A", "A"],
    }
)


def test_the_best_grade_then_the_newest_counts() -> None:
    """B06: source grade before date; estimates that are too old, or of the future, are left out."""
    found = current_wallet(WALLET, as_of=END).set_index("customer_id")
    assert found["total_spend"].to_dict() == {"a": 100.0, "b": 20.0} and found.loc["a", "grade"] == "A"


def test_wallet_share_by_hand() -> None:
    found = score_wallet(TABLE, WALLET, as_of=END, rng=np.random.default_rng(1))
    a, b = found.customers.set_index("customer_id").loc[["a", "b"]].to_dict("records")
    assert (a["wallet_share"], a["wallet_low"], a["wallet_high"], a["unfilled"]) == (0.4, 0.25, 0.5, 60)
    assert (b["wallet_share"], b["above_total"], b["unfilled"]) == (1.0, True, 0)
    assert found.findings()[-1].verdict == "not testable with these data"


def test_wallet_ranking_finds_growth_where_there_is_some() -> None:
    """D39, both ways: growth that follows what is bought elsewhere, and growth that does not."""
    rng = np.random.default_rng(7)
    own = pd.DataFrame({"customer_id": [f"c{i}" for i in range(300)], "revenue": rng.gamma(2, 50, 300)})
    share = rng.uniform(0.1, 0.9, 300)
    wallet = pd.DataFrame(
        {"customer_id": own["customer_id"], "date": pd.Timestamp(END), "total_spend": own["revenue"] / share}
    )
    for growth, verdict in ((1.5 - share, "supported"), (0.5 + share, "contradicted")):
        later = own.assign(revenue=own["revenue"] * growth * rng.lognormal(0, 0.2, 300))
        claim = score_wallet(own, wallet, as_of=END, rng=rng, later=later).findings()[-1]
        assert (claim.claim, claim.verdict) == ("D39", verdict)


def test_no_estimate_is_refused_with_what_to_collect() -> None:
    with pytest.raises(RefusedError, match="no estimates"):
        score_wallet(TABLE, None, as_of=END, rng=np.random.default_rng(1))
    with pytest.raises(RefusedError, match="none of 9 customers"):
        score_wallet(TABLE, WALLET.tail(2), as_of=END, rng=np.random.default_rng(1))


SCHEMA = {"customer_id": "str", "date": "date", "product": "str", "amount": "decimal(18, 2)"}
DAY = dt.date(2025, 6, 1)
LINES = [
    ("a", DAY, "p", "60"),
    ("a", DAY, "q", "30"),
    ("b", DAY, "p", "100"),
    ("c", DAY, "p", "20"),
    ("c", DAY, "q", "20"),
    ("d", DAY, "q", "50"),
    ("d", DAY, "p", "-5"),
    ("e", DAY, None, "9"),
]


def holdings(rows=LINES, **options):
    orders = ibis.memtable(rows, schema=SCHEMA)
    return score_holdings(orders, start=dt.date(2025, 1, 1), as_of=END, **options)


def test_holding_and_white_space_by_hand() -> None:
    """B07, B08: a net return is no holding; b lacks q, d lacks p."""
    found = holdings(target=0.8)
    products = found.products.set_index("product")
    assert products["penetration"].to_dict() == {"p": 0.75, "q": 0.75}
    assert products["target_gap"].tolist() == pytest.approx([0.05, 0.05])
    assert found.customers.set_index("customer_id")["n_held"].to_dict() == {"a": 2, "b": 1, "c": 2, "d": 1}
    space = found.white_space.set_index(["customer_id", "product"])
    # a spends half as much on q as on p, c as much: the median ratio is .75, of b's spend of 100, at 75 %.
    assert space.loc[("b", "q"), "expected_spend_new"] == pytest.approx(0.75 * 0.75 * 100)
    assert space.loc[("d", "p"), "basket_ratio"] == pytest.approx(1.5) and len(space) == 2


def test_peers_are_of_the_same_group_and_shrunken() -> None:
    groups = pd.Series({"a": "x", "b": "x", "c": "y", "d": "y"})
    found = holdings(groups=groups, prior_customers=2)
    space = found.white_space.set_index(["customer_id", "product"])
    assert space.loc[("b", "q"), "peer_penetration"] == pytest.approx((0.5 * 2 + 2 * 0.75) / 4)
    assert found.matrix.loc["x"].to_dict() == {"p": 1.0, "q": 0.5}


def test_holdings_refuse() -> None:
    with pytest.raises(RefusedError, match="1 products"):
        holdings(LINES[:1])
    with pytest.raises(UsageError, match="nobody bought 'z'"):
        holdings(products=["p", "z"])
    with pytest.raises(UsageError, match="target"):
        holdings(target=1.2)
