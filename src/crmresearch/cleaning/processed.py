"""``data/processed/<case>/``: write once under the content's digest, publish by one pointer, verify on opening."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from crmresearch import __version__
from crmresearch.case import Case, Project
from crmresearch.cleaning.cleaned import Cleaned, clean_files
from crmresearch.errors import StorageError

POINTER = "current.json"
MANIFEST = "manifest.json"
_STAGING = ".staging-"
_BOOKS = ("quarantine", "ledger", "log")


@dataclass(frozen=True)
class Processed:
    """The published tables of a case, verified against their manifest.

    Attributes
    ----------
    folder : Path
        ``data/processed/<case>/<digest>/``.
    manifest : dict
        ``crmresearch`` (version), ``case`` and ``sources`` (SHA-256), ``unmerged``, ``files`` (name → SHA-256),
        ``tables``.
    """

    folder: Path
    manifest: dict[str, Any]

    @property
    def digest(self) -> str:
        """Digest of the content: the same inputs give the same."""
        return self.folder.name

    @property
    def unmerged(self) -> bool:
        """Whether records of one customer were looked for and left as they came."""
        return self.manifest["unmerged"]

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables."""
        return tuple(self.manifest["tables"])

    def path(self, table: str) -> Path:
        """The Parquet file of a table.

        Raises
        ------
        StorageError
            The case has no such table.
        """
        if table not in self.tables:
            raise StorageError(
                f"no table {table!r}", where=str(self.folder), repair=f"It has: {', '.join(self.tables)}."
            )
        return self.folder / f"{table}.parquet"

    @cached_property
    def quarantine(self) -> pd.DataFrame:
        """Rows and values set aside: source_file, sheet, source_row, column, raw_value, reason, scope."""
        return self._book("quarantine")

    @cached_property
    def ledger(self) -> pd.DataFrame:
        """One row per file: rows and amounts (decimals) in, kept, quarantined, merged."""
        return self._book("ledger")

    @cached_property
    def log(self) -> pd.DataFrame:
        """Normalisations and warnings: source_file, column, rule, severity, count, examples."""
        return self._book("log")

    def _book(self, name: str) -> pd.DataFrame:
        return pq.read_table(self.folder / f"{name}.parquet").to_pandas()


def clean_case(project: Project, case: Case) -> Processed:
    """Clean a case and publish its tables.

    The files are written to a staging folder, moved under the digest of their content, and become
    current by one replacement of a pointer: whoever reads meanwhile, or after a kill at any
    moment, finds the old state or the new one, whole. One process at a time may clean a case. Tables of
    a case that is not as its ``case.yaml`` declares it never become current: their digest finds them.

    Returns
    -------
    Processed

    Raises
    ------
    InputError, CaseError
        As ``clean_files``; what was published before stays.
    StorageError
        The folder cannot be written.
    """
    cleaned = clean_files(case)
    home = project.processed / case.name
    try:
        home.mkdir(parents=True, exist_ok=True)
        for leftover in home.glob(f"{_STAGING}*"):
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=home))
        try:
            return _publish(cleaned, case, home, staging)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise StorageError(
            f"cannot be written ({error.strerror or error})", where=str(home), repair="Check its rights and free space."
        ) from error


def open_processed(project: Project, case_name: str, digest: str = "") -> Processed:
    """Open the published tables of a case, after every file has been verified.

    Parameters
    ----------
    digest : str
        Of the tables; empty opens the current ones.

    Raises
    ------
    StorageError
        Nothing is published, or a file does not match its manifest.
    """
    home = project.case_folder(case_name) and project.processed / case_name
    repair = f"Clean it again: crmresearch run {case_name}."
    try:
        pointer = {} if digest else json.loads((home / POINTER).read_text("utf-8"))
        folder = home / Path(digest or pointer["digest"]).name
        raw = (folder / MANIFEST).read_bytes()
        if not hashlib.sha256(raw).hexdigest().startswith(digest or pointer["manifest"]):
            raise StorageError("does not match its digest", where=str(folder / MANIFEST), repair=repair)
        manifest = json.loads(raw)
        for name, digest in manifest["files"].items():
            if _sha256(folder / name) != digest:
                raise StorageError("does not match its manifest", where=str(folder / name), repair=repair)
    except FileNotFoundError as error:
        raise StorageError("not published, or a file of it is gone", where=str(error.filename), repair=repair) from None
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(f"damaged pointer ({error})", where=str(home / POINTER), repair=repair) from None
    return Processed(folder, manifest)


def _publish(cleaned: Cleaned, case: Case, home: Path, staging: Path) -> Processed:
    tables = {**cleaned.tables, **{book: getattr(cleaned, book) for book in _BOOKS}}
    for name, table in tables.items():
        _write(staging / f"{name}.parquet", table)
    manifest = {
        "crmresearch": __version__,
        "case": _sha256(case.folder / "case.yaml"),
        "sources": cleaned.sources,
        "unmerged": case.unmerged,
        "tables": list(cleaned.tables),
        "files": {f"{name}.parquet": _sha256(staging / f"{name}.parquet") for name in sorted(tables)},
    }
    raw = json.dumps(manifest, ensure_ascii=False, indent=1).encode()
    _write_bytes(staging / MANIFEST, raw)
    manifest_digest = hashlib.sha256(raw).hexdigest()
    folder = home / manifest_digest[:16]
    if folder.exists() and not _verifies(folder, {**manifest["files"], MANIFEST: manifest_digest}):
        shutil.rmtree(folder)
    if not folder.exists():
        staging.chmod(0o755)
        staging.rename(folder)
    if case.is_declared:
        pointer = json.dumps({"digest": folder.name, "manifest": manifest_digest}).encode()
        temporary = home / f"{_STAGING}{POINTER}"
        _write_bytes(temporary, pointer)
        temporary.replace(home / POINTER)
    return Processed(folder, manifest)


def _verifies(folder: Path, files: dict[str, str]) -> bool:
    return all((folder / name).exists() and _sha256(folder / name) == digest for name, digest in files.items())


def _write(path: Path, table: pa.Table) -> None:
    pq.write_table(table.combine_chunks(), path, compression="zstd", write_statistics=True, version="2.6")
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def _write_bytes(path: Path, content: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
