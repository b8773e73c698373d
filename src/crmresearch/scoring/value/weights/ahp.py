"""AHP weights of indicators: the experts' priorities carried down the tree of an indicator system."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from crmresearch.case import IndicatorSystem
from crmresearch.errors import RefusedError, nearest
from crmresearch.results import Recipe
from crmresearch.scoring.value.indicators import IndicatorMatrix
from crmresearch.scoring.value.weights.hierarchy import Priorities
from crmresearch.scoring.value.weights.pairwise import Method, priorities
from crmresearch.scoring.value.weights.weighing import Weights, weight_table


def weigh_ahp(
    matrix: IndicatorMatrix,
    judged: Priorities,
    *,
    system: IndicatorSystem | None = None,
    method: Method | None = None,
) -> Weights:
    """Weigh indicators as experts judged the criteria above them.

    Parameters
    ----------
    matrix : IndicatorMatrix
    judged : Priorities
        Of :func:`judge_criteria`. The matrix that no other matrix has as an item is the top one.
    system : IndicatorSystem | None
        The tree; items are found by key, by name in either language, or by alias. None: items are
        indicators of the matrix, by name.
    method : {"eigenvector", "geometric_mean", "column_mean"} | None
        None takes the one of ``judged``.

    Returns
    -------
    Weights
        Indicators that no expert judged have weight 0 and are told (``unjudged``); criteria that were
        judged but not observed give their weight to the others in proportion (``unobserved``, with the
        weight they had).

    Raises
    ------
    RefusedError
        Nobody judged, or nobody consistently (the worst triad is named); an item that the system does
        not know; no indicator under the judged criteria.

    Notes
    -----
    Weight flows from the top down: a criterion's weight is its parent's times its priority. A criterion
    without a matrix of its own shares its weight equally among the observed indicators below it.
    """
    if not judged.observed:
        raise RefusedError("no expert judged", where="AHP weights", repair="Use weights that come from the data.")
    for refusal in judged.unusable.values():
        raise refusal
    tree = _Tree(matrix, system)
    shares = {}
    for name, group in judged.group.items():
        chosen = method or judged.recipe.options["method"]
        shares[name] = dict(zip(group.items, priorities(group, chosen).tolist(), strict=True))
    weights = dict.fromkeys(matrix.names, 0.0)
    unobserved: dict[str, float] = {}
    below = {tree.find(item) for items in shares.values() for item in items}
    tops = [name for name in shares if tree.find(name, top=True) not in below]
    if len(tops) != 1:
        raise RefusedError(
            f"{len(tops)} matrices at the top of the hierarchy: {', '.join(tops) or 'each stands below another'}",
            where="AHP weights",
            repair="Judge the criteria directly below the goal in one matrix.",
        )
    by_node = {tree.find(name, top=True): items for name, items in shares.items()}

    def carry(items: Mapping[str, float], weight: float) -> None:
        for item, share in items.items():
            node = tree.find(item)
            if node in by_node:
                carry(by_node[node], weight * share)
            elif leaves := tree.leaves(node):
                for leaf in leaves:
                    weights[leaf] += weight * share / len(leaves)
            else:
                unobserved[item] = weight * share

    carry(shares[tops[0]], 1.0)
    values = np.array(list(weights.values()))
    if not values.sum() > 0:
        raise RefusedError(
            f"no observed indicator stands under the judged criteria ({', '.join(unobserved)})",
            where="AHP weights",
            repair="Measure them, or use weights that come from the data.",
        )
    options = {
        "method": method or judged.recipe.options["method"],
        "random_index": judged.recipe.options["random_index"],
        "aggregation": judged.recipe.options["aggregation"],
    }
    if unjudged := [name for name, weight in weights.items() if weight == 0]:
        options["unjudged"] = unjudged
    if unobserved:
        options |= {"unobserved": list(unobserved), "unobserved_weight": sum(unobserved.values())}
    recipe = Recipe("ahp_weights", options, judged.recipe.source)
    return Weights(weight_table(matrix, values / values.sum()), recipe)


class _Tree:
    """Finds the node that a judged name means, and the observed indicators below it."""

    def __init__(self, matrix: IndicatorMatrix, system: IndicatorSystem | None) -> None:
        self.observed = set(matrix.names)
        self.names: dict[str, str] = {name.casefold(): name for name in matrix.names}
        self.paths: dict[str, tuple[str, ...]] = dict.fromkeys(matrix.names, ())
        self.tops: set[str] = set()
        self.whole = system is None
        if system is not None:
            self.tops = {t.casefold() for t in (system.title.en, system.title.zh, *system.aliases)}
            for name, node, path in system.walk():
                self.paths[name] = path
                for word in (name, node.en, node.zh, *node.aliases):
                    self.names.setdefault(word.casefold(), name)

    def find(self, item: str, *, top: bool = False) -> str:
        """Key of the node that an item or a matrix means; of the whole, the empty string."""
        word = item.strip().casefold()
        if word in self.names:
            return self.names[word]
        if top and (word in self.tops or self.whole):
            return ""
        raise RefusedError(
            f"the experts judged {item!r}, which the system of indicators does not know{nearest(item, self.names)}",
            where="judgements",
            repair="Add it to the aliases of an indicator or group.",
        )

    def leaves(self, node: str) -> list[str]:
        """Observed indicators at or below a node."""
        return [name for name in self.paths if name in self.observed and (name == node or node in self.paths[name])]
