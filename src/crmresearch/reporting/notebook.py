"""An executed notebook as harmless HTML: structure and pictures stay, everything that acts goes."""

from __future__ import annotations

import logging
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import nh3

from crmresearch.errors import StorageError

if TYPE_CHECKING:
    from nbconvert import HTMLExporter

_TAGS = {
    *("h1", "h2", "h3", "h4", "h5", "h6", "p", "div", "section", "blockquote", "hr", "br", "pre"),
    *("ul", "ol", "li", "dl", "dt", "dd", "details", "summary", "figure", "figcaption", "img", "a"),
    *("table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"),
    *("b", "i", "em", "strong", "small", "sub", "sup", "code", "span", "del", "var"),
}
_ATTRIBUTES = {
    "*": {"class", "lang"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}
_PICTURE = re.compile(r"data:image/(png|jpeg|gif);base64,[A-Za-z0-9+/=\s]+")


def notebook_body(path: Path) -> str:
    """Convert an executed notebook, cleaned with an allow-list.

    No script, style, form, frame, vector picture, event attribute or address survives; a link
    within the page and a picture held in the notebook do.

    Raises
    ------
    StorageError
        The notebook cannot be read.
    """
    import nbformat  # slow to import, and only here

    try:
        notebook = nbformat.read(path, as_version=4)
    except (OSError, ValueError, nbformat.ValidationError) as error:
        raise StorageError(f"not a readable notebook: {error}", where=str(path)) from None
    body, _ = _exporter().from_notebook_node(notebook)
    return clean_html(body)


@cache
def _exporter() -> HTMLExporter:
    from nbconvert import HTMLExporter

    quiet = logging.getLogger(__name__)
    quiet.setLevel(logging.ERROR)  # it warns of every picture without alt text
    return HTMLExporter(template_name="basic", exclude_anchor_links=True, log=quiet)


def clean_html(text: str) -> str:
    """Keep what the allow-list names of a piece of HTML.

    Examples
    --------
    >>> clean_html('<p onclick="x()">a<script>b</script> <a href="https://c.example">d</a></p>')
    '<p>a <a>d</a></p>'
    """
    return nh3.clean(
        text,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_harmless,
        url_schemes={"data"},
        link_rel=None,
    )


def _harmless(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "href":
        return value if value.startswith("#") else None
    if attribute == "src":
        return value if _PICTURE.fullmatch(value) else None
    return value
