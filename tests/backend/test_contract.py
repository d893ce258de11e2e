"""The contract: the committed pages are what the code answers, and the code answers as it says, whatever is sent."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from scripts.dev import api_docs
from tests.support import site as sites
from tests.support.scale import times
from tests.support.site import ROOT, Site, running

CASES = times(2_000, 10_000)
# Jobs are done as soon as they are started: nobody wants hundreds of trainings.
INSTANT = "from backend.app import main; from tests.support.launchers import Instant; main(Instant())"
EXAMPLES = times(95, 500)  # of each operation, beside those that the coverage of its parameters needs


def test_the_committed_pages_are_the_codes() -> None:
    """After a change of a route: python scripts/dev/api_docs.py."""
    spec = api_docs.openapi()
    assert json.loads((api_docs.DOCS / "openapi.json").read_text(encoding="utf-8")) == spec
    assert (api_docs.DOCS / "API.md").read_text(encoding="utf-8") == api_docs.markdown(spec)
    assert (api_docs.DOCS / "ERRORS.md").read_text(encoding="utf-8") == api_docs.errors()


def test_every_route_of_the_design_is_there() -> None:
    """By method and path."""
    found = {f"{method.upper()} {path}" for path, ways in api_docs.openapi()["paths"].items() for method in ways}
    calls = """GET /workspaces, GET /workspaces/{workspace}, GET /series, GET /series/{unique_id}/history,
        POST /forecasts/generate, GET /forecasts, GET /forecasts/{unique_id}/explanation, GET /metrics/historical,
        POST /metrics/historical, GET /runs, GET /runs/{run_id}, GET /runs/{run_id}/verify, GET /runs/compare, GET /aliases,
        PUT /aliases/{name}, GET /jobs, POST /jobs, GET /jobs/{job_id}, DELETE /jobs/{job_id},
        GET /portfolio, GET /portfolio/segments, GET /portfolio/distribution, GET /series/{unique_id}/backtest,
        GET /runs/{run_id}/calibration, GET /workspaces/{workspace}/quality, GET /workspaces/{workspace}/rejected,
        POST /workspaces/{workspace}/uploads, GET /workspaces/{workspace}/uploads/{upload_id}, PUT /workspaces/{workspace},
        GET /monitoring/summary, GET /monitoring/series, GET /monitoring/report,
        GET /monitoring/alerts, POST /monitoring/alerts/{alert_id}/acknowledge,
        GET /knowledge/sources, POST /knowledge/sources, DELETE /knowledge/sources/{source_id}, GET /knowledge/search,
        POST /copilot/explain, POST /copilot/summarize, POST /copilot/stream, GET /copilot/suggestions, GET /me"""
    open_ = {"GET /health", "GET /health/live", "GET /health/ready", "GET /errors/{slug}"}
    assert found == open_ | {call.strip().replace(" ", " /api/v1", 1) for call in calls.split(",")}


@pytest.mark.proof
def test_it_answers_as_it_says_whatever_is_sent(
    changeable: Site, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Thousands of requests, right and wrong, by every check that schemathesis has."""
    secrets, lines = sites.keys()
    runs = changeable.reader.runs("shop")
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG.format(hooks=ROOT / "tests/support/hooks.py", runs=json.dumps(runs)), encoding="utf-8")
    environ = {"API_KEYS": lines.replace("\n", ","), "API_RATE_LIMIT": "1000000"}
    with running(changeable, tmp_path / "log", INSTANT, **environ) as (address, _):
        admin, first = {"X-API-Key": secrets["admin"]}, {"workspace": "shop", "q": "price"}
        search, question = f"{address}/api/v1/knowledge/search", {"workspace": "shop", "question": "How much?"}
        httpx2.get(search, params=first, headers=admin, timeout=120)  # imports their libraries
        httpx2.post(f"{address}/api/v1/copilot/explain", json=question, headers=admin, timeout=120)
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")),
                "--config-file",
                str(config),
                "run",
                f"{address}/api/v1/openapi.json",
                "--header",
                f"X-API-Key: {secrets['admin']}",
                "--checks",
                "all",
                "--mode",
                "all",
                "--max-examples",
                str(EXAMPLES),
                "--seed",
                "1",
                "--generation-deterministic",
                "--no-color",
                "--request-timeout",
                "120",
                "--suppress-health-check",
                "all",
            ],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
            env={**os.environ, "SERIES": "\n".join(sites.IDS), "PYTHONPATH": str(ROOT)},
        )
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2_000:]
    (cases, passed) = re.findall(r"([\d,]+) generated, ([\d,]+) passed", done.stdout)[0]
    assert int(passed.replace(",", "")) == int(cases.replace(",", "")) >= CASES
    answered = {line["status"] for line in sites.lines(tmp_path / "log") if line["event"] == "request"}
    assert {200, 401, 404, 405, 422} <= answered
    assert not any(isinstance(status, int) and status >= 500 for status in answered)
    record_property(
        "schemathesis against the OpenAPI, all checks, right and wrong requests",
        f"{cases} cases, {passed} passed, 0 failures",
    )


# Values that exist, most of the time. If-Match must hold: a tag of another time is 412, which no schema can say.
CONFIG = """\
hooks = "{hooks}"

[dictionaries.workspaces]
values = ["shop", "shop", "shop", "meter", "fresh", "empty"]
[dictionaries.series]
values = ["Ash/tea", "Elm/50%/off", "Ash/Gruyère ☃ 日本"]
[dictionaries.runs]
values = {runs}
[dictionaries.models]
values = ["naive", "linear", "seasonal_naive"]
[dictionaries.starts]
values = ["2024-02-01", "2024-02-01T00:00:00Z"]
[dictionaries.ends]
values = ["2024-03-01", "2024-03-01T12:00:00+01:00"]

[parameters]
"query.workspace" = {{dictionary = "workspaces", probability = 0.9}}
"path.workspace" = {{dictionary = "workspaces", probability = 0.9}}
"body.workspace" = {{dictionary = "workspaces", probability = 0.9}}
"query.unique_id" = {{dictionary = "series", probability = 0.8}}
"query.run_id" = {{dictionary = "runs", probability = 0.8}}
"path.run_id" = {{dictionary = "runs", probability = 0.8}}
"body.run_id" = {{dictionary = "runs", probability = 0.8}}
"body.model" = {{dictionary = "models", probability = 0.8}}
"query.model" = {{dictionary = "models", probability = 0.8}}
"query.a" = {{dictionary = "runs", probability = 0.8}}
"query.b" = {{dictionary = "runs", probability = 0.8}}
"query.start" = {{dictionary = "starts", probability = 1.0}}
"query.end" = {{dictionary = "ends", probability = 1.0}}
"header.If-Match" = "*"

[checks]
missing_required_header.expected-statuses = [401]
"""
