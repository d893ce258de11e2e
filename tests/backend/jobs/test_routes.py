"""Jobs: processes whose state lies in files, so that neither a restart nor kill -9 makes it wrong."""

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest
from starlette.testclient import TestClient

from backend.core.errors import Problem
from backend.jobs import record as files
from backend.jobs.local import KEPT, LocalJobs
from backend.jobs.log import INSIDE, Log
from backend.jobs.record import Job
from pipelines.storage.store import Store, Stores
from tests.backend.conftest import connect
from tests.support import site as sites
from tests.support.launchers import Instant, Tiny
from tests.support.site import Site, running

API = "/api/v1"
BODY = {"kind": "etl", "workspace": "shop"}
SLEEP = 'import time; print(\'{"event": "asleep"}\', flush=True); time.sleep(600)'
NOBODY = "20240101T000000Z-00000000"


def start(client: TestClient, **changed: Any) -> dict[str, Any]:
    response = client.post(f"{API}/jobs", json={**BODY, **changed})
    assert response.status_code == 202, response.text
    found: dict[str, Any] = response.json()
    return found


def look(client: TestClient, job_id: str) -> dict[str, Any]:
    response = client.get(f"{API}/jobs/{job_id}?workspace=shop")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def until(client: TestClient, job_id: str, *states: str) -> dict[str, Any]:
    """The job once it is in one of the states."""
    for _ in range(600):
        found = look(client, job_id)
        if found["state"] in states:
            return found
        time.sleep(0.05)
    raise AssertionError(f"the job is still {found}")


def asleep(client: TestClient, job_id: str) -> dict[str, Any]:
    """The job once its script has said so."""
    for _ in range(600):
        found = look(client, job_id)
        if (found["progress"] or {}).get("stage") == "asleep":
            return found
        time.sleep(0.05)
    raise AssertionError(f"the job is still {found}")


def family(job_id: str) -> list[psutil.Process]:
    """The supervisor of a job, and everything below it."""
    for process in psutil.process_iter(["cmdline"]):
        if any(job_id in part for part in process.info["cmdline"] or ()):
            return [process, *process.children(recursive=True)]
    return []


@pytest.fixture(autouse=True)
def _nothing_is_left(changeable: Site) -> Iterator[None]:
    """Ends what a failing test would leave behind, by the folders of its own jobs."""
    yield
    for folder in (changeable.folder / "artifacts").glob("*/jobs/*/"):
        for process in family(folder.name):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def test_a_job_is_followed_from_its_start_to_its_end(changeable: Site) -> None:
    """202 with Location; running with stage, done and total; succeeded with its times and what was printed."""
    go = changeable.folder / "go"
    code = f"""
import json, time
print(json.dumps({{"event": "backtest", "done": 3, "total": 10, "level": "info"}}), file=sys.stderr, flush=True)
print("a table", flush=True)
while not os.path.exists({str(go)!r}): time.sleep(0.02)
"""
    client = connect(changeable, Tiny(code))
    response = client.post(f"{API}/jobs", json=BODY)
    made = response.json()
    assert response.headers["location"] == f"{API}/jobs/{made['job_id']}?workspace=shop"
    assert (made["state"], made["kind"], made["by"], made["started_at"]) == ("queued", "etl", "local", None)
    for _ in range(600):
        running = client.get(response.headers["location"]).json()
        if running["progress"] and len(running["log"]) == 2:
            break
        time.sleep(0.05)
    assert running["state"] == "running"
    assert running["progress"] == {"stage": "backtest", "done": 3, "total": 10}
    go.touch()
    done = until(client, made["job_id"], "succeeded")
    assert made["created_at"] <= done["started_at"] <= done["finished_at"]
    assert [line["event"] for line in done["log"]] == ["backtest", "a table"]
    assert done["error"] is None


@pytest.mark.parametrize("state", ["queued", "running", "succeeded", "failed", "cancelled"])
def test_each_state_is_told_as_it_is(changeable: Site, state: Any) -> None:
    """By its own address, with and without the workspace, and in the list."""
    client = connect(changeable, Instant(state))
    job_id = start(client)["job_id"]
    assert look(client, job_id)["state"] == state
    assert client.get(f"{API}/jobs/{job_id}").json()["workspace"] == "shop"
    listed = client.get(f"{API}/jobs?workspace=shop").json()
    assert (listed["total"], [one["state"] for one in listed["items"]]) == (1, [state])
    assert client.get(f"{API}/jobs?workspace=meter").json()["items"] == []


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("sys.exit('error: the source is gone.\\n  - look there')", "the source is gone.\n  - look there"),
        ("sys.exit(3)", "The script ended with code 3."),
        ("raise KeyError('secret')", INSIDE),
        ("os.kill(os.getpid(), 9)", "It was killed, perhaps because the memory ran out."),
        ("os.kill(os.getpid(), 6)", "The script was ended by signal 6."),
        (
            "print('error: not the last word'); print('{\"event\": \"on\"}'); sys.exit(2)",
            "The script ended with code 2.",
        ),
    ],
)
def test_a_script_that_fails_says_why_in_words(changeable: Site, code: str, error: str) -> None:
    """Its own message, its exit code or its signal; never a traceback."""
    client = connect(changeable, Tiny(code))
    found = until(client, start(client)["job_id"], "failed")
    assert found["error"] == error
    assert not any(word in json.dumps(found) for word in ("Traceback", "KeyError", "secret", 'File "'))


def test_a_second_job_of_a_workspace_is_refused_by_the_name_of_the_first(changeable: Site) -> None:
    """409 while one is queued or runs; another workspace may have its own; after the end there may be a next one."""
    client = connect(changeable, Tiny(SLEEP))
    first = start(client)["job_id"]
    refused = client.post(f"{API}/jobs", json={**BODY, "kind": "train"})
    assert (refused.status_code, refused.json()["job_id"]) == (409, first)
    assert first in refused.json()["detail"]
    other = start(client, workspace="meter")["job_id"]
    full = client.post(f"{API}/jobs", json={**BODY, "workspace": "fresh"})
    assert (full.status_code, full.headers["Retry-After"]) == (503, "30")
    for job_id in (first, other):
        assert client.delete(f"{API}/jobs/{job_id}").status_code == 202
    until(client, first, "cancelled")
    start(client)


def test_of_many_at_the_same_moment_one_is_started(changeable: Site) -> None:
    """However many services and threads ask."""

    def ask(_: int) -> int:
        try:
            LocalJobs(changeable.reader, Instant("running"), 2).start("shop", "etl", "ada")
        except Problem as problem:
            return problem.status
        return 202

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(ask, range(16))) == [202] + [409] * 15


def test_cancelling_ends_the_script_and_all_that_it_has_started(changeable: Site) -> None:
    """Also children that do not listen to SIGTERM; a second wish is taken, one after the end is not."""
    code = "import subprocess; subprocess.Popen(['sh', '-c', 'trap : TERM; while :; do sleep 0.1; done']);" + SLEEP
    client = connect(changeable, Tiny(code))
    job_id = start(client)["job_id"]
    asleep(client, job_id)
    processes = family(job_id)
    assert len(processes) >= 3
    assert client.delete(f"{API}/jobs/{job_id}?workspace=shop").status_code == 202
    assert client.delete(f"{API}/jobs/{job_id}?workspace=shop").status_code in (202, 409)
    found = until(client, job_id, "cancelled")
    assert (found["error"], found["finished_at"] is not None) == (None, True)
    assert not psutil.wait_procs(processes, timeout=10)[1]
    late = client.delete(f"{API}/jobs/{job_id}?workspace=shop")
    assert (late.status_code, "has ended already: cancelled" in late.json()["detail"]) == (409, True)


def test_a_script_that_does_not_want_to_end_is_ended(changeable: Site) -> None:
    """After the grace: SIGKILL."""
    client = connect(
        changeable,
        Tiny(
            "import signal; signal.signal(15, lambda *_: None);"
            + SLEEP.replace("time.sleep(600)", "[time.sleep(1) for _ in range(600)]")
        ),
    )
    job_id = start(client)["job_id"]
    asleep(client, job_id)
    client.delete(f"{API}/jobs/{job_id}")
    begun = time.monotonic()
    until(client, job_id, "cancelled")
    assert time.monotonic() - begun > 3


def test_a_restart_of_the_service_changes_nothing(changeable: Site) -> None:
    """Another service over the same files sees the job running, may not start a second one, and sees its true end."""
    go = changeable.folder / "go"
    code = f"import time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.02)\nsys.exit('error: really failed')"
    job_id = start(connect(changeable, Tiny(code)))["job_id"]
    again = connect(changeable)
    until(again, job_id, "running")
    assert again.post(f"{API}/jobs", json=BODY).status_code == 409
    go.touch()
    assert until(again, job_id, "failed")["error"] == "really failed"


def test_a_job_outlives_a_service_that_is_killed(changeable: Site, tmp_path: Path) -> None:
    """kill -9 of the whole service: the script goes on, and its success is recorded."""
    go = changeable.folder / "go"
    script = f"import time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.02)"
    code = f"from backend.app import main; from tests.support.launchers import Tiny; main(Tiny({script!r}))"
    with running(changeable, tmp_path / "log", code) as (address, service):
        job_id = httpx2.post(f"{address}{API}/jobs", json=BODY).json()["job_id"]
        again = connect(changeable)
        until(again, job_id, "running")
        service.kill()
        service.wait()
    assert look(again, job_id)["state"] == "running"
    go.touch()
    until(again, job_id, "succeeded")


@pytest.mark.parametrize("wish", [False, True])
def test_a_job_whose_supervisor_is_killed_is_not_left_running(changeable: Site, wish: bool) -> None:
    """Its script ends with it; the job has failed, or is cancelled where that was asked for, and the next may start."""
    client = connect(changeable, Tiny(SLEEP))
    job_id = start(client)["job_id"]
    asleep(client, job_id)
    supervisor, *below = family(job_id)
    supervisor.suspend()
    if wish:
        client.delete(f"{API}/jobs/{job_id}")
    assert look(client, job_id)["state"] == "running"
    supervisor.kill()
    found = until(client, job_id, "failed", "cancelled")
    assert (found["state"], found["error"]) == (("cancelled", None) if wish else ("failed", files.VANISHED))
    assert found["finished_at"] >= found["started_at"]
    assert not psutil.wait_procs(below, timeout=10)[1]
    start(client)


def test_a_number_that_another_process_has_by_now_is_no_job(changeable: Site) -> None:
    """Nothing is looked for by its number: a record that says `running` is believed only while its lock is held."""
    client = connect(changeable)
    folder = changeable.folder / "artifacts/shop/jobs" / NOBODY
    folder.mkdir(parents=True)
    job = Job(NOBODY, "shop", "etl", "ada", files.now())
    replace(job, state="running", started_at=files.now()).save(folder)
    assert look(client, NOBODY)["state"] == "failed"
    lock = files.hold(folder)
    assert look(client, NOBODY)["state"] == "running"
    os.close(lock)
    assert look(client, NOBODY)["error"] == files.VANISHED


def test_a_machine_that_goes_down_cancels_nothing(changeable: Site) -> None:
    """SIGTERM to the supervisor, without anybody's wish: the script is ended, and the job has failed by name."""
    client = connect(changeable, Tiny(SLEEP))
    job_id = start(client)["job_id"]
    asleep(client, job_id)
    supervisor, *below = family(job_id)
    supervisor.send_signal(signal.SIGTERM)
    found = until(client, job_id, "failed", "cancelled")
    assert (found["state"], found["error"]) == ("failed", "The machine stopped it before it had finished.")
    assert not psutil.wait_procs(below, timeout=10)[1]


def test_what_is_shown_has_no_path_no_secret_and_no_value_of_the_environment(
    changeable: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what the scripts print. The keys of the service do not even reach them."""
    (changeable.folder / "key").write_text("opensesame\n")
    monkeypatch.setenv("ARTIFACT_SIGNING_KEY_FILE", str(changeable.folder / "key"))
    monkeypatch.setenv("SOURCE_SQL_URL", "postgresql://ada:pw@db.local/sales")
    monkeypatch.setenv("API_EXTRA", "value-of-the-service")
    code = f"""
import json
print(json.dumps({{"event": "done", "data": {str(changeable.folder)!r} + "/data/x.csv", "key": ["opensesame"], "n": 3}}))
print("via postgresql://ada:pw@db.local/sales and mysql://eve:hush@other/db at https://example.org/a/b")
print(os.environ.get("API_EXTRA"))
sys.exit("error: {changeable.folder}/data/rows.csv: line 3 of opensesame is 1/2 of Ash/tea")
"""
    client = connect(changeable, Tiny(code))
    found = until(client, start(client)["job_id"], "failed")
    assert found["error"] == "rows.csv: line 3 of [ARTIFACT_SIGNING_KEY] is 1/2 of Ash/tea"
    first, second, third, _ = found["log"]
    assert (first["data"], first["key"], first["n"]) == ("x.csv", ["[ARTIFACT_SIGNING_KEY]"], 3)
    assert second["event"] == "via [SOURCE_SQL_URL] and mysql://other/db at https://example.org/a/b"
    assert third["event"] == "None"
    kept = "".join(path.read_text() for path in changeable.folder.glob("artifacts/shop/jobs/*/*"))
    assert not any(secret in kept for secret in ("opensesame", "ada:pw", "eve:hush", "value-of-the-service"))


def test_a_long_log_is_cut_to_its_newest_lines(tmp_path: Path) -> None:
    """200 lines are shown; the file does not grow without end; a traceback is one line, and the rest is beside it."""
    log = Log(tmp_path, {})
    for number in range(6_000):
        log.add(f"{number} {'x' * 1_500}\n".encode())
    for line in ("Traceback (most recent call last):", '  File "/srv/x.py", line 1, in f', "KeyError: 'y'"):
        log.add(line.encode())
    log.add(b'{"event": "on", "done": true}')
    log.add(b"\xff\x00 \x1b[31mred\x1b[0m\n")
    shown = files.tail(tmp_path, 200)
    assert [line.event for line in shown[-3:]] == [INSIDE, "on", "�? red"]
    assert shown[-4].event.startswith("5999 ")
    assert (tmp_path / files.LOG).stat().st_size < 5 * 2**20
    assert "KeyError" in (tmp_path / files.TRACE).read_text()
    assert log.progress == {"stage": "on", "done": None, "total": None}


def test_the_newest_fifty_are_kept(tmp_path: Path) -> None:
    """In pages, the newest first."""
    folder = tmp_path / "configs/workspaces"
    folder.mkdir(parents=True)
    jobs = LocalJobs(Stores(Store(str(tmp_path / "data")), Store(str(tmp_path / "artifacts"))), Instant(), 2)
    made = [jobs.start("shop", "etl", "ada").job_id for _ in range(KEPT + 3)]
    assert jobs.ids("shop") == sorted(made, reverse=True)[:KEPT]


@pytest.mark.parametrize(("role", "read", "begin", "end"), [("viewer", 200, 403, 403), ("analyst", 200, 202, 202)])
def test_a_viewer_may_look_but_not_begin_or_end(changeable: Site, role: str, read: int, begin: int, end: int) -> None:
    """An analyst may."""
    secrets, lines = sites.keys()
    client = connect(changeable, Instant("running"), keys=lines)
    job_id = client.post(f"{API}/jobs", json=BODY, headers={"X-API-Key": secrets["admin"]}).json()["job_id"]
    client.headers["X-API-Key"] = secrets[role]
    statuses = (
        client.get(f"{API}/jobs/{job_id}").status_code,
        client.post(f"{API}/jobs", json={**BODY, "workspace": "meter"}).status_code,
        client.delete(f"{API}/jobs/{job_id}").status_code,
    )
    assert statuses == (read, begin, end)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/jobs", {**BODY, "workspace": "nobodys"}, 404),
        ("POST", "/jobs", {**BODY, "workspace": "../shop"}, 422),
        ("POST", "/jobs", {**BODY, "kind": "rm -rf"}, 422),
        ("POST", "/jobs", {**BODY, "command": "x"}, 422),
        ("GET", "/jobs?workspace=nobodys", None, 404),
        ("GET", "/jobs?workspace=%2Fetc", None, 422),
        ("GET", f"/jobs/{NOBODY}", None, 404),
        ("GET", f"/jobs/{NOBODY}?workspace=shop", None, 404),
        ("GET", "/jobs/..%2F..%2Fruns?workspace=shop", None, 404),
        ("GET", "/jobs/latest", None, 422),
        ("DELETE", f"/jobs/{NOBODY}", None, 404),
        ("DELETE", f"/jobs/{NOBODY}?workspace=..", None, 422),
    ],
)
def test_hostile_names_are_clean_errors(changeable: Site, method: str, path: str, body: Any, status: int) -> None:
    """404 or 422, and nothing is begun."""
    client = connect(changeable, Instant())
    response = client.request(method, API + path, json=body)
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    assert not list(changeable.folder.glob("artifacts/*/jobs/*"))


def test_where_artifacts_are_no_folder_there_are_no_jobs(changeable: Site) -> None:
    """503 that says so; also where the folder cannot be written."""
    client = connect(changeable, Instant())
    (changeable.folder / "artifacts/shop/jobs").write_text("in the way")
    assert client.post(f"{API}/jobs", json=BODY).status_code == 503
    remote = Stores(Store("memory://data"), Store("memory://artifacts"))
    response = connect(changeable, Instant(), remote).get(f"{API}/jobs?workspace=shop")
    assert (response.status_code, "object store" in response.json()["detail"]) == (503, True)
