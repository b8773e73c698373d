"""Entropy weights with TOPSIS, and tiers under perturbed weights: ours, scikit-criteria, pymcdm side by side.

    python benchmarks/weights.py                       # 1 million customers by 12 indicators
    python benchmarks/weights.py --customers 1e7       # 10 million: many minutes, gigabytes
    python benchmarks/weights.py --customers 1e5 --rounds 5

Outputs are checked equal first. Times are warm medians on one core, the peers taking turns; extra memory is the peak
of a fresh process beyond the one that holds the input and has imported the libraries. A peer that is not
installed is named and left out. The perturbation is 1,000 weightings of 100,000 customers by 12.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from functools import cache

# read by the BLAS when numpy is imported
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import numpy as np

N_INDICATORS = 12
COSTS = (2, 5, 9)
TARGETS = (
    "targets: scikit-criteria takes at least 8 x ours, pymcdm 20 x; extra memory at most 15 % of the input; "
    "perturbation at most 5 s"
)
SIGN = np.array([-1 if j in COSTS else 1 for j in range(N_INDICATORS)])


def simulate(n: int) -> np.ndarray:
    return np.random.default_rng(20260101).lognormal(0, 1, size=(n, N_INDICATORS))


@cache
def customer_ids(n: int) -> np.ndarray:
    return np.arange(n)


def as_matrix(values: np.ndarray):
    from crmresearch.results import Recipe
    from crmresearch.scoring.value.indicators import Indicator, IndicatorMatrix

    indicators = tuple(Indicator(f"x{j}", "cost" if s < 0 else "benefit") for j, s in enumerate(SIGN))
    return IndicatorMatrix(customer_ids(len(values)), values, indicators, Recipe("indicator_matrix", {"n_left_out": 0}))


def ours(values: np.ndarray) -> np.ndarray:
    from crmresearch.scoring.value.ranking import rank_topsis
    from crmresearch.scoring.value.weights import ENTROPY_PRESETS, weigh_entropy

    matrix = as_matrix(values)
    return rank_topsis(matrix, weigh_entropy(matrix, **ENTROPY_PRESETS["scikit_criteria"])).score


def scikit_criteria(values: np.ndarray) -> np.ndarray:
    from skcriteria import mkdm
    from skcriteria.agg.topsis import TOPSIS
    from skcriteria.preprocessing.scalers import VectorScaler
    from skcriteria.preprocessing.weighters import EntropyWeighter

    decision = EntropyWeighter().transform(mkdm(values, SIGN.tolist()))
    return TOPSIS().evaluate(VectorScaler(target="matrix").transform(decision)).e_.similarity


def pymcdm(values: np.ndarray) -> np.ndarray:
    from pymcdm.methods import TOPSIS
    from pymcdm.normalizations import vector_normalization
    from pymcdm.weights import entropy_weights

    return TOPSIS(vector_normalization)(values, entropy_weights(values), SIGN)


PEERS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str]] = {
    "ours": (ours, "crmresearch.scoring.value.ranking"),
    "scikit-criteria": (scikit_criteria, "skcriteria"),
    "pymcdm": (pymcdm, "pymcdm"),
}


def installed() -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    return {name: make for name, (make, module) in PEERS.items() if importlib.util.find_spec(module)}


def be_child(name: str, n: int, work: bool) -> None:
    make, module = PEERS[name]
    importlib.import_module(module)
    make(simulate(2_000))  # everything it imports on the way
    values = simulate(n)
    customer_ids(n)
    reset_peak()
    if work:
        make(values)
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123
        print(json.dumps(int(status.read().split("VmHWM:")[1].split()[0]) / 1024))


def reset_peak() -> None:
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:  # noqa: PTH123
        file.write("5")


def extra_memory(name: str, n: int) -> float:
    """Peak MB beyond the process that holds the input and has imported everything."""
    peaks = []
    for work in ("1", ""):
        command = [sys.executable, __file__, "--child", name, str(n), work]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks.append(json.loads(done.stdout.splitlines()[-1]))
    return peaks[0] - peaks[1]


def compare(n: int, rounds: int) -> None:
    values, peers = simulate(n), installed()
    results = {name: make(values) for name, make in peers.items()}
    for name, score in results.items():
        np.testing.assert_allclose(score, results["ours"], atol=1e-9, err_msg=name)
    del results
    seconds: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(rounds):
        for name, make in peers.items():
            begin = time.perf_counter()
            make(values)
            seconds[name].append(time.perf_counter() - begin)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    size = values.nbytes / 2**20
    del values
    print(f"\n{n:,} customers by {N_INDICATORS}, {size:,.0f} MB; equal outputs; median of {rounds}")
    print(f"{'':16}{'seconds':>10}{'x ours':>9}{'extra MB':>10}{'of input':>10}")
    for name in peers:
        extra = extra_memory(name, n)
        ratio = medians[name] / medians["ours"]
        print(f"{name:16}{medians[name]:10.3f}{ratio:9.1f}{extra:10.0f}{extra / size:10.1%}")
    for name in PEERS.keys() - peers.keys():
        print(f"{name:16}not installed")


def perturb(n: int, n_draws: int, rounds: int) -> None:
    from crmresearch.scoring.value.ranking import rank_topsis
    from crmresearch.scoring.value.tiers import assign_tiers
    from crmresearch.scoring.value.weights import weigh_entropy

    matrix = as_matrix(simulate(n))
    ranking = rank_topsis(matrix, weigh_entropy(matrix))
    seconds = []
    for _ in range(rounds):
        begin = time.perf_counter()
        assign_tiers(ranking, matrix.values[:, 0], n_draws=n_draws, rng=np.random.default_rng(1))
        seconds.append(time.perf_counter() - begin)
    cube = 8 * n * n_draws * N_INDICATORS / 2**30
    print(
        f"\ntiers under {n_draws:,} weightings of {n:,} customers by {N_INDICATORS}: "
        f"{statistics.median(seconds):.2f} s (median of {rounds}); the cube would hold {cube:,.1f} GB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=float, nargs="+", default=[1_000_000])
    parser.add_argument("--perturbed", type=float, default=100_000)
    parser.add_argument("--draws", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    if arguments.child:
        name, n, *work = arguments.child
        be_child(name, int(n), bool(work and work[0]))
        return
    for n in arguments.customers:
        compare(int(n), arguments.rounds)
    perturb(int(arguments.perturbed), arguments.draws, arguments.rounds)
    print(f"\n{TARGETS}")


if __name__ == "__main__":
    main()
