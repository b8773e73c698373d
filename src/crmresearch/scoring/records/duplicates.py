"""Duplicates as a reader meets them: how many, on what evidence, and what merging does to the figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, UsageError
from crmresearch.results import Exhibit, Finding, Recipe

AGREE = ("same", "like", "same_words", "generic")
CLOSE = ("alike", "near", "same_brand", "open")
_RANK = {"review": 0, "held": 0, "merged": 1, "apart": 2}


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Pairs of records that are, or may be, one customer.

    Attributes
    ----------
    counts : pd.DataFrame, shape (n, 4)
        fate, reason, n_pairs, median_weight.
    cards : pd.DataFrame
        pair, field, value_a, value_b, level: the shown pairs, field by field.
    pairs : pd.DataFrame
        record_a, name_a, record_b, name_b, weight, probability, fate, reason, and the fields that
        agree, are close, differ (lists of names); all pairs, those that wait for a person first.
    n_records, n_customers : int
    n_cards : int
    recipe : Recipe
    """

    counts: pd.DataFrame
    cards: pd.DataFrame
    pairs: pd.DataFrame
    n_records: int
    n_customers: int
    n_cards: int
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Counts by fate and reason, the cards, and the list of all pairs."""
        columns = ["record_a", "name_a", "record_b", "name_b", "match_weight", "probability", "fate", "reason"]
        listed = self.pairs.rename(columns={"weight": "match_weight"})[columns]
        cards = (Exhibit("records_cards", self.cards),) if len(self.cards) else ()
        return (
            Exhibit("records_pair_counts", self.counts, notes=("records_name_alone",)),
            *cards,
            Exhibit("records_pairs", listed, notes=("records_weight",), rows_shown=15),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Records and customers, pairs that wait, and the evidence of each card as a sentence."""
        merged = self.n_records - self.n_customers
        waiting = int(self.pairs["fate"].isin(["fate_review", "fate_held"]).sum())
        found = [
            Finding(
                "records_customers",
                {
                    "n_records": self.n_records,
                    "n_customers": self.n_customers,
                    "merged": merged,
                    "share": merged / self.n_records,
                },
            ),
            Finding("records_waiting", {"n": waiting}),
        ]
        for pair in self.pairs.head(self.n_cards).to_dict("records"):
            values: dict[str, Any] = {
                key: pair[key] for key in ("record_a", "record_b", "name_a", "name_b", "fate", "reason")
            }
            lists = {key: pair[key] or ["nothing"] for key in ("agree", "close", "differ")}
            weight = None if np.isnan(pair["weight"]) else float(pair["weight"])
            found.append(Finding("records_card", values | lists | {"weight": weight}))
        return tuple(found)


def show_duplicates(pairs: pd.DataFrame, records: pd.DataFrame, *, n_cards: int = 6) -> Duplicates:
    """Show which records are one customer, on what evidence, and which pairs wait for a person.

    Parameters
    ----------
    pairs : pd.DataFrame
        ``identity_pairs``: record_a, record_b, a level per compared field, weight (base-2 logarithm of
        how much likelier one customer is than two), probability, evidence, fate, reason.
    records : pd.DataFrame
        ``customer_records``: record_id, customer_id and the compared fields.
    n_cards : int
        Pairs shown field by field, half of them waiting for a person where there are as many.

    Raises
    ------
    RefusedError
        No pair of records is alike.
    UsageError
        ``n_cards`` is negative.
    """
    if n_cards < 0:
        raise UsageError(f"n_cards is {n_cards}", where="duplicates", repair="Use 0 or more.")
    if pairs.empty:
        raise RefusedError("no two records are alike", where="duplicates", repair="Nothing is to be merged.")
    own = ("record_a", "record_b", "weight", "probability", "evidence", "fate", "reason")
    fields = [column for column in pairs if column not in own]
    known = records.set_index("record_id")
    name = known["name"] if "name" in known else pd.Series("", index=known.index)
    table = pairs.assign(
        name_a=pairs["record_a"].map(name), name_b=pairs["record_b"].map(name), rank=pairs["fate"].map(_RANK)
    )
    for key, levels in (("agree", AGREE), ("close", CLOSE), ("differ", ("different",))):
        table[key] = _fields_at(pairs, fields, levels)
    table["fate"], table["reason"] = "fate_" + table["fate"], "reason_" + table["reason"]
    table = table.sort_values(["rank", "weight", "record_a", "record_b"], ascending=[True, False, True, True])
    waiting, others = table[table["rank"] == 0], table[table["rank"] > 0]
    first = waiting.head(max(n_cards // 2, n_cards - len(others)))
    varied = others.drop_duplicates(["reason", "evidence"])
    varied = pd.concat([varied, others.drop(varied.index)]).head(n_cards - len(first))
    shown = pd.concat([first, varied])
    table = pd.concat([shown, table.drop(shown.index)]).drop(columns="rank").reset_index(drop=True)
    counts = pairs.groupby(["fate", "reason"]).agg(n_pairs=("weight", "size"), median_weight=("weight", "median"))
    counts = counts.reset_index().sort_values(["n_pairs", "fate", "reason"], ascending=[False, True, True])
    counts["fate"], counts["reason"] = "fate_" + counts["fate"], "reason_" + counts["reason"]
    n_customers = int(records["customer_id"].nunique())
    recipe = Recipe(
        "record_linkage",
        {"n_records": len(records), "n_pairs": len(pairs), "compared": list(fields)},
        source="Fellegi, I. and Sunter, A. (1969). A theory for record linkage. JASA 64, "
        "https://doi.org/10.1080/01621459.1969.10501049",
    )
    cards = _cards(table.head(len(shown)), known, fields)
    return Duplicates(counts.reset_index(drop=True), cards, table, len(records), n_customers, len(shown), recipe)


def _fields_at(pairs: pd.DataFrame, fields: Sequence[str], levels: Sequence[str]) -> list[list[str]]:
    at = {field: pairs[field].isin(levels).to_numpy() for field in fields}
    return [[field for field in fields if at[field][row]] for row in range(len(pairs))]


def _cards(pairs: pd.DataFrame, known: pd.DataFrame, fields: Sequence[str]) -> pd.DataFrame:
    rows = []
    for number, pair in enumerate(pairs.to_dict("records"), start=1):
        for field in fields:
            a, b = (known[field].get(pair[side]) if field in known else None for side in ("record_a", "record_b"))
            level = "shared" if pair[field] == "missing" and _text(a) and _text(b) else pair[field]
            rows.append([number, field, _text(a), _text(b), f"level_{level}"])
    return pd.DataFrame(rows, columns=["pair", "field", "value_a", "value_b", "level"])


def _text(value: Any) -> str | None:
    return None if pd.isna(value) else str(value)


@dataclass(frozen=True, slots=True)
class MergeEffect:
    """Figures before and after records were merged into customers.

    Attributes
    ----------
    table : pd.DataFrame, shape (n_measures, 4)
        measure, before_merge, after_merge, merge_change.
    recipe : Recipe
    """

    table: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The table."""
        return (Exhibit("records_merge_effect", self.table),)

    def findings(self) -> tuple[Finding, ...]:
        """What merging does to the number of buyers and to the top share."""
        known = self.table.set_index("measure")
        found = []
        if {"n_counted", "top_share"} <= set(known.index):
            found.append(
                Finding(
                    "records_merging",
                    {
                        "buyers_before": int(known.loc["n_counted", "before_merge"]),
                        "buyers_after": int(known.loc["n_counted", "after_merge"]),
                        "top_before": float(known.loc["top_share", "before_merge"]),
                        "top_after": float(known.loc["top_share", "after_merge"]),
                        "gini_before": float(known.loc["gini", "before_merge"]),
                        "gini_after": float(known.loc["gini", "after_merge"]),
                    },
                )
            )
        return tuple(found)


def compare_merging(
    before: pd.DataFrame, after: pd.DataFrame, *, n_records: int, n_customers: int, n_counted: tuple[int, int]
) -> MergeEffect:
    """Set any scorer's summary before merging beside the one after.

    Parameters
    ----------
    before, after : pd.DataFrame
        measure and value, as ``ParetoShares.summary`` and others have them: of the records as entered,
        and of the customers they belong to.
    n_records, n_customers : int
    n_counted : tuple of int
        Records and customers with spend: the denominators of the shares.

    Raises
    ------
    RefusedError
        The two state different measures.

    Examples
    --------
    >>> one = pd.DataFrame({"measure": ["gini"], "value": [0.5]})
    >>> found = compare_merging(one, one.assign(value=0.6), n_records=3, n_customers=1, n_counted=(3, 1))
    >>> found.table["merge_change"].round(3).tolist()
    [-2.0, -2.0, 0.1]
    """
    left, right = before.set_index("measure")["value"], after.set_index("measure")["value"]
    if set(left.index) != set(right.index):
        raise RefusedError("the two summaries state different measures", where="before and after merging")
    table = pd.DataFrame({"before": left.astype(float), "after": right.reindex(left.index).astype(float)})
    counts = pd.DataFrame(
        {"before": [n_records, n_counted[0]], "after": [n_customers, n_counted[1]]},
        index=pd.Index(["n_customers", "n_counted"], name="measure"),
    )
    table = pd.concat([counts, table.drop(index=[m for m in counts.index if m in table.index])])
    table = table.assign(change=table["after"] - table["before"]).rename_axis("measure").reset_index()
    table.columns = ["measure", "before_merge", "after_merge", "merge_change"]
    return MergeEffect(table, Recipe("before_and_after", {"n_records": n_records, "n_customers": n_customers}))
