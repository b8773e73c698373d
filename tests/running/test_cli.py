"""The command line: one sentence per error, the exit code of its class, no traceback unless asked for."""

from __future__ import annotations

import json
import sys

import pytest

from crmresearch import cli
from crmresearch.running.outcomes import CaseOutcome, Status
from tests.running.small import make_project, write_study


@pytest.fixture
def project(tmp_path, monkeypatch):
    project = make_project(tmp_path)
    write_study(project, "first")
    write_study(project, "debts", needs=("orders", "payments"))
    monkeypatch.setenv("CRMRESEARCH_HOME", str(project.root))
    return project


def call(monkeypatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["crmresearch", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["run", "shpo"], 2, "no case 'shpo'; nearest: shop"),
        (["run", "../../etc"], 2, "'../../etc' is not a case name"),
        (["run", "--study", "frist"], 2, "no study 'frist'; nearest: first"),
        (["run", "-p", "fcator=1"], 2, "'fcator'; nearest: factor"),
        (["run", "-p", "factor=1", "-p", "factor=2"], 2, "'factor' is given twice"),
        (["run", "-p", "x\nimport os=1"], 2, "-p takes NAME=VALUE"),
        (["run", "-p", "share=1e400"], 2, "'share' must be a finite number, got '1e400'"),
        (["run", "--nope"], 2, "--nope"),
        (["run", "--as-of", "soon"], 2, "soon"),
        (["check", "shpo"], 2, "no case 'shpo'; nearest: shop"),
        (["new", "shop", "x.csv"], 2, "there is a case 'shop' already"),
        (["new", "a:b", "x.csv"], 2, "'a:b' is not a case name"),
        (["new", "other", "missing.csv"], 2, "no such file"),
        (["new", "other"], 2, "no data were named"),
        (["nope"], 2, "nope"),
    ],
)
def test_wrong_usage(project, monkeypatch, capfd, arguments, code, words):
    assert call(monkeypatch, *arguments) == code
    said = capfd.readouterr().err
    assert words in said
    assert "Traceback" not in said
    assert not list(project.reports.glob("shop/*-*"))


def test_studies_lists_needs_parameters_and_cases(project, monkeypatch, capfd):
    assert call(monkeypatch, "studies") == 0
    said = capfd.readouterr().out
    assert "-p factor: int = 2  multiplies the total" in said
    assert "shop: lacks payments" in said
    assert "shop: can run" in said
    assert "as_of" not in said


def test_an_unexpected_error_is_a_sentence_and_a_traceback_only_if_asked_for(project, monkeypatch, capfd):
    def broken(*_, **__):
        raise RuntimeError("out of luck")

    monkeypatch.setattr("crmresearch.running.runner.run", broken)
    assert call(monkeypatch, "run") == 1
    said = capfd.readouterr().err
    assert said == "Unexpected RuntimeError: out of luck. Run again with --debug to see where it came from.\n"
    assert call(monkeypatch, "run", "--debug") == 1
    assert "Traceback" in capfd.readouterr().err


def test_run_says_what_failed_and_what_was_not_run(project, monkeypatch, capfd):
    outcome = CaseOutcome(
        "shop", {"first": Status("failed", "code cell 3 died"), "debts": Status("not run", "needs `payments`", False)}
    )
    monkeypatch.setattr("crmresearch.running.runner.run", lambda *_, **__: [outcome])
    assert call(monkeypatch, "run", "shop") == 1
    out, err = capfd.readouterr()
    assert "shop: first failed: code cell 3 died." in err
    assert "shop: debts not run: needs `payments`" in out


def test_new_copies_the_files_and_writes_a_case_that_check_reads(project, monkeypatch, capfd, tmp_path):
    source = tmp_path / "sales.csv"
    rows = "\n".join(f"{n % 5},2026-01-{n % 28 + 1:02d},{n}.50" for n in range(1, 60))
    source.write_text(f"customer id,order date,amount\n{rows}\n", encoding="utf-8")
    assert call(monkeypatch, "new", "mine", str(source)) == 0
    assert (project.raw / "mine/sales.csv").read_bytes() == source.read_bytes()
    assert call(monkeypatch, "check", "mine") == 0
    assert "sales.csv → orders" in capfd.readouterr().out
    assert not list(project.reports.glob("mine*"))


def test_new_asks_about_a_file_that_is_like_no_table(project, monkeypatch, capfd, tmp_path):
    (tmp_path / "notes.csv").write_text("field,meaning\nlogo,a picture\nmotto,a saying\n", encoding="utf-8")
    assert call(monkeypatch, "new", "mine", str(tmp_path / "notes.csv")) == 0
    assert "?? like no table known; delete these lines if it is none" in (project.raw / "mine/case.yaml").read_text()


def test_importing_the_command_line_loads_nothing_heavy():
    import subprocess

    heavy = ("pandas", "numpy", "papermill", "pydantic", "matplotlib", "rich")
    code = f"import sys, json, crmresearch.cli; print(json.dumps([m for m in {heavy!r} if m in sys.modules]))"
    assert json.loads(subprocess.check_output([sys.executable, "-c", code])) == []
