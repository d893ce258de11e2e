"""The service as a process: what it loads, what it logs, and how it ends."""

import http.client
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import psutil
import pytest

from tests.support import site as sites
from tests.support.serving import Quiet, answering
from tests.support.site import ROOT, Site, running

API = "/api/v1"
MODELS = ("sklearn", "lightgbm", "statsforecast", "prophet", "pmdarima", "statsmodels", "torch", "interpret")
# Everything but computing, in a process of its own; prints which of the names it has imported then.
READS = r"""
import json, sys
from starlette.testclient import TestClient
from backend.app import create_app
from backend.core.settings import Settings
from backend.uploads.schemas import PreviewOut
from backend.uploads.service import Uploads
from tests.support.launchers import Instant

app = create_app(Settings(environment="dev"), launcher=Instant())
client = TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 1))
of = "?workspace=shop"
run = client.get("/api/v1/runs" + of + "&status=success").json()["items"][0]["run_id"]
for path in ["/health/ready", "/metrics", *("/api/v1" + path for path in (
    "/workspaces", "/series" + of + "&sort=-skill", "/series/Ash%2Ftea/history" + of,
    "/forecasts" + of + "&unique_id=Ash/tea", "/forecasts/Ash%2Ftea/explanation" + of, "/metrics/historical" + of,
    "/runs/" + run + of, "/runs/" + run + "/verify" + of, f"/runs/compare{of}&a={run}&b={run}", "/aliases" + of,
))]:
    assert client.get(path).status_code == 200, path
body = {"workspace": "shop", "unique_ids": ["Ash/tea"]}
assert client.post("/api/v1/forecasts/generate", json=body).json()["source"] == "published"
async def preview(*_):
    known = {"workspace": "new", "upload_id": "x", "acceptable": True, "settings": {"source": {"kind": "file", "path": "x.csv"}}}
    known |= {"mapping": {"ds": None, "y": None, "keys": None, "static": [], "future": []}, "demand_classes": {}}
    known |= {"rejected": {"count": 0, "reasons": {}, "rows": []}, **{name: [] for name in ("problems", "columns", "rows", "notes")}}
    return json.dumps(dict.fromkeys(PreviewOut.model_fields) | known).encode()
app.state.services[Uploads]._previewers.compute = preview
sent = client.post("/api/v1/workspaces/new/uploads", content=b"date,y\n")
assert sent.status_code == 201, sent.text
upload_id = sent.headers["location"].rpartition("/")[2]
assert client.put("/api/v1/workspaces/new", json={"upload_id": upload_id}).status_code == 201
assert client.post("/api/v1/jobs", json={"workspace": "new", "kind": "etl"}).status_code == 202
assert client.get("/api/v1/jobs?workspace=new").json()["total"] == 1
print("\nreads:", *(name for name in sys.argv[1:] if name in sys.modules))
client.get("/api/v1/metrics/historical" + of + "&by=horizon&metric=mae")
print("\nby horizon:", *(name for name in sys.argv[1:] if name in sys.modules))
"""


def test_the_service_loads_no_model_library_and_no_pandas(changeable: Site) -> None:
    """Nor does it unpickle: no code of a model is there. Uploads are looked at elsewhere. Errors by horizon bring pandas, and no model library."""
    names = [
        *MODELS,
        "pandas",
        "pipelines.forecasting.models",
        "pipelines.runs.recording",
        "pipelines.forecasting.evaluation.fit",
    ]
    done = subprocess.run(
        [sys.executable, "-c", READS, *names], capture_output=True, text=True, cwd=ROOT,
        env={**os.environ, **changeable.environ, "PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = [line for line in done.stdout.splitlines() if line.startswith(("reads:", "by horizon:"))]
    assert found == ["reads:", "by horizon: pandas"]


@pytest.fixture
def service(site: Site, tmp_path: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]", Path]]:
    """A service with keys whose traces go nowhere yet."""
    with running(site, tmp_path / "log") as (address, process):
        yield address, process, tmp_path / "log"


def family_of(process: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    """What the service has started, once it has."""
    deadline = time.monotonic() + 30
    while not (found := psutil.Process(process.pid).children(recursive=True)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def ended(process: "subprocess.Popen[bytes]", within: float) -> float:
    """Sends SIGTERM; the seconds until the process and all that it started are gone."""
    family = family_of(process)
    start = time.perf_counter()
    process.send_signal(signal.SIGTERM)
    process.wait(within)
    _, alive = psutil.wait_procs(family, timeout=1)
    assert family
    assert not alive
    return time.perf_counter() - start


def test_what_runs_is_finished_before_the_end(service: tuple[str, "subprocess.Popen[bytes]", Path]) -> None:
    """A computed forecast that was asked for before SIGTERM is answered; nothing new is taken on."""
    address, process, _ = service
    body = {"workspace": "shop", "unique_ids": ["Ash/tea"], "levels": [50]}
    httpx2.post(f"{address}{API}/forecasts/generate", json=body, timeout=60)  # the worker is there
    found: list[int] = []

    def ask() -> None:
        wanted = {**body, "unique_ids": sites.IDS, "levels": [51], "horizon": 744}
        found.append(httpx2.post(f"{address}{API}/forecasts/generate", json=wanted, timeout=60).status_code)

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(0.15)
    seconds = ended(process, 9)
    thread.join()
    assert found == [200]
    assert seconds < 9
    with pytest.raises(httpx2.HTTPError):
        httpx2.get(f"{address}/health/live")


def test_open_streams_do_not_keep_it_alive(service: tuple[str, "subprocess.Popen[bytes]", Path]) -> None:
    """A body that never ends, an answer that nobody reads, an idle connection: gone within 9 seconds all the same."""
    address, process, _ = service
    host = urlsplit(address)
    assert host.hostname is not None
    sending = http.client.HTTPConnection(host.hostname, host.port or 0)
    sending.putrequest("POST", f"{API}/forecasts/generate")
    for name, value in (("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")):
        sending.putheader(name, value)
    sending.endheaders()
    sending.send(b"1\r\n \r\n")
    unread = socket.socket()
    unread.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    unread.connect((host.hostname, host.port or 0))
    unread.sendall(f"GET {API}/series?workspace=shop HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * 200)
    idle = httpx2.Client(base_url=address)
    assert idle.get("/health/live").status_code == 200
    time.sleep(0.3)
    assert ended(process, 9) < 9
    for one in (sending, unread, idle):
        one.close()


def test_a_second_of_idleness_is_no_reason_to_wait(service: tuple[str, "subprocess.Popen[bytes]", Path]) -> None:
    """With nothing to finish it is gone at once."""
    assert ended(service[1], 9) < 3


def test_logs_are_json_with_what_matters_and_nothing_personal(site: Site, tmp_path: Path) -> None:
    """Request id, route, status, milliseconds, workspace and role; no key, no name, no series, no address."""
    secrets, lines = sites.keys()
    log = tmp_path / "log"
    with running(site, log, API_KEYS=lines.replace("\n", ",")) as (address, process):
        headers = {"X-API-Key": secrets["analyst"], "X-Request-ID": "mine-1"}
        httpx2.get(f"{address}{API}/forecasts?workspace=shop&unique_id=Ash%2Ftea", headers=headers)
        httpx2.get(f"{address}{API}/forecasts?workspace=shop&unique_id=secret", headers={"X-API-Key": "fc_wrong"})
        process.send_signal(signal.SIGTERM)
        process.wait(9)
    found = [line for line in sites.lines(log) if line["event"] == "request"]
    first = next(line for line in found if line["request_id"] == "mine-1")
    assert {key: first[key] for key in ("method", "route", "status", "workspace", "role", "level")} == {
        "method": "GET",
        "route": "/forecasts",
        "status": 200,
        "workspace": "shop",
        "role": "analyst",
        "level": "info",
    }
    assert isinstance(first["ms"], float)
    text = log.read_text()
    for private in (secrets["analyst"], secrets["analyst"][:11], "fc_wrong", "analyst-of-tests", "tea", "secret"):
        assert private not in text


@pytest.mark.parametrize(("proxies", "last"), [("", 429), ("127.0.0.1", 401)])
def test_a_client_cannot_choose_its_address(site: Site, tmp_path: Path, proxies: str, last: int) -> None:
    """Wrong keys are counted together whatever X-Forwarded-For says, unless it comes from a proxy that is named."""
    environ = {"API_KEYS": sites.keys()[1].replace("\n", ","), "API_RATE_LIMIT": "3", "API_TRUSTED_PROXIES": proxies}
    with running(site, tmp_path / "log", FORWARDED_ALLOW_IPS="*", **environ) as (address, _):
        found = [
            httpx2.get(f"{address}{API}/workspaces", headers={"X-Forwarded-For": f"10.0.0.{number}"}).status_code
            for number in range(4)
        ]
    assert found == [401, 401, 401, last]


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"APP_ENV": "prod"}, "APP_ENV is prod and there is no API key"),
        ({"API_HOST": "0.0.0.0"}, "API_HOST is 0.0.0.0 and there is no API key"),
        ({"API_PORT": "99999"}, "API_PORT: found '99999'"),
        ({"FORECAST_CONFIG_DIR": "/nowhere"}, "/nowhere"),
    ],
)
def test_a_wrong_setting_is_one_message(site: Site, environ: dict[str, str], message: str) -> None:
    """It refuses to start, with exit code 1 and no traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "backend.app"], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False,
        env={**os.environ, **site.environ, "PYTHONPATH": str(ROOT), "API_PORT": "0", **environ},
    )  # fmt: skip
    assert (done.returncode, message in done.stderr) == (1, True), done.stderr
    assert "Traceback" not in done.stderr


def test_traces_go_to_a_collector_where_one_is_configured(site: Site, tmp_path: Path) -> None:
    """Spans by route over OTLP/HTTP, within the trace that the client began; one that is gone does not hold the end up."""
    got: list[tuple[str, bytes]] = []

    class Collector(Quiet):
        def do_POST(self) -> None:
            got.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

    with (
        answering(Collector) as endpoint,
        running(site, tmp_path / "log", OTEL_EXPORTER_OTLP_ENDPOINT=endpoint) as (address, process),
    ):
        trace = "0af7651916cd43dd8448eb211c80319c"
        headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
        httpx2.get(f"{address}{API}/forecasts?workspace=shop&unique_id=Ash%2Ftea", headers=headers)
        process.send_signal(signal.SIGTERM)
        process.wait(9)
    spans = b"".join(body for path, body in got if path == "/v1/traces")
    assert b"/forecasts" in spans
    assert bytes.fromhex(trace) in spans
    with running(site, tmp_path / "log2", OTEL_EXPORTER_OTLP_ENDPOINT=endpoint) as (address, process):
        httpx2.get(f"{address}{API}/workspaces")
        assert ended(process, 9) < 9


def test_a_worker_ends_with_its_server(site: Site, tmp_path: Path) -> None:
    """Also when the server is killed and can tell nobody."""
    with running(site, tmp_path / "log") as (address, process):
        assert httpx2.get(f"{address}/health/ready").status_code == 200
        family = family_of(process)
        process.kill()
        process.wait()
        assert family
        _, alive = psutil.wait_procs(family, timeout=60)
        assert not alive


def test_the_worker_answers_by_its_protocol(site: Site) -> None:
    """A line of JSON that says how much follows; bad requests do not end it, and it ends with its input."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.forecasting.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT,
        env={**os.environ, **site.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None

    def answer() -> tuple[dict[str, object], bytes]:
        assert process.stdout is not None
        head = json.loads(process.stdout.readline())
        return head, process.stdout.read(head["bytes"])

    try:
        assert answer()[0]["kind"] == "ok"
        wanted = {"workspace": "shop", "run_id": site.second, "unique_ids": ["Ash/tea"]}
        for request, kind in [
            (wanted, "ok"),
            ({**wanted, "run_id": "20240101T000000Z-00000000"}, "NotFound"),
            ({**wanted, "workspace": "../shop"}, "ConfigError"),
            ({}, "Error"),
            (wanted, "ok"),
        ]:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            head, body = answer()
            assert head["kind"] == kind
            assert (json.loads(body)["run_id"] == site.second) if kind == "ok" else not body
        process.stdin.close()
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_worker_in_the_middle_of_its_work_ends_with_its_server(site: Site) -> None:
    """It reads no input then, and need not: whoever waits for its answer is gone."""
    code = "import pipelines.forecasting.worker as w, time; w._WARM = (); w.Worker.answer = lambda *_: time.sleep(600) or {}; w.main()"
    server = (
        "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', sys.argv[1]], stdin=subprocess.PIPE,"
        "stdout=subprocess.PIPE); p.stdout.readline(); p.stdin.write(b'{}\\n'); p.stdin.flush();"
        "print(p.pid, flush=True); sys.stdin.read()"
    )
    environ = {**os.environ, **site.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", server, code], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    worker = psutil.Process(int(process.stdout.readline()))
    process.kill()
    process.wait()
    assert not psutil.wait_procs([worker], timeout=10)[1]
