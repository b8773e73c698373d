"""The shareable tier: 200 planted customers, none of them in any byte of it."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path

import nbformat
import pytest
from PIL import Image, PngImagePlugin

from crmresearch.errors import StorageError, UsageError
from crmresearch.publishing import publish_edition, scan_folder
from crmresearch.publishing.pseudonyms import KEYS_VARIABLE, key_of, pseudonym
from crmresearch.reporting.record import read_record
from crmresearch.running.layout import render_report
from tests.reporting.sample_study import Tiers
from tests.reporting.test_html import build

KEY = bytes(32)


def canaries() -> list[str]:
    """Two hundred customers: name, phone, e-mail, identity number, and a secret address."""
    names = [f"Canary{n:03d} 柳州金丝雀{n:03d}号" for n in range(50)]
    phones = [f"1380013{n:04d}" for n in range(50)]
    mails = [f"canary{n:03d}@example.invalid" for n in range(50)]
    others = [f"45020119900101{n:04d}" for n in range(49)] + ["postgresql://reader:s3cret@db.invalid/crm"]
    return [*names, *phones, *mails, *others]


@pytest.fixture
def internal(tmp_path, words) -> tuple[Path, list[str]]:
    """An edition in which every canary stands somewhere: tables, notebook output, cleaning examples, files' names."""
    planted = canaries()
    folder = build(tmp_path / "reports", words)
    from tests.reporting.sample_study import write_study

    write_study(folder / "studies" / "tiers", words, result=Tiers(names=(planted[0], *planted[1:2], "C")))
    record = read_record(folder / "studies" / "tiers")
    table = next(b for b in record["blocks"] if b["type"] == "table")
    table["rows"] = [[name, "gold", 1.0] for name in planted]
    (folder / "studies/tiers/record.json").write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
    (folder / "studies/tiers/tables/tiers.csv").write_text("\n".join(planted), encoding="utf-8")
    notebook = nbformat.read(folder / "studies/tiers/notebook.ipynb", as_version=4)
    notebook.cells[-1].outputs[0]["data"]["text/plain"] = " ".join(planted)
    notebook.metadata["papermill"] = {"parameters": {"dsn": planted[-1]}, "input_path": "/users/ann/x.ipynb"}
    nbformat.write(notebook, folder / "studies/tiers/notebook.ipynb")
    edition = json.loads((folder / "edition.json").read_text(encoding="utf-8"))
    edition["intake"]["quality"]["log"][0]["examples"] = "; ".join(planted)
    edition["inputs"] = {f"{planted[0]}.csv": "0" * 64}
    edition["intake"]["quality"]["ledger"][0]["file"] = f"{planted[0]}.csv"
    (folder / "edition.json").write_text(json.dumps(edition, ensure_ascii=False), encoding="utf-8")
    return folder, planted


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    from crmresearch.reporting.words import Words, load_words, read_words
    from tests.reporting.sample_study import WORDS

    path = tmp_path_factory.mktemp("words") / "test.yaml"
    path.write_text(WORDS, encoding="utf-8")
    more = read_words([path]).entries
    return Words({section: {**entries, **more[section]} for section, entries in load_words().entries.items()})


def release(folder: Path, target: Path, planted: list[str], **options):
    return publish_edition(folder, target, key=KEY, render=render_report, canaries=planted, **options)


@pytest.mark.parametrize("customers", [False, True])
def test_two_hundred_canaries_leave_no_trace(internal, tmp_path, customers):
    folder, planted = internal
    assert len(set(planted)) == 200
    before = scan_folder(folder, planted)
    assert {canary for _, canary in before} == set(planted), "every canary was planted"
    formats = ("docx", "html") if customers else ("docx", "pdf", "html")
    published = release(folder, tmp_path / "published", planted, customers=customers, formats=formats)
    assert scan_folder(published.folder, planted) == []
    assert {p.name for p in published.folder.iterdir()} >= {f"report.zh.{form}" for form in formats}
    rows = next(b for b in read_record(published.folder / "studies/tiers")["blocks"] if b["type"] == "table")["rows"]
    assert (len(rows), {str(row[0])[:2] for row in rows}) == ((200, {"P-"}) if customers else (0, set()))
    notebook = nbformat.read(published.folder / "studies/tiers/notebook.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells) and "papermill" not in notebook.metadata


def test_a_canary_in_a_place_not_thought_of_stops_publication(internal, tmp_path):
    folder, planted = internal
    edition = json.loads((folder / "edition.json").read_text(encoding="utf-8"))
    edition["rerun"] = f"crmresearch run demo # {planted[7]}"
    (folder / "edition.json").write_text(json.dumps(edition, ensure_ascii=False), encoding="utf-8")
    with pytest.raises(StorageError, match="canaries would be published") as caught:
        release(folder, tmp_path / "published", planted)
    assert planted[7] not in str(caught.value)
    assert not (tmp_path / "published").exists() and not list(tmp_path.glob(".publish-*"))


def test_the_scan_looks_into_packages_streams_and_metadata(tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "Canary001 Smith")
    Image.new("RGB", (2, 2)).save(tmp_path / "a.png", pnginfo=info)
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("word/document.xml", "<w:t>Canary002 Smith</w:t>")
    (tmp_path / "b.docx").write_bytes(inner.getvalue())
    (tmp_path / "c.csv").write_bytes("柳州金丝雀化工".encode("gb18030"))
    (tmp_path / "d.txt").write_bytes("canary@example.invalid".encode("utf-16-le"))
    wanted = ["Canary001 Smith", "Canary002 Smith", "柳州金丝雀化工", "canary@example.invalid", "1234"]
    assert [name for name, _ in scan_folder(tmp_path, wanted)] == ["a.png", "b.docx", "c.csv", "d.txt"]


def test_the_key_lies_outside_and_decides_the_pseudonyms(tmp_path, monkeypatch):
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.setenv(KEYS_VARIABLE, str(project / "keys"))
    with pytest.raises(UsageError, match="keys may not lie inside the project"):
        key_of("cdnow", project)
    monkeypatch.setenv(KEYS_VARIABLE, str(tmp_path / "keys"))
    key = key_of("cdnow", project)
    assert key == key_of("cdnow", project) != key_of("telco", project)
    (path, _) = sorted((tmp_path / "keys").iterdir())
    if os.name == "posix":
        assert path.stat().st_mode & 0o077 == 0
    assert pseudonym("Ann", column="name", key=key) != pseudonym("Ann", column="manager", key=key)
