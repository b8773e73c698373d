"""Every key that a result of this wing can show has its words, and every figure draws, in both languages."""

import datetime as dt
import io
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from crmresearch.reporting.figures import segment_movement, segment_profiles
from crmresearch.reporting.figures import segments as figures
from crmresearch.reporting.figures.theme import theme
from crmresearch.reporting.words import Words, load_words
from crmresearch.scoring import segments as scoring
from tests.scoring.segments.simulated import make_answers, make_customers, make_orders
from tests.worded import check_words

LANGUAGES = ("en", "zh")


def _rng() -> np.random.Generator:
    return np.random.default_rng(2)


@pytest.fixture(scope="module")
def results():
    simulated = make_customers(150, 3)
    features = simulated.drop(columns="true").assign(copy=simulated["x0"] * 2)
    prepared = scoring.prepare_features(features, transformation={"x1": "rank"})
    swept = scoring.fit_segments(prepared, rng=_rng(), n_starts=3)
    flat_features = scoring.prepare_features(make_customers(150, 1).drop(columns="true"))
    flat = scoring.fit_segments(flat_features, rng=_rng(), k=2, n_starts=3)
    mixed = scoring.prepare_mixed(
        simulated[["x0", "x1"]].assign(plan=simulated["true"].map({0: "a", 1: "b", 2: "c"})), correlation_limit=0.5
    )
    saved = scoring.freeze_segmentation(swept)
    placed = scoring.assign_customers(saved, features)
    value = simulated["x0"].clip(lower=0).rename("x0")
    worth = scoring.value_segments(swept, value, rng=_rng(), n_resamples=50)
    profiles = scoring.profile_segments(swept, simulated[["true"]].astype(float))
    stability = scoring.score_stability(swept, rng=_rng(), n_resamples=5)
    answers, groups = make_answers(160)
    classes = scoring.fit_classes(answers, rng=_rng(), n_starts=3, k_range=(1, 2))
    orders = make_orders(60)
    scores = pd.DataFrame({"customer_id": list("abcd"), "r": [5, 1, 4, None], "f": [5, 1, 1, 2], "m": [4, 2, 5, 2]})
    money = pd.DataFrame({"customer_id": list("abcd"), "spend": [9.0, 5, 2, 1], "profit": [5.0, 1, -1, 0]})
    both = money.rename(columns={"spend": "current_value", "profit": "future_value"})
    return {
        "prepared": prepared,
        "mixed": mixed,
        "swept": swept,
        "given": flat,
        "mixture": scoring.fit_segments(prepared, rng=_rng(), method="mixture", n_starts=1, k_range=(2, 3)),
        "medoids": scoring.fit_segments(mixed, rng=_rng(), method="k_medoids", n_starts=1, k_range=(2, 3)),
        "ward": scoring.fit_segments(prepared, rng=_rng(), method="ward", fit_points=100),
        "dense": scoring.fit_segments(prepared, rng=_rng(), method="hdbscan", smallest_share=0.1),
        "sparse": scoring.fit_segments(flat_features, rng=_rng(), method="hdbscan", smallest_share=0.4),
        "stability": stability,
        "exist": scoring.assess_one_segment(swept, rng=_rng(), max_points=80),
        "absent": scoring.assess_one_segment(flat, rng=_rng(), max_points=80, null="one_normal_cloud"),
        "numbers": scoring.compare_numbers(swept, rng=_rng(), n_references=2, n_splits=1, n_starts=1, max_points=80),
        "profiles": profiles,
        "near_base": scoring.profile_segments(flat, naming_distance=3),
        "rules": scoring.explain_segments(swept, rng=_rng()),
        "cards": scoring.build_cards(
            scoring.segment_by_size(orders.groupby("customer_id", as_index=False)["amount"].sum(), value="amount"),
            orders=orders,
        ),
        "worth": worth,
        "representatives": scoring.pick_representatives(swept, rng=_rng(), per_segment=1),
        "treatments": scoring.plan_treatments(profiles.sizes, worth.value, stability.segments),
        "agreement": scoring.compare_groups(swept, simulated["true"].rename("true"), rng=_rng()),
        "no_agreement": scoring.compare_groups(swept, None, rng=_rng()),
        "placed": placed,
        "migration": scoring.score_migration(
            placed.segments.iloc[:140],
            placed.segments.iloc[10:].sample(frac=1, random_state=1).set_axis(placed.segments.index[10:]),
            date_before=dt.date(2024, 1, 1),
            date_after=dt.date(2024, 6, 1),
        ),
        "drift": scoring.score_drift(saved, features, features + 1, placed.segments, placed.segments),
        "stages": scoring.stage_customers(orders, as_of=dt.date(2024, 12, 31), rng=_rng()),
        "classes": classes,
        "one_class": scoring.fit_classes(answers, rng=_rng(), k=1, k_range=(1,)),
        "profile_classes": scoring.fit_classes(features[["x0", "x1"]], rng=_rng(), kind="continuous", k=3, n_starts=3),
        "stated": scoring.count_needs(answers),
        "kinds": scoring.score_needs(
            scoring.class_membership(classes.members), groups, of="classes", rng=_rng(), n_permutations=99
        ),
        "needs": scoring.score_needs(answers, groups, rng=_rng(), n_permutations=99, claimed_of=["region"]),
        "rfm": scoring.segment_by_rfm(scores),
        "matrix": scoring.segment_by_matrix(both),
        "profit": scoring.segment_by_profit(money),
    }


@pytest.fixture(scope="module")
def words() -> Words:
    names = ("x0", "x1", "x2", "x3", "copy", "true", "plan = a", "plan = b", "plan = c", "plan")
    names += ("need_delivery", "need_scarce", "need_online", "need_price")
    return load_words().with_terms({name: {"en": name, "zh": name} for name in names})


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_shown_has_words(results, words, language):
    for result in results.values():
        check_words(result, words, language)


def test_words_that_stand_in_cells_are_worded(results, words):
    """Keys of attributes, evidence, stages, names and criteria are never printed raw."""
    cells = {
        "cards": ("need_attribute", "evidence"),
        "numbers": ("number_criterion",),
        "rfm": ("segment_name",),
        "matrix": ("segment_name",),
        "profit": ("segment_name",),
        "mixed": ("feature_kind",),
    }
    shown = [
        (name, value) for key, columns in cells.items() for e in results[key].exhibits() for name in columns
        if name in e.data for value in e.data[name]
    ]  # fmt: skip
    shown += [("stage", v) for c in ("stage", "five_stages", "four_stages", "state_machine", "ladder")
              for v in results["stages"].now[c]]  # fmt: skip
    assert [pair for pair in shown if words.word(pair[1]) is None] == []


def test_sample_covers_the_findings(results):
    keys = {finding.key for result in results.values() for finding in result.findings()}
    assert keys >= {
        "features_correlated",
        "segments_swept",
        "segments_given",
        "segments_by_criterion",
        "segments_from_sample",
        "segments_dense",
        "segments_dense_none",
        "segments_exist",
        "segments_absent",
        "segments_stable",
        "segment_near_base",
        "segments_separated_by",
        "classes_one",
        "classes_several",
        "claim_needs_differ",
        "cards_partly",
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_name_of_a_segment_has_its_sentence(words, language):
    for key in ("segment_highest", "segment_lowest", "segment_highest_lowest", "segment_near_base"):
        assert "{segment:integer}" in words.text("findings", key)[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_claim_has_a_sentence_for_each_verdict(words, language):
    for verdict in ("supported", "contradicted", "inconclusive"):
        assert words.entries["findings"]["claim_needs_differ"][verdict][language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_figures_draw_without_a_warning(results, words, language):
    drawn = (
        (figures.plot_silhouettes, results["swept"].sweep, "silhouettes"),
        (figures.plot_segment_heatmap, results["profiles"].profile, "segment_heatmap"),
        (figures.plot_segment_sizes, results["profiles"].sizes, "segment_sizes"),
        (figures.plot_segment_map, results["swept"].map(), "segment_map"),
        (figures.plot_segment_stability, results["stability"].segments, "segment_stability"),
        (segment_profiles.plot_segment_radar, results["profiles"].profile, "segment_radar"),
        (segment_profiles.plot_segment_value, results["worth"].value, "segment_value"),
        (segment_profiles.plot_number_criteria, results["numbers"].criteria, "number_criteria"),
        (segment_profiles.plot_class_profile, results["classes"].answers, "class_profile"),
        (segment_movement.plot_segment_moves, results["migration"].moves, "segment_moves"),
        (segment_movement.plot_stage_shares, results["stages"].panel, "stage_shares"),
        (segment_movement.plot_needs_by_group, results["needs"].shares, "needs_by_group"),
    )
    for plot, data, key in drawn:
        assert words.figure(key, language) and words.alt(key, language)
        with theme(), warnings.catch_warnings():
            warnings.simplefilter("error")
            picture = io.BytesIO()
            figure = plot(data, words.say(language))
            figure.savefig(picture)
            plt.close(figure)
        assert picture.getbuffer().nbytes > 5_000


def test_map_keeps_the_share_of_variance_of_its_axes(results):
    share = results["swept"].map().attrs["share_of_variance"]
    assert sum(share) <= 1 and share[0] >= share[1] > 0
