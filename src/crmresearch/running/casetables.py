"""Tables as data frames: canonical ones, their types kept, read when asked for; and the truth of a simulation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import pandas as pd
import pyarrow as pa

from crmresearch.case import Case
from crmresearch.errors import UsageError, nearest

_NULLABLE = {
    pa.string(): pd.StringDtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.float64(): pd.Float64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


def plain_frame(content: pa.Table) -> pd.DataFrame:
    """Money as float, days as ``datetime64``, nothing guessed.

    Examples
    --------
    >>> plain_frame(pa.table({"n": pa.array([1, None])}))["n"].dtype
    Int64Dtype()
    """
    for number, column in enumerate(content.schema):
        plain = pa.float64() if pa.types.is_decimal(column.type) else None
        plain = pa.timestamp("s") if pa.types.is_date(column.type) else plain
        if plain is not None:
            content = content.set_column(number, column.name, content.column(number).cast(plain))
    return content.to_pandas(types_mapper=_NULLABLE.get)


def read_truth(case: Case, name: str) -> pd.DataFrame:
    """A table of what is true of a simulated case, e.g. ``firms``.

    Raises
    ------
    UsageError
        The case is not simulated, or its truth has no such table.
    """
    folder = case.folder / "truth"
    known = sorted(path.stem for path in folder.glob("*.parquet")) if case.file.simulated else []
    if not known:
        raise UsageError(f"no truth is known of {case.name}", where="parameter truth", repair="Leave it empty.")
    if name not in known:
        raise UsageError(f"the truth has no table {name!r}{nearest(name, known)}", where="parameter truth")
    return pd.read_parquet(folder / f"{name}.parquet")


class LazyTables(Mapping[str, pd.DataFrame]):
    """Tables by name, each read when it is asked for, and once.

    Examples
    --------
    >>> tables = LazyTables(["a"], lambda name: pd.DataFrame({name: [1]}))
    >>> list(tables), tables["a"]["a"].tolist(), tables.get("b")
    (['a'], [1], None)
    """

    def __init__(self, names: Sequence[str], read: Callable[[str], pd.DataFrame]) -> None:
        self._names, self._read, self._known = list(names), read, dict[str, pd.DataFrame]()

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._known:
            self._known[name] = self._read(name)
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
