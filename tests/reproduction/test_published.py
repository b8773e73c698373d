from __future__ import annotations

from pathlib import Path

import pytest

from crmresearch.case import Project
from crmresearch.errors import UsageError
from crmresearch.reproduction import reproduce
from crmresearch.reproduction.published import NOT_REACHED, read_published
from crmresearch.reproduction.recomputed import CASES

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def built_in(tmp_path) -> Project:
    """The built-in cases, with a place of their own for processed tables."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "raw").symlink_to(ROOT / "data" / "raw", target_is_directory=True)
    return Project(tmp_path)


def test_whatever_is_reached_is_inside_the_printed_precision(built_in) -> None:
    values = reproduce(project=built_in)
    reached = values[values["status"] != NOT_REACHED]
    assert reached["status"].eq("inside").all(), reached[~reached["inside"]].to_string()
    assert set(reached["case"]) == set(CASES)
    assert values.loc[values["status"] == NOT_REACHED, "inside"].isna().all()


def test_image_alpha_of_the_mobile_survey(built_in) -> None:
    row = reproduce("alpha Image", project=built_in).iloc[0]
    assert row["ours"] == pytest.approx(0.7228, abs=5e-5) and row["inside"]


def test_every_recomputed_statistic_is_published(built_in) -> None:
    """A misspelt name would leave a value unreached without a word."""
    published = read_published().groupby("case")["statistic"].agg(set)
    for case, compute in CASES.items():
        assert published[case] & set(compute(built_in)), case


def test_case_without_data_is_outside_with_the_reason(tmp_path) -> None:
    (tmp_path / "data" / "raw").mkdir(parents=True)
    row = reproduce("alpha Image", project=Project(tmp_path)).iloc[0]
    assert not row["inside"] and "ecsi_mobile" in row["status"]


def test_unknown_pattern() -> None:
    with pytest.raises(UsageError, match="no published value is called 'cdnow_bgnbx'; nearest: cdnow_bgnbd"):
        reproduce("cdnow_bgnbx")


def test_every_value_has_a_source_and_a_tolerance() -> None:
    table = read_published()
    assert table["source"].notna().all() and (table["tolerance"] >= 0).all()
    assert not table.duplicated(["case", "statistic"]).any()
