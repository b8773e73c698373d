"""Segments of customers: found or made by rules, tested, described, followed over time, kept for new customers."""

from crmresearch.scoring.segments.agreement import GroupAgreement, compare_groups
from crmresearch.scoring.segments.assignment import (
    Assignment,
    SavedSegmentation,
    assign_customers,
    freeze_segmentation,
    load_segmentation,
    save_segmentation,
)
from crmresearch.scoring.segments.cards import SegmentCards, build_cards
from crmresearch.scoring.segments.classes import LatentClasses, fit_classes
from crmresearch.scoring.segments.clustering import Segmentation, fit_segments
from crmresearch.scoring.segments.criteria import NumberOfSegments, compare_numbers
from crmresearch.scoring.segments.density import SegmentDensity
from crmresearch.scoring.segments.explanation import SegmentRules, explain_segments
from crmresearch.scoring.segments.hierarchy import SegmentWard
from crmresearch.scoring.segments.kmeans import SegmentKMeans
from crmresearch.scoring.segments.measures import measure_customers
from crmresearch.scoring.segments.medoids import SegmentMedoids
from crmresearch.scoring.segments.mixed import MixedPreparer, prepare_mixed
from crmresearch.scoring.segments.mixture import SegmentMixture
from crmresearch.scoring.segments.movement import Migration, SegmentDrift, score_drift, score_migration
from crmresearch.scoring.segments.needs import NeedsByGroup, score_needs
from crmresearch.scoring.segments.one_segment import OneSegmentTest, assess_one_segment
from crmresearch.scoring.segments.preparation import FeaturePreparer, PreparedFeatures, prepare_features
from crmresearch.scoring.segments.profiles import SegmentProfiles, profile_segments
from crmresearch.scoring.segments.rulebased import (
    RuleSegments,
    segment_by_matrix,
    segment_by_profit,
    segment_by_rfm,
    segment_by_size,
)
from crmresearch.scoring.segments.stability import SegmentStability, score_stability
from crmresearch.scoring.segments.stages import CustomerStages, days_earlier, days_on_record, stage_customers
from crmresearch.scoring.segments.stated_needs import (
    StatedNeeds,
    class_membership,
    count_needs,
    group_respondents,
    state_needs,
)
from crmresearch.scoring.segments.worth import (
    Representatives,
    SegmentValue,
    TreatmentTable,
    pick_representatives,
    plan_treatments,
    value_segments,
)

__all__ = [
    "Assignment",
    "CustomerStages",
    "FeaturePreparer",
    "GroupAgreement",
    "LatentClasses",
    "Migration",
    "MixedPreparer",
    "NeedsByGroup",
    "NumberOfSegments",
    "OneSegmentTest",
    "PreparedFeatures",
    "Representatives",
    "RuleSegments",
    "SavedSegmentation",
    "SegmentCards",
    "SegmentDensity",
    "SegmentDrift",
    "SegmentKMeans",
    "SegmentMedoids",
    "SegmentMixture",
    "SegmentProfiles",
    "SegmentRules",
    "SegmentStability",
    "SegmentValue",
    "SegmentWard",
    "Segmentation",
    "StatedNeeds",
    "TreatmentTable",
    "assess_one_segment",
    "assign_customers",
    "build_cards",
    "class_membership",
    "compare_groups",
    "compare_numbers",
    "count_needs",
    "days_earlier",
    "days_on_record",
    "explain_segments",
    "fit_classes",
    "fit_segments",
    "freeze_segmentation",
    "group_respondents",
    "load_segmentation",
    "measure_customers",
    "pick_representatives",
    "plan_treatments",
    "prepare_features",
    "prepare_mixed",
    "profile_segments",
    "save_segmentation",
    "score_drift",
    "score_migration",
    "score_needs",
    "score_stability",
    "segment_by_matrix",
    "segment_by_profit",
    "segment_by_rfm",
    "segment_by_size",
    "stage_customers",
    "state_needs",
    "value_segments",
]
