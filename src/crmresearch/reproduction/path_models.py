"""Published path models: the ECSI by centroid scheme, and seminr's two examples."""

from __future__ import annotations

import pandas as pd

from crmresearch.case import Instrument, Project
from crmresearch.errors import CaseError
from crmresearch.reproduction.builtin import open_builtin
from crmresearch.scoring.satisfaction.paths import PathFit, PathModel, fit_paths, preset_model


def mobi_ecsi_centroid(project: Project | None) -> dict[str, float]:
    """ECSI model of the mobile phone survey, centroid scheme: paths, loadings and total effects."""
    survey, instrument = _survey(project, "ecsi_mobile")
    fit = fit_paths(survey, preset_model("ecsi", instrument), scheme="centroid")
    loadings = {f"loading {r.item}": r.loading for r in fit.items.itertuples()}
    totals = {f"total effect {r.source}->{r.target}": r.total for r in fit.effects.itertuples()}
    return _paths(fit) | loadings | totals


def mobi_simple_path(project: Project | None) -> dict[str, float]:
    """Satisfaction on image, expectation and value: paths, R², reliabilities, HTMT."""
    survey, instrument = _survey(project, "ecsi_mobile")
    sources = ("Image", "Expectation", "Value")
    fit = fit_paths(survey, PathModel.from_instrument(instrument, [(s, "Satisfaction") for s in sources]))
    values = _paths(fit)
    for row in fit.constructs.itertuples():
        values |= {f"alpha {row.construct}": row.alpha, f"rhoA {row.construct}": row.rho_a}
        values |= {f"rhoC {row.construct}": row.rho_c, f"AVE {row.construct}": row.ave}
        values |= {f"R2 {row.construct}": row.r2}
    return values | {f"HTMT {row.construct}-{row.other}": row.htmt for row in fit.validity.itertuples()}


def corp_rep_simple(project: Project | None) -> dict[str, float]:
    """Loyalty and satisfaction on competence and likeability, missing answers replaced by means."""
    survey, instrument = _survey(project, "corporate_reputation")
    paths = [("COMP", "CUSA"), ("LIKE", "CUSA"), ("COMP", "CUSL"), ("LIKE", "CUSL"), ("CUSA", "CUSL")]
    return _paths(fit_paths(survey, PathModel.from_instrument(instrument, paths)))


def _paths(fit: PathFit) -> dict[str, float]:
    return {f"path {r.source}->{r.target}": r.estimate for r in fit.paths.itertuples()}


def _survey(project: Project | None, name: str) -> tuple[pd.DataFrame, Instrument]:
    case, processed = open_builtin(project, name)
    if case.file.instrument is None:
        raise CaseError("no instrument", where=f"{name}/case.yaml", repair="Restore the built-in case.")
    return pd.read_parquet(processed.path("survey")), case.file.instrument
