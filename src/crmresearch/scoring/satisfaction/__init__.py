"""What customers answered: construct scores, reliability, and whether loyalty goes with satisfaction."""

from crmresearch.scoring.satisfaction.advocacy import Advocates, judge_advocates
from crmresearch.scoring.satisfaction.answers import chosen, join_answers
from crmresearch.scoring.satisfaction.correlations import Correlations, correlate
from crmresearch.scoring.satisfaction.crosstables import CrossTables, cross_tabulate
from crmresearch.scoring.satisfaction.equivalence import Equivalence, test_equivalence
from crmresearch.scoring.satisfaction.expectation import (
    ExpectationBands,
    ExpectationForms,
    compare_bands,
    compare_forms,
)
from crmresearch.scoring.satisfaction.groups import GroupDifferences, compare_backgrounds
from crmresearch.scoring.satisfaction.instrument import ConstructScores, orient_items, score_constructs
from crmresearch.scoring.satisfaction.linking import (
    compare_waves,
    fit_leaving,
    judge_key_accounts,
    link_behaviour,
    link_employees,
    service_gap,
)
from crmresearch.scoring.satisfaction.loyalty import LoyaltyFit, fit_loyalty
from crmresearch.scoring.satisfaction.loyalty_metrics import LoyaltyMetrics, measure_loyalty
from crmresearch.scoring.satisfaction.loyalty_types import LoyaltyTypes, type_loyalty
from crmresearch.scoring.satisfaction.mediation import mediate, mediate_conditionally
from crmresearch.scoring.satisfaction.power import SamplePlan, plan_sample
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
from crmresearch.scoring.satisfaction.untestable import UntestableClaims, name_untestable

__all__ = [
    "Advocates",
    "ConstructScores",
    "Correlations",
    "CrossTables",
    "Equivalence",
    "ExpectationBands",
    "ExpectationForms",
    "GroupDifferences",
    "LeastSquares",
    "LoyaltyFit",
    "LoyaltyMetrics",
    "LoyaltyTypes",
    "Reliability",
    "SamplePlan",
    "UntestableClaims",
    "chosen",
    "compare_backgrounds",
    "compare_bands",
    "compare_forms",
    "compare_waves",
    "correlate",
    "cross_tabulate",
    "fit_blocks",
    "fit_least_squares",
    "fit_leaving",
    "fit_loyalty",
    "fit_ordered",
    "fit_repurchase",
    "fit_shapes",
    "join_answers",
    "judge_advocates",
    "judge_key_accounts",
    "link_behaviour",
    "link_employees",
    "measure_loyalty",
    "mediate",
    "mediate_conditionally",
    "moderate",
    "name_untestable",
    "orient_items",
    "plan_sample",
    "score_constructs",
    "score_reliability",
    "service_gap",
    "test_equivalence",
    "type_loyalty",
]
