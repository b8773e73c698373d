"""A case before and after merging: an edition of its own, never taken for the case's, and the two side by side."""

from __future__ import annotations

import contextlib
import json
import sys

import pandas as pd
import pytest

from crmresearch import cli
from crmresearch.case import Project, load_case
from crmresearch.cleaning import open_processed
from crmresearch.errors import CaseError, StorageError, UsageError
from crmresearch.reporting.edition import load_edition
from crmresearch.reporting.record import read_record
from crmresearch.running.comparing import compare
from crmresearch.running.editions import editions
from crmresearch.running.kernels import Kernels
from crmresearch.running.plan import Request
from crmresearch.running.publication import personal_values, publish
from crmresearch.running.runner import run
from crmresearch.running.tracing import trace
from crmresearch.tables import PERSONAL
from tests.running.small import make_project, run_small, shared_kernels, write_study

CASE = """\
schema: "1"
title: {en: Firms, zh: 企业}
description: {en: Firms, zh: 企业}
provenance: {origin: made up, copy_from: nowhere, terms: none}
as_of: 2024-12-31
identity: {}
files:
  - {file: firms.csv, table: customers, columns: {customer_id: id, name: name, phone: phone}}
  - {file: orders.csv, table: orders, columns: {customer_id: id, order_id: no, date: day, amount: amount}}
"""
CELLS = (
    "import datetime as dt\nfrom crmresearch.running.study import open_study\n"
    "from crmresearch.scoring.value import score_pareto, summarise_customers",
    "study = open_study('worth', case=case, as_of=as_of, language=language)",
    "study.section('concentration')\nspend = study.prepare(summarise_customers, study.orders, as_of=study.as_of)",
    "study.score(score_pareto, spend.customers, start=dt.date(2024, 1, 1), as_of=study.as_of,"
    " rng=study.rng('pareto'), n_resamples=200)",
    "study.close()",
)
N_FIRMS, N_LARGE, LARGE, SMALL = 100, 20, 400, 25
SIGNS = "丰泰瑞恒盛嘉兴隆安达"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A hundred firms of which the twenty large ones stand in the files twice, half of their orders under each."""
    project = make_project(tmp_path_factory.mktemp("firms"))
    folder = project.raw / "firms"
    folder.mkdir()
    firms, orders = ["id,name,phone"], ["id,no,day,amount"]
    for firm in range(N_FIRMS):
        name, phone = f"山西{SIGNS[firm // 10]}{SIGNS[firm % 10]}化工", f"0351-{4_000_000 + 7919 * firm}"
        copies = 2 if firm < N_LARGE else 1
        for copy in range(copies):
            record = f"{firm + 1 + 1000 * copy:04d}"
            firms.append(f"{record},{name}{'' if copy else '有限公司'},{phone.replace('-', '') if copy else phone}")
            amount = (LARGE if firm < N_LARGE else SMALL) / copies
            orders.append(f"{record},{record}-1,2024-{firm % 12 + 1:02d}-05,{amount:.2f}")
    (folder / "firms.csv").write_text("\n".join(firms) + "\n", encoding="utf-8")
    (folder / "orders.csv").write_text("\n".join(orders) + "\n", encoding="utf-8")
    (folder / "case.yaml").write_text(CASE, encoding="utf-8")
    write_study(project, "worth", *CELLS, close=False)
    return project


def _run(project: Project, kernels=shared_kernels, **asked):
    (outcome,) = run(project, Request(cases=("firms",), formats=("html",), **asked), kernels=kernels)
    assert outcome.exit_code == 0, outcome
    return outcome


@pytest.fixture(scope="module")
def two(project: Project):
    """The case as declared and with its records unmerged, by kernels that have imported what a study needs."""
    with Kernels(preload=("ipykernel.ipkernel", "crmresearch.running.study", "crmresearch.scoring.value")) as kernels:

        def ready() -> contextlib.AbstractContextManager[Kernels]:
            return contextlib.nullcontext(kernels)

        return _run(project, ready, languages=("en",)), _run(project, ready, unmerged=True)


def _values(edition) -> dict[str, dict[str, float]]:
    blocks = read_record(edition / "studies/worth")["blocks"]
    return {block["key"]: block["values"] for block in blocks if block["type"] == "finding"}


def test_figures_differ_before_and_after_merging_as_the_truth_says(project, two):
    """E1: 120 records, 100 firms; the top fifth of firms brings 80 % of the spend, of records 48 %."""
    merged, unmerged = (_values(outcome.edition)["top_share"] for outcome in two)
    assert (unmerged["n"], merged["n"]) == (N_FIRMS + N_LARGE, N_FIRMS)
    total = N_LARGE * LARGE + (N_FIRMS - N_LARGE) * SMALL
    assert merged["share"] == pytest.approx(N_LARGE * LARGE / total)
    assert unmerged["share"] == pytest.approx((N_FIRMS + N_LARGE) * 0.2 * LARGE / 2 / total)
    shown = compare(project, "firms", languages=("en",)).comparison
    rows = {(row.block, row.name): row for row in shown.rows}
    n, share = rows["finding-top_share", "n"], rows["finding-top_share", "share"]
    assert (n.first.raw, n.second.raw, n.difference, n.change) == (120, 100, -20, "changed")
    assert float(n.relative) == pytest.approx(-1 / 6)
    assert (float(share.difference), float(share.relative)) == (pytest.approx(0.32), pytest.approx(2 / 3))
    assert [cause.sort for cause in shown.causes][:1] == ["compared_merging"]
    assert {cause.sort for cause in shown.causes} <= {"compared_merging", "compared_ledger", "compared_recipe"}
    (claim,) = (claim for claim in shown.claims if claim.is_changed)
    assert (claim.name, claim.first["verdict"], claim.second["verdict"]) == ("D03", "contradicted", "inconclusive")


def test_the_edition_says_so_everywhere_and_is_never_the_case_s_own(project, two):
    merged, unmerged = (outcome.edition for outcome in two)
    assert (merged.name, unmerged.name) == ("2024-12-31-001", "2024-12-31-002-unmerged")
    assert load_edition(unmerged).marks == ("unmerged",) and load_edition(merged).marks == ()
    assert read_record(unmerged / "studies/worth")["unmerged"] is True
    assert read_record(merged / "studies/worth")["unmerged"] is False
    assert load_edition(unmerged).rerun == "crmresearch run firms --unmerged --format html"
    told = {"en": "Records of one customer were not merged", "zh": "同一客户的多条档案未合并"}
    for language, words in told.items():
        assert words in (unmerged / f"report.{language}.html").read_text(encoding="utf-8")
    assert told["en"] not in (merged / "report.en.html").read_text(encoding="utf-8")
    assert "not merged" in (unmerged / "studies/worth/notebook.html").read_text(encoding="utf-8")
    index = (project.reports / "index.html").read_text(encoding="utf-8")
    assert index.count("records not merged") == 1
    assert not open_processed(project, "firms").unmerged
    assert open_processed(project, "firms").digest == load_edition(merged).intake.processed
    assert publish(project, "firms", k=5, formats=("html",), twin=False).folder.name == merged.name
    found = trace(project, unmerged, "worth/finding-top_share:n")
    assert (found.rows["table"] == "orders").sum() == N_FIRMS + N_LARGE


def test_what_merging_makes_gives_its_personal_values(project, two):
    """Names and numbers of every record that was merged, and not how alike two records are."""
    found = set(personal_values(open_processed(project, "firms")))
    kept = pd.read_parquet(open_processed(project, "firms").path("customer_records"))
    assert len(kept) == N_FIRMS + N_LARGE and {*kept["name"], *kept["phone"]} <= found
    assert not {"same", "close", "different", "missing"} & found
    assert {"record_a", "name_b", "value_a", "customer_id"} <= PERSONAL


def test_each_kind_of_run_finds_its_own_edition_unchanged(project, two):
    for first, asked in (
        (two[0], {"languages": ("en",)}),
        (two[1], {"unmerged": True}),
        (two[0], {"languages": ("en",)}),
    ):
        again = _run(project, **asked)
        assert (again.fresh, again.edition) == (False, first.edition)
    assert [edition.number for edition in editions(project, "firms")] == [2, 1]


def test_which_two_are_compared(project, two):
    merged, unmerged = (outcome.edition.name for outcome in two)

    def names(*given, **options):
        shown = compare(project, "firms", given, languages=("en",), **options).comparison
        return shown.first.edition, shown.second.edition

    assert names() == names(unmerged=True) == (unmerged, merged)
    assert names(merged, unmerged) == (merged, unmerged)
    assert names(str(project.reports / "firms" / merged), unmerged) == (merged, unmerged)


def test_an_edition_beside_itself_does_not_differ(project, two):
    name = two[0].edition.name
    found = compare(project, "firms", (name, name), languages=("en",))
    assert {row.change for row in found.comparison.rows} == {"same"} and len(found.comparison.rows) > 20
    assert found.comparison.causes == () and not any(claim.is_changed for claim in found.comparison.claims)
    assert "Nothing: the same data, options and software." in found.text
    assert "Of 1 claim in the studies of both editions 0 have another verdict" in " ".join(found.text.split())


def test_the_command_prints_the_verdict_before_the_values_and_writes_files(project, two, monkeypatch, capfd):
    monkeypatch.setenv("CRMRESEARCH_HOME", str(project.root))
    assert _call(monkeypatch, "compare", "firms", "--unmerged") == 0
    said = capfd.readouterr().out
    places = [said.index(text) for text in ("left as they came", "contradicted: ", "VALUES THAT CHANGED", "−20")]
    assert places == sorted(places)
    home = project.reports / "firms/compared"
    stem = f"{two[1].edition.name}--{two[0].edition.name}"
    assert {f"{stem}.{end}" for end in ("en.html", "zh.html", "csv")} <= {path.name for path in home.iterdir()}
    whole = pd.read_csv(home / f"{stem}.csv", encoding="utf-8-sig")
    assert whole["change"].iloc[0] == "verdict"
    n = whole[(whole["block"] == "finding-top_share") & (whole["name"] == "n")].iloc[0]
    assert (float(n["first"]), float(n["second"]), n["difference"]) == (120, 100, -20)
    assert f"compared/{stem}.en.html" in (project.reports / "index.html").read_text(encoding="utf-8")
    assert "同一客户的档案" in (home / f"{stem}.zh.html").read_text(encoding="utf-8")


def _call(monkeypatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["crmresearch", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A small project whose case has no identity part, run once."""
    project = make_project(tmp_path_factory.mktemp("shop"))
    write_study(project, "first")
    run_small(project)
    return project


def test_records_that_are_never_merged_cannot_be_left_unmerged(shop):
    outcome = run_small(shop, Request(cases=("shop",), unmerged=True))
    assert isinstance(outcome.error, CaseError) and outcome.exit_code == 2
    assert "no identity part, so its records are never merged" in str(outcome.error)
    with pytest.raises(UsageError, match="--unmerged needs a case"):
        run_small(shop, Request(unmerged=True))
    assert len(editions(shop, "shop")) == 1


def test_a_case_that_declares_it_is_marked_too(project):
    case = load_case(project, "firms")
    assert not case.unmerged and case.is_declared
    apart = case.as_recorded()
    assert apart.unmerged and not apart.is_declared
    assert not case.unmerged, "the case itself is left alone"


@pytest.mark.parametrize(
    ("names", "options", "sentence"),
    [
        ((), {}, "two editions are needed, there is one"),
        ((), {"unmerged": True}, "no edition with records as they came"),
        (("2026-01-31-001",), {}, "two editions are compared, got 1"),
        (("2026-01-31-001", "2026-01-31-01"), {}, "no edition '2026-01-31-01'; nearest: 2026-01-31-001"),
        (("2026-01-31-001", "../../etc"), {}, "no edition '../../etc'"),
        (("2026-01-31-001", "2026-01-31-001"), {"unmerged": True}, "--unmerged chooses the editions itself"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence_with_a_repair(shop, names, options, sentence):
    with pytest.raises(UsageError) as caught:
        compare(shop, "shop", names, **options)
    assert sentence in str(caught.value) and caught.value.repair and caught.value.exit_code == 2
    with pytest.raises(UsageError, match="no case 'shpo'; nearest: shop"):
        compare(shop, "shpo", names)


def test_an_edition_of_another_case_and_a_damaged_record_are_refused(project, two, shop):
    merged, unmerged = (outcome.edition for outcome in two)
    with pytest.raises(UsageError, match=r"is an edition of another case, shop"):
        compare(project, "firms", (merged.name, str(shop.reports / "shop/2026-01-31-001")))
    path = unmerged / "studies/worth/record.json"
    whole = path.read_bytes()
    try:
        for damage in (whole.replace(b"120", b"121"), whole[:-100], json.dumps({"format": 99}).encode()):
            path.write_bytes(damage)
            with pytest.raises(StorageError) as caught:
                compare(project, "firms")
            assert str(path) in str(caught.value) and caught.value.repair and caught.value.exit_code == 1
    finally:
        path.write_bytes(whole)
