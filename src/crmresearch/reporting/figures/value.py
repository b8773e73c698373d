"""Figures of customer value: concentration, RFM, weights, scores, tiers."""

from __future__ import annotations

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter, StrMethodFormatter

from crmresearch.reporting.figures.theme import FAINT, HEIGHT, INK, PALETTE, WIDTH, plain_number, theme

Say = Callable[[str], str]


def plot_lorenz(curve: pd.DataFrame, say: Say, *, top_share: float = 0.2) -> Figure:
    """Draw the Lorenz curve and mark what the top customers bring.

    Parameters
    ----------
    curve : pd.DataFrame
        share_customers, share_spend, smallest customer first (``ParetoShares.curve``).
    say : Callable[[str], str]
        Label of a key in the figure's language.
    top_share : float
        Share of customers that counts as the top.
    """
    with theme():
        figure, axes = plt.subplots(figsize=(HEIGHT * 1.25, HEIGHT * 1.1))
        customers, spend = curve["share_customers"].to_numpy(), curve["share_spend"].to_numpy()
        axes.plot([0, 1], [0, 1], color=FAINT, linestyle="--", linewidth=1, label=say("equal_spend"))
        axes.plot(customers, spend, color=PALETTE[0], label=say("observed"))
        axes.fill_between(customers, spend, customers, color=PALETTE[0], alpha=0.08)
        edge = 1 - top_share
        below = float(np.interp(edge, customers, spend))
        axes.plot([edge, edge, 1], [0, below, below], color=PALETTE[1], linewidth=1)
        axes.annotate(
            f"{top_share:.0%} → {1 - below:.1%}",
            (edge, below),
            xytext=(-8, 6),
            textcoords="offset points",
            ha="right",
            color=PALETTE[1],
        )
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel=say("cumulative_customers"), ylabel=say("cumulative_spend"))
        _percent(axes.xaxis, axes.yaxis)
        axes.legend(loc="upper left")
    return figure


def plot_rfm_heatmap(cells: pd.DataFrame, say: Say) -> Figure:
    """Draw recency by frequency: colour is mean spend per customer, the number counts customers.

    Parameters
    ----------
    cells : pd.DataFrame
        r, f, n_customers, mean_spend (``RfmScores.cells``).
    say : Callable[[str], str]
    """
    with theme():
        figure, axes = plt.subplots(figsize=(WIDTH, HEIGHT))
        grid = {c: cells.pivot(index="f", columns="r", values=c).iloc[::-1] for c in ("n_customers", "mean_spend")}
        counts = grid["n_customers"].map(lambda n: f"{n:,}" if n else "")
        sns.heatmap(
            grid["mean_spend"],
            annot=counts,
            fmt="",
            cmap=sns.light_palette(PALETTE[0], as_cmap=True),
            linewidths=1.5,
            linecolor="white",
            robust=True,
            cbar_kws={"label": say("spend_per_customer"), "format": plain_number},
            ax=axes,
        )
        axes.set(xlabel=say("recency_score"), ylabel=say("frequency_score"))
        axes.tick_params(length=0, rotation=0)
        axes.grid(visible=False)
    return figure


def plot_weights(comparison: pd.DataFrame, say: Say) -> Figure:
    """Draw each indicator's weight under every recipe.

    Parameters
    ----------
    comparison : pd.DataFrame
        weighting, indicator, weight (``WeightComparison.table``); missing weights are left out.
    say : Callable[[str], str]
    """
    with theme():
        names, recipes = comparison["indicator"].unique(), comparison["weighting"].unique()
        figure, axes = plt.subplots(figsize=(WIDTH, 1.9 + 0.42 * len(names)))
        place = {name: i for i, name in enumerate(reversed(names))}
        span = comparison.groupby("indicator")["weight"].agg(["min", "max"])
        axes.hlines([place[n] for n in span.index], span["min"], span["max"], color=FAINT, linewidth=1, zorder=1)
        for recipe, marker, colour in zip(recipes, "osD^vPX*<>hdp", _marks(), strict=False):
            rows = comparison[comparison["weighting"] == recipe].dropna(subset="weight")
            if len(rows):
                axes.scatter(
                    rows["weight"],
                    rows["indicator"].map(place),
                    marker=marker,
                    s=34,
                    color=colour,
                    label=say(recipe),
                    zorder=2,
                )
        axes.set_yticks(list(place.values()), [say(name) for name in place])
        axes.set(xlabel=say("weight"), ylim=(-0.6, len(names) - 0.4))
        axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
        axes.grid(axis="y", visible=False)
        figure.legend(loc="outside upper left", ncols=2)
    return figure


def plot_scores(customers: pd.DataFrame, say: Say) -> Figure:
    """Draw the value score down the ranking, best customer first, coloured by tier.

    Parameters
    ----------
    customers : pd.DataFrame
        score and tier, best first (``Tiers.customers``).
    say : Callable[[str], str]
    """
    with theme():
        figure, axes = plt.subplots(figsize=(WIDTH, HEIGHT))
        place = np.arange(1, len(customers) + 1)
        tiers = customers["tier"].unique()
        for tier, colour in zip(tiers, sns.color_palette(PALETTE, len(tiers)), strict=True):
            of_tier = (customers["tier"] == tier).to_numpy()
            axes.plot(place[of_tier], customers["score"][of_tier].where(lambda s: s > 0), color=colour, label=tier)
            axes.fill_between(place[of_tier], customers["score"][of_tier], color=colour, alpha=0.15)
        axes.set(xlabel=say("place_in_ranking"), ylabel=say("score"), yscale="log", xlim=(1, len(customers)))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.minorticks_off()
        axes.legend(title=say("tier"))
    return figure


def plot_tiers(table: pd.DataFrame, say: Say, *, customers: pd.DataFrame) -> Figure:
    """Draw the size and value of each tier, and how surely its customers keep it.

    Parameters
    ----------
    table : pd.DataFrame
        tier, share_customers, share_worth (``Tiers.table``).
    say : Callable[[str], str]
    customers : pd.DataFrame
        tier, stay (``Tiers.customers``).
    """
    with theme():
        figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, HEIGHT * 0.85))
        at = np.arange(len(table))
        for shift, column, colour in ((-0.2, "share_customers", PALETTE[3]), (0.2, "share_worth", PALETTE[0])):
            bars = left.bar(at + shift, table[column], width=0.38, color=colour, label=say(column))
            left.bar_label(bars, labels=[f"{v:.0%}" for v in table[column]], fontsize=7, color=INK, padding=1)
        left.set_xticks(at, table["tier"])
        left.set(xlabel=say("tier"), ylabel=say("share"))
        left.grid(axis="x", visible=False)
        left.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
        stays = [customers.loc[customers["tier"] == tier, "stay"] for tier in table["tier"]]
        boxes = right.boxplot(
            [s for s in stays if len(s)],
            positions=[i for i, s in enumerate(stays) if len(s)],
            widths=0.5,
            patch_artist=True,
            showfliers=False,
            medianprops={"color": INK},
        )
        for box in boxes["boxes"]:
            box.set(facecolor=PALETTE[3], edgecolor=FAINT)
        right.set_xticks(at, table["tier"])
        right.set(xlabel=say("tier"), ylabel=say("stay"), ylim=(0, 1.02))
        right.grid(axis="x", visible=False)
        _percent(left.yaxis, right.yaxis)
    return figure


def _marks() -> list:
    """Colours for many marks; they repeat, with other markers."""
    return [*PALETTE] * 3


def _percent(*axes: Axis) -> None:
    for axis in axes:
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
