"""What matters to customers: stated and derived importance, quadrants, penalty and reward."""

from crmresearch.scoring.satisfaction.importance.asymmetry import PenaltyReward, fit_penalty_reward
from crmresearch.scoring.satisfaction.importance.quadrants import ImportancePerformance, map_importance_performance
from crmresearch.scoring.satisfaction.importance.relative import RelativeImportance, score_relative_importance

__all__ = [
    "ImportancePerformance",
    "PenaltyReward",
    "RelativeImportance",
    "fit_penalty_reward",
    "map_importance_performance",
    "score_relative_importance",
]
