"""The mark by which a study says that it ran to its end.

The last cell of a study writes ``record.json`` into the folder named by ``FOLDER_VARIABLE`` and
displays one output of type ``CLOSED_MIME``: ``{"record_sha256": <digest of record.json>}``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

CLOSED_MIME = "application/vnd.crmresearch.closed+json"
FOLDER_VARIABLE = "CRMRESEARCH_STUDY_FOLDER"
PROCESSED_VARIABLE = "CRMRESEARCH_PROCESSED"
"""Digest of the processed tables that a study of a run reads."""
RECORD_FILE = "record.json"


def closed_digest(cells: Iterable[Mapping[str, Any]]) -> str | None:
    """SHA-256 of ``record.json`` as the executed notebook states it; None where no cell closed the study."""
    digest = None
    for cell in cells:
        for output in cell.get("outputs", ()):
            mark = output.get("data", {}).get(CLOSED_MIME)
            if mark:
                digest = mark.get("record_sha256")
    return digest
