""".github/workflows: the same checks for every commit."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.y*ml"))


def ci() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_it_is_valid_and_zizmor_finds_nothing(path: Path) -> None:
    """By GitHub's schema, and by the linter of workflows: no injection, no wide permission, no action that is not pinned to a commit."""
    tools = Path(sys.executable).parent
    for command in (
        [tools / "check-jsonschema", "--builtin-schema", "vendor.github-workflows"],
        [tools / "zizmor", "--offline", "--no-progress"],
    ):
        done = subprocess.run([*command, path], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_ci_runs_what_developers_run_on_every_python() -> None:
    """`make test` on push and pull request, from the oldest Python that the project takes to 3.13."""
    found = ci()
    assert {"push", "pull_request"} == set(found[True])  # yaml reads `on` as true
    test = found["jobs"]["test"]
    assert test["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert "make test PYTHON=python" in [step.get("run") for step in test["steps"]]


def test_ci_builds_the_images_and_keeps_what_is_in_them() -> None:
    """Its commands are targets of the Makefile."""
    commands = " ".join(str(step.get("run", "")) for step in ci()["jobs"]["images"]["steps"])
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("images", "sbom", "audit"):
        assert target in commands
        assert f"\n{target}: " in makefile
