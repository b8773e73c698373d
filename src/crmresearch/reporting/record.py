"""The record of a study: ordered blocks that every renderer reads and none recomputes.

``record.json`` holds the study's name, case, title, ``as_of``, parameters, input hashes, whether records
were left ``unmerged``, and ``blocks``. Each block has a ``type``, an ``id`` that names it within the
study, and its texts in every language; numbers stay raw and unrounded, missing values are null, money
is its exact text.

=========  =====================================================================================
type       further keys
=========  =====================================================================================
section    key, text
finding    key, text, template, values, words, verdict, claim, main, result
table      key, number, caption, columns (name, label, kind, personal), rows, rows_total, words,
           notes (key, text), file, sha256, guarded_cells, result
figure     key, number, caption, alt, files (language → file, sha256, width, height, vector)
recipe     function, method (key, text), options (key, label, value, text), source
refusal    function, what, where, repair
note       key, text, values (where it states any)
=========  =====================================================================================

``result`` is the id of the recipe the block came with; ``words`` gives the wording of raw values
that are words. A value's address is the study, the block's id, and ``r<row>c<column>`` of a table
(both from 1) or the name of a finding's value: ``value_indicators/table-rfm_segments:r3c2``.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmresearch.errors import CrmresearchError, StorageError, StudyError
from crmresearch.reporting.numbers import LANGUAGES, NUMERIC, plain
from crmresearch.reporting.words import Text, Words
from crmresearch.results import Exhibit, Finding, Recipe, Result
from crmresearch.tables import PERSONAL

if TYPE_CHECKING:  # slow to load, and who reads a record draws and computes nothing
    import pandas as pd
    from matplotlib.figure import Figure

FORMAT = 1
FORMULA_STARTS = r"[=+\-@\t\r]"
FIGURE_DPI = 300

Block = dict[str, Any]


class Record:
    """Collects what a study found and writes it into a folder.

    Parameters
    ----------
    folder : Path
        Made if missing; gets ``tables/``, ``figures/`` and, at the end, ``record.json``.
    study, case : str
    title : Mapping[str, str]
        The study's title in each language.
    as_of : str
        Last observed day, ISO.
    parameters : Mapping[str, Any]
        The study's parameters as used.
    inputs : Mapping[str, str]
        Processed table → SHA-256 of its file.
    unmerged : bool
        Records of one customer were looked for and left as they came.
    words : Words
        With the case's own terms.

    Examples
    --------
    >>> from crmresearch.reporting.words import load_words
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     record = Record(Path(folder), study="demo", case="cdnow", title={"en": "Demo", "zh": "示例"},
    ...                     as_of="1998-06-30", parameters={}, inputs={}, words=load_words())
    ...     len(record.close())
    64
    """

    def __init__(
        self,
        folder: Path,
        *,
        study: str,
        case: str,
        title: Text,
        as_of: str,
        parameters: Mapping[str, Any],
        inputs: Mapping[str, str],
        words: Words,
        unmerged: bool = False,
    ) -> None:
        self.folder, self.words = folder, words
        self.blocks: list[Block] = []
        self._head = {
            "format": FORMAT,
            "study": study,
            "case": case,
            "title": dict(title),
            "as_of": as_of,
            "parameters": plain(parameters),
            "inputs": dict(sorted(inputs.items())),
            "unmerged": unmerged,
        }
        self._ids: dict[str, int] = {}
        self._closed = False
        (folder / "tables").mkdir(parents=True, exist_ok=True)
        (folder / "figures").mkdir(exist_ok=True)

    def section(self, key: str) -> Block:
        """Begin a section: the heading is the question it answers."""
        return self._add("section", key, key=key, text=dict(self.words.text("sections", key)))

    def note(self, key: str, values: Mapping[str, Any] | None = None) -> Block:
        """Add a paragraph of its own, which may state values as a finding does."""
        words, stated = self.words.of("notes", key), plain(values or {})
        template = words.text("notes", key)
        text = {language: words.fill(template[language], stated, language) for language in LANGUAGES}
        return self._add("note", key, key=key, text=text, **({"values": stated} if stated else {}))

    def result(self, result: Result, function: str) -> tuple[Block, ...]:
        """Add a scorer's result: its findings, its tables, its recipe.

        Parameters
        ----------
        result : Result
        function : str
            Full name of the function that gave it.

        Returns
        -------
        tuple of Block
            The blocks as recorded, for display.
        """
        first = len(self.blocks)
        recipe_id = self._id("recipe", function.rpartition(".")[2])
        for finding in result.findings():
            self._finding(finding, recipe_id)
        for exhibit in result.exhibits():
            self._table(exhibit, recipe_id)
        self._recipe(result.recipe, function, recipe_id)
        return tuple(self.blocks[first:])

    def figure(self, key: str, figures: Mapping[str, Figure]) -> Block:
        """Save a figure, drawn once for each language, and once more in Traditional characters where asked for.

        The files are PNG of 300 dots an inch and SVG, without a date, so the same figure gives the same bytes.

        Raises
        ------
        FontError
            The figure holds a character that its fonts lack.
        """
        name = self._id("figure", key)
        stem = f"figures/{name.removeprefix('figure-')}"
        files = {language: self._save(figure, f"{stem}.{language}.png") for language, figure in figures.items()}
        return self._append(
            {
                "type": "figure",
                "id": name,
                "key": key,
                "number": self._number("figure"),
                "caption": dict(self.words.text("figures", key)),
                "alt": {language: self.words.alt(key, language) for language in LANGUAGES},
                "files": files,
            }
        )

    def refusal(self, error: CrmresearchError, function: str) -> Block:
        """Record that a result is not given, why, and what would help."""
        return self._add(
            "refusal",
            function.rpartition(".")[2],
            function=function,
            what=error.what,
            where=error.where,
            repair=error.repair,
        )

    def close(self) -> str:
        """Write ``record.json``, last and in one step; return its SHA-256."""
        content = json.dumps({**self._head, "blocks": self.blocks}, ensure_ascii=False, allow_nan=False, indent=1)
        part, path = self.folder / "record.json.part", self.folder / "record.json"
        try:
            part.write_text(content + "\n", encoding="utf-8", newline="\n")
            part.replace(path)
        except OSError as error:
            raise StorageError(f"cannot write the record: {error.strerror}", where=str(path)) from None
        self._closed = True
        return _sha256(path)

    def _save(self, figure: Figure, file: str) -> dict[str, Any]:
        from matplotlib.text import Text as PlotText

        from crmresearch.reporting.figures.theme import theme

        path = self.folder / file
        with theme():
            figure.savefig(path, dpi=FIGURE_DPI, metadata={"Software": None})
            figure.set_layout_engine("none")  # which keeps the places just found
            vector = path.with_suffix(".svg")
            figure.savefig(vector, dpi=FIGURE_DPI, metadata={"Date": None, "Creator": None})
        if any("\\mathdefault" in text.get_text() for text in figure.findobj(PlotText)):
            raise StudyError(
                "a logarithmic axis prints code, not numbers", where=file, repair="Scale it by theme.log_scale."
            )
        content = path.read_bytes()
        width, height = struct.unpack(">II", content[16:24])  # of the PNG header
        return {
            "file": file,
            "sha256": hashlib.sha256(content).hexdigest(),
            "width": width,
            "height": height,
            "vector": {"file": f"{file.removesuffix('.png')}.svg", "sha256": _sha256(vector)},
        }

    def _finding(self, finding: Finding, recipe_id: str) -> None:
        words = self.words.of("findings", finding.key)
        template, values = dict(words.template(finding)), plain(finding.values)
        self._add(
            "finding",
            finding.key,
            key=finding.key,
            text={language: words.fill(template[language], values, language) for language in LANGUAGES},
            template=template,
            values=values,
            words=_wording(words, _leaves(values)),
            verdict=finding.verdict,
            claim=finding.claim,
            main=finding.main,
            result=recipe_id,
        )

    def _table(self, exhibit: Exhibit, recipe_id: str) -> None:
        words = self.words.of("exhibits", exhibit.key)
        data, name = exhibit.data, self._id("table", exhibit.key)
        shown = data if exhibit.rows_shown is None else data.head(exhibit.rows_shown)
        columns = [
            {
                "name": str(column),
                "label": dict(words.text("columns", column)),
                "kind": _column_kind(words, data[column]),
                "personal": column in PERSONAL,
            }
            for column in data.columns
        ]
        cells = [[plain(value) for value in shown[column].astype(object)] for column in data.columns]
        worded = [
            leaf
            for column, values in zip(columns, cells, strict=True)
            if column["kind"] == "text"
            for leaf in _leaves(values)
        ]
        file = f"tables/{name.removeprefix('table-')}.csv"
        guarded = write_csv(data, self.folder / file)
        block = {
            "type": "table",
            "id": name,
            "key": exhibit.key,
            "number": self._number("table"),
            "caption": dict(words.text("exhibits", exhibit.key)),
            "columns": columns,
            "rows": [list(row) for row in zip(*cells, strict=True)],
            "rows_total": len(data),
            "words": _wording(words, worded),
            "notes": [{"key": key, "text": dict(words.text("notes", key))} for key in exhibit.notes],
            "file": file,
            "sha256": _sha256(self.folder / file),
            "guarded_cells": guarded,
            "result": recipe_id,
        }
        if any(column["kind"] == "by_row" for column in columns):
            block["row_kinds"] = [_row_kind(words, values) for values in cells[0]]
        self._append(block)

    def _recipe(self, recipe: Recipe, function: str, recipe_id: str) -> None:
        words, options = self.words.of("methods", recipe.method), []
        for key, raw in recipe.options.items():
            value = plain(raw)
            text = {language: words.value(value, "", language) for language in LANGUAGES}
            options.append({"key": key, "label": dict(words.text("options", key)), "value": value, "text": text})
        self._append(
            {
                "type": "recipe",
                "id": recipe_id,
                "function": function,
                "method": {"key": recipe.method, "text": dict(words.text("methods", recipe.method))},
                "options": options,
                "source": recipe.source,
            }
        )

    def _number(self, kind: str) -> int:
        return 1 + sum(block["type"] == kind for block in self.blocks)

    def _id(self, kind: str, key: str) -> str:
        name = f"{kind}-{key}"
        self._ids[name] = self._ids.get(name, 0) + 1
        return name if self._ids[name] == 1 else f"{name}-{self._ids[name]}"

    def _add(self, kind: str, name: str, **content: Any) -> Block:
        return self._append({"type": kind, "id": self._id(kind, name), **content})

    def _append(self, block: Block) -> Block:
        if self._closed:
            raise StudyError(
                "the record is closed", where=self._head["study"], repair="Close the study in the last cell, once."
            )
        self.blocks.append(block)
        return block


def _column_kind(words: Words, column: pd.Series) -> str:
    """How a column is printed; one that a case's own name heads (a construct, an item) by what it holds."""
    kind = words.kind(str(column.name))
    own = column.name not in words.entries["columns"]
    return "number" if own and kind == "text" and column.dtype.kind == "f" else kind


def _row_kind(words: Words, name: Any) -> str:
    """How the values of a row are printed that is named by a column's or a term's key."""
    kind = words.kind(name) if name in words.entries["columns"] or name in words.terms else "number"
    return kind if kind in NUMERIC or kind in {"date", "flag"} else "number"


def _wording(words: Words, values: Any) -> dict[str, dict[str, str]]:
    """Both wordings of every value that is a word, in order of first appearance."""
    found = {value: words.word(value) for value in dict.fromkeys(v for v in values if isinstance(v, str))}
    return {value: dict(text) for value, text in found.items() if text}


def read_record(folder: Path) -> dict[str, Any]:
    """Read the ``record.json`` of a study.

    Raises
    ------
    StorageError
        There is none, or it is not one of this format.
    """
    path = folder / "record.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StorageError(f"no readable record: {error}", where=str(path), repair="Run the study again.") from None
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise StorageError("a record of another format", where=str(path), repair="Run the study again.")
    return record


def write_csv(data: pd.DataFrame, path: Path) -> int:
    """Write a table that spreadsheets open as what it is; return how many cells were guarded.

    UTF-8 with a byte-order mark, so that Chinese opens rightly in Excel; numbers unrounded. A text
    that a spreadsheet would take for a formula (first character ``= + - @``, tab or carriage return)
    gets a leading apostrophe, in the cells of text columns and in headings.
    """
    import pandas as pd

    safe, guarded = {}, 0
    for name, column in data.items():
        if not pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_datetime64_any_dtype(column):
            column = column.astype(object)
            risky = column.map(lambda value: isinstance(value, str)) & column.astype(str).str.match(FORMULA_STARTS)
            guarded += int(risky.sum())
            column = column.where(~risky, "'" + column.astype(str))
        safe[name] = column
    headings = pd.Series([str(name) for name in safe], dtype=str)
    risky_headings = headings.str.match(FORMULA_STARTS)
    frame = pd.DataFrame(safe)
    frame.columns = headings.where(~risky_headings, "'" + headings)
    frame.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\n")
    return guarded + int(risky_headings.sum())


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
