"""A small project that runs in moments: notebooks that close themselves, an intake that copies a file.

Also a command (``python small.py ROOT``) that runs it, for tests that kill it.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pandas as pd

from crmresearch.case import Case, Project
from crmresearch.running.kernels import Kernels
from crmresearch.running.outcomes import CaseOutcome, exit_code
from crmresearch.running.plan import Request
from crmresearch.running.runner import run

CLOSE = """\
import hashlib, json, os, pathlib
from IPython.display import display
folder = pathlib.Path(os.environ["CRMRESEARCH_STUDY_FOLDER"])
(folder / "tables").mkdir()
(folder / "tables" / "total.csv").write_text(f"total\\n{total}\\n", encoding="utf-8")
record = json.dumps({"total": total, "case": case} | {k: v for k, v in globals().items() if k == "blocks"}).encode()
(folder / "record.json").write_bytes(record)
digest = hashlib.sha256(record).hexdigest()
display({"application/vnd.crmresearch.closed+json": {"record_sha256": digest}}, raw=True)"""

PARAMETERS = """\
case: str = ""
as_of: str = ""
language: str = "en"
factor: int = 2  # multiplies the total
share: float = 0.2
code: str = "0"
tag: str | None = None
limits: list[float] = [0.5, 1.0]"""

CASE = """\
schema: "1"
title: {en: Small, zh: 小}
description: {en: Small, zh: 小}
provenance: {origin: made up, copy_from: nowhere, terms: none}
as_of: 2026-01-31
files:
  - file: orders.csv
    table: orders
    columns: {customer_id: id, date: day, amount: amount}
"""


def _book(*columns: str) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=object) for name in ("source_file", *columns)})


def take_in(project: Project, case: Case, known: str) -> SimpleNamespace:
    raw = case.folder / "orders.csv"
    folder = project.processed / case.name / hashlib.sha256(raw.read_bytes()).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(raw, folder / "orders.csv")
    return SimpleNamespace(
        folder=folder,
        tables=("orders",),
        ledger=_book("table", "rows_in", "rows_kept", "rows_quarantined", "rows_merged"),
        quarantine=_book("column", "reason"),
        log=_book("column", "rule", "count", "examples", "severity"),
    )


def render(folder: Path, language: str, form: str) -> Path:
    page = folder / f"report.{language}.{form}"
    page.write_text(f"<p>{language}</p>", encoding="utf-8")
    return page


def render_index(reports: Path) -> Path:
    (reports / "index.html").write_text("<p>index</p>", encoding="utf-8")
    return reports / "index.html"


def write_study(project: Project, name: str, *cells: str, needs: tuple[str, ...] = ("orders",), close: bool = True):
    """Write a study whose cells run between the parameters and the close."""
    code = [nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})]
    code += [
        nbformat.v4.new_code_cell(source) for source in ("total = 3 * factor", *cells, *([CLOSE] if close else []))
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(f"# {name}"), *code])
    notebook.metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
        "crmresearch": {"needs": list(needs), "title": {"en": name, "zh": name}},
    }
    nbformat.write(notebook, project.notebooks / f"{name}.ipynb")


def make_project(root: Path) -> Project:
    for folder in ("data/raw/shop", "data/processed", "reports", "notebooks"):
        (root / folder).mkdir(parents=True)
    (root / "data/raw/shop/case.yaml").write_text(CASE, encoding="utf-8")
    (root / "data/raw/shop/orders.csv").write_text("id,day,amount\n1,2026-01-02,3.00\n", encoding="utf-8")
    return Project(root)


def bare_kernels() -> Kernels:
    """Kernels forked from a process that has imported next to nothing, and so starts soon."""
    return Kernels(preload=("ipykernel.ipkernel",))


@functools.cache
def _shared() -> Kernels:
    kernels = bare_kernels().__enter__()
    atexit.register(kernels.__exit__, None, None, None)
    return kernels


def shared_kernels() -> contextlib.AbstractContextManager[Kernels]:
    """The same for every run of this process."""
    return contextlib.nullcontext(_shared())


def run_small(project: Project, request: Request | None = None, **options) -> CaseOutcome:
    seams = {"intake": take_in, "render": render, "render_index": render_index, "kernels": shared_kernels}
    (outcome,) = run(project, request or Request(), **(seams | options))
    return outcome


if __name__ == "__main__":
    outcome = run_small(Project(Path(sys.argv[1])), kernels=bare_kernels)
    if outcome.error is not None:
        sys.stderr.write(f"{outcome.error}\n")
    sys.exit(exit_code([outcome]))
