"""The import rule of ARCHITECTURE.md, read from the code's own imports."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "crmresearch"
GROUND = {"errors", "case", "tables", "results"}
WINGS = {
    f"scoring.{path.name}" for path in (SOURCE / "scoring").iterdir() if path.is_dir() and path.name != "__pycache__"
}
SHARED = {f"scoring.{path.stem}" for path in (SOURCE / "scoring").glob("*.py") if path.stem != "__init__"}
ALLOWED = {
    **{wing: GROUND | SHARED | {wing} for wing in WINGS},
    **dict.fromkeys(SHARED, GROUND),  # below the wings: each stands on the ground floor alone
    "cleaning": GROUND | {"cleaning"},
    "reporting": GROUND | {"reporting"},
    "simulation": GROUND | {"simulation"},
    "publishing": GROUND | {"publishing", "reporting"},  # releases what reporting wrote; nothing of a report needs it
    "claims": GROUND | {"claims", *WINGS},
    "reproduction": GROUND | {"reproduction", "cleaning", *WINGS},
    "running": GROUND | {"running", "cleaning", "reporting", "publishing", "claims", "reproduction", *WINGS},
    "cli": GROUND
    | {"cli", "cleaning", "simulation", "reporting", "publishing", "claims", "reproduction", "running", *WINGS},
    "__main__": {"cli"},
    "errors": set(),
    "tables": GROUND,
    "case": GROUND,
    "results": GROUND,
    "scoring": set(),
}
MODULES = sorted(path.relative_to(SOURCE) for path in SOURCE.rglob("*.py"))


def room(dotted: str) -> str:
    """The room a module below ``crmresearch`` belongs to."""
    parts = dotted.split(".")
    return ".".join(parts[:2]) if parts[0] == "scoring" and len(parts) > 1 else parts[0]


def imported(path: Path) -> set[str]:
    """Every ``crmresearch`` module a file imports, anywhere in it, below the package name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {
                f"{node.module}.{alias.name}" if node.module == "crmresearch" else node.module for alias in node.names
            }
    return {name.removeprefix("crmresearch.") for name in found if name.startswith("crmresearch.")} - {"__version__"}


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_imports_flow_one_way(module: Path) -> None:
    here = room(".".join(module.with_suffix("").parts)) if module.name != "__init__.py" or len(module.parts) > 1 else ""
    if module.name == "__init__.py":
        here = room(".".join(module.parent.parts))
    if here == "":
        assert not imported(SOURCE / module)
        return
    reached = {room(name) for name in imported(SOURCE / module)}
    assert reached <= ALLOWED[here], f"{module} may not import {sorted(reached - ALLOWED[here])}"


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_modules_are_one_room(module: Path) -> None:
    """Past about 400 lines a module is several rooms."""
    lines = (SOURCE / module).read_text(encoding="utf-8").count("\n")
    assert lines <= 420, f"{module} has {lines} lines"
    assert module.stem not in {"utils", "helpers", "misc", "common", "tools"}
