"""Fixtures that every test folder uses."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from crmresearch.case import Project

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project of its own: empty data and report folders, the real notebooks."""
    for folder in ("data/raw", "data/processed", "reports"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    return Project(tmp_path)
