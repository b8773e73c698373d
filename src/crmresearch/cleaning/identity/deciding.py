"""Which pairs are merged: by a rule, by their weight with evidence, by a person; never by a name alone."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmresearch.case import FieldKind, Identity
from crmresearch.cleaning.identity.comparables import EVIDENCE
from crmresearch.cleaning.identity.decisions import Ruling
from crmresearch.cleaning.identity.levels import AGREES, DIFFERENT, NAMES_APART

FATES = {
    "merged": "one customer",
    "review": "to be decided by a person",
    "held": "would be merged, but the customer would be too large or contradict itself",
    "apart": "different customers",
}
"""What becomes of a pair."""

REASONS = {
    "decided": "a person decided",
    "same_code": "the same credit code",
    "evidence_and_name": "evidence agrees and the names do not contradict it",
    "evidence_and_weight": "evidence agrees and the weight is above the limit",
    "codes_differ": "two valid credit codes that differ",
    "names_contradict": "evidence agrees, the names contradict it",
    "name_alone": "only the names agree",
    "below_limit": "the weight is below the limit",
    "too_large": "the customer would have too many records",
    "through_another": "both are one customer with a third record",
    "contradiction": "the customer would hold two credit codes, or a pair a person keeps apart",
}
"""Why."""


def decide_pairs(pairs: pd.DataFrame, fields: dict[str, FieldKind], identity: Identity, ruling: Ruling) -> pd.DataFrame:
    """Give every pair its fate and the reason, before customers are put together.

    In order: what a person decided; different valid credit codes are different customers; one valid
    credit code is one customer; evidence (a code, phone, e-mail or address) under names that do not
    contradict it, or with a probability above ``merge_at``, merges. Two things at once, or a code of a
    person, outweigh another name of a person. What is above ``review_at`` without being merged, and
    companies of one name, are listed for review; the rest is apart.

    Returns
    -------
    pd.DataFrame
        ``pairs`` with evidence (columns that agree, joined by a blank), fate and reason; pairs that
        people decided are in it whether or not they were compared. Pairs that are neither listed nor
        decided and without any evidence are left out.
    """
    pairs = _with_decided(pairs, fields, ruling)
    name = next(column for column, kind in fields.items() if kind == "name")
    evidence = [column for column, kind in fields.items() if kind in EVIDENCE]
    agrees = {column: pairs[column].isin(AGREES).to_numpy() for column in evidence}
    codes = [column for column, kind in fields.items() if kind == "credit_code"]
    same_code = np.any([agrees[column] for column in codes], axis=0) if codes else np.zeros(len(pairs), bool)
    unlike = (
        np.any([pairs[column].isin([DIFFERENT, "near"]) for column in codes], axis=0) if codes else ~same_code & False
    )
    found = np.sum([agrees[column] for column in evidence], axis=0, dtype=int)
    apart = pairs[name].isin(NAMES_APART).to_numpy()
    if identity.kind == "person":  # people change names; nobody shares a code, few share two things
        own_code = [agrees[column] for column, kind in fields.items() if kind == "code"]
        apart = apart & (found < 2) & ~np.any([np.zeros(len(pairs), bool), *own_code], axis=0)
    named = pairs[name].isin(["same", "generic", "same_words"]).to_numpy()
    likely = (pairs["probability"] >= identity.merge_at).to_numpy()
    listed = (pairs["probability"] >= identity.review_at).to_numpy()
    loose = pairs["record_a"].isin(ruling.alone).to_numpy() | pairs["record_b"].isin(ruling.alone).to_numpy()
    keys = list(zip(pairs["record_a"], pairs["record_b"], strict=True)) if ruling.together or ruling.apart else []
    together = np.array([key in ruling.together for key in keys] or [False] * len(pairs), dtype=bool)
    parted = np.array([key in ruling.apart for key in keys] or [False] * len(pairs), dtype=bool)
    cases = [
        (together, "merged", "decided"),
        (parted | loose, "apart", "decided"),
        (unlike & ~same_code, "apart", "codes_differ"),
        (same_code, "merged", "same_code"),
        ((found > 0) & named, "merged", "evidence_and_name"),
        ((found > 0) & likely & ~apart, "merged", "evidence_and_weight"),
        ((found > 1) & apart, "review", "names_contradict"),
        ((found > 0) & listed, "review", np.where(apart, "names_contradict", "below_limit")),
        (listed | (named & (identity.kind == "company")), "review", "name_alone"),
    ]
    conditions = [condition for condition, _, _ in cases]
    fate = np.select(conditions, [np.full(len(pairs), fate) for _, fate, _ in cases], "apart")
    reason = np.select(conditions, [np.broadcast_to(reason, len(pairs)) for *_, reason in cases], "below_limit")
    told = np.full(len(pairs), "", dtype=object)
    for column in evidence:
        told = np.where(agrees[column], told + np.where(told == "", "", " ") + column, told)
    pairs = pairs.assign(
        evidence=pd.Series(told, dtype=str), fate=pd.Series(fate, dtype=str), reason=pd.Series(reason, dtype=str)
    )
    return pairs[(pairs["fate"] != "apart") | (found > 0) | (reason == "decided")].reset_index(drop=True)


def _with_decided(pairs: pd.DataFrame, fields: dict[str, FieldKind], ruling: Ruling) -> pd.DataFrame:
    decided = sorted(ruling.together | ruling.apart)
    if not decided:
        return pairs
    known = set(zip(pairs["record_a"], pairs["record_b"], strict=True))
    new = pd.DataFrame([pair for pair in decided if pair not in known], columns=["record_a", "record_b"], dtype=str)
    new = new.assign(**dict.fromkeys(fields, "missing"), weight=np.nan, probability=np.nan)
    return pd.concat([pairs, new.astype(pairs.dtypes)]).sort_values(["record_a", "record_b"]).reset_index(drop=True)
