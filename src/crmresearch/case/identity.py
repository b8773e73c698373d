"""The identity part of ``case.yaml``: which records may be one customer, and how sure that must be."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from crmresearch.case.strict import Strict

FieldKind = Literal["name", "credit_code", "code", "phone", "email", "address", "date", "text"]
"""How a column of ``customers`` is brought into comparable form, and what its agreement says.

Credit code, code, phone, e-mail and address are evidence: without one of them no pair is merged. Name,
date and text only add to the weight of a pair, or take from it.
"""

DECISIONS_FILE = "identity_decisions.csv"
"""In the case folder: what people have decided about pairs of records, replayed on every cleaning."""


class Identity(Strict):
    """Find records of one customer and merge them where evidence or a person says so.

    Attributes
    ----------
    kind : {"company", "person"}
        What a customer is; company names are split into region, brand, trade and legal form.
    apply : bool
        Merge. With ``false`` pairs are found and listed, and every figure is as recorded.
    fields : dict[str, FieldKind]
        Columns of ``customers`` that are compared, beside or instead of name, credit_code, phone,
        email and address.
    updated : str
        Column of ``customers`` with the day a record was last touched: where records of one customer
        differ, the latest counts.
    merge_at : float
        Probability from which a pair with evidence is merged.
    review_at : float
        Probability from which a pair that may not be merged is listed for a decision.
    shared_by : int
        A phone, an address, an e-mail or a code under more differently named records than this is
        shared by many and says nothing.
    max_records : int
        A customer of more records than this is held for review.
    """

    kind: Literal["company", "person"] = "company"
    apply: bool = True
    fields: dict[str, FieldKind] = Field(default_factory=dict)
    updated: str = ""
    merge_at: float = Field(default=0.9, gt=0, lt=1)
    review_at: float = Field(default=0.5, gt=0, lt=1)
    shared_by: int = Field(default=3, ge=1)
    max_records: int = Field(default=10, ge=2)

    @field_validator("fields", mode="before")
    @classmethod
    def _no_fields(cls, value: object) -> object:
        return value or {}

    @model_validator(mode="after")
    def _ordered(self) -> Identity:
        if self.review_at > self.merge_at:
            raise ValueError("review_at is above merge_at")
        return self
