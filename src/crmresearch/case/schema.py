"""``case.yaml``: what a case is made of. Typed, strict, safe; the one file a user writes by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from pydantic import Field, field_validator

from crmresearch.case.files import Provenance, SourceFile
from crmresearch.case.questionnaire import Instrument
from crmresearch.case.report import Report
from crmresearch.case.strict import Bilingual, Strict


class CaseFile(Strict):
    """The content of ``case.yaml``."""

    format_version: Literal["1"] = Field(default="1", alias="schema")
    title: Bilingual
    description: Bilingual
    citation: str = ""
    provenance: Provenance
    simulated: bool = False
    currency: str = ""
    time_zone: str = "UTC"
    as_of: dt.date | None = None
    starts: dt.date | None = None
    max_quarantined_share: float = Field(default=0.2, ge=0, le=1)
    files: tuple[SourceFile, ...] = Field(min_length=1)
    instrument: Instrument | None = None
    studies: dict[str, dict[str, Any]] = Field(default_factory=dict)
    report: Report = Report()

    @field_validator("studies", mode="before")
    @classmethod
    def _no_parameters(cls, value: Any) -> Any:
        return {k: v or {} for k, v in value.items()} if isinstance(value, dict) else value
