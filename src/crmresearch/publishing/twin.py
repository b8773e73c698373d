"""A synthetic twin of a case: files of the same shape whose rows are nobody's, so that its notebooks run."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from crmresearch.case import Case
from crmresearch.publishing.twin_rows import draw_rows
from crmresearch.reporting.record import write_csv
from crmresearch.tables import TABLES

_OF_THE_TRUTH = "truth"  # the parameter that names what is known of a simulated case alone


def write_twin(
    case: Case,
    tables: Mapping[str, pd.DataFrame],
    folder: Path,
    *,
    k: int,
    seed: int = 20260101,
    without: Mapping[str, str] | None = None,
) -> Path:
    """Write a case folder of synthetic rows with the tables, columns and questionnaire of a real one.

    Rows are drawn by :func:`~crmresearch.publishing.twin_rows.draw_rows`; nothing a row holds was a row.
    Names, addresses and other personal columns are left out, and so is the search for one customer
    under several names.

    Parameters
    ----------
    tables : Mapping[str, DataFrame]
        Processed tables by name.
    folder : Path
        Made; gets ``case.yaml`` and one CSV file a table.
    without : Mapping[str, str] | None
        Study that the twin cannot run → why; it does not list them, and says so.
    """
    rng, without = np.random.default_rng(seed), without or {}
    folder.mkdir(parents=True, exist_ok=True)
    kinds = _kinds(case)
    ids = [set(table["customer_id"].dropna()) for table in tables.values() if "customer_id" in table]
    n_customers = len(set().union(*ids))
    files, words = [], set()
    for name in sorted(tables.keys() & kinds.keys()):
        observed = {"begin": case.file.starts, "last": case.file.as_of}
        table = draw_rows(tables[name], name, kinds[name], n_customers, k=k, rng=rng, **observed)
        if table.empty:
            continue
        write_csv(table, folder / f"{name}.csv")
        files.append({"file": f"{name}.csv", "table": name, "columns": _columns(table, name, case)})
        words |= {word for column in table.select_dtypes(["object", "str"]) for word in table[column].dropna().unique()}
    text = yaml.safe_dump(_case_file(case, files, words, without), allow_unicode=True, sort_keys=False)
    note = "# Synthetic: no row of these files was anybody's.\n"
    for name in sorted(case.file.studies.keys() & without.keys()):
        note += f"# Study {name} is left out: {without[name]}.\n"
    for name, given in case.file.studies.items():
        if given.get(_OF_THE_TRUTH) and name not in without:
            note += f"# Study {name} is not held against a truth: a twin has none.\n"
    (folder / "case.yaml").write_text(note + text, encoding="utf-8", newline="\n")
    return folder


def _kinds(case: Case) -> dict[str, dict[str, str]]:
    """Table → column → kind, of every column that the case declares or the questionnaire asks for."""
    found: dict[str, dict[str, str]] = {}
    for source in case.file.files:
        known = {column.name: column.kind for column in TABLES[source.table].columns}
        own = {name: column.kind or "text" for name, column in source.columns.items() if name not in known}
        items = dict.fromkeys(case.file.instrument.items, "number") if case.file.instrument else {}
        found.setdefault(source.table, {}).update(known | own | (items if source.table == "survey" else {}))
    return found


def _columns(table: pd.DataFrame, name: str, case: Case) -> dict[str, Any]:
    """The columns of a file of the twin: its headings are the names themselves; items map by the questionnaire."""
    known = {column.name for column in TABLES[name].columns}
    declared = {
        column: it for source in case.file.files if source.table == name for column, it in source.columns.items()
    }
    found: dict[str, Any] = {column: column for column in table.columns if column in known}
    for column in table.columns:
        if column in declared and column not in known:
            label = declared[column].label
            found[column] = {"heading": column, "kind": declared[column].kind} | (
                {"label": label.model_dump()} if label else {}
            )
    return found


def _case_file(
    case: Case, files: list[dict[str, Any]], words: Collection[str], without: Collection[str]
) -> dict[str, Any]:
    real = json.loads(case.file.model_dump_json(by_alias=True, exclude_none=True))
    content: dict[str, Any] = {
        "schema": "1",
        "title": {"en": f"Synthetic twin of {real['title']['en']}", "zh": f"{real['title']['zh']}（合成数据）"},
        "description": {
            "en": "Synthetic rows in the shape of the real files; no row was anybody's.",
            "zh": "与真实文件结构相同的合成数据，任何一行都不属于任何人。",
        },
        "provenance": {"origin": "drawn by crmresearch publish", "copy_from": "nowhere", "terms": "free to use"},
        "simulated": True,
        **{name: real[name] for name in ("currency", "time_zone", "as_of", "starts") if real.get(name)},
        "files": files,
    }
    if instrument := real.get("instrument"):
        for item in instrument["items"].values():
            item["heading"] = ""
        instrument["scale"]["answers"] = {}
        content["instrument"] = instrument
    if value := real.get("value"):
        value["industry_stages"] = {name: stage for name, stage in value["industry_stages"].items() if name in words}
        content["value"] = value
    content["studies"] = {
        name: {key: value for key, value in given.items() if key != _OF_THE_TRUTH}
        for name, given in real["studies"].items()
        if name not in without
    }
    return content
