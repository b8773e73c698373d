"""One thread for array products, so that sums come in one order and repeat to the last digit."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()  # looks through every loaded library, so once in a process


def one_thread() -> AbstractContextManager[object]:
    """Hold BLAS and OpenMP to one thread within the block."""
    return _controller().limit(limits=1)
