"""Which studies of a case can run, with which parameters, and which need not run again."""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crmresearch.case import Bilingual, Case, Project
from crmresearch.errors import CaseError, UsageError, nearest
from crmresearch.running.keys import study_key
from crmresearch.running.notebooks import IDENTITY, INSTRUMENT, WAVES, StudyNotebook

TRADITIONAL = "zh-hant"
"""The language of reports whose pictures a record holds only if the study was run for it."""

_NOT_CHOSEN = Bilingual(en="not chosen (--study)", zh="本次未选(--study)")
_NOT_LISTED = Bilingual(en="not listed in case.yaml", zh="case.yaml 未列出")


@dataclass(frozen=True, slots=True)
class Request:
    """What a run was asked for.

    Attributes
    ----------
    cases : tuple[str, ...]
        Empty: every case of the project.
    studies : tuple[str, ...]
        Empty: the studies ``case.yaml`` lists, or where it lists none, all that can run.
    parameters : Mapping[str, Any]
        Each goes to every chosen study that declares it.
    unmerged : bool
        Records of one customer are left as they came, whatever ``case.yaml`` says.
    languages : tuple[str, ...]
        Of the report pages; a notebook that is run displays in the first, or in Traditional Chinese.
    formats : tuple[str, ...]
        Of the report: ``html``, ``docx``, ``pdf``.
    profile, outline : str
        How documents look and are ordered; empty: as ``case.yaml`` says.
    """

    cases: tuple[str, ...] = ()
    studies: tuple[str, ...] = ()
    as_of: dt.date | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    unmerged: bool = False
    languages: tuple[str, ...] = ("en", "zh")
    formats: tuple[str, ...] = ("html",)
    profile: str = ""
    outline: str = ""

    def command(self, case: str) -> str:
        """Return the command line that asks the same of one case.

        Examples
        --------
        >>> Request(studies=("value",), parameters={"title": "a b"}).command("shop")
        "crmresearch run shop --study value -p 'title=a b' --format html"
        """
        parts = ["crmresearch", "run", case]
        parts += [part for study in self.studies for part in ("--study", study)]
        parts += ["--as-of", self.as_of.isoformat()] if self.as_of else []
        parts += [part for name, value in self.parameters.items() for part in ("-p", f"{name}={value}")]
        parts += ["--unmerged"] if self.unmerged else []
        parts += ["--language", self.languages[0]] if len(self.languages) == 1 else []
        parts += ["--format", ",".join(self.formats)]
        parts += ["--profile", self.profile] if self.profile else []
        parts += ["--outline", self.outline] if self.outline else []
        return shlex.join(parts)


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to become of one study of a case.

    Attributes
    ----------
    wanted : bool
        The study was asked for, so that not running it leaves the run partial.
    obstacle : Bilingual | None
        Why it is not run; None where it is.
    """

    study: StudyNotebook
    wanted: bool
    obstacle: Bilingual | None
    parameters: Mapping[str, Any]


def missing_needs(study: StudyNotebook, case: Case, tables: Sequence[str]) -> list[str]:
    """Tables (and ``instrument``, ``identity``, ``waves``) that a study needs and a case lacks; ``a|b`` needs one."""
    parts = {INSTRUMENT: case.file.instrument, IDENTITY: case.file.identity, WAVES: case.file.has_waves}
    held = {*tables, *(name for name, part in parts.items() if part)}
    return [need for need in study.needs if held.isdisjoint(need.split("|"))]


def choose(case: Case, notebooks: Mapping[str, StudyNotebook], request: Request, tables: Sequence[str]) -> list[Choice]:
    """Decide for every study of the project whether it runs on ``case``, and with which parameters.

    Parameters
    ----------
    tables : sequence of str
        The tables that the case has.

    Raises
    ------
    CaseError, UsageError
        A study or a parameter that does not exist, or a value of another type than declared.
    """
    listed = case.file.studies
    check_names(request.studies, notebooks, "command line")
    for name in listed:
        if name not in notebooks:
            raise CaseError(
                f"no study {name!r}{nearest(name, notebooks)}",
                where=f"{case.name}/case.yaml, studies",
                repair="`crmresearch studies` lists the studies.",
            )
    asked = set(request.studies or listed)
    choices = []
    for name in dict.fromkeys((*listed, *notebooks)):  # in the order of case.yaml
        study = notebooks[name]
        given = study.check(listed.get(name, {}), where=f"{case.name}/case.yaml, studies, {name}")
        given |= study.check({k: v for k, v in request.parameters.items() if k in study.parameters})
        lacks = missing_needs(study, case, tables)
        if lacks:
            wanting = [f"`{need}`" for need in lacks]
            obstacle = Bilingual(
                en=f"needs {', '.join(wanting)}".replace("|", "` or `"),
                zh=f"缺少 {'、'.join(wanting)}".replace("|", "` 或 `"),
            )
        elif name not in asked and (asked or study.reproduction):
            obstacle = _NOT_CHOSEN if request.studies else _NOT_LISTED
        else:
            obstacle = None
        choices.append(Choice(study, name in asked or not (asked or lacks or study.reproduction), obstacle, given))
    return choices


def check_names(names: Sequence[str], notebooks: Mapping[str, StudyNotebook], where: str) -> None:
    """Raise :class:`UsageError` for a study that does not exist."""
    for name in names:
        if name not in notebooks:
            raise UsageError(
                f"no study {name[:60]!r}{nearest(name, notebooks)}",
                where=where,
                repair="`crmresearch studies` lists the studies.",
            )


def check_request(request: Request, notebooks: Mapping[str, StudyNotebook]) -> None:
    """Raise :class:`UsageError` for a study or parameter that does not exist, and for ``--unmerged`` without a case."""
    if request.unmerged and not request.cases:
        raise UsageError(
            "--unmerged needs a case", where="command line", repair="Name the case whose records are to stay apart."
        )
    check_names(request.studies, notebooks, "command line")
    chosen = [notebooks[name] for name in request.studies] or list(notebooks.values())
    known = {name: study for study in chosen for name in study.parameters}
    for name, value in request.parameters.items():
        if name in known:
            known[name].check({name: value}, where="command line")
        elif len(chosen) == 1:
            chosen[0].check({name: value}, where="command line")
        else:
            raise UsageError(
                f"no chosen study has a parameter {name[:60]!r}{nearest(name, known)}",
                where="command line",
                repair="`crmresearch studies` lists each study's parameters.",
            )


def given_parameters(choice: Choice, case: Case, as_of: str, language: str) -> dict[str, Any]:
    """Return every parameter a study is run with: the checked ones and those the runner sets."""
    own = {"case": case.name, "as_of": as_of, "language": language}
    return {**choice.parameters, **{name: own[name] for name in own if name in choice.study.parameters}}


def keyed(
    choices: Sequence[Choice], case: Case, *, as_of: str, language: str, processed: str, software: str
) -> dict[str, tuple[str, dict[str, Any]]]:
    """Content key and full parameters of each study that is to run.

    A record has every language, so what a notebook displays does not part one result from another;
    only pictures with Traditional characters are drawn for who asks for them.
    """
    parameters = {c.study.name: given_parameters(c, case, as_of, language) for c in choices if not c.obstacle}
    notebooks = {c.study.name: c.study.sha256 for c in choices}
    return {
        name: (study_key(processed, case, notebooks[name], _telling(given), software), given)
        for name, given in parameters.items()
    }


def _telling(parameters: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in parameters.items() if k != "language" or v == TRADITIONAL}


def known_case_names(project: Project, names: Sequence[str]) -> list[str]:
    """The cases to run: those named, each of which must exist, or all.

    Raises
    ------
    UsageError
        There is no such case, or the project has none.
    """
    found = project.cases()
    if not found:
        raise UsageError("the project has no case", where="data/raw", repair="Make one: crmresearch new NAME FILE…")
    for name in names:
        project.case_folder(name)
        if name not in found:
            raise UsageError(
                f"no case {name!r}{nearest(name, found)}",
                where="data/raw",
                repair="`crmresearch studies` lists the cases.",
            )
    return list(dict.fromkeys(names)) or found
