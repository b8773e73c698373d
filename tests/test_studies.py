"""Every built-in case, from its raw files to its pages, by the runner and by plain papermill."""

from __future__ import annotations

import html
import json
import random
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from crmresearch.case import Project, load_case
from crmresearch.reporting.record import read_record
from crmresearch.running.outcomes import CaseOutcome
from crmresearch.running.plan import Request
from crmresearch.running.runner import run
from crmresearch.running.tracing import addresses, trace

ROOT = Path(__file__).resolve().parents[1]
EVERY = {name: set(load_case(Project(ROOT), name).file.studies) for name in Project(ROOT).cases()}
EVERY = {name: studies for name, studies in EVERY.items() if studies}
USED = {"cdnow": {"value_indicators"}, "ecsi_mobile": {"satisfaction_loyalty"}}  # by the tests below


def _each_study_once() -> dict[str, set[str]]:
    """Every study on one case, the one with all kinds of data if it can, and every case with a study at least."""
    chosen = {name: set(USED.get(name, ())) for name in EVERY}
    for study in sorted(set().union(*EVERY.values())):
        able = [name for name in EVERY if study in EVERY[name]]
        chosen["petrochemical" if "petrochemical" in able else able[0]].add(study)
    return {name: studies or {min(EVERY[name])} for name, studies in chosen.items()}


CASES = _each_study_once()


def test_every_study_has_a_case() -> None:
    assert {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")} <= set().union(*EVERY.values())


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
    return {case: _run(built_in, case) for case in CASES}


def _run(project: Project, case: str) -> CaseOutcome:
    (outcome,) = run(project, Request(cases=(case,), studies=tuple(sorted(CASES[case]))))
    return outcome


@pytest.mark.parametrize("case", CASES)
def test_every_study_is_done_and_refuses_nothing(outcomes: dict[str, CaseOutcome], case: str) -> None:
    _check(outcomes[case], CASES[case])


@pytest.mark.slow
def test_every_study_of_every_case_is_done_and_refuses_nothing(built_in: Project) -> None:
    for outcome in run(built_in, Request(cases=tuple(EVERY))):
        _check(outcome, EVERY[outcome.case])


def _check(outcome: CaseOutcome, studies: set[str]) -> None:
    assert outcome.error is None and outcome.exit_code == 0, outcome
    assert {name for name, status in outcome.statuses.items() if status.state == "done"} == studies
    for study in studies:
        record = read_record(outcome.edition / "studies" / study)
        kinds = [block["type"] for block in record["blocks"]]
        assert "refusal" not in kinds, [b for b in record["blocks"] if b["type"] == "refusal"]
        assert {"section", "finding", "table", "figure", "recipe"} <= set(kinds)
    for language in ("en", "zh"):
        page = (outcome.edition / f"report.{language}.html").read_text(encoding="utf-8")
        assert "http" not in page.split("<body")[0].replace("http-equiv", "")


@pytest.mark.slow
def test_pictures_are_drawn_in_traditional_characters_for_who_asks(built_in: Project) -> None:
    request = Request(cases=("ecsi_mobile",), studies=("satisfaction_loyalty",), languages=("zh-hant",))
    (outcome,) = run(built_in, request)
    assert outcome.exit_code == 0 and (outcome.edition / "report.zh-hant.html").is_file()
    blocks = read_record(outcome.edition / "studies" / "satisfaction_loyalty")["blocks"]
    pictures = [block["files"] for block in blocks if block["type"] == "figure"]
    assert pictures and all(set(files) == {"en", "zh", "zh-hant"} for files in pictures)
    assert any(files["zh"]["vector"]["sha256"] != files["zh-hant"]["vector"]["sha256"] for files in pictures)


def test_numbers_of_cdnow(outcomes: dict[str, CaseOutcome]) -> None:
    blocks = read_record(outcomes["cdnow"].edition / "studies" / "value_indicators")["blocks"]
    values = {block["key"]: block["values"] for block in blocks if block["type"] == "finding"}
    assert values["customer_base"]["n_customers"] == 23570
    assert values["customer_base"]["n_orders"] == 69659
    assert (values["top_share"]["start"], values["top_share"]["as_of"]) == ("1997-01-01", "1998-06-30")
    assert values["top_share"]["low"] < values["top_share"]["share"] < values["top_share"]["high"]


def test_nothing_changed_publishes_nothing(built_in: Project, outcomes: dict[str, CaseOutcome]) -> None:
    again = [_run(built_in, case) for case in CASES]
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


N_TRACED = 200


def test_random_numbers_of_the_reports_are_followed_back_to_rows_that_give_them(
    built_in: Project, outcomes: dict[str, CaseOutcome]
) -> None:
    """H6: each resolves; the page prints it; the whole table on disk holds it; a customer's own rows add up to it."""
    known = [(case, address) for case in CASES for address in addresses(outcomes[case].edition)]
    chosen = random.Random(20260101).sample(known, N_TRACED)
    customers = [k for k in known if k[0] == "cdnow" and _of_one_customer(built_in, outcomes, *k)]
    assert len(customers) >= 20
    rows_read = 0
    for case, address in [*chosen, *random.Random(1).sample(customers, 20)]:
        edition = outcomes[case].edition
        found = trace(built_in, edition, address)
        assert _shown(edition)[address.replace("-", "_").replace(":", "__")] == found.printed, address
        assert found.function and found.cell and found.method, address
        if not found.function.endswith("compare_published"):  # which takes the data of a publication, not the case's
            assert len(found.rows) > 0, address
        assert found.cell.function in found.cell.source
        block = {b["id"]: b for b in read_record(edition / "studies" / found.study)["blocks"]}[found.block]
        if cell := re.search(r":r(\d+)c(\d+)", address):
            whole = pd.read_csv(edition / "studies" / found.study / block["file"], dtype=str, encoding="utf-8-sig")
            written = whole.iloc[int(cell[1]) - 1, int(cell[2]) - 1]
            assert (found.value is None and pd.isna(written)) or float(written) == pytest.approx(float(found.value))
        if (case, address) in customers:
            rows_read += _recompute(built_in, case, found, block["columns"][int(cell[2]) - 1]["name"])
    assert rows_read >= 10


@cache
def _shown(edition: Path) -> dict[str, str]:
    """What the English page prints at each address."""
    page = (edition / "report.en.html").read_text(encoding="utf-8")
    return {mark: html.unescape(text) for mark, text in re.findall(r'id="([^"]*)"><a[^>]*>([^<]*)</a>', page)}


def _of_one_customer(project: Project, outcomes: dict[str, CaseOutcome], case: str, address: str) -> bool:
    return address.startswith("T1-2:")  # the purchase history of each customer


def _recompute(project: Project, case: str, found, column: str) -> int:
    """Counts, sums and days from nothing but the raw lines that the trace names."""
    orders = pq.read_table(next((project.processed / case).glob("*/orders.parquet"))).to_pandas()
    own = orders.merge(found.rows[["source_file", "source_row"]], on=["source_file", "source_row"])
    assert len(own) == len(found.rows) and own["customer_id"].nunique() == 1
    paid = own[own["amount"] >= 0]
    expected = {
        "n_orders": len(paid),
        "n_purchase_days": paid["date"].nunique(),
        "frequency": max(0, paid["date"].nunique() - 1),
        "spend": float(own["amount"].sum()),
        "returned": float(-own.loc[own["amount"] < 0, "amount"].sum()),
        "t_x_days": (max(paid["date"]) - min(paid["date"])).days,
    }
    if column in expected:
        assert float(found.value) == pytest.approx(float(expected[column]), abs=0.005)
        return 1
    return 0
