"""Calls every endpoint of a running service, as a client would, and reports the results.

With `--reading` it only makes calls that change nothing: for a service that others use.
"""

import time
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Any
from urllib.parse import quote

import httpx2
import typer

from pipelines.core.errors import ForecastError
from scripts import _cli

BaseUrl = Annotated[str, typer.Option("--base-url", help="Where the service is.")]
ApiKey = Annotated[str | None, typer.Option("--api-key", envvar="API_KEY", help="A key, where the service wants one.")]
IdToken = Annotated[
    str | None, typer.Option(envvar="ID_TOKEN", help="An identity token, where the platform wants one.")
]
Reading = Annotated[bool, typer.Option("--reading", help="Call only what changes nothing.")]
Workspace = Annotated[
    str | None, typer.Option("--workspace", "-w", help="Which to walk; without it, the first that is ready.")
]


MADE = "smoke-test"  # name of the workspace and alias that the smoke test leaves behind
_PATIENCE = 300.0  # seconds for a job to finish


class Failed(ForecastError):
    """An endpoint gave an unexpected answer."""


class Walk:
    """Calls endpoints one by one, and checks the status of each answer."""

    def __init__(self, client: httpx2.Client, reporter: _cli.Reporter) -> None:
        self.client = client
        self.reporter = reporter
        self.templates: set[tuple[str, str]] = set()

    def call(self, method: str, template: str, *expected: int, **options: Any) -> httpx2.Response:
        """Answer of an endpoint, whose status must be among `expected` (default 200).

        `options` are those of httpx2, and `at`: the values of the placeholders in the path.
        """
        path = template
        for name, value in options.pop("at", {}).items():
            path = path.replace(f"{{{name}}}", quote(value, safe=""))
        start = time.perf_counter()
        try:
            response = self.client.request(method, path, **options)
        except httpx2.HTTPError as error:
            raise Failed(f"{method} {path}: no answer ({error}). Is the service running there?") from None
        ms = 1000 * (time.perf_counter() - start)
        self.reporter.say(f"{response.status_code} {method} {template}", ms=round(ms, 1), bytes=len(response.content))
        if response.status_code not in (expected or (200,)):
            raise Failed(f"{method} {path} answered {response.status_code}: {response.text[:500]}")
        if "x-request-id" not in response.headers:
            raise Failed(f"{method} {path} answered without X-Request-ID.")
        self.templates.add((method, template))
        return response


def smoke(
    base_url: BaseUrl = "http://127.0.0.1:8000",
    api_key: ApiKey = None,
    id_token: IdToken = None,
    workspace: Workspace = None,
    reading: Reading = False,
) -> None:
    """Call every endpoint of a running service."""
    reporter = _cli.Reporter(json_log=False)
    headers = {"X-API-Key": api_key} if api_key else {}
    if id_token:
        headers["X-Serverless-Authorization"] = f"Bearer {id_token}"
    with httpx2.Client(base_url=base_url, headers=headers, timeout=60) as client:
        walk = Walk(client, reporter)
        name = _reading(walk, workspace)
        _monitoring(walk, name, acknowledging=not reading)
        if not reading:
            _changing(walk, name)
            _bringing_in(walk)
        missing = [] if reading else sorted(set(_documented(walk)) - walk.templates)
    if missing:
        raise Failed(f"endpoints that this walk does not know: {', '.join(' '.join(one) for one in missing)}.")
    reporter.say("done", endpoints=len(walk.templates), workspace=name)


def _reading(walk: Walk, workspace: str | None) -> str:
    """Makes all calls that only read; returns the name of the workspace."""
    walk.call("GET", "/health/live")
    walk.call("GET", "/health/ready")
    walk.call("GET", "/health")
    walk.call("GET", "/errors/{slug}", at={"slug": "not-found"})
    walk.call("GET", "/docs")
    walk.call("GET", "/metrics")
    walk.call("GET", "/api/v1/me")
    workspaces = walk.call("GET", "/api/v1/workspaces").json()["items"]
    ready = [one["name"] for one in workspaces if one["status"] == "ready" and workspace in (None, one["name"])]
    if not ready:
        raise Failed(f"no workspace {workspace or ''} with published forecasts. Run: make demo")
    name = str(ready[0])
    of: dict[str, Any] = {"workspace": name}
    walk.call("GET", "/api/v1/workspaces/{workspace}", at=of)
    unique_id = walk.call("GET", "/api/v1/series", params={**of, "limit": 1, "sort": "-skill"}).json()["items"][0][
        "unique_id"
    ]
    at = {"unique_id": unique_id}
    walk.call("GET", "/api/v1/series/{unique_id}/history", at=at, params=of)
    walk.call("GET", "/api/v1/series/{unique_id}/backtest", at=at, params=of)
    walk.call("GET", "/api/v1/portfolio", params={**of, "limit": 5})
    walk.call("GET", "/api/v1/portfolio/segments", params={**of, "by": "demand_class"})
    walk.call("GET", "/api/v1/portfolio/distribution", params={**of, "of": "skill"})
    walk.call("GET", "/api/v1/workspaces/{workspace}/quality", at=of)
    walk.call("GET", "/api/v1/workspaces/{workspace}/rejected", at=of, params={"limit": 5})
    first = walk.call("GET", "/api/v1/forecasts", params={**of, **at})
    tag = {"If-None-Match": first.headers["etag"]}
    walk.call("GET", "/api/v1/forecasts", 304, params={**of, **at}, headers=tag)
    walk.call("GET", "/api/v1/forecasts/{unique_id}/explanation", at=at, params=of)
    for by in ("series", "model", "horizon", "cutoff"):
        metric = {"metric": "mae"} if by == "horizon" else {}
        walk.call("GET", "/api/v1/metrics/historical", params={**of, "by": by, **metric})
    walk.call("POST", "/api/v1/metrics/historical", json={**of, "unique_ids": [unique_id], "by": "series"})
    runs = [
        run["run_id"] for run in walk.call("GET", "/api/v1/runs", params={**of, "status": "success"}).json()["items"]
    ]
    at = {"run_id": runs[0]}
    walk.call("GET", "/api/v1/runs/{run_id}", at=at, params=of)
    walk.call("GET", "/api/v1/runs/{run_id}/calibration", at=at, params=of)
    if not walk.call("GET", "/api/v1/runs/{run_id}/verify", at=at, params=of).json()["intact"]:
        raise Failed(f"run {runs[0]} is not what was written.")
    walk.call("GET", "/api/v1/runs/compare", params={**of, "a": runs[-1], "b": runs[0]})
    walk.call("GET", "/api/v1/knowledge/search", params={**of, "q": "how good are the intervals?"})
    _asking(walk, of, unique_id)
    walk.call("GET", "/api/v1/forecasts", 404, params={**of, "unique_id": "no such series"})
    walk.call("GET", "/api/v1/forecasts", 422, params={"workspace": "../etc", "unique_id": unique_id})
    return name


def _asking(walk: Walk, of: dict[str, Any], unique_id: str) -> None:
    """Asks questions, and checks that their answers give the source of each number."""
    walk.call("GET", "/api/v1/copilot/suggestions", params=of)
    asked = {**of, "unique_id": unique_id}
    for call, question in (("explain", {"question": "How much is forecast?"}), ("summarize", {})):
        answer = walk.call("POST", f"/api/v1/copilot/{call}", json={**asked, **question}).json()
        if not answer["explanation"] or not all(fact["source"] for fact in answer["facts"]):
            raise Failed("the copilot has given an answer without sources.")
    stream = walk.call("POST", "/api/v1/copilot/stream", json={**asked, "question": "How much is forecast?"}).text
    if not (stream.startswith("event: start\n") and "\nevent: done\n" in stream):
        raise Failed(f"the copilot's stream does not end as it must: {stream[-300:]}")


def _monitoring(walk: Walk, workspace: str, acknowledging: bool) -> None:
    """Reads the results of monitoring, where a monitoring has run."""
    of = {"workspace": workspace}
    listed = walk.call("GET", "/api/v1/monitoring/alerts", params=of).json()["items"]
    if acknowledging:
        at, status = ({"alert_id": listed[0]["id"]}, 200) if listed else ({"alert_id": "0" * 16}, 404)
        walk.call("POST", "/api/v1/monitoring/alerts/{alert_id}/acknowledge", status, at=at, params=of, json={})
    known = walk.client.get("/api/v1/monitoring/summary", params=of)
    expected = known.status_code if known.status_code in (200, 404) else 200
    walk.call("GET", "/api/v1/monitoring/summary", expected, params=of)
    walk.call("GET", "/api/v1/monitoring/series", expected, params={**of, "limit": 5})
    with_report = expected == 200 and known.json()["report"]
    walk.call("GET", "/api/v1/monitoring/report", 200 if with_report else 404, params=of)


def _changing(walk: Walk, workspace: str) -> None:
    """Makes the calls that need more than a viewer: forecasts on request, and an alias set to its present run."""
    of = {"workspace": workspace}
    ids = [
        walk.call("GET", "/api/v1/series", params={**of, "limit": 1, "status": "forecast"}).json()["items"][0][
            "unique_id"
        ]
    ]
    published = walk.call("POST", "/api/v1/forecasts/generate", json={**of, "unique_ids": ids}).json()
    computed = walk.call(
        "POST", "/api/v1/forecasts/generate", json={**of, "unique_ids": ids, "levels": [50], "horizon": 1}
    ).json()
    if (published["source"], computed["source"]) != ("published", "computed"):
        raise Failed(f"the forecasts are {published['source']} and {computed['source']}.")
    answer = walk.call("GET", "/api/v1/aliases", params=of)
    production = next(alias["run_id"] for alias in answer.json()["aliases"] if alias["name"] == "production")
    body = {"run_id": production, "reason": "smoke test"}
    at = {"name": MADE}
    walk.call("PUT", "/api/v1/aliases/{name}", 428, at=at, params=of, json=body)
    walk.call(
        "PUT", "/api/v1/aliases/{name}", 412, at=at, params=of, json=body, headers={"If-Match": '"no such version"'}
    )
    walk.call(
        "PUT", "/api/v1/aliases/{name}", at=at, params=of, json=body, headers={"If-Match": answer.headers["etag"]}
    )
    _noting(walk, of)


def _noting(walk: Walk, of: dict[str, Any]) -> None:
    """Adds, finds and deletes a note."""
    text, name = "# Smoke test\n\nThis note is of a walk over every endpoint.", {"name": "smoke test"}
    added = walk.call("POST", "/api/v1/knowledge/sources", 200, 201, params={**of, **name}, content=text).json()
    hits = walk.call("GET", "/api/v1/knowledge/search", params={**of, "q": "smoke test walk"}).json()["hits"]
    if added["source_id"] not in [hit["source_id"] for hit in hits]:
        raise Failed("a note that was added is not found.")
    at = {"source_id": added["source_id"]}
    walk.call("DELETE", "/api/v1/knowledge/sources/{source_id}", at=at, params=of)
    listed = walk.call("GET", "/api/v1/knowledge/sources", params=of).json()["items"]
    fixed = next(one["source_id"] for one in listed if one["kind"] != "note")
    walk.call("DELETE", "/api/v1/knowledge/sources/{source_id}", 409, at={"source_id": fixed}, params=of)


def _bringing_in(walk: Walk) -> None:
    """Goes from a table to a workspace with data; then cancels a job."""
    at = {"workspace": MADE}
    days = (f"{date(2024, 1, 1) + timedelta(n)},{n % 7 + n % 3}\n" for n in range(60))
    table = "day,units\n" + "".join(days)
    uploads = "/api/v1/workspaces/{workspace}/uploads"
    upload = walk.call("POST", uploads, 201, at=at, content=table, headers={"Content-Type": "text/csv"}).json()
    upload_id = {"upload_id": upload["upload_id"]}
    walk.call("GET", f"{uploads}/{{upload_id}}", at={**at, **upload_id}, params={"horizon": 7})
    walk.call("PUT", "/api/v1/workspaces/{workspace}", 200, 201, at=at, json={**upload_id, "horizon": 7})
    if (ended := _job(walk, cancel=False)) != "succeeded":
        raise Failed(f"the job of the walk has {ended}.")
    _job(walk, cancel=True)
    walk.call("GET", "/api/v1/jobs", params=at)


def _job(walk: Walk, cancel: bool) -> str:
    """Final status of a job."""
    job = walk.call("POST", "/api/v1/jobs", 202, json={"workspace": MADE, "kind": "etl"}).json()
    at = {"job_id": job["job_id"]}
    if cancel:
        walk.call("DELETE", "/api/v1/jobs/{job_id}", 202, 409, at=at)
    deadline = time.monotonic() + _PATIENCE
    while job["state"] in ("queued", "running"):
        if time.monotonic() > deadline:
            raise Failed(f"job {job['job_id']} is still {job['state']} after {_PATIENCE:g} s.")
        time.sleep(1)
        job = walk.call("GET", "/api/v1/jobs/{job_id}", at=at).json()
    return str(job["state"])


def _documented(walk: Walk) -> Iterator[tuple[str, str]]:
    """Endpoints that the service documents."""
    for path, operations in walk.client.get("/api/v1/openapi.json").json()["paths"].items():
        for method in operations:
            yield method.upper(), path


main = _cli.command(smoke)

if __name__ == "__main__":
    main()
