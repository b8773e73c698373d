"""The pages: everything shown, nothing live, nothing remote, the same bytes every time."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from crmresearch.case import Bilingual
from crmresearch.errors import StorageError
from crmresearch.reporting import html
from crmresearch.reporting.edition import Edition, load_edition
from crmresearch.reporting.html import render_blocks, render_edition, render_index
from crmresearch.reporting.record import read_record
from tests.reporting.sample_study import Tiers, write_study

ACT = "document.documentElement.id='live'"
PAYLOADS = [
    f"<script>{ACT}</script>",
    f"</title><script>{ACT}</script>",
    f"</style><script>{ACT}</script>",
    f'"><script>{ACT}</script>',
    f"<img src=x onerror={ACT}>",
    f"<img src='data:image/svg+xml,<svg onload={ACT}>'>",
    f"<svg onload={ACT}></svg>",
    f"<svg><script>{ACT}</script></svg>",
    f"<svg><a xlink:href='javascript:{ACT}'><text>x</text></a></svg>",
    f"<math><mi xlink:href='javascript:{ACT}'>x</mi></math>",
    f"<a href='javascript:{ACT}'>x</a>",
    f"<a href=' jav&#x61;script:{ACT}'>x</a>",
    f"<a href='data:text/html,<script>{ACT}</script>'>x</a>",
    f"<iframe src='javascript:{ACT}'></iframe>",
    f"<iframe srcdoc='<script>parent.{ACT}</script>'></iframe>",
    f"<object data='javascript:{ACT}'></object>",
    f"<embed src='javascript:{ACT}'>",
    f"<form action='javascript:{ACT}'><button autofocus onfocus={ACT}>x</button></form>",
    f"<details open ontoggle={ACT}>x</details>",
    f"<body onload={ACT}>",
    f"<input autofocus onfocus={ACT}>",
    f"<video><source onerror={ACT}></video>",
    f"<marquee onstart={ACT}>x</marquee>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href='https://evil.example/'>",
    "<link rel=stylesheet href='https://evil.example/x.css'>",
    "<style>@import 'https://evil.example/x.css'; body { background: url(//evil.example/x) }</style>",
    "<img src='https://evil.example/x.png'>",
    "<p style='background:url(https://evil.example/x)'>x</p>",
    f"{{{{ self.__init__.__globals__ }}}}<template><script>{ACT}</script></template>",
    f"<!--><script>{ACT}</script>-->",
    f"<noscript><p title='</noscript><script>{ACT}</script>'></noscript>",
]


class Live(HTMLParser):
    """Collects what could act or load on a page."""

    FORBIDDEN = (
        "iframe",
        "frame",
        "object",
        "embed",
        "form",
        "input",
        "svg",
        "math",
        "base",
        "link",
        "template",
        "video",
    )
    LOCAL = re.compile(
        r"#[\w-]+|data:image/png;base64,[A-Za-z0-9+/=]+|(\.\./|[\w%.-]+/)*[\w%.-]+\.(html|csv)(#[\w-]+)?"
    )

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag if tag in {"script", "style"} else ""
        if tag in self.FORBIDDEN:
            self.found.append(tag)
        for name, value in attrs:
            if name.startswith("on") or name in {"style", "srcdoc", "srcset", "action", "formaction"}:
                self.found.append(f"{tag} {name}")
            if name in {"href", "src", "xlink:href", "data"} and not self.LOCAL.fullmatch(value or ""):
                self.found.append(f"{tag} {name}={value:.40}")
            if tag == "meta" and name == "http-equiv" and value != "Content-Security-Policy":
                self.found.append(f"meta {value}")

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside:
            (self.scripts if self.inside == "script" else self.styles).append(data)


def edition_of(text: str = "", *, simulated: bool = False) -> Edition:
    """An edition with one finished study and one that was not run; ``text`` stands in every free text."""
    both = {"en": f"Demo {text}", "zh": f"示例 {text}"}
    ledger = {"file": f"a{text}.csv", "table": "orders"}
    ledger |= {"rows_in": 1234, "rows_kept": 1230, "rows_quarantined": 3, "rows_merged": 1}
    ledger |= {"amount_in": "10.50", "amount_kept": "9.50", "amount_quarantined": "0.50", "amount_merged": "0.50"}
    quality = {
        "ledger": [ledger],
        "quarantine": [{"file": f"a{text}.csv", "column": "date", "reason": f"NOT_A_DATE{text}", "rows": 3}],
        "log": [{"file": "a", "column": text, "rule": text, "count": 1, "examples": text, "severity": "warning"}],
    }
    return Edition.model_validate(
        {
            "schema": 1,
            "case": "demo",
            "title": both,
            "description": both,
            "edition": "1998-06-30-001",
            "as_of": "1998-06-30",
            "number": 1,
            "made": "2026-01-02T03:04:05+00:00",
            "languages": ("en", "zh"),
            "simulated": simulated,
            "currency": "USD",
            "citation": text,
            "provenance": {"origin": f"shop {text}", "copy_from": f"disk {text}", "terms": f"free {text}"},
            "intake": {"key": "k", "processed": "d", "tables": ("orders",), "quality": quality},
            "inputs": {f"a{text}.csv": "0" * 64},
            "software": {"key": "s", "crmresearch": "0.1.0", "pandas": f"3.1 {text}"},
            "studies": {
                "tiers": {"title": both, "status": "done", "parameters": {"cut": 0.2, "who": text}},
                "pay": {"title": both, "status": "not run", "why": f"needs payments {text}"},
            },
            "rerun": f"crmresearch run demo {text}",
        }
    )


def write_edition(folder: Path, edition: Edition) -> None:
    (folder / "edition.json").write_text(edition.model_dump_json(by_alias=True), encoding="utf-8")


def notebook_of(text: str) -> nbformat.NotebookNode:
    outputs = [
        new_output("display_data", data={"text/html": f"<b>kept</b>{text}", "text/plain": text}),
        new_output("display_data", data={"text/markdown": text}),
        new_output("display_data", data={"image/svg+xml": f"<svg xmlns='x'>{text}</svg>"}),
        new_output("display_data", data={"application/javascript": "document.documentElement.id='live'"}),
        new_output("display_data", data={"text/latex": text}),
        new_output("stream", text=text),
        new_output("error", ename="E", evalue=text, traceback=[text]),
    ]
    cells = [new_markdown_cell(f"# Demo\n\n{text}\n"), new_code_cell(f"x = 1  # {text}", outputs=outputs)]
    return new_notebook(cells=cells)


def build(reports: Path, words, *, text: str = "", simulated: bool = False, **more: float) -> Path:
    folder = reports / "demo" / "1998-06-30-001"
    write_study(folder / "studies" / "tiers", words, result=Tiers(names=(f"Ann{text}", f"柳州{text}", "C"), **more))
    nbformat.write(notebook_of(text), folder / "studies" / "tiers" / "notebook.ipynb")
    write_edition(folder, edition_of(text, simulated=simulated))
    return folder


@pytest.mark.parametrize("main", [True, False])
def test_the_summary_holds_what_the_first_answer_is_worth(tmp_path: Path, words, main: bool) -> None:
    folder = build(tmp_path, words, aside=0.77, main=main)
    page = render_edition(folder, "en").read_text(encoding="utf-8")
    assert page.count("77.0\xa0%") == (2 if main else 1)


def pages_of(folder: Path) -> dict[str, str]:
    paths = [render_edition(folder, "en"), render_edition(folder, "zh"), folder / "studies" / "tiers" / "notebook.html"]
    paths.append(render_index(folder.parent.parent))
    return {path.name: path.read_text(encoding="utf-8") for path in paths}


def text_of(page: str) -> str:
    return re.sub(r"<[^>]+>", "", re.sub(r"(?s)<style>.*?</style>|<script>.*?</script>", "", page))


def test_there_are_enough_payloads():
    assert len(set(PAYLOADS)) >= 30


def is_own(style: str) -> bool:
    """The package's style, and after it at most a font made of base64."""
    source = r'src: url\(data:font/woff;base64,[\w+/=]+\) format\("woff"\);'
    font = rf'(@font-face \{{ font-family: "Chinese of this page"; {source} \}})?'
    own = html._asset("page.css")
    return style.startswith(own) and re.fullmatch(font, style.removeprefix(own)) is not None


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_is_live(tmp_path, words, payload):
    for name, page in pages_of(build(tmp_path, words, text=payload)).items():
        live = Live(page)
        assert live.found == [], name
        assert live.scripts == ([html._asset("index.js")] if name == "index.html" else []), name
        assert [is_own(style) for style in live.styles] == [True], name
        assert "evil.example" not in "".join(re.findall(r"<[a-z][^>]*>", page)), name


def test_the_parser_sees_what_is_live():
    pages = [Live(payload) for payload in PAYLOADS[:-2]]  # the last two need a browser's own parser
    assert all(page.found or page.scripts or page.styles for page in pages)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium"), reason="no browser on this machine")
def test_no_payload_acts_in_a_browser(tmp_path, words):
    folder = build(tmp_path / "reports", words, text=" ".join(PAYLOADS))
    pages_of(folder)
    for page in sorted((tmp_path / "reports").rglob("*.html")):
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        command += [f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()]
        dom = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
        assert re.match(r'<!DOCTYPE html>\s*<html lang="[\w-]+">', dom), page.name


def test_each_page_allows_its_own_style_and_script_only(tmp_path, words):
    for name, page in pages_of(build(tmp_path, words)).items():
        policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1].replace("&#39;", "'")
        script = f"'{html._hash(html._asset('index.js'))}'" if name == "index.html" else "'none'"
        (style,) = Live(page).styles
        assert policy == (
            f"default-src 'none'; style-src '{html._hash(style)}'; img-src data:; font-src data:; "
            f"script-src {script}; base-uri 'none'; form-action 'none'"
        )


def test_pages_are_the_same_bytes_every_time(tmp_path, words):
    assert pages_of(build(tmp_path / "a", words)) == pages_of(build(tmp_path / "b", words))


def test_report_shows_everything_in_both_languages(tmp_path, words):
    pages = {name: text_of(page) for name, page in pages_of(build(tmp_path, words)).items()}
    for shown in (
        "The top 20.0\xa0% of 3 customers are gold.",
        "D03 supported",
        "Table 1.1 Customers by tier",
        "Table 1.2 Summary",
        "Figure 1.1 Lorenz curve",
        "Spend (USD)",
        "1,234.50",
        "0.6123",
        "Spend of the whole period.",
        "First 2 of 3 rows; the whole table is in tables/tiers.csv.",
        "Doe (2001), doi:10.1/x",
        "All customers spend the same.",
        "not a date of the calendar in an accepted form",
        "Demo  · not run · needs payments",
        "crmresearch run demo",
        "1,230",
        "How concentrated is spend?",
    ):
        assert shown in pages["report.en.html"], shown
    for shown in (
        "3名客户中前20.0%为金牌。",
        "D03 支持",
        "表1-1 各等级客户",
        "图1-1 洛伦兹曲线",
        "消费额（USD）",
        "消费有多集中？",
    ):
        assert shown in pages["report.zh.html"], shown
    assert "kept" in pages["notebook.html"] and "x = 1" in pages["notebook.html"]
    assert "Demo" in pages["index.html"] and "not run · needs payments" in pages["index.html"]


def test_every_link_of_the_report_leads_somewhere(tmp_path, words):
    folder = build(tmp_path, words)
    pages_of(folder)
    for path in tmp_path.rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        for link in re.findall(r'<a[^>]* href="([^"]+)"', page):
            target, _, anchor = link.partition("#")
            other = path if not target else (path.parent / target).resolve()
            assert other.exists(), link
            assert not anchor or f'id="{anchor}"' in other.read_text(encoding="utf-8"), link


def test_tables_have_three_rules(tmp_path, words):
    page = pages_of(build(tmp_path, words))["report.en.html"]
    style = html._asset("page.css")
    table, head = re.search(r"\ntable \{(.*?)\}", style, re.S)[1], re.search(r"\nthead \{(.*?)\}", style)[1]
    assert re.findall(r"border-\w+: [\d.]+px", table + head) == [
        "border-top: 1.6px",
        "border-bottom: 1.6px",
        "border-bottom: .8px",
    ]
    cells = re.findall(r"(?m)^((?:tbody|td|th)\b[^{]*)\{([^}]*)\}", style)
    assert cells and not any("border" in rules for _, rules in cells)
    assert len(re.findall(r"<table[^>]*>\n<thead>", page)) == len(re.findall("<table", page)) == 6


def test_simulated_data_are_marked_on_every_page(tmp_path, words):
    marked = pages_of(build(tmp_path / "a", words, simulated=True))
    plain = pages_of(build(tmp_path / "b", words))
    for name in marked:
        mark = "模拟数据" if name == "report.zh.html" else "imulated data"
        assert mark in text_of(marked[name]) and mark not in text_of(plain[name]), name


def test_figure_that_is_not_the_recorded_one_is_refused(tmp_path, words):
    folder = build(tmp_path, words)
    (folder / "studies/tiers/figures/curve.en.png").write_bytes(b"x")
    with pytest.raises(StorageError, match=r"curve\.en\.png: the figure is not the one recorded"):
        render_edition(folder, "en")


def test_failed_study_is_named_and_nothing_of_it_shown(tmp_path, words):
    folder = build(tmp_path, words)
    edition = load_edition(folder)
    run = edition.studies["tiers"].model_copy(update={"status": "failed", "why": Bilingual(en="cell 3 hung", zh="")})
    write_edition(folder, edition.model_copy(update={"studies": {"tiers": run}}))
    page = text_of(render_edition(folder, "en").read_text(encoding="utf-8"))
    assert (
        "This study failed" in page and "Cell 3 hung." in page and "No study of this edition came to a finding." in page
    )
    assert "Customers by tier" not in page


def test_index_lists_newest_first_and_names_a_broken_edition(tmp_path, words):
    folder = build(tmp_path, words)
    later = folder.with_name("1998-07-31-001")
    shutil.copytree(folder, later)
    write_edition(later, load_edition(folder).model_copy(update={"made": "2026-02-02T00:00:00+00:00"}))
    (tmp_path / "other" / "1.1").mkdir(parents=True)
    (tmp_path / "other" / "1.1" / "edition.json").write_text("{}")
    (tmp_path / "demo" / ".staging").mkdir()
    (tmp_path / "demo" / ".staging" / "edition.json").write_text("{}")
    page = text_of(render_index(tmp_path).read_text(encoding="utf-8"))
    assert page.index("1998-07-31-001") < page.index("1998-06-30-001") < page.index("Field required")
    assert page.count("Field required") == 1


def test_index_without_reports_says_so(tmp_path):
    assert "No case has been run yet." in render_index(tmp_path).read_text(encoding="utf-8")


def test_unknown_key_of_an_edition_is_named(tmp_path):
    write_edition(tmp_path, edition_of())
    path = tmp_path / "edition.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"rerun"', '"reruns"'), encoding="utf-8")
    with pytest.raises(StorageError, match=r"edition\.json: rerun: Field required"):
        load_edition(tmp_path)
    with pytest.raises(StorageError, match="no edition here"):
        load_edition(tmp_path / "none")


def test_blocks_alone_are_shown_in_a_notebook(tmp_path, words):
    write_study(tmp_path, words, result=Tiers(names=("<script>x</script>", "B", "C")))
    shown = render_blocks(tuple(read_record(tmp_path)["blocks"]), "zh", "USD")
    assert "&lt;script&gt;" in shown and not Live(shown).scripts
    assert "表1 各等级客户" in text_of(shown) and "消费额（USD）" in shown and "<img" not in shown
