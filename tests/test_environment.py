"""The ways in agree: pyproject.toml, environment.yml and the hash locks."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version
from rattler import MatchSpec

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKS = {
    "requirements.lock": ("build",),
    "requirements-test.lock": ("build", "test"),
    "requirements-peers.lock": ("build", "test", "spark", "peers"),
}


def test_environment_yml_is_generated_from_pyproject() -> None:
    convert = Path(sys.executable).with_name("pyproject2conda")
    options = ["yaml", "--name", "crmresearch", "--python-include", "infer", "--overwrite", "force", "--custom-command"]
    made = subprocess.run(
        [convert, *options, "python3 run.py lock", "-r", "-e ."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert yaml.safe_load(made) == yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


def test_every_conda_spec_parses() -> None:
    specs = [s for s in yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"] if isinstance(s, str)]
    names = {MatchSpec(spec).name.normalized for spec in specs}
    assert {"jupyterlab", "pandas", "statsmodels", "scikit-learn", "seaborn", "papermill", "python"} <= names


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_satisfies_pyproject_and_is_hashed(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    pins = re.findall(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", text, flags=re.M)
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.M)[1:]
    assert len(entries) == len(pins)
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text, "a lock carries no address"
    wanted = PROJECT["dependencies"] + [r for extra in LOCKS[lock] for r in PROJECT["optional-dependencies"][extra]]
    for requirement in map(Requirement, wanted):
        versions = [Version(v) for name, v in pins if name == requirement.name.lower()]
        assert versions, f"{requirement.name} is not in {lock}"
        assert all(v in requirement.specifier for v in versions), f"{requirement} is not met by {versions}"


def test_locks_agree_with_each_other() -> None:
    def pins(lock: str) -> set[str]:
        return set(re.findall(r"^[a-z0-9][^\\\n]*==[^\\\n]*", (ROOT / lock).read_text(encoding="utf-8"), flags=re.M))

    names = {p.split("==")[0] for p in pins("requirements.lock")}
    for lock in ("requirements-test.lock", "requirements-peers.lock"):
        shared = {p.strip() for p in pins(lock) if p.split("==")[0] in names}
        assert {p.split(" ;")[0].strip() for p in shared} <= {
            p.split(" ;")[0].strip() for p in pins("requirements.lock")
        }
