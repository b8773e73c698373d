"""How often segments are claimed: of one cloud seldom, whatever its shape; of three and six true segments always."""

import sys

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import adjusted_rand_score

from crmresearch.scoring.segments import assess_one_segment, fit_segments, prepare_features
from tests.scoring.segments.simulated import CLOUDS, make_customers

RUNS = 200  # of each shape
MOST_FALSE = 0.05


def _claims(features: pd.DataFrame, seed: int) -> bool:
    """Whether segments are claimed; references are drawn only until the answer is known."""
    rng = np.random.default_rng([seed, 11])
    found = fit_segments(prepare_features(features), rng=rng, n_starts=1, k_range=range(2, 5))
    test = assess_one_segment(found, rng=rng, max_points=200, stop_after=1)
    return bool(test.test["structure"].iloc[0])


def _claims_of_clouds(name: str, seeds: range) -> int:
    clouds = (CLOUDS[name](np.random.default_rng([seed, 7]), 200) for seed in seeds)
    frames = (pd.DataFrame(x, columns=[f"x{j}" for j in range(x.shape[1])]) for x in clouds)
    return sum(_claims(frame, seed) for frame, seed in zip(frames, seeds, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", CLOUDS)
def test_segments_are_seldom_claimed_where_there_are_none(name, capsys):
    claims = _claims_of_clouds(name, range(RUNS))
    low, high = stats.binomtest(claims, RUNS).proportion_ci(method="wilson")
    with capsys.disabled():
        sys.stdout.write(f"{name}: {claims} of {RUNS} claimed, {low:.3f} to {high:.3f}\n")
    assert claims / RUNS <= MOST_FALSE


def test_a_few_clouds_with_far_customers_are_not_claimed():
    assert _claims_of_clouds("lognormal", range(4)) == 0


def test_one_far_customer_is_no_segment_and_hides_none():
    one, three = make_customers(200, 1, n_features=3), make_customers(200, 3, n_features=3)
    for frame in (one, three):
        frame.iloc[0, :3] = 60.0
    assert not _claims(one.drop(columns="true"), 0)
    assert _claims(three.drop(columns="true"), 0)


@pytest.mark.slow
@pytest.mark.parametrize("k", [3, 6])
def test_true_segments_are_claimed_counted_and_found(k, capsys):
    found, index, claimed = [], [], 0
    for seed in range(10):
        simulated = make_customers(600, k, gap=5, n_features=6, seed=seed)
        features = simulated.drop(columns="true")
        fit = fit_segments(prepare_features(features), rng=np.random.default_rng(seed), n_starts=10)
        found.append(fit.k)
        index.append(adjusted_rand_score(simulated["true"], fit.customers["segment"]))
        claimed += bool(assess_one_segment(fit, rng=np.random.default_rng(seed)).test["structure"].iloc[0])
    with capsys.disabled():
        sys.stdout.write(f"{k} true: numbers {found}, adjusted Rand {np.mean(index):.3f}, claimed {claimed} of 10\n")
    assert np.mean(np.array(found) == k) >= 0.9 and np.mean(index) > 0.95 and claimed == 10
