"""What customers answered: construct scores, quality of measurement, satisfaction, importance, loyalty."""

from crmresearch.scoring.satisfaction.factors import (
    Confirmation,
    Exploration,
    Factorability,
    confirm_factors,
    explore_factors,
    score_factorability,
)
from crmresearch.scoring.satisfaction.instrument import ConstructScores, orient_items, score_constructs
from crmresearch.scoring.satisfaction.loyalty import LoyaltyFit, fit_loyalty
from crmresearch.scoring.satisfaction.method_bias import MethodRisk, score_method_risk
from crmresearch.scoring.satisfaction.omega import Omega, score_omega
from crmresearch.scoring.satisfaction.polychoric import polychoric_correlations
from crmresearch.scoring.satisfaction.regression import LeastSquares, fit_least_squares
from crmresearch.scoring.satisfaction.reliability import Reliability, score_reliability
from crmresearch.scoring.satisfaction.screening import Screening, screen_respondents
from crmresearch.scoring.satisfaction.validity import Validity, score_validity

__all__ = [
    "Confirmation",
    "ConstructScores",
    "Exploration",
    "Factorability",
    "LeastSquares",
    "LoyaltyFit",
    "MethodRisk",
    "Omega",
    "Reliability",
    "Screening",
    "Validity",
    "confirm_factors",
    "explore_factors",
    "fit_least_squares",
    "fit_loyalty",
    "orient_items",
    "polychoric_correlations",
    "score_constructs",
    "score_factorability",
    "score_method_risk",
    "score_omega",
    "score_reliability",
    "score_validity",
    "screen_respondents",
]
