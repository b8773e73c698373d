"""PDF: a document as JSON, set by one typst template with fonts of our own, so that pages match across machines."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
import tempfile
from importlib import import_module, resources
from pathlib import Path
from typing import Any

from crmresearch.errors import StorageError, StudyError
from crmresearch.reporting.document.assembling import assemble
from crmresearch.reporting.document.fitting import fit_table, text_width
from crmresearch.reporting.document.model import (
    Document,
    Heading,
    Pairs,
    Paragraph,
    Part,
    Picture,
    Recipe,
    Refusal,
    Runs,
    Table,
)
from crmresearch.reporting.docx_xml import clean
from crmresearch.reporting.numbers import ReportLanguage

_LATIN = {"serif": "Libertinus Serif", "sans": "Noto Sans SC"}
_CHINESE = {"serif": "Noto Serif SC", "sans": "Noto Sans SC"}
_CODE = "DejaVu Sans Mono"
_LARGEST_DRAWING = 2_000_000
_LONG_WORD = re.compile(r"[!-~]{33,}")


def render_pdf(folder: Path, language: ReportLanguage) -> Path:
    """Write ``report.<language>.pdf`` of an edition.

    Raises
    ------
    FontError
        No Chinese font is found.
    StorageError
        The file cannot be written.
    """
    path = folder / f"report.{language}.pdf"
    content = write_pdf(assemble(folder, language))
    try:
        path.write_bytes(content)
    except OSError as error:
        raise StorageError(f"cannot write the document: {error.strerror}", where=str(path)) from None
    return path


def write_pdf(document: Document) -> bytes:
    """The bytes of a PDF; the same document gives the same bytes."""
    import typst

    fonts = _fonts()
    with tempfile.TemporaryDirectory() as temporary:
        room = Path(temporary)
        template = resources.files("crmresearch.reporting") / "templates" / "report.typ"
        (room / "report.typ").write_text(template.read_text(encoding="utf-8"), encoding="utf-8")
        content = json.dumps(_content(document, room), ensure_ascii=False)
        (room / "document.json").write_text(content, encoding="utf-8")
        made = dt.datetime.fromisoformat(document.made).replace(microsecond=0)
        try:
            return typst.compile(
                str(room / "report.typ"),
                root=str(room),
                font_paths=fonts,
                ignore_system_fonts=True,
                format="pdf",
                timestamp=made,
            )
        except typst.TypstError as error:
            what = " ".join(str(error).split())[:200]
            raise StudyError(
                f"the PDF cannot be set ({what})", repair="Take another format, and report this."
            ) from None


def _fonts() -> list[str]:
    """Folders of the fonts: the one that ``CRMRESEARCH_FONT`` names, and the package's."""
    folders = [str(Path(file).parent)] if (file := os.environ.get("CRMRESEARCH_FONT")) else []
    try:
        folders.append(str(Path(import_module("pylopdf_fonts_zh_cn").serif_path()).parent))
    except (ImportError, OSError):
        if not folders:
            from crmresearch.reporting.figures.theme import FontError

            raise FontError(
                "no Chinese font for the PDF",
                where="pylopdf-fonts-zh-cn",
                repair="Install that package, or name a font file in CRMRESEARCH_FONT.",
            ) from None
    return folders


def _content(document: Document, room: Path) -> dict[str, Any]:
    profile, made = document.profile, document.made
    parts = (*document.summary, *(part for part in document.body if not isinstance(part, Recipe)))
    every = [*document.front, *parts, *document.appendices]
    shown = [part for part in every if isinstance(part, Table | Picture) and part.label]
    return {
        "title": clean(document.title),
        "subtitle": clean(document.subtitle),
        "running": clean(document.running),
        "language": document.language,
        "date": [int(number) for number in made[:10].split("-")],
        "profile": profile.model_dump(mode="json"),
        "fonts": {
            "body": [_LATIN[profile.fonts.kind], _CHINESE[profile.fonts.kind]],
            "heading": [_LATIN[profile.fonts.heading_kind], _CHINESE[profile.fonts.heading_kind]],
            "code": [_CODE, "Noto Sans SC"],
        },
        "words": document.words,
        "warning": document.warning,
        "cover": [[clean(text) for text in pair] for pair in document.cover],
        "front": [_part(part, document, room) for part in document.front],
        "parts": [_part(part, document, room) for part in parts],
        "appendices": [_part(part, document, room) for part in document.appendices],
        "references": [_runs(entry) for entry in document.references],
        "anchors": sorted({part.anchor for part in every if getattr(part, "anchor", "")} | {"references"}),
        "listed": [
            {
                "kind": "table" if isinstance(part, Table) else "picture",
                "anchor": part.anchor,
                "label": part.label,
                "caption": clean(part.view.caption if isinstance(part, Table) else part.caption),
            }
            for part in shown
        ],
    }


def _part(part: Part, document: Document, room: Path) -> dict[str, Any]:
    words = document.words
    match part:
        case Heading():
            return {
                "kind": "heading",
                "level": part.level,
                "number": part.number,
                "text": clean(part.text),
                "anchor": part.anchor,
            }
        case Paragraph():
            return {
                "kind": "paragraph",
                "style": part.kind,
                "runs": _runs(part.runs),
                "anchor": part.anchor,
                "verdict": part.verdict,
            }
        case Table():
            fit, view = fit_table(part.view, document.profile), part.view
            set_view = {
                "caption": clean(view.caption),
                "headings": [clean(text) for text in view.headings],
                "flows": view.flows,
                "rows": [[_breakable(clean(text)) for text in row] for row in view.rows],
                "notes": [clean(text) for text in view.notes],
            }
            shown = {"size": fit.size, "widths": fit.widths, "turned": fit.turned, "whole": fit.whole}
            return {"kind": "table", "label": part.label, "anchor": part.anchor, "view": set_view, "fit": shown}
        case Picture():
            return _picture(part, document, room)
        case Recipe():
            pairs = (
                *part.pairs,
                (words["function"], part.function),
                *(((words["source"], part.source),) if part.source else ()),
            )
            return {"kind": "recipe", "title": part.title, "pairs": [[clean(text) for text in pair] for pair in pairs]}
        case Refusal():
            return {
                "kind": "refusal",
                "function": part.function,
                "what": clean(part.what),
                "repair": clean(part.repair),
            }
        case Pairs():
            return {"kind": "pairs", "pairs": [[clean(text) for text in pair] for pair in part.pairs]}


def _picture(part: Picture, document: Document, room: Path) -> dict[str, Any]:
    """The drawing where there is one of reasonable size, else the bitmap."""
    drawing = part.drawing if part.drawing and part.drawing.stat().st_size <= _LARGEST_DRAWING else None
    source = drawing or part.bitmap
    name = f"figure-{len(list(room.iterdir()))}{source.suffix}"
    shutil.copy(source, room / name)
    width = min(text_width(document.profile), part.width / 300 * 2.54)
    return {
        "kind": "picture", "label": part.label, "anchor": part.anchor, "caption": clean(part.caption),
        "alt": clean(part.alt), "file": name, "width": round(width, 2),
    }  # fmt: skip


def _breakable(text: str) -> str:
    """A text whose longest words (a digest, an address) may break: a place to break after every 16 characters."""
    return _LONG_WORD.sub(lambda match: "\u200b".join(re.findall(".{1,16}", match[0])), text)


def _runs(runs: Runs) -> list[dict[str, str]]:
    return [{"text": clean(run.text), "look": run.look, "anchor": run.anchor} for run in runs]
