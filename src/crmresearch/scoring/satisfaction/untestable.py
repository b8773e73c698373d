"""Claims that these data cannot decide, each with what it would take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe

NEEDS = {
    "D02": "need_employees",
    "D12": "need_gap_and_orders",
    "D13": "need_orders",
    "D14": "need_referrals",
    "D16": "need_accounts",
    "D24": "need_affective",
    "D30": "need_switching",
    "D31": "need_orders",
    "D48": "need_comments",
}
"""Claim → what would have to be in the data."""


@dataclass(frozen=True, slots=True)
class UntestableClaims:
    """Claims without the data they need.

    Attributes
    ----------
    claims : pd.DataFrame
        claim, assertion (key of its wording), needed (key of what is missing).
    recipe : Recipe
    """

    claims: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The claims."""
        return (Exhibit("claims_untestable", self.claims.drop(columns="claim")),)

    def findings(self) -> tuple[Finding, ...]:
        """One sentence per claim."""
        return tuple(
            Finding(
                "claim_untestable",
                {"assertion": row.assertion, "needed": row.needed},
                verdict="not testable with these data",
                claim=row.claim,
            )
            for row in self.claims.itertuples()
        )


def name_untestable(claims: Sequence[str]) -> UntestableClaims:
    """Say which claims a case cannot decide, and what it lacks.

    Raises
    ------
    RefusedError
        A claim is unknown.

    Examples
    --------
    >>> name_untestable(["D14"]).findings()[0].verdict
    'not testable with these data'
    """
    unknown = [c for c in claims if c not in NEEDS]
    if unknown:
        raise RefusedError(f"no claim {unknown[0]!r}", where="claims", repair=f"There are: {', '.join(NEEDS)}.")
    table = pd.DataFrame(
        [(c, f"assertion_{c.lower()}", NEEDS[c]) for c in claims], columns=["claim", "assertion", "needed"]
    )
    return UntestableClaims(table, Recipe("untestable_claims", {}))
