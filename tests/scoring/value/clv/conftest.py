"""Data of the customer-lifetime-value tests."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from crmresearch.reproduction import lifetime_models
from crmresearch.scoring.value.clv import purchase_histories

REFERENCE = Path(__file__).resolve().parents[3] / "reference"


@pytest.fixture(scope="session")
def cdnow_customers() -> pd.DataFrame:
    """The CDNOW sample, in days; tests/reference/clv_lifetimes.py says where it comes from."""
    return pd.read_csv(REFERENCE / "cdnow_sample.csv", dtype={"customer_id": str})


@pytest.fixture(scope="session")
def cdnow(cdnow_customers: pd.DataFrame) -> pd.DataFrame:
    """Its purchase histories in weeks."""
    first = pd.Timestamp("1997-09-30") - pd.to_timedelta(cdnow_customers["age_days"], unit="D")
    summary = cdnow_customers.rename(columns={"mean_spend": "mean_repeat_spend"}).assign(first_date=first)
    return purchase_histories(summary, time_unit="week")


@pytest.fixture(scope="session")
def donors() -> pd.DataFrame:
    return lifetime_models.donors()


@pytest.fixture(scope="session")
def golden() -> pd.DataFrame:
    """Values of lifetimes 0.11.3: model, quantity, x, t_x, T, h, value."""
    return pd.read_csv(REFERENCE / "clv_lifetimes.csv")
