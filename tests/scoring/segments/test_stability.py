import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from crmresearch.errors import RefusedError
from crmresearch.results import Result
from crmresearch.scoring.segments.batched import cluster_batches
from crmresearch.scoring.segments.clustering import fit_segments
from crmresearch.scoring.segments.one_segment import assess_one_segment
from crmresearch.scoring.segments.preparation import prepare_features
from crmresearch.scoring.segments.stability import _jaccard, score_stability
from tests.scoring.segments.simulated import make_customers


def _segments(frame, **options):
    return fit_segments(prepare_features(frame.drop(columns="true")), rng=np.random.default_rng(1), **options)


def test_batched_fits_reach_the_optimum_of_scikit_learn():
    x = make_customers(200, 4, gap=4).drop(columns="true").to_numpy()
    weights = np.random.default_rng(2).multinomial(200, np.full(200, 1 / 200), size=5).astype(float)
    labels = cluster_batches(x, weights, 4, n_starts=10, rng=np.random.default_rng(3))
    for own, drawn in zip(labels, weights, strict=True):
        plain = KMeans(4, n_init=10, random_state=0).fit(x, sample_weight=drawn)
        centres = np.stack([np.average(x[own == j], axis=0, weights=drawn[own == j]) for j in range(4)])
        inertia = (drawn * ((x - centres[own]) ** 2).sum(axis=1)).sum()
        assert inertia == pytest.approx(plain.inertia_, rel=1e-9)


def test_batches_of_different_rows_are_fitted_each_by_itself():
    frames = [make_customers(150, 3, seed=seed) for seed in range(4)]
    x = np.stack([frame.drop(columns="true").to_numpy() for frame in frames])
    labels = cluster_batches(x, np.ones((4, 150)), 3, n_starts=5, rng=np.random.default_rng(0))
    assert min(adjusted_rand_score(f["true"], own) for f, own in zip(frames, labels, strict=True)) > 0.95


def test_jaccard_by_hand():
    """Segment {0, 1, 2} against {0, 1} and {2, 3}: 2/3; segment {3} against {2, 3}: 1/2."""
    got = _jaccard(np.array([0, 0, 0, 1]), np.array([[1, 1, 0, 0]]), np.ones((1, 4), dtype=bool), 2)
    np.testing.assert_allclose(got, [[2 / 3, 1 / 2]])


def test_jaccard_leaves_out_customers_that_were_not_drawn():
    drawn = np.array([[True, True, False, False]])
    got = _jaccard(np.array([0, 0, 0, 1]), np.array([[1, 1, 0, 0]]), drawn, 2)
    np.testing.assert_array_equal(got, [[1, np.nan]])


def test_true_segments_are_stable_and_cuts_through_a_cloud_are_not():
    real = score_stability(_segments(make_customers(400, 3)), rng=np.random.default_rng(4), n_resamples=30)
    assert (real.segments["jaccard"] > 0.95).all()
    assert set(real.segments["grade"]) == {"highly_stable"}
    cut = score_stability(_segments(make_customers(400, 1), k=5), rng=np.random.default_rng(4), n_resamples=30)
    assert (cut.segments["jaccard"] < 0.75).all()
    assert isinstance(real, Result)


def test_stability_samples_where_customers_are_many_and_says_so():
    found = score_stability(
        _segments(make_customers(400, 3)), rng=np.random.default_rng(4), n_resamples=5, max_points=100
    )
    assert found.recipe.options["points_from"] == "sample"
    assert found.segments["n_points"].sum() == 100


def test_one_cloud_is_no_segments_and_three_are():
    one, three = (
        assess_one_segment(
            _segments(make_customers(300, k), k_range=range(2, 6)),
            rng=np.random.default_rng(5),
            n_references=49,
            max_points=150,
        )
        for k in (1, 3)
    )
    assert (one.findings()[0].key, three.findings()[0].key) == ("segments_absent", "segments_exist")
    assert three.test.loc[0, "p_value"] == 1 / 50
    assert isinstance(one, Result)


def test_same_seed_gives_the_same_answer():
    segments = _segments(make_customers(200, 3, gap=2))
    one, two = (score_stability(segments, rng=np.random.default_rng(6), n_resamples=10) for _ in range(2))
    np.testing.assert_array_equal(one.resamples, two.resamples)


def test_impossible_options_are_refused():
    segments = _segments(make_customers(60, 2))
    with pytest.raises(RefusedError, match="n_resamples must be 2 or more"):
        score_stability(segments, rng=np.random.default_rng(0), n_resamples=1)
    with pytest.raises(RefusedError, match=r"10 references cannot reach the level 0\.02"):
        assess_one_segment(segments, rng=np.random.default_rng(0), n_references=10)
