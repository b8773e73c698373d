"""The whole sweep with stability, and one million customers, beside the same steps written plainly with scikit-learn.

    python benchmarks/segments.py                                        # the sweep of 23,570 customers
    python benchmarks/segments.py million --customers 1e6 --rounds 1     # many minutes

``sweep``: k = 2 … 10 with silhouettes and 100 bootstrap resamples, equal labels and equal silhouettes checked.
``million``: the number of segments by the sampling rule beside that of fits to all rows, on simulated truth of 1, 3,
5 and 8 segments; peak memory beyond the data by tracemalloc.
"""

from __future__ import annotations

import argparse
import itertools
import tracemalloc
from statistics import median
from time import perf_counter

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

from crmresearch.scoring.segments import SegmentKMeans, fit_segments, prepare_features, score_stability

KS, STARTS, RESAMPLES, POINTS = range(2, 11), 20, 100, 5_000
TRUE = (1, 3, 5, 8)


def plain_sweep(x: np.ndarray, seed: int, rng: np.random.Generator) -> tuple[np.ndarray, list[float], np.ndarray]:
    """The steps of a careful script: k-means and silhouette for each k, then k-means on each resample."""
    random = np.random.RandomState(seed)
    fits = [KMeans(k, n_init=STARTS, random_state=random).fit(x) for k in KS]
    means = [silhouette_score(x, fit.labels_) for fit in fits]
    chosen = fits[int(np.argmax(means))]
    rows = np.sort(rng.choice(len(x), POINTS, replace=False)) if len(x) > POINTS else np.arange(len(x))
    sample, labels, k = x[rows], chosen.labels_[rows], chosen.n_clusters
    draws = rng.multinomial(len(sample), np.full(len(sample), 1 / len(sample)), size=RESAMPLES)
    jaccard = np.empty((RESAMPLES, k))
    for row, (draw, one) in enumerate(zip(draws, rng.integers(2**31, size=RESAMPLES), strict=True)):
        drawn = np.flatnonzero(draw)
        found = KMeans(k, n_init=5, random_state=int(one)).fit(sample[drawn], sample_weight=draw[drawn].astype(float))
        both = np.stack([np.bincount(found.labels_[labels[drawn] == j], minlength=k) for j in range(k)])
        jaccard[row] = (both / (both.sum(1)[:, None] + both.sum(0) - both)).max(axis=1)
    return chosen.labels_, means, jaccard


def sweep(n: int, rounds: int) -> None:
    rng = np.random.default_rng(0)
    values = np.log1p(rng.gamma(0.5, 5, size=(n, 8)))
    prepared = prepare_features(pd.DataFrame(values, columns=[f"x{j}" for j in range(8)]))
    x = prepared.matrix.to_numpy()
    x = np.ascontiguousarray(x[np.lexsort(x.T[::-1])])
    ours, plain = [], []
    for _ in range(rounds):
        begin = perf_counter()
        fit = fit_segments(prepared, rng=np.random.default_rng(1), silhouette_points=n, n_starts=STARTS)
        stability = score_stability(fit, rng=np.random.default_rng(2), n_resamples=RESAMPLES)
        middle = perf_counter()
        labels, means, jaccard = plain_sweep(x, fit.recipe.options["seed"], np.random.default_rng(2))
        plain.append(perf_counter() - middle)
        ours.append(middle - begin)
        mine = fit.segments.to_numpy()[np.lexsort(prepared.matrix.to_numpy().T[::-1])]
        agree = adjusted_rand_score(mine, labels)
        apart = float(np.abs(fit.sweep["silhouette"] - means).max())
        similar = float(np.abs(np.sort(stability.resamples.mean(0)) - np.sort(jaccard.mean(0))).max())
    print(f"{n:,} x 8, k = 2 ... 10, {STARTS} starts, {RESAMPLES} resamples, median of {rounds}")
    print(f"labels agree {agree:.6f}, silhouettes differ by {apart:.1e}, stability differs by {similar:.1e}")
    print(f"crmresearch  {median(ours):8.2f} s\nscikit-learn {median(plain):8.2f} s")
    print(f"ours / plain {median(ours) / median(plain):8.2f}   (wanted 0.70)")


def million(n: int, rounds: int) -> None:
    same = 0
    for seed, k in itertools.product(range(rounds), TRUE):
        rng = np.random.default_rng(seed)
        true = rng.integers(k, size=n)
        x = 4 * rng.normal(size=(k, 8))[true] + 2 * rng.normal(size=(n, 8))
        found = {}
        for name, points in (("sampling rule", 50_000), ("all rows", n)):
            tracemalloc.start()
            begin = perf_counter()
            fit = SegmentKMeans(n_starts=5, fit_points=points, random_state=seed).fit(x)
            seconds, peak = perf_counter() - begin, tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            found[name] = fit.n_clusters_
            print(
                f"{n:,} x 8, seed {seed}, {k} true: {name:14} k = {fit.n_clusters_}, adjusted Rand "
                f"{adjusted_rand_score(true, fit.labels_):.4f}, {seconds:7.1f} s, "
                f"data and peak {1 + peak / x.nbytes:.2f} x the data",
                flush=True,
            )
        same += len(set(found.values())) == 1
    print(f"the same number by both: {same} of {rounds * len(TRUE)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("sweep", "million"), default="sweep")
    parser.add_argument("--customers", type=float, default=23_570)
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    {"sweep": sweep, "million": million}[arguments.what](int(arguments.customers), arguments.rounds)
