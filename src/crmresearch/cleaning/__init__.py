"""Raw files → clean tables, quarantine, lineage and a ledger that adds up."""

from crmresearch.cleaning.cleaned import Cleaned, clean_files
from crmresearch.cleaning.notes import RULES
from crmresearch.cleaning.processed import Processed, clean_case, open_processed
from crmresearch.cleaning.proposal import propose_case
from crmresearch.cleaning.quarantine import REASONS
from crmresearch.cleaning.readers import source_digest
from crmresearch.cleaning.receipt import receipt
from crmresearch.cleaning.review import review

__all__ = [
    "REASONS",
    "RULES",
    "Cleaned",
    "Processed",
    "clean_case",
    "clean_files",
    "open_processed",
    "propose_case",
    "receipt",
    "review",
    "source_digest",
]
