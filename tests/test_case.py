"""``case.yaml`` and case names: strict, safe, with the nearest right word in every message."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from crmresearch.case import Project, load_case, read_yaml
from crmresearch.errors import CaseError, UsageError

GOOD = """\
title: {en: A, zh: 甲}
description: {en: A, zh: 甲}
provenance: {origin: a, copy_from: b, terms: c}
files:
  - file: o.csv
    table: orders
    columns: {customer_id: id, date: {heading: day, format: "%d/%m/%Y"}, amount: total}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "data" / "raw").mkdir(parents=True)
    (tmp_path / "notebooks").mkdir()
    return Project(tmp_path)


def load(project: Project, text: str | bytes, name: str = "mine"):
    folder = project.raw / name
    folder.mkdir(exist_ok=True)
    (folder / "case.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_case(project, name)


def test_a_case_file_is_read_as_written(project: Project) -> None:
    case = load(project, GOOD + "as_of: 2023-01-31\nstudies:\n  value_indicators:\n  x: {bins: 007}\n")
    assert str(case.file.as_of) == "2023-01-31"
    assert case.file.files[0].columns["customer_id"].heading == "id"
    assert case.file.studies == {"value_indicators": {}, "x": {"bins": "007"}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("title:", "titel:"), ("unknown key 'titel'", "nearest: title")),
        (("title: {en: A, zh: 甲}\n", ""), ("the key 'title' is missing",)),
        (("table: orders", "table: order"), ("unknown table 'order'", "nearest: orders")),
        (("amount: total", "amuont: total"), ("no column 'amuont'", "nearest: amount")),
        (("amount: total", "amount: {heading: total, kind: money}"), ("fixed kind",)),
        (("amount: total", "amount: {}"), ("one of heading, row_number",)),
        (("customer_id: id", "customer_id: {heading: id, value: x}"), ("one of heading, row_number: true, value",)),
        (("customer_id: id", "customer_id: {value: ' '}"), ("one of heading, row_number",)),
        (("customer_id: id", "customer_id: {heading: id, prefix: a}"), ("no prefix", "only order_id of orders")),
        (("customer_id: id", "customer_id: {value: x, prefix: a}"), ("stand under a heading",)),
        (("customer_id: id", "customer_id: {valeu: x}"), ("unknown key", "nearest: value")),
        (("file: o.csv", "file: ../o.csv"), ("bare name of a file",)),
        (("file: o.csv", "file: /etc/passwd"), ("bare name of a file",)),
        (("file: o.csv", "file: .."), ("bare name of a file",)),
        (("heading: day", "heading: &a day"), ("line 7", "anchors and aliases")),
        (("heading: day", "heading: !!python/object/apply:os.system [ls]"), ("line 7", "tag")),
        (("table: orders", "table: orders\n    table: survey"), ("line 7", "'table' stands twice")),
        (("table: orders", "table: [orders"), ("line", "not valid YAML")),
        (("files:", "max_quarantined_share: 2\nfiles:"), ("max_quarantined_share", "2")),
        (("files:", "as_of: 31/01/2023\nfiles:"), ("as_of", "31/01/2023")),
    ],
)
def test_a_broken_rule_is_named(project: Project, change: tuple[str, str], words: tuple[str, ...]) -> None:
    """Catalogue 150 and 151 among them."""
    assert change[0] in GOOD
    with pytest.raises(CaseError) as caught:
        load(project, GOOD.replace(*change))
    assert not [word for word in words if word not in str(caught.value)], str(caught.value)
    assert caught.value.exit_code == 2


def test_an_alias_bomb_is_refused_at_once(project: Project) -> None:
    """Catalogue 151, fault F15."""
    levels = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    began = time.monotonic()
    with pytest.raises(CaseError, match="anchors and aliases"):
        load(project, "\n".join(["a0: &a0 [x]", *levels]))
    with pytest.raises(CaseError, match="larger than"):
        load(project, "x: " + "y" * 1_000_001)
    with pytest.raises(CaseError, match="nested too deeply"):
        load(project, "[" * 500_000)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("text", [b"", b"- a\n", b"just words\n", b"title: \xff\xfe\n"])
def test_what_is_no_mapping_of_keys_is_refused(project: Project, text: bytes) -> None:
    with pytest.raises(CaseError, match=r"case\.yaml"):
        load(project, text)


@pytest.mark.parametrize(
    "name",
    [
        "x" * 65,
        "x" * 300,
        "-rf",
        ".hidden",
        "~",
        " a",
        "../../etc",
        "/etc/x",
        "..",
        ".",
        "",
        "CON",
        "nul.txt",
        "lpt1",
        "a ",
        "a.",
        "a:b",
        "a\x00b",
        "a/b",
        "a\\b",
    ],
)
def test_a_case_name_cannot_lead_anywhere_else(project: Project, name: str) -> None:
    """Catalogue 153 and 154."""
    with pytest.raises(UsageError, match="is not a case name"):
        load_case(project, name)


@pytest.mark.parametrize("name", ["a", "2023", "石化 客户", "a-b_c.d", "x" * 64])
def test_plain_names_are_accepted(project: Project, name: str) -> None:
    assert load(project, GOOD, name).name == name


def test_a_case_that_is_not_there_is_named_with_the_nearest(project: Project) -> None:
    load(project, GOOD, "cdnow")
    with pytest.raises(UsageError, match="no case 'cdnwo'; nearest: cdnow"):
        load_case(project, "cdnwo")


def test_links_out_of_the_case_are_refused(project: Project, tmp_path: Path) -> None:
    """Catalogue 156."""
    case = load(project, GOOD)
    (tmp_path / "secret.csv").write_text("x")
    (case.folder / "o.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(CaseError, match="a link out of the case folder"):
        case.source_path(case.file.files[0])
    (project.raw / "away").symlink_to(tmp_path)
    with pytest.raises(UsageError, match="is not a case name"):
        load_case(project, "away")


def test_a_missing_case_file_says_how_to_make_one(project: Project) -> None:
    (project.raw / "bare").mkdir()
    with pytest.raises(CaseError, match=r"case\.yaml: no such file.*crmresearch new"):
        load_case(project, "bare")
    with pytest.raises(CaseError):
        read_yaml(project.raw / "nowhere.yaml")


def test_the_project_is_found_from_any_folder_inside(project: Project, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("CRMRESEARCH_HOME", raising=False)
    assert Project.find(project.raw).root == project.root.resolve()
    with pytest.raises(UsageError, match="no project here"):
        Project.find(Path("/"))
    monkeypatch.setenv("CRMRESEARCH_HOME", str(tmp_path))
    assert Project.find(Path("/")).root == tmp_path.resolve()


ASKED = """\
title: {en: A, zh: 甲}
description: {en: A, zh: 甲}
provenance: {origin: a, copy_from: b, terms: c}
files:
  - file: s.csv
    table: survey
    columns:
      respondent_id: id
      told: {heading: t, kind: integer}
      with: {heading: w, kind: integer}
      without: {heading: o, kind: integer}
      likely: {heading: l, kind: integer}
instrument:
  scale: {low: 1, high: 7}
  constructs: {all: {title: {en: A, zh: 甲}, items: [p, e, i]}}
  items: {p: {en: p}, e: {en: e}, i: {en: i}}
  attributes: {goods: {title: {en: G, zh: 货}, performance: p, expectation: e, importance: i}}
  kano: {like: highest, features: {fast: {title: {en: F, zh: 快}, present: with, absent: without}}}
  instructed: {told: 3}
  recommend: likely
  screening: {min_seconds_per_item: 1.5, outlier_p: 0}
"""


def test_a_questionnaire_says_what_else_it_asks(project: Project) -> None:
    instrument = load(project, ASKED).file.instrument
    assert instrument.further_columns == ("told", "with", "without", "likely")
    assert instrument.attributes["goods"].importance == "i" and instrument.kano.like == "highest"
    assert (instrument.screening.min_seconds_per_item, instrument.screening.longest_run) == (1.5, 0.5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("importance: i}", "importance: j}"), ("attribute 'goods' uses item 'j'",)),
        (("importance: i}", "importance: p}"), ("attribute 'goods' names one item twice",)),
        (("importance: i}", "importence: i}"), ("unknown key", "nearest: importance")),
        (("present: with", "present: widht"), ("column 'widht', which no file has", "nearest: with")),
        (("like: highest", "like: high"), ("instrument.kano.like",)),
        (("recommend: likely", "recommend: likly"), ("column 'likly'", "nearest: likely")),
        (("outlier_p: 0}", "outlier: 0}"), ("unknown key", "nearest: outlier_p")),
        (("outlier_p: 0}", "outlier_p: 0.7}"), ("outlier_p",)),
    ],
)
def test_a_broken_rule_of_the_questionnaire_is_named(
    project: Project, change: tuple[str, str], words: tuple[str, ...]
) -> None:
    assert change[0] in ASKED
    with pytest.raises(CaseError) as caught:
        load(project, ASKED.replace(*change))
    assert not [word for word in words if word not in str(caught.value)], str(caught.value)


@pytest.mark.parametrize(
    ("waves", "has"),
    [((), False), (("2024",), False), (("2024", "2024"), False), (("2023", "2024"), True), (("heading",), True)],
)
def test_a_case_says_whether_its_survey_has_waves(project: Project, waves: tuple[str, ...], has: bool) -> None:
    entry = "  - {{file: {0}.csv, table: survey, columns: {{respondent_id: no, wave: {1}}}}}\n"
    told = [f"{{value: '{wave}'}}" if wave != "heading" else "wave" for wave in waves]
    files = "".join(entry.format(f"s{i}", wave) for i, wave in enumerate(told))
    assert load(project, GOOD + files).file.has_waves is has
