"""The look of figures: Chinese without a system font, no boxes, no mathematics in names."""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib import colors, font_manager

from crmresearch.reporting.figures import theme as look
from crmresearch.reporting.figures.theme import PALETTE, FontError, theme


def saved(text: str) -> bytes:
    with theme():
        figure, axes = plt.subplots()
        axes.set_xlabel(text)
        file = io.BytesIO()
        figure.savefig(file, metadata={"Software": None})
        plt.close(figure)
    return file.getvalue()


def test_chinese_prints_with_the_package_font_first():
    with theme():
        assert plt.rcParams["font.sans-serif"][0] == "Noto Sans SC"
    assert len(saved("客户消费集中度（洛伦兹曲线）−1")) > 1000


def test_dollar_and_angle_bracket_print_as_they_stand():
    assert saved(r"$\frac{a}{b} <b>&amp; $x$") != saved("")


def test_a_character_without_a_glyph_is_an_error_not_a_box():
    with pytest.raises(FontError, match="no font for a character of this figure"):
        saved("\U0001f9ff")


def test_no_chinese_font_at_all_is_one_clear_sentence(monkeypatch):
    look._chinese_font.cache_clear()
    monkeypatch.delenv("CRMRESEARCH_FONT", raising=False)
    monkeypatch.setattr(look, "import_module", lambda name: (_ for _ in ()).throw(ImportError(name)))
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [])
    with pytest.raises(FontError, match="no font on this machine can print Chinese. Install"), theme():
        pass
    look._chinese_font.cache_clear()


def test_a_wrong_font_file_is_named(monkeypatch, tmp_path):
    for file in (tmp_path / "none.otf", Path(__file__)):
        monkeypatch.setenv("CRMRESEARCH_FONT", str(file))
        with pytest.raises(FontError, match=file.name), theme():
            pass


def test_theme_leaves_no_trace():
    before = plt.rcParams["figure.figsize"]
    with theme():
        assert plt.rcParams["figure.figsize"] == [look.WIDTH, look.HEIGHT]
    assert plt.rcParams["figure.figsize"] == before


def test_palette_stays_apart_in_grey():
    lightness = np.array([np.dot(colors.to_rgb(c), (0.2126, 0.7152, 0.0722)) for c in PALETTE])
    assert (np.abs(np.diff(lightness)) > 0.1).all()
