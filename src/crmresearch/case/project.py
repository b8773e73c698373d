"""The folders of a project, and a case loaded from one of them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from crmresearch.case.files import ColumnMap, Provenance, SourceFile
from crmresearch.case.identity import Identity
from crmresearch.case.indicators import IndicatorNode, IndicatorSystem, Valuation
from crmresearch.case.questionnaire import Attribute, Construct, Instrument, Item, Kano, KanoPair, Scale, Screening
from crmresearch.case.report import Report
from crmresearch.case.schema import CaseFile
from crmresearch.case.strict import Bilingual
from crmresearch.case.strict_yaml import read_yaml
from crmresearch.errors import CaseError, UsageError, nearest

_CASE_NAME = re.compile(r"[\w\u4e00-\u9fff][\w\u4e00-\u9fff .-]{0,63}")
_RESERVED = {"con", "prn", "aux", "nul", *(f"{d}{i}" for d in ("com", "lpt") for i in range(1, 10))}


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
    """A case: its name, its folder, and what its ``case.yaml`` says.

    Attributes
    ----------
    is_declared : bool
        ``file`` is what ``case.yaml`` says; False where a part of it is set aside for one run.
    """

    name: str
    folder: Path
    file: CaseFile
    is_declared: bool = True

    @property
    def unmerged(self) -> bool:
        """Whether records of one customer are looked for and left as they came."""
        return self.file.identity is not None and not self.file.identity.apply

    def as_recorded(self) -> Case:
        """The same case with no record merged into another, whatever ``case.yaml`` says.

        Raises
        ------
        CaseError
            Records of one customer are not looked for in this case, so that none is ever merged.
        """
        if self.file.identity is None:
            raise CaseError(
                "no identity part, so its records are never merged",
                where=f"{self.name}/case.yaml",
                repair="Leave --unmerged out, or add `identity: {}` to look for duplicates.",
            )
        if self.unmerged:
            return self
        identity = self.file.identity.model_copy(update={"apply": False})
        return replace(self, file=self.file.model_copy(update={"identity": identity}), is_declared=False)

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
    first = next((problem for problem in problems if problem["type"] == "extra_forbidden"), problems[0])
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
            "identity": Identity,
            "scale": Scale,
            "constructs": Construct,
            "items": Item,
            "value": Valuation,
            "indicators": IndicatorSystem,
            "groups": IndicatorNode,
            "children": IndicatorNode,
            "attributes": Attribute,
            "kano": Kano,
            "features": KanoPair,
            "screening": Screening,
            "report": Report,
        }.get(part)
        keys = list(model.model_fields) if model else keys
    return keys
