"""Texts that would be commands elsewhere are texts in Word and PDF."""

from __future__ import annotations

import docx

from crmresearch.reporting.docx import render_docx
from crmresearch.reporting.pdf import render_pdf
from tests.reporting.test_documents import W, parts_of, pdf_text, words_of
from tests.reporting.test_html import PAYLOADS, build


def test_payloads_are_plain_text_in_word_and_pdf(tmp_path, words):
    """$, <, #, field codes, control characters: 30 payloads in names, headings, notes; the files open."""
    text = " ".join((*PAYLOADS, "=cmd|'/c calc'!A1", "#eval(1)", "$x$ _y_ *z* @k", "\x0b\x00", '{ HYPERLINK "x" }'))
    folder = build(tmp_path, words, text=text)
    path = render_docx(folder, "en")
    document = parts_of(path)["word/document.xml"]
    codes = {code.split()[0] for code in document.itertext(f"{W}instrText")}
    assert codes <= {"REF", "PAGEREF", "SEQ", "TOC", "PAGE"}
    assert "<script>" in words_of(path)
    docx.Document(str(path))
    assert render_pdf(folder, "en").read_bytes()[:5] == b"%PDF-"


def test_commands_of_typesetters_are_printed_as_they_stand(tmp_path, words):
    """Catalogue 164: LaTeX and Typst commands in a text are text."""
    commands = (r"\input{secret}", r"\write18{ls}", "#read(secret)")
    folder = build(tmp_path, words, text=" ".join(commands))
    for said in (words_of(render_docx(folder, "en")), pdf_text(render_pdf(folder, "en"))):
        assert [command for command in commands if command not in said] == []
