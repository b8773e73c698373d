"""A first ``case.yaml`` for a user's own files: guesses with their evidence, questions marked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow.compute as pc

from crmresearch.case import ColumnMap
from crmresearch.cleaning.answerscales import full_scale
from crmresearch.cleaning.firstlook import Look, look_at, look_at_database
from crmresearch.cleaning.guesses import FileGuess, Guess, Shape, guess_table
from crmresearch.cleaning.measures import heading_measure, heading_tax, heading_unit
from crmresearch.cleaning.parsing import text
from crmresearch.cleaning.parsing.dates import parse_date
from crmresearch.cleaning.parsing.text import normal_form
from crmresearch.cleaning.readers import TextFrame
from crmresearch.cleaning.readers.wenjuanxing import is_platform_column
from crmresearch.errors import InputError

ASK = "# ??"
"""Begins the comment of every line that the user has to answer."""

_SURE = 0.5


def propose_case(
    name: str, files: Sequence[Path], *, database: str = "", tables: Sequence[str] = (), folder: Path | None = None
) -> str:
    """Write the text of a commented ``case.yaml`` for raw files and the tables of a database.

    Parameters
    ----------
    name : str
        Name of the case; becomes its title.
    files : Sequence[Path]
    database : str
        Name of the environment variable that holds a database's URL.
    tables : Sequence[str]
        Tables of the database; all where none is named.
    folder : Path | None
        The case folder, where a relative path of SQLite starts.

    Returns
    -------
    str
        YAML. Every guess carries its confidence (0–1) and evidence as a comment; a line with
        ``# ??`` asks. Where every required column was found the text loads as it is; where one was
        not, its heading is empty and ``load_case`` names it.

    Raises
    ------
    CaseError, InputError
        A file or the database cannot be read, or two tables have one name.
    """
    found = [look for path in files for look in look_at(path)]
    if database:
        found += look_at_database(database, folder or Path(), tables)
    looks = {look.source.label: look for look in found}
    if len(looks) < len(found):
        twice = next(look.source.label for look in found if looks[look.source.label] is not look)
        raise InputError("two tables have this name", where=twice, repair="Rename the file.")
    guesses = {label: guess_table(look.shapes) for label, look in looks.items()}
    frames = {label: look.frame for label, look in looks.items()}
    lines = [*_head(name), *_money_and_time(guesses, frames), "files:"]
    for label, guess in guesses.items():
        lines += _file(looks[label], guess)
    lines += [*_instrument(guesses.values()), *_studies(guesses.values())]
    return "\n".join(lines) + "\n"


def _head(name: str) -> Iterator[str]:
    yield f"# The case {name}. Lines marked {ASK[2:]} ask something; the others are guesses to look over."
    yield "# A guess shows its confidence (0 to 1) and its evidence. Then: crmresearch check " + _quoted(name)
    yield 'schema: "1"'
    yield f"title: {{en: {_quoted(name)}, zh: {_quoted(name)}}}"
    yield f"description: {{en: {_quoted(f'Files of {name}.')}, zh: {_quoted(f'{name} 的数据文件。')}}}"
    yield "provenance:"
    yield f'  origin: "Not stated."     {ASK} who produced the files, and when'
    yield f'  copy_from: "Not stated."  {ASK} the system or person they were exported from'
    yield f'  terms: "Not stated."      {ASK} who may see and pass on the data'


def _money_and_time(guesses: dict[str, FileGuess], frames: dict[str, TextFrame]) -> Iterator[str]:
    signs = sorted({s.currency for g in guesses.values() for s in _all_shapes(g) if s.currency})
    if len(signs) == 1:
        yield f"currency: {signs[0]}  # 0.8: signs in the cells"
    else:
        yield f'currency: ""  {ASK} ISO code of the amounts, such as CNY or USD'
    yield f"time_zone: Asia/Shanghai  {ASK} zone of the times in the files; dates without a time are not moved"
    last = max(filter(None, (_last_date(g, frames[file]) for file, g in guesses.items())), default=None)
    if last:
        yield f"as_of: {last}  {ASK} the last observed day; {last} is the latest date in the files"
    else:
        yield f"# as_of: 2024-12-31  {ASK} the last observed day"


def _all_shapes(guess: FileGuess) -> Iterator[Shape]:
    yield from (g.shape for g in guess.columns.values())
    yield from guess.rest


def _last_date(guess: FileGuess, frame: TextFrame) -> str | None:
    """The latest readable date in the columns of things that have happened."""
    latest = []
    for g in guess.columns.values():
        if g.column.kind == "date" and not g.column.planned and g.shape.date_format != "?":
            cells = text.clean(pc.unique(frame.cells[frame.headings.index(g.shape.heading)]))
            pattern = g.shape.date_format
            parsed = parse_date(
                cells,
                pattern=pattern,
                zone="UTC",
                as_of=None,
                where=g.shape.heading,
                last_day=True,
                date_1904=frame.date_1904,
            )
            latest.append(pc.max(parsed.values).as_py())
    return str(max(filter(None, latest), default="")) or None


def _file(look: Look, guess: FileGuess) -> Iterator[str]:
    source = look.source
    yield f"  - file: {_quoted(source.file)}"
    if source.sheet:
        yield f"    sheet: {_quoted(source.sheet)}"
    yield f"    table: {guess.table.name}  # {guess.confidence:.2f}: {_table_evidence(guess)}"
    if source.connection:
        yield f"    connection: {source.connection}  # the environment variable that holds the database's URL"
        yield f"    query: {_quoted(source.query)}"
    else:
        yield f"    sha256: {look.sha256}"
    if source.skip_rows:
        yield f"    skip_rows: {source.skip_rows}  # the row below it shows headings that are known"
    if source.heading_rows > 1:
        yield f"    heading_rows: {source.heading_rows}  # merged headings: the upper one is put before the lower"
    if source.platform:
        yield f"    platform: {source.platform}  # its own columns come first; -3 and -2 mean that nothing was answered"
    yield "    columns:"
    for name in [c.name for c in guess.table.columns]:
        if name in guess.columns:
            yield from _column(name, guess.columns[name])
        elif name in guess.table.required:
            yield from _not_found(name, guess)
    taken = {c.name for c in guess.table.columns} | {_item_name(s) for s in guess.items}
    own = [s for s in guess.rest if guess.table.open and not (source.platform and is_platform_column(s.heading))]
    for shape in own:
        yield _own(shape, taken)
    unused = [s for s in guess.rest if s not in own]
    if unused:
        yield f"    # not used: {', '.join(_quoted(s.heading) for s in unused)}"


def _table_evidence(guess: FileGuess) -> str:
    found = [name for name in guess.table.required if name in guess.columns]
    items = f", {len(guess.items)} columns look like questionnaire items" if guess.items else ""
    question = "" if found or guess.items else f" {ASK[2:]} like no table known; delete these lines if it is none"
    return f"{len(found)} of {len(guess.table.required)} required columns found{items}{question}"


def _not_found(name: str, guess: FileGuess) -> Iterator[str]:
    if guess.items and name == "respondent_id":
        yield "      respondent_id: {row_number: true}  # 0.60: no column identifies respondents; the row's number does"
        return
    rest = ", ".join(_quoted(s.heading) for s in guess.rest) or "none left"
    yield f'      {name}: ""  {ASK} its heading; columns not used: {rest}'


def _column(name: str, guess: Guess) -> Iterator[str]:
    if guess.times:
        yield f"      {name}: {{times: [{', '.join(guess.times)}]}}  # {guess.confidence:.2f}: {guess.evidence}"
        return
    origin = {"heading": guess.shape.heading}
    question = "" if guess.confidence > _SURE else f" {ASK[2:]} check this"
    if guess.column.kind == "date" and guess.shape.date_format:
        origin["format"] = guess.shape.date_format
        if guess.shape.date_format == "?":
            origin["format"] = ""
            question = f" {ASK[2:]} format: %d/%m/%Y or %m/%d/%Y? {guess.shape.date_proof!r} can be read both ways"
        else:
            question += f" ({guess.shape.date_proof!r} shows the order)"
    if guess.column.kind in {"money", "number", "integer"} and guess.shape.decimal == ",":
        origin["decimal"] = ","
    for key, said, ask in _stated(name, guess):
        origin[key] = said
        question += f" {ASK[2:]} {ask}" if ask else ""
    yield f"      {name}: {_mapping(origin)}  # {guess.confidence:.2f}: {guess.evidence}{question}"


def _stated(name: str, guess: Guess) -> Iterator[tuple[str, str, str]]:
    """Key, value and question for what the heading says of unit and tax."""
    heading = guess.shape.heading
    unit = heading_unit(heading) if guess.column.unit == "currency" else ""
    if unit:
        yield "unit", unit, f"the heading says {unit}: are the cells in {unit}?" if unit != "元" else ""
    measure = heading_measure(heading) if name == "quantity" else ""
    if measure:
        yield "unit", measure, ""
    tax = heading_tax(heading) if name == "amount" else ""
    if tax:
        yield "tax", tax, ""


def _own(shape: Shape, taken: set[str]) -> str:
    slug = shape.short or re.sub(r"\W+", "_", normal_form(shape.heading)).strip("_") or "column"
    name, n = slug, 2
    while name in taken:
        name, n = f"{slug}_{n}", n + 1
    taken.add(name)
    kind = "text" if shape.date_format == "?" else shape.kind
    origin = {"heading": shape.heading, "kind": kind}
    if kind == "date" and shape.date_format:
        origin["format"] = shape.date_format
    if kind in {"money", "number", "integer"} and shape.decimal == ",":
        origin["decimal"] = ","
    label = f", label: {{en: {_quoted(shape.wording)}, zh: {_quoted(shape.wording)}}}" if shape.wording else ""
    mapping = _mapping(origin)[:-1] + label + "}"
    return f"      {_quoted(name)}: {mapping}  # a column of your own, by its content; delete it if not needed"


def _item_name(shape: Shape) -> str:
    return shape.short or shape.heading


def _instrument(guesses: Iterable[FileGuess]) -> Iterator[str]:
    items = [shape for guess in guesses for shape in guess.items]
    if not items:
        return
    yield "instrument:"
    yield from _scale(items)
    yield "  constructs:"
    groups: dict[str, list[str]] = {}
    for shape in items:
        stem = "" if shape.short else re.sub(r"[\s_.-]*\d+$", "", shape.heading)
        groups.setdefault(stem or "all", []).append(_item_name(shape))
    if len(groups) == len(items):
        groups = {"all": [_item_name(s) for s in items]}
    for group, names in groups.items():
        listed = ", ".join(map(_quoted, names))
        yield f"    {_quoted(group)}: {{title: {{en: {_quoted(group)}, zh: {_quoted(group)}}}, items: [{listed}]}}"
    ask = "which construct each belongs to" if any(s.short for s in items) else "the wording of each item"
    yield f"  items:  {ASK} {ask}; reverse: true where a high answer is unfavourable"
    for shape in items:
        told = shape.wording or shape.heading
        zh = f", zh: {_quoted(told)}" if shape.wording else ""
        yield f"    {_quoted(_item_name(shape))}: {{en: {_quoted(told)}{zh}}}"


def _scale(items: Sequence[Shape]) -> Iterator[str]:
    """The scale of the items: from their wordings, or from their range."""
    answers = {word: code for shape in items for word, code in shape.answers.items()}
    if answers:
        listed = ", ".join(f"{_quoted(word)}: {code}" for word, code in full_scale(answers).items())
        yield f"  scale: {{low: 1, high: 5, answers: {{{listed}}}}}  # 0.80: the answers in words  {ASK} their order"
        return
    low, high = min(int(s.low) for s in items), max(int(s.high) for s in items)
    low, high = min(low, 1), next(end for end in (5, 7, 10) if end >= high)
    yield f"  scale: {{low: {low}, high: {high}}}  # 0.60: range of the answers  {ASK} the scale of the questionnaire"


def _studies(guesses: Iterable[FileGuess]) -> Iterator[str]:
    tables = {guess.table.name for guess in guesses}
    studies = {"orders": ("value_indicators", "segment_profile"), "survey": ("satisfaction_loyalty",)}
    chosen = sorted({study for table in tables for study in studies.get(table, ())})
    yield "studies:" if chosen else "studies: {}"
    yield from (f"  {study}: {{}}" for study in chosen)


def _mapping(origin: dict[str, str]) -> str:
    values = ", ".join(f"{key}: {_quoted(value)}" for key, value in origin.items() if key in ColumnMap.model_fields)
    return f"{{{values}}}"


def _quoted(value: str) -> str:
    """A JSON string, which is a YAML string too, whatever the text holds."""
    return json.dumps(value, ensure_ascii=False)
