"""What became of a run: of each study, of each case, and the exit code they come to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from crmresearch.errors import CrmresearchError


@dataclass(frozen=True, slots=True)
class Status:
    """What became of one study: ``done``, ``reused``, ``failed`` or ``not run``, and why.

    Attributes
    ----------
    refused : int
        Results that a study which is done could not give; its report says which, and why.
    """

    state: str
    why: str = ""
    wanted: bool = True
    refused: int = 0


@dataclass(slots=True)
class CaseOutcome:
    """What became of one case.

    Attributes
    ----------
    edition : Path | None
        Folder of the edition that holds the results, new or, where nothing had changed, older.
    fresh : bool
        The edition was made by this run.
    error : CrmresearchError | None
        What kept the whole case from being run.
    unwritten : dict[str, str]
        File of a report that could not be written, and why; the others were.
    """

    case: str
    statuses: dict[str, Status] = field(default_factory=dict)
    edition: Path | None = None
    fresh: bool = False
    error: CrmresearchError | None = None
    unwritten: dict[str, str] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0 all that was asked for is done, 3 a part of it, 1 none of it; the error's own where there is one.

        A study that refused a result, and a report that could not be written, make it a part.
        """
        if self.error is not None:
            return self.error.exit_code
        wanted = [s.state in {"done", "reused"} for s in self.statuses.values() if s.wanted]
        wanted += [False] * (len(self.unwritten) + sum(s.refused > 0 for s in self.statuses.values()))
        return 0 if all(wanted) else 3 if any(wanted) else 1


def exit_code(outcomes: Iterable[CaseOutcome]) -> int:
    """Exit code of a run: what its cases agree on, else 3 (partial)."""
    codes = {outcome.exit_code for outcome in outcomes}
    return codes.pop() if len(codes) == 1 else 3
