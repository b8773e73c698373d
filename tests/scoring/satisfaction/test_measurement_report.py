"""Every key that a result of measurement or importance can show has its words, and every figure draws."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot

from crmresearch.reporting.figures import importance as of_importance
from crmresearch.reporting.figures import measurement as of_measurement
from crmresearch.reporting.figures.theme import theme
from crmresearch.reporting.words import Words, load_words
from crmresearch.results import Finding
from crmresearch.scoring import satisfaction as wing
from crmresearch.scoring.satisfaction.screening import RULES

LANGUAGES = ("en", "zh")
CONSTRUCTS = ["performance_cost", "performance_staff", "satisfaction", "loyalty"]
CODES = {"cause", "rule", "reason", "measure", "quadrant", "asymmetry_class", "category", "runner_up", "sign", "check"}
CODES |= {"term", "kano_category"}


@pytest.fixture(scope="module")
def results(petrochemical) -> dict[str, object]:
    survey, instrument, _ = petrochemical
    three = {"attributes": ["rated_cost", "rated_promise", "rated_staff"], "outcome": "satisfaction"}
    rng = np.random.default_rng(1)
    confirmed = wing.confirm_factors(survey, instrument, constructs=CONSTRUCTS)
    return {
        "screening": wing.screen_respondents(survey, instrument),
        "omega": wing.score_omega(survey, instrument),
        "factorability": wing.score_factorability(survey, instrument, constructs=CONSTRUCTS),
        "exploration": wing.explore_factors(survey, instrument, constructs=CONSTRUCTS, draws=100, rng=rng),
        "confirmation": confirmed,
        "validity": wing.score_validity(confirmed, resamples=200, rng=rng),
        "method": wing.score_method_risk(survey, instrument, constructs=CONSTRUCTS),
        "relative": wing.score_relative_importance(survey, instrument, **three, resamples=200, rng=rng),
        "stated": wing.map_importance_performance(survey, instrument, resamples=200, rng=rng),
        "derived": wing.map_importance_performance(
            survey, instrument, importance="derived", **three, resamples=200, rng=rng
        ),
        "asymmetry": wing.fit_penalty_reward(survey, instrument, **three),
        "index": wing.score_index(survey, instrument, resamples=200, rng=rng),
        "definitions": wing.compare_definitions(survey, instrument, outcome="satisfaction", resamples=200, rng=rng),
        "surface": wing.fit_response_surface(survey, instrument, outcome="satisfaction"),
        "kano": wing.classify_kano(survey, instrument),
        "recommendation": wing.score_recommendation(survey, instrument),
        "value": wing.score_delivered_value(
            survey, instrument, value=["performance_promise"], cost=["performance_cost"]
        ),
    }


@pytest.fixture(scope="module")
def words(petrochemical) -> Words:
    instrument = petrochemical[1]
    names = [*instrument.constructs, *instrument.items, *instrument.attributes, *instrument.kano.features]
    return load_words().with_terms({name: {"en": name, "zh": name} for name in names})


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_shown_has_words(results, words, language) -> None:
    for result in results.values():
        assert words.method(result.recipe.method, language)
        assert all(words.option(key, value, language)[0] for key, value in result.recipe.options.items())
        for finding in result.findings():
            sentence = words.sentence(finding, language)
            assert not any(word in sentence for word in ("impact", "影响", "导致")), sentence
        for exhibit in result.exhibits():
            assert words.caption(exhibit.key, language)
            for column in exhibit.data:
                assert words.of("exhibits", exhibit.key).column(column, language)
            for note in exhibit.notes:
                assert words.note(note, language)
            for column in CODES & set(exhibit.data):
                for code in set(exhibit.data[column]) - {""}:
                    assert words.of("exhibits", exhibit.key).word(code), (exhibit.key, column, code)


@pytest.mark.parametrize("key", ["factorability", "cfa_fit", "ratio_predicts"])
def test_each_verdict_has_its_sentence(results, words, key) -> None:
    finding = next(f for result in results.values() for f in result.findings() if f.key == key)
    verdicts = ("supported", "contradicted", *(("inconclusive",) if finding.claim else ()))
    said = {words.sentence(Finding(key, finding.values, v), language) for v in verdicts for language in LANGUAGES}
    assert len(said) == 2 * len(verdicts)


@pytest.mark.parametrize(
    "code",
    [*RULES, "one_item", "two_items", "mixed_signs", "heywood_case", "no_maximum", "too_few_respondents_for_omega"],
)
def test_every_cause_has_words(words, code) -> None:
    assert words.label(code, "en") != words.label(code, "zh")


@pytest.mark.parametrize("language", LANGUAGES)
def test_figures_draw(results, words, language) -> None:
    drawn = [
        (of_measurement.plot_screening, results["screening"].rules, "screening", {}),
        (of_measurement.plot_scree, results["exploration"].scree, "scree", {}),
        (of_measurement.plot_loadings, results["exploration"].loadings, "loading_map", {}),
        (of_measurement.plot_confirmed_loadings, results["confirmation"].loadings, "cfa_loadings", {}),
        (of_importance.plot_relative_importance, results["relative"].attributes, "relative_importance", {}),
        (of_importance.plot_quadrants, results["stated"].attributes, "quadrants", {"lines": results["stated"].lines}),
        (of_importance.plot_penalty_reward, results["asymmetry"].attributes, "penalty_reward", {}),
        (of_importance.plot_artefact, results["definitions"].points, "ratio_artefact", {}),
        (
            of_importance.plot_surface,
            results["surface"].grid,
            "response_surface",
            {"points": results["surface"].points},
        ),
        (of_importance.plot_kano, results["kano"].features, "kano", {}),
        (of_importance.plot_recommendation, results["recommendation"].answers, "recommendation", {}),
    ]
    for plot, data, key, options in drawn:
        assert words.figure(key, language) and words.alt(key, language)
        with theme():
            picture = io.BytesIO()
            figure = plot(data, words.of("figures", key).say(language), **options)
            figure.savefig(picture)
        pyplot.close(figure)
        assert picture.getbuffer().nbytes > 5_000, key


def test_the_risk_card_finds_one_source_where_there_is_but_one(instrument) -> None:
    """All answers from one factor: Harman's share, the gain of CFI and the collinearity are raised."""
    rng = np.random.default_rng(1)
    mood = rng.standard_normal((300, 1))
    x = 50 + 10 * (0.9 * mood + np.sqrt(0.19) * rng.standard_normal((300, 9)))
    items = [f"{c}{i}" for c in "abc" for i in (1, 2, 3)]
    survey = pd.DataFrame(x.round().astype(int), columns=items).assign(respondent_id=[f"r{i}" for i in range(300)])
    scale = instrument({c: [f"{c}{i}" for i in (1, 2, 3)] for c in "abc"}, low=-50, high=150)
    card = wing.score_method_risk(survey, scale).card.set_index("sign")["raised"]
    assert card[["harman", "cfi_gain", "full_collinearity", "marker_correlation"]].all()
    apart = 50 + 10 * (0.9 * rng.standard_normal((300, 3)).repeat(3, axis=1) + 0.44 * rng.standard_normal((300, 9)))
    survey[items] = apart.round().astype(int)
    assert not wing.score_method_risk(survey, scale).card["raised"].drop(4, errors="ignore").any()
