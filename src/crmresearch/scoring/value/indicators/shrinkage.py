"""Small denominators: a customer's own value drawn towards the mean of all, the more the less it rests on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Shrunk:
    """Values after shrinkage.

    Attributes
    ----------
    values : np.ndarray, shape (n,)
        Missing where nothing was observed.
    centre : float
        What they are drawn towards.
    strength : float
        Observations at which a customer's own value and the centre weigh the same; infinite where
        customers do not differ beyond chance.
    """

    values: np.ndarray
    centre: float
    strength: float


def shrink_shares(hits: np.ndarray, trials: np.ndarray) -> Shrunk:
    r"""Shrink shares by a beta-binomial model whose two parameters come from all customers (by moments).

    Parameters
    ----------
    hits, trials : np.ndarray, shape (n,)
        Trials of 0 leave the share missing.

    Notes
    -----
    With :math:`\hat p = \sum x / \sum n` and :math:`Q = \sum n_i (p_i - \hat p)^2 / \hat p (1 - \hat p)`,
    the variance between customers is :math:`\tau^2 = \hat p (1 - \hat p) (Q - k + 1) / (N - \sum n_i^2 / N)`,
    at least 0; the strength is :math:`M = \hat p (1 - \hat p) / \tau^2 - 1` and the shrunk share
    :math:`(x_i + M \hat p) / (n_i + M)`.

    References
    ----------
    Kleinman, J. C. (1973). https://doi.org/10.1080/01621459.1973.10481332

    Examples
    --------
    >>> found = shrink_shares(np.array([0, 3, 8, 10]), np.array([10, 10, 10, 20]))
    >>> found.values.round(3).tolist(), round(found.strength, 2)
    ([0.075, 0.322, 0.732, 0.492], 2.19)
    """
    hits, trials = np.asarray(hits, dtype=float), np.asarray(trials, dtype=float)
    seen = trials > 0
    x, n = hits[seen], trials[seen]
    values = np.full(len(hits), np.nan)
    if not seen.any():
        return Shrunk(values, np.nan, np.inf)
    total = n.sum()
    centre = x.sum() / total
    spread = centre * (1 - centre)
    between = 0.0
    if spread > 0 and len(n) > 1:
        excess = (n * (x / n - centre) ** 2).sum() / spread - (len(n) - 1)
        between = max(0.0, spread * excess / (total - (n**2).sum() / total))
    strength = max(0.0, spread / between - 1) if between > 0 else np.inf
    values[seen] = centre if np.isinf(strength) else (x + strength * centre) / (n + strength)
    return Shrunk(values, float(centre), float(strength))


def shrink_means(means: np.ndarray, variances: np.ndarray) -> Shrunk:
    r"""Shrink means of known sampling variance towards their common mean (DerSimonian–Laird moments).

    Parameters
    ----------
    means : np.ndarray, shape (n,)
        Missing where nothing was observed.
    variances : np.ndarray, shape (n,)
        Sampling variance of each mean; where it is missing the mean is wholly replaced by the centre.

    Notes
    -----
    With weights :math:`1 / v_i`, :math:`Q = \sum w_i (m_i - \bar m)^2` and
    :math:`\tau^2 = (Q - k + 1) / (\sum w - \sum w^2 / \sum w)`, at least 0, the shrunk mean is
    :math:`c + (m_i - c) \tau^2 / (\tau^2 + v_i)`, where :math:`c` weighs by :math:`1 / (\tau^2 + v_i)`.
    ``strength`` is the median :math:`v_i` over :math:`\tau^2`.
    """
    means, variances = np.asarray(means, dtype=float), np.asarray(variances, dtype=float)
    seen, known = np.isfinite(means), np.isfinite(means) & np.isfinite(variances) & (variances > 0)
    if known.sum() < 2:
        return Shrunk(means.copy(), float(np.mean(means[seen])) if seen.any() else np.nan, 0.0)
    m, v = means[known], variances[known]
    weight = 1 / v
    mean = (weight * m).sum() / weight.sum()
    excess = (weight * (m - mean) ** 2).sum() - (len(m) - 1)
    between = max(0.0, excess / (weight.sum() - (weight**2).sum() / weight.sum()))
    weight = 1 / (between + v)
    centre = float((weight * m).sum() / weight.sum())
    values = np.where(seen, centre, np.nan)
    values[known] = centre + (m - centre) * between / (between + v)
    strength = float(np.median(v) / between) if between > 0 else np.inf
    return Shrunk(values, centre, strength)
