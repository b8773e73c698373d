"""From a number of a report back to its study, cell, function, parameters, inputs and source rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from crmresearch.case import Project
from crmresearch.errors import StorageError, UsageError, nearest
from crmresearch.reporting.document.assembling import Sheet, lay_out, value_run
from crmresearch.reporting.document.labelling import parse_address
from crmresearch.reporting.document.own_parts import quality_tables, quality_views
from crmresearch.reporting.record import Block
from crmresearch.running.dataflow import Call, read_calls
from crmresearch.running.keys import file_digest

_ID_COLUMNS = ("customer_id", "respondent_id")
_CELL = re.compile(r"r(\d+)c(\d+)")
_LINES_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Trace:
    """What a number of a report rests on.

    Attributes
    ----------
    address : str
        As the report has it, with the study and block it stands for.
    value : Any
        Unrounded, as the record holds it.
    printed : str
        As the English report prints it.
    what : str
        What the number is: the table's column and row, or the name in the sentence.
    cell : Call | None
        The notebook's call that gave it.
    rows : pd.DataFrame
        table, source_file, source_row of every row the number rests on.
    rule : str
        Which rows those are.
    """

    address: str
    study: str
    block: str
    value: Any
    printed: str
    what: str
    function: str
    method: str
    options: tuple[tuple[str, str], ...]
    parameters: dict[str, Any]
    inputs: dict[str, str]
    raw: dict[str, str]
    cell: Call | None
    rows: pd.DataFrame = field(repr=False)
    rule: str = ""


def trace(project: Project, edition: Path, address: str) -> Trace:
    """Follow a number back.

    The rows a number rests on are those of the tables that can have reached the call which gave it: of
    a row that stands for one customer or respondent, that one's own rows; else all of them. Orders
    dated after the last observed day are never among them, nor answers of a wave that the study did not read.

    Parameters
    ----------
    project : Project
        Holds the processed tables.
    edition : Path
        Folder of the edition.
    address : str
        ``T4-2:r3c2``, ``S1-3:share``, ``F2-1``, or ``study/block:place``.

    Raises
    ------
    UsageError
        The report has no such number; the message names the nearest.
    StorageError
        The edition cannot be read, or the processed tables are not those it was made from.
    """
    sheet = _sheet(edition, _stamp(edition / "edition.json"))
    label, place = parse_address(address)
    if label.startswith("TA-"):
        return _of_ledger(project, sheet, label, place)
    study, block = _find(sheet, label, address)
    if not label:
        place = address.partition(":")[2]
    value, what, row = _value(block, place, address)
    recipe = next((b for b in sheet.records[study]["blocks"] if b["id"] == block.get("result")), None)
    run = value_run(sheet, f"{study}/{block['id']}:{place}") if place else None
    cell = _cell(sheet, study, block)
    record = sheet.records[study]
    rows, rule = _rows(project, sheet, study, cell, row)
    files = set(rows["source_file"].unique())
    return Trace(
        address=address,
        study=study,
        block=block["id"],
        value=value,
        printed=run.text if run else "",
        what=what,
        function=recipe["function"] if recipe else "",
        method=recipe["method"]["text"]["en"] if recipe else "",
        options=tuple((o["label"]["en"], o["text"]["en"]) for o in recipe["options"]) if recipe else (),
        parameters={**record["parameters"], **sheet.edition.studies[study].parameters},
        inputs={
            name: record["inputs"][name]
            for name in (cell.tables if cell else record["inputs"])
            if name in record["inputs"]
        },
        raw={name: sha for name, sha in sheet.edition.inputs.items() if name in files},
        cell=cell,
        rows=rows,
        rule=rule,
    )


def addresses(edition: Path) -> Iterator[str]:
    """The address of every number of an edition's tables and findings."""
    sheet = _sheet(edition, _stamp(edition / "edition.json"))
    for anchor, label in sheet.labels.items():
        block = _block_at(sheet, anchor)[1]
        if block is None:
            continue
        if block["type"] == "finding":
            numbers = (n for n, v in block["values"].items() if isinstance(v, int | float) and not isinstance(v, bool))
            yield from (f"{label.address}:{name}" for name in numbers if f"{{{name}" in block["template"]["en"])
        elif block["type"] == "table":
            columns = [
                n for n, c in enumerate(block["columns"], start=1) if c["kind"] not in {"text", "name", "flag", "date"}
            ]
            yield from (f"{label.address}:r{r}c{c}" for r in range(1, len(block["rows"]) + 1) for c in columns)


def describe(found: Trace) -> str:
    """A trace as lines to read."""
    lines = [f"{found.address}  {found.printed}", f"  value       {found.value!r}", f"  is          {found.what}"]
    lines += [f"  study       {found.study}, block {found.block}" if found.study else f"  stands in   {found.block}"]
    if found.cell:
        lines += [f"  cell        code cell {found.cell.cell} of studies/{found.study}/notebook.ipynb"]
        lines += [f"              {line}" for line in found.cell.source.splitlines()]
    lines += [f"  function    {found.function}"] if found.function else []
    lines += [f"  method      {found.method}"] if found.method else []
    lines += [f"  option      {name}: {value}" for name, value in found.options]
    lines += [f"  parameter   {name} = {value!r}" for name, value in found.parameters.items()]
    lines += [f"  table       {name}  sha256 {sha}" for name, sha in sorted(found.inputs.items())]
    lines += [f"  raw file    {name}  sha256 {sha}" for name, sha in found.raw.items()]
    lines += [f"  rows        {len(found.rows):,}: {found.rule}"]
    for (table, file), rows in found.rows.groupby(["table", "source_file"], sort=False):
        lines.append(f"              {table}  {file}  lines {_ranges(sorted(rows['source_row']))}")
    return "\n".join(lines)


def _ranges(lines: list[int]) -> str:
    """Line numbers, runs drawn together: 2–5, 9 (of many: the first few)."""
    runs: list[list[int]] = []
    for line in lines:
        if runs and line == runs[-1][1] + 1:
            runs[-1][1] = line
        else:
            runs.append([line, line])
    shown = [str(a) if a == b else f"{a}–{b}" for a, b in runs[:_LINES_SHOWN]]
    return ", ".join(shown) + (f" and {len(runs) - _LINES_SHOWN:,} more stretches" if len(runs) > _LINES_SHOWN else "")


def _stamp(path: Path) -> int:
    return path.stat().st_mtime_ns if path.is_file() else 0


@lru_cache(maxsize=8)
def _sheet(edition: Path, stamp: int) -> Sheet:
    """An edition as numbered; published ones never change, so one reading serves many numbers."""
    return lay_out(edition, "en", lenient=True)[0]


@lru_cache(maxsize=8)
def _proved(path: Path, stamp: int, sha256: str) -> Any:
    """A processed table, proved to be the one an edition was made from; None where it is not."""
    import pyarrow.parquet as pq

    return pq.read_table(path) if path.is_file() and file_digest(path) == sha256 else None


def _find(sheet: Sheet, label: str, address: str) -> tuple[str, Block]:
    anchors = {known.address: anchor for anchor, known in sheet.labels.items()}
    if label in anchors:
        study, block = _block_at(sheet, anchors[label])
        if block is not None:
            return study, block
    study, _, name = address.partition(":")[0].partition("/")
    for block in sheet.records.get(study, {}).get("blocks", ()):
        if block["id"] == name:
            return study, block
    known = [*anchors, *(f"{s}/{b['id']}" for s, r in sheet.records.items() for b in r["blocks"])]
    raise UsageError(
        f"no number {address[:60]!r} in this report{nearest(label or address.partition(':')[0], known)}",
        where=f"{sheet.edition.case}/{sheet.edition.edition}",
        repair="Write it as T4-2:r3c2 (table, row, column) or S1-3:share (finding, value).",
    )


def _block_at(sheet: Sheet, anchor: str) -> tuple[str, Block | None]:
    for study, record in sheet.records.items():
        for block in record["blocks"]:
            if anchor == f"{study}-{block['id']}":
                return study, block
    return "", None


def _value(block: Block, place: str, address: str) -> tuple[Any, str, dict[str, Any]]:
    """The raw value, what it is, and the row of the table it stands in."""
    if block["type"] == "table":
        cell = _CELL.fullmatch(place)
        row, column = (int(cell[1]), int(cell[2])) if cell else (0, 0)
        if not (1 <= row <= len(block["rows"]) and 1 <= column <= len(block["columns"])):
            size = f"{len(block['rows'])} rows and {len(block['columns'])} columns"
            raise UsageError(
                f"no cell {place[:30]!r}", where=address[:60], repair=f"The table has {size}: r1c1 is its first."
            )
        names = [c["name"] for c in block["columns"]]
        values = dict(zip(names, block["rows"][row - 1], strict=True))
        head = block["columns"][column - 1]
        what = f"{block['caption']['en']}: {head['label']['en']}, row {row} ({block['rows'][row - 1][0]})"
        return block["rows"][row - 1][column - 1], what, values
    if block["type"] == "finding":
        if place not in block["values"]:
            raise UsageError(
                f"no value {place[:30]!r}{nearest(place, block['values'])}", where=address[:60],
                repair=f"The sentence states {', '.join(block['values'])}.",
            )  # fmt: skip
        return block["values"][place], f"{place} in: {block['text']['en']}", {}
    return None, block.get("caption", {}).get("en", block["type"]), {}


def _cell(sheet: Sheet, study: str, block: Block) -> Call | None:
    """The call that gave a block: the n-th of its function, as the record counts them."""
    blocks = sheet.records[study]["blocks"]
    recipe = next((b for b in blocks if b["id"] == block.get("result")), None)
    function = (recipe or block).get("function", "")
    if not function:
        return None
    before = [b for b in blocks if b["type"] in {"recipe", "refusal"} and b["function"] == function]
    count = next((n for n, b in enumerate(before) if b is (recipe or block)), 0)
    calls = read_calls(
        sheet.folder / "studies" / study / "notebook.ipynb",
        list(sheet.records[study]["inputs"]),
        sheet.edition.studies[study].parameters,
    )
    mine = [call for call in calls if call.function == function.rpartition(".")[2]]
    return mine[min(count, len(mine) - 1)] if mine else None


_MADE_OF = dict.fromkeys(("customer_sources", "identity_pairs", "identity_decisions"), "customer_records")
"""Tables without rows of a file of their own → the table of the records that they compare or join."""


def _rows(
    project: Project, sheet: Sheet, study: str, cell: Call | None, row: dict[str, Any]
) -> tuple[pd.DataFrame, str]:
    record = sheet.records[study]
    names = sorted({_MADE_OF.get(name, name) for name in (cell.tables if cell else record["inputs"])})
    owner = next(((column, row[column]) for column in _ID_COLUMNS if row.get(column) is not None), None)
    waves = {b["values"]["table"]: b["values"]["wave"] for b in record["blocks"] if b.get("key") == "wave_read"}
    waves = {name: wave for name, wave in waves.items() if cell and name not in cell.every_wave}
    frames = [
        _table(project, sheet, name, record["inputs"][name], record["as_of"], owner, waves.get(name)) for name in names
    ]
    rows = pd.concat(frames, ignore_index=True) if frames else _empty()
    if owner:
        return rows, f"the rows of {owner[0]} {owner[1]} in {', '.join(names)}"
    return rows, f"all rows of {', '.join(names) or 'no table'} that the cell can have read"


def _table(
    project: Project, sheet: Sheet, name: str, sha256: str, as_of: str, owner: tuple[str, Any] | None, wave: str | None
) -> pd.DataFrame:
    import pyarrow.compute as pc

    path = project.processed / sheet.edition.case / sheet.edition.intake.processed / f"{name}.parquet"
    content = _proved(path, _stamp(path), sha256)
    if content is None:
        raise StorageError(
            "the processed table is not the one this edition was made from",
            where=str(path),
            repair=f"Make it again from the same raw files: crmresearch run {sheet.edition.case}.",
        )
    if name == "orders" and as_of:
        content = content.filter(pc.less_equal(content["date"].cast("string"), as_of))
    if wave is not None:
        content = content.filter(pc.equal(content["wave"], wave))
    if owner and owner[0] in content.column_names:
        content = content.filter(pc.equal(content[owner[0]], str(owner[1])))
    frame = content.select(["source_file", "source_row"]).to_pandas()
    return frame.assign(table=name)[["table", "source_file", "source_row"]]


def _empty() -> pd.DataFrame:
    return pd.DataFrame({"table": [], "source_file": [], "source_row": []})


def _of_ledger(project: Project, sheet: Sheet, label: str, place: str) -> Trace:
    """A number of the cleaning ledger: counted by cleaning over all rows of a file."""
    tables, views = quality_tables(sheet.edition), quality_views(sheet.edition, sheet.voice)
    number, cell = int(label.partition("-")[2]), _CELL.fullmatch(place)
    if not (1 <= number <= len(tables)) or not cell:
        raise UsageError(f"no number {label}:{place}", where="cleaning ledger", repair="Write it as TA-1:r1c3.")
    key, rows = tables[number - 1]
    names = [n for n in rows[0] if any(row[n] not in (None, "") for row in rows)]
    row, column = int(cell[1]) - 1, int(cell[2]) - 1
    if row >= len(rows) or column >= len(names):
        raise UsageError(
            f"no cell {place}", where=label, repair=f"The table has {len(rows)} rows and {len(names)} columns."
        )
    file = rows[row]["file"]
    return Trace(
        address=f"{label}:{place}", study="", block=f"edition.json, intake.quality, {key}",
        value=rows[row][names[column]], printed=views[number - 1].rows[row][column],
        what=f"{names[column]} of {file}", function="crmresearch.cleaning.clean_case", method="", options=(),
        parameters={}, inputs={}, raw={file: sheet.edition.inputs.get(file, "")}, cell=None, rows=_empty(),
        rule=f"every row of {file}, as the ledger counts them",
    )  # fmt: skip
