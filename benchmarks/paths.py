"""Bootstrap of the ECSI model beside seminr, omnisem and openpls-engine: warm medians, interleaved, one core.

    python benchmarks/paths.py                                # 1,000 resamples
    python benchmarks/paths.py --resamples 5000 --rounds 3    # many minutes

A peer that is not installed is left out.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import io
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

# read by the BLAS when numpy is imported
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import numpy as np
import pandas as pd

from crmresearch.scoring.satisfaction.paths import Construct, PathModel, bootstrap_paths, fit_paths

ROOT = Path(__file__).resolve().parents[1]
FEW = 100
BLOCKS = {
    "Image": ("IMAG", 5),
    "Expectation": ("CUEX", 3),
    "Quality": ("PERQ", 7),
    "Value": ("PERV", 2),
    "Satisfaction": ("CUSA", 3),
    "Complaints": ("CUSCO", 0),
    "Loyalty": ("CUSL", 3),
}
ITEMS = {c: tuple(f"{stem}{i}" for i in range(1, k + 1)) or (stem,) for c, (stem, k) in BLOCKS.items()}
PATHS = {
    "Image": ("Expectation", "Satisfaction", "Loyalty"),
    "Expectation": ("Quality", "Value", "Satisfaction"),
    "Quality": ("Value", "Satisfaction"),
    "Value": ("Satisfaction",),
    "Satisfaction": ("Complaints", "Loyalty"),
    "Complaints": ("Loyalty",),
}
ARROWS = tuple((a, b) for a, targets in PATHS.items() for b in targets)


def ours(mobi: pd.DataFrame, indices: np.ndarray) -> np.ndarray:
    model = PathModel(tuple(Construct(c, items) for c, items in ITEMS.items()), ARROWS)
    boot = bootstrap_paths(fit_paths(mobi, model), rng=np.random.default_rng(0), indices=indices)
    return boot.draws[:, : len(ARROWS)]


def seminr(mobi: pd.DataFrame, indices: np.ndarray) -> np.ndarray:
    import seminr as s

    measurement = s.constructs(*(s.composite(c, list(items)) for c, items in ITEMS.items()))
    structure = s.relationships(*(s.paths([a], list(b)) for a, b in PATHS.items()))
    boot = s.bootstrap_model(s.estimate_pls(mobi.astype(float), measurement, structure), indices=indices)
    return np.array([[p.get(a, b) for a, b in ARROWS] for p in boot.boot_paths])


def omnisem(mobi: pd.DataFrame, indices: np.ndarray) -> None:
    from omnisem import plssem

    # 1.0.0rc2 looks its own module up where it no longer is
    sys.modules["omnisem.plssem.mediation"] = importlib.import_module("omnisem.plssem.inference.mediation")
    lines = [f"{c} =~ {' + '.join(items)}" for c, items in ITEMS.items()]
    targets = dict.fromkeys(b for _, b in ARROWS)
    lines += [f"{b} ~ {' + '.join(a for a, end in ARROWS if end == b)}" for b in targets]
    with contextlib.redirect_stdout(io.StringIO()):
        plssem("\n".join(lines), mobi, n_boot=len(indices), n_cores=1)


def openpls(mobi: pd.DataFrame, indices: np.ndarray) -> None:
    import openpls.config as c
    from openpls import Plspm
    from openpls.mode import Mode
    from openpls.scheme import Scheme

    structure = c.Structure()
    for a, targets in PATHS.items():
        structure.add_path([a], list(targets))
    config = c.Config(structure.path(), scaled=True)
    for construct, items in ITEMS.items():
        config.add_lv(construct, Mode.A, *(c.MV(i) for i in items))
    Plspm(mobi, config, Scheme.PATH, bootstrap=True, bootstrap_iterations=len(indices), processes=1)


def median_seconds(
    contest: dict[str, Callable[[pd.DataFrame, np.ndarray], object]],
    mobi: pd.DataFrame,
    indices: np.ndarray,
    rounds: int,
) -> dict[str, float]:
    """Warm each contestant with a few resamples, then time them in turn."""
    took: dict[str, list[float]] = {name: [] for name in contest}
    for run in contest.values():
        run(mobi, indices[:FEW])
    for _ in range(rounds):
        for name, run in contest.items():
            start = time.perf_counter()
            run(mobi, indices)
            took[name].append(time.perf_counter() - start)
    return {name: statistics.median(t) for name, t in took.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    mobi = pd.read_csv(ROOT / "data" / "raw" / "ecsi_mobile" / "mobi.csv")
    indices = np.random.default_rng(1).integers(0, len(mobi), (arguments.resamples, len(mobi)))
    if importlib.util.find_spec("seminr"):
        gap = np.abs(ours(mobi, indices[:FEW]) - seminr(mobi, indices[:FEW])).max()
        print(f"largest difference from seminr on {FEW} shared resamples: {gap:.1e}")
    for label, rows, peers in (
        ("many", indices, {"seminr": seminr, "omnisem": omnisem}),
        ("few", indices[:FEW], {"openpls": openpls}),
    ):
        there = {n: f for n, f in peers.items() if importlib.util.find_spec(n)}
        contest = {"crmresearch": ours, **there}
        seconds = median_seconds(contest, mobi, rows, arguments.rounds)
        print(f"{label}: {len(rows)} resamples of {len(mobi)} rows")
        for name, value in seconds.items():
            print(f"  {name:12s} {value:8.3f} s  {value / seconds['crmresearch']:7.1f} ×")


if __name__ == "__main__":
    main()
