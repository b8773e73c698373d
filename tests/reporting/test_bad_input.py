"""What an author can get wrong costs the formats it spoils, each with one clear sentence; the others are written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import docx
import pytest

from crmresearch.reporting.words import Words
from crmresearch.running.layout import render_report, write_reports
from crmresearch.running.outcomes import CaseOutcome, Status
from crmresearch.running.plan import Request
from tests.reporting.sample_study import Tiers, write_study
from tests.reporting.test_documents import BIB, laid_out
from tests.reporting.test_html import build

ALL = Request(languages=("en",), formats=("docx", "pdf", "html"))


def _template(folder: Path, words: Words, monkeypatch: pytest.MonkeyPatch) -> None:
    template = docx.Document()
    template.add_paragraph("{{ body }} {{ dean }}")
    template.save(str(folder / "document" / "t.docx"))
    laid_out(folder, template="document/t.docx")


def _reference(folder: Path, words: Words, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "document" / "r.bib").write_text(BIB, encoding="utf-8")
    (folder / "document" / "p.md").write_text("As shown before [@li2015].\n", encoding="utf-8")
    laid_out(folder, prose={"en": "document/p.md"}, references="document/r.bib")


def _font(folder: Path, words: Words, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("crmresearch.reporting.pdf.import_module", gone)
    monkeypatch.setattr("crmresearch.reporting.fonts.import_module", gone)


def _one_file(folder: Path, words: Words, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "report.en.docx").mkdir()


def _nothing(folder: Path, words: Words, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("write_bytes", "write_text"):
        write = getattr(Path, name)

        def guarded(path: Path, content: bytes | str, *, write: Callable = write, **options: str) -> int:
            if path.is_relative_to(folder):
                raise PermissionError(13, "Permission denied", str(path))
            return write(path, content, **options)

        monkeypatch.setattr(Path, name, guarded)


def _name(folder: Path, words: Words, monkeypatch: pytest.MonkeyPatch) -> None:
    write_study(folder / "studies" / "tiers", words, result=Tiers(names=("x" * 1_000_000, "B", "C")))


@pytest.mark.parametrize(
    ("spoil", "costs", "sentence"),
    [
        (_template, "docx", "t.docx: asks for 'dean', which a report does not have"),
        (_reference, "docx pdf", "no source 'li2015'; nearest: li2014"),
        (_font, "pdf", "no Chinese font for the PDF"),
        (_one_file, "docx", "cannot write the document: "),
        (_nothing, "docx pdf html", "Permission denied"),
        (_name, "", ""),
    ],
)
def test_bad_input_costs_its_own_formats(tmp_path, words, monkeypatch, spoil, costs, sentence):
    folder = build(tmp_path, words)
    (folder / "document").mkdir()
    spoil(folder, words, monkeypatch)
    unwritten = write_reports(folder, ALL, render_report)
    assert set(unwritten) == {f"report.en.{form}" for form in costs.split()}
    for why in unwritten.values():
        assert sentence in why and "unexpected" not in why and "\n" not in why and len(why) < 300, why
    written = {path.name for path in folder.glob("report.en.*") if path.is_file()}
    assert written == {f"report.en.{form}" for form in ALL.formats if form not in costs.split()}
    assert all((folder / name).stat().st_size < 1_000_000 for name in written)
    outcome = CaseOutcome("demo", {"tiers": Status("done")}, folder, True, None, unwritten)
    assert outcome.exit_code == (3 if costs else 0)
