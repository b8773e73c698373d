"""Two editions of one case side by side, from their records alone."""

from crmresearch.reporting.comparison.comparing import Claim, Comparison, compare_editions
from crmresearch.reporting.comparison.sheets import comparison_frame, describe

__all__ = ["Claim", "Comparison", "compare_editions", "comparison_frame", "describe"]
