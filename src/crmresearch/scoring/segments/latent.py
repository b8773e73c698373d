"""Expectation–maximisation for latent classes and profiles: every start at once, missing answers left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

_LEAST_SHARE, _LEAST_VARIANCE = 1e-8, 1e-4
_TOLERANCE = 1e-9  # of the log-likelihood, relative


@dataclass(frozen=True, slots=True)
class ClassModel:
    """Categories: within a class, each item has its own answer probabilities.

    Attributes
    ----------
    hits : np.ndarray, shape (n_patterns, n_levels)
        1 where the pattern gives that answer; 0 for all answers of an item that is missing.
    item : np.ndarray of int, shape (n_levels,)
        Item of each level.
    weight : np.ndarray, shape (n_patterns,)
        How many rows have the pattern.
    pattern : np.ndarray of int, shape (n,)
        Pattern of each row.
    """

    hits: np.ndarray
    item: np.ndarray
    weight: np.ndarray
    pattern: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray, levels: list[list[Any]]) -> Self:
        """Read codes (NaN is missing), shape (n, n_items)."""
        rows, pattern, count = np.unique(x, axis=0, return_inverse=True, return_counts=True)
        hits = np.concatenate([(rows[:, [j]] == np.arange(len(one))) for j, one in enumerate(levels)], axis=1)
        item = np.repeat(np.arange(len(levels)), [len(one) for one in levels])
        return cls(hits.astype(float), item, count.astype(float), pattern.ravel())

    def update(self, chance: np.ndarray) -> np.ndarray:
        """Log density of each pattern in each class after one M-step; (n_patterns, n_starts, k)."""
        n, starts, k = chance.shape
        weighted = (chance * self.weight[:, None, None]).reshape(n, -1)
        counts = self.hits.T @ weighted + 1e-10
        totals = np.stack([counts[self.item == j].sum(axis=0) for j in range(self.item[-1] + 1)])[self.item]
        return (self.hits @ np.log(counts / totals)).reshape(n, starts, k)


@dataclass(frozen=True, slots=True)
class ProfileModel:
    """Numbers: within a class, each item is normal with its own mean and variance.

    Attributes
    ----------
    values, given : np.ndarray, shape (n, n_items)
        Standardised values, 0 where missing; 1 where given.
    shift : float
        Log-likelihood lost by standardising, added back.
    weight, pattern : np.ndarray, shape (n,)
        Ones, and each row's own number.
    """

    values: np.ndarray
    given: np.ndarray
    shift: float
    weight: np.ndarray
    pattern: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray) -> Self:
        """Read numbers (NaN is missing), shape (n, n_items)."""
        given = ~np.isnan(x)
        mean, sd = np.nanmean(x, axis=0), np.nanstd(x, axis=0)
        values = np.where(given, (x - mean) / sd, 0.0)
        shift = -float((given * np.log(sd)).sum())
        return cls(values, given.astype(float), shift, np.ones(len(x)), np.arange(len(x)))

    def update(self, chance: np.ndarray) -> np.ndarray:
        """Log density of each row in each class after one M-step; (n, n_starts, k)."""
        n, starts, k = chance.shape
        flat = chance.reshape(n, -1)
        total = np.maximum(self.given.T @ flat, 1e-10)
        mean = (self.values.T @ flat) / total
        square = (self.values**2).T @ flat
        variance = np.maximum(square / total - mean**2, _LEAST_VARIANCE)
        constant = self.given @ (-0.5 * np.log(2 * np.pi * variance) - 0.5 * mean**2 / variance)
        found = constant - 0.5 * (self.values**2) @ (1 / variance) + self.values @ (mean / variance)
        return found.reshape(n, starts, k)


@dataclass(frozen=True, slots=True)
class Climbed:
    """The best of the starts: its log-likelihood and every row's class probabilities, shape (n, k)."""

    log_likelihood: float
    chance: np.ndarray


def climb(
    model: ClassModel | ProfileModel, k: int, *, n_starts: int, max_rounds: int, rng: np.random.Generator
) -> Climbed:
    """Climb from ``n_starts`` random memberships at once; keep the highest likelihood.

    Parameters
    ----------
    model : ClassModel or ProfileModel
    k : int
        Classes.
    n_starts, max_rounds : int
        A start is finished when a round gains less than 1e-9 of its log-likelihood.
    rng : np.random.Generator

    Returns
    -------
    Climbed
    """
    n, starts = len(model.weight), n_starts if k > 1 else 1
    chance = rng.dirichlet(np.full(k, 0.5), size=(n, starts))
    done, last = np.arange(starts), np.full(starts, -np.inf)
    kept = chance.copy()
    for _ in range(max_rounds):
        mass = model.weight @ chance.reshape(n, -1)
        share = np.maximum(mass.reshape(-1, k) / model.weight.sum(), _LEAST_SHARE)
        joint = model.update(chance) + np.log(share)
        top = joint.max(axis=2, keepdims=True)
        chance = np.exp(joint - top)
        total = chance.sum(axis=2, keepdims=True)
        chance /= total
        log = model.weight @ (np.log(total) + top)[:, :, 0]
        still = log - last[done] > _TOLERANCE * np.abs(log)
        last[done] = log
        kept[:, done] = chance
        if not still.any():
            break
        done, chance = done[still], chance[:, still]
    best = int(last.argmax())
    return Climbed(float(last[best]) + getattr(model, "shift", 0.0), kept[model.pattern, best])


def x_filled(x: np.ndarray) -> np.ndarray:
    """Missing answers by the item's mean, so that classes can be ordered by what they answer."""
    return np.where(np.isnan(x), np.nanmean(x, axis=0), x)
