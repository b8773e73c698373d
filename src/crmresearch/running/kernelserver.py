"""A process that has imported everything a study needs, and forks a kernel from itself on request.

Started by :class:`crmresearch.running.kernels.Kernels` as ``python -m crmresearch.running.kernelserver FD MODULE…``,
where ``FD`` is a listening Unix socket. It runs no thread of its own, opens no database and draws
nothing through pyplot, so that a fork of it is as good as a new interpreter. It ends, with every
kernel, when its standard input closes, that is when the runner ends, however that happens.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import sys
import time
from typing import Any, NoReturn

from crmresearch.running.kernels import MEMORY_VARIABLE

_DEATH_OF_PARENT = 1  # PR_SET_PDEATHSIG of Linux


def preload(names: list[str]) -> None:
    """Import modules, with all of this package where it is named; what fails here fails again in the notebook."""
    import crmresearch

    own = pkgutil.walk_packages(crmresearch.__path__, "crmresearch.", onerror=lambda _: None)
    skip = ("crmresearch.__main__", "crmresearch.cli", "crmresearch.running.kernel")
    package = [m.name for m in own if not m.name.startswith(skip)] if "crmresearch" in names else []
    for name in (*names, *package):
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    if "matplotlib.pyplot" in sys.modules:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure()
        figure.add_subplot().plot([0, 1], label="x")
        FigureCanvasAgg(figure).draw()  # loads fonts once, for every kernel


def serve(listener: socket.socket) -> None:
    """Fork kernels until standard input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the runner's to answer
    woken, wake = socket.socketpair()
    woken.setblocking(False)
    wake.setblocking(False)
    signal.set_wakeup_fd(wake.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    ready = selectors.DefaultSelector()
    ready.register(sys.stdin.fileno(), selectors.EVENT_READ)
    ready.register(listener, selectors.EVENT_READ)
    ready.register(woken, selectors.EVENT_READ)
    kernels: dict[int, socket.socket] = {}
    gc.collect()
    gc.freeze()  # keeps the collector from touching, and so copying, shared pages in the kernels
    while True:
        for key, _ in ready.select():
            if key.fd == sys.stdin.fileno():
                for pid in kernels:
                    _end(pid)
                return
            if key.fileobj is listener:
                client, _ = listener.accept()
                if pid := _fork(client, (ready, listener, woken, wake, *kernels.values())):
                    kernels[pid] = client
                    ready.register(client, selectors.EVENT_READ, pid)
            elif key.fileobj is woken:
                woken.recv(4096)
                for pid, status in _reap():
                    _end(pid)  # whatever the kernel left in its process group
                    client = kernels.pop(pid)
                    with contextlib.suppress(KeyError):
                        ready.unregister(client)
                    with contextlib.suppress(OSError):
                        client.sendall(json.dumps({"exit": os.waitstatus_to_exitcode(status)}).encode() + b"\n")
                    client.close()
            else:  # a client says nothing after its request: this one has ended
                ready.unregister(key.fileobj)
                _end(key.data)


def _reap() -> list[tuple[int, int]]:
    ended = []
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            ended.append(found)
    return ended


def _end(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _fork(client: socket.socket, inherited: tuple[Any, ...]) -> int:
    """Fork a kernel for ``client``; its process id, or 0 where the client has gone meanwhile."""
    head, streams, _, _ = socket.recv_fds(client, 8, 2)
    with client.makefile("rb", buffering=0) as stream:
        text = b""
        while len(head) == 8 and len(text) < int.from_bytes(head, "big"):
            if not (part := stream.read(int.from_bytes(head, "big") - len(text))):
                break
            text += part
    if len(streams) < 2 or not text:
        client.close()
        return 0
    begun, begin = os.pipe()
    pid = os.fork()
    if not pid:
        for end in (*inherited, client):
            end.close()
        _become_kernel(json.loads(text), streams, begin)
    os.close(begin)
    os.read(begun, 1)  # the kernel leads its own process group from here on
    for descriptor in (begun, *streams):
        os.close(descriptor)
    client.sendall(json.dumps({"pid": pid}).encode() + b"\n")
    return pid


def _become_kernel(request: dict[str, Any], streams: list[int], begin: int) -> NoReturn:
    code = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.close(begin)
        null = os.open(os.devnull, os.O_RDONLY)
        for target, source in enumerate((null, *streams)):
            os.dup2(source, target)
        _end_with_server()
        os.environ.clear()
        os.environ.update(request["env"])
        time.tzset()
        os.chdir(request["cwd"])
        limit_memory(request["env"].get(MEMORY_VARIABLE))
        code = _run_kernel(request["argv"])
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        atexit._run_exitfuncs()
        with contextlib.suppress(Exception):
            sys.__stdout__.flush()
            sys.__stderr__.flush()
        os._exit(code)


def _end_with_server() -> None:
    """Where the system can do so, have this process killed when its parent ends."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_DEATH_OF_PARENT, signal.SIGKILL)


def limit_memory(number_of_bytes: str | None) -> None:
    """Limit the address space of this process, in bytes; no limit where the text is empty."""
    if number_of_bytes:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (int(number_of_bytes), int(number_of_bytes)))


def _run_kernel(arguments: list[str]) -> int:
    from ipykernel.kernelapp import IPKernelApp

    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()  # siblings must not share the state they were forked with
    sys.argv = ["ipykernel_launcher.py", *arguments]
    IPKernelApp.launch_instance(arguments, parent_handle=os.getppid())
    return 0


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as listening:
        preload(sys.argv[2:])
        serve(listening)
    os._exit(0)
