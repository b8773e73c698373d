"""Who is worth what: summaries, RFM, concentration, indicators, weights, ranking, tiers."""

from crmresearch.scoring.value.clv_matrix import ClvMatrix, ClvMatrixCheck, check_clv_matrix, classify_clv
from crmresearch.scoring.value.concentration import Concentration, StayOnTop, score_concentration, score_stay_on_top
from crmresearch.scoring.value.contributions import Contributions, measure_contribution
from crmresearch.scoring.value.cost_to_serve import CostToServe, known_rates, trace_costs
from crmresearch.scoring.value.holdings import Holdings, score_holdings
from crmresearch.scoring.value.indicators import Indicator, IndicatorMatrix, build_indicators
from crmresearch.scoring.value.key_accounts import KeyAccounts, identify_key_accounts
from crmresearch.scoring.value.order_score import OrderScore, score_orders
from crmresearch.scoring.value.panel import Panel, build_panel
from crmresearch.scoring.value.pareto import ParetoShares, score_pareto
from crmresearch.scoring.value.profitability import Profitability, score_profitability
from crmresearch.scoring.value.ranking import Ranking, rank_topsis
from crmresearch.scoring.value.rfm import RfmScores, score_rfm
from crmresearch.scoring.value.summary import CustomerSummary, summarise_customers, summarise_orders
from crmresearch.scoring.value.tiers import Tiers, assign_tiers
from crmresearch.scoring.value.volatility import Volatility, compare_volatility
from crmresearch.scoring.value.wallet import WalletShares, score_wallet
from crmresearch.scoring.value.weights import (
    WeightComparison,
    Weights,
    compare_weights,
    take_weights,
    weigh_entropy,
    weigh_equally,
)
from crmresearch.scoring.value.windows import Split, days_before, months_in, split_window

__all__ = [
    "ClvMatrix",
    "ClvMatrixCheck",
    "Concentration",
    "Contributions",
    "CostToServe",
    "CustomerSummary",
    "Holdings",
    "Indicator",
    "IndicatorMatrix",
    "KeyAccounts",
    "OrderScore",
    "Panel",
    "ParetoShares",
    "Profitability",
    "Ranking",
    "RfmScores",
    "Split",
    "StayOnTop",
    "Tiers",
    "Volatility",
    "WalletShares",
    "WeightComparison",
    "Weights",
    "assign_tiers",
    "build_indicators",
    "build_panel",
    "check_clv_matrix",
    "classify_clv",
    "compare_volatility",
    "compare_weights",
    "days_before",
    "identify_key_accounts",
    "known_rates",
    "measure_contribution",
    "months_in",
    "rank_topsis",
    "score_concentration",
    "score_holdings",
    "score_orders",
    "score_pareto",
    "score_profitability",
    "score_rfm",
    "score_stay_on_top",
    "score_wallet",
    "split_window",
    "summarise_customers",
    "summarise_orders",
    "take_weights",
    "trace_costs",
    "weigh_entropy",
    "weigh_equally",
]
