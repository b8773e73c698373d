"""What an edition itself has to say: cover, summary, its data, claims, a reader's questions, appendices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import yaml

from crmresearch.reporting.document.model import Heading, Pairs, Paragraph, Part, Picture, Recipe, Refusal, Run, Table
from crmresearch.reporting.tables import TableView, view_rows

if TYPE_CHECKING:
    from crmresearch.reporting.document.assembling import Sheet
    from crmresearch.reporting.document.voice import Voice
    from crmresearch.reporting.edition import Edition

FURNITURE = (
    "contents", "list_of_tables", "list_of_figures", "references", "notes", "recipe", "function", "source",
    "refused", "way_out", "made_by", "page_word", "address_is", "trace_by",
)  # fmt: skip
_COVER_LABELS = ("author", "student_number", "school", "major", "supervisor")


def cover(sheet: Sheet) -> tuple[tuple[str, str], ...]:
    """What stands below the title: the case's own lines, then what the edition knows."""
    voice, edition = sheet.voice, sheet.edition
    own = edition.layout.cover
    names = [*(name for name in _COVER_LABELS if name in own), *(name for name in own if name not in _COVER_LABELS)]
    lines = [
        (voice.say(name) if name in _COVER_LABELS else name, voice.script(voice.text(own[name].model_dump())))
        for name in names
    ]
    facts = (("as_of", edition.as_of), ("currency", edition.currency), ("made", edition.made[:10]))
    return (*lines, *((voice.say(name), value) for name, value in facts if value))


def summary(sheet: Sheet) -> Iterator[Part]:
    """The first answer to each question, what it is worth, every claim tested; then what failed or could not run."""
    voice = sheet.voice
    yield Heading(1, "", voice.say("summary"), "summary")
    found = False
    for study, record in sheet.records.items():
        findings = _main_findings(record["blocks"])
        if findings:
            found = True
            yield Heading(5, "", record["title"][sheet.language], "")
        for block in findings:
            verdict = block["verdict"] or ""
            shown = f"{block['claim']} {voice.words.verdict(verdict, sheet.language)}".strip() if verdict else ""
            runs = (Run(sheet.sentence(study, block), anchor=f"{study}-{block['id']}"),)
            yield Paragraph(runs, "item", "", shown, verdict)
    if not found:
        yield Paragraph((Run(voice.say("no_findings")),))
    for run in sheet.edition.studies.values():
        title = voice.script(voice.text(run.title.model_dump()))
        if run.status == "failed":
            yield Paragraph((Run(f"{title} · {voice.say('failed')}"),), "status")
        elif run.status == "not run" and run.wanted:
            why = voice.script(voice.text(run.why.model_dump())).replace("`", "")
            yield Paragraph((Run(f"{title} · {voice.say('not_run')} · {why}"),), "status")


def _main_findings(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    main, answered = [], False
    for block in blocks:
        if block["type"] == "section":
            answered = False
        elif block["type"] == "finding":
            if block["verdict"] or block.get("main") or not answered:
                main.append(block)
            answered = True
    return main


def _case(sheet: Sheet) -> Iterator[Part]:
    voice, edition = sheet.voice, sheet.edition
    yield Paragraph((Run(voice.script(voice.text(edition.description.model_dump()))),))
    facts = edition.provenance.model_dump()
    pairs = [(voice.say(name), facts[name]) for name in ("origin", "copy_from", "terms", "changes") if facts[name]]
    yield Pairs((*pairs, *(((voice.say("citation"), edition.citation),) if edition.citation else ())))


def _quality(sheet: Sheet) -> Iterator[Part]:
    yield Paragraph((Run(sheet.voice.say("data_quality_lead")),))
    blank, colon, stop = ("", "：", "。") if sheet.language == "zh" else (" ", ": ", ".")
    where = Run(f"{sheet.voice.say('appendix_word')}{blank}A", anchor="appendix-cleaning")
    yield Paragraph((where, Run(f"{colon}{sheet.voice.say('appendix_cleaning')}{stop}")))
    quality = sheet.edition.intake.quality
    for empty, key in ((quality.quarantine, "nothing_quarantined"), (quality.log, "nothing_logged")):
        if not empty:
            yield Paragraph((Run(sheet.voice.say(key)),))


def own_tables(sheet: Sheet) -> tuple[str, ...]:
    """What the edition itself shows as a table."""
    blocks = (block for record in sheet.records.values() for block in record["blocks"])
    return ("questions", *(("hypotheses",) if any(block.get("verdict") for block in blocks) else ()))


def _hypotheses(sheet: Sheet) -> Iterator[Part]:
    rows = []
    for study, record in sheet.records.items():
        for block in record["blocks"]:
            if block["type"] == "finding" and block["verdict"]:
                anchor = _section_of(sheet, study, block["id"])
                verdict = sheet.voice.words.verdict(block["verdict"], sheet.language)
                text = sheet.sentence(study, block)
                rows.append((f"H{len(rows) + 1}", block["claim"], text, verdict, sheet.place_of(anchor)))
    if not rows:
        yield Paragraph((Run(sheet.voice.say("claims_none")),))
        return
    yield _own_table(sheet, "hypotheses", ("hypothesis", "claim", "statement", "verdict", "where_shown"), rows)


def _questions(sheet: Sheet) -> Iterator[Part]:
    known = _answers(sheet)
    rows = []
    for question in _texts("questions"):
        places = [known[part] for part in question["parts"] if part in known]
        rows.append(
            (
                sheet.voice.text(sheet.voice.written(question)),
                "、".join(dict.fromkeys(places)) or sheet.voice.say("not_in_report"),
            )
        )
    yield _own_table(sheet, "questions", ("question", "answered_in"), rows)


def _answers(sheet: Sheet) -> dict[str, str]:
    """Key of a section, table or own part → where it stands."""
    found: dict[str, str] = {}
    for section in sheet.sections:
        place = sheet.place_of(section.anchor)
        for key in (*section.shows, *((section.key,) if section.key else ())):
            found.setdefault(key, place)
        for block in section.part.blocks if section.part else ():
            if block["type"] == "table":
                found.setdefault(block["key"], sheet.place_of(f"{section.part.study}-{block['id']}"))
    for letter, key in APPENDICES:
        found[key] = f"{sheet.voice.say('appendix_word')}{'' if sheet.language == 'zh' else ' '}{letter}"
    return found


def _section_of(sheet: Sheet, study: str, block_id: str) -> str:
    for section in sheet.sections:
        if section.part and section.part.study == study and any(b["id"] == block_id for b in section.part.blocks):
            return section.anchor
    return ""


SHOWN: dict[str, Callable[[Sheet], Iterator[Part]]] = {
    "case": _case, "quality": _quality, "hypotheses": _hypotheses, "questions": _questions,
}  # fmt: skip
APPENDICES = (
    ("A", "appendix-cleaning"),
    ("B", "appendix-recipes"),
    ("C", "appendix-software"),
    ("D", "appendix-glossary"),
    ("E", "appendix-trace"),
)


def quality_views(edition: Edition, voice: Voice) -> list[TableView]:
    """The books of cleaning, as tables to set."""
    return [view_rows(key, rows, voice.words, voice.language) for key, rows in quality_tables(edition)]


def quality_tables(edition: Edition) -> list[tuple[str, list[dict[str, Any]]]]:
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
    return [(key, table) for key, table in tables if table]


def appendices(sheet: Sheet, body: Sequence[Part]) -> Iterator[Part]:
    """Cleaning ledger, recipes, software and files, glossary, and how to follow a number back."""
    voice, zh = sheet.voice, sheet.language == "zh"
    titles = dict(APPENDICES)
    for letter, key in APPENDICES:
        number = f"{voice.say('appendix_word')}{'' if zh else ' '}{letter}"
        yield Heading(1, number, voice.say(key.replace("-", "_")), titles[letter])
        if key == "appendix-cleaning":
            for count, view in enumerate(quality_views(sheet.edition, voice), start=1):
                label = sheet.numbering.text(letter, count)
                address = sheet.numbering.address("T", letter, count)
                yield Table(sheet.label("table", label), view, f"appendix-{letter}{count}", address, "", "edition.json")
        elif key == "appendix-recipes":
            yield from (part for part in body if isinstance(part, Recipe))
        elif key == "appendix-software":
            yield from _software(sheet, letter)
        elif key == "appendix-glossary":
            yield from _glossary(sheet, body, letter)
        else:
            yield Paragraph((Run(voice.say("trace_lead")),))
            example = next((part.address for part in body if isinstance(part, Table) and part.address), "T1-1")
            command = f"crmresearch trace reports/{sheet.edition.case}/{sheet.edition.edition} {example}:r1c1"
            yield Paragraph((Run(command, "code"),))
            yield Paragraph((Run(voice.say("rerun_lead")),))
            yield Paragraph((Run(sheet.edition.rerun, "code"),))


def _software(sheet: Sheet, letter: str) -> Iterator[Part]:
    edition = sheet.edition
    versions = [(name, version) for name, version in edition.software.items() if name != "key"]
    yield _own_table(sheet, "software_versions", ("software", "version"), versions, letter, 1)
    files = [(name, digest) for name, digest in edition.inputs.items()]
    yield _own_table(sheet, "input_files", ("file", "sha256"), files, letter, 2)


def _glossary(sheet: Sheet, body: Sequence[Part], letter: str) -> Iterator[Part]:
    """The terms of the field that the report uses, in both languages."""
    text = "\n".join(_all_text(body)).casefold()
    written = sheet.voice.written(_texts("glossary"))
    used = [term for term in written if _core(term[sheet.language]) in text]
    rows = sorted((term["en"], term["zh"]) for term in used)
    if rows:
        yield _own_table(sheet, "glossary", ("english", "chinese"), rows, letter, 1)


def _core(term: str) -> str:
    return term.split(" (")[0].split("（")[0].casefold()


def _all_text(parts: Sequence[Part]) -> Iterator[str]:
    for part in parts:
        match part:
            case Heading():
                yield part.text
            case Paragraph():
                yield "".join(run.text for run in part.runs)
            case Table():
                yield from (part.view.caption, *part.view.headings, *part.view.notes)
                yield from (cell for row in part.view.rows for cell in row)
            case Picture():
                yield from (part.caption, part.alt)
            case Recipe():
                yield from (part.title, *(text for pair in part.pairs for text in pair))
            case Refusal():
                yield part.what


def _own_table(
    sheet: Sheet, key: str, columns: Sequence[str], rows: Sequence[Sequence[str]], letter: str = "", count: int = 0
) -> Table:
    words, language = sheet.voice.words, sheet.language
    view = TableView(
        caption=words.caption(key, language),
        headings=tuple(words.column(name, language) for name in columns),
        flows=tuple("words" for _ in columns),
        rows=tuple(tuple(row) for row in rows),
    )
    known = sheet.labels.get(f"own-{key}")
    number = sheet.numbering.text(letter, count) if letter else known.number if known else ""
    return Table(sheet.label("table", number) if number else "", view, f"own-{key}")


@cache
def _texts(name: str) -> list[dict[str, Any]]:
    file = resources.files("crmresearch.reporting.document") / "texts" / f"{name}.yaml"
    return yaml.safe_load(file.read_text(encoding="utf-8"))
