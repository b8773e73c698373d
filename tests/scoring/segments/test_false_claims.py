"""Simulated customers with one, three and six true segments: number found, index, rate of false claims (slow)."""

import sys

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import adjusted_rand_score

from crmresearch.scoring.segments import assess_one_segment, fit_segments, prepare_features
from tests.scoring.segments.simulated import make_customers

RUNS = 40  # of each shape
MOST_FALSE = 0.05
CLOUDS = {
    "normal": lambda rng: rng.normal(size=(300, 4)),
    "correlated": lambda rng: rng.multivariate_normal(np.zeros(4), 0.6 + 0.4 * np.eye(4), 300),
    "heavy tails": lambda rng: rng.standard_t(5, size=(300, 4)),
    "flat": lambda rng: rng.random((300, 3)),
    "skewed": lambda rng: rng.gamma(1.0, size=(300, 3)),
    "very skewed": lambda rng: np.exp(rng.normal(size=(300, 3))),
}


def _claims(features: pd.DataFrame, seed: int) -> bool:
    rng = np.random.default_rng([seed, 11])
    found = fit_segments(prepare_features(features), rng=rng, n_starts=1, k_range=range(2, 6))
    return bool(assess_one_segment(found, rng=rng, max_points=300).test["structure"].iloc[0])


@pytest.mark.slow
def test_segments_are_seldom_claimed_where_there_are_none(capsys):
    claims = {}
    for name, draw in CLOUDS.items():
        clouds = (draw(np.random.default_rng([seed, 7])) for seed in range(RUNS))
        frames = (pd.DataFrame(x, columns=[f"x{j}" for j in range(x.shape[1])]) for x in clouds)
        claims[name] = sum(_claims(frame, seed) for seed, frame in enumerate(frames))
        with capsys.disabled():
            sys.stdout.write(f"{name}: {claims[name]} of {RUNS} claimed\n")
    total, n = sum(claims.values()), RUNS * len(CLOUDS)
    assert total / n <= MOST_FALSE, claims
    # no one shape may be surely above the level
    assert all(stats.binom.sf(one - 1, RUNS, MOST_FALSE) > 0.001 for one in claims.values()), claims


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
        claimed += _claims(features, seed)
    with capsys.disabled():
        sys.stdout.write(f"{k} true: numbers {found}, adjusted Rand {np.mean(index):.3f}, claimed {claimed} of 10\n")
    assert np.mean(np.array(found) == k) >= 0.9 and np.mean(index) > 0.95 and claimed == 10
