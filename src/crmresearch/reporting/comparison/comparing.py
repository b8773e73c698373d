"""Two editions → what differs between them: causes, verdicts, values. Nothing is computed anew."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crmresearch.errors import StorageError, UsageError
from crmresearch.reporting.comparison.causes import Cause, causes_of
from crmresearch.reporting.comparison.pairing import Pair, pair_blocks
from crmresearch.reporting.comparison.rows import Row, rows_of
from crmresearch.reporting.document.voice import Voice, voice_of
from crmresearch.reporting.edition import Edition, load_edition
from crmresearch.reporting.numbers import ReportLanguage
from crmresearch.reporting.record import Block, read_record
from crmresearch.reporting.words import Text


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim as two editions judge it; a finding is missing where an edition does not judge it."""

    study: str
    first: Block | None
    second: Block | None

    @property
    def is_changed(self) -> bool:
        """Whether both judge it, and differently."""
        return bool(self.first and self.second) and self.first["verdict"] != self.second["verdict"]  # type: ignore[index]

    @property
    def name(self) -> str:
        """Identifier of the claim, e.g. ``D03``."""
        return (self.second or self.first)["claim"]  # type: ignore[index]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two editions side by side.

    Attributes
    ----------
    first, second : Edition
    titles : dict[str, Text]
        Study → its title, in the order of the second edition.
    shared : frozenset[str]
        Studies that both editions show; of the others a page says no more than that.
    causes : tuple[Cause, ...]
    claims : tuple[Claim, ...]
        Those whose verdict changed first.
    rows : tuple[Row, ...]
        Every value of every finding and table, in the order of the second edition's records.
    voice : Voice
        Of the language that the records were read for.
    """

    first: Edition
    second: Edition
    titles: dict[str, Text]
    shared: frozenset[str]
    causes: tuple[Cause, ...]
    claims: tuple[Claim, ...]
    rows: tuple[Row, ...]
    voice: Voice


def compare_editions(first: Path, second: Path, language: ReportLanguage = "en") -> Comparison:
    """Put two editions of a case side by side, from ``edition.json`` and the records they hold.

    Parameters
    ----------
    first, second : Path
        Folders of the editions.
    language : ReportLanguage
        Decides the script of Chinese; English and Simplified Chinese are both held by every comparison.

    Raises
    ------
    UsageError
        The editions are of different cases.
    StorageError
        An edition or a record is missing or damaged.
    """
    voice = voice_of(language)
    editions = load_edition(first), load_edition(second)
    if editions[0].case != editions[1].case:
        raise UsageError(
            f"editions of different cases: {editions[0].case} and {editions[1].case}",
            where=f"{first.name}, {second.name}",
            repair="Compare two editions of one case.",
        )
    records = [
        {name: voice.written(_proved(folder, edition, name)) for name, run in edition.studies.items() if run.is_shown}
        for folder, edition in zip((first, second), editions, strict=True)
    ]
    titles = {
        name: voice.written(run.title.model_dump())
        for edition in reversed(editions)
        for name, run in edition.studies.items()
    }
    pairs = {
        name: pair_blocks(*(record[name]["blocks"] if name in record else () for record in records))
        for name in titles
        if any(name in record for record in records)
    }
    claims = [claim for name, found in pairs.items() for claim in _claims(name, found)]
    return Comparison(
        first=editions[0],
        second=editions[1],
        titles=titles,
        shared=frozenset(records[0]) & frozenset(records[1]),
        causes=causes_of(*editions, pairs, voice.words),
        claims=tuple(sorted(claims, key=lambda claim: not claim.is_changed)),
        rows=tuple(row for name, found in pairs.items() for pair in found for row in rows_of(name, pair, voice.words)),
        voice=voice,
    )


def _proved(folder: Path, edition: Edition, study: str) -> dict[str, Any]:
    """A record, proved to be the one that the edition was published with."""
    place = folder / "studies" / study
    record = read_record(place)
    published = edition.files.get(f"studies/{study}/record.json")
    if hashlib.sha256((place / "record.json").read_bytes()).hexdigest() != published:
        raise StorageError(
            "not the record that the edition was published with",
            where=str(place / "record.json"),
            repair=f"Run the case again, and compare the new edition: {edition.rerun}.",
        )
    return record


def _claims(study: str, pairs: list[Pair]) -> Iterator[Claim]:
    """Findings with a verdict; those without a partner are paired by their claim, in order."""
    judged = [pair for pair in pairs if pair.either["type"] == "finding" and _has_verdict(pair)]
    alone: dict[str, list[Block]] = {}
    for pair in judged:
        if pair.second is None and pair.first["claim"]:  # type: ignore[index]
            alone.setdefault(pair.either["claim"], []).append(pair.first)  # type: ignore[arg-type]
    for pair in judged:
        first = pair.first
        if first is None and alone.get(pair.either["claim"]):
            first = alone[pair.either["claim"]].pop(0)
        if pair.second is not None:
            yield Claim(study, first, pair.second)
    unnamed = [pair.first for pair in judged if pair.second is None and not pair.either["claim"]]
    for block in (*unnamed, *(block for blocks in alone.values() for block in blocks)):
        yield Claim(study, block, None)


def _has_verdict(pair: Pair) -> bool:
    return any(block and block["verdict"] for block in (pair.first, pair.second))
