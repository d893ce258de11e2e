"""Who writes, and who makes paths: what the import contracts cannot see."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
WRITERS = {"Store", "Stores", "Draft"}
DIRECTORIES = {
    "artifacts",
    "data",
    "forecasts",
    "jobs",
    "knowledge",
    "monitoring",
    "processed",
    "raw",
    "runs",
    "uploads",
}
# These measure or check stored files from outside, without the code under test, or lay out a project of their own.
OUTSIDE = ("scripts/dev/", "scripts/ship/")


def modules() -> list[Path]:
    return [path for package in ("pipelines", "backend", "scripts") for path in (ROOT / package).rglob("*.py")]


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def test_what_writes_is_imported_from_the_store_alone() -> None:
    """No module passes a writer on to others, which would get around the list of who may import it."""
    passed_on = [
        f"{path.relative_to(ROOT)}: from {node.module} import {alias.name}"
        for path in modules()
        for node in nodes(path)
        if isinstance(node, ast.ImportFrom) and node.module != "pipelines.storage.store"
        for alias in node.names
        if alias.name in WRITERS
    ]
    assert passed_on == []


def test_the_catalog_does_not_know_the_store() -> None:
    """What reads cannot be turned into what writes."""
    for name in ("catalog", "roots", "records", "pointers", "folders"):
        code = (ROOT / f"pipelines/storage/{name}.py").read_text(encoding="utf-8")
        assert "storage.store" not in code, name


def test_only_the_layout_makes_places() -> None:
    """A store takes nothing else, so no other module can name a path of its own."""
    made = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules()
        for node in nodes(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Place"
    ]
    assert made
    assert {place.partition(":")[0] for place in made} == {"pipelines/storage/layout.py"}


def test_no_other_module_joins_the_names_of_directories() -> None:
    """By `/`, as paths of this machine are made."""
    joined = []
    for path in modules():
        name = str(path.relative_to(ROOT))
        if name != "pipelines/storage/layout.py" and not name.startswith(OUTSIDE):
            divisions = (one for one in nodes(path) if isinstance(one, ast.BinOp) and isinstance(one.op, ast.Div))
            for node in divisions:
                texts = [str(part.value) for part in (node.left, node.right) if isinstance(part, ast.Constant)]
                joined += [f"{name}:{node.lineno}" for text in texts if text.partition("/")[0] in DIRECTORIES]
    assert joined == []
