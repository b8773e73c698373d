"""Where tiers end: the lowest score of each, for many rankings at once."""

from __future__ import annotations

from typing import Literal

import numpy as np

from crmresearch.errors import RefusedError

Rule = Literal["value_share", "quantile", "threshold", "natural_breaks"]

DEFAULT_BOUNDS: dict[str, tuple[float, ...]] = {
    "value_share": (0.5, 0.8, 0.95),
    "quantile": (0.05, 0.2, 0.5),
    "threshold": (0.75, 0.5, 0.25),
    "natural_breaks": (),
}
_DROPPED_BITS, _MOST_BUCKETS = 15, 4096  # 256 buckets an octave, over 16 octaves
_EXACT_UP_TO, _BREAK_BINS = 200, 256


def find_floors(scores: np.ndarray, worth: np.ndarray, rule: Rule, cuts: np.ndarray, n_tiers: int) -> np.ndarray:
    """Lowest score of each tier but the last, shape (n_rows, n_tiers - 1).

    Parameters
    ----------
    scores : np.ndarray, shape (n_rows, n_customers)
        Not negative.
    worth : np.ndarray, shape (n_customers,)
        What a share is of.
    rule, cuts
        See :func:`~.assigning.assign_tiers`.
    n_tiers : int
    """
    if rule == "natural_breaks":
        return np.array([find_breaks(row, n_tiers) for row in scores])
    rows, n = scores.shape
    if rule == "threshold":
        return np.broadcast_to(cuts, (rows, len(cuts)))
    # Going down a ranking until a share is reached is a weighted quantile. Buckets of the leading bits
    # of the score, which keep its order, find the neighbourhood; only that is sorted.
    bits = scores.astype(np.float32).view(np.uint32) >> _DROPPED_BITS
    top = int(bits.max())
    bucket = np.minimum(top - bits, _MOST_BUCKETS - 1).astype(np.int16)
    n_buckets = int(bucket.max()) + 1
    flat = (np.arange(rows) * n_buckets)[:, None] + bucket
    held = np.bincount(flat.ravel(), weights=np.tile(worth, rows), minlength=rows * n_buckets)
    from_top = np.cumsum(held.reshape(rows, n_buckets), axis=1)
    floors = np.empty((rows, len(cuts)))
    for k, goal in enumerate(cuts * worth.sum() * (1 - 1e-12)):
        place = (from_top < goal).sum(axis=1).clip(max=n_buckets - 1)
        above = np.where(place > 0, from_top[np.arange(rows), place - 1], 0.0)
        row, column = np.divmod(np.flatnonzero(bucket == place[:, None].astype(np.int16)), n)
        order = np.lexsort((-scores[row, column], row))
        row, column = row[order], column[order]
        first = np.searchsorted(row, np.arange(rows))
        running = np.concatenate([[0.0], np.cumsum(worth[column])])
        reached = running[1:] - running[first][row] + above[row] >= goal
        reached[np.append(first[1:], len(row)) - 1] = True
        hits = np.flatnonzero(reached)
        hits = hits[np.searchsorted(row[hits], np.arange(rows))]
        floors[:, k] = scores[row[hits], column[hits]]
    return floors


def find_breaks(scores: np.ndarray, n_tiers: int) -> np.ndarray:
    """Lowest score of each tier but the last by natural breaks (Jenks), best tier first.

    Up to 200 different scores the least sum of squares within tiers is exact (``jenkspy``). Beyond, scores
    are first gathered into 256 bins of equal width and the least sum over bins is exact, so a break is
    right to 1/256 of the range.

    Raises
    ------
    RefusedError
        Fewer different scores than tiers.
    """
    values, counts = np.unique(scores, return_counts=True)
    if len(values) < n_tiers:
        raise RefusedError(
            f"{len(values)} different scores cannot make {n_tiers} tiers by natural breaks",
            where="tiers",
            repair="Ask for fewer tiers, or use another rule.",
        )
    if len(values) <= _EXACT_UP_TO:
        import jenkspy

        edges = np.asarray(jenkspy.jenks_breaks(scores, n_classes=n_tiers))[1:-1]
        return values[np.searchsorted(values, edges, side="right")][::-1]
    places = np.minimum((values - values[0]) / (values[-1] - values[0]) * _BREAK_BINS, _BREAK_BINS - 1).astype(int)
    weight = np.bincount(places, weights=counts, minlength=_BREAK_BINS)
    total = np.bincount(places, weights=counts * values, minlength=_BREAK_BINS)
    held = np.flatnonzero(weight)
    starts = held[_least_squares(weight[held], total[held], min(n_tiers, len(held)))]
    lowest = values[np.searchsorted(places, starts)]
    spare = np.full(n_tiers - 1 - len(lowest), values[0])  # fewer held bins than tiers: the lower tiers stay empty
    return np.concatenate([lowest[::-1], spare])


def _least_squares(weight: np.ndarray, total: np.ndarray, n_classes: int) -> np.ndarray:
    """First bin of each class but the first, so that the sum of squares between classes is largest."""
    n = len(weight)
    w, s = np.concatenate([[0.0], np.cumsum(weight)]), np.concatenate([[0.0], np.cumsum(total)])
    begin, end = np.arange(n)[:, None], np.arange(1, n + 1)[None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = np.where(end > begin, (s[end] - s[begin]) ** 2 / (w[end] - w[begin]), -np.inf)
    best = gain[0].copy()  # best sum with the classes so far, ending after each bin
    cuts = []
    for _ in range(n_classes - 1):
        tries = np.concatenate([[-np.inf], best[:-1]])[:, None] + gain
        cuts.append(tries.argmax(axis=0))
        best = tries.max(axis=0)
    starts, last = [], n - 1
    for cut in reversed(cuts):
        starts.append(cut[last])
        last = cut[last] - 1
    return np.array(starts[::-1], dtype=int)
