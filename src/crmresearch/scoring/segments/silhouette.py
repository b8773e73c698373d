"""Silhouettes of several groupings of the same customers from one pass over the distances."""

from __future__ import annotations

import numpy as np

from crmresearch.scoring.segments.threads import one_thread

_BLOCK = 256  # rows and columns of one distance block: half a megabyte, so it stays in the processor's cache


def silhouette_samples(x: np.ndarray, labelings: np.ndarray) -> np.ndarray:
    """Return every customer's silhouette under every grouping.

    Each distance is computed once and serves all groupings, so sweeping k costs little more than one k.

    Parameters
    ----------
    x : np.ndarray, shape (n, n_features)
    labelings : np.ndarray of int, shape (n_labelings, n)
        Group of each customer, 0 to k − 1 with every group present; each row may have its own k ≥ 2.

    Returns
    -------
    np.ndarray, shape (n_labelings, n)
        (b − a) / max(a, b), with a the mean distance to the others of the own group and b the
        smallest mean distance to another group; 0 for a customer alone in its group.

    Notes
    -----
    Distances are Euclidean. Only blocks on and above the diagonal are computed; each adds its row sums
    per group to its rows and its column sums per group to its columns. One thread computes, so the sums
    come in one order and repeat to the last digit; blocks this small gain nothing from a second.

    References
    ----------
    Rousseeuw, P. J. (1987). Silhouettes: a graphical aid to the interpretation and validation of cluster
    analysis. Journal of Computational and Applied Mathematics 20, 53–65.
    https://doi.org/10.1016/0377-0427(87)90125-7

    Examples
    --------
    >>> x = np.array([[0.0], [1.0], [10.0], [11.0]])
    >>> silhouette_samples(x, np.array([[0, 0, 1, 1]])).round(4).tolist()
    [[0.9048, 0.8947, 0.8947, 0.9048]]
    """
    members, first = _membership(labelings)
    with one_thread():
        sums = _distance_sums(np.ascontiguousarray(x, dtype=float), members)
    return _from_sums(sums, members, first, labelings)


def silhouettes_of_sums(matrix: np.ndarray, labelings: np.ndarray) -> np.ndarray:
    """Return silhouettes from a distance matrix, shape (n, n), for each of several groupings.

    Examples
    --------
    >>> x = np.array([0.0, 1.0, 10.0, 11.0])
    >>> silhouettes_of_sums(np.abs(x[:, None] - x), np.array([[0, 0, 1, 1]])).round(4).tolist()
    [[0.9048, 0.8947, 0.8947, 0.9048]]
    """
    members, first = _membership(labelings)
    with one_thread():
        sums = matrix @ members
    return _from_sums(sums, members, first, labelings)


def _from_sums(sums: np.ndarray, members: np.ndarray, first: np.ndarray, labelings: np.ndarray) -> np.ndarray:
    sizes = members.sum(axis=0)
    result = np.empty(labelings.shape)
    everyone = np.arange(labelings.shape[1])
    for i, labels in enumerate(labelings):
        group = slice(first[i], first[i + 1])
        size, total = sizes[group], sums[:, group]
        if len(size) < 2:  # one group has no other to compare with
            result[i] = np.nan
            continue
        own = size[labels]
        mean = total / size
        mean[everyone, labels] = np.inf
        b = mean.min(axis=1)
        a = total[everyone, labels] / np.maximum(own - 1, 1)
        widest = np.maximum(a, b)
        result[i] = np.where((own > 1) & (widest > 0), (b - a) / np.where(widest > 0, widest, 1), 0.0)
    return result


def _membership(labelings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the 0/1 columns of all groups of all labelings, and where each labeling's columns begin."""
    k = labelings.max(axis=1) + 1
    first = np.concatenate([[0], np.cumsum(k)])
    members = np.zeros((labelings.shape[1], first[-1]))
    members[np.arange(labelings.shape[1])[:, None], (labelings + first[:-1, None]).T] = 1.0
    return members, first


def _distance_sums(x: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Sum each customer's distances to the members of each group, shape (n, n_groups)."""
    n, squared = len(x), np.einsum("ij,ij->i", x, x)
    sums = np.zeros((n, members.shape[1]))
    for top in range(0, n, _BLOCK):
        rows = slice(top, min(top + _BLOCK, n))
        for left in range(top, n, _BLOCK):
            columns = slice(left, min(left + _BLOCK, n))
            distance = x[rows] @ x[columns].T
            distance *= -2.0
            distance += squared[rows, None]
            distance += squared[columns]
            np.maximum(distance, 0.0, out=distance)
            np.sqrt(distance, out=distance)
            if top == left:
                np.fill_diagonal(distance, 0.0)
            else:
                sums[columns] += distance.T @ members[rows]
            sums[rows] += distance @ members[columns]
    return sums
