"""Word: a document set with python-docx, in styles that a school can change, captions and references live."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from crmresearch.errors import InputError, StorageError, nearest
from crmresearch.reporting.document.assembling import assemble
from crmresearch.reporting.document.fitting import fit_table, text_width
from crmresearch.reporting.document.labelling import bookmark
from crmresearch.reporting.document.model import (
    Document,
    Heading,
    Pairs,
    Paragraph,
    Part,
    Picture,
    Recipe,
    Refusal,
    Run,
    Table,
)
from crmresearch.reporting.docx_styles import add_styles, set_page, turned_page
from crmresearch.reporting.docx_xml import NAMESPACES, Names, clean, field, paragraph, run, runs, three_lines
from crmresearch.reporting.edition import load_edition
from crmresearch.reporting.numbers import ReportLanguage

_SEQUENCES = {"en": ("Table", "Figure"), "zh": ("表", "图")}
_OWN_PICTURES = 10_000  # numbers of drawings below are those of a template
_CONTENTS_LEVELS = 3


def render_docx(folder: Path, language: ReportLanguage) -> Path:
    """Write ``report.<language>.docx`` of an edition.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        The case's own template asks for fields that there are not.
    StorageError
        The file cannot be written.
    """
    document, path = assemble(folder, language), folder / f"report.{language}.docx"
    template = load_edition(folder).layout.template
    content = write_docx(document, folder / template if template else None)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise StorageError(f"cannot write the document: {error.strerror}", where=str(path)) from None
    return path


def write_docx(document: Document, template: Path | None = None) -> bytes:
    """The bytes of a Word document; the same document gives the same bytes."""
    import docx

    file = _fill(template, document) if template else docx.Document()
    setter = _Setter(file, document, whole=template is None)
    setter.set()
    _describe(file, document)
    stream = io.BytesIO()
    file.save(stream)
    return _dated(stream.getvalue(), document.made)


class _Setter:
    """Sets the parts of one document, one after another."""

    def __init__(self, file: Any, document: Document, *, whole: bool) -> None:
        self.file, self.document, self.profile, self.whole = file, document, document.profile, whole
        self.names, self.labels, self.ended, self.pictures = Names(), {}, False, _OWN_PICTURES
        add_styles(file, document.profile, document.language)
        if whole:
            set_page(file.sections[0], document)
        body = file.element.body
        marker = next((p._p for p in file.paragraphs if p.text.strip() == _BODY), None)
        self.before = marker if marker is not None else body.sectPr
        self.marker = marker
        for part in document.everything:
            if isinstance(part, Table | Picture) and part.label:
                self.labels[part.anchor] = bookmark(part.address) if part.address else self.names.of(part.anchor)

    def set(self) -> None:
        document, words = self.document, self.document.words
        if self.whole:
            self._cover()
            self._parts(document.front)
            if document.front:
                self._break()
            self._contents()
        else:
            self._parts(document.front)
        self._parts((*document.summary, *(p for p in document.body if not isinstance(p, Recipe))))
        if document.references:
            self._part(Heading(1, "", words["references"], "references"))
            for entry in document.references:
                self._add(paragraph(runs(entry, self.names, self.labels), "Reference"))
        self._parts(document.appendices)
        if self.marker is not None:
            self.marker.getparent().remove(self.marker)

    def _add(self, xml: str) -> Any:
        from docx.oxml import parse_xml

        element = parse_xml(xml.replace("<w:p>", f"<w:p {NAMESPACES}>", 1) if xml.startswith("<w:p>") else xml)
        self.before.addprevious(element)
        return element

    def _parts(self, parts: Iterable[Part]) -> None:
        for part in parts:
            self._part(part)

    def _part(self, part: Part) -> None:
        match part:
            case Heading():
                self._heading(part)
            case Paragraph():
                self._paragraph(part)
            case Table():
                self._table(part)
            case Picture():
                self._picture(part)
            case Recipe():
                self._add(paragraph(run(part.title, "bold"), "Normal", "<w:keepNext/>"))
                words = self.document.words
                pairs = (*part.pairs, (words["function"], part.function))
                self._pairs((*pairs, (words["source"], part.source)) if part.source else pairs)
            case Refusal():
                words = self.document.words
                self._add(paragraph(run(words["refused"], "bold") + run("  ") + run(part.function, "code"), "Finding"))
                repair = f"{part.what} {words['way_out']} {part.repair}" if part.repair else part.what
                self._add(paragraph(run(repair), "Finding"))
            case Pairs():
                self._pairs(part.pairs)

    def _heading(self, part: Heading) -> None:
        text = f"{part.number}\u2002{part.text}" if part.number else part.text
        style = f"Heading{part.level}" if part.level <= 4 else "QuietHeading"
        top = "<w:pageBreakBefore/>" if part.level == 1 and self.profile.text.centred_chapters else ""
        self._add(
            paragraph(self.names.around(self.names.of(part.anchor) if part.anchor else "", run(text)), style, top)
        )

    def _paragraph(self, part: Paragraph) -> None:
        style = {"finding": "Finding", "item": "ListItem", "hint": "Hint", "status": "Hint"}.get(part.kind, "Normal")
        inside = runs(part.runs, self.names, self.labels)
        if part.kind == "item":
            inside = run("• ") + inside
        if part.verdict:
            inside += run(f"（{part.verdict}）" if self.document.language != "en" else f" ({part.verdict})", "bold")
        self._add(paragraph(self.names.around(self.names.of(part.anchor) if part.anchor else "", inside), style))

    def _pairs(self, pairs: Iterable[tuple[str, str]]) -> None:
        colon = ": " if self.document.language == "en" else "："
        for name, value in pairs:
            self._add(paragraph(run(f"{name}{colon}", "faint") + run(value), "Pair"))

    def _caption(self, part: Table | Picture, title: str, sequence: str, *, after: bool) -> None:
        """The label's number is a field that Word counts anew, and a bookmark that references point to."""
        captions = self.profile.captions
        look = "bold" if captions.bold_label else ""
        keep = "<w:keepNext/>" if after else ""
        stem = part.label.rstrip("0123456789")
        style = f"{type(part).__name__}Caption"
        chapter = "".join(c for c in stem if c.isdigit() or c in "ABCDE") if captions.numbering == "chapter" else ""
        label = run(stem, look) + field(f"SEQ {sequence}{chapter} \\* ARABIC", part.label[len(stem) :], look)
        label = self.names.around(self.labels.get(part.anchor, ""), label)
        shown = run(title, "italic" if captions.italic_title else "")
        if captions.stacked:
            self._add(paragraph(label, style, "<w:keepNext/>"))
            self._add(paragraph(shown, style, keep))
        else:
            self._add(paragraph(label + run("\u2002") + shown, style, keep))

    def _table(self, part: Table) -> None:
        fit = fit_table(part.view, self.profile)
        if fit.turned:
            turned_page(self, turned=False)
        above = self.profile.captions.table == "above"
        sequence = _SEQUENCES["en" if self.document.language == "en" else "zh"][0]
        if above and part.label:
            self._caption(part, part.view.caption, sequence, after=True)
        elif above:
            self._add(paragraph(run(part.view.caption), "TableCaption", "<w:keepNext/>"))
        self._add(three_lines(part, fit, self.profile, self.names, "TableText"))
        if not above:
            self._caption(part, part.view.caption, sequence, after=False)
        for number, note in enumerate(part.view.notes):
            lead = "" if number else f"{self.document.words['notes']}{' ' if self.document.language == 'en' else ''}"
            self._add(
                paragraph(
                    (run(lead, "italic" if self.document.language == "en" else "") if lead else "") + run(note),
                    "TableNote",
                )
            )
        self._add(paragraph("", "AfterTable"))
        if fit.turned:
            turned_page(self, turned=True)

    def _picture(self, part: Picture) -> None:
        from docx.oxml.shape import CT_Inline
        from docx.shared import Cm

        sequence = _SEQUENCES["en" if self.document.language == "en" else "zh"][1]
        above = self.profile.captions.figure == "above"
        if above:
            self._caption(part, part.caption, sequence, after=True)
        width = min(text_width(self.profile), part.width / 300 * 2.54)
        relation, image = self.file.part.get_or_add_image(str(part.bitmap))
        self.pictures += 1  # python-docx would look through the whole document for the next free number
        inline = CT_Inline.new_pic_inline(
            self.pictures, relation, part.bitmap.name, *image.scaled_dimensions(width=Cm(width))
        )
        inline.docPr.set("descr", clean(part.alt))
        inline.docPr.set("title", clean(f"{part.label} {part.caption}"))
        keep = '<w:keepNext w:val="0"/>' if above else "<w:keepNext/>"
        self._add(paragraph("<w:r/>", "Figure", keep)).r_lst[0].add_drawing(inline)
        if not above:
            self._caption(part, part.caption, sequence, after=False)

    def _break(self) -> None:
        self._add(f'<w:p {NAMESPACES}><w:r><w:br w:type="page"/></w:r></w:p>')

    def _cover(self) -> None:
        document = self.document
        self._add(paragraph(run(document.title), "Title"))
        self._add(paragraph(run(document.subtitle), "Subtitle"))
        if document.warning:
            self._add(paragraph(run(document.warning, "bold"), "Subtitle"))
        colon = ": " if document.language == "en" else "："
        for name, value in document.cover:
            self._add(paragraph(run(f"{name}{colon}") + run(value), "CoverLine"))
        self._break()

    def _contents(self) -> None:
        """Contents and lists: fields, with their entries in place until Word sets the page numbers."""
        words, parts = self.document.words, self.document.everything
        headings = [p for p in parts if isinstance(p, Heading) and p.level <= _CONTENTS_LEVELS and p.anchor]
        entries = [
            (f"TOC{p.level}", f"{p.number}\u2002{p.text}" if p.number else p.text, self.names.of(p.anchor))
            for p in headings
        ]
        self._list(words["contents"], 'TOC \\o "1-3" \\h \\z \\u', entries)
        if self.profile.lists:
            for kind, key in ((Table, "list_of_tables"), (Picture, "list_of_figures")):
                named = [
                    (
                        "TOC1",
                        f"{p.label}\u2002{p.view.caption if isinstance(p, Table) else p.caption}",
                        self.labels[p.anchor],
                    )
                    for p in parts
                    if isinstance(p, kind) and p.label
                ]
                if named:
                    self._list(words[key], f'TOC \\h \\z \\t "{kind.__name__}Caption,1"', named)
        if not self.profile.text.centred_chapters:  # else each chapter begins a page by itself
            self._break()

    def _list(self, title: str, code: str, entries: list[tuple[str, str, str]]) -> None:
        self._add(paragraph(run(title), "ContentsTitle"))
        begin = (
            '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText xml:space="preserve"> '
            f'{code.replace(chr(34), "&quot;")} </w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r>'
        )
        for place, (style, text, name) in enumerate(entries):
            line = run(text) + "<w:r><w:tab/></w:r>" + field(f"PAGEREF {name} \\h", "")
            link = f'<w:hyperlink w:anchor="{name}" w:history="1">{line}</w:hyperlink>'
            end = '<w:r><w:fldChar w:fldCharType="end"/></w:r>' if place == len(entries) - 1 else ""
            self._add(paragraph((begin if not place else "") + link + end, style))


_BODY = "\ue000body\ue000"


def _fill(template: Path, document: Document) -> Any:
    """A school's own template: its fields filled in, a mark left where the report goes."""
    from docxtpl import DocxTemplate

    fields = {"title": document.title, "subtitle": document.subtitle, "warning": document.warning, "body": _BODY}
    fields |= {
        "made": document.made[:10],
        **{f"line{n}": value for n, (_, value) in enumerate(document.cover, start=1)},
    }
    fields |= {name: value for name, value in document.cover if name.isidentifier()}
    try:
        file = DocxTemplate(template)
        wanted = file.get_undeclared_template_variables()
    except Exception as error:
        what = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(f"not a Word template ({what})", where=template.name, repair="Save it as .docx.") from None
    if unknown := sorted(wanted - set(fields)):
        raise InputError(
            f"asks for {unknown[0]!r}, which a report does not have{nearest(unknown[0], fields)}",
            where=template.name,
            repair=f"It may ask for {', '.join(fields)}.",
        )
    if "body" not in wanted:
        raise InputError(
            "has no place for the report", where=template.name, repair="Write {{ body }} in a paragraph of its own."
        )
    file.render(fields, autoescape=True)
    return file.docx


def _describe(file: Any, document: Document) -> None:
    """Properties: what it is and when it was made; nobody's name."""
    made = dt.datetime.fromisoformat(document.made).astimezone(dt.UTC).replace(tzinfo=None)
    core = file.core_properties
    core.title, core.author, core.last_modified_by, core.comments = clean(document.title)[:250], "", "", ""
    core.created = core.modified = made
    core.revision, core.language = 1, {"en": "en-US", "zh": "zh-CN", "zh-hant": "zh-TW"}[document.language]


def _dated(content: bytes, made: str) -> bytes:
    """The package with its entries in one order and of one date."""
    when = dt.datetime.fromisoformat(made)
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            entry = zipfile.ZipInfo(name, (max(1980, when.year), when.month, when.day, when.hour, when.minute, 0))
            entry.compress_type = zipfile.ZIP_STORED if name.endswith(".png") else zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            new.writestr(entry, old.read(name))
    return stream.getvalue()


__all__ = ["Run", "render_docx", "write_docx"]
