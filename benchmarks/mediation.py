"""Mediation with 10,000 resamples, three mediators in a row, 250 and 1,000 rows: warm median, one core.

    python benchmarks/mediation.py [--resamples 10000] [--rounds 5]

Target: one second.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

# read by the BLAS when numpy is imported
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import numpy as np
import pandas as pd

from crmresearch.scoring.satisfaction.mediation import mediate, mediate_conditionally


def sample(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    x, w = rng.normal(size=(2, n))
    m1 = 0.5 * x + rng.normal(size=n)
    m2 = 0.3 * x + 0.3 * m1 + rng.normal(size=n)
    return pd.DataFrame({"x": x, "w": w, "m1": m1, "m2": m2, "y": 0.3 * m1 + 0.3 * m2 + rng.normal(size=n)})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resamples", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    resamples = arguments.resamples
    runs = {
        "simple": lambda d: mediate(d, "x", ["m1"], "y", rng=np.random.default_rng(0), resamples=resamples),
        "serial": lambda d: mediate(
            d, "x", ["m1", "m2"], "y", rng=np.random.default_rng(0), order="serial", resamples=resamples
        ),
        "moderated": lambda d: mediate_conditionally(
            d, "x", ["m1"], "y", "w", rng=np.random.default_rng(0), resamples=resamples
        ),
    }
    for n in (250, 1000):
        data, took = sample(n), {name: [] for name in runs}
        for run in runs.values():
            run(data)
        for _ in range(arguments.rounds):
            for name, run in runs.items():
                start = time.perf_counter()
                run(data)
                took[name].append(time.perf_counter() - start)
        for name, times in took.items():
            print(f"{n:5d} rows  {name:10s} {resamples} resamples  {statistics.median(times):6.3f} s")


if __name__ == "__main__":
    main()
