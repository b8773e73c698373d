"""A questionnaire builder and the published survey of mobile phone customers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from crmresearch.case import Instrument, Project, load_case

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


@pytest.fixture(scope="session")
def petrochemical() -> tuple[pd.DataFrame, Instrument, pd.DataFrame]:
    """The simulated survey as it stands in its file, its instrument, and the truth behind each sheet."""
    case = load_case(Project(ROOT), "petrochemical")
    source = next(file for file in case.file.files if file.table == "survey")
    raw = pd.read_csv(case.folder / source.file, dtype=str, encoding="utf-8-sig", keep_default_na=False)
    instrument = case.file.instrument
    survey = pd.DataFrame({name: raw[source.columns[name].heading] for name in ("respondent_id", "customer_id")})
    survey["submitted"] = pd.to_datetime(raw["提交答卷时间"])
    survey["duration_seconds"] = raw["所用时间"].str.removesuffix("秒").astype(float)
    headings = {name: item.heading for name, item in instrument.items.items()}
    headings |= {name: column.heading for name, column in source.columns.items() if column.kind}
    for name, heading in headings.items():
        survey[name] = pd.to_numeric(raw[heading].mask(raw[heading].isin(["-3", "-2", ""]))).astype("Int64")
    truth = pd.read_parquet(case.folder / "truth" / "respondents.parquet").set_index("respondent_id")
    return survey, instrument, truth


@pytest.fixture(scope="session")
def reputation() -> tuple[pd.DataFrame, Instrument]:
    """The survey of corporate reputation, −99 as missing, and its instrument."""
    case = load_case(Project(ROOT), "corporate_reputation")
    frame = pd.read_csv(next(case.folder.glob("*.csv")), sep=None, engine="python")
    items = frame[list(case.file.instrument.items)].astype("Int64").replace(-99, pd.NA)
    items.insert(0, "respondent_id", [f"r{i:03d}" for i in range(len(items))])
    return items, case.file.instrument
