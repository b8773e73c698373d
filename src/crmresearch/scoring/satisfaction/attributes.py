"""Ratings of the attributes a questionnaire names: received, expected, importance; and the score they go with."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from crmresearch.case import Instrument
from crmresearch.errors import RefusedError, nearest
from crmresearch.scoring.satisfaction.instrument import orient_items

LEAST_ANSWERS = 30


def choose_attributes(
    instrument: Instrument, attributes: Sequence[str], *, twins: Sequence[str] = (), where: str
) -> list[str]:
    """Names of the attributes to look at: those named, or all that have the twins asked for.

    Parameters
    ----------
    instrument : Instrument
    attributes : Sequence[str]
        Empty takes all that have the twins.
    twins : Sequence[str]
        ``expectation``, ``importance``.
    where : str

    Raises
    ------
    RefusedError
        An unknown attribute, one without a twin, or none at all.
    """
    known = instrument.attributes
    unknown = [name for name in attributes if name not in known]
    if unknown:
        raise RefusedError(
            f"no attribute {unknown[0]!r}{nearest(unknown[0], known)}",
            where=where,
            repair=f"There are: {', '.join(known) or 'none'}; declare them under instrument.attributes.",
        )
    lacking = [name for name in attributes for twin in twins if not getattr(known[name], twin)]
    if lacking:
        raise RefusedError(
            f"attribute {lacking[0]!r} has no question on {' and '.join(twins)}",
            where=where,
            repair="Name its item under instrument.attributes in case.yaml, or leave the attribute out.",
        )
    chosen = list(attributes) or [name for name, a in known.items() if all(getattr(a, twin) for twin in twins)]
    if not chosen:
        asked = f" with a question on {' and '.join(twins)}" if twins else ""
        raise RefusedError(
            f"the instrument declares no attribute{asked}",
            where=where,
            repair="Declare them under instrument.attributes in case.yaml.",
        )
    return chosen


def attribute_ratings(
    survey: pd.DataFrame, instrument: Instrument, attributes: Sequence[str], kind: str
) -> pd.DataFrame:
    """Ratings of each attribute on one of its questions, reverse items turned.

    Parameters
    ----------
    kind : str
        ``performance``, ``expectation`` or ``importance``.

    Returns
    -------
    pd.DataFrame, shape (n_respondents, n_attributes)
        Named by attribute, indexed by respondent_id.
    """
    items = orient_items(survey, instrument)
    return pd.DataFrame({name: items[getattr(instrument.attributes[name], kind)] for name in attributes})


def outcome_score(survey: pd.DataFrame, instrument: Instrument, construct: str, *, where: str) -> pd.Series:
    """Mean of the answered items of the construct, where at least half are answered."""
    if construct not in instrument.constructs:
        raise RefusedError(
            f"no construct {construct!r}{nearest(construct, instrument.constructs)}",
            where=where,
            repair=f"There are: {', '.join(instrument.constructs)}.",
        )
    answers = orient_items(survey, instrument)[list(instrument.constructs[construct].items)]
    enough = answers.notna().sum(axis=1) >= answers.shape[1] / 2
    return answers.mean(axis=1).where(enough).rename(construct)


def refuse_unusable(data: pd.DataFrame, *, least: int = LEAST_ANSWERS, where: str) -> pd.DataFrame:
    """The complete rows; refused where they are too few, or a column does not vary in them."""
    complete = data.dropna()
    if len(complete) < least:
        raise RefusedError(
            f"{len(complete)} respondents answered all of {', '.join(map(str, data.columns))}; {least} are needed",
            where=where,
            repair="Leave out the attribute that few answered.",
        )
    constant = [str(name) for name in complete if complete[name].nunique() < 2]
    if constant:
        raise RefusedError(
            f"everybody gave the same answer on {', '.join(constant)}", where=where, repair="Leave it out."
        )
    return complete
