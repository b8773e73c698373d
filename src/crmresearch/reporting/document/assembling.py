"""An edition as one document: the only place where numbers, captions, references and order are decided."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from crmresearch.errors import InputError, StorageError, nearest
from crmresearch.reporting.document import own_parts
from crmresearch.reporting.document.labelling import Label, Numbering, enumerate_words, label_blocks
from crmresearch.reporting.document.model import (
    Document,
    Heading,
    Paragraph,
    Part,
    Picture,
    Recipe,
    Refusal,
    Run,
    Runs,
    Table,
)
from crmresearch.reporting.document.outlines import load_outline
from crmresearch.reporting.document.placing import Section, StudyText, number, parts_of, place
from crmresearch.reporting.document.profiles import DEFAULT, Profile, load_profile
from crmresearch.reporting.document.prose import (
    Passage,
    Piece,
    citation_items,
    cited_keys,
    plain_heading,
    read_prose,
)
from crmresearch.reporting.document.references import References, read_references
from crmresearch.reporting.document.voice import Voice, voice_of
from crmresearch.reporting.edition import Edition, load_edition
from crmresearch.reporting.numbers import NUMERIC, ReportLanguage
from crmresearch.reporting.record import Block, read_record
from crmresearch.reporting.refusals import in_chinese
from crmresearch.reporting.tables import view_table
from crmresearch.reporting.words import placeholders

_SENTENCE_STOP = {"en": ".", "zh": "。"}


@dataclass(slots=True)
class Sheet:
    """What is known while a document is put together."""

    folder: Path
    edition: Edition
    voice: Voice
    profile: Profile
    records: dict[str, dict[str, Any]]
    sections: list[Section]
    labels: dict[str, Label]
    numbering: Numbering
    references: References = field(default_factory=References)
    lenient: bool = False

    @property
    def language(self) -> str:
        return self.voice.language

    def label(self, sort: str, text: str) -> str:
        """``表4-1``, ``Table 4.1``."""
        return self.voice.say(f"{sort}_number") + ("" if self.language == "zh" else " ") + text

    def function(self, study: str, block: Block) -> str:
        """Name of the function that gave a block."""
        blocks = self.records.get(study, {}).get("blocks", ())
        return next((b["function"] for b in blocks if b["id"] == block.get("result")), "")

    def sentence(self, study: str, block: Block) -> str:
        """A finding as this document prints it."""
        return "".join(run.text for run in finding_runs(self, study, block))

    def place_of(self, anchor: str) -> str:
        """How the text calls the part that an anchor names; empty if there is none."""
        if anchor in self.labels:
            sort = {"T": "table", "F": "figure"}.get(self.labels[anchor].address[0])
            return self.label(sort, self.labels[anchor].number) if sort else ""
        section = next((section for section in self.sections if section.anchor == anchor), None)
        if section is None or not section.number:
            return ""
        return f"第{section.number}节" if self.language == "zh" else f"Section {section.number}"


def parts_of_blocks(blocks: Sequence[Block], voice: Voice, currency: str) -> list[Part]:
    """Blocks that are no edition's yet, as a notebook shows them: numbered as they come, without addresses."""
    labels = {f"-{block['id']}": Label(str(block.get("number", "")), "") for block in blocks}
    profile = load_profile(DEFAULT)
    numbering = Numbering(voice.language, True)
    sheet = Sheet(Path(), SimpleNamespace(currency=currency), voice, profile, {}, [], labels, numbering)
    return [part for block in blocks if block["type"] not in {"figure", "section"} for part in _block(sheet, "", block)]


def assemble(folder: Path, language: ReportLanguage, *, lenient: bool = False) -> Document:
    """Put the document of an edition together.

    Parameters
    ----------
    folder : Path
        Holds ``edition.json``, the records below ``studies/``, and the author's files.
    language : ReportLanguage
    lenient : bool
        A citation of an unknown source or a heading that fits nowhere is marked instead of refused.

    Raises
    ------
    StorageError
        The edition or a record cannot be read, or a figure is not the one recorded.
    InputError, UsageError
        The author's text or references cannot be used; an unknown profile or outline.
    """
    sheet, preface = lay_out(folder, language, lenient=lenient)
    edition, voice, sections, profile = sheet.edition, sheet.voice, sheet.sections, sheet.profile
    body = tuple(part for section in sections for part in _section(sheet, section))
    abstract = tuple(_paragraphs(sheet, preface)) if preface else ()
    return Document(
        title=voice.script(voice.text(edition.title.model_dump())),
        subtitle=f"{edition.case} · {voice.say('edition')} {edition.edition}",
        language=language,
        profile=profile,
        made=edition.made,
        words={key: voice.say(key) for key in own_parts.FURNITURE},
        cover=own_parts.cover(sheet),
        warning=(" " if voice.language == "en" else "").join(voice.say(mark) for mark in edition.marks),
        marks=tuple(voice.say(f"{mark}_short") for mark in edition.marks),
        front=tuple(_abstract(sheet, abstract)),
        summary=tuple(own_parts.summary(sheet)),
        body=body,
        appendices=tuple(own_parts.appendices(sheet, body)),
        references=sheet.references.entries,
    )


def lay_out(folder: Path, language: ReportLanguage, *, lenient: bool = False) -> tuple[Sheet, Passage | None]:
    """Read an edition and number its parts; also the author's abstract, where there is one."""
    edition, voice = load_edition(folder), voice_of(language)
    profile = load_profile(edition.layout.profile)
    outline = load_outline(edition.layout.outline or profile.outline)
    shown = {name: run for name, run in edition.studies.items() if run.is_shown}
    records = {name: voice.written(read_record(folder / "studies" / name)) for name in shown}
    studies = []
    for name, run in edition.studies.items():
        title = voice.script(voice.text(run.title.model_dump()))
        if name in records:
            studies.append(StudyText(name, title, parts_of(name, title, records[name]["blocks"], voice.language)))
        elif run.status == "failed":
            studies.append(StudyText(name, title, (), voice.text(run.why.model_dump())))
    sections = place(outline, studies, voice.language)
    for section in sections:
        section.title = section.title if section.part else voice.script(section.title)
    passages = _prose(folder, edition, voice)
    preface = _place_prose(passages, sections, voice, lenient)
    numbering = Numbering(voice.language, profile.captions.numbering == "chapter")
    number(sections)
    sheet = Sheet(folder, edition, voice, profile, records, sections, {}, numbering, lenient=lenient)
    sheet.labels = label_blocks(sections, numbering, own_parts.own_tables(sheet))
    if edition.layout.references:
        path = folder / edition.layout.references
        sheet.references = read_references(path, cited_keys(passages), profile.citation, lenient=lenient)
    elif (keys := cited_keys(passages)) and not lenient:
        raise InputError(
            f"cites {keys[0][:60]!r}, but there is no file of references",
            where=edition.layout.prose.get(voice.language, "prose"),
            repair="Name a BibTeX file in case.yaml: report: {references: FILE.bib}.",
        )
    return sheet, preface


def _prose(folder: Path, edition: Edition, voice: Voice) -> list[Passage]:
    name = edition.layout.prose.get(voice.language)
    if not name:
        return []
    try:
        return read_prose(voice.script((folder / name).read_text(encoding="utf-8-sig")))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read ({error})", where=name, repair="Save it as UTF-8 text.") from None


def _place_prose(passages: list[Passage], sections: list[Section], voice: Voice, lenient: bool) -> Passage | None:
    """Put each passage under the heading it names; deeper headings of the author's own follow it."""
    known = {plain_heading(section.title): section for section in sections}
    preface, current, level, depth = None, None, 0, 0
    for passage in passages:
        found = known.get(plain_heading(passage.heading))
        if not passage.heading or plain_heading(passage.heading) == voice.say("abstract").casefold():
            preface = passage if passage.paragraphs else preface
        elif found is not None:
            found.prose.append(passage)
            current, level, depth = found, passage.level, found.level
        elif current is not None and passage.level > level:
            section = Section(
                min(4, depth + passage.level - level), passage.heading, f"own-{passage.line}", own=True, prose=[passage]
            )
            sections.insert(sections.index(current) + 1, section)
            current = section
        elif lenient:
            sections.append(Section(1, passage.heading, f"own-{passage.line}", own=True, prose=[passage]))
        else:
            titles = [section.title for section in sections]
            raise InputError(
                f"no heading {passage.heading[:60]!r}{nearest(passage.heading, titles)}",
                where=f"prose, line {passage.line}",
                repair="Give it the name of a heading of the report, or put it below one.",
            )
    return preface


def _abstract(sheet: Sheet, paragraphs: tuple[Part, ...]) -> Iterator[Part]:
    if paragraphs:
        yield Heading(1, "", sheet.voice.say("abstract"), "abstract")
        yield from paragraphs


def _section(sheet: Sheet, section: Section) -> Iterator[Part]:
    yield Heading(section.level, section.number, section.title, section.anchor)
    if section.failure:
        why = _sentence(section.failure.replace("`", ""), _SENTENCE_STOP[sheet.language])
        yield Paragraph((Run(f"{sheet.voice.say('failed_because')} {why}"),), "status")
    for passage in section.prose:
        yield from _paragraphs(sheet, passage)
    if section.ask and not section.prose:
        blank = "" if sheet.language == "zh" else " "
        ask = f"{sheet.voice.say('ask_author')}{blank}{sheet.voice.script(section.ask)}"
        yield Paragraph((Run(ask),), "hint")
    for shown in section.shows:
        yield from own_parts.SHOWN[shown](sheet)
    if section.part:
        yield from _lead_in(sheet, section)
        for block in section.part.blocks:
            yield from _block(sheet, section.part.study, block)


def _lead_in(sheet: Sheet, section: Section) -> Iterator[Part]:
    anchors = [f"{section.part.study}-{b['id']}" for b in section.part.blocks if b["type"] in {"table", "figure"}]
    if sheet.profile.lead_in and anchors:
        before, after = sheet.voice.say("shown_here").split("{places}")
        comma, last = ("、", sheet.voice.say("and_last")) if sheet.language == "zh" else (", ", " and ")
        runs = [Run(before)]
        for place, anchor in enumerate(anchors):
            joint = "" if not place else last if place == len(anchors) - 1 else comma
            runs += [*([Run(joint)] if joint else []), Run(sheet.place_of(anchor), anchor=anchor)]
        yield Paragraph((*runs, Run(after)))


def _paragraphs(sheet: Sheet, passage: Passage) -> Iterator[Paragraph]:
    for kind, pieces in passage.paragraphs:
        yield Paragraph(tuple(_run(sheet, piece, passage) for piece in pieces), kind)


def _run(sheet: Sheet, piece: Piece, passage: Passage) -> Run:
    if piece.look == "cite":
        return Run(sheet.references.cite(citation_items(piece.text)), "super" if sheet.references.numbered else "")
    if piece.look == "ref":
        anchor = piece.text.replace("/", "-")
        label = sheet.place_of(anchor)
        if not label and not sheet.lenient:
            raise _no_part(piece.text, sheet, passage)
        return Run(label or f"?{piece.text}", anchor=anchor if label else "")
    if piece.look == "value":
        found = value_run(sheet, piece.text)
        if found is None and not sheet.lenient:
            raise _no_part(piece.text, sheet, passage)
        return found or Run(f"?{piece.text}")
    return Run(piece.text, piece.look)


def _no_part(name: str, sheet: Sheet, passage: Passage) -> InputError:
    known = [f"{study}/{block['id']}" for study, record in sheet.records.items() for block in record["blocks"]]
    return InputError(
        f"no part {name[:60]!r} of this report{nearest(name, known)}",
        where=f"prose, line {passage.line}",
        repair="Write it as [#study/block], numbers as [=study/block:place].",
    )


def value_run(sheet: Sheet, text: str) -> Run | None:
    """A number of a record by its long address, as it is printed, with its short one."""
    where, _, place_ = text.partition(":")
    study, _, name = where.partition("/")
    blocks = sheet.records.get(study, {}).get("blocks", [])
    block = next((block for block in blocks if block["id"] == name), None)
    if block is None:
        return None
    for part in _block(sheet, study, block):
        if isinstance(part, Paragraph):
            return next((run for run in part.runs if run.address.endswith(f":{place_}")), None)
        cell = re.fullmatch(r"r(\d+)c(\d+)", place_)
        if isinstance(part, Table) and cell:
            row, column = int(cell[1]), int(cell[2])
            for shown, origin in enumerate(part.view.origins):
                if column in origin and row <= len(part.view.rows):
                    return Run(part.view.rows[row - 1][shown], address=f"{part.address}:{place_}")
    return None


def _block(sheet: Sheet, study: str, block: Block) -> Iterator[Part]:
    voice, language, anchor = sheet.voice, sheet.language, f"{study}-{block['id']}"
    match block["type"]:
        case "finding":
            verdict = block["verdict"] or ""
            shown = f"{block['claim']} {voice.words.verdict(verdict, language)}".strip() if verdict else ""
            address = sheet.labels[anchor].address
            yield Paragraph(
                finding_runs(sheet, study, block), "finding", anchor, shown, verdict, address,
                f"{study}/{block['id']}", sheet.function(study, block),
            )  # fmt: skip
        case "note":
            yield Paragraph((Run(block["text"][language]),), "text", anchor)
        case "table":
            label = sheet.labels[anchor]
            view = view_table(block, voice.words, language, sheet.profile.style, currency=sheet.edition.currency)
            yield Table(
                sheet.label("table", label.number), view, anchor, label.address,
                f"studies/{study}/{block['file']}" if study else "", f"{study}/{block['id']}",
                sheet.function(study, block),
            )  # fmt: skip
        case "figure":
            yield _picture(sheet, study, block, anchor)
        case "recipe":
            pairs = tuple((option["label"][language], option["text"][language]) for option in block["options"])
            yield Recipe(block["method"]["text"][language], pairs, block["function"], block["source"], anchor)
        case "refusal":
            yield _refusal(sheet, block, anchor)


def _refusal(sheet: Sheet, block: Block, anchor: str) -> Refusal:
    what, repair, colon = block["what"], block["repair"], ": "
    if sheet.language == "zh":
        what, repair, colon = (*map(sheet.voice.script, map(in_chinese, (what, repair))), "：")
    where = block["where"] + colon if block["where"] else ""
    return Refusal(
        block["function"].rpartition(".")[2], _sentence(where + what, _SENTENCE_STOP[sheet.language]), repair, anchor
    )


def finding_runs(sheet: Sheet, study: str, block: Block) -> Runs:
    """A finding's sentence, each of its numbers with its address."""
    language = sheet.language
    words = sheet.voice.words.of("findings", block["key"]).with_terms(_terms(block["words"]))
    address = sheet.labels[f"{study}-{block['id']}"].address
    kinds = dict(placeholders(block["template"][language]))
    runs = []
    for text, name in words.pieces(block["template"][language], block["values"], language, sheet.profile.style):
        numeric = name and (kinds.get(name) in NUMERIC or isinstance(block["values"][name], int | float))
        if text:
            runs.append(Run(text, address=f"{address}:{name}" if numeric and address else ""))
    return tuple(runs)


def _terms(words: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    return {key: {"en": text["en"], "zh": text["zh"]} for key, text in words.items()}


def _picture(sheet: Sheet, study: str, block: Block, anchor: str) -> Picture:
    folder, label = sheet.folder / "studies" / study, sheet.labels[anchor]
    file = block["files"].get(sheet.voice.name) or block["files"][sheet.language]
    vector = file.get("vector")
    for proof in (file, *([vector] if vector else ())):
        _prove(folder / proof["file"], proof["sha256"])
    return Picture(
        label=sheet.label("figure", label.number),
        caption=block["caption"][sheet.language],
        alt=block["alt"][sheet.language],
        anchor=anchor,
        bitmap=folder / file["file"],
        width=file["width"],
        height=file["height"],
        drawing=folder / vector["file"] if vector else None,
        address=label.address,
    )


def _prove(path: Path, sha256: str) -> None:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StorageError(f"no figure ({error.strerror})", where=str(path)) from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise StorageError("the figure is not the one recorded", where=str(path), repair="Run the study again.")


def _sentence(text: str, stop: str = ".") -> str:
    return text[:1].upper() + text[1:].rstrip(stop) + stop


__all__ = ["Sheet", "assemble", "enumerate_words", "finding_runs", "value_run"]
