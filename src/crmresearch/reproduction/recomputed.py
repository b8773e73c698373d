"""What our scorers make of the data behind each published result; one function per case."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from crmresearch.case import Project
from crmresearch.reproduction.decision_models import ahp_drinks, ahp_leader, entropy_skcriteria, topsis_tzeng_huang
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

CASES: Mapping[str, Callable[[Project | None], dict[str, float]]] = {
    "ahp_drinks": ahp_drinks,
    "ahp_leader": ahp_leader,
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
