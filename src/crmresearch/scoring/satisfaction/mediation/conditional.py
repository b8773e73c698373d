"""Moderated mediation: indirect effects at levels of a moderator, and the index that tests their change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import pandas as pd

from crmresearch.errors import UsageError
from crmresearch.results import Exhibit, Finding, Recipe, judge_interval
from crmresearch.scoring.resampling import bootstrap_counts, check_resampling
from crmresearch.scoring.satisfaction.bounds import bound_draws
from crmresearch.scoring.satisfaction.mediation.linear import (
    check_columns,
    covariances,
    keep_solved,
    refuse_dependent,
    solve_equation,
    tabulate_equation,
)
from crmresearch.scoring.satisfaction.paths.moments import Moments, read_items

Stage = Literal["first", "second", "direct"]
"""Which slope the moderator changes: predictor → mediator, mediator → outcome, predictor → outcome."""
Interval = Literal["percentile", "bca"]

SOURCE = (
    "Hayes (2015), doi:10.1080/00273171.2014.962683; Preacher, Rucker and Hayes (2007), doi:10.1080/00273170701341316"
)
_LEVELS = ("level_low", "level_mean", "level_high")


@dataclass(frozen=True, slots=True)
class ConditionalMediation:
    """Indirect effects that may change with a moderator.

    Attributes
    ----------
    predictor, moderator, outcome : str
    effects : pd.DataFrame
        effect (``conditional_indirect``, ``conditional_direct``), via (list), moderator_level, moderator_value,
        estimate, std_error, conf_low, conf_high: at one standard deviation below the moderator's mean, at it, above.
    index : pd.DataFrame, one row per mediator
        via, index_kind (``index_linear``: change of the indirect effect per unit of the moderator; where both
        stages are moderated it is no constant, and ``index_contrast`` is the effect at the high less that at the
        low level), estimate, std_error, conf_low, conf_high.
    equations : pd.DataFrame
        outcome, term, estimate, std_error, statistic, p_value, conf_low, conf_high; predictor, moderator and
        mediators centred, products named ``a × b``.
    draws : float array, shape (resamples, rows of effects + rows of index)
    n : int
    level : float
    """

    predictor: str
    moderator: str
    outcome: str
    effects: pd.DataFrame
    index: pd.DataFrame
    equations: pd.DataFrame
    draws: np.ndarray
    n: int
    level: float
    recipe: Recipe = field(repr=False)

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Index, conditional effects, equations."""
        return (
            Exhibit("mediation_index", self.index, notes=("mediation_index_rule", "mediation_association")),
            Exhibit("conditional_effects", self.effects),
            Exhibit("conditional_equations", self.equations),
        )

    def findings(self) -> tuple[Finding, ...]:
        """The index of each mediator."""
        return tuple(
            Finding(
                "moderated_mediation",
                {
                    "predictor": self.predictor,
                    "moderator": self.moderator,
                    "outcome": self.outcome,
                    "via": row.via,
                    "estimate": row.estimate,
                    "low": row.conf_low,
                    "high": row.conf_high,
                    "level": self.level,
                    "n": self.n,
                },
                verdict=judge_interval(row.conf_low, row.conf_high),
            )
            for row in self.index.itertuples()
        )

    def tidy(self) -> pd.DataFrame:
        """``term, estimate, std_error, conf_low, conf_high`` of the index of each mediator."""
        table = self.index.drop(columns=["index_kind"]).rename(columns={"via": "term"})
        return table.assign(term=[f"index: {' → '.join(v)}" for v in table["term"]])


def mediate_conditionally(
    data: pd.DataFrame,
    predictor: str,
    mediators: Sequence[str],
    outcome: str,
    moderator: str,
    *,
    rng: np.random.Generator,
    stages: Sequence[Stage] = ("first",),
    covariates: Sequence[str] = (),
    resamples: int = 5000,
    interval: Interval = "percentile",
    level: float = 0.95,
) -> ConditionalMediation:
    """Estimate indirect effects through parallel mediators at levels of a moderator.

    Parameters
    ----------
    data : pd.DataFrame
        One row per respondent; the named columns numeric. Rows with a missing value are left out.
    predictor, outcome, moderator : str
    mediators : sequence of str
    rng : np.random.Generator
    stages : sequence of {"first", "second", "direct"}
        Slopes that the moderator changes; ``("first", "direct")`` is model 8 of Hayes, ``("second",)`` model 14.
    covariates : sequence of str
    resamples : int
        At least 100.
    interval : {"percentile", "bca"}
    level : float

    Raises
    ------
    UsageError
        A column is named twice, there is no mediator, no stage, or an option is unknown.
    InputError
        A column is absent.
    RefusedError
        Text, a constant column, identical columns, too few rows, or dependent predictors.

    Notes
    -----
    With the moderator W at w, the first stage is a₁ + a₃w, the second b₁ + b₃w; their product is the
    conditional indirect effect, and with one stage moderated its slope in w (a₃b₁ or a₁b₃) is the index
    of moderated mediation (Hayes 2015). The moderator's levels and the centring stay those of the whole
    sample; all resamples are solved together from their covariance matrices.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> x, w = rng.normal(size=(2, 600))
    >>> m = (0.4 + 0.4 * w) * x + rng.normal(size=600)
    >>> data = pd.DataFrame({"x": x, "w": w, "m": m, "y": 0.5 * m + rng.normal(size=600)})
    >>> found = mediate_conditionally(data, "x", ["m"], "y", "w", rng=rng, resamples=500)
    >>> bool(found.index.loc[0, "conf_low"] < 0.2 < found.index.loc[0, "conf_high"])
    True
    """
    mediators, covariates, stages = tuple(mediators), tuple(covariates), tuple(dict.fromkeys(stages))
    names = (predictor, *mediators, outcome, moderator, *covariates)
    _check(names, mediators, stages, interval, level, resamples)
    plain = read_items(data, names, missing="casewise", missing_codes=())
    table = pd.DataFrame(plain.values, columns=list(names), index=plain.rows)
    centred = (predictor, moderator, *mediators)
    table[list(centred)] -= table[list(centred)].mean()
    products = []
    if {"first", "direct"} & set(stages):
        products.append((predictor, moderator))
    if "second" in stages:
        products += [(m, moderator) for m in mediators]
    for a, b in products:
        table[_product(a, b)] = table[a] * table[b]
    items = read_items(table, list(table.columns), missing="casewise", missing_codes=())
    place = {name: k for k, name in enumerate(table.columns)}
    equations = _equations_of(predictor, mediators, outcome, moderator, covariates, stages)
    spots = [(place[y], np.array([place[x] for x in xs])) for y, xs in equations]
    points = np.array([-table[moderator].std(), 0.0, table[moderator].std()])
    moments = Moments(items)

    def run(counts: np.ndarray) -> np.ndarray:
        return _statistics(
            covariances(moments, counts, items), equations, spots, mediators, predictor, moderator, stages, points
        )

    whole = covariances(moments, np.ones((1, items.n)), items)
    estimate = run(np.ones((1, items.n)))[0]
    refuse_dependent(estimate)
    draws = bootstrap_counts(run, items.n, rng=rng, resamples=resamples)
    draws = keep_solved(draws, np.isfinite(draws).all(axis=1))
    low, high = bound_draws(draws, estimate, run, items.n, interval=interval, level=level)
    k = 3 * (len(mediators) + 1)
    spread = draws.std(axis=0, ddof=1)
    via = [[m] for m in mediators for _ in _LEVELS] + [[] for _ in _LEVELS]
    middle = float(plain.values[:, list(names).index(moderator)].mean())
    numbers = {"estimate": estimate, "std_error": spread, "conf_low": low, "conf_high": high}
    both = {"first", "second"} <= set(stages)
    return ConditionalMediation(
        predictor=predictor,
        moderator=moderator,
        outcome=outcome,
        effects=pd.DataFrame(
            {
                "effect": ["conditional_indirect"] * (k - 3) + ["conditional_direct"] * 3,
                "via": via,
                "moderator_level": list(_LEVELS) * (len(mediators) + 1),
                "moderator_value": np.tile(points + middle, len(mediators) + 1),
                **{name: values[:k] for name, values in numbers.items()},
            }
        ),
        index=pd.DataFrame(
            {
                "via": [[m] for m in mediators],
                "index_kind": ["index_contrast" if both else "index_linear"] * len(mediators),
                **{name: values[k:] for name, values in numbers.items()},
            }
        ),
        equations=pd.concat(
            [
                tabulate_equation(whole[0], spot, before, items.n, level).assign(
                    outcome=y, term=[x.split(" × ") for x in xs]
                )
                for (y, xs), (spot, before) in zip(equations, spots, strict=True)
            ],
            ignore_index=True,
        ),
        draws=draws,
        n=items.n,
        level=level,
        recipe=Recipe(
            "conditional_mediation",
            {
                "moderator": moderator,
                "moderated_stages": [f"stage_{s}" for s in stages],
                "covariates": list(covariates) or None,
                "interval": f"interval_{interval}",
                "resamples": resamples,
                "resamples_used": len(draws),
                "level": level,
                "missing_rule": "missing_casewise",
                "n_used": items.n,
                "n_dropped": plain.n_dropped,
            },
            SOURCE,
        ),
    )


def _product(a: str, b: str) -> str:
    return f"{a} × {b}"


def _equations_of(
    predictor: str,
    mediators: tuple[str, ...],
    outcome: str,
    moderator: str,
    covariates: tuple[str, ...],
    stages: tuple[Stage, ...],
) -> list[tuple[str, list[str]]]:
    """Outcome and predictors of every equation."""
    first = [predictor, *([moderator, _product(predictor, moderator)] if "first" in stages else [])]
    last = [predictor, *mediators]
    if {"second", "direct"} & set(stages):
        last.append(moderator)
    last += [_product(m, moderator) for m in mediators] if "second" in stages else []
    last += [_product(predictor, moderator)] if "direct" in stages else []
    return [*((m, [*first, *covariates]) for m in mediators), (outcome, [*last, *covariates])]


def _statistics(
    covariance: np.ndarray,
    equations: list[tuple[str, list[str]]],
    spots: list[tuple[int, np.ndarray]],
    mediators: tuple[str, ...],
    predictor: str,
    moderator: str,
    stages: tuple[Stage, ...],
    points: np.ndarray,
) -> np.ndarray:
    """Conditional indirect effects of each mediator, direct effects, index of each; shape (B, 4k + 3)."""
    slopes = {
        (y, x): beta[:, j]
        for (y, xs), (spot, before) in zip(equations, spots, strict=True)
        for beta in [solve_equation(covariance, spot, before)]
        for j, x in enumerate(xs)
    }
    outcome, zero = equations[-1][0], np.zeros(len(covariance))
    columns, index = [], []
    for m in mediators:
        a1, b1 = slopes[m, predictor], slopes[outcome, m]
        a3 = slopes[m, _product(predictor, moderator)] if "first" in stages else zero
        b3 = slopes[outcome, _product(m, moderator)] if "second" in stages else zero
        at = [(a1 + a3 * w) * (b1 + b3 * w) for w in points]
        columns += at
        index.append(at[2] - at[0] if {"first", "second"} <= set(stages) else a3 * b1 + a1 * b3)
    c1 = slopes[outcome, predictor]
    c3 = slopes[outcome, _product(predictor, moderator)] if "direct" in stages else zero
    return np.column_stack([*columns, *(c1 + c3 * w for w in points), *index])


def _check(
    names: tuple[str, ...],
    mediators: tuple[str, ...],
    stages: tuple[Stage, ...],
    interval: str,
    level: float,
    resamples: int,
) -> None:
    check_columns(names, mediators)
    if not stages or set(stages) - set(get_args(Stage)) or interval not in get_args(Interval):
        raise UsageError(
            f"stages {stages!r}, interval {interval!r}",
            where="mediation",
            repair=f"Stages: {', '.join(get_args(Stage))}; intervals: {', '.join(get_args(Interval))}.",
        )
    if set(stages) == {"direct"}:
        raise UsageError("only the direct slope is moderated", where="mediation", repair="Use moderate instead.")
    check_resampling(resamples, level, where="mediation")
