"""Judgements of several experts on a hierarchy of criteria: each one's consistency, and the group's priorities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, UsageError
from crmresearch.results import Exhibit, Finding, Recipe
from crmresearch.scoring.value.weights.pairwise import (
    Consistency,
    Method,
    Pairwise,
    RandomIndex,
    measure_consistency,
    priorities,
    read_judgement,
    read_pairwise,
)

Inconsistent = Literal["leave_out", "keep", "refuse"]
_SOURCE = "Saaty (1980), The Analytic Hierarchy Process; Crawford & Williams (1985), doi:10.1016/0022-2496(85)90002-1"


@dataclass(frozen=True, slots=True)
class Priorities:
    """Priorities of criteria as experts judged them.

    Attributes
    ----------
    table : pd.DataFrame, shape (n_items, 6)
        matrix, judged_item, weight (of the group, by the method asked for; each matrix sums to 1),
        weight_geometric_mean (or weight_eigenvector, where the geometric mean is the method), expert_lowest,
        expert_highest (of the experts used).
    consistency : pd.DataFrame, shape (n_matrices, 9)
        matrix, expert ("group" for all used together), n_criteria, n_unjudged, lambda_max, ci, ri, cr, counted_in.
    contradictions : pd.DataFrame, shape (n_inconsistent, 8)
        matrix, expert, triad (first over second over third), direct_judgement, implied_judgement (first against
        third, as judged and by the other two), entry, repaired, cr_after:
        of each matrix above the threshold, the triad that contradicts itself most and the one entry of it
        that would lower the ratio most. Nothing is repaired.
    group : Mapping[str, Pairwise]
        Matrix → geometric mean of the experts used.
    recipe : Recipe
    unusable : Mapping[str, RefusedError]
        Matrix that no expert judged consistently → why it cannot be used.
    """

    table: pd.DataFrame
    consistency: pd.DataFrame
    contradictions: pd.DataFrame
    group: Mapping[str, Pairwise]
    recipe: Recipe
    unusable: Mapping[str, RefusedError] = field(default_factory=dict)

    @property
    def observed(self) -> bool:
        """Whether anybody judged."""
        return len(self.consistency) > 0

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The priorities, each expert's consistency, and the contradictions."""
        if not self.observed:
            return ()
        shown = [Exhibit("expert_priorities", self.table, notes=("expert_priorities",))] if len(self.table) else []
        consistency = self.consistency.replace({"expert": {"group": "Σ"}})
        shown.append(Exhibit("expert_consistency", consistency, notes=("random_index",)))
        if len(self.contradictions):
            shown.append(Exhibit("contradictions", self.contradictions, notes=("never_repaired",)))
        return tuple(shown)

    def findings(self) -> tuple[Finding, ...]:
        """Who judged consistently, who was left out, and where judgements contradict each other."""
        if not self.observed:
            return (Finding("no_judgements"),)
        options = self.recipe.options
        experts = self.consistency[self.consistency["expert"] != "group"]
        values = {"n": experts["expert"].nunique(), "n_consistent": int((experts["cr"] <= options["threshold"]).sum())}
        values |= {"n_matrices": len(experts), "threshold": options["threshold"]}
        found = [Finding("experts_consistent", values)]
        for row in self.contradictions.itertuples():
            cr = self.consistency.set_index(["matrix", "expert"]).loc[(row.matrix, row.expert)]
            common = {"expert": row.expert, "cr": float(cr["cr"]), "threshold": options["threshold"]}
            common |= {
                "triad": row.triad,
                "direct": row.direct_judgement,
                "implied": row.implied_judgement,
                "entry": row.entry,
            }
            common |= {"repaired": row.repaired, "cr_after": row.cr_after}
            found.append(Finding("contradiction_kept" if cr["counted_in"] else "contradiction_left_out", common))
        found += [Finding("no_consistent_expert", {"matrix": name}) for name in self.unusable]
        if not len(self.table):
            return tuple(found)
        top = self.table.loc[self.table["weight"].idxmax()]
        values = {"criterion": top["judged_item"], "weight": top["weight"]}
        values |= {"lowest": top["expert_lowest"], "highest": top["expert_highest"]}
        found.append(Finding("heaviest_criterion", values))
        return tuple(found)


def judge_criteria(
    judgements: pd.DataFrame | None,
    *,
    method: Method = "eigenvector",
    random_index: RandomIndex = "saaty_1980",
    threshold: float = 0.1,
    inconsistent: Inconsistent = "leave_out",
) -> Priorities:
    """Priorities of criteria from experts' pairwise judgements (analytic hierarchy process).

    Parameters
    ----------
    judgements : pd.DataFrame | None
        expert, matrix (the criterion above), row_item, column_item, judgement: how many times the row
        matters as much as the column, on Saaty's scale (numbers, or texts such as ``1/3``). A pair may stand
        from either side; a pair that is missing was not judged. None where the case has no such table.
    method : {"eigenvector", "geometric_mean", "column_mean"}
        See :func:`~.pairwise.priorities`.
    random_index : {"saaty_1980", "saaty_2005", "donegan_dodd"}
    threshold : float
        Highest consistency ratio that passes.
    inconsistent : {"leave_out", "keep", "refuse"}
        What becomes of a matrix above it: it stands aside, named with its worst triad (where no expert is
        left, :func:`weigh_ahp` refuses); it counts all the same; or no priorities are given.

    Returns
    -------
    Priorities
        Empty where ``judgements`` is None or has no row.

    Raises
    ------
    RefusedError
        A matrix that breaks a rule of :func:`~.pairwise.read_pairwise`; under "refuse" an inconsistent one: its
        worst triad and the entry that would mend it are named.
    UsageError
        An option that is unknown.

    Notes
    -----
    Experts are aggregated judgement by judgement by the geometric mean (Aczél & Saaty 1983), the only
    mean that keeps the matrix reciprocal; a pair counts those who judged it.

    Examples
    --------
    >>> rows = [("A", "value", "profit", "credit", 3), ("A", "value", "profit", "growth", "5"),
    ...         ("A", "value", "growth", "credit", "1/2")]
    >>> table = pd.DataFrame(rows, columns=["expert", "matrix", "row_item", "column_item", "judgement"])
    >>> judge_criteria(table).table[["judged_item", "weight"]].round(3).values.tolist()
    [['credit', 0.23], ['growth', 0.122], ['profit', 0.648]]
    """
    where = "judge_criteria"
    if inconsistent not in get_args(Inconsistent) or not threshold >= 0:
        raise UsageError(
            f"inconsistent={inconsistent!r}, threshold={threshold}",
            where=where,
            repair=f"Choose from {', '.join(get_args(Inconsistent))}, and a threshold of 0 or more.",
        )
    options = {
        "method": method,
        "random_index": random_index,
        "threshold": threshold,
        "inconsistent": f"inconsistent_{inconsistent}",
        "aggregation": "geometric_mean_of_judgements",
    }
    recipe = Recipe("ahp_priorities", options, _SOURCE)
    if judgements is None or not len(judgements):
        empty = pd.DataFrame()
        return Priorities(empty, empty, empty, {}, recipe)
    consistency, contradictions, tables, group, unusable = [], [], [], {}, {}
    for name, of_matrix in judgements.groupby("matrix", sort=False):
        items = sorted({*of_matrix["row_item"].astype(str), *of_matrix["column_item"].astype(str)})
        used: dict[str, Pairwise] = {}
        worst = ("", None)
        for expert, rows in of_matrix.groupby("expert", sort=True):
            pairwise = _matrix_of(rows, items, f"judgements of {expert} on {name}")
            found = measure_consistency(pairwise, random_index=random_index)
            passes = found.cr <= threshold or inconsistent == "keep"
            consistency.append(_row(name, expert, pairwise, found, used=passes))
            if found.cr > threshold:
                contradictions.append(_contradiction(name, expert, found))
                worst = max(worst, (str(expert), found), key=lambda pair: pair[1].cr if pair[1] else -1)
            if passes:
                used[str(expert)] = pairwise
        if worst[1] and (inconsistent == "refuse" or not used):
            unusable[str(name)] = _refusal(str(name), *worst, threshold)
            if inconsistent == "refuse":
                raise unusable[str(name)]
            continue
        group[str(name)] = _aggregate(used, items, str(name))
        found = measure_consistency(group[str(name)], random_index=random_index)
        consistency.append(_row(name, "group", group[str(name)], found, used=True))
        tables.append(_priorities(str(name), group[str(name)], used, method))
    columns = ["matrix", "expert", "triad", "direct_judgement", "implied_judgement", "entry", "repaired", "cr_after"]
    return Priorities(
        pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(),
        pd.DataFrame(consistency),
        pd.DataFrame(contradictions, columns=columns),
        group,
        recipe,
        unusable,
    )


def _matrix_of(rows: pd.DataFrame, items: list[str], where: str) -> Pairwise:
    place = {item: i for i, item in enumerate(items)}
    values = np.full((len(items), len(items)), np.nan)
    for row in rows.itertuples():
        i, j, judgement = place[str(row.row_item)], place[str(row.column_item)], read_judgement(row.judgement)
        if np.isfinite(values[i, j]) and abs(values[i, j] - judgement) > 1e-9:
            raise RefusedError(
                f"{row.row_item!r} against {row.column_item!r} is judged twice, {values[i, j]:g} and {judgement:g}",
                where=where,
                repair="Keep the one that was meant.",
            )
        values[i, j] = judgement
    return read_pairwise(values, items, where=where)


def _aggregate(used: Mapping[str, Pairwise], items: list[str], name: str) -> Pairwise:
    logs = np.log(np.array([p.values for p in used.values()]))
    judged = ~np.isnan(logs)
    count = judged.sum(axis=0)
    mean = np.where(judged, logs, 0.0).sum(axis=0) / np.where(count, count, np.nan)
    return read_pairwise(np.exp(mean), items, where=f"judgements of the group on {name}")


def _priorities(name: str, group: Pairwise, used: Mapping[str, Pairwise], method: Method) -> pd.DataFrame:
    other = "eigenvector" if method == "geometric_mean" else "geometric_mean"
    single = np.array([priorities(p, method) for p in used.values()])
    return pd.DataFrame(
        {
            "matrix": name,
            "judged_item": group.items,
            "weight": priorities(group, method),
            f"weight_{other}": priorities(group, other),
            "expert_lowest": single.min(axis=0),
            "expert_highest": single.max(axis=0),
        }
    )


def _row(name: object, expert: object, pairwise: Pairwise, found: Consistency, *, used: bool) -> dict[str, object]:
    return {
        "matrix": str(name),
        "expert": str(expert),
        "n_criteria": len(pairwise.items),
        "n_unjudged": pairwise.n_missing,
        "lambda_max": found.lambda_max,
        "ci": found.ci,
        "ri": found.ri,
        "cr": found.cr,
        "counted_in": used,
    }


def _contradiction(name: object, expert: object, found: Consistency) -> dict[str, object]:
    row, column, stated, value, after = found.repair
    return {
        "matrix": str(name),
        "expert": str(expert),
        "triad": " → ".join(found.triad),
        "direct_judgement": found.direct,
        "implied_judgement": found.indirect,
        "entry": f"{row} : {column} = {_ratio(stated)}",
        "repaired": _ratio(value),
        "cr_after": after,
    }


def _ratio(value: float) -> str:
    return f"{value:.3g}" if value >= 1 else f"1/{1 / value:.3g}"


def _refusal(name: str, expert: str, found: Consistency, threshold: float) -> RefusedError:
    row, column, stated, value, after = found.repair
    return RefusedError(
        f"judgements of {expert} on {name} have a consistency ratio of {found.cr:.2f}, above {threshold:g}; "
        f"worst triad: {' over '.join(found.triad)}, {_ratio(found.direct)} as judged but "
        f"{_ratio(found.indirect)} by the other two",
        where="judgements",
        repair=f"Ask again for {row} : {column} = {_ratio(stated)}; {_ratio(value)} would lower the ratio "
        f"to {after:.2f}. Nothing is repaired here.",
    )
