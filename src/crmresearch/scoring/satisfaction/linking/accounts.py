"""Key accounts, satisfaction, loyalty, revenue: claim D16 as a chain of associations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe, Verdict, judge_interval
from crmresearch.scoring.satisfaction.mediation.linear import Mediation, mediate

_FEWEST = 10


@dataclass(frozen=True, slots=True)
class KeyAccounts:
    """The chain from being a key account to later revenue.

    Attributes
    ----------
    mediation : Mediation
        Serial: key account → satisfaction → loyalty → log of later spend.
    compared : pd.DataFrame, shape (2, 6)
        group (``key_account``, ``other_account``), n, then the means of satisfaction, loyalty, the outcome and the
        first covariate under their own names.
    verdict : Verdict
    recipe : Recipe
    """

    mediation: Mediation
    compared: pd.DataFrame
    verdict: Verdict
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The groups, then the effects."""
        return (
            Exhibit("account_groups", self.compared, notes=("accounts_chosen",)),
            Exhibit("mediation_effects", self.mediation.effects, notes=("mediation_association", "mediation_verdict")),
        )

    def findings(self) -> tuple[Finding, ...]:
        """The long route with its verdict."""
        row = _long_route(self.mediation.effects)
        return (
            Finding(
                "key_account_chain",
                {
                    "via": row["via"],
                    "outcome": self.mediation.outcome,
                    "estimate": float(row["estimate"]),
                    "low": float(row["conf_low"]),
                    "high": float(row["conf_high"]),
                    "level": self.mediation.level,
                    "n": self.mediation.n,
                    "n_key": int(self.compared.loc[0, "n"]),
                },
                verdict=self.verdict,
                claim="D16",
            ),
        )


def judge_key_accounts(
    customers: pd.DataFrame,
    *,
    rng: np.random.Generator,
    flag: str = "key_account",
    satisfaction: str = "satisfaction",
    loyalty: str = "loyalty",
    outcome: str = "log_spend_after",
    covariates: Sequence[str] = ("log_spend_before",),
    resamples: int = 5000,
    level: float = 0.95,
) -> KeyAccounts:
    """Follow the chain key account → satisfaction → loyalty → later revenue.

    Parameters
    ----------
    customers : pd.DataFrame
        One row per customer (``LinkedCustomers.customers``).
    rng : np.random.Generator
    flag : str
        True or 1 for key accounts.
    satisfaction, loyalty, outcome : str
    covariates : Sequence[str]
        Held equal in every equation; spend before at least, since key accounts are chosen by it.
    resamples, level
        As :func:`~crmresearch.scoring.satisfaction.mediation.mediate`.

    Raises
    ------
    RefusedError
        A column is absent, or fewer than ten customers are key accounts or are not.

    Notes
    -----
    The rule of D16, fixed before the data: *supported* if the interval of the indirect effect along the
    whole chain lies above zero, *contradicted* if below, else *inconclusive*. Key accounts are chosen,
    not drawn: whatever stands behind the choice stands behind the chain too.
    """
    names = [flag, satisfaction, loyalty, outcome, *covariates]
    absent = [name for name in names if name not in customers]
    if absent:
        raise RefusedError(f"no column {absent[0]!r}", where="key accounts")
    used = customers[names].astype("Float64").astype(float).dropna()
    key = used[flag] > 0
    if min(key.sum(), (~key).sum()) < _FEWEST:
        raise RefusedError(
            f"{int(key.sum())} key accounts and {int((~key).sum())} others answered",
            where="key accounts",
            repair=f"{_FEWEST} of each are the least.",
        )
    used[flag] = key.astype(float)
    found = mediate(
        used,
        flag,
        [satisfaction, loyalty],
        outcome,
        rng=rng,
        covariates=covariates,
        order="serial",
        resamples=resamples,
        level=level,
    )
    row = _long_route(found.effects)
    low, high = float(row["conf_low"]), float(row["conf_high"])
    shown = [satisfaction, loyalty, outcome, *covariates[:1]]
    compared = pd.DataFrame(
        [
            {"group": name, "n": int(member.sum()), **used.loc[member, shown].mean().to_dict()}
            for name, member in (("key_account_group", key), ("other_account_group", ~key))
        ]
    )
    return KeyAccounts(
        mediation=found,
        compared=compared,
        verdict=judge_interval(low, high),
        recipe=Recipe("key_account_chain", found.recipe.options, found.recipe.source),
    )


def _long_route(effects: pd.DataFrame) -> pd.Series:
    routes = effects[effects["effect"] == "indirect"]
    return routes.loc[routes["via"].map(len).idxmax()]
