"""Figures of weights and rankings side by side: agreement of methods, demotions, named RFM segments."""

from __future__ import annotations

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from crmresearch.reporting.figures.theme import HEIGHT, PALETTE, WIDTH, theme

Say = Callable[[str], str]


def plot_rank_agreement(pairs: pd.DataFrame, say: Say) -> Figure:
    """Draw Kendall's τ of every pair of ranking methods.

    Parameters
    ----------
    pairs : pd.DataFrame
        method, other_method, rank_tau (``RankAgreement.pairs``).
    say : Callable[[str], str]
        Label of a key in the figure's language.
    """
    methods = list(dict.fromkeys([*pairs["method"], *pairs["other_method"]]))
    grid = pairs.pivot(index="method", columns="other_method", values="rank_tau").reindex(
        index=methods, columns=methods
    )
    grid = grid.fillna(grid.T)
    values = grid.to_numpy(dtype=float).copy()
    np.fill_diagonal(values, 1.0)
    with theme():
        figure, axes = plt.subplots(figsize=(WIDTH, HEIGHT * 1.1))
        names = [say(method) for method in methods]
        sns.heatmap(
            pd.DataFrame(values, index=names, columns=names),
            annot=True,
            fmt=".2f",
            cmap=sns.light_palette(PALETTE[0], as_cmap=True),
            vmin=min(0.0, float(np.nanmin(values))),
            vmax=1,
            linewidths=1.5,
            linecolor="white",
            cbar_kws={"label": say("kendall_tau")},
            ax=axes,
        )
        axes.set(xlabel="", ylabel="")
        axes.tick_params(length=0)
        axes.tick_params(axis="x", rotation=30)
        axes.tick_params(axis="y", rotation=0)
        for label in axes.get_xticklabels():
            label.set_ha("right")
        axes.grid(visible=False)
    return figure


def plot_demotions(customers: pd.DataFrame, say: Say) -> Figure:
    """Draw how many customers of each tier a change of one weight of at most that size demotes.

    Parameters
    ----------
    customers : pd.DataFrame
        tier, weight_change (``Demotions.customers``).
    say : Callable[[str], str]
    """
    with theme():
        figure, axes = plt.subplots(figsize=(WIDTH, HEIGHT * 0.85))
        steps = np.arange(0, 1.001, 0.01)
        tiers = sorted(customers["tier"].unique())[:-1] or sorted(customers["tier"].unique())
        for tier, colour, style in zip(tiers, PALETTE, ("-", "--", "-.", ":") * 3, strict=False):
            size = np.sort(customers.loc[customers["tier"] == tier, "weight_change"].abs().fillna(np.inf))
            share = np.searchsorted(size, steps + 1e-9, side="right") / max(len(size), 1)
            axes.step(steps, share, where="post", color=colour, linestyle=style, label=tier)
        axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel=say("size_of_change"), ylabel=say("share_demoted"))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.legend(title=say("tier"))
    return figure


def plot_rfm_segments(table: pd.DataFrame, say: Say) -> Figure:
    """Draw each named segment's share of customers and of spend.

    Parameters
    ----------
    table : pd.DataFrame
        rfm_segment, share_customers, share_spend (``RfmSegments.table``).
    say : Callable[[str], str]
    """
    with theme():
        figure, axes = plt.subplots(figsize=(WIDTH, 1.4 + 0.42 * len(table)))
        at = np.arange(len(table))
        for shift, column, colour in ((-0.2, "share_customers", PALETTE[3]), (0.2, "share_spend", PALETTE[0])):
            bars = axes.barh(at + shift, table[column], height=0.38, color=colour, label=say(column))
            axes.bar_label(bars, labels=[f"{v:.0%}" for v in table[column]], fontsize=7, padding=2)
        axes.set_yticks(at, [say(name) for name in table["rfm_segment"]])
        axes.invert_yaxis()
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set(xlabel=say("share"))
        axes.grid(axis="y", visible=False)
        figure.legend(loc="outside upper left", ncols=2)
    return figure
