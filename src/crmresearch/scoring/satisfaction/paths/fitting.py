"""Fit a path model to one sample: estimates, reliability, validity, effects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.satisfaction.paths import quality
from crmresearch.scoring.satisfaction.paths.estimation import Scheme
from crmresearch.scoring.satisfaction.paths.model import Construct, PathModel
from crmresearch.scoring.satisfaction.paths.moments import Items, Missing, Moments, read_items
from crmresearch.scoring.satisfaction.paths.staging import Estimator, Settings, Stage

SOURCE = (
    "Lohmöller (1989), doi:10.1007/978-3-642-52512-4; Tenenhaus et al. (2005), doi:10.1016/j.csda.2004.03.005; "
    "Dijkstra and Henseler (2015), doi:10.25300/MISQ/2015/39.2.02"
)
HTMT_LIMIT = 0.9
"""From here on two constructs count as not told apart; Henseler, Ringle and Sarstedt (2015)."""


@dataclass(frozen=True, slots=True)
class PathFit:
    """A fitted path model. All coefficients are standardised.

    Attributes
    ----------
    model : PathModel
    settings : Settings
    answers : Items
        The answers the fit used.
    paths : pd.DataFrame, one row per path
        source, target, estimate, f2, vif.
    items : pd.DataFrame, one row per item of each stage
        construct, item, mode, weight, loading, communality (loading²), vif (within the block),
        share_missing.
    constructs : pd.DataFrame, one row per construct
        construct, n_items, mode, r2, r2_adjusted (missing for exogenous ones), alpha, rho_a, rho_c,
        ave (missing for one item and, as reliabilities are not defined for it, mode B).
    effects : pd.DataFrame, one row per pair joined by a route
        source, target, direct, indirect, total.
    routes : pd.DataFrame, one row per route of two or more paths
        source, via (list of the constructs between), target, estimate.
    cross_loadings : pd.DataFrame
        item, construct, then one column per construct: the item's correlation with the composite.
    validity : pd.DataFrame, one row per pair of constructs
        construct, other, correlation, htmt, fornell_larcker (|correlation| below the root of both
        AVEs; missing where one is not defined).
    scores : pd.DataFrame, shape (n, J)
        Composite scores of the rows in use, mean 0 and variance 1.
    iterations : int
        Summed over stages.
    """

    model: PathModel
    settings: Settings
    answers: Items
    paths: pd.DataFrame
    items: pd.DataFrame
    constructs: pd.DataFrame
    effects: pd.DataFrame
    routes: pd.DataFrame
    cross_loadings: pd.DataFrame
    validity: pd.DataFrame
    scores: pd.DataFrame
    iterations: int
    recipe: Recipe = field(repr=False)

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Tables in reading order."""
        tables = [
            Exhibit("path_constructs", self.constructs, notes=("path_reliability_rule",)),
            Exhibit("path_items", self.items),
            Exhibit("path_validity", self.validity, notes=("path_htmt_rule",)),
            Exhibit("path_cross_loadings", self._rival_loadings()),
            Exhibit("path_coefficients", self.paths, notes=("path_association_only",)),
            Exhibit("path_effects", self.effects, notes=("path_association_only",)),
        ]
        if len(self.routes):
            tables.append(Exhibit("path_routes", self.routes))
        return tuple(tables)

    def findings(self) -> tuple[Finding, ...]:
        """Explained variance of each endogenous construct, and pairs that HTMT cannot tell apart."""
        explained = self.constructs.dropna(subset="r2")
        found = [
            Finding("path_explained", {"construct": c, "r2": r, "n": self.answers.n})
            for c, r in zip(explained["construct"], explained["r2"], strict=True)
        ]
        close = self.validity[self.validity["htmt"] >= HTMT_LIMIT]
        found += [
            Finding("path_not_distinct", {"construct": a, "other": b, "htmt": h, "limit": HTMT_LIMIT})
            for a, b, h in zip(close["construct"], close["other"], close["htmt"], strict=True)
        ]
        return tuple(found)

    @property
    def explained(self) -> dict[str, float]:
        """R² of every construct that a path leads to."""
        return self.constructs.dropna(subset="r2").set_index("construct")["r2"].to_dict()

    def _rival_loadings(self) -> pd.DataFrame:
        """Each item's loading on its own construct beside its largest on another."""
        table = self.cross_loadings.set_index(["item", "construct"])
        own = table.columns.to_numpy() == table.index.get_level_values("construct").to_numpy()[:, None]
        others = table.abs().mask(own).to_numpy()
        best = np.nanargmax(others, axis=1)
        return pd.DataFrame(
            {
                "item": table.index.get_level_values("item"),
                "construct": table.index.get_level_values("construct"),
                "loading": table.to_numpy()[own],
                "other": table.columns[best],
                "cross_loading": table.to_numpy()[np.arange(len(table)), best],
            }
        )

    def tidy(self) -> pd.DataFrame:
        """``term, estimate`` of every path."""
        return pd.DataFrame(
            {"term": self.paths["source"] + " → " + self.paths["target"], "estimate": self.paths["estimate"]}
        )

    def glance(self) -> pd.DataFrame:
        """One row: n, n_items, n_constructs, iterations."""
        return pd.DataFrame(
            [
                {
                    "n": self.answers.n,
                    "n_items": len(self.answers.names),
                    "n_constructs": len(self.constructs),
                    "iterations": self.iterations,
                }
            ]
        )


def fit_paths(
    data: pd.DataFrame,
    model: PathModel,
    *,
    scheme: Scheme = "path",
    tolerance: float = 1e-7,
    max_iterations: int = 300,
    missing: Missing = "mean",
    missing_codes: Sequence[float] = (-99,),
) -> PathFit:
    """Estimate a path model by partial least squares.

    Parameters
    ----------
    data : pd.DataFrame
        One row per respondent, one numeric column per item.
    model : PathModel
    scheme : {"path", "centroid", "factorial"}
        Inner weighting scheme.
    tolerance : float
        The weights have converged when their absolute changes sum to less.
    max_iterations : int
    missing : {"mean", "casewise"}
        A missing answer takes the item's mean, or its row is left out.
    missing_codes : sequence of float
        Numbers that stand for a missing answer, whether stored as number or text.

    Returns
    -------
    PathFit

    Raises
    ------
    InputError
        An item column is absent.
    RefusedError
        Text answers; a constant or empty item; two identical items; not more rows than items; a
        singular mode B block or regression; no convergence; a Heywood case after correction.

    Notes
    -----
    Items are standardised (n − 1); composites have variance 1. Constructs declared common factors
    are corrected by rho_A (PLSc). Higher-order constructs: two-stage approach, in which stage one
    puts the dimensions in the place of their construct and stage two uses their scores as its
    items (Becker, Klein and Wetzels 2012, doi:10.1016/j.lrp.2012.10.001). A path coefficient
    describes association within the sample; the design decides whether more can be said.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> trust = rng.normal(size=200)
    >>> loyal = 0.6 * trust + 0.8 * rng.normal(size=200)
    >>> data = pd.DataFrame({"t1": trust + rng.normal(size=200), "t2": trust + rng.normal(size=200), "l1": loyal})
    >>> from crmresearch.scoring.satisfaction.paths.model import Construct
    >>> model = PathModel((Construct("trust", ("t1", "t2")), Construct("loyalty", ("l1",))), (("trust", "loyalty"),))
    >>> fit_paths(data, model).paths[["source", "target", "estimate"]].round(2)
      source   target  estimate
    0  trust  loyalty      0.51
    """
    settings = Settings(scheme, tolerance, max_iterations)
    answers = read_items(data, model.items, missing=missing, missing_codes=missing_codes)
    estimator = Estimator(model, settings)
    _, _, correlation = Moments(answers).of(np.ones((1, answers.n)))
    solved = estimator.solve_one(correlation)
    scores = answers.standardised @ estimator.item_weights(solved)[0]
    return _assemble(model, settings, answers, solved, scores, _recipe(model, settings, answers, missing))


def _recipe(model: PathModel, settings: Settings, answers: Items, missing: Missing) -> Recipe:
    def which(wanted: Callable[[Construct], bool]) -> list[str] | None:
        return [c.name for c in model.constructs if wanted(c)] or None

    return Recipe(
        "pls_path_model",
        {
            "scheme": f"scheme_{settings.scheme}",
            "scaling": "standardised",
            "mode_a": which(lambda c: c.mode == "A"),
            "mode_b": which(lambda c: c.mode == "B"),
            "common_factors": which(lambda c: c.common_factor),
            "higher_order": which(lambda c: bool(c.dimensions)),
            "tolerance": settings.tolerance,
            "max_iterations": settings.max_iterations,
            "missing_rule": f"missing_{missing}",
            "n_used": answers.n,
            "n_dropped": answers.n_dropped,
        },
        SOURCE,
    )


def _assemble(
    model: PathModel, settings: Settings, answers: Items, solved: tuple[Stage, ...], scores: np.ndarray, recipe: Recipe
) -> PathFit:
    last = solved[-1]
    layout, s = last.layout, last.solution
    position = {n: i for i, n in enumerate(layout.constructs)}
    source, target = (np.array([position[path[k]] for path in model.paths]) for k in (0, 1))
    paths = pd.DataFrame(
        {
            "source": [a for a, _ in model.paths],
            "target": [b for _, b in model.paths],
            "estimate": s.paths[0, source, target],
            "f2": quality.effect_sizes(s, layout)[0, source, target],
            "vif": s.vif[0, source, target],
        }
    )
    total = quality.total_effects(s.paths)[0]
    joined = np.argwhere(quality.total_effects(layout.arrows[None].astype(float))[0] > 0)
    effects = pd.DataFrame(
        {
            "source": [layout.constructs[a] for a, _ in joined],
            "target": [layout.constructs[b] for _, b in joined],
            "direct": [s.paths[0, a, b] for a, b in joined],
            "indirect": [total[a, b] - s.paths[0, a, b] for a, b in joined],
            "total": [total[a, b] for a, b in joined],
        }
    )
    return PathFit(
        model=model,
        settings=settings,
        answers=answers,
        paths=paths,
        items=_items_table(model, answers, solved),
        constructs=_constructs_table(model, answers.n, solved),
        effects=effects,
        routes=route_table(model, s.paths, layout.constructs),
        cross_loadings=_cross_loadings(last),
        validity=_validity_table(last),
        scores=pd.DataFrame(scores, index=answers.rows, columns=list(layout.constructs)),
        iterations=int(s.iterations[0]),
        recipe=recipe,
    )


def route_table(model: PathModel, paths: np.ndarray, names: Sequence[str]) -> pd.DataFrame:
    """``source, via, target, estimate`` of each route of two or more paths; ``paths`` (1, J, J)."""
    routes = model.routes()
    steps = [[names.index(n) for n in r] for r in routes]
    estimate = quality.route_effects(paths, steps)[0] if routes else np.array([])
    return pd.DataFrame(
        {
            "source": [r[0] for r in routes],
            "via": [list(r[1:-1]) for r in routes],
            "target": [r[-1] for r in routes],
            "estimate": estimate,
        }
    )


def _items_table(model: PathModel, answers: Items, solved: tuple[Stage, ...]) -> pd.DataFrame:
    share = dict(zip(answers.names, answers.share_missing, strict=True))
    frames = [
        pd.DataFrame(
            {
                "construct": [stage.layout.constructs[j] for j in stage.layout.block],
                "item": stage.layout.items,
                "mode": [model[stage.layout.constructs[j]].mode for j in stage.layout.block],
                "weight": stage.solution.weights[0],
                "loading": stage.solution.loadings[0],
                "communality": stage.solution.loadings[0] ** 2,
                "vif": quality.item_vif(stage.correlation[0], stage.layout),
                "share_missing": [share.get(i, np.nan) for i in stage.layout.items],
            }
        )
        for stage in reversed(solved)
    ]
    return pd.concat(frames, ignore_index=True).drop_duplicates("item", ignore_index=True)


def _constructs_table(model: PathModel, n: int, solved: tuple[Stage, ...]) -> pd.DataFrame:
    rows = []
    for stage in reversed(solved):
        layout, s = stage.layout, stage.solution
        alpha = quality.cronbach_alpha(stage.correlation, layout)[0]
        rho_c = quality.composite_reliability(s.loadings, layout)[0]
        ave = quality.average_variance_extracted(s.loadings, layout)[0]
        for j, name in enumerate(layout.constructs):
            k, before = int(layout.membership[:, j].sum()), len(layout.predecessors[j])
            predicted = before and name in model.endogenous
            r2 = s.r2[0, j] if predicted else np.nan
            reflective = k > 1 and model[name].mode == "A"
            rows.append(
                {
                    "construct": name,
                    "n_items": k,
                    "mode": model[name].mode,
                    "r2": r2,
                    "r2_adjusted": 1 - (1 - r2) * (n - 1) / (n - before - 1),
                    "alpha": alpha[j] if reflective else np.nan,
                    "rho_a": s.rho_a[0, j] if reflective else np.nan,
                    "rho_c": rho_c[j] if reflective else np.nan,
                    "ave": ave[j] if reflective else np.nan,
                }
            )
    table = pd.DataFrame(rows).drop_duplicates("construct", ignore_index=True)
    return table


def _cross_loadings(stage: Stage) -> pd.DataFrame:
    layout = stage.layout
    table = pd.DataFrame(stage.solution.cross[0], columns=list(layout.constructs))
    table.insert(0, "item", list(layout.items))
    table.insert(1, "construct", [layout.constructs[j] for j in layout.block])
    return table


def _validity_table(stage: Stage) -> pd.DataFrame:
    layout, s = stage.layout, stage.solution
    htmt = quality.heterotrait_monotrait(stage.correlation, layout.membership)[0]
    ave = quality.average_variance_extracted(s.loadings, layout)[0]
    single = layout.membership.sum(axis=0) == 1
    b_mode = np.isin(np.arange(len(single)), [layout.block[rows[0]] for rows in layout.mode_b])
    ave = np.where(single | b_mode, np.nan, ave)
    a, b = np.tril_indices(len(layout.constructs), -1)
    r = s.correlations[0, a, b]
    passed = pd.array(np.abs(r) < np.sqrt(np.fmin(ave[a], ave[b])), dtype="boolean")
    passed[np.isnan(ave[a]) | np.isnan(ave[b])] = pd.NA
    return pd.DataFrame(
        {
            "construct": [layout.constructs[i] for i in a],
            "other": [layout.constructs[i] for i in b],
            "correlation": r,
            "htmt": np.where(b_mode[a] | b_mode[b], np.nan, htmt[a, b]),
            "fornell_larcker": passed,
        }
    )
