"""Figures of path models: the diagram, coefficient intervals, HTMT, importance and performance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from crmresearch.reporting.figures.rows import draw_dots
from crmresearch.reporting.figures.theme import FAINT, HEIGHT, INK, PALETTE, WIDTH, theme

Say = Callable[[str], str]
_BOX = np.array([0.36, 0.3])
"""Half width and half height of a box; neighbouring columns are 1 apart, neighbouring rows 1."""


def plot_path_diagram(data: pd.DataFrame, say: Say, *, explained: Mapping[str, float] | None = None) -> Figure:
    """Draw the path model from left to right, every source before its targets.

    Parameters
    ----------
    data : pd.DataFrame
        source, target, estimate; with conf_low and conf_high, an arrow whose interval holds zero is
        dashed (``PathFit.paths`` or the exhibit ``bootstrap_path``).
    say : Callable[[str], str]
        Label of a key (a construct too) in the figure's language.
    explained : Mapping[str, float] | None
        R² by construct, printed under its name.
    """
    place = arrange(list(zip(data["source"], data["target"], strict=True)))
    spread = np.array(list(place.values()))
    columns, rows = np.ptp(spread, axis=0) + 1
    with theme():
        figure, axes = plt.subplots(figsize=(min(WIDTH, 1.9 * columns), min(0.6 + 0.95 * rows, 7)))
        axes.set_axis_off()
        axes.set(
            xlim=(spread[:, 0].min() - 0.5, spread[:, 0].max() + 0.5),
            ylim=(spread[:, 1].min() - 0.5, spread[:, 1].max() + 0.5),
        )
        labels: list[np.ndarray] = []
        for row in data.sort_values("estimate", key=abs).itertuples():
            unsure = hasattr(row, "conf_low") and row.conf_low <= 0 <= row.conf_high
            _draw_arrow(axes, place[row.source], place[row.target], row.estimate, unsure)
        for row in data.sort_values("estimate", key=abs, ascending=False).itertuples():
            spot = _free_spot(place[row.source], place[row.target], place, labels)
            labels.append(spot)
            axes.text(
                *spot,
                f"{row.estimate:.2f}".replace("-", "−"),
                ha="center",
                va="center",
                fontsize=7.5,
                zorder=4,
                bbox={"boxstyle": "square,pad=0.12", "facecolor": "white", "edgecolor": "none"},
            )
        for name, spot in place.items():
            _draw_box(axes, spot, say(name), (explained or {}).get(name, np.nan))
    return figure


def arrange(paths: list[tuple[str, str]]) -> dict[str, np.ndarray]:
    """Column and row of every construct of an acyclic model.

    A construct's column is the length of the longest way to it. Rows are found by moving one
    construct at a time to where the fewest arrows run through boxes, cross or leave the level.

    Examples
    --------
    >>> {name: spot.tolist() for name, spot in arrange([("a", "b"), ("b", "c"), ("a", "c")]).items()}
    {'a': [0.0, 0.0], 'b': [1.0, 1.0], 'c': [2.0, 0.0]}
    """
    names = list(dict.fromkeys(n for path in paths for n in path))
    column = dict.fromkeys(names, 0)
    for _ in names:
        for a, b in paths:
            column[b] = max(column[b], column[a] + 1)
    place: dict[str, np.ndarray] = {}
    for name in sorted(names, key=column.__getitem__):
        taken = sum(column[n] == column[name] for n in place)
        place[name] = np.array([column[name], [0, 1, -1, 2, -2][taken % 5] + taken // 5 * 3], dtype=float)
    height = max(2, max(list(column.values()).count(c) for c in column.values()))
    levels = np.arange(-height, height + 1) / 2 if len(names) > 3 else np.arange(-1.0, 2.0)
    best = _clutter(place, paths)
    for _ in range(4):
        before = best
        for name in place:
            home = place[name].copy()
            choice = home
            for level in sorted(levels, key=abs):
                place[name] = np.array([home[0], level])
                cost = _clutter(place, paths)
                if cost < best - 1e-9:
                    best, choice = cost, place[name]
            place[name] = choice
        if best == before:
            break
    return place


def _clutter(place: dict[str, np.ndarray], paths: list[tuple[str, str]]) -> float:
    cost = 0.0
    for a, b in paths:
        cost += 0.15 * abs(place[a][1] - place[b][1])
        cost += 3.0 * (np.linalg.norm(_edge(place[a], place[b]) - _edge(place[b], place[a])) < 0.5)
        cost += sum(8.0 * _runs_through(place[a], place[b], spot) for n, spot in place.items() if n not in (a, b))
    for (a, b), (c, d) in combinations(paths, 2):
        cost += len({a, b, c, d}) == 4 and _cross(place[a], place[b], place[c], place[d])
    for one, two in combinations(place.values(), 2):
        cost += 20.0 * (abs(one - two) < 2 * _BOX + 0.1).all()
    return cost


def _runs_through(start: np.ndarray, end: np.ndarray, box: np.ndarray) -> bool:
    steps = start + np.linspace(0, 1, 30)[:, None] * (end - start)
    return bool((abs(steps - box) < _BOX + 0.08).all(axis=1).any())


def _cross(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> bool:
    def side(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> float:
        return float(np.sign((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])))

    return side(a, b, c) != side(a, b, d) and side(c, d, a) != side(c, d, b)


def _edge(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Where the line from the middle of a box towards ``end`` leaves the box."""
    way = end - start
    with np.errstate(divide="ignore"):
        return start + way * min(1.0, (_BOX / np.abs(way)).min())


def _free_spot(
    start: np.ndarray, end: np.ndarray, place: dict[str, np.ndarray], labels: list[np.ndarray]
) -> np.ndarray:
    """The spot on an arrow, near its middle, that is farthest from boxes and other labels."""
    a, b = _edge(start, end), _edge(end, start)
    shares = np.array([0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74])
    spots = a + shares[:, None] * (b - a)
    others = [abs(spots - label) / (0.3, 0.2) for label in labels]
    others += [np.maximum(abs(spots - box) - _BOX, 0) / (0.15, 0.1) for box in place.values()]
    room = np.min([o.max(axis=1) for o in others], axis=0)
    return spots[np.argmax(np.minimum(room, 1) - 0.01 * np.arange(len(shares)))]


def _draw_arrow(axes: Axes, start: np.ndarray, end: np.ndarray, estimate: float, unsure: bool) -> None:
    axes.add_patch(
        FancyArrowPatch(
            _edge(start, end),
            _edge(end, start),
            arrowstyle="-|>",
            mutation_scale=9,
            shrinkA=0,
            shrinkB=0,
            linewidth=0.7 + 3 * min(abs(estimate), 1),
            linestyle=(0, (3, 2)) if unsure else "-",
            color=FAINT if unsure else PALETTE[0] if estimate > 0 else PALETTE[1],
            zorder=1,
        )
    )


def _draw_box(axes: Axes, spot: np.ndarray, name: str, explained: float) -> None:
    axes.add_patch(
        FancyBboxPatch(
            spot - _BOX + 0.04,
            *(2 * _BOX - 0.08),
            boxstyle="round,pad=0.04",
            facecolor="white",
            edgecolor=INK,
            linewidth=0.9,
            zorder=2,
        )
    )
    text = fill(name, 12 if name.isascii() else 6, break_long_words=not name.isascii())
    if np.isfinite(explained):
        text += f"\nR² = {explained:.2f}"
    axes.text(*spot, text, ha="center", va="center", fontsize=7.5, zorder=3, linespacing=1.25)


def plot_path_intervals(data: pd.DataFrame, say: Say) -> Figure:
    """Draw each path coefficient with its interval.

    Parameters
    ----------
    data : pd.DataFrame
        source, target, estimate, conf_low, conf_high (exhibit ``bootstrap_path``).
    say : Callable[[str], str]
        Label of a key in the figure's language.
    """
    names = [f"{say(a)} → {say(b)}" for a, b in zip(data["source"], data["target"], strict=True)]
    with theme():
        figure, axes = plt.subplots(figsize=(WIDTH, 0.8 + 0.26 * len(data)))
        axes.axvline(0, color=INK, linewidth=0.8)
        sure = ((data["conf_low"] > 0) | (data["conf_high"] < 0)).to_numpy()
        draw_dots(axes, names, data[["estimate", "conf_low", "conf_high"]], sure=sure)
        axes.set(xlabel=say("path_coefficient"))
        axes.tick_params(axis="y", length=0)
    return figure


def plot_htmt(data: pd.DataFrame, say: Say, *, limit: float = 0.9) -> Figure:
    """Draw the heterotrait–monotrait ratios as a lower triangle.

    Parameters
    ----------
    data : pd.DataFrame
        construct, other, htmt (``PathFit.validity``).
    say : Callable[[str], str]
        Label of a key in the figure's language.
    limit : float
        Cells from here on are framed.
    """
    names = list(dict.fromkeys([*data["other"], *data["construct"]]))
    table = data.pivot(index="construct", columns="other", values="htmt").reindex(index=names, columns=names)
    table = table.astype(float).iloc[1:, :-1]
    with theme():
        figure, axes = plt.subplots(figsize=(min(WIDTH, 2.4 + 0.75 * len(names)), 1.2 + 0.42 * len(names)))
        sns.heatmap(
            table,
            ax=axes,
            mask=table.isna(),
            annot=True,
            fmt=".2f",
            cmap=sns.light_palette(PALETTE[0], as_cmap=True),
            vmin=0,
            vmax=max(1.0, float(table.max().max())),
            linewidths=1,
            linecolor="white",
            cbar=False,
            annot_kws={"fontsize": 8},
        )
        for i, j in np.argwhere(table.to_numpy() >= limit):
            axes.add_patch(Rectangle((j + 0.03, i + 0.05), 0.94, 0.9, fill=False, edgecolor=PALETTE[1], linewidth=2))
        axes.set_xticklabels([fill(say(n), 12, break_long_words=False) for n in table.columns], rotation=0)
        axes.set_yticklabels([say(n) for n in table.index], rotation=0)
        axes.set(xlabel="", ylabel="")
        axes.tick_params(length=0)
        axes.grid(visible=False)
    return figure


def plot_importance_map(data: pd.DataFrame, say: Say) -> Figure:
    """Draw importance across and performance upwards, with lines at their averages.

    Parameters
    ----------
    data : pd.DataFrame
        construct, importance, performance (``ImportanceMap.constructs``).
    say : Callable[[str], str]
        Label of a key in the figure's language.
    """
    x, y = data["importance"].to_numpy(), data["performance"].to_numpy()
    with theme():
        figure, axes = plt.subplots(figsize=(WIDTH * 0.85, HEIGHT))
        axes.axvline(x.mean(), color=FAINT, linewidth=0.8, linestyle="--")
        axes.axhline(y.mean(), color=FAINT, linewidth=0.8, linestyle="--")
        axes.plot(x, y, "o", color=PALETTE[0], markersize=6)
        axes.margins(x=0.16, y=0.16)
        for name, spot, side in zip(data["construct"], zip(x, y, strict=True), _label_sides(x, y), strict=True):
            axes.annotate(say(name), spot, xytext=(0, 7 * side), textcoords="offset points", ha="center",
                          va="bottom" if side > 0 else "top", fontsize=8)  # fmt: skip
        axes.set(xlabel=say("importance_axis"), ylabel=say("performance_axis"))
    return figure


def _label_sides(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """1 for a label above its point, −1 below: below where a near neighbour stands higher."""
    across, up = np.abs(x[:, None] - x) / max(np.ptp(x), 1e-9), (y - y[:, None]) / max(np.ptp(y), 1e-9)
    return np.where(((across < 0.25) & (up > 0) & (up < 0.18)).any(axis=1), -1, 1)
