"""A synthetic twin of a case: files of the same shape whose rows are nobody's, so that its notebooks run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from crmresearch.case import Case
from crmresearch.reporting.record import write_csv
from crmresearch.tables import TABLES

_IDS = ("customer_id", "respondent_id", "order_id", "invoice_id", "contract_id", "ticket_id")
_GRID = 21
_MOST_WORDS = 60


def write_twin(case: Case, tables: Mapping[str, pd.DataFrame], folder: Path, *, k: int, seed: int = 20260101) -> Path:
    """Write a case folder of synthetic rows with the tables, columns and questionnaire of a real one.

    Numbers are drawn from the quantiles of their column, each quantile resting on at least ``k`` rows, tied
    together by rank correlations rounded to one decimal; words from those that at least ``k`` rows share;
    days from the range of months; identifiers are counted anew. Names, addresses and other personal
    columns are left out. Nothing a row holds was a row.

    Parameters
    ----------
    tables : Mapping[str, DataFrame]
        Processed tables by name.
    folder : Path
        Made; gets ``case.yaml`` and one CSV file a table.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    declared = {source.table: source for source in case.file.files}
    n_customers = _customers(tables)
    files = []
    for name in sorted(tables):
        if name not in declared:
            continue
        table = _synthesize(tables[name], name, n_customers, k=k, rng=rng)
        if table.empty:
            continue
        write_csv(table, folder / f"{name}.csv")
        files.append({"file": f"{name}.csv", "table": name, "columns": _columns(table, name, declared, case)})
    content = _case_file(case, files)
    text = "# Synthetic: no row of these files was anybody's.\n" + yaml.safe_dump(
        content, allow_unicode=True, sort_keys=False
    )
    (folder / "case.yaml").write_text(text, encoding="utf-8", newline="\n")
    return folder


def _customers(tables: Mapping[str, pd.DataFrame]) -> int:
    ids = [set(table["customer_id"].dropna()) for table in tables.values() if "customer_id" in table]
    return len(set().union(*ids)) if ids else 0


def _synthesize(table: pd.DataFrame, name: str, n_customers: int, *, k: int, rng: np.random.Generator) -> pd.DataFrame:
    known = {column.name: column for column in TABLES[name].columns}
    n = len(table)
    latent = _latent(table, rng)
    columns: dict[str, Any] = {}
    for column in table.columns:
        values = table[column]
        if column in {"source_file", "source_row"} or values.isna().all():
            continue
        if column == "customer_id":
            columns[column] = _customer_ids(values, name, n_customers, rng)
        elif column in _IDS:
            width = len(str(n))
            columns[column] = [f"{column[:1].upper()}{number:0{width}d}" for number in range(1, n + 1)]
        elif column in known and known[column].personal:
            continue
        elif pd.api.types.is_bool_dtype(values):
            columns[column] = rng.random(n) < round(float(values.mean()), 1)
        elif pd.api.types.is_numeric_dtype(values):
            columns[column] = _numbers(values, latent.get(column, rng.random(n)), k, rng)
        elif pd.api.types.is_datetime64_any_dtype(values):
            columns[column] = _days(values, n, rng)
        else:
            words = _words(values, n, k, rng)
            if words is not None:
                columns[column] = words
    return pd.DataFrame(columns)


def _latent(table: pd.DataFrame, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Uniform ranks for every column of numbers, correlated as the real ones are, to one decimal."""
    from scipy.stats import norm

    numeric = [
        c for c in table.columns if pd.api.types.is_numeric_dtype(table[c]) and not pd.api.types.is_bool_dtype(table[c])
    ]
    numeric = [c for c in numeric if c != "source_row" and table[c].notna().any()]
    if not numeric:
        return {}
    ranks = table[numeric].astype(float).rank(pct=True)
    correlation = ranks.corr().fillna(0).to_numpy().round(1)
    np.fill_diagonal(correlation, 1)
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.clip(values, 1e-6, None))
    drawn = rng.standard_normal((len(table), len(numeric))) @ root.T
    drawn /= np.sqrt((root**2).sum(axis=1))
    return dict(zip(numeric, norm.cdf(drawn).T, strict=True))


def _numbers(values: pd.Series, rank: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    real = values.dropna().astype(float)
    whole = bool((real % 1 == 0).all())
    counts = real.value_counts()
    if whole and len(counts) <= 15:  # a scale: its points that enough rows share
        shared = counts[counts >= k].sort_index()
        shared = shared if len(shared) else counts.sort_values().tail(1)
        edges = np.cumsum(shared.to_numpy()) / shared.sum()
        drawn = shared.index.to_numpy()[np.minimum(np.searchsorted(edges, rank), len(shared) - 1)]
    else:
        bins = int(np.clip(len(real) // max(k, 1), 1, _GRID - 1))
        grid = np.linspace(0.5 / (bins + 1), 1 - 0.5 / (bins + 1), bins + 1)
        drawn = np.interp(rank, grid, _coarse(real.quantile(grid).to_numpy()))
        drawn = np.rint(drawn) if whole else np.round(drawn, 2)
    share = round(float(values.isna().mean()), 2)
    drawn = drawn.astype(float)
    drawn[rng.random(len(drawn)) < share] = np.nan
    return pd.array(drawn, dtype="Int64" if whole else "Float64")


def _coarse(quantiles: np.ndarray) -> np.ndarray:
    """Two digits of each quantile: nobody's exact number."""
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where(quantiles == 0, 1, 10 ** np.floor(np.log10(np.abs(quantiles)) - 1))
    return np.round(quantiles / size) * size


def _days(values: pd.Series, n: int, rng: np.random.Generator) -> list[str]:
    days = pd.to_datetime(values.dropna())
    first, last = days.min().to_period("M").start_time, days.max().to_period("M").end_time
    drawn = first + pd.to_timedelta(rng.integers(0, (last - first).days + 1, n), unit="D")
    return [day.date().isoformat() for day in drawn]


def _words(values: pd.Series, n: int, k: int, rng: np.random.Generator) -> np.ndarray | None:
    """Words that enough rows share; a column of free text is withheld."""
    counts = values.dropna().astype(str).value_counts()
    shared = counts[counts >= k]
    if shared.empty or len(counts) > _MOST_WORDS:
        return None
    return rng.choice(shared.index.to_numpy(dtype=object), size=n, p=(shared / shared.sum()).to_numpy())


def _customer_ids(values: pd.Series, name: str, n_customers: int, rng: np.random.Generator) -> list[str]:
    width = len(str(n_customers))
    names = [f"K{number:0{width}d}" for number in range(1, n_customers + 1)]
    if name == "customers" or values.is_unique:
        return names[: len(values)] + [f"K{number:0{width}d}" for number in range(n_customers + 1, len(values) + 1)]
    weights = rng.gamma(0.8, size=len(names)) + 0.02
    return list(rng.choice(names, size=len(values), p=weights / weights.sum()))


def _columns(table: pd.DataFrame, name: str, declared: Mapping[str, Any], case: Case) -> dict[str, Any]:
    known = {column.name for column in TABLES[name].columns}
    found: dict[str, Any] = {}
    for column in table.columns:
        source = declared[name].columns.get(column)
        if column in known or source is None:
            found[column] = column if column in known else {"heading": column, "kind": "number"}
        else:
            extra = {"label": source.label.model_dump()} if source.label else {}
            found[column] = {"heading": column, "kind": source.kind, **extra}
    items = set(case.file.instrument.items) if case.file.instrument else set()
    return {name: value for name, value in found.items() if name in known or name not in items}


def _case_file(case: Case, files: list[dict[str, Any]]) -> dict[str, Any]:
    real = case.file
    instrument = json.loads(real.instrument.model_dump_json(by_alias=True)) if real.instrument else None
    content: dict[str, Any] = {
        "schema": "1",
        "title": {"en": f"Synthetic twin of {real.title.en}", "zh": f"{real.title.zh}（合成数据）"},
        "description": {
            "en": "Synthetic rows in the shape of the real files; no row was anybody's.",
            "zh": "与真实文件结构相同的合成数据，任何一行都不属于任何人。",
        },
        "provenance": {"origin": "drawn by crmresearch publish", "copy_from": "nowhere", "terms": "free to use"},
        "simulated": True,
        "currency": real.currency,
        "time_zone": real.time_zone,
        "files": files,
        "studies": json.loads(json.dumps(real.studies, default=str)),
    }
    if instrument:
        content["instrument"] = instrument
    if real.as_of:
        content["as_of"] = real.as_of
    return {name: value for name, value in content.items() if value not in ("", None)}
