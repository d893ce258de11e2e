"""cloudbuild.yaml: from a commit to all traffic, and back."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def build() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "cloudbuild.yaml").read_text(encoding="utf-8"))
    return found


def script(build: dict[str, Any], name: str) -> str:
    return str(next(step["script"] for step in build["steps"] if step["id"] == name))


def test_it_is_valid() -> None:
    """By the schema of Cloud Build."""
    command = [Path(sys.executable).with_name("check-jsonschema"), "--builtin-schema", "vendor.cloudbuild"]
    done = subprocess.run([*command, "cloudbuild.yaml"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_steps_stand_in_their_order(build: dict[str, Any]) -> None:
    """Nothing is pushed before it is scanned, and nothing gets traffic before it is tried."""
    names = [step["id"] for step in build["steps"]]
    assert names == ["test", "build", "scan", "push", "deploy", "smoke", "canary", "smoke-again", "shift"]
    assert not [step for step in build["steps"] if "waitFor" in step]  # one after the other


def test_scripts_are_shell_and_stop_at_the_first_failure(build: dict[str, Any]) -> None:
    """Each parses; only the one that notes a failure goes on after it."""
    for step in build["steps"]:
        if "script" not in step:
            continue
        subprocess.run(["bash", "-n"], input=step["script"], text=True, check=True)
        strict = "set -uo pipefail" if step["id"] == "smoke-again" else "set -euo pipefail"
        assert strict in step["script"], step["id"]


def test_images_are_deployed_by_digest_and_without_traffic(build: dict[str, Any]) -> None:
    """What was pushed is what runs; a new revision has a name of its own and nobody's requests."""
    deploy = script(build, "deploy")
    assert deploy.count("--no-traffic --tag") == deploy.count("gcloud run deploy") == 2
    assert set(re.findall(r"--image \"\$\(cat /workspace/(\w+)\.digest\)\"", deploy)) == {"api", "app"}
    assert ".RepoDigests" in script(build, "push")


def test_smoke_tests_change_nothing_in_production(build: dict[str, Any]) -> None:
    """Both walks only read."""
    for name in ("smoke", "smoke-again"):
        assert "scripts.smoke" in script(build, name)
        assert "--reading" in script(build, name)


def canary(build: dict[str, Any], tmp_path: Path, verdict: str) -> tuple[int, list[str]]:
    """How the last step ends, and what it tells gcloud, where the canary has `verdict`."""
    calls = tmp_path / "calls"
    for name, content in {
        "canary": verdict,
        "backend.before": "backend-1",
        "frontend.before": "frontend-1",
        "pipelines.digest": "x@sha256:0",
    }.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    fake = tmp_path / "gcloud"
    fake.write_text(f'#!/bin/sh\necho "$*" >> {calls}\n', encoding="utf-8")
    fake.chmod(0o755)
    text = script(build, "shift").replace("/workspace", str(tmp_path))
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin", "_REGION": "r", "BUILD_ID": "0123456789"}
    done = subprocess.run(["bash", "-c", text], env=environ, capture_output=True, text=True)
    return done.returncode, calls.read_text(encoding="utf-8").splitlines()


def test_a_failed_canary_gives_all_traffic_back(build: dict[str, Any], tmp_path: Path) -> None:
    """To the revisions that had it; the jobs keep their image, and the build is red."""
    code, calls = canary(build, tmp_path, "failed\n")
    assert code == 1
    assert calls == [
        "run services update-traffic forecast-backend --region r --to-revisions backend-1=100",
        "run services update-traffic forecast-frontend --region r --to-revisions frontend-1=100",
    ]


def test_a_good_canary_gets_all_traffic_and_the_jobs_their_image(build: dict[str, Any], tmp_path: Path) -> None:
    """Both services, then every job that terraform makes."""
    code, calls = canary(build, tmp_path, "passed\n")
    assert code == 0
    assert calls[:2] == [
        "run services update-traffic forecast-backend --region r --to-tags b-01234567=100",
        "run services update-traffic forecast-frontend --region r --to-tags b-01234567=100",
    ]
    jobs = re.search(r"scripts = \{(.*?)\}", (ROOT / "terraform/jobs.tf").read_text(encoding="utf-8"), re.S)
    assert jobs
    named = {f"forecast-{name.replace('_', '-')}" for name in re.findall(r"(\w+) +=", jobs[1])}
    assert {call.split()[3] for call in calls[2:]} == named


def test_a_canary_that_is_not_judged_counts_as_failed(build: dict[str, Any]) -> None:
    """Its note says `failed` from the first line on, and its failure does not keep the last step from going back."""
    step = next(step for step in build["steps"] if step["id"] == "canary")
    assert step["allowFailure"] is True
    lines = [line for line in step["script"].splitlines() if line and not line.startswith(("#", "set"))]
    assert lines[0] == "echo failed > /workspace/canary"
    assert lines[-1] == "echo passed > /workspace/canary"
