"""Published models of customer lifetime: the CDNOW sample, and the donors of 1995.

The CDNOW results are for 2,357 of its customers, observed for 39 weeks: ``cdnow_sample_ids.txt`` lists
them (as in CDNOW_sample.txt of the Python package lifetimes 0.11.3), their purchases are those of
the built-in case. ``donations.csv`` counts the 11,104 donors first won in 1995 by history over six years
(Fader, Hardie & Shang 2010; from the same package).
"""

from __future__ import annotations

import datetime as dt
from importlib import resources

import ibis
import numpy as np
import pandas as pd

from crmresearch.case import Project
from crmresearch.reproduction.builtin import open_builtin
from crmresearch.scoring.value import summarise_customers
from crmresearch.scoring.value.clv import PurchaseFit, expected_spend, fit_purchases, fit_spend, purchase_histories

LAST_DAY = dt.date(1997, 9, 30)
_FILES = resources.files("crmresearch.reproduction")


def cdnow_bgnbd(project: Project | None) -> dict[str, float]:
    """BG/NBD of Fader, Hardie & Lee (2005), Marketing Science 24(2), https://doi.org/10.1287/mksc.1040.0098."""
    fit = fit_purchases(sample_histories(project), model="bgnbd")
    return {
        **_estimates(fit),
        "log_likelihood": fit.log_likelihood,
        "E[X(52)] new customer": _new(fit, 52.0),
        "cond. E[Y(39)] x=2,tx=30.43,T=38.86": _to_come(fit, 39.0, 2, 30.43, 38.86),
        "cond. E[Y(52)] x=10, tx=20, T=39": _to_come(fit, 52.0, 10, 20.0, 39.0),
    }


def cdnow_paretonbd(project: Project | None) -> dict[str, float]:
    """Pareto/NBD of the same paper, and of the BTYD walkthrough."""
    fit = fit_purchases(sample_histories(project), model="paretonbd")
    return {**_estimates(fit), "log_likelihood": fit.log_likelihood, "E[X(52)] new customer": _new(fit, 52.0)}


def cdnow_mbgnbd(project: Project | None) -> dict[str, float]:
    """MBG/NBD, as lifetimes states it."""
    return _estimates(fit_purchases(sample_histories(project), model="mbgnbd"))


def cdnow_gammagamma(project: Project | None) -> dict[str, float]:
    """Gamma-Gamma of Fader & Hardie (2013), note 025."""
    parameters = fit_spend(sample_histories(project)).parameters
    customers = {"x=2,m=22.35": (2, 22.35), "x=1,m=11.77": (1, 11.77), "x=0,m=0": (0, 0.0), "x=7,m=73.74": (7, 73.74)}
    expected = expected_spend(parameters, *np.array(list(customers.values()), dtype=float).T)
    estimates = dict(zip(("p", "q", "gamma"), parameters.tolist(), strict=True))
    return estimates | {f"E(M|{name})": float(m) for name, m in zip(customers, expected, strict=True)}


def donations_bgbb(project: Project | None) -> dict[str, float]:
    """BG/BB of Fader, Hardie & Shang (2010), Marketing Science 29(6), https://doi.org/10.1287/mksc.1100.0580."""
    fit = fit_purchases(donors(), model="bgbb")
    return {**_estimates(fit), "E[X(10)]": _new(fit, 10.0)}


def sample_histories(project: Project | None) -> pd.DataFrame:
    """Purchase histories, in weeks, of the customers of the published sample."""
    _, processed = open_builtin(project, "cdnow")
    ids = _FILES.joinpath("cdnow_sample_ids.txt").read_text(encoding="ascii").split()
    orders = ibis.duckdb.connect().read_parquet(processed.path("orders"))
    customers = summarise_customers(orders.filter(orders.customer_id.isin(ids)), as_of=LAST_DAY).customers
    return purchase_histories(customers, time_unit="week")


def donors() -> pd.DataFrame:
    """Histories of the donors: frequency, t_x, n (opportunities) and how many customers have each."""
    with _FILES.joinpath("donations.csv").open(encoding="ascii") as stream:
        return pd.read_csv(stream)


def _estimates(fit: PurchaseFit) -> dict[str, float]:
    return dict(zip(fit.model.parameters, fit.parameters.tolist(), strict=True))


def _new(fit: PurchaseFit, h: float) -> float:
    return float(fit.model.expected_new(fit.parameters, h))


def _to_come(fit: PurchaseFit, h: float, x: float, t_x: float, T: float) -> float:
    x, t_x, T = (np.array([float(v)]) for v in (x, t_x, T))
    alive = fit.model.share_alive(fit.parameters, x, t_x, T)
    return float((alive * fit.model.expected_if_alive(fit.parameters, h, x, T))[0])
