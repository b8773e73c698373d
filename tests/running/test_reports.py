"""Formats of a report: one that fails costs no other; the layout is part of what an edition is."""

from __future__ import annotations

from dataclasses import replace

import nbformat
import pytest

from crmresearch.errors import CaseError, StorageError, UsageError
from crmresearch.running.dataflow import calls_of
from crmresearch.running.layout import layout_of
from crmresearch.running.plan import Request
from tests.running.small import CASE, make_project, render, run_small, write_study

ALL = Request(formats=("docx", "pdf", "html"))


def test_the_other_formats_are_written_and_the_run_is_partial(tmp_path):
    project = make_project(tmp_path)
    write_study(project, "first")

    def broken(folder, language, form):
        if form == "pdf":
            raise StorageError("no font")
        if (form, language) == ("docx", "zh"):
            raise KeyError("rId7")
        return render(folder, language, form)

    outcome = run_small(project, ALL, render=broken)
    assert outcome.exit_code == 3 and outcome.fresh
    assert outcome.unwritten == {
        "report.en.pdf": "no font.",
        "report.zh.pdf": "no font.",
        "report.zh.docx": "unexpected KeyError: 'rId7'",
    }
    names = {path.name for path in outcome.edition.glob("report.*")}
    assert names == {"report.en.docx", "report.en.html", "report.zh.html"}
    again = run_small(project, ALL, render=broken)
    assert (again.fresh, again.edition, again.exit_code) == (False, outcome.edition, 3), "no edition that says no more"
    mended = run_small(project, ALL)
    assert mended.fresh and mended.exit_code == 0 and mended.statuses["first"].state == "reused"


def test_another_profile_and_changed_prose_make_an_edition_without_computing(tmp_path):
    project = make_project(tmp_path)
    write_study(project, "first")
    case_file = project.raw / "shop/case.yaml"
    case_file.write_text(CASE + "report: {profile: gbt7713, prose: {zh: p.md}}\n", encoding="utf-8")
    outcome = run_small(project)
    assert isinstance(outcome.error, CaseError) and "no file 'p.md'" in str(outcome.error)
    (project.raw / "shop/p.md").write_text("# 一\n", encoding="utf-8")
    first = run_small(project)
    assert first.fresh and (first.edition / "document/p.md").read_text(encoding="utf-8") == "# 一\n"
    assert not run_small(project).fresh
    (project.raw / "shop/p.md").write_text("# 二\n", encoding="utf-8")
    second = run_small(project)
    assert second.fresh and second.statuses["first"].state == "reused"
    third = run_small(project, Request(profile="apa7"))
    assert third.fresh and third.statuses["first"].state == "reused"


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (Request(formats=("docs",)), "no format 'docs'; nearest: docx"),
        (Request(formats=()), "no format is named"),
    ],
)
def test_what_does_not_exist_is_refused_before_computing(tmp_path, request_, sentence):
    project = make_project(tmp_path)
    write_study(project, "first")
    with pytest.raises(UsageError) as caught:
        run_small(project, request_)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "declared", "sentence"),
    [
        ({"profile": "gbt7731"}, "", "no profile 'gbt7731'; nearest: gbt7713"),
        ({"outline": "thesys"}, "", "no outline 'thesys'; nearest: thesis"),
        ({}, "report: {profile: apa6}\n", "no profile 'apa6'; nearest: apa7"),
        ({"profile": "apa7"}, "report: {profile: apa6}\n", ""),
    ],
)
def test_an_unknown_profile_or_outline_costs_word_and_pdf_but_not_the_page(tmp_path, asked, declared, sentence):
    project = make_project(tmp_path)
    write_study(project, "first")
    assert run_small(project, ALL).exit_code == 0, "an edition with all pages does not hide the mistake"
    (project.raw / "shop/case.yaml").write_text(CASE + declared, encoding="utf-8")
    first = run_small(project, replace(ALL, **asked))
    again = run_small(project, replace(ALL, **asked))
    for outcome in (first, again):
        assert outcome.exit_code == (3 if sentence else 0) and outcome.edition == first.edition
        refused = {f"report.{language}.{form}" for language in ("en", "zh") for form in ("docx", "pdf")}
        assert set(outcome.unwritten) == (refused if sentence else set())
        assert all(sentence in why and why.count(". ") == 1 for why in outcome.unwritten.values())
    assert {path.name for path in first.edition.glob("report.*")} >= {"report.en.html", "report.zh.html"}
    assert layout_of.__doc__


def test_an_unknown_key_of_the_report_is_named(tmp_path):
    project = make_project(tmp_path)
    write_study(project, "first")
    (project.raw / "shop/case.yaml").write_text(CASE + "report: {profil: apa7}\n", encoding="utf-8")
    assert "unknown key 'report.profil'; nearest: profile" in str(run_small(project).error)


def test_another_language_is_written_from_the_same_record(tmp_path):
    project = make_project(tmp_path)
    write_study(project, "first")
    english = run_small(project, Request(languages=("en",)))
    both = run_small(project)
    assert both.fresh and both.statuses["first"].state == "reused", "the English edition has no Chinese page"
    chinese = run_small(project, Request(languages=("zh",)))
    assert (chinese.fresh, chinese.edition) == (False, both.edition) != (False, english.edition)
    hant = run_small(project, Request(languages=("zh-hant",)))
    assert hant.fresh and hant.statuses["first"].state == "done", "its pictures are drawn in Traditional characters"
    metadata = nbformat.read(hant.edition / "studies/first/notebook.ipynb", as_version=4).metadata.papermill.parameters
    assert metadata["language"] == "zh-hant"


def test_tables_are_followed_through_the_cells():
    cells = [
        "customers = study.score(summarise, study.orders, as_of=study.as_of)",
        "matrix = customers.customers\nweights = study.score(weigh, matrix, rng=study.rng('x'))",
        "answers = study.table('survey')\nstudy.score(join, answers, weights)",
        "study.score(any_table, study.table(which))",
        "study.score(both, study.customers(['spend']))",
        "study.score(new, study.accounts)",
        "%matplotlib inline",
        "study.score(weigh, matrix)",
    ]
    tables = ["customers", "orders", "survey"]
    found = [(call.function, call.cell, sorted(call.tables)) for call in calls_of(cells, tables, {"which": "survey"})]
    assert found == [
        ("summarise", 1, ["orders"]),
        ("weigh", 2, ["orders"]),
        ("join", 3, ["orders", "survey"]),
        ("any_table", 4, ["survey"]),
        ("both", 5, ["customers", "orders"]),
        ("new", 6, tables),
        ("weigh", 8, ["orders"]),
    ]
