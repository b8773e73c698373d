"""HTML: one self-contained page for an edition, one for each executed notebook, one index of all.

Pages load nothing and link to nothing outside their folder. All text is escaped by the template
engine; a content-security policy allows the page's own style, its pictures, and (on the index) one
script by its hash.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from crmresearch.errors import StorageError
from crmresearch.reporting.edition import Edition, StudyRun, load_edition
from crmresearch.reporting.fonts import font_face
from crmresearch.reporting.notebook import notebook_body
from crmresearch.reporting.numbers import LANGUAGES, Language
from crmresearch.reporting.record import Block, read_record
from crmresearch.reporting.tables import TableView, view_rows, view_table
from crmresearch.reporting.words import Words, load_words

LANGUAGE_TAGS = {"en": "en", "zh": "zh-Hans"}


def render_edition(folder: Path, language: Language) -> Path:
    """Write ``report.<language>.html`` of an edition, and the pages of its notebooks.

    Parameters
    ----------
    folder : Path
        Holds ``edition.json`` and ``studies/``; see ``edition``.
    language : {"en", "zh"}

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
    edition, words = load_edition(folder), load_words()
    chapters = {name: run for name, run in edition.studies.items() if run.status != "not run"}
    studies = [_study(folder, name, run, number) for number, (name, run) in enumerate(chapters.items(), start=1)]
    if language == edition.languages[0]:
        for study in studies:
            if study["notebook"]:
                _write_notebook(folder, edition, study)
    return _write(
        folder / f"report.{language}.html",
        "report.html",
        language,
        currency=edition.currency,
        edition=edition,
        studies=studies,
        not_run={name: run for name, run in edition.studies.items() if run.status == "not run"},
        findings=any(study["findings"] for study in studies),
        quality=_quality_tables(edition, words, language),
    )


def render_index(reports: Path, language: Language = "en") -> Path:
    """Write ``index.html`` of all cases, editions and studies below ``reports``, newest first.

    An edition that cannot be read is listed with the reason.
    """
    rows: list[dict[str, Any]] = []
    for path in reports.glob("*/*/edition.json"):
        folder = path.parent
        if folder.name.startswith("."):
            continue
        row = {"case": folder.parent.name, "name": folder.name, "href": f"{folder.parent.name}/{folder.name}/"}
        try:
            edition = load_edition(folder)
            pages = [name for name in LANGUAGES if (folder / f"report.{name}.html").exists()]
            rows.append({**row, "edition": edition, "pages": pages, "made": edition.made, "problem": ""})
        except StorageError as error:
            rows.append({**row, "edition": None, "pages": [], "made": "", "problem": error.what})
    rows.sort(key=lambda row: (row["case"], row["name"]))
    rows.sort(key=lambda row: row["made"], reverse=True)
    return _write(reports / "index.html", "index.html", language, rows=rows, script=_asset("index.js"))


def render_blocks(blocks: tuple[Block, ...], language: Language, currency: str = "") -> str:
    """HTML of some blocks of a record, without a page around it; a notebook shows it as an output."""
    blocks = tuple(block for block in blocks if block["type"] != "figure")
    return _environment().get_template("fragment.html").render(blocks=blocks, **_context(language, currency))


def _quality_tables(edition: Edition, words: Words, language: Language) -> list[TableView]:
    """The cleaning ledger, its rows and its money apart; what was set aside; what was changed."""
    quality = edition.intake.quality.model_dump(mode="json")
    rows = [{k: v for k, v in file.items() if not k.startswith("amount_")} for file in quality["ledger"]]
    money = [{k: v for k, v in file.items() if not k.startswith("rows_")} for file in quality["ledger"]]
    tables = (
        ("ledger_rows", rows),
        ("ledger_money", [file for file in money if file["amount_in"] is not None]),
        ("quarantine", [{**row, "reason": f"cleaning_{row['reason'].lower()}"} for row in quality["quarantine"]]),
        ("cleaning_log", [{**row, "rule": f"cleaning_{row['rule'].lower()}"} for row in quality["log"]]),
    )
    return [view_rows(key, table, words, language) for key, table in tables if table]


def _study(folder: Path, name: str, run: StudyRun, number: int) -> dict[str, Any]:
    place = Path("studies") / name
    record = read_record(folder / place) if run.is_shown else None
    blocks = record["blocks"] if record else []
    has_notebook = (folder / place / "notebook.ipynb").exists()
    return {
        "name": name,
        "run": run,
        "number": number,
        "record": record,
        "blocks": [{**b, "image": _image(folder / place, b)} if b["type"] == "figure" else b for b in blocks],
        "findings": [block for block in blocks if block["type"] == "finding"],
        "folder": place.as_posix(),
        "notebook": f"{place.as_posix()}/notebook.html" if has_notebook else "",
    }


def _image(folder: Path, block: Block) -> dict[str, str]:
    """Language → the figure as a data address, proved to be the one recorded."""
    images = {}
    for language, file in block["files"].items():
        try:
            content = (folder / file["file"]).read_bytes()
        except OSError as error:
            raise StorageError(f"no figure ({error.strerror})", where=str(folder / file["file"])) from None
        if hashlib.sha256(content).hexdigest() != file["sha256"]:
            raise StorageError(
                "the figure is not the one recorded", where=str(folder / file["file"]), repair="Run the study again."
            )
        images[language] = "data:image/png;base64," + base64.b64encode(content).decode()
    return images


def _write_notebook(folder: Path, edition: Edition, study: dict[str, Any]) -> None:
    path = folder / study["notebook"]
    body = Markup(notebook_body(path.with_suffix(".ipynb")))
    _write(path, "notebook.html", edition.languages[0], edition=edition, study=study, body=body)


def _write(
    path: Path, template: str, language: Language, *, script: str = "", currency: str = "", **context: Any
) -> Path:
    write = _environment().get_template(template).render
    context |= {"script": Markup(script), **_context(language, currency)}
    style = _asset("page.css") + font_face(write(policy="", style="", **context))
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
    try:
        path.write_text(write(policy=policy, style=Markup(style), **context), encoding="utf-8", newline="\n")
    except OSError as error:
        raise StorageError(f"cannot write the page: {error.strerror}", where=str(path)) from None
    return path


def _context(language: Language, currency: str = "") -> dict[str, Any]:
    """What every template may call."""
    words = load_words()
    return {
        "language": language,
        "tag": LANGUAGE_TAGS[language],
        "tags": LANGUAGE_TAGS,
        "words": words,
        "say": words.say(language),
        "table": lambda block: view_table(block, words, language, currency=currency),
        "value": lambda value: words.value(value, "", language),
        "exhibit_number": lambda *numbers: ("-" if language == "zh" else ".").join(str(n) for n in numbers if n),
        "sentence": lambda text, stop=".": text[:1].upper() + text[1:].rstrip(stop) + stop,
        "verdict": lambda verdict: words.verdict(verdict, language),
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
