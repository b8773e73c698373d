"""Weights of indicators: from the data, from experts, or both. Each carries its recipe, which moves the weights."""

from crmresearch.scoring.value.weights.ahp import weigh_ahp
from crmresearch.scoring.value.weights.combining import combine_weights
from crmresearch.scoring.value.weights.comparing import WeightComparison, compare_weights, weigh
from crmresearch.scoring.value.weights.dispersion import weigh_critic, weigh_deviation, weigh_variation
from crmresearch.scoring.value.weights.entropy import ENTROPY_PRESETS, weigh_entropy
from crmresearch.scoring.value.weights.hierarchy import Priorities, judge_criteria
from crmresearch.scoring.value.weights.pairwise import (
    RANDOM_INDEX,
    Consistency,
    Pairwise,
    complete,
    measure_consistency,
    priorities,
    read_pairwise,
)
from crmresearch.scoring.value.weights.weighing import Weights, take_weights, weigh_equally

__all__ = [
    "ENTROPY_PRESETS",
    "RANDOM_INDEX",
    "Consistency",
    "Pairwise",
    "Priorities",
    "WeightComparison",
    "Weights",
    "combine_weights",
    "compare_weights",
    "complete",
    "judge_criteria",
    "measure_consistency",
    "priorities",
    "read_pairwise",
    "take_weights",
    "weigh",
    "weigh_ahp",
    "weigh_critic",
    "weigh_deviation",
    "weigh_entropy",
    "weigh_equally",
    "weigh_variation",
]
