import numpy as np
import pandas as pd
import pingouin
import pytest

from crmresearch.errors import CrmresearchError
from crmresearch.results import Result
from crmresearch.scoring.segments.clustering import fit_segments
from crmresearch.scoring.segments.preparation import prepare_features
from crmresearch.scoring.segments.profiles import profile_segments
from tests.scoring.segments.simulated import make_customers

SPEND = pd.DataFrame({"spend": [1.0, 2, 3, 50, 52], "visits": [1.0, 2, 1, 2, 2]}, index=list("abcde"))


def _segments(features, **options):
    return fit_segments(prepare_features(features), rng=np.random.default_rng(1), **options)


def test_profile_by_hand():
    """Spend 1, 2, 3 | 50, 52: means 2 and 51, base 21.6, indices 9.26 and 236.1."""
    profile = profile_segments(_segments(SPEND[["spend"]], k=2)).profile
    assert profile["mean"].tolist() == [2, 51]
    np.testing.assert_allclose(profile["index"], [100 * 2 / 21.6, 100 * 51 / 21.6])
    np.testing.assert_allclose(profile["distance"], (np.array([2, 51]) - 21.6) / SPEND["spend"].std())


def test_eta_squared_by_hand():
    """Within sum of squares 2 + 2 = 4 of 2885.2 in all."""
    profiles = profile_segments(_segments(SPEND[["spend"]], k=2))
    assert profiles.effects.loc[0, "eta_squared"] == pytest.approx(1 - 4 / 2885.2)
    assert isinstance(profiles, Result)


def test_size_interval_wilson1927():
    """3 of 5: Wilson's 95 % interval is .2307 to .8824 (Newcombe 1998 gives the formula's digits)."""
    sizes = profile_segments(_segments(SPEND[["spend"]], k=2)).sizes
    np.testing.assert_allclose(sizes.loc[0, ["share_low", "share_high"]].astype(float), [0.2307, 0.8824], atol=5e-5)


def test_segments_are_named_by_their_furthest_features():
    profiles = profile_segments(_segments(SPEND[["spend"]], k=2))
    named = profiles.sizes[["highest", "lowest"]]
    assert named.isna().values.tolist() == [[True, False], [False, True]]
    assert (named.loc[0, "lowest"], named.loc[1, "highest"]) == ("spend", "spend")
    assert [f.key for f in profiles.findings()] == ["segment_lowest", "segment_highest", "segments_separated_by"]


def test_no_name_where_nothing_stands_out():
    profiles = profile_segments(_segments(SPEND[["spend"]], k=2), naming_distance=5)
    assert profiles.findings()[0].key == "segment_near_base"


def test_features_that_formed_the_segments_are_not_tested():
    simulated = make_customers(300, 3, gap=3)
    rng = np.random.default_rng(0)
    more = pd.DataFrame({"age": rng.normal(size=300), "loyal": simulated["true"] == 1}, index=simulated.index)
    effects = profile_segments(_segments(simulated.drop(columns="true")), more).effects.set_index("feature")
    assert effects.loc[["x0", "x1"], "p_value"].isna().all()
    assert effects.loc["loyal", "p_adjusted"] < 1e-6 < effects.loc["age", "p_adjusted"]


def test_welch_equals_pingouin_and_holm_adjusts():
    simulated = make_customers(300, 3, gap=3)
    rng = np.random.default_rng(0)
    more = pd.DataFrame({f"m{j}": rng.normal(size=300) + j * simulated["true"] / 6 for j in range(3)})
    segments = _segments(simulated.drop(columns="true"))
    effects = profile_segments(segments, more).effects.set_index("feature").loc[list(more)]
    data = more.assign(segment=segments.customers["segment"].to_numpy())
    expected = [pingouin.welch_anova(data, dv=name, between="segment") for name in more]
    np.testing.assert_allclose(effects["f_value"], [e["F"].iloc[0] for e in expected], rtol=1e-6)
    raw = effects["p_value"].to_numpy()
    order = np.argsort(raw)
    holm = np.minimum(np.maximum.accumulate(raw[order] * [3, 2, 1]), 1)
    np.testing.assert_allclose(effects["p_adjusted"].to_numpy()[order], holm)


def test_row_order_changes_nothing():
    features = make_customers(200, 3).drop(columns="true")
    one = profile_segments(_segments(features))
    two = profile_segments(_segments(features.iloc[::-1]))
    pd.testing.assert_frame_equal(one.profile, two.profile)


def test_heat_map_has_a_row_per_segment_and_a_column_per_feature():
    segments = _segments(make_customers(200, 3).drop(columns="true"))
    assert profile_segments(segments).distances().shape == (3, 4)


@pytest.mark.parametrize(
    ("more", "options", "words"),
    [
        (None, {"confidence": 95}, "confidence must lie between 0 and 1"),
        (None, {"correction": "sidak"}, "correction='sidak' is unknown"),
        (pd.DataFrame({"city": list("abcde")}, index=list("abcde")), {}, "feature 'city' holds str, not numbers"),
        (pd.DataFrame({"age": [1, 2]}, index=["x", "y"]), {}, "feature 'age' has no value for any customer"),
    ],
)
def test_bad_requests_are_refused(more, options, words):
    with pytest.raises(CrmresearchError, match=words):
        profile_segments(_segments(SPEND[["spend"]], k=2), more, **options)
