"""The XML of a Word document: text, fields, bookmarks and three-line tables, all escaped in one place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from xml.sax.saxutils import escape, quoteattr

from crmresearch.reporting.document.fitting import Fit
from crmresearch.reporting.document.labelling import bookmark
from crmresearch.reporting.document.model import Run, Table
from crmresearch.reporting.document.profiles import Profile

NAMESPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
)
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LOOKS = {
    "bold": "<w:b/>",
    "italic": "<w:i/>",
    "super": '<w:vertAlign w:val="superscript"/>',
    "faint": '<w:color w:val="666666"/>',
}
_TWIPS = 567  # in a centimetre
_LONGEST_NAME = 40


class Names:
    """Bookmarks: numbered as they come, each name once."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._used: set[str] = set()
        self._count = 0

    def of(self, anchor: str) -> str:
        """The bookmark's name for a part of the document."""
        if anchor not in self._known:
            self._known[anchor] = f"part{len(self._known) + 1}"
        return self._known[anchor]

    def around(self, name: str, inside: str) -> str:
        """Put a bookmark around some runs; a name that stands already or is too long is left out."""
        if not name or len(name) > _LONGEST_NAME or name in self._used:
            return inside
        self._used.add(name)
        self._count += 1
        start = f'<w:bookmarkStart w:id="{self._count}" w:name={quoteattr(name)}/>'
        return f'{start}{inside}<w:bookmarkEnd w:id="{self._count}"/>'


def clean(text: str) -> str:
    """A text without the characters that XML cannot hold."""
    return _FORBIDDEN.sub("", text)


def run(text: str, look: str = "", extra: str = "") -> str:
    """One run of text."""
    properties = (_LOOKS.get(look, "") + extra) if look != "code" else '<w:rStyle w:val="CodeText"/>'
    properties = f"<w:rPr>{properties}</w:rPr>" if properties else ""
    return f'<w:r>{properties}<w:t xml:space="preserve">{escape(clean(text))}</w:t></w:r>'


def field(code: str, shown: str, look: str = "") -> str:
    """A field with the text it shows until Word computes it anew."""
    properties = f"<w:rPr>{_LOOKS[look]}</w:rPr>" if look in _LOOKS else ""
    mark = f'<w:r>{properties}<w:fldChar w:fldCharType="{{}}"/></w:r>'
    told = f'<w:r>{properties}<w:instrText xml:space="preserve"> {escape(code)} </w:instrText></w:r>'
    return mark.format("begin") + told + mark.format("separate") + run(shown, look) + mark.format("end")


def paragraph(inside: str, style: str = "", properties: str = "") -> str:
    """A paragraph of a style; ``properties`` come after it, in the order of the schema."""
    style = f'<w:pStyle w:val="{style}"/>' if style else ""
    both = f"<w:pPr>{style}{properties}</w:pPr>" if style or properties else ""
    return f"<w:p>{both}{inside}</w:p>"


def runs(parts: Iterable[Run], names: Names, labels: dict[str, str]) -> str:
    """Text with its numbers bookmarked and its references live."""
    found = []
    for part in parts:
        text = run(part.text, part.look)
        if part.address:
            text = names.around(bookmark(part.address), text)
        elif part.anchor in labels:
            text = field(f"REF {labels[part.anchor]} \\h", part.text, part.look)
        elif part.anchor:
            text = f'<w:hyperlink w:anchor="{names.of(part.anchor)}" w:history="1">{text}</w:hyperlink>'
        found.append(text)
    return "".join(found)


def three_lines(table: Table, fit: Fit, profile: Profile, names: Names, style: str) -> str:
    """A table with three rules: above, below its headings, at its end; none between columns."""
    view, rules = table.view, profile.rules
    outer, inner = round(rules.outer * 8), round(rules.inner * 8)
    size = f'<w:sz w:val="{round(fit.size * 2)}"/><w:szCs w:val="{round(fit.size * 2)}"/>'
    widths = [round(width * _TWIPS) for width in fit.widths]
    under = f'<w:tcBorders><w:bottom w:val="single" w:sz="{inner}" w:space="0" w:color="000000"/></w:tcBorders>'
    head = _row(view.headings, view.flows, widths, size, style, borders=under, keep=True)
    last = len(view.rows)
    body = "".join(
        f"<w:tr><w:trPr><w:cantSplit/></w:trPr>{row}</w:tr>"
        for row in (
            _row(cells, view.flows, widths, size, style, mark=_marker(table, n, names), keep=fit.whole and n < last)
            for n, cells in enumerate(view.rows, start=1)
        )
    )
    rule = '<w:{} w:val="single" w:sz="{}" w:space="0" w:color="000000"/>'
    none = '<w:{} w:val="nil"/>'
    borders = (
        rule.format("top", outer) + none.format("left") + rule.format("bottom", outer)
        + none.format("right") + none.format("insideH") + none.format("insideV")
    )  # fmt: skip
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    return (
        f'<w:tbl {NAMESPACES}><w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/><w:jc w:val="center"/>'
        f'<w:tblBorders>{borders}</w:tblBorders><w:tblLayout w:type="fixed"/>'
        '<w:tblCellMar><w:left w:w="70" w:type="dxa"/><w:right w:w="70" w:type="dxa"/></w:tblCellMar>'
        f"<w:tblDescription w:val={quoteattr(clean(view.caption))}/></w:tblPr><w:tblGrid>{grid}</w:tblGrid>"
        f"<w:tr><w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>{head}</w:tr>{body}</w:tbl>"
    )


def _marker(table: Table, row: int, names: Names) -> Callable[[int, str], str]:
    """Puts bookmarks around a cell's number: one for each value of the record that it prints."""

    def mark(place: int, inside: str) -> str:
        if table.address and table.view.flows[place] == "number":
            for column in table.view.origins[place]:
                inside = names.around(bookmark(f"{table.address}:r{row}c{column}"), inside)
        return inside

    return mark


def _row(
    cells: Sequence[str], flows: Sequence[str], widths: Sequence[int], size: str, style: str, *,
    mark: Callable[[int, str], str] | None = None, borders: str = "", keep: bool = False,
) -> str:  # fmt: skip
    found = []
    for place, (text, width, flow) in enumerate(zip(cells, widths, flows, strict=True)):
        inside = mark(place, run(text, "", size)) if mark else run(text, "", size)
        apart = place > 0 and flow != "number" and flows[place - 1] == "number"
        found.append(_cell(inside, width, flow, style, borders, keep=keep, apart=apart))
    return "".join(found)


def _cell(
    inside: str, width: int, flow: str, style: str, borders: str = "", *, keep: bool = False, apart: bool = False
) -> str:
    """A cell: kept with the next row where the table is short, set apart from a number to its left."""
    properties = "<w:keepNext/>" if keep else ""
    properties += '<w:ind w:left="170" w:firstLine="0"/>' if apart else ""
    properties += '<w:jc w:val="right"/>' if flow == "number" else ""
    align = "bottom" if borders else "top"
    return (
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{borders}<w:vAlign w:val="{align}"/></w:tcPr>'
        f"{paragraph(inside, style, properties)}</w:tc>"
    )
