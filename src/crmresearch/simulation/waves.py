"""The year before: the same questionnaire put to the firms as they then were, and what has truly changed since."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmresearch.simulation.population import Population
from crmresearch.simulation.questionnaire import (
    CONSTRUCTS,
    HIGH,
    LOW,
    QUESTIONS,
    SKIPPED,
    Survey,
    collect_sheets,
    complaint_chance,
)
from crmresearch.simulation.records import Records
from crmresearch.simulation.world import DIMENSIONS, World, stream


def earlier_firms(population: Population, world: World, seed: int) -> pd.DataFrame:
    """The firms with the scores they had on the day of the earlier survey.

    Notes
    -----
    Performance P has since risen by what the world declares; each score, expectation E and switching cost C
    too, has wandered by z, normal with sd ``drift_sd``. Satisfaction, trust and loyalty followed the world's
    own equations: ΔS = Σ β_d (ΔP_d − ΔE_d) + z; ΔT = τ·ΔS + z; ΔL = λ_S·ΔS + λ_T·ΔT + λ_C·ΔC + λ_SC·Δ(S·C) + z.
    The wandering does not hang on today's scores, so those who answered both times changed as all did.
    """
    rng, now, k = stream(seed, "earlier scores"), population.firms, len(DIMENSIONS)
    wandered = rng.normal(0, world.drift_sd, (len(now), 2 * k + 4))
    rise = wandered[:, :k] + np.array(world.performance_rise)
    raised, switching, own = wandered[:, k : 2 * k], wandered[:, 2 * k], wandered[:, 2 * k + 1 :]
    satisfied = (rise - raised) @ np.array(world.satisfaction_on_gap) + own[:, 0]
    trusting = world.trust_on_satisfaction * satisfied + own[:, 1]
    then = now.copy()
    then[[f"performance_{d}" for d in DIMENSIONS]] -= rise
    then[[f"expectation_{d}" for d in DIMENSIONS]] -= raised
    then["switching_cost"] -= switching
    then["satisfaction"] -= satisfied
    then["trust"] -= trusting
    product = now["satisfaction"] * now["switching_cost"] - then["satisfaction"] * then["switching_cost"]
    then["loyalty"] -= (
        world.loyalty_on_satisfaction * satisfied
        + world.loyalty_on_trust * trusting
        + world.loyalty_on_switching * switching
        + world.loyalty_interaction * product
        + own[:, 2]
    )
    return then


def draw_earlier_survey(
    then: pd.DataFrame,
    records: Records,
    last_order: tuple[np.ndarray, np.ndarray],
    later: Survey,
    world: World,
    seed: int,
) -> Survey:
    """Ask the firms that ordered within a year before the earlier survey; who answers later is likelier to answer.

    Parameters
    ----------
    then : pd.DataFrame
        As :func:`earlier_firms` gives it.
    last_order : tuple of np.ndarray, each of shape (n_firms,)
        Day of each firm's last order up to the earlier and up to the later survey day; −1 where it had none.
    later : Survey
        The survey of the year after.
    """
    rng, day = stream(seed, "earlier survey"), world.day(world.earlier_survey_day)
    asked, asked_later = (
        order >= world.day(date) - 365
        for order, date in zip(last_order, (world.earlier_survey_day, world.survey_day), strict=True)
    )
    answers_later = np.isin(np.arange(len(then)), later.respondents["entity"])
    seldom = world.response_rate * (1 - world.answer_again) / (1 - world.response_rate)
    chance = np.where(answers_later, world.answer_again, np.where(asked_later, seldom, world.response_rate))
    answering = np.flatnonzero(asked & (rng.random(len(then)) < chance))
    return collect_sheets(then, answering, records, day, world, rng)


def declared_changes(world: World) -> dict[str, float]:
    """Construct → rise of its mean since the earlier survey, in units of the latent scores."""
    rise = dict(zip(DIMENSIONS, world.performance_rise, strict=True))
    satisfied = float(np.dot(world.satisfaction_on_gap, world.performance_rise))
    trusting = world.trust_on_satisfaction * satisfied
    followed = {
        **{f"performance_{d}": rise[d] for d in DIMENSIONS},
        "satisfaction": satisfied,
        "trust": trusting,
        "loyalty": world.loyalty_on_satisfaction * satisfied + world.loyalty_on_trust * trusting,
    }
    return {construct: float(round(followed.get(construct, 0.0), 12)) for construct in CONSTRUCTS}


def expected_answer(score: np.ndarray, world: World, *, about_us: bool = True) -> np.ndarray:
    """Mean answer of a firm's respondents to an item, its direction turned, for the firm's score.

    The answer is cut off at the ends of the scale, so that a rise of one point in the score is less than
    one in the answer.

    Examples
    --------
    >>> expected_answer(np.array([-9.0, 0.0, 9.0]), World()).round(2).tolist()
    [1.0, 4.6, 7.0]
    """
    spread = np.hypot(world.item_sd, world.item_loading * world.respondent_sd)
    spread = np.hypot(spread, world.halo_sd) if about_us else spread
    edges = np.arange(LOW, HIGH) + 0.5
    mean = world.item_centre + world.item_loading * np.asarray(score, dtype=float)
    return LOW + norm.cdf((mean[:, None] - edges) / spread).sum(axis=1)


def true_changes(
    now: pd.DataFrame,
    then: pd.DataFrame,
    surveys: tuple[Survey, Survey],
    last_order: tuple[np.ndarray, np.ndarray],
    world: World,
) -> pd.DataFrame:
    """What the comparison of the two surveys should find, construct by construct.

    Parameters
    ----------
    now, then : pd.DataFrame
        The firms on the later and on the earlier survey day.
    surveys, last_order : tuple
        Earlier, later.

    Returns
    -------
    pd.DataFrame, shape (n_constructs, 5)
        construct; declared (rise of the mean, in latent units); panel (mean rise of the expected score in
        points of the scale among the firms with a careful sheet in both surveys, n_panel of them);
        cross_section (expected score of the firms asked later less that of the firms asked earlier: what
        changed, and who was asked).
    """
    days = (world.earlier_survey_day, world.survey_day)
    asked = [order >= world.day(day) - 365 for order, day in zip(last_order, days, strict=True)]
    rows = []
    for construct, declared in declared_changes(world).items():
        scores = [_expected_score(firms, construct, world) for firms in (then, now)]
        heard = [_heard(survey, construct, len(now)) for survey in surveys]
        both = heard[0] & heard[1]
        weights = [
            where * (complaint_chance(firms) if construct == "performance_complaint" else 1.0)
            for where, firms in zip(asked, (then, now), strict=True)
        ]
        everybody = [np.average(score, weights=weight) for score, weight in zip(scores, weights, strict=True)]
        moved = float(np.mean((scores[1] - scores[0])[both])) if both.any() else np.nan
        rows.append((construct, declared, moved, int(both.sum()), everybody[1] - everybody[0]))
    return pd.DataFrame(rows, columns=["construct", "declared", "panel", "n_panel", "cross_section"])


def told(world: World, ledger: pd.DataFrame) -> dict[str, Any]:
    """What ``truth.yaml`` says of the two waves."""
    return {
        "days": {wave: day.isoformat() for wave, day in wave_days(world).items()},
        "rise": declared_changes(world),
        "injected_earlier": {kind: int(n) for kind, n in ledger["kind"].value_counts().sort_index().items()},
    }


def wave_days(world: World) -> dict[str, Any]:
    """Wave → its first day, the earlier first; a wave is called by its year."""
    return {str(day.year): day for day in (world.earlier_survey_day, world.survey_day)}


def _expected_score(firms: pd.DataFrame, construct: str, world: World) -> np.ndarray:
    about_us = construct != "expectation"
    latents = [q.latent for q in QUESTIONS.values() if q.construct == construct]
    return np.mean([expected_answer(firms[x].to_numpy(), world, about_us=about_us) for x in latents], axis=0)


def _heard(survey: Survey, construct: str, n_firms: int) -> np.ndarray:
    """Firms with a careful sheet that answers the construct."""
    item = next(name for name, q in QUESTIONS.items() if q.construct == construct)
    sheets = survey.respondents
    careful = ~sheets["speeder"].to_numpy() & ~sheets["straight_liner"].to_numpy()
    answered = careful & survey.answers[item].ne(SKIPPED).to_numpy()
    return np.isin(np.arange(n_firms), sheets.loc[answered, "entity"])
