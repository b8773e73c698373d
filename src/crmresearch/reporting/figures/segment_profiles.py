"""Figures of what segments are: radar, value, criteria for their number, latent classes."""

from __future__ import annotations

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from crmresearch.reporting.figures.rows import draw_bars, name_rows
from crmresearch.reporting.figures.segments import feature_label, segment_colours
from crmresearch.reporting.figures.theme import HEIGHT, INK, PALETTE, WIDTH, theme

Say = Callable[[str], str]

_CRITERIA = (
    "silhouette",
    "calinski_harabasz",
    "davies_bouldin",
    "gap",
    "prediction_strength",
    "bic",
    "icl",
    "inertia",
)


def plot_segment_radar(profile: pd.DataFrame, say: Say) -> Figure:
    """Draw each segment's profile as a line around the features; of fewer than three features, as bars.

    Parameters
    ----------
    profile : pd.DataFrame
        segment, feature, distance in standard deviations (``SegmentProfiles.profile``).
    say : Callable[[str], str]
    """
    with theme():
        features = list(profile["feature"].unique())
        grid = profile.pivot(index="segment", columns="feature", values="distance")[features]
        colours = segment_colours(len(grid))
        if len(features) < 3:
            figure, axes = plt.subplots(figsize=(WIDTH, HEIGHT * 0.8))
            width = 0.8 / len(grid)
            for i, (segment, row) in enumerate(grid.iterrows()):
                axes.bar(np.arange(len(features)) + i * width, row, width, color=colours[i], label=f"{segment}")
            axes.axhline(0, color=INK, linewidth=0.8)
            axes.set_xticks(np.arange(len(features)) + 0.4 - width / 2, [feature_label(name, say) for name in features])
            axes.set_ylabel(say("distance_from_base"))
            axes.legend(title=say("segment_number"), loc="center left", bbox_to_anchor=(1.0, 0.5))
            return figure
        figure, axes = plt.subplots(figsize=(WIDTH, WIDTH * 0.72), subplot_kw={"projection": "polar"})
        angles = np.linspace(0, 2 * np.pi, len(features), endpoint=False)
        for i, (segment, row) in enumerate(grid.iterrows()):
            values = np.append(row.to_numpy(), row.iloc[0])
            axes.plot(np.append(angles, angles[0]), values, color=colours[i], label=f"{segment}")
        axes.set_xticks(angles, [feature_label(name, say) for name in features])
        axes.tick_params(axis="x", pad=10)
        axes.set_theta_offset(np.pi / 2)
        axes.set_theta_direction(-1)
        reach = max(1.0, np.nanmax(np.abs(grid.to_numpy())) * 1.1)
        axes.set_ylim(-reach, reach)
        axes.set_rlabel_position(180 / len(features))
        axes.plot(np.linspace(0, 2 * np.pi, 100), np.zeros(100), color=INK, linewidth=0.8, linestyle="--")
        axes.legend(title=say("segment_number"), loc="center left", bbox_to_anchor=(1.15, 0.5))
    return figure


def plot_segment_value(value: pd.DataFrame, say: Say) -> Figure:
    """Draw each segment's share of customers beside its share of value.

    Parameters
    ----------
    value : pd.DataFrame
        segment, share_of_customers, share_of_value, value_low, value_high (``SegmentValue.value``).
    say : Callable[[str], str]
    """
    with theme():
        figure, axes = plt.subplots(figsize=(WIDTH, 0.9 + 0.5 * len(value)))
        rows = name_rows(axes, [f"{segment}" for segment in value["segment"]])
        axes.barh(rows - 0.19, value["share_of_customers"], 0.36, color=PALETTE[4], label=say("customers_bar"))
        bounds = value["value_low"], value["value_high"]
        draw_bars(axes, rows + 0.19, value["share_of_value"], *bounds, height=0.36, label=say("value_bar"))
        axes.set(xlabel=say("share_of_value_axis"), ylabel=say("segment_number"))
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def plot_number_criteria(criteria: pd.DataFrame, say: Say) -> Figure:
    """Draw every criterion over the number of segments; the within sum of squares is the elbow picture.

    Parameters
    ----------
    criteria : pd.DataFrame
        k and the criteria (``NumberOfSegments.criteria``).
    say : Callable[[str], str]
    """
    with theme():
        figure, panels = plt.subplots(2, 4, figsize=(WIDTH * 1.15, HEIGHT), sharex=True)
        for axes, name in zip(panels.flat, _CRITERIA, strict=True):
            axes.plot(criteria["k"], criteria[name], "o-", color=PALETTE[0], markersize=3)
            axes.set_title(say(name), fontsize=8, color=INK)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
            axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
            axes.tick_params(labelsize=6.5)
        figure.supxlabel(say("number_of_segments"), fontsize=9, color=INK)
    return figure


def plot_class_profile(answers: pd.DataFrame, say: Say) -> Figure:
    """Draw what each latent class answers: the highest category's probability, or the mean, item by item.

    Parameters
    ----------
    answers : pd.DataFrame
        latent_class, item, answer_level, class_probability (``LatentClasses.answers``).
    say : Callable[[str], str]
    """
    with theme():
        last = answers.groupby(["latent_class", "item"], sort=False).tail(1)
        items = list(answers["item"].unique())
        classes = sorted(last["latent_class"].unique())
        colours = segment_colours(len(classes))
        figure, axes = plt.subplots(figsize=(WIDTH, HEIGHT * 0.9))
        for i, one in enumerate(classes):
            own = last[last["latent_class"] == one].set_index("item")["class_probability"].reindex(items)
            axes.plot(range(len(items)), own, "o-", color=colours[i], label=f"{one}")
        axes.set_xticks(range(len(items)), [feature_label(name, say) for name in items])
        axes.tick_params(axis="x", rotation=20 if len(items) > 4 else 0)
        axes.set(ylabel=say("probability_axis"))
        axes.set_ylim(bottom=min(0.0, float(last["class_probability"].min())))
        axes.legend(title=say("class_number"), loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure
