"""Workbooks: proved harmless from their zip directory, then read sheet by sheet through calamine."""

from __future__ import annotations

import datetime as dt
import io
import re
import unicodedata
import xml.etree.ElementTree as ET
import zipfile
from typing import Any

from refusal import RefusalError, note
from sheetxml import MAX_CELLS, Facts, facts_of

MAX_UNPACKED = 1_000_000_000
MAX_PARTS = 10_000
RATIO_FROM = 20_000_000
MAX_RATIO = 100
_TOP = 12
_EXACT = 10**15
_SAVE = "Open it in Excel and save it anew, or save the one sheet needed as CSV UTF-8."
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def prove_harmless(data: bytes) -> int:
    """Bytes the workbook unpacks to, after its directory and parts were found to be in bounds.

    Every part is unpacked once, piece by piece, so that no size in the directory is believed.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            if len(parts) > MAX_PARTS:
                raise RefusalError(f"{len(parts):,} parts, above the limit of {MAX_PARTS:,}", _SAVE)
            _in_bounds(sum(p.file_size for p in parts), sum(p.compress_size for p in parts) or 1)
            if len({p.filename for p in parts}) < len(parts):
                raise RefusalError("a part of the workbook stands twice in its directory", _SAVE)
            unpacked = sum(_unpack(archive, part) for part in parts)
    except RefusalError:
        raise
    except Exception as error:
        raise RefusalError(f"damaged or cut-off workbook ({_brief(error)})", "Copy or export it again.") from None
    return unpacked


def _in_bounds(unpacked: int, packed: int) -> None:
    if unpacked > MAX_UNPACKED:
        raise RefusalError(f"unpacks to {unpacked:,} bytes, above the limit of {MAX_UNPACKED:,}", _SAVE)
    if unpacked > RATIO_FROM and unpacked > MAX_RATIO * packed:
        raise RefusalError(f"{packed:,} bytes unpack to {unpacked:,}: a zip bomb, or a sheet of blanks", _SAVE)


def _unpack(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> int:
    size, tail = 0, b""
    is_xml = part.filename.endswith((".xml", ".rels"))
    with archive.open(part) as stream:
        while piece := stream.read(1 << 20):
            size += len(piece)
            if is_xml and (b"<!DOCTYPE" in tail + piece or b"<!ENTITY" in tail + piece):
                raise RefusalError("its XML defines entities, which no spreadsheet program writes", _SAVE)
            tail = piece[-16:]
    return size


def sheets(data: bytes) -> list[str]:
    """Names of the visible sheets that hold anything."""
    with _open(data) as book:
        return [name for name in _visible(book) if _sheet(book, name).height]


def read(data: bytes, options: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    """One sheet as columns of text, with what is to be known of it."""
    with _open(data) as book, zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = _sheet_parts(archive)
        name = _choose(book, options, archive, parts)
        facts = facts_of(_part(archive, parts[name]) if name in parts else b"", name, _zero_formats(archive))
        sheet = _sheet(book, name)
        rows = _rows(sheet, facts)
        if not options["heading_rows"]:
            return {"top": _top(rows, sheet.merged_cell_ranges or [])}, []
        notes = [*_book_notes(book, archive, name), *facts.notes]
        merges = sheet.merged_cell_ranges or []
        date_1904 = bool(
            re.search(rb"<(?:\w+:)?workbookPr[^>]*\bdate1904=.(?:1|true)", archive.read("xl/workbook.xml"))
        )
    return _frame(rows, name, facts, merges, options, notes, date_1904)


def _open(data: bytes) -> Any:
    from python_calamine import CalamineWorkbook

    try:
        return CalamineWorkbook.from_filelike(io.BytesIO(data))
    except Exception as error:
        raise RefusalError(f"not a workbook that can be read ({_brief(error)})", _SAVE) from None


def _sheet(book: Any, name: str) -> Any:
    try:
        return book.get_sheet_by_name(name)
    except Exception as error:
        raise RefusalError(f"the sheet cannot be read ({_brief(error)})", _SAVE, f"sheet {name!r}") from None


def _brief(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:80]}".rstrip(": ")


def _visible(book: Any) -> list[str]:
    return [m.name for m in book.sheets_metadata if "WorkSheet" in str(m.typ) and str(m.visible).endswith("Visible")]


def _choose(book: Any, options: dict[str, Any], archive: zipfile.ZipFile, parts: dict[str, str]) -> str:
    """The sheet declared, or the one sheet that holds the headings looked for."""
    if options["sheet"]:
        if options["sheet"] not in book.sheet_names:
            listed = ", ".join(map(repr, book.sheet_names[:10]))
            raise RefusalError(f"no sheet {options['sheet']!r}", f"The workbook has: {listed}.")
        names = [options["sheet"]]
    else:
        names = _visible(book)
    for name in names:
        _refuse_far_cells(archive, parts, name)
    filled = [name for name in names if _sheet(book, name).height]
    if len(filled) < 2 or options["sheet"]:
        return (filled or names or list(book.sheet_names))[0]
    wanted = set(options["wanted"])
    holding = [name for name in filled if wanted and wanted <= _headings_near_top(_sheet(book, name))]
    if len(holding) > 1:
        listed = ", ".join(map(repr, holding))
        raise RefusalError(
            f"the headings stand on several sheets: {listed}", "Declare 'sheet' in case.yaml, an entry for each."
        )
    if holding and holding[0] != filled[0]:
        raise RefusalError(
            f"the headings stand on the sheet {holding[0]!r}, not on the first, {filled[0]!r}",
            f"Declare sheet: {holding[0]} in case.yaml.",
        )
    return filled[0]


def _headings_near_top(sheet: Any) -> set[str]:
    found = set()
    for i, row in enumerate(sheet.iter_rows()):
        if i >= _TOP:
            break
        found |= {_normal(_text(cell)) for cell in row}
    return found


def _normal(heading: str) -> str:
    """As ``parsing.text.normal_form``, which this process does not import."""
    text = unicodedata.normalize("NFKC", heading).casefold()
    text = "".join(ch for ch in text if unicodedata.category(ch) not in {"Cc", "Cf"} or ch.isspace())
    return re.sub(r"\s+", " ", text).strip()


def _refuse_far_cells(archive: zipfile.ZipFile, parts: dict[str, str], name: str) -> None:
    if name in parts:
        Facts.refuse_far_cells(_part(archive, parts[name]), name)


def _part(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        return archive.read(name)
    except KeyError:
        raise RefusalError(f"its part {name!r} is missing", _SAVE) from None


def _sheet_parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Sheet name → part of the archive."""
    try:
        relations = ET.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
        targets = {r.get("Id"): (r.get("Target") or "").lstrip("/") for r in relations}
        book = ET.fromstring(archive.read("xl/workbook.xml"))
    except (KeyError, ET.ParseError) as error:
        raise RefusalError(f"damaged workbook ({_brief(error)})", _SAVE) from None
    found = {}
    for element in book.iter():
        if element.tag.rpartition("}")[2] == "sheet":
            target = targets.get(element.get(_RELATION)) or ""
            found[element.get("name") or ""] = target if target.startswith("xl/") else f"xl/{target}"
    return {name: part for name, part in found.items() if part in archive.namelist()}


def _zero_formats(archive: zipfile.ZipFile) -> set[int]:
    """Cell styles that show a number with leading zeros."""
    try:
        styles = ET.fromstring(archive.read("xl/styles.xml"))
    except (KeyError, ET.ParseError):
        return set()
    codes, zero, place = {}, set(), 0
    for element in styles.iter():
        tag = element.tag.rpartition("}")[2]
        if tag == "numFmt":
            codes[element.get("numFmtId")] = element.get("formatCode") or ""
        elif tag == "cellXfs":
            for place, style in enumerate(element):
                if re.fullmatch(r"0{2,}", codes.get(style.get("numFmtId"), "")):
                    zero.add(place)
    return zero


def _book_notes(book: Any, archive: zipfile.ZipFile, chosen: str) -> list[dict[str, Any]]:
    names = archive.namelist()
    notes = []
    if any(name.endswith("vbaProject.bin") for name in names):
        notes.append(note("MACROS", "warning"))
    links = [name for name in names if re.fullmatch(r"xl/externalLinks/[^/]+\.xml", name)]
    if links:
        notes.append(note("EXTERNAL_LINKS", "warning", len(links)))
    visible = _visible(book)
    hidden = [m.name for m in book.sheets_metadata if m.name not in visible and m.name != chosen]
    if hidden:
        notes.append(note("HIDDEN_SHEETS", "warning", len(hidden), tuple(sorted(hidden))))
    others = [name for name in visible if name != chosen]
    if others:
        notes.append(note("OTHER_SHEETS", "warning", len(others), tuple(sorted(others))))
    return notes


def _rows(sheet: Any, facts: Facts) -> dict[int, list[str]]:
    """Physical row (1 = first) → its cells as text from the first column on; rows without content are left out."""
    if sheet.start is None:
        return {}
    first, left = sheet.start
    if sheet.height * (sheet.width + left) > 4 * MAX_CELLS:
        raise RefusalError(f"spans {sheet.height:,} rows and {sheet.width:,} columns", _SAVE, f"sheet {sheet.name!r}")
    rows = {}
    for i, cells in enumerate(sheet.iter_rows(), first + 1):
        texts = [_text(cell) for cell in cells]
        if any(texts) or i in facts.flawed_rows:
            rows[i] = [""] * left + texts
    return rows


def _text(cell: Any) -> str:
    """A cell as a text export would write it; what a spreadsheet shows are 15 digits."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, dt.datetime):
        midnight = cell.time() == dt.time()
        return cell.date().isoformat() if midnight else cell.isoformat(timespec="seconds")
    if isinstance(cell, dt.date | dt.time):
        return cell.isoformat()
    if isinstance(cell, int | float):
        return number_text(cell)
    return str(cell)


def number_text(value: float) -> str:
    """Fifteen digits, no exponent; from 10^15 on an exponent, for digits have been lost."""
    if abs(value) >= _EXACT:
        return f"{value:.14E}"
    text = f"{value:.15g}"
    if "e" in text:
        text = f"{value:.20f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def _frame(
    rows: dict[int, list[str]],
    name: str,
    facts: Facts,
    merges: list[Any],
    options: dict[str, Any],
    notes: list[dict[str, Any]],
    date_1904: bool,
) -> tuple[dict[str, Any], list[Any]]:
    below = [i for i in rows if i > options["skip_rows"] and any(cell.strip() for cell in rows[i])]
    info = {"sheet": name, "headings": [], "notes": notes, "wordings": {}, "flawed": [], "date_1904": date_1904}
    if not below:
        return {**info, "top": []}, [[]]
    begin = below[0]
    head = range(begin, begin + options["heading_rows"])
    width = max(len(cells) for cells in rows.values())
    _refuse_merged_heading(merges, begin, options, rows, name)
    headings = _headings(rows, head, merges, width)
    used = [j for j in range(width) if headings[j] or any(cells[j].strip() for cells in _after(rows, head.stop, j))]
    _refuse_repeats([headings[j] for j in used], begin, name)
    flaws = facts.flaws(merges, begin + len(head), max(rows), width)
    places = [i for i in rows if i >= head.stop and (any(c.strip() for c in rows[i]) or i in facts.flawed_rows)]
    arrays = [places]
    raw = facts.raw
    for j in used:
        column = [raw.get((i, j)) or (rows[i][j] if j < len(rows[i]) else "") for i in places]
        arrays.append(column)
    flawed = [k for k, j in enumerate(used) if any((i, j) in flaws for i in places)]
    for k in flawed:
        arrays.append([flaws.get((i, used[k])) for i in places])
    info |= {"headings": [headings[j] for j in used], "flawed": flawed, "top": _top(rows, merges)}
    return info, arrays


def _top(rows: dict[int, list[str]], merges: list[Any]) -> list[Any]:
    """The first rows with content; what is merged across columns stands in each of them."""
    first = {i: [cell[:200] for cell in rows[i][:500]] for i in sorted(rows)[:_TOP]}
    for (top, left), (_, right) in merges:
        cells = first.get(top + 1, [])
        for j in range(left + 1, min(right + 1, len(cells))):
            cells[j] = cells[left]
    return [[i, cells] for i, cells in first.items()]


def _after(rows: dict[int, list[str]], start: int, j: int) -> Any:
    return (cells for i, cells in rows.items() if i >= start and j < len(cells))


def _refuse_merged_heading(
    merges: list[Any], begin: int, options: dict[str, Any], rows: dict[int, list[str]], name: str
) -> None:
    """A heading cell that spans columns above others says that the heading has more rows."""
    for (top, left), (bottom, right) in merges:
        across = right > left and top + 1 == begin and bottom + 1 == begin
        last = begin + options["heading_rows"] - 1
        if across and last == begin and left > 0 and any(rows.get(begin + 1, [])[left : right + 1]):
            raise RefusalError(
                f"the heading {rows[begin][left][:40]!r} spans {right - left + 1} columns",
                f"Declare heading_rows: 2 in case.yaml if row {begin + 1} names its columns (they are then joined: "
                f"'{rows[begin][left][:20]} {rows[begin + 1][left][:20]}'), or skip_rows: {begin}.",
                f"sheet {name!r}, row {begin}",
            )


def _headings(rows: dict[int, list[str]], head: range, merges: list[Any], width: int) -> list[str]:
    levels = {i: [*rows.get(i, []), *[""] * (width - len(rows.get(i, [])))] for i in head}
    for (top, left), (bottom, right) in merges:
        inside = [i for i in head if top <= i - 1 <= bottom]
        if inside and top + 1 in levels and len(head) > 1:
            value = levels[top + 1][left]
            for i in inside:
                for j in range(left, min(right + 1, width)):
                    levels[i][j] = value
    headings = []
    for j in range(width):
        parts = [levels[i][j].strip() for i in head if levels[i][j].strip()]
        headings.append(" ".join(p for k, p in enumerate(parts) if k == 0 or p != parts[k - 1]))
    return headings


def _refuse_repeats(headings: list[str], row: int, name: str) -> None:
    seen = set()
    for heading in headings:
        key = _normal(heading)
        if key and key in seen:
            raise RefusalError(
                f"the heading {heading[:40]!r} stands twice",
                "Give each column a heading of its own.",
                f"sheet {name!r}, row {row}",
            )
        seen.add(key)
