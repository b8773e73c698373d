"""The wording of everything a report says, in every language, as data.

Scorers name tables, columns, options and findings by key; the files in ``words/`` hold the text of
each key. This module reads them, checks them, and puts values into sentences.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from crmresearch.errors import CrmresearchError, nearest
from crmresearch.reporting.numbers import KINDS, LANGUAGES, REPORT, Language, Style, format_value, plain
from crmresearch.results import Finding

Text = Mapping[str, str]
"""One text in every language: ``{"en": …, "zh": …}``."""

SECTIONS = ("columns", "exhibits", "figures", "labels", "findings", "notes", "methods", "options", "sections")
"""Parts of a words file.

columns
    Column name of any exhibit → label and ``kind`` (see ``numbers.Kind``).
exhibits, figures
    Key → caption; a figure also has ``alt``, what a reader who cannot see it should know.
labels
    Any other word on a figure or in a table's cells.
findings
    Key → sentence with ``{name:kind}``, or one sentence for each verdict.
notes, methods, options, sections
    Notes under tables, names of methods, options of a recipe, headings of a report.
"""

_SHARED = ("columns", "labels", "options")
"""Parts in which files may word one key differently; each file's wording holds for what the file itself names."""

_KEY = re.compile(r"[a-z][a-z0-9_]*")
_PLACEHOLDER = re.compile(r"\{(\w+)(?::(\w+))?(?::([^{}|]*\|[^{}|]*))?\}")
_VERDICTS = {
    "supported": "supported",
    "contradicted": "contradicted",
    "inconclusive": "inconclusive",
    "not testable with these data": "not_testable",
}
_AND = {"en": ", ", "zh": "、"}


class WordsError(CrmresearchError):
    """A key that no words file has, or a words file that breaks a rule."""


@dataclass(frozen=True, slots=True)
class Words:
    """Every text of a report, by section and key.

    Attributes
    ----------
    entries : Mapping[str, Mapping[str, Any]]
        Section → key → entry, as the words files write it.
    terms : Mapping[str, Mapping[str, str]]
        Names a case brings along (constructs, items, columns of its own), each with en, zh, kind.
    areas : Mapping[str, Mapping[str, Mapping[str, Any]]]
        Name of a words file → its own sections.
    own : Mapping[str, Mapping[str, Any]]
        Sections of the file that speaks, see :meth:`of`.
    """

    entries: Mapping[str, Mapping[str, Any]]
    terms: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    areas: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    own: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def of(self, section: str, key: str) -> Words:
        """The words as the file speaks that holds ``key``: of what several files word, its own wording counts.

        Parameters
        ----------
        section, key : str
            Of a table (``"exhibits"``), a figure, a finding or a method. An unknown key changes nothing.
        """
        home = next((area for area in self.areas.values() if key in area.get(section, ())), self.own)
        return replace(self, own={part: home[part] for part in _SHARED if part in home})

    def with_terms(self, terms: Mapping[str, Mapping[str, str]]) -> Words:
        """Add a case's own names; a name the words files have keeps their wording.

        Parameters
        ----------
        terms : Mapping[str, Mapping[str, str]]
            Name → en, zh (en where it is left out or empty) and kind (``"text"`` where left out).
        """
        whole = {}
        for name, term in terms.items():
            kind = term.get("kind", "text")
            if kind not in KINDS:
                raise WordsError(
                    f"the kind {kind!r} of {name!r} does not exist", repair=f"Use one of {', '.join(KINDS)}."
                )
            whole[name] = {"en": term["en"], "zh": term.get("zh") or term["en"], "kind": kind}
        return replace(self, terms={**self.terms, **whole})

    def text(self, section: str, key: str) -> Text:
        """The entry of ``key`` in both languages.

        Raises
        ------
        WordsError
            No words file has the key; the message lists the nearest.
        """
        found = self._entry(section, key)
        if found is None and section in {"columns", "labels"}:
            found = self.terms.get(key)
        if found is None:
            known = [*self.entries[section], *(self.terms if section in {"columns", "labels"} else ())]
            raise WordsError(
                f"no wording for {key!r} in {section!r}{nearest(key, known)}",
                where="reporting/words",
                repair=f"Add it, in {' and '.join(LANGUAGES)}, to the words file of its area.",
            )
        return {language: found[language] for language in LANGUAGES}

    def _entry(self, section: str, key: str) -> Any:
        if (found := self.own.get(section, {}).get(key)) is not None:
            return found
        found = self.entries[section].get(key)
        if isinstance(found, _Disputed) and key in self.terms:
            return None
        if isinstance(found, _Disputed):
            raise WordsError(
                f"{key!r} in {section!r} is worded differently in {_AND['en'].join(found)}",
                where="reporting/words",
                repair="Word it in the file of what uses it too.",
            )
        return found

    def column(self, name: str, language: Language) -> str:
        """Label of a table's column."""
        return self.text("columns", name)[language]

    def kind(self, name: str) -> str:
        """How the values of a column are printed: one of ``numbers.KINDS``."""
        self.text("columns", name)
        return (self._entry("columns", name) or self.terms[name])["kind"]

    def caption(self, key: str, language: Language) -> str:
        """Caption of a table."""
        return self.text("exhibits", key)[language]

    def figure(self, key: str, language: Language) -> str:
        """Caption of a figure."""
        return self.text("figures", key)[language]

    def alt(self, key: str, language: Language) -> str:
        """What a figure shows, for readers who cannot see it."""
        self.text("figures", key)
        return self.entries["figures"][key]["alt"][language]

    def label(self, key: str, language: Language) -> str:
        """Any word of a figure or a table's cell: a label, a term of the case, or a column's label."""
        found = self.word(key)
        return (found or self.text("labels", key))[language]

    def say(self, language: Language) -> Callable[[str], str]:
        """The function that plots use to label themselves in one language."""
        return lambda key: self.label(key, language)

    def word(self, key: Any) -> Text | None:
        """The text of a label, term or column named ``key``; None where it is none of them."""
        if not isinstance(key, str):
            return None
        label, column = (self.entries[section].get(key) for section in ("labels", "columns"))
        owned = (self.own.get(section, {}).get(key) for section in ("labels", "columns"))
        candidates = (*owned, label, self.terms.get(key), column)
        found = next((entry for entry in candidates if entry and not isinstance(entry, _Disputed)), None)
        return found and {language: found[language] for language in LANGUAGES}

    def note(self, key: str, language: Language) -> str:
        """A note under a table."""
        return self.text("notes", key)[language]

    def section(self, key: str, language: Language) -> str:
        """Heading of a section: the question it answers."""
        return self.text("sections", key)[language]

    def verdict(self, verdict: str, language: Language) -> str:
        """A verdict as printed beside its finding."""
        return self.label(_VERDICTS[verdict], language)

    def method(self, key: str, language: Language) -> str:
        """Name of a method."""
        return self.text("methods", key)[language]

    def option(self, key: str, value: Any, language: Language) -> tuple[str, str]:
        """One line of a recipe: the option's label and its value as printed."""
        return self.text("options", key)[language], self.value(plain(value), "", language)

    def template(self, finding: Finding) -> Text:
        """The sentence of a finding before its values are put in."""
        entry = self.entries["findings"].get(finding.key)
        if entry is None:
            return self.text("findings", finding.key)
        if "en" in entry:
            return entry
        if finding.verdict not in entry:
            raise WordsError(
                f"the finding {finding.key!r} has no sentence for the verdict {finding.verdict!r}",
                where="reporting/words",
                repair=f"It has: {', '.join(entry)}.",
            )
        return entry[finding.verdict]

    def sentence(self, finding: Finding, language: Language, style: Style = REPORT) -> str:
        """The sentence of a finding, its values put in.

        Raises
        ------
        WordsError
            The finding has no sentence, or the sentence states a value that the finding lacks.
        """
        return self.fill(self.template(finding)[language], plain(finding.values), language, style)

    def fill(self, template: str, values: Mapping[str, Any], language: Language, style: Style = REPORT) -> str:
        """Put values (JSON values, see ``numbers.plain``) into a sentence."""
        return "".join(text for text, _ in self.pieces(template, values, language, style))

    def pieces(
        self, template: str, values: Mapping[str, Any], language: Language, style: Style = REPORT
    ) -> Iterator[tuple[str, str]]:
        """A sentence piece by piece: its text, and the name of the value it prints (empty for plain words)."""
        end = 0
        for match in _PLACEHOLDER.finditer(template):
            yield template[end : match.start()], ""
            end = match.end()
            name, kind, forms = match.groups()
            if name not in values:
                raise WordsError(
                    f"the sentence {template!r} states {name!r}, which the finding lacks{nearest(name, values)}",
                    where="reporting/words",
                    repair="Name the same values in the sentence and in the finding.",
                )
            if kind == "plural":
                yield forms.split("|")[values[name] != 1], ""
            else:
                governing = style.governing(name, values)
                yield self.value(values[name], kind or "", language, style, name=governing), name
        yield template[end:], ""

    def value(self, value: Any, kind: str, language: Language, style: Style = REPORT, *, name: str = "") -> str:
        """One JSON value as printed in a sentence, a recipe or a table's cell.

        A mapping with a text for each language prints that text; a list its items; a text its wording
        where the words files or the case have one. Without a kind a whole number is printed as it is.
        """
        if isinstance(value, Mapping):
            return str(value[language])
        if isinstance(value, list):
            return _AND[language].join(self.value(item, kind, language, style, name=name) for item in value)
        if kind in {"", "text"} and (word := self.word(value)):
            return word[language]
        if not kind:
            kind = "flag" if isinstance(value, bool) else "text"
        return format_value(value, kind, language, style, name=name)


def placeholders(template: str) -> Iterator[tuple[str, str]]:
    """Name and kind of every value a sentence states.

    >>> list(placeholders("{n:count} {n:plural:customer|customers} of {who}"))
    [('n', 'count'), ('n', 'plural'), ('who', '')]
    """
    return ((match[1], match[2] or "") for match in _PLACEHOLDER.finditer(template))


@cache
def load_words() -> Words:
    """Read and check the words files of the package, once in a process."""
    with resources.as_file(resources.files("crmresearch.reporting") / "words") as folder:
        return read_words(sorted(folder.glob("*.yaml")))


def read_words(paths: list[Path]) -> Words:
    """Read and check words files.

    Raises
    ------
    WordsError
        A file breaks a rule: an unknown section or kind, a key twice (columns, labels and options may
        stand in several files, each for itself), an empty text, a language missing, or sentences that
        state different values in different languages.
    """
    entries: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    areas = {path.stem: _read(path) for path in paths}
    for area, sections in areas.items():
        for section, items in sections.items():
            if section not in SECTIONS:
                raise WordsError(f"unknown section {section!r}{nearest(section, SECTIONS)}", where=f"{area}.yaml")
            for key, entry in items.items():
                known = entries[section].get(key, entry)
                problem = _problem(section, key, entry)
                if known != entry and section not in _SHARED:
                    problem = "stands in two files with different words"
                if problem:
                    raise WordsError(f"{key!r} {problem}", where=f"{area}.yaml, {section}")
                entries[section][key] = entry if known == entry else _disputed(areas, section, key)
    return Words(entries, areas=areas)


class _Disputed(tuple):
    """Names of the files that word one key differently."""


def _disputed(areas: Mapping[str, Mapping[str, Any]], section: str, key: str) -> _Disputed:
    return _Disputed(f"{area}.yaml" for area, sections in areas.items() if key in sections.get(section, ()))


class _Loader(getattr(yaml, "CBaseLoader", yaml.BaseLoader)):
    """Reads every scalar as the text that was written; no key may stand twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[str, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise WordsError(f"{key.value!r} stands twice", where=f"line {key.start_mark.line + 1}")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader) or {}
        return {section: items or {} for section, items in content.items()}
    except yaml.YAMLError as error:
        raise WordsError(f"not valid YAML: {error}", where=path.name) from None


def _problem(section: str, key: str, entry: Any) -> str:
    """The rule an entry breaks, or the empty string."""
    if not _KEY.fullmatch(key):
        return "is not a key: use small letters, digits and '_'"
    if not isinstance(entry, dict):
        return "must have a text for each language"
    if section == "columns":
        if entry.get("kind") not in KINDS:
            return f"has the kind {entry.get('kind')!r}{nearest(str(entry.get('kind')), KINDS)}"
        return _text_problem({k: v for k, v in entry.items() if k != "kind"})
    if section == "figures":
        alt = entry.get("alt")
        return (
            "needs an alt text"
            if not isinstance(alt, dict)
            else _text_problem(alt) or _text_problem({k: v for k, v in entry.items() if k != "alt"})
        )
    if section == "findings" and "en" not in entry:
        unknown = [verdict for verdict in entry if verdict not in _VERDICTS]
        if unknown or not entry:
            return f"has no verdict {unknown}{nearest(str(unknown[:1]), _VERDICTS)}"
        return next(filter(None, map(_sentence_problem, entry.values())), "")
    return _sentence_problem(entry) if section == "findings" else _text_problem(entry)


def _text_problem(text: Any) -> str:
    if not isinstance(text, dict) or set(text) != set(LANGUAGES):
        extra = sorted(set(text) - set(LANGUAGES)) if isinstance(text, dict) else []
        if extra:
            return f"has {extra[0]!r} beside its languages; a text with a comma or colon needs quotes"
        return f"must have exactly the languages {', '.join(LANGUAGES)}"
    empty = [language for language, words in text.items() if not isinstance(words, str) or not words.strip()]
    return f"is empty in {empty[0]}" if empty else ""


def _sentence_problem(text: Any) -> str:
    if problem := _text_problem(text):
        return problem
    stated = [{name for name, _ in placeholders(text[language])} for language in LANGUAGES]
    if stated[0] != stated[1]:
        return f"states {sorted(stated[0] ^ stated[1])} in one language only"
    for words in text.values():
        if set("{}") & set(_PLACEHOLDER.sub("", words)):
            return "has a brace that is no placeholder"
        for name, kind, forms in _PLACEHOLDER.findall(words):
            if kind not in {*KINDS, "plural", ""} or kind == "by_row" or bool(forms) != (kind == "plural"):
                return f"prints {name!r} as {kind!r}{nearest(kind, KINDS)}"
    return ""
