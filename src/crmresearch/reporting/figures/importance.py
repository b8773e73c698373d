"""Figures of importance: quadrants, relative weights, penalty and reward, response surface, Kano, recommendation."""

from __future__ import annotations

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from crmresearch.reporting.figures.rows import draw_bars, draw_dots, name_rows
from crmresearch.reporting.figures.theme import FAINT, HEIGHT, INK, PALETTE, WIDTH, theme

Say = Callable[[str], str]

_CORNERS = {  # quadrant → place in the axes
    "concentrate_here": (0.01, 0.99, "left", "top"),
    "keep_up": (0.99, 0.99, "right", "top"),
    "low_priority": (0.01, 0.01, "left", "bottom"),
    "possible_overkill": (0.99, 0.01, "right", "bottom"),
}


def plot_quadrants(attributes: pd.DataFrame, say: Say, *, lines: pd.DataFrame) -> Figure:
    """Draw performance across and importance upwards, with intervals and the names of the quadrants.

    Parameters
    ----------
    attributes : pd.DataFrame
        attribute, performance_mean, performance_low, performance_high, importance_value, importance_low,
        importance_high (``ImportancePerformance.attributes``).
    say : Callable[[str], str]
        Label of a key in the figure's language.
    lines : pd.DataFrame
        performance_line, importance_line (``ImportancePerformance.lines``).
    """
    with theme():
        figure, axes = plt.subplots(figsize=(WIDTH, HEIGHT * 1.15))
        axes.axvline(lines["performance_line"].iloc[0], color=FAINT, linewidth=0.9, linestyle="--")
        axes.axhline(lines["importance_line"].iloc[0], color=FAINT, linewidth=0.9, linestyle="--")
        x, y = attributes["performance_mean"], attributes["importance_value"]
        axes.hlines(y, attributes["performance_low"], attributes["performance_high"], color=PALETTE[3], linewidth=1.2)
        axes.vlines(x, attributes["importance_low"], attributes["importance_high"], color=PALETTE[3], linewidth=1.2)
        axes.plot(x, y, "o", color=PALETTE[0], markersize=6)
        _name_points(axes, x, y, [say(name) for name in attributes["attribute"]])
        for quadrant, (across, up, horizontal, vertical) in _CORNERS.items():
            axes.text(
                across,
                up,
                say(quadrant),
                transform=axes.transAxes,
                ha=horizontal,
                va=vertical,
                fontsize=8.5,
                color=PALETTE[2],
            )
        axes.margins(0.12)
        axes.grid(visible=False)
        axes.set(xlabel=say("ipa_performance_axis"), ylabel=say("ipa_importance_axis"))
    return figure


def plot_relative_importance(attributes: pd.DataFrame, say: Say) -> Figure:
    """Draw Johnson's weight of each attribute with its interval, largest first.

    Parameters
    ----------
    attributes : pd.DataFrame
        attribute, relative_weight, conf_low, conf_high (``RelativeImportance.attributes``).
    say : Callable[[str], str]
    """
    with theme():
        ordered = attributes.sort_values("relative_weight", ascending=False, kind="stable")
        figure, axes = plt.subplots(figsize=(WIDTH, 1.0 + 0.32 * len(ordered)))
        values = ordered[["relative_weight", "conf_low", "conf_high"]]
        draw_dots(axes, [say(name) for name in ordered["attribute"]], values, written=True)
        axes.set(xlabel=say("relative_weight_axis"), xlim=(0, None))
    return figure


def plot_penalty_reward(attributes: pd.DataFrame, say: Say) -> Figure:
    """Draw penalty to the left and reward to the right, each with its interval.

    Parameters
    ----------
    attributes : pd.DataFrame
        attribute, penalty, penalty_low, penalty_high, reward, reward_low, reward_high
        (``PenaltyReward.attributes``).
    say : Callable[[str], str]
    """
    with theme():
        figure, axes = plt.subplots(figsize=(WIDTH, 1.1 + 0.42 * len(attributes)))
        rows = name_rows(axes, [say(name) for name in attributes["attribute"]], above=0.6)
        for side, colour, shift in (("penalty", PALETTE[1], -0.19), ("reward", PALETTE[0], 0.19)):
            values = (attributes[column] for column in (side, f"{side}_low", f"{side}_high"))
            draw_bars(axes, rows + shift, *values, height=0.36, colour=colour, label=say(side))
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set(xlabel=say("penalty_reward_axis"))
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return figure


def plot_artefact(points: pd.DataFrame, say: Say) -> Figure:
    """Draw the ratio, and the gap, over what was expected.

    Parameters
    ----------
    points : pd.DataFrame
        expected, ratio, gap (``ReceivedExpected.points``).
    say : Callable[[str], str]
    """
    with theme():
        figure, panels = plt.subplots(1, 2, figsize=(WIDTH, HEIGHT * 0.8))
        for axes, measure, level in zip(panels, ("ratio", "gap"), (1, 0), strict=True):
            axes.scatter(points["expected"], points[measure], s=12, color=PALETTE[0], alpha=0.4, linewidths=0)
            axes.axhline(level, color=FAINT, linewidth=0.9, linestyle="--")
            axes.set(xlabel=say("expected"), ylabel=say(measure))
    return figure


def plot_surface(grid: pd.DataFrame, say: Say, *, points: pd.DataFrame) -> Figure:
    """Draw the fitted direct rating over received and expected; dots are the respondents.

    Parameters
    ----------
    grid : pd.DataFrame
        received, expected, fitted on a square grid (``ResponseSurface.grid``).
    say : Callable[[str], str]
    points : pd.DataFrame
        received, expected (``ResponseSurface.points``).
    """
    with theme():
        table = grid.pivot(index="expected", columns="received", values="fitted")
        figure, axes = plt.subplots(figsize=(WIDTH * 0.82, HEIGHT * 1.15))
        drawn = axes.contourf(table.columns, table.index, table.to_numpy(), levels=12, cmap="BrBG", alpha=0.85)
        ends = [table.columns.min(), table.columns.max()]
        axes.plot(ends, ends, color=INK, linewidth=0.9, linestyle="--", label=say("received_as_expected"))
        axes.scatter(points["received"], points["expected"], s=9, color=INK, alpha=0.35, linewidths=0)
        figure.colorbar(drawn, ax=axes, label=say("fitted_rating"))
        axes.set(xlabel=say("received"), ylabel=say("expected"))
        axes.grid(visible=False)
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return figure


def plot_kano(features: pd.DataFrame, say: Say) -> Figure:
    """Draw better upwards and worse across (as sizes), with intervals; the corners are Kano's categories.

    Parameters
    ----------
    features : pd.DataFrame
        kano_feature, kano_better, kano_better_low, kano_better_high, kano_worse, kano_worse_low, kano_worse_high
        (``KanoResult.features``).
    say : Callable[[str], str]
    """
    with theme():
        figure, axes = plt.subplots(figsize=(WIDTH * 0.8, HEIGHT * 1.15))
        x, y = -features["kano_worse"], features["kano_better"]
        axes.hlines(y, -features["kano_worse_high"], -features["kano_worse_low"], color=PALETTE[3], linewidth=1.2)
        axes.vlines(x, features["kano_better_low"], features["kano_better_high"], color=PALETTE[3], linewidth=1.2)
        axes.plot(x, y, "o", color=PALETTE[0], markersize=6)
        _name_points(axes, x, y, [say(name) for name in features["kano_feature"]])
        axes.axhline(0.5, color=FAINT, linewidth=0.9, linestyle="--")
        axes.axvline(0.5, color=FAINT, linewidth=0.9, linestyle="--")
        corners = (
            ("attractive", 0.01, 0.99),
            ("one_dimensional", 0.99, 0.99),
            ("indifferent", 0.01, 0.01),
            ("must_be", 0.99, 0.01),
        )
        for name, across, up in corners:
            axes.text(
                across,
                up,
                say(name),
                ha="left" if across < 0.5 else "right",
                va="bottom" if up < 0.5 else "top",
                color=PALETTE[2],
                fontsize=8.5,
            )
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel=say("worse_axis"), ylabel=say("better_axis"))
        axes.grid(visible=False)
    return figure


def plot_recommendation(answers: pd.DataFrame, say: Say) -> Figure:
    """Draw how many gave each answer from 0 to 10, coloured by detractors, passives and promoters.

    Parameters
    ----------
    answers : pd.DataFrame
        answer, share_of_answers (``Recommendation.answers``).
    say : Callable[[str], str]
    """
    with theme():
        figure, axes = plt.subplots(figsize=(WIDTH, HEIGHT * 0.75))
        groups = (("detractors", 0, 6, PALETTE[1]), ("passives", 7, 8, PALETTE[5]), ("promoters", 9, 10, PALETTE[0]))
        for name, low, high, colour in groups:
            part = answers[answers["answer"].between(low, high)]
            axes.bar(part["answer"], part["share_of_answers"], color=colour, label=say(name), width=0.8)
        axes.set_xticks(range(11))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.grid(visible=False, axis="x")
        axes.set(xlabel=say("recommend_axis"), ylabel=say("share_of_answers"))
        axes.legend()
    return figure


def _name_points(axes: plt.Axes, x: pd.Series, y: pd.Series, names: list[str]) -> None:
    """Write each name above its point, or below where another point stands right above."""
    width, height = np.ptp(x) or 1.0, np.ptp(y) or 1.0
    for number, (across, up, name) in enumerate(zip(x, y, names, strict=True)):
        near = [
            j
            for j in range(len(names))
            if j != number and abs(x.iloc[j] - across) < 0.22 * width and 0 <= y.iloc[j] - up < 0.14 * height
        ]
        below = bool(near)
        axes.annotate(
            name,
            (across, up),
            xytext=(6, -12 if below else 6),
            textcoords="offset points",
            fontsize=8,
            color=INK,
            annotation_clip=False,
        )
