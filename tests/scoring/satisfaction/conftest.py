"""A questionnaire builder and the published survey of mobile phone customers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from crmresearch.case import Instrument

ROOT = Path(__file__).resolve().parents[3]
ECSI = {
    "image": ["IMAG1", "IMAG2", "IMAG3", "IMAG4", "IMAG5"],
    "expectation": ["CUEX1", "CUEX2", "CUEX3"],
    "quality": ["PERQ1", "PERQ2", "PERQ3", "PERQ4", "PERQ5", "PERQ6", "PERQ7"],
    "value": ["PERV1", "PERV2"],
    "satisfaction": ["CUSA1", "CUSA2", "CUSA3"],
    "complaints": ["CUSCO"],
    "loyalty": ["CUSL1", "CUSL2", "CUSL3"],
}


def make_instrument(
    constructs: dict[str, list[str]], *, low: int = 1, high: int = 5, reverse: tuple[str, ...] = ()
) -> Instrument:
    items = [item for members in constructs.values() for item in members]
    return Instrument.model_validate(
        {
            "scale": {"low": low, "high": high},
            "constructs": {
                name: {"title": {"en": name, "zh": name}, "items": members} for name, members in constructs.items()
            },
            "items": {item: {"en": item, "reverse": item in reverse} for item in items},
        }
    )


def make_survey(**items: list[float | None]) -> pd.DataFrame:
    frame = pd.DataFrame({name: pd.array(values, dtype="Int64") for name, values in items.items()})
    frame.insert(0, "respondent_id", [f"r{i:03d}" for i in range(len(frame))])
    return frame


@pytest.fixture(scope="session")
def mobi() -> pd.DataFrame:
    """Tenenhaus et al. (2005), 250 respondents, 24 items on 1 to 10."""
    folder = ROOT / "data" / "raw" / "ecsi_mobile"
    found = sorted(folder.glob("*.csv"))
    if not found:
        pytest.skip("the built-in case ecsi_mobile is not in this checkout")
    frame = pd.read_csv(found[0]).astype("Int64")
    frame.insert(0, "respondent_id", [f"r{i:03d}" for i in range(len(frame))])
    return frame


@pytest.fixture(scope="session")
def ecsi() -> Instrument:
    return make_instrument(ECSI, low=1, high=10)


@pytest.fixture(scope="session")
def instrument() -> Callable[..., Instrument]:
    return make_instrument


@pytest.fixture(scope="session")
def survey() -> Callable[..., pd.DataFrame]:
    return make_survey
