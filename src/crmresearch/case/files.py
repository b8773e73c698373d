"""The raw files of a case: where each column comes from and how its text is read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from crmresearch.case.strict import Bilingual, Strict
from crmresearch.errors import nearest
from crmresearch.tables import TABLES, Kind


def _plain_file_name(name: str) -> str:
    if not name or name != Path(name).name or name in {".", ".."} or "\\" in name:
        raise ValueError(f"{name!r} must be the bare name of a file in the case folder")
    return name


FileName = Annotated[str, AfterValidator(_plain_file_name)]


class ColumnMap(Strict):
    """Where one column of a table comes from and how its text is read.

    Attributes
    ----------
    heading : str
        The heading in the file; empty with ``row_number``.
    row_number : bool
        The column is the row's number within the file (for files without an identifier).
    format : str
        Date format (``%d/%m/%Y``); needed where day and month cannot be told apart.
    unit : str
        Unit the file states the values in, where it is not the table's (``万元``).
    decimal : str
        Decimal mark of the file's numbers; the other of ``.`` and ``,`` then separates thousands.
    missing : tuple[str, ...]
        Texts that stand for a missing value. An empty cell always does.
    kind, low, high, label
        Type, range and name of a column beyond the canonical ones (open tables only).
    """

    heading: str = ""
    row_number: bool = False
    format: str = ""
    unit: str = ""
    decimal: Literal[".", ","] = "."
    missing: tuple[str, ...] = ()
    kind: Kind | None = None
    low: float | None = None
    high: float | None = None
    label: Bilingual | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnMap:
        if bool(self.heading) == self.row_number:
            raise ValueError("give either a heading or row_number: true")
        return self


class SourceFile(Strict):
    """One raw file and the canonical table it holds.

    Attributes
    ----------
    sha256 : str
        Digest of the file as it was declared; where given, a file that differs is refused.
    delimiter, encoding, skip_rows
        Only where the file does not tell: the column separator (``whitespace`` for runs of blanks),
        the text encoding, title lines above the heading.
    optional : bool
        An empty file is a warning, not an error.
    """

    file: FileName
    table: str
    columns: dict[str, ColumnMap] = Field(default_factory=dict)
    sha256: str = ""
    delimiter: str = ""
    encoding: str = ""
    skip_rows: int = Field(default=0, ge=0)
    optional: bool = False

    @field_validator("columns", mode="before")
    @classmethod
    def _heading_alone(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: {"heading": item} if isinstance(item, str) else item for name, item in value.items()}

    @model_validator(mode="after")
    def _known_columns(self) -> SourceFile:
        if self.table not in TABLES:
            raise ValueError(f"unknown table {self.table!r}{nearest(self.table, TABLES)}")
        table = TABLES[self.table]
        known = [c.name for c in table.columns]
        for name, column in self.columns.items():
            if name in known and column.kind is not None:
                raise ValueError(f"column {name!r} of {self.table} has a fixed kind; leave 'kind' out")
            if name not in known and not (table.open and column.kind is not None):
                ask = "; a column of your own needs a 'kind'" if table.open else ""
                raise ValueError(f"table {self.table} has no column {name!r}{nearest(name, known)}{ask}")
        return self


class Provenance(Strict):
    """Where the files came from and on what terms, the unknown said as plainly as the known."""

    origin: str
    copy_from: str
    terms: str
    changes: str = ""
