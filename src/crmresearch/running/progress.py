"""How a run tells where it is: a bar on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
from typing import TextIO

from crmresearch.running.execution import Job


class Console:
    """Prints progress; satisfies :class:`crmresearch.running.pool.Progress`.

    Parameters
    ----------
    stream : TextIO
        A bar is drawn where it is a terminal.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self._bar = None
        self._places: dict[str, tuple[int, int]] = {}

    def say(self, line: str) -> None:
        """Print one line."""
        if self._bar is not None:
            self._bar.clear()
        print(line, file=self.stream, flush=True)
        if self._bar is not None:
            self._bar.refresh()

    def plan(self, jobs: int) -> None:
        """Announce how many studies will be computed."""
        if jobs and self.stream.isatty():
            from tqdm import tqdm

            tqdm.monitor_interval = 0  # no thread
            self._bar = tqdm(
                total=jobs, unit="study", file=self.stream, leave=False, bar_format="{l_bar}{bar}| {postfix}"
            )

    def begin(self, job: Job) -> None:
        """A study begins."""
        self._show(job, (0, 0))

    def cell(self, job: Job, position: int, of: int) -> None:
        """A study reached a code cell."""
        self._show(job, (position, of))

    def end(self, job: Job, why: str, seconds: float) -> None:
        """A study ended."""
        self._places.pop(job.name, None)
        self.say(f"  {job.name}: {'failed: ' + why if why else f'done in {seconds:.1f} s'}")
        if self._bar is not None:
            self._bar.update(1)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _show(self, job: Job, place: tuple[int, int]) -> None:
        self._places[job.name] = place
        if self._bar is not None:
            now = (f"{name} {position}/{of}" if of else name for name, (position, of) in self._places.items())
            self._bar.set_postfix_str(", ".join(now))
