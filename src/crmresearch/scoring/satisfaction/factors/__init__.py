"""Factor analysis: what is enough for it, exploratory in rounds, confirmatory with robust errors."""

from crmresearch.scoring.satisfaction.factors.confirming import Confirmation, confirm_factors
from crmresearch.scoring.satisfaction.factors.exploring import Exploration, explore_factors
from crmresearch.scoring.satisfaction.factors.factorability import Factorability, score_factorability

__all__ = [
    "Confirmation",
    "Exploration",
    "Factorability",
    "confirm_factors",
    "explore_factors",
    "score_factorability",
]
