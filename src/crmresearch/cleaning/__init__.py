"""Raw files → clean tables, quarantine, lineage and a ledger that adds up."""
