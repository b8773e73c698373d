"""Numbers of tables, figures and findings: their labels, and the addresses of the values they print."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from crmresearch.reporting.document.placing import Section

Sort = Literal["T", "F", "S"]
_SORTS: dict[str, Sort] = {"table": "T", "figure": "F", "finding": "S"}
_BOOKMARK = re.compile(r"([TFS])(?:(\d+|[A-Z])_)?(\d+)(?:__(\w+))?")


@dataclass(frozen=True, slots=True)
class Numbering:
    """How labels of one document are written."""

    language: str
    by_chapter: bool

    def text(self, chapter: str, number: int) -> str:
        """``4-1`` in Chinese, ``4.1`` in English, ``7`` in one numbering throughout."""
        if not self.by_chapter and not chapter.isalpha():
            return str(number)
        return f"{chapter}{'-' if self.language == 'zh' else '.'}{number}"

    def address(self, sort: Sort, chapter: str, number: int) -> str:
        """``T4-1``, the same in every language."""
        return f"{sort}{chapter}-{number}" if self.by_chapter or chapter.isalpha() else f"{sort}{number}"


@dataclass(frozen=True, slots=True)
class Label:
    """What a block is called: ``4-1``, and the address of its values."""

    number: str
    address: str


def label_blocks(sections: Sequence[Section], numbering: Numbering, own: Sequence[str] = ()) -> dict[str, Label]:
    """Anchor of each table, figure and finding → its label, numbered in the order of the document.

    ``own`` names what an edition itself shows as a table.
    """
    counts: dict[tuple[str, str], int] = {}
    labels = {}
    for section in sections:
        held = [("T", f"own-{key}") for key in section.shows if key in own]
        for block in section.part.blocks if section.part else ():
            if block["type"] in _SORTS:
                held.append((_SORTS[block["type"]], f"{section.part.study}-{block['id']}"))
        for sort, anchor in held:
            scope = section.chapter if numbering.by_chapter else ""
            number = counts[sort, scope] = counts.get((sort, scope), 0) + 1
            labels[anchor] = Label(
                numbering.text(section.chapter, number), numbering.address(sort, section.chapter, number)
            )
    return labels


def bookmark(address: str) -> str:
    """An address as Word and HTML take it for a name: letters, digits and ``_``.

    >>> bookmark("T4-2:r3c2"), bookmark("T7")
    ('T4_2__r3c2', 'T7')
    """
    return address.replace("-", "_").replace(":", "__")


def parse_address(text: str) -> tuple[str, str]:
    """Label and place of an address, however it is written (``T4.2:r3c2``, ``T4_2__r3c2``); empty if it is none.

    >>> parse_address("T4.2:r3c2"), parse_address("T4_2__r3c2"), parse_address("S1-3:share"), parse_address("x")
    (('T4-2', 'r3c2'), ('T4-2', 'r3c2'), ('S1-3', 'share'), ('', ''))
    """
    text = text.strip().removeprefix("#")
    match = _BOOKMARK.fullmatch(text) if "_" in text and ":" not in text else None
    if match is None:
        match = re.fullmatch(r"([TFS])(?:(\d+|[A-Z])[-.])?(\d+)(?::(\w+))?", text)
    if match is None:
        return "", ""
    sort, chapter, number, place = match.groups()
    return f"{sort}{chapter}-{number}" if chapter else f"{sort}{number}", place or ""


def enumerate_words(words: Iterable[str], comma: str, last: str) -> str:
    """A, B and C.

    >>> enumerate_words(["A", "B", "C"], ", ", " and ")
    'A, B and C'
    """
    held = list(words)
    return held[0] if len(held) == 1 else comma.join(held[:-1]) + last + held[-1]
