"""Tiers of ranked customers, and how much it takes to change them."""

from crmresearch.scoring.value.tiers.assigning import STABLE_FROM, Tiers, assign_tiers
from crmresearch.scoring.value.tiers.cutting import DEFAULT_BOUNDS, find_breaks
from crmresearch.scoring.value.tiers.demotion import Demotions, find_demotions

__all__ = ["DEFAULT_BOUNDS", "STABLE_FROM", "Demotions", "Tiers", "assign_tiers", "find_breaks", "find_demotions"]
