"""Stands in for a kernel: asks the kernel server to fork one, hands signals on, ends when it ends.

Run as ``python -I -S kernelclient.py SOCKET KERNEL_ARGUMENT…``; needs only the standard library and
starts in a few milliseconds. Kernel and client end together, whichever is ended first.
"""

import contextlib
import json
import os
import select
import signal
import socket
import sys

PARENT_CHECK_SECONDS = 0.5


def main() -> int:
    """Ask for a kernel, then wait; the exit code is the kernel's."""
    parent = os.getppid()
    server = socket.socket(socket.AF_UNIX)
    server.connect(sys.argv[1])
    request = json.dumps({"argv": sys.argv[2:], "cwd": os.getcwd(), "env": dict(os.environ)}).encode()  # noqa: PTH109 - pathlib is slow to load
    socket.send_fds(server, [len(request).to_bytes(8, "big")], [1, 2])
    server.sendall(request)
    answers = server.makefile("r")
    line = answers.readline()
    if not line:
        return 1
    kernel = json.loads(line)["pid"]

    def hand_on(number, _frame):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(kernel, number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, hand_on)
    while not select.select([server], [], [], PARENT_CHECK_SECONDS)[0]:
        if os.getppid() != parent:
            break
    else:
        if line := answers.readline():
            return json.loads(line)["exit"]
    hand_on(signal.SIGKILL, None)
    return 1


if __name__ == "__main__":
    sys.exit(main())
