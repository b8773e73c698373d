"""Everything a path model says has words in both languages, and its figures draw in both."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from crmresearch.reporting.figures import paths as figures
from crmresearch.reporting.figures.theme import theme
from crmresearch.reporting.words import load_words
from crmresearch.scoring.satisfaction.paths import (
    blindfold_paths,
    bootstrap_paths,
    compare_groups,
    fit_paths,
    map_importance,
    predict_paths,
)

LANGUAGES = ("en", "zh")


@pytest.fixture(scope="module")
def results(mobi, ecsi):
    rng = np.random.default_rng(1)
    fit = fit_paths(mobi, ecsi)
    return (
        fit,
        bootstrap_paths(fit, rng=rng, resamples=60),
        map_importance(fit, "loyalty", low=1, high=10),
        compare_groups(fit, pd.Series(["x", "y"] * 125), rng=rng, permutations=99),
        predict_paths(fit, rng=rng, repetitions=1),
        blindfold_paths(fit),
    )


@pytest.fixture(scope="module")
def words(ecsi):
    names = [c.name for c in ecsi.constructs]
    return load_words().with_terms({n: {"en": n.title(), "zh": "构念"} for n in [*names, *ecsi.items]})


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_has_words(results, words, language):
    for result in results:
        assert words.method(result.recipe.method, language)
        for key, value in result.recipe.options.items():
            label, text = words.option(key, value, language)
            assert label and not text.startswith(("scheme_", "missing_", "signs_", "interval_", "antecedents_"))
        for exhibit in result.exhibits():
            assert words.caption(exhibit.key, language)
            assert all(
                words.of("exhibits", exhibit.key).column(c, language) and words.of("exhibits", exhibit.key).kind(c)
                for c in exhibit.data.columns
            )
            assert all(words.note(n, language) for n in exhibit.notes)
        for finding in result.findings():
            assert "{" not in words.sentence(finding, language)


def test_no_sentence_claims_an_effect_of_a_change():
    """A survey at one time supports association only."""
    entries = load_words().entries
    banned = ("impact", "影响", "导致", "because of", "drives", "作用于")
    texts = [
        text
        for section in ("findings", "notes", "exhibits", "figures")
        for key, entry in entries[section].items()
        if key.startswith(("path_", "bootstrap_"))
        for text in _texts(entry)
    ]
    assert len(texts) > 80
    assert not [t for t in texts if any(word in t for word in banned)]


def _texts(entry):
    return [entry] if isinstance(entry, str) else [t for part in entry.values() for t in _texts(part)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_figures_draw(results, words, language, tmp_path):
    fit, boot, mapped, *_ = results
    say = words.say(language)
    table = next(e.data for e in boot.exhibits() if e.key == "bootstrap_path")
    r2 = fit.constructs.set_index("construct")["r2"].to_dict()
    drawn = {
        "path_diagram": figures.plot_path_diagram(table, say, explained=r2),
        "path_intervals": figures.plot_path_intervals(table, say),
        "path_htmt": figures.plot_htmt(fit.validity, say),
        "path_importance": figures.plot_importance_map(mapped.constructs, say),
    }
    for key, figure in drawn.items():
        assert words.figure(key, language) and words.alt(key, language)
        with theme():
            figure.savefig(tmp_path / f"{key}.png")
        plt.close(figure)
    texts = [t.get_text() for t in drawn["path_diagram"].axes[0].texts]
    assert sum(t.startswith(("0.", "−0.")) for t in texts) == len(table)
    assert sum("R²" in t for t in texts) == len(fit.model.endogenous)


def test_boxes_never_overlap_and_arrows_point_right(ecsi, reputation_model):
    for model in (ecsi, reputation_model):
        place = figures.arrange(list(model.paths))
        assert set(place) == set(model.order)
        assert all(place[a][0] < place[b][0] for a, b in model.paths)
        spots = np.array(list(place.values()))
        gaps = np.abs(spots[:, None] - spots)
        apart = (gaps >= 2 * figures._BOX).any(axis=2)
        assert apart[~np.eye(len(spots), dtype=bool)].all()
