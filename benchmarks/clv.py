"""Customer lifetime value against lifetimes: time and peak memory of one fit with standard errors.

    python benchmarks/clv.py                       # up to 200 thousand customers
    python benchmarks/clv.py --customers 1e6       # up to 1 million: many minutes

Runs where the peers are installed. Fits alternate, the first of each is not counted, medians of the rest are
shown. Before anything is timed, estimates, standard errors and the maximised log-likelihood of ours and lifetimes
are compared. pymc-marketing's fit is the mode of a posterior: its priors move it, so it is timed, on CDNOW's two
tables, and not compared.

Data: the CDNOW sample and the whole CDNOW cohort as shipped with lifetimes; larger ones are drawn from the
BG/NBD with the parameters published for CDNOW, with purchase times kept by the day or left continuous.
"""

from __future__ import annotations

import argparse
import statistics
import time
import tracemalloc
import warnings
from collections.abc import Callable
from importlib.resources import files

import lifetimes
import numpy as np
import pandas as pd

from crmresearch.scoring.value.clv import MODELS, fit_purchases, fit_spend, gammagamma

REPETITIONS = 5
SAME_ESTIMATE = 0.01  # relative; lifetimes stops earlier than ours
LARGEST_MAP = 25_000


def cdnow_histories(name: str, columns: list[str]) -> pd.DataFrame:
    """Weeks until 1997-09-30 from the transactions of CDNOW customers."""
    lines = (files("lifetimes") / "datasets" / name).read_text().splitlines()
    rows = [line.split() for line in lines if line.split()[0].isdigit()]
    table = pd.DataFrame([r[: len(columns)] for r in rows], columns=columns)
    table["date"], table["amount"] = pd.to_datetime(table["date"]), table["amount"].astype(float)
    end = pd.Timestamp("1997-09-30")
    days = table[table["date"] <= end].groupby(["customer_id", "date"])["amount"].sum().reset_index()
    days["repeat"] = days["date"] > days.groupby("customer_id")["date"].transform("min")
    customers = days.groupby("customer_id").agg(
        first_date=("date", "min"), last_date=("date", "max"), frequency=("repeat", "sum")
    )
    spend = days[days["repeat"]].groupby("customer_id")["amount"].mean()
    return pd.DataFrame(
        {
            "frequency": customers["frequency"],
            "t_x": (customers["last_date"] - customers["first_date"]).dt.days / 7,
            "T": (end - customers["first_date"]).dt.days / 7,
            "mean_spend": spend.reindex(customers.index).fillna(0),
        }
    )


def simulated_histories(n: int, *, by_day: bool) -> pd.DataFrame:
    rng = np.random.default_rng(n)
    T = (273 - rng.uniform(0, 84, n)) / 7
    x, t_x = MODELS["bgnbd"].simulate((0.243, 4.414, 0.793, 2.426), T, rng)
    if by_day:
        T, t_x = np.ceil(T * 7) / 7, np.ceil(t_x * 7) / 7
    spend = np.where(x > 0, rng.gamma(6.25 * np.maximum(x, 1)) / np.maximum(x, 1) / rng.gamma(3.74, 1 / 15.44, n), 0)
    return pd.DataFrame({"frequency": x, "t_x": t_x, "T": T, "mean_spend": spend})


def lifetimes_fit(model: str, histories: pd.DataFrame) -> tuple[np.ndarray, np.ndarray | None]:
    """Estimates, and standard errors where lifetimes has any."""
    if model == "gammagamma":
        repeaters = histories[histories["frequency"] > 0]
        fitter = lifetimes.GammaGammaFitter().fit(repeaters["frequency"], repeaters["mean_spend"])
    else:
        fitters = {"bgnbd": lifetimes.BetaGeoFitter, "paretonbd": lifetimes.ParetoNBDFitter}
        fitter = fitters[model]().fit(histories["frequency"], histories["t_x"], histories["T"])
    errors = getattr(fitter, "standard_errors_", None)
    return fitter.params_.to_numpy(), None if errors is None else errors.to_numpy()


def our_fit(model: str, histories: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    fit = fit_spend(histories) if model == "gammagamma" else fit_purchases(histories, model=model)
    table = fit.tidy()
    return table["estimate"].to_numpy(), table["std_error"].to_numpy()


def map_fit(histories: pd.DataFrame) -> object:
    """pymc-marketing's BG/NBD by the mode of its posterior, without standard errors."""
    from pymc_marketing.clv import BetaGeoModel

    table = histories.rename(columns={"t_x": "recency"})[["frequency", "recency", "T"]]
    return BetaGeoModel(table.rename_axis("customer_id").reset_index()).fit(method="map", progressbar=False)


def log_likelihood(model: str, parameters: np.ndarray, histories: pd.DataFrame) -> float:
    """Mean over customers."""
    if model == "gammagamma":
        histories = histories[histories["frequency"] > 0]
        columns = [histories[c].to_numpy(dtype=float) for c in ("frequency", "mean_spend")]
        return float(gammagamma.log_likelihood(parameters, *columns).mean())
    columns = [histories[c].to_numpy(dtype=float) for c in ("frequency", "t_x", "T")]
    blocks = np.array_split(np.column_stack(columns), max(len(histories) // 10_000, 1))
    return sum(MODELS[model].log_likelihood(parameters, *b.T).sum() for b in blocks) / len(histories)


def check_equal(model: str, histories: pd.DataFrame) -> str:
    """Largest relative difference of an estimate, or of a standard error where both have one."""
    ours, theirs = our_fit(model, histories), lifetimes_fit(model, histories)
    best, other = (log_likelihood(model, fit[0], histories) for fit in (ours, theirs))
    assert best > other - 1e-12, f"{model}: our log-likelihood {best} is below theirs, {other}"
    gaps = [np.max(np.abs(ours[0] / theirs[0] - 1))]
    if theirs[1] is not None and np.isfinite(theirs[1]).all():
        gaps.append(np.max(np.abs(ours[1] / theirs[1] - 1)))
    assert max(gaps) < SAME_ESTIMATE, f"{model}: {ours} against {theirs}"
    return f"{max(gaps):.1e}"


def medians(*fits: Callable[[], object]) -> list[float]:
    seconds: list[list[float]] = [[] for _ in fits]
    for _ in range(REPETITIONS + 1):
        for run, kept in zip(fits, seconds, strict=True):
            start = time.perf_counter()
            run()
            kept.append(time.perf_counter() - start)
    return [statistics.median(kept[1:]) for kept in seconds]


def peak_megabytes(run: Callable[[], object]) -> float:
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def main() -> None:
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=float, default=200_000, help="of the largest table")
    largest = int(parser.parse_args().customers)
    sample = cdnow_histories("CDNOW_sample.txt", ["master", "customer_id", "date", "quantity", "amount"])
    cohort = cdnow_histories("CDNOW_master.txt", ["customer_id", "date", "quantity", "amount"])
    by_day = {n: simulated_histories(n, by_day=True) for n in (200_000, 1_000_000) if n <= largest}
    continuous = {n: simulated_histories(n, by_day=False) for n in (200_000, 1_000_000) if n <= largest}
    paid = {"CDNOW sample": sample, "CDNOW cohort": cohort[(cohort["frequency"] == 0) | (cohort["mean_spend"] > 0)]}
    if largest >= 1_000_000:
        buyers = simulated_histories(2_500_000, by_day=True)
        paid["simulated"] = buyers[buyers["frequency"] > 0].head(1_000_000)
    jobs = [("bgnbd", "CDNOW sample", sample), ("bgnbd", "CDNOW cohort", cohort)]
    jobs += [("bgnbd", "simulated, by day", table) for table in by_day.values()]
    jobs += [("bgnbd", "simulated, all rows differ", table) for table in continuous.values()]
    jobs += [("paretonbd", "CDNOW sample", sample), ("paretonbd", "CDNOW cohort", cohort)]
    jobs += [("gammagamma", name, table) for name, table in paid.items()]
    print(f"{'model':<11} {'data':<27} {'customers':>10} {'ours s':>9} {'lifetimes s':>12} {'ratio':>7}", end="")
    print(f" {'ours MB':>8} {'lifetimes MB':>13} {'estimates differ by':>20} {'MAP s':>7} {'ratio':>6}", flush=True)
    for model, name, table in jobs:
        difference = check_equal(model, table)
        fits = [lambda f=f, m=model, t=table: f(m, t) for f in (our_fit, lifetimes_fit)]
        if model == "bgnbd" and len(table) <= LARGEST_MAP:
            fits.append(lambda t=table: map_fit(t))
        ours, theirs, *mode = medians(*fits)
        memory = [peak_megabytes(fit) for fit in fits[:2]]
        print(f"{model:<11} {name:<27} {len(table):>10,} {ours:>9.4f} {theirs:>12.3f} {theirs / ours:>7.1f}", end="")
        print(f" {memory[0]:>8.1f} {memory[1]:>13.1f} {difference:>20}", end="")
        print("".join(f" {one:>7.2f} {one / ours:>6.0f}" for one in mode), flush=True)


if __name__ == "__main__":
    main()
