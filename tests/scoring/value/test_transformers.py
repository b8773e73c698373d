"""Every estimator of the wing passes scikit-learn's checks and equals the scorer it stands for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from crmresearch.errors import RefusedError, UsageError
from crmresearch.scoring.value import build_indicators, rank_topsis, score_rfm, weigh_entropy
from crmresearch.scoring.value.transformers import IndicatorScaler, QuantileScorer, TopsisScorer

VALUES = np.random.default_rng(2).lognormal(size=(40, 3))


@parametrize_with_checks([IndicatorScaler(), TopsisScorer(), QuantileScorer()])
def test_scikit_learn_checks(estimator, check) -> None:
    check(estimator)


def test_topsis_scorer_is_the_ranking() -> None:
    table = pd.DataFrame(VALUES, columns=list("xyz")).assign(customer_id=[f"c{i:02d}" for i in range(40)])
    matrix = build_indicators(table, directions={"x": "benefit", "y": "benefit", "z": "cost"})
    expected = rank_topsis(matrix, weigh_entropy(matrix)).score
    np.testing.assert_allclose(TopsisScorer(costs=(2,)).fit_transform(VALUES).ravel(), expected, atol=1e-12)


def test_quantile_scorer_is_the_rfm_score_and_keeps_its_bounds_for_new_customers() -> None:
    spend = VALUES[:, 0]
    summary = pd.DataFrame(
        {"customer_id": np.arange(40).astype(str), "recency_days": VALUES[:, 1], "n_orders": VALUES[:, 2]}
    ).assign(spend=spend, n_purchase_days=1)
    m = score_rfm(summary).customers.set_index("customer_id").loc[summary["customer_id"], ["r", "m"]]
    scorer = QuantileScorer(less_is_better=(0,)).fit(VALUES[:, [1, 0]])
    assert (scorer.transform(VALUES[:, [1, 0]]) == m.to_numpy(dtype=float)).all()
    assert scorer.transform([[1e9, 1e9], [0.0, 0.0]]).tolist() == [[1, 5], [5, 1]]


@pytest.mark.parametrize("normalisation", ["minmax", "vector", "sum", "zscore"])
def test_scaled_costs_run_the_other_way(normalisation) -> None:
    plain = IndicatorScaler(normalisation=normalisation).fit_transform(VALUES)
    turned = IndicatorScaler(normalisation=normalisation, costs=(0,)).fit_transform(VALUES)
    np.testing.assert_allclose(turned[:, 0], (1 if normalisation == "minmax" else 0) - plain[:, 0])
    np.testing.assert_allclose(turned[:, 1:], plain[:, 1:])


def test_bad_options_are_refused() -> None:
    with pytest.raises(UsageError, match="normalisation='max' is unknown"):
        IndicatorScaler(normalisation="max").fit(VALUES)
    with pytest.raises(RefusedError, match="costs"):
        IndicatorScaler(costs=(9,)).fit(VALUES)
    with pytest.raises(RefusedError, match="bins=1"):
        QuantileScorer(bins=1).fit(VALUES)
