"""Fixtures that every test folder uses."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from crmresearch.case import Project

ROOT = Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the minutes of whole cases, so that other tests run beside them."""
    items.sort(key=lambda item: item.path.name != "test_studies.py")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project of its own: empty data and report folders, the real notebooks."""
    for folder in ("data/raw", "data/processed", "reports"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    return Project(tmp_path)
