"""Figures of regression and its relatives: correlations, shapes, moderation, groups, power, mediation."""

from __future__ import annotations

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from crmresearch.reporting.figures.rows import draw_dots
from crmresearch.reporting.figures.theme import FAINT, HEIGHT, INK, PALETTE, WIDTH, theme

Say = Callable[[str], str]

_ROW = 0.3
_STYLES = ("-", "--", ":")


def plot_correlations(pairs: pd.DataFrame, say: Say) -> Figure:
    """Draw the lower triangle of correlations, each with its mark.

    Parameters
    ----------
    pairs : pd.DataFrame
        construct, other, correlation, stars (``Correlations.pairs``).
    say : Callable[[str], str]
    """
    with theme():
        names = list(dict.fromkeys([*pairs["construct"], *pairs["other"]]))
        k = len(names)
        values, marks = np.full((k, k), np.nan), np.full((k, k), "", dtype=object)
        for row in pairs.itertuples():
            at = names.index(row.other), names.index(row.construct)
            values[at], marks[at] = row.correlation, f"{row.correlation:.2f}{row.stars}".replace("-", "−")
        figure, axes = plt.subplots(figsize=(WIDTH, 1.2 + 0.42 * k))
        colours = sns.diverging_palette(30, 245, s=75, l=45, center="light", as_cmap=True)
        axes.imshow(values[1:, :-1], cmap=colours, vmin=-1, vmax=1, aspect="auto")
        for i in range(1, k):
            for j in range(i):
                ink = "white" if abs(values[i, j]) > 0.7 else INK
                axes.text(j, i - 1, marks[i, j], ha="center", va="center", fontsize=8, color=ink)
        axes.set_xticks(range(k - 1), [say(n) for n in names[:-1]], rotation=35, ha="right")
        axes.set_yticks(range(k - 1), [say(n) for n in names[1:]])
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
    return figure


def plot_shapes(curves: pd.DataFrame, say: Say, *, points: pd.DataFrame) -> Figure:
    """Draw respondents with the straight, curved and bent fits.

    Parameters
    ----------
    curves : pd.DataFrame
        Predictor (first column), form, fitted (``ShapeFit.curves``).
    say : Callable[[str], str]
    points : pd.DataFrame
        Predictor and outcome (``ShapeFit.points``).
    """
    with theme():
        across, up = points.columns
        figure, axes = plt.subplots(figsize=(WIDTH, HEIGHT))
        pairs = points.groupby([across, up]).size().reset_index(name="n")
        axes.scatter(pairs[across], pairs[up], s=12 * pairs["n"], color=FAINT, alpha=0.35, linewidths=0)
        for (form, line), colour, style in zip(curves.groupby("form", sort=False), PALETTE, _STYLES, strict=False):
            axes.plot(line[across], line["fitted"], color=colour, linestyle=style, label=say(str(form)))
        axes.set(xlabel=say(across), ylabel=say(up))
        axes.legend(loc="best")
    return figure


def plot_johnson_neyman(band: pd.DataFrame, say: Say) -> Figure:
    """Draw the slope along the moderator with its band, shaded where the band leaves zero.

    Parameters
    ----------
    band : pd.DataFrame
        The moderator (first column), estimate, conf_low, conf_high (``Moderation.band``).
    say : Callable[[str], str]
    """
    with theme():
        name = band.columns[0]
        w, low, high = (band[c].to_numpy() for c in (name, "conf_low", "conf_high"))
        figure, axes = plt.subplots(figsize=(WIDTH, HEIGHT))
        axes.fill_between(w, low, high, color=PALETTE[0], alpha=0.15, linewidth=0)
        axes.fill_between(w, low, high, where=(low > 0) | (high < 0), color=PALETTE[0], alpha=0.3, linewidth=0)
        axes.plot(w, band["estimate"], color=PALETTE[0])
        axes.axhline(0, color=FAINT, linewidth=1, linestyle="--")
        axes.set(xlabel=say(name), ylabel=say("slope_axis"))
    return figure


def plot_simple_slopes(lines: pd.DataFrame, say: Say, *, outcome: str) -> Figure:
    """Draw the line of each level of the moderator.

    Parameters
    ----------
    lines : pd.DataFrame
        moderator_level, the predictor (second column), fitted (``Moderation.lines``).
    say : Callable[[str], str]
    outcome : str
    """
    with theme():
        across = lines.columns[1]
        figure, axes = plt.subplots(figsize=(WIDTH, HEIGHT))
        for (level, line), colour, style in zip(
            lines.groupby("moderator_level", sort=False), PALETTE, _STYLES, strict=False
        ):
            axes.plot(line[across], line["fitted"], color=colour, linestyle=style, label=say(str(level)))
        axes.set(xlabel=say(across), ylabel=say(outcome))
        axes.legend(loc="best")
    return figure


def plot_group_means(groups: pd.DataFrame, say: Say) -> Figure:
    """Draw the mean of each group with its interval: a column of panels per outcome, groups of each background below.

    Parameters
    ----------
    groups : pd.DataFrame
        outcome, background, group, mean, conf_low, conf_high (``GroupDifferences.groups``).
    say : Callable[[str], str]
    """
    with theme():
        outcomes = list(dict.fromkeys(groups["outcome"]))
        backgrounds = list(dict.fromkeys(groups["background"]))
        rows = [groups[groups["background"] == b]["group"].nunique() for b in backgrounds]
        figure, axes = plt.subplots(
            len(backgrounds),
            len(outcomes),
            figsize=(WIDTH, 0.9 * len(backgrounds) + _ROW * sum(rows)),
            squeeze=False,
            sharex="col",
            sharey="row",
            height_ratios=rows,
        )
        for i, background in enumerate(backgrounds):
            for j, outcome in enumerate(outcomes):
                part = groups[(groups["background"] == background) & (groups["outcome"] == outcome)]
                draw_dots(axes[i, j], list(part["group"]), part[["mean", "conf_low", "conf_high"]], size=4)
                if not j:
                    axes[i, j].set_ylabel(say(background))
                if i == len(backgrounds) - 1:
                    axes[i, j].set_xlabel(say(outcome))
    return figure


def plot_power(curve: pd.DataFrame, say: Say, *, n: int, test: str = "test_correlation", asked: float = 0.8) -> Figure:
    """Draw the power of one test along the number of respondents, the sample at hand marked.

    Parameters
    ----------
    curve : pd.DataFrame
        test, effect_size, n, power (``SamplePlan.curve``).
    say : Callable[[str], str]
    n : int
        Respondents at hand.
    test : str
    asked : float
        Power asked for.
    """
    with theme():
        figure, axes = plt.subplots(figsize=(WIDTH, HEIGHT))
        part = curve[curve["test"] == test]
        for (effect, line), colour, style in zip(part.groupby("effect_size"), PALETTE, _STYLES, strict=False):
            axes.plot(line["n"], line["power"], color=colour, linestyle=style, label=f"{effect:g}")
        axes.axhline(asked, color=FAINT, linewidth=1, linestyle="--")
        axes.axvline(n, color=FAINT, linewidth=1, linestyle="--")
        axes.annotate(f"n = {n}", (n, 0.02), xytext=(4, 0), textcoords="offset points", fontsize=8, color=INK)
        axes.set_xscale("log")
        axes.set_xticks([10, 30, 100, 300, 1000], ["10", "30", "100", "300", "1000"])
        axes.minorticks_off()
        axes.set(xlabel=say("respondents_axis"), ylabel=say("power_axis"), ylim=(0, 1.02))
        axes.legend(title=say(test), loc="lower right")
    return figure


def plot_effects(effects: pd.DataFrame, say: Say) -> Figure:
    """Draw effects of a mediation with their intervals, the share of the total left out.

    Parameters
    ----------
    effects : pd.DataFrame
        effect, via (list), estimate, conf_low, conf_high and, for conditional effects, moderator_level.
    say : Callable[[str], str]
    """
    with theme():
        shown = effects[effects["effect"] != "share_mediated"]
        names = []
        for row in shown.to_dict("records"):
            parts = [say(row["effect"])]
            parts += [" → ".join(say(v) for v in row["via"])] if len(row["via"]) else []
            parts += [say(row["moderator_level"])] if "moderator_level" in row else []
            names.append(": ".join(parts))
        figure, axes = plt.subplots(figsize=(WIDTH, 1.0 + _ROW * len(shown)))
        draw_dots(axes, names, shown[["estimate", "conf_low", "conf_high"]])
        axes.axvline(0, color=FAINT, linewidth=1, linestyle="--")
        axes.set(xlabel=say("effect_axis"))
    return figure
