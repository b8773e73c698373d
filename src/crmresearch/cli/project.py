"""``reproduce``, ``lab``: the project as a whole."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Annotated

import typer

from crmresearch.cli.options import Debug


def reproduce(
    pattern: Annotated[str, typer.Argument(help="Only values whose name holds this text.")] = "", debug: Debug = False
) -> int:
    """Recompute published values and print published | ours | difference | inside."""
    from crmresearch.reproduction import reproduce as recompute

    values = recompute(pattern)
    shown = values[["case", "statistic", "published", "ours", "difference", "status"]]
    typer.echo(shown.rename(columns={"status": "inside"}).to_string(index=False, na_rep="", justify="left"))
    return 1 if values["inside"].eq(False).any() else 0


def lab(debug: Debug = False) -> int:
    """Open the study notebooks in JupyterLab."""
    from crmresearch.case import Project
    from crmresearch.running.kernels import KERNEL_ENVIRONMENT

    project = Project.find()
    environment = {**os.environ, **KERNEL_ENVIRONMENT, "CRMRESEARCH_HOME": str(project.root)}
    return subprocess.call([sys.executable, "-m", "jupyterlab", str(project.notebooks)], env=environment)
