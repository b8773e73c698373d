"""Every key that a result of this wing can show has its words, and every figure draws, in both languages."""

import io

import matplotlib.pyplot as plt
import pytest

from crmresearch.reporting.figures.satisfaction import plot_answers, plot_coefficients, plot_loyalty, plot_reliability
from crmresearch.reporting.figures.theme import theme
from crmresearch.reporting.words import Words, load_words
from crmresearch.results import Finding, Result
from crmresearch.scoring.satisfaction import fit_loyalty, score_constructs, score_reliability

LANGUAGES = ("en", "zh")


@pytest.fixture(scope="module")
def results(instrument, survey):
    answers = survey(
        a=[1, 2, 3, 4, 5, 2], b=[2, 1, 4, 4, 5, 3], c=[5, 4, 3, 1, 2, 5], d=[1, 3, 2, 5, 4, 2], e=[1, 3, 3, 5, 5, 1]
    )
    scale = instrument({"satisfaction": ["a", "b", "c"], "loyalty": ["d", "e"], "single": ["a"]})
    scores = score_constructs(answers, scale)
    return {
        "scores": scores,
        "reliability": score_reliability(answers, scale),
        "loyalty": fit_loyalty(scores.scores),
    }


@pytest.fixture(scope="module")
def words() -> Words:
    names = ("satisfaction", "loyalty", "single", "a", "b", "c", "d", "e")
    return load_words().with_terms({name: {"en": name, "zh": name} for name in names})


def _say_everything(result: Result, words: Words, language: str) -> list[str]:
    said = [words.method(result.recipe.method, language)]
    said += [words.option(key, value, language)[0] for key, value in result.recipe.options.items()]
    said += [words.sentence(finding, language) for finding in result.findings()]
    for exhibit in result.exhibits():
        said += [words.caption(exhibit.key, language)]
        said += [words.of("exhibits", exhibit.key).column(name, language) for name in exhibit.data.columns]
        said += [words.note(note, language) for note in exhibit.notes]
    return said


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["scores", "reliability", "loyalty"])
def test_everything_shown_has_words(results, words, name, language):
    assert all(_say_everything(results[name], words, language))


def test_results_of_the_sample_cover_suspects_and_refusals(results):
    assert [e.key for e in results["scores"].exhibits()] == ["construct_scores", "reverse_suspects"]
    assert set(results["reliability"].refused["cause"]) == {"negative_alpha", "one_item"}


@pytest.mark.parametrize("verdict", ["supported", "contradicted", "inconclusive"])
def test_every_verdict_states_interval_and_smallest_effect_and_none_says_impact(results, words, verdict):
    judged = results["loyalty"].findings()[0]
    sentences = [words.sentence(Finding(judged.key, judged.values, verdict), language) for language in LANGUAGES]
    for sentence in sentences:
        assert "0.100" in sentence
        assert not any(word in sentence for word in ("impact", "effect of satisfaction", "影响", "导致"))


@pytest.mark.parametrize(
    "cause", ["one_item", "constant_item", "identical_items", "negative_alpha", "too_few_respondents"]
)
def test_every_cause_of_refusal_has_words(words, cause):
    assert words.label(cause, "en") != words.label(cause, "zh")


@pytest.mark.parametrize("language", LANGUAGES)
def test_figures_draw(results, words, language):
    drawn = (
        (plot_answers, results["scores"].answers, "answers"),
        (plot_reliability, results["reliability"].constructs, "reliability"),
        (plot_loyalty, results["loyalty"].points, "loyalty"),
        (plot_coefficients, results["loyalty"].regression.coefficients, "loyalty_coefficients"),
    )
    for plot, data, key in drawn:
        assert words.figure(key, language) and words.alt(key, language)
        with theme():
            picture = io.BytesIO()
            figure = plot(data, words.say(language))
            figure.savefig(picture)
        plt.close(figure)
        assert picture.getbuffer().nbytes > 5_000
