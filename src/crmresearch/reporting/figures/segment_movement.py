"""Figures of movement and needs: who went where, stages over time, needs by group."""

from __future__ import annotations

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from crmresearch.reporting.figures.segments import draw_grid, segment_colours
from crmresearch.reporting.figures.theme import HEIGHT, PALETTE, WIDTH, theme
from crmresearch.reporting.words import WordsError

Say = Callable[[str], str]

_STAGES = ("potential_customer", "exploration", "formation", "stability", "decline", "ended")
_MOST_GROUPS = 16


def plot_segment_moves(moves: pd.DataFrame, say: Say) -> Figure:
    """Draw the migration matrix: shares of those before, counts written in the cells.

    Parameters
    ----------
    moves : pd.DataFrame
        from_segment, to_segment, n_customers, share_of_row (``Migration.moves``).
    say : Callable[[str], str]
    """
    with theme():
        share = moves.pivot(index="from_segment", columns="to_segment", values="share_of_row")
        count = moves.pivot(index="from_segment", columns="to_segment", values="n_customers")
        written = share.map(lambda s: "" if np.isnan(s) else f"{s:.0%}") + count.map(lambda n: f"\n({n:,})")
        figure, axes = plt.subplots(figsize=(WIDTH * 0.8, 1.2 + 0.5 * len(share)))
        colours = sns.light_palette(PALETTE[0], as_cmap=True)
        draw_grid(axes, share.to_numpy(dtype=float), written.to_numpy(), (0.0, 1.0), colours)
        percent = PercentFormatter(1, decimals=0)
        figure.colorbar(axes.images[0], ax=axes, label=say("customer_share_axis"), format=percent)
        axes.set_xticks(range(len(share.columns)), [f"{one}" for one in share.columns])
        axes.set_yticks(range(len(share)), [f"{one}" for one in share.index])
        axes.set(xlabel=say("segment_after"), ylabel=say("segment_before"))
    return figure


def plot_stage_shares(panel: pd.DataFrame, say: Say) -> Figure:
    """Draw the share of customers in each stage, period by period.

    Parameters
    ----------
    panel : pd.DataFrame
        period, stage (``CustomerStages.panel``).
    say : Callable[[str], str]
    """
    with theme():
        counts = panel.groupby(["period", "stage"]).size().unstack(fill_value=0)
        counts = counts[[stage for stage in _STAGES if stage in counts]]
        share = counts.div(counts.sum(axis=1), axis=0)
        figure, axes = plt.subplots(figsize=(WIDTH, HEIGHT))
        axes.stackplot(
            share.index,
            share.to_numpy().T,
            labels=[say(stage) for stage in share.columns],
            colors=segment_colours(len(share.columns)),
        )
        axes.set(ylabel=say("customer_share_axis"), ylim=(0, 1))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.margins(x=0)
        handles, labels = axes.get_legend_handles_labels()
        axes.legend(handles[::-1], labels[::-1], loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def plot_needs_by_group(shares: pd.DataFrame, say: Say) -> Figure:
    """Draw the share stating each need by group, one panel a need, for the first classification with groups to show.

    Parameters
    ----------
    shares : pd.DataFrame
        classification, customer_group, need, share_stating, share_low, share_high (``NeedsByGroup.shares``);
        of a classification with more than sixteen groups, the largest are drawn.
    say : Callable[[str], str]
    """
    with theme():
        first = shares["classification"].iloc[0]
        own = shares[shares["classification"] == first]
        largest = own.groupby("customer_group")["n"].max().sort_values(ascending=False, kind="stable").index
        groups = [group for group in own["customer_group"].unique() if group in largest[:_MOST_GROUPS]]
        needs = list(own["need"].unique())
        figure, panels = plt.subplots(
            1, len(needs), figsize=(WIDTH, 0.9 + 0.26 * len(groups)), sharey=True, sharex=True, squeeze=False
        )
        rows = np.arange(len(groups))
        for axes, need in zip(panels[0], needs, strict=True):
            part = own[own["need"] == need].set_index("customer_group").reindex(groups)
            axes.hlines(rows, part["share_low"], part["share_high"], color=PALETTE[0])
            axes.plot(part["share_stating"], rows, "o", color=PALETTE[0])
            axes.set_title(say(need), fontsize=8)
            axes.set_yticks(rows, [_worded(group, say) for group in groups])
            axes.set_ylim(len(groups) - 0.5, -0.5)
            axes.set_xlim(0, 1)
            axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
            axes.grid(visible=False, axis="y")
        panels[0, 0].set_ylabel(say(first))
        figure.supxlabel(say("stating_axis"), fontsize=9)
    return figure


def _worded(group: str, say: Say) -> str:
    """The name of a group that is a word of ours (a tier), or the group as the case names it."""
    try:
        return say(group)
    except WordsError:
        return group
