"""Which tables a call in a study notebook rests on, read from the notebook itself: cells are straight lines of code."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

_NO_TABLE = frozenset(
    {"instrument", "case", "as_of", "rng", "section", "score", "draw", "close", "language", "seed", "note"}
)
_WHOLE = "*"
"""Stands behind a table of which every wave was read."""
_READERS = {"table": "", "every_wave": _WHOLE}


@dataclass(frozen=True, slots=True)
class Call:
    """One ``study.score`` of a notebook.

    Attributes
    ----------
    function : str
        Short name of the scorer.
    cell : int
        Number of the code cell, from 1.
    source : str
        The statement.
    tables : frozenset[str]
        Tables whose rows can have reached the call, through whatever stands between.
    every_wave : frozenset[str]
        Those of which it can have seen more than the one wave that studies read.
    """

    function: str
    cell: int
    source: str
    tables: frozenset[str]
    every_wave: frozenset[str] = frozenset()


def read_calls(notebook: Path, tables: Sequence[str], parameters: Mapping[str, Any]) -> list[Call]:
    """Every ``study.score`` of an executed notebook, in order.

    Parameters
    ----------
    notebook : Path
    tables : Sequence[str]
        Tables of the case. What cannot be told apart counts as all of them.
    parameters : Mapping[str, Any]
        Of the run, for tables that are named by a parameter.
    """
    cells = [cell.source for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]
    return calls_of(cells, tables, parameters)


def calls_of(cells: Sequence[str], tables: Sequence[str], parameters: Mapping[str, Any]) -> list[Call]:
    """As ``read_calls``, from the source of the cells.

    Examples
    --------
    >>> cells = ["a = study.score(first, study.orders)", "b = study.score(second, a.x, study.table('survey'))"]
    >>> [(call.function, sorted(call.tables)) for call in calls_of(cells, ["orders", "survey"], {})]
    [('first', ['orders']), ('second', ['orders', 'survey'])]
    """
    known: dict[str, frozenset[str]] = {}
    calls = []
    for number, source in enumerate(cells, start=1):
        try:
            statements = ast.parse(source).body
        except SyntaxError:  # a line magic, say
            continue
        for statement in statements:
            rests_on = _tables(statement, known, tables, parameters)
            for node in ast.walk(statement):
                if _is_score(node):
                    text = ast.get_source_segment(source, statement) or ""
                    reached = _tables(node, known, tables, parameters)
                    function = ast.unparse(node.args[0]).rpartition(".")[2]
                    whole = frozenset(name.removesuffix(_WHOLE) for name in reached if name.endswith(_WHOLE))
                    reached = frozenset(name.removesuffix(_WHOLE) for name in reached)
                    calls.append(Call(function, number, text, reached, whole))
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    known[node.id] = rests_on
    return calls


def _is_score(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "score"
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "study"
        and bool(node.args)
    )


def _tables(
    tree: ast.AST, known: Mapping[str, frozenset[str]], tables: Sequence[str], parameters: Mapping[str, Any]
) -> frozenset[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            found |= known.get(node.id, frozenset())
        elif isinstance(node, ast.Call) and _is_study(node.func) and node.func.attr in _READERS:
            found |= {name + _READERS[node.func.attr] for name in _named(node, tables, parameters)}
        elif _is_study(node) and node.attr == "customers":
            found |= {"customers", "orders"}
        elif _is_study(node) and node.attr in tables:
            found.add(node.attr)
        elif _is_study(node) and node.attr not in _NO_TABLE | _READERS.keys():
            found |= set(tables)
    return frozenset(name for name in found if name.removesuffix(_WHOLE) in tables)


def _is_study(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "study"


def _named(node: ast.Call, tables: Sequence[str], parameters: Mapping[str, Any]) -> set[str]:
    first = node.args[0] if node.args else None
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        return {first.value}
    if isinstance(first, ast.Name) and isinstance(parameters.get(first.id), str):
        return {parameters[first.id]}
    return set(tables)
