"""Candidate pairs, how alike each is, and what that weighs: Splink on DuckDB, trained on the records themselves."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from typing import Any

import pandas as pd

from crmresearch.case import Identity
from crmresearch.cleaning.identity.comparables import EVIDENCE, Comparables
from crmresearch.cleaning.identity.levels import DIFFERENT, MISSING, Level, all_levels, missing

_SEED = 20260101
_U_PAIRS = 3e5
_PRIOR_PAIRS = 50
"""The expected shares of true pairs weigh as much as this many pairs that were seen."""
_PRIOR_CHANCES = 5_000
"""The expected shares of pairs of different customers weigh as much as this many random pairs."""
_EM_PAIRS = 2e5
_FOUND = 0.8
"""Share of the true pairs that agreement in code, phone, e-mail or address is taken to find."""
MEMORY = "2GB"
"""What DuckDB may use; beyond that it works on disk."""


def compare_records(comparables: Comparables, identity: Identity) -> pd.DataFrame:
    """Compare every pair that has a value of evidence, or a name, in common.

    Memory is bounded by ``MEMORY`` for the engine and about 150 bytes a pair for the result.

    Returns
    -------
    pd.DataFrame
        record_a < record_b; per compared column the key of its level; weight (the base-2 logarithm of how
        much likelier one customer is than two, prior odds included) and probability; in order of the records.
    """
    import duckdb
    from splink import DuckDBAPI, Linker

    levels = all_levels(comparables, identity)
    rules = _blocking_rules(comparables)
    if len(comparables.records) < 2 or not _any_pair(comparables):
        return _no_pairs(levels)
    with duckdb.connect(config={"memory_limit": MEMORY}) as engine:
        engine.register("records_arrow", comparables.records)
        engine.execute("create table records as select * from records_arrow order by record_id")
        engine.unregister("records_arrow")
        api = DuckDBAPI(connection=engine)
        data = api.register("records")
        settings = _settings(comparables, levels, rules)
        settings = _trained(lambda known: Linker(data, known, log_level=logging.ERROR), settings, comparables)
        linker = Linker(data, settings, log_level=logging.ERROR)
        found = linker.inference.predict()
        pairs = engine.sql(_tidy(found.physical_name, levels)).df()
    return pairs


def _blocking_rules(comparables: Comparables) -> list[str]:
    """Pairs are made where a value of evidence is equal, the name's key is equal, or (people) the birthday is."""
    rules = []
    for column in comparables.of_kind(*EVIDENCE):
        rules.append(f"l.{column} = r.{column}")
        if comparables.fields[column] == "phone" and comparables.records[f"{column}_2"].null_count < len(
            comparables.records
        ):
            rules += [f"l.{column} = r.{column}_2", f"l.{column}_2 = r.{column}", f"l.{column}_2 = r.{column}_2"]
    rules.append("l.name_block = r.name_block")
    if "words" in comparables.records.column_names:
        rules += [f"l.{column} = r.{column} and l.words[1] = r.words[1]" for column in comparables.of_kind("date")]
    return rules


def _any_pair(comparables: Comparables) -> bool:
    names = ["name_block", *comparables.of_kind(*EVIDENCE), *comparables.of_kind("date")]
    columns = (comparables.records[name].drop_null() for name in names)
    return any(len(column) > len(column.unique()) for column in columns)


def _settings(comparables: Comparables, levels: dict[str, tuple[Level, ...]], rules: list[str]) -> dict[str, Any]:
    """Splink's settings with the expected shares of true pairs as a beginning."""
    comparisons = []
    for column, own in levels.items():
        rest = {"m_probability": 1 - sum(level.matching for level in own)}
        rest["u_probability"] = 1 - sum(level.chance for level in own)
        described = [
            {
                "sql_condition": missing(column, comparables.fields[column]),
                "label_for_charts": MISSING,
                "is_null_level": True,
            }
        ]
        for level in own:
            entry = {"sql_condition": level.sql, "label_for_charts": level.key}
            entry |= {"m_probability": level.matching, "u_probability": level.chance}
            if level.frequency:
                entry |= {
                    "tf_adjustment_column": level.frequency,
                    "tf_adjustment_weight": 1.0,
                    "tf_minimum_u_value": 1e-5,
                }
            described.append(entry)
        described.append({"sql_condition": "ELSE", "label_for_charts": DIFFERENT, **rest})
        comparisons.append({"output_column_name": column, "comparison_levels": described})
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "record_id",
        "comparisons": comparisons,
        "blocking_rules_to_generate_predictions": [{"blocking_rule": rule, "sql_dialect": "duckdb"} for rule in rules],
        "retain_matching_columns": True,
        "retain_intermediate_calculation_columns": True,
    }


def _trained(
    link: Callable[[dict[str, Any]], Any], settings: dict[str, Any], comparables: Comparables
) -> dict[str, Any]:
    """Settings with shares learnt from the records, rounded so that they are the same on every machine.

    How often different customers agree by chance is read off random pairs; how often the records of one
    customer agree is estimated by expectation maximisation in pairs that share a value of evidence, and
    drawn towards what was expected as long as few such pairs are there.
    """
    n = len(comparables.records)
    n_pairs = n * (n - 1) / 2
    evidence = comparables.of_kind(*EVIDENCE)
    matched = {column: _pairs_in_common(comparables, column) for column in evidence}
    chances: dict[str, dict[str, float]] = {}
    seen: dict[str, list[tuple[dict[str, float], int]]] = {}
    if n_pairs > _PRIOR_CHANCES:
        linker = link(settings)
        linker.training.estimate_u_using_random_sampling(
            max_pairs=_U_PAIRS, seed=_SEED, min_count_per_level=None, num_chunks=1
        )
        beginning = linker.misc.save_model_to_json()
        chances = {known["output_column_name"]: _chances(known) for known in beginning["comparisons"]}
        for column in sorted(matched, key=lambda name: -matched[name])[:3]:
            if matched[column] >= _PRIOR_PAIRS:
                for other, shares in _learn(link(copy.deepcopy(beginning)), column, matched[column]).items():
                    seen.setdefault(other, []).append((shares, matched[column]))
    drawn = min(n_pairs, _U_PAIRS)
    for comparison in settings["comparisons"]:
        column = comparison["output_column_name"]
        for level in comparison["comparison_levels"][1:]:
            key = level["label_for_charts"]
            told = [(chances[column][key], drawn)] if column in chances else []
            level["u_probability"] = _drawn_towards(level["u_probability"], _PRIOR_CHANCES, told)
            told = [(shares.get(key, 0.0), pairs) for shares, pairs in seen.get(column, [])]
            level["m_probability"] = _drawn_towards(level["m_probability"], _PRIOR_PAIRS, told)
    expected = max(sum(matched.values()) / max(len(evidence), 1) / _FOUND, 1.0)
    settings["probability_two_random_records_match"] = _rounded(min(expected / n_pairs, 0.05))
    return settings


def _chances(comparison: dict[str, Any]) -> dict[str, float]:
    """Level → share of random pairs; a level that no pair reached has none."""
    shares = {level["label_for_charts"]: level.get("u_probability") for level in comparison["comparison_levels"]}
    return {key: share if isinstance(share, float) else 0.0 for key, share in shares.items()}


def _drawn_towards(expected: float, weight: float, seen: list[tuple[float, float]]) -> float:
    """The mean of shares that were seen and the one expected, each by the pairs it stands for."""
    total = weight + sum(pairs for _, pairs in seen)
    return _rounded((expected * weight + sum(share * pairs for share, pairs in seen)) / total)


def _learn(linker: Any, column: str, pairs: int) -> dict[str, dict[str, float]]:
    """Column → level → share of true pairs, among pairs that have ``column`` in common."""
    sampled = {"max_pairs": _EM_PAIRS} if pairs > _EM_PAIRS else {}
    try:
        session = linker.training.estimate_parameters_using_expectation_maximisation(
            f"l.{column} = r.{column}", fix_probability_two_random_records_match=False, **sampled
        )
    except Exception as error:  # Splink has no error of its own for pairs that teach nothing
        logging.getLogger(__name__).info("nothing learnt from %s: %s", column, error)
        return {}
    learnt = {}
    for comparison in session.core_model_settings.comparisons:
        shares = {}
        for level in comparison.comparison_levels:
            if not level.is_null_level and isinstance(level.m_probability, float):
                shares[level.label_for_charts] = level.m_probability
        learnt[comparison.output_column_name] = shares
    return learnt


def _pairs_in_common(comparables: Comparables, column: str) -> int:
    counts = comparables.records[column].drop_null().value_counts().to_pandas()
    sizes = pd.Series([entry["counts"] for entry in counts])
    return int((sizes * (sizes - 1) // 2).sum())


def _rounded(share: float) -> float:
    """Four digits: sums of many floats differ in their last ones from run to run."""
    return float(f"{min(max(share, 1e-9), 1 - 1e-9):.4g}")


def _tidy(table: str, levels: dict[str, tuple[Level, ...]]) -> str:
    columns = []
    for column, own in levels.items():
        keys = [DIFFERENT, *(level.key for level in reversed(own))]
        cases = " ".join(f"when {number} then '{key}'" for number, key in enumerate(keys))
        columns.append(f"case gamma_{column} {cases} else '{MISSING}' end as {column}")
    return (
        f"select least(record_id_l, record_id_r) as record_a, greatest(record_id_l, record_id_r) as record_b, "
        f"{', '.join(columns)}, round(match_weight, 4) as weight, round(match_probability, 6) as probability "
        f'from "{table}" order by record_a, record_b'
    )


def _no_pairs(levels: dict[str, tuple[Level, ...]]) -> pd.DataFrame:
    texts = {name: pd.Series([], dtype=str) for name in ("record_a", "record_b", *levels)}
    return pd.DataFrame({**texts, "weight": pd.Series([], dtype=float), "probability": pd.Series([], dtype=float)})
