"""Synthetic rows of one table: drawn from what many rows share, so that each is nobody's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd

from crmresearch.tables import TABLES

_GRID = 21
_MOST_WORDS = 60
_NUMBERS = {"number", "money", "integer"}
_MULTIPLES = {  # column → those that it is a multiple of, where the table has them
    "amount": ("quantity", "price"),
    "cost": ("amount",),
    "profit": ("amount",),
    "low_spend": ("total_spend",),
    "high_spend": ("total_spend",),
}


def draw_rows(
    table: pd.DataFrame,
    name: str,
    kinds: Mapping[str, str],
    n_customers: int,
    *,
    k: int,
    rng: np.random.Generator,
    begin: dt.date | None = None,
    last: dt.date | None = None,
) -> pd.DataFrame:
    """As many synthetic rows as a table has.

    Numbers are drawn from the quantiles of their column, each quantile resting on at least ``k`` rows, tied
    together by rank correlations rounded to two decimals (one, where rows are few); costs and bounds as
    multiples of what they belong to; words from those that at least ``k`` rows share; days from the range of
    months, later days by how much later they are; identifiers are counted anew. Orders are made by customers
    who come, buy and leave at rates that are invented. Judgements and ratings keep their criteria and the
    number of those who judge; what these say is invented too. Columns of personal data and of free text are
    left out.

    Parameters
    ----------
    table, name : DataFrame, str
        A processed table, and which it is.
    kinds : Mapping[str, str]
        Column → kind; other columns are left out.
    n_customers : int
        Customers of the whole case.
    begin, last : date | None
        First and last observed day: nothing that has happened lies before or after them.

    Returns
    -------
    DataFrame
    """
    if name in _DESIGNS:
        return _DESIGNS[name](table, n_customers, k, rng)
    known = {column.name: column for column in TABLES[name].columns}
    shown = [column for column in table.columns if column in kinds and table[column].notna().any()]
    latent = _latent(table[[c for c in shown if kinds[c] in _NUMBERS]], k, rng)
    days = _days(table[[c for c in shown if kinds[c] == "date"]], begin, k, rng)
    columns: dict[str, Any] = {}
    for column in shown:
        values, fixed = table[column], known.get(column)
        if column == "customer_id" and name == "orders":
            columns[column], days["date"] = _purchases(table, n_customers, days["date"], k, rng)
        elif column == "customer_id":
            columns[column] = _customer_ids(values, n_customers, rng)
        elif column.endswith("_id"):
            columns[column] = _counted(column[0].upper(), len(table))
        elif fixed is not None and fixed.personal:
            continue
        elif kinds[column] in _NUMBERS:
            columns[column] = _numbers(values, latent[column], k, rng)
        elif kinds[column] == "date":
            ends = last if not (fixed and fixed.planned) else None
            columns[column] = _written(days[column], ends, first=column == next(iter(days)))
        elif kinds[column] == "flag":
            columns[column] = _flags(values, k, rng)
        elif (words := _words(values, k, rng)) is not None:
            columns[column] = words
    for column, bases in _MULTIPLES.items():
        if column in columns and all(base in columns for base in bases):
            columns[column] = _multiple(column, bases, table, columns, k, rng)
    return pd.DataFrame(columns)


def _latent(numbers: pd.DataFrame, k: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Uniform ranks for every column of numbers, correlated as the real ones are, to two decimals (or one)."""
    from scipy.stats import norm

    if numbers.columns.empty:
        return {}
    correlation = numbers.astype(float).rank(pct=True).corr().fillna(0).to_numpy()
    correlation = correlation.round(2 if len(numbers) >= 20 * k else 1)
    np.fill_diagonal(correlation, 1)
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.clip(values, 1e-6, None))
    drawn = rng.standard_normal(numbers.shape) @ root.T
    drawn /= np.sqrt((root**2).sum(axis=1))
    return dict(zip(numbers.columns, norm.cdf(drawn).T, strict=True))


def _numbers(values: pd.Series, rank: np.ndarray, k: int, rng: np.random.Generator) -> pd.Series:
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
    drawn = np.where(_missing(values, rng), np.nan, drawn.astype(float))
    return pd.Series(pd.array(drawn, dtype="Int64" if whole else "Float64"))


def _coarse(quantiles: np.ndarray) -> np.ndarray:
    """Two digits of each quantile: nobody's exact number."""
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where(quantiles == 0, 1, 10 ** np.floor(np.log10(np.abs(quantiles)) - 1))
    return np.round(quantiles / size) * size


def _missing(values: pd.Series, rng: np.random.Generator) -> np.ndarray:
    return rng.random(len(values)) < round(float(values.isna().mean()), 2)


def _multiple(
    column: str,
    bases: tuple[str, ...],
    table: pd.DataFrame,
    drawn: Mapping[str, pd.Series],
    k: int,
    rng: np.random.Generator,
) -> pd.Series:
    real = table[list(bases)].astype(float).prod(axis=1, skipna=False)
    ratio = (table[column].astype(float) / real.where(real != 0)).astype("Float64")
    if ratio.notna().sum() < k:
        return drawn[column]
    whole = pd.concat([drawn[base].astype("Float64") for base in bases], axis=1).prod(axis=1, skipna=False)
    return (whole * _ratios(ratio, rng, k)).round(2)


def _ratios(ratio: pd.Series, rng: np.random.Generator, k: int) -> pd.Series:
    """Ratios to three digits: two would turn a margin of 9 % into one of nothing."""
    real = ratio.dropna().astype(float)
    bins = int(np.clip(len(real) // k, 1, _GRID - 1))
    grid = np.linspace(0.5 / (bins + 1), 1 - 0.5 / (bins + 1), bins + 1)
    drawn = np.interp(rng.random(len(ratio)), grid, real.quantile(grid).to_numpy().round(3))
    return pd.Series(pd.array(np.where(_missing(ratio, rng), np.nan, drawn), dtype="Float64"))


def _days(dates: pd.DataFrame, earliest: dt.date | None, k: int, rng: np.random.Generator) -> dict[str, pd.Series]:
    """The first column of days from its range of months, the others by how long after it they come."""
    dates = dates.apply(pd.to_datetime)
    found: dict[str, pd.Series] = {}
    for column in dates:
        if not found:
            real = dates[column].dropna()
            begin, end = real.min().to_period("M").start_time, real.max().to_period("M").end_time
            begin = max(begin, pd.Timestamp(earliest)) if earliest else begin
            later = rng.integers(0, (end - begin).days + 1, len(dates))
            found[column] = (begin + pd.to_timedelta(pd.Series(later), unit="D")).mask(_missing(dates[column], rng))
        else:
            first = next(iter(found))
            after = (dates[column] - dates[first]).dt.days.astype("Float64")
            drawn = _numbers(after.where(after.notna() | dates[column].isna(), 0), rng.random(len(dates)), k, rng)
            found[column] = found[first] + pd.to_timedelta(drawn.astype(float), unit="D")
    return found


def _purchases(
    table: pd.DataFrame, n_customers: int, days: pd.Series, k: int, rng: np.random.Generator
) -> tuple[np.ndarray, pd.Series]:
    """Customer and day of each order line: customers come as late as others do, buy at a rate of their own, and leave.

    Rates and chances of leaving are invented; only how many days of purchase there are in all is the case's.
    """
    real = pd.to_datetime(table["date"]).groupby(table["customer_id"])
    begin, length = days.min(), (days.max() - days.min()).days
    came = (real.min() - begin).dt.days.clip(lower=0).reset_index(drop=True)
    n, wanted = len(came), int(real.nunique().sum())
    came = _numbers(came, rng.random(n), k, rng).astype(float).clip(0, length).to_numpy()
    rate, chance = rng.gamma(0.8, size=n) + 1e-3, rng.beta(0.5, 4 + wanted / n, size=n).clip(1e-3)
    most = int(np.clip(20 * wanted / n, 20, 400))
    stays = np.arange(most) < rng.geometric(chance)[:, None]
    waits = np.cumsum(rng.exponential(size=(n, most)) / rate[:, None], axis=1)
    low, high = 0.0, 1e4  # days in a unit of waiting: the longer, the fewer purchases
    for _ in range(50):
        unit = (low + high) / 2
        few = n + int((stays & (came[:, None] + waits * unit <= length)).sum()) < wanted
        low, high = (low, unit) if few else (unit, high)
    who, which = np.nonzero(stays & (came[:, None] + waits * high <= length))
    customers = np.concatenate([np.arange(n), who])
    later = np.concatenate([came, np.floor(came[who] + waits[who, which] * high)])
    rows = np.concatenate([rng.permutation(len(later)), rng.integers(0, len(later), len(table))])[: len(table)]
    names = np.array(_counted("K", n_customers), dtype=object)
    return names[customers[rows]], begin + pd.to_timedelta(pd.Series(later[rows]), unit="D")


def _written(days: pd.Series, last: dt.date | None, *, first: bool) -> list[str]:
    """Days as text; what would lie after the last observed day lies on it, or has not happened yet."""
    if last is not None:
        end = pd.Timestamp(last)
        days = days.clip(upper=end) if first else days.where(days <= end)
    return [day.date().isoformat() if pd.notna(day) else "" for day in days]


def _flags(values: pd.Series, k: int, rng: np.random.Generator) -> pd.Series:
    """Yes and no by their share in hundredths; what fewer than ``k`` rows say nobody does."""
    counts = values.dropna().astype(bool).value_counts()
    counts = counts[counts >= k] if (counts >= k).any() else counts.tail(0)
    share = round(float(counts.get(True, 0) / counts.sum()), 2) if len(counts) else 0.0
    drawn = pd.Series(rng.random(len(values)) < share).astype("boolean")
    return drawn.mask(_missing(values, rng))


def _words(values: pd.Series, k: int, rng: np.random.Generator) -> np.ndarray | None:
    """Words that enough rows share; a column of free text is withheld."""
    counts = values.dropna().astype(str).value_counts()
    shared = counts[counts >= k]
    if shared.empty or len(counts) > _MOST_WORDS:
        return None
    drawn = rng.choice(shared.index.to_numpy(dtype=object), size=len(values), p=(shared / shared.sum()).to_numpy())
    return np.where(_missing(values, rng), None, drawn)


def _counted(letter: str, n: int) -> list[str]:
    """Identifiers that are nobody's; of few digits, so that they are no real number by chance."""
    width = len(str(n))
    return [f"SYN-{letter}{number:0{width}d}" for number in range(1, n + 1)]


def _customer_ids(values: pd.Series, n_customers: int, rng: np.random.Generator) -> np.ndarray:
    known = values.dropna()
    names = np.array(_counted("K", n_customers), dtype=object)
    if known.is_unique:
        drawn = names[: len(values)] if len(known) == len(values) else rng.choice(names, len(values), replace=False)
    else:
        weights = rng.gamma(0.8, size=len(names)) + 0.02
        drawn = rng.choice(names, size=len(values), p=weights / weights.sum())
    return np.where(values.isna(), None, drawn) if values.isna().any() else drawn


def _judgements(table: pd.DataFrame, n_customers: int, k: int, rng: np.random.Generator) -> pd.DataFrame:
    """Each expert compares all criteria of each matrix, by weights of their own near the invented ones of all."""
    rows = []
    for matrix, group in table.groupby("matrix"):
        items = sorted({*group["row_item"], *group["column_item"]})
        weights = rng.dirichlet(np.full(len(items), 4.0))
        for expert in _counted("E", group["expert"].nunique()):
            own = weights * rng.lognormal(0, 0.1, len(items))
            for one, other in combinations(np.argsort(-own), 2):
                rows.append((expert, matrix, items[one], items[other], min(9, round(own[one] / own[other]))))
    return pd.DataFrame(rows, columns=["expert", "matrix", "row_item", "column_item", "judgement"])


def _ratings(table: pd.DataFrame, n_customers: int, k: int, rng: np.random.Generator) -> pd.DataFrame:
    """Each rater rates some customers by every criterion; raters agree on a customer for the greater part."""
    customers = rng.choice(_counted("K", n_customers), table["customer_id"].nunique(), replace=False)
    cells = list(product(sorted(customers), sorted(table["criterion"].unique())))
    raters = _counted("R", table["rater"].nunique())
    drawn = pd.DataFrame([(rater, *cell) for rater in raters for cell in cells])
    drawn.columns = ["rater", "customer_id", "criterion"]
    common = np.tile(rng.standard_normal(len(cells)), len(raters))
    rank = (common + 0.5 * rng.standard_normal(len(drawn))).argsort().argsort() / len(drawn)
    real = table["rating"].sample(len(drawn), replace=True, random_state=rng)
    return drawn.assign(rating=_numbers(real, rank, k, rng))


_DESIGNS = {"judgements": _judgements, "ratings": _ratings}
