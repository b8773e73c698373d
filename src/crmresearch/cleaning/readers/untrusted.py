"""Workbooks and statistics files, read in a process of their own with limits: what it says is data, never code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pyarrow as pa

from crmresearch.case import SourceFile
from crmresearch.cleaning.notes import Note
from crmresearch.cleaning.readers.encodings import LOST
from crmresearch.cleaning.readers.frame import BROKEN, EMPTY, TextFrame
from crmresearch.errors import InputError

SECONDS = 120
"""Wall-clock and processor time that one file may take."""

_CHILD = Path(__file__).parent / "child"
_LONE = dict.fromkeys(range(0xD800, 0xE000), LOST)


def read_workbook(data: bytes, source: SourceFile, wanted: Collection[str]) -> TextFrame:
    """Read one sheet of an xlsx or xlsm workbook; macros never run, links are never followed.

    Cells become text as an export would write them: whole numbers without a point, dates as
    ``2023-01-02``. Cells whose value cannot be trusted carry a flaw.

    Raises
    ------
    InputError
        The workbook is damaged, too large, a bomb, or does not say which of its sheets is meant.
    """
    return _ask("workbook", data, source, wanted)


def read_spss(data: bytes, source: SourceFile, wanted: Collection[str]) -> TextFrame:
    """Read an SPSS file: codes, with a second column ``<name> (label)`` where codes have labels.

    User-missing values become missing; the log names each with its label.

    Raises
    ------
    InputError
        The file is damaged or cut off, or its text is not in the encoding it declares.
    """
    return _ask("spss", data, source, wanted)


def read_stata(data: bytes, source: SourceFile, wanted: Collection[str]) -> TextFrame:
    """Read a Stata file, as ``read_spss``."""
    return _ask("stata", data, source, wanted)


def sheet_names(data: bytes, file: str) -> tuple[str, ...]:
    """The sheets of a workbook that can be seen and hold something, in their order."""
    info, _ = _run({"form": "sheets"}, data, file)
    return tuple(info["sheets"])


def workbook_top(data: bytes, file: str, sheet: str) -> tuple[tuple[int, tuple[str, ...]], ...]:
    """The first rows of a sheet as they look: merged cells filled, nothing taken for a heading yet."""
    options = {"form": "workbook", "sheet": sheet, "skip_rows": 0, "heading_rows": 0, "wanted": []}
    info, _ = _run(options, data, file)
    return tuple((row, tuple(cells)) for row, cells in info["top"])


def _ask(form: str, data: bytes, source: SourceFile, wanted: Collection[str]) -> TextFrame:
    options = {
        "form": form,
        "sheet": source.sheet,
        "skip_rows": source.skip_rows,
        "heading_rows": source.heading_rows,
        "encoding": source.encoding,
        "wanted": sorted(wanted),
    }
    info, columns = _run(options, data, source.file)
    notes = tuple(Note(n["rule"], n["severity"], n["column"], n["count"], tuple(n["examples"])) for n in info["notes"])
    top = tuple((row, tuple(cells)) for row, cells in info["top"])
    if not info["headings"]:
        return EMPTY
    columns = [pa.array(columns[0], pa.int64()), *(pa.array(column, pa.large_string()) for column in columns[1:])]
    n = len(info["headings"])
    flaws = {j: columns[1 + n + i] for i, j in enumerate(info["flawed"])}
    return TextFrame(
        tuple(info["headings"]),
        tuple(columns[1 : 1 + n]),
        columns[0],
        BROKEN.empty_table(),
        sheet=info["sheet"],
        notes=notes,
        flaws=flaws,
        wordings=info["wordings"],
        top=top,
        date_1904=info["date_1904"],
    )


def _run(options: dict[str, Any], data: bytes, file: str) -> tuple[dict[str, Any], list[list[Any]]]:
    """Let the child read ``data``; it answers with a table in JSON, or refuses with a sentence."""
    command = [sys.executable, str(_CHILD), json.dumps(options, ensure_ascii=True)]
    environment = {**os.environ, "PYTHONUTF8": "1", "OMP_NUM_THREADS": "1"}
    environment["OPENBLAS_NUM_THREADS"] = "1"
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=SECONDS, env=environment, check=False)
    except subprocess.TimeoutExpired:
        raise InputError(
            f"not read after {SECONDS} s", where=file, repair="Save the one table needed as CSV UTF-8."
        ) from None
    if done.returncode == 3:
        refusal = json.loads(done.stdout)
        where = ", ".join(filter(None, (file, refusal["where"])))
        raise InputError(refusal["what"], where=where, repair=refusal["repair"])
    if done.returncode != 0:
        raise InputError(
            "reading it took more memory or time than its size allows, or its content is damaged",
            where=file,
            repair="Save the one table needed as CSV UTF-8, or open and save the file anew.",
        )
    try:
        answer = json.loads(done.stdout.decode("utf-8", "surrogatepass").translate(_LONE))
        return answer["info"], answer["columns"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"cannot be read ({type(error).__name__})", where=file, repair="Save it as CSV UTF-8."
        ) from None
