"""One raw column → typed values, reasons and notes: each distinct text is parsed once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from crmresearch.case import Case
from crmresearch.cleaning.notes import Note, changes, examples
from crmresearch.cleaning.parsing import dates, numbers, text, units
from crmresearch.cleaning.parsing.parsed import Parsed, codes
from crmresearch.cleaning.plan import ARROW, ColumnPlan
from crmresearch.errors import InputError


@dataclass(frozen=True, slots=True)
class ParsedColumn:
    """A column of a file, one element per row.

    Attributes
    ----------
    values : pa.Array
        Typed values; null where missing or unreadable.
    reasons : pa.Array
        Reason code where the cell could not be accepted, else null.
    notes : tuple[Note, ...]
    """

    values: pa.Array
    reasons: pa.Array
    notes: tuple[Note, ...]


def parse_column(
    raw: pa.LargeStringArray,
    plan: ColumnPlan,
    case: Case,
    file: str,
    *,
    counted: pa.BooleanArray | None = None,
    date_1904: bool = False,
) -> ParsedColumn:
    """Parse one column of raw cells by its plan; notes count the cells that ``counted`` marks, all without it.

    Raises
    ------
    InputError, CaseError
        The column as a whole cannot be read in one way (dates, decimal mark, currency, unit).
    """
    cells = pc.dictionary_encode(raw)
    indices, distinct = cells.indices, cells.dictionary
    counts = _counts(indices if counted is None else indices.filter(counted), len(distinct))
    n_null = raw.null_count if counted is None else raw.filter(counted).null_count
    cleaned = text.clean(distinct)
    declared = _declared_missing(cleaned, plan)
    missing = pc.or_(pc.equal(cleaned, ""), declared)
    present = pc.if_else(missing, pa.scalar(None, pa.large_string()), cleaned)
    lost = text.undecodable(distinct)
    present, coded = answer_codes(pc.if_else(pc.is_null(lost), present, None), plan.origin.answers)
    parsed = _parse(present, plan, case, f"{file}, column {plan.origin.heading!r}", date_1904)
    parsed = Parsed(parsed.values, pc.coalesce(lost, parsed.reasons), pc.coalesce(coded, parsed.rules))
    notes = tuple(_notes(plan, distinct, cleaned, declared, parsed, counts, n_null))
    parsed = parsed.take(indices)
    reasons = parsed.reasons
    if plan.required:
        absent = pc.and_(pc.is_null(parsed.values), pc.is_null(reasons))
        reasons = pc.coalesce(reasons, codes(absent, "MISSING_VALUE"))
    return ParsedColumn(pc.cast(parsed.values, ARROW[plan.kind]), reasons, notes)


def answer_codes(texts: pa.LargeStringArray, answers: Mapping[str, int]) -> tuple[pa.Array, pa.Array]:
    """Texts with the wording of an answer turned into its code, and the rule where it was.

    A letter before the wording (``A.非常满意``) says nothing.

    Examples
    --------
    >>> texts, rules = answer_codes(pa.array(["B.满意", "5"], pa.large_string()), {"满意": 4})
    >>> texts.to_pylist(), rules.to_pylist()
    (['4', '5'], ['ANSWER_CODED', None])
    """
    if not answers:
        return texts, pa.nulls(len(texts), pa.large_string())
    words = pc.utf8_lower(text.clean(pa.array(list(answers), pa.large_string())))
    codes_ = pa.array([str(code) for code in answers.values()], pa.large_string())
    lower = pc.utf8_lower(texts)
    row = pc.index_in(lower, value_set=words)
    bare = pc.replace_substring_regex(lower, r"^[a-z] ?[.、,:．)] ?", "")
    row = pc.coalesce(row, pc.index_in(bare, value_set=words))
    found = pc.if_else(pc.is_valid(texts), codes_.take(row), None)
    return pc.coalesce(found, texts), codes(pc.is_valid(found), "ANSWER_CODED")


def _parse(texts: pa.LargeStringArray, plan: ColumnPlan, case: Case, where: str, date_1904: bool) -> Parsed:
    if plan.kind == "text":
        return text.parse_text(texts, identifier=plan.identifier, width=plan.origin.width)
    if plan.kind == "flag":
        return numbers.parse_flag(texts)
    if plan.kind == "date":
        return dates.parse_date(
            texts,
            pattern=plan.origin.format,
            zone=case.file.time_zone,
            as_of=case.file.as_of,
            where=where,
            last_day=plan.origin.month_as == "last day",
            date_1904=date_1904,
        )
    dimension = _dimension(plan)
    hint = numbers.other_decimal_mark(texts, plan.origin.decimal)
    if hint is not None:
        other = "," if plan.origin.decimal == "." else "."
        raise InputError(
            f"values such as {hint!r} do not fit the decimal mark {plan.origin.decimal!r}",
            where=where,
            repair=f"Declare decimal: '{other}' for the column in case.yaml.",
        )
    if dimension == "money":
        _one_currency(texts, case, where)
    own = plan.origin.kind is not None and plan.kind != "money"
    measured = plan.measured and not own
    factor, measure = units.measure_parts(plan.origin.unit) if measured else (1, "")
    if not own and not measured:
        factor = units.unit_factor(plan.origin.unit, dimension, where=where)
    return numbers.parse_number(
        texts, kind=plan.kind, dimension=dimension, decimal=plan.origin.decimal, factor=factor, own_unit=measure
    )


def _dimension(plan: ColumnPlan) -> units.Dimension:
    if plan.kind == "money" or plan.unit == "currency":
        return "money"
    return "seconds" if plan.unit == "s" else "number"


def _one_currency(texts: pa.LargeStringArray, case: Case, where: str) -> None:
    """Refuse a column that states two currencies, or another than the case's."""
    signs = numbers.currencies(texts)
    possible = frozenset({case.file.currency.upper()}) if case.file.currency else None
    for sign, example in sorted(signs.items()):
        meant = units.CURRENCIES[sign]
        possible = meant if possible is None else possible & meant
        if not possible:
            others = [s for s in sorted(signs) if s != sign]
            against = f"the case's currency {case.file.currency}" if case.file.currency else f"{others[0]!r}"
            raise InputError(
                f"two currencies: {example!r} against {against}",
                where=where,
                repair="Convert to one currency before the import, or mend 'currency' in case.yaml.",
            )


def _declared_missing(cleaned: pa.LargeStringArray, plan: ColumnPlan) -> pa.BooleanArray:
    """Texts declared to mean 'missing'; a number counts in any spelling (``-99``, ``-99.0``)."""
    declared = text.clean(pa.array(plan.origin.missing, pa.large_string()))
    hit = pc.is_in(cleaned, value_set=declared)
    if plan.kind in {"number", "integer", "money"} and len(declared):
        as_number = {"kind": "number", "dimension": "number"}
        codes_ = numbers.parse_number(declared, **as_number).values.drop_null()
        values = numbers.parse_number(cleaned, **as_number).values
        hit = pc.or_(hit, pc.and_(pc.is_valid(values), pc.is_in(values, value_set=codes_)))
    return hit


def _counts(indices: pa.Array, n: int) -> pa.Int64Array:
    """Number of cells per distinct text."""
    pairs = pc.value_counts(indices.drop_null())
    where, how_many = pairs.field("values"), pairs.field("counts")
    return pc.fill_null(how_many.take(pc.index_in(pa.array(range(n), where.type), value_set=where)), 0)


def _notes(
    plan: ColumnPlan,
    raw: pa.LargeStringArray,
    cleaned: pa.LargeStringArray,
    declared: pa.BooleanArray,
    parsed: Parsed,
    counts: pa.Int64Array,
    n_null: int,
) -> Iterator[Note]:
    def total(mask: pa.BooleanArray) -> int:
        return pc.sum(counts.filter(mask)).as_py() or 0

    empty = total(pc.equal(cleaned, "")) + n_null
    if empty and not plan.required:
        yield Note("EMPTY", "warning", plan.name, empty)
    seen = pc.greater(counts, 0)
    changed = pc.and_(pc.and_(pc.not_equal(raw, cleaned), pc.is_null(parsed.reasons)), seen)
    if pc.any(changed).as_py():
        shown = changes(raw.filter(changed), cleaned.filter(changed))
        yield Note("TEXT_NORMALISED", "normalised", plan.name, total(changed), shown)
    declared = pc.and_(declared, seen)
    if pc.any(declared).as_py():
        shown = examples(raw.filter(declared).to_pylist())
        yield Note("DECLARED_MISSING", "normalised", plan.name, total(declared), shown)
    for rule in sorted(pc.unique(parsed.rules.drop_null()).to_pylist()):
        hit = pc.and_(pc.fill_null(pc.equal(parsed.rules, rule), False), seen)
        if not pc.any(hit).as_py():
            continue
        shown = changes(raw.filter(hit), pc.cast(parsed.values.filter(hit), pa.large_string()))
        yield Note(rule, "normalised", plan.name, total(hit), shown)
