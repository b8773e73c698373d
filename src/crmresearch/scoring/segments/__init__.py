"""Segments of customers: prepared features, k-means, stability, profiles."""

from crmresearch.scoring.segments.clustering import Segmentation, fit_segments
from crmresearch.scoring.segments.kmeans import SegmentKMeans
from crmresearch.scoring.segments.preparation import FeaturePreparer, PreparedFeatures, prepare_features
from crmresearch.scoring.segments.profiles import SegmentProfiles, profile_segments
from crmresearch.scoring.segments.stability import (
    OneSegmentTest,
    SegmentStability,
    assess_one_segment,
    score_stability,
)

__all__ = [
    "FeaturePreparer",
    "OneSegmentTest",
    "PreparedFeatures",
    "SegmentKMeans",
    "SegmentProfiles",
    "SegmentStability",
    "Segmentation",
    "assess_one_segment",
    "fit_segments",
    "prepare_features",
    "profile_segments",
    "score_stability",
]
