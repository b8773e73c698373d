"""The petrochemical case in the repository is what the program writes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from typer.testing import CliRunner

from crmresearch.cli import app
from crmresearch.simulation import CASE_NAME

BUILT_IN = Path(__file__).resolve().parents[2] / "data" / "raw" / CASE_NAME


def test_the_command_writes_the_built_in_case(tmp_path, monkeypatch):
    for folder in ("data/raw", "notebooks"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setenv("CRMRESEARCH_HOME", str(tmp_path))
    done = CliRunner().invoke(app, ["simulate"], standalone_mode=False)
    assert done.exception is None, done.output
    written = tmp_path / "data" / "raw" / CASE_NAME
    files = sorted(path.relative_to(BUILT_IN) for path in BUILT_IN.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(written) for path in written.rglob("*") if path.is_file())
    for file in files:
        if file.suffix == ".parquet":  # a processor's own exp() may differ in the last digit
            pd.testing.assert_frame_equal(
                pd.read_parquet(written / file), pd.read_parquet(BUILT_IN / file), rtol=1e-12, obj=str(file)
            )
        else:
            assert (written / file).read_bytes() == (BUILT_IN / file).read_bytes(), file
