"""The mapping of a case beside what the files themselves suggest: what was accepted, what goes unused."""

from __future__ import annotations

from collections.abc import Iterator

from crmresearch.case import Case, ColumnMap, SourceFile
from crmresearch.cleaning.guesses import Guess, Shape, best_guess, shapes
from crmresearch.cleaning.notes import excerpt
from crmresearch.cleaning.parsing.text import normal_form
from crmresearch.cleaning.plan import plan_columns, wanted_headings
from crmresearch.cleaning.readers import read_file
from crmresearch.cleaning.readers.wenjuanxing import NOT_ANSWERED
from crmresearch.tables import TABLES

_SHOWN = 30


def review(case: Case) -> str:
    """One line for each column of each file: where it comes from, how sure that looks, and why.

    Headings that no column uses are listed, with the column they look like.

    Raises
    ------
    InputError, CaseError
        A file cannot be read, or ``case.yaml`` does not fit the tables.
    """
    return "\n".join(["Columns", *(line for source in case.file.files for line in _file(case, source))])


def _file(case: Case, source: SourceFile) -> Iterator[str]:
    plans = plan_columns(case, source)
    frame, _ = read_file(case.source_path(source), source, wanted_headings(plans))
    skipped = NOT_ANSWERED if source.platform else ()
    by_heading = {normal_form(shape.heading): shape for shape in shapes(frame, skipped)}
    by_heading |= {name: by_heading[normal_form(frame.headings[i])] for name, i in frame.names.items()}
    yield f"  {source.label} → {source.table}"
    table = TABLES[source.table]
    names = {column.name for column in table.columns}
    used = set()
    items = 0
    for plan in plans:
        shape = by_heading.get(normal_form(plan.origin.heading))
        used.add(shape.heading if shape else "")
        if plan.item:
            items += 1
            continue
        guess = best_guess([table[plan.name]], shape) if shape and plan.name in names else None
        yield f"    {plan.name} ← {_origin(source.columns[plan.name])}{_evidence(guess, shape, plan.name in names)}"
    if items:
        yield f"    {items} items of the instrument"
    unused = [shape for shape in dict.fromkeys(by_heading.values()) if shape.heading not in used]
    free = [column for column in table.columns if column.name not in source.columns]
    for shape in unused[:_SHOWN]:
        guess = best_guess(free, shape)
        like = f"; looks like {guess.column.name} ({guess.confidence:.2f}: {guess.evidence})" if guess else ""
        yield f"    not used: {excerpt(shape.heading)!r}{like}"
    if len(unused) > _SHOWN:
        yield f"    and {len(unused) - _SHOWN} more headings are not used"


def _origin(origin: ColumnMap) -> str:
    if origin.row_number:
        return "the row's number"
    if origin.value:
        return f"{excerpt(origin.value)!r} on every row"
    if origin.times:
        return " × ".join(origin.times)
    stated = {
        "prefix": origin.prefix,
        "in": origin.unit,
        "tax": origin.tax,
        "format": origin.format,
        "missing": ", ".join(origin.missing[:4]),
    }
    said = "".join(f", {key} {value}" for key, value in stated.items() if value)
    return f"{excerpt(origin.heading)!r}{said}"


def _evidence(guess: Guess | None, shape: Shape | None, canonical: bool) -> str:
    if guess:
        return f"  ({guess.confidence:.2f}: {guess.evidence})"
    if shape is None:
        return ""
    if not canonical:
        return "  (a column of the case's own)"
    return "  (its heading names another column or none: look twice)"
