"""Figures of waves of a survey: where each stands, and what changed."""

from __future__ import annotations

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crmresearch.reporting.figures.rows import name_rows
from crmresearch.reporting.figures.theme import FAINT, PALETTE, WIDTH, theme

Say = Callable[[str], str]

_ROW = 0.42
_MARKS = "osD^vP"


def plot_wave_means(means: pd.DataFrame, say: Say) -> Figure:
    """Draw the mean of every construct in every wave, with its interval.

    Parameters
    ----------
    means : pd.DataFrame
        wave, construct, mean, conf_low, conf_high (``WaveComparison.means``).
    say : Callable[[str], str]
    """
    with theme():
        constructs = list(dict.fromkeys(means["construct"]))
        figure, axes = plt.subplots(figsize=(WIDTH, 1.1 + _ROW * len(constructs)))
        waves = list(dict.fromkeys(means["wave"]))
        _rows(axes, means.rename(columns={"mean": "value"}), constructs, "wave", waves, [str(w) for w in waves])
        name_rows(axes, [say(c) for c in constructs])
        axes.set(xlabel=say("mean_axis"))
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(waves), title=say("wave"))
    return figure


def plot_wave_changes(changes: pd.DataFrame, say: Say) -> Figure:
    """Draw each change with its interval: everybody beside the customers of both waves, a panel per pair of waves.

    Parameters
    ----------
    changes : pd.DataFrame
        from_wave, to_wave, construct, design, mean_difference, conf_low, conf_high (``WaveComparison.changes``).
    say : Callable[[str], str]
    """
    with theme():
        constructs = list(dict.fromkeys(changes["construct"]))
        designs = list(dict.fromkeys(changes["design"]))
        pairs = list(changes.groupby(["from_wave", "to_wave"], sort=False))
        size = (WIDTH, 1.1 + _ROW * len(constructs))
        figure, panels = plt.subplots(1, len(pairs), figsize=size, squeeze=False, sharey=True)
        for axes, ((a, b), of_pair) in zip(panels[0], pairs, strict=True):
            values = of_pair.rename(columns={"mean_difference": "value"})
            axes.axvline(0, color=FAINT, linewidth=1, linestyle="--")
            _rows(axes, values, constructs, "design", designs, [say(d) for d in designs])
            name_rows(axes, [say(c) for c in constructs])
            axes.set_xlabel(f"{a} → {b}" if len(pairs) > 1 else say("change_axis"))
        panels[0][-1].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(designs))
    return figure


def _rows(axes: Axes, table: pd.DataFrame, rows: list[str], by: str, groups: list[str], names: list[str]) -> None:
    """A dot with its interval for every group of every row, groups a little apart."""
    for k, (group, name) in enumerate(zip(groups, names, strict=True)):
        own = table[table[by] == group].set_index("construct").reindex(rows)
        at = np.arange(len(rows)) + (k - (len(groups) - 1) / 2) * 0.5 / len(groups)
        colour = PALETTE[k % len(PALETTE)]
        axes.hlines(at, own["conf_low"], own["conf_high"], color=colour, linewidth=1.6)
        axes.plot(own["value"], at, _MARKS[k % len(_MARKS)], color=colour, markersize=5, label=name)
