"""``case.yaml``: what a case is made of. Typed, strict, safe; the one file a user writes by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from crmresearch.case.files import Provenance, SourceFile
from crmresearch.case.identity import Identity
from crmresearch.case.indicators import Valuation
from crmresearch.case.questionnaire import Instrument
from crmresearch.case.report import Report
from crmresearch.case.strict import Bilingual, Strict
from crmresearch.errors import nearest


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
    identity: Identity | None = None
    value: Valuation | None = None
    studies: dict[str, dict[str, Any]] = Field(default_factory=dict)
    report: Report = Report()

    @field_validator("studies", mode="before")
    @classmethod
    def _no_parameters(cls, value: Any) -> Any:
        return {k: v or {} for k, v in value.items()} if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _questions_have_columns(self) -> CaseFile:
        asked = self.instrument.further_columns if self.instrument else ()
        there = {*(self.instrument.items if asked else ()), *(c for file in self.files for c in file.columns)}
        for column in asked:
            if column not in there:
                raise ValueError(
                    f"the instrument asks for column {column!r}, which no file has{nearest(column, there)}"
                )
        return self

    @property
    def has_waves(self) -> bool:
        """The survey was asked more than once, as far as the declaration tells."""
        told = [
            source.columns["wave"] for source in self.files if source.table == "survey" and "wave" in source.columns
        ]
        return any(wave.heading for wave in told) or len({wave.value for wave in told}) > 1
