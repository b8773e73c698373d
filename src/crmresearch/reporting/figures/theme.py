"""One look for every figure: quiet, colour-blind safe, readable in grey, Chinese without a system font."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path

import matplotlib as mpl
import seaborn as sns
from matplotlib import font_manager
from matplotlib.axis import Axis, XAxis
from matplotlib.ticker import NullFormatter

from crmresearch.errors import CrmresearchError

PALETTE = ("#1f4e79", "#d9822b", "#7a2e54", "#7fb8ad", "#5d6b7a", "#d8bf6a")
"""Six hues that stay apart for colour-blind readers; in grey, neighbours alternate dark and light."""

INK, FAINT, GRID = "#222222", "#767676", "#e4e4e4"
WIDTH, HEIGHT = 6.8, 4.0
"""Size of a figure in inches: the text width of a page, 653 px on screen."""

_SYSTEM_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "PingFang SC",
    "Microsoft YaHei",
    "Hiragino Sans GB",
    "WenQuanYi Micro Hei",
    "SimHei",
)


class FontError(CrmresearchError):
    """No font can print Chinese, or a figure holds a character that its fonts lack."""


@contextmanager
def theme() -> Iterator[None]:
    """Draw figures in the house look.

    Inside, a character that no font has is an error, never a box, and ``$`` prints as it stands.

    Raises
    ------
    FontError
        No Chinese font is found, or a figure that is saved inside lacks a character.

    Examples
    --------
    >>> with theme():
    ...     mpl.rcParams["text.parse_math"]
    False
    """
    with mpl.rc_context(), warnings.catch_warnings():
        sns.set_theme(context="paper", style="ticks", palette=PALETTE, rc=_settings(chinese_font()))
        warnings.filterwarnings("error", message="Glyph .* missing from", category=UserWarning)
        try:
            yield
        except UserWarning as error:
            if "missing from" not in str(error):
                raise
            raise FontError(
                f"no font for a character of this figure ({str(error).split(' missing')[0]})",
                repair="Set CRMRESEARCH_FONT to a font file that has it.",
            ) from None


def _settings(font: str) -> dict[str, object]:
    return {
        "figure.figsize": (WIDTH, HEIGHT),
        "figure.constrained_layout.use": True,
        "figure.facecolor": "white",
        "font.family": "sans-serif",
        "font.sans-serif": [font, "DejaVu Sans"],
        "font.size": 9,
        "axes.labelsize": 9,
        "axes.edgecolor": FAINT,
        "axes.labelcolor": INK,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.unicode_minus": True,
        "grid.color": GRID,
        "grid.linewidth": 0.6,
        "lines.linewidth": 1.6,
        "lines.markersize": 4,
        "patch.linewidth": 0,
        "text.color": INK,
        "text.parse_math": False,
        "xtick.color": FAINT,
        "ytick.color": FAINT,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "xtick.major.size": 3,
        "ytick.major.size": 3,
        "legend.frameon": False,
        "legend.fontsize": 8,
        "svg.hashsalt": "crmresearch",
    }


def log_scale(axis: Axis) -> None:
    """Make an axis logarithmic, its ticks plain numbers (1,000) rather than powers.

    Figures print ``$`` as it stands, so matplotlib's own labels of such an axis would print code.

    Examples
    --------
    >>> with theme():
    ...     axes = mpl.figure.Figure().subplots()
    ...     log_scale(axes.xaxis)
    ...     axes.get_xscale()
    'log'
    """
    (axis.axes.set_xscale if isinstance(axis, XAxis) else axis.axes.set_yscale)("log")
    axis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    axis.set_minor_formatter(NullFormatter())


def chinese_font() -> str:
    """Name of the font that prints Chinese, made known to matplotlib.

    Looked up in this order: the file that ``CRMRESEARCH_FONT`` names, the package
    ``pylopdf-fonts-zh-cn``, the system's fonts.

    Raises
    ------
    FontError
        ``CRMRESEARCH_FONT`` names no font file, or there is no Chinese font at all.
    """
    return _chinese_font(os.environ.get("CRMRESEARCH_FONT", ""))


@cache
def _chinese_font(file: str) -> str:
    if file:
        return _added(Path(file))
    try:
        return _added(import_module("pylopdf_fonts_zh_cn").sans_path())
    except (ImportError, FontError):
        return _system_font()


def _added(path: Path) -> str:
    try:
        font_manager.fontManager.addfont(path)
        return font_manager.FontProperties(fname=path).get_name()
    except (OSError, RuntimeError) as error:
        raise FontError(
            f"not a font that can be read ({type(error).__name__})",
            where=str(path),
            repair="Set CRMRESEARCH_FONT to a .ttf or .otf file with Chinese characters.",
        ) from None


def _system_font() -> str:
    known = {font.name for font in font_manager.fontManager.ttflist}
    for name in _SYSTEM_FONTS:
        if name in known:
            return name
    raise FontError(
        "no font on this machine can print Chinese",
        where="figures",
        repair="Install pylopdf-fonts-zh-cn (python3 run.py does), or set CRMRESEARCH_FONT to a font file.",
    )


def plain_number(value: float, place: int | None = None) -> str:
    """Label of a tick without powers of ten; ``place`` is what matplotlib hands over and is not needed.

    Examples
    --------
    >>> plain_number(20_000_000.0), plain_number(0.25)
    ('20,000,000', '0.25')
    """
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.3g}"
