"""RFM scores: how recently, how often and for how much each customer bought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from crmresearch.errors import RefusedError, UsageError, check_choice
from crmresearch.results import Exhibit, Finding, Recipe

Method = Literal["quantile", "rank", "fixed", "nested"]
Recency = Literal["since_last", "interval"]

_RECENCY_COLUMN = {"since_last": "recency_days", "interval": "mean_interval_days"}
_TIES = {
    "quantile": "equal_values_share_the_lower_bin",
    "rank": "broken_by_customer_id",
    "fixed": "by_value",
    "nested": "equal_values_share_the_lower_bin",
}


@dataclass(frozen=True, slots=True)
class RfmScores:
    """RFM scores of each customer.

    Attributes
    ----------
    customers : pd.DataFrame, shape (n_customers, 8)
        customer_id, the three measures, r, f, m (Int64, 1..bins, bins is best), code (``"543"``).
        A customer without a purchase has missing scores and code.
    cuts : pd.DataFrame, shape (3 * bins, 8)
        measure, rfm_score, least, most (smallest and largest value in the bin, missing where it is empty),
        n_customers, share_customers, spend, share_spend.
    cells : pd.DataFrame, shape (bins ** 2, 5)
        r, f, n_customers, spend, mean_spend: every cell of recency by frequency, empty ones too.
    recipe : Recipe
    """

    customers: pd.DataFrame
    cuts: pd.DataFrame
    cells: pd.DataFrame
    recipe: Recipe

    def exhibits(self) -> tuple[Exhibit, ...]:
        """The bins of each measure and the best customers."""
        notes = {
            "quantile": "rfm_quantile_ties",
            "rank": "rfm_rank_ties",
            "fixed": "rfm_fixed_cuts",
            "nested": "rfm_nested",
        }
        interval = ("rfm_interval",) if self.recipe.options["recency"] == "interval" else ()
        best = self.customers.sort_values(["code", "spend", "customer_id"], ascending=[False, False, True])
        return (
            Exhibit("rfm_cuts", self.cuts, notes=(notes[self.recipe.options["method"]], *interval)),
            Exhibit("rfm_customers", best.reset_index(drop=True), rows_shown=10),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Size and spend of the best cell, spend of the top money bin, customers left without a score."""
        bins, scored = self.recipe.options["bins"], self.customers.dropna(subset="code")
        total = self.customers["spend"].sum()
        best = scored[scored["code"] == str(bins) * 3]
        found = [
            Finding(
                "rfm_best",
                {
                    "code": str(bins) * 3,
                    "n": len(best),
                    "n_customers": len(scored),
                    "share_customers": len(best) / len(scored),
                    "share_spend": best["spend"].sum() / total if total > 0 else np.nan,
                },
            )
        ]
        crowded = self.cuts.loc[self.cuts["share_customers"].idxmax()]
        if crowded["share_customers"] > 2 / bins:
            found.append(
                Finding(
                    "rfm_crowded",
                    {
                        "measure": str(crowded["measure"]),
                        "score": int(crowded["rfm_score"]),
                        "share": float(crowded["share_customers"]),
                        "nominal": 1 / bins,
                    },
                )
            )
        if len(scored) < len(self.customers):
            found.append(Finding("rfm_unscored", {"n": len(self.customers) - len(scored)}))
        return tuple(found)


def score_rfm(
    summary: pd.DataFrame,
    *,
    bins: int = 5,
    method: Method = "quantile",
    recency: Recency = "since_last",
    cuts: Mapping[str, Sequence[float]] | None = None,
) -> RfmScores:
    r"""Score recency, frequency and money of each customer from 1 (worst) to ``bins`` (best).

    Parameters
    ----------
    summary : pd.DataFrame
        One row per customer with customer_id, recency_days, n_orders, n_purchase_days, spend and,
        for ``recency="interval"``, mean_interval_days (see :func:`~.summary.summarise_orders`).
    bins : int
        Scores per measure, 2 to 9.
    method : {"quantile", "rank", "fixed", "nested"}
        How values become scores; see Notes.
    recency : {"since_last", "interval"}
        What R measures: days since the last purchase, or the mean days between purchases. With
        "interval" a customer with one purchase day has no interval and counts as the worst.
    cuts : Mapping[str, Sequence[float]] | None
        With "fixed": for each measure its ``bins - 1`` ascending inner bounds; a value equal to a
        bound belongs to the bin above it.

    Returns
    -------
    RfmScores

    Raises
    ------
    RefusedError
        Fewer buyers than bins, or a measure that is the same for all of them.
    UsageError
        An unknown method, bins out of range, cuts that are missing, unordered or not asked for.

    Notes
    -----
    *quantile*: :math:`1 + \lfloor B \cdot w_i / n \rfloor` where :math:`w_i` customers do strictly
    worse. Equal values always get equal scores; where many are equal, a bin above them stays empty.
    *rank*: bins of equal size, equal values told apart by ``customer_id``; the split among them is
    arbitrary, though reproducible. *fixed*: by the given bounds, comparable between dates. *nested*: R as
    "quantile"; F by quantiles among customers of the same R, M among those of the same R and F, so
    that every code is about equally common and a score means something else in every branch.
    Customers without a purchase (returns only) are kept without scores.

    References
    ----------
    Hughes, A. M. (1994). Strategic Database Marketing. Probus.

    Examples
    --------
    >>> summary = pd.DataFrame({"customer_id": list("abcd"), "recency_days": [40, 30, 20, 10],
    ...     "n_orders": [1, 1, 2, 5], "n_purchase_days": [1, 1, 2, 5], "spend": [5.0, 9.0, 9.0, 50.0]})
    >>> score_rfm(summary, bins=2).customers["code"].tolist()
    ['111', '111', '221', '222']
    """
    _check_options(bins, method, recency, cuts)
    measures = {"r": _RECENCY_COLUMN[recency], "f": "n_orders", "m": "spend"}
    needed = ("customer_id", "n_purchase_days", *measures.values())
    if missing := [c for c in needed if c not in summary]:
        raise UsageError(
            f"no column {missing[0]!r}", where="score_rfm, summary", repair="Use the columns of summarise_orders."
        )
    ordered = summary.sort_values("customer_id", kind="stable")
    buyers = ordered[ordered["n_purchase_days"] > 0]
    if len(buyers) < bins:
        raise RefusedError(
            f"{len(buyers)} customers cannot fill {bins} bins", where="RFM", repair="Use fewer bins or a longer window."
        )
    scores = {}
    for letter, column in measures.items():
        goodness = buyers[column].to_numpy(dtype=float)
        if letter == "r":
            goodness = -np.nan_to_num(goodness, nan=np.inf) if recency == "interval" else -goodness
        _check_values(goodness, column, letter, recency)
        bounds = None
        if cuts is not None:
            bounds = np.asarray(cuts[column], dtype=float)
        if method == "nested":
            within = sum(scores[k] * (bins + 1) ** i for i, k in enumerate(scores)) if scores else np.zeros(len(buyers))
            scores[letter] = _score_within(goodness, within, bins)
        else:
            scores[letter] = _score(goodness, bins, method, bounds, reverse=letter == "r")
    table = pd.DataFrame(scores, index=buyers.index).reindex(ordered.index).astype("Int64")
    code = (table["r"] * 100 + table["f"] * 10 + table["m"]).astype("string").astype("str")
    customers = pd.concat(
        [ordered[["customer_id", *measures.values()]], table, code.where(table["r"].notna()).rename("code")], axis=1
    ).reset_index(drop=True)
    options = {"bins": bins, "method": method, "recency": recency, "ties": _TIES[method], "frequency": "n_orders"}
    recipe = Recipe("rfm", options, "Hughes (1994), Strategic Database Marketing")
    return RfmScores(customers, describe_bins(customers, measures, bins), _count_cells(customers, bins), recipe)


def _check_options(bins: int, method: str, recency: str, cuts: Mapping[str, Sequence[float]] | None) -> None:
    where = "score_rfm"
    if not 2 <= bins <= 9:
        raise UsageError(f"bins={bins} is out of range", where=where, repair="Use 2 to 9, one digit of the code each.")
    check_choice("method", method, get_args(Method), where=where)
    check_choice("recency", recency, get_args(Recency), where=where)
    if (cuts is not None) != (method == "fixed"):
        raise UsageError("cuts and method='fixed' go together", where=where, repair="Give both or neither.")
    for column in (_RECENCY_COLUMN[recency], "n_orders", "spend") if cuts is not None else ():
        bounds = np.asarray(cuts.get(column, ()), dtype=float)
        if len(bounds) != bins - 1 or not (np.diff(bounds) > 0).all():
            raise UsageError(
                f"{column!r} needs {bins - 1} ascending bounds, got {bounds.tolist()}",
                where=f"{where}, cuts",
                repair="Give one bound less than bins for each measure.",
            )


def _check_values(goodness: np.ndarray, column: str, letter: str, recency: str) -> None:
    finite = np.isfinite(goodness) | ((goodness == -np.inf) & (letter == "r") & (recency == "interval"))
    if not finite.all():
        raise RefusedError(
            f"{(~finite).sum()} values of {column!r} are missing or infinite",
            where="RFM",
            repair="Clean the orders first.",
        )
    if (goodness == goodness[0]).all():
        raise RefusedError(
            f"all customers have the same {column!r}, which tells none from another",
            where="RFM",
            repair="Choose a longer window, or leave this measure out of the study.",
        )


def _score(goodness: np.ndarray, bins: int, method: Method, bounds: np.ndarray | None, *, reverse: bool) -> np.ndarray:
    """Scores 1..bins of values where larger is better; ``reverse`` says they were negated."""
    n = len(goodness)
    if method == "quantile":
        n_worse = np.searchsorted(np.sort(goodness), goodness, side="left")
        return 1 + bins * n_worse // n
    if method == "rank":
        place = np.empty(n, dtype=np.int64)
        place[np.argsort(goodness, kind="stable")] = np.arange(n)
        return 1 + bins * place // n
    if reverse:
        return bins - np.searchsorted(bounds, -goodness, side="right")
    return 1 + np.searchsorted(bounds, goodness, side="right")


def _score_within(goodness: np.ndarray, group: np.ndarray, bins: int) -> np.ndarray:
    """Quantile scores among the customers of each group."""
    groups = pd.Series(goodness).groupby(group)
    n_worse = groups.rank(method="min").to_numpy().astype(np.int64) - 1
    return 1 + bins * n_worse // groups.transform("size").to_numpy()


def describe_bins(customers: pd.DataFrame, measures: Mapping[str, str], bins: int) -> pd.DataFrame:
    """What each score of each measure stands for: values, customers, spend."""
    scored = customers.dropna(subset="code")
    every = pd.RangeIndex(1, bins + 1, name="rfm_score")
    blocks = []
    for letter, column in measures.items():
        by_score = scored.groupby(scored[letter].astype(int))
        block = pd.DataFrame(
            {
                "least": by_score[column].min(),
                "most": by_score[column].max(),
                "n_customers": by_score.size(),
                "spend": by_score["spend"].sum(),
            }
        ).reindex(every)
        blocks.append(block.fillna({"n_customers": 0, "spend": 0.0}).reset_index().assign(measure=column))
    table = pd.concat(blocks, ignore_index=True).astype({"n_customers": int})
    table["share_customers"] = table["n_customers"] / len(scored)
    table["share_spend"] = table["spend"] / scored["spend"].sum()
    columns = ["measure", "rfm_score", "least", "most", "n_customers", "share_customers", "spend", "share_spend"]
    return table[columns]


def _count_cells(customers: pd.DataFrame, bins: int) -> pd.DataFrame:
    scored = customers.dropna(subset="code").astype({"r": int, "f": int})
    every = pd.MultiIndex.from_product([range(1, bins + 1)] * 2, names=["r", "f"])
    cells = scored.groupby(["r", "f"])["spend"].agg(n_customers="size", spend="sum", mean_spend="mean").reindex(every)
    return cells.fillna({"n_customers": 0, "spend": 0.0}).astype({"n_customers": int}).reset_index()
