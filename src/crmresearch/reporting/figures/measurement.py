"""Figures of measurement quality: screening, scree, loadings."""

from __future__ import annotations

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from crmresearch.reporting.figures.rows import draw_dots, name_rows
from crmresearch.reporting.figures.satisfaction import _mark_constructs
from crmresearch.reporting.figures.theme import FAINT, HEIGHT, INK, PALETTE, WIDTH, theme

Say = Callable[[str], str]


def plot_screening(rules: pd.DataFrame, say: Say) -> Figure:
    """Draw for each rule how many sheets break it and how many it sets aside.

    Parameters
    ----------
    rules : pd.DataFrame
        rule, n_evaluated, n_breaking, n_set_aside (``Screening.rules``).
    say : Callable[[str], str]
        Label of a key in the figure's language.
    """
    with theme():
        figure, axes = plt.subplots(figsize=(WIDTH, 0.9 + 0.42 * len(rules)))
        high = name_rows(axes, [say(rule) for rule in rules["rule"]], above=0.6)
        bars = (
            ("n_breaking", "sheets_breaking", PALETTE[3], -0.19),
            ("n_set_aside", "sheets_set_aside", PALETTE[0], 0.19),
        )
        for column, label, colour, shift in bars:
            drawn = axes.barh(high + shift, rules[column], height=0.36, color=colour, label=say(label))
            axes.bar_label(drawn, padding=3, fontsize=8, color=INK)
        axes.set(xlabel=say("number_of_sheets"), xlim=(0, max(1.0, 1.12 * rules["n_breaking"].max())))
        axes.legend(loc="lower right")
    return figure


def plot_scree(scree: pd.DataFrame, say: Say) -> Figure:
    """Draw the eigenvalues and the bound of parallel analysis; kept factors are filled.

    Parameters
    ----------
    scree : pd.DataFrame
        factor, eigenvalue, random_high, kept (``Exploration.scree``).
    say : Callable[[str], str]
    """
    with theme():
        figure, axes = plt.subplots(figsize=(WIDTH, HEIGHT * 0.85))
        axes.plot(
            scree["factor"], scree["random_high"], color=PALETTE[1], linestyle="--", label=say("eigenvalues_of_chance")
        )
        axes.plot(scree["factor"], scree["eigenvalue"], color=PALETTE[0], label=say("eigenvalues_of_items"))
        for kept, fill in ((True, PALETTE[0]), (False, "white")):
            part = scree[scree["kept"] == kept]
            axes.plot(part["factor"], part["eigenvalue"], "o", color=PALETTE[0], markerfacecolor=fill, markersize=5)
        axes.set(xlabel=say("factor_axis"), ylabel=say("eigenvalue_axis"), ylim=(0, None))
        axes.legend()
    return figure


def plot_loadings(loadings: pd.DataFrame, say: Say) -> Figure:
    """Draw the loading of each item on each factor, the largest of a row framed.

    Parameters
    ----------
    loadings : pd.DataFrame
        item, factor, factor_1 … (``Exploration.loadings``).
    say : Callable[[str], str]
    """
    with theme():
        columns = [name for name in loadings if name.startswith("factor_")]
        table = loadings.set_index("item")[columns]
        figure, axes = plt.subplots(figsize=(min(WIDTH, 2.4 + 0.75 * len(columns)), 0.9 + 0.24 * len(table)))
        sns.heatmap(
            table.to_numpy(),
            ax=axes,
            cmap=sns.diverging_palette(30, 245, s=75, l=45, center="light", as_cmap=True),
            center=0,
            vmin=-1,
            vmax=1,
            annot=np.array([[f"{v:.2f}".replace("-", "−") for v in row] for row in table.to_numpy()]),
            fmt="",
            annot_kws={"fontsize": 7},
            cbar=False,
            linewidths=0.5,
        )
        axes.set_yticks(np.arange(len(table)) + 0.5, [say(item) for item in table.index], rotation=0)
        axes.set_xticks(np.arange(len(columns)) + 0.5, [say(column) for column in columns], rotation=0)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        for row, column in enumerate(loadings["factor"]):
            axes.add_patch(Rectangle((column - 1, row), 1, 1, fill=False, edgecolor=INK, linewidth=1.1))
    return figure


def plot_confirmed_loadings(loadings: pd.DataFrame, say: Say) -> Figure:
    """Draw the standardised loading of each item with its interval, by construct.

    Parameters
    ----------
    loadings : pd.DataFrame
        construct, item, standardised, conf_low, conf_high (``Confirmation.loadings``).
    say : Callable[[str], str]
    """
    with theme():
        figure, axes = plt.subplots(figsize=(WIDTH, 1.0 + 0.25 * len(loadings)))
        values = loadings[["standardised", "conf_low", "conf_high"]].to_numpy()
        draw_dots(axes, [say(item) for item in loadings["item"]], values, written=True)
        _mark_constructs(axes, loadings["construct"].tolist(), say)
        axes.axvline(0, color=FAINT, linewidth=1, linestyle="--")
        axes.set(xlabel=say("standardised_loading"), xlim=(min(0.0, values.min() - 0.05), 1.02))
    return figure
