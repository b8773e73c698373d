"""Published fits and those of lifetimes; the published estimates are in tests/reproduction."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crmresearch.scoring.value.clv import MODELS, assess_frequencies, expected_spend, fit_purchases, fit_spend

SAME_FORMULA = 1e-9  # relative, at equal parameters
SAME_ESTIMATE = 1e-3  # relative; lifetimes stops at a gradient of 1e-7 per customer, for the BG/BB at 1e-5


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
