"""RFM: scores, named segments, and the wider schemes."""

from crmresearch.scoring.value.rfm.scoring import RfmScores, score_rfm

__all__ = ["RfmScores", "score_rfm"]
