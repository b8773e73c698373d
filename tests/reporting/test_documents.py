"""Word and PDF: what a supervisor looks at, read from the files themselves."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import docx
import pytest
import yaml
from lxml import etree
from matplotlib.figure import Figure

from crmresearch.errors import InputError, StorageError, UsageError
from crmresearch.reporting.document.assembling import assemble
from crmresearch.reporting.document.labelling import bookmark
from crmresearch.reporting.document.model import Heading, Paragraph, Picture, Table
from crmresearch.reporting.document.outlines import load_outline
from crmresearch.reporting.document.profiles import load_profile
from crmresearch.reporting.document.shipped import shipped_names
from crmresearch.reporting.document.voice import traditional
from crmresearch.reporting.docx import render_docx
from crmresearch.reporting.edition import Layout, load_edition
from crmresearch.reporting.figures.theme import FontError, theme
from crmresearch.reporting.html import render_edition
from crmresearch.reporting.pdf import render_pdf
from crmresearch.reporting.words import load_words
from tests.reporting.sample_study import Tiers, write_study
from tests.reporting.test_html import build, text_of, write_edition

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
BIB = """
@article{fader2005counting, author = {Fader, Peter S. and Hardie, Bruce G. S. and Lee, Ka Lok},
  title = {Counting Your Customers the Easy Way}, journal = {Marketing Science}, year = {2005}, volume = {24},
  number = {2}, pages = {275--284}, doi = {10.1287/mksc.1040.0098}}
@article{li2014, author = {李文茜 and 刘益}, title = {国外大客户管理研究新进展探析}, journal = {外国经济与管理},
  year = {2014}, volume = {36}, number = {7}, pages = {53--62}}
@book{hair2017, author = {Hair, Joseph F. and Hult, G. Tomas M. and Ringle, Christian M. and Sarstedt, Marko},
  title = {A Primer}, edition = {2}, publisher = {Sage}, address = {Thousand Oaks}, year = {2017}}
"""
PROSE = """摘要文字，[=tiers/finding-top:share]。

# 优化方案

如[#tiers/table-tiers]所示，客户可以分级[@li2014; @fader2005counting]，**重点**在此[@hair2017]。

## 作者自拟的小节

- 第一
- 第二
"""


def laid_out(folder: Path, **layout) -> Path:
    edition = load_edition(folder)
    write_edition(folder, edition.model_copy(update={"layout": Layout(**layout)}))
    return folder


@pytest.fixture
def thesis(tmp_path, words) -> Path:
    folder = build(tmp_path / "reports", words)
    (folder / "document").mkdir()
    (folder / "document" / "prose.md").write_text(PROSE, encoding="utf-8")
    (folder / "document" / "r.bib").write_text(BIB, encoding="utf-8")
    author = {"author": {"en": "Li Ming", "zh": "李明"}}
    return laid_out(
        folder, profile="gbt7713", prose={"zh": "document/prose.md"}, references="document/r.bib", cover=author
    )


def parts_of(path: Path) -> dict[str, etree._Element]:
    with zipfile.ZipFile(path) as package:
        return {name: etree.fromstring(package.read(name)) for name in package.namelist() if name.endswith(".xml")}


def words_of(path: Path) -> str:
    return "\n".join("".join(p.itertext(f"{W}t")) for p in parts_of(path)["word/document.xml"].iter(f"{W}p"))


def pdf_text(path: Path) -> str:
    if not shutil.which("pdftotext"):
        pytest.skip("no pdftotext on this machine")
    return subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, check=True).stdout.decode()


def test_word_tables_have_three_rules_and_no_vertical_one(thesis):
    document = parts_of(render_docx(thesis, "zh"))["word/document.xml"]
    tables = list(document.iter(f"{W}tbl"))
    assert len(tables) >= 4
    for table in tables:
        borders = {b.tag.removeprefix(W): b.get(f"{W}val") for b in table.find(f"{W}tblPr/{W}tblBorders")}
        assert borders == {
            "top": "single", "left": "nil", "bottom": "single", "right": "nil", "insideH": "nil", "insideV": "nil",
        }  # fmt: skip
        rows = table.findall(f"{W}tr")
        ruled = [n for n, row in enumerate(rows) if row.find(f".//{W}tcBorders") is not None]
        assert ruled == [0]
        assert {b.tag.removeprefix(W) for b in rows[0].iter() if b.getparent().tag == f"{W}tcBorders"} == {"bottom"}
        assert rows[0].find(f"{W}trPr/{W}tblHeader") is not None


def test_word_names_its_fonts_for_latin_and_chinese_in_every_style(thesis):
    """H5: 宋体 for Chinese, Times New Roman for Latin, w:eastAsia set."""
    styles = parts_of(render_docx(thesis, "zh"))["word/styles.xml"]
    fonts = {s.get(f"{W}styleId"): s.find(f"{W}rPr/{W}rFonts") for s in styles.iter(f"{W}style")}
    for name, chinese in (("Normal", "宋体"), ("TableText", "宋体"), ("Heading1", "黑体"), ("TableCaption", "宋体")):
        assert fonts[name].get(f"{W}eastAsia") == chinese, name
        assert fonts[name].get(f"{W}ascii") == "Times New Roman", name
    normal = next(s for s in styles.iter(f"{W}style") if s.get(f"{W}styleId") == "Normal")
    assert normal.find(f"{W}rPr/{W}lang").get(f"{W}eastAsia") == "zh-CN"


def test_captions_stand_above_tables_and_below_figures(thesis):
    body = [
        e for e in parts_of(render_docx(thesis, "zh"))["word/document.xml"].find(f"{W}body") if e.tag != f"{W}sectPr"
    ]
    styles = [
        e.findtext(f"{W}pPr/{W}pStyle") or getattr(e.find(f"{W}pPr/{W}pStyle"), "attrib", {}).get(f"{W}val")
        for e in body
    ]
    for place, element in enumerate(body):
        if element.tag == f"{W}tbl":
            assert styles[place - 1] == "TableCaption"
        if element.find(f".//{W}drawing") is not None:
            assert styles[place + 1] == "PictureCaption"
    text = words_of(render_docx(thesis, "zh"))
    assert re.search(r"表4-1\u2002各等级客户", text) and re.search(r"图4-1\u2002洛伦兹曲线", text)


def test_references_within_the_document_are_fields_that_point_to_bookmarks(thesis):
    document = parts_of(render_docx(thesis, "zh"))["word/document.xml"]
    names = [b.get(f"{W}name") for b in document.iter(f"{W}bookmarkStart")]
    assert len(names) == len(set(names)) and max(map(len, names)) <= 40
    asked = re.findall(r"(?:REF|PAGEREF) (\w+)", " ".join(document.itertext(f"{W}instrText")))
    asked += [link.get(f"{W}anchor") for link in document.iter(f"{W}hyperlink")]
    assert asked and set(asked) <= set(names)
    assert bookmark("T4-1:r1c3") in names and bookmark("S4-1:share") in names


def test_author_s_text_stands_where_its_headings_say(thesis):
    document = assemble(thesis, "zh")
    headings = [(p.level, p.number, p.text) for p in document.body if isinstance(p, Heading)]
    assert (1, "4", "优化方案") in headings and (2, "4.1", "作者自拟的小节") in headings
    said = ["".join(run.text for run in p.runs) for p in document.body if isinstance(p, Paragraph)]
    assert "如表4-1所示，客户可以分级[1,2]，重点在此[3]。" in said
    abstract = ["".join(run.text for run in p.runs) for p in document.front if isinstance(p, Paragraph)]
    assert abstract == ["摘要文字，20.0%。"]
    assert any(p.kind == "hint" for p in document.body if isinstance(p, Paragraph)), "what is still to be written"
    assert ("作者", "李明") in document.cover


@pytest.mark.parametrize(
    ("profile", "entries"),
    [
        (
            "gbt7713",
            [
                "[1] 李文茜, 刘益. 国外大客户管理研究新进展探析[J]. 外国经济与管理, 2014, 36(7): 53-62.",
                "[2] FADER P S, HARDIE B G S, LEE K L. Counting Your Customers the Easy Way[J/OL]. Marketing Science, "
                "2005, 24(2): 275-284. DOI:10.1287/mksc.1040.0098.",
                "[3] HAIR J F, HULT G T M, RINGLE C M, et al. A Primer[M]. 2nd ed. Thousand Oaks: Sage, 2017.",
            ],
        ),
        (
            "apa7",
            [
                "Fader, P. S., Hardie, B. G. S., & Lee, K. L. (2005). Counting Your Customers the Easy Way. Marketing "
                "Science, 24(2), 275–284. https://doi.org/10.1287/mksc.1040.0098",
                "Hair, J. F., Hult, G. T. M., Ringle, C. M., & Sarstedt, M. (2017). A Primer (2nd ed.). Sage.",
                "李文茜, & 刘益 (2014). 国外大客户管理研究新进展探析. 外国经济与管理, 36(7), 53–62.",
            ],
        ),
    ],
)
def test_one_bibtex_file_in_two_citation_styles(thesis, profile, entries):
    edition = load_edition(thesis)
    laid_out(thesis, **{**edition.layout.model_dump(), "profile": profile, "outline": "thesis"})
    printed = ["".join(run.text for run in entry).strip() for entry in assemble(thesis, "zh").references]
    assert printed == entries


@pytest.mark.parametrize("name", shipped_names("profile"))
def test_every_profile_sets_every_format_in_every_language(tmp_path, words, name):
    folder = laid_out(build(tmp_path, words), profile=name)
    for language in ("en", "zh", "zh-hant"):
        docx.Document(str(render_docx(folder, language)))
        assert render_pdf(folder, language).read_bytes()[:5] == b"%PDF-"
    page = text_of(render_edition(folder, "zh-hant").read_text(encoding="utf-8"))
    assert "各等級客戶" in page and "柳州" in page and "各等级客户" not in page


@pytest.mark.parametrize("name", shipped_names("outline"))
def test_no_part_of_a_study_is_lost_by_an_outline(tmp_path, words, name):
    folder = laid_out(build(tmp_path, words), profile="business", outline=name)
    document = assemble(folder, "en")
    assert {p.source for p in document.body if isinstance(p, Table) and p.source} == {
        "tiers/table-tiers", "tiers/table-summary",
    }  # fmt: skip
    assert len([p for p in document.body if isinstance(p, Picture)]) == 1


def test_outline_of_the_thesis_has_the_chapter_numbers_of_its_source():
    """C01: 4.1.1 value indicators, 4.1.2 identifying tiers, 4.1.3 managing by tier."""
    optimisation = load_outline("thesis").chapters[3]
    assert [c.title["en"] for c in optimisation.chapters[0].chapters] == [
        "Indicators of customer value", "Identifying tiers", "Managing by tier",
    ]  # fmt: skip


def test_documents_are_the_same_bytes_but_for_the_declared_time_stamp(tmp_path, words):
    first, second = (build(tmp_path / run, words) for run in "ab")
    for render in (render_docx, render_pdf, render_edition):
        assert render(first, "zh").read_bytes() == render(second, "zh").read_bytes()
    edition = load_edition(second)
    write_edition(second, edition.model_copy(update={"made": "2027-05-06T07:08:09+00:00"}))
    one, two = (parts_of(render_docx(folder, "zh")) for folder in (first, second))
    differing = {name for name in one if etree.tostring(one[name]) != etree.tostring(two[name])}
    assert differing == {"docProps/core.xml", "word/document.xml"}
    texts = [etree.tostring(parts["word/document.xml"], encoding="unicode") for parts in (one, two)]
    assert texts[0].replace("2026-01-02", "2027-05-06") == texts[1]


def test_the_pdf_embeds_its_fonts_and_lacks_no_character(tmp_path, words):
    path = render_pdf(build(tmp_path, words), "zh")
    if not shutil.which("pdffonts"):
        pytest.skip("no pdffonts on this machine")
    lines = subprocess.run(["pdffonts", path], capture_output=True, check=True, text=True).stdout.splitlines()[2:]
    assert lines and all(re.search(r"\byes +yes +yes +\d+ +\d+$", line) for line in lines), lines
    text = pdf_text(path)
    assert "各等级客户" in text and "\ufffd" not in text and "\u25a1" not in text


def test_nothing_remote_in_word_or_pdf(tmp_path, words):
    folder = build(tmp_path, words)
    with zipfile.ZipFile(render_docx(folder, "en")) as package:
        relations = b"".join(package.read(n) for n in package.namelist() if n.endswith(".rels"))
    assert b'TargetMode="External"' not in relations
    assert b"/URI" not in render_pdf(folder, "en").read_bytes()


def test_a_name_of_a_megabyte_is_cut_with_a_word(tmp_path, words):
    folder = build(tmp_path, words, text="")
    write_study(folder / "studies" / "tiers", words, result=Tiers(names=("x" * 1_000_000, "B", "C")))
    assert "xxx… (1,000,000 characters in all)" in words_of(render_docx(folder, "en"))
    assert render_pdf(folder, "en").stat().st_size < 1_000_000
    assert render_edition(folder, "en").stat().st_size < 1_000_000


def test_template_of_a_school_is_filled_and_unknown_fields_are_named(tmp_path, words):
    folder = build(tmp_path, words)
    (folder / "document").mkdir()
    template = docx.Document()
    template.add_paragraph("{{ title }} of the school")
    template.add_paragraph("{{ body }}")
    template.add_paragraph("the end")
    template.save(str(folder / "document" / "school.docx"))
    laid_out(folder, profile="gbt7713", template="document/school.docx")
    text = words_of(render_docx(folder, "en"))
    assert text.index("Demo  of the school") < text.index("Customers by tier") < text.index("the end")
    template.add_paragraph("{{ titel }} {{ dean }}")
    template.save(str(folder / "document" / "school.docx"))
    with pytest.raises(InputError, match=r"asks for 'dean', which a report does not have"):
        render_docx(folder, "en")
    render_pdf(folder, "en")


@pytest.mark.parametrize(
    ("prose", "sentence"),
    [
        ("# 优化方案\n\n见[@li2015]。", "no source 'li2015'; nearest: li2014"),
        ("# 优化方桉\n\n文字", "no heading '优化方桉'; nearest: 优化方案"),
        (
            "# 优化方案\n\n[#tiers/table-teirs]",
            "no part 'tiers/table-teirs' of this report; nearest: tiers/table-tiers",
        ),
    ],
)
def test_mistakes_of_the_author_are_one_sentence_and_the_page_is_still_written(thesis, prose, sentence):
    (thesis / "document" / "prose.md").write_text(prose, encoding="utf-8")
    for render in (render_docx, render_pdf):
        with pytest.raises(InputError, match=re.escape(sentence)):
            render(thesis, "zh")
    assert render_edition(thesis, "zh").exists()


def test_unknown_profile_and_broken_references_are_one_sentence(thesis):
    with pytest.raises(UsageError, match="no profile 'gbt7731'; nearest: gbt7713"):
        load_profile("gbt7731")
    with pytest.raises(UsageError, match="no outline 'thesys'; nearest: thesis"):
        load_outline("thesys")
    (thesis / "document" / "r.bib").write_text("@article{li2014, title = {x", encoding="utf-8")
    with pytest.raises(InputError, match=r"r\.bib: not BibTeX|no source"):
        render_docx(thesis, "zh")


def test_no_chinese_font_costs_the_pdf_only(tmp_path, words, monkeypatch):
    folder = build(tmp_path, words)

    def gone(name: str):
        raise ImportError(name)

    monkeypatch.setattr("crmresearch.reporting.pdf.import_module", gone)
    with pytest.raises(FontError, match="no Chinese font for the PDF"):
        render_pdf(folder, "zh")
    render_docx(folder, "zh")


def test_unwritable_folder_is_one_sentence(tmp_path, words, monkeypatch):
    folder = build(tmp_path, words)
    monkeypatch.setattr(Path, "write_bytes", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    for render in (render_docx, render_pdf):
        with pytest.raises(StorageError, match="cannot write the document: Permission denied"):
            render(folder, "en")


def test_pictures_are_sharp_in_word_and_drawn_in_pdf(tmp_path, words):
    folder = build(tmp_path, words)
    shape = docx.Document(str(render_docx(folder, "en"))).inline_shapes[0]
    picture = next(p for p in assemble(folder, "en").body if isinstance(p, Picture))
    assert picture.width / (shape.width / 914400) >= 299.9
    assert shape._inline.docPr.get("descr") == "A curve below the diagonal"
    assert picture.drawing is not None and picture.drawing.suffix == ".svg"
    assert b"/Subtype /Image" not in render_pdf(folder, "en").read_bytes()


def test_profiles_of_the_package_are_whole():
    for name in shipped_names("profile"):
        profile = load_profile(name)
        assert set(profile.title) == {"en", "zh"} and profile.outline in shipped_names("outline")
    for name in shipped_names("outline"):
        stars = [p for top in load_outline(name).chapters for c in top.walk() for p in c.takes if p == "*"]
        assert stars == ["*"], f"{name}: one chapter takes what no other does"


def test_questions_and_glossary_have_both_languages():
    from importlib import resources

    for name in ("questions", "glossary"):
        text = (resources.files("crmresearch.reporting.document") / "texts" / f"{name}.yaml").read_text("utf-8")
        assert all(entry["en"] and entry["zh"] for entry in yaml.safe_load(text))


def test_numbers_by_profile():
    from crmresearch.reporting.numbers import format_value

    apa, thesis = load_profile("apa7").style, load_profile("gbt7713").style
    assert [format_value(0.034, "p", "en", s, name="p_value") for s in (apa, thesis)] == [".034", "0.034"]
    assert [format_value(0.0002, "p", "en", s, name="p_value") for s in (apa, thesis)] == ["<\xa0.001", "<\xa00.001"]
    assert [format_value(-0.4567, "number", "en", s, name="correlation") for s in (apa, thesis)] == ["−.46", "−0.457"]
    assert format_value(0.4567, "number", "en", apa, name="estimate") == "0.46"
    assert format_value(1.2, "number", "en", apa, name="correlation") == "1.20"
    assert replace(apa, bounded=frozenset()).governing("low", ["alpha"]) == "low"
    assert apa.governing("conf_low", ["alpha", "p_value"]) == "alpha"
    assert apa.governing("conf_low", ["estimate", "p_value"]) == "conf_low"


def test_pictures_in_traditional_characters_are_shown_where_the_record_has_them(tmp_path, words):
    folder = build(tmp_path, words)
    pictures = {
        language: next(p for p in assemble(folder, language).body if isinstance(p, Picture)).bitmap.name
        for language in ("zh", "zh-hant")
    }
    assert pictures == {"zh": "curve.zh.png", "zh-hant": "curve.zh.png"}
    write_study(folder / "studies" / "tiers", words, languages="en zh zh-hant")
    drawn = next(p for p in assemble(folder, "zh-hant").body if isinstance(p, Picture))
    assert (drawn.bitmap.name, drawn.drawing.name) == ("curve.zh-hant.png", "curve.zh-hant.svg")


def test_words_of_a_picture_are_traditional_and_have_glyphs():
    words = traditional(load_words().with_terms({"taste": {"en": "Taste", "zh": "口味满意"}}))
    assert words.say("zh")("taste") == "口味滿意" and words.say("en")("taste") == "Taste"
    said = {
        character
        for section in ("labels", "columns")
        for word in words.entries[section].values()
        if isinstance(word, dict)
        for character in word["zh"]
    }
    with theme():
        figure = Figure()
        figure.text(0, 0, "".join(sorted(said)))
        figure.savefig(io.BytesIO())
