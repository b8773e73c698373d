"""The language of a document: English, Simplified Chinese as recorded, or Traditional turned out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from crmresearch.reporting.numbers import Language, ReportLanguage
from crmresearch.reporting.words import Words, load_words

_QUOTES = str.maketrans("“”", "「」")


@dataclass(frozen=True, slots=True)
class Voice:
    """Says everything a document has to say in its language.

    Attributes
    ----------
    name : ReportLanguage
    words : Words
        Of the package, in the script of the language.
    """

    name: ReportLanguage
    words: Words

    @property
    def language(self) -> Language:
        """The language of the record that is read."""
        return "en" if self.name == "en" else "zh"

    def say(self, key: str) -> str:
        """A label of the words files."""
        return self.words.label(key, self.language)

    def text(self, both: Mapping[str, str]) -> str:
        """One of the texts of a mapping of languages."""
        return both[self.language]

    def written(self, content: Any) -> Any:
        """JSON values with every Chinese wording in the script of this language; data stay as they are."""
        return _traditional(content) if self.name == "zh-hant" else content

    def script(self, text: str) -> str:
        """An author's Chinese in the script of this language."""
        return _convert(text) if self.name == "zh-hant" else text


@cache
def voice_of(language: ReportLanguage) -> Voice:
    """The voice of a language."""
    words = load_words()
    return Voice(language, traditional(words) if language == "zh-hant" else words)


def traditional(words: Words) -> Words:
    """The same words, what is Chinese in them in Traditional characters."""
    return Words(_traditional(words.entries), _traditional(words.terms), _traditional(words.areas))


def _convert(text: str) -> str:
    """Characters as Taiwan writes them (為, 群), its quotation marks; the words stay."""
    return _converter().convert(text).translate(_QUOTES)


@cache
def _converter() -> Any:
    from opencc import OpenCC  # loads its tables, and only here

    return OpenCC("s2tw")


def _traditional(content: Any) -> Any:
    if isinstance(content, Mapping):
        if isinstance(content.get("zh"), str) and "en" in content:
            return {**content, "zh": _convert(content["zh"])} | (
                {"alt": _traditional(content["alt"])} if "alt" in content else {}
            )
        return {key: _traditional(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return type(content)(_traditional(item) for item in content)
    return content
