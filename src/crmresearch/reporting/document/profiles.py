"""Style profiles: how a publisher wants pages, captions, numbers and references, as data."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from crmresearch.errors import UsageError
from crmresearch.reporting.document.shipped import read_shipped
from crmresearch.reporting.numbers import REPORT, Style

DEFAULT = "business"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Fonts(_Strict):
    """Names of fonts, as Word asks for them; the PDF takes the nearest free ones by their kind."""

    latin: str
    chinese: str
    heading_latin: str
    heading_chinese: str
    kind: Literal["serif", "sans"] = "serif"
    heading_kind: Literal["serif", "sans"] = "sans"


class Page(_Strict):
    """Paper is A4 or US letter; margins in centimetres."""

    paper: Literal["a4", "us-letter"] = "a4"
    top: float = 2.5
    bottom: float = 2.5
    left: float = 3.0
    right: float = 2.5


class Text(_Strict):
    """Sizes in points, line spacing in lines, the first line's indent in characters."""

    size: float = 12
    line: float = 1.5
    indent: float = 0
    after: float = 0
    headings: tuple[float, ...] = (16, 14, 12, 12)
    centred_chapters: bool = False
    bold_headings: bool = False
    table: float = 10.5
    caption: float = 10.5
    note: float = 9


class Captions(_Strict):
    """Where captions stand and how they look."""

    table: Literal["above", "below"] = "above"
    figure: Literal["above", "below"] = "below"
    centred: bool = False
    stacked: bool = False
    bold_label: bool = False
    italic_title: bool = False
    numbering: Literal["chapter", "whole"] = "chapter"


class Rules(_Strict):
    """Thickness in points of a table's three rules."""

    outer: float = 1.5
    inner: float = 0.75


class Numbers(_Strict):
    """How numbers are printed; see ``numbers.Style``."""

    decimals: dict[str, int] = {}
    smallest_p: Decimal = Decimal("0.001")
    missing: str = "–"
    bounded: tuple[str, ...] = ()
    bounded_decimals: int = 3
    followers: tuple[str, ...] = ()
    mean_sd: bool = False
    stars: tuple[Decimal, ...] = ()
    starred: tuple[str, ...] = ()


class Profile(_Strict):
    """One way of setting a document.

    Attributes
    ----------
    citation : str
        Citation style; a file of ``styles/``.
    lead_in : bool
        Each section begins with a sentence that points to its tables and figures.
    outline : str
        Structure that goes with the profile unless another is asked for.
    lists : bool
        Lists of tables and figures stand after the contents.
    """

    name: str
    title: dict[str, str]
    outline: str
    fonts: Fonts
    page: Page = Page()
    text: Text = Text()
    captions: Captions = Captions()
    rules: Rules = Rules()
    numbers: Numbers = Numbers()
    citation: str = "apa"
    lead_in: bool = True
    lists: bool = True

    @property
    def style(self) -> Style:
        """How numbers are printed."""
        given = self.numbers
        return Style(
            decimals={**REPORT.decimals, **given.decimals},
            smallest_p=given.smallest_p,
            missing=given.missing,
            bounded=frozenset(given.bounded),
            bounded_decimals=given.bounded_decimals,
            followers=frozenset(given.followers),
            mean_sd=given.mean_sd,
            stars=given.stars,
            starred=frozenset(given.starred),
        )


@cache
def load_profile(name: str) -> Profile:
    """Read a profile.

    Raises
    ------
    UsageError
        There is no such profile; the message names the nearest.

    Examples
    --------
    >>> load_profile("apa7").numbers.bounded_decimals
    2
    """
    content = read_shipped("profile", name)
    try:
        return Profile.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UsageError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}", where=f"profile {name}") from None
