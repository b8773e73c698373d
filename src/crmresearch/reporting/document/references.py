"""References: one BibTeX file, printed in a named citation style by citeproc."""

from __future__ import annotations

import html
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from crmresearch.errors import InputError, nearest
from crmresearch.reporting.document.model import Run, Runs

_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_MARKS = re.compile(r"<(/?)(i|b|sup|sub|span)[^>]*>")


@dataclass(frozen=True, slots=True)
class References:
    """The sources of one document, in one style.

    Attributes
    ----------
    entries : tuple[Runs, ...]
        The list, in the order of the style.
    citations : dict[str, str]
        Key → how the source is cited in the text, without brackets.
    numbered : bool
    """

    entries: tuple[Runs, ...] = ()
    citations: dict[str, str] | None = None
    numbered: bool = False

    def cite(self, items: Sequence[tuple[str, str]]) -> str:
        """One citation of one or more sources, each with its locator."""
        known = self.citations or {}
        parts = [f"{known.get(key, '?' + key)}{', ' + locator if locator else ''}" for key, locator in items]
        return f"[{','.join(parts)}]" if self.numbered else f"({'; '.join(parts)})"


def read_references(path: Path, keys: Sequence[str], style: str, *, lenient: bool = False) -> References:
    """Print the sources of a BibTeX file that a document cites.

    Parameters
    ----------
    path : Path
    keys : Sequence[str]
        In order of first citation.
    style : str
        A file of ``styles/``, without its suffix.
    lenient : bool
        A key that the file lacks is cited with a question mark instead of refused.

    Raises
    ------
    InputError
        The file cannot be read, or lacks a key; the message names the nearest.
    """
    sources = _read(path)
    for key in keys:
        if key not in sources and not lenient:
            raise InputError(
                f"no source {key[:60]!r}{nearest(key, sources)}",
                where=path.name,
                repair="Mend the key in the text, or add the source.",
            )
    keys = [key for key in dict.fromkeys(keys) if key in sources]
    numbered = style == "gbt7714"
    printed = {key: _print(sources[key], style) for key in keys}
    if not numbered:
        keys = sorted(keys, key=lambda key: "".join(run.text for run in printed[key][0]).casefold())
    citations = {key: str(n) if numbered else printed[key][1] for n, key in enumerate(keys, start=1)}
    entries = tuple(
        (Run(f"[{n}] "), *printed[key][0]) if numbered else printed[key][0] for n, key in enumerate(keys, start=1)
    )
    return References(entries, citations, numbered)


def _read(path: Path) -> dict[str, Any]:
    """Key → source, with the fields that citeproc leaves out of a BibTeX entry put back."""
    from citeproc.source.bibtex import BibTeX
    from citeproc.source.bibtex.bibparse import BibTeXParser

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sources, raw = dict(BibTeX(str(path), encoding="utf-8").items()), BibTeXParser(str(path), encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=path.name, repair="Mind its name.") from None
    except Exception as error:
        what = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(f"not BibTeX ({what})", where=path.name, repair="Mend the entry named.") from None
    for key, source in sources.items():
        fields = {name.lower(): re.sub(r"[{}]", "", str(value)) for name, value in raw[key].items()}
        for bibtex, ours in (("school", "publisher"), ("institution", "publisher"), ("url", "URL")):
            if fields.get(bibtex) and ours not in source:
                source[ours] = fields[bibtex]
        if fields.get("url") and source.type == "article":
            source["type"] = "webpage"
            source.type = "webpage"
    return sources


def _print(source: Any, style: str) -> tuple[Runs, str]:
    """One entry of the list, and its citation without brackets: each source in its own language."""
    from citeproc import Citation, CitationItem, CitationStylesBibliography, CitationStylesStyle, formatter

    chinese = bool(_CHINESE.search(str(source["title"])))
    with resources.as_file(resources.files("crmresearch.reporting.document") / "styles" / f"{style}.csl") as path:
        rules = CitationStylesStyle(str(path), locale="zh-CN" if chinese else "en-US", validate=False)
    if "edition" in source and style == "gbt7714":
        source["edition"] = f"{source['edition']}版" if chinese else f"{_ordinal(str(source['edition']))} ed"
    elif "edition" in source:
        source["edition"] = _ordinal(str(source["edition"]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        books = CitationStylesBibliography(rules, {source.key: source}, formatter.html)
        citation = Citation([CitationItem(source.key)])
        books.register(citation)
        entry = str(books.bibliography()[0])
        cited = str(books.cite(citation, lambda item: None))
    entry = re.sub(r"([.?!。])\.", r"\1", entry)
    entry = re.sub(r"(?<=\d)[～–](?=\d)", "-" if style == "gbt7714" else "–", entry)
    return tuple(_runs(entry)), html.unescape(_MARKS.sub("", cited)).strip("()[]")


def _runs(entry: str) -> list[Run]:
    found, look, end = [], "", 0
    for match in _MARKS.finditer(entry):
        if match.start() > end:
            found.append(Run(html.unescape(entry[end : match.start()]), look))
        look, end = ("italic" if not match[1] and match[2] == "i" else ""), match.end()
    if end < len(entry):
        found.append(Run(html.unescape(entry[end:]), look))
    return found


def _ordinal(number: str) -> str:
    if not number.isdigit():
        return number
    ending = "th" if number[-2:] in {"11", "12", "13"} else {"1": "st", "2": "nd", "3": "rd"}.get(number[-1], "th")
    return number + ending
