"""Indicators of customer value: systems as data, their measurement, and the matrix they become."""

from crmresearch.scoring.value.indicators.agreement import RaterAgreement, score_agreement
from crmresearch.scoring.value.indicators.matrix import (
    ORDER_INDICATORS,
    Direction,
    Indicator,
    IndicatorMatrix,
    Moments,
    build_indicators,
)
from crmresearch.scoring.value.indicators.measuring import (
    PRESETS,
    MeasuredIndicators,
    load_system,
    measure_indicators,
)
from crmresearch.scoring.value.indicators.shrinkage import Shrunk, shrink_means, shrink_shares

__all__ = [
    "ORDER_INDICATORS",
    "PRESETS",
    "Direction",
    "Indicator",
    "IndicatorMatrix",
    "MeasuredIndicators",
    "Moments",
    "RaterAgreement",
    "Shrunk",
    "build_indicators",
    "load_system",
    "measure_indicators",
    "score_agreement",
    "shrink_means",
    "shrink_shares",
]
