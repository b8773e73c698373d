"""Figures: one theme, one function a figure; labels come from the words files."""
