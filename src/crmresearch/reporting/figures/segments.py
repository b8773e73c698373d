"""Figures of segments: how many, how large, where they lie, whether they hold."""

from __future__ import annotations

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from crmresearch.reporting.figures.rows import draw_bars, draw_dots, name_rows
from crmresearch.reporting.figures.theme import FAINT, HEIGHT, INK, PALETTE, WIDTH, theme

Say = Callable[[str], str]

_ROW = 0.32  # inches of height a row of a figure takes
_MOST_DOTS = 4_000  # customers drawn at most: evenly spaced in order of id


def feature_label(name: str, say: Say) -> str:
    """Label of a feature; of a category's level (``feature = level``), the feature's label and the level.

    >>> feature_label("plan = Gold", {"plan": "Plan"}.get)
    'Plan: Gold'
    """
    feature, found, level = str(name).partition(" = ")
    return f"{say(feature)}: {level}" if found else say(feature)


def segment_colours(n: int) -> list[tuple[float, float, float] | str]:
    """One colour for each of ``n`` segments."""
    return list(PALETTE[:n]) if n <= len(PALETTE) else list(sns.husl_palette(n, l=0.5))


def draw_grid(
    axes: Axes, values: np.ndarray, written: np.ndarray, limits: tuple[float, float], colours: Colormap
) -> None:
    """Draw a grid of coloured cells with a text in each, dark on light and light on dark."""
    axes.imshow(values, cmap=colours, vmin=limits[0], vmax=limits[1], aspect="auto")
    for (row, column), text in np.ndenumerate(written):
        red, green, blue, _ = colours((values[row, column] - limits[0]) / (limits[1] - limits[0]))
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.55 and not np.isnan(values[row, column])
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color="white" if dark else INK)
    axes.set_xticks(np.arange(values.shape[1] + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(values.shape[0] + 1) - 0.5, minor=True)
    axes.grid(visible=False, which="major")
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)


def plot_silhouettes(sweep: pd.DataFrame, say: Say) -> Figure:
    """Draw the mean silhouette over the number of segments and mark the one chosen.

    Parameters
    ----------
    sweep : pd.DataFrame
        k, silhouette, chosen (``Segmentation.sweep``).
    say : Callable[[str], str]
        Label of a key in the figure's language.
    """
    with theme():
        figure, axes = plt.subplots(figsize=(WIDTH, HEIGHT * 0.8))
        axes.plot(sweep["k"], sweep["silhouette"], "o-", color=PALETTE[0])
        chosen = sweep[sweep["chosen"]].iloc[0]
        axes.plot(chosen["k"], chosen["silhouette"], "o", color=PALETTE[1], markersize=9)
        axes.annotate(
            f"{chosen['silhouette']:.3f}",
            (chosen["k"], chosen["silhouette"]),
            xytext=(0, 9),
            textcoords="offset points",
            ha="center",
            color=INK,
        )
        axes.set(xlabel=say("number_of_segments"), ylabel=say("mean_silhouette"))
        axes.set_ylim(min(0.0, sweep["silhouette"].min()), sweep["silhouette"].max() * 1.18)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def plot_segment_heatmap(profile: pd.DataFrame, say: Say) -> Figure:
    """Draw the segments' centres: colour and number are the distance from the mean of all customers.

    Parameters
    ----------
    profile : pd.DataFrame
        segment, feature, distance in standard deviations (``SegmentProfiles.profile``).
    say : Callable[[str], str]
    """
    with theme():
        features = profile["feature"].unique()
        grid = profile.pivot(index="feature", columns="segment", values="distance").loc[features]
        figure, axes = plt.subplots(figsize=(WIDTH, 1.2 + _ROW * len(grid)))
        values = grid.to_numpy(dtype=float)
        reach = float(np.nanmax(np.abs(values))) or 1.0
        colours = sns.diverging_palette(30, 245, s=75, l=45, as_cmap=True)
        draw_grid(axes, values, np.vectorize("{:+.2f}".format)(values), (-reach, reach), colours)
        figure.colorbar(axes.images[0], ax=axes, label=say("distance_from_base"))
        axes.set_xticks(range(len(grid.columns)), [f"{one}" for one in grid.columns])
        axes.set_yticks(range(len(grid)), [feature_label(name, say) for name in features])
        axes.set(xlabel=say("segment_number"), ylabel="")
        axes.tick_params(length=0, rotation=0)
    return figure


def plot_segment_sizes(sizes: pd.DataFrame, say: Say) -> Figure:
    """Draw each segment's share of the customers with its interval.

    Parameters
    ----------
    sizes : pd.DataFrame
        segment, n_customers, share_of_customers, share_low, share_high (``SegmentProfiles.sizes``).
    say : Callable[[str], str]
    """
    with theme():
        figure, axes = plt.subplots(figsize=(WIDTH, 0.9 + _ROW * len(sizes)))
        rows = name_rows(axes, [f"{segment}" for segment in sizes["segment"]])
        share, high = sizes["share_of_customers"], sizes["share_high"]
        draw_bars(axes, rows, share, sizes["share_low"], high, height=0.62)
        for row, value, end, n in zip(rows, share, high, sizes["n_customers"], strict=True):
            axes.annotate(
                f"{value:.1%} ({n:,})", (end, row), xytext=(6, 0), textcoords="offset points", va="center", fontsize=8
            )
        axes.set(
            xlabel=say("share_of_customers"), ylabel=say("segment_number"), xlim=(0, sizes["share_high"].max() * 1.25)
        )
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    return figure


def plot_segment_map(axes_of: pd.DataFrame, say: Say) -> Figure:
    """Draw the customers on the two main axes of their prepared features, coloured by segment.

    Parameters
    ----------
    axes_of : pd.DataFrame
        segment, first, second and the two axes' shares of variance in ``attrs["share_of_variance"]``
        (``Segmentation.map``); beyond 4,000 customers as many are drawn, evenly spaced in order of id.
    say : Callable[[str], str]
    """
    with theme():
        figure, axes = plt.subplots(figsize=(WIDTH, HEIGHT))
        drawn = axes_of.iloc[:: max(1, -(-len(axes_of) // _MOST_DOTS))]
        segments = sorted(axes_of["segment"].unique())
        colours = segment_colours(len(segments))
        for segment, colour in zip(segments, colours, strict=False):
            own = drawn[drawn["segment"] == segment]
            axes.scatter(own["first"], own["second"], s=8, color=colour, alpha=0.5, linewidths=0, label=f"{segment}")
        share = axes_of.attrs["share_of_variance"]
        axes.set(xlabel=f"{say('first_axis')} ({share[0]:.0%})", ylabel=f"{say('second_axis')} ({share[1]:.0%})")
        legend = axes.legend(title=say("segment_number"), markerscale=2, loc="center left", bbox_to_anchor=(1.0, 0.5))
        for handle in legend.legend_handles:
            handle.set_alpha(1)
    return figure


def plot_segment_stability(segments: pd.DataFrame, say: Say) -> Figure:
    """Draw each segment's Jaccard stability with its range, and the limits of the grades.

    Parameters
    ----------
    segments : pd.DataFrame
        segment, jaccard, jaccard_low, jaccard_high (``SegmentStability.segments``).
    say : Callable[[str], str]
    """
    with theme():
        figure, axes = plt.subplots(figsize=(WIDTH, 0.9 + _ROW * len(segments)))
        for limit in (0.6, 0.75, 0.85):
            axes.axvline(limit, color=FAINT, linewidth=0.8, linestyle="--")
        values = segments[["jaccard", "jaccard_low", "jaccard_high"]]
        draw_dots(axes, [f"{segment}" for segment in segments["segment"]], values)
        axes.set(xlabel=say("jaccard_axis"), ylabel=say("segment_number"), xlim=(0, 1.02))
    return figure
