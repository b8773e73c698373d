"""Simulated customers with known segments."""

from __future__ import annotations

import numpy as np
import pandas as pd


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
