"""Regression in blocks: what each block of predictors adds to those before it, and claim D24."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from crmresearch.errors import RefusedError
from crmresearch.results import Exhibit, Finding, Recipe, Verdict
from crmresearch.scoring.resampling import bootstrap_counts, percentile_bounds
from crmresearch.scoring.satisfaction.regression.squares import (
    Covariance,
    LeastSquares,
    cluster_codes,
    complete_rows,
    fit_least_squares,
)
from crmresearch.scoring.satisfaction.weighted import weighted_covariances

_ROWS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class BlockFit:
    """A hierarchical regression.

    Attributes
    ----------
    steps : pd.DataFrame, shape (n_blocks, 11)
        step (1 = first), added (predictors, a list), n, r_squared, r_squared_adjusted, delta_r_squared, delta_low,
        delta_high (bootstrap interval of the increase), f_change, p_change (classical F test of the increase),
        p_robust (Wald test of the block with the robust errors).
    coefficients : pd.DataFrame
        step, term, estimate, std_error, statistic, p_value, conf_low, conf_high, beta, vif: of every step.
    last : LeastSquares
        The fit with all blocks.
    influence : pd.DataFrame, shape (n_flagged, 5)
        row, fitted, residual, leverage, cook_distance of the rows whose Cook's distance exceeds 4/n, largest
        first. They are named, none is left out.
    recipe : Recipe
    claim : str
        Claim that the last block's increase is judged for; empty where it is none.
    smallest_increase : float
        Smallest increase in R² of interest.
    """

    steps: pd.DataFrame
    coefficients: pd.DataFrame
    last: LeastSquares
    influence: pd.DataFrame
    recipe: Recipe
    claim: str
    smallest_increase: float

    def tidy(self) -> pd.DataFrame:
        """One row per term of the last step."""
        return self.last.tidy()

    def glance(self) -> pd.DataFrame:
        """One row for the last step."""
        return self.last.glance()

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Steps, coefficients, diagnostics, influential rows."""
        shown = [
            Exhibit("block_steps", self.steps, notes=("block_interval",)),
            Exhibit("block_coefficients", self.coefficients, notes=("robust_errors",)),
            Exhibit("block_diagnostics", self.last.diagnostics, notes=("diagnostics_reading",)),
        ]
        if len(self.influence):
            shown.append(Exhibit("influential_rows", self.influence, notes=("influence_rule",), rows_shown=_ROWS_SHOWN))
        return tuple(shown)

    def findings(self) -> tuple[Finding, ...]:
        """What the last block adds, with the verdict by the rule of :func:`fit_blocks`."""
        row = self.steps.iloc[-1]
        if len(self.steps) == 1:
            return ()
        values = {
            "added": row["added"],
            "outcome": self.recipe.options["outcome"],
            "before": [name for step in self.steps["added"].iloc[:-1] for name in step],
            "delta": float(row["delta_r_squared"]),
            "low": float(row["delta_low"]),
            "high": float(row["delta_high"]),
            "p": float(row["p_robust"]),
            "n": int(row["n"]),
            "smallest": self.smallest_increase,
            "confidence": self.recipe.options["confidence"],
        }
        verdict = judge_increase(
            values["low"], values["high"], values["p"], self.smallest_increase, 1 - values["confidence"]
        )
        return (Finding("block_increase", values, verdict=verdict, claim=self.claim),)


def fit_blocks(
    data: pd.DataFrame,
    *,
    outcome: str,
    blocks: Sequence[Sequence[str]],
    rng: np.random.Generator,
    covariance: Covariance = "HC3",
    cluster: str | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    smallest_increase: float = 0.01,
    claim: str = "",
) -> BlockFit:
    """Add blocks of predictors one after another, over the rows that have them all.

    Parameters
    ----------
    data : pd.DataFrame
        Numeric columns; every step uses the same rows.
    outcome : str
    blocks : Sequence[Sequence[str]]
        Predictors of each block; empty blocks are passed over.
    rng : np.random.Generator
    covariance, cluster, confidence
        As :func:`~crmresearch.scoring.satisfaction.regression.fit_least_squares`.
    resamples : int
        Bootstrap samples for the interval of each increase, at least 200; whole clusters are drawn
        where ``cluster`` is named.
    smallest_increase : float
        Smallest increase in R² of interest.
    claim : str
        Claim judged by the last block, e.g. ``"D24"``: that an affective scale goes with satisfaction or
        loyalty beyond functional ratings.

    Returns
    -------
    BlockFit

    Raises
    ------
    RefusedError
        As :func:`~crmresearch.scoring.satisfaction.regression.fit_least_squares`; no block, or too few resamples.

    Notes
    -----
    The rule, fixed before the data: the last block's increase is *supported* if its robust Wald test
    rejects at level 1 − confidence and the bootstrap interval of the increase lies above the smallest
    one, *contradicted* if the whole interval lies below it, *inconclusive* otherwise. R² cannot fall, so
    the interval alone would always lie above zero; hence the test and the smallest increase.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> data = pd.DataFrame(rng.normal(size=(200, 2)), columns=["a", "b"]).assign(y=lambda d: d["a"] + d["b"])
    >>> noisy = data.assign(y=data["y"] + rng.normal(size=200))
    >>> fit = fit_blocks(noisy, outcome="y", blocks=[["a"], ["b"]], rng=rng, resamples=200)
    >>> fit.findings()[0].verdict
    'supported'
    """
    kept = [list(block) for block in blocks if block]
    if not kept:
        raise RefusedError("no block of predictors", where="fit_blocks", repair="Name at least one predictor.")
    if resamples < 200:
        raise RefusedError(f"{resamples} resamples", where="fit_blocks", repair="Use at least 200.")
    if not 0 < smallest_increase < 1:
        raise RefusedError(f"smallest_increase must lie between 0 and 1, got {smallest_increase!r}", where="fit_blocks")
    everything = [name for block in kept for name in block]
    complete = complete_rows(data, outcome, everything, covariance, confidence)
    if cluster is not None:
        codes = cluster_codes(data, cluster, complete.index, len(everything) + 1)
        complete = complete.assign(**{cluster: codes.astype(str)})
    fits, upto = [], []
    for block in kept:
        upto = [*upto, *block]
        options = {"covariance": covariance, "cluster": cluster, "confidence": confidence}
        fits.append(fit_least_squares(complete, outcome=outcome, predictors=upto, **options))
    low, high = _intervals(
        complete[[outcome, *everything]].to_numpy(float),
        [len(block) for block in kept],
        complete[cluster] if cluster else None,
        rng,
        resamples,
        confidence,
    )
    flagged = fits[-1].residuals
    flagged = flagged[flagged["cook_distance"] > 4 / len(flagged)]
    return BlockFit(
        steps=pd.DataFrame([_step(k, kept, fits, low, high) for k in range(len(kept))]),
        coefficients=pd.concat(
            [
                fit.coefficients.drop(columns=["beta_low", "beta_high"]).assign(step=k)
                for k, fit in enumerate(fits, start=1)
            ],
            ignore_index=True,
        )[
            [
                "step",
                "term",
                "estimate",
                "std_error",
                "statistic",
                "p_value",
                "conf_low",
                "conf_high",
                "beta",
                "vif",
            ]
        ],
        last=fits[-1],
        influence=flagged.sort_values("cook_distance", ascending=False, kind="stable", ignore_index=True),
        recipe=Recipe(
            "block_regression",
            {
                "outcome": outcome,
                "covariance": "cluster_robust" if cluster else covariance,
                "cluster": cluster,
                "confidence": confidence,
                "resamples": resamples,
                "missing": "complete_cases",
                "smallest_increase": smallest_increase,
            },
            "Cohen, Cohen, West & Aiken (2003), ISBN 978-0805822236",
        ),
        claim=claim,
        smallest_increase=smallest_increase,
    )


def judge_increase(low: float, high: float, p: float, smallest: float, size: float) -> Verdict:
    """Judge an increase in R² by its robust test and its interval; see :func:`fit_blocks`.

    Examples
    --------
    >>> judge_increase(0.03, 0.09, 0.001, 0.01, 0.05), judge_increase(0.0, 0.008, 0.4, 0.01, 0.05)
    ('supported', 'contradicted')
    """
    if low > smallest and p < size:
        return "supported"
    return "contradicted" if high < smallest else "inconclusive"


def _step(k: int, blocks: list[list[str]], fits: list[LeastSquares], low: np.ndarray, high: np.ndarray) -> dict:
    now, before = fits[k].fit.iloc[0], fits[k - 1].fit.iloc[0]["r_squared"] if k else 0.0
    m, rest = len(blocks[k]), now["df_residual"]
    delta = now["r_squared"] - before
    f = delta / m / ((1 - now["r_squared"]) / rest) if now["r_squared"] < 1 else np.inf
    table, spread = fits[k].coefficients, fits[k].covariance
    b = table["estimate"].to_numpy()[-m:]
    wald = float(b @ np.linalg.solve(spread[-m:, -m:], b)) / m
    return {
        "step": k + 1,
        "added": blocks[k],
        "n": int(now["n"]),
        "r_squared": now["r_squared"],
        "r_squared_adjusted": now["r_squared_adjusted"],
        "delta_r_squared": delta,
        "delta_low": low[k],
        "delta_high": high[k],
        "f_change": f,
        "p_change": stats.f.sf(f, m, rest),
        "p_robust": stats.f.sf(wald, m, rest),
    }


def _intervals(
    values: np.ndarray,
    sizes: list[int],
    clusters: pd.Series | None,
    rng: np.random.Generator,
    resamples: int,
    confidence: float,
) -> np.ndarray:
    """Bootstrap interval of each block's increase in R²; every resample from its covariance matrix."""
    x = (values - values.mean(axis=0)) / values.std(axis=0)
    codes = np.arange(len(x)) if clusters is None else pd.factorize(clusters)[0]

    def explained(counts: np.ndarray) -> np.ndarray:
        spread = weighted_covariances(x, counts[:, codes])
        return np.column_stack([_r_squared(spread, end) for end in np.cumsum(sizes)])

    r2 = bootstrap_counts(explained, int(codes.max()) + 1, rng=rng, resamples=resamples)
    delta = np.diff(r2, axis=1, prepend=0)
    return percentile_bounds(delta[np.isfinite(delta).all(axis=1)], confidence)


def _r_squared(spread: np.ndarray, m: int) -> np.ndarray:
    """R² of the first column on the next ``m``; NaN where a resample is degenerate."""
    a, b, total = spread[:, 1 : m + 1, 1 : m + 1], spread[:, 1 : m + 1, 0], spread[:, 0, 0]
    scale = np.sqrt(np.einsum("bii->bi", a))
    good = (total > 1e-12) & (scale > 1e-6).all(axis=1)
    r2 = np.full(len(spread), np.nan)
    correlation = a[good] / (scale[good][:, :, None] * scale[good][:, None, :])
    sound = np.linalg.eigvalsh(correlation)[:, 0] > 1e-10
    rows = np.flatnonzero(good)[sound]
    solved = np.linalg.solve(a[rows], b[rows][:, :, None])[:, :, 0]
    r2[rows] = (solved * b[rows]).sum(axis=1) / total[rows]
    return r2
