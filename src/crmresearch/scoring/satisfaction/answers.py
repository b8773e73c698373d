"""One table per respondent: scores, turned answers, the survey's other columns and those of the customer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, nearest
from crmresearch.scoring.satisfaction.instrument import ConstructScores
from crmresearch.scoring.satisfaction.linking.behaviour import service_gap


def join_answers(
    scores: ConstructScores,
    survey: pd.DataFrame,
    customers: pd.DataFrame | None = None,
    *,
    gap: tuple[Sequence[str], Sequence[str]] | None = None,
    raw: dict[str, str] | None = None,
) -> pd.DataFrame:
    """Put everything known of a respondent beside its scores.

    Parameters
    ----------
    scores : ConstructScores
        Anything else (a refusal of the scores) is handed back as it is.
    survey : pd.DataFrame
        respondent_id and any columns; items are taken as turned, from ``scores``.
    customers : pd.DataFrame | None
        Columns to carry along for each respondent's customer; customer_id is a column or the index.
    gap : (Sequence[str], Sequence[str]) | None
        Performance items and the expectation items they pair with: adds ``service_gap``.

    raw : dict[str, str] | None
        New column → item, as it was answered, before turning; empty names are passed over.

    Returns
    -------
    pd.DataFrame
        Indexed by respondent_id.

    Raises
    ------
    RefusedError
        A customer stands twice in ``customers``, or an item is absent.
    """
    if not isinstance(scores, ConstructScores):
        return scores
    table = scores.scores.join(scores.items[scores.items.columns.difference(scores.scores.columns, sort=False)])
    if gap is not None and gap[0]:
        table["service_gap"] = service_gap(table, performance=gap[0], expectation=gap[1])
    other = survey.set_index("respondent_id")
    for name, item in (raw or {}).items():
        if item and item not in other:
            raise RefusedError(f"no item {item!r}", where=name)
        table[name] = other[item].astype("Float64").astype(float) if item else np.nan
    table = table.join(other[other.columns.difference(table.columns, sort=False)])
    if customers is None or "customer_id" not in table:
        return table
    carried = customers.set_index("customer_id") if "customer_id" in customers else customers
    if carried.index.duplicated().any():
        raise RefusedError("a customer stands twice", where="customers", repair="Keep one row per customer.")
    carried = carried[carried.columns.difference(table.columns, sort=False)]
    return table.join(carried, on="customer_id")


def chosen(people: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return the named columns, empty names passed over; what is no table is handed back as it is.

    Examples
    --------
    >>> chosen(pd.DataFrame({"a": [1.0], "b": [2.0]}), ["a", ""]).columns.tolist()
    ['a']
    """
    if not isinstance(people, pd.DataFrame):
        return people
    wanted = [c for c in columns if c]
    absent = [c for c in wanted if c not in people]
    if absent:
        raise RefusedError(f"no column {absent[0]!r}", where="respondents")
    return people[wanted]


def grouped(people: pd.DataFrame, column: str) -> pd.Series | None:
    """The group of each respondent, yes and no as words; None where no column is named.

    Raises
    ------
    RefusedError
        There is no such column.

    Examples
    --------
    >>> grouped(pd.DataFrame({"large": [True, False]}), "large").tolist()
    ['group_yes', 'group_no']
    """
    if not column or not isinstance(people, pd.DataFrame):
        return people if column else None
    if column not in people:
        raise RefusedError(f"no column {column!r}{nearest(column, people.columns)}", where="respondents")
    groups = people[column]
    if pd.api.types.is_bool_dtype(groups.dtype):
        groups = groups.astype("object").map({True: "group_yes", False: "group_no"})
    return groups
