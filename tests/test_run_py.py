"""The script of the two commands: what it starts, and the one sentence it ends with where something is missing."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


class Calls(list[tuple[str, ...]]):
    """Stands where programs are started: keeps each command, and lets those with a certain word fail."""

    failing: str = ""

    def __call__(self, *command: Any, quiet: bool = False, env: Any = None) -> tuple[int, str]:
        self.append(tuple(map(str, command)))
        failed = bool(self.failing) and self.failing in self[-1]
        return int(failed), "No matching distribution" if failed else ""

    def having(self, word: str) -> list[tuple[str, ...]]:
        return [command for command in self if word in command]


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("run_script", ROOT / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.touch()
    monkeypatch.setattr(module, "VENV", tmp_path)
    monkeypatch.setattr(module, "PYTHON", python)
    monkeypatch.setattr(module, "STAMP", tmp_path / "stamp")
    monkeypatch.setattr(module, "call", Calls())
    return module


def test_set_up_installs_by_hash_once(script: ModuleType) -> None:
    script.set_up("test")
    (installed,) = [command for command in script.call.having("uv") if "install" in command]
    assert installed[-2:] == ("-r", "requirements-test.lock")
    assert "--require-hashes" in installed
    script.call.clear()
    script.set_up("test")
    script.set_up("run")  # what runs is part of what tests
    assert not script.call
    script.set_up("peers")
    assert script.call.having("requirements-peers.lock")


def test_missing_venv_package_is_named(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    script.PYTHON.unlink()
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(SystemExit, match=r"python3-venv is missing\. Repair: sudo apt install python3-venv$"):
        script.main(["test"])


def test_half_made_environment_is_made_again(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[bool] = []
    monkeypatch.setattr(script, "make_environment", lambda: made.append(True))
    script.call.failing = "--version"
    script.set_up("run")
    assert made == [True]


def test_packages_that_cannot_be_had(script: ModuleType) -> None:
    script.call.failing = "install"
    with pytest.raises(SystemExit, match=r"could not be installed .*Repair: check the network, or name a mir"):
        script.main([])
    assert not script.STAMP.exists()


def test_python_too_old(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 14))
    with pytest.raises(SystemExit, match=r"older than 3\.11\. Repair: install Python 3\.11"):
        script.main(["test"])


def test_jobs(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert script.main([]) == script.main(["test", "-k", "alpha"]) == script.main(["test", "--slow"]) == 0
    runs, plain, slow = [command[2:] for command in script.call if {"crmresearch", "pytest"} & {*command}]
    assert runs == ("crmresearch", "run")
    assert plain[-2:] == ("-k", "alpha")
    assert "slow" not in plain
    assert slow[-2:] == ("-m", "slow")
    assert script.main(["--help"]) == 0
    assert script.main(["tset"]) == 2
    assert "run.py test " in capsys.readouterr().out


def test_benchmarks_by_name_with_their_options_or_all(script: ModuleType) -> None:
    script.set_up("peers")
    script.call.clear()
    script.main(["bench", "summary", "--orders", "1e6"])
    (one,) = script.call
    assert one[1:] == (str(ROOT / "benchmarks" / "summary.py"), "--orders", "1e6")
    script.call.clear()
    script.main(["bench"])
    assert [Path(command[1]).name for command in script.call] == sorted(p.name for p in ROOT.glob("benchmarks/*.py"))
    with pytest.raises(SystemExit, match=r"no benchmark 'sumary'\. Repair: choose from clv, "):
        script.main(["bench", "sumary"])
