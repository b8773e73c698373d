"""The child process that reads untrusted files: limits first, then one file from standard input.

Runs as a script, so that it imports nothing of the package and starts quickly. It answers on
standard output in JSON: the table (exit code 0) or a refusal (exit code 3).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from refusal import RefusalError  # a neighbour: the folder is run, so it is on the path

BASE_BYTES = 250_000_000
BYTES_PER_BYTE = 20
MAX_BYTES = 4_000_000_000
CPU_SECONDS = 120


def limit(unpacked: int) -> None:
    """Allow address space in proportion to what is to be read, and so much processor time."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError):  # no such limits on this system; the parent's clock still runs
        return
    allowed = pages * os.sysconf("SC_PAGE_SIZE") + min(BASE_BYTES + BYTES_PER_BYTE * unpacked, MAX_BYTES)
    resource.setrlimit(resource.RLIMIT_AS, (allowed, allowed))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))


def main() -> int:
    """Read what standard input holds; the exit code says whether it could be read."""
    options, data = json.loads(sys.argv[1]), sys.stdin.buffer.read()
    try:
        if options["form"] in {"workbook", "sheets"}:
            import python_calamine  # noqa: F401
            import workbook

            unpacked = workbook.prove_harmless(data)
        else:
            import pyreadstat  # noqa: F401
            import statistics_file

            unpacked = 10 * len(data)
        limit(unpacked)
        if options["form"] == "sheets":
            info, columns = {"sheets": workbook.sheets(data)}, []
        elif options["form"] == "workbook":
            info, columns = workbook.read(data, options)
        else:
            info, columns = statistics_file.read(data, options)
    except RefusalError as refusal:
        sys.stdout.write(json.dumps({"what": refusal.what, "where": refusal.where, "repair": refusal.repair}))
        return 3
    json.dump({"info": info, "columns": columns}, sys.stdout, ensure_ascii=False, separators=(",", ":"))
    return 0


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", errors="surrogatepass")
    try:
        code = main()
        sys.stdout.flush()
    except BaseException:
        code = 1
    os._exit(code)
