"""One wave at a time: which wave of a survey the studies read."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import pandas as pd

from crmresearch.case import Case
from crmresearch.errors import CaseError, nearest


@dataclass(frozen=True, slots=True)
class OneWave:
    """The rows of one wave of a table, and what a page says of the choice.

    Attributes
    ----------
    rows : pd.DataFrame
    wave : str
    rule : {"wave_latest", "wave_declared"}
    n_waves : int
    n_all : int
        Rows of the whole table.
    """

    rows: pd.DataFrame
    wave: str
    rule: str
    n_waves: int
    n_all: int

    def told(self, table: str) -> dict[str, Any]:
        """Values of the note on a study's page."""
        return {
            "table": table,
            "wave": self.wave,
            "rule": self.rule,
            "n_waves": self.n_waves,
            "n": len(self.rows),
            "n_all": self.n_all,
        }


def take_wave(table: pd.DataFrame, name: str, case: Case, as_of: dt.date | None) -> OneWave | None:
    """The wave that studies read: the one ``case.yaml`` declares, else the latest begun by the last observed day.

    Parameters
    ----------
    table : pd.DataFrame
        Any canonical table; waves are in its column ``wave``, days in ``submitted``.
    name : str
        The table's; ``instrument: {wave: …}`` speaks of the survey of customers alone.
    as_of : datetime.date | None
        Where no wave had begun by then, the first is read.

    Returns
    -------
    OneWave | None
        None where the table has no waves, or one only: it is read whole.

    Raises
    ------
    CaseError
        The declared wave is not one of the table's.
    """
    declared = case.file.instrument.wave if name == "survey" and case.file.instrument else ""
    named = table["wave"] if "wave" in table else pd.Series(dtype="str")
    if not declared and (named.nunique() < 2 and not (named.notna().any() and named.isna().any())):
        return None
    from crmresearch.scoring.satisfaction import order_waves  # slow to load

    waves = order_waves(table)
    if declared and declared not in waves:
        raise CaseError(
            f"no wave {declared!r}{nearest(declared, waves)}",
            where=f"{case.name}/case.yaml, instrument",
            repair=f"The survey has {', '.join(waves)}." if waves else "Declare the wave of each file of the survey.",
        )
    wave = declared or _latest(table, waves, as_of)
    rows = table[named.eq(wave).fillna(False)].reset_index(drop=True)
    return OneWave(rows, wave, "wave_declared" if declared else "wave_latest", len(waves), len(table))


def _latest(table: pd.DataFrame, waves: list[str], as_of: dt.date | None) -> str:
    if as_of is None or "submitted" not in table:
        return waves[-1]
    first = table.groupby("wave")["submitted"].min().reindex(waves)
    begun = [wave for wave in waves if not first[wave] > pd.Timestamp(as_of)]
    return begun[-1] if begun else waves[0]
