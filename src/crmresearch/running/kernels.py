"""Where kernels come from: forked from one pre-imported process, or plain where the system cannot fork."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

MEMORY_VARIABLE = "CRMRESEARCH_MEMORY_BYTES"
"""Address space that a forked kernel may use, in bytes."""

KERNEL_NAME = "python3"
"""The kernel that the notebooks name; a forked kernel answers to it too."""

KERNEL_ENVIRONMENT = {
    "PYTHONUTF8": "1",
    "PYTHONHASHSEED": "0",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "TZ": "UTC",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
"""What makes a kernel give the same numbers on every machine."""

PRELOADED = (
    "crmresearch",
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ibis.backends.duckdb",
    "matplotlib.backends.backend_agg",
    "matplotlib.pyplot",
    "pandera.pandas",
    "pyarrow.parquet",
    "scipy.stats",
    "seaborn",
    "sklearn.cluster",
    "sklearn.linear_model",
    "sklearn.metrics",
    "sklearn.preprocessing",
    "statsmodels.api",
    "statsmodels.formula.api",
)
"""What studies import: this package with all its modules, and what its libraries import late."""

CAN_FORK = sys.platform != "win32" and hasattr(os, "fork") and hasattr(socket, "AF_UNIX")


class Kernels:
    """The kernels of one run, as a context manager.

    Entering starts the kernel server without waiting for it; leaving ends it and every kernel.
    The kernelspec, the connection files and the socket live in a temporary folder, never in the
    user's home.

    Parameters
    ----------
    fork : bool
        Fork kernels from a pre-imported server; False starts plain ones.
    preload : sequence of str
        Modules that the server imports, once for all kernels.

    Attributes
    ----------
    environment : dict[str, str]
        Variables under which papermill finds the kernels, to be set where papermill runs.
    """

    def __init__(self, *, fork: bool = CAN_FORK, preload: Sequence[str] = PRELOADED) -> None:
        self.fork, self.preload = fork, preload
        self.environment: dict[str, str] = {}
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Kernels:
        # Unix sockets need short paths, and some systems' own temporary folder is a long one.
        place = "/tmp" if self.fork and os.access("/tmp", os.W_OK) else None
        self.folder = Path(tempfile.mkdtemp(prefix="crmresearch-", dir=place))
        self.environment = {
            **KERNEL_ENVIRONMENT,
            "JUPYTER_RUNTIME_DIR": str(self.folder),
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        }
        if self.fork:
            self._start()
        return self

    def _start(self) -> None:
        address = str(self.folder / "server")
        client = Path(__file__).with_name("kernelclient.py")
        spec = {
            "argv": [sys.executable, "-I", "-S", str(client), address, "-f", "{connection_file}"],
            "display_name": "Python 3",
            "language": "python",
        }
        (self.folder / "kernels" / KERNEL_NAME).mkdir(parents=True)
        (self.folder / "kernels" / KERNEL_NAME / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
        self.environment["JUPYTER_PATH"] = os.pathsep.join(
            filter(None, (str(self.folder), os.environ.get("JUPYTER_PATH")))
        )
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(address)
            listener.listen(64)
            self._server = subprocess.Popen(
                [sys.executable, "-m", "crmresearch.running.kernelserver", str(listener.fileno()), *self.preload],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                env={**os.environ, **KERNEL_ENVIRONMENT},
                pass_fds=[listener.fileno()],
                start_new_session=True,
            )

    @property
    def alive(self) -> bool:
        """Whether a kernel asked for now can start."""
        return not self.fork or (self._server is not None and self._server.poll() is None)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            assert self._server.stdin is not None
            self._server.stdin.close()
            try:
                self._server.wait(timeout=5)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    self._server.kill()
                self._server.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
