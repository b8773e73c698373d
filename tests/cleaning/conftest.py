"""Cases made on the spot: raw bytes, a mapping, and what cleaning makes of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crmresearch.case import Case, Project, load_case

ORDER_COLUMNS = {"customer_id": "id", "date": "date", "amount": "amount"}
Make = Callable[..., Case]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """``make(files, entries, **case)``: write raw files and ``case.yaml``, return the loaded case.

    ``files`` maps names to bytes or text; ``entries`` overrides keys of each file's declaration. By
    default every file holds orders with the headings id, date, amount, and any share may fail.
    """
    project = Project(tmp_path)

    def write(files: dict[str, bytes | str], entries: dict[str, dict[str, Any]] | None = None, **case: Any) -> Case:
        folder = project.raw / case.pop("name", "sample")
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for name, content in files.items():
            (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        default = {"table": "orders", "columns": ORDER_COLUMNS}
        declared = [{"file": name, **default, **(entries or {}).get(name, {})} for name in files]
        declared = [entry for entry in declared if entry["table"]]
        content = {
            "title": {"en": "Sample", "zh": "样例"},
            "description": {"en": "Made by a test.", "zh": "测试样例。"},
            "provenance": {"origin": "a test", "copy_from": "a test", "terms": "none"},
            "max_quarantined_share": 1,
            "files": declared,
            **case,
        }
        (folder / "case.yaml").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        return load_case(project, folder.name)

    return write
