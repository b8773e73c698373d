import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.utils.estimator_checks import check_estimator

from crmresearch.errors import CrmresearchError
from crmresearch.results import Result
from crmresearch.scoring.segments.preparation import FeaturePreparer, prepare_features


def _features(**columns: list[float | None]) -> pd.DataFrame:
    frame = pd.DataFrame(columns, dtype=float)
    return frame.set_index(pd.Index([f"c{i}" for i in range(len(frame))], name="customer_id"))


def test_standard_scaling_by_hand():
    """1, 2, 3, 6: mean 3, population standard deviation √3.5."""
    prepared = prepare_features(_features(a=[1, 2, 3, 6]))
    np.testing.assert_allclose(prepared.matrix["a"], np.array([-2, -1, 0, 3]) / np.sqrt(3.5))
    assert isinstance(prepared, Result)


def test_robust_scaling_by_hand():
    prepared = prepare_features(_features(a=[0, 1, 2, 3, 100]), scaling="robust")
    np.testing.assert_allclose(prepared.matrix["a"], [-1, -0.5, 0, 0.5, 49])


def test_rank_gives_ties_their_middle():
    prepared = prepare_features(_features(a=[5, 1, 5, 9]), transformation="rank", scaling="none")
    np.testing.assert_allclose(prepared.matrix["a"], [0.5, 0.125, 0.5, 0.875])


def test_yeo_johnson_equals_scipy():
    values = np.random.default_rng(3).gamma(1.5, 20, size=200)
    prepared = prepare_features(_features(a=values.tolist()), transformation="yeo_johnson", scaling="none")
    np.testing.assert_allclose(prepared.matrix["a"], stats.yeojohnson(prepared.original["a"])[0], rtol=1e-4)


def test_mapping_transforms_only_the_features_it_names():
    prepared = prepare_features(_features(a=[0, 1, 9], b=[1, 2, 4]), transformation={"a": "log1p"}, scaling="none")
    np.testing.assert_allclose(prepared.matrix["a"], np.log1p([0, 1, 9]))
    assert prepared.matrix["b"].tolist() == [1, 2, 4]


def test_winsorising_pulls_in_both_ends_and_counts_them():
    prepared = prepare_features(_features(a=list(range(101))), winsorise=0.05, scaling="none")
    assert (prepared.matrix["a"].min(), prepared.matrix["a"].max()) == (5, 95)
    assert prepared.summary.loc[0, "n_winsorised"] == 10


def test_missing_customers_are_left_out_and_listed():
    prepared = prepare_features(_features(a=[1, 2, None, None], b=[4, 6, 5, None]))
    assert prepared.matrix.index.tolist() == ["c0", "c1"]
    assert prepared.left_out.values.tolist() == [["c2", 1], ["c3", 2]]


def test_median_fills_but_never_a_customer_without_any_feature():
    prepared = prepare_features(_features(a=[1, 3, None, None], b=[4, 6, 5, None]), missing="median")
    assert prepared.original.loc["c2"].tolist() == [2, 5]
    assert prepared.left_out["customer_id"].tolist() == ["c3"]


def test_correlated_pair_is_named():
    prepared = prepare_features(_features(a=[1, 2, 3, 4], b=[2, 4, 6, 8.1], c=[1, -1, -1, 1]))
    assert prepared.correlated[["feature", "other_feature"]].values.tolist() == [["a", "b"]]
    assert [f.key for f in prepared.findings()] == ["features_prepared", "features_correlated"]


def test_row_order_and_units_change_nothing():
    features = _features(a=[1, 2, 7, 4, 9], b=[3, 1, 4, 1, 5])
    one = prepare_features(features).matrix
    pd.testing.assert_frame_equal(one, prepare_features(features.iloc[::-1]).matrix)
    pd.testing.assert_frame_equal(one, prepare_features(features.assign(a=features["a"] * 4096)).matrix)


@pytest.mark.parametrize(
    ("features", "options", "words"),
    [
        (_features(a=[1, 2], b=[3, 3]), {}, r"feature 'b' is constant \(3 for all 2 customers\)"),
        (_features(a=[1, 2], b=[None, None]), {}, r"feature 'b' is entirely missing"),
        (_features(a=[1, np.inf]), {}, r"feature 'a' is infinite"),
        (_features(a=[1, -2, 3]), {"transformation": "log1p"}, r"feature a: log1p needs values of 0"),
        (_features(a=[1, 2, 3]), {"transformation": {"z": "rank"}}, r"no feature 'z'"),
        (_features(a=[1, 2, 3]), {"transformation": "sqrt"}, "transformation='sqrt' is unknown"),
        (_features(a=[1, 2, 3]), {"scaling": "unit"}, "scaling='unit' is unknown"),
        (_features(a=[1, 2, 3]), {"missing": "zero"}, "missing='zero' is unknown"),
        (_features(a=[1, 2, 3]), {"winsorise": 0.5}, r"winsorise must lie in"),
        (_features(a=[1, None, 3]), {"missing": "refuse"}, r"1 customers lack a feature, first 'c1'"),
        (_features(a=[1, None], b=[None, 2]), {}, r"0 of 2 customers have all 2 features"),
        (_features(a=[1, 2]).assign(b=["x", "y"]), {}, r"feature 'b' holds str, not numbers"),
        (pd.concat([_features(a=[1, 2])] * 2), {}, r"customer 'c0' stands twice"),
        (_features(a=[]), {}, r"0 customers with 1 features"),
    ],
)
def test_bad_features_are_refused(features, options, words):
    with pytest.raises(CrmresearchError, match=words):
        prepare_features(features, **options)


@pytest.mark.parametrize("transformation", ["none", "rank", "yeo_johnson"])
def test_feature_preparer_is_a_scikit_learn_transformer(transformation):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_estimator(FeaturePreparer(transformation=transformation, scaling="robust", winsorise=0.01))
