"""The author's own text: a Markdown file whose headings say where each paragraph belongs.

Paragraphs, lists (``- ``), ``**bold**``, ``*italic*``, ``code``, and three kinds of reference:
``[@key]`` a source, ``[#study/block]`` a table or figure, ``[=study/block:place]`` a number of a record.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*$")
_INLINE = re.compile(
    r"\\(?P<plain>[\\*`\[\]#])"
    r"|\*\*(?P<bold>[^*]+)\*\*"
    r"|\*(?P<italic>[^*]+)\*"
    r"|`(?P<code>[^`]+)`"
    r"|\[(?P<cite>@[^\]]+)\]"
    r"|\[#(?P<ref>[^\]]+)\]"
    r"|\[=(?P<value>[^\]]+)\]"
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text: its look (or ``cite``, ``ref``, ``value``) and its words."""

    look: str
    text: str


@dataclass(slots=True)
class Passage:
    """What stands under one heading: paragraphs, each a kind and its pieces."""

    level: int
    heading: str
    line: int
    paragraphs: list[tuple[str, tuple[Piece, ...]]] = field(default_factory=list)


def read_prose(text: str) -> list[Passage]:
    r"""Split a Markdown text by its headings; what stands before the first is a passage without one.

    Examples
    --------
    >>> [(p.heading, len(p.paragraphs)) for p in read_prose("Hello.\n\n# Theory\n\nOne.\n\n- two\n- three")]
    [('', 1), ('Theory', 3)]
    """
    passages = [Passage(0, "", 1)]
    waiting: list[str] = []

    def end() -> None:
        if waiting:
            passages[-1].paragraphs.append(("text", tuple(pieces_of(_joined(waiting)))))
            waiting.clear()

    for number, line in enumerate(unicodedata.normalize("NFC", text).splitlines(), start=1):
        if heading := _HEADING.match(line):
            end()
            passages.append(Passage(len(heading[1]), heading[2], number))
        elif line.lstrip().startswith("- "):
            end()
            passages[-1].paragraphs.append(("item", tuple(pieces_of(line.lstrip()[2:].strip()))))
        elif line.strip():
            waiting.append(line.strip())
        else:
            end()
    end()
    return passages


def _joined(lines: list[str]) -> str:
    """Lines of one paragraph: Chinese ones meet without a blank."""
    text = lines[0]
    for line in lines[1:]:
        text += ("" if ord(text[-1]) > 0x2E80 or ord(line[0]) > 0x2E80 else " ") + line
    return text


def pieces_of(text: str) -> Iterator[Piece]:
    """The pieces of one paragraph.

    Examples
    --------
    >>> [(p.look, p.text) for p in pieces_of("See [@fader2005, p. 3] and **this**.")]
    [('', 'See '), ('cite', '@fader2005, p. 3'), ('', ' and '), ('bold', 'this'), ('', '.')]
    """
    end = 0
    for match in _INLINE.finditer(text):
        if match.start() > end:
            yield Piece("", text[end : match.start()])
        end = match.end()
        look = match.lastgroup or ""
        yield Piece("" if look == "plain" else look, match[look])
    if end < len(text):
        yield Piece("", text[end:])


def cited_keys(passages: list[Passage]) -> list[str]:
    """The sources a text cites, in order of first appearance."""
    found: dict[str, None] = {}
    for passage in passages:
        for _, pieces in passage.paragraphs:
            for piece in pieces:
                if piece.look == "cite":
                    found.update(dict.fromkeys(key for key, _ in citation_items(piece.text)))
    return list(found)


def citation_items(text: str) -> list[tuple[str, str]]:
    """Key and locator of each source of one citation.

    >>> citation_items("@a; @b, p. 3")
    [('a', ''), ('b', 'p. 3')]
    """
    items = []
    for part in text.split(";"):
        key, _, locator = part.strip().removeprefix("@").partition(",")
        items.append((key.strip(), locator.strip()))
    return items


def plain_heading(text: str) -> str:
    """A heading without its number, for comparing.

    >>> plain_heading("4.1.1  客户价值指标体系"), plain_heading("Chapter 2 Present state")
    ('客户价值指标体系', 'present state')
    """
    text = re.sub(
        r"^\s*(第[一二三四五六七八九十\d]+[章节]|chapter\s+\d+|[\dA-Z]+(\.\d+)*[.、]?(?=\s))\s*", "", text, flags=re.I
    )
    return re.sub(r"\s+", " ", text).strip().casefold()
