"""Bootstrap of a fitted path model: every coefficient, effect and index with its interval."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, check_choice
from crmresearch.results import Exhibit, Finding, Recipe, judge_interval
from crmresearch.scoring.resampling import check_resampling, count_rows
from crmresearch.scoring.satisfaction.bounds import bound_draws
from crmresearch.scoring.satisfaction.paths import quality
from crmresearch.scoring.satisfaction.paths.fitting import PathFit
from crmresearch.scoring.satisfaction.paths.moments import Moments
from crmresearch.scoring.satisfaction.paths.staging import Estimator, Stage

Signs = Literal["none", "individual", "construct"]
"""What is done about composites whose sign turned in a resample: nothing; each coefficient takes the
sign it has in the sample; a construct is turned when that brings its loadings nearer to the sample's."""
Interval = Literal["percentile", "bca"]

Named = tuple[str, ...]
_SHOWN = {
    "path": ("source", "target"),
    "total": ("source", "target"),
    "indirect": ("source", "target"),
    "route": ("source", "via", "target"),
    "loading": ("item",),
    "weight": ("item",),
    "r2": ("construct",),
    "htmt": ("construct", "other"),
}
_TESTED_AGAINST_ZERO = ("path", "total", "indirect", "route", "loading", "weight")


@dataclass(frozen=True, slots=True)
class PathBootstrap:
    """Bootstrap distribution of a path model.

    Attributes
    ----------
    fit : PathFit
    table : pd.DataFrame, one row per statistic
        kind (path, total, indirect, route, loading, weight, r2, htmt), term, names (list: the
        constructs on the way, the item, or the pair), estimate, bias (mean
        of the resamples less the estimate), std_error, statistic (estimate / std_error), p_value
        (two-sided, against 0; missing for r2 and htmt), conf_low, conf_high.
    draws : float array, shape (n_used, number of rows of table)
        The resamples' values, columns in table order.
    resamples : pd.DataFrame, one row
        drawn, used, no_variance, singular, not_converged.
    level : float
        Coverage of the intervals.
    """

    fit: PathFit
    table: pd.DataFrame
    draws: np.ndarray
    resamples: pd.DataFrame
    level: float
    recipe: Recipe = field(repr=False)

    def exhibits(self) -> tuple[Exhibit, ...]:
        """One table per group of statistics, and what became of the resamples."""
        kinds = [k for k in _SHOWN if (self.table["kind"] == k).any()]
        tables = [Exhibit(f"bootstrap_{k}", self._shown(k), notes=("path_association_only",)) for k in kinds]
        return (*tables, Exhibit("path_resamples", self.resamples, notes=("path_resample_rule",)))

    @property
    def path_table(self) -> pd.DataFrame:
        """Coefficient and interval of each path: source, target, estimate, …, conf_low, conf_high."""
        return self._shown("path")

    def _shown(self, kind: str) -> pd.DataFrame:
        rows = self.table[self.table["kind"] == kind].reset_index(drop=True)
        named = pd.DataFrame({c: [_part(c, n) for n in rows["names"]] for c in _SHOWN[kind]})
        return pd.concat([named, rows.drop(columns=["kind", "term", "names"]).dropna(axis=1, how="all")], axis=1)

    def findings(self) -> tuple[Finding, ...]:
        """Each path, judged against the expectation that it is positive."""
        rows = self.table[self.table["kind"] == "path"]
        return tuple(
            Finding(
                "path_interval",
                {
                    "source": source,
                    "target": target,
                    "estimate": row.estimate,
                    "low": row.conf_low,
                    "high": row.conf_high,
                    "level": self.level,
                },
                verdict=judge_interval(row.conf_low, row.conf_high),
            )
            for (source, target), row in zip(self.fit.model.paths, rows.itertuples(), strict=True)
        )

    def tidy(self) -> pd.DataFrame:
        """``term, estimate, std_error, statistic, p_value, conf_low, conf_high`` of the paths."""
        columns = ["term", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"]
        return self.table.loc[self.table["kind"] == "path", columns].reset_index(drop=True)


def bootstrap_paths(
    fit: PathFit,
    *,
    rng: np.random.Generator,
    resamples: int = 5000,
    signs: Signs = "none",
    interval: Interval = "percentile",
    level: float = 0.95,
    indices: np.ndarray | None = None,
) -> PathBootstrap:
    """Bootstrap a fitted path model by resampling respondents.

    Parameters
    ----------
    fit : PathFit
    rng : np.random.Generator
    resamples : int
        Number drawn, at least 50.
    signs : {"none", "individual", "construct"}
        What is done about composites whose sign turned in a resample.
    interval : {"percentile", "bca"}
        BCa takes its acceleration from the jackknife.
    level : float
        Coverage of the intervals, between 0 and 1.
    indices : int array, shape (resamples, n), optional
        Row positions to use instead of drawing them.

    Returns
    -------
    PathBootstrap

    Raises
    ------
    RefusedError
        Fewer than half of the resamples gave an answer.

    Notes
    -----
    A resample in which an item has no variance, a regression is singular or the weights do not
    converge is left out, not drawn again, and counted. Missing answers are replaced by the mean of
    each resample. Memory: one batch of resamples (150,000 / p² of them, at least 16) holds its
    (batch, n) counts and a few (batch, p, p) arrays; of each resample only the statistics stay.
    Sign rules: Tenenhaus et al. (2005), doi:10.1016/j.csda.2004.03.005; nearness of loadings is judged
    by the sign of their inner product, which holds for loadings of mixed sign too. BCa: Efron (1987),
    doi:10.1080/01621459.1987.10478410. p-value: twice the smaller share, (1 + count) / (1 + used),
    of resamples on either side of 0.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> from crmresearch.scoring.satisfaction.paths import Construct, PathModel, fit_paths
    >>> trust = rng.normal(size=200)
    >>> data = pd.DataFrame({"t": trust, "l": 0.6 * trust + 0.8 * rng.normal(size=200)})
    >>> model = PathModel((Construct("trust", ("t",)), Construct("loyalty", ("l",))), (("trust", "loyalty"),))
    >>> boot = bootstrap_paths(fit_paths(data, model), rng=rng, resamples=500)
    >>> bool(boot.tidy().loc[0, "conf_low"] > 0)
    True
    """
    resamples = len(indices) if indices is not None else resamples
    _check(signs, interval, level, resamples)
    estimator, moments, n = Estimator(fit.model, fit.settings), Moments(fit.answers), fit.answers.n
    _, _, whole = moments.of(np.ones((1, n)))
    sample = estimator.solve(whole)
    names, estimate = _statistics(estimator, sample, sample, "none")

    def run(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        _, sd, correlation = moments.of(counts)
        constant = (sd == 0).any(axis=1)
        solved = estimator.solve(correlation)
        last = solved[-1].solution
        fate = np.where(constant, 1, np.where(last.singular, 2, np.where(last.converged, 0, 3)))
        good = fate == 0
        kept = tuple(Stage(s.layout, s.correlation[good], s.solution.take(good)) for s in solved)
        return (_statistics(estimator, kept, sample, signs)[1] if good.any() else estimate[:0]), fate

    parts = [run(counts) for counts in _draw(rng, indices, resamples, n, estimator.batch)]
    draws, fate = np.concatenate([d for d, _ in parts]), np.concatenate([f for _, f in parts])
    lost = np.bincount(fate, minlength=4)
    if lost[0] < resamples / 2:
        raise RefusedError(
            f"only {lost[0]} of {resamples} resamples gave an answer ({lost[1]} had an item without variance, "
            f"{lost[2]} a singular regression, {lost[3]} did not converge)",
            where="bootstrap",
            repair="Drop items that hardly vary, or collect more answers.",
        )
    low, high = bound_draws(
        draws, estimate[0], lambda counts: run(counts)[0], n, interval=interval, level=level, batch=estimator.batch
    )
    recipe = Recipe(
        "pls_path_bootstrap",
        dict(fit.recipe.options)
        | {
            "resamples": resamples,
            "resamples_used": int(lost[0]),
            "sign_rule": f"signs_{signs}",
            "interval": f"interval_{interval}",
            "level": level,
        },
        "Tenenhaus et al. (2005), doi:10.1016/j.csda.2004.03.005; Efron (1987), doi:10.1080/01621459.1987.10478410",
    )
    counts = dict(zip(("drawn", "used", "no_variance", "singular", "not_converged"), (resamples, *lost), strict=True))
    return PathBootstrap(
        fit, _table(names, estimate[0], draws, low, high), draws, pd.DataFrame([counts]), level, recipe
    )


def _check(signs: str, interval: str, level: float, resamples: int) -> None:
    check_choice("signs", signs, get_args(Signs), where="bootstrap")
    check_choice("interval", interval, get_args(Interval), where="bootstrap")
    check_resampling(resamples, level, where="bootstrap", fewest=50)


def _draw(
    rng: np.random.Generator, indices: np.ndarray | None, resamples: int, n: int, batch: int
) -> Iterator[np.ndarray]:
    for k in range(0, resamples, batch):
        size = min(batch, resamples - k)
        rows = rng.integers(0, n, (size, n)) if indices is None else np.asarray(indices)[k : k + size]
        yield count_rows(rows, n)


def _statistics(
    estimator: Estimator, solved: tuple[Stage, ...], sample: tuple[Stage, ...], signs: Signs
) -> tuple[list[tuple[str, Named]], np.ndarray]:
    """Every statistic of the table: its kind and names, and its values, shape (B, k)."""
    names: list[tuple[str, Named]] = []
    values: list[np.ndarray] = []

    def add(kind: str, named: Iterable[Named], columns: np.ndarray) -> None:
        names.extend((kind, n) for n in named)
        values.append(columns)

    last, model = solved[-1], estimator.model
    layout, place = last.layout, {n: i for i, n in enumerate(last.layout.constructs)}
    turn = [_turns(s, o, signs) for s, o in zip(solved, sample, strict=True)]
    paths = last.solution.paths * (turn[-1][:, :, None] * turn[-1][:, None, :])
    if signs == "individual":
        paths = np.abs(paths) * np.sign(sample[-1].solution.paths)
    a, b = ([place[p[k]] for p in model.paths] for k in (0, 1))
    add("path", model.paths, paths[:, a, b])
    total, reach = quality.total_effects(paths), quality.total_effects(layout.arrows[None].astype(float))[0]
    far = np.argwhere((reach > 0) & ((reach > 1) | ~layout.arrows))
    joined = np.argwhere(reach > 0)
    add("total", _pairs(joined, layout.constructs), total[:, joined[:, 0], joined[:, 1]])
    if len(far):
        indirect = (total - paths)[:, far[:, 0], far[:, 1]]
        add("indirect", _pairs(far, layout.constructs), indirect)
        routes = model.routes()
        add(
            "route",
            routes,
            quality.route_effects(paths, [[place[n] for n in r] for r in routes]),
        )
    seen: set[str] = set()
    for stage, origin, sign in reversed(list(zip(solved, sample, turn, strict=True))):
        new = [k for k, i in enumerate(stage.layout.items) if i not in seen]
        seen.update(stage.layout.items)
        for kind in ("loading", "weight"):
            found = getattr(stage.solution, f"{kind}s") * sign[:, stage.layout.block]
            if signs == "individual":
                found = np.abs(found) * np.sign(getattr(origin.solution, f"{kind}s"))
            add(kind, [(stage.layout.items[k],) for k in new], found[:, new])
    add("r2", [(layout.constructs[j],) for j in layout.order], last.solution.r2[:, layout.order])
    i, j = np.tril_indices(len(layout.constructs), -1)
    mode_a = np.array([model[n].mode == "A" for n in layout.constructs])
    i, j = i[mode_a[i] & mode_a[j]], j[mode_a[i] & mode_a[j]]
    htmt = quality.heterotrait_monotrait(last.correlation, layout.membership)[:, i, j]
    add("htmt", _pairs(np.stack([i, j], axis=1), layout.constructs), htmt)
    return names, np.concatenate(values, axis=1)


def _turns(stage: Stage, origin: Stage, signs: Signs) -> np.ndarray:
    """−1 where a construct is turned, else 1; shape (B, J)."""
    if signs != "construct":
        return np.ones((len(stage.solution.loadings), len(stage.layout.constructs)))
    alike = (stage.solution.loadings * origin.solution.loadings) @ stage.layout.membership
    return np.where(alike < 0, -1.0, 1.0)


def _pairs(positions: np.ndarray, names: tuple[str, ...]) -> list[Named]:
    return [(names[a], names[b]) for a, b in positions]


def _part(column: str, names: list[str]) -> str | list[str]:
    """The cell of one naming column: ends, or what lies between."""
    if column == "via":
        return names[1:-1]
    return names[-1] if column in ("target", "other") else names[0]


def _table(
    names: list[tuple[str, Named]], estimate: np.ndarray, draws: np.ndarray, low: np.ndarray, high: np.ndarray
) -> pd.DataFrame:
    error = draws.std(axis=0, ddof=1)
    kinds = np.array([k for k, _ in names])
    used = len(draws)
    below, above = (1 + (draws <= 0).sum(axis=0)) / (1 + used), (1 + (draws >= 0).sum(axis=0)) / (1 + used)
    tested = np.isin(kinds, _TESTED_AGAINST_ZERO) & (error > 1e-12)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(tested, estimate / error, np.nan)
    return pd.DataFrame(
        {
            "kind": kinds,
            "term": [(" – " if k == "htmt" else " → ").join(n) for k, n in names],
            "names": [list(n) for _, n in names],
            "estimate": estimate,
            "bias": draws.mean(axis=0) - estimate,
            "std_error": error,
            "statistic": statistic,
            "p_value": np.where(tested, np.minimum(2 * np.minimum(below, above), 1), np.nan),
            "conf_low": low,
            "conf_high": high,
        }
    )
