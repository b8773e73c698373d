"""Figures of customer lifetime value."""

from __future__ import annotations

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullFormatter, PercentFormatter, StrMethodFormatter

from crmresearch.reporting.figures.theme import FAINT, HEIGHT, INK, PALETTE, WIDTH, plain_number


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


def plot_value_parts(data: pd.DataFrame, say: Callable[[str], str]) -> Figure:
    """Waterfall of lifetime value: current value, then each part of future value, with its interval.

    Parameters
    ----------
    data : pd.DataFrame
        ``ValueParts.parts``: part, evidence, part_value, part_low, part_high. A part not
        observed has no bar and says so.
    say : Callable[[str], str]

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = plt.subplots()
    value = data["part_value"].fillna(0.0).to_numpy()
    below = np.concatenate([[0.0], np.cumsum(value)[:-1]])
    known = data["part_value"].notna().to_numpy()
    place = np.arange(len(data))
    colours = np.where(value < 0, PALETTE[1], np.where(place == 0, PALETTE[4], PALETTE[0]))
    axes.bar(place, value, bottom=below, color=colours, width=0.6)
    axes.hlines((below + value)[:-1], place[:-1] + 0.3, place[1:] - 0.3, color=FAINT, linewidth=0.8)
    interval = known & data["part_low"].notna().to_numpy()
    ends = (below + data[["part_low", "part_high"]].to_numpy(dtype=float).T)[:, interval]
    axes.vlines(place[interval], *ends, color=INK, linewidth=1.2)
    reach = max((below + value).max(), ends.max(initial=0.0))
    for at in place:
        text = f"{value[at]:,.0f}" if known[at] else say("not_observed")
        top = below[at] + np.nanmax([0.0, value[at], data["part_high"].iloc[at]])
        axes.annotate(text, (at, top + 0.015 * reach), ha="center", fontsize=8, color=INK if known[at] else FAINT)
    total = value.sum()
    axes.bar(len(data), total, color=PALETTE[2], width=0.6)
    axes.annotate(f"{total:,.0f}", (len(data), total + 0.015 * reach), ha="center", fontsize=8)
    axes.set_xticks(
        np.arange(len(data) + 1), [*(say(part) for part in data["part"]), say("observed_parts")], fontsize=8
    )
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_ylabel(say("worth"))
    axes.grid(False, axis="x")
    return figure


def plot_clv_matrix(data: pd.DataFrame, say: Callable[[str], str], *, cuts: tuple[float, float]) -> Figure:
    """Current against future value of each customer, in the four classes, with the two cuts.

    Parameters
    ----------
    data : pd.DataFrame
        ``ClvMatrix.customers``: current_value, future_value, clv_class, share_kept; who would change class under many
        cuts is drawn fainter.
    say : Callable[[str], str]
    cuts : tuple[float, float]
        Of current and of future value.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = plt.subplots(figsize=(WIDTH, HEIGHT * 1.2))
    names = ("lead", "iron", "gold", "platinum")
    for name, colour, marker in zip(names, (PALETTE[4], PALETTE[2], PALETTE[1], PALETTE[0]), "osD^", strict=True):
        rows = data[data["clv_class"] == name]
        if len(rows):
            look = {"s": 9, "marker": marker, "color": colour, "linewidths": 0, "rasterized": True}
            shade = 0.15 + 0.75 * rows["share_kept"].to_numpy()
            axes.scatter(rows["current_value"], rows["future_value"], alpha=shade, **look)
        axes.scatter([], [], s=20, marker=marker, color=colour, label=f"{say(name)} ({len(rows):,})")
    for column, which, line in zip(("current_value", "future_value"), "xy", (axes.axvline, axes.axhline), strict=True):
        cut = cuts["xy".index(which)]
        line(cut, color=INK, linewidth=0.9, linestyle="--")
        _by_tens(axes, which, data[column].to_numpy(dtype=float), cut)
    axes.set(xlabel=say("current_value"), ylabel=say("future_value"))
    figure.legend(loc="outside upper left", ncols=4)
    return figure


def _by_tens(axes: Axes, which: str, values: np.ndarray, cut: float) -> None:
    """A scale that is straight around zero and grows by tens beyond."""
    size = np.abs(values[values != 0])
    near = 10.0 ** np.floor(np.log10(max(np.quantile(size, 0.1) if len(size) else 1.0, abs(cut) / 100, 1e-6)))
    getattr(axes, f"set_{which}scale")("symlog", linthresh=near)
    powers = near * 10.0 ** np.arange(np.ceil(np.log10(max(size.max(initial=near) / near, 1))) + 1)
    below = -powers[powers <= -values.min()] if values.min() < 0 else []
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(FixedLocator([*below, 0, *powers]))
    axis.set_major_formatter(plain_number)
    axis.set_minor_formatter(NullFormatter())


def plot_classes_later(data: pd.DataFrame, say: Callable[[str], str]) -> Figure:
    """Mean value in the period after by class, with intervals, beside the share who bought again.

    Parameters
    ----------
    data : pd.DataFrame
        ``ClvMatrixCheck.classes``: clv_class, later_value, later_low, later_high, share_bought_again.
    say : Callable[[str], str]

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, HEIGHT * 0.8))
    place = np.arange(len(data))
    error = np.abs(data[["later_low", "later_high"]].to_numpy().T - data["later_value"].to_numpy())
    left.bar(place, data["later_value"], yerr=error, color=PALETTE[0], width=0.6, ecolor=INK, capsize=2)
    bars = right.bar(place, data["share_bought_again"], color=PALETTE[3], width=0.6)
    right.bar_label(bars, labels=[f"{v:.0%}" for v in data["share_bought_again"]], fontsize=7, padding=1)
    for axes in (left, right):
        axes.set_xticks(place, [say(name) for name in data["clv_class"]])
        axes.grid(False, axis="x")
    left.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    right.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    left.set_ylabel(say("later_value"))
    right.set(ylabel=say("share_bought_again"), ylim=(0, 1.05))
    return figure
