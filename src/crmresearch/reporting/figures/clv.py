"""Figures of customer lifetime value."""

from __future__ import annotations

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter, StrMethodFormatter


def plot_frequencies(data: pd.DataFrame, say: Callable[[str], str]) -> Figure:
    """Customers by number of repeat purchases, actual beside expected.

    Parameters
    ----------
    data : pd.DataFrame
        ``FrequencyFit.histogram``: purchases (the last row open above), actual, expected.
    say : Callable[[str], str]
        Label of a key in the language of the figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = plt.subplots()
    position, width = np.arange(len(data)), 0.4
    axes.bar(position - width / 2, data["actual"], width, label=say("clv_actual"))
    axes.bar(position + width / 2, data["expected"], width, label=say("clv_expected"))
    axes.set_xticks(position, _classes(data["purchases"]))
    axes.set(xlabel=say("purchases"), ylabel=say("clv_customers"))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.grid(False, axis="x")
    axes.legend()
    return figure


def plot_tracking(data: pd.DataFrame, say: Callable[[str], str]) -> Figure:
    """Repeat purchases over time, cumulative above and by period below.

    Parameters
    ----------
    data : pd.DataFrame
        ``Tracking.periods``: end_date, in_sample, actual, expected, actual_cumulative, expected_cumulative.
    say : Callable[[str], str]

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (above, below) = plt.subplots(2, sharex=True, height_ratios=(3, 2))
    _pair_of_lines(above, data["end_date"], data["actual_cumulative"], data["expected_cumulative"], say)
    _pair_of_lines(below, data["end_date"], data["actual"], data["expected"], say)
    above.set_ylabel(say("clv_cumulative"))
    below.set_ylabel(say("clv_incremental"))
    above.legend()
    if data["in_sample"].any() and not data["in_sample"].all():
        for axes in (above, below):
            axes.axvline(data.loc[data["in_sample"], "end_date"].max(), color="0.45", linewidth=0.8, linestyle=":")
    figure.align_ylabels()
    return figure


def plot_holdout(data: pd.DataFrame, say: Callable[[str], str]) -> Figure:
    """Purchases per customer in the hold-out by calibration frequency.

    Parameters
    ----------
    data : pd.DataFrame
        ``Holdout.bins``: purchases (the last row open above), actual, expected.
    say : Callable[[str], str]

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = plt.subplots()
    position = np.arange(len(data))
    _pair_of_lines(axes, position, data["actual"], data["expected"], say, marker="o")
    axes.set_xticks(position, _classes(data["purchases"]))
    axes.set(xlabel=say("clv_calibration_purchases"), ylabel=say("clv_holdout_mean"))
    axes.legend()
    return figure


def plot_alive_map(data: pd.DataFrame, say: Callable[[str], str], *, unit: str) -> Figure:
    """Heat map of the probability of being alive.

    Parameters
    ----------
    data : pd.DataFrame
        ``AliveMap.grid``: frequency, t_x, p_alive.
    say : Callable[[str], str]
    unit : str
        Time unit of ``t_x``, e.g. ``"week"``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = plt.subplots()
    grid = data.pivot(index="t_x", columns="frequency", values="p_alive")
    mesh = axes.pcolormesh(grid.columns, grid.index, grid, shading="nearest", cmap="cividis", vmin=0, vmax=1)
    axes.set(xlabel=say("purchases"), ylabel=f"{say('t_x')} ({say(unit)})")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(False)
    figure.colorbar(mesh, ax=axes, label=say("p_alive"), format=PercentFormatter(1.0, decimals=0))
    return figure


def _pair_of_lines(
    axes: Axes,
    at: pd.Series | np.ndarray,
    actual: pd.Series,
    expected: pd.Series,
    say: Callable[[str], str],
    marker: str = "",
) -> None:
    axes.plot(at, actual, marker=marker, label=say("clv_actual"))
    axes.plot(at, expected, marker=marker, linestyle="--", label=say("clv_expected"))
    axes.set_ylim(bottom=0)


def _classes(purchases: pd.Series) -> list[str]:
    """Names of the classes; the last is open above."""
    names = [str(value) for value in purchases]
    return [*names[:-1], f"{names[-1]}+"]
