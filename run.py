"""Set-up and main job on a bare Python.

python3 run.py               set up, run every built-in case's studies, print the report index
python3 run.py test          set up, run every test (--slow: the minutes-long ones instead)
python3 run.py bench [NAME]  set up, run the benchmarks beside their peers (what follows NAME goes to it)
python3 run.py lock          recompile the hash locks and environment.yml from pyproject.toml

On Windows: py run.py
"""

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
STAMP = VENV / "set-up.sha256"
LOCKS = {
    "run": ("requirements.lock", ["build"]),
    "test": ("requirements-test.lock", ["build", "test"]),
    "peers": ("requirements-peers.lock", ["build", "test", "spark", "peers"]),
}


def stop(sentence):
    """End with one sentence that names the missing piece and the repair."""
    sys.exit("run.py: " + sentence)


def call(*command, quiet=False, env=None):
    """Run a command of the environment; return its exit code and, where quiet, what it printed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env={**os.environ, "PYTHONUTF8": "1", **(env or {})},
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
        check=False,
    )
    return done.returncode, (done.stdout or b"").decode("utf-8", "replace").strip()


def fingerprint(lock):
    """Digest of all that decides what is installed."""
    digest = hashlib.sha256(f"{sys.version}\n{ROOT}\n".encode())
    for name in ("pyproject.toml", lock, "run.py"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def make_environment():
    """Make ``.venv`` with pip in it, or say what this Python lacks."""
    try:
        import ensurepip  # noqa: F401
        import venv
    except ImportError:
        stop("the package python3-venv is missing. Repair: sudo apt install python3-venv")
    print(f"Making {VENV.name} …", flush=True)
    try:
        venv.EnvBuilder(with_pip=True, clear=True).create(VENV)
    except (OSError, subprocess.CalledProcessError) as error:
        stop(f"{VENV} cannot be made: {error}. Repair: check that the folder can be written and the disk is not full.")


def index_settings():
    """Pip's own choice of package index (a mirror, say), handed on to uv."""
    if os.environ.get("UV_DEFAULT_INDEX"):
        return {}
    code, index = call(PYTHON, "-m", "pip", "config", "get", "global.index-url", quiet=True)
    index = os.environ.get("PIP_INDEX_URL") or (index if code == 0 else "")
    return {"UV_DEFAULT_INDEX": index} if index else {}


def set_up(kind):
    """Bring ``.venv`` to the hash lock of ``kind``; nothing to do if it is there already."""
    lock, _ = LOCKS[kind]
    done = STAMP.read_text().split() if STAMP.exists() else []
    if PYTHON.exists() and any(fingerprint(LOCKS[k][0]) in done for k in list(LOCKS)[list(LOCKS).index(kind) :]):
        return
    began = time.monotonic()
    if not PYTHON.exists() or call(PYTHON, "-m", "pip", "--version", quiet=True)[0]:  # none, or half made
        make_environment()
    STAMP.unlink(missing_ok=True)
    print(f"Installing the packages of {lock} (once; about 1 GB on disk) …", flush=True)
    code, said = call(
        PYTHON, "-m", "pip", "install", "-q", "--require-hashes", "-r", ROOT / "requirements-uv.lock", quiet=True
    )
    if code == 0:
        uv = [PYTHON, "-m", "uv", "pip"]
        code, said = call(*uv, "install", "--require-hashes", "-r", lock, env=index_settings())
    else:  # no uv for this machine: pip does the same, more slowly
        code, said = call(PYTHON, "-m", "pip", "install", "--require-hashes", "-r", lock)
    if code == 0:
        install = ("install", "-q", "--no-deps", "--no-build-isolation", "-e", ".")
        code, said = call(PYTHON, "-m", "pip", *install, quiet=True)
    if code:
        tail = said.splitlines()[-1] if said else "see above"
        mirror = "pip config set global.index-url ADDRESS"
        stop(f"packages could not be installed ({tail}). Repair: check the network, or name a mirror with `{mirror}`.")
    STAMP.write_text(fingerprint(lock))
    print(f"Set up in {time.monotonic() - began:.0f} s. Next time: {BIN / 'crmresearch'} --help", flush=True)


def compile_locks():
    """Recompile the locks and ``environment.yml``; commit what changes."""
    set_up("test")
    base = [PYTHON, "-m", "uv", "pip", "compile", "--universal", "--python-version", "3.11", "--generate-hashes"]
    base += ["--no-emit-index-url", "--no-annotate", "--custom-compile-command", "python3 run.py lock", "-q"]
    uv = ROOT / ".venv" / "uv.in"
    uv.write_text("uv\n")
    steps = [(*base, uv, "-o", "requirements-uv.lock")]
    for lock, extras in LOCKS.values():
        chosen = [word for extra in extras for word in ("--extra", extra)]
        tied = [] if lock == "requirements.lock" else ["-c", "requirements.lock"]
        steps.append((*base, *tied, *chosen, "pyproject.toml", "-o", lock))
    conda = (BIN / "pyproject2conda", "yaml", "--name", "crmresearch", "--python-include", "infer", "-r", "-e .")
    steps.append((*conda, "--custom-command", "python3 run.py lock", "--overwrite", "force", "-o", "environment.yml"))
    for step in steps:
        if call(*step)[0]:
            stop(f"{step[-1]} could not be compiled; see above.")


def main(words):
    """Do one of the four jobs."""
    if sys.version_info < (3, 11):  # noqa: UP036 - a bare Python may be older
        stop("this Python is older than 3.11. Repair: install Python 3.11, then python3.11 run.py")
    job, rest = (words[0], words[1:]) if words else ("", [])
    if job == "":
        set_up("run")
        return call(PYTHON, "-m", "crmresearch", "run")[0]
    if job == "test":
        slow = "--slow" in rest
        rest = [word for word in rest if word != "--slow"]
        set_up("peers" if slow else "test")
        parallel = ("-n", "logical", "--dist", "worksteal")
        return call(PYTHON, "-m", "pytest", *parallel, *(("-m", "slow") if slow else ()), *rest)[0]
    if job == "bench":
        set_up("peers")
        every = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py"))
        names, options = (rest[:1], rest[1:]) if rest else (every, [])
        if not set(names) <= set(every):
            stop(f"there is no benchmark {names[0]!r}. Repair: choose from {', '.join(every)}")
        return max(call(PYTHON, ROOT / "benchmarks" / f"{name}.py", *options)[0] for name in names)
    if job == "lock":
        return compile_locks()
    print(__doc__)
    return 0 if job in ("-h", "--help") else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
