"""Merged pairs → customers: nothing that a code or a person keeps apart may come together by way of a third."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmresearch.case import Identity


def gather_customers(
    records: pd.Index, pairs: pd.DataFrame, codes: pd.DataFrame, apart: frozenset[tuple[str, str]], identity: Identity
) -> tuple[np.ndarray, pd.DataFrame]:
    """Put the records of merged pairs together.

    Groups of up to ``max_records`` records without contradiction are taken whole. In a group that holds
    two credit codes, or a pair that a person keeps apart, links are taken one by one, decisions first,
    then equal codes, then by weight, and a link that would bring the two together is held. In a group
    that is too large, only decisions and equal codes link.

    Parameters
    ----------
    records : pd.Index
        All record ids.
    pairs : pd.DataFrame
        record_a, record_b, weight, fate, reason.
    codes : pd.DataFrame, shape (n_records, n_code_columns)
        Valid credit codes in the order of ``records``; missing where there is none.
    apart : frozenset of (str, str)

    Returns
    -------
    group : np.ndarray of int, shape (n_records,)
        Records of one customer have one number.
    pairs : pd.DataFrame
        With fate ``held`` where a link was not taken, ``merged`` where both records came to one customer.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(records)
    pairs = pairs.copy()
    merged = np.flatnonzero(pairs["fate"] == "merged")
    a, b = (records.get_indexer(pairs[side].iloc[merged]) for side in ("record_a", "record_b"))
    _, group = connected_components(coo_array((np.ones(len(a), bool), (a, b)), shape=(n, n)), directed=False)
    size = np.bincount(group, minlength=1)
    doubtful = size > identity.max_records
    for column in codes:
        known = codes[column].notna().to_numpy()
        distinct = pd.Series(codes[column].to_numpy()[known]).groupby(group[known]).nunique()
        doubtful[distinct.index[distinct > 1]] = True
    barred: dict[int, set[int]] = {}
    for pair in apart:
        one, other = records.get_indexer(list(pair))
        barred.setdefault(one, set()).add(other)
        barred.setdefault(other, set()).add(one)
        if group[one] == group[other]:
            doubtful[group[one]] = True
    inside = doubtful[group[a]]
    if not inside.any():
        return group, _through_others(pairs, records, group)
    at, a, b = merged[inside], a[inside], b[inside]
    reason = pairs["reason"].iloc[at].to_numpy()
    rank = np.select([reason == "decided", reason == "same_code"], [0, 1], 2)
    order = np.lexsort((b, a, -np.nan_to_num(pairs["weight"].iloc[at].to_numpy(float)), rank))
    large = size[group[a]] > identity.max_records
    links = _Links(group, doubtful, codes, barred)
    fates, reasons = pairs["fate"].to_numpy(object), pairs["reason"].to_numpy(object)
    for k in order:
        if large[k] and rank[k] == 2:
            fates[at[k]], reasons[at[k]] = "held", "too_large"
        elif not links.take(int(a[k]), int(b[k]), forced=rank[k] == 0):
            fates[at[k]], reasons[at[k]] = "held", "contradiction"
    pairs["fate"], pairs["reason"] = pd.Series(fates, dtype=str), pd.Series(reasons, dtype=str)
    group = links.groups()
    return group, _through_others(pairs, records, group)


def _through_others(pairs: pd.DataFrame, records: pd.Index, group: np.ndarray) -> pd.DataFrame:
    """Pairs that nobody linked, but whose records came together by way of a third."""
    a, b = (group[records.get_indexer(pairs[side])] for side in ("record_a", "record_b"))
    joined = (a == b) & pairs["fate"].ne("merged").to_numpy()
    return pairs.assign(
        fate=pairs["fate"].mask(joined, "merged"), reason=pairs["reason"].mask(joined, "through_another")
    )


class _Links:
    """Groups that grow link by link and refuse a contradiction."""

    def __init__(
        self, group: np.ndarray, doubtful: np.ndarray, codes: pd.DataFrame, barred: dict[int, set[int]]
    ) -> None:
        self._group = group
        self._root = {int(i): int(i) for i in np.flatnonzero(doubtful[group])}
        self._members = {i: {i} for i in self._root}
        self._codes = {i: [{code} - {None} for code in row] for i, row in self._rows(codes)}
        self._barred = barred

    def _rows(self, codes: pd.DataFrame) -> list[tuple[int, list[str | None]]]:
        values = codes.astype(object).where(codes.notna(), None).to_numpy()
        return [(i, list(values[i])) for i in self._root]

    def find(self, i: int) -> int:
        while self._root[i] != i:
            self._root[i] = self._root[self._root[i]]
            i = self._root[i]
        return i

    def take(self, a: int, b: int, *, forced: bool) -> bool:
        """Link two records; False where the group would contradict itself. A decision overrides codes."""
        one, other = self.find(a), self.find(b)
        if one == other:
            return True
        codes = [left | right for left, right in zip(self._codes[one], self._codes[other], strict=True)]
        clash = any(len(found) > 1 for found in codes) and not forced
        smaller, larger = sorted((one, other), key=lambda root: len(self._members[root]))
        parted = any(self._barred.get(i, set()) & self._members[larger] for i in self._members[smaller])
        if clash or parted:
            return False
        self._root[smaller] = larger
        self._members[larger] |= self._members.pop(smaller)
        self._codes[larger] = codes
        return True

    def groups(self) -> np.ndarray:
        group, new = self._group.copy(), int(self._group.max()) + 1
        for i in self._root:
            group[i] = new + self.find(i)
        return group
