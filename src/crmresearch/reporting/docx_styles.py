"""The styles of a Word document, from a profile: fonts by name for Latin and Chinese, sizes, spacing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmresearch.reporting.document.fitting import _PAPERS
from crmresearch.reporting.document.profiles import Profile
from crmresearch.reporting.docx_xml import NAMESPACES, field, paragraph, run

if TYPE_CHECKING:
    from crmresearch.reporting.document.model import Document

_TAGS = {"en": "zh-CN", "zh": "zh-CN", "zh-hant": "zh-TW"}


def add_styles(file: Any, profile: Profile, language: str) -> None:
    """Give a document the styles that a report uses; those it has are set anew."""
    from docx.enum.style import WD_STYLE_TYPE

    text, captions = profile.text, profile.captions
    centre = "center" if captions.centred else "left"
    indent = text.indent if language != "en" else 0
    first = (
        f'<w:ind w:firstLineChars="{round(indent * 100)}" w:firstLine="{round(indent * text.size * 20)}"/>'
        if indent
        else ""
    )
    if text.indent and language == "en":
        first = '<w:ind w:firstLine="720"/>'
    line = f'<w:spacing w:before="0" w:after="{round(text.after * 20)}" w:line="{round(text.line * 240)}" w:lineRule="auto"/>'
    tight = '<w:spacing w:before="{}" w:after="{}" w:line="{}" w:lineRule="auto"/>'
    plain = '<w:ind w:firstLine="0" w:firstLineChars="0"/>'
    body_side = '<w:jc w:val="both"/>' if language != "en" else ""
    # name, based on, paragraph properties in the order of the schema, size, heading font, further run properties
    rows = [
        ("Normal", "", f"{line}{first}{body_side}", text.size, False, ""),
        ("Title", "Normal", f'{tight.format(2400, 480, 360)}{plain}<w:jc w:val="center"/>', 22, True, '<w:b w:val="0"/>'),
        ("Subtitle", "Normal", f'{tight.format(0, 240, 360)}{plain}<w:jc w:val="center"/>', text.size, False, '<w:i w:val="0"/>'),
        ("Caption", "Normal", f'<w:keepLines/>{tight.format(120, 60, 264)}{plain}<w:jc w:val="{centre}"/>', text.caption, False, '<w:b w:val="0"/><w:i w:val="0"/>'),
        ("TableCaption", "Caption", "", text.caption, False, '<w:b w:val="0"/><w:i w:val="0"/>'),
        ("PictureCaption", "Caption", "", text.caption, False, '<w:b w:val="0"/><w:i w:val="0"/>'),
        ("CoverLine", "Normal", f'{tight.format(60, 60, 360)}{plain}<w:jc w:val="center"/>', text.size, False, ""),
        ("ContentsTitle", "Normal", f'<w:keepNext/>{tight.format(240, 160, 300)}{plain}<w:jc w:val="center"/>', text.headings[0], True, ""),
        ("QuietHeading", "Normal", f"<w:keepNext/>{tight.format(160, 40, 300)}{plain}", text.size, True, ""),
        ("TableText", "Normal", f"{tight.format(20, 20, 252)}{plain}<w:jc w:val=\"left\"/>", text.table, False, ""),
        ("TableNote", "Normal", f'{tight.format(40, 0, 252)}{plain}<w:jc w:val="left"/>', text.note, False, ""),
        ("AfterTable", "Normal", f"{tight.format(0, 0, 200)}{plain}", 6, False, ""),
        ("Figure", "Normal", f'<w:keepNext/>{tight.format(120, 40, 240)}{plain}<w:jc w:val="{centre}"/>', text.size, False, ""),
        ("Finding", "Normal", line + first + body_side, text.size, False, ""),
        ("ListItem", "Normal", f'{tight.format(20, 20, 320)}<w:ind w:left="420" w:hanging="300"/>', text.size, False, ""),
        ("Hint", "Normal", line + plain, text.size, False, '<w:color w:val="7A5A00"/>'),
        ("Pair", "Normal", f'{tight.format(0, 20, 276)}<w:ind w:left="420" w:hanging="420"/><w:jc w:val="left"/>', max(9.0, text.note), False, ""),
        ("Reference", "Normal", f'{tight.format(0, 60, round(min(text.line, 1.5) * 240))}<w:ind w:left="480" w:hanging="480"/><w:jc w:val="left"/>', text.size, False, ""),
    ]  # fmt: skip
    for level, size in enumerate(text.headings, start=1):
        side = '<w:jc w:val="center"/>' if level == 1 and text.centred_chapters else '<w:jc w:val="left"/>'
        space = tight.format(240 if level == 1 else 200, 160 if level == 1 else 100, 300)
        bold = "<w:b/>" if text.bold_headings else '<w:b w:val="0"/>'
        rows.append((f"Heading{level}", "Normal", f'<w:keepNext/><w:keepLines/>{space}{plain}{side}<w:outlineLvl w:val="{level - 1}"/>', size, True, f'{bold}<w:i w:val="0"/><w:color w:val="000000"/>'))  # fmt: skip
    tab = round((_PAPERS[profile.page.paper][0] - profile.page.left - profile.page.right) * 567)
    for level in range(1, 4):
        stop = f'<w:tabs><w:tab w:val="right" w:leader="dot" w:pos="{tab}"/></w:tabs>'
        rows.append((f"TOC{level}", "Normal", f'{stop}{tight.format(0, 20, 300)}<w:ind w:left="{240 * (level - 1)}" w:firstLine="0" w:firstLineChars="0"/>', min(text.size, 11), False, ""))  # fmt: skip
    known = {style.style_id: style for style in file.styles}
    for name, base, paragraph_properties, size, heading, extra in rows:
        style = known.get(name) or file.styles.add_style(_shown_name(name), WD_STYLE_TYPE.PARAGRAPH)
        _set(style, name, base, paragraph_properties, _run_properties(profile, size, heading, extra, language))
    if "CodeText" not in known:
        style = file.styles.add_style("Code Text", WD_STYLE_TYPE.CHARACTER)
        style.element.set(f"{_W}styleId", "CodeText")
        style.font.name, style.font.size = "Consolas", None
    _defaults(file, language)


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
    width, height = _PAPERS[page.paper]
    section.page_width, section.page_height = Cm(width), Cm(height)
    section.top_margin, section.bottom_margin = Cm(page.top), Cm(page.bottom)
    section.left_margin, section.right_margin = Cm(page.left), Cm(page.right)
    section.different_first_page_header_footer = True
    small = '<w:sz w:val="18"/>'
    mark = f" · {document.words['simulated_short']}" if document.warning else ""
    line = run(document.title[:80] + mark, "", small)
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
