"""The documents of a case: how they are to look, and the writing of each, so that one failing costs no other."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from crmresearch.case import Case
from crmresearch.errors import CaseError, CrmresearchError, UsageError, nearest
from crmresearch.running.keys import file_digest
from crmresearch.running.plan import Request

Render = Callable[[Path, str, str], Path]
"""Writes the report of an edition in a language and a format."""

FORMATS = ("docx", "pdf", "html")
FOLDER = "document"


@dataclass(frozen=True, slots=True)
class CaseLayout:
    """The layout of an edition, and the author's files that go into it.

    Attributes
    ----------
    content : dict[str, Any]
        As ``edition.json`` holds it.
    files : dict[str, Path]
        Name within the edition → file beside ``case.yaml``.
    digests : dict[str, str]
        Name within the edition → SHA-256.
    problem : UsageError | None
        Why Word and PDF cannot be set: a profile or an outline that does not exist. The page can do without.
    """

    content: dict[str, Any]
    files: dict[str, Path]
    digests: dict[str, str]
    problem: UsageError | None = None

    def copy_to(self, folder: Path) -> None:
        """Put the author's files into an edition, which from then on stands by itself."""
        for name, source in self.files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(source, folder / name)


def check_formats(request: Request) -> None:
    """Raise :class:`UsageError` for a format that does not exist."""
    for form in request.formats:
        if form not in FORMATS:
            raise UsageError(
                f"no format {form[:40]!r}{nearest(form, FORMATS)}",
                where="--format",
                repair=f"Choose from {', '.join(FORMATS)}.",
            )
    if not request.formats:
        raise UsageError("no format is named", where="--format", repair=f"Choose from {', '.join(FORMATS)}.")


def layout_of(case: Case, request: Request) -> CaseLayout:
    """The layout of a case as asked for.

    Raises
    ------
    CaseError
        ``case.yaml`` names a file that does not exist.
    """
    report = case.file.report
    profile, no_profile = _shipped("profile", request.profile or report.profile, "business")
    outline, no_outline = _shipped("outline", request.outline or report.outline, "")
    named = {f"prose.{language}": file for language, file in report.prose.items()}
    named |= {"references": report.references} if report.references else {}
    named |= {"template": report.template} if report.template else {}
    files = {}
    for file in named.values():
        path = case.folder / file
        if not path.is_file() or not path.resolve().is_relative_to(case.folder.resolve()):
            raise CaseError(
                f"no file {file!r}", where=f"{case.name}/case.yaml, report", repair="Put it beside case.yaml."
            )
        files[f"{FOLDER}/{file}"] = path
    content = {
        "profile": profile,
        "outline": outline,
        "prose": {language: f"{FOLDER}/{file}" for language, file in report.prose.items()},
        "references": f"{FOLDER}/{report.references}" if report.references else "",
        "template": f"{FOLDER}/{report.template}" if report.template else "",
        "cover": {name: text.model_dump() for name, text in report.cover.items()},
    }
    digests = {name: file_digest(path) for name, path in files.items()}
    return CaseLayout(content, files, digests, no_profile or no_outline)


def _shipped(sort: Literal["profile", "outline"], name: str, default: str) -> tuple[str, UsageError | None]:
    """A name that there is, or the default; and what is wrong with the name.

    Names are checked without reading the profiles: a run that finds nothing to do loads nothing heavy.
    """
    import crmresearch

    folder = Path(crmresearch.__file__).parent / "reporting" / "document" / f"{sort}s"
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    if not name or name in known:
        return name or default, None
    return default, UsageError(
        f"no {sort} {name[:40]!r}{nearest(name, known)}",
        where=f"--{sort}, or report in case.yaml",
        repair=f"Choose from {', '.join(known)}.",
    )


def write_reports(
    folder: Path, request: Request, render: Render, problem: CrmresearchError | None = None
) -> dict[str, str]:
    """Write the report of an edition in every language and format asked for.

    Parameters
    ----------
    problem : CrmresearchError | None
        What keeps Word and PDF from being set.

    Returns
    -------
    dict[str, str]
        File that could not be written → why. It keeps no other from being written.
    """
    unwritten = {}
    for language in request.languages:
        for form in request.formats:
            try:
                if problem and form != "html":
                    raise problem
                render(folder, language, form)
            except CrmresearchError as error:
                unwritten[f"report.{language}.{form}"] = str(error)
            except Exception as error:  # what a library did not foresee costs one file, not the edition
                what = " ".join(str(error).split())[:200]
                unwritten[f"report.{language}.{form}"] = f"unexpected {type(error).__name__}: {what}"
    return unwritten


def render_report(folder: Path, language: str, form: str) -> Path:
    """Write one report of an edition."""
    if form == "docx":
        from crmresearch.reporting.docx import render_docx as render
    elif form == "pdf":
        from crmresearch.reporting.pdf import render_pdf as render
    else:
        from crmresearch.reporting.html import render_edition as render
    return render(folder, language)


def render_report_index(reports: Path) -> Path:
    """Write the index of all reports."""
    from crmresearch.reporting.html import render_index

    return render_index(reports)
