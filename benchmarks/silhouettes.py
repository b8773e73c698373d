"""The silhouette sweep k = 2 … 10 of 23,570 customers × 8 features, beside scikit-learn, equal to 1e-12.

    python benchmarks/silhouettes.py [--rounds 1]

Rounds interleave, a minute and a half each; the medians are printed.
"""

from __future__ import annotations

import argparse
from statistics import median
from time import perf_counter

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

from crmresearch.scoring.segments.silhouette import silhouette_samples

CUSTOMERS, FEATURES, SAME = 23_570, 8, 1e-12


def main() -> None:
    """Time both sweeps over the same labels and print them side by side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1)
    rounds = parser.parse_args().rounds
    rng = np.random.default_rng(0)
    x = np.log1p(rng.gamma(0.5, 5, size=(CUSTOMERS, FEATURES)))
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    labelings = np.stack([KMeans(k, n_init=1, random_state=0).fit_predict(x) for k in range(2, 11)]).astype(np.int64)
    ours, plain = [], []
    for _ in range(rounds):
        begin = perf_counter()
        shared = silhouette_samples(x, labelings).mean(axis=1)
        middle = perf_counter()
        single = np.array([silhouette_score(x, labels) for labels in labelings])
        ours.append(middle - begin)
        plain.append(perf_counter() - middle)
        difference = float(np.abs(shared - single).max())
        if difference > SAME:
            raise SystemExit(f"the sweeps differ by {difference:.1e}")
    print(f"{CUSTOMERS:,} x {FEATURES}, k = 2 ... 10, median of {rounds}; largest difference {difference:.1e}")
    print(f"shared distances {median(ours):7.2f} s\nscikit-learn     {median(plain):7.2f} s")
    print(f"ratio            {median(plain) / median(ours):7.2f}")


if __name__ == "__main__":
    main()
