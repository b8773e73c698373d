"""Synthetic purchases: customers who come, buy at a rate of their own and leave, as many and as long as in the case."""

from __future__ import annotations

import numpy as np
import pandas as pd

_PROBES = 2000  # customers by whom parameters are judged
_BLOCK = 5000  # customers drawn at once
_BOUNDS = ((0.15, 8.0), (0.02, 50.0), (0.2, 3.0), (0.5, 40.0))  # of shape, pace, leaving, staying
_START = (0.8, 1.0, 0.6, 4.0)


def draw_purchases(
    days: pd.Series, customers: pd.Series, came: np.ndarray, length: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Days of purchase of customers who buy by chance at rates that differ, and may leave after each purchase.

    Rates follow a gamma distribution, chances of leaving a beta distribution. Their parameters are those whose
    customers, drawn by them, resemble the case in what all its customers have in common, rounded: how often they
    buy again, how many never do, how many do so twice as often as the mean, and for what part of the time observed.

    Parameters
    ----------
    days, customers : pd.Series
        Day and customer of each real order line.
    came : np.ndarray of float, shape (n_customers,)
        Days from the begin to the first purchase of each synthetic customer.
    length : int
        Days observed in all.

    Returns
    -------
    who, day : np.ndarray of int, shape (n_purchases,)
        Number of the customer, and days from the begin; the first purchases stand first.
    """
    of = days.groupby(customers).agg(["min", "max", "nunique"])
    end = days.max()
    wanted = _shared(
        (of["nunique"] - 1).to_numpy(), (of["max"] - of["min"]).dt.days.to_numpy(), (end - of["min"]).dt.days.to_numpy()
    )
    wanted = np.array([float(f"{wanted[0]:.2g}"), *wanted[1:].round(2)])
    most = int(np.clip(15 * wanted[0], 60, 400))
    observed = length - came
    parameters = _resembling(wanted, observed, most, rng)
    who, later = [np.arange(len(came))], [came]
    for first in range(0, len(came), _BLOCK):
        block = slice(first, first + _BLOCK)
        chances = _chances(len(observed[block]), most, rng)
        again, rate = _repeats(parameters, observed[block], *chances)
        customer, which = np.nonzero(np.arange(most) < again[:, None])
        who.append(customer + first)
        later.append(np.floor(came[block][customer] + chances[2][customer, which] / rate[customer]))
    return np.concatenate(who), np.concatenate(later).astype(int)


def _resembling(wanted: np.ndarray, observed: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Parameters under which synthetic customers resemble the real ones in what is wanted."""
    from scipy.optimize import minimize

    time = rng.choice(observed, _PROBES)
    chances = _chances(_PROBES, most, rng)
    unit = max(float(time.mean()), 1.0) / max(wanted[0], 0.1)  # pace 1: the mean wait, did nobody leave

    def far(logs: np.ndarray) -> float:
        parameters = np.exp(logs) * [1, unit, 1, 1]
        again, rate = _repeats(parameters, time, *chances)
        last = chances[2][np.arange(_PROBES), np.maximum(again, 1) - 1] / rate
        found = _shared(again, np.where(again > 0, last, 0), time)
        off = np.array([np.log((found[0] + 0.01) / (wanted[0] + 0.01)), *(3 * (found - wanted)[1:])])
        return float(off @ off)

    start = np.log(_START) + np.vstack([np.zeros(4), 0.7 * np.eye(4)])
    options = {"initial_simplex": start, "maxfev": 400, "xatol": 1e-2, "fatol": 1e-6}
    found = minimize(far, start[0], method="Nelder-Mead", bounds=np.log(_BOUNDS), options=options)
    return np.exp(found.x) * [1, unit, 1, 1]


def _chances(n: int, most: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What decides a customer's rate, when they leave, and the times of a process of rate one."""
    return rng.random(n), rng.random(n), rng.exponential(size=(n, most)).cumsum(axis=1)


def _repeats(
    parameters: np.ndarray, observed: np.ndarray, rank: np.ndarray, stay: np.ndarray, times: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Purchases after the first, and their rate, of customers observed for so long."""
    from scipy.special import gammaincinv

    shape, wait, leaving, staying = parameters
    rate = np.maximum(gammaincinv(shape, rank), 1e-9) / (shape * wait)
    number = np.arange(times.shape[1] - 1)
    lasting = np.cumprod((staying + number) / (leaving + staying + number))  # chance of more than so many
    before_leaving = 1 + np.searchsorted(-lasting, -stay)
    return np.minimum((times <= (rate * observed)[:, None]).sum(axis=1), before_leaving), rate


def _shared(again: np.ndarray, last: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """What customers have in common: repeats on average, share without, share of many, part of the time they buy in."""
    some = again > 0
    part = np.minimum(last[some] / np.maximum(observed[some], 1), 1).mean() if some.any() else 0.0
    return np.array([again.mean(), 1 - some.mean(), (again > 2 * again.mean()).mean(), part])
