"""Segments beside R's cluster and mclust: the golden values of tests/reference/segments_r.R."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from crmresearch.scoring.segments import SegmentMedoids, SegmentMixture, SegmentWard
from crmresearch.scoring.segments.criteria import _gap
from crmresearch.scoring.segments.silhouette import silhouette_samples

REFERENCE = Path(__file__).parents[2] / "reference"
X = pd.read_csv(REFERENCE / "segments_points.csv").to_numpy()
GOLDEN = pd.read_csv(REFERENCE / "segments_r.csv")
KS = range(2, 7)


def _golden(what: str, k: int | None = None) -> np.ndarray:
    rows = GOLDEN[GOLDEN["what"] == what]
    return (rows if k is None else rows[rows["k"] == k])["value"].to_numpy()


def test_silhouettes_are_those_of_cluster():
    labels = np.stack([_golden("ward_group", k).astype(int) - 1 for k in KS])
    expected = np.stack([_golden("silhouette", k) for k in KS])
    np.testing.assert_allclose(silhouette_samples(X, labels), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("k", KS)
def test_ward_is_that_of_hclust(k):
    fit = SegmentWard(k).fit(X)
    assert adjusted_rand_score(fit.labels_, _golden("ward_group", k)) == 1
    np.testing.assert_allclose(np.sort(fit.tree_[:, 2]), np.sort(_golden("ward_height")), rtol=1e-9)


@pytest.mark.parametrize("k", KS)
def test_medoids_are_at_least_as_near_as_those_of_pam(k):
    fit = SegmentMedoids(k, random_state=0).fit(X)
    ours = float(fit.sweep_.loc[fit.sweep_["k"] == k, "medoid_distances"].iloc[0]) / len(X)
    theirs = float(_golden("pam_mean_distance", k)[0])
    assert ours <= theirs + 1e-9
    if ours > theirs - 1e-9:
        assert adjusted_rand_score(fit.labels_, _golden("pam_group", k)) == 1


def test_gap_is_that_of_clusgap():
    ks = list(range(1, 6))
    inertia = [KMeans(k, n_init=20, random_state=0).fit(X).inertia_ for k in ks]
    # clusGap halves the sums of squares; the constant leaves the gap
    np.testing.assert_allclose(np.log(np.array(inertia) / 2), _golden("gap_log_w")[:5], atol=1e-6)
    gap, error = _gap(X, ks, inertia, 40, 5, np.random.default_rng(0), np.random.RandomState(0))
    assert (np.abs(gap - _golden("gap")[:5]) < 0.03).all()  # both simulated; error .08 / √40 in ours
    assert (error < 0.1).all()


def test_bic_is_that_of_mclust():
    fit = SegmentMixture(k_range=range(2, 5), n_starts=5, random_state=0).fit(X)
    theirs = np.array([_golden("bic", k)[0] for k in range(2, 5)])
    # mclust starts once, from a hierarchy; many starts may find a likelier fit, never a worse one
    assert (fit.sweep_["bic"].to_numpy() <= theirs * 1.001).all()
    assert fit.sweep_["bic"].iloc[0] == pytest.approx(theirs[0], rel=1e-3)
