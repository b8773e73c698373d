import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.utils.estimator_checks import check_estimator
from threadpoolctl import threadpool_limits

from crmresearch.errors import RefusedError
from crmresearch.results import Result
from crmresearch.scoring.segments.clustering import fit_segments
from crmresearch.scoring.segments.kmeans import SegmentKMeans
from crmresearch.scoring.segments.preparation import prepare_features
from tests.scoring.segments.simulated import make_customers


def _rng() -> np.random.Generator:
    return np.random.default_rng(1)


@pytest.mark.parametrize("k", [3, 6])
def test_true_segments_are_found(k):
    simulated = make_customers(600, k, n_features=6)
    found = fit_segments(prepare_features(simulated.drop(columns="true")), rng=_rng())
    assert found.k == k
    assert adjusted_rand_score(simulated["true"], found.customers["segment"]) > 0.95
    assert isinstance(found, Result)


def test_sweep_equals_plain_scikit_learn():
    prepared = prepare_features(make_customers(300, 3, gap=3).drop(columns="true"))
    sweep = fit_segments(prepared, rng=_rng(), k_range=(2, 3)).sweep
    x = prepared.matrix.to_numpy()
    with threadpool_limits(limits=1):
        plain = [KMeans(k, n_init=20, random_state=5).fit(x) for k in (2, 3)]
    np.testing.assert_allclose(sweep["inertia"], [fit.inertia_ for fit in plain], rtol=1e-9)
    np.testing.assert_allclose(sweep["silhouette"], [silhouette_score(x, fit.labels_) for fit in plain], atol=1e-12)


def test_segments_are_numbered_by_size_then_by_first_feature():
    features = pd.DataFrame({"a": [9.0, 9.1, 0.0, 0.1, 5.0, 5.1, 5.2]}, index=list("gfedcba"))
    found = fit_segments(prepare_features(features), rng=_rng(), k=3)
    assert found.customers.set_index("customer_id")["segment"].to_dict() == {
        **dict.fromkeys("abc", 1),
        **dict.fromkeys("ed", 2),
        **dict.fromkeys("gf", 3),
    }


def test_row_order_changes_nothing_to_the_last_digit():
    features = make_customers(400, 3, gap=2.5).drop(columns="true")
    one = fit_segments(prepare_features(features), rng=_rng())
    two = fit_segments(prepare_features(features.sample(frac=1, random_state=8)), rng=_rng())
    pd.testing.assert_frame_equal(one.customers, two.customers, check_exact=True)
    pd.testing.assert_frame_equal(one.sweep, two.sweep, check_exact=True)


def test_units_change_nothing():
    features = make_customers(400, 3, gap=4).drop(columns="true")
    one = fit_segments(prepare_features(features), rng=_rng())
    two = fit_segments(prepare_features(features * [1000, 0.01, 1, 7]), rng=_rng())
    assert one.customers["segment"].tolist() == two.customers["segment"].tolist()


def test_given_k_is_kept_and_the_sweep_still_shown():
    found = fit_segments(prepare_features(make_customers(200, 3).drop(columns="true")), rng=_rng(), k=4)
    assert (found.k, found.sweep.loc[found.sweep["chosen"], "k"].tolist()) == (4, [4])
    assert found.findings()[0].key == "segments_given"
    assert found.findings()[0].values["best_k"] == 3


def test_sample_is_used_beyond_the_limit_and_said():
    prepared = prepare_features(make_customers(500, 3).drop(columns="true"))
    found = fit_segments(prepared, rng=_rng(), silhouette_points=100)
    assert found.recipe.options["silhouette_from"] == "sample"
    assert found.customers["silhouette"].notna().sum() == 100
    assert found.k == 3


def test_further_customers_go_to_the_nearest_centre():
    simulated = make_customers(300, 3)
    prepared = prepare_features(simulated.drop(columns="true"))
    found = fit_segments(prepared, rng=_rng())
    further = pd.DataFrame(prepared.preparer.transform(prepared.original), columns=prepared.matrix.columns)
    again = found.model.predict(further)
    assert (again + 1).tolist() == found.customers["segment"].tolist()


@pytest.mark.parametrize(
    ("values", "options", "words"),
    [
        ([1.0, 2.0, 3.0], {"k": 4}, r"k must lie between 2 and the 3 distinct customers, got 4"),
        ([1.0, 2.0, 2.0], {"k": 3}, r"the 2 distinct customers"),
        ([1.0, 2.0, 3.0], {"k": 1}, r"k must lie between 2"),
        ([1.0, 2.0, 3.0], {"k_range": (1, 2)}, r"k_range must hold numbers from 2 up"),
        ([1.0, 2.0, 3.0], {"n_starts": 0}, r"n_starts must be 1 or more"),
    ],
)
def test_impossible_numbers_are_refused(values, options, words):
    prepared = prepare_features(pd.DataFrame({"a": values}))
    with pytest.raises(RefusedError, match=words):
        fit_segments(prepared, rng=_rng(), **options)


def test_identical_customers_are_refused():
    with pytest.raises(RefusedError, match="all 4 customers are identical"):
        SegmentKMeans().fit(np.ones((4, 2)))


@pytest.mark.parametrize("k", [3, None])
def test_segment_k_means_is_a_scikit_learn_clusterer(k):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_estimator(SegmentKMeans(k, k_range=(2, 3), n_starts=2))
