"""The house style, and that the project speaks of itself alone."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RUFF = Path(sys.executable).with_name("ruff")


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=["check", "format"])
def test_ruff_is_silent(command: list[str]) -> None:
    done = subprocess.run([RUFF, *command, "."], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


def test_architecture_names_every_room() -> None:
    """ARCHITECTURE.md lists each module and folder of the package, and none that is gone."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    source = ROOT / "src" / "crmresearch"
    there = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if path.name not in {"__init__.py", "__main__.py"}
    }
    named = set(re.findall(r"^\| `([\w/]+\.py)` \|", text, flags=re.M))
    assert named == there


def test_no_machine_or_registry_in_any_file() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    registry = re.compile(
        r"https?://[a-z0-9.-]*(pypi|pythonhosted|npmjs|debian)\.|(?<![\w.])/(home|root|work|tmp)/[A-Za-z]"
    )
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.suffix in {".gz", ".png", ".parquet"} or path == Path(__file__):
            continue
        found = registry.search(path.read_text(encoding="utf-8", errors="replace"))
        assert not found, f"{name}: {found.group(0) if found else ''}"
