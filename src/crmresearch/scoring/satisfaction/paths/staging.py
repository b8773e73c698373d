"""Estimate a path model, in two stages where it has higher-order constructs, and refuse by name."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from crmresearch.errors import RefusedError, UsageError, check_choice
from crmresearch.scoring.satisfaction.paths.estimation import Scheme, Solution, solve_batch
from crmresearch.scoring.satisfaction.paths.model import Layout, PathModel, stages


@dataclass(frozen=True, slots=True)
class Settings:
    """How the algorithm runs.

    Attributes
    ----------
    scheme : {"path", "centroid", "factorial"}
    tolerance : float
        Sum of absolute weight changes below which the weights have converged.
    max_iterations : int
    """

    scheme: Scheme = "path"
    tolerance: float = 1e-7
    max_iterations: int = 300

    def __post_init__(self) -> None:
        check_choice("scheme", self.scheme, ("path", "centroid", "factorial"), where="path model")
        if not 0 < self.tolerance < 1 or self.max_iterations < 1:
            raise UsageError(
                f"tolerance {self.tolerance!r} with {self.max_iterations!r} iterations",
                where="path model",
                repair="Use a tolerance between 0 and 1 and at least one iteration.",
            )


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage's layout, its item correlations and its solution.

    Attributes
    ----------
    layout : Layout
    correlation : float array, shape (B, p, p)
    solution : Solution
    """

    layout: Layout
    correlation: np.ndarray
    solution: Solution


class Estimator:
    """A path model ready to be estimated from item correlations.

    Parameters
    ----------
    model : PathModel
    settings : Settings
    """

    def __init__(self, model: PathModel, settings: Settings) -> None:
        self.model, self.settings = model, settings
        first, second = stages(model)
        self.first = Layout.of(first)
        self.second = Layout.of(second) if second else None
        self.layout = self.second or self.first
        # rows per batch keep a batch's matrices within the processor's cache
        self.batch = max(16, 150_000 // len(self.first.items) ** 2)

    def solve(self, correlation: np.ndarray) -> tuple[Stage, ...]:
        """The stages' solutions, the last holding the model's paths; ``correlation`` (B, p, p)."""
        run = {f.name: getattr(self.settings, f.name) for f in fields(Settings)}
        one = Stage(self.first, correlation, solve_batch(correlation, self.first, **run))
        if self.second is None:
            return (one,)
        change = self._to_second(one.solution.weights)
        staged = change.transpose(0, 2, 1) @ np.nan_to_num(correlation) @ change
        two = solve_batch(staged, self.second, **run)
        two = replace(
            two,
            iterations=one.solution.iterations + two.iterations,
            converged=one.solution.converged & two.converged,
            singular=one.solution.singular | two.singular,
        )
        return one, Stage(self.second, staged, two)

    def _to_second(self, weights: np.ndarray) -> np.ndarray:
        """(B, p, p2): each item of stage two as a combination of those of stage one."""
        first, second = self.first, self.second
        change = np.zeros((len(weights), len(first.items), len(second.items)))
        for k, name in enumerate(second.items):
            if name in first.constructs:
                rows = np.flatnonzero(first.block == first.position(name))
                change[:, rows, k] = np.nan_to_num(weights[:, rows])
            else:
                change[:, first.items.index(name), k] = 1.0
        return change

    def item_weights(self, solved: tuple[Stage, ...]) -> np.ndarray:
        """Weight of every item in every construct of the last stage; shape (B, p, J)."""
        last = solved[-1]
        own = last.solution.weights[:, :, None] * last.layout.membership
        return own if self.second is None else self._to_second(solved[0].solution.weights) @ own

    def solve_one(self, correlation: np.ndarray) -> tuple[Stage, ...]:
        """As ``solve`` for one matrix (1, p, p), refusing by name what has no answer."""
        for rows in self.first.mode_b:
            self._refuse_singular(correlation[0], rows)
        found = self.solve(correlation)
        for stage in found:
            s, layout = stage.solution, stage.layout
            if s.singular[0]:
                worst = self._worst_regression(s, layout)
                raise RefusedError(
                    f"the predecessors of {worst!r} are linearly dependent or a weight is undefined",
                    where="path model",
                    repair="Merge or drop one of these constructs.",
                )
            if not s.converged[0]:
                raise RefusedError(
                    f"the weights did not converge in {self.settings.max_iterations} iterations "
                    f"(tolerance {self.settings.tolerance:g}, scheme {self.settings.scheme})",
                    where="path model",
                    repair="Try another scheme, or drop the items whose correlations are near 0.",
                )
            bad = layout.common_factor & ~(s.rho_a[0] > 0)
            if bad.any():
                raise RefusedError(
                    "its reliability rho_A is not above 0, so attenuation cannot be corrected",
                    where=f"construct {layout.constructs[int(np.argmax(bad))]}",
                    repair="Check its reverse items, or do not declare it a common factor.",
                )
            high = layout.common_factor[layout.block] & (np.abs(s.loadings[0]) > 1)
            if high.any() or (s.r2[0] > 1).any():
                what = (
                    f"item {layout.items[int(np.argmax(high))]} has a consistent loading above 1"
                    if high.any()
                    else f"{layout.constructs[int(np.argmax(s.r2[0]))]} has R² above 1 after correction"
                )
                raise RefusedError(
                    f"{what} (a Heywood case)",
                    where="path model",
                    repair="Do not declare the construct a common factor, or drop the item.",
                )
        return found

    def _refuse_singular(self, correlation: np.ndarray, rows: np.ndarray) -> None:
        block = correlation[np.ix_(rows, rows)]
        values, vectors = np.linalg.eigh(block)
        if values[0] < 1e-10:
            items = [self.first.items[i] for i in rows[np.abs(vectors[:, 0]) > 1e-6]]
            raise RefusedError(
                f"items {', '.join(items)} are linearly dependent, so mode B has no weights",
                where=f"construct {self.first.constructs[self.first.block[rows[0]]]}",
                repair="Drop one of them, or use mode A.",
            )

    @staticmethod
    def _worst_regression(s: Solution, layout: Layout) -> str:
        vif = np.nan_to_num(np.abs(s.vif[0]), nan=np.inf).max(axis=0)
        return layout.constructs[int(np.argmax(vif))]
