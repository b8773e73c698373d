"""Every key that a result of this wing can show has its words, and every figure draws, in both languages."""

import io

import numpy as np
import pytest

from crmresearch.reporting.figures import segments as figures
from crmresearch.reporting.figures.theme import theme
from crmresearch.reporting.words import Words, load_words
from crmresearch.scoring.segments import (
    assess_one_segment,
    fit_segments,
    prepare_features,
    profile_segments,
    score_stability,
)
from tests.scoring.segments.simulated import make_customers

LANGUAGES = ("en", "zh")


def _rng() -> np.random.Generator:
    return np.random.default_rng(2)


@pytest.fixture(scope="module")
def results():
    simulated = make_customers(150, 3)
    features = simulated.drop(columns="true").assign(copy=simulated["x0"] * 2)
    prepared = prepare_features(features, transformation={"x1": "rank"})
    swept = fit_segments(prepared, rng=_rng(), n_starts=3)
    flat = fit_segments(prepare_features(make_customers(150, 1).drop(columns="true")), rng=_rng(), k=2, n_starts=3)
    return {
        "prepared": prepared,
        "swept": swept,
        "given": flat,
        "stability": score_stability(swept, rng=_rng(), n_resamples=5),
        "exist": assess_one_segment(swept, rng=_rng(), n_references=19, max_points=100),
        "absent": assess_one_segment(flat, rng=_rng(), n_references=19, max_points=100),
        "profiles": profile_segments(swept, simulated[["true"]].astype(float)),
        "near_base": profile_segments(flat, naming_distance=3),
    }


@pytest.fixture(scope="module")
def words() -> Words:
    names = ("x0", "x1", "x2", "x3", "copy", "true")
    return load_words().with_terms({name: {"en": name, "zh": name} for name in names})


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_shown_has_words(results, words, language):
    for result in results.values():
        assert words.method(result.recipe.method, language)
        assert all(words.option(key, value, language)[0] for key, value in result.recipe.options.items())
        assert all(words.sentence(finding, language) for finding in result.findings())
        for exhibit in result.exhibits():
            assert words.caption(exhibit.key, language)
            assert all(words.column(name, language) for name in exhibit.data.columns)
            assert all(words.note(note, language) for note in exhibit.notes)


def test_sample_covers_the_findings(results):
    keys = {finding.key for result in results.values() for finding in result.findings()}
    assert keys >= {
        "features_correlated",
        "segments_swept",
        "segments_given",
        "segments_exist",
        "segments_absent",
        "segments_stable",
        "segment_near_base",
        "segments_separated_by",
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_name_of_a_segment_has_its_sentence(words, language):
    for key in ("segment_highest", "segment_lowest", "segment_highest_lowest", "segment_near_base"):
        assert "{segment:integer}" in words.text("findings", key)[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_figures_draw(results, words, language):
    drawn = (
        (figures.plot_silhouettes, results["swept"].sweep, "silhouettes"),
        (figures.plot_segment_heatmap, results["profiles"].profile, "segment_heatmap"),
        (figures.plot_segment_sizes, results["profiles"].sizes, "segment_sizes"),
        (figures.plot_segment_map, results["swept"].map(), "segment_map"),
        (figures.plot_segment_stability, results["stability"].segments, "segment_stability"),
    )
    for plot, data, key in drawn:
        assert words.figure(key, language) and words.alt(key, language)
        with theme():
            picture = io.BytesIO()
            plot(data, words.say(language)).savefig(picture)
        assert picture.getbuffer().nbytes > 5_000


def test_map_keeps_the_share_of_variance_of_its_axes(results):
    share = results["swept"].map().attrs["share_of_variance"]
    assert sum(share) <= 1 and share[0] >= share[1] > 0
