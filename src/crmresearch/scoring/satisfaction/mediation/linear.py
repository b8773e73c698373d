"""Mediation: how much of an association runs by way of other variables, with an interval for each route."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student

from crmresearch.errors import RefusedError, UsageError
from crmresearch.results import Exhibit, Finding, Recipe, judge_interval
from crmresearch.scoring.resampling import bootstrap_counts, check_resampling
from crmresearch.scoring.satisfaction.bounds import bound_draws
from crmresearch.scoring.satisfaction.paths.moments import Items, Moments, read_items

Order = Literal["parallel", "serial"]
"""Mediators side by side, or each a predictor of the later ones."""
Interval = Literal["percentile", "bca", "monte_carlo"]
"""Bootstrap percentiles, bias-corrected and accelerated ones, or draws from the coefficients' normal law."""

SOURCE = (
    "Preacher and Hayes (2008), doi:10.3758/BRM.40.3.879; Efron (1987), doi:10.1080/01621459.1987.10478410; "
    "MacKinnon, Lockwood and Williams (2004), doi:10.1207/s15327906mbr3901_4"
)


@dataclass(frozen=True, slots=True)
class Mediation:
    """Indirect, direct and total effects of one predictor in a linear mediation model.

    Attributes
    ----------
    effects : pd.DataFrame
        effect (indirect, total_indirect, direct, total, share_mediated), via (mediators on the
        route, a list), estimate, std_error, conf_low, conf_high. Unstandardised.
    equations : pd.DataFrame
        outcome, term, estimate, std_error, statistic, p_value, conf_low, conf_high of each ordinary
        least-squares equation; the first is the outcome without mediators.
    draws : float array, shape (resamples, number of rows of effects)
    n : int
        Rows in use.
    level : float
        Coverage of the intervals.
    """

    predictor: str
    outcome: str
    effects: pd.DataFrame
    equations: pd.DataFrame
    draws: np.ndarray
    n: int
    level: float
    recipe: Recipe = field(repr=False)

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Effects with intervals, then the equations they come from."""
        return (
            Exhibit("mediation_effects", self.effects, notes=("mediation_association", "mediation_verdict")),
            Exhibit("mediation_equations", self.equations, notes=("mediation_steps",)),
            Exhibit("causal_steps", self.steps(), notes=("causal_steps_history",)),
        )

    def steps(self) -> pd.DataFrame:
        """Causal steps of Baron and Kenny (1986) with the normal test of Sobel (1982): history, no verdict.

        Returns
        -------
        pd.DataFrame
            causal_step, outcome, term, estimate, statistic, p_value, passed (p below 1 − level; the last step,
            which asks for a smaller direct than total slope, has the comparison instead).
        """
        table, size = self.equations, 1 - self.level
        whole = table.iloc[0]
        direct = table[(table["outcome"] == self.outcome) & (table["term"] == self.predictor)].iloc[-1]
        last = table.loc[direct.name :]
        last = last[last["outcome"] == self.outcome]
        rows = [("step_total", self.outcome, *whole[["term", "estimate", "statistic", "p_value"]])]
        for mediator in [m for m in table["outcome"].unique() if m != self.outcome]:
            first = table[(table["outcome"] == mediator) & (table["term"] == self.predictor)].iloc[0]
            second = last[last["term"] == mediator].iloc[0]
            rows.append(("step_first", mediator, *first[["term", "estimate", "statistic", "p_value"]]))
            rows.append(("step_second", self.outcome, *second[["term", "estimate", "statistic", "p_value"]]))
            error = np.hypot(first["estimate"] * second["std_error"], second["estimate"] * first["std_error"])
            z = first["estimate"] * second["estimate"] / error
            rows.append(
                ("step_sobel", self.outcome, mediator, first["estimate"] * second["estimate"], z, 2 * norm.sf(abs(z)))
            )
        rows.append(("step_direct", self.outcome, *direct[["term", "estimate", "statistic", "p_value"]]))
        columns = ["causal_step", "outcome", "term", "estimate", "statistic", "p_value"]
        steps = pd.DataFrame(rows, columns=columns)
        steps["passed"] = steps["p_value"] < size
        steps.loc[len(steps) - 1, "passed"] = bool(abs(direct["estimate"]) < abs(whole["estimate"]))
        return steps

    def findings(self) -> tuple[Finding, ...]:
        """Each route, judged by its own interval against the expectation that it is positive."""
        routes = self.effects[self.effects["effect"] == "indirect"]
        return tuple(
            Finding(
                "mediation_route",
                {
                    "predictor": self.predictor,
                    "via": row.via,
                    "outcome": self.outcome,
                    "estimate": row.estimate,
                    "low": row.conf_low,
                    "high": row.conf_high,
                    "level": self.level,
                    "n": self.n,
                },
                verdict=judge_interval(row.conf_low, row.conf_high),
            )
            for row in routes.itertuples()
        )

    def tidy(self) -> pd.DataFrame:
        """``term, estimate, std_error, conf_low, conf_high`` of the effects."""
        named = zip(self.effects["effect"], self.effects["via"], strict=True)
        table = self.effects.drop(columns=["effect", "via"])
        table.insert(0, "term", [": ".join([e, " → ".join(v)]) if v else e for e, v in named])
        return table


def mediate(
    data: pd.DataFrame,
    predictor: str,
    mediators: Sequence[str],
    outcome: str,
    *,
    rng: np.random.Generator,
    covariates: Sequence[str] = (),
    order: Order = "parallel",
    resamples: int = 5000,
    interval: Interval = "percentile",
    level: float = 0.95,
) -> Mediation:
    """Estimate indirect effects through one or more mediators.

    Parameters
    ----------
    data : pd.DataFrame
        One row per respondent; the named columns numeric. Rows with a missing value are left out.
    predictor, outcome : str
    mediators : sequence of str
        One (simple mediation) or more; with ``order="serial"`` in their order.
    rng : np.random.Generator
    covariates : sequence of str
        Further predictors in every equation.
    order : {"parallel", "serial"}
    resamples : int
        Bootstrap samples or Monte Carlo draws, at least 100.
    interval : {"percentile", "bca", "monte_carlo"}
    level : float

    Returns
    -------
    Mediation

    Raises
    ------
    UsageError
        A column is named twice, there is no mediator, or an option is unknown.
    InputError
        A column is absent.
    RefusedError
        Text, a constant column, identical columns, too few rows, or predictors that are linearly
        dependent in the data or in more than half of the resamples.

    Notes
    -----
    Equations: each mediator on the predictor (and, in serial order, the earlier mediators); the
    outcome on the predictor and all mediators. An indirect effect is the product of coefficients
    along its route. All resamples are solved together from their covariance matrices. Nothing here
    shows that the order of the variables is the order of events.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> x = rng.normal(size=300)
    >>> m = 0.5 * x + rng.normal(size=300)
    >>> data = pd.DataFrame({"x": x, "m": m, "y": 0.4 * m + rng.normal(size=300)})
    >>> found = mediate(data, "x", ["m"], "y", rng=rng, resamples=500).effects.loc[0]
    >>> bool(found["conf_low"] < 0.2 < found["conf_high"])
    True
    """
    mediators, covariates = tuple(mediators), tuple(covariates)
    names = (predictor, *mediators, outcome, *covariates)
    _check(names, mediators, order, interval, level, resamples)
    items = read_items(data, names, missing="casewise", missing_codes=())
    design = _Design(names, len(mediators), order)
    moments = Moments(items)
    whole = covariances(moments, np.ones((1, items.n)), items)
    coefficients = design.solve(whole)
    refuse_dependent(*coefficients)
    estimate = design.effects(coefficients)[0]

    def run(counts: np.ndarray) -> np.ndarray:
        return design.effects(design.solve(covariances(moments, counts, items)))

    if interval == "monte_carlo":
        spread = design.variances(whole[0], coefficients, items.n)
        laws = zip(coefficients, spread, strict=True)
        draws = design.effects([rng.multivariate_normal(b[0], v, resamples) for b, v in laws])
    else:
        draws = bootstrap_counts(run, items.n, rng=rng, resamples=resamples)
    draws = keep_solved(draws, np.isfinite(draws[:, :-1]).all(axis=1))
    low, high = bound_draws(draws, estimate, run, items.n, interval=interval, level=level)
    effects = pd.DataFrame(
        {
            "effect": design.kinds,
            "via": [[names[k] for k in route] for route in design.via],
            "estimate": estimate,
            "std_error": draws.std(axis=0, ddof=1),
            "conf_low": low,
            "conf_high": high,
        }
    )
    # a share of a total near zero has no useful spread
    effects.loc[effects["effect"] == "share_mediated", "std_error"] = np.nan
    return Mediation(
        predictor=predictor,
        outcome=outcome,
        effects=effects,
        equations=_equations(design, whole[0], items, level),
        draws=draws,
        n=items.n,
        level=level,
        recipe=Recipe(
            "mediation",
            {
                "mediator_order": f"order_{order}",
                "covariates": list(covariates) or None,
                "interval": f"interval_{interval}",
                "resamples": resamples,
                "resamples_used": len(draws),
                "level": level,
                "missing_rule": "missing_casewise",
                "n_used": items.n,
                "n_dropped": items.n_dropped,
            },
            SOURCE,
        ),
    )


class _Design:
    """The equations of a mediation model as positions in (predictor, mediators, outcome, covariates)."""

    def __init__(self, names: tuple[str, ...], count: int, order: Order) -> None:
        self.names = names
        middle, self.outcome = list(range(1, count + 1)), count + 1
        more = list(range(count + 2, len(names)))
        earlier = {m: middle[: m - 1] if order == "serial" else [] for m in middle}
        self.equations = [
            *((m, np.array([0, *earlier[m], *more])) for m in middle),
            (self.outcome, np.array([0, *middle, *more])),
        ]
        chains = range(1, count + 1) if order == "serial" else (1,)
        self.routes = [list(r) for k in chains for r in combinations(middle, k)]
        self.kinds = ["indirect"] * len(self.routes) + ["total_indirect", "direct", "total", "share_mediated"]
        self.via = [*self.routes, [], [], [], []]

    def solve(self, covariance: np.ndarray) -> list[np.ndarray]:
        """Coefficients of each equation, shape (B, number of its predictors); NaN where singular."""
        return [solve_equation(covariance, outcome, before) for outcome, before in self.equations]

    def effects(self, coefficients: Sequence[np.ndarray]) -> np.ndarray:
        """Every effect, shape (B, number of effects)."""
        slopes = {
            (source, outcome): beta[:, k]
            for (outcome, before), beta in zip(self.equations, coefficients, strict=True)
            for k, source in enumerate(before)
        }
        ways = [[0, *route, self.outcome] for route in self.routes]
        products = [np.prod([slopes[step] for step in pairwise(w)], axis=0) for w in ways]
        indirect, direct = np.sum(products, axis=0), slopes[0, self.outcome]
        with np.errstate(divide="ignore", invalid="ignore"):
            share = indirect / (indirect + direct)
        return np.column_stack([*products, indirect, direct, indirect + direct, share])

    def variances(self, covariance: np.ndarray, coefficients: Sequence[np.ndarray], n: int) -> list[np.ndarray]:
        """Covariance matrix of each equation's coefficients, s² (X'X)⁻¹."""
        return [
            _variance(covariance, before, outcome, beta[0], n)
            for (outcome, before), beta in zip(self.equations, coefficients, strict=True)
        ]


def _variance(covariance: np.ndarray, before: np.ndarray, outcome: int, beta: np.ndarray, n: int) -> np.ndarray:
    residual = covariance[outcome, outcome] - beta @ covariance[before, outcome]
    return residual / (n - len(before) - 1) * np.linalg.inv(covariance[np.ix_(before, before)])


def _equations(design: _Design, covariance: np.ndarray, items: Items, level: float) -> pd.DataFrame:
    alone = np.array([0, *range(design.outcome + 1, len(design.names))])
    frames = [
        tabulate_equation(covariance, outcome, before, items.n, level).assign(
            outcome=design.names[outcome], term=[design.names[k] for k in before]
        )
        for outcome, before in [(design.outcome, alone), *design.equations]
    ]
    return pd.concat(frames, ignore_index=True)


def solve_equation(covariance: np.ndarray, outcome: int, before: np.ndarray) -> np.ndarray:
    """Coefficients of one equation in each sample, (B, p, p) → (B, k); NaN where singular."""
    a, b = covariance[:, before[:, None], before], covariance[:, before, outcome, None]
    scale = np.sqrt(np.einsum("bii->bi", a))
    with np.errstate(divide="ignore", invalid="ignore"):
        r = a / (scale[:, :, None] * scale[:, None, :])
    good = np.isfinite(r).all(axis=(1, 2))
    good[good] = np.linalg.eigvalsh(r[good])[:, 0] > 1e-10
    beta = np.full(scale.shape, np.nan)
    beta[good] = np.linalg.solve(a[good], b[good])[:, :, 0]
    return beta


def tabulate_equation(covariance: np.ndarray, outcome: int, before: np.ndarray, n: int, level: float) -> pd.DataFrame:
    """Coefficients of one equation with their errors and tests; the caller names outcome and terms."""
    beta = np.linalg.solve(covariance[np.ix_(before, before)], covariance[before, outcome])
    error = np.sqrt(np.diag(_variance(covariance, before, outcome, beta, n)))
    freedom = n - len(before) - 1
    half = student.ppf((1 + level) / 2, freedom) * error
    return pd.DataFrame(
        {
            "outcome": "",
            "term": "",
            "estimate": beta,
            "std_error": error,
            "statistic": beta / error,
            "p_value": 2 * student.sf(np.abs(beta / error), freedom),
            "conf_low": beta - half,
            "conf_high": beta + half,
        }
    )


def covariances(moments: Moments, counts: np.ndarray, items: Items) -> np.ndarray:
    """Covariance matrix of each weighted sample, shape (B, p, p)."""
    _, sd, correlation = moments.of(counts)
    spread = sd * items.sd
    return correlation * spread[:, :, None] * spread[:, None, :]


def refuse_dependent(*estimates: np.ndarray) -> None:
    """Raise a RefusedError where the whole sample has no answer."""
    if not all(np.isfinite(estimate).all() for estimate in estimates):
        raise RefusedError(
            "the predictors are linearly dependent", where="mediation", repair="Drop one of the dependent columns."
        )


def keep_solved(draws: np.ndarray, solved: np.ndarray) -> np.ndarray:
    """Keep the draws that could be solved; RefusedError where they are fewer than half."""
    if solved.mean() < 0.5:
        raise RefusedError(
            f"only {solved.sum()} of {len(draws)} resamples could be solved",
            where="mediation",
            repair="Drop columns that hardly vary, or collect more answers.",
        )
    return draws[solved]


def check_columns(names: tuple[str, ...], mediators: tuple[str, ...]) -> None:
    """Raise a UsageError where a column has two parts, or none mediates."""
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice is not None or not mediators:
        what = f"column {twice!r} has two parts" if mediators else "no mediator is named"
        raise UsageError(what, where="mediation", repair="Name each column once and at least one mediator.")


def _check(
    names: tuple[str, ...], mediators: tuple[str, ...], order: str, interval: str, level: float, resamples: int
) -> None:
    check_columns(names, mediators)
    if order not in get_args(Order) or interval not in get_args(Interval):
        raise UsageError(
            f"order {order!r}, interval {interval!r}",
            where="mediation",
            repair=f"Orders: {', '.join(get_args(Order))}; intervals: {', '.join(get_args(Interval))}.",
        )
    check_resampling(resamples, level, where="mediation")
