"""Which blocks of two records are the same block: by section, key and the words they state, not by their place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from crmresearch.reporting.record import Block

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_ALIKE = 0.5  # share of a finding's words that must agree where a section states several of its kind


@dataclass(frozen=True, slots=True)
class Pair:
    """A block of the first record and the block of the second that stands for the same; one may be missing."""

    section: Block | None
    first: Block | None
    second: Block | None

    @property
    def either(self) -> Block:
        """The second, or where there is none the first."""
        return self.second or self.first  # type: ignore[return-value]


def pair_blocks(first: Sequence[Block], second: Sequence[Block]) -> list[Pair]:
    """Pair the findings, tables, recipes and refusals of two records, in the order of the second.

    Where a section holds several blocks of one key, findings go by the words they state (half of them
    must agree; days never count), everything else by its order.
    """
    groups: dict[tuple[str, ...], tuple[list[Block], list[Block]]] = {}
    sections: dict[str, Block] = {}
    for side, blocks in ((1, second), (0, first)):
        for section, block in _within_sections(blocks):
            place = section["id"] if section else ""
            sections.setdefault(place, section)
            groups.setdefault((place, *_identity(block)), ([], []))[side].append(block)
    order = {place: number for number, place in enumerate(sections)}
    return [
        Pair(sections[key[0]], *pair)
        for key in sorted(groups, key=lambda key: order[key[0]])
        for pair in _matched(*groups[key])
    ]


def _within_sections(blocks: Sequence[Block]) -> Iterator[tuple[Block | None, Block]]:
    section = None
    for block in blocks:
        if block["type"] == "section":
            section = block
        elif block["type"] in {"finding", "table", "recipe", "refusal"}:
            yield section, block


def _identity(block: Block) -> tuple[str, ...]:
    return block["type"], block.get("key") or block.get("function", ""), block.get("claim", "")


def _matched(first: list[Block], second: list[Block]) -> Iterator[tuple[Block | None, Block | None]]:
    if len(first) <= 1 and len(second) <= 1:
        yield from zip_longest(first, second)
        return
    likeness = [
        (-alike, abs(i - j), i, j)
        for i, one in enumerate(first)
        for j, other in enumerate(second)
        if (alike := _alike(one, other)) >= _ALIKE
    ]
    partner: dict[int, int] = {}
    for *_, i, j in sorted(likeness):
        if i not in partner.values() and j not in partner:
            partner[j] = i
    for j, block in enumerate(second):
        yield (first[partner[j]] if j in partner else None), block
    yield from ((block, None) for i, block in enumerate(first) if i not in partner.values())


def _alike(one: Block, other: Block) -> float:
    """Share of the words of two findings that agree; 1 where they state none."""
    words = [_words(block) for block in (one, other)]
    names = [name for name in words[0] if name in words[1]]
    return sum(words[0][name] == words[1][name] for name in names) / len(names) if names else 1.0


def _words(block: Block) -> dict[str, Any]:
    values = block.get("values", {})
    return {name: value for name, value in values.items() if isinstance(value, str) and not _DAY.match(value)}
