"""Subjective and objective weights as one, by a named rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from crmresearch.errors import RefusedError, UsageError, check_choice
from crmresearch.results import Recipe
from crmresearch.scoring.value.weights.weighing import Weights

Rule = Literal["linear", "product", "geometric", "game"]


def combine_weights(*weights: Weights, rule: Rule = "linear", shares: Sequence[float] | None = None) -> Weights:
    r"""Combine several weightings of the same indicators.

    Parameters
    ----------
    *weights : Weights
        Two or more, for the same indicators in the same order.
    rule : {"linear", "product", "geometric", "game"}
        See Notes.
    shares : Sequence[float] | None
        How much each weighting counts under "linear" and "geometric", summing to 1; None counts all
        the same. The other rules take none.

    Returns
    -------
    Weights
        With one column for each weighting, named by its method.

    Raises
    ------
    UsageError
        Other indicators, an unknown rule, shares that do not sum to 1.
    RefusedError
        Under "product" and "geometric", no indicator that every weighting gives a weight to.

    Notes
    -----
    *linear*: :math:`\sum_k a_k w_{kj}`. *product* (multiplicative synthesis): :math:`\prod_k w_{kj}`, then
    summing to 1; it sharpens what all agree on, and one weight of 0 is final. *geometric*:
    :math:`\prod_k w_{kj}^{a_k}`, which minimises the sum of relative entropies to the weightings.
    *game*: the linear combination whose coefficients minimise :math:`\sum_k \lVert \sum_l a_l w_l - w_k \rVert^2`,
    from :math:`\sum_l a_l w_k \cdot w_l = w_k \cdot w_k`, negative ones counting 0, then summing to 1.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"indicator": ["x", "y"], "direction": "benefit", "weight": [0.8, 0.2]})
    >>> subjective = Weights(table, Recipe("ahp_weights"))
    >>> objective = Weights(table.assign(weight=[0.5, 0.5]), Recipe("entropy_weights"))
    >>> for rule in ("linear", "product", "geometric"):
    ...     combine_weights(subjective, objective, rule=rule).values.round(4).tolist()
    [0.65, 0.35]
    [0.8, 0.2]
    [0.6667, 0.3333]
    """
    where = "combine_weights"
    check_choice("rule", rule, get_args(Rule), where=where)
    if len(weights) < 2:
        raise UsageError(f"{len(weights)} weighting to combine", where=where, repair="Give two or more.")
    names = weights[0].table["indicator"].tolist()
    if any(w.table["indicator"].tolist() != names for w in weights):
        raise UsageError("the weights are for different indicators", where=where, repair="Make them from one matrix.")
    count = len(weights)
    if shares is not None and rule not in ("linear", "geometric"):
        raise UsageError(f"rule {rule!r} takes no shares", where=where, repair="Leave shares out.")
    a = np.full(count, 1 / count) if shares is None else np.asarray(shares, dtype=float)
    if len(a) != count or not (a >= 0).all() or abs(a.sum() - 1) > 1e-9:
        raise UsageError(
            f"shares {a.tolist()} of {count} weightings", where=where, repair="Give one each, summing to 1."
        )
    stacked = np.array([w.values for w in weights])
    if rule == "game":
        a = _balance(stacked)
    if rule in ("linear", "game"):
        combined = a @ stacked
    else:
        powers = np.ones(count) if rule == "product" else a
        combined = np.prod(stacked ** powers[:, None], axis=0)
    if not combined.sum() > 0:
        raise RefusedError(
            "no indicator has a weight in every weighting", where="combined weights", repair="Use rule='linear'."
        )
    table = weights[0].table[["indicator", "direction"]].assign(weight=combined / combined.sum())
    methods = [w.recipe.method for w in weights]
    for number, (method, values) in enumerate(zip(methods, stacked, strict=True)):
        if methods.index(method) == number:
            table[method] = values
    options = {"rule": f"combined_{rule}", "weights": methods}
    if rule != "product":
        options["shares"] = ", ".join(f"{share:.3g}" for share in a)
    return Weights(table, Recipe("combined_weights", options))


def _balance(stacked: np.ndarray) -> np.ndarray:
    gram = stacked @ stacked.T
    coefficients = np.linalg.lstsq(gram, np.diag(gram), rcond=None)[0].clip(min=0)
    return coefficients / coefficients.sum()
