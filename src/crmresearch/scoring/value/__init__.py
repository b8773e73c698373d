"""Who is worth what: summaries, RFM, concentration, indicators, weights, ranking, tiers."""

from crmresearch.scoring.value.indicators import Indicator, IndicatorMatrix, build_indicators
from crmresearch.scoring.value.pareto import ParetoShares, score_pareto
from crmresearch.scoring.value.ranking import Ranking, rank_topsis
from crmresearch.scoring.value.rfm import RfmScores, score_rfm
from crmresearch.scoring.value.summary import CustomerSummary, summarise_customers, summarise_orders
from crmresearch.scoring.value.tiers import Tiers, assign_tiers
from crmresearch.scoring.value.weights import (
    WeightComparison,
    Weights,
    compare_weights,
    take_weights,
    weigh_entropy,
    weigh_equally,
)

__all__ = [
    "CustomerSummary",
    "Indicator",
    "IndicatorMatrix",
    "ParetoShares",
    "Ranking",
    "RfmScores",
    "Tiers",
    "WeightComparison",
    "Weights",
    "assign_tiers",
    "build_indicators",
    "compare_weights",
    "rank_topsis",
    "score_pareto",
    "score_rfm",
    "summarise_customers",
    "summarise_orders",
    "take_weights",
    "weigh_entropy",
    "weigh_equally",
]
