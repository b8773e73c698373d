"""What a study notebook declares: its title, the tables it needs, its typed parameters.

Read from the notebook file without running it, so that a misspelt parameter is found before
anything is computed.
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import math
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crmresearch.case import Bilingual, Project
from crmresearch.errors import StudyError, UsageError, nearest
from crmresearch.tables import TABLES

GIVEN_BY_RUNNER = ("case", "as_of", "language")
"""Parameters that a run sets itself; they have options of their own."""

REPRODUCTIONS = "reproductions"
"""Folder of the notebooks that recompute a publication: they run where they are asked for or listed, nowhere else."""

INSTRUMENT, IDENTITY, WAVES = "instrument", "identity", "waves"
"""What a study may need besides tables: a questionnaire, rules for records of one customer, a survey asked twice."""

_SECRETS = ("password", "passwd", "secret", "token", "api_key", "apikey", "dsn", "credential")
_SCALARS = {"str": "text", "int": "a whole number", "float": "a finite number", "bool": "true or false"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One line of a notebook's parameters cell: ``name: kind = default  # help``.

    Attributes
    ----------
    name : str
    kind : str
        ``str``, ``int``, ``float``, ``bool``, ``list[<one of them>]``, ``<one of them> | None`` or ``Literal[…]``.
    default : Any
    help : str
        The line's comment.
    """

    name: str
    kind: str
    default: Any = None
    help: str = ""

    def read(self, value: Any, *, where: str = "") -> Any:
        """Return ``value`` as the declared type; text stays the text it is where the type is ``str``.

        Raises
        ------
        UsageError
            The value is not of the declared type, or is not finite.

        Examples
        --------
        >>> Parameter("code", "str").read("007"), Parameter("bins", "int").read("007")
        ('007', 7)
        >>> Parameter("x", "float").read("1e400")
        Traceback (most recent call last):
        crmresearch.errors.UsageError: parameter 'x' must be a finite number, got '1e400'. See `crmresearch studies`.
        """
        try:
            return _read(ast.parse(self.kind, mode="eval").body, value)
        except ValueError as error:
            raise UsageError(
                f"parameter {self.name!r} must be {error}, got {str(value)[:60]!r}",
                where=where,
                repair="See `crmresearch studies`.",
            ) from None


def _read(kind: ast.expr, value: Any) -> Any:
    match kind:
        case ast.Name("str"):
            if not isinstance(value, str):
                raise ValueError("text")
            return value
        case ast.Name("bool"):
            flags = {"true": True, "false": False}
            if str(value).lower() not in flags:
                raise ValueError("true or false")
            return flags[str(value).lower()]
        case ast.Name("int" | "float" as name):
            number = (int if name == "int" else float)(_number(value, _SCALARS[name]))
            if (isinstance(value, float) and number != value) or not math.isfinite(number):
                raise ValueError(_SCALARS[name])
            return number
        case ast.Constant(None):
            if value not in (None, "", "null"):
                raise ValueError("empty")
            return None
        case ast.BinOp(left, ast.BitOr(), right):
            try:
                return _read(right, value)
            except ValueError as first:
                try:
                    return _read(left, value)
                except ValueError as second:
                    raise ValueError(f"{second} or {first}") from None
        case ast.Subscript(ast.Name("list"), item):
            items = [part.strip() for part in value.split(",")] if isinstance(value, str) and value else value or []
            if not isinstance(items, list | tuple):
                raise ValueError("a list")
            try:
                return [_read(item, part) for part in items]
            except ValueError as error:
                raise ValueError(f"a list whose every item is {error}") from None
        case ast.Subscript(ast.Name("Literal"), choices):
            allowed = ast.literal_eval(choices)
            allowed = allowed if isinstance(allowed, tuple) else (allowed,)
            for choice in allowed:
                if value == choice or (isinstance(value, str) and value == str(choice)):
                    return choice
            raise ValueError(f"one of {', '.join(map(str, allowed))}")
    raise ValueError(f"of a type the runner knows (not {ast.unparse(kind)})")


def _number(value: Any, wanted: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(wanted)
    try:
        return int(value) if wanted == _SCALARS["int"] else float(value)
    except (ValueError, OverflowError):
        raise ValueError(wanted) from None


@dataclass(frozen=True, slots=True)
class StudyNotebook:
    """A study as its notebook declares it.

    Attributes
    ----------
    name : str
        File name without ``.ipynb``.
    title : Bilingual
    needs : tuple[str, ...]
        Tables, and ``"instrument"``, without which the study cannot run; ``"a|b"`` asks for one of the two.
    parameters : dict[str, Parameter]
    sha256 : str
        Digest of the file.
    """

    name: str
    path: Path
    title: Bilingual
    needs: tuple[str, ...]
    parameters: dict[str, Parameter] = field(default_factory=dict)
    sha256: str = ""

    @property
    def reproduction(self) -> bool:
        """The notebook recomputes a publication, so it means nothing on other data."""
        return self.path.parent.name == REPRODUCTIONS

    def check(self, given: Mapping[str, Any], *, where: str = "") -> dict[str, Any]:
        """Type the ``given`` parameters, each of which the notebook must declare.

        Raises
        ------
        UsageError
            A name the notebook does not declare, one the runner sets, one that looks like a
            secret, or a value of another type.
        """
        checked = {}
        for name, value in given.items():
            if name in GIVEN_BY_RUNNER:
                option = {"case": "name the case instead", "as_of": "use --as-of", "language": "use --language"}[name]
                raise UsageError(f"parameter {name!r} is set by the runner", where=where, repair=f"Please {option}.")
            if any(word in name.lower() for word in _SECRETS):
                raise UsageError(
                    f"parameter {name!r} looks like a secret, and parameters are stored in notebooks and reports",
                    where=where,
                    repair="Put secrets into an environment variable.",
                )
            if name not in self.parameters:
                open_to_user = [p for p in self.parameters if p not in GIVEN_BY_RUNNER]
                raise UsageError(
                    f"study {self.name!r} has no parameter {name[:60]!r}{nearest(name, open_to_user)}",
                    where=where,
                    repair=f"It has {', '.join(open_to_user) or 'none'}.",
                )
            checked[name] = self.parameters[name].read(value, where=where)
        return checked


def find_studies(project: Project) -> dict[str, StudyNotebook]:
    """Return the studies of ``notebooks/`` and of its folder of reproductions, by name.

    Raises
    ------
    StudyError
        A notebook cannot be read, or its declaration breaks a rule.
    """
    paths = sorted(project.notebooks.glob("*.ipynb")) + sorted((project.notebooks / REPRODUCTIONS).glob("*.ipynb"))
    studies = {path.stem: read_study(path) for path in paths}
    if len(studies) < len(paths):
        twice = next(p for p in paths if studies[p.stem].path != p)
        raise StudyError(
            f"two notebooks are called {twice.stem!r}", where=str(twice.parent), repair="Rename one of them."
        )
    return studies


def read_study(path: Path) -> StudyNotebook:
    """Read what the notebook at ``path`` declares; see :func:`find_studies`."""
    content = path.read_bytes()
    try:
        notebook = json.loads(content)
        declared = notebook.get("metadata", {}).get("crmresearch", {})
        title = declared.get("title", {"en": path.stem, "zh": path.stem})
        study = StudyNotebook(
            name=path.stem,
            path=path,
            title=Bilingual.model_validate(title),
            needs=tuple(declared.get("needs", ())),
            parameters={p.name: p for p in _declared(notebook["cells"])},
            sha256=hashlib.sha256(content).hexdigest(),
        )
    except (ValueError, KeyError, TypeError, AttributeError, SyntaxError) as error:
        raise StudyError(
            f"not a study notebook ({str(error).splitlines()[0]})",
            where=path.name,
            repair="Open it in JupyterLab, or take it out of the folder.",
        ) from None
    for need in "|".join(study.needs).split("|") if study.needs else ():
        if need not in TABLES and need not in {INSTRUMENT, IDENTITY, WAVES}:
            raise StudyError(
                f"needs {need!r}, which is no table{nearest(need, [*TABLES, INSTRUMENT, IDENTITY, WAVES])}",
                where=path.name,
                repair="Mend crmresearch.needs in the notebook's metadata.",
            )
    return study


def _declared(cells: list[dict[str, Any]]) -> list[Parameter]:
    for cell in cells:
        if cell["cell_type"] == "code" and "parameters" in cell.get("metadata", {}).get("tags", ()):
            source = "".join(cell["source"])
            comments = {
                token.start[0]: token.string.lstrip("# ")
                for token in tokenize.generate_tokens(io.StringIO(source).readline)
                if token.type == tokenize.COMMENT
            }
            return [p for node in ast.parse(source).body if (p := _parameter(node, comments))]
    return []


def _parameter(node: ast.stmt, comments: Mapping[int, str]) -> Parameter | None:
    match node:
        case ast.AnnAssign(ast.Name(name), annotation, value) if value is not None:
            kind = ast.unparse(annotation)
        case ast.Assign([ast.Name(name)], value):
            kind = type(ast.literal_eval(value)).__name__
        case _:
            return None
    return Parameter(name, kind, ast.literal_eval(value), comments.get(node.end_lineno or 0, ""))
