"""Records of the simulated supplier put together as they truly belong: precision, recall, and their intervals."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from crmresearch.case import Project, load_case
from crmresearch.cleaning import clean_files

ROOT = Path(__file__).resolve().parents[2]


def pairs_in(labels: pd.Series) -> int:
    sizes = labels.value_counts()
    return int((sizes * (sizes - 1) // 2).sum())


def test_petrochemical_pairs_against_truth():
    """E1, C17: precision at least .99 and recall at least .95; the recall's whole interval lies above .95.

    The source documents' three records are one customer, 山西焦煤 is another.
    """
    cleaned = clean_files(load_case(Project(ROOT), "petrochemical"))
    truth = pd.read_parquet(ROOT / "data/raw/petrochemical/truth/records.parquet").set_index("record_id")
    found = cleaned.tables["customer_records"].to_pandas().set_index("record_id")["customer_id"]
    entity = truth["entity"].reindex(found.index)
    right = pairs_in(found + " " + entity.astype(str))
    shares = {"precision": (right, pairs_in(found)), "recall": (right, pairs_in(entity))}
    low = {key: proportion_confint(*counts, method="wilson")[0] for key, counts in shares.items()}
    assert shares["precision"][0] / shares["precision"][1] >= 0.99 and low["precision"] > 0.97
    assert shares["recall"][0] / shares["recall"][1] >= 0.95 and low["recall"] > 0.95
    document = found[entity == 0]
    assert len(document) == 3 and document.nunique() == 1 and found[entity == 1].iloc[0] != document.iloc[0]
    orders, customers = cleaned.tables["orders"].to_pandas(), cleaned.tables["customers"].to_pandas()
    assert set(orders["customer_id"]) <= set(customers["customer_id"])
    before, after = (orders.groupby(key)["amount"].sum().sum() for key in ("record_id", "customer_id"))
    assert before == after
