"""How the child says no, and how it notes what it saw."""

from __future__ import annotations

from typing import Any


class RefusalError(Exception):
    """The file cannot be used: what is wrong, where in it, and how to repair it."""

    def __init__(self, what: str, repair: str, where: str = "") -> None:
        self.what, self.repair, self.where = what, repair, where
        super().__init__(what)


def note(rule: str, severity: str, count: int = 1, examples: tuple[str, ...] = (), column: str = "") -> dict[str, Any]:
    """One line for the cleaning log."""
    shown = [text if len(text) <= 40 else text[:39] + "…" for text in map(str, examples[:5])]
    return {"rule": rule, "severity": severity, "column": column, "count": count, "examples": shown}
