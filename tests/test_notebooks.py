"""Every study notebook keeps the shape of a study, and runs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").rglob("*.ipynb"))
CHINESE = re.compile(r"[\u4e00-\u9fff]")
MAX_CODE_LINES, MAX_CELL_LINES, MAX_PARAMETERS, MAX_CODE_CELLS = 120, 15, 18, 20


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request: pytest.FixtureRequest) -> nbformat.NotebookNode:
    return nbformat.read(request.param, as_version=4)


def code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook: nbformat.NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def test_committed_without_outputs(notebook: nbformat.NotebookNode) -> None:
    nbformat.validate(notebook)
    for cell in code(notebook):
        assert not cell.outputs and cell.execution_count is None
    assert notebook.metadata.kernelspec == {"display_name": "Python 3", "language": "python", "name": "python3"}
    assert set(notebook.metadata.crmresearch.title) == {"en", "zh"}
    assert notebook.metadata.crmresearch.needs


def test_opens_with_one_question_then_typed_parameters(notebook: nbformat.NotebookNode) -> None:
    headings = [line for text in prose(notebook) for line in text.splitlines() if line.startswith("# ")]
    assert len(headings) == 1 and notebook.cells[0].source.startswith(headings[0])
    parameters = notebook.cells[1]
    assert parameters.metadata.tags == ["parameters"]
    for line in parameters.source.splitlines():
        statement = ast.parse(line).body[0]
        assert isinstance(statement, ast.AnnAssign), f"not a typed literal: {line}"
        ast.literal_eval(statement.value)
        assert "  # " in line, f"a parameter says what it is: {line}"
    names = [ast.parse(line).body[0].target.id for line in parameters.source.splitlines()]
    assert names[:4] == ["case", "as_of", "language", "seed"]


def test_code_is_short_and_flat(notebook: nbformat.NotebookNode) -> None:
    cells = code(notebook)
    assert 8 <= len(cells) <= MAX_CODE_CELLS
    assert sum(len(cell.source.splitlines()) for cell in cells) <= MAX_CODE_LINES
    forbidden = (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.Try, ast.With, ast.If)
    for number, cell in enumerate(cells):
        most = MAX_CELL_LINES if number else MAX_PARAMETERS
        assert 0 < len(cell.source.splitlines()) <= most
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, forbidden), f"cell {number}: {type(node).__name__}"
            if isinstance(node, ast.Import | ast.ImportFrom):
                assert number == 1, "imports stand together, below the parameters"
                module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
                assert module.split(".")[0] == "crmresearch"
    assert cells[-1].source == "study.close()"


def test_every_parameter_is_used(notebook: nbformat.NotebookNode) -> None:
    declared = [ast.parse(line).body[0].target.id for line in code(notebook)[0].source.splitlines()]
    used = {
        node.id
        for cell in code(notebook)[1:]
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    assert set(declared) <= used


def test_prose_is_bilingual_and_states_no_result(notebook: nbformat.NotebookNode) -> None:
    texts = prose(notebook)
    assert len(texts) >= len(code(notebook)) - 2
    words = sum(len(re.findall(r"[A-Za-z]{2,}", text)) for text in texts)
    assert 300 <= words <= 1200
    for text in texts:
        assert CHINESE.search(text) and re.search(r"[A-Za-z]{3,}", text), text[:60]
    for text in texts[1:]:
        assert not re.search(r"\d", text), f"a number typed into prose: {text[:80]}"
