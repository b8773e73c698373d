"""Paths freed of measurement error (PLSc) beside those of the composites, and beside the truth where it is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, UsageError, nearest
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.satisfaction.paths.bootstrapping import bootstrap_paths
from crmresearch.scoring.satisfaction.paths.fitting import PathFit, fit_paths
from crmresearch.scoring.satisfaction.paths.model import Construct, PathModel

SOURCE = "Dijkstra and Henseler (2015), doi:10.25300/MISQ/2015/39.2.02"


@dataclass(frozen=True, slots=True)
class CorrectedPaths:
    """Path coefficients between composites, and between what their items have in common.

    Attributes
    ----------
    paths : pd.DataFrame, one row per path
        source, target, composite (the coefficient between composites), estimate (corrected for
        attenuation), std_error, conf_low, conf_high (of the corrected one).
    reliability : pd.DataFrame, one row per construct
        construct, rho_a (missing where the construct is taken as measured without error).
    n : int
        Respondents in use.
    level : float
        Coverage of the intervals.
    """

    paths: pd.DataFrame
    reliability: pd.DataFrame
    n: int
    level: float
    recipe: Recipe = field(repr=False)

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Both coefficients of every path."""
        return (Exhibit("paths_corrected", self.paths, notes=("paths_corrected_rule", "path_association_only")),)

    def findings(self) -> tuple[Finding, ...]:
        """The least reliable construct, the path that moves most, and how many the data leave undetermined."""
        worst = self.reliability.dropna().sort_values(["rho_a", "construct"], kind="stable").iloc[0]
        moved = self.paths.loc[(self.paths["estimate"] - self.paths["composite"]).abs().idxmax()]
        wide = int((self.paths[["conf_low", "conf_high"]].abs() > 1).any(axis=1).sum())
        undetermined = (Finding("paths_undetermined", {"k": wide, "n": len(self.paths)}),) if wide else ()
        return (
            Finding(
                "paths_corrected",
                {
                    "construct": worst["construct"],
                    "rho_a": float(worst["rho_a"]),
                    "source": moved["source"],
                    "target": moved["target"],
                    "composite": float(moved["composite"]),
                    "estimate": float(moved["estimate"]),
                    "low": float(moved["conf_low"]),
                    "high": float(moved["conf_high"]),
                    "level": self.level,
                },
            ),
            *undetermined,
        )


def correct_paths(
    fit: PathFit,
    *,
    rng: np.random.Generator,
    factors: Sequence[str] = (),
    resamples: int = 5000,
    level: float = 0.95,
) -> CorrectedPaths:
    """Estimate a fitted model anew with correlations corrected for attenuation (PLSc).

    Parameters
    ----------
    fit : PathFit
        Without correction.
    rng : np.random.Generator
    factors : Sequence[str]
        Constructs whose items are taken as effects of one common factor; empty takes every construct of
        mode A with two items or more.
    resamples : int
        Of the bootstrap of respondents.
    level : float

    Returns
    -------
    CorrectedPaths

    Raises
    ------
    UsageError
        The model has no such construct, or it cannot be a common factor.
    RefusedError
        No construct can be corrected; a reliability is not positive, a loading exceeds 1 (Heywood case);
        or fewer than half of the resamples gave an answer.

    Notes
    -----
    The correlation of two composites is divided by the roots of their reliabilities ρ_A; paths are then
    regressions on the corrected correlations. A construct of one item keeps its error.

    Examples
    --------
    >>> from crmresearch.scoring.satisfaction.paths import Construct, PathModel, fit_paths
    >>> rng = np.random.default_rng(2)
    >>> trust = rng.normal(size=2000)
    >>> loyalty = 0.6 * trust + 0.8 * rng.normal(size=2000)
    >>> answers = {f"t{i}": trust + rng.normal(size=2000) for i in range(3)}
    >>> answers |= {f"l{i}": loyalty + rng.normal(size=2000) for i in range(3)}
    >>> parts = Construct("trust", ("t0", "t1", "t2")), Construct("loyalty", ("l0", "l1", "l2"))
    >>> fit = fit_paths(pd.DataFrame(answers), PathModel(parts, (("trust", "loyalty"),)))
    >>> correct_paths(fit, rng=rng, resamples=100).paths[["composite", "estimate"]].round(1).values.tolist()
    [[0.4, 0.6]]
    """
    names = [c.name for c in fit.model.constructs]
    for name in factors:
        if name not in names:
            raise UsageError(f"no construct {name!r}{nearest(name, names)}", where="common factors")
    able = {c.name for c in fit.model.constructs if c.mode == "A" and len(c.items) + len(c.dimensions) > 1}
    chosen = set(factors) or able
    if not chosen:
        raise RefusedError(
            "no construct of mode A has two items or more, so no reliability is known",
            where="common factors",
            repair="Measure the constructs by more items, or read the uncorrected paths.",
        )

    def as_factor(c: Construct) -> Construct:
        return replace(c, common_factor=c.name in chosen)

    model = PathModel(tuple(as_factor(c) for c in fit.model.constructs), fit.model.paths)
    data = pd.DataFrame(fit.answers.values, index=fit.answers.rows, columns=list(fit.answers.names))
    freed = fit_paths(
        data,
        model,
        scheme=fit.settings.scheme,
        tolerance=fit.settings.tolerance,
        max_iterations=fit.settings.max_iterations,
        missing=fit.recipe.options["missing_rule"].removeprefix("missing_"),
        missing_codes=(),
    )
    boot = bootstrap_paths(freed, rng=rng, resamples=resamples, level=level)
    shown = boot.path_table[["source", "target", "estimate", "std_error", "conf_low", "conf_high"]].copy()
    shown.insert(2, "composite", fit.paths["estimate"].to_numpy())
    reliability = freed.constructs[["construct", "rho_a"]].copy()
    reliability["rho_a"] = reliability["rho_a"].where(reliability["construct"].isin(chosen))
    return CorrectedPaths(
        paths=shown,
        reliability=reliability,
        n=fit.answers.n,
        level=level,
        recipe=Recipe("pls_path_correction", {**boot.recipe.options, "n_dropped": fit.answers.n_dropped}, SOURCE),
    )


@dataclass(frozen=True, slots=True)
class PathTruth:
    """Corrected paths beside the coefficients that a simulation drew its customers by.

    Attributes
    ----------
    paths : pd.DataFrame, one row per path of which the truth is known; empty where none is
        source, target, drawn_by (coefficient of the equations, standardised), among_customers (the same
        regression on the true scores of all customers), composite, estimate, conf_low, conf_high (of the
        corrected path), drawn_inside, inside (whether drawn_by and among_customers lie in the interval).
    recipe : Recipe
    """

    paths: pd.DataFrame
    recipe: Recipe = field(repr=False)

    def exhibits(self) -> tuple[Exhibit, ...]:
        """True and estimated coefficients, where there is something to compare with."""
        return (Exhibit("paths_truth", self.paths, notes=("paths_truth_rule",)),) if len(self.paths) else ()

    def findings(self) -> tuple[Finding, ...]:
        """How many true coefficients lie in the intervals."""
        if self.paths.empty:
            return (Finding("paths_truth_unknown", {}),)
        return (
            Finding(
                "paths_truth",
                {
                    "n": len(self.paths),
                    "k": int(self.paths["inside"].sum()),
                    "k_drawn": int(self.paths["drawn_inside"].sum()),
                    "level": self.recipe.options["level"],
                },
            ),
        )


def compare_with_truth(corrected: CorrectedPaths, known: pd.DataFrame | None) -> PathTruth:
    """Compare corrected paths with the coefficients known of a simulated case.

    Parameters
    ----------
    corrected : CorrectedPaths
    known : pd.DataFrame, optional
        source, target, drawn_by, among_customers, all standardised. None: nothing is known.

    Returns
    -------
    PathTruth

    Raises
    ------
    RefusedError
        None of the paths is among the known ones.

    Notes
    -----
    Coefficients drawn by and coefficients among the customers differ by the chance of drawing those
    customers, which no sample of them can undo: an interval from their answers is about the second.
    """
    recipe = Recipe("path_recovery", {"level": corrected.level, "n_used": corrected.n}, SOURCE)
    if known is None:
        return PathTruth(pd.DataFrame(), recipe)
    both = corrected.paths.drop(columns="std_error").merge(known, on=["source", "target"], how="inner")
    if both.empty:
        raise RefusedError(
            "no path of the model is among those whose coefficient is known",
            where="truth",
            repair="Draw the paths that the truth names, or leave the parameter empty.",
        )
    for name, column in (("drawn_inside", "drawn_by"), ("inside", "among_customers")):
        both[name] = (both["conf_low"] <= both[column]) & (both[column] <= both["conf_high"])
    order = ["source", "target", "drawn_by", "among_customers", "composite", "estimate", "conf_low", "conf_high"]
    return PathTruth(both[[*order, "inside", "drawn_inside"]], recipe)
