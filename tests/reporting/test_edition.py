"""What an edition repeats of its case and of cleaning."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd

from crmresearch.reporting.edition import Quality, quality_of


def test_books_of_cleaning_are_summed_up_exactly():
    ledger = pd.DataFrame(
        {"source_file": ["a.csv", "b.csv"], "table": ["orders", "survey"], "sheet": [None, None], "rows_in": [5, 2]}
    ).assign(rows_kept=[3, 2], rows_quarantined=[2, 0], rows_merged=0, amount_in=[Decimal("0.30"), None])
    quarantine = pd.DataFrame(
        {
            "source_file": ["a.csv"] * 3,
            "column": ["date", "date", None],
            "reason": ["not a date", "not a date", "total row"],
        }
    )
    log = pd.DataFrame(columns=["source_file", "column", "rule", "severity", "count", "examples"])
    quality = Quality.model_validate(quality_of(ledger, quarantine, log))
    assert [(s.column, s.reason, s.rows) for s in quality.quarantine] == [
        ("", "total row", 1),
        ("date", "not a date", 2),
    ]
    assert (quality.ledger[0].amount_in, quality.ledger[1].amount_in) == (Decimal("0.30"), None)
    assert quality.ledger[0].file == "a.csv" and quality.log == ()
