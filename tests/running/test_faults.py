"""Faults: after each the published state verifies, the next run succeeds unaided, no process is left."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import psutil
import pytest

from crmresearch.case import Project
from crmresearch.errors import BusyError, StorageError
from crmresearch.running.editions import editions
from crmresearch.running.locks import case_lock
from crmresearch.running.progress import Console
from tests.running.small import make_project, run_small, write_study

HERE = Path(__file__).resolve().parent
MARK = "CRMRESEARCH_TEST_MARK"
GONE_SECONDS = 10
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


class Clock(Console):
    """Notes how long after the last cell's start a job ended."""

    def cell(self, job, position, of):
        self.began = time.monotonic()
        super().cell(job, position, of)

    def end(self, job, why, seconds):
        self.since_cell = time.monotonic() - self.began if hasattr(self, "began") else None
        self.seconds = seconds
        super().end(job, why, seconds)


def start(project: Project, mark: str = "", **environment: str) -> subprocess.Popen[str]:
    path = os.pathsep.join((str(HERE.parents[1] / "src"), str(HERE)))
    return subprocess.Popen(
        [sys.executable, str(HERE / "small.py"), str(project.root)],
        env={**os.environ, "PYTHONPATH": path, MARK: mark, **environment},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def processes_left(mark: str) -> list[psutil.Process]:
    """Processes that a marked run started and that outlive it by more than a few seconds."""
    deadline = time.monotonic() + GONE_SECONDS
    while left := [p for p in psutil.process_iter() if _has_mark(p, mark)]:
        if time.monotonic() > deadline:
            return left
        time.sleep(0.05)
    return []


def _has_mark(process: psutil.Process, mark: str) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == mark
    except psutil.Error:
        return False


def published_is_sound(project: Project) -> bool:
    return all(edition.damage() == [] for edition in editions(project, "shop"))


def tables(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.glob("studies/*/tables/*")}


def _kill_at_random(project: Project, rng: random.Random, longest: float, name: str) -> None:
    write_study(project, "first", f"# {name}")
    mark = uuid.uuid4().hex
    process = start(project, mark)
    time.sleep(rng.uniform(0, longest))
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert processes_left(mark) == []
    assert published_is_sound(project)


def _whole_run(project: Project) -> float:
    began = time.monotonic()
    process = start(project)
    assert process.communicate(timeout=300)[1] is not None
    assert process.returncode == 0
    return time.monotonic() - began


@posix
def test_f1_killed_at_ten_moments(tmp_path):
    project = make_project(tmp_path)
    write_study(project, "first")
    longest, rng = _whole_run(project), random.Random(1)
    for n in range(10):
        _kill_at_random(project, rng, longest, f"change {n}")
    _whole_run(project)
    assert published_is_sound(project)
    assert not list((project.reports / "shop").glob(".staging-*"))


@posix
@pytest.mark.slow
def test_f1_killed_at_sixty_moments(tmp_path):
    project = make_project(tmp_path)
    write_study(project, "first")
    longest, rng = _whole_run(project), random.Random(2)
    for n in range(60):
        _kill_at_random(project, rng, longest, f"change {n}")
        _whole_run(project)
        assert published_is_sound(project)


@posix
@pytest.mark.parametrize("deed", ["os._exit(0)", "os._exit(3)", "os.kill(os.getpid(), 9)"])
def test_f2_kernel_dies(tmp_path, deed):
    project = make_project(tmp_path)
    write_study(project, "first", f"import os; {deed}")
    clock = Clock()
    outcome = run_small(project, console=clock)
    assert outcome.statuses["first"].why == f"the kernel died in code cell 3 of 4 (`import os; {deed}`)"
    assert clock.since_cell < 10
    assert (outcome.edition, outcome.exit_code) == (None, 1)


def sleeping() -> set[int]:
    """Every ``sleep`` below this process; one that ends while it is looked at is gone."""
    found = set()
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            found |= {process.pid} if "sleep" in process.name() else set()
    return found


HANGS = {
    "sleep": "import time; time.sleep(600)",
    "stopped": "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
    "holds the GIL": "import re; re.match('(a+)+$', 'a' * 60 + 'b')",
    "has a child": "import subprocess; subprocess.run(['sleep', '600'])",
}


@posix
@pytest.mark.parametrize("cell", HANGS.values(), ids=HANGS)
def test_f3_hangs(tmp_path, cell):
    project = make_project(tmp_path)
    write_study(project, "first", cell)
    clock = Clock()
    before = sleeping()
    outcome = run_small(project, timeout=5, console=clock)
    assert outcome.statuses["first"].why.endswith("after 5 s (--timeout)")
    assert clock.seconds < 20
    deadline = time.monotonic() + GONE_SECONDS
    while sleeping() - before:
        assert time.monotonic() < deadline, "the kernel's child lives on"
        time.sleep(0.05)
    write_study(project, "first")
    assert run_small(project).exit_code == 0


def test_f4_memory_limit_is_named(tmp_path):
    project = make_project(tmp_path)
    write_study(project, "first", "block = bytearray(3 * 2**30)")
    why = run_small(project, memory_bytes=2 * 2**30).statuses["first"].why
    assert why.startswith("code cell 3 of 4 (`block = bytearray(3 * 2**30)`) stopped with MemoryError")
    assert why.endswith("limit 2 GB (--memory)")


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_f5_disk_full_in_a_cell(tmp_path):
    project = make_project(tmp_path)
    write_study(project, "first", "open('/dev/full', 'w').write('x' * 100_000)")
    outcome = run_small(project)
    assert "code cell 3 of 4" in outcome.statuses["first"].why
    assert "No space left on device" in outcome.statuses["first"].why


def test_f5_disk_full_while_publishing(tmp_path, monkeypatch):
    project = make_project(tmp_path)
    write_study(project, "first")
    run_small(project)
    write_study(project, "first", "total = 9")

    def full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        outcome = run_small(project)
    assert isinstance(outcome.error, StorageError)
    assert "No space left on device" in str(outcome.error)
    assert [e.folder.name for e in editions(project, "shop")] == ["2026-01-31-001"]
    assert published_is_sound(project)
    assert run_small(project).edition.name == "2026-01-31-002"


def _pair(project: Project, name: str) -> None:
    write_study(project, "first", f"import time; time.sleep(1)  # {name}")
    pair = [start(project), start(project)]
    ends = [process.communicate(timeout=300)[1] for process in pair]
    ran, refused = sorted(range(2), key=lambda i: pair[i].returncode)
    assert (pair[ran].returncode, pair[refused].returncode) == (0, 4)
    assert f"process {pair[ran].pid}" in ends[refused]
    assert published_is_sound(project)


def test_f6_one_run_at_a_time(tmp_path):
    project = make_project(tmp_path)
    write_study(project, "first")
    with case_lock(project, "shop"):
        process = start(project)
        said = process.communicate(timeout=300)[1]
    assert process.returncode == BusyError.exit_code == 4
    assert f"shop: another run works on this case (process {os.getpid()})" in said
    assert run_small(project).exit_code == 0


@pytest.mark.slow
def test_f6_twenty_pairs(tmp_path):
    project = make_project(tmp_path)
    for n in range(20):
        _pair(project, f"pair {n}")


@posix
def test_f7_an_interrupted_run_is_taken_up(tmp_path):
    project = make_project(tmp_path / "interrupted")
    write_study(project, "first")
    write_study(project, "second", f"import os, time\nif not os.path.exists({str(tmp_path / 'go')!r}): time.sleep(600)")
    process = start(project)
    deadline = time.monotonic() + 120
    while not list(project.reports.glob("shop/.staging-*/studies/first/study.json")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    (tmp_path / "go").touch()
    outcome = run_small(project)
    assert {name: s.state for name, s in outcome.statuses.items()} == {"first": "reused", "second": "done"}
    assert not list((project.reports / "shop").glob(".staging-*"))

    whole = make_project(tmp_path / "whole")
    for name in ("first", "second"):
        (whole.notebooks / f"{name}.ipynb").write_bytes((project.notebooks / f"{name}.ipynb").read_bytes())
    assert tables(outcome.edition) == tables(run_small(whole).edition) != {}


UNFINISHED = {
    "broken cell": ("1 / 0", "code cell 3 of 4 (`1 / 0`) stopped with ZeroDivisionError: division by zero"),
    "sys.exit(0)": ("import sys; sys.exit(0)", "code cell 3 of 4 (`import sys; sys.exit(0)`)"),
}


@pytest.mark.parametrize(("cell", "why"), UNFINISHED.values(), ids=UNFINISHED)
def test_f11_an_unfinished_study_is_failed_and_its_notebook_kept(tmp_path, cell, why):
    project = make_project(tmp_path)
    write_study(project, "first", cell)
    write_study(project, "second")
    outcome = run_small(project)
    assert why in outcome.statuses["first"].why
    assert outcome.exit_code == 3
    assert [p.name for p in (outcome.edition / "studies").iterdir()] == ["second"]
    assert (project.reports / "shop/failed/first.ipynb").is_file()
    again = run_small(project)
    assert (again.fresh, again.exit_code, again.edition) == (False, 3, outcome.edition)


def test_f11_a_skipped_cell_is_failed(tmp_path):
    import nbformat

    project = make_project(tmp_path)
    write_study(project, "first", "total = 9")
    path = project.notebooks / "first.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[3].metadata["tags"] = ["skip-execution"]
    nbformat.write(notebook, path)
    assert run_small(project).statuses["first"].why.startswith("code cell 3 of 4 (`total = 9`) never ran")


def test_f11_a_study_that_does_not_close_is_failed(tmp_path):
    project = make_project(tmp_path)
    write_study(project, "first", close=False)
    assert "did not close the study" in run_small(project).statuses["first"].why


def test_f12_locale_and_time_zone_change_no_table(tmp_path):
    found = []
    for name, environment in (("c", {"LC_ALL": "C", "TZ": "Asia/Shanghai"}), ("u", {"TZ": "America/New_York"})):
        project = make_project(tmp_path / name)
        write_study(
            project,
            "first",
            "import time\nopen('/dev/null', 'w').write('客户')\ntotal = time.strftime('%c 客户', (0,) * 9)",
        )
        write_study(project, "second", "import time\ntotal = time.strftime('%H:%M', time.localtime(0))")
        process = start(project, **environment)
        process.communicate(timeout=300)
        assert process.returncode == 0
        found.append(tables(editions(project, "shop")[0].folder))
    assert found[0] == found[1]
    assert found[0]["studies/second/tables/total.csv"] == b"total\n00:00\n"


def test_f14_output_that_cannot_be_written_is_told_before_computing(tmp_path, monkeypatch):
    project = make_project(tmp_path)
    write_study(project, "first")
    monkeypatch.setattr("crmresearch.running.runner.warm_up", lambda: pytest.fail("computing began"))
    if os.geteuid():
        project.reports.chmod(0o500)
    else:  # root may write anywhere but through a file
        (project.reports / "shop").write_text("in the way")
    outcome = run_small(project, kernels=lambda: pytest.fail("computing began"))
    assert isinstance(outcome.error, StorageError)
    assert str(project.reports / "shop") in str(outcome.error)
    assert outcome.exit_code == 1
