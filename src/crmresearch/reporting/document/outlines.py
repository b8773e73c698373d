"""Outlines: the chapters a document has, and which part of which study stands where, as data."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Literal

from pydantic import BaseModel, ConfigDict

from crmresearch.reporting.document.shipped import read_shipped

Shown = Literal["case", "quality", "hypotheses", "questions"]


class Chapter(BaseModel):
    """A chapter or a section of one.

    Attributes
    ----------
    title : dict[str, str]
        In each language; empty where ``by_study`` makes chapters of their own.
    takes : tuple[str, ...]
        Patterns of ``study/section``: the parts of studies that stand here, those of the first pattern first.
        ``*`` takes whatever no other chapter takes.
    shows : tuple[Shown, ...]
        What the edition itself has to say here.
    ask : dict[str, str]
        What the author is to write here; printed until there is text.
    by_study : bool
        Each study taken becomes a chapter.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: dict[str, str] = {}
    takes: tuple[str, ...] = ()
    shows: tuple[Shown, ...] = ()
    ask: dict[str, str] = {}
    by_study: bool = False
    chapters: tuple[Chapter, ...] = ()

    def walk(self) -> Iterator[Chapter]:
        """The chapter and all below it."""
        yield self
        for chapter in self.chapters:
            yield from chapter.walk()


class Outline(BaseModel):
    """The structure of a document."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: dict[str, str]
    chapters: tuple[Chapter, ...]


@cache
def load_outline(name: str) -> Outline:
    """Read an outline.

    Raises
    ------
    UsageError
        There is no such outline; the message names the nearest.

    Examples
    --------
    >>> load_outline("thesis").chapters[3].chapters[0].chapters[0].title["zh"]
    '客户价值指标体系'
    """
    return Outline.model_validate(read_shipped("outline", name))
