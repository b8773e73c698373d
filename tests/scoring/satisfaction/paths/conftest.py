"""The two published samples and their models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmresearch.scoring.satisfaction.paths import Construct, PathModel

ROOT = Path(__file__).resolve().parents[4]
_BLOCKS = {
    "image": ("IMAG", 5),
    "expectation": ("CUEX", 3),
    "quality": ("PERQ", 7),
    "value": ("PERV", 2),
    "satisfaction": ("CUSA", 3),
    "complaints": ("CUSCO", 0),
    "loyalty": ("CUSL", 3),
}
_ECSI = (
    "image expectation, expectation quality, expectation value, quality value, image satisfaction, "
    "expectation satisfaction, quality satisfaction, value satisfaction, satisfaction complaints, "
    "image loyalty, satisfaction loyalty, complaints loyalty"
)


def block(name: str, **options) -> Construct:
    stem, count = _BLOCKS[name]
    return Construct(name, tuple(f"{stem}{i}" for i in range(1, count + 1)) or (stem,), **options)


def arrows(text: str) -> tuple[tuple[str, str], ...]:
    return tuple(tuple(path.split()) for path in text.split(","))


@pytest.fixture(scope="session")
def mobi() -> pd.DataFrame:
    return pd.read_csv(ROOT / "data" / "raw" / "ecsi_mobile" / "mobi.csv")


@pytest.fixture(scope="session")
def reputation() -> pd.DataFrame:
    return pd.read_csv(ROOT / "data" / "raw" / "corporate_reputation" / "corp_rep_data.csv")


@pytest.fixture(scope="session")
def ecsi() -> PathModel:
    return PathModel(tuple(block(n) for n in _BLOCKS), arrows(_ECSI))


@pytest.fixture(scope="session")
def simple() -> PathModel:
    return PathModel(
        tuple(block(n) for n in ("image", "expectation", "value", "satisfaction")),
        arrows("image satisfaction, expectation satisfaction, value satisfaction"),
    )


@pytest.fixture(scope="session")
def reputation_model() -> PathModel:
    return PathModel(
        (
            Construct("competence", ("comp_1", "comp_2", "comp_3")),
            Construct("liking", ("like_1", "like_2", "like_3")),
            Construct("satisfaction", ("cusa",)),
            Construct("loyalty", ("cusl_1", "cusl_2", "cusl_3")),
        ),
        arrows(
            "competence satisfaction, liking satisfaction, competence loyalty, liking loyalty, satisfaction loyalty"
        ),
    )


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)
