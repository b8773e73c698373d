"""Our values of published results, keyed as the publications state them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmresearch.scoring.value.clv.fitting import PurchaseFit, fit_purchases
from crmresearch.scoring.value.clv.gammagamma import expected_spend, fit_spend

Statistics = dict[str, float]


def reproduce_cdnow(histories: pd.DataFrame) -> dict[str, Statistics]:
    """Results published for the 2,357 customers of the CDNOW sample, observed for 39 weeks.

    Parameters
    ----------
    histories : pd.DataFrame
        ``frequency``, ``t_x``, ``T`` in weeks (days / 7), ``mean_spend``; see `purchase_histories`.

    Returns
    -------
    dict[str, dict[str, float]]
        Case → statistic → our value.

    References
    ----------
    Fader, Hardie & Lee (2005), Marketing Science 24(2), doi:10.1287/mksc.1040.0098; Fader & Hardie (2013),
    brucehardie.com/notes/025; Dziurzynski, Wadsworth & McCarthy, BTYD walkthrough (cran.r-project.org/package=BTYD).
    """
    bgnbd, paretonbd, mbgnbd = (fit_purchases(histories, model=m) for m in ("bgnbd", "paretonbd", "mbgnbd"))
    spend = fit_spend(histories)
    spenders = {"x=2,m=22.35": (2, 22.35), "x=1,m=11.77": (1, 11.77), "x=0,m=0": (0, 0.0), "x=7,m=73.74": (7, 73.74)}
    return {
        "cdnow_bgnbd": {
            **_estimates(bgnbd),
            "log_likelihood": bgnbd.log_likelihood,
            "E[X(52)] new customer": _new(bgnbd, 52.0),
            "cond. E[Y(39)] x=2,tx=30.43,T=38.86": _to_come(bgnbd, 39.0, 2, 30.43, 38.86),
            "cond. E[Y(52)] x=10, tx=20, T=39": _to_come(bgnbd, 52.0, 10, 20.0, 39.0),
        },
        "cdnow_paretonbd": {
            **_estimates(paretonbd),
            "log_likelihood": paretonbd.log_likelihood,
            "E[X(52)] new customer": _new(paretonbd, 52.0),
        },
        "cdnow_mbgnbd": _estimates(mbgnbd),
        "cdnow_gammagamma": {
            **dict(zip(("p", "q", "gamma"), spend.parameters.tolist(), strict=True)),
            **{
                f"E(M|{name})": float(expected_spend(spend.parameters, np.array([x]), np.array([z]))[0])
                for name, (x, z) in spenders.items()
            },
        },
    }


def reproduce_donations(donors: pd.DataFrame) -> dict[str, Statistics]:
    """Results published for the 11,104 donors first won in 1995, observed for 6 years.

    Parameters
    ----------
    donors : pd.DataFrame
        ``frequency``, ``t_x``, ``n``, ``customers``.

    Returns
    -------
    dict[str, dict[str, float]]
        Case → statistic → our value.

    References
    ----------
    Fader, Hardie & Shang (2010), Marketing Science 29(6), doi:10.1287/mksc.1100.0580.
    """
    fit = fit_purchases(donors, model="bgbb")
    return {"donations_bgbb": {**_estimates(fit), "E[X(10)]": _new(fit, 10.0)}}


def _estimates(fit: PurchaseFit) -> Statistics:
    return dict(zip(fit.model.parameters, fit.parameters.tolist(), strict=True))


def _new(fit: PurchaseFit, h: float) -> float:
    return float(fit.model.expected_new(fit.parameters, h))


def _to_come(fit: PurchaseFit, h: float, x: float, t_x: float, T: float) -> float:
    x, t_x, T = (np.array([float(v)]) for v in (x, t_x, T))
    alive = fit.model.share_alive(fit.parameters, x, t_x, T)
    return float((alive * fit.model.expected_if_alive(fit.parameters, h, x, T))[0])
