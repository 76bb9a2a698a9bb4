"""The import arrows of the rooms.

A new arrow is a design decision: change the table here and say why in docs/decisions.md.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "neurorun"

MAY_IMPORT = {
    "core": set(),
    "formats": {"core"},
    "data": {"core", "formats"},
    "simulation": {"core", "formats"},
    "models": {"core"},
    "evaluation": {"core", "formats"},
    "runs": {"core", "formats"},
    "training": {"core", "runs"},
    "tasks": {"core", "formats", "data", "simulation", "models", "evaluation", "runs"},
    "reporting": {"core", "formats", "runs"},
}
MAY_IMPORT["experiment"] = set(MAY_IMPORT) - {"reporting"}
NEEDS_TORCH = {"models", "training", "tasks", "experiment", "cli"}
HEAVY = {"torch", "lightning", "lightning_fabric", "mne", "matplotlib", "pandas", "sklearn"}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def is_for_types_only(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
    )


def imports_of(path: Path) -> Iterator[tuple[str, bool]]:
    """Every imported module, and whether it is imported when the file is."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inner = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef) or is_for_types_only(block)
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        at_top = id(node) not in inner
        if isinstance(node, ast.Import):
            yield from ((alias.name, at_top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; write the whole name"
            yield str(node.module), at_top
            if node.module == "neurorun":
                yield from ((f"neurorun.{alias.name}", at_top) for alias in node.names)


def files() -> list[Path]:
    return sorted(
        path
        for path in PACKAGE.rglob("*.py")
        if path.parent != PACKAGE or room_of(path) in MAY_IMPORT
    )


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_follow_the_arrows(path):
    room = room_of(path)
    for module, _ in imports_of(path):
        parts = module.split(".")
        if parts[0] != "neurorun" or len(parts) < 2 or parts[1] in (room, "__version__"):
            continue
        if room != "cli":
            assert parts[1] in MAY_IMPORT[room], f"{room} may not import {parts[1]}"
        assert len(parts) == 2, f"{module}: enter other rooms by their front door"


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_heavy_libraries_stay_out_of_rooms_that_do_without(path):
    allowed = {"torch", "lightning", "lightning_fabric"} if room_of(path) in NEEDS_TORCH else set()
    if room_of(path) == "cli":
        allowed = set()
    heavy = {module.split(".")[0] for module, at_top in imports_of(path) if at_top} & HEAVY
    assert heavy <= allowed


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_tell_one_story_in_under_500_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < 500


def test_there_is_no_drawer_for_leftovers():
    assert not {path.stem for path in PACKAGE.rglob("*")} & {"utils", "common", "misc", "helpers"}
