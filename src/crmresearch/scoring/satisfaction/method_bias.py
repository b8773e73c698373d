"""Common-method risk: several signs that answers go together because one person gave them at one time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from crmresearch.case import Instrument
from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.satisfaction.factors.complete import complete_answers
from crmresearch.scoring.satisfaction.factors.fit import fit_indices
from crmresearch.scoring.satisfaction.factors.likelihood import fit_factor_model

HARMAN, MOST_VIF, LEAST_CFI_GAIN, MOST_MARKER = 0.50, 3.3, 0.10, 0.30


@dataclass(frozen=True, slots=True)
class MethodRisk:
    """Signs of common-method variance, each with its rule.

    Attributes
    ----------
    card : pd.DataFrame, shape (4 or 5, 4)
        sign, measured, threshold, raised: Harman's first factor; CFI of the questionnaire's model over that of
        one factor; largest full-collinearity VIF; smallest correlation of two constructs, or that of the
        marker; share of correlations that stay significant with the marker's part taken out.
    adjusted : pd.DataFrame, shape (n_pairs, 5)
        construct, other, correlation (of the scores), correlation_adjusted, p_value (of the adjusted).
    collinearity : pd.DataFrame, shape (n_constructs, 2)
        construct, vif.
    recipe : Recipe
    """

    card: pd.DataFrame
    adjusted: pd.DataFrame
    collinearity: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The card, the adjusted correlations, the collinearity."""
        return (
            Exhibit("method_risk", self.card, notes=("method_risk_rule", "method_risk_design")),
            Exhibit("marker_adjusted", self.adjusted, notes=("marker_rule",)),
            Exhibit("full_collinearity", self.collinearity),
        )

    def findings(self) -> tuple[Finding, ...]:
        """How many signs are raised."""
        raised = self.card.loc[self.card["raised"], "sign"].tolist()
        return (
            Finding(
                "method_risk" if raised else "method_risk_none",
                {"n": len(self.card), "n_raised": len(raised), "signs": raised},
            ),
        )


def score_method_risk(
    survey: pd.DataFrame,
    instrument: Instrument,
    *,
    constructs: Sequence[str] = (),
    marker: str = "",
    confidence: float = 0.95,
) -> MethodRisk:
    """Look for common-method variance by several signs, none of which proves or rules it out.

    Parameters
    ----------
    survey : pd.DataFrame
    instrument : Instrument
    constructs : Sequence[str]
        Constructs looked at, at least two; all where left out.
    marker : str
        A construct that theory holds to be unrelated to the others; where left out, the smallest
        correlation between two constructs stands in for it (Lindell & Whitney 2001), which asks too much.
    confidence : float

    Raises
    ------
    RefusedError
        As :func:`~crmresearch.scoring.satisfaction.factors.complete.complete_answers`; fewer than two
        constructs; a marker that is none of them.

    Notes
    -----
    - *Harman*: share of the first unrotated principal component; raised at .50. Weak: it misses much.
    - *CFI gain*: CFI of the model with a factor for each construct less that with one factor for all; raised
      below .10, for then one source accounts for the answers almost as well.
    - *Full collinearity*: each construct's score on all others (Kock 2015); raised above 3.3.
    - *Marker*: r_m of the marker is taken out of each correlation, (r − r_m)/(1 − r_m); raised where r_m is
      above .30.

    References
    ----------
    Podsakoff, P. M. et al. (2003). Common method biases in behavioral research. Journal of Applied
    Psychology 88, 879–903. https://doi.org/10.1037/0021-9010.88.5.879

    Lindell, M. K. & Whitney, D. J. (2001). Accounting for common method variance in cross-sectional research
    designs. Journal of Applied Psychology 86, 114–121. https://doi.org/10.1037/0021-9010.86.1.114

    Kock, N. (2015). Common method bias in PLS-SEM. International Journal of e-Collaboration 11(4), 1–10.
    https://doi.org/10.4018/ijec.2015100101
    """
    where = "common-method risk"
    chosen = list(constructs) or list(instrument.constructs)
    answers = complete_answers(survey, instrument, constructs=chosen, where=where)
    if len(chosen) < 2:
        raise RefusedError("one construct", where=where, repair="Name two constructs or more.")
    if marker and marker not in chosen:
        raise RefusedError(f"the marker {marker!r} is none of the constructs", where=where, repair="Add it to them.")
    correlation = np.corrcoef(answers.to_numpy(), rowvar=False)
    harman = float(np.linalg.eigvalsh(correlation)[-1] / len(correlation))
    scores = pd.DataFrame({c: answers[list(instrument.constructs[c].items)].mean(axis=1) for c in chosen})
    between = np.corrcoef(scores.to_numpy(), rowvar=False)
    if np.linalg.eigvalsh(between)[0] < 1e-9:
        raise RefusedError("two constructs share their items", where=where, repair="Name one of them only.")
    vif = np.diag(np.linalg.inv(between))
    a, b = np.triu_indices(len(chosen), 1)
    r = between[a, b]
    if marker:
        at = chosen.index(marker)
        touching = np.abs(np.delete(between[at], at))
        part, rest = float(touching.min()), (a != at) & (b != at)
    else:
        part, rest = float(np.abs(r).min()), np.ones(len(r), dtype=bool)
    adjusted = (np.abs(r) - part) / (1 - part) * np.sign(r)
    n = len(scores)
    t = adjusted * np.sqrt((n - 3) / (1 - adjusted**2))
    chance = 2 * stats.t.sf(np.abs(t), n - 3)
    was = 2 * stats.t.sf(np.abs(r * np.sqrt((n - 2) / (1 - r**2))), n - 2) < 1 - confidence
    held = float((chance[rest & was] < 1 - confidence).mean()) if (rest & was).any() else np.nan
    gain = _gain(answers, instrument, chosen)
    card = [
        ("harman", harman, HARMAN, harman >= HARMAN),
        ("cfi_gain", gain, LEAST_CFI_GAIN, gain < LEAST_CFI_GAIN),
        ("full_collinearity", float(vif.max()), MOST_VIF, bool(vif.max() > MOST_VIF)),
        ("marker_correlation", part, MOST_MARKER, part > MOST_MARKER),
        ("correlations_held", held, 0.5, held < 0.5),
    ]
    card = [row for row in card if not np.isnan(row[1])]
    return MethodRisk(
        card=pd.DataFrame(card, columns=["sign", "measured", "threshold", "raised"]).astype({"raised": bool}),
        adjusted=pd.DataFrame(
            {
                "construct": [chosen[i] for i in a[rest]],
                "other": [chosen[i] for i in b[rest]],
                "correlation": r[rest],
                "correlation_adjusted": adjusted[rest],
                "p_value": chance[rest],
            }
        ),
        collinearity=pd.DataFrame({"construct": chosen, "vif": vif}),
        recipe=Recipe(
            "method_risk",
            {
                "constructs": chosen,
                "marker": marker or "smallest_correlation",
                "confidence": confidence,
                "n_used": n,
                "missing": "complete_cases",
            },
            "Podsakoff et al. (2003), https://doi.org/10.1037/0021-9010.88.5.879; Lindell & Whitney (2001), "
            "https://doi.org/10.1037/0021-9010.86.1.114",
        ),
    )


def _gain(answers: pd.DataFrame, instrument: Instrument, chosen: list[str]) -> float:
    """CFI with a factor for each construct of two items or more, less CFI with one factor; NaN if not to be had."""
    several = [name for name in chosen if len(instrument.constructs[name].items) > 1]
    items = [item for name in several for item in instrument.constructs[name].items]
    owner = np.array([name for name in several for _ in instrument.constructs[name].items])
    if len(several) < 2 or len(set(items)) < len(items):
        return np.nan
    x = answers[items].to_numpy()
    try:
        cfi = [
            float(fit_indices(fit_factor_model(x, membership), x)["cfi"].iloc[0])
            for membership in ((owner[:, None] == np.array(several)).astype(float), np.ones((len(items), 1)))
        ]
    except RefusedError:
        return np.nan
    return cfi[0] - cfi[1]
