"""Measurement invariance of composites (MICOM) and path differences (permutation MGA) of two groups."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, UsageError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.satisfaction.paths.fitting import PathFit
from crmresearch.scoring.satisfaction.paths.moments import Moments
from crmresearch.scoring.satisfaction.paths.staging import Estimator

SOURCE = (
    "Henseler, Ringle and Sarstedt (2016), doi:10.1108/IMR-09-2014-0304; "
    "Chin and Dibbern (2010), doi:10.1007/978-3-540-32827-8_8"
)
NONE, PARTIAL, FULL = "no_invariance", "partial_invariance", "full_invariance"


@dataclass(frozen=True, slots=True)
class GroupComparison:
    """Measurement invariance of composites and path differences between two groups; empty without a grouping.

    Attributes
    ----------
    grouping : str
        Name of the column that parts them.
    groups : pd.DataFrame, two rows
        group, n.
    invariance : pd.DataFrame, one row per construct
        construct, c (correlation, in the pooled data, of the scores by either group's weights),
        c_low (the level's lower bound under permutation), c_p, mean_difference, mean_p,
        log_variance_ratio, variance_p, invariance (``no_invariance`` where c is too low;
        ``partial_invariance`` where means or variances differ; ``full_invariance``).
    paths : pd.DataFrame, one row per path
        source, target, first, second (the groups' estimates), difference, p_value, comparable
        (both ends at least partially invariant).
    permutations : pd.DataFrame, one row
        drawn, used.
    level : float
        1 less the size of each test.
    """

    grouping: str
    groups: pd.DataFrame
    invariance: pd.DataFrame
    paths: pd.DataFrame
    permutations: pd.DataFrame
    level: float
    recipe: Recipe = field(repr=False)

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Group sizes, invariance, path differences."""
        if self.groups.empty:
            return ()
        return (
            Exhibit("path_groups", self.groups),
            Exhibit("path_invariance", self.invariance, notes=("path_micom_rule",)),
            Exhibit("path_differences", self.paths, notes=("path_mga_rule",)),
        )

    def findings(self) -> tuple[Finding, ...]:
        """How many composites are comparable, and each comparable path that differs."""
        if self.groups.empty:
            return (Finding("path_groups_unknown", {}),)
        partial = int((self.invariance["invariance"] != NONE).sum())
        first, second = self.groups["group"]
        comparable = self.paths[self.paths["comparable"]]
        differing = comparable[comparable["p_value"] < 1 - self.level]
        parted = {"grouping": self.grouping, "first": first, "second": second}
        found = [Finding("path_invariant", {"k": partial, "n": len(self.invariance), **parted})]
        if len(comparable) and differing.empty:
            found.append(Finding("path_none_differs", {"n": len(comparable), **parted}))
        found += [
            Finding(
                "path_differs",
                {
                    "source": row.source,
                    "target": row.target,
                    **parted,
                    "a": row.first,
                    "b": row.second,
                    "p": row.p_value,
                },
            )
            for row in differing.itertuples()
        ]
        return tuple(found)


def compare_groups(
    fit: PathFit,
    groups: pd.Series | None,
    *,
    rng: np.random.Generator,
    permutations: int = 1000,
    level: float = 0.95,
) -> GroupComparison:
    """Compare two groups of respondents: MICOM first, then their path coefficients.

    Parameters
    ----------
    fit : PathFit
        Fitted to both groups together.
    groups : pd.Series, optional
        Group of each respondent, by the index of the data that were fitted; rows without a group
        are left out. None: there is no grouping, and the result says so.
    rng : np.random.Generator
    permutations : int
        At least 99.
    level : float
        1 less the size of each test.

    Returns
    -------
    GroupComparison

    Raises
    ------
    UsageError
        A row in use has no entry in ``groups``.
    RefusedError
        There are not exactly two groups; a group has not more rows than items; fewer than half of
        the permutations gave an answer.

    Notes
    -----
    Step 1 (the same items, treatment and settings) holds by construction. Step 2: c against the
    lower tail under permutation. Step 3: means and log variance ratio of pooled scores, two-sided.
    p-values count the observed value among the permuted ones.
    """
    if not 0 < level < 1 or permutations < 99:
        raise UsageError(
            f"level {level!r} with {permutations!r} permutations",
            where="group comparison",
            repair="Use a level between 0 and 1 and at least 99 permutations.",
        )
    if groups is None:
        return _ungrouped(fit, level)
    absent = fit.answers.rows.difference(groups.index)
    if len(absent):
        raise UsageError(f"row {absent[0]!r} has no group entry", where="groups", repair="Give the column of the data.")
    label = groups.reindex(fit.answers.rows)
    names = sorted(label.dropna().unique(), key=str)
    if len(names) != 2:
        raise RefusedError(
            f"{len(names)} groups ({', '.join(str(n) for n in names[:6])}); two are needed",
            where="groups",
            repair="Keep two groups, or join groups into two.",
        )
    a, b = ((label == n).to_numpy(dtype=float, na_value=0.0) for n in names)
    sizes = [int(a.sum()), int(b.sum())]
    for name, size in zip(names, sizes, strict=True):
        if size <= len(fit.answers.names):
            raise RefusedError(
                f"group {name!r} has {size} rows for {len(fit.answers.names)} items",
                where="groups",
                repair="Join groups, or use a model with fewer items.",
            )
    estimator, moments = Estimator(fit.model, fit.settings), Moments(fit.answers)
    _, _, pooled = moments.of((a + b)[None])
    weights = estimator.item_weights(estimator.solve_one(pooled))[0]
    scores = fit.answers.standardised @ weights
    used = np.flatnonzero(a + b)

    def run(first: np.ndarray) -> tuple[np.ndarray, ...]:
        second = (a + b) - first
        parts = [estimator.solve(moments.of(c)[2]) for c in (first, second)]
        good = np.logical_and.reduce([p[-1].solution.converged & ~p[-1].solution.singular for p in parts])
        w1, w2 = (estimator.item_weights(p)[good] for p in parts)
        joint = np.einsum("bij,ik,bkj->bj", w1, pooled[0], w2, optimize=True)
        own = [np.einsum("bij,ik,bkj->bj", w, pooled[0], w, optimize=True) for w in (w1, w2)]
        paths = [p[-1].solution.paths[good] for p in parts]
        means, variances = zip(*(_score_moments(c, scores) for c in (first, second)), strict=True)
        return (
            np.abs(joint) / np.sqrt(own[0] * own[1]),
            means[0] - means[1],
            np.log(variances[0] / variances[1]),
            paths[0],
            paths[1],
            paths[0] - paths[1],
        )

    observed = [o[0] if len(o) else None for o in run(a[None])]
    if observed[0] is None:
        raise RefusedError(
            "one group's model has no answer (an item without variance, a singular regression or no convergence)",
            where="groups",
            repair="Fit each group alone to see which item or construct it is.",
        )
    batches = [min(estimator.batch, permutations - k) for k in range(0, permutations, estimator.batch)]
    draws = [run(_shuffled(rng, size, used, sizes[0], len(a))) for size in batches]
    c, mean, variance = (np.concatenate([d[k] for d in draws]) for k in range(3))
    difference = np.concatenate([d[5] for d in draws])
    if len(c) < permutations / 2:
        raise RefusedError(
            f"only {len(c)} of {permutations} permutations gave an answer",
            where="groups",
            repair="Drop items that hardly vary.",
        )
    c_p = (1 + (c <= observed[0] + 1e-12).sum(axis=0)) / (1 + len(c))
    mean_p, variance_p, path_p = (
        (1 + (np.abs(d) >= np.abs(o) - 1e-12).sum(axis=0)) / (1 + len(d))
        for d, o in ((mean, observed[1]), (variance, observed[2]), (difference, observed[5]))
    )
    size = 1 - level
    step = np.where(c_p <= size, NONE, np.where((mean_p > size) & (variance_p > size), FULL, PARTIAL))
    layout = estimator.layout
    place = {n: i for i, n in enumerate(layout.constructs)}
    s, t = (np.array([place[p[k]] for p in fit.model.paths]) for k in (0, 1))
    return GroupComparison(
        grouping="ungrouped" if groups.name is None else str(groups.name),
        groups=pd.DataFrame({"group": [str(n) for n in names], "n": sizes}),
        invariance=pd.DataFrame(
            {
                "construct": layout.constructs,
                "c": observed[0],
                "c_low": np.quantile(c, size, axis=0),
                "c_p": c_p,
                "mean_difference": observed[1],
                "mean_p": mean_p,
                "log_variance_ratio": observed[2],
                "variance_p": variance_p,
                "invariance": step,
            }
        ),
        paths=pd.DataFrame(
            {
                "source": [p[0] for p in fit.model.paths],
                "target": [p[1] for p in fit.model.paths],
                "first": observed[3][s, t],
                "second": observed[4][s, t],
                "difference": observed[5][s, t],
                "p_value": path_p[s, t],
                "comparable": (step[s] != NONE) & (step[t] != NONE),
            }
        ),
        permutations=pd.DataFrame([{"drawn": permutations, "used": len(c)}]),
        level=level,
        recipe=Recipe(
            "path_group_comparison",
            {"permutations": permutations, "permutations_used": len(c), "level": level, **fit.recipe.options},
            SOURCE,
        ),
    )


def _ungrouped(fit: PathFit, level: float) -> GroupComparison:
    empty = [pd.DataFrame() for _ in range(4)]
    return GroupComparison("", *empty, level, Recipe("path_group_comparison", dict(fit.recipe.options), SOURCE))


def _score_moments(member: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n = member.sum(axis=1, keepdims=True)
    mean = member @ scores / n
    return mean, (member @ scores**2 - n * mean**2) / (n - 1)


def _shuffled(rng: np.random.Generator, batch: int, used: np.ndarray, first: int, n: int) -> np.ndarray:
    """(batch, n) membership of the first group, ``first`` of the ``used`` rows at random."""
    member = np.zeros((batch, n))
    order = rng.permuted(np.tile(used, (batch, 1)), axis=1)
    np.put_along_axis(member, order[:, :first], 1.0, axis=1)
    return member
