"""Make the reference files of the customer-lifetime-value tests with lifetimes 0.11.3 (Python 3.11).

Run ``python clv_lifetimes.py`` where lifetimes is installed; it writes beside itself

cdnow_sample.csv
    One row for each of the 2,357 customers of the CDNOW 1/10 sample (first purchase in the first quarter of
    1997; P. Fader and B. Hardie, brucehardie.com/notes/008, shipped with lifetimes as CDNOW_sample.txt):
    repeat purchase days until 1997-09-30, days to the last of them, days until 1997-09-30, mean spend on them
    (dollars), purchase days in the 39 weeks after.
src/crmresearch/reproduction/donations.csv
    The 11,104 donors of Fader, Hardie & Shang (2010), shipped with lifetimes: gifts, last year of a gift, years,
    donors.
clv_lifetimes.csv
    What lifetimes computes at fixed parameters, and the estimates and standard errors it fits to these data.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import lifetimes
import numpy as np
import pandas as pd

HERE = Path(__file__).parent
SOURCE = files("lifetimes") / "datasets"

FIXED = {
    "bgnbd": (lifetimes.BetaGeoFitter, ("r", "alpha", "a", "b"), (0.243, 4.414, 0.793, 2.426)),
    "mbgnbd": (lifetimes.ModifiedBetaGeoFitter, ("r", "alpha", "a", "b"), (0.525, 6.183, 0.891, 1.614)),
    "paretonbd": (lifetimes.ParetoNBDFitter, ("r", "alpha", "s", "beta"), (0.553, 10.578, 0.606, 11.669)),
}
HISTORIES = [(0, 0.0, 38.86), (1, 1.71, 38.86), (2, 30.43, 38.86), (10, 20.0, 39.0), (29, 37.0, 38.0), (4, 3.0, 30.0)]
DONORS = [(0, 0, 6), (1, 1, 6), (3, 5, 6), (6, 6, 6), (2, 6, 6), (4, 4, 6)]
SPENDERS = [(2, 22.35), (1, 11.77), (7, 73.74), (3, 0.5)]


def sample() -> pd.DataFrame:
    names = ["master", "customer_id", "date", "quantity", "amount"]
    text = (SOURCE / "CDNOW_sample.txt").open()
    lines = pd.read_csv(text, sep=r"\s+", header=None, names=names, dtype={"customer_id": str})
    lines["date"] = pd.to_datetime(lines["date"].astype(str))
    days = lines.groupby(["customer_id", "date"])["amount"].sum().reset_index()
    end = pd.Timestamp("1997-09-30")
    days["first"] = days.groupby("customer_id")["date"].transform("min")
    seen = days[days["date"] <= end]
    repeat = seen[seen["date"] > seen["first"]]
    table = seen.groupby("customer_id").agg(first=("first", "min"), last=("date", "max"))
    return pd.DataFrame(
        {
            "customer_id": table.index,
            "frequency": repeat.groupby("customer_id").size().reindex(table.index, fill_value=0),
            "t_x_days": (table["last"] - table["first"]).dt.days,
            "age_days": (end - table["first"]).dt.days,
            "mean_spend": repeat.groupby("customer_id")["amount"].mean().reindex(table.index, fill_value=0).round(6),
            "later_days": days[days["date"] > end].groupby("customer_id").size().reindex(table.index, fill_value=0),
        }
    )


def at_fixed_parameters() -> list[tuple]:
    rows = []
    for model, (fitter, names, values) in FIXED.items():
        fit = fitter()
        fit.params_ = pd.Series(values, index=list(names))
        for x, t_x, T in HISTORIES:
            alive = np.ravel(fit.conditional_probability_alive(*(np.array([v]) for v in (x, t_x, T))))[0]
            arguments = [np.array([v]) for v in (26.0, x, t_x, T)]
            to_come = np.ravel(fit.conditional_expected_number_of_purchases_up_to_time(*arguments))[0]
            rows += [(model, "p_alive", x, t_x, T, 0, alive), (model, "to_come", x, t_x, T, 26, to_come)]
        for h in (1.0, 13.0, 52.0):
            rows.append((model, "new", 0, 0, 0, h, float(fit.expected_number_of_purchases_up_to_time(h))))
    fit = lifetimes.BetaGeoBetaBinomFitter()
    fit.params_ = pd.Series((1.204, 0.750, 0.657, 2.784), index=["alpha", "beta", "gamma", "delta"])
    for x, t_x, n in DONORS:
        history = [np.array([v]) for v in (x, t_x, n)]
        alive = np.ravel(fit.conditional_probability_alive(1, *history))[0]
        to_come = np.ravel(fit.conditional_expected_number_of_purchases_up_to_time(5, *history))[0]
        rows += [("bgbb", "p_alive", x, t_x, n, 0, alive), ("bgbb", "to_come", x, t_x, n, 5, to_come)]
    fit = lifetimes.GammaGammaFitter()
    fit.params_ = pd.Series((6.25, 3.74, 15.44), index=["p", "q", "v"])
    for x, z in SPENDERS:
        value = np.ravel(fit.conditional_expected_average_profit(np.array([x]), np.array([z])))[0]
        rows.append(("gammagamma", "spend", x, z, 0, 0, value))
    return rows


def fitted(customers: pd.DataFrame, donors: pd.DataFrame) -> list[tuple]:
    weeks = [customers["frequency"], customers["t_x_days"] / 7, customers["age_days"] / 7]
    fits = {model: fitter().fit(*weeks) for model, (fitter, _, _) in FIXED.items() if model != "paretonbd"}
    fits["bgbb"] = lifetimes.BetaGeoBetaBinomFitter().fit(
        *(donors[c] for c in ("frequency", "t_x", "n", "customers")), tol=1e-5
    )
    buyers = customers[customers["frequency"] > 0]
    fits["gammagamma"] = lifetimes.GammaGammaFitter().fit(buyers["frequency"], buyers["mean_spend"])
    rows = []
    for model, fit in fits.items():
        for k, (name, value) in enumerate(fit.params_.items()):
            rows.append((model, f"estimate_{k}", 0, 0, 0, 0, value))
            rows.append((model, f"error_{k}", 0, 0, 0, 0, fit.standard_errors_[name]))
    return rows


def main() -> None:
    customers = sample()
    customers.to_csv(HERE / "cdnow_sample.csv", index=False)
    donors = pd.read_csv((SOURCE / "donations.csv").open()).set_axis(["frequency", "t_x", "n", "customers"], axis=1)
    donors.to_csv(HERE.parents[1] / "src" / "crmresearch" / "reproduction" / "donations.csv", index=False)
    rows = at_fixed_parameters() + fitted(customers, donors)
    table = pd.DataFrame(rows, columns=["model", "quantity", "x", "t_x", "T", "h", "value"])
    table.to_csv(HERE / "clv_lifetimes.csv", index=False, float_format="%.12g")


if __name__ == "__main__":
    main()
