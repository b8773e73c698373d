"""Every clusterer beside an independent one, its invariances, scikit-learn's own checks."""

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from sklearn.utils.estimator_checks import check_estimator

from crmresearch.errors import CrmresearchError, RefusedError
from crmresearch.scoring import segments as scoring
from crmresearch.scoring.segments.medoids import gower_distances, seed_medoids, swap_medoids
from tests.scoring.segments.simulated import make_answers, make_customers

METHODS = ("k_means", "k_medoids", "mixture", "ward", "hdbscan")
ESTIMATORS = (
    scoring.SegmentKMeans(3, k_range=(2, 3), n_starts=2, fit_points=20),
    scoring.SegmentMedoids(n_starts=1, k_range=(2, 3)),
    scoring.SegmentMixture(n_starts=1, k_range=(2, 3)),
    scoring.SegmentWard(k_range=(2, 3)),
    scoring.SegmentDensity(),
)


def _fit(features: pd.DataFrame, method: str, **settings) -> scoring.Segmentation:
    prepared = scoring.prepare_features(features)
    if method != "hdbscan":
        settings = {"k_range": (2, 3, 4), **settings}
    return scoring.fit_segments(prepared, rng=np.random.default_rng(1), method=method, **settings)


@pytest.mark.parametrize("method", METHODS)
def test_true_segments_are_found_whatever_the_order_of_rows_and_the_units(method):
    simulated = make_customers(240, 3)
    features = simulated.drop(columns="true")
    one = _fit(features, method)
    assert one.k == 3 and adjusted_rand_score(simulated["true"], one.customers["segment"]) > 0.95
    two = _fit(features.sample(frac=1, random_state=3), method)
    pd.testing.assert_frame_equal(one.customers, two.customers, check_exact=True)
    assert _fit(features * [100, 1, 0.1, 2], method).customers["segment"].tolist() == one.segments.tolist()
    assert (one.model.predict(one.features.matrix) + 1 == one.segments).mean() > 0.98


@pytest.mark.parametrize("method", METHODS)
def test_sample_beyond_the_limit_finds_the_same(method):
    simulated = make_customers(600, 3)
    found = _fit(simulated.drop(columns="true"), method, fit_points=200)
    assert found.recipe.options["fit_from"] == "sample"
    assert adjusted_rand_score(simulated["true"], found.customers["segment"]) > 0.9


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda one: type(one).__name__)
def test_scikit_learn_accepts_the_estimator(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_estimator(estimator)


def test_swapping_reaches_the_best_medoids_of_all():
    """Against every possible pair and triple of 14 rows."""
    x = np.random.default_rng(4).normal(size=(14, 2))
    matrix = np.sqrt(((x[:, None] - x) ** 2).sum(axis=2))
    for k in (2, 3):
        best = min(matrix[list(one)].min(axis=0).sum() for one in itertools.combinations(range(14), k))
        random = np.random.RandomState(0)
        found = [swap_medoids(matrix, seed_medoids(matrix, k, random)) for _ in range(10)]
        assert min(matrix[one].min(axis=0).sum() for one in found) == pytest.approx(best, rel=1e-12)


def test_ward_is_scipys():
    x = make_customers(80, 3, gap=3).drop(columns="true").to_numpy()
    ours = scoring.SegmentWard(3).fit(x).labels_
    assert adjusted_rand_score(ours, fcluster(linkage(x, "ward"), 3, "maxclust")) == 1


def test_mixture_is_scikit_learns():
    x = make_customers(200, 3, gap=4).drop(columns="true").to_numpy()
    ours = scoring.SegmentMixture(3, k_range=(3,), n_starts=3, random_state=0).fit(x)
    plain = GaussianMixture(3, n_init=3, max_iter=300, reg_covar=1e-5, random_state=0).fit(x[np.lexsort(x.T[::-1])])
    assert ours.sweep_["bic"].iloc[0] == pytest.approx(plain.bic(x), rel=1e-9)
    assert adjusted_rand_score(ours.labels_, plain.predict(x)) == 1
    np.testing.assert_allclose(ours.predict_proba(x).sum(axis=1), 1)


def test_gower_by_hand():
    """Numbers over their range, categories equal or not, a missing value left out of the mean."""
    table = pd.DataFrame(
        {"spend": [0.0, 5, 10], "plan": ["a", "b", "a"], "answer": ["low", "high", None]}, index=list("xyz")
    )
    prepared = scoring.prepare_mixed(table, ordered={"answer": ["low", "middle", "high"]})
    apart = gower_distances(prepared.matrix.to_numpy(), prepared.matrix.to_numpy(), prepared.categorical)
    np.testing.assert_allclose(apart[0], [0, (0.5 + 1 + 1) / 3, (1 + 0) / 2])
    np.testing.assert_allclose(apart, apart.T)
    assert {"plan = a", "plan = b", "spend", "answer"} == set(prepared.original)


def test_mixed_features_make_segments_and_new_categories_are_unlike():
    rng = np.random.default_rng(0)
    kind = np.repeat([0, 1], 60)
    table = pd.DataFrame(
        {"spend": rng.normal(kind * 6.0), "plan": np.where(kind, "gold", "plain"), "town": rng.choice(list("ab"), 120)},
        index=[f"c{i:03d}" for i in range(120)],
    )
    prepared = scoring.prepare_mixed(table)
    found = scoring.fit_segments(prepared, rng=rng, method="k_medoids", k=2)
    assert adjusted_rand_score(kind, found.segments) == 1
    saved = scoring.SavedSegmentation.from_json(scoring.freeze_segmentation(found).to_json())
    strange = pd.DataFrame({"spend": [99.0], "plan": ["silver"], "town": ["q"]}, index=["new"])
    assert scoring.assign_customers(saved, strange).customers["unlike_any"].tolist() == [True]
    with pytest.raises(RefusedError, match="cannot be grouped by 'k_means'"):
        scoring.fit_segments(prepared, rng=rng)
    with pytest.raises(RefusedError, match="no single cloud"):
        scoring.assess_one_segment(found, rng=rng)


@pytest.mark.parametrize(
    ("column", "words"),
    [(["a"] * 40, "has one value only"), ([None] * 40, "entirely missing"), ([f"v{i}" for i in range(40)], "40 categ")],
)
def test_categories_that_say_nothing_are_refused(column, words):
    table = pd.DataFrame({"spend": np.arange(40.0), "plan": pd.array(column, dtype="str")})
    with pytest.raises(RefusedError, match=words):
        scoring.prepare_mixed(table)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "magic"}, "method='magic' is unknown"),
        ({"method": "ward", "n_starts": 3}, "ward has no setting 'n_starts'"),
        ({"method": "hdbscan", "k": 3}, "finds the number of segments itself"),
        ({"method": "mixture", "covariance": "odd"}, "covariance='odd' is unknown"),
        ({"method": "hdbscan", "smallest_share": 0.9}, "smallest_share"),
        ({"method": "k_medoids", "k": 900}, "k must lie between"),
    ],
)
def test_settings_that_cannot_be_are_refused(options, words):
    prepared = scoring.prepare_features(make_customers(60, 2).drop(columns="true"))
    with pytest.raises(CrmresearchError, match=words):
        scoring.fit_segments(prepared, rng=np.random.default_rng(0), **options)


def test_latent_classes_are_those_of_stepmix():
    """Log-likelihood, shares and answers of StepMix 3 (Morin et al. 2025) for two classes."""
    from stepmix.stepmix import StepMix

    answers, _ = make_answers(200)
    ours = scoring.fit_classes(answers, rng=np.random.default_rng(0), k=2, k_range=(2,))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = StepMix(2, measurement="binary", n_init=5, random_state=0, abs_tol=1e-9, rel_tol=0.0, progress_bar=0)
        peer.fit(answers.to_numpy())
    row = ours.sweep[ours.sweep["chosen"]].iloc[0]
    assert row["log_likelihood"] == pytest.approx(peer.score(answers.to_numpy()) * 200, abs=1e-4)
    assert row["bic"] == pytest.approx(peer.bic(answers.to_numpy()), abs=1e-3)
    np.testing.assert_allclose(np.sort(ours.sizes["share"]), np.sort(peer.get_parameters()["weights"]), atol=1e-4)


def test_one_class_is_a_possible_answer_and_missing_answers_do_no_harm():
    rng = np.random.default_rng(1)
    alike = pd.DataFrame(rng.integers(2, size=(300, 5)).astype(float), columns=list("abcde"))
    assert scoring.fit_classes(alike, rng=rng, n_starts=3, k_range=(1, 2)).k == 1
    answers, _ = make_answers(300)
    holes = answers.mask(rng.random(answers.shape) < 0.1)
    found = scoring.fit_classes(holes, rng=rng, k_range=(1, 2))
    assert found.k == 2
    with pytest.raises(RefusedError, match=r"answered 1\.0 throughout"):
        scoring.fit_classes(answers.assign(flat=1.0), rng=rng)
    with pytest.raises(RefusedError, match="more than the answers can identify"):
        scoring.fit_classes(answers, rng=rng, k=9)
