"""Which column of a file becomes which column of a table, and by which rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from crmresearch.case import Case, ColumnMap, SourceFile
from crmresearch.cleaning.notes import Note, examples
from crmresearch.cleaning.parsing.numbers import MONEY
from crmresearch.cleaning.parsing.text import normal_form
from crmresearch.cleaning.readers import TextFrame
from crmresearch.cleaning.readers.frame import join_headings
from crmresearch.cleaning.readers.wenjuanxing import NOT_ANSWERED
from crmresearch.errors import CaseError, InputError, nearest
from crmresearch.tables import TABLES, Kind

ARROW: dict[Kind, pa.DataType] = {
    "text": pa.string(),
    "date": pa.date32(),
    "money": MONEY,
    "number": pa.float64(),
    "integer": pa.int64(),
    "flag": pa.bool_(),
}
"""How each kind of column is stored."""

_DIGIT_TEXTS = ("phone", "credit_code")


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """One column of a table as one file gives it.

    Attributes
    ----------
    name, kind, unit, low, high, required, planned
        As in the table, or as declared for a column of the case's own.
    origin : ColumnMap
        Heading, date format, unit, decimal mark and missing texts of this file.
    item : bool
        A questionnaire item: a bad answer becomes missing, the row stays.
    """

    name: str
    kind: Kind
    origin: ColumnMap
    unit: str = ""
    low: float | None = None
    high: float | None = None
    required: bool = False
    planned: bool = False
    item: bool = False

    @property
    def identifier(self) -> bool:
        """Identifiers are text of digits: a number format may have cost them some."""
        return self.kind == "text" and (self.name.endswith("_id") or self.name in _DIGIT_TEXTS)

    @property
    def measured(self) -> bool:
        """A quantity in a unit of measure of its own, stored as it is counted."""
        return self.name == "quantity" and self.kind == "number"


def plan_columns(case: Case, source: SourceFile) -> tuple[ColumnPlan, ...]:
    """The columns that ``source`` is to give: declared columns first, then the instrument's items.

    Raises
    ------
    CaseError
        A required column has no heading, or an item is declared as a column too.
    """
    table = TABLES[source.table]
    where = f"{case.name}/case.yaml, {source.label}"
    missing = [name for name in table.required if name not in source.columns]
    if missing:
        raise CaseError(
            f"no heading is given for {', '.join(map(repr, missing))} of table {table.name}",
            where=where,
            repair="Add it under 'columns' (row_number: true makes an identifier).",
        )
    known = {column.name: column for column in table.columns}
    plans = []
    skipped = NOT_ANSWERED if source.platform == "wenjuanxing" else ()
    for name, origin in source.columns.items():
        if skipped:
            origin = origin.model_copy(update={"missing": (*origin.missing, *skipped)})
        if name in known:
            c = known[name]
            plans.append(ColumnPlan(name, c.kind, origin, c.unit, c.low, c.high, c.required, c.planned))
        else:
            plans.append(ColumnPlan(name, origin.kind or "text", origin, origin.unit, origin.low, origin.high))
    return (*plans, *_items(case, source, where, skipped))


def _items(case: Case, source: SourceFile, where: str, skipped: tuple[str, ...]) -> Iterable[ColumnPlan]:
    if source.table != "survey" or case.file.instrument is None:
        return ()
    scale, items = case.file.instrument.scale, case.file.instrument.items
    both = sorted(items.keys() & source.columns.keys())
    if both:
        raise CaseError(
            f"{both[0]!r} is both an item of the instrument and a declared column", where=where, repair="Keep the item."
        )
    return tuple(
        ColumnPlan(
            name,
            "integer",
            ColumnMap(heading=item.heading or name, missing=(*scale.missing, *skipped), answers=scale.answers),
            low=scale.low,
            high=scale.high,
            item=True,
        )
        for name, item in items.items()
    )


def table_schema(case: Case, table: str) -> pa.Schema:
    """Columns and types of a processed table: canonical, then the case's own, then items and lineage.

    Raises
    ------
    CaseError
        Two files declare one column with different kinds.
    """
    kinds: dict[str, Kind] = {c.name: c.kind for c in TABLES[table].columns}
    for source in case.file.files:
        for plan in plan_columns(case, source) if source.table == table else ():
            if kinds.setdefault(plan.name, plan.kind) != plan.kind:
                raise CaseError(
                    f"column {plan.name!r} is {kinds[plan.name]} in one file and {plan.kind} in another",
                    where=f"{case.name}/case.yaml, {source.label}",
                    repair="Declare one kind.",
                )
    fields = [(name, ARROW[kind]) for name, kind in kinds.items()]
    return pa.schema([*fields, ("source_file", pa.string()), ("source_row", pa.int64())])


def wanted_headings(plans: Iterable[ColumnPlan]) -> frozenset[str]:
    """Normal forms of the headings that a file must show."""
    return frozenset(normal_form(plan.origin.heading) for plan in plans if plan.origin.heading)


def find_columns(frame: TextFrame, plans: Iterable[ColumnPlan], file: str) -> tuple[dict[str, int], tuple[Note, ...]]:
    """Position of each planned column in the file, matched by heading in normal form.

    Raises
    ------
    InputError
        A heading is not there; the message lists the nearest, or the line that looks like the heading.
    """
    positions = {normal_form(heading): i for i, heading in enumerate(frame.headings) if heading.strip()}
    positions = {**frame.names, **positions}
    found: dict[str, int] = {}
    renamed = []
    for plan in plans:
        heading = plan.origin.heading
        if not heading:
            continue
        if normal_form(heading) not in positions:
            raise InputError(
                f"no column {heading!r} for {plan.name!r}{nearest(heading, frame.headings)}",
                where=f"{file}, heading",
                repair=_heading_repair(frame, plans),
            )
        found[plan.name] = positions[normal_form(heading)]
        if frame.headings[found[plan.name]] != heading and normal_form(heading) not in frame.names:
            renamed.append(f"{frame.headings[found[plan.name]]!r} → {heading!r}")
    used = set(found.values())
    unused = [heading for i, heading in enumerate(frame.headings) if i not in used and heading.strip()]
    notes = []
    if renamed:
        notes.append(Note("HEADING_MATCHED", "normalised", count=len(renamed), examples=examples(renamed)))
    if unused:
        notes.append(Note("UNKNOWN_COLUMN", "warning", count=len(unused), examples=examples(unused)))
    return found, tuple(notes)


def _heading_repair(frame: TextFrame, plans: Iterable[ColumnPlan]) -> str:
    """Point at a later row that holds the headings, or at two that hold them together."""
    wanted = wanted_headings(plans)
    for i, (row, cells) in enumerate(frame.top):
        if wanted and wanted <= set(map(normal_form, cells)):
            return f"Row {row} looks like the heading: set skip_rows: {row - 1} in case.yaml."
        if wanted and i + 1 < len(frame.top):
            joined = join_headings([cells, frame.top[i + 1][1]])
            if wanted <= set(map(normal_form, joined)):
                skip = f"skip_rows: {row - 1} and " if i else ""
                return (
                    f"Rows {row} and {row + 1} together look like the heading: set {skip}heading_rows: 2 in case.yaml."
                )
    return f"The file has: {', '.join(h for h in frame.headings[:12] if h.strip())}. Mend the heading in case.yaml."
