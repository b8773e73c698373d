"""``edition.json``: what one dated run of a case's studies was, beside the records it made.

A folder ``reports/<case>/<edition>/`` holds ``edition.json`` and, for every finished study,
``studies/<study>/`` with ``record.json``, ``tables/``, ``figures/`` and ``notebook.ipynb``. Renderers
read these and write ``report.<language>.html`` and ``studies/<study>/notebook.html``.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from crmresearch.case import Bilingual, Case, Provenance
from crmresearch.errors import StorageError
from crmresearch.reporting.numbers import ReportLanguage, plain

if TYPE_CHECKING:  # slow to load, and who sets a document needs none
    import pandas as pd

FILE = "edition.json"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StudyRun(_Strict):
    """What became of one study.

    Attributes
    ----------
    title : Bilingual
    status : {"done", "reused", "failed", "not run"}
        ``reused``: computed for an earlier edition from the same inputs, and taken over.
    why : Bilingual
        Why it failed or was not run; one text stands for both languages.
    wanted : bool
        It was asked for, by the case or on the command line.
    needs : tuple[str, ...]
        Tables that it needs.
    key : str
        Hash of inputs, parameters, notebook, package source, lock.
    parameters : dict[str, Any]
    seconds : float
        What computing it took.
    refused : int
        Results that it could not give; they stand in the report with their cause.
    """

    title: Bilingual
    status: Literal["done", "reused", "failed", "not run"]
    why: Bilingual = Bilingual(en="", zh="")
    wanted: bool = True
    needs: tuple[str, ...] = ()
    key: str = ""
    parameters: dict[str, Any] = {}
    seconds: float = 0
    refused: int = 0

    @field_validator("why", mode="before")
    @classmethod
    def _one_text(cls, value: Any) -> Any:
        return {"en": value, "zh": value} if isinstance(value, str) else value

    @property
    def is_shown(self) -> bool:
        """Whether it left results."""
        return self.status in {"done", "reused"}


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
    """How many rows or values of a file were quarantined for one reason."""

    file: str
    column: str
    reason: str
    rows: int


class CleaningNote(_Strict):
    """A change or warning of cleaning."""

    file: str
    column: str
    rule: str
    count: int
    examples: str
    severity: str


class Quality(_Strict):
    """What cleaning did to the raw files."""

    ledger: tuple[FileLedger, ...] = ()
    quarantine: tuple[SetAside, ...] = ()
    log: tuple[CleaningNote, ...] = ()


class Intake(_Strict):
    """The processed tables an edition stands on.

    Attributes
    ----------
    key : str
        Hash of the raw files, ``case.yaml`` and the package source.
    processed : str
        Digest of the processed tables: the name of their folder.
    tables : tuple[str, ...]
    last_day : str
        Last day of the orders where the case declares no ``as_of``.
    settings : dict[str, str]
        ``case.yaml`` and what people decided about records → SHA-256; empty in editions that kept none.
    unmerged : bool
        Records of one customer were looked for and left as they came.
    quality : Quality
    """

    key: str
    processed: str
    tables: tuple[str, ...]
    last_day: str = ""
    settings: dict[str, str] = {}
    unmerged: bool = False
    quality: Quality = Quality()


class Layout(_Strict):
    """How the documents of an edition look; see ``case.report``. Files lie in the edition's folder."""

    profile: str = "business"
    outline: str = ""
    prose: dict[str, str] = {}
    references: str = ""
    template: str = ""
    cover: dict[str, Bilingual] = {}


class Edition(_Strict):
    """The content of ``edition.json``.

    Attributes
    ----------
    case, title, description, citation, provenance, currency, simulated
        As ``case.yaml`` has them; see ``case_facts``.
    edition : str
        The folder's name: ``as_of`` and run number.
    as_of : str
        Last observed day, ISO; empty where there is none.
    number : int
        Counts the editions of a case.
    made : str
        The edition's one time stamp, ISO with offset. Records hold none.
    languages : tuple[ReportLanguage, ...]
        Of the report pages; the first is the notebooks'.
    intake : Intake
    inputs : dict[str, str]
        Raw file → SHA-256.
    software : dict[str, str]
        Name → version of what computed; ``key`` is the hash of the package source and lock.
    studies : dict[str, StudyRun]
        In the order of the report.
    rerun : str
        The command that makes it again.
    formats : tuple[str, ...]
        Of the report, as asked for.
    layout : Layout
    files : dict[str, str]
        Every other file of the folder → SHA-256.
    """

    format_version: Literal[1] = Field(default=1, alias="schema")
    case: str
    title: Bilingual
    description: Bilingual
    edition: str
    as_of: str
    number: int
    made: str
    languages: tuple[ReportLanguage, ...] = Field(min_length=1)
    simulated: bool
    currency: str
    citation: str
    provenance: Provenance
    intake: Intake
    inputs: dict[str, str]
    software: dict[str, str]
    studies: dict[str, StudyRun]
    rerun: str
    formats: tuple[str, ...] = ("html",)
    layout: Layout = Layout()
    files: dict[str, str] = {}

    @property
    def marks(self) -> tuple[str, ...]:
        """What every page must say of the edition: labels, each with a short form ``<label>_short``."""
        told = {"simulated": self.simulated, "unmerged": self.intake.unmerged}
        return tuple(mark for mark, holds in told.items() if holds)


def case_facts(case: Case) -> dict[str, Any]:
    """What an edition repeats of its ``case.yaml``, as JSON values."""
    names = {"title", "description", "simulated", "currency", "citation", "provenance"}
    return {"case": case.name, **case.file.model_dump(mode="json", include=names)}


def quality_of(ledger: pd.DataFrame, quarantine: pd.DataFrame, log: pd.DataFrame) -> dict[str, Any]:
    """Sum up the books of cleaning for an edition, as JSON values.

    Parameters
    ----------
    ledger : pd.DataFrame
        One row per file: source_file, table, rows_* and amount_* in, kept, quarantined, merged.
    quarantine : pd.DataFrame
        One row per row or value set aside; source_file, column and reason are counted.
    log : pd.DataFrame
        source_file, column, rule, severity, count, examples.
    """
    reasons = quarantine.fillna({"column": ""}).groupby(["source_file", "column", "reason"], sort=True).size()
    return {
        "ledger": _rows(ledger, FileLedger),
        "quarantine": _rows(reasons.reset_index(name="rows"), SetAside),
        "log": _rows(log.fillna({"column": "", "examples": ""}), CleaningNote),
    }


def _rows(table: pd.DataFrame, model: type[BaseModel]) -> list[dict[str, Any]]:
    table = table.rename(columns={"source_file": "file"})
    rows = table[[name for name in model.model_fields if name in table]].astype(object).to_dict("records")
    return [plain(row) for row in rows]


def load_edition(folder: Path) -> Edition:
    """Read and check the ``edition.json`` of an edition's folder.

    Raises
    ------
    StorageError
        There is none, or it breaks a rule; the message names the first.
    """
    path = folder / FILE
    try:
        return Edition.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StorageError(f"no edition here ({error.strerror})", where=str(path), repair="Run the case.") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise StorageError(f"{place}: {first['msg']}", where=str(path), repair="Run the case again.") from None
