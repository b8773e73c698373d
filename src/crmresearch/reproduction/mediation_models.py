"""Published mediation analyses."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmresearch.case import Project
from crmresearch.reproduction.builtin import open_builtin
from crmresearch.scoring.satisfaction.mediation import mediate


def mediation_jobs(project: Project | None) -> dict[str, float]:
    """Workshop, confidence and depressive symptoms in JOBS II: the point estimates.

    The intervals of the source come from its own draws and are not compared.
    """
    _, processed = open_builtin(project, "jobs_ii")
    survey = pd.read_parquet(processed.path("survey"))
    covariates = ("econ_hard", "sex", "age")
    rng = np.random.default_rng(0)
    found = mediate(survey, "treat", ["job_seek"], "depress2", covariates=covariates, rng=rng, resamples=100)
    estimate = found.effects.set_index("effect")["estimate"]
    return {
        "ACME": estimate["total_indirect"],
        "ADE": estimate["direct"],
        "Total effect": estimate["total"],
        "Prop. mediated": estimate["share_mediated"],
    }
