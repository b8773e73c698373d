"""Editions: dated runs of a case, each published by one rename and never changed afterwards.

``reports/<case>/<as_of>-<number>/`` holds ``edition.json``, one folder per finished study under
``studies/`` and the report pages. Where records of one customer were left as they came, the name ends
in ``-unmerged``, and only another such run takes the edition for the newest. Work in progress lives
beside it in a hidden staging folder; what an interrupted run had finished there is taken up by the next.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crmresearch.case import Project
from crmresearch.errors import StorageError
from crmresearch.running.keys import file_digest

EDITION_FILE = "edition.json"
STUDY_FILE = "study.json"
FAILED_FOLDER = "failed"
_STAGING_PREFIX = ".staging-"
_UNMERGED = "-unmerged"
_NAME = re.compile(rf"(\d{{4}}-\d{{2}}-\d{{2}}|undated)-(\d{{3,}})(?:{_UNMERGED})?")


@dataclass(frozen=True, slots=True)
class Edition:
    """A published edition: its folder and what its ``edition.json`` says."""

    folder: Path
    content: dict[str, Any]

    @property
    def number(self) -> int:
        """The run number; counts up over all editions of a case."""
        return int(_NAME.fullmatch(self.folder.name)[2])  # type: ignore[index]

    @property
    def unmerged(self) -> bool:
        """Whether records of one customer were left as they came."""
        return self.folder.name.endswith(_UNMERGED)

    @property
    def keys(self) -> dict[str, str]:
        """Content key of each study the edition holds."""
        return {name: study["key"] for name, study in self.content["studies"].items() if "key" in study}

    def damage(self) -> list[str]:
        """Files that are missing or differ from the manifest; empty for a sound edition."""
        return [name for name, digest in self.content["files"].items() if not _matches(self.folder / name, digest)]


def _matches(path: Path, digest: str) -> bool:
    return path.is_file() and file_digest(path) == digest


def editions(project: Project, case: str) -> list[Edition]:
    """Return the published editions of ``case``, newest first.

    Raises
    ------
    StorageError
        An ``edition.json`` is missing or is not what this program writes.
    """
    found = []
    for folder in (project.reports / case).glob("*-*"):
        if folder.is_dir() and _NAME.fullmatch(folder.name):
            try:
                content = json.loads((folder / EDITION_FILE).read_text(encoding="utf-8"))
                if not (isinstance(content["studies"], dict) and isinstance(content["files"], dict)):
                    raise TypeError("studies and files must be mappings")
                found.append(Edition(folder, content))
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise StorageError(
                    f"not a readable edition ({type(error).__name__})",
                    where=str(folder),
                    repair="Move the folder away; the next run makes a new edition.",
                ) from None
    return sorted(found, key=lambda edition: edition.number, reverse=True)


def edition_name(as_of: str, number: int, unmerged: bool) -> str:
    """The name of an edition's folder.

    >>> edition_name("2026-01-31", 2, unmerged=True)
    '2026-01-31-002-unmerged'
    """
    return f"{as_of or 'undated'}-{number:03d}{_UNMERGED if unmerged else ''}"


def seal_study(folder: Path, content: dict[str, Any]) -> dict[str, Any]:
    """Write ``study.json`` into the folder of a finished study, with the digest of each of its files."""
    content = {**content, "files": _manifest(folder)}
    _write_json(folder / STUDY_FILE, content)
    return content


def count_refusals(folder: Path) -> int:
    """Number of results that a finished study refused to give, by its record."""
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    return sum(block["type"] == "refusal" for block in record.get("blocks", ()))


def sealed_studies(project: Project, case: str, published: list[Edition]) -> dict[str, Path]:
    """Folders of finished, undamaged studies, by content key: published ones first, then interrupted ones."""
    stale = sorted((project.reports / case).glob(f"{_STAGING_PREFIX}*"))
    found: dict[str, Path] = {}
    for folder in (*(e.folder for e in published), *stale):
        for path in sorted(folder.glob(f"studies/*/{STUDY_FILE}")):
            try:
                content = json.loads(path.read_text(encoding="utf-8"))
                key, files, _ = content["key"], content["files"], content["refused"]
            except (OSError, ValueError, KeyError, TypeError):
                continue
            if key not in found and all(_matches(path.parent / name, digest) for name, digest in files.items()):
                found[key] = path.parent
    return found


class Staging:
    """A folder in which an edition is put together.

    Parameters
    ----------
    project : Project
    case : str
        The caller holds the lock of this case.

    Raises
    ------
    StorageError
        The report folder cannot be written.
    """

    def __init__(self, project: Project, case: str) -> None:
        self.home = project.reports / case
        try:
            self.folder = Path(tempfile.mkdtemp(prefix=_STAGING_PREFIX, dir=self.home))
            (self.folder / "studies").mkdir()
            self.folder.chmod(0o755)
        except OSError as error:
            raise _unwritable(self.home, error) from None

    def study(self, name: str) -> Path:
        """Folder of a study of the edition; made where it is missing."""
        folder = self.folder / "studies" / name
        folder.mkdir(exist_ok=True)
        return folder

    def take(self, name: str, source: Path) -> dict[str, Any]:
        """Take a finished study over from ``source`` and return what its ``study.json`` says."""
        target = self.folder / "studies" / name
        try:
            shutil.copytree(source, target)
        except OSError as error:
            raise _unwritable(self.home, error) from None
        return json.loads((target / STUDY_FILE).read_text(encoding="utf-8"))

    def drop(self, name: str) -> None:
        """Remove what an unfinished study left, but keep its executed notebook under ``failed/``."""
        folder = self.folder / "studies" / name
        notebook = folder / "notebook.ipynb"
        if notebook.is_file():
            kept = self.home / FAILED_FOLDER
            kept.mkdir(exist_ok=True)
            notebook.replace(kept / f"{name}.ipynb")
        shutil.rmtree(folder, ignore_errors=True)

    def files(self) -> set[str]:
        """Names of the files that are there."""
        return set(_manifest(self.folder))

    def write(self, content: dict[str, Any]) -> None:
        """Write ``edition.json``, with the digest of every other file."""
        _write_json(self.folder / EDITION_FILE, {**content, "files": _manifest(self.folder)})

    def publish(self, name: str) -> Path:
        """Rename the folder to its edition's name; from then on it is never changed."""
        target = self.home / name
        try:
            for folder in (*(p for p in self.folder.rglob("*") if p.is_dir()), self.folder):
                _flush(folder)
            self.folder.replace(target)
            _flush(self.home)
        except OSError as error:
            raise _unwritable(self.home, error) from None
        return target

    def clear_others(self) -> None:
        """Remove what interrupted runs left; what they had finished has been taken over."""
        _clear(self.home, self.folder)

    def clear(self) -> None:
        """Remove this folder, unless it was published."""
        shutil.rmtree(self.folder, ignore_errors=True)


def clear_staging(project: Project, case: str) -> None:
    """Remove what interrupted runs of ``case`` left; the caller holds its lock."""
    _clear(project.reports / case, None)


def _clear(home: Path, keep: Path | None) -> None:
    for folder in home.glob(f"{_STAGING_PREFIX}*"):
        if folder != keep:
            shutil.rmtree(folder, ignore_errors=True)


def _files(folder: Path) -> Iterator[Path]:
    return (p for p in sorted(folder.rglob("*")) if p.is_file() and p != folder / EDITION_FILE)


def _manifest(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): file_digest(p) for p in _files(folder) if p != folder / STUDY_FILE}


def _write_json(path: Path, content: dict[str, Any]) -> None:
    new = path.with_name(f"{path.name}.new")
    with new.open("w", encoding="utf-8", newline="\n") as stream:
        json.dump(content, stream, ensure_ascii=False, indent=1, allow_nan=False)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(path)


def _flush(folder: Path) -> None:
    """Ask the system to write a folder's entries to disk, where it lets us ask."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _unwritable(folder: Path, error: OSError) -> StorageError:
    return StorageError(
        f"cannot write here ({error.strerror or error})",
        where=str(folder),
        repair="Free some space, or give yourself the right to write there; editions already there are untouched.",
    )
