"""The raw files of a case: where each column comes from and how its text is read."""

from __future__ import annotations

import re
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
        The heading in the file; empty where one of the next three is given.
    row_number : bool
        The column is the row's number within the file (for files without an identifier).
    value : str
        The same value on every row: what the whole file is (the wave of a survey, the branch).
    times : tuple[str, str] | None
        The column is the product of two others of the file's columns (``[quantity, price]``).
    format : str
        Date format (``%d/%m/%Y``); needed where day and month cannot be told apart. ``serial`` and
        ``serial1904`` are Excel's day numbers.
    month_as : {"first day", "last day"}
        The day that stands for a date which names a month only (``2023年5月``).
    unit : str
        Unit the file states the values in, where it is not the table's (``万元``); for a quantity
        the unit of measure (``吨``).
    tax : str
        Whether the amounts are with or without tax, where no column of the file says so.
    confirmed : bool
        A person has compared unit and tax with the file; heading and size are not held against them.
    prefix : str
        Put before every identifier of the file, where several files of a table count from 1 alike.
    width : int
        Identifiers are padded with zeros to so many characters, where a spreadsheet has cut them.
    answers : dict[str, int]
        Wording of an answer → its code.
    decimal : str
        Decimal mark of the file's numbers; the other of ``.`` and ``,`` then separates thousands.
    missing : tuple[str, ...]
        Texts that stand for a missing value. An empty cell always does.
    kind, low, high, label
        Type, range and name of a column beyond the canonical ones (open tables only).
    """

    heading: str = ""
    row_number: bool = False
    value: str = Field(default="", max_length=200)
    times: tuple[str, str] | None = None
    format: str = ""
    month_as: Literal["first day", "last day"] = "first day"
    unit: str = ""
    tax: Literal["", "included", "excluded"] = ""
    confirmed: bool = False
    prefix: str = Field(default="", max_length=40)
    width: int = Field(default=0, ge=0, le=64)
    answers: dict[str, int] = Field(default_factory=dict)
    decimal: Literal[".", ","] = "."
    missing: tuple[str, ...] = ()
    kind: Kind | None = None
    low: float | None = None
    high: float | None = None
    label: Bilingual | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnMap:
        if bool(self.heading) + self.row_number + bool(self.value.strip()) + bool(self.times) != 1:
            raise ValueError("give one of heading, row_number: true, value and times: [column, column]")
        if self.prefix and not self.heading:
            raise ValueError("a prefix is put before identifiers that stand under a heading")
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
    heading_rows : int
        Rows of the heading, where a merged heading stands above others.
    sheet : str
        Sheet of a workbook; needed where several hold the headings.
    connection, query
        Instead of a file: the name of the environment variable that holds the database's URL, and
        one SELECT. ``file`` is then the name under which the rows are accounted for.
    platform : str
        The survey platform whose export this is: its question numbers are short names (``q3``, ``q4_2``)
        and its codes for skipped questions are missing values.
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
    heading_rows: int = Field(default=1, ge=1, le=5)
    sheet: str = ""
    connection: str = ""
    query: str = ""
    platform: Literal["", "wenjuanxing"] = ""
    optional: bool = False

    @property
    def label(self) -> str:
        """The name of these rows in lineage and ledger: the file's, with the sheet's where one is declared."""
        return f"{self.file} [{self.sheet}]" if self.sheet else self.file

    @field_validator("columns", mode="before")
    @classmethod
    def _heading_alone(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: {"heading": item} if isinstance(item, str) else item for name, item in value.items()}

    @model_validator(mode="after")
    def _file_or_database(self) -> SourceFile:
        if bool(self.connection) != bool(self.query):
            raise ValueError("a database needs both connection and query")
        if self.connection and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", self.connection):
            raise ValueError("connection must be the NAME of an environment variable, never the URL itself")
        if self.connection and (self.sheet or self.delimiter or self.encoding or self.skip_rows):
            raise ValueError("a database has no sheet, delimiter, encoding or skip_rows")
        return self

    @model_validator(mode="after")
    def _known_columns(self) -> SourceFile:
        if self.table not in TABLES:
            raise ValueError(f"unknown table {self.table!r}{nearest(self.table, TABLES)}")
        table = TABLES[self.table]
        known = [c.name for c in table.columns]
        own_ids = [name for name in table.key if name.endswith("_id") and name != "customer_id"]
        for name, column in self.columns.items():
            if column.prefix and name not in own_ids:
                allowed = f"only {own_ids[0]} of {self.table}" if own_ids else f"no column of {self.table}"
                raise ValueError(f"column {name!r} takes no prefix; {allowed} may have one")
            if column.times and not set(column.times) <= self.columns.keys():
                raise ValueError(f"column {name!r} is the product of columns that are not declared: {column.times}")
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
