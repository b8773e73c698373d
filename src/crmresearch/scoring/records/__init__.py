"""What a company's records are worth: every row accounted for, fields filled, duplicates found, customers reached."""

from crmresearch.scoring.records.completeness import Completeness, Coverage, score_completeness, score_coverage
from crmresearch.scoring.records.duplicates import Duplicates, MergeEffect, compare_merging, show_duplicates
from crmresearch.scoring.records.receipt import IntakeReceipt, account_for_rows

__all__ = [
    "Completeness",
    "Coverage",
    "Duplicates",
    "IntakeReceipt",
    "MergeEffect",
    "account_for_rows",
    "compare_merging",
    "score_completeness",
    "score_coverage",
    "show_duplicates",
]
