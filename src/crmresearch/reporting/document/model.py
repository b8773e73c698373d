"""What a document is made of; renderers set these parts and decide nothing about their content."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from crmresearch.reporting.document.profiles import Profile
from crmresearch.reporting.tables import TableView


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text in one look.

    Attributes
    ----------
    text : str
    look : {"", "bold", "italic", "code", "super", "faint"}
    address : str
        Of the number that the text prints; empty where it prints none.
    anchor : str
        Part of the document that the text points to.
    """

    text: str
    look: Literal["", "bold", "italic", "code", "super", "faint"] = ""
    address: str = ""
    anchor: str = ""


Runs = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is a chapter. ``number`` is empty where the heading has none."""

    level: int
    number: str
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph: ``kind`` is plain text, a finding with its verdict, an item of a list, or a hint to the author."""

    runs: Runs
    kind: Literal["text", "finding", "item", "hint", "status"] = "text"
    anchor: str = ""
    verdict: str = ""
    verdict_key: str = ""
    address: str = ""
    source: str = ""
    function: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its number; ``address`` is that of its values, before ``:r<row>c<column>``."""

    label: str
    view: TableView
    anchor: str
    address: str = ""
    file: str = ""
    source: str = ""
    function: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure with its number: the bitmap, and the drawing where the record has one."""

    label: str
    caption: str
    alt: str
    anchor: str
    bitmap: Path
    width: int
    height: int
    drawing: Path | None = None
    address: str = ""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a result was computed: pairs of an option's name and value."""

    title: str
    pairs: tuple[tuple[str, str], ...]
    function: str
    source: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A result that is not given, and why. What it says is the program's own English."""

    function: str
    what: str
    repair: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Pairs:
    """Terms and what belongs to them."""

    pairs: tuple[tuple[str, str], ...]


Part = Heading | Paragraph | Table | Picture | Recipe | Refusal | Pairs


@dataclass(frozen=True, slots=True)
class Document:
    """A whole document in one language.

    Attributes
    ----------
    title, subtitle : str
    cover : tuple[tuple[str, str], ...]
        What the cover lists below the title.
    warning : str
        What must be known of the whole: that the data are simulated, that records were not merged.
    marks : tuple[str, ...]
        The same in short, for every page.
    front : tuple[Part, ...]
        The abstract, before the contents.
    summary, body, appendices : tuple[Part, ...]
    references : tuple[Runs, ...]
        As the citation style prints them, in its order.
    words : dict[str, str]
        The furniture of a page: headings of contents, lists and so on.
    made : str
        The one time stamp, ISO.
    """

    title: str
    subtitle: str
    language: str
    profile: Profile
    made: str
    words: dict[str, str]
    cover: tuple[tuple[str, str], ...] = ()
    warning: str = ""
    marks: tuple[str, ...] = ()
    front: tuple[Part, ...] = ()
    summary: tuple[Part, ...] = ()
    body: tuple[Part, ...] = ()
    appendices: tuple[Part, ...] = ()
    references: tuple[Runs, ...] = ()

    @property
    def running(self) -> str:
        """What stands at the head of every page."""
        return " · ".join((self.title[:80], *self.marks))

    @property
    def everything(self) -> tuple[Part, ...]:
        """Every part, in order."""
        return (*self.front, *self.summary, *self.body, *self.appendices)
