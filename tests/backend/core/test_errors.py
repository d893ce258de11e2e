"""Every error is a problem document, and nothing of the server leaks."""

import json
import re
from typing import Any

import pytest
import structlog
from starlette.testclient import TestClient

from backend.core import problem_types
from backend.core.errors import of_library
from backend.core.rate import MAX_BODY
from pipelines.core.errors import (
    ConfigError,
    Conflict,
    DataError,
    ForecastError,
    ModelError,
    NotFound,
    StoreError,
    UnknownName,
    Untrusted,
)
from pipelines.forecasting.read.series import SeriesTable
from tests.backend.conftest import connect
from tests.support.site import Site

API = "/api/v1"
GENERATE = {"workspace": "shop", "unique_ids": ["Ash/tea"]}
LONG = "z" * 301
NOBODY = "20240101T000000Z-00000000"
ALERT = "0" * 16
BODIES = [
    ("POST", "/forecasts/generate"),
    ("POST", "/metrics/historical"),
    ("PUT", "/aliases/canary?workspace=shop"),
    ("POST", "/jobs"),
    ("PUT", "/workspaces/shop"),
    ("POST", f"/monitoring/alerts/{ALERT}/acknowledge?workspace=shop"),
    ("POST", "/knowledge/sources?workspace=shop&name=note"),
    ("POST", "/copilot/explain"),
    ("POST", "/copilot/summarize"),
    ("POST", "/copilot/stream"),
]


def is_problem(response: Any, status: int) -> dict[str, Any]:
    """The problem, after a look at everything that RFC 9457 and we promise."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    assert {"type", "title", "status", "detail", "instance", "request_id"} <= set(found)
    assert found["type"] == problem_types.TYPES[status].uri
    assert found["status"] == status
    assert found["request_id"] == response.headers["x-request-id"]
    assert not re.search(r"Traceback|File \"|/tmp/|site-packages", response.text)
    return found


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("GET", "/nothing", {}, 404),
        ("GET", f"{API}/nothing", {}, 404),
        ("GET", f"{API}/forecasts/", {}, 404),
        ("DELETE", f"{API}/forecasts", {}, 405),
        ("TRACE", f"{API}/forecasts", {}, 405),
        ("POST", f"{API}/forecasts/generate", {"content": b"{", "headers": {"Content-Type": "application/json"}}, 422),
        (
            "POST",
            f"{API}/forecasts/generate",
            {"content": b"\xff", "headers": {"Content-Type": "application/json"}},
            400,
        ),
        ("POST", f"{API}/forecasts/generate", {"content": b"a=b"}, 422),
        ("POST", f"{API}/forecasts/generate", {"json": {**GENERATE, "unknown": 1}}, 422),
        ("GET", f"{API}/forecasts?workspace=shop", {}, 422),
        ("GET", f"{API}/forecasts?workspace=shop&unique_id=a&typo=1", {}, 422),
    ],
)
def test_errors_of_the_framework_are_problems_too(
    client: TestClient, method: str, path: str, options: dict[str, Any], status: int
) -> None:
    """Unknown paths and methods, bodies that are no JSON, fields that are missing, wrong or unknown."""
    is_problem(client.request(method, path, **options), status)


def test_a_wrong_method_names_all_that_are_right(client: TestClient) -> None:
    """Also where two routes share the path."""
    assert client.delete(f"{API}/metrics/historical").headers["allow"] == "GET, POST"


def test_wrong_fields_are_named_without_what_was_sent(client: TestClient) -> None:
    """All at once, by where they stand."""
    found = is_problem(
        client.post(f"{API}/forecasts/generate", json={"workspace": "../secret", "unique_ids": [], "horizon": 0}), 422
    )
    assert {one["field"] for one in found["errors"]} == {"body.workspace", "body.unique_ids", "body.horizon"}
    assert "secret" not in str(found)


@pytest.mark.parametrize("how", ["length", "chunks"])
@pytest.mark.parametrize(("method", "path"), BODIES)
def test_a_body_over_five_mebibytes_is_refused(client: TestClient, method: str, path: str, how: str) -> None:
    """Whether its length is told before or it comes in chunks without end; one byte less is read. On every endpoint."""
    piece = b" " * 2**16

    def chunks(size: int) -> Any:
        return (piece[: min(len(piece), size - at)] for at in range(0, size, len(piece)))

    def send(size: int) -> Any:
        body = chunks(size) if how == "chunks" else b" " * size
        return client.request(method, API + path, content=body, headers={"Content-Type": "application/json"})

    is_problem(send(MAX_BODY + 1), 413)
    assert send(MAX_BODY).status_code == 422


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/runs?workspace=shop&limit=1000", None, 200),
        ("/runs?workspace=shop&limit=1001", None, 422),
        ("/series?workspace=shop&limit=1001", None, 422),
        ("/metrics/historical?workspace=shop&limit=1001", None, 422),
        ("/series?workspace=shop&offset=-1", None, 422),
        ("/forecasts/generate", {**GENERATE, "unique_ids": [f"s{n}" for n in range(100)]}, 404),
        ("/forecasts/generate", {**GENERATE, "unique_ids": [f"s{n}" for n in range(101)]}, 422),
        ("/forecasts/generate", {**GENERATE, "unique_ids": ["Ash/tea", "Ash/tea"]}, 422),
        ("/forecasts/generate", {**GENERATE, "horizon": 745}, 422),
        ("/forecasts/generate", {**GENERATE, "levels": [100]}, 422),
        ("/series/Ash%2Ftea/history?workspace=shop&start=2014-06-01&end=2024-05-01", None, 200),
        ("/series/Ash%2Ftea/history?workspace=shop&start=2014-01-01&end=2024-05-01", None, 422),
        ("/series/Ash%2Ftea/history?workspace=shop&start=2000-01-01", None, 422),
        ("/series/Ash%2Ftea/history?workspace=shop&start=2024-02-01&end=2024-01-01", None, 422),
    ],
)
def test_each_limit_holds(client: TestClient, path: str, body: Any, status: int) -> None:
    """1,000 rows a page, 100 series and 744 steps a request, ten years a range: what is just allowed, and one more."""
    response = client.get(API + path) if body is None else client.post(API + path, json=body)
    assert response.status_code == status, response.text
    if status >= 400:
        is_problem(response, status)


@pytest.mark.parametrize(
    "template",
    [
        "/workspaces/{0}",
        "/series?workspace={0}",
        "/series/a/history?workspace={0}",
        "/forecasts?workspace={0}&unique_id=a",
        "/forecasts/a/explanation?workspace={0}",
        "/metrics/historical?workspace={0}",
        "/runs?workspace={0}",
        "/runs/" + NOBODY + "?workspace={0}",
        "/runs/" + NOBODY + "/verify?workspace={0}",
        "/aliases?workspace={0}",
        "/runs/compare?workspace={0}&a=" + NOBODY + "&b=" + NOBODY,
    ],
)
@pytest.mark.parametrize(
    ("workspace", "status"),
    [
        ("nobodys", 404),
        ("..%2Fshop", 422),
        ("%2Fetc", 422),
        ("a%00b", 422),
        ("%E2%98%83", 422),
        ("z" * 300, 422),
        ("%25", 422),
    ],
)
def test_a_workspace_that_is_not_there_or_no_name_is_a_clean_error(
    client: TestClient, template: str, workspace: str, status: int
) -> None:
    """Foreign: 404. With slashes, NUL, a snowman, 300 characters or a percent sign: 422, on every endpoint."""
    path = API + template.format(workspace)
    expected = {404, status} if template.startswith("/workspaces/") else {status}  # a slash ends that path
    response = client.get(path)
    assert response.status_code in expected
    is_problem(response, response.status_code)


@pytest.mark.parametrize(
    "name", ["nobody", "Ash%2Fnobody", "%25", "%2e%2e%2f", "☃", "Ash%2Ftea%00", "a%0Ab", "z" * 300]
)
def test_a_series_that_is_not_there_is_not_found(client: TestClient, name: str) -> None:
    """Whatever its name holds."""
    for path in (
        f"/forecasts?workspace=shop&unique_id={name}",
        f"/series/{name}/history?workspace=shop",
        f"/forecasts/{name}/explanation?workspace=shop",
    ):
        is_problem(client.get(API + path), 404)
    body = {"workspace": "shop", "unique_ids": [name]}
    is_problem(client.post(f"{API}/forecasts/generate", json=body), 404)


def test_a_series_name_of_over_300_characters_is_no_name(client: TestClient) -> None:
    """On every endpoint that takes one."""
    for path in (
        f"/forecasts?workspace=shop&unique_id={LONG}",
        f"/series/{LONG}/history?workspace=shop",
        f"/forecasts/{LONG}/explanation?workspace=shop",
        f"/metrics/historical?workspace=shop&unique_id={LONG}",
    ):
        is_problem(client.get(API + path), 422)
    is_problem(client.post(f"{API}/forecasts/generate", json={"workspace": "shop", "unique_ids": [LONG]}), 422)


@pytest.mark.parametrize(
    ("run_id", "status"), [(NOBODY, 404), ("latest", 422), ("..%2F..", 422), ("%00", 422), ("z" * 300, 422)]
)
def test_a_run_that_is_not_there_or_no_name_is_a_clean_error(client: TestClient, run_id: str, status: int) -> None:
    """On every endpoint that takes one; so is a run of another workspace."""
    for path in (
        f"/runs/{run_id}/verify?workspace=shop",
        f"/runs/compare?workspace=shop&a={run_id}&b={NOBODY}",
        f"/metrics/historical?workspace=shop&run_id={run_id}",
    ):
        response = client.get(API + path)
        assert response.status_code in {status, 404 if "%2F" in run_id else status}
        is_problem(response, response.status_code)


def test_a_run_of_another_workspace_is_not_found(client: TestClient, site: Site) -> None:
    """Runs belong to their workspace."""
    is_problem(client.get(f"{API}/runs/{site.second}?workspace=meter"), 404)


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("/series?workspace=empty", "Workspace 'empty' has no data yet."),
        ("/series/a/history?workspace=empty", "Workspace 'empty' has no data yet."),
        ("/forecasts?workspace=fresh&unique_id=a", "Workspace 'fresh' has no published forecasts yet."),
        ("/metrics/historical?workspace=fresh", "Workspace 'fresh' has no production run yet."),
    ],
)
def test_what_is_not_there_yet_is_told(client: TestClient, path: str, detail: str) -> None:
    """A workspace without data, without a run, without forecasts."""
    assert is_problem(client.get(API + path), 404)["detail"] == detail


@pytest.mark.parametrize(
    ("given", "kept"),
    [("a-1_B.2", True), ("x" * 128, True), ("x" * 129, False), ("a b", False), ('"', False), ("", False)],
)
def test_a_request_id_is_taken_over_or_given(client: TestClient, given: str, kept: bool) -> None:
    """One that a log can hold stays; any other is replaced."""
    found = client.get("/health/live", headers={"X-Request-ID": given}).headers["x-request-id"]
    assert (found == given) is kept
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", found)


def test_what_nobody_expected_leaves_no_trace_outside(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 with the request's id, and neither message nor traceback."""

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret of the server")

    monkeypatch.setattr(SeriesTable, "find", broken)
    found = is_problem(client.get(f"{API}/series?workspace=shop"), 500)
    assert "secret" not in str(found)


def test_damaged_artifacts_are_no_crash(changeable: Site) -> None:
    """503 without the path of the file; the other workspaces still answer."""
    for path in changeable.folder.glob("artifacts/shop/forecasts/*/forecasts.parquet"):
        path.write_bytes(b"something else")
    client = connect(changeable)
    is_problem(client.get(f"{API}/forecasts?workspace=shop&unique_id=Ash%2Ftea"), 503)
    found = {one["name"]: one["status"] for one in client.get(f"{API}/workspaces").json()["items"]}
    assert (found["meter"], found["shop"]) == ("ready", "unreadable")


def test_every_answer_has_the_security_headers(client: TestClient) -> None:
    """Also errors; HTTPS is demanded where there is a proxy with a certificate."""
    for path in ("/health/live", f"{API}/workspaces", "/nothing"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "strict-transport-security" not in headers


def test_the_endpoints_with_a_body_are_all_known(client: TestClient) -> None:
    """So that the test of their limit misses none."""
    paths = client.get(f"{API}/openapi.json").json()["paths"]
    found = {
        (method.upper(), path)
        for path, ways in paths.items()
        for method, one in ways.items()
        if "requestBody" in one and not path.endswith("/uploads")  # these have a limit of their own
    }
    named = {(method, _template(path)) for method, path in BODIES}
    assert found == named


def _template(path: str) -> str:
    """The route that a path of `BODIES` belongs to."""
    for value, name in (("/canary", "/{name}"), ("/shop", "/{workspace}"), (ALERT, "{alert_id}")):
        path = path.partition("?")[0].replace(value, name)
    return API + path


def test_under_a_server_that_is_not_ours_a_traceback_takes_no_time(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody has set up a log there: a failure is one line of JSON with the traceback and without all values in it."""

    def broken(*_: Any, **__: Any) -> None:
        held = "a value that is in no log"
        raise RuntimeError(f"no luck with {len(held)} characters")

    structlog.reset_defaults()
    monkeypatch.setattr(SeriesTable, "find", broken)
    assert connect(site).get(f"{API}/series?workspace=shop").status_code == 500
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (failed,) = [line for line in lines if line["event"] == "failed"]
    assert "RuntimeError: no luck with 25 characters" in failed["exception"]
    assert "a value that is in no log" not in json.dumps(lines)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (
            ConfigError(
                "found 0", field="horizon", code="wrong_setting", found=0, remedy="Use more.", where="/tmp/a.yaml"
            ),
            422,
        ),
        (
            DataError("it is empty", field="a.b", code="empty_file", found=0, remedy="Export it.", where="/tmp/a.csv"),
            422,
        ),
        (ModelError("it failed", field="models", code="model_failed", found="x", remedy="Take it out."), 422),
        (UnknownName("metric", "masse", ["mase"], field="metric"), 404),
        (
            ForecastError("it failed", field="run_id", code="run_did_not_succeed", found="x", remedy="Choose another."),
            409,
        ),
    ],
)
def test_an_error_of_the_library_is_a_problem_with_its_data(error: ForecastError, status: int) -> None:
    """`code`, `field`, `found` and `remedy` beside `detail`, which says the same; where a file lies is not told."""
    problem = of_library(error)
    assert (problem.status, problem.detail) == (status, error.text)
    assert problem.extra == {name: getattr(error, name) for name in ("code", "field", "found", "remedy")}
    assert "/tmp/" not in f"{problem.detail} {problem.extra}"


@pytest.mark.parametrize(("kind", "status"), [(NotFound, 404), (Conflict, 409), (StoreError, 503), (Untrusted, 503)])
def test_of_what_the_storage_says_a_client_learns_the_code(kind: type[StoreError], status: int) -> None:
    """Its messages and values may name files of the server."""
    problem = of_library(kind("/tmp/run/x.pkl was changed", found="/tmp/run", remedy="Remove /tmp/run."))
    assert (problem.status, problem.extra["code"]) == (status, kind.default_code)
    assert "/tmp/" not in f"{problem.detail} {problem.extra}"


def test_a_name_that_is_unknown_is_answered_as_data(client: TestClient) -> None:
    """The members of a real answer, as docs/openapi.json has them."""
    found = is_problem(client.get(f"{API}/series?workspace=shop&regoin=north"), 404)
    assert (found["code"], found["field"], found["found"]) == ("unknown_name", "regoin", "regoin")
    assert found["remedy"].startswith("Use one of: ")
    assert found["remedy"] in found["detail"]
