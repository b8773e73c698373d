"""Every key that a model, a link or a kind of loyalty can show has its words; no sentence claims an effect."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from crmresearch.reporting.words import load_words
from crmresearch.results import Finding, Result
from crmresearch.scoring import satisfaction as s
from crmresearch.scoring.satisfaction.untestable import NEEDS

BANNED = ("impact", "affects", "影响", "导致", "drives", "because of")
NAMES = ("x", "m", "w", "y", "p", "e", "item", "place", "customer_id", "price")


def _rng() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.fixture(scope="module")
def results() -> list[Result]:
    rng, n = _rng(), 120
    x, w = rng.normal(4, 1, (2, n))
    m = 0.5 * x + rng.normal(2, 1, n)
    p, e = rng.uniform(2, 7, (2, n))
    data = pd.DataFrame({"x": x, "w": w, "m": m, "y": 0.4 * m + 0.3 * x + rng.normal(0, 1, n), "p": p, "e": e})
    data["item"] = np.clip(np.round(data["y"]), 1, 6)
    data["again"] = (x + rng.logistic(size=n) > 4).astype(float)
    data["place"] = np.tile(list("abcdef"), 20)
    data.index = [f"r{i}" for i in range(n)]
    day = dt.date(2026, 6, 30)
    survey = pd.DataFrame({"respondent_id": data.index, "customer_id": [f"c{i}" for i in range(n)]})
    survey["submitted"], survey["wave"] = pd.Timestamp(day), np.repeat(["1", "2"], n // 2)
    lines = [
        (f"c{i}", dt.date(2026, k, 1 + i % 27), str(10 + i))
        for i in range(n)
        for k in range(1, 13)
        if k < 7 or (i % 3 and k < 8 + i % 5)
    ]
    orders = ibis.memtable(lines, schema={"customer_id": "str", "date": "date", "amount": "decimal(18, 2)"})
    scores = data[["x", "w", "m", "y"]]
    extra = survey[["customer_id"]].assign(key_account=np.arange(n) % 4 == 0, branch=data["place"].to_numpy())
    linked = s.link_behaviour(scores, survey, orders, as_of=dt.date(2026, 12, 31), extra=extra)
    customers = linked.customers
    staff = pd.DataFrame({"branch": np.repeat(list("abcdef"), 5), "i": rng.normal(4, 1, 30)})
    return [
        s.correlate(scores),
        s.fit_blocks(data, outcome="y", blocks=[["x"], ["m"]], rng=_rng(), resamples=200, claim="D24"),
        s.fit_shapes(data, outcome="y", predictor="x", rng=_rng(), resamples=200),
        s.fit_ordered(data, outcome="item", predictors=["x"]),
        s.fit_ordered(data, outcome="item", predictors=["x"], link="probit"),
        s.fit_repurchase(data, outcome="again", predictors=["x"]),
        s.moderate(data, outcome="y", predictor="x", moderator="w", claim="D30"),
        s.compare_backgrounds(data, outcomes=["y"], backgrounds=["place"]),
        s.cross_tabulate(data, outcomes=["item"], backgrounds=["place"], rng=_rng(), permutations=99),
        s.test_equivalence(data, outcome="y", predictors=["x", "w"]),
        s.plan_sample(n),
        s.mediate(data, "x", ["m"], "y", rng=_rng(), resamples=100),
        s.mediate_conditionally(data, "x", ["m"], "y", "w", rng=_rng(), stages=["first", "second"], resamples=100),
        linked,
        s.fit_leaving(customers, predictors=["x"], claim="D13"),
        s.fit_leaving(customers, predictors=["w"], claim="D30"),
        s.judge_key_accounts(customers, rng=_rng(), satisfaction="x", loyalty="y", resamples=100),
        s.link_employees(customers, staff, score="x", rng=_rng(), permutations=99),
        s.compare_waves(scores[["x"]], survey),
        s.measure_loyalty(customers, measured_by={"tenure": "tenure_days", "trust": "x"}),
        s.type_loyalty(customers, attitude="y", patronage="purchases_after", scale=(1, 7), declared=["reward: low"]),
        s.compare_bands(data.assign(g=p - e), gap="g", outcomes=["x"], rng=_rng(), resamples=200),
        s.name_untestable(list(NEEDS)),
    ]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_everything_shown_has_words(results, language):
    words = load_words().with_terms({name: {"en": name, "zh": name} for name in (*NAMES, "i", "g", "again")})
    for result in results:
        assert isinstance(result, Result)
        assert words.method(result.recipe.method, language)
        assert all(words.option(key, value, language)[0] for key, value in result.recipe.options.items())
        for finding in result.findings():
            entry = words.entries["findings"][finding.key]
            verdicts = [None] if "en" in entry else list(entry)
            for verdict in verdicts:
                sentence = words.sentence(Finding(finding.key, finding.values, verdict), language)
                assert not any(word in sentence for word in BANNED), sentence
        for exhibit in result.exhibits():
            assert words.caption(exhibit.key, language)
            assert all(words.of("exhibits", exhibit.key).column(column, language) for column in exhibit.data.columns)
            assert all(words.note(note, language) for note in exhibit.notes)


def test_time_runs_one_way(results):
    """By hand: customers whose last purchase lies before the day of asking did not buy again."""
    customers = next(r for r in results if hasattr(r, "coverage")).customers
    number = customers["customer_id"].str[1:].astype(int)
    assert customers.loc[number % 3 == 0, "bought_again"].eq(0).all()
    assert customers.loc[number % 3 != 0, "bought_again"].eq(1).all()
    first_of_month = number % 27 == 0  # a purchase on 1 January lies 180 days back, outside the window
    assert (customers["purchases_before"] == np.where(first_of_month, 5, 6)).all()


def test_the_claim_with_two_readings_says_which_one_is_judged(results):
    """D30: later leaving in one scorer, a flatter slope of loyalty on satisfaction in the other."""
    notes = {
        (finding.key, finding.claim): {note for exhibit in result.exhibits() for note in exhibit.notes}
        for result in results
        for finding in result.findings()
    }
    assert "d30_as_leaving" in notes["leaving_hazard", "D30"]
    assert "d30_as_leaving" not in notes["leaving_hazard", "D13"]
    assert "d30_as_product" in notes["moderation_product", "D30"]
