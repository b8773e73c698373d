"""How alike two values are: the levels of each kind of field, from equal to different."""

from __future__ import annotations

from dataclasses import dataclass

from crmresearch.case import FieldKind, Identity
from crmresearch.cleaning.identity.comparables import Comparables

MISSING, DIFFERENT = "missing", "different"
AGREES = frozenset({"same", "like"})
"""Levels of a field of evidence that count as agreement."""
NAMES_APART = frozenset({DIFFERENT, "same_brand"})
"""Levels of the name that speak against one customer."""


@dataclass(frozen=True, slots=True)
class Level:
    """One level of agreement.

    Attributes
    ----------
    key : str
    sql : str
        Condition on a pair, columns suffixed ``_l`` and ``_r``; the first level that holds counts.
    matching, chance : float
        Share of true pairs, and of pairs of different customers, expected at this level before any data
        are read.
    frequency : str
        Column whose rare values say more than its common ones; empty if none.
    """

    key: str
    sql: str
    matching: float
    chance: float
    frequency: str = ""


def levels_of(column: str, kind: FieldKind, identity: Identity) -> tuple[Level, ...]:
    """The levels of one column, the most alike first, ``missing`` and ``different`` left out."""
    if kind == "name":
        return _company_name() if identity.kind == "company" else _person_name()
    left, right = f"{column}_l", f"{column}_r"
    same = f"{left} = {right}"
    if kind in {"credit_code", "code"}:
        return Level("same", same, 0.9, 1e-5), Level("near", f"damerau_levenshtein({left}, {right}) <= 1", 0.06, 1e-5)
    if kind == "phone":
        crossed = (f"{column}_2_l = {right}", f"{left} = {column}_2_r", f"{column}_2_l = {column}_2_r")
        return Level("same", " or ".join(f"coalesce({one}, false)" for one in (same, *crossed)), 0.7, 1e-4), Level(
            "near", f"levenshtein({left}, {right}) <= 1", 0.05, 1e-5
        )
    if kind == "email":
        return (Level("same", same, 0.8, 1e-4),)
    if kind == "address":
        numbers = f"{column}_numbers_l = {column}_numbers_r and {column}_numbers_l <> ''"
        street = f"jaro_winkler_similarity({left}, {right}) >= 0.92"
        like = f"{street} or contains({left}, {right}) or contains({right}, {left})"
        return (
            Level("same", same, 0.55, 1e-4),
            Level("like", f"{numbers} and ({like})", 0.15, 1e-4),
            Level("near", street, 0.1, 0.01),
        )
    if kind == "date":
        return Level("same", same, 0.85, 3e-4), Level("near", f"damerau_levenshtein({left}, {right}) <= 1", 0.1, 0.005)
    return (
        Level("same", same, 0.8, 0.05),
        Level("near", f"jaro_winkler_similarity({left}, {right}) >= 0.9", 0.1, 0.05),
    )


def missing(column: str, kind: FieldKind) -> str:
    """Condition under which a pair says nothing about a column."""
    own = "name" if kind == "name" else column
    return f"{own}_l is null or {own}_r is null"


def _company_name() -> tuple[Level, ...]:
    """Brands first: two firms of one trade and one city share most of their name's characters."""
    place = "(name_region_l = name_region_r or name_region_l is null or name_region_r is null)"
    trade = "(trade_l = trade_r or trade_l = '' or trade_r = '')"
    office = "branch_l = branch_r"
    brand = "core_l = core_r and core_l <> ''"
    generic = "core_l = '' and core_r = '' and province_l = province_r and trade_l = trade_r and trade_l <> ''"
    alike = (
        "(jaro_winkler_similarity(core_l, core_r) >= 0.9 and length(core_l) >= 3 and length(core_r) >= 3 "
        "or length(core_l) >= 2 and length(core_r) >= 2 and (contains(core_l, core_r) or contains(core_r, core_l)))"
    )
    return (
        Level("same", f"{brand} and {trade} and {place} and {office}", 0.75, 1e-3),
        Level("generic", f"{generic} and {office}", 0.03, 5e-4),
        Level("alike", f"{alike} and {place} and {office}", 0.1, 2e-3),
        Level("same_brand", brand, 0.06, 2e-3),
        Level("open", f"(core_l = '' or core_r = '') and {place}", 0.02, 5e-3),
    )


def _person_name() -> tuple[Level, ...]:
    alike = "greatest(jaro_winkler_similarity(name_l, name_r), jaro_winkler_similarity(words_l, words_r))"
    return (
        Level("same", "name_l = name_r", 0.6, 1e-4, frequency="name"),
        Level("same_words", "words_l = words_r", 0.05, 1e-5),
        Level("alike", f"{alike} >= 0.9", 0.22, 1e-3),
        Level("near", f"{alike} >= 0.8", 0.08, 5e-3),
    )


def all_levels(comparables: Comparables, identity: Identity) -> dict[str, tuple[Level, ...]]:
    """Column → its levels."""
    return {column: levels_of(column, kind, identity) for column, kind in comparables.fields.items()}
