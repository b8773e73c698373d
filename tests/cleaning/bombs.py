"""Workbooks that are small on disk and enormous when read."""

from __future__ import annotations

import io
import zipfile

_TYPES = (
    b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    b'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    b'<Default Extension="xml" ContentType="application/xml"/></Types>'
)
_MAIN = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_DOCUMENT = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = b"http://schemas.openxmlformats.org/package/2006/relationships"


def workbook_of(sheet: bytes, extra: dict[str, bytes] | None = None) -> bytes:
    """A workbook with the given XML as the rows of its only sheet."""
    parts = {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": b'<Relationships xmlns="%s"><Relationship Id="r1" Type="%s/officeDocument" '
        b'Target="xl/workbook.xml"/></Relationships>' % (_PACKAGE, _DOCUMENT),
        "xl/workbook.xml": b'<workbook xmlns="%s" xmlns:r="%s"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets>'
        b"</workbook>" % (_MAIN, _DOCUMENT),
        "xl/_rels/workbook.xml.rels": b'<Relationships xmlns="%s"><Relationship Id="r1" Type="%s/worksheet" '
        b'Target="worksheets/sheet1.xml"/></Relationships>' % (_PACKAGE, _DOCUMENT),
        "xl/worksheets/sheet1.xml": b'<worksheet xmlns="%s"><sheetData>%s</sheetData></worksheet>' % (_MAIN, sheet),
        **(extra or {}),
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return stream.getvalue()


def far_cell() -> bytes:
    """A cell in the first and one in the last corner of the sheet: 17 thousand million cells between them."""
    return workbook_of(b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')


def zip_bomb(size: int = 25_000_000) -> bytes:
    """Blanks that pack a thousand to one."""
    return workbook_of(b" " * size)


def many_blanks(cells: int = 4_000_000) -> bytes:
    """Cells without a value, as a sheet formatted to its end holds."""
    return workbook_of(b'<row r="1">' + b"<c/>" * cells + b"</row>", {"xl/media/image1.png": b" " * 20_000_000})


def many_parts(parts: int = 10_100) -> bytes:
    """More parts than any workbook has."""
    return workbook_of(b"", {f"xl/media/{i}.png": b"" for i in range(parts)})


def with_entities(workbook: bytes) -> bytes:
    """The workbook with an XML entity that expands a thousand million times."""
    laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "xl/sharedStrings.xml":
                head = f'<?xml version="1.0"?><!DOCTYPE sst [<!ENTITY l0 "ha">{laughs}]>'.encode()
                content = head + content.partition(b"?>")[2].replace(b"<t>id<", b"<t>&l9;<")
            new.writestr(name, content)
    return stream.getvalue()
