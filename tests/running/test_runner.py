"""What a run promises: done means done, unchanged work is not redone, nothing is skipped in silence."""

from __future__ import annotations

import json

import nbformat
import pytest

from crmresearch.case import Project
from crmresearch.errors import CaseError, StorageError, UsageError
from crmresearch.running.editions import editions
from crmresearch.running.outcomes import CaseOutcome, Status, exit_code
from crmresearch.running.plan import Request
from tests.running.small import make_project, run_small, write_study


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Project:
    """A project with two studies that can run and one that cannot, run once."""
    project = make_project(tmp_path_factory.mktemp("small"))
    write_study(project, "first")
    write_study(project, "second", "import pandas as pd\npd.DataFrame({'a': [1, 2]})")
    write_study(project, "debts", needs=("orders", "payments"))
    outcome = run_small(project)
    assert outcome.fresh
    return project


def test_an_edition_holds_what_it_says(small):
    (edition,) = editions(small, "shop")
    assert edition.folder.name == "2026-01-31-001"
    assert edition.damage() == []
    assert {p.name for p in edition.folder.iterdir()} == {"edition.json", "studies", "report.en.html", "report.zh.html"}
    assert json.loads((edition.folder / "studies/first/record.json").read_text()) == {"total": 6, "case": "shop"}
    assert edition.content["studies"]["debts"]["why"] == {"en": "needs `payments`", "zh": "缺少 `payments`"}
    executed = nbformat.read(edition.folder / "studies/first/notebook.ipynb", as_version=4)
    assert all(cell.execution_count for cell in executed.cells if cell.cell_type == "code")
    assert str(small.root) not in (edition.folder / "studies/first/notebook.ipynb").read_text()


def test_nothing_changed_makes_no_edition_and_starts_no_kernel(small, monkeypatch):
    monkeypatch.setattr("crmresearch.running.runner.Kernels", lambda **_: pytest.fail("a kernel server was started"))
    monkeypatch.setattr("tests.running.small.take_in", lambda *_: pytest.fail("the raw files were cleaned again"))
    outcome = run_small(small)
    assert (outcome.fresh, outcome.exit_code, outcome.edition.name) == (False, 0, "2026-01-31-001")
    assert {s.state for s in outcome.statuses.values()} == {"reused", "not run"}


def test_a_changed_study_alone_is_computed(tmp_path):
    project = make_project(tmp_path)
    write_study(project, "first")
    write_study(project, "second")
    run_small(project)
    write_study(project, "second", "total = 10")
    outcome = run_small(project)
    assert {name: s.state for name, s in outcome.statuses.items()} == {"first": "reused", "second": "done"}
    newest, oldest = editions(project, "shop")
    assert newest.folder.name == "2026-01-31-002"
    assert newest.damage() == oldest.damage() == []
    assert (newest.folder / "studies/second/tables/total.csv").read_text() == "total\n10\n"
    assert (oldest.folder / "studies/second/tables/total.csv").read_text() == "total\n6\n"


def test_a_parameter_and_a_changed_file_make_new_results(tmp_path):
    project = make_project(tmp_path)
    write_study(project, "first")
    run_small(project)
    assert run_small(project, Request(parameters={"factor": "5"})).statuses["first"].state == "done"
    assert run_small(project).statuses["first"].state == "reused"
    with (project.raw / "shop/orders.csv").open("a") as stream:
        stream.write("2,2026-01-03,4.00\n")
    assert run_small(project).statuses["first"].state == "done"
    totals = [(e.folder / "studies/first/tables/total.csv").read_text() for e in editions(project, "shop")]
    assert totals == ["total\n6\n", "total\n6\n", "total\n15\n", "total\n6\n"]


def test_a_damaged_edition_is_not_reused(tmp_path):
    project = make_project(tmp_path)
    write_study(project, "first")
    damaged = run_small(project).edition
    (damaged / "studies/first/tables/total.csv").write_text("total\n7\n")
    assert editions(project, "shop")[0].damage() == ["studies/first/tables/total.csv"]
    outcome = run_small(project)
    assert outcome.statuses["first"].state == "done"
    assert editions(project, "shop")[0].damage() == []


def test_study_option_runs_that_study_only(small):
    outcome = run_small(small, Request(studies=("first",), parameters={"factor": "4"}))
    assert {name: s.state for name, s in outcome.statuses.items()} == {
        "first": "done",
        "second": "not run",
        "debts": "not run",
    }
    assert outcome.exit_code == 0
    assert run_small(small, Request(studies=("debts",))).exit_code == 1


def test_parameters_of_the_case_file(tmp_path):
    project = make_project(tmp_path)
    write_study(project, "first")
    case_file = project.raw / "shop/case.yaml"
    plain = case_file.read_text()
    case_file.write_text(plain + "studies:\n  first: {factor: 007, code: 007, limits: [0.25, 2]}\n")
    folder = run_small(project).edition / "studies/first"
    metadata = nbformat.read(folder / "notebook.ipynb", as_version=4).metadata.papermill.parameters
    assert metadata == {
        "factor": 7, "code": "007", "limits": [0.25, 2.0], "case": "shop", "as_of": "2026-01-31", "language": "en",
    }  # fmt: skip
    case_file.write_text(plain + "studies:\n  frist: {}\n")
    outcome = run_small(project)
    assert isinstance(outcome.error, CaseError)
    assert "nearest: first" in str(outcome.error)
    assert outcome.exit_code == 2
    assert editions(project, "shop")[0].damage() == []


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Request(studies=("frist",)), "no study 'frist'; nearest: first"),
        (Request(studies=("../first",)), "no study '../first'"),
        (Request(cases=("../shop",)), "'../shop' is not a case name"),
        (Request(cases=("shpo",)), "no case 'shpo'; nearest: shop"),
        (Request(parameters={"fcator": "1"}), "has a parameter 'fcator'; nearest: factor"),
        (Request(parameters={"factor": "two"}), "'factor' must be a whole number, got 'two'"),
        (Request(parameters={"share": "1e400"}), "'share' must be a finite number"),
        (Request(parameters={"x\nimport os": "1"}), "'x\\nimport os'"),
        (Request(parameters={"as_of": "2026-01-01"}), "use --as-of"),
    ],
)
def test_what_does_not_exist_or_is_badly_typed_is_refused_before_computing(small, request_, words):
    with pytest.raises(UsageError, match=r".+") as caught:
        run_small(small, request_)
    assert words in str(caught.value)


def test_values_with_quotes_and_newlines_stay_text(small):
    value = "a'b\"c\n\\d{x}"
    folder = run_small(small, Request(studies=("first",), parameters={"code": value})).edition / "studies/first"
    assert nbformat.read(folder / "notebook.ipynb", as_version=4).metadata.papermill.parameters["code"] == value


def test_an_unreadable_edition_is_an_error_that_names_it(tmp_path):
    project = make_project(tmp_path)
    write_study(project, "first")
    folder = run_small(project).edition
    (folder / "edition.json").write_text("{")
    outcome = run_small(project)
    assert isinstance(outcome.error, StorageError)
    assert str(folder) in str(outcome.error)


@pytest.mark.parametrize(
    ("states", "code"),
    [
        (["done", "reused"], 0),
        (["failed", "failed"], 1),
        (["done", "failed"], 3),
        (["done", "not run"], 3),
        (["not run"], 1),
    ],
)
def test_exit_codes(states, code):
    outcome = CaseOutcome("shop", {str(n): Status(state) for n, state in enumerate(states)})
    assert outcome.exit_code == code
    assert exit_code([outcome, outcome]) == code
    assert exit_code([outcome, CaseOutcome("b", {"x": Status("done")})]) == (code if code == 0 else 3)


def test_a_refused_result_makes_the_run_partial_and_keeps_it_so(tmp_path):
    project = make_project(tmp_path)
    write_study(project, "first", "blocks = [{'type': 'refusal'}, {'type': 'table'}]")
    first = run_small(project)
    assert (first.statuses["first"], first.exit_code, first.fresh) == (Status("done", refused=1), 3, True)
    again = run_small(project)
    assert (again.statuses["first"], again.exit_code, again.fresh) == (Status("reused", refused=1), 3, False)
