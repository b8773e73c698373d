"""Synthetic rows of one table: drawn from what many rows share, so that each is nobody's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd

from crmresearch.publishing.twin_purchases import draw_purchases
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

    Numbers are drawn from the quantiles of their column, each quantile resting on at least ``k`` rows (of a scale:
    from its points that ``k`` rows share), tied together by rank correlations rounded to two decimals (one, where
    rows are few); rows of one customer are as alike as the real ones, to one decimal. Costs and bounds are multiples
    of what they belong to; words those that at least ``k`` rows share; days lie in the range of months, later days as
    much later; identifiers are counted anew. Each wave of a survey is drawn by itself, and as many customers answer
    again as did. Orders are made by customers who come, buy and leave
    (:func:`~crmresearch.publishing.twin_purchases.draw_purchases`). Judgements and ratings keep their criteria and
    the number of those who judge; what these say is invented. Columns of personal data and of free text are left out.

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
    waves = _waves(table, k)
    table = table.iloc[np.concatenate(waves)].reset_index(drop=True)
    ends = np.cumsum([len(wave) for wave in waves])
    waves = [np.arange(end - len(wave), end) for end, wave in zip(ends, waves, strict=True)]
    shown = [column for column in table.columns if column in kinds and table[column].notna().any()]
    dates = table[[column for column in shown if kinds[column] == "date"]]
    days = pd.concat([_days(dates.iloc[rows], begin, k, rng) for rows in waves])
    customers = None
    if name == "orders":
        customers, days["date"] = _purchases(table, n_customers, days["date"], last, k, rng)
    elif "customer_id" in shown:
        customers = _customer_ids(table["customer_id"], waves, n_customers, rng)
    numbers = table[[column for column in shown if kinds[column] in _NUMBERS]]
    latent = _latent(numbers, waves, table.get("customer_id"), customers, k, rng)
    columns: dict[str, Any] = {}
    for column in shown:
        values, fixed = table[column], known.get(column)
        if column == "customer_id":
            columns[column] = customers
        elif column == "order_id":  # one order for each day of purchase
            number = pd.Series(customers).str.cat(days["date"].astype(str)).factorize()[0]
            columns[column] = np.array(_counted("O", number.max() + 1), dtype=object)[number]
        elif column.endswith("_id"):
            columns[column] = _counted(column[0].upper(), len(table))
        elif fixed is not None and fixed.personal:
            continue
        elif kinds[column] in _NUMBERS:
            columns[column] = _by_wave(waves, _numbers, values, latent[column], k=k, rng=rng)
        elif kinds[column] == "date":
            end = last if not (fixed and fixed.planned) else None
            columns[column] = _written(days[column], end, first=column == days.columns[0])
        elif kinds[column] == "flag":
            columns[column] = _by_wave(waves, _flags, values, k=k, rng=rng)
        elif (words := _by_wave(waves, _words, values, k=k, rng=rng)) is not None:
            columns[column] = words
    for column, bases in _MULTIPLES.items():
        if column in columns and all(base in columns for base in bases):
            columns[column] = _multiple(column, bases, table, columns, k, rng)
    return pd.DataFrame(columns)


def _waves(table: pd.DataFrame, k: int) -> list[np.ndarray]:
    """Rows of each wave of a survey that enough answered; all rows of any other table."""
    if "wave" not in table or table["wave"].nunique() < 2:
        return [np.arange(len(table))]
    rows = [np.flatnonzero(table["wave"].eq(wave).fillna(False)) for wave in sorted(table["wave"].dropna().unique())]
    return [wave for wave in rows if len(wave) >= k] or [np.arange(len(table))]


def _by_wave(
    waves: list[np.ndarray], draw: Callable[..., Any], values: pd.Series, *beside: np.ndarray, **options: Any
) -> pd.Series | None:
    """A column drawn for each wave by itself; None where no wave has one."""
    asked = [rows for rows in waves if values.iloc[rows].notna().any()]
    parts = [(draw(values.iloc[rows], *(other[rows] for other in beside), **options), rows) for rows in asked]
    drawn = [pd.Series(part).set_axis(rows) for part, rows in parts if part is not None]
    return pd.concat(drawn).reindex(range(len(values))) if drawn else None


def _latent(
    numbers: pd.DataFrame,
    waves: list[np.ndarray],
    real: pd.Series | None,
    customers: np.ndarray | None,
    k: int,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Ranks from 0 to 1 for every column of numbers, correlated as the real ones are, to two decimals (or one).

    Rows of one customer resemble each other as the real ones do, to one decimal, from wave to wave as well.
    """
    if numbers.columns.empty:
        return {}
    ranks = pd.concat([numbers.iloc[rows].astype(float).rank(pct=True) for rows in waves])
    correlation = ranks.corr().fillna(0).to_numpy().round(2 if len(numbers) >= 20 * k else 1)
    correlation = 2 * np.sin(np.pi * correlation / 6)  # of the normal values behind ranks that correlate so
    np.fill_diagonal(correlation, 1)
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.clip(values, 1e-6, None))
    root /= np.sqrt((root**2).sum(axis=1, keepdims=True))
    drawn = _unrelated(numbers.shape, rng) @ root.T
    if customers is not None:
        share = np.array([_between(ranks[column], real, k) for column in ranks])
        who, names = pd.factorize(pd.Series(customers), use_na_sentinel=True)
        own = rng.standard_normal((len(names), len(share))) @ root.T
        alike = np.sqrt(share) * own[who] + np.sqrt(1 - share) * drawn
        drawn = np.where((who >= 0)[:, None], alike, drawn)
    ranks = pd.concat([(pd.DataFrame(drawn[rows]).rank() - 0.5) / len(rows) for rows in waves])
    return {column: ranks[place].to_numpy() for place, column in enumerate(numbers)}


def _unrelated(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Normal values whose columns do not correlate in the sample either, where there are rows enough."""
    drawn = rng.standard_normal(shape)
    if shape[0] < 3 * shape[1]:
        return drawn
    drawn -= drawn.mean(axis=0)
    return drawn @ np.linalg.inv(np.linalg.cholesky(drawn.T @ drawn / len(drawn))).T


def _between(values: pd.Series, customers: pd.Series, k: int) -> float:
    """Share of the variance that lies between customers, to one decimal; 0 where few have several rows."""
    rows = pd.DataFrame({"value": values, "customer": customers}).dropna()
    of = rows.groupby("customer")["value"].agg(["size", "mean"])
    n, within = len(rows), len(rows) - len(of)
    if (of["size"] > 1).sum() < k or within < k:
        return 0.0
    left = float(((rows["value"] - rows["customer"].map(of["mean"])) ** 2).sum()) / within
    among = float((of["size"] * (of["mean"] - rows["value"].mean()) ** 2).sum()) / (len(of) - 1)
    usual = (n - float((of["size"] ** 2).sum()) / n) / (len(of) - 1)
    total = among + (usual - 1) * left
    return round(float(np.clip((among - left) / total, 0, 0.9)), 1) if total > 0 else 0.0


def _numbers(values: pd.Series, rank: np.ndarray, k: int, rng: np.random.Generator) -> pd.Series:
    real = values.dropna().astype(float)
    whole = bool((real % 1 == 0).all())
    counts = real.value_counts()
    if whole and len(counts) <= 15:  # a scale: its points that enough rows share, rarer answers the nearest of them
        points = np.sort((counts[counts >= k] if (counts >= k).any() else counts.head(1)).index.to_numpy())
        nearest = np.abs(counts.index.to_numpy()[:, None] - points).argmin(axis=1)
        edges = np.cumsum(np.bincount(nearest, counts.to_numpy(), len(points))) / len(real)
        drawn = points[np.minimum(np.searchsorted(edges, rank), len(points) - 1)]
    else:
        drawn = _by_rank(real, rank, k, _coarse)
        drawn = np.rint(drawn) if whole else np.round(drawn, 2)
    drawn = np.where(_missing(values, rng), np.nan, drawn.astype(float))
    return pd.Series(pd.array(drawn, dtype="Int64" if whole else "Float64"))


def _by_rank(real: pd.Series, rank: np.ndarray, k: int, rounded: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Values at ranks between 0 and 1, on a line through rounded quantiles at least ``k`` rows apart."""
    bins = int(np.clip(len(real) // max(k, 1), 1, _GRID - 1))
    grid = np.linspace(0.5 / (bins + 1), 1 - 0.5 / (bins + 1), bins + 1)
    return np.interp(rank, grid, rounded(real.quantile(grid).to_numpy()))


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
    drawn = _by_rank(ratio.dropna().astype(float), rng.random(len(ratio)), k, lambda quantiles: quantiles.round(3))
    return pd.Series(pd.array(np.where(_missing(ratio, rng), np.nan, drawn), dtype="Float64"))


def _days(dates: pd.DataFrame, earliest: dt.date | None, k: int, rng: np.random.Generator) -> pd.DataFrame:
    """The first column of days from its range of months, the others by how long after it they come."""
    dates = dates.apply(pd.to_datetime)
    found = pd.DataFrame(index=dates.index)
    for column in dates:
        real = dates[column].dropna()
        if real.empty:
            found[column] = dates[column]
        elif found.columns.empty:
            begin, end = real.min().to_period("M").start_time, real.max().to_period("M").end_time
            begin = max(begin, pd.Timestamp(earliest)) if earliest else begin
            later = rng.integers(0, (end - begin).days + 1, len(dates))
            drawn = (begin + pd.to_timedelta(pd.Series(later), unit="D")).mask(_missing(dates[column], rng))
            found[column] = drawn.to_numpy()
        else:
            first = found.columns[0]
            after = (dates[column] - dates[first]).dt.days.astype("Float64")
            drawn = _numbers(after.where(after.notna() | dates[column].isna(), 0), rng.random(len(dates)), k, rng)
            found[column] = found[first] + pd.to_timedelta(drawn.astype(float).to_numpy(), unit="D")
    return found


def _purchases(
    table: pd.DataFrame, n_customers: int, days: pd.Series, last: dt.date | None, k: int, rng: np.random.Generator
) -> tuple[np.ndarray, pd.Series]:
    """Customer and day of each order line: as many lines as there were, at least one on each day of purchase."""
    begin = days.min()
    length = (min(days.max(), pd.Timestamp(last)) - begin if last else days.max() - begin).days
    real = pd.to_datetime(table["date"])
    came = (real.groupby(table["customer_id"]).min() - begin).dt.days.clip(lower=0).reset_index(drop=True)
    came = _numbers(came, rng.random(len(came)), k, rng).astype(float).clip(0, length).to_numpy()
    who, later = draw_purchases(real, table["customer_id"], came, length, rng)
    rows = np.concatenate([rng.permutation(len(later)), rng.integers(0, len(later), len(table))])[: len(table)]
    names = np.array(_counted("K", n_customers), dtype=object)
    return names[who[rows]], begin + pd.to_timedelta(pd.Series(later[rows]), unit="D")


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


def _customer_ids(values: pd.Series, waves: list[np.ndarray], n_customers: int, rng: np.random.Generator) -> np.ndarray:
    known = values.dropna()
    names = np.array(_counted("K", n_customers), dtype=object)
    if len(waves) > 1:
        drawn = _panel(values, waves, names, rng)
    elif known.is_unique:
        drawn = names[: len(values)] if len(known) == len(values) else rng.choice(names, len(values), replace=False)
    else:
        weights = rng.gamma(0.8, size=len(names)) + 0.02
        drawn = rng.choice(names, size=len(values), p=weights / weights.sum())
    return np.where(values.isna(), None, drawn) if values.isna().any() else drawn


def _panel(values: pd.Series, waves: list[np.ndarray], names: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Customers of each wave: as many as there were, and as many of them as were asked before."""
    drawn = np.empty(len(values), dtype=object)
    left, asked, before = list(rng.permutation(names)), [], set()
    for rows in waves:
        real = set(values.iloc[rows].dropna())
        old = min(len(real & before), len(asked))
        new = min(len(real) - old, len(left))
        chosen = [*rng.permutation(np.array(asked, dtype=object))[:old], *left[:new]]
        left, asked, before = left[new:], [*asked, *left[:new]], before | real
        if chosen:
            more = rng.choice(np.array(chosen, dtype=object), max(len(rows) - len(chosen), 0))
            drawn[rows] = rng.permutation(np.array([*chosen, *more], dtype=object)[: len(rows)])
    return drawn


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
