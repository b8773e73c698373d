"""What our scorers make of the data behind each published result; one function per case."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from crmresearch.case import Project
from crmresearch.reproduction.lifetime_models import (
    cdnow_bgnbd,
    cdnow_gammagamma,
    cdnow_mbgnbd,
    cdnow_paretonbd,
    donations_bgbb,
)
from crmresearch.reproduction.mediation_models import mediation_jobs
from crmresearch.reproduction.path_models import corp_rep_simple, mobi_ecsi_centroid, mobi_simple_path
from crmresearch.reproduction.record_linkage import febrl1
from crmresearch.scoring.value.indicators import build_indicators
from crmresearch.scoring.value.ranking import rank_topsis
from crmresearch.scoring.value.weights import ENTROPY_PRESETS, take_weights, weigh_entropy


def entropy_skcriteria(project: Project | None) -> dict[str, float]:
    """Entropy weights of the two-by-two matrix in scikit-criteria's tests."""
    table = pd.DataFrame({"customer_id": ["a", "b"], "x": [1.0, 4.0], "y": [2.0, 16.0]})
    matrix = build_indicators(table, directions={"x": "cost", "y": "benefit"})
    weights = weigh_entropy(matrix, **ENTROPY_PRESETS["scikit_criteria"]).values
    return {"w1": float(weights[0]), "w2": float(weights[1])}


def topsis_tzeng_huang(project: Project | None) -> dict[str, float]:
    """Closeness of the four alternatives of Tzeng and Huang (2011)."""
    values = pd.DataFrame(np.array([[5, 8, 4], [7, 6, 8], [8, 8, 6], [7, 4, 6]]), columns=list("xyz"))
    table = values.assign(customer_id=["A1", "A2", "A3", "A4"])
    matrix = build_indicators(table, directions=dict.fromkeys("xyz", "benefit"))
    ranking = rank_topsis(matrix, take_weights(matrix, {"x": 0.3, "y": 0.4, "z": 0.3}))
    return {f"C* {name}": float(c) for name, c in zip(matrix.customer_id, ranking.score, strict=True)}


CASES: Mapping[str, Callable[[Project | None], dict[str, float]]] = {
    "entropy_skcriteria": entropy_skcriteria,
    "topsis_tzeng_huang": topsis_tzeng_huang,
    "cdnow_bgnbd": cdnow_bgnbd,
    "cdnow_paretonbd": cdnow_paretonbd,
    "cdnow_mbgnbd": cdnow_mbgnbd,
    "cdnow_gammagamma": cdnow_gammagamma,
    "donations_bgbb": donations_bgbb,
    "mobi_ecsi_centroid": mobi_ecsi_centroid,
    "mobi_simple_path": mobi_simple_path,
    "corp_rep_simple": corp_rep_simple,
    "mediation_jobs": mediation_jobs,
    "febrl1": febrl1,
}
"""Published case → function of the project that returns statistic → our value. One line for each new one."""
