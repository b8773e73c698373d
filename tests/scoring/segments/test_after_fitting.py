"""What is done with segments: rules, cards, worth, movement, assignment, needs, stages; by hand where it can be."""

import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest

from crmresearch.errors import InputError, RefusedError
from crmresearch.scoring import segments as scoring
from tests.scoring.segments.simulated import make_answers, make_customers


@pytest.fixture(scope="module")
def found() -> tuple[pd.DataFrame, scoring.Segmentation]:
    features = make_customers(300, 3).drop(columns="true")
    prepared = scoring.prepare_features(features, transformation=["none", "rank", "yeo_johnson", "none"])
    return features, scoring.fit_segments(prepared, rng=np.random.default_rng(0), n_starts=3)


def test_rules_give_clear_segments_back_in_few_conditions(found):
    rules = scoring.explain_segments(found[1], rng=np.random.default_rng(0))
    assert rules.agreement > 0.95 > rules.largest_share
    conditions = rules.rules.groupby(["segment", "rule_number"]).size()
    assert conditions.max() <= 4
    with pytest.raises(RefusedError, match="between 1 and 4"):
        scoring.explain_segments(found[1], rng=np.random.default_rng(0), max_conditions=5)


def test_criteria_see_three_segments_and_one(found):
    votes = scoring.compare_numbers(found[1], rng=np.random.default_rng(0), n_starts=2).votes
    assert (votes["votes_for"] == 3).sum() >= 6
    one = scoring.prepare_features(make_customers(300, 1).drop(columns="true"))
    cloud = scoring.fit_segments(one, rng=np.random.default_rng(0), n_starts=1, k_range=(2, 3, 4))
    said = scoring.compare_numbers(cloud, rng=np.random.default_rng(0), n_starts=2).votes
    assert (said.loc[said["can_say_one"], "votes_for"] == 1).all()


def test_saved_segmentation_is_json_and_gives_everyone_back(found, tmp_path):
    features, fit = found
    saved = scoring.freeze_segmentation(fit)
    scoring.save_segmentation(saved, tmp_path / "segments.json")
    again = scoring.load_segmentation(tmp_path / "segments.json")
    assert again.to_json() == saved.to_json() and json.loads(saved.to_json())["metric"] == "euclidean"
    placed = scoring.assign_customers(again, features)
    assert placed.segments.tolist() == fit.segments.tolist() and saved.given_back == 1
    assert 0 < placed.customers["unlike_any"].mean() <= 0.02
    far = scoring.assign_customers(again, features.iloc[:1] + 100)
    assert far.customers["unlike_any"].tolist() == [True]


def test_saved_segmentation_meets_other_columns(found):
    features, fit = found
    saved = scoring.freeze_segmentation(fit)
    with pytest.raises(RefusedError, match=r"no column 'x1'.*stands on x0, x1, x2, x3"):
        scoring.assign_customers(saved, features.rename(columns={"x1": "x_one"}))
    with pytest.raises(RefusedError, match="not numbers"):
        scoring.assign_customers(saved, features.astype({"x0": str}))
    with pytest.raises(InputError, match="no saved segmentation"):
        scoring.SavedSegmentation.from_json("[1, 2]")
    gap = scoring.assign_customers(saved, features.assign(x0=features["x0"].where(features.index != "c00000")))
    assert gap.left_out["customer_id"].tolist() == ["c00000"]


def test_migration_by_hand():
    before = pd.Series([1, 1, 1, 1, 2, 2], index=list("abcdef"))
    after = pd.Series([1, 1, 1, 2, 2, 1], index=list("abcdeg"))
    moved = scoring.score_migration(before, after, date_before=dt.date(2024, 1, 1), date_after=dt.date(2024, 7, 1))
    assert moved.moves["n_customers"].tolist() == [3, 1, 0, 1]
    assert moved.moves["share_of_row"].tolist() == [0.75, 0.25, 0, 1]
    assert moved.balance["newcomers"].tolist() == [1, 0] and moved.balance["vanished"].tolist() == [0, 1]
    with pytest.raises(RefusedError, match="is not after"):
        scoring.score_migration(before, after, date_before=dt.date(2024, 7, 1), date_after=dt.date(2024, 7, 1))
    with pytest.raises(RefusedError, match="no customer is there at both dates"):
        scoring.score_migration(
            before, after.set_axis(list("uvwxyz")), date_before=dt.date(2024, 1, 1), date_after=dt.date(2024, 7, 1)
        )


def test_drift_sees_a_shift_and_no_other(found):
    features, fit = found
    saved = scoring.freeze_segmentation(fit)
    drift = scoring.score_drift(saved, features, features.assign(x0=features["x0"] + 3), fit.segments, fit.segments)
    assert set(drift.drift.loc[drift.drift["clearly_changed"], "feature"]) == {"x0"}


def test_periods_of_months_end_on_the_days_there_are():
    """Catalogue 100: the 31st less a month is that month's last day, and no order falls between two periods."""
    days = pd.date_range("2023-08-01", "2024-03-31")
    orders = pd.DataFrame({"customer_id": np.repeat(["a", "b"], len(days)), "date": [*days, *days], "amount": 1.0})
    stages = scoring.stage_customers(orders, as_of=dt.date(2024, 3, 31), rng=np.random.default_rng(0), months=1)
    spend = stages.panel[stages.panel["customer_id"] == "a"].set_index("period")["spend"]
    assert [str(end.date()) for end in spend.index[-3:]] == ["2024-01-31", "2024-02-29", "2024-03-31"]
    assert spend.tolist() == [31, 30, 31, 30, 31, 31, 29, 31]


def test_stages_by_hand():
    """Quarters to the end of 2024: one steady and silent at last, one single purchase, one known and never buying."""
    days = pd.to_datetime(
        ["2022-08-15", "2022-11-15", "2023-02-15", "2023-05-15", "2023-08-15", "2024-11-15"], format="%Y-%m-%d"
    )
    orders = pd.DataFrame({"customer_id": ["a"] * 5 + ["b"], "date": days, "amount": 10.0})
    known = pd.Series(pd.NaT, index=pd.Index(["a", "b", "c"], name="customer_id"), dtype="datetime64[s]")
    stages = scoring.stage_customers(orders, as_of=dt.date(2024, 12, 31), rng=np.random.default_rng(0), known=known)
    seen = stages.panel.pivot(index="customer_id", columns="period", values="stage")
    assert seen.loc["a"].tolist() == [
        "exploration", "formation", "stability", "stability", "stability", "stability", "decline", "decline",
        "ended", "ended",
    ]  # fmt: skip
    assert seen.loc["b"].tolist() == ["potential_customer"] * 9 + ["exploration"]
    assert set(seen.loc["c"]) == {"potential_customer"}
    with pytest.raises(RefusedError, match="fewer than"):
        scoring.stage_customers(orders, as_of=dt.date(2024, 12, 31), rng=np.random.default_rng(0), months=12)


def test_needs_claim_is_judged_where_it_is_made():
    """Claim D22: needs go with the region, not with the tier."""
    answers, groups = make_answers(200)
    result = scoring.score_needs(
        answers, groups, rng=np.random.default_rng(0), n_permutations=199, claimed_of=["region", "value_tier"]
    )
    verdicts = {f.values["classification"]: f.verdict for f in result.findings() if f.claim == "D22"}
    assert verdicts == {"region": "supported", "value_tier": "inconclusive"}
    with pytest.raises(RefusedError, match="a need is 0 or 1"):
        scoring.score_needs(answers + 1, groups, rng=np.random.default_rng(0))
    with pytest.raises(RefusedError, match="no classification has two groups"):
        scoring.score_needs(answers, groups.assign(region="one")[["region"]], rng=np.random.default_rng(0))
    with pytest.raises(RefusedError, match="30 respondents stated needs"):
        scoring.count_needs(answers.iloc[:30])


def test_tiers_stand_in_the_order_of_the_rule_and_classes_under_their_own_name():
    """Of 100 customers with the values 1 … 100, half of all value is with the top 30 (sum 2,565 of 5,050)."""
    values = pd.DataFrame({"customer_id": [f"c{i:03d}" for i in range(100)], "spend": np.arange(1.0, 101.0)})
    sizes = scoring.segment_by_size(values)
    survey = pd.DataFrame({"respondent_id": values["customer_id"], "customer_id": values["customer_id"]})
    tiers = scoring.group_respondents(
        survey, values.set_index("customer_id"), [], labels={"value_tier": sizes.names.where(sizes.segments != 3)}
    )
    members = pd.DataFrame({"respondent_id": values["customer_id"], "latent_class": np.repeat([1, 2], 50)})
    kinds = scoring.class_membership(members)
    found = scoring.score_needs(kinds, tiers, of="classes", rng=np.random.default_rng(0), n_permutations=99)
    shares, tests = (exhibit.data for exhibit in found.exhibits())
    assert shares["customer_group"].unique().tolist() == ["top_customers", "large_customers", "small_customers"]
    top = shares[shares["customer_group"] == "top_customers"].set_index("latent_class")
    assert top["n_assigned"].tolist() == [0, 30]
    assert tests["latent_class"].tolist() == [1, 2]
    assert [finding.key for finding in found.findings()] == ["classes_differ_most"]


def test_value_and_concentration_by_hand(found):
    fit = found[1]
    value = pd.Series(1.0, index=fit.segments.index, name="spend")
    worth = scoring.value_segments(fit, value, rng=np.random.default_rng(0)).value
    np.testing.assert_allclose(worth["share_of_value"], worth["share_of_customers"])
    np.testing.assert_allclose(worth["gini_within"], 0, atol=1e-12)


def test_representatives_hide_who_they_are(found):
    picked = scoring.pick_representatives(found[1], rng=np.random.default_rng(0), per_segment=2).customers
    assert len(picked) == 6 and "customer_id" not in picked
    assert not picked["customer_code"].str.contains("c0").any()
    again = scoring.pick_representatives(found[1], rng=np.random.default_rng(0), per_segment=2).customers
    assert picked["customer_code"].tolist() == again["customer_code"].tolist()


def test_cards_say_what_is_not_observed():
    orders = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b"],
            "date": pd.to_datetime(["2024-01-01", "2024-01-31", "2024-06-01"]),
            "amount": [10.0, 30.0, 500.0],
            "product": ["p", "q", "p"],
        }
    )
    spend = orders.groupby("customer_id", as_index=False)["amount"].sum()
    sizes = scoring.segment_by_profit(spend, value="amount")
    cards = scoring.build_cards(sizes, orders=orders).cards.set_index(["segment", "evidence"])
    assert cards.loc[(2, "main_product"), "typical"] == "q"
    assert cards.loc[(2, "days_between"), "median_level"] == 30
    assert "not_observed" in cards.loc[2].index
    with pytest.raises(RefusedError, match="no records"):
        scoring.build_cards(sizes)


def test_nothing_after_the_last_day_is_looked_at():
    """A line and a receipt of the future change neither measures nor cards."""
    orders = pd.DataFrame(
        {
            "customer_id": ["a", "a", "a", "b"],
            "date": pd.to_datetime(["2024-01-01", "2024-03-01", "2024-08-01", "2024-02-01"]),
            "amount": [10.0, 30.0, 9e6, 5.0],
        }
    )
    payments = pd.DataFrame(
        {
            "customer_id": ["a", "a", "a", "b"],
            "invoice_date": pd.to_datetime(["2024-01-01", "2024-03-01", "2024-08-01", "2024-02-01"]),
            "paid_date": pd.to_datetime(["2024-01-11", "2024-07-01", "2024-08-02", "2024-02-08"]),
        }
    )
    last = dt.date(2024, 6, 30)
    everyone = pd.DataFrame(index=pd.Index(["a", "b"], name="customer_id"))
    measured = scoring.measure_customers(everyone, as_of=last, orders=orders, payments=payments)
    assert measured["days_to_payment"].tolist() == [10, 7]
    assert measured.loc["a", "order_amount"] == 20
    sizes = scoring.segment_by_size(pd.DataFrame({"customer_id": ["a", "b"], "spend": [40.0, 5.0]}))
    cards = scoring.build_cards(sizes, orders=orders, payments=payments, as_of=last).cards
    evidence = cards[cards["segment"] == 1].set_index("evidence")["median_level"]
    assert evidence["days_to_payment"] == 10
    assert evidence["amount_per_order"] == 20


def test_rules_name_customers():
    money = pd.DataFrame({"customer_id": list("abcde"), "spend": [50.0, 30, 15, 5, None]})
    sizes = scoring.segment_by_size(money)
    assert sizes.names.tolist()[:4] == ["top_customers", "large_customers", "medium_customers", "small_customers"]
    assert sizes.findings()[-1].values == {"n": 1}
    values = pd.DataFrame({"customer_id": list("abcd"), "current_value": [1, 1, 9, 9], "future_value": [1, 9, 1, 9]})
    matrix = scoring.segment_by_matrix(values, cut=(5, 5)).names.tolist()
    assert matrix == ["matrix_lead", "matrix_iron", "matrix_gold", "matrix_platinum"]
    profit = pd.DataFrame({"customer_id": list("abc"), "profit": [9.0, 1.0, -1.0]})
    assert scoring.segment_by_profit(profit).names.tolist() == ["high_profit", "low_profit", "loss_making"]
    with pytest.raises(RefusedError, match="stands twice"):
        scoring.segment_by_size(pd.concat([money, money]))


def test_agreement_is_one_with_itself(found):
    same = scoring.compare_groups(found[1], found[1].segments.rename("known"), rng=np.random.default_rng(0))
    assert same.index["adjusted_rand"].iloc[0] == 1


def test_measures_by_hand():
    orders = pd.DataFrame(
        {
            "customer_id": ["a"] * 3,
            "date": pd.to_datetime(["2024-01-01", "2024-01-01", "2024-03-02"]),
            "order_id": ["1", "1", "2"],
            "amount": [60.0, 40.0, 300.0],
            "cost": [50.0, 30.0, 240.0],
        }
    )
    table = scoring.measure_customers(pd.DataFrame(index=pd.Index(["a"])), as_of=dt.date(2024, 12, 31), orders=orders)
    assert table.loc["a", "margin"] == pytest.approx(0.2) and table.loc["a", "order_amount"] == 200
    assert table.loc["a", "orders_per_month"] == pytest.approx(2 / (61 / (365.25 / 12) + 1))


def test_noise_is_in_no_segment():
    x = np.r_[
        np.random.default_rng(0).normal(size=(60, 2)), np.random.default_rng(1).normal(20, 1, (60, 2)), [[60, -60]]
    ]
    prepared = scoring.prepare_features(pd.DataFrame(x, columns=["a", "b"]))
    dense = scoring.fit_segments(prepared, rng=np.random.default_rng(0), method="hdbscan", smallest_share=0.2)
    assert dense.k == 2 and dense.segments.iloc[-1] == 0
    assert scoring.profile_segments(dense).sizes["n_customers"].sum() == (dense.segments > 0).sum()


def test_no_segments_is_an_answer_and_its_followers_say_so():
    x = pd.DataFrame(np.random.default_rng(3).random((200, 2)), columns=["a", "b"])
    none = scoring.fit_segments(
        scoring.prepare_features(x), rng=np.random.default_rng(0), method="hdbscan", smallest_share=0.45
    )
    assert none.k == 0 and none.findings()[0].key == "segments_dense_none"
    for scorer in (scoring.profile_segments, scoring.freeze_segmentation):
        with pytest.raises(RefusedError, match="there are no segments"):
            scorer(none)
