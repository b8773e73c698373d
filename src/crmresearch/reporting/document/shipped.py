"""Profiles and outlines that come with the package: their names, and what their files say."""

from __future__ import annotations

from importlib import resources
from typing import Any, Literal

import yaml

from crmresearch.errors import UsageError, nearest

Kind = Literal["outline", "profile"]


def shipped_names(kind: Kind) -> list[str]:
    """Names of the outlines or profiles there are.

    Examples
    --------
    >>> shipped_names("outline")
    ['plain', 'report', 'thesis']
    """
    folder = resources.files("crmresearch.reporting.document") / f"{kind}s"
    return sorted(path.name.removesuffix(".yaml") for path in folder.iterdir() if path.name.endswith(".yaml"))


def read_shipped(kind: Kind, name: str) -> dict[str, Any]:
    """Content of an outline or a profile, with its ``name``.

    Raises
    ------
    UsageError
        There is none of that name; the message names the nearest.

    Examples
    --------
    >>> read_shipped("profile", "apa7")["name"]
    'apa7'
    """
    known = shipped_names(kind)
    if name not in known:
        raise UsageError(
            f"no {kind} {name[:40]!r}{nearest(name, known)}",
            where=f"--{kind}, or report in case.yaml",
            repair=f"Choose {', '.join(known)}.",
        )
    file = resources.files("crmresearch.reporting.document") / f"{kind}s" / f"{name}.yaml"
    return {"name": name, **yaml.safe_load(file.read_text(encoding="utf-8"))}
