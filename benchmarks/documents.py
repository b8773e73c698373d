"""Time to set one edition of 60 tables and 40 figures as Word, PDF and HTML, and the size of each.

    python benchmarks/documents.py
    python benchmarks/documents.py --tables 6 --figures 4 --rounds 1

The edition is drawn from a seed; the formats take turns, the median is shown. The time of the studies
themselves is not in it. Imports are: a run pays for them once.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

TARGET = "target: at most 5 s for all formats of one language, imports included"
STUDIES = 4


@dataclass(frozen=True)
class Drawn:
    """A result with some tables and findings, in words that the package has."""

    tables: int
    rng: np.random.Generator

    @property
    def recipe(self):
        from crmresearch.results import Recipe

        return Recipe("equal_weights", {}, "drawn from a seed")

    def exhibits(self):
        from crmresearch.results import Exhibit

        for _ in range(self.tables):
            rows = 15
            data = pd.DataFrame(
                {
                    "customer_id": [f"K{n:05d}" for n in self.rng.integers(0, 99_999, rows)],
                    "n_orders": self.rng.integers(1, 300, rows),
                    "spend": self.rng.gamma(2, 900, rows).round(2),
                    "estimate": self.rng.standard_normal(rows),
                    "std_error": self.rng.random(rows),
                    "p_value": self.rng.random(rows),
                }
            )
            yield Exhibit("customer_summary", data)

    def findings(self):
        return ()


def write_edition(folder: Path, tables: int, figures: int) -> None:
    """An edition as the runner leaves it, before its pages are written."""
    from matplotlib.figure import Figure

    from crmresearch.reporting.edition import Edition
    from crmresearch.reporting.figures.theme import theme
    from crmresearch.reporting.record import Record
    from crmresearch.reporting.words import load_words

    rng, both = np.random.default_rng(20260101), {"en": "Drawn edition", "zh": "抽样版次"}
    for number in range(STUDIES):
        record = Record(
            folder / "studies" / f"study{number}", study=f"study{number}", case="drawn", title=both, as_of="2025-12-31",
            parameters={}, inputs={}, words=load_words(),
        )  # fmt: skip
        record.section("tiers")
        record.result(Drawn(tables // STUDIES, rng), "crmresearch.scoring.value.weights.weigh_equally")
        for _ in range(figures // STUDIES):
            drawn = {}
            for language in ("en", "zh"):
                with theme():
                    figure = Figure()
                    figure.subplots().plot(rng.standard_normal(60).cumsum())
                drawn[language] = figure
            record.figure("scores", drawn)
        record.close()
    studies = {f"study{n}": {"title": both, "status": "done"} for n in range(STUDIES)}
    provenance = {"origin": "drawn", "copy_from": "nowhere", "terms": "free"}
    edition = Edition.model_validate(
        {
            "schema": 1, "case": "drawn", "title": both, "description": both, "edition": "2025-12-31-001",
            "as_of": "2025-12-31", "number": 1, "made": "2026-01-02T03:04:05+00:00", "languages": ("zh",),
            "simulated": True, "currency": "CNY", "citation": "", "provenance": provenance,
            "intake": {"key": "k", "processed": "d", "tables": ("orders",)}, "inputs": {},
            "software": {"key": "", "crmresearch": "0"},
            "studies": studies, "rerun": "crmresearch run drawn", "layout": {"profile": "gbt7713", "outline": "plain"},
        }
    )  # fmt: skip
    (folder / "edition.json").write_text(edition.model_dump_json(by_alias=True), encoding="utf-8")


CHILD = """
import json, sys, time
begin = time.perf_counter()
from pathlib import Path
from crmresearch.running.layout import render_report
seconds = {"imports": time.perf_counter() - begin}
for form in ("docx", "pdf", "html"):
    begin = time.perf_counter()
    render_report(Path(sys.argv[1]), "zh", form)
    seconds[form] = time.perf_counter() - begin
print(json.dumps(seconds))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=60)
    parser.add_argument("--figures", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        begin = time.perf_counter()
        write_edition(folder, arguments.tables, arguments.figures)
        print(
            f"edition of {arguments.tables} tables, {arguments.figures} figures in {time.perf_counter() - begin:.1f} s"
        )
        times: list[dict[str, float]] = []
        for _ in range(arguments.rounds):
            told = subprocess.run([sys.executable, "-c", CHILD, folder], capture_output=True, text=True, check=True)
            times.append(json.loads(told.stdout.splitlines()[-1]))
        total = statistics.median(sum(run.values()) for run in times)
        for form in times[0]:
            path = folder / f"report.zh.{form}"
            size = f"{path.stat().st_size / 1e6:8.2f} MB" if path.exists() else ""
            print(f"{form:10}{statistics.median(run[form] for run in times):8.2f} s{size}")
        print(f"{'all':10}{total:8.2f} s   median of {arguments.rounds}\n{TARGET}")


if __name__ == "__main__":
    main()
