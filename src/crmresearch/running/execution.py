"""Runs one notebook by papermill in a process of its own, and judges whether it is done.

A study is done only if papermill ended without an error, every code cell has an execution count,
and the mark of :mod:`crmresearch.running.sentinel` agrees with the record on disk.
"""

from __future__ import annotations

import contextlib
import hashlib
import multiprocessing
import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from crmresearch.running.kernels import MEMORY_VARIABLE
from crmresearch.running.sentinel import FOLDER_VARIABLE, RECORD_FILE, closed_digest

START_TIMEOUT_SECONDS = 300
NOTEBOOK_FILE = "notebook.ipynb"
LOG_FILE = "kernel.log"


@dataclass(frozen=True, slots=True)
class Job:
    """One study to execute.

    Attributes
    ----------
    notebook : Path
        The study notebook; never written to.
    folder : Path
        Where the executed notebook and everything the study writes go.
    parameters : Mapping[str, Any]
        Already checked and typed.
    environment : Mapping[str, str]
        Variables of the papermill process and its kernel.
    """

    case: str
    study: str
    notebook: Path
    folder: Path
    parameters: Mapping[str, Any]
    environment: Mapping[str, str]

    @property
    def name(self) -> str:
        """Case and study."""
        return f"{self.case}/{self.study}"


def execute(job: Job, tell: Connection) -> None:
    """Run ``job`` and tell how it goes.

    Sends ``("cell", position, of, first line)`` as each code cell begins, and at the end either
    ``("done",)`` or ``("failed", why)``.

    To be called in a process of its own: it redirects the standard streams, changes folder and
    ends the process, with everything it started, when its parent ends.
    """
    threading.Thread(target=_end_with_parent, daemon=True).start()
    job.folder.mkdir(parents=True, exist_ok=True)
    log = os.open(job.folder / LOG_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.environ.update(job.environment)
    os.environ[FOLDER_VARIABLE] = str(job.folder)
    os.chdir(job.folder)  # so that papermill notes relative paths only
    try:
        why = _run(job, tell)
    except OSError as error:
        why = f"could not be written ({error.strerror or error})"
    except Exception as error:
        why = f"papermill stopped with {type(error).__name__}: {_one_line(error)}"
    with contextlib.suppress(OSError):
        (job.folder / LOG_FILE).unlink()
    tell.send(("failed", why) if why else ("done",))


def _run(job: Job, tell: Connection) -> str:
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError
    from traitlets.config import Config

    code = _own_code(papermill.iorw.load_notebook_node(str(job.notebook)).cells)
    begun: list[str] = []

    def cell_starts(cell: Any, cell_index: int) -> None:
        if _own_code([cell]):
            begun.append(cell.source)
            tell.send(("cell", len(begun), len(code), _first_line(cell.source)))

    def last_cell() -> str:
        return _place(len(begun), len(code), begun[-1]) if begun else "the start of the kernel"

    channel = {}
    if sys.platform != "win32":  # files in a private folder: no port that two kernels could both pick
        ipc = {"transport": "ipc", "ip": str(Path(os.environ["JUPYTER_RUNTIME_DIR"]) / str(os.getpid()))}
        channel = {"config": Config({"KernelManager": ipc})}
    try:
        notebook = papermill.execute_notebook(
            os.path.relpath(job.notebook, job.folder),
            NOTEBOOK_FILE,
            parameters=dict(job.parameters),
            kernel_name="python3",
            progress_bar=False,
            cwd=str(job.notebook.parent),
            start_timeout=START_TIMEOUT_SECONDS,
            shutdown_kernel="immediate",
            on_cell_start=cell_starts,
            **channel,
        )
    except PapermillExecutionError as error:
        why = f"{last_cell()} stopped with {error.ename}: {_one_line(error.evalue)}"
        limit = os.environ.get(MEMORY_VARIABLE)
        return f"{why}; limit {int(limit) / 2**30:g} GB (--memory)" if limit and "Memory" in error.ename else why
    except DeadKernelError:
        return f"the kernel died in {last_cell()}"
    return judge(notebook.cells, job.folder)


def judge(cells: list[Mapping[str, Any]], folder: Path) -> str:
    """Why an executed notebook does not count as done; the empty string where it does.

    Parameters
    ----------
    cells : list of notebook cells
    folder : Path
        Where the study wrote its record.
    """
    code = _own_code(cells)
    for position, cell in enumerate(code, start=1):
        if not cell.get("execution_count"):
            why = f"{_place(position, len(code), cell['source'])} never ran"
            before = f", after {_place(position - 1, len(code), code[position - 2]['source'])}" if position > 1 else ""
            return why + before
    stated = closed_digest(cells)
    if not stated:
        return "the last cell did not close the study (`study.close()`)"
    record = folder / RECORD_FILE
    if not record.is_file() or hashlib.sha256(record.read_bytes()).hexdigest() != stated:
        return f"{RECORD_FILE} is not the one the study closed"
    return ""


def _own_code(cells: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Code cells with content, without the one in which papermill puts parameters."""
    return [
        cell
        for cell in cells
        if cell["cell_type"] == "code"
        and cell["source"].strip()
        and "injected-parameters" not in cell["metadata"].get("tags", ())
    ]


def _place(position: int, of: int, source: str) -> str:
    return f"code cell {position} of {of} (`{_first_line(source)}`)"


def _first_line(source: str) -> str:
    line = source.strip().splitlines()[0]
    return line if len(line) <= 60 else f"{line[:59]}…"


def _one_line(error: object) -> str:
    return " ".join(str(error).split())[:300] or "no message"


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        end_tree(os.getpid())


def end_tree(pid: int) -> None:
    """Kill a process and all its descendants, stopped ones too."""
    import psutil

    try:
        top = psutil.Process(pid)
        processes = [*top.children(recursive=True), top]
    except psutil.NoSuchProcess:
        return
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
