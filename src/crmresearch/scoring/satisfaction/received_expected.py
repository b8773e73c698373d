"""Satisfaction measured three ways side by side: received over expected, received less expected, asked directly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from threadpoolctl import threadpool_limits

from crmresearch.case import Instrument
from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe, judge_interval
from crmresearch.scoring.resampling import bootstrap_counts, percentile_bounds
from crmresearch.scoring.satisfaction.attributes import (
    attribute_ratings,
    choose_attributes,
    outcome_score,
    refuse_unusable,
)
from crmresearch.scoring.satisfaction.weighted import weighted_correlations

_SHUFFLES = 200


@dataclass(frozen=True, slots=True)
class ReceivedExpected:
    """Three definitions of satisfaction on the same respondents.

    Attributes
    ----------
    attributes : pd.DataFrame, shape (k, 10)
        attribute, n, received_mean, expected_mean, ratio_of_means, mean_of_ratios, gap_mean, gap_low, gap_high,
        share_below (received less than expected).
    artefact : pd.DataFrame, shape (2, 5)
        measure (``ratio``, ``gap``), correlation_with_expected, conf_low, conf_high, correlation_at_random (the
        same correlation once received ratings are dealt to respondents at random).
    prediction : pd.DataFrame, shape (6, 6)
        measure (received, ratio, ratio_inverted, gap, both, polynomial), correlation with the direct rating
        (missing for the last two), r_squared, gain (over received alone), conf_low, conf_high (of the gain).
    claim : pd.DataFrame, shape (1, 4)
        D10: gain of the ratio over received alone, conf_low, conf_high, verdict.
    points : pd.DataFrame, shape (n, 5)
        received, expected, ratio, gap (means over the attributes), direct; indexed by respondent_id.
    recipe : Recipe
    """

    attributes: pd.DataFrame
    artefact: pd.DataFrame
    prediction: pd.DataFrame
    claim: pd.DataFrame
    points: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Attributes, artefact, prediction."""
        return (
            Exhibit("received_expected", self.attributes, notes=("ratio_reading", "ratio_no_zero")),
            Exhibit("ratio_artefact", self.artefact, notes=("artefact_rule",)),
            Exhibit("definitions_compared", self.prediction, notes=("definitions_rule", "association_only")),
        )

    def findings(self) -> tuple[Finding, ...]:
        """The artefact, and claim D10."""
        claim, shown = self.claim.iloc[0], self.artefact.iloc[0]
        r2 = self.prediction.set_index("measure")["r_squared"]
        level = {"confidence": self.recipe.options["confidence"]}
        return (
            Finding(
                "ratio_artefact",
                {
                    "correlation": float(shown["correlation_with_expected"]),
                    "at_random": float(shown["correlation_at_random"]),
                    "gap_at_random": float(self.artefact.iloc[1]["correlation_at_random"]),
                    "n": len(self.points),
                },
            ),
            Finding(
                "ratio_predicts",
                {
                    "outcome": self.recipe.options["outcome"],
                    "ratio": float(r2["ratio"]),
                    "received": float(r2["received"]),
                    "gap": float(r2["gap"]),
                    "both": float(r2["both"]),
                    "gain": float(claim["gain"]),
                    "low": float(claim["conf_low"]),
                    "high": float(claim["conf_high"]),
                    "n": len(self.points),
                    **level,
                },
                verdict=claim["verdict"],
                claim="D10",
            ),
        )


@threadpool_limits.wrap(limits=1)
def compare_definitions(
    survey: pd.DataFrame,
    instrument: Instrument,
    *,
    outcome: str,
    attributes: Sequence[str] = (),
    resamples: int = 2000,
    confidence: float = 0.95,
    rng: np.random.Generator,
) -> ReceivedExpected:
    """Set ratio, gap and direct rating beside one another, and judge claim D10 about the ratio.

    Parameters
    ----------
    survey : pd.DataFrame
    instrument : Instrument
        Attributes with a performance and an expectation item.
    outcome : str
        Construct of the direct rating.
    attributes : Sequence[str]
        All with an expectation item where left out.
    resamples : int
    confidence : float
    rng : np.random.Generator

    Raises
    ------
    RefusedError
        No attribute has an expectation item; a scale that holds zero or negative answers, on which a ratio means
        nothing; too few complete answers; ratings or outcome that do not vary.

    Notes
    -----
    "The ratio of what was hoped for and what was received; the higher, the more satisfied" is read as received
    over expected: read the other way round it would say the opposite of its own second half. The inverted ratio
    is shown beside it.

    The rule of D10, fixed before the data: the ratio says more of the direct rating than the received rating alone
    if the whole bootstrap interval of R²(ratio) − R²(received) lies above zero (*supported*), less if it lies
    below (*contradicted*), and it is *inconclusive* otherwise.

    A ratio or a difference with expectation correlates with expectation by construction. The correlation after
    received ratings are dealt out at random (mean of 200 shuffles) shows how much of it is arithmetic.

    References
    ----------
    Edwards, J. R. (2001). Ten difference score myths. Organizational Research Methods 4, 265–287.
    https://doi.org/10.1177/109442810143005
    """
    where = "received and expected"
    if instrument.scale.low <= 0:
        raise RefusedError(
            f"the scale begins at {instrument.scale.low}, and a ratio over zero means nothing",
            where=where,
            repair="Use the gap, or the response surface.",
        )
    names = choose_attributes(instrument, attributes, twins=("expectation",), where=where)
    received = attribute_ratings(survey, instrument, names, "performance")
    expected = attribute_ratings(survey, instrument, names, "expectation")
    direct = outcome_score(survey, instrument, outcome, where=where)
    both = received.notna() & expected.notna()
    points = pd.DataFrame(
        {
            "received": received.where(both).mean(axis=1),
            "expected": expected.where(both).mean(axis=1),
            "ratio": (received / expected).mean(axis=1),
            "gap": (received - expected).mean(axis=1),
            "direct": direct,
        }
    )
    points = refuse_unusable(points, where=where)
    prediction, claim = _predict(points, resamples, confidence, rng)
    return ReceivedExpected(
        attributes=_attribute_table(received, expected, confidence),
        artefact=_artefact(points, resamples, confidence, rng),
        prediction=prediction,
        claim=claim,
        points=points,
        recipe=Recipe(
            "three_definitions",
            {
                "outcome": outcome,
                "ratio_read_as": "received_over_expected",
                "n_used": len(points),
                "resamples": resamples,
                "confidence": confidence,
                "claim_rule": "gain_interval_against_zero",
            },
            "Edwards (2001), https://doi.org/10.1177/109442810143005",
        ),
    )


def _attribute_table(received: pd.DataFrame, expected: pd.DataFrame, confidence: float) -> pd.DataFrame:
    rows = []
    for name in received:
        pair = pd.DataFrame({"p": received[name], "e": expected[name]}).dropna()
        gap, n = pair["p"] - pair["e"], len(pair)
        half = stats.t.ppf((1 + confidence) / 2, n - 1) * gap.std() / np.sqrt(n) if n > 1 else np.nan
        p, e = pair["p"].mean(), pair["e"].mean()
        mean_of_ratios, mean = (pair["p"] / pair["e"]).mean(), gap.mean()
        rows.append((name, n, p, e, p / e, mean_of_ratios, mean, mean - half, mean + half, (gap < 0).mean()))
    columns = ["attribute", "n", "received_mean", "expected_mean", "ratio_of_means", "mean_of_ratios"]
    return pd.DataFrame(rows, columns=[*columns, "gap_mean", "gap_low", "gap_high", "share_below"])


def _artefact(points: pd.DataFrame, resamples: int, confidence: float, rng: np.random.Generator) -> pd.DataFrame:
    x = points[["ratio", "gap", "expected"]].to_numpy()
    own = np.corrcoef(x, rowvar=False)[:2, 2]
    drawn = bootstrap_counts(lambda t: weighted_correlations(x, t)[:, :2, 2], len(x), rng=rng, resamples=resamples)
    bounds = percentile_bounds(drawn, confidence)
    expected = points["expected"].to_numpy()
    received = rng.permuted(np.tile(points["received"], (_SHUFFLES, 1)), axis=1)
    dealt = [_correlations(shuffled, expected) for shuffled in (received / expected, received - expected)]
    return pd.DataFrame(
        {
            "measure": ["ratio", "gap"],
            "correlation_with_expected": own,
            "conf_low": bounds[0],
            "conf_high": bounds[1],
            "correlation_at_random": np.mean(dealt, axis=1),
        }
    )


def _correlations(rows: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Correlation of each row with one variable."""
    rows, other = rows - rows.mean(axis=1, keepdims=True), other - other.mean()
    return rows @ other / np.sqrt((rows**2).sum(axis=1) * (other @ other))


def _predict(
    points: pd.DataFrame, resamples: int, confidence: float, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """R² of the direct rating on each definition, and what each gains over received alone."""
    p, e = points["received"], points["expected"]
    table = points.assign(
        ratio_inverted=1 / points["ratio"],
        p_squared=(p - p.mean()) ** 2,
        p_e=(p - p.mean()) * (e - e.mean()),
        e_squared=(e - e.mean()) ** 2,
    )
    order = ["received", "expected", "p_squared", "p_e", "e_squared", "ratio", "ratio_inverted", "gap", "direct"]
    x = table[order].to_numpy()
    sets = {"received": [0], "ratio": [5], "ratio_inverted": [6], "gap": [7], "both": [0, 1]}
    sets["polynomial"] = [0, 1, 2, 3, 4]
    own = _r_squared(np.corrcoef(x, rowvar=False)[None], sets)[0]
    drawn = bootstrap_counts(
        lambda t: _r_squared(weighted_correlations(x, t), sets), len(x), rng=rng, resamples=resamples
    )
    low, high = percentile_bounds(drawn - drawn[:, :1], confidence)
    correlations = np.corrcoef(x, rowvar=False)[-1]
    prediction = pd.DataFrame(
        {
            "measure": list(sets),
            "correlation": [correlations[at[0]] if len(at) == 1 else np.nan for at in sets.values()],
            "r_squared": own,
            "gain": own - own[0],
            "conf_low": low,
            "conf_high": high,
        }
    )
    prediction.loc[0, ["gain", "conf_low", "conf_high"]] = np.nan
    gain, bottom, top = prediction.loc[1, ["gain", "conf_low", "conf_high"]].astype(float)
    verdict = judge_interval(bottom, top)
    claim = pd.DataFrame({"gain": [gain], "conf_low": [bottom], "conf_high": [top], "verdict": [verdict]})
    return prediction, claim


def _r_squared(correlations: np.ndarray, sets: dict[str, list[int]]) -> np.ndarray:
    """R² of the last variable on each set of the others; shape (B, n_sets)."""
    out = []
    for at in sets.values():
        outer = correlations[:, at, -1]
        inner = correlations[:, at][:, :, at] + 1e-12 * np.eye(len(at))
        out.append((outer * np.linalg.solve(inner, outer[..., None])[..., 0]).sum(axis=1))
    return np.column_stack(out)
