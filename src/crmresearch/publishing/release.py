"""One edition → its shareable form: small cells out, people pseudonymous, free text withheld, scanned."""

from __future__ import annotations

import copy
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd

from crmresearch.errors import StorageError
from crmresearch.publishing.pseudonyms import pseudonym
from crmresearch.publishing.scanning import scan_folder, scan_text
from crmresearch.publishing.suppression import rounded, small_rows, small_values, suppress, with_complements
from crmresearch.reporting.record import read_record, write_csv
from crmresearch.reporting.words import load_words
from crmresearch.tables import PERSONAL

_MOST_MARKS = 120
Block = dict[str, Any]


@dataclass(slots=True)
class Release:
    """What publication did.

    Attributes
    ----------
    folder : Path
    hidden : dict[str, int]
        Table (study/block) → rows whose numbers were hidden.
    withheld : tuple[str, ...]
        Tables of single customers and sentences that are not published.
    """

    folder: Path
    hidden: dict[str, int] = field(default_factory=dict)
    withheld: list[str] = field(default_factory=list)


def publish_edition(
    edition: Path,
    target: Path,
    *,
    key: bytes,
    render: Callable[[Path, str, str], Path],
    canaries: Iterable[str],
    k: int = 10,
    round_to: int = 0,
    customers: bool = False,
    earlier: Path | None = None,
    formats: Sequence[str] = ("html", "docx", "pdf"),
) -> Release:
    """Make the shareable form of an edition.

    Parameters
    ----------
    edition, target : Path
        The internal edition, which stays as it is, and the folder to make.
    key : bytes
        Of the pseudonyms.
    render : callable
        Writes the report of an edition's folder in a language and a format.
    canaries : Iterable[str]
        What may not appear anywhere; every personal value of the case.
    k : int
        Cells that count fewer than ``k`` people are hidden.
    round_to : int
        Counts of people are rounded to a multiple of this; 0 leaves them.
    customers : bool
        Tables of single customers are kept, under pseudonyms; otherwise they are withheld.
    earlier : Path | None
        The edition published before: counts that differ from it by fewer than ``k`` are hidden too.
    formats : Sequence[str]

    Raises
    ------
    StorageError
        A canary is found in what would be published; nothing is published then.
    """
    wanted = {text for text in canaries if text}
    release = Release(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".publish-", dir=target.parent))
    try:
        content = _edition_of(edition)
        for name, run in content["studies"].items():
            if run["status"] in {"done", "reused"}:
                _study(
                    edition,
                    staging,
                    name,
                    release,
                    key=key,
                    k=k,
                    round_to=round_to,
                    customers=customers,
                    earlier=earlier,
                )
        content["layout"] = {**content.get("layout", {}), "prose": {}, "references": "", "template": "", "cover": {}}
        (staging / "edition.json").write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
        hits = scan_folder(staging, wanted)
        if not hits:
            for language in content["languages"]:
                for form in formats:
                    render(staging, language, form)
            hits = scan_folder(staging, wanted)
        if hits:
            file, canary = hits[0]
            raise StorageError(
                f"{len(hits)} canaries would be published, the first {canary[:2]}… ({len(canary)} characters)",
                where=file,
                repair="Nothing was published. Take the column out of the tables, or report this.",
            )
        staging.chmod(0o755)
        if target.exists():
            shutil.rmtree(target)
        staging.replace(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return release


def _edition_of(folder: Path) -> dict[str, Any]:
    """``edition.json`` without examples of raw values; files of the customer's own name are numbered."""
    content = json.loads((folder / "edition.json").read_text(encoding="utf-8"))
    names = {
        name: f"file-{number}{Path(name).suffix}" for number, name in enumerate(sorted(content["inputs"]), start=1)
    }
    content["inputs"] = {names[name]: digest for name, digest in content["inputs"].items()}
    for book in content["intake"]["quality"].values():
        for row in book:
            row["file"] = names.get(row["file"], "file")
            if "examples" in row:
                row["examples"] = ""
    content["files"] = {}
    return content


def _study(
    edition: Path, staging: Path, name: str, release: Release, *, key: bytes, k: int, round_to: int, customers: bool,
    earlier: Path | None,
) -> None:  # fmt: skip
    source, folder = edition / "studies" / name, staging / "studies" / name
    record = read_record(source)
    (folder / "tables").mkdir(parents=True)
    shutil.copytree(source / "figures", folder / "figures")
    before = {}
    if earlier is not None and (earlier / "studies" / name / "record.json").is_file():
        before = {b["id"]: b for b in read_record(earlier / "studies" / name)["blocks"] if b["type"] == "table"}
    tables = {b["id"]: _rows_to_hide(b, k, before.get(b["id"])) for b in record["blocks"] if b["type"] == "table"}
    _spread(record["blocks"], tables)
    unsafe = _beside_hidden(record["blocks"], tables)
    blocks = []
    for block in record["blocks"]:
        where = f"{name}/{block['id']}"
        if block["type"] == "table":
            block = _table(
                block, where, tables[block["id"]], release, key=key, k=k, round_to=round_to, customers=customers
            )
            _write_table(block, folder)
        elif block["type"] == "figure" and (block["id"] in unsafe or _shows_people(folder, block)):
            release.withheld.append(where)
            block = _withheld_figure(block, folder)
        elif block["type"] == "finding" and (small_values(block, k) or _names_somebody(block)):
            release.withheld.append(where)
            block = _withheld(block)
        blocks.append(block)
    record["blocks"] = blocks
    (folder / "record.json").write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    _notebook(source / "notebook.ipynb", folder / "notebook.ipynb")


def _rows_to_hide(block: Block, k: int, earlier: Block | None) -> set[int]:
    return with_complements(block, small_rows(block, k, earlier))


def _spread(blocks: Sequence[Block], tables: dict[str, set[int]]) -> None:
    """What is hidden in one table is hidden under the same label in the others."""
    hidden: set[tuple[str, str]] = set()
    for block in blocks:
        if block["type"] == "table" and tables[block["id"]]:
            first = block["columns"][0]["name"]
            hidden |= {(first, str(block["rows"][n][0])) for n in tables[block["id"]]}
    for block in blocks:
        if block["type"] == "table" and block["rows"]:
            first = block["columns"][0]["name"]
            more = {n for n, row in enumerate(block["rows"]) if (first, str(row[0])) in hidden}
            tables[block["id"]] = with_complements(block, tables[block["id"]] | more)


def _table(
    block: Block, where: str, rows: set[int], release: Release, *, key: bytes, k: int, round_to: int, customers: bool
) -> Block:
    personal = [
        place for place, column in enumerate(block["columns"]) if column["personal"] or column["name"] in PERSONAL
    ]
    if personal and not customers:
        release.withheld.append(where)
        note = load_words().text("labels", "withheld_customers")
        return {**block, "rows": [], "rows_total": 0, "notes": [{"key": "withheld_customers", "text": dict(note)}]}
    if personal:
        kept = []
        for row in block["rows"]:
            row = list(row)
            for place in personal:
                if row[place] is not None:
                    row[place] = pseudonym(str(row[place]), column=block["columns"][place]["name"], key=key)
            kept.append(row)
        block = {**block, "rows": kept}
    if rows:
        release.hidden[where] = len(rows)
        block = suppress(block, rows)
        note = dict(load_words().text("labels", "suppressed_cells"))
        block = {**block, "notes": [*block["notes"], {"key": "suppressed_cells", "text": note}]}
    return rounded(block, round_to) if round_to else block


def _write_table(block: Block, folder: Path) -> None:
    """The published rows alone: the whole table of an exhibit stays inside."""
    import hashlib

    data = pd.DataFrame(block["rows"], columns=[column["name"] for column in block["columns"]], dtype=object)
    path = folder / block["file"]
    write_csv(data, path)
    block["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    block["rows_total"] = len(block["rows"])


def _beside_hidden(blocks: Sequence[Block], tables: dict[str, set[int]]) -> set[str]:
    """Figures of a section in which something is hidden: they may draw it."""
    found: set[str] = set()
    figures: set[str] = set()
    hidden = False
    for block in (*blocks, {"type": "section", "id": ""}):
        if block["type"] == "section":
            found |= figures if hidden else set()
            figures, hidden = set(), False
        elif block["type"] == "figure":
            figures.add(block["id"])
        hidden = hidden or bool(tables.get(block["id"]))
    return found


def _shows_people(folder: Path, block: Block) -> bool:
    """Whether a figure has a mark for each of many people; one without a drawing cannot be looked into."""
    for file in block["files"].values():
        drawing = folder / file["vector"]["file"] if file.get("vector") else None
        if drawing is None or drawing.read_text(encoding="utf-8").count("<use ") > _MOST_MARKS:
            return True
    return False


def _withheld_figure(block: Block, folder: Path) -> Block:
    for file in block["files"].values():
        for name in (file["file"], *([file["vector"]["file"]] if file.get("vector") else [])):
            (folder / name).unlink(missing_ok=True)
    return {
        "type": "note",
        "id": block["id"],
        "key": "withheld_figure",
        "text": dict(load_words().text("labels", "withheld_figure")),
    }


def _names_somebody(block: Block) -> bool:
    return any(name in PERSONAL for name in block["values"])


def _withheld(block: Block) -> Block:
    text = dict(load_words().text("labels", "withheld_finding"))
    return {**block, "text": text, "template": text, "values": {}, "words": {}, "verdict": block["verdict"]}


def _notebook(source: Path, target: Path) -> None:
    """The notebook as it was written: no output, no path, no parameter but the study's own."""
    if not source.is_file():
        return
    notebook = copy.deepcopy(nbformat.read(source, as_version=4))
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({"tags": cell.metadata.get("tags", [])})
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            cell.source = re.sub(r"(/[\w.-]+){3,}", "…", cell.source)
    kept = {
        name: notebook.metadata[name]
        for name in ("kernelspec", "language_info", "crmresearch")
        if name in notebook.metadata
    }
    notebook.metadata = nbformat.from_dict(kept)
    nbformat.write(notebook, target)


__all__ = ["Release", "publish_edition", "scan_text"]
