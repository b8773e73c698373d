"""What customers answered: construct scores, reliability, and whether loyalty goes with satisfaction."""

from crmresearch.scoring.satisfaction.instrument import ConstructScores, orient_items, score_constructs
from crmresearch.scoring.satisfaction.loyalty import LoyaltyFit, fit_loyalty
from crmresearch.scoring.satisfaction.regression import LeastSquares, fit_least_squares
from crmresearch.scoring.satisfaction.reliability import Reliability, score_reliability

__all__ = [
    "ConstructScores",
    "LeastSquares",
    "LoyaltyFit",
    "Reliability",
    "fit_least_squares",
    "fit_loyalty",
    "orient_items",
    "score_constructs",
    "score_reliability",
]
