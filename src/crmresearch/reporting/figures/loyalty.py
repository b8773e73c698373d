"""Figures of loyalty and behaviour: kinds of loyalty, who stays, branches."""

from __future__ import annotations

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from crmresearch.reporting.figures.rows import draw_dots
from crmresearch.reporting.figures.theme import FAINT, HEIGHT, INK, PALETTE, WIDTH, theme

Say = Callable[[str], str]

_ROW = 0.3


def plot_loyalty_map(
    customers: pd.DataFrame, say: Say, *, attitude: str, patronage: str, indicators: pd.DataFrame
) -> Figure:
    """Draw customers by attitude and purchases, the cuts as bands and the four cells named.

    Parameters
    ----------
    customers : pd.DataFrame
        ``attitude`` and ``patronage`` (``LinkedCustomers.customers``).
    say : Callable[[str], str]
    attitude, patronage : str
    indicators : pd.DataFrame
        indicator, low_to, high_from (``LoyaltyTypes.indicators``).
    """
    with theme():
        figure, axes = plt.subplots(figsize=(WIDTH, HEIGHT + 0.6))
        pairs = customers[[attitude, patronage]].dropna().astype(float)
        x, y = pairs[attitude].to_numpy(), np.sqrt(pairs[patronage].to_numpy())
        axes.scatter(x, y, s=16, color=PALETTE[0], alpha=0.5, linewidths=0)
        cuts = indicators.set_index("indicator")
        axes.axvspan(*cuts.loc["attitude", ["low_to", "high_from"]], color=FAINT, alpha=0.15, linewidth=0)
        axes.axhspan(*np.sqrt(cuts.loc["patronage", ["low_to", "high_from"]].astype(float)), color=FAINT, alpha=0.15)
        for key, spot in (
            ("true_loyalty", (0.98, 0.98)),
            ("latent_loyalty", (0.98, 0.03)),
            ("spurious_loyalty", (0.02, 0.98)),
            ("no_loyalty", (0.02, 0.03)),
        ):
            axes.text(
                *spot,
                say(key),
                transform=axes.transAxes,
                ha="right" if spot[0] > 0.5 else "left",
                va="top" if spot[1] > 0.5 else "bottom",
                fontsize=9,
                color=INK,
            )
        top = int(pairs[patronage].max())
        ticks = [t for t in (0, 1, 2, 4, 8, 16, 32, 64) if t <= max(top, 1)]
        axes.set_yticks(np.sqrt(ticks), [str(t) for t in ticks])
        axes.set(xlabel=say(attitude), ylabel=say(patronage))
    return figure


def plot_shares(shares: pd.DataFrame, say: Say) -> Figure:
    """Draw the share of each type with its interval.

    Parameters
    ----------
    shares : pd.DataFrame
        loyalty_type, share, conf_low, conf_high.
    say : Callable[[str], str]
    """
    with theme():
        figure, axes = plt.subplots(figsize=(WIDTH, 1.0 + _ROW * len(shares)))
        draw_dots(axes, [say(t) for t in shares["loyalty_type"]], shares[["share", "conf_low", "conf_high"]])
        axes.set(xlabel=say("share_axis"), xlim=(0, None))
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    return figure


def plot_staying(survival: pd.DataFrame, say: Say) -> Figure:
    """Draw the share still buying over the days since asked, one line per third of the score.

    Parameters
    ----------
    survival : pd.DataFrame
        group, day, share_staying, conf_low, conf_high (``LeavingFit.survival``).
    say : Callable[[str], str]
    """
    with theme():
        figure, axes = plt.subplots(figsize=(WIDTH, HEIGHT))
        for (group, line), colour, style in zip(
            survival.groupby("group", sort=False), PALETTE, ("-", "--", ":"), strict=False
        ):
            axes.step(
                line["day"], line["share_staying"], where="post", color=colour, linestyle=style, label=say(str(group))
            )
            axes.fill_between(
                line["day"], line["conf_low"], line["conf_high"], step="post", color=colour, alpha=0.1, linewidth=0
            )
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set(xlabel=say("days_axis"), ylabel=say("staying_axis"), ylim=(0, 1.02))
        axes.legend(loc="lower left")
    return figure


def plot_branches(branches: pd.DataFrame, say: Say) -> Figure:
    """Draw branches by the means of their employees and customers.

    Parameters
    ----------
    branches : pd.DataFrame
        branch, employee_mean, customer_mean, n_respondents (``BranchLink.branches``).
    say : Callable[[str], str]
    """
    with theme():
        figure, axes = plt.subplots(figsize=(WIDTH, HEIGHT + 0.4))
        axes.scatter(
            branches["employee_mean"],
            branches["customer_mean"],
            s=6 * branches["n_respondents"],
            color=PALETTE[0],
            alpha=0.55,
            linewidths=0,
        )
        for row in branches.itertuples():
            axes.annotate(
                str(row.branch),
                (row.employee_mean, row.customer_mean),
                xytext=(0, 8),
                textcoords="offset points",
                ha="center",
                fontsize=7.5,
                color=INK,
            )
        axes.margins(0.12)
        axes.set(xlabel=say("employee_mean"), ylabel=say("customer_mean"))
    return figure
