"""Figures of records and customers: completeness, weight of evidence, concentration before and after merging."""

from __future__ import annotations

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from crmresearch.reporting.figures.theme import FAINT, HEIGHT, PALETTE, WIDTH, theme

Say = Callable[[str], str]

_MOST_SOURCES = 14


def plot_completeness(matrix: pd.DataFrame, say: Say) -> Figure:
    """Draw the share of filled cells: a row a field, a column a source, the largest sources only.

    Parameters
    ----------
    matrix : pd.DataFrame
        field, kept_by, n_records, share_filled (``Completeness.matrix``).
    say : Callable[[str], str]
        Label of a key in the figure's language.
    """
    with theme():
        sizes = matrix.groupby("kept_by")["n_records"].max().sort_values(ascending=False, kind="stable")
        shown = sorted(sizes.index[:_MOST_SOURCES])
        grid = matrix.pivot(index="field", columns="kept_by", values="share_filled")[shown]
        grid = grid.loc[grid.mean(axis=1).sort_values(kind="stable").index]
        figure, axes = plt.subplots(figsize=(WIDTH, 1.4 + 0.32 * len(grid)))
        sns.heatmap(
            grid,
            annot=grid.map(lambda share: f"{share:.0%}"),
            fmt="",
            annot_kws={"size": 7},
            vmin=0,
            vmax=1,
            cmap=sns.light_palette(PALETTE[0], as_cmap=True),
            linewidths=1.2,
            linecolor="white",
            cbar_kws={"label": say("share_of_cells"), "format": PercentFormatter(1, decimals=0)},
            ax=axes,
        )
        axes.set_yticklabels([_worded(field, say) for field in grid.index], rotation=0)
        names = [say(name) if name == "unknown_source" else name for name in shown]
        axes.set_xticklabels(names, rotation=90 if len(shown) > 4 else 0, parse_math=False)
        axes.set(xlabel="", ylabel="")
        axes.tick_params(length=0)
        axes.grid(visible=False)
    return figure


def _worded(field: str, say: Say) -> str:
    return say(field)


def plot_pair_weights(pairs: pd.DataFrame, say: Say) -> Figure:
    """Draw the weight of every pair, by what became of it.

    Parameters
    ----------
    pairs : pd.DataFrame
        weight, fate (``Duplicates.pairs``).
    say : Callable[[str], str]
    """
    with theme():
        fates = [f for f in ("fate_merged", "fate_held", "fate_review", "fate_apart") if pairs["fate"].eq(f).any()]
        figure, axes = plt.subplots(figsize=(WIDTH, 1.1 + 0.5 * len(fates)))
        for place, (fate, colour) in enumerate(zip(reversed(fates), PALETTE, strict=False)):
            weights = np.sort(pairs.loc[pairs["fate"] == fate, "weight"].dropna().to_numpy())[:4000]
            wobble = (np.arange(len(weights)) * 0.618034 % 1 - 0.5) * 0.5  # spread evenly, the same on every run
            axes.scatter(weights, place + wobble, s=12, alpha=0.6, color=colour, linewidths=0)
        axes.axvline(0, color=FAINT, linewidth=1)
        axes.set_yticks(range(len(fates)), [say(fate) for fate in reversed(fates)])
        axes.set(xlabel=say("evidence_weight"), ylim=(-0.6, len(fates) - 0.4))
        axes.grid(axis="y", visible=False)
    return figure


def plot_lorenz_pair(before: pd.DataFrame, say: Say, *, after: pd.DataFrame) -> Figure:
    """Draw the concentration of spend over records, and over the customers they belong to.

    Parameters
    ----------
    before, after : pd.DataFrame
        share_customers, share_spend (``ParetoShares.curve``).
    say : Callable[[str], str]
    """
    with theme():
        figure, axes = plt.subplots(figsize=(HEIGHT * 1.25, HEIGHT * 1.1))
        for curve, key, colour in ((before, "before_merging", PALETTE[1]), (after, "after_merging", PALETTE[0])):
            axes.plot(curve["share_customers"], curve["share_spend"], color=colour, label=say(key))
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle="--", label=say("equal_spend"))
        axes.set(xlabel=say("share_of_customers"), ylabel=say("share_of_spend"), xlim=(0, 1), ylim=(0, 1))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.legend()
    return figure
