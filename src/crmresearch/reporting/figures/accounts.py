"""Figures of accounts: whale curve, concentration, key-account rules, volatility, penetration, wallet."""

from __future__ import annotations

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullFormatter, PercentFormatter, StrMethodFormatter

from crmresearch.reporting.figures.theme import FAINT, HEIGHT, INK, PALETTE, WIDTH, theme

Say = Callable[[str], str]


def plot_whale(curve: pd.DataFrame, say: Say) -> Figure:
    """Draw cumulative profit from the most to the least profitable customer, and mark the peak.

    Parameters
    ----------
    curve : pd.DataFrame
        share_customers, share_profit (``Profitability.curve``).
    say : Callable[[str], str]
        Label of a key in the figure's language.
    """
    with theme():
        figure, axes = plt.subplots()
        at, profit = curve["share_customers"].to_numpy(), curve["share_profit"].to_numpy()
        top = int(profit.argmax())
        axes.axhline(1, color=FAINT, linewidth=1, linestyle="--")
        axes.plot(at, profit, color=PALETTE[0])
        axes.fill_between(at[top:], profit[top:], 1, color=PALETTE[1], alpha=0.35, label=say("profit_destroyed"))
        axes.plot(at[top], profit[top], "o", color=PALETTE[1], markersize=4)
        axes.annotate(
            f"{at[top]:.1%} → {profit[top]:.2%}",
            (at[top], profit[top]),
            xytext=(-6, -14),
            textcoords="offset points",
            ha="right",
            color=PALETTE[1],
        )
        axes.set(xlabel=say("cumulative_by_profit"), ylabel=say("cumulative_profit"), xlim=(0, 1), ylim=(0, None))
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.legend(loc="lower right")
    return figure


def plot_concentration(accounts: pd.DataFrame, say: Say, *, measure: str, most: int = 100) -> Figure:
    """Draw the cumulative share of the largest accounts, one bar for each, and where it passes one half.

    Parameters
    ----------
    accounts : pd.DataFrame
        share_value, cumulative_share, largest first (``Concentration.accounts``).
    say : Callable[[str], str]
    measure : str
        What was measured: a column's key.
    most : int
        Accounts shown.
    """
    with theme():
        figure, axes = plt.subplots()
        shown = accounts.head(most)
        place = np.arange(1, len(shown) + 1)
        axes.bar(place, shown["share_value"], width=0.9, color=PALETTE[3], label=say("share_of_account"))
        axes.plot(place, shown["cumulative_share"], color=PALETTE[0], label=say("cumulative_share"))
        axes.axhline(0.5, color=FAINT, linewidth=1, linestyle="--")
        if (shown["cumulative_share"] > 0.5).any():
            half = int((shown["cumulative_share"] > 0.5).to_numpy().argmax()) + 1
            axes.axvline(half, color=PALETTE[1], linewidth=1)
            axes.annotate(f"{half}", (half, 0.02), xytext=(4, 0), textcoords="offset points", color=PALETTE[1])
        axes.set(xlabel=say("accounts_by_size"), ylabel=f"{say('share')} · {say(measure)}", ylim=(0, 1))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.legend(loc="upper left")
    return figure


def plot_key_rules(patterns: pd.DataFrame, say: Say, *, rules: list[str], most: int = 14) -> Figure:
    """Draw which rules flag the same customers: bars of customers above a matrix of rules.

    Parameters
    ----------
    patterns : pd.DataFrame
        pattern, n_customers (``KeyAccounts.patterns``); customers whom no rule flags are left out.
    say : Callable[[str], str]
    rules : list[str]
        Keys of the rules that could be applied.
    most : int
        Patterns shown, largest first.
    """
    with theme():
        shown = patterns[patterns["pattern"] != "none_of_them"].head(most)
        figure, (above, below) = plt.subplots(
            2, sharex=True, height_ratios=(3, 2), figsize=(WIDTH, HEIGHT * 1.25), gridspec_kw={"hspace": 0.04}
        )
        place = np.arange(len(shown))
        bars = above.bar(place, shown["n_customers"], color=PALETTE[0], width=0.6)
        above.bar_label(bars, fontsize=7, color=INK, padding=1)
        above.set_ylabel(say("n_customers"))
        above.grid(False, axis="x")
        row = {rule: len(rules) - 1 - i for i, rule in enumerate(rules)}
        for at, pattern in zip(place, shown["pattern"], strict=True):
            flagged = sorted(row[name.lower()] for name in pattern.split(" + "))
            below.plot([at] * len(row), list(row.values()), "o", color="#d9d9d9", markersize=5, zorder=1)
            below.plot([at] * len(flagged), flagged, "-o", color=PALETTE[0], markersize=5, linewidth=1.4, zorder=2)
        below.set_yticks(list(row.values()), [say(rule) for rule in row])
        below.set(ylim=(-0.6, len(row) - 0.4), xticks=[])
        below.grid(False)
        sns.despine(ax=below, left=True, bottom=True)
        below.tick_params(length=0)
    return figure


def plot_kappa(pairs: pd.DataFrame, say: Say) -> Figure:
    """Draw Cohen's kappa of every pair of rules as a triangle.

    Parameters
    ----------
    pairs : pd.DataFrame
        rule, other_rule, kappa (``KeyAccounts.pairs``).
    say : Callable[[str], str]
    """
    with theme():
        figure, axes = plt.subplots(figsize=(HEIGHT * 1.4, HEIGHT))
        names = list(dict.fromkeys([*pairs["rule"], *pairs["other_rule"]]))
        grid = pairs.pivot(index="other_rule", columns="rule", values="kappa").reindex(
            index=names[1:], columns=names[:-1]
        )
        sns.heatmap(
            grid.rename(index=_short, columns=_short),
            annot=True,
            fmt=".2f",
            vmin=0,
            vmax=1,
            cmap=sns.light_palette(PALETTE[0], as_cmap=True),
            linewidths=1.5,
            linecolor="white",
            cbar_kws={"label": say("kappa")},
            ax=axes,
        )
        axes.set(xlabel="", ylabel="")
        axes.tick_params(length=0, rotation=0)
        axes.grid(False)
    return figure


def _short(rule: str) -> str:
    return rule.upper()


def plot_volatility(months: pd.DataFrame, say: Say) -> Figure:
    """Draw monthly revenue of key accounts and of the rest, each as an index of its own mean.

    Parameters
    ----------
    months : pd.DataFrame
        month, key_accounts, rest, everybody (``Volatility.months``).
    say : Callable[[str], str]
    """
    with theme():
        figure, axes = plt.subplots()
        for group, style in (("key_accounts", "-"), ("rest", "--"), ("everybody", ":")):
            line = months[group] / months[group].mean()
            axes.plot(months["month"], line, linestyle=style, label=say(group))
        axes.axhline(1, color=FAINT, linewidth=0.8)
        axes.set(ylabel=say("revenue_of_mean"))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.tick_params(axis="x", rotation=30)
        axes.legend(ncols=3, loc="upper left")
    return figure


def plot_penetration(matrix: pd.DataFrame, say: Say) -> Figure:
    """Draw the share of customers who hold each product, group by group.

    Parameters
    ----------
    matrix : pd.DataFrame
        Groups by products (``Holdings.matrix``); at most 20 of each are shown.
    say : Callable[[str], str]
    """
    with theme():
        shown = matrix.iloc[:20, :20]
        index = [say(name) if name in {"all_customers", "ungrouped"} else name for name in shown.index]
        figure, axes = plt.subplots(figsize=(WIDTH, max(1.9, 1.4 + 0.3 * len(shown))))
        sns.heatmap(
            shown.set_axis(index),
            annot=True,
            fmt=".0%",
            annot_kws={"fontsize": 7},
            vmin=0,
            cmap=sns.light_palette(PALETTE[0], as_cmap=True),
            linewidths=1,
            linecolor="white",
            cbar_kws={"label": say("penetration"), "format": PercentFormatter(1, decimals=0)},
            ax=axes,
        )
        axes.set(xlabel="", ylabel="")
        axes.tick_params(axis="x", length=0, rotation=30)
        axes.tick_params(axis="y", length=0, rotation=0)
        axes.grid(False)
    return figure


def plot_wallet(customers: pd.DataFrame, say: Say, *, most: int = 25) -> Figure:
    """Draw the wallet share with its range for the customers with most to be had, coloured by the source's grade.

    Parameters
    ----------
    customers : pd.DataFrame
        customer_id, wallet_share, wallet_low, wallet_high, source_grade, largest unfilled first
        (``WalletShares.customers``).
    say : Callable[[str], str]
    most : int
        Customers shown.
    """
    with theme():
        shown = customers.head(most).iloc[::-1].reset_index(drop=True)
        figure, axes = plt.subplots(figsize=(WIDTH, 1.2 + 0.2 * len(shown)))
        grades = sorted(shown["source_grade"].unique())
        for grade, marker, colour in zip(grades, "osD^vP", PALETTE, strict=False):
            rows = shown[shown["source_grade"] == grade]
            axes.hlines(rows.index, rows["wallet_low"], rows["wallet_high"], color=colour, linewidth=1.6, alpha=0.6)
            label = say(grade) if grade == "ungraded" else grade
            axes.plot(rows["wallet_share"], rows.index, marker, color=colour, markersize=4, label=label, linestyle="")
        axes.set_yticks(shown.index, shown["customer_id"].astype(str), fontsize=7)
        axes.set(xlabel=say("wallet_share"), xlim=(0, 1.02), ylim=(-0.8, len(shown) - 0.2))
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.grid(False, axis="y")
        figure.legend(loc="outside upper left", ncols=len(grades) + 1, title=say("source_grade"))
    return figure


def plot_costs(activities: pd.DataFrame, say: Say) -> Figure:
    """Draw what each activity of serving costs in all; what is not observed has no bar and says so.

    Parameters
    ----------
    activities : pd.DataFrame
        activity, evidence, activity_cost (``CostToServe.activities``).
    say : Callable[[str], str]
    """
    with theme():
        shown = activities.iloc[::-1].reset_index(drop=True)
        figure, axes = plt.subplots(figsize=(WIDTH, 1.0 + 0.36 * len(shown)))
        axes.barh(shown.index, shown["activity_cost"].fillna(0.0), color=PALETTE[0], height=0.6)
        for at, row in shown.iterrows():
            known = row["evidence"] != "not_observed"
            text = f"{row['activity_cost']:,.0f}" if known else say("not_observed")
            axes.annotate(
                text,
                (row["activity_cost"] if known else 0, at),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize=7,
                color=INK if known else FAINT,
            )
        axes.set_yticks(shown.index, [say(name) for name in shown["activity"]])
        axes.set(xlabel=say("activity_cost"))
        axes.margins(x=0.15)
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.grid(False, axis="y")
    return figure


def plot_net_profit(customers: pd.DataFrame, say: Say) -> Figure:
    """Draw revenue against net profit, customer by customer, both on scales that grow from zero by tens.

    Parameters
    ----------
    customers : pd.DataFrame
        revenue, net_profit, profit_class (``Profitability.customers``).
    say : Callable[[str], str]
    """
    with theme():
        figure, axes = plt.subplots()
        names = ("high_profit", "low_profit", "loss_making")
        for name, marker, colour in zip(names, "o^x", (PALETTE[0], PALETTE[3], PALETTE[1]), strict=True):
            rows = customers[customers["profit_class"] == name]
            axes.scatter(
                rows["revenue"], rows["net_profit"], s=12, marker=marker, color=colour, label=say(name), linewidths=0.9
            )
        axes.axhline(0, color=FAINT, linewidth=0.8)
        scale = float(np.nanmedian(customers["net_profit"].abs())) or 1.0
        for which, column in (("x", "revenue"), ("y", "net_profit")):
            threshold = 10 ** np.ceil(np.log10(scale))
            getattr(axes, f"set_{which}scale")("symlog", linthresh=threshold)
            span = customers[column].abs().max()
            powers = threshold * 10.0 ** np.arange(0, max(1, np.ceil(np.log10(max(span / threshold, 1))) + 1))
            negative = -powers[powers <= -customers[column].min()] if customers[column].min() < 0 else []
            axis = getattr(axes, f"{which}axis")
            axis.set_major_locator(FixedLocator([*negative, 0, *powers]))
            axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
            axis.set_minor_formatter(NullFormatter())
        axes.set(xlabel=say("revenue"), ylabel=say("net_profit"))
        axes.legend(loc="upper left")
    return figure
