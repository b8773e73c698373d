"""What two editions do not have in common, so that one knows why their numbers differ."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from crmresearch.reporting.comparison.pairing import Pair
from crmresearch.reporting.edition import Edition
from crmresearch.reporting.numbers import LANGUAGES, plain
from crmresearch.reporting.words import Text, Words

_DIGITS = 10  # of a digest, enough to tell two files apart
_GIVEN_BY_RUN = {"case", "as_of", "language"}


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that differs between two editions.

    Attributes
    ----------
    sort : str
        Key of its label: ``compared_file``, ``compared_parameter`` …
    name : Text
        The file, parameter or option.
    first, second : Text
        As each edition has it; empty where it has none.
    """

    sort: str
    name: Text
    first: Text
    second: Text


def causes_of(first: Edition, second: Edition, pairs: Mapping[str, list[Pair]], words: Words) -> tuple[Cause, ...]:
    """Differences in data, merging, software, parameters and recipes, the widest first.

    Parameters
    ----------
    pairs : Mapping[str, list[Pair]]
        Study → the paired blocks of its records.
    """

    def label(key: str) -> Text:
        return {language: words.label(key, language) for language in LANGUAGES}

    def differing(sort: str, names: tuple[Text, Any, Any]) -> Iterator[Cause]:
        name, one, other = names
        if one != other:
            yield Cause(sort, name, _text(one), _text(other))

    def found() -> Iterator[Cause]:
        merging = [label("compared_apart" if e.intake.unmerged else "compared_together") for e in (first, second)]
        yield from differing("compared_merging", (_text(""), *merging))
        yield from differing("compared_as_of", (_text(""), first.as_of, second.as_of))
        for name, one, other in _beside(first.inputs, second.inputs):
            yield from differing("compared_file", (_text(name), one[:_DIGITS], other[:_DIGITS]))
        for name, one, other in _beside(_ledger(first), _ledger(second)):
            file, count = name
            counted = {lang: f"{file} · {words.column(count, lang)}" for lang in LANGUAGES}
            yield from differing("compared_ledger", (counted, one, other))
        yield from _settings(first, second, label)
        yield from _software(first, second, label)
        for study, one, other in _beside(first.studies, second.studies):
            title = short_title((other or one).title.model_dump())
            status = [label(_status(run)) for run in (one, other)]
            yield from differing("compared_study", (title, *status))
            if not (one and other and one.is_shown and other.is_shown):
                continue
            own = [
                Cause("compared_parameter", _joined(title, _text(name)), _text(a), _text(b))
                for name, a, b in _beside(one.parameters, other.parameters)
                if a != b and name not in _GIVEN_BY_RUN
            ]
            yield from own
            if one.key != other.key and one.parameters == other.parameters and _same_ground(first, second):
                yield Cause("compared_notebook", title, _text(one.key[:_DIGITS]), _text(other.key[:_DIGITS]))
            for pair in pairs.get(study, ()):
                yield from _recipe(title, pair, label)

    return tuple(found())


def _settings(first: Edition, second: Edition, label: Any) -> Iterator[Cause]:
    one, other = first.intake, second.intake
    if one.settings and other.settings:
        for name, a, b in _beside(one.settings, other.settings):
            if a != b:
                yield Cause("compared_settings", _text(name), _text(a[:_DIGITS]), _text(b[:_DIGITS]))
    elif one.key != other.key and _alike(first, second):
        yield Cause(
            "compared_settings",
            label("compared_settings_unknown"),
            _text(one.key[:_DIGITS]),
            _text(other.key[:_DIGITS]),
        )


def _alike(first: Edition, second: Edition) -> bool:
    """Whether raw files, merging and software are the same."""
    return (
        first.inputs == second.inputs
        and first.intake.unmerged == second.intake.unmerged
        and first.software["key"] == second.software["key"]
    )


def _same_ground(first: Edition, second: Edition) -> bool:
    """Whether what studies stand on is known and the same."""
    grounds = [(e.intake.processed, e.intake.settings, e.software["key"]) for e in (first, second)]
    return grounds[0] == grounds[1] and bool(first.intake.settings)


def _software(first: Edition, second: Edition, label: Any) -> Iterator[Cause]:
    named = [
        Cause("compared_software", _text(name), _text(one), _text(other))
        for name, one, other in _beside(first.software, second.software)
        if one != other and name != "key"
    ]
    yield from named
    keys = first.software["key"], second.software["key"]
    if keys[0] != keys[1] and not named:
        yield Cause("compared_software", label("compared_source"), *(_text(key[:_DIGITS]) for key in keys))


def _recipe(title: Text, pair: Pair, label: Any) -> Iterator[Cause]:
    """Options of a result that differ, or a result that one edition refused."""
    one, other = pair.first, pair.second
    if pair.either["type"] == "refusal":
        name = _joined(title, _text(pair.either["function"].rpartition(".")[2]))
        said = [_text(block["what"]) if block else label("compared_not_refused") for block in (one, other)]
        if said[0] != said[1]:
            yield Cause("compared_refusal", name, *said)
    elif pair.either["type"] == "recipe" and one and other:
        method = _joined(title, other["method"]["text"])
        if one["method"]["key"] != other["method"]["key"]:
            yield Cause("compared_recipe", method, one["method"]["text"], other["method"]["text"])
        options = [{option["key"]: option for option in block["options"]} for block in (one, other)]
        for _, a, b in _beside(*options):
            if not (a and b) or a["value"] != b["value"]:
                texts = [option["text"] if option else _text("") for option in (a, b)]
                yield Cause("compared_recipe", _joined(method, (b or a)["label"]), *texts)


def _ledger(edition: Edition) -> dict[tuple[str, str], int]:
    """Rows of each file, by what became of them."""
    return {
        (line.file, name): getattr(line, name)
        for line in edition.intake.quality.ledger
        for name in ("rows_in", "rows_kept", "rows_quarantined", "rows_merged")
    }


def short_title(title: Text) -> Text:
    """A study's title without the question it asks."""
    return {language: re.split("[:：]", text, maxsplit=1)[0] for language, text in title.items()}


def _status(run: Any) -> str:
    if run is None or run.status == "not run":
        return "not_run"
    return "failed" if run.status == "failed" else "compared_done"


def _beside(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> Iterator[tuple[Any, Any, Any]]:
    """Every name with its value on either side; an empty one where it is missing."""
    for name in dict.fromkeys((*other, *one)):
        sample = other.get(name, one.get(name))
        empty: Any = "" if isinstance(sample, str) else None
        yield name, one.get(name, empty), other.get(name, empty)


def _text(value: Any) -> Text:
    if isinstance(value, Mapping) and set(value) == set(LANGUAGES):
        return value
    if value is None:
        return dict.fromkeys(LANGUAGES, "")
    return dict.fromkeys(LANGUAGES, f"{value:,}" if type(value) is int else str(plain(value)))


def _joined(one: Text, other: Text) -> Text:
    return {language: f"{one[language]} · {other[language]}" for language in LANGUAGES}
