"""Publishing: one digest per content, one pointer, every byte verified on opening."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from crmresearch.case import Project, load_case
from crmresearch.cleaning import clean_case, open_processed
from crmresearch.errors import InputError, StorageError, UsageError

CONTENT = "id,date,amount\n张三,2023-01-02,1.50\nb,2023-02-30,2\nc,2023-01-02T23:30:00+00:00,3\n"


def project_of(case) -> Project:
    return Project(case.folder.parents[2])


def test_what_is_published_is_what_is_opened(make) -> None:
    case = make({"o.csv": CONTENT})
    project = project_of(case)
    written = clean_case(project, case)
    opened = open_processed(project, case.name)
    assert opened.digest == written.digest and opened.manifest == written.manifest
    assert opened.tables == ("orders",)
    assert opened.ledger["rows_quarantined"].tolist() == [1]
    assert opened.quarantine["reason"].tolist() == ["NOT_A_DATE"]
    assert "ZONE_CONVERTED" in opened.log["rule"].tolist()
    assert opened.manifest["sources"] == {"o.csv": hashlib.sha256(CONTENT.encode()).hexdigest()}
    schema = pq.read_schema(opened.path("orders"))
    assert {name: str(schema.field(name).type) for name in ("customer_id", "date", "quantity", "amount", "source_row")} == {
        "customer_id": "string",
        "date": "date32[day]",
        "quantity": "double",
        "amount": "decimal128(18, 2)",
        "source_row": "int64",
    }


def test_the_same_inputs_give_the_same_bytes(make) -> None:
    case = make({"o.csv": CONTENT})
    first = snapshot(clean_case(project_of(case), case).folder)
    again = clean_case(project_of(case), case)
    assert snapshot(again.folder) == first
    assert [p.name for p in again.folder.parent.iterdir() if p.is_dir()] == [again.digest]


def snapshot(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}


def test_other_content_gives_another_digest_and_leaves_the_old_in_place(make) -> None:
    case = make({"o.csv": CONTENT})
    old = clean_case(project_of(case), case)
    before = snapshot(old.folder)
    case = make({"o.csv": CONTENT + "d,2023-01-05,4\n"})
    new = clean_case(project_of(case), case)
    assert new.digest != old.digest
    assert snapshot(old.folder) == before
    assert open_processed(project_of(case), case.name).digest == new.digest


def test_a_refused_file_leaves_the_published_state_untouched(make) -> None:
    case = make({"o.csv": CONTENT})
    good = clean_case(project_of(case), case)
    case = make({"o.csv": ""})
    with pytest.raises(InputError):
        clean_case(project_of(case), case)
    assert open_processed(project_of(case), case.name).digest == good.digest
    assert {p.name for p in good.folder.parent.iterdir()} == {good.digest, "current.json"}


@pytest.mark.parametrize("name", ["orders.parquet", "ledger.parquet", "manifest.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_damage_is_found_and_the_next_run_mends_it(make, name: str, damage: str) -> None:
    case = make({"o.csv": CONTENT})
    project = project_of(case)
    written = clean_case(project, case)
    path = written.folder / name
    content = path.read_bytes()
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes(content[:-1] if damage == "cut" else bytes([content[0] ^ 1]) + content[1:])
    with pytest.raises(StorageError, match=name):
        open_processed(project, case.name)
    assert clean_case(project, case).digest == written.digest
    assert open_processed(project, case.name).path("orders").exists()
    assert path.read_bytes() == content


def test_a_damaged_pointer_is_named(make) -> None:
    case = make({"o.csv": CONTENT})
    home = clean_case(project_of(case), case).folder.parent
    for content in ("", "{}", '{"digest": 1, "manifest": ""}', "[]"):
        (home / "current.json").write_text(content)
        with pytest.raises(StorageError, match=r"current\.json"):
            open_processed(project_of(case), case.name)


def test_a_pointer_cannot_lead_out_of_the_case(make) -> None:
    case = make({"o.csv": CONTENT})
    written = clean_case(project_of(case), case)
    pointer = written.folder.parent / "current.json"
    content = json.loads(pointer.read_text())
    pointer.write_text(json.dumps({**content, "digest": f"../../{case.name}/{written.digest}"}))
    assert open_processed(project_of(case), case.name).folder == written.folder


def test_nothing_published_is_said_so(make) -> None:
    case = make({"o.csv": CONTENT})
    with pytest.raises(StorageError, match=r"current\.json: not published"):
        open_processed(project_of(case), case.name)
    with pytest.raises(UsageError, match="is not a case name"):
        open_processed(project_of(case), "../etc")


def test_a_table_the_case_lacks_is_named(make) -> None:
    case = make({"o.csv": CONTENT})
    with pytest.raises(StorageError, match="no table 'survey'.*It has: orders"):
        clean_case(project_of(case), case).path("survey")


def test_leftovers_of_a_killed_run_are_removed(make) -> None:
    case = make({"o.csv": CONTENT})
    home = project_of(case).processed / case.name
    (home / ".staging-killed").mkdir(parents=True)
    (home / ".staging-killed" / "orders.parquet").write_bytes(b"half")
    (home / ".staging-current.json").write_bytes(b"{")
    written = clean_case(project_of(case), case)
    assert {p.name for p in home.iterdir()} == {written.digest, "current.json"}


def test_a_folder_that_cannot_be_written_is_named(make) -> None:
    """Fault F14."""
    case = make({"o.csv": CONTENT})
    home = project_of(case).processed
    home.parent.mkdir(exist_ok=True)
    home.write_text("a file where the folder should be")
    with pytest.raises(StorageError, match=r"processed.*cannot be written"):
        clean_case(project_of(case), case)


SCRIPT = """
import sys
from pathlib import Path
from crmresearch.case import Project, load_case
from crmresearch.cleaning import clean_case
project = Project(Path(sys.argv[1]))
sys.stdout.write(clean_case(project, load_case(project, sys.argv[2])).digest)
"""


@pytest.mark.parametrize(
    "environment",
    [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"TZ": "Pacific/Kiritimati"}, {"TZ": "Etc/GMT+12"}],
    ids=["ascii locale", "zone ahead", "zone behind"],
)
def test_locale_and_clock_do_not_show_in_the_tables(make, environment: dict[str, str]) -> None:
    """Fault F12, catalogue 102."""
    case = make({"张三.csv": CONTENT}, time_zone="Asia/Shanghai")
    project = project_of(case)
    here = clean_case(project, load_case(project, case.name)).digest
    source = str(Path(__file__).resolve().parents[2] / "src")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(project.root), case.name],
        env={**os.environ, **environment, "PYTHONPATH": source},
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode() == here
