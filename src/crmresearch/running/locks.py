"""One run of a case at a time."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from crmresearch.case import Project
from crmresearch.errors import BusyError, StorageError

_LOCK, _HOLDER = ".lock", ".holder"


@contextlib.contextmanager
def case_lock(project: Project, case: str) -> Iterator[None]:
    """Hold the lock of ``case``; the operating system frees it when the process ends, however it ends.

    Raises
    ------
    BusyError
        Another process holds it; the message names the process.
    StorageError
        The report folder of the case cannot be written.
    """
    folder = project.reports / case
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / _LOCK)
        lock.acquire(timeout=0)
    except Timeout:
        raise BusyError(
            f"another run works on this case ({_holder(folder)})", where=case, repair="Wait until it ends."
        ) from None
    except OSError as error:
        raise StorageError(
            f"cannot write here ({error.strerror or error})",
            where=str(folder),
            repair="Give yourself the right to write there, or free some space.",
        ) from None
    try:
        with contextlib.suppress(OSError):
            (folder / _HOLDER).write_text(str(os.getpid()), encoding="ascii")
        yield
    finally:
        with contextlib.suppress(OSError):
            (folder / _HOLDER).unlink()
        lock.release()


def _holder(folder: Path) -> str:
    import psutil

    for _ in range(20):  # the holder writes its number just after it has the lock
        with contextlib.suppress(OSError, ValueError):
            number = int((folder / _HOLDER).read_text(encoding="ascii"))
            if psutil.pid_exists(number):
                return f"process {number}"
        time.sleep(0.05)
    return "a process that has not said its number"
