"""Every built-in case, from its raw files to its pages, by the runner and by plain papermill."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crmresearch.case import Project
from crmresearch.reporting.record import read_record
from crmresearch.running.plan import Request
from crmresearch.running.runner import CaseOutcome, run

ROOT = Path(__file__).resolve().parents[1]
CASES = {
    "cdnow": {"value_indicators", "segment_profile", "segment_migration"},
    "ecsi_mobile": {"satisfaction_loyalty"},
    "corporate_reputation": {"satisfaction_loyalty"},
    "petrochemical": {
        "value_indicators",
        "satisfaction_loyalty",
        "segment_profile",
        "segment_migration",
        "needs_segments",
    },
    "telco_churn": {"segment_profile"},
}


@pytest.fixture(scope="module")
def built_in(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("built-in")
    for folder in ("data/raw", "notebooks"):
        shutil.copytree(ROOT / folder, root / folder)
    for folder in ("data/processed", "reports"):
        (root / folder).mkdir()
    shutil.copy(ROOT / "requirements.lock", root)
    return Project(root)


@pytest.fixture(scope="module")
def outcomes(built_in: Project) -> dict[str, CaseOutcome]:
    return {outcome.case: outcome for outcome in run(built_in, Request(cases=tuple(CASES)))}


@pytest.mark.parametrize("case", CASES)
def test_every_study_is_done_and_refuses_nothing(outcomes: dict[str, CaseOutcome], case: str) -> None:
    outcome = outcomes[case]
    assert outcome.error is None and outcome.exit_code == 0, outcome
    assert {name for name, status in outcome.statuses.items() if status.state == "done"} == CASES[case]
    for study in CASES[case]:
        record = read_record(outcome.edition / "studies" / study)
        kinds = [block["type"] for block in record["blocks"]]
        assert "refusal" not in kinds, [b for b in record["blocks"] if b["type"] == "refusal"]
        assert {"section", "finding", "table", "figure", "recipe"} <= set(kinds)
    for language in ("en", "zh"):
        page = (outcome.edition / f"report.{language}.html").read_text(encoding="utf-8")
        assert "http" not in page.split("<body")[0].replace("http-equiv", "")


def test_numbers_of_cdnow(outcomes: dict[str, CaseOutcome]) -> None:
    blocks = read_record(outcomes["cdnow"].edition / "studies" / "value_indicators")["blocks"]
    values = {block["key"]: block["values"] for block in blocks if block["type"] == "finding"}
    assert values["customer_base"]["n_customers"] == 23570
    assert values["customer_base"]["n_orders"] == 69659
    assert (values["top_share"]["start"], values["top_share"]["as_of"]) == ("1997-01-01", "1998-06-30")
    assert values["top_share"]["low"] < values["top_share"]["share"] < values["top_share"]["high"]


def test_nothing_changed_publishes_nothing(built_in: Project, outcomes: dict[str, CaseOutcome]) -> None:
    again = run(built_in, Request(cases=tuple(CASES)))
    assert [(o.fresh, o.edition) for o in again] == [(False, outcomes[o.case].edition) for o in again]


def test_plain_papermill_runs_a_study(built_in: Project, outcomes: dict[str, CaseOutcome], tmp_path: Path) -> None:
    """And records what the runner records, byte for byte."""
    notebook = built_in.notebooks / "satisfaction_loyalty.ipynb"
    command = [sys.executable, "-m", "papermill", notebook, tmp_path / "out.ipynb", "-p", "case", "ecsi_mobile"]
    done = subprocess.run(command, cwd=built_in.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    by_hand = built_in.reports / "ecsi_mobile" / "by-hand" / "satisfaction_loyalty"
    by_runner = outcomes["ecsi_mobile"].edition / "studies" / "satisfaction_loyalty"
    assert json.loads((by_hand / "record.json").read_text(encoding="utf-8")) == read_record(by_runner)
