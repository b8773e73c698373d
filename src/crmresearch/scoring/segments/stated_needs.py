"""What each respondent needs and belongs to, as a table: stated needs, latent classes, groups of the customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.shares import wilson

_FEWEST = 40


@dataclass(frozen=True, slots=True)
class StatedNeeds:
    """Needs of all respondents.

    Attributes
    ----------
    table : pd.DataFrame, shape (n_needs, 6)
        need, n (answers), n_stating, share_stating, share_low, share_high (Wilson).
    recipe : Recipe
    """

    table: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The needs and how many state them."""
        return (Exhibit("needs_overall", self.table, notes=("needs_interval",)),)

    def findings(self) -> tuple[Finding, ...]:
        """The need stated most."""
        first = self.table.loc[self.table["share_stating"].idxmax()]
        values = {
            "need": first["need"],
            "share": float(first["share_stating"]),
            "low": float(first["share_low"]),
            "high": float(first["share_high"]),
            "n": int(first["n"]),
        }
        return (Finding("need_first", values),)


def count_needs(needs: pd.DataFrame) -> StatedNeeds:
    """Count how many respondents state each need.

    Parameters
    ----------
    needs : pd.DataFrame, shape (n_respondents, n_needs)
        As for :func:`~.needs.score_needs`.

    Returns
    -------
    StatedNeeds

    Raises
    ------
    RefusedError
        Needs are not 0 and 1, or fewer than 40 respondents answered.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. Journal of the
    American Statistical Association 22, 209-212. https://doi.org/10.1080/01621459.1927.10502953

    Examples
    --------
    >>> stated = pd.DataFrame({"delivery": [1.0] * 30 + [0.0] * 10, "price": [1.0] * 20 + [0.0] * 20})
    >>> count_needs(stated).table["share_stating"].tolist()
    [0.75, 0.5]
    """
    table = check_needs(needs, "count_needs")
    rows = [share_stating(table[name].dropna(), {"need": name}) for name in table]
    return StatedNeeds(pd.DataFrame(rows), Recipe("stated_needs", {"size_interval": "wilson"}))


def check_needs(needs: pd.DataFrame, where: str) -> pd.DataFrame:
    """Respondents who stated or denied a need, as numbers."""
    table = needs.astype("Float64").astype(float)
    strange = table.to_numpy()[~np.isnan(table.to_numpy()) & ~np.isin(table.to_numpy(), (0.0, 1.0))]
    if len(strange):
        raise RefusedError(
            f"a need is 0 or 1, got {strange[0]:g}", where=where, repair="Code stated needs as 1, others as 0."
        )
    table = table.dropna(how="all").sort_index()
    if len(table) < _FEWEST:
        raise RefusedError(
            f"{len(table)} respondents stated needs", where=where, repair=f"Use {_FEWEST} respondents at the least."
        )
    return table


def share_stating(given: pd.Series, head: dict[str, Any]) -> dict[str, Any]:
    """``head`` with how many of the answers given, 0 and 1, are 1, and their share with its interval."""
    n, stating = len(given), int(given.sum())
    share, low, high = wilson(stating, n)
    return {**head, "n": n, "n_stating": stating, "share_stating": share, "share_low": low, "share_high": high}


def state_needs(ranks: pd.DataFrame, *, up_to: int = 2) -> pd.DataFrame:
    """Turn ranks of needs into stated (1) and not stated (0).

    Parameters
    ----------
    ranks : pd.DataFrame
        1 is the most important; missing where the respondent did not rank the need.
    up_to : int
        Last rank that counts as stated.

    Returns
    -------
    pd.DataFrame
        Respondents who ranked nothing are missing throughout.

    Examples
    --------
    >>> state_needs(pd.DataFrame({"a": [1, None], "b": [3, None]})).to_numpy().tolist()
    [[1.0, 0.0], [nan, nan]]
    """
    values = ranks.astype("Float64").astype(float)
    return (values <= up_to).astype(float).where(values.notna().any(axis=1), np.nan)


def group_respondents(
    survey: pd.DataFrame,
    customers: pd.DataFrame,
    columns: Sequence[str],
    *,
    labels: Mapping[str, pd.Series] | None = None,
) -> pd.DataFrame:
    """Give each respondent the groups of its customer.

    Parameters
    ----------
    survey : pd.DataFrame
        respondent_id, customer_id.
    customers : pd.DataFrame
        Indexed by customer_id, with ``columns``.
    columns : Sequence[str]
    labels : Mapping[str, pd.Series], optional
        Further groups: name → label by customer_id.

    Returns
    -------
    pd.DataFrame
        By respondent_id; missing where the customer is unknown.
    """
    found = customers[list(columns)].copy()
    for name, values in (labels or {}).items():
        found[name] = values.reindex(found.index)
    matched = found.reindex(survey["customer_id"])
    return matched.set_axis(pd.Index(survey["respondent_id"], name="respondent_id"))


def class_membership(members: pd.DataFrame) -> pd.DataFrame:
    """Turn classes into a column of 0 and 1 each, so that they can be compared like needs.

    >>> class_membership(pd.DataFrame({"respondent_id": ["a", "b"], "latent_class": [1, 2]})).to_numpy().tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    own = members.set_index("respondent_id")["latent_class"]
    return pd.DataFrame({one: (own == one).astype(float) for one in sorted(own.unique())})
