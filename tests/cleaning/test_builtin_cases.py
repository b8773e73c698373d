"""The cases that ship: every row accounted for, every digest kept, the numbers their sources state."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pyarrow.compute as pc
import pytest

from crmresearch.case import Project, load_case
from crmresearch.cleaning import Cleaned, clean_files

PROJECT = Project(Path(__file__).resolve().parents[2])
CASES = {"cdnow": ("orders", 69_659), "ecsi_mobile": ("survey", 250), "telco_churn": ("customers", 7_043)}


@pytest.fixture(scope="module", params=CASES)
def cleaned(request) -> tuple[str, Cleaned]:
    return request.param, clean_files(load_case(PROJECT, request.param))


def test_every_row_is_kept(cleaned: tuple[str, Cleaned]) -> None:
    name, result = cleaned
    table, rows = CASES[name]
    assert list(result.tables) == [table]
    [line] = result.ledger.to_pylist()
    assert (line["rows_in"], line["rows_kept"], line["rows_quarantined"], line["rows_merged"]) == (rows, rows, 0, 0)


def test_the_content_is_what_the_sources_state(cleaned: tuple[str, Cleaned]) -> None:
    name, result = cleaned
    rows = result.tables[CASES[name][0]]
    if name == "cdnow":
        assert pc.count_distinct(rows["customer_id"]).as_py() == 23_570
        assert str(pc.min(rows["date"])) == "1997-01-01" and str(pc.max(rows["date"])) == "1998-06-30"
        assert result.ledger["amount_in"].to_pylist() == [Decimal("2500315.63")]
        counts = {line["rule"]: line["count"] for line in result.log.to_pylist()}
        assert (counts["DUPLICATE_ROWS"], counts["ZERO_AMOUNT"]) == (255, 80)
    elif name == "ecsi_mobile":
        items = list(load_case(PROJECT, name).file.instrument.items)
        assert len(items) == 24
        assert all(rows[item].null_count == 0 for item in items)
        assert {pc.min(rows[item]).as_py() for item in items} == {1, 2, 3, 4} | {pc.min(rows["PERV2"]).as_py()}
    else:
        blank = rows.filter(pc.is_null(rows["total_charges"]))
        assert blank["tenure_months"].to_pylist() == [0] * 11
        assert pc.sum(rows["churn"]).as_py() == 1_869


@pytest.mark.parametrize("name", CASES)
def test_each_case_states_its_origin_and_digests(name: str) -> None:
    file = load_case(PROJECT, name).file
    assert all(source.sha256 for source in file.files)
    assert "not known" in f"{file.provenance.terms} {file.provenance.origin}".lower()
    assert file.citation and file.studies
    assert file.title.zh != file.title.en


def test_each_item_belongs_to_one_construct() -> None:
    instrument = load_case(PROJECT, "ecsi_mobile").file.instrument
    used = [item for construct in instrument.constructs.values() for item in construct.items]
    assert sorted(used) == sorted(instrument.items)
    assert all(item.zh for item in instrument.items.values())
