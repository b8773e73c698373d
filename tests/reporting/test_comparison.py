"""Two editions side by side: what is the same value, what changed and by how much, why, and nothing dropped."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from crmresearch.errors import UsageError
from crmresearch.reporting.comparison import compare_editions, comparison_frame, describe
from crmresearch.reporting.comparison.pairing import Pair, pair_blocks
from crmresearch.reporting.comparison.rows import Row, Value, _around_gap, rows_of
from crmresearch.reporting.html import render_comparison
from crmresearch.reporting.record import Record, write_csv
from crmresearch.reporting.words import load_words
from crmresearch.results import Exhibit, Finding, Recipe
from tests.reporting.test_html import PAYLOADS, Live, edition_of


@dataclass(frozen=True)
class Tiers:
    """A result whose numbers a test chooses."""

    share: float = 0.2
    n: int = 3
    tier: str = "gold"
    slope: float = 0.25
    verdict: str = "supported"
    cut: float = 0.2
    measures: tuple[tuple[str, float], ...] = (("n_customers", 3.0), ("gini", 0.61234))
    spend: str = "10.10"
    more: tuple[Finding, ...] = ()

    @property
    def recipe(self) -> Recipe:
        return Recipe("tiering", {"cut": self.cut, "by": "spend"}, "Doe (2001)")

    def exhibits(self) -> tuple[Exhibit, ...]:
        tiers = pd.DataFrame({"tier": [self.tier, "silver"], "spend": [Decimal(self.spend), Decimal("-1.00")]})
        many = pd.DataFrame({"customer_id": [f"C{n}" for n in range(self.n)]})
        summary = pd.DataFrame(self.measures, columns=["measure", "value"])
        return Exhibit("tiers", tiers), Exhibit("tiers", many, rows_shown=2), Exhibit("summary", summary)

    def findings(self) -> tuple[Finding, ...]:
        stated = Finding("top", {"share": self.share, "n": self.n, "tier": self.tier})
        return (*self.more, stated, Finding("slope", {"b": self.slope}, self.verdict, "D03"))


@pytest.fixture
def make(tmp_path, words, monkeypatch):
    """``make(name, result, **edition)``: an edition of one study in the folder of its case."""
    monkeypatch.setattr("crmresearch.reporting.document.voice.load_words", lambda: words)
    slopes = dict(words.entries["findings"]["slope"])
    slopes["contradicted"] = {"en": "Loyalty falls by {b:number}.", "zh": "忠诚度下降{b:number}。"}
    monkeypatch.setitem(words.entries["findings"], "slope", slopes)

    def build(name: str, result: Tiers | None = None, text: str = "", **changes) -> Path:
        folder = tmp_path / "reports" / "demo" / name
        about = {"study": "tiers", "case": "demo", "title": {"en": "Tiers", "zh": "分级"}, "as_of": "1998-06-30"}
        record = Record(folder / "studies/tiers", **about, parameters={}, inputs={}, words=words)
        record.section("concentration")
        record.result(result or Tiers(), "crmresearch.scoring.value.score_tiers")
        digest = record.close()
        content = json.loads(edition_of(text).model_dump_json(by_alias=True)) | {"edition": name}
        content["files"] = {"studies/tiers/record.json": digest}
        for place, value in changes.items():
            *path, last = place.split("__")
            inner = content
            for key in path:
                inner = inner[key]
            inner[last] = value
        (folder / "edition.json").write_text(json.dumps(content), encoding="utf-8")
        return folder

    return build


def by_name(comparison) -> dict[tuple[str, str], Row]:
    return {(row.block, row.name): row for row in comparison.rows}


def test_numbers_of_findings_and_tables_with_their_differences(make):
    first = make("a", Tiers())
    second = make("b", Tiers(share=0.25, n=4, measures=(("n_customers", 3.0), ("gini", 0.7)), spend="10.30"))
    found = compare_editions(first, second)
    rows = by_name(found)
    share = rows["finding-top", "share"]
    assert (share.change, share.difference, share.relative) == ("changed", Decimal("0.05"), Decimal("0.25"))
    assert share.what == {"en": "The top □ of … customers are gold", "zh": "…名客户中前□为金牌"}
    assert (rows["finding-top", "n"].difference, rows["finding-top", "tier"].change) == (1, "same")
    gini = rows["table-summary", "gini/value"]
    assert (gini.difference, gini.what["en"]) == (Decimal("0.08766"), "Gini coefficient · Value")
    money = rows["table-tiers", "gold/spend"]
    assert money.difference == Decimal("0.20"), "money is exact"
    many = rows["table-tiers-2", "rows"]
    assert (many.first.raw, many.second.raw, many.what["en"]) == (3, 4, "rows in all"), "only a part is recorded"
    text = describe(found)
    assert re.search(r"20\.0 %\s+25\.0 %\s+\+5\.0 pp\s+\+25\.0 %", text)
    assert "3 values of 3 tables" in text


def test_a_verdict_that_changed_stands_first_everywhere(make, tmp_path):
    found = compare_editions(make("a"), make("b", Tiers(slope=-0.1, verdict="contradicted", share=0.3)))
    assert [claim.is_changed for claim in found.claims] == [True]
    text = describe(found)
    assert text.index("supported: Loyalty rises by 0.250.") < text.index("VALUES THAT CHANGED")
    assert re.search(r"contradicted: Loyalty falls by", text)
    page = render_comparison(found, tmp_path / "reports/demo/compared.html").read_text(encoding="utf-8")
    assert page.index("contradicted: Loyalty falls") < page.index("Values that changed")
    frame = comparison_frame(found)
    assert frame.loc[0, ["change", "name", "first", "second"]].tolist() == [
        "verdict", "D03", "supported", "contradicted",
    ]  # fmt: skip


def test_what_one_edition_lacks_is_listed_and_never_dropped(make):
    more = (Finding("top", {"share": 0.5, "n": 9, "tier": "silver"}),)
    first = make("a", Tiers(more=more, measures=(("n_customers", 3.0), ("gini", 0.6), ("top_share", 0.5))))
    found = compare_editions(first, make("b", Tiers()))
    alone = {(row.block, row.name): row.change for row in found.rows if row.second is None}
    assert alone["table-summary", "top_share/value"] == "first_only"
    assert {name for block, name in alone if block == "finding-top"} == {"share", "n", "tier"}, "silver has no partner"
    text = describe(found)
    assert text.index("VALUES IN ONE EDITION ONLY") < text.index("50.0 %")
    swapped = compare_editions(make("b"), first)
    assert {row.change for row in swapped.rows} == {"same", "second_only", "changed", "too_small_to_print"} & {
        row.change for row in swapped.rows
    }
    assert sum(row.first is None for row in swapped.rows) == sum(row.second is None for row in found.rows)


def test_an_edition_beside_itself_and_a_difference_below_the_digits(make):
    same = compare_editions(make("a"), make("b"))
    assert {row.change for row in same.rows} == {"same"} and same.causes == ()
    tiny = compare_editions(make("a"), make("b", Tiers(share=0.2 + 1e-9)))
    assert by_name(tiny)["finding-top", "share"].change == "too_small_to_print"
    assert "VALUES THAT CHANGED\nNone." in describe(tiny)


def test_causes_are_named(make):
    first = make("a", Tiers(cut=0.2), as_of="1998-06-30", intake__settings={"case.yaml": "1" * 64})
    changes = {
        "as_of": "1998-07-31",
        "intake__settings": {"case.yaml": "2" * 64},
        "inputs": {"a.csv": "1" * 64, "b.csv": "2" * 64},
        "software": {"key": "t", "crmresearch": "0.2.0", "pandas": "3.1 "},
        "studies__tiers__parameters": {"cut": 0.3, "who": ""},
        "studies__pay__status": "failed",
    }
    found = compare_editions(first, make("b", Tiers(cut=0.3), **changes))
    told = [(cause.sort, cause.name["en"], cause.first["en"], cause.second["en"]) for cause in found.causes]
    assert told == [
        ("compared_as_of", "", "1998-06-30", "1998-07-31"),
        ("compared_file", "a.csv", "0" * 10, "1" * 10),
        ("compared_file", "b.csv", "", "2" * 10),
        ("compared_settings", "case.yaml", "1" * 10, "2" * 10),
        ("compared_software", "crmresearch", "0.1.0", "0.2.0"),
        ("compared_parameter", "Demo  · cut", "0.2", "0.3"),
        ("compared_recipe", "Demo  · Tiers by spend · Cut point", "0.2", "0.3"),
        ("compared_study", "Demo ", "not run", "failed"),
    ]
    notebook = compare_editions(first, make("b", intake__settings={"case.yaml": "1" * 64}, studies__tiers__key="x"))
    assert [cause.sort for cause in notebook.causes] == ["compared_notebook"]


def test_findings_of_one_key_are_matched_by_the_words_they_state():
    def block(identity: int, **values) -> dict:
        return {"type": "finding", "id": f"finding-a-{identity}", "key": "a", "claim": "", "values": values}

    first = [block(1, segment="north", n=1, day="2026-01-31"), block(2, segment="south", n=2, day="2026-01-31")]
    second = [
        block(1, segment="south", n=3, day="2026-02-28"),
        block(2, segment="west", n=4, day="2026-02-28"),
        block(3, segment="north", n=5, day="2026-02-28"),
    ]
    pairs = [
        (p.first and p.first["values"]["n"], p.second and p.second["values"]["n"]) for p in pair_blocks(first, second)
    ]
    assert pairs == [(2, 3), (None, 4), (1, 5)]
    unnamed = [
        (p.first["values"]["n"], p.second["values"]["n"]) for p in pair_blocks(*[[block(1, n=1), block(2, n=2)]] * 2)
    ]
    assert unnamed == [(1, 1), (2, 2)]


@pytest.mark.parametrize(
    ("first", "second", "kind", "change", "difference", "relative"),
    [
        (0.0, 2.0, "number", "changed", 2, None),
        (None, 2.0, "number", "changed", None, None),
        (None, None, "number", "same", None, None),
        ("inf", "inf", "number", "same", None, None),
        ("inf", 2.0, "number", "changed", None, None),
        (3, 3.0, "count", "same", 0, 0),
        (-4.0, -2.0, "number", "changed", 2, Decimal("0.5")),
        (True, False, "flag", "changed", None, None),
        ("0012", "12", "name", "changed", None, None),
        (["a", "b"], ["a"], "text", "changed", None, None),
        ({"en": "x", "zh": "甲"}, {"en": "x", "zh": "甲"}, "", "same", None, None),
    ],
)
def test_differences_of_odd_values(first, second, kind, change, difference, relative):
    both = {"en": "", "zh": ""}
    row = Row("s", "", "b", "v", "finding", both, both, Value(first, kind, {}), Value(second, kind, {}))
    assert (row.change, row.difference, row.relative) == (change, difference, relative)


def test_data_can_act_neither_on_the_page_nor_in_a_spreadsheet_nor_on_the_terminal(make, tmp_path):
    formulas = ("=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "\t=1")
    payloads = (*PAYLOADS, *formulas, "\x1b[2J\x07red")
    sides = [
        make(
            name,
            Tiers(more=tuple(Finding("top", {"share": share, "n": n, "tier": p}) for n, p in enumerate(payloads))),
            p,
        )
        for name, share, p in (("a", 0.1, "".join(payloads)), ("b", 0.2, "".join(payloads[::-1])))
    ]
    for language in ("en", "zh"):
        page = render_comparison(compare_editions(*sides, language), tmp_path / "reports/demo/page.html")
        live = Live(page.read_text(encoding="utf-8"))
        assert (live.found, live.scripts) == ([], [])
    found = compare_editions(*sides)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", describe(found))
    assert write_csv(comparison_frame(found), tmp_path / "all.csv") >= 2 * len(formulas)
    whole = pd.read_csv(tmp_path / "all.csv", dtype=str, keep_default_na=False, encoding="utf-8-sig")
    texts = whole[["what_en", "what_zh", "first", "second", "name"]].to_numpy().ravel()
    assert not [text for text in texts if re.match(r"[=+@\t\r]|-(?![\d.]+$)", text)]


def test_pages_in_three_scripts_with_links_to_the_reports_that_are_there(make, tmp_path):
    first, second = make("a"), make("b", Tiers(share=0.4), simulated=True, intake__unmerged=True)
    (second / "report.zh-hant.html").write_text("x", encoding="utf-8")
    (tmp_path / "reports/demo/compared").mkdir()
    expected = {"en": "Two editions side by side", "zh": "两个版次对照", "zh-hant": "兩個版次對照"}
    for language, words_ in expected.items():
        path = tmp_path / f"reports/demo/compared/{language}.html"
        page = render_comparison(compare_editions(first, second, language), path).read_text(encoding="utf-8")
        assert words_ in page and page == path.read_text(encoding="utf-8")
        assert ("../b/report.zh-hant.html" in page) == (language == "zh-hant")
    assert "模擬數據" in page and "合併" in page


@pytest.mark.parametrize(
    ("sentence", "clause"),
    [
        (
            "The top … of … buyers account for □ of spend (95 % interval … to …).",
            "The top … of … buyers account for □ of spend",
        ),
        (
            "The top … account for … of spend (95 % interval □ to …).",
            "The top … account for … of spend (95 % interval □ to …)",
        ),
        ("□ records: none of the others is counted here.", "□ records: none of the others is counted here"),
        ("消费额的基尼系数为 …（95% 区间 □ 至 …）。", "消费额的基尼系数为 …（95% 区间 □ 至 …）"),
        ("□", "□"),
    ],
)
def test_the_clause_around_a_value_says_what_it_is(sentence, clause):
    assert _around_gap(sentence, 7 if "消" in sentence else 16) == clause


def test_a_row_that_two_tables_of_one_kind_share_is_not_mixed_up():
    """The first columns that tell rows apart in both tables name the row."""

    def table(*rows: tuple) -> dict:
        columns = [{"name": name, "kind": "integer", "label": {"en": name, "zh": name}} for name in ("step", "k", "b")]
        both = {"en": "T", "zh": "表"}
        return {"type": "table", "id": "table-t", "caption": both, "columns": columns, "rows": rows, "words": {}} | {
            "rows_total": len(rows)
        }

    def told(one: dict, other: dict) -> dict:
        return {row.name: (row.first and row.first.raw, row.second and row.second.raw) for row in rows_of(
            "s", Pair(None, one, other), load_words())}  # fmt: skip

    assert told(table((1, 1, 5), (2, 1, 6)), table((2, 1, 7))) == {
        "2/k": (1, 1), "2/b": (6, 7), "1/k": (1, None), "1/b": (5, None),
    }  # fmt: skip
    assert told(table((1, 1, 5), (1, 2, 6)), table((1, 2, 8), (1, 1, 9))) == {"1/2/b": (6, 8), "1/1/b": (5, 9)}
    assert told(table((1, 1, 1)), table((1, 1, 2))) == {"step": (1, 1), "k": (1, 1), "b": (1, 2)}
    assert told(table((1, 1, 1), (1, 1, 1)), table((1, 1, 2))) == {"1/1/1/b": (1, 2), "1/1/2/b": (1, None)}


def test_editions_of_two_cases_are_refused(make):
    with pytest.raises(UsageError, match="editions of different cases: demo and other"):
        compare_editions(make("a"), make("b", case="other"))


def test_a_study_in_one_edition_only_keeps_its_values(make):
    lost = make("b", studies__tiers__status="failed")
    found = compare_editions(make("a"), lost)
    assert {row.change for row in found.rows} == {"first_only"} and len(found.rows) > 5
    assert [claim.second for claim in found.claims] == [None]
    assert [(c.sort, c.first["en"], c.second["en"]) for c in found.causes] == [("compared_study", "done", "failed")]
    assert replace(found, rows=()).rows == ()
