"""What customers answered: construct scores, quality of measurement, satisfaction, importance, loyalty."""

from crmresearch.scoring.satisfaction.factors import (
    Confirmation,
    Exploration,
    Factorability,
    confirm_factors,
    explore_factors,
    score_factorability,
)
from crmresearch.scoring.satisfaction.importance import (
    ImportancePerformance,
    PenaltyReward,
    RelativeImportance,
    fit_penalty_reward,
    map_importance_performance,
    score_relative_importance,
)
from crmresearch.scoring.satisfaction.indices import (
    DeliveredValue,
    SatisfactionIndex,
    score_delivered_value,
    score_index,
)
from crmresearch.scoring.satisfaction.instrument import ConstructScores, orient_items, score_constructs
from crmresearch.scoring.satisfaction.kano import KanoResult, classify_kano
from crmresearch.scoring.satisfaction.loyalty import LoyaltyFit, fit_loyalty
from crmresearch.scoring.satisfaction.method_bias import MethodRisk, score_method_risk
from crmresearch.scoring.satisfaction.omega import Omega, score_omega
from crmresearch.scoring.satisfaction.polychoric import polychoric_correlations
from crmresearch.scoring.satisfaction.received_expected import ReceivedExpected, compare_definitions
from crmresearch.scoring.satisfaction.recommendation import Recommendation, score_recommendation
from crmresearch.scoring.satisfaction.regression import LeastSquares, fit_least_squares
from crmresearch.scoring.satisfaction.reliability import Reliability, score_reliability
from crmresearch.scoring.satisfaction.response_surface import ResponseSurface, fit_response_surface
from crmresearch.scoring.satisfaction.screening import Screening, screen_respondents
from crmresearch.scoring.satisfaction.validity import Validity, score_validity

__all__ = [
    "Confirmation",
    "ConstructScores",
    "DeliveredValue",
    "Exploration",
    "Factorability",
    "ImportancePerformance",
    "KanoResult",
    "LeastSquares",
    "LoyaltyFit",
    "MethodRisk",
    "Omega",
    "PenaltyReward",
    "ReceivedExpected",
    "Recommendation",
    "RelativeImportance",
    "Reliability",
    "ResponseSurface",
    "SatisfactionIndex",
    "Screening",
    "Validity",
    "classify_kano",
    "compare_definitions",
    "confirm_factors",
    "explore_factors",
    "fit_least_squares",
    "fit_loyalty",
    "fit_penalty_reward",
    "fit_response_surface",
    "map_importance_performance",
    "orient_items",
    "polychoric_correlations",
    "score_constructs",
    "score_delivered_value",
    "score_factorability",
    "score_index",
    "score_method_risk",
    "score_omega",
    "score_recommendation",
    "score_relative_importance",
    "score_reliability",
    "score_validity",
    "screen_respondents",
]
