"""``case.yaml``: what a case is made of. Typed, strict, safe; the one file a user writes by hand."""

from __future__ import annotations

import datetime as dt
import difflib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from crmresearch.errors import CaseError, UsageError
from crmresearch.tables import TABLES, Kind

MAX_CASE_FILE_BYTES = 1_000_000
MAX_CASE_FILE_DEPTH = 20
_CASE_NAME = re.compile(r"[\w\u4e00-\u9fff][\w\u4e00-\u9fff .-]{0,63}")
_RESERVED = {"con", "prn", "aux", "nul", *(f"{d}{i}" for d in ("com", "lpt") for i in range(1, 10))}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Bilingual(_Strict):
    """A text in English and Chinese."""

    en: str
    zh: str


def _plain_file_name(name: str) -> str:
    if not name or name != Path(name).name or name in {".", ".."} or "\\" in name:
        raise ValueError(f"{name!r} must be the bare name of a file in the case folder")
    return name


FileName = Annotated[str, AfterValidator(_plain_file_name)]


class ColumnMap(_Strict):
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


class SourceFile(_Strict):
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


class Item(_Strict):
    """One questionnaire item: its heading in the file, its wording, its direction."""

    en: str
    zh: str = ""
    heading: str = ""
    reverse: bool = False


class Construct(_Strict):
    """A latent construct and the items that measure it."""

    title: Bilingual
    items: tuple[str, ...] = Field(min_length=1)


class Scale(_Strict):
    """The answer scale all items share; both ends included."""

    low: int
    high: int
    missing: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _ordered(self) -> Scale:
        if self.high <= self.low:
            raise ValueError("scale: high must be above low")
        return self


class Instrument(_Strict):
    """A questionnaire: its scale, its items, the constructs they measure."""

    scale: Scale
    constructs: dict[str, Construct]
    items: dict[str, Item]

    @model_validator(mode="after")
    def _items_agree(self) -> Instrument:
        for name, construct in self.constructs.items():
            for item in construct.items:
                if item not in self.items:
                    raise ValueError(
                        f"construct {name!r} uses item {item!r}, which 'items' lacks{nearest(item, self.items)}"
                    )
        return self


class Provenance(_Strict):
    """Where the files came from and on what terms, the unknown said as plainly as the known."""

    origin: str
    copy_from: str
    terms: str
    changes: str = ""


class CaseFile(_Strict):
    """The content of ``case.yaml``."""

    format_version: Literal["1"] = Field(default="1", alias="schema")
    title: Bilingual
    description: Bilingual
    citation: str = ""
    provenance: Provenance
    simulated: bool = False
    currency: str = ""
    time_zone: str = "UTC"
    as_of: dt.date | None = None
    starts: dt.date | None = None
    max_quarantined_share: float = Field(default=0.2, ge=0, le=1)
    files: tuple[SourceFile, ...] = Field(min_length=1)
    instrument: Instrument | None = None
    studies: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @field_validator("studies", mode="before")
    @classmethod
    def _no_parameters(cls, value: Any) -> Any:
        return {k: v or {} for k, v in value.items()} if isinstance(value, dict) else value


@dataclass(frozen=True, slots=True)
class Project:
    """The folders of one checkout: ``data/raw``, ``data/processed``, ``notebooks``, ``reports``."""

    root: Path

    @property
    def raw(self) -> Path:
        return self.root / "data" / "raw"

    @property
    def processed(self) -> Path:
        return self.root / "data" / "processed"

    @property
    def notebooks(self) -> Path:
        return self.root / "notebooks"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @classmethod
    def find(cls, start: Path | None = None) -> Project:
        """Return the project that holds ``start`` (the working directory), or ``CRMRESEARCH_HOME``."""
        home = os.environ.get("CRMRESEARCH_HOME")
        start = Path(home or start or Path.cwd()).resolve()
        for folder in (start, *start.parents):
            if (folder / "data" / "raw").is_dir() and (folder / "notebooks").is_dir():
                return cls(folder)
        raise UsageError(
            "no project here: none of its folders holds data/raw and notebooks",
            where=str(start),
            repair="Change into the crmresearch folder, or set CRMRESEARCH_HOME to it.",
        )

    def cases(self) -> list[str]:
        """Names of the cases in ``data/raw``, sorted."""
        return sorted(p.parent.name for p in self.raw.glob("*/case.yaml"))

    def case_folder(self, name: str) -> Path:
        """The folder of case ``name``; the name can never lead outside ``data/raw``."""
        bad = not _CASE_NAME.fullmatch(name) or name.endswith((" ", ".")) or name.split(".")[0].lower() in _RESERVED
        folder = self.raw / name
        if bad or folder.parent != self.raw or not folder.resolve().is_relative_to(self.raw.resolve()):
            raise UsageError(
                f"{name[:40]!r} is not a case name",
                repair="Use up to 64 letters, digits, '_', '-', '.', blanks; no blank or '.' at its ends.",
            )
        return folder


@dataclass(frozen=True, slots=True)
class Case:
    """A case: its name, its folder, and what its ``case.yaml`` says."""

    name: str
    folder: Path
    file: CaseFile

    def source_path(self, source: SourceFile) -> Path:
        """Path of a raw file, proved to lie in the case folder."""
        path = self.folder / source.file
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise CaseError(
                f"{source.file!r} is a link out of the case folder",
                where=self.name,
                repair="Copy the file into the folder.",
            )
        return path


def nearest(word: str, choices: Any) -> str:
    """``"; nearest: a, b"`` for the choices that look like ``word``; the empty string if none does."""
    near = difflib.get_close_matches(word, list(choices), n=3, cutoff=0.5)
    return f"; nearest: {', '.join(near)}" if near else ""


def read_yaml(path: Path) -> Any:
    """Read a YAML file as plain text values: no tags, no aliases, no guessed types.

    Every scalar stays the text that was written (``007``, ``12:30``, ``no``); types come from the
    schema that reads it.

    Raises
    ------
    CaseError
        The file is missing, over 1 MB, not UTF-8, not YAML, or uses a tag, an alias or one key twice.
    """
    where = path.name
    try:
        if path.stat().st_size > MAX_CASE_FILE_BYTES:
            raise CaseError(
                f"larger than {MAX_CASE_FILE_BYTES:,} bytes", where=where, repair="Keep data in data files."
            )
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise CaseError("no such file", where=str(path), repair="Make one with: crmresearch new NAME FILE…") from None
    except UnicodeDecodeError as error:
        raise CaseError(f"not UTF-8 (byte {error.start})", where=where, repair="Save it as UTF-8.") from None
    depth = 0
    try:
        for event in yaml.parse(text, Loader=yaml.BaseLoader):
            line = event.start_mark.line + 1
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_CASE_FILE_DEPTH:
                raise CaseError("nested too deeply", where=f"{where}, line {line}", repair="Flatten it.")
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise CaseError(
                    "anchors and aliases are not allowed", where=f"{where}, line {line}", repair="Write the value out."
                )
            if getattr(event, "tag", None):
                raise CaseError(
                    f"the tag {event.tag!r} is not allowed", where=f"{where}, line {line}", repair="Remove it."
                )
        node = yaml.compose(text, Loader=yaml.BaseLoader)
        return _plain(node, where)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{where}, line {mark.line + 1}" if mark else where
        raise CaseError(
            f"not valid YAML: {getattr(error, 'problem', None) or error}",
            where=place,
            repair="Mind indentation and colons.",
        ) from None


def _plain(node: yaml.Node | None, where: str) -> Any:
    if node is None:
        return None
    if isinstance(node, yaml.ScalarNode):
        return None if node.style is None and node.value in {"", "~", "null"} else node.value
    if isinstance(node, yaml.SequenceNode):
        return [_plain(child, where) for child in node.value]
    mapping: dict[str, Any] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise CaseError("a key must be plain text", where=f"{where}, line {line}", repair="Quote it.")
        if key.value in mapping:
            raise CaseError(f"the key {key.value!r} stands twice", where=f"{where}, line {line}", repair="Keep one.")
        mapping[key.value] = _plain(value, where)
    return mapping


def load_case(project: Project, name: str) -> Case:
    """Read and check the ``case.yaml`` of case ``name``.

    Raises
    ------
    UsageError
        There is no such case; the message lists the nearest names.
    CaseError
        ``case.yaml`` breaks a rule; the message names the key and the rule.
    """
    folder = project.case_folder(name)
    if not folder.is_dir():
        raise UsageError(
            f"no case {name!r}{nearest(name, project.cases())}",
            where="data/raw",
            repair="`crmresearch studies` lists the cases.",
        )
    content = read_yaml(folder / "case.yaml")
    if not isinstance(content, dict):
        raise CaseError(
            "expected keys and values", where=f"{name}/case.yaml", repair="Make one with: crmresearch new NAME FILE…"
        )
    try:
        return Case(name, folder, CaseFile.model_validate(content))
    except ValidationError as error:
        raise CaseError(
            *_first_problem(error), where=f"{name}/case.yaml", repair="Mend that key; the rest was not read."
        ) from None


def _first_problem(error: ValidationError) -> tuple[str]:
    problems = error.errors(include_url=False)
    first = problems[0]
    place = ".".join(str(part) for part in first["loc"]) or "top level"
    if first["type"] == "extra_forbidden":
        owner = _model_at(first["loc"][:-1])
        message = f"unknown key {place!r}{nearest(str(first['loc'][-1]), owner)}"
    elif first["type"] == "missing":
        message = f"the key {place!r} is missing"
    else:
        message = f"{place}: {first['msg'].removeprefix('Value error, ')}, got {str(first['input'])[:40]!r}"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return (message + more,)


def _model_at(location: tuple[Any, ...]) -> list[str]:
    """Keys allowed at a place of the case file, to suggest the nearest."""
    keys: list[str] = [f.alias or n for n, f in CaseFile.model_fields.items()]
    for part in location:
        model = {
            "title": Bilingual,
            "description": Bilingual,
            "label": Bilingual,
            "provenance": Provenance,
            "files": SourceFile,
            "columns": ColumnMap,
            "instrument": Instrument,
            "scale": Scale,
            "constructs": Construct,
            "items": Item,
        }.get(part)
        keys = list(model.model_fields) if model else keys
    return keys
