"""HTML: one self-contained page for an edition, one for each executed notebook, one index of all.

Pages load nothing and link to nothing outside their folder. All text is escaped by the template
engine; a content-security policy allows the page's own style, its pictures, and (on the index) one
script by its hash.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import secrets
from functools import cache
from pathlib import Path
from typing import Any, get_args

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from crmresearch.errors import StorageError
from crmresearch.reporting.comparison.comparing import Comparison
from crmresearch.reporting.comparison.sheets import sheets
from crmresearch.reporting.document.assembling import assemble, parts_of_blocks
from crmresearch.reporting.document.labelling import bookmark
from crmresearch.reporting.document.model import Document, Part, Table
from crmresearch.reporting.document.own_parts import quality_views
from crmresearch.reporting.document.voice import voice_of
from crmresearch.reporting.edition import Edition, StudyRun, load_edition
from crmresearch.reporting.fonts import font_face
from crmresearch.reporting.notebook import notebook_body
from crmresearch.reporting.numbers import ReportLanguage
from crmresearch.reporting.record import Block

COMPARED = "compared"
"""Folder of a case's reports with its editions side by side: ``<first>--<second>.<language>.html``."""
LANGUAGE_TAGS = {"en": "en", "zh": "zh-Hans", "zh-hant": "zh-Hant"}


def render_edition(folder: Path, language: ReportLanguage) -> Path:
    """Write ``report.<language>.html`` of an edition, and the pages of its notebooks.

    Parameters
    ----------
    folder : Path
        Holds ``edition.json`` and ``studies/``; see ``edition``.
    language : ReportLanguage

    Returns
    -------
    Path
        The page. The notebooks' pages are written with that of the edition's first language.

    Raises
    ------
    StorageError
        The edition or a record cannot be read, a figure is not the one recorded, or the page cannot
        be written.
    """
    edition, voice = load_edition(folder), voice_of(language)
    document = assemble(folder, language, lenient=True)
    studies = [_study(folder, name, run) for name, run in edition.studies.items() if run.status != "not run"]
    if language == edition.languages[0]:
        for study in studies:
            if study["notebook"]:
                _write_notebook(folder, edition, study)
    quality = [
        Table("", view, f"quality-{number}") for number, view in enumerate(quality_views(edition, voice), start=1)
    ]
    return _write(
        folder / f"report.{language}.html",
        "report.html",
        language,
        edition=edition,
        document=_Sorted(document),
        studies=studies,
        quality=quality,
        where=f"reports/{edition.case}/{edition.edition}",
    )


def render_index(reports: Path, language: ReportLanguage = "en") -> Path:
    """Write ``index.html`` of all cases, editions and studies below ``reports``, newest first.

    An edition that cannot be read is listed with the reason.
    """
    rows: list[dict[str, Any]] = []
    for path in reports.glob("*/*/edition.json"):
        folder = path.parent
        if folder.name.startswith("."):
            continue
        row = {"case": folder.parent.name, "name": folder.name, "href": f"{folder.parent.name}/{folder.name}/"}
        row["compared"] = _comparisons(folder, language)
        try:
            edition = load_edition(folder)
            pages = [name for name in get_args(ReportLanguage) if (folder / f"report.{name}.html").exists()]
            files = sorted(path.name for path in folder.glob("report.*") if path.suffix in {".docx", ".pdf"})
            rows.append(
                {**row, "edition": edition, "pages": pages, "files": files, "made": edition.made, "problem": ""}
            )
        except StorageError as error:
            rows.append({**row, "edition": None, "pages": [], "files": [], "made": "", "problem": error.what})
    rows.sort(key=lambda row: (row["case"], row["name"]))
    rows.sort(key=lambda row: row["made"], reverse=True)
    return _write(reports / "index.html", "index.html", language, rows=rows, script=_asset("index.js"))


def _comparisons(folder: Path, language: ReportLanguage) -> dict[str, str]:
    """Edition that this one was compared with → the page; in the language asked for if it is there."""
    paths = sorted(folder.parent.glob(f"{COMPARED}/*--{folder.name}.*.html"))
    paths.sort(key=lambda path: path.name.endswith(f".{language}.html"))
    return {path.name.partition("--")[0]: f"{folder.parent.name}/{COMPARED}/{path.name}" for path in paths}


def render_comparison(comparison: Comparison, path: Path) -> Path:
    """Write the page of two editions side by side."""
    editions = [
        (edition, f"../{edition.edition}/{page}" if (path.parents[1] / edition.edition / page).is_file() else "")
        for edition in (comparison.first, comparison.second)
        for page in [f"report.{comparison.voice.name}.html"]
    ]
    return _write(
        path, "comparison.html", comparison.voice.name, editions=editions, sheets=list(sheets(comparison)), table=Table
    )


def render_blocks(blocks: tuple[Block, ...], language: ReportLanguage, currency: str = "") -> str:
    """HTML of some blocks of a record, without a page around it; a notebook shows it as an output."""
    voice = voice_of(language)
    parts = [_with_sort(part) for part in parts_of_blocks(voice.written(blocks), voice, currency)]
    return _environment().get_template("fragment.html").render(parts=parts, where="", **_context(language))


def _study(folder: Path, name: str, run: StudyRun) -> dict[str, Any]:
    place = Path("studies") / name
    has_notebook = (folder / place / "notebook.ipynb").exists()
    return {"name": name, "run": run, "notebook": f"{place.as_posix()}/notebook.html" if has_notebook else ""}


class _Sorted:
    """A document whose parts tell templates their sort."""

    def __init__(self, document: Document) -> None:
        self.title, self.references = document.title, document.references
        for name in ("front", "summary", "body"):
            setattr(self, name, [_with_sort(part) for part in getattr(document, name)])


def _with_sort(part: Part) -> dict[str, Any]:
    names = (field.name for field in dataclasses.fields(part))
    return {"sort": type(part).__name__, **{name: getattr(part, name) for name in names}}


def _picture(part: dict[str, Any]) -> str:
    """The figure as a data address; the document has proved it to be the one recorded."""
    return "data:image/png;base64," + base64.b64encode(part["bitmap"].read_bytes()).decode()


def _write_notebook(folder: Path, edition: Edition, study: dict[str, Any]) -> None:
    path = folder / study["notebook"]
    body = Markup(notebook_body(path.with_suffix(".ipynb")))
    _write(path, "notebook.html", edition.languages[0], edition=edition, study=study, body=body)


def _write(path: Path, template: str, language: ReportLanguage, *, script: str = "", **context: Any) -> Path:
    hole = secrets.token_hex(16)  # where policy and style will stand: both follow from the page around them
    page = (
        _environment()
        .get_template(template)
        .render(policy=f"policy-{hole}", style=f"style-{hole}", script=Markup(script), **context, **_context(language))
    )
    style = _asset("page.css") + font_face(page)
    policy = "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            "img-src data:",
            "font-src data:",
            f"script-src '{_hash(script)}'" if script else "script-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    page = page.replace(f"policy-{hole}", escape(policy), 1).replace(f"style-{hole}", style, 1)
    try:
        path.write_text(page, encoding="utf-8", newline="\n")
    except OSError as error:
        raise StorageError(f"cannot write the page: {error.strerror}", where=str(path)) from None
    return path


def _context(language: ReportLanguage) -> dict[str, Any]:
    """What every template may call."""
    voice = voice_of(language)
    return {
        "name": language,
        "language": voice.language,
        "tag": LANGUAGE_TAGS[language],
        "tags": LANGUAGE_TAGS,
        "names": {"en": "English", "zh": "中文", "zh-hant": "繁體中文"},
        "say": voice.say,
        "written": lambda both: voice.script(voice.text(both.model_dump())),
        "value": lambda value: voice.words.value(value, "", voice.language),
        "mark": bookmark,
        "picture": _picture,
    }


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("crmresearch.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _asset(name: str) -> str:
    """The text of a style or script of the package, as it stands in the page."""
    loader = _environment().loader
    return loader.get_source(_environment(), name)[0].strip() if loader else ""


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256-" + base64.b64encode(digest).decode()
