"""``edition.json``: what one dated run of a case's studies was, beside the records it made.

A folder ``reports/<case>/<edition>/`` holds ``edition.json`` and, for every study that began,
``studies/<study>/`` with ``record.json``, ``tables/``, ``figures/`` and ``notebook.ipynb``. Renderers
read these and write ``report.<language>.html`` and ``studies/<study>/notebook.html``.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from crmresearch.case import Bilingual, Provenance
from crmresearch.errors import StorageError
from crmresearch.reporting.numbers import Language

FORMAT = 1
STATUSES = ("done", "partial", "failed", "not_run")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StudyRun(_Strict):
    """One study of an edition.

    Attributes
    ----------
    name : str
        The notebook's name; its folder is ``studies/<name>/``.
    title : Bilingual
    status : {"done", "partial", "failed", "not_run"}
        ``partial``: it stopped before its end and left a record.
    reason : Bilingual
        Why it is not done, e.g. "needs the table payments"; one text stands for both languages.
    parameters : dict[str, Any]
    key : str
        The cache key: hash of inputs, parameters, notebook, package source, lock.
    """

    name: str
    title: Bilingual
    status: Literal["done", "partial", "failed", "not_run"]
    reason: Bilingual = Bilingual(en="", zh="")
    parameters: dict[str, Any] = {}
    key: str = ""

    @field_validator("reason", mode="before")
    @classmethod
    def _one_text(cls, value: Any) -> Any:
        return {"en": value, "zh": value} if isinstance(value, str) else value


class FileLedger(_Strict):
    """Rows and money of one raw file through cleaning: in = kept + quarantined + merged."""

    file: str
    table: str
    rows_in: int
    rows_kept: int
    rows_quarantined: int
    rows_merged: int
    amount_in: Decimal | None = None
    amount_kept: Decimal | None = None
    amount_quarantined: Decimal | None = None
    amount_merged: Decimal | None = None


class SetAside(_Strict):
    """How many rows of a file were quarantined for one reason."""

    file: str
    reason: str
    rows: int


class CleaningNote(_Strict):
    """A change or warning of cleaning."""

    file: str
    column: str
    rule: str
    count: int
    examples: str = ""
    severity: str


class Quality(_Strict):
    """Data quality of an edition."""

    ledger: tuple[FileLedger, ...] = ()
    quarantine: tuple[SetAside, ...] = ()
    log: tuple[CleaningNote, ...] = ()


class Edition(_Strict):
    """The content of ``edition.json``.

    Attributes
    ----------
    case, title, description, citation, provenance, currency, simulated
        As ``case.yaml`` has them.
    edition : str
        The folder's name: ``as_of`` and run number.
    as_of : str
        Last observed day, ISO.
    languages : tuple[Language, ...]
        Languages the report was asked in, first one first.
    created : str
        The edition's one time stamp, ISO with offset. Records hold none.
    version : str
        Of this package.
    versions : dict[str, str]
        Of Python and the libraries that computed.
    studies : tuple[StudyRun, ...]
        In the order of the report.
    quality : Quality
    rerun : str
        The command that makes it again.
    """

    format: Literal[1] = FORMAT
    case: str
    title: Bilingual
    description: Bilingual
    edition: str
    as_of: str
    simulated: bool
    languages: tuple[Language, ...]
    created: str
    version: str
    versions: dict[str, str]
    currency: str = ""
    citation: str = ""
    provenance: Provenance
    studies: tuple[StudyRun, ...]
    quality: Quality
    rerun: str


def write_edition(folder: Path, edition: Edition) -> None:
    """Write ``edition.json`` in one step."""
    part, path = folder / "edition.json.part", folder / "edition.json"
    content = json.dumps(edition.model_dump(mode="json"), ensure_ascii=False, allow_nan=False, indent=1)
    try:
        part.write_text(content + "\n", encoding="utf-8", newline="\n")
        part.replace(path)
    except OSError as error:
        raise StorageError(f"cannot write it: {error.strerror}", where=str(path)) from None


def load_edition(folder: Path) -> Edition:
    """Read and check the ``edition.json`` of an edition's folder.

    Raises
    ------
    StorageError
        There is none, or it breaks a rule; the message names the first.
    """
    path = folder / "edition.json"
    try:
        return Edition.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StorageError(f"no edition here ({error.strerror})", where=str(path), repair="Run the case.") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise StorageError(f"{place}: {first['msg']}", where=str(path), repair="Run the case again.") from None
