"""Raw files → clean tables, quarantine, lineage and a ledger that adds up."""

from crmresearch.cleaning.cleaned import Cleaned, clean_files
from crmresearch.cleaning.processed import Processed, clean_case, open_processed
from crmresearch.cleaning.proposal import propose_case

__all__ = ["Cleaned", "Processed", "clean_case", "clean_files", "open_processed", "propose_case"]
