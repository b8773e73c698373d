"""Chinese characters for pages: the ones a page uses, as a font inside it, for readers whose system has none."""

from __future__ import annotations

import base64
import re
from functools import cache
from importlib import import_module
from io import BytesIO

FAMILY = "Chinese of this page"
_CHINESE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")


def font_face(page: str) -> str:
    """Return a style rule that carries a font with the Chinese characters of ``page``.

    About 65 kB for 400 characters; the empty string where the page has none, or where the package with
    the fonts is not installed (the reader's own fonts then have to do).

    Examples
    --------
    >>> font_face("plain English")
    ''
    >>> font_face("客户")[:41]
    '@font-face { font-family: "Chinese of thi'
    """
    return _font_face("".join(sorted(filter(_CHINESE.match, set(page)))))


@cache
def _font_face(characters: str) -> str:
    if not characters:
        return ""
    try:
        path = import_module("pylopdf_fonts_zh_cn").serif_path()
    except (ImportError, OSError):
        return ""
    from fontTools import subset

    options = subset.Options(flavor="woff", hinting=False, desubroutinize=True, recalc_timestamp=False)
    font = subset.load_font(str(path), options)
    for table in {"BASE", "GDEF", "GPOS", "GSUB", "VORG", "vhea", "vmtx"} & set(font.keys()):
        del font[table]  # of no use in lines of prose, and slow to cut
    chosen = subset.Subsetter(options)
    chosen.populate(text=characters)
    chosen.subset(font)
    content = BytesIO()
    font.flavor = "woff"
    font.save(content)
    data = base64.b64encode(content.getvalue()).decode()
    return f'@font-face {{ font-family: "{FAMILY}"; src: url(data:font/woff;base64,{data}) format("woff"); }}'
