"""The words of the package against what speaks them."""

from __future__ import annotations

import pytest

from crmresearch.cleaning import REASONS, RULES
from crmresearch.reporting.words import load_words
from crmresearch.tables import TABLES


@pytest.mark.parametrize("code", [*RULES, *REASONS])
def test_every_code_of_cleaning_has_words(code):
    assert load_words().word(f"cleaning_{code.lower()}")


def test_no_words_of_cleaning_are_left_over():
    spoken = {key for key in load_words().entries["labels"] if key.startswith("cleaning_")}
    assert spoken == {f"cleaning_{code.lower()}" for code in (*RULES, *REASONS)}


def test_names_in_canonical_tables_are_never_looked_up():
    """A customer called "total" stays so: text columns that hold a case's own data print as they are."""
    personal = {c.name for t in TABLES.values() for c in t.columns if c.personal and c.kind == "text"}
    for area, sections in load_words().areas.items():
        columns = sections.get("columns", {})
        assert {columns[name]["kind"] for name in personal & set(columns)} <= {"name"}, area
    assert {"customer_id", "respondent_id", "name"} <= set(load_words().entries["columns"])
