"""Figures with a row for each thing: named rows, dots and bars with their intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from crmresearch.reporting.figures.theme import FAINT, INK, PALETTE


def name_rows(axes: Axes, names: Sequence[str], *, above: float = 0.5) -> np.ndarray:
    """Name the rows, first at the top, ``above`` of a row free over it; give their heights."""
    rows = np.arange(len(names))
    axes.set_yticks(rows, names)
    axes.set_ylim(len(names) - 0.5, -above)
    axes.grid(visible=False, axis="y")
    return rows


def draw_dots(
    axes: Axes,
    names: Sequence[str],
    values: np.ndarray,
    *,
    written: bool = False,
    sure: np.ndarray | None = None,
    size: float = 5,
) -> None:
    """Draw one dot with its interval a row.

    Parameters
    ----------
    axes : Axes
    names : Sequence[str]
    values : np.ndarray, shape (n, 3)
        Estimate, low, high.
    written : bool
        Write the estimate above its dot.
    sure : np.ndarray of bool, shape (n,), optional
        The others are drawn faint and hollow.
    size : float
        Of the dots.
    """
    rows = name_rows(axes, names, above=0.7 if written else 0.5)
    values = np.asarray(values, dtype=float)
    sure = np.ones(len(rows), dtype=bool) if sure is None else sure
    for mask, colour, inside in ((sure, PALETTE[0], PALETTE[0]), (~sure, FAINT, "white")):
        estimate, low, high = values[mask].T
        axes.hlines(rows[mask], low, high, color=colour, linewidth=1.6)
        axes.plot(estimate, rows[mask], "o", color=colour, markerfacecolor=inside, markersize=size)
    for row, value in zip(rows, values[:, 0], strict=True) if written else ():
        axes.annotate(
            f"{value:.2f}", (value, row), xytext=(0, 5), textcoords="offset points", ha="center", fontsize=8, color=INK
        )


def draw_bars(
    axes: Axes,
    rows: np.ndarray,
    values: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    *,
    height: float,
    colour: str | tuple = PALETTE[0],
    label: str = "",
) -> None:
    """Draw one bar a row, and its interval as a whisker."""
    axes.barh(rows, values, height, color=colour, label=label or None)
    reach = np.stack([values - low, high - values]).clip(min=0)
    axes.errorbar(values, rows, xerr=reach, fmt="none", ecolor=INK, elinewidth=1, capsize=2)
