"""SPSS and Stata files: codes as text, labels beside them, user-missing values as missing with their label."""

from __future__ import annotations

import datetime as dt
import math
import tempfile
from pathlib import Path
from typing import Any

from refusal import RefusalError, note
from workbook import number_text


def read(data: bytes, options: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    """The file as columns of text, with what is to be known of it."""
    columns, meta = _parse(data, options)
    n = len(columns[0]) if columns else 0
    if meta.number_rows is not None and meta.number_rows >= 0 and meta.number_rows != n:
        raise RefusalError(f"cut off: {n:,} of {meta.number_rows:,} rows", "Copy or export it again.")
    notes = _encoding_notes(columns, meta, options)
    headings: list[str] = []
    arrays: list[Any] = [list(range(2, n + 2))]
    wordings = {}
    taken = {name.casefold() for name in meta.column_names}
    for name, values in zip(meta.column_names, columns, strict=True):
        labels = meta.variable_value_labels.get(name) or {}
        missing = _missing_codes(meta, name)
        texts, told = _texts(values, missing, labels)
        headings.append(name)
        arrays.append(texts)
        wording = meta.column_names_to_labels.get(name) or ""
        if wording:
            wordings[name] = wording
        if told:
            notes.append(note("USER_MISSING", "normalised", sum(told.values()), tuple(sorted(told)), name))
        if labels:
            second = f"{name} (label)"
            while second.casefold() in taken:
                second += "'"
            taken.add(second.casefold())
            known = {_text(code): str(label) for code, label in labels.items()}
            headings.append(second)
            arrays.append([known.get(t) if t else None for t in texts])
    info = {"sheet": "", "headings": headings, "notes": notes, "wordings": wordings, "flawed": [], "top": []}
    return {**info, "date_1904": False}, arrays


def _parse(data: bytes, options: dict[str, Any]) -> tuple[list[list[Any]], Any]:
    import pyreadstat

    form = options["form"]
    if data.startswith(b"<stata_dta>") and not data.rstrip(b"\n").endswith(b"</stata_dta>"):
        raise RefusalError("cut off: the end of the Stata file is missing", "Copy or export it again.")
    read = pyreadstat.read_sav if form == "spss" else pyreadstat.read_dta
    suffix = {"spss": ".zsav" if data[:4] == b"$FL3" else ".sav"}.get(form, ".dta")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file{suffix}"
        path.write_bytes(data)
        try:
            columns, meta = read(path, user_missing=True, output_format="dict", encoding=options["encoding"] or None)
        except Exception as error:
            raise RefusalError(
                f"damaged or cut-off file, or not in the encoding it declares ({' '.join(str(error).split())[:80]})",
                "Export it again, or declare its 'encoding' in case.yaml (GB18030, UTF-8 …).",
            ) from None
    return [list(columns[name]) for name in meta.column_names], meta


def _missing_codes(meta: Any, name: str) -> list[Any]:
    """Ranges ``(low, high)`` and single values declared to be missing."""
    ranges = [(r["lo"], r["hi"]) for r in meta.missing_ranges.get(name, ())]
    return [*ranges, *((value, value) for value in meta.missing_user_values.get(name, ()))]


def _texts(values: list[Any], missing: list[Any], labels: dict[Any, str]) -> tuple[list[str | None], dict[str, int]]:
    texts: list[str | None] = []
    told: dict[str, int] = {}
    for value in values:
        if value is not None and any(_within(value, low, high) for low, high in missing):
            code = _text(value)
            what = f"{code} {labels.get(value, '')}".strip()
            told[what] = told.get(what, 0) + 1
            texts.append(None)
        else:
            texts.append(_text(value))
    return texts, told


def _within(value: Any, low: Any, high: Any) -> bool:
    if isinstance(value, str) or isinstance(low, str):
        return isinstance(value, str) and isinstance(low, str) and value.rstrip() == low.rstrip()
    return isinstance(value, int | float) and low <= value <= high


def _text(value: Any) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, str):
        return value.rstrip()
    if isinstance(value, dt.datetime):
        midnight = value.time() == dt.time()
        return value.date().isoformat() if midnight else value.isoformat(timespec="seconds")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return number_text(float(value)) if isinstance(value, int | float) else str(value)


def _encoding_notes(columns: list[list[Any]], meta: Any, options: dict[str, Any]) -> list[dict[str, Any]]:
    """Name the encoding where it is not UTF-8, and doubt it where the text looks like Chinese read as Latin."""
    declared = options["encoding"] or meta.file_encoding or ""
    words = [v for column in columns for v in column[:200] if isinstance(v, str) and not v.isascii()]
    words += [w for w in meta.column_names_to_labels.values() if w and not w.isascii()]
    if not words or not declared or declared.upper().replace("-", "") == "UTF8":
        return []
    samples = tuple(sorted(set(words))[:4])
    notes = [note("ENCODING", "normalised", 1, (declared, *samples))]
    wide = [ch for word in words for ch in word if ch > "\x7f"]
    latin = sum("\x80" <= ch <= "\u024f" or "\u2010" <= ch <= "\u2122" for ch in wide)
    if latin > 0.8 * len(wide) and len(wide) > 3 * len(words) / 2:
        notes.append(note("ENCODING_DOUBTFUL", "warning", len(words), samples))
    return notes
