"""Every word and figure of customer value, from scorers to sentences, in both languages."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from crmresearch.reporting.figures.theme import theme
from crmresearch.reporting.figures.value import plot_lorenz, plot_rfm_heatmap, plot_scores, plot_tiers, plot_weights
from crmresearch.reporting.words import load_words


@pytest.fixture(scope="module")
def curve() -> pd.DataFrame:
    return pd.DataFrame({"share_customers": [0, 0.5, 0.8, 1], "share_spend": [0, 0.1, 0.4, 1]})


@pytest.fixture(params=["en", "zh"])
def say(request):
    return load_words().say(request.param)


def drawn(figure) -> plt.Figure:
    """The figure, once rendered: a missing character or label raises."""
    with theme():
        figure.canvas.draw()
    plt.close(figure)
    return figure


def test_lorenz_marks_the_top_share(curve, say) -> None:
    axes = drawn(plot_lorenz(curve, say)).axes[0]
    assert [t.get_text() for t in axes.texts] == ["20% → 60.0%"]


def test_rfm_heatmap_counts_customers(say) -> None:
    cells = pd.DataFrame(
        {"r": [1, 1, 2, 2], "f": [1, 2, 1, 2], "n_customers": [1200, 0, 3, 4], "mean_spend": [5, np.nan, 7, 8]}
    )
    texts = [t.get_text() for t in drawn(plot_rfm_heatmap(cells, say)).axes[0].texts]
    assert "1,200" in texts and "0" not in texts


def test_weights_leaves_out_recipes_that_refuse(say) -> None:
    table = pd.DataFrame(
        {
            "weighting": ["spssau", "spssau", "pymcdm", "pymcdm"],
            "indicator": ["spend", "recency_days"] * 2,
            "weight": [0.6, 0.4, np.nan, np.nan],
        }
    )
    figure = drawn(plot_weights(table, say))
    assert [t.get_text() for t in figure.legends[0].get_texts()] == [say("spssau")]


def test_scores_and_tiers_draw_every_tier(say) -> None:
    customers = pd.DataFrame({"score": [0.9, 0.5, 0.2, 0.0], "tier": list("ABCC"), "stay": [1, 0.7, 0.9, 1]})
    assert len(drawn(plot_scores(customers, say)).axes[0].lines) == 3
    table = pd.DataFrame({"tier": list("ABCD"), "share_customers": [0.25] * 4, "share_worth": [0.6, 0.2, 0.2, 0]})
    left, right = drawn(plot_tiers(table, say, customers=customers)).axes
    assert len(left.patches) == 8 and [t.get_text() for t in right.get_xticklabels()] == list("ABCD")


def test_labels_print_literally(say) -> None:
    customers = pd.DataFrame({"score": [0.9, 0.5], "tier": ["$a$", "<b>"], "stay": [1, 1]})
    legend = drawn(plot_scores(customers, say)).axes[0].get_legend()
    assert [t.get_text() for t in legend.get_texts()] == ["$a$", "<b>"]
