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
from crmresearch.results import Exhibit, Finding, Recipe, Verdict
from crmresearch.scoring.resampling import bootstrap_counts, check_resampling, percentile_bounds
from crmresearch.scoring.satisfaction.attributes import (
    attribute_ratings,
    choose_attributes,
    outcome_score,
    refuse_unusable,
)
from crmresearch.scoring.satisfaction.weighted import weighted_correlations, weighted_covariances

FORMS = {
    "form_received": ("received",),
    "form_ratio": ("ratio",),
    "form_inverted": ("inverted",),
    "form_gap": ("gap",),
    "form_both": ("received", "expected"),
    "form_polynomial": ("received", "expected", "received_squared", "product", "expected_squared"),
}
"""Form of the comparison → the terms it enters a regression of the direct rating with."""
RIVALS = ("form_received", "form_gap", "form_both")
"""Forms that the ratio must be ahead of, every one, for claim D10."""
_SHUFFLES = 200
_NOTHING = 1e-10  # of a variance of 1: what does not vary, or is told by the other terms


@dataclass(frozen=True, slots=True)
class ReceivedExpected:
    """Three definitions of satisfaction on the same respondents.

    Attributes
    ----------
    attributes : pd.DataFrame, shape (k, 10)
        attribute, n, received_mean, expected_mean, ratio_of_means, mean_of_ratios, gap_mean, gap_low, gap_high,
        share_below (received less than expected).
    artefact : pd.DataFrame, shape (2, 5)
        measure (``form_ratio``, ``form_gap``), correlation_with_expected, conf_low, conf_high,
        correlation_at_random (the same correlation once received ratings are dealt to respondents at random).
    forms : pd.DataFrame, shape (6, 9)
        measure (see ``FORMS``), n_coefficients, correlation with the direct rating (missing where a form has
        several terms), r_squared, r_squared_adjusted, r_squared_left_out (one respondent at a time), advantage
        (adjusted R² of the ratio less this form's; missing for the ratio itself), advantage_low, advantage_high.
    claim : pd.DataFrame, shape (1, 5)
        D10: rival (the form that decides), advantage of the ratio over it, conf_low, conf_high, verdict.
    points : pd.DataFrame, shape (n, 5)
        received, expected, ratio, gap (means over the attributes), direct; indexed by respondent_id.
    recipe : Recipe
    """

    attributes: pd.DataFrame
    artefact: pd.DataFrame
    forms: pd.DataFrame
    claim: pd.DataFrame
    points: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Attributes, artefact, forms."""
        return (
            Exhibit("received_expected", self.attributes, notes=("ratio_reading", "ratio_no_zero")),
            Exhibit("ratio_artefact", self.artefact, notes=("artefact_rule",)),
            Exhibit("definitions_compared", self.forms, notes=("forms_rule", "association_only")),
        )

    def findings(self) -> tuple[Finding, ...]:
        """The artefact, and claim D10."""
        claim, shown = self.claim.iloc[0], self.artefact.iloc[0]
        left_out = self.forms.set_index("measure")["r_squared_left_out"]
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
                    "rival": claim["rival"],
                    "advantage": float(claim["advantage"]),
                    "low": float(claim["conf_low"]),
                    "high": float(claim["conf_high"]),
                    "ratio": float(left_out["form_ratio"]),
                    "best": left_out.idxmax(),
                    "best_left_out": float(left_out.max()),
                    "n": len(self.points),
                    "confidence": self.recipe.options["confidence"],
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
        At least 100.
    confidence : float
    rng : np.random.Generator

    Raises
    ------
    RefusedError
        No attribute has an expectation item; a scale that holds zero or negative answers, on which a ratio means
        nothing; too few complete answers; ratings or outcome that do not vary.
    UsageError
        Too few resamples, or a level that is none.

    Notes
    -----
    "The ratio of what was hoped for and what was received; the higher, the more satisfied" is read as received
    over expected: read the other way round it would say the opposite of its own second half. The inverted ratio
    is shown beside it.

    The rule of D10, fixed before the data: the advantage of the ratio over a form is its adjusted R² less that of
    the form, in regressions of the direct rating. The claim is *supported* if the whole bootstrap interval of the
    advantage lies above zero against each of received alone, the gap, and both ratings entered side by side;
    *contradicted* if it lies below zero against any of them; *inconclusive* otherwise. All three must be beaten, so
    where the ratio is not ahead of every one of them the claim is supported no more often than a single interval
    allows (2.5 % at a confidence of 95 %); where it is level with all, any of the three may contradict it.
    The inverted ratio and the polynomial are shown, not judged.

    A ratio or a difference with expectation correlates with expectation by construction. The correlation after
    received ratings are dealt out at random (mean of 200 shuffles, each respondent's ratings together) shows how
    much of it is arithmetic.

    References
    ----------
    Edwards, J. R. (2001). Ten difference score myths. Organizational Research Methods 4, 265–287.
    https://doi.org/10.1177/109442810143005

    Examples
    --------
    Satisfaction that goes with what was received, whatever was expected:

    >>> rng = np.random.default_rng(1)
    >>> survey = pd.DataFrame(rng.integers(1, 8, (200, 2)), columns=["p1", "e1"])
    >>> survey["s1"] = np.clip(survey["p1"] + rng.integers(-1, 2, 200), 1, 7)
    >>> survey["respondent_id"] = [f"r{i}" for i in range(200)]
    >>> title = {"en": "Goods", "zh": "商品"}
    >>> instrument = Instrument.model_validate({
    ...     "scale": {"low": 1, "high": 7},
    ...     "items": {item: title for item in ("p1", "e1", "s1")},
    ...     "constructs": {"overall": {"title": title, "items": ["s1"]}},
    ...     "attributes": {"goods": {"title": title, "performance": "p1", "expectation": "e1"}},
    ... })
    >>> found = compare_definitions(survey, instrument, outcome="overall", resamples=200, rng=rng)
    >>> found.claim[["rival", "verdict"]].values.tolist()
    [['form_received', 'contradicted']]
    """
    where = "received and expected"
    check_resampling(resamples, confidence, where=where)
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
    forms = _forms(points, resamples, confidence, rng)
    return ReceivedExpected(
        attributes=_attribute_table(received, expected, confidence),
        artefact=_artefact(points, received, expected, resamples, confidence, rng),
        forms=forms,
        claim=_judge(forms),
        points=points,
        recipe=Recipe(
            "three_definitions",
            {
                "outcome": outcome,
                "ratio_read_as": "received_over_expected",
                "n_used": len(points),
                "resamples": resamples,
                "confidence": confidence,
                "claim_rule": "advantage_over_each_rival",
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


def _artefact(
    points: pd.DataFrame,
    received: pd.DataFrame,
    expected: pd.DataFrame,
    resamples: int,
    confidence: float,
    rng: np.random.Generator,
) -> pd.DataFrame:
    x = points[["ratio", "gap", "expected"]].to_numpy()
    own = np.corrcoef(x, rowvar=False)[:2, 2]
    drawn = bootstrap_counts(lambda t: weighted_correlations(x, t)[:, :2, 2], len(x), rng=rng, resamples=resamples)
    bounds = percentile_bounds(drawn, confidence)
    p, e = (table.loc[points.index].to_numpy(float, na_value=np.nan) for table in (received, expected))
    dealt = np.array([_correlations(p[rng.permutation(len(p))], e, x[:, 2]) for _ in range(_SHUFFLES)])
    return pd.DataFrame(
        {
            "measure": ["form_ratio", "form_gap"],
            "correlation_with_expected": own,
            "conf_low": bounds[0],
            "conf_high": bounds[1],
            "correlation_at_random": dealt.mean(axis=0),
        }
    )


def _correlations(p: np.ndarray, e: np.ndarray, level: np.ndarray) -> list[float]:
    """Correlation of mean ratio and mean gap over the attributes with one variable."""
    pairs = np.isfinite(p) & np.isfinite(e)
    some = pairs.any(axis=1)
    sums = (np.where(pairs, both, 0.0).sum(axis=1)[some] for both in (p / e, p - e))
    return [np.corrcoef(total / pairs.sum(axis=1)[some], level[some])[0, 1] for total in sums]


def _forms(points: pd.DataFrame, resamples: int, confidence: float, rng: np.random.Generator) -> pd.DataFrame:
    """How far the direct rating goes with each form, and the advantage of the ratio over it."""
    p, e = (points[name] - points[name].mean() for name in ("received", "expected"))
    terms = points[["received", "expected", "ratio", "gap"]].assign(
        inverted=1 / points["ratio"],
        received_squared=p**2,
        product=p * e,
        expected_squared=e**2,
        direct=points["direct"],
    )
    x = terms.to_numpy(float)
    x = x - x.mean(axis=0)
    spread = x.std(axis=0)
    x = np.where(spread > _NOTHING, x / np.maximum(spread, _NOTHING), 0.0)
    sets = [[terms.columns.get_loc(name) for name in names] for names in FORMS.values()]
    n, ratio = len(x), list(FORMS).index("form_ratio")

    def adjusted(times: np.ndarray) -> np.ndarray:
        return _explained(x, times, sets)[1]

    r_squared, own, used = (value[0] for value in _explained(x, np.ones((1, n)), sets))
    drawn = bootstrap_counts(adjusted, n, rng=rng, resamples=resamples)
    low, high = percentile_bounds(drawn[:, [ratio]] - drawn, confidence)
    forms = pd.DataFrame(
        {
            "measure": list(FORMS),
            "n_coefficients": used + 1,
            "correlation": [x[:, at[0]] @ x[:, -1] / n if len(at) == 1 else np.nan for at in sets],
            "r_squared": r_squared,
            "r_squared_adjusted": own,
            "r_squared_left_out": [_left_out(x[:, at], x[:, -1]) for at in sets],
            "advantage": own[ratio] - own,
            "advantage_low": low,
            "advantage_high": high,
        }
    )
    forms.loc[ratio, ["advantage", "advantage_low", "advantage_high"]] = np.nan
    return forms


def _explained(x: np.ndarray, times: np.ndarray, sets: list[list[int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """R² of the last variable on each set of the others, the same adjusted, and the terms used; each (B, n_sets).

    Terms that do not vary in a resample, or that its other terms tell exactly, are not used.
    """
    spread = weighted_covariances(x, times)
    variance = np.einsum("bii->bi", spread)
    scale = np.where(variance > _NOTHING, 1 / np.sqrt(np.maximum(variance, _NOTHING)), 0.0)
    correlations = spread * scale[:, :, None] * scale[:, None, :]
    r_squared, used = np.empty((2, len(times), len(sets)))
    for k, at in enumerate(sets):
        size, axes = np.linalg.eigh(correlations[:, at][:, :, at])
        kept = size > _NOTHING
        along = np.einsum("bij,bi->bj", axes, correlations[:, at, -1])
        r_squared[:, k] = (along**2 / np.where(kept, size, np.inf)).sum(axis=1)
        used[:, k] = kept.sum(axis=1)
    r_squared[variance[:, -1] <= _NOTHING] = np.nan
    n = times.sum(axis=1, keepdims=True)
    return r_squared, 1 - (1 - r_squared) * (n - 1) / (n - 1 - used), used.astype(int)


def _left_out(x: np.ndarray, y: np.ndarray) -> float:
    """R² of every respondent foretold from all others; NaN where one alone decides a coefficient."""
    n = len(y)
    axes, size, _ = np.linalg.svd(x, full_matrices=False)
    axes = axes[:, size**2 > n * _NOTHING]
    stays = 1 - 1 / n - (axes**2).sum(axis=1)
    if stays.min() < _NOTHING:
        return np.nan
    left = (y - axes @ (axes.T @ y)) / stays
    return float(1 - (left @ left) / (y @ y) * ((n - 1) / n) ** 2)


def _judge(forms: pd.DataFrame) -> pd.DataFrame:
    """Verdict of D10 by the rule of :func:`compare_definitions`, with the rival that decides it.

    >>> bounds = {"advantage": 0.1, "advantage_low": [0.02, -0.04, 0.03], "advantage_high": [0.2, 0.3, 0.1]}
    >>> _judge(pd.DataFrame({"measure": RIVALS} | bounds))[["rival", "verdict"]].values.tolist()
    [['form_gap', 'inconclusive']]
    """
    rivals = forms.set_index("measure").loc[list(RIVALS)]
    low, high = rivals["advantage_low"], rivals["advantage_high"]
    verdict: Verdict = "supported" if (low > 0).all() else "contradicted" if (high < 0).any() else "inconclusive"
    rival = (high if verdict == "contradicted" else low).idxmin()
    shown = rivals.loc[rival, ["advantage", "advantage_low", "advantage_high"]].astype(float)
    row = (rival, *shown, verdict)
    return pd.DataFrame([row], columns=["rival", "advantage", "conf_low", "conf_high", "verdict"])
