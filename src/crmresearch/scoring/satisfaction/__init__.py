"""What customers answered: construct scores, quality of measurement, satisfaction, importance, loyalty."""

from crmresearch.scoring.satisfaction.advocacy import Advocates, judge_advocates
from crmresearch.scoring.satisfaction.answers import chosen, grouped, join_answers
from crmresearch.scoring.satisfaction.correlations import Correlations, correlate
from crmresearch.scoring.satisfaction.crosstables import CrossTables, cross_tabulate
from crmresearch.scoring.satisfaction.equivalence import Equivalence, test_equivalence
from crmresearch.scoring.satisfaction.expectation_bands import ExpectationBands, compare_bands
from crmresearch.scoring.satisfaction.factors import (
    Confirmation,
    Exploration,
    Factorability,
    confirm_factors,
    explore_factors,
    score_factorability,
)
from crmresearch.scoring.satisfaction.groups import GroupDifferences, compare_backgrounds
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
from crmresearch.scoring.satisfaction.instrument import (
    ConstructScores,
    declare_reverse,
    orient_items,
    score_constructs,
)
from crmresearch.scoring.satisfaction.kano import KanoResult, classify_kano
from crmresearch.scoring.satisfaction.linking import (
    compare_changes_with_truth,
    compare_returning,
    compare_waves,
    fit_leaving,
    judge_key_accounts,
    link_behaviour,
    link_employees,
    order_waves,
    screen_waves,
    service_gap,
)
from crmresearch.scoring.satisfaction.loyalty import LoyaltyFit, fit_loyalty
from crmresearch.scoring.satisfaction.loyalty_metrics import LoyaltyMetrics, measure_loyalty
from crmresearch.scoring.satisfaction.loyalty_types import LoyaltyTypes, type_loyalty
from crmresearch.scoring.satisfaction.mediation import mediate, mediate_conditionally
from crmresearch.scoring.satisfaction.method_bias import MethodRisk, score_method_risk
from crmresearch.scoring.satisfaction.omega import Omega, score_omega
from crmresearch.scoring.satisfaction.polychoric import polychoric_correlations
from crmresearch.scoring.satisfaction.power import SamplePlan, plan_sample
from crmresearch.scoring.satisfaction.received_expected import ReceivedExpected, compare_definitions
from crmresearch.scoring.satisfaction.recommendation import Recommendation, score_recommendation
from crmresearch.scoring.satisfaction.regression import (
    LeastSquares,
    fit_blocks,
    fit_least_squares,
    fit_ordered,
    fit_repurchase,
    fit_shapes,
    moderate,
)
from crmresearch.scoring.satisfaction.reliability import Reliability, score_reliability
from crmresearch.scoring.satisfaction.response_surface import ResponseSurface, fit_response_surface
from crmresearch.scoring.satisfaction.screening import Screening, choose_sheets, screen_respondents
from crmresearch.scoring.satisfaction.untestable import UntestableClaims, name_untestable
from crmresearch.scoring.satisfaction.validity import Validity, score_validity

__all__ = [
    "Advocates",
    "Confirmation",
    "ConstructScores",
    "Correlations",
    "CrossTables",
    "DeliveredValue",
    "Equivalence",
    "ExpectationBands",
    "Exploration",
    "Factorability",
    "GroupDifferences",
    "ImportancePerformance",
    "KanoResult",
    "LeastSquares",
    "LoyaltyFit",
    "LoyaltyMetrics",
    "LoyaltyTypes",
    "MethodRisk",
    "Omega",
    "PenaltyReward",
    "ReceivedExpected",
    "Recommendation",
    "RelativeImportance",
    "Reliability",
    "ResponseSurface",
    "SamplePlan",
    "SatisfactionIndex",
    "Screening",
    "UntestableClaims",
    "Validity",
    "choose_sheets",
    "chosen",
    "classify_kano",
    "compare_backgrounds",
    "compare_bands",
    "compare_changes_with_truth",
    "compare_definitions",
    "compare_returning",
    "compare_waves",
    "confirm_factors",
    "correlate",
    "cross_tabulate",
    "declare_reverse",
    "explore_factors",
    "fit_blocks",
    "fit_least_squares",
    "fit_leaving",
    "fit_loyalty",
    "fit_ordered",
    "fit_penalty_reward",
    "fit_repurchase",
    "fit_response_surface",
    "fit_shapes",
    "grouped",
    "join_answers",
    "judge_advocates",
    "judge_key_accounts",
    "link_behaviour",
    "link_employees",
    "map_importance_performance",
    "measure_loyalty",
    "mediate",
    "mediate_conditionally",
    "moderate",
    "name_untestable",
    "order_waves",
    "orient_items",
    "plan_sample",
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
    "screen_waves",
    "service_gap",
    "test_equivalence",
    "type_loyalty",
]
