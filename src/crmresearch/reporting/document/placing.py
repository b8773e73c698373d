"""Which part of which study stands under which heading, and what number each heading has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from crmresearch.reporting.document.outlines import Chapter, Outline

Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StudyPart:
    """The blocks of a study below one of its headings; ``key`` is empty before the first."""

    study: str
    study_title: str
    key: str
    title: str
    anchor: str
    blocks: tuple[Block, ...]

    @property
    def name(self) -> str:
        """What patterns of an outline name."""
        return f"{self.study}/{self.key}"


@dataclass(slots=True)
class Section:
    """A heading of the document and what stands right below it.

    Attributes
    ----------
    level : int
    number : str
        ``4.1.2``.
    """

    level: int
    title: str
    anchor: str
    number: str = ""
    part: StudyPart | None = None
    shows: tuple[str, ...] = ()
    ask: str = ""
    failure: str = ""
    prose: list[Any] = field(default_factory=list)
    own: bool = False

    @property
    def chapter(self) -> str:
        """Number of the chapter the section lies in."""
        return self.number.split(".")[0]

    @property
    def key(self) -> str:
        """Key of the study's section that stands here."""
        return self.part.key if self.part else ""


@dataclass(frozen=True, slots=True)
class StudyText:
    """A study as the placing sees it: its title, its parts, and why it failed if it did."""

    name: str
    title: str
    parts: tuple[StudyPart, ...]
    failure: str = ""


def parts_of(name: str, title: str, blocks: Sequence[Block], language: str) -> tuple[StudyPart, ...]:
    """Split the blocks of a record by its headings."""
    groups: list[tuple[str, str, str, list[Block]]] = [("", "", "", [])]
    for block in blocks:
        if block["type"] == "section":
            groups.append((block["key"], block["text"][language], f"{name}-{block['id']}", []))
        else:
            groups[-1][3].append(block)
    return tuple(
        StudyPart(name, title, key, heading, anchor or name, tuple(held))
        for key, heading, anchor, held in groups
        if held or key
    )


def place(outline: Outline, studies: Sequence[StudyText], language: str) -> list[Section]:
    """Put every part of every study under a heading of the outline.

    A part stands in the chapter with the most exact pattern that names it, the first of equals; what
    none names stands where ``*`` does. Chapters that would be empty are left out.
    """
    chapters = [chapter for top in outline.chapters for chapter in top.walk()]
    taken: dict[int, list[StudyPart]] = {id(chapter): [] for chapter in chapters}
    order: dict[tuple[int, str, str], tuple[int, int]] = {}
    for study_number, study in enumerate(studies):
        for part in study.parts:
            best = _home(part, chapters)
            if best is not None:
                chapter, rank = best
                taken[id(chapter)].append(part)
                order[(id(chapter), part.study, part.anchor)] = (rank, study_number)
    for chapter in chapters:
        taken[id(chapter)].sort(key=lambda part: order[(id(chapter), part.study, part.anchor)])
    sections = [section for chapter in outline.chapters for section in _sections(chapter, 1, taken, studies, language)]
    number(sections)
    return sections


def number(sections: Sequence[Section]) -> None:
    """Number headings in their order: 1, 1.1, 1.1.1."""
    counts: list[int] = []
    for section in sections:
        depth = min(section.level, len(counts) + 1)
        counts = [*counts[:depth], *([0] if len(counts) < depth else [])]
        counts[depth - 1] += 1
        section.number = ".".join(map(str, counts))


def _home(part: StudyPart, chapters: Sequence[Chapter]) -> tuple[Chapter, int] | None:
    found = [
        (len(pattern.replace("*", "")), -place, chapter, rank)
        for place, chapter in enumerate(chapters)
        for rank, pattern in enumerate(chapter.takes)
        if fnmatchcase(part.name, pattern)
    ]
    return max(found, key=lambda item: item[:2])[2:] if found else None


def _sections(
    chapter: Chapter, level: int, taken: dict[int, list[StudyPart]], studies: Sequence[StudyText], language: str
) -> Iterator[Section]:
    parts = taken[id(chapter)]
    if chapter.by_study:
        for study in studies:
            mine = [part for part in parts if part.study == study.name]
            if mine or study.failure:
                first = mine.pop(0) if mine and not mine[0].key else None
                yield Section(level, study.title, study.name, part=first, failure=study.failure)
                yield from (Section(level + 1, part.title, part.anchor, part=part) for part in mine)
        return
    below = [section for inner in chapter.chapters for section in _sections(inner, level + 1, taken, studies, language)]
    if not (parts or below or chapter.shows or chapter.ask):
        return
    title = chapter.title[language]
    yield Section(
        level, title, f"part-{_slug(chapter.title['en'])}", shows=chapter.shows, ask=chapter.ask.get(language, "")
    )
    several = len({part.study for part in parts}) > 1
    study = ""
    for part in parts:
        if several and part.study != study:
            study = part.study
            yield Section(level + 1, part.study_title, f"{part.study}-{_slug(chapter.title['en'])}")
        title = part.title or part.study_title
        yield Section(level + 1 + several, title, part.anchor, part=part)
    yield from below


def _slug(text: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in text.lower()).split())
