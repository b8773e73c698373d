"""Real mess: a year of order lines of a wholesaler, with returns, missing customers and repeats."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from crmresearch.cleaning import clean_files
from tests.cleaning.test_bad_inputs import check_ledger

FILE = Path("shared") / "data" / "online_retail_ii" / "online_retail.parquet"
"""Beside the checkout or above it."""
SECONDS = 30


@pytest.mark.slow
def test_every_line_is_accounted_for_in_time(make) -> None:
    path = next((p / FILE for p in Path(__file__).resolve().parents if (p / FILE).is_file()), None)
    if path is None:
        pytest.skip("Online Retail II is not here (shared/data/online_retail_ii)")
    columns = {
        "order_id": "Invoice",
        "customer_id": "Customer ID",
        "date": "InvoiceDate",
        "product": "StockCode",
        "quantity": "Quantity",
        "price": "Price",
        "amount": {"times": ["quantity", "price"]},
    }
    case = make({path.name: path.read_bytes()}, {path.name: {"columns": columns}}, max_quarantined_share=0.25)
    begin, busy = time.perf_counter(), time.process_time()
    cleaned = clean_files(case)
    seconds, busy = time.perf_counter() - begin, time.process_time() - busy
    check_ledger(cleaned)
    [line] = cleaned.ledger.to_pylist()
    print(f"{line['rows_in']:,} lines in {seconds:.1f} s, {busy:.1f} of the processors: {line}")  # noqa: T201
    assert line["rows_in"] == 525_461 and busy <= SECONDS, "all threads together, for no other work to count"
    assert line["rows_quarantined"] == 107_927, "lines without a customer"
    notes = {note["rule"]: note["count"] for note in cleaned.log.to_pylist()}
    assert notes["RETURN_LINKED"] + notes["RETURN_UNLINKED"] == notes["NEGATIVE_AMOUNT"]
    assert notes["MERGED"] == line["rows_merged"]
