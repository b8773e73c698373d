"""Content keys: two studies with one key would give the same results, so the second is not computed."""

from __future__ import annotations

import hashlib
import json
import platform
from pathlib import Path
from typing import Any

from crmresearch.case import DECISIONS_FILE, Case, Project, SourceFile
from crmresearch.errors import CaseError

PACKAGE = Path(__file__).resolve().parents[1]


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest(value: Any) -> str:
    """SHA-256 of plain data, independent of the order of keys.

    Examples
    --------
    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def software_key(project: Project) -> str:
    """Digest of everything that computes: the package's files, the lock file, the Python version."""
    files = {
        path.relative_to(PACKAGE).as_posix(): file_digest(path)
        for path in sorted(PACKAGE.rglob("*"))
        if path.is_file() and path.suffix != ".pyc"
    }
    lock = project.root / "requirements.lock"
    return digest([files, file_digest(lock) if lock.is_file() else "", platform.python_version()])


def intake_key(case: Case, software: str) -> str:
    """Digest of everything the processed tables follow from: raw files, decisions, ``case.yaml``, software.

    A database is asked anew: what it answers now counts.

    Raises
    ------
    CaseError
        A raw file that ``case.yaml`` names is missing.
    """
    raw = {}
    for source in case.file.files:
        path = case.source_path(source)
        if not source.connection and not path.is_file():
            raise CaseError(
                f"no file {source.file!r}",
                where=f"{case.name}/case.yaml, files",
                repair=f"Put it into {case.folder.name}/, or mend its name.",
            )
        raw[source.file] = source_key(case, source)
    decided = case.folder / DECISIONS_FILE
    if case.file.identity and decided.is_file():
        raw[DECISIONS_FILE] = file_digest(decided)
    return digest([raw, file_digest(case.folder / "case.yaml"), case.unmerged, software])


def source_key(case: Case, source: SourceFile) -> str:
    """Digest of a raw file, or of what its database answers now."""
    if not source.connection:
        return file_digest(case.source_path(source))
    from crmresearch.cleaning import source_digest

    return source_digest(case.source_path(source), source)


def study_key(processed: str, case: Case, notebook: str, parameters: dict[str, Any], software: str) -> str:
    """Digest of everything a study's results follow from.

    Parameters
    ----------
    processed : str
        Digest of the processed tables.
    notebook : str
        Digest of the notebook file.
    """
    return digest([processed, file_digest(case.folder / "case.yaml"), case.unmerged, notebook, parameters, software])
