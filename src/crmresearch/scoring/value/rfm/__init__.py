"""RFM: scores, named segments, and the wider schemes."""

from crmresearch.scoring.value.rfm.scoring import RfmScores, score_rfm
from crmresearch.scoring.value.rfm.segments import RfmSegments, SegmentScheme, load_schemes, name_segments
from crmresearch.scoring.value.rfm.wider import WideScores, score_wider

__all__ = [
    "RfmScores",
    "RfmSegments",
    "SegmentScheme",
    "WideScores",
    "load_schemes",
    "name_segments",
    "score_rfm",
    "score_wider",
]
