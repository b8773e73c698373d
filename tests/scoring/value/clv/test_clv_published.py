"""Published results and those of lifetimes, within the printed precision."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crmresearch.scoring.value.clv import MODELS, assess_frequencies, expected_spend, fit_purchases, fit_spend
from crmresearch.scoring.value.clv.reproduction import reproduce_cdnow, reproduce_donations

# statistic: (published, tolerance). Fader, Hardie & Lee (2005) table 2 for the BG/NBD and Pareto/NBD; Batislam et al.
# (2007); Fader & Hardie (2013); Fader, Hardie & Shang (2010) table 3; expectations from the BTYD walkthrough.
PUBLISHED = {
    "cdnow_bgnbd": {
        "r": (0.243, 0.001),
        "alpha": (4.414, 0.001),
        "a": (0.793, 0.001),
        "b": (2.426, 0.001),
        "log_likelihood": (-9582.429, 0.005),
        "E[X(52)] new customer": (1.444004, 0.001),
        "cond. E[Y(39)] x=2,tx=30.43,T=38.86": (1.226, 0.001),
        "cond. E[Y(52)] x=10, tx=20, T=39": (0.3474606, 0.001),
    },
    "cdnow_paretonbd": {
        "r": (0.553, 0.001),
        "alpha": (10.578, 0.005),
        "s": (0.606, 0.001),
        "beta": (11.669, 0.02),
        "log_likelihood": (-9594.976, 0.005),
        "E[X(52)] new customer": (1.473434, 0.001),
    },
    "cdnow_mbgnbd": {"r": (0.525, 0.001), "alpha": (6.183, 0.001), "a": (0.891, 0.001), "b": (1.614, 0.001)},
    "cdnow_gammagamma": {
        "p": (6.25, 0.02),
        "q": (3.74, 0.02),
        "gamma": (15.44, 0.02),
        "E(M|x=2,m=22.35)": (24.65, 0.1),
        "E(M|x=1,m=11.77)": (18.91, 0.1),
        "E(M|x=0,m=0)": (35.17, 0.1),
        "E(M|x=7,m=73.74)": (71.46, 0.1),
    },
    "donations_bgbb": {
        "alpha": (1.204, 0.002),
        "beta": (0.75, 0.002),
        "gamma": (0.657, 0.002),
        "delta": (2.784, 0.002),
        "E[X(10)]": (3.179805, 0.001),
    },
}
SAME_FORMULA = 1e-9  # relative, at equal parameters
SAME_ESTIMATE = 1e-3  # relative; lifetimes stops at a gradient of 1e-7 per customer, for the BG/BB at 1e-5


@pytest.fixture(scope="module")
def ours(cdnow, donors):
    return {**reproduce_cdnow(cdnow), **reproduce_donations(donors)}


@pytest.mark.parametrize(("case", "statistic"), [(c, s) for c, group in PUBLISHED.items() for s in group])
def test_reproduces_published(ours, case, statistic):
    published, tolerance = PUBLISHED[case][statistic]
    assert ours[case][statistic] == pytest.approx(published, abs=tolerance)


def test_reproduction_states_every_published_statistic(ours):
    assert {case: set(found) for case, found in ours.items()} == {case: set(p) for case, p in PUBLISHED.items()}


@pytest.mark.parametrize(("model", "chi_square", "p_value"), [("bgnbd", 4.82, 0.19), ("paretonbd", 11.99, 0.007)])
def test_assess_frequencies_fader2005counting(cdnow, model, chi_square, p_value):
    """Goodness of fit on 0, 1, ..., 7+ repeat purchases, section 4.2."""
    test = assess_frequencies(fit_purchases(cdnow, model=model)).test.iloc[0]
    assert test["chi_square"] == pytest.approx(chi_square, abs=0.01)
    assert test["df"] == 3
    assert test["p_value"] == pytest.approx(p_value, abs=0.006)


PARAMETERS = {
    "bgnbd": (0.243, 4.414, 0.793, 2.426),
    "mbgnbd": (0.525, 6.183, 0.891, 1.614),
    "paretonbd": (0.553, 10.578, 0.606, 11.669),
    "bgbb": (1.204, 0.750, 0.657, 2.784),
}


@pytest.mark.parametrize("model", PARAMETERS)
def test_predictions_agree_with_lifetimes(golden, model):
    rows = golden[(golden["model"] == model) & golden["quantity"].isin(["p_alive", "to_come", "new"])]
    assert len(rows) >= 12
    m, parameters = MODELS[model], np.array(PARAMETERS[model])
    x, t_x, T, h = (rows[c].to_numpy(dtype=float) for c in ("x", "t_x", "T", "h"))
    alive = m.share_alive(parameters, x, t_x, T)
    values = {
        "p_alive": alive,
        "to_come": alive * m.expected_if_alive(parameters, h, x, T),
        "new": m.expected_new(parameters, h),
    }
    mine = pd.DataFrame(values, index=rows.index)
    for quantity, part in rows.groupby("quantity"):
        assert mine.loc[part.index, quantity].to_numpy() == pytest.approx(part["value"].to_numpy(), rel=SAME_FORMULA)


def test_expected_spend_agrees_with_lifetimes(golden):
    rows = golden[golden["quantity"] == "spend"]
    mine = expected_spend(np.array([6.25, 3.74, 15.44]), rows["x"].to_numpy(dtype=float), rows["t_x"].to_numpy())
    assert mine == pytest.approx(rows["value"].to_numpy(), rel=SAME_FORMULA)


@pytest.mark.parametrize("model", ["bgnbd", "mbgnbd", "bgbb", "gammagamma"])
def test_estimates_and_errors_agree_with_lifetimes(cdnow, donors, golden, model):
    rows = golden[golden["model"] == model].set_index("quantity")["value"]
    if model == "gammagamma":
        table = fit_spend(cdnow).tidy()
    else:
        table = fit_purchases(donors if model == "bgbb" else cdnow, model=model).tidy()
    k = len(table)
    assert table["estimate"].to_numpy() == pytest.approx(rows[[f"estimate_{i}" for i in range(k)]], rel=SAME_ESTIMATE)
    assert table["std_error"].to_numpy() == pytest.approx(rows[[f"error_{i}" for i in range(k)]], rel=SAME_ESTIMATE)
