"""One raw file → its rows in the canonical columns, and what had to be set aside."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from crmresearch.case import Case, SourceFile
from crmresearch.cleaning import quarantine
from crmresearch.cleaning.columns import ParsedColumn, parse_column
from crmresearch.cleaning.measures import check_headings, check_sizes
from crmresearch.cleaning.notes import Note
from crmresearch.cleaning.parsing.units import measure_parts
from crmresearch.cleaning.plan import ColumnPlan, find_columns, plan_columns, wanted_headings
from crmresearch.cleaning.products import product_column
from crmresearch.cleaning.ranges import out_of_range
from crmresearch.cleaning.readers import TextFrame, read_file
from crmresearch.cleaning.returns import settle_signs
from crmresearch.cleaning.rows import no_records
from crmresearch.cleaning.survey import unanswered
from crmresearch.errors import InputError


@dataclass(frozen=True, slots=True)
class FileIntake:
    """A raw file after parsing.

    Attributes
    ----------
    source : SourceFile
    sha256 : str
    rows_in : int
        Records of the file, whatever became of them.
    rows : pa.Table
        Every record that could be split, typed, with lineage.
    sound : pa.BooleanArray
        Which of ``rows`` no rule has set aside.
    quarantine : pa.Table
    notes : tuple[Note, ...]
    plans : tuple[ColumnPlan, ...]
    sheet : str
    """

    source: SourceFile
    sha256: str
    rows_in: int
    rows: pa.Table
    sound: pa.BooleanArray
    quarantine: pa.Table
    notes: tuple[Note, ...]
    plans: tuple[ColumnPlan, ...] = ()
    sheet: str = ""


def take_in(case: Case, source: SourceFile, schema: pa.Schema) -> FileIntake:
    """Read, map and parse one file.

    Parameters
    ----------
    case : Case
    source : SourceFile
    schema : pa.Schema
        Of the table the file belongs to.

    Raises
    ------
    InputError, CaseError
        The file as a whole cannot be used.
    """
    plans = plan_columns(case, source)
    frame, sha256 = read_file(case.source_path(source), source, wanted_headings(plans))
    if not frame.n_records:
        return _no_rows(source, sha256, schema, frame)
    positions, notes = find_columns(frame, plans, source.label)
    check_headings(plans, source.label)
    raw = {name: frame.cells[i] for name, i in positions.items()}
    n = len(frame.rows)
    raw |= {p.name: _row_numbers(case, source, n) for p in plans if p.origin.row_number}
    raw |= {p.name: pa.repeat(pa.scalar(p.origin.value, pa.large_string()), n) for p in plans if p.origin.value}
    screened = no_records(raw, plans, frame.cells[0])
    record = pc.is_null(screened)
    values, reasons, found = _parse(case, source, frame, plans, raw, positions, record)
    rows = _canonical(schema, {**_constants(source), **values}, source, frame)
    rounded = {n.column: n.count for n in found if n.rule == "ROUNDED"}
    check_sizes(rows.filter(record), plans, rounded, source.table, source.label)
    for name, outside in out_of_range(rows, plans, case.file).items():
        reasons[name] = pc.coalesce(reasons[name], outside)
    items = [plan.name for plan in plans if plan.item]
    rows = _without_bad_answers(rows, {name: reasons[name] for name in items})
    tables = [_broken_entries(frame, source)]
    place = {"file": source.label, "sheet": frame.sheet}
    blank = pa.nulls(len(record), pa.large_string())
    front = pc.if_else(pc.equal(pc.utf8_trim_whitespace(frame.cells[0]), ""), None, frame.cells[0])
    whole_row = [("", pc.coalesce(front, next(iter(raw.values()))), screened)]
    if items:
        whole_row.append(("", blank, unanswered(rows, items)))
    bad = pc.invert(record)
    for column, cells, why in [*whole_row, *((p.name, raw.get(p.name, blank), reasons[p.name]) for p in plans)]:
        why = why if why is screened else pc.if_else(record, why, None)
        scope = "value" if column in items else "row"
        tables.append(quarantine.entries(frame.rows, cells, why, column=column, scope=scope, **place))
        if scope == "row":
            bad = pc.or_(bad, pc.is_valid(why))
    return FileIntake(
        source,
        sha256,
        frame.n_records,
        rows,
        pc.invert(bad),
        pa.concat_tables(tables),
        (*_without_declared_sheets(frame.notes, case, source), *notes, *found),
        plans,
        frame.sheet,
    )


def _parse(
    case: Case,
    source: SourceFile,
    frame: TextFrame,
    plans: tuple[ColumnPlan, ...],
    raw: dict[str, pa.Array],
    positions: dict[str, int],
    record: pa.BooleanArray,
) -> tuple[dict[str, pa.Array], dict[str, pa.Array], tuple[Note, ...]]:
    """Values, reasons and notes of the planned columns: read, then computed, then with the signs of returns."""
    parsed: dict[str, ParsedColumn] = {}
    for plan in plans:
        if plan.origin.times:
            continue
        flaw = frame.flaws.get(positions.get(plan.name, -1))
        cells = raw[plan.name] if flaw is None else pc.if_else(pc.is_null(flaw), raw[plan.name], None)
        counted = record if flaw is None else pc.and_(record, pc.is_null(flaw))
        column = parse_column(cells, plan, case, source.label, counted=counted, date_1904=frame.date_1904)
        values = column.values
        if plan.origin.prefix:
            values = pc.binary_join_element_wise(plan.origin.prefix, values, "")
        reasons = column.reasons if flaw is None else pc.coalesce(flaw, column.reasons)
        parsed[plan.name] = ParsedColumn(values, reasons, column.notes)
    for plan in plans:
        if plan.origin.times:
            one, two = plan.origin.times
            parsed[plan.name] = product_column(plan, parsed[one], parsed[two])
    values = {plan.name: parsed[plan.name].values for plan in plans}
    reasons = {plan.name: parsed[plan.name].reasons for plan in plans}
    notes = tuple(n for plan in plans for n in parsed[plan.name].notes)
    if source.table == "orders":
        values, void, more = settle_signs(values)
        if "type" in reasons:
            reasons["type"] = pc.coalesce(reasons["type"], void)
        notes = (*notes, *more)
    return values, reasons, notes


def _without_declared_sheets(notes: tuple[Note, ...], case: Case, source: SourceFile) -> Iterator[Note]:
    """The notes, the one about further sheets without those that other entries read."""
    declared = {other.sheet for other in case.file.files if other.file == source.file}
    for note in notes:
        if note.rule != "OTHER_SHEETS":
            yield note
            continue
        rest = tuple(name for name in note.examples if name not in declared)
        count = note.count - len(note.examples) + len(rest)
        if count:
            yield dataclasses.replace(note, count=count, examples=rest)


def _constants(source: SourceFile) -> dict[str, Any]:
    """Unit and tax basis that the declaration states for the whole file."""
    if source.table != "orders":
        return {}
    stated: dict[str, Any] = {}
    unit = measure_parts(source.columns["quantity"].unit)[1] if "quantity" in source.columns else ""
    if unit:
        stated["unit"] = unit
    if source.columns["amount"].tax:
        stated["tax_included"] = source.columns["amount"].tax == "included"
    return stated


def _no_rows(source: SourceFile, sha256: str, schema: pa.Schema, frame: TextFrame) -> FileIntake:
    if not source.optional:
        raise InputError(
            "the file has a heading and no rows" if frame.headings else "the file is empty",
            where=source.label,
            repair="Export it again, or declare optional: true in case.yaml.",
        )
    notes = (*frame.notes, Note("EMPTY_FILE", "warning"))
    nothing = pa.array([], pa.bool_())
    return FileIntake(source, sha256, 0, schema.empty_table(), nothing, quarantine.SCHEMA.empty_table(), notes)


def _row_numbers(case: Case, source: SourceFile, n: int) -> pa.LargeStringArray:
    """``1`` … ``n``; with the file's name before it where several files number the rows of one table."""
    numbers = pc.cast(pa.array(np.arange(1, n + 1)), pa.large_string())
    rivals = sum(s.table == source.table and any(c.row_number for c in s.columns.values()) for s in case.file.files)
    if rivals == 1:
        return numbers
    prefix = pa.scalar(source.label, pa.large_string())
    return pc.binary_join_element_wise(prefix, numbers, pa.scalar(":", pa.large_string()))


def _canonical(schema: pa.Schema, values: dict[str, Any], source: SourceFile, frame: TextFrame) -> pa.Table:
    n = len(frame.rows)
    lineage = {"source_file": pa.repeat(source.label, n), "source_row": frame.rows}
    given = {**values, **lineage}
    given = {name: v if isinstance(v, pa.Array) else pa.repeat(v, n) for name, v in given.items()}
    return pa.table([given.get(f.name, pa.nulls(n, f.type)) for f in schema], schema=schema)


def _without_bad_answers(rows: pa.Table, reasons: dict[str, pa.Array]) -> pa.Table:
    for name, why in reasons.items():
        kept = pc.if_else(pc.is_null(why), rows[name].combine_chunks(), None)
        rows = rows.set_column(rows.schema.get_field_index(name), rows.schema.field(name), kept)
    return rows


def _broken_entries(frame: TextFrame, source: SourceFile) -> pa.Table:
    broken = frame.broken.combine_chunks()
    rows, raw, reason = (broken[name].combine_chunks() for name in ("source_row", "raw_value", "reason"))
    return quarantine.entries(rows, raw, reason, file=source.label, sheet=frame.sheet, column="")
