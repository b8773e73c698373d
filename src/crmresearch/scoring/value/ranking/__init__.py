"""Rankings of customers by several indicators, their agreement, and what a third customer does to them."""

from crmresearch.scoring.value.ranking.agreement import (
    RANKINGS,
    RankAgreement,
    compare_rankings,
    rank_by,
)
from crmresearch.scoring.value.ranking.fuzzy import rank_fuzzy
from crmresearch.scoring.value.ranking.ranked import Ranking, place_of
from crmresearch.scoring.value.ranking.reversal import RankReversal, count_reversed, try_reversal
from crmresearch.scoring.value.ranking.sums import grade_rsr, rank_grey, rank_rsr, rank_weighted_sum
from crmresearch.scoring.value.ranking.topsis import rank_topsis
from crmresearch.scoring.value.ranking.vikor import rank_vikor

__all__ = [
    "RANKINGS",
    "RankAgreement",
    "RankReversal",
    "Ranking",
    "compare_rankings",
    "count_reversed",
    "grade_rsr",
    "place_of",
    "rank_by",
    "rank_fuzzy",
    "rank_grey",
    "rank_rsr",
    "rank_topsis",
    "rank_vikor",
    "rank_weighted_sum",
    "try_reversal",
]
