"""The intake receipt: one page of plain text that accounts for every row of a case's files."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow.compute as pc

from crmresearch.cleaning.cleaned import Cleaned
from crmresearch.cleaning.notes import RULES, excerpt
from crmresearch.cleaning.quarantine import REASONS

_FATES = ("kept", "quarantined", "merged")
_REASONS_SHOWN = 30


def receipt(cleaned: Cleaned) -> str:
    """Write the intake receipt of a cleaned case.

    Files with their rows and amounts in, kept, quarantined and merged; what was set aside, by
    reason, each with its first place; warnings; what was normalised.
    """
    return "\n".join([*_files(cleaned), *_aside(cleaned), *_log(cleaned, "warning"), *_log(cleaned, "normalised")])


def _files(cleaned: Cleaned) -> Iterator[str]:
    for line in cleaned.ledger.to_pylist():
        yield f"{line['source_file']} → {line['table']}"
        yield "  rows     " + _sum(line, "rows", "{:,}")
        if line["amount_in"] is not None:
            yield "  amounts  " + _sum(line, "amount", "{:,.2f}")
        if line["amounts_unread"]:
            yield f"           {line['amounts_unread']:,} rows without a readable amount are not in these sums"


def _sum(line: dict, what: str, form: str) -> str:
    parts = " + ".join(f"{form.format(line[f'{what}_{fate}'])} {fate}" for fate in _FATES)
    return f"{form.format(line[f'{what}_in'])} in = {parts}"


def _aside(cleaned: Cleaned) -> Iterator[str]:
    yield "Set aside" if cleaned.quarantine.num_rows else "Set aside: nothing"
    groups = cleaned.reasons()
    for group in groups.slice(0, _REASONS_SHOWN).to_pylist():
        first = _first_entry(cleaned, group)
        column = f", column {group['column']}" if group["column"] else ""
        what = "" if group["scope"] == "row" else " (the value only; the row is kept)"
        yield f"  {group['count']:,} × {group['reason']}: {REASONS[group['reason']]}{what}"
        yield f"    first: {group['source_file']}, row {first['source_row']}{column}: {excerpt(first['raw_value'])!r}"
    if groups.num_rows > _REASONS_SHOWN:
        yield f"  and {groups.num_rows - _REASONS_SHOWN} more groups"


def _first_entry(cleaned: Cleaned, group: dict) -> dict:
    entries = cleaned.quarantine
    for key in ("source_file", "column", "reason", "scope"):
        entries = entries.filter(pc.equal(entries[key], group[key]))
    return entries.slice(0, 1).to_pylist()[0]


def _log(cleaned: Cleaned, severity: str) -> Iterator[str]:
    lines = cleaned.log.filter(pc.equal(cleaned.log["severity"], severity)).to_pylist()
    title = {"warning": "Warnings", "normalised": "Normalised"}[severity]
    yield title if lines else f"{title}: none"
    for line in lines:
        place = ", ".join(filter(None, (line["source_file"], line["column"] and f"column {line['column']}")))
        shown = f" ({line['examples']})" if line["examples"] else ""
        yield f"  {place + ': ' if place else ''}{line['count']:,} {RULES[line['rule']]}{shown}"
