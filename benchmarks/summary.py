"""Customer summary from Parquet, side by side: ours, pandas, hand-written SQL, lifetimes, pymc-marketing.

    python benchmarks/summary.py                  # 69 thousand, 1 million and 10 million orders: ten minutes
    python benchmarks/summary.py --orders 1e6 --rounds 7

Every peer reads the same Parquet file and hands over a data frame; database connections are open.
Outputs are checked equal first. Times are warm medians, the peers taking turns; peak memory is that
of a fresh process which does nothing else, less that of one which has only imported the libraries.
A peer that is not installed is named and left out.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
AS_OF = dt.date(1998, 6, 30)
COLUMNS = ["frequency", "t_x_days", "age_days", "spend", "mean_repeat_spend"]
TARGETS = (
    "targets: at most 1.15 x the time of SQL; lifetimes takes at least 2.5 x ours at 1M and 4 x at 10M; "
    "memory at most 0.65 x lifetimes'"
)


def simulate_orders(n_orders: int, path: Path) -> None:
    """Write orders like CDNOW's: its customers over and over, dates and amounts moved a little (seeded)."""
    source = ROOT / "data" / "raw" / "cdnow" / "CDNOW_master.txt.gz"
    cdnow = pd.read_csv(source, sep=r"\s+", dtype={"customer_id": str})
    rng = np.random.default_rng(20260101)
    copies = -(-n_orders // len(cdnow))
    copy, row = np.divmod(np.arange(copies * len(cdnow))[:n_orders], len(cdnow))
    days = pd.to_datetime(cdnow["date"].astype(str)).to_numpy().astype("datetime64[D]")[row]
    cents = np.rint(cdnow["dollar_value"].to_numpy() * 100).astype(np.int64)[row]
    if copies > 1:
        days = np.minimum(days + rng.integers(0, 4, n_orders), np.datetime64(AS_OF))
        cents = cents + rng.integers(0, 100, n_orders)
    ids = (copy * 100_000 + cdnow["customer_id"].astype(int).to_numpy()[row]).astype(str)
    order = rng.permutation(n_orders)
    table = pa.table(
        {
            "customer_id": pa.array(ids[order], pa.string()),
            "date": pa.array(days[order]),
            "amount": pa.array(cents[order] / 100).cast(pa.decimal128(18, 2)),
        }
    )
    pq.write_table(table, path)


def ours(path: Path) -> pd.DataFrame:
    from crmresearch.scoring.value.summary import summarise_customers

    return summarise_customers(_orders(path), as_of=AS_OF).customers


@cache
def _orders(path: Path) -> Any:
    from crmresearch.running.engine import open_engine

    return open_engine().read_parquet(path)


SQL = """
with days as (
  select customer_id, date, sum(amount) as amount, sum(amount) filter (amount < 0) as returned,
         count(*) filter (amount >= 0) as orders
  from read_parquet($path) where date <= $as_of group by all
), customers as (
  select customer_id, min(date) filter (orders > 0) as first_date, max(date) filter (orders > 0) as last_date,
         sum(orders)::bigint as n_orders, count(*) filter (orders > 0) as n_purchase_days, sum(amount) as amount,
         arg_min(amount, date) filter (orders > 0) as first_amount, sum(returned) as returned
  from days group by all
)
select customer_id, first_date, last_date, n_orders, n_purchase_days,
       greatest(n_purchase_days - 1, 0) as frequency, last_date - first_date as t_x_days,
       $as_of::date - first_date as age_days, $as_of::date - last_date as recency_days,
       (last_date - first_date) / nullif(n_purchase_days - 1, 0) as mean_interval_days,
       amount::double as spend, 0.0 - coalesce(returned::double, 0.0) as returned,
       amount::double / nullif(n_purchase_days, 0) as mean_spend,
       (amount - first_amount)::double / nullif(n_purchase_days - 1, 0) as mean_repeat_spend
from customers order by customer_id
"""


def sql(path: Path) -> pd.DataFrame:
    return _duckdb().sql(SQL, params={"path": str(path), "as_of": AS_OF}).to_arrow_table().to_pandas()


@cache
def _duckdb() -> Any:
    import duckdb

    return duckdb.connect()


def plain_pandas(path: Path) -> pd.DataFrame:
    lines = _read(path)
    daily = lines.groupby(["customer_id", "date"], as_index=False)["amount"].sum()
    grouped = daily.groupby("customer_id")
    summary = grouped.agg(
        first_date=("date", "min"),
        last_date=("date", "max"),
        n_purchase_days=("date", "size"),
        spend=("amount", "sum"),
        first_amount=("amount", "first"),
    )
    summary["frequency"] = summary["n_purchase_days"] - 1
    summary["t_x_days"] = (summary["last_date"] - summary["first_date"]).dt.days
    summary["age_days"] = (pd.Timestamp(AS_OF) - summary["first_date"]).dt.days
    summary["recency_days"] = (pd.Timestamp(AS_OF) - summary["last_date"]).dt.days
    repeats = summary["frequency"].where(summary["frequency"] > 0)
    summary["mean_repeat_spend"] = (summary["spend"] - summary["first_amount"]) / repeats
    return summary.reset_index()


def lifetimes(path: Path) -> pd.DataFrame:
    from lifetimes.utils import summary_data_from_transaction_data

    lines = _read(path)
    return _of_lifetimes(
        summary_data_from_transaction_data(
            lines, "customer_id", "date", monetary_value_col="amount", observation_period_end=pd.Timestamp(AS_OF)
        ).reset_index()
    )


def pymc_marketing(path: Path) -> pd.DataFrame:
    from pymc_marketing.clv.utils import rfm_summary

    lines = _read(path)
    return _of_lifetimes(
        rfm_summary(
            lines, "customer_id", "date", monetary_value_col="amount", observation_period_end=pd.Timestamp(AS_OF)
        )
    )


def _read(path: Path) -> pd.DataFrame:
    """Customer, day and amount as float, the way a pandas user reads money."""
    table = pq.read_table(path, columns=["customer_id", "date", "amount"])
    table = table.set_column(2, "amount", table["amount"].cast(pa.float64()))
    return table.to_pandas(date_as_object=False)


def _of_lifetimes(summary: pd.DataFrame) -> pd.DataFrame:
    names = {"recency": "t_x_days", "T": "age_days", "monetary_value": "mean_repeat_spend"}
    summary = summary.rename(columns=names)
    summary["mean_repeat_spend"] = summary["mean_repeat_spend"].where(summary["frequency"] > 0)
    return summary


PEERS: dict[str, tuple[Callable[[Path], pd.DataFrame], str]] = {
    "ours": (ours, "crmresearch.scoring.value.summary"),
    "SQL": (sql, "duckdb"),
    "pandas": (plain_pandas, "pandas"),
    "lifetimes": (lifetimes, "lifetimes"),
    "pymc-marketing": (pymc_marketing, "pymc_marketing"),
}


def check_equal(results: dict[str, pd.DataFrame]) -> None:
    """Compare every peer with ours: counts and days exactly, money to a millionth."""
    reference = results["ours"].sort_values("customer_id", ignore_index=True)
    for name, result in results.items():
        other = result.sort_values("customer_id", ignore_index=True)
        assert other["customer_id"].tolist() == reference["customer_id"].tolist(), name
        for column in (c for c in COLUMNS if c in other):
            np.testing.assert_allclose(
                other[column].astype(float), reference[column].astype(float), atol=1e-6, err_msg=f"{name}: {column}"
            )


def measure_memory(name: str, path: Path | None) -> float:
    """Peak resident memory in MB of a process that makes one summary, or (no path) imports only."""
    command = [sys.executable, __file__, "--child", name, *([str(path)] if path else [])]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def be_child(name: str, path: str) -> None:
    make, module = PEERS[name]
    importlib.import_module(module)
    if path:
        make(Path(path))
    # The high-water mark of this program alone: ru_maxrss would carry that of the process it came from.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    print(json.dumps(int(status.split("VmHWM:")[1].split()[0]) / 1024))


def run(n_orders: int, rounds: int, folder: Path) -> None:
    path = folder / f"orders_{n_orders}.parquet"
    simulate_orders(n_orders, path)
    peers = {name: make for name, (make, module) in PEERS.items() if importlib.util.find_spec(module)}
    results = {name: make(path) for name, make in peers.items()}  # warm, and checked
    check_equal(results)
    n_customers = len(results["ours"])
    del results
    seconds: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(rounds):
        for name, make in peers.items():
            begin = time.perf_counter()
            make(path)
            seconds[name].append(time.perf_counter() - begin)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    memory = {name: measure_memory(name, path) - measure_memory(name, None) for name in peers}
    print(f"\n{n_orders:,} orders, {n_customers:,} customers; equal outputs; median of {rounds}")
    print(f"{'':16}{'seconds':>10}{'x ours':>9}{'peak MB':>10}{'ours / it':>11}")
    for name in peers:
        ratio, share = medians[name] / medians["ours"], memory["ours"] / memory[name]
        print(f"{name:16}{medians[name]:10.3f}{ratio:9.2f}{memory[name]:10.0f}{share:11.2f}")
    for name in PEERS.keys() - peers.keys():
        print(f"{name:16}not installed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=float, nargs="+", default=[69_659, 1_000_000, 10_000_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    if arguments.child:
        be_child(arguments.child[0], arguments.child[1] if len(arguments.child) > 1 else "")
        return
    with tempfile.TemporaryDirectory() as folder:
        for n_orders in arguments.orders:
            run(int(n_orders), arguments.rounds, Path(folder))
    print(f"\n{TARGETS}")


if __name__ == "__main__":
    main()
