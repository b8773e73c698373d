"""What people decided about pairs of records: a CSV file in the case folder, replayed on every cleaning."""

from __future__ import annotations

import csv
import datetime as dt
import io
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import pandas as pd

from crmresearch.case import DECISIONS_FILE
from crmresearch.errors import InputError

DECISIONS = {
    "accept": "the two records are one customer",
    "reject": "the two records are different customers",
    "split": "record_a is taken out of its customer; record_b stays empty",
}
_MAX_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of a person.

    Attributes
    ----------
    record_a, record_b : str
        Customer ids as recorded; of a split, ``record_b`` is empty.
    decision : str
        A key of :data:`DECISIONS`. A later decision about the same records replaces an earlier one.
    decided_by, decided_on, reason : str
    """

    record_a: str
    record_b: str
    decision: str
    decided_by: str = ""
    decided_on: str = ""
    reason: str = ""


_HEADINGS = tuple(field.name for field in fields(Decision))


def read_decisions(folder: Path) -> tuple[Decision, ...]:
    """The decisions in a case folder, in order; none where there is no file.

    Raises
    ------
    InputError
        The file cannot be read, or a line is no decision; the message names the line.
    """
    path = folder / DECISIONS_FILE
    if not path.is_file():
        return ()
    if path.stat().st_size > _MAX_BYTES:
        raise InputError("the file is larger than 10 MB", where=DECISIONS_FILE, repair="Keep decisions only.")
    try:
        lines = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"cannot be read ({error})", where=DECISIONS_FILE, repair="Save it as a CSV file in UTF-8."
        ) from None
    if not lines or tuple(heading.strip() for heading in lines[0]) != _HEADINGS:
        raise InputError(
            "another heading than expected",
            where=f"{DECISIONS_FILE}, row 1",
            repair=f"Write: {','.join(_HEADINGS)}.",
        )
    found = []
    for row, cells in enumerate(lines[1:], start=2):
        if any(cell.strip() for cell in cells):
            found.append(_decision([cell.strip() for cell in cells], f"{DECISIONS_FILE}, row {row}"))
    return tuple(found)


def _decision(cells: list[str], where: str) -> Decision:
    if len(cells) != len(_HEADINGS):
        raise InputError(f"{len(cells)} fields instead of {len(_HEADINGS)}", where=where, repair="Mend the line.")
    decision = Decision(*cells)
    if decision.decision not in DECISIONS:
        raise InputError(
            f"{decision.decision[:40]!r} is no decision", where=where, repair=f"Use {', '.join(DECISIONS)}."
        )
    alone = decision.decision == "split"
    if not decision.record_a or alone == bool(decision.record_b) or decision.record_a == decision.record_b:
        need = "record_a alone" if alone else "two different records"
        raise InputError(f"a decision to {decision.decision} names {need}", where=where, repair="Mend the line.")
    return decision


def add_decisions(folder: Path, decisions: list[Decision]) -> Path:
    """Append decisions to the file of a case; what stands in it is kept and checked first.

    Raises
    ------
    InputError
        The file that is there cannot be read.
    """
    known = read_decisions(folder)
    path = folder / DECISIONS_FILE
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([_HEADINGS, *(astuple(decision) for decision in (*known, *decisions))])
    part = path.with_name(f".{path.name}.part")
    part.write_text(text.getvalue(), encoding="utf-8-sig", newline="")
    part.replace(path)
    return path


def decided_today(record_a: str, record_b: str, decision: str, *, by: str, reason: str) -> Decision:
    """A decision with today's date."""
    return Decision(record_a, record_b, decision, by, dt.date.today().isoformat(), reason)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the decisions amount to.

    Attributes
    ----------
    together, apart : frozenset of (str, str)
        Pairs in order of their ids.
    alone : frozenset of str
        Records that no evidence may link; only a later ``accept`` does.
    table : pd.DataFrame
        One row per decision: its fields and ``status``: replayed, replaced, or unknown_record.
    """

    together: frozenset[tuple[str, str]]
    apart: frozenset[tuple[str, str]]
    alone: frozenset[str]
    table: pd.DataFrame


def rule(decisions: tuple[Decision, ...], known: set[str]) -> Ruling:
    """Bring decisions together: the last about a pair or a record counts.

    Examples
    --------
    >>> told = (Decision("a", "b", "accept"), Decision("b", "a", "reject"), Decision("x", "b", "accept"))
    >>> found = rule(told, {"a", "b"})
    >>> found.apart, found.together, found.table["status"].tolist()
    (frozenset({('a', 'b')}), frozenset(), ['replaced', 'replayed', 'unknown_record'])
    """
    pairs: dict[tuple[str, str], int] = {}
    alone: dict[str, int] = {}
    status = []
    for number, decision in enumerate(decisions):
        a, b = sorted((decision.record_a, decision.record_b or decision.record_a))
        if not {a, b} <= known:
            status.append("unknown_record")
            continue
        status.append("replayed")
        if decision.decision == "split":
            for pair in [p for p in pairs if a in p and decisions[pairs[p]].decision == "accept"]:
                status[pairs.pop(pair)] = "replaced"
            if a in alone:
                status[alone[a]] = "replaced"
            alone[a] = number
        else:
            if (a, b) in pairs:
                status[pairs[a, b]] = "replaced"
            pairs[a, b] = number
    by_kind = {kind: frozenset(p for p, n in pairs.items() if decisions[n].decision == kind) for kind in DECISIONS}
    table = pd.DataFrame([astuple(decision) for decision in decisions], columns=list(_HEADINGS), dtype=str)
    return Ruling(
        by_kind["accept"], by_kind["reject"], frozenset(alone), table.assign(status=pd.Series(status, dtype=str))
    )
