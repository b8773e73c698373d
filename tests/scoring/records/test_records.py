"""Records: completeness, age, coverage, duplicates and merging, by hand on a few customers (E3 to E6)."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from crmresearch.errors import RefusedError, UsageError
from crmresearch.reporting.words import load_words
from crmresearch.results import Result
from crmresearch.scoring.records import (
    account_for_rows,
    compare_merging,
    score_completeness,
    score_coverage,
    show_duplicates,
)

DAY = dt.date(2024, 12, 31)
SHEET = pd.DataFrame(
    {
        "customer_id": list("abcd"),
        "phone": ["1", None, "2", None],
        "address": ["x", "y", "z", None],
        "branch": ["north", "north", "south", "south"],
        "updated": pd.to_datetime(["2024-12-01", "2020-01-01", "2024-01-01", None]),
    }
)
PAIRS = pd.DataFrame(
    {
        "record_a": ["a", "a", "c"],
        "record_b": ["b", "c", "d"],
        "name": ["same", "same", "different"],
        "phone": ["same", "missing", "same"],
        "weight": [12.0, 1.0, 3.0],
        "probability": [0.999, 0.6, 0.4],
        "evidence": ["phone", "", "phone"],
        "fate": ["merged", "review", "apart"],
        "reason": ["evidence_and_name", "name_alone", "below_limit"],
    }
)
RECORDS = pd.DataFrame(
    {"customer_id": list("aacd"), "record_id": list("abcd"), "name": list("PPQR"), "phone": list("1122")}
)


def say_everything(result: Result) -> None:
    """Every finding, column, option and method has its words."""
    words = load_words()
    for finding in result.findings():
        assert all(words.sentence(finding, language) for language in ("en", "zh"))
    for exhibit in result.exhibits():
        assert words.caption(exhibit.key, "zh") and all(words.note(note, "en") for note in exhibit.notes)
        assert all(words.of("exhibits", exhibit.key).column(column, "en") for column in exhibit.data)
    assert words.method(result.recipe.method, "en") and all(words.text("options", key) for key in result.recipe.options)


def test_completeness_by_field_and_source():
    """E3, E4."""
    found = score_completeness(SHEET, as_of=DAY, source="branch", updated="updated", stale_after_days=365)
    matrix = found.matrix.set_index(["field", "kept_by"])["share_filled"]
    assert matrix.loc[("phone", "north")] == 0.5 and matrix.loc[("address", "south")] == 0.5
    assert found.fields[["field", "n_filled"]].to_numpy().tolist() == [["phone", 2], ["address", 3], ["updated", 3]]
    ages = found.ages.set_index("kept_by")
    assert ages.loc["all_sources", ["n_dated", "n_stale", "median_age_days"]].tolist() == [3, 1, 365.0]
    assert ages.loc["south", "n_dated"] == 1 and ages.loc["south", "share_stale"] == 0
    say_everything(found)


def test_coverage_counts_each_customer_once_and_in_the_window_only():
    """E6."""
    calls = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b", "c"],
            "date": pd.to_datetime(["2024-02-01", "2024-03-01", "2023-12-31", "2025-01-01"]),
        }
    )
    found = score_coverage(SHEET, calls, as_of=DAY, tier="branch", window_days=366)
    table = found.tiers.set_index("tier")
    assert table["n_contacted"].to_dict() == {"north": 1, "south": 0, "all_customers": 1}
    assert table.loc["all_customers", "share_contacted"] == 0.25
    assert table.loc["all_customers", ["contacted_low", "contacted_high"]].round(4).tolist() == [0.0456, 0.6994]
    say_everything(found)


def test_pairs_that_wait_come_first_and_cards_show_values():
    found = show_duplicates(PAIRS, RECORDS, n_cards=2)
    assert found.pairs["fate"].tolist()[0] == "fate_review" and found.n_customers == 3
    cards = found.cards
    assert len(cards) == 4 and cards.iloc[1].tolist() == [1, "phone", "1", "2", "level_shared"]
    card = found.findings()[2]
    assert card.values["agree"] == ["name"] and card.values["differ"] == ["nothing"]
    say_everything(found)


def test_merging_sets_two_summaries_side_by_side():
    before = pd.DataFrame({"measure": ["top_share", "gini"], "value": [0.5, 0.4]})
    after = before.assign(value=[0.6, 0.5]).iloc[::-1]
    found = compare_merging(before, after, n_records=4, n_customers=3, n_counted=(4, 3))
    assert found.table["merge_change"].round(6).tolist() == [-1, -1, 0.1, 0.1]
    say_everything(found)
    with pytest.raises(RefusedError, match="different measures"):
        compare_merging(before, after.head(1), n_records=4, n_customers=3, n_counted=(4, 3))


def test_a_ledger_that_does_not_add_up_is_refused():
    """E5."""
    ledger = pd.DataFrame(
        {
            "source_file": ["a"],
            "table": ["orders"],
            "rows_in": [3],
            "rows_kept": [2],
            "rows_quarantined": [1],
            "rows_merged": [0],
        }
    )
    aside = pd.DataFrame({"source_file": ["a"], "column": ["date"], "raw_value": ["30 Feb"], "reason": ["NOT_A_DATE"]})
    say_everything(account_for_rows(ledger, aside))
    say_everything(account_for_rows(ledger, aside.head(0)))
    with pytest.raises(RefusedError, match="do not add up"):
        account_for_rows(ledger.assign(rows_kept=1), aside)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: score_completeness(SHEET, as_of=DAY, source="branhc"), UsageError),
        (lambda: score_completeness(SHEET.head(0), as_of=DAY, source="branch"), RefusedError),
        (lambda: score_completeness(SHEET.tail(1), as_of=DAY, source="branch", updated="updated"), RefusedError),
        (lambda: score_completeness(SHEET, as_of=DAY, source="branch", stale_after_days=0), UsageError),
        (lambda: score_coverage(SHEET, SHEET, as_of=DAY, tier="rank"), UsageError),
        (lambda: score_coverage(SHEET, SHEET.assign(date=SHEET["updated"]), as_of=DAY, window_days=0), UsageError),
        (lambda: show_duplicates(PAIRS.head(0), RECORDS), RefusedError),
        (lambda: show_duplicates(PAIRS, RECORDS, n_cards=-1), UsageError),
    ],
)
def test_what_cannot_be_given_is_refused(call, error):
    with pytest.raises(error):
        call()
