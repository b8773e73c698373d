"""Runs jobs a few at a time, each in a process that a wall-clock watchdog can end."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Protocol

from crmresearch.running.execution import Job, end_tree, execute

_END_SECONDS = 5.0


class Progress(Protocol):
    """Told what happens while jobs run."""

    def begin(self, job: Job) -> None:
        """A study begins."""

    def cell(self, job: Job, position: int, of: int) -> None:
        """A study reached a code cell."""

    def end(self, job: Job, why: str, seconds: float) -> None:
        """A study ended; ``why`` is empty where it is done."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended: ``why`` it failed (empty where it is done) and how long it took."""

    job: Job
    why: str
    seconds: float


@dataclass(slots=True)
class _Running:
    job: Job
    process: BaseProcess
    hear: Connection
    began: float
    place: str = "the start of the kernel"
    verdict: str | None = None
    silent: bool = False


def warm_up() -> None:
    """Begin to import papermill in a process from which the jobs' processes are forked; does not wait."""
    if sys.platform != "win32":
        multiprocessing.get_context("forkserver").set_forkserver_preload(["papermill", "psutil"])
        forkserver.ensure_running()


def run_jobs(
    jobs: Iterable[Job], *, at_once: int, timeout: float, progress: Progress, run: Callable[..., None] = execute
) -> Iterator[Outcome]:
    """Run ``jobs``, ``at_once`` at a time, and yield the outcome of each as it ends.

    Parameters
    ----------
    timeout : float
        Seconds of wall clock after which a job is ended, with everything it started.
    run : callable
        What a job's process calls, with the job and a connection to report on.
    """
    context = multiprocessing.get_context("spawn" if sys.platform == "win32" else "forkserver")
    waiting, running = list(jobs)[::-1], []
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                running.append(_start(context, waiting.pop(), progress, run))
            soonest = min(item.began for item in running) + timeout
            parts = [i.process.sentinel for i in running] + [i.hear for i in running if not i.silent]
            wait(parts, timeout=max(0.0, soonest - time.monotonic()))
            for item in list(running):
                _listen(item, progress)
                late = time.monotonic() - item.began >= timeout
                if late or item.verdict is not None or item.process.exitcode is not None:
                    running.remove(item)
                    outcome = _finish(item, timeout)
                    progress.end(item.job, outcome.why, outcome.seconds)
                    yield outcome
    finally:
        for item in running:
            _kill(item.process)


def _start(context: Any, job: Job, progress: Progress, run: Callable[..., None]) -> _Running:
    hear, tell = context.Pipe(duplex=False)
    process = context.Process(target=run, args=(job, tell), name=job.name)
    process.start()
    tell.close()
    progress.begin(job)
    return _Running(job, process, hear, time.monotonic())


def _listen(item: _Running, progress: Progress) -> None:
    try:
        while not item.silent and item.hear.poll():
            match item.hear.recv():
                case ("cell", position, of, line):
                    item.place = f"code cell {position} of {of} (`{line}`)"
                    progress.cell(item.job, position, of)
                case ("done",):
                    item.verdict = ""
                case ("failed", why):
                    item.verdict = why
    except (EOFError, OSError):
        item.silent = True


def _finish(item: _Running, timeout: float) -> Outcome:
    seconds = time.monotonic() - item.began
    if item.verdict is not None:
        item.process.join(_END_SECONDS)
    else:
        ended = item.process.exitcode
        _kill(item.process)
        late = f"was still in {item.place} after {timeout:g} s (--timeout)"
        item.verdict = late if ended is None else f"its process ended with code {ended} in {item.place}"
    if item.process.exitcode is None:
        _kill(item.process)
    elif item.process.exitcode and not item.verdict:
        item.verdict = f"its process ended with code {item.process.exitcode}"
    item.hear.close()
    item.process.close()
    return Outcome(item.job, item.verdict, seconds)


def _kill(process: BaseProcess) -> None:
    if process.pid is not None:
        end_tree(process.pid)
    process.join(_END_SECONDS)
