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
    with pytest.raises(FontError, match=r"no font on this machine can print Chinese\. Install"), theme():
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


# Machado, Oliveira & Fernandes (2009), doi:10.1109/TVCG.2009.113: full deficiency, linear RGB.
DEFICIENCIES = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(linear: np.ndarray) -> np.ndarray:
    ratio = linear.clip(0, 1) @ XYZ.T / XYZ.sum(axis=1)
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


def linear_palette() -> np.ndarray:
    rgb = np.array([colors.to_rgb(c) for c in PALETTE])
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_palette_stays_apart_for_colour_blind_readers(deficiency):
    seen = lab(linear_palette() @ np.array(DEFICIENCIES[deficiency]).T)
    distance = np.linalg.norm(seen[:, None] - seen[None], axis=2)
    assert distance[np.triu_indices(len(PALETTE), 1)].min() > 12


def test_neighbours_of_the_palette_stay_apart_in_grey():
    lightness = lab(linear_palette())[:, 0]
    assert (np.abs(np.diff(lightness)) > 18).all()
