"""The built-in case behind a published result, cleaned once however many results stand on it."""

from __future__ import annotations

from functools import cache

from crmresearch.case import Case, Project, load_case
from crmresearch.cleaning import Processed, clean_case


def open_builtin(project: Project | None, name: str) -> tuple[Case, Processed]:
    """Return a built-in case and its processed tables; its raw files are held by their SHA-256."""
    return _cleaned(project or Project.find(), name)


@cache
def _cleaned(project: Project, name: str) -> tuple[Case, Processed]:
    case = load_case(project, name)
    return case, clean_case(project, case)
