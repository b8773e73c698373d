"""The catalogue of bad inputs against the tests: each row stands in the table or names the test that holds it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from crmresearch.cleaning import clean_files
from tests.cleaning import test_bad_inputs

TESTS = Path(__file__).resolve().parents[1]
SOURCE = TESTS.parent / "src" / "crmresearch"

ROWS = frozenset(
    {*range(1, 7), *range(8, 12), *range(13, 26), *range(27, 31), *range(32, 38), *range(39, 46), *range(47, 51)}
    | {*range(52, 56), *range(57, 64), *range(65, 69), *range(70, 76), 77, 78, *range(80, 84), *range(85, 88), 89, 90}
    | {*range(92, 96), *range(97, 101), 102, 103, 104, *range(106, 110), *range(111, 115), 116, 117, 118, 120, 121}
    | {*range(123, 127), *range(128, 132), *range(133, 137), *range(138, 141), *range(142, 147), 148, *range(150, 155)}
    | {156, 157, *range(159, 162), 163, 164, *range(166, 170)}
)

ELSEWHERE = {
    22: "test_a_file_above_the_limit_is_refused_before_reading",
    23: "test_a_file_that_changes_while_it_is_read_is_refused",
    24: "test_files_of_the_system_are_skipped_and_listed",
    58: "test_tables_are_whole_exact_and_open_in_a_spreadsheet",
    60: "test_codes_labels_and_wordings",
    66: "test_what_is_published_is_what_is_opened",
    68: "test_a_connection_that_breaks_is_tried_three_times",
    80: "test_a_line_exported_twice_is_merged_by_its_identifier",
    81: "test_a_repeat_that_differs_elsewhere_is_set_aside_and_the_fuller_row_kept",
    82: "test_unmerge_takes_records_out_until_someone_accepts_them",
    83: "test_placeholders_and_shared_values_carry_no_weight",
    85: "test_orders_of_unknown_customers_are_set_aside",
    86: "test_orders_of_unknown_customers_are_set_aside",
    89: "test_identical_customers_are_refused",
    99: "test_no_result_asks_the_clock",
    100: "test_periods_of_months_end_on_the_days_there_are",
    102: "test_locale_and_clock_do_not_show_in_the_tables",
    111: "test_cents_add_up_exactly",
    113: "test_whale_is_named",
    114: "test_all_equal_is_refused",
    117: "test_a_bad_answer_becomes_missing_with_its_reason",
    118: "test_a_bad_answer_becomes_missing_with_its_reason",
    120: "test_refused_constructs_are_named_and_the_rest_goes_on",
    121: "test_no_alpha_at_all_says_why",
    123: "test_refused_constructs_are_named_and_the_rest_goes_on",
    124: "test_each_rule_finds_its_sheet_in_the_declared_order",
    125: "test_a_respondent_twice_is_merged_and_one_who_differs_is_set_aside",
    126: "test_a_respondent_without_any_answer_is_set_aside",
    128: "test_heywood_case_is_refused",
    129: "test_respondents_may_be_unknown_to_the_customers_table",
    130: "test_what_cannot_be_fitted_is_refused",
    131: "test_what_cannot_be_fitted_is_refused",
    133: "test_one_class_in_the_target_is_refused",
    134: "test_constant_indicator_has_weight_zero_or_is_refused",
    135: "test_negative_values_need_a_declared_shift",
    136: "test_cycle_is_refused_with_its_worst_triad_and_the_entry_to_ask_again",
    138: "test_random_index_tables_have_thirteen_entries_and_two_items_are_consistent",
    139: "test_given_weights_are_never_rescaled",
    140: "test_direction_must_be_said",
    142: "test_impossible_histories_are_refused_by_name",
    143: "test_a_feature_out_of_the_future_is_refused_or_named",
    144: "test_values_with_quotes_and_newlines_stay_text",
    145: "test_what_does_not_exist_or_is_badly_typed_is_refused_before_computing",
    146: "test_what_does_not_exist_or_is_badly_typed_is_refused_before_computing",
    148: "test_what_does_not_exist_or_is_badly_typed_is_refused_before_computing",
    150: "test_a_broken_rule_is_named",
    151: "test_an_alias_bomb_is_refused_at_once",
    152: "test_values_with_quotes_and_newlines_stay_text",
    153: "test_a_case_name_cannot_lead_anywhere_else",
    154: "test_a_case_name_cannot_lead_anywhere_else",
    156: "test_links_out_of_the_case_are_refused",
    157: "test_texts_that_spreadsheets_would_run_are_guarded",
    159: "test_no_payload_is_live",
    160: "test_no_payload_is_live",
    161: "test_no_payload_is_live",
    163: "test_a_character_without_a_glyph_is_an_error_not_a_box",
    164: "test_commands_of_typesetters_are_printed_as_they_stand",
    167: "test_what_does_not_exist_or_is_badly_typed_is_refused_before_computing",
    168: "test_the_secret_stands_nowhere",
}


def test_every_row_has_its_place() -> None:
    tabled = {
        int(re.match(r"\d+", bad.number)[0])
        for letter in ("A", "B", "C", "D", "E_IDS", "F", "G")
        for bad in getattr(test_bad_inputs, letter)
        if bad.number[0].isdigit()
    }
    assert len(ROWS) == 137
    assert sorted(ROWS - tabled - ELSEWHERE.keys()) == []
    assert not tabled - ROWS and not ELSEWHERE.keys() - ROWS


def test_every_test_that_is_named_exists() -> None:
    written = "\n".join(path.read_text("utf-8") for path in TESTS.rglob("test_*.py"))
    assert [name for name in ELSEWHERE.values() if f"def {name}(" not in written] == []


def test_files_of_the_system_are_skipped_and_listed(make) -> None:
    """Catalogue 24."""
    case = make({"o.csv": "id,date,amount\na,2023-01-02,1\n"})
    for name in ("~$o.xlsx", ".DS_Store", "Thumbs.db", "old.csv"):
        (case.folder / name).write_bytes(b"x")
    found = {n["rule"]: n["examples"] for n in clean_files(case).log.to_pylist()}
    assert found == {"SKIPPED_FILE": ".DS_Store; Thumbs.db; ~$o.xlsx", "UNDECLARED_FILE": "old.csv"}


@pytest.mark.parametrize("room", ["cleaning", "scoring"])
def test_no_result_asks_the_clock(room: str) -> None:
    """Catalogue 99: what is computed depends on ``as_of``, never on the day of computing."""
    asked = []
    for path in (SOURCE / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            named = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr
            if named in {"now", "today", "utcnow"}:
                asked.append(f"{path.name}:{node.lineno}")
    if room == "cleaning":  # the day on which a person decided is what the decision records
        asked = [place for place in asked if not place.startswith("decisions.py")]
    assert asked == []
