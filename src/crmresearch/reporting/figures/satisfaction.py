"""Figures of questionnaires: answers, reliability, satisfaction and loyalty."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from crmresearch.reporting.figures.rows import draw_dots
from crmresearch.reporting.figures.theme import FAINT, HEIGHT, PALETTE, WIDTH, theme

Say = Callable[[str], str]

_ROW = 0.24  # inches of height a row of a figure takes


def plot_answers(answers: pd.DataFrame, say: Say) -> Figure:
    """Draw how the answers to each item spread over the scale, one stacked bar an item.

    Parameters
    ----------
    answers : pd.DataFrame
        construct, item, answer, share_of_answers (``ConstructScores.answers``).
    say : Callable[[str], str]
        Label of a key in the figure's language.
    """
    with theme():
        order = pd.MultiIndex.from_frame(answers[["construct", "item"]].drop_duplicates())
        shares = answers.pivot(index=["construct", "item"], columns="answer", values="share_of_answers").loc[order]
        figure, axes = plt.subplots(figsize=(WIDTH, max(2.0, 1.0 + _ROW * len(shares))))
        colours = sns.diverging_palette(30, 245, s=75, l=45, center="light", n=shares.shape[1])
        left = np.zeros(len(shares))
        for answer, colour in zip(shares, colours, strict=True):
            axes.barh(range(len(shares)), shares[answer], left=left, color=colour, height=0.78, label=f"{answer}")
            left += shares[answer].to_numpy()
        axes.set_yticks(range(len(shares)), [say(item) for _, item in order])
        axes.set_ylim(len(shares) - 0.5, -0.5)
        _mark_constructs(axes, order.get_level_values("construct").tolist(), say)
        axes.set(xlim=(0, 1), xlabel=say("share_answering"))
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.grid(visible=False)
        axes.legend(
            loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=shares.shape[1], handlelength=0.9, columnspacing=0.9
        )
    return figure


def plot_reliability(constructs: pd.DataFrame, say: Say) -> Figure:
    """Draw Cronbach's alpha of each construct with its interval, highest first.

    Parameters
    ----------
    constructs : pd.DataFrame
        construct, alpha, conf_low, conf_high (``Reliability.constructs``).
    say : Callable[[str], str]
    """
    with theme():
        ordered = constructs.sort_values(["alpha", "construct"], ascending=[False, True], kind="stable")
        figure, axes = plt.subplots(figsize=(WIDTH, 1.0 + 1.3 * _ROW * len(ordered)))
        values = ordered[["alpha", "conf_low", "conf_high"]]
        draw_dots(axes, [say(name) for name in ordered["construct"]], values, written=True)
        axes.set(xlabel=say("cronbach_alpha_axis"), xlim=(min(0.0, ordered["conf_low"].min()), 1))
    return figure


def plot_loyalty(points: pd.DataFrame, say: Say) -> Figure:
    """Draw the respondents, the fitted mean of loyalty over satisfaction, and its interval.

    Parameters
    ----------
    points : pd.DataFrame
        First column satisfaction, second loyalty, then fitted, fitted_low, fitted_high
        (``LoyaltyFit.points``). Respondents with the same pair of scores make one larger dot.
    say : Callable[[str], str]
    """
    with theme():
        across, up = points.columns[:2]
        figure, axes = plt.subplots(figsize=(WIDTH, HEIGHT))
        pairs = points.groupby([across, up]).size().reset_index(name="n")
        axes.scatter(pairs[across], pairs[up], s=14 * pairs["n"], color=PALETTE[0], alpha=0.45, linewidths=0)
        axes.plot(points[across], points["fitted"], color=PALETTE[1])
        axes.fill_between(
            points[across], points["fitted_low"], points["fitted_high"], color=PALETTE[1], alpha=0.25, linewidth=0
        )
        axes.set(xlabel=say(across), ylabel=say(up))
    return figure


def plot_coefficients(coefficients: pd.DataFrame, say: Say) -> Figure:
    """Draw the standardised coefficients with their intervals; the intercept has none and is left out.

    Parameters
    ----------
    coefficients : pd.DataFrame
        term, beta, beta_low, beta_high (``LeastSquares.coefficients``).
    say : Callable[[str], str]
    """
    with theme():
        shown = coefficients.dropna(subset=["beta"])
        figure, axes = plt.subplots(figsize=(WIDTH, 1.1 + 1.3 * _ROW * len(shown)))
        values = shown[["beta", "beta_low", "beta_high"]]
        draw_dots(axes, [say(term) for term in shown["term"]], values, written=True)
        axes.axvline(0, color=FAINT, linewidth=1, linestyle="--")
        axes.set(xlabel=say("standardised_coefficient"))
    return figure


def _mark_constructs(axes: Axes, constructs: list[str], say: Say) -> None:
    """Write each construct's name at the right of its items, and part the constructs by a line."""
    edges = [0, *(i for i in range(1, len(constructs)) if constructs[i] != constructs[i - 1]), len(constructs)]
    for begin, end in pairwise(edges):
        axes.annotate(
            say(constructs[begin]),
            (1.0, (begin + end - 1) / 2),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            annotation_clip=False,
        )
        if begin:
            axes.axhline(begin - 0.5, color=FAINT, linewidth=0.6)
