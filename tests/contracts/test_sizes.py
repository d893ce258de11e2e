"""How long functions may be, and what locals are not called."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("pipelines", "backend", "frontend", "scripts")
LONGEST = 50  # lines, from `def` to the end

# Those that may be longer, each with its reason.
EXCEPTIONS: dict[str, str] = {}


def long_functions() -> Iterator[str]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    lines = (node.end_lineno or node.lineno) - node.lineno + 1
                    if lines > LONGEST:
                        yield f"{path.relative_to(ROOT)}: {node.name}"


def test_no_function_is_longer_than_a_screen() -> None:
    """More than 50 lines need a reason, and a reason that is no longer needed goes."""
    assert set(long_functions()) == set(EXCEPTIONS)


def test_no_local_is_called_found() -> None:
    """A name says what was found. `found` is a field of errors: the value that is wrong."""
    vague = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == "found"
    }
    assert vague == set()
