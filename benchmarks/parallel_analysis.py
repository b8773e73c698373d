"""Parallel analysis of 1,000 respondents and 40 items, beside the way by simulated answers.

    python benchmarks/parallel_analysis.py [--draws 1000] [--rounds 7]

Interleaved in one process; prints warm medians. Goal: at most 2 seconds.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
from threadpoolctl import threadpool_limits

from crmresearch.scoring.satisfaction.factors.retention import parallel_analysis

N, P = 1000, 40


def by_answers(draws: int, rng: np.random.Generator) -> np.ndarray:
    """The usual way: draw every answer, correlate, take eigenvalues."""
    return np.array(
        [np.linalg.eigvalsh(np.corrcoef(rng.standard_normal((N, P)), rowvar=False))[::-1] for _ in range(draws)]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    correlation = np.corrcoef(np.random.default_rng(0).standard_normal((N, P)), rowvar=False)
    ways = {
        "parallel_analysis": lambda rng: parallel_analysis(correlation, N, draws=options.draws, rng=rng),
        "simulated answers": lambda rng: by_answers(options.draws, rng),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    with threadpool_limits(limits=1):
        for number in range(options.rounds + 1):
            for name, way in ways.items():
                began = time.perf_counter()
                way(np.random.default_rng(number))
                if number:  # the first round warms up
                    taken[name].append(time.perf_counter() - began)
    for name, seconds in taken.items():
        print(f"{name:20} {statistics.median(seconds):8.3f} s")


if __name__ == "__main__":
    main()
