"""Simulated customers with known segments."""

from __future__ import annotations

import numpy as np
import pandas as pd


def _correlated(rng: np.random.Generator, n: int, n_features: int, r: float) -> np.ndarray:
    return rng.multivariate_normal(np.zeros(n_features), r + (1 - r) * np.eye(n_features), n)


def _ball(rng: np.random.Generator, n: int, n_features: int) -> np.ndarray:
    x = rng.normal(size=(n, n_features))
    return x / np.linalg.norm(x, axis=1)[:, None] * rng.random(n)[:, None] ** (1 / n_features)


CLOUDS = {  # one segment, in many shapes
    "normal": lambda rng, n: rng.normal(size=(n, 4)),
    "normal, two features": lambda rng, n: rng.normal(size=(n, 2)),
    "correlated": lambda rng, n: _correlated(rng, n, 4, 0.6),
    "heavy tails": lambda rng, n: rng.standard_t(5, size=(n, 4)),
    "very heavy tails": lambda rng, n: rng.standard_t(3, size=(n, 4)),
    "heavy tails together": lambda rng, n: _correlated(rng, n, 4, 0.4) / np.sqrt(rng.chisquare(5, (n, 1)) / 5),
    "flat": lambda rng, n: rng.random((n, 3)),
    "ball": lambda rng, n: _ball(rng, n, 3),
    "skewed": lambda rng, n: rng.gamma(1.0, size=(n, 3)),
    "lognormal": lambda rng, n: np.exp(rng.normal(size=(n, 3))),
    "lognormal, correlated": lambda rng, n: np.exp(_correlated(rng, n, 3, 0.6)),
    "five-point answers": lambda rng, n: np.clip(np.round(3.5 + _correlated(rng, n, 4, 0.5)), 1, 5),
}


def make_customers(n: int, k: int, *, gap: float = 8.0, n_features: int = 4, seed: int = 0) -> pd.DataFrame:
    """``k`` round clouds of spread 1 whose centres lie ``gap`` apart; column ``true`` holds the cloud."""
    rng = np.random.default_rng(seed)
    centres = np.zeros((k, n_features))
    places = np.arange(k)
    centres[places, places % n_features] = gap * (1 + places // n_features)
    true = np.sort(rng.integers(k, size=n))
    values = centres[true] + rng.normal(size=(n, n_features))
    frame = pd.DataFrame(values, columns=[f"x{j}" for j in range(n_features)])
    return frame.assign(true=true).set_index(pd.Index([f"c{i:05d}" for i in range(n)], name="customer_id"))


def make_answers(n: int, *, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Stated needs of two kinds of respondents, and their groups: ``region`` goes with the kind, ``size`` does not."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(2, size=n)
    chance = np.array([[0.9, 0.8, 0.2, 0.1], [0.1, 0.2, 0.8, 0.9]])[kind]
    index = pd.Index([f"r{i:04d}" for i in range(n)], name="respondent_id")
    names = ["need_delivery", "need_scarce", "need_online", "need_price"]
    answers = pd.DataFrame((rng.random((n, 4)) < chance).astype(float), index=index, columns=names)
    groups = {
        "region": np.where(rng.random(n) < 0.9, kind, 1 - kind).astype(str),
        "value_tier": rng.integers(2, size=n),
    }
    return answers, pd.DataFrame(groups, index=index).astype(str)


def make_orders(n: int, *, seed: int = 0) -> pd.DataFrame:
    """Order lines of ``n`` customers over three years up to the end of 2024; some stop, some come once."""
    rng = np.random.default_rng(seed)
    rows = []
    for customer in range(n):
        last = int(rng.integers(200, 1096))
        for day in np.unique(rng.integers(0, last, size=1 + int(rng.poisson(last / 60)))):
            rows.append((f"c{customer:03d}", int(day), round(float(np.exp(rng.normal(4, 0.5))), 2), f"p{day % 3}"))
    lines = pd.DataFrame(rows, columns=["customer_id", "day", "amount", "product"])
    lines["date"] = pd.Timestamp("2022-01-01") + pd.to_timedelta(lines.pop("day"), unit="D")
    return lines.assign(order_id=[f"o{i}" for i in range(len(lines))], quantity=1.0, price=lines["amount"])
