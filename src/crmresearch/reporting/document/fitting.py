"""How a table fits the page: size of its type, widths of its columns, upright or turned."""

from __future__ import annotations

from dataclasses import dataclass

from crmresearch.reporting.document.profiles import Profile
from crmresearch.reporting.tables import TableView

PAPERS = {"a4": (21.0, 29.7), "us-letter": (21.59, 27.94)}  # centimetres
_SMALLEST = 0.72
_PADDING_CM = 0.28
_WIDEST_WORDS = 34
_POINT_CM = 2.54 / 72
_MOST_KEPT_ROWS = 16


@dataclass(frozen=True, slots=True)
class Fit:
    """Size in points, widths of the columns in centimetres; whether the page is turned, the table kept whole."""

    size: float
    widths: tuple[float, ...]
    turned: bool = False
    whole: bool = False


def text_width(profile: Profile, *, turned: bool = False) -> float:
    """Width in centimetres between the margins."""
    width, height = PAPERS[profile.page.paper]
    return (height if turned else width) - profile.page.left - profile.page.right


def fit_table(view: TableView, profile: Profile) -> Fit:
    """Fit a table: as it is, in smaller type, or on a page turned sideways.

    Examples
    --------
    >>> from crmresearch.reporting.document.profiles import load_profile
    >>> view = TableView("", ("Tier", "n"), ("words", "number"), (("gold", "1,234"),))
    >>> fit_table(view, load_profile("gbt7713")).turned
    False
    """
    needs = [_need(view, column) for column in range(len(view.headings))]
    for turned in (False, True):
        room = text_width(profile, turned=turned) - _PADDING_CM * len(needs)
        scale = room / (sum(needs) * profile.text.table * 0.5 * _POINT_CM)
        if scale >= _SMALLEST or turned:
            break
    size = round(profile.text.table * min(1.0, max(scale, 0.55)), 1)
    spare = max(0.0, scale - 1) * sum(needs) / len(needs) if scale > 1 else 0.0
    shares = [need + spare for need in needs]
    room = text_width(profile, turned=turned) - _PADDING_CM * len(needs)
    return Fit(
        size, tuple(round(_PADDING_CM + room * share / sum(shares), 3) for share in shares), turned, _is_short(view)
    )


def _is_short(view: TableView) -> bool:
    """Whether a table fits the rest of most pages, and so is not broken between two."""
    return len(view.rows) <= _MOST_KEPT_ROWS and all(_halves(cell) < 200 for row in view.rows for cell in row)


def _need(view: TableView, column: int) -> float:
    """Half-em widths a column needs: its longest number, its longest word, its heading in two or three lines."""
    cells = [row[column] for row in view.rows]
    heading = view.headings[column]
    if view.flows[column] == "words":
        longest = max((_halves(cell) for cell in cells), default=0)
        inside = min(_WIDEST_WORDS, longest) if longest <= _WIDEST_WORDS else max(18, min(_WIDEST_WORDS, longest / 3))
    else:
        inside = max((_halves(cell) for cell in cells), default=0)
    words = max((_halves(word) for word in heading.split()), default=0)
    chinese = any(ord(c) > 0x2E80 for c in heading)
    return max(inside, min(words, 10) if chinese else words, _halves(heading) / 3, 3) + 0.6


def _halves(text: str) -> int:
    return sum(2 if ord(c) > 0x2E80 else 1 for c in text)
