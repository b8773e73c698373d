"""The styles of a Word document, from a profile: fonts by name for Latin and Chinese, sizes, spacing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmresearch.reporting.document.fitting import PAPERS
from crmresearch.reporting.document.profiles import Profile
from crmresearch.reporting.docx_xml import NAMESPACES, field, paragraph, run

if TYPE_CHECKING:
    from crmresearch.reporting.document.model import Document

_TAGS = {"en": "zh-CN", "zh": "zh-CN", "zh-hant": "zh-TW"}


def add_styles(file: Any, profile: Profile, language: str) -> None:
    """Give a document the styles that a report uses; those it has are set anew."""
    from docx.enum.style import WD_STYLE_TYPE

    known = {style.style_id: style for style in file.styles}
    for name, base, properties, size, heading, extra in (*_text_styles(profile, language), *_list_styles(profile)):
        style = known.get(name) or file.styles.add_style(_shown_name(name), WD_STYLE_TYPE.PARAGRAPH)
        _set(style, name, base, properties, _run_properties(profile, size, heading, extra, language))
    if "CodeText" not in known:
        style = file.styles.add_style("Code Text", WD_STYLE_TYPE.CHARACTER)
        style.element.set(f"{_W}styleId", "CodeText")
        style.font.name = "Consolas"
    _defaults(file, language)


Row = tuple[str, str, str, float, bool, str]
"""Name, the style it rests on, paragraph properties in the order of the schema, size, heading font, run properties."""

_PLAIN = '<w:ind w:firstLine="0" w:firstLineChars="0"/>'
_NOT_BOLD, _NOT_ITALIC = '<w:b w:val="0"/>', '<w:i w:val="0"/>'
_KEEP = "<w:keepNext/>"


def _space(before: float, after: float, line: float) -> str:
    return f'<w:spacing w:before="{before}" w:after="{after}" w:line="{line}" w:lineRule="auto"/>'


def _side(name: str) -> str:
    return f'<w:jc w:val="{name}"/>'


def _hanging(left: int, by: int) -> str:
    return f'<w:ind w:left="{left}" w:hanging="{by}"/>'


def _text_styles(profile: Profile, language: str) -> list[Row]:
    """Running text, headings, captions, tables."""
    text, captions = profile.text, profile.captions
    size, plain = text.size, _PLAIN
    centre = _side("center" if captions.centred else "left")
    first = '<w:ind w:firstLine="720"/>' if text.indent else ""
    if text.indent and language != "en":
        first = f'<w:ind w:firstLineChars="{round(text.indent * 100)}" w:firstLine="{round(text.indent * size * 20)}"/>'
    body = _space(0, round(text.after * 20), round(text.line * 240)) + first
    body += _side("both") if language != "en" else ""
    label = _NOT_BOLD + _NOT_ITALIC
    rows: list[Row] = [
        ("Normal", "", body, size, False, ""),
        ("Title", "Normal", _space(2400, 480, 360) + plain + _side("center"), 22, True, _NOT_BOLD),
        ("Subtitle", "Normal", _space(0, 240, 360) + plain + _side("center"), size, False, _NOT_ITALIC),
        ("CoverLine", "Normal", _space(60, 60, 360) + plain + _side("center"), size, False, ""),
        ("Caption", "Normal", "<w:keepLines/>" + _space(120, 60, 264) + plain + centre, text.caption, False, label),
        ("TableCaption", "Caption", "", text.caption, False, label),
        ("PictureCaption", "Caption", "", text.caption, False, label),
        ("QuietHeading", "Normal", _KEEP + _space(160, 40, 300) + plain, size, True, ""),
        ("TableText", "Normal", _space(20, 20, 252) + plain + _side("left"), text.table, False, ""),
        ("TableNote", "Normal", _space(40, 0, 252) + plain + _side("left"), text.note, False, ""),
        ("AfterTable", "Normal", _space(0, 0, 200) + plain, 6, False, ""),
        ("Figure", "Normal", _space(120, 40, 240) + plain + centre, size, False, ""),
        ("Finding", "Normal", body, size, False, ""),
        ("ListItem", "Normal", _space(20, 20, 320) + _hanging(420, 300), size, False, ""),
        ("Hint", "Normal", _space(0, 120, 300) + plain, size, False, '<w:color w:val="7A5A00"/>'),
    ]
    for level, points in enumerate(text.headings, start=1):
        chapter = level == 1
        space = _space(240, 160, 300) if chapter else _space(200, 100, 300)
        side = _side("center" if chapter and text.centred_chapters else "left")
        look = ("<w:b/>" if text.bold_headings else _NOT_BOLD) + _NOT_ITALIC + '<w:color w:val="000000"/>'
        properties = f'{_KEEP}<w:keepLines/>{space}{_PLAIN}{side}<w:outlineLvl w:val="{level - 1}"/>'
        rows.append((f"Heading{level}", "Normal", properties, points, True, look))
    return rows


def _list_styles(profile: Profile) -> list[Row]:
    """Contents, definitions, references."""
    text, page = profile.text, profile.page
    title = _KEEP + _space(240, 160, 300) + _PLAIN + _side("center")
    line = round(min(text.line, 1.5) * 240)
    rows: list[Row] = [
        ("ContentsTitle", "Normal", title, text.headings[0], True, ""),
        ("Pair", "Normal", _space(0, 20, 276) + _hanging(420, 420) + _side("left"), max(9.0, text.note), False, ""),
        ("Reference", "Normal", _space(0, 60, line) + _hanging(480, 480) + _side("left"), text.size, False, ""),
    ]
    tab = round((PAPERS[page.paper][0] - page.left - page.right) * 567)
    for level in range(1, 4):
        stop = f'<w:tabs><w:tab w:val="right" w:leader="dot" w:pos="{tab}"/></w:tabs>'
        indent = f'<w:ind w:left="{240 * (level - 1)}" w:firstLine="0" w:firstLineChars="0"/>'
        rows.append((f"TOC{level}", "Normal", stop + _space(0, 20, 300) + indent, min(text.size, 11), False, ""))
    return rows


_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def _shown_name(name: str) -> str:
    return f"toc {name[-1]}" if name.startswith("TOC") else name


def _run_properties(profile: Profile, size: float, heading: bool, extra: str, language: str) -> str:
    fonts = profile.fonts
    latin, chinese = (fonts.heading_latin, fonts.heading_chinese) if heading else (fonts.latin, fonts.chinese)
    before = "".join(
        piece for piece in extra.split("/>") if piece.startswith(("<w:b", "<w:i")) for piece in [piece + "/>"]
    )
    after = "".join(piece + "/>" for piece in extra.split("/>") if piece.startswith("<w:color"))
    return (
        f'<w:rFonts w:ascii="{latin}" w:hAnsi="{latin}" w:eastAsia="{chinese}" w:cs="{latin}"/>{before}{after}'
        f'<w:sz w:val="{round(size * 2)}"/><w:szCs w:val="{round(size * 2)}"/>'
        f'<w:lang w:val="en-US" w:eastAsia="{_TAGS[language]}"/>'
    )


def _set(style: Any, name: str, base: str, paragraph_properties: str, run_properties: str) -> None:
    from docx.oxml import parse_xml

    element = style.element
    element.set(f"{_W}styleId", name)
    for tag in ("pPr", "rPr"):
        for old in element.findall(f"{_W}{tag}"):
            element.remove(old)
    based = element.find(f"{_W}basedOn")
    if base and based is None:
        based = parse_xml(f'<w:basedOn {NAMESPACES} w:val="{base}"/>')
        element.find(f"{_W}name").addnext(based)
    elif based is not None and base:
        based.set(f"{_W}val", base)
    element.append(parse_xml(f"<w:pPr {NAMESPACES}>{paragraph_properties}</w:pPr>"))
    element.append(parse_xml(f"<w:rPr {NAMESPACES}>{run_properties}</w:rPr>"))


def _defaults(file: Any, language: str) -> None:
    """Language of the Chinese text, so that punctuation sits right; fields are counted anew on opening."""
    from docx.oxml import parse_xml

    for lang in file.styles.element.iter(f"{_W}lang"):
        lang.set(f"{_W}eastAsia", _TAGS[language])
    settings = file.settings.element
    for tag in ("updateFields", "themeFontLang", "characterSpacingControl"):
        for old in settings.findall(f"{_W}{tag}"):
            settings.remove(old)
    settings.insert(0, parse_xml(f'<w:updateFields {NAMESPACES} w:val="true"/>'))
    settings.append(parse_xml(f'<w:themeFontLang {NAMESPACES} w:val="en-US" w:eastAsia="{_TAGS[language]}"/>'))


def set_page(section: Any, document: Document) -> None:
    """Paper, margins, running title and page number."""
    from docx.oxml import parse_xml
    from docx.shared import Cm

    page = document.profile.page
    width, height = PAPERS[page.paper]
    section.page_width, section.page_height = Cm(width), Cm(height)
    section.top_margin, section.bottom_margin = Cm(page.top), Cm(page.bottom)
    section.left_margin, section.right_margin = Cm(page.left), Cm(page.right)
    section.different_first_page_header_footer = True
    small = '<w:sz w:val="18"/>'
    line = run(document.running, "", small)
    side = '<w:ind w:firstLine="0" w:firstLineChars="0"/><w:jc w:val="center"/>'
    for holder, inside in ((section.header, line), (section.footer, field("PAGE", "1"))):
        old = holder.paragraphs[0]._p
        xml = paragraph(inside, "", side).replace("<w:p>", f"<w:p {NAMESPACES}>", 1)
        old.getparent().replace(old, parse_xml(xml))


def turned_page(setter: Any, *, turned: bool) -> None:
    """End a section of the document here: what comes before it is upright, or turned sideways."""
    import copy

    from docx.oxml import parse_xml

    section = copy.deepcopy(setter.file.element.body.sectPr)
    size = section.find(f"{_W}pgSz")
    if turned and size is not None:
        width, height = size.get(f"{_W}w"), size.get(f"{_W}h")
        size.set(f"{_W}w", height)
        size.set(f"{_W}h", width)
        size.set(f"{_W}orient", "landscape")
    if setter.ended:
        for tag in ("titlePg",):
            for old in section.findall(f"{_W}{tag}"):
                section.remove(old)
    setter.ended = True
    holder = parse_xml(f'<w:p {NAMESPACES}><w:pPr><w:pStyle w:val="AfterTable"/></w:pPr></w:p>')
    holder.pPr.append(section)
    setter.before.addprevious(holder)
