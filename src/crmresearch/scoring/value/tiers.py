"""Tiers of ranked customers, and how surely each customer keeps its tier when the weights move."""

from __future__ import annotations
