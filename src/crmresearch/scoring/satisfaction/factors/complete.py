"""Complete answers ready for a factor analysis: constructs chosen, faults named, too few respondents refused."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmresearch.case import Instrument
from crmresearch.errors import RefusedError, nearest
from crmresearch.scoring.satisfaction.instrument import orient_items

MIN_RESPONDENTS, MIN_PER_ITEM, MIN_ITEMS = 100, 5, 3
RULE_SOURCE = "Gorsuch (1983), ISBN 978-0-89859-202-3; Hair et al. (2019), ISBN 978-1-4737-5654-0"
"""At least 100 respondents and five for each item, three items for each factor."""


def complete_answers(
    survey: pd.DataFrame, instrument: Instrument, *, constructs: Sequence[str] = (), where: str
) -> pd.DataFrame:
    """Answers of the respondents who answered every item of the constructs, reverse items turned.

    Parameters
    ----------
    survey : pd.DataFrame
        respondent_id and one numeric column per item.
    instrument : Instrument
    constructs : Sequence[str]
        Names of constructs; all of the instrument's where left out.
    where : str
        What the answers are for, as a refusal names it.

    Returns
    -------
    pd.DataFrame, shape (n, p)
        Indexed by respondent_id.

    Raises
    ------
    RefusedError
        As ``orient_items``; an unknown construct; fewer than three items; fewer respondents than the rule
        asks; a constant item; two items that are copies of one another. All by name.
    """
    unknown = [name for name in constructs if name not in instrument.constructs]
    if unknown:
        raise RefusedError(
            f"no construct {unknown[0]!r}{nearest(unknown[0], instrument.constructs)}",
            where=where,
            repair=f"There are: {', '.join(instrument.constructs)}.",
        )
    chosen = list(constructs) or list(instrument.constructs)
    names = list(dict.fromkeys(item for name in chosen for item in instrument.constructs[name].items))
    answers = orient_items(survey, instrument)[names].dropna()
    n, p = answers.shape
    if p < MIN_ITEMS:
        raise RefusedError(f"{p} items; a factor takes at least {MIN_ITEMS}", where=where, repair="Add constructs.")
    needed = max(MIN_RESPONDENTS, MIN_PER_ITEM * p)
    if n < needed:
        raise RefusedError(
            f"{n} respondents answered all {p} items; the rule asks for {needed} "
            f"(at least {MIN_RESPONDENTS}, and {MIN_PER_ITEM} an item: Gorsuch 1983)",
            where=where,
            repair="Ask more respondents, or analyse fewer constructs at a time (parameter constructs).",
        )
    constant = [item for item in names if answers[item].nunique() < 2]
    if constant:
        raise RefusedError(
            f"everybody gave the same answer to {', '.join(constant)}", where=where, repair="Leave the item out."
        )
    copies = np.argwhere(np.triu(np.abs(np.corrcoef(answers.to_numpy(), rowvar=False)) > 1 - 1e-10, 1))
    if len(copies):
        a, b = (names[i] for i in copies[0])
        raise RefusedError(
            f"items {a} and {b} are copies of one another (r = ±1)", where=where, repair="Leave one of them out."
        )
    return answers
