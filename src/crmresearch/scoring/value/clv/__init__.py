"""Customer lifetime value: models of buying and leaving, of spending, and what they say of each customer."""

from crmresearch.scoring.value.clv.comparison import ModelComparison, compare_models
from crmresearch.scoring.value.clv.decomposition import ValueParts, decompose_value
from crmresearch.scoring.value.clv.described import DescribedHistories, describe_histories
from crmresearch.scoring.value.clv.fitting import MODELS, PurchaseFit, fit_purchases
from crmresearch.scoring.value.clv.gammagamma import SpendFit, check_independence, expected_spend, fit_spend
from crmresearch.scoring.value.clv.goodness import (
    AliveMap,
    FrequencyFit,
    Holdout,
    Tracking,
    assess_frequencies,
    assess_holdout,
    map_alive,
    track_purchases,
)
from crmresearch.scoring.value.clv.histories import purchase_histories
from crmresearch.scoring.value.clv.prediction import (
    LifetimeValue,
    PurchaseForecast,
    predict_purchases,
    score_lifetime_value,
)

__all__ = [
    "MODELS",
    "AliveMap",
    "DescribedHistories",
    "FrequencyFit",
    "Holdout",
    "LifetimeValue",
    "ModelComparison",
    "PurchaseFit",
    "PurchaseForecast",
    "SpendFit",
    "Tracking",
    "ValueParts",
    "assess_frequencies",
    "assess_holdout",
    "check_independence",
    "compare_models",
    "decompose_value",
    "describe_histories",
    "expected_spend",
    "fit_purchases",
    "fit_spend",
    "map_alive",
    "predict_purchases",
    "purchase_histories",
    "score_lifetime_value",
    "track_purchases",
]
