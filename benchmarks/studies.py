"""Ten realistic studies: this runner against plain papermill one after another, side by side in one run.

    python benchmarks/studies.py [--rounds 1]

Each round runs both, in an order that alternates, in processes of their own; the executed notebooks must show the
same outputs. Memory is the peak sum over all processes of what
each has to itself plus its part of what it shares (PSS; Linux only).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import psutil

from crmresearch.case import Case, Project
from crmresearch.running.execution import NOTEBOOK_FILE
from crmresearch.running.kernels import KERNEL_ENVIRONMENT
from crmresearch.running.plan import Request
from crmresearch.running.runner import run

STUDIES = 10
WANTED_RATIO, WANTED_RERUN_SECONDS = 2.8, 3.0
SAMPLE_SECONDS = 0.2

IMPORTS = """\
import ibis
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
import statsmodels.formula.api as smf
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score"""
CELLS = (
    "case: str = ''\nseed: int = 0",
    IMPORTS,
    "rng = np.random.default_rng(seed)\ncustomers = pd.DataFrame({'recency': rng.exponential(90, 4000),"
    " 'orders': rng.poisson(4, 4000), 'region': rng.choice(list('ABCD'), 4000)})\n"
    "customers['spend'] = 20 * customers.orders + rng.gamma(2, 30, 4000)\ncustomers.describe()",
    "ibis.memtable(customers).group_by('region').agg(n=ibis._.count(), orders=ibis._.orders.sum())"
    ".order_by('region').to_pandas()",
    "model = smf.ols('spend ~ orders + recency + region', customers).fit(cov_type='HC3')\nmodel.params.round(6)",
    "points = customers[['recency', 'orders', 'spend']]\npoints = (points - points.mean()) / points.std()\n"
    "fit = KMeans(4, n_init=4, random_state=seed).fit(points)\n"
    "print(round(float(silhouette_score(points, fit.labels_, sample_size=1000, random_state=seed)), 6))",
    "sns.histplot(customers, x='spend', hue='region');",
    "sns.scatterplot(customers, x='recency', y='spend', hue=fit.labels_);",
    "fig, axes = plt.subplots(1, 2)\nsns.boxplot(customers, x='region', y='spend', ax=axes[0])\n"
    "sns.regplot(customers, x='orders', y='spend', n_boot=50, seed=seed, ax=axes[1]);",
    "import hashlib, json, os, pathlib\nfrom IPython.display import display\n"
    "record = json.dumps(model.params.to_dict()).encode()\n"
    "pathlib.Path(os.environ['CRMRESEARCH_STUDY_FOLDER'], 'record.json').write_bytes(record)\n"
    "digest = hashlib.sha256(record).hexdigest()\n"
    "display({'application/vnd.crmresearch.closed+json': {'record_sha256': digest}}, raw=True)",
)
CASE_FILE = """\
schema: "1"
title: {en: Benchmark, zh: 基准}
description: {en: Simulated, zh: 模拟}
provenance: {origin: simulated, copy_from: nowhere, terms: none}
simulated: true
as_of: 2026-01-31
files: [{file: orders.csv, table: orders, columns: {customer_id: id, date: day, amount: amount}}]
"""


def take_nothing_in(project: Project, case: Case, known: str) -> SimpleNamespace:
    """Stand for the processed tables: these studies simulate their own."""
    import pandas as pd

    books = {"ledger": [], "quarantine": ["column", "reason"], "log": ["column", "examples"]}
    empty = {name: pd.DataFrame(columns=["source_file", *columns], dtype=object) for name, columns in books.items()}
    return SimpleNamespace(folder=project.processed / case.name / "none", tables=(), **empty)


def blank_page(place: Path, language: str = "index", form: str = "html") -> Path:
    """Stand for a report page, which plain papermill does not make either."""
    page = place / ("index.html" if language == "index" else f"report.{language}.{form}")
    page.write_text("", encoding="utf-8")
    return page


def make_project(root: Path) -> Project:
    import nbformat

    for folder in ("data/raw/bench", "data/processed", "reports", "notebooks"):
        (root / folder).mkdir(parents=True)
    (root / "data/raw/bench/case.yaml").write_text(CASE_FILE, encoding="utf-8")
    (root / "data/raw/bench/orders.csv").write_text("id,day,amount\n1,2026-01-02,3.00\n", encoding="utf-8")
    for number in range(STUDIES):
        cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
        cells[0].source = cells[0].source.replace("seed: int = 0", f"seed: int = {number}")
        cells[0].metadata["tags"] = ["parameters"]
        notebook = nbformat.v4.new_notebook(cells=cells)
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, root / "notebooks" / f"study_{number}.ipynb")
    return Project(root)


def run_ours(root: Path) -> Path:
    (outcome,) = run(
        Project(root), Request(), intake=take_nothing_in, render=blank_page, render_index=blank_page
    )  # fmt: skip
    if outcome.exit_code:
        sys.exit(f"studies failed: {outcome.statuses}")
    return outcome.edition / "studies"


def run_plain(root: Path) -> Path:
    import papermill

    os.environ |= KERNEL_ENVIRONMENT
    for notebook in sorted((root / "notebooks").glob("*.ipynb")):
        folder = root / "plain" / notebook.stem
        folder.mkdir(parents=True)
        os.environ["CRMRESEARCH_STUDY_FOLDER"] = str(folder)
        papermill.execute_notebook(
            str(notebook), str(folder / NOTEBOOK_FILE), parameters={"case": "bench"}, progress_bar=False
        )
    return root / "plain"


def shown(folder: Path) -> dict[str, list]:
    """What each executed notebook shows, cell by cell."""
    import nbformat

    found = {}
    for path in sorted(folder.glob(f"*/{NOTEBOOK_FILE}")):
        cells = nbformat.read(path, as_version=4).cells
        found[path.parent.name] = [(cell.execution_count, json.dumps(cell.outputs)) for cell in cells]
    return found


@dataclass(frozen=True, slots=True)
class Measured:
    """One measured run."""

    seconds: float
    megabytes: float
    folder: Path


def measure(way: str, root: Path) -> Measured:
    """Run this script for one way in a process of its own; wall clock, peak memory, where the notebooks are."""
    began, peak = time.perf_counter(), 0.0
    process = subprocess.Popen(
        [sys.executable, __file__, "--child", way, str(root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    while process.poll() is None:
        peak = max(peak, tree_megabytes(process.pid))
        time.sleep(SAMPLE_SECONDS)
    seconds = time.perf_counter() - began
    if process.returncode:
        sys.exit(f"{way} failed with code {process.returncode}")
    return Measured(seconds, peak, Path(process.stdout.read().splitlines()[-1]))


def tree_megabytes(pid: int) -> float:
    total = 0
    try:
        top = psutil.Process(pid)
        for process in (top, *top.children(recursive=True)):
            try:
                total += getattr(process.memory_full_info(), "pss", 0)
            except psutil.Error:
                continue
    except psutil.Error:
        return 0.0
    return total / 1e6


def median(values: list[Measured], of: Callable[[Measured], float]) -> float:
    return statistics.median(map(of, values))


def compare(rounds: int) -> int:
    measured: dict[str, list[Measured]] = {"plain": [], "ours": [], "rerun": []}
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            root = make_project(Path(folder) / "project").root
            for way in ("plain", "ours") if number % 2 else ("ours", "plain"):
                measured[way].append(measure(way, root))
            if shown(measured["ours"][-1].folder) != shown(measured["plain"][-1].folder):
                print("the executed notebooks differ")
                return 1
            measured["rerun"].append(measure("ours", root))
    print(f"{STUDIES} studies, median of {rounds}; same outputs in every executed notebook")
    print(f"{'':34}{'seconds':>9}{'peak MB':>9}")
    labels = {
        "plain": "papermill, one after another",
        "ours": "crmresearch, two at a time",
        "rerun": "crmresearch, unchanged",
    }
    for way, label in labels.items():
        seconds, megabytes = median(measured[way], lambda m: m.seconds), median(measured[way], lambda m: m.megabytes)
        print(f"{label:34}{seconds:9.2f}{megabytes:9.0f}")
    ratio = statistics.median(p.seconds / o.seconds for p, o in zip(measured["plain"], measured["ours"], strict=True))
    rerun = median(measured["rerun"], lambda m: m.seconds)
    print(
        f"ours is {ratio:.2f} x as fast (wanted {WANTED_RATIO}); rerun {rerun:.2f} s (wanted {WANTED_RERUN_SECONDS:g})"
    )
    return 0 if ratio >= WANTED_RATIO and rerun <= WANTED_RERUN_SECONDS else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        way, root = arguments.child
        print({"ours": run_ours, "plain": run_plain}[way](Path(root)))
    else:
        sys.exit(compare(arguments.rounds))
