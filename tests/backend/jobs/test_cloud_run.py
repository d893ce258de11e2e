"""Jobs on Cloud Run: started once, followed over restarts of the service, and told as they are."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from google.auth.compute_engine import _metadata
from starlette.testclient import TestClient

from backend.core.errors import Problem
from backend.core.settings import load
from backend.jobs.cloud import CloudJobs, Records
from backend.jobs.google import CloudRun
from pipelines.core.errors import ConfigError, StoreError
from pipelines.storage.layout import Places
from tests.backend.conftest import connect
from tests.support import google as stand_in
from tests.support.serving import Quiet, answering
from tests.support.site import Site

API = "/api/v1"
RECORDS = Places("shop").cloud_jobs
BODY = {"kind": "train", "workspace": "shop"}


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[stand_in.Google]:
    """What Google runs around the service; pauses are short, and logs are read each time."""
    with stand_in.serve(stand_in.Google()) as google:
        monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", google.url.removeprefix("http://"))
        nobody = "google.auth._regional_access_boundary_utils._get_domain"  # else it asks Google itself
        monkeypatch.setattr(nobody, lambda: "127.0.0.1:9")
        monkeypatch.setattr("backend.jobs.google._FRESH", 0.0)
        monkeypatch.setattr("backend.jobs.google.time.sleep", lambda seconds: None)
        yield google


def service(site: Site, cloud: stand_in.Google) -> TestClient:
    """A new process of the service: it knows nothing but what is stored."""
    where = {"cloud_run_project": "p1", "cloud_run_region": "r1"}
    return connect(site, jobs_on="cloud_run", cloud_run_url=cloud.url, cloud_logging_url=cloud.url, **where)


def start(client: TestClient, **changed: Any) -> dict[str, Any]:
    answer = client.post(f"{API}/jobs", json={**BODY, **changed})
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    return found


def look(client: TestClient, job: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"{API}/jobs/{job['job_id']}?workspace=shop").json()
    return found


def test_a_job_is_followed_over_a_restart(changeable: Site, cloud: stand_in.Google) -> None:
    """Its arguments arrive; it is queued, running with its progress and log, and succeeded, also for a new service."""
    job = start(service(changeable, cloud))
    ((name, execution),) = cloud.executions.items()
    (container,) = execution["template"]["containers"]
    assert container["args"] == ["-m", "scripts.train", "--workspace", "shop", "--json-log"]
    assert look(service(changeable, cloud), job)["state"] == "queued"
    execution["startTime"] = "2026-01-01T00:00:00Z"
    line = {"event": "backtest", "done": 3, "total": 10, "level": "info"}
    cloud.logs[name.rpartition("/")[2]] = [
        {"jsonPayload": line, "timestamp": "2026-01-01T00:01:00Z"},
        {"textPayload": "hello"},
    ]
    running = look(service(changeable, cloud), job)
    assert (running["state"], running["started_at"]) == ("running", "2026-01-01T00:00:00Z")
    assert running["progress"] == {"stage": "backtest", "done": 3, "total": 10}
    assert [line["event"] for line in running["log"]] == ["backtest", "hello"]
    cloud.finish(name, succeededCount=1)
    done = look(service(changeable, cloud), job)
    assert (done["state"], done["finished_at"], done["error"]) == ("succeeded", "2026-01-01T00:05:00Z", None)
    cloud.executions.clear()
    cloud.logs.clear()
    assert look(service(changeable, cloud), job) == done, "what has ended is kept here"
    listed = service(changeable, cloud).get(f"{API}/jobs?workspace=shop").json()
    assert [one["job_id"] for one in listed["items"]] == [job["job_id"]]


@pytest.mark.parametrize(
    ("kind", "name", "module"),
    [("etl", "etl", "run_etl"), ("monitor", "monitor", "monitor"), ("run_all", "run-all", "run_all")],
)
def test_each_kind_has_a_job_of_its_own(
    changeable: Site, cloud: stand_in.Google, kind: str, name: str, module: str
) -> None:
    """By the prefix and the kind."""
    start(service(changeable, cloud), kind=kind)
    ((execution, found),) = cloud.executions.items()
    assert execution.startswith(f"projects/p1/locations/r1/jobs/forecast-{name}/executions/")
    assert found["template"]["containers"][0]["args"][1] == f"scripts.{module}"


def test_a_failure_is_told_without_secrets(
    changeable: Site, cloud: stand_in.Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The script's own message; where it left none, what Cloud Run says."""
    monkeypatch.setenv("ARTIFACT_SIGNING_KEY", "opensesame")
    client = service(changeable, cloud)
    job = start(client)
    name = next(iter(cloud.executions))
    cloud.logs["e0"] = [{"textPayload": "error: /app/data/rows.csv: line 3 of opensesame is wrong"}]
    cloud.finish(name, failedCount=1, startTime="2026-01-01T00:00:00Z")
    assert look(client, job)["error"] == "rows.csv: line 3 of [ARTIFACT_SIGNING_KEY] is wrong"
    second = start(client)
    said = {"type": "Completed", "state": "CONDITION_FAILED", "message": "Memory limit of 512 MiB exceeded."}
    cloud.finish(list(cloud.executions)[1], failedCount=1, conditions=[said])
    assert (look(client, second)["state"], look(client, second)["error"]) == ("failed", said["message"])


def test_a_job_is_cancelled(changeable: Site, cloud: stand_in.Google) -> None:
    """Once; one that has ended cannot be."""
    client = service(changeable, cloud)
    job = start(client)
    assert client.delete(f"{API}/jobs/{job['job_id']}?workspace=shop").status_code == 202
    assert look(client, job)["state"] == "cancelled"
    assert client.delete(f"{API}/jobs/{job['job_id']}?workspace=shop").status_code == 409


def test_a_workspace_has_one_job_at_a_time(changeable: Site, cloud: stand_in.Google) -> None:
    """Also for several services; and all workspaces together as many as may be."""
    job = start(service(changeable, cloud))
    second = service(changeable, cloud).post(f"{API}/jobs", json=BODY)
    assert (second.status_code, second.json()["job_id"]) == (409, job["job_id"])
    start(service(changeable, cloud), workspace="meter")
    assert service(changeable, cloud).post(f"{API}/jobs", json={**BODY, "workspace": "fresh"}).status_code == 503
    assert len(cloud.executions) == 2


@pytest.mark.parametrize("fault", [429, 503, "lost"])
def test_a_start_whose_answer_fails_is_made_once(changeable: Site, cloud: stand_in.Google, fault: int | str) -> None:
    """Refused for a moment, it is tried again; where only the answer was lost, the execution is found by the job's id."""

    def once(method: str, path: str) -> int | str | None:
        if not path.endswith(":run"):
            return None
        cloud.fault = lambda method, path: None
        return fault

    cloud.fault = once
    job = start(service(changeable, cloud))
    assert len(cloud.executions) == 1
    assert look(service(changeable, cloud), job)["state"] == "queued"


def test_a_service_that_dies_while_it_starts_a_job_leaves_it_findable(changeable: Site, cloud: stand_in.Google) -> None:
    """The execution was begun, but nobody wrote its name down; where there is none, the job has failed after a while."""
    jobs = CloudJobs(changeable.reader, CloudRun("p1", "r1", "forecast-", cloud.url, cloud.url), 2)
    job = jobs.start("shop", "train", "ada")

    def forget(now: Records, created_at: str = job.created_at) -> Records:
        return now.changed(jobs=[replace(one, execution=None, created_at=created_at) for one in now.jobs])

    changeable.reader.artifacts.move_pointer(RECORDS, Records, forget)
    assert jobs.active("shop") is not None
    (name,) = cloud.executions
    cloud.finish(name, succeededCount=1)
    found = jobs.get("shop", job.job_id)
    assert found is not None
    assert found.state == "succeeded"

    lost = jobs.start("shop", "train", "ada")
    cloud.executions.clear()
    changeable.reader.artifacts.move_pointer(RECORDS, Records, forget)
    assert jobs.get("shop", lost.job_id) == replace(lost, created_at=job.created_at)
    with pytest.raises(Problem, match="only being started"):
        jobs.cancel(lost, "ada")
    long_ago = (datetime.now(UTC) - timedelta(minutes=3)).isoformat()
    changeable.reader.artifacts.move_pointer(RECORDS, Records, lambda now: forget(now, long_ago))
    found = jobs.get("shop", lost.job_id)
    assert found is not None
    assert (found.state, found.error is not None and "never started" in found.error) == ("failed", True)
    assert jobs.active("shop") is None


def test_cloud_run_that_is_away_is_told(changeable: Site, cloud: stand_in.Google) -> None:
    """503 in a sentence, and the job counts as failed, so that the workspace is free again."""
    cloud.fault = lambda method, path: 503 if path.startswith("/v2/") else None
    answer = service(changeable, cloud).post(f"{API}/jobs", json=BODY)
    assert answer.status_code == 503
    cloud.fault = lambda method, path: 403 if path.endswith(":run") else None
    answer = service(changeable, cloud).post(f"{API}/jobs", json=BODY)
    assert (answer.status_code, "Check the rights" in answer.json()["detail"]) == (503, True)
    cloud.fault = lambda method, path: None
    start(service(changeable, cloud))
    assert b"token-of-the-account" not in changeable.reader.artifacts.read(RECORDS)


def test_only_the_newest_jobs_are_kept(
    changeable: Site, cloud: stand_in.Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With their logs; those of older ones are removed."""
    monkeypatch.setattr("backend.jobs.cloud.KEPT", 2)
    jobs = CloudJobs(changeable.reader, CloudRun("p1", "r1", "forecast-", cloud.url, cloud.url), 2)
    made = []
    for _ in range(5):
        job = jobs.start("shop", "etl", "ada")
        cloud.finish(list(cloud.executions)[-1], succeededCount=1)
        found = jobs.get("shop", job.job_id)
        assert found is not None
        assert replace(found, state="succeeded") == found
        made.append(job.job_id)
    assert jobs.ids("shop") == made[:1:-1]
    assert changeable.reader.artifacts.folders(Places("shop").jobs) == made[2:]


def test_project_and_region_belong_to_cloud_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """One without the other two does not start."""
    monkeypatch.setenv("API_JOBS_ON", "cloud_run")
    monkeypatch.setenv("API_CLOUD_RUN_PROJECT", "p1")
    with pytest.raises(ConfigError, match="Set API_CLOUD_RUN_PROJECT and API_CLOUD_RUN_REGION"):
        load()
    monkeypatch.setenv("API_CLOUD_RUN_REGION", "r1")
    assert load().jobs_on == "cloud_run"


def test_many_at_the_same_moment_are_never_more_than_may(changeable: Site, cloud: stand_in.Google) -> None:
    """Each in a workspace and a service of its own; a slot is free again once its job has ended."""
    names = [f"w{n}" for n in range(5)]
    for name in names:
        (changeable.folder / f"configs/workspaces/{name}.yaml").write_text("title: one of many\n")
    services = [service(changeable, cloud) for _ in names]

    def begin(n: int) -> int:
        return services[n].post(f"{API}/jobs", json={**BODY, "workspace": names[n]}).status_code

    with ThreadPoolExecutor(len(names)) as pool:
        assert sorted(pool.map(begin, range(len(names)))) == [202, 202, 503, 503, 503]
    assert len(cloud.executions) == 2
    for execution in cloud.executions:
        cloud.finish(execution, succeededCount=1)
    assert begin(4) == 202


@pytest.mark.parametrize("content", [b"null", b"[]", b'{"version": 1, "jobs": 5}', b"{", b"\xff"])
def test_damaged_records_stop_no_other_workspace(changeable: Site, cloud: stand_in.Google, content: bytes) -> None:
    """Of `shop`: there the answer says which file and what to do; in `meter` a job starts."""
    client = service(changeable, cloud)
    path = changeable.folder / "artifacts/shop/jobs/cloud_run.json"
    path.parent.mkdir()
    path.write_bytes(content)
    assert start(client, workspace="meter")["state"] == "queued"
    refused = client.get(f"{API}/jobs?workspace=shop")
    assert refused.status_code == 503
    assert "shop/jobs/cloud_run.json cannot be used" in refused.json()["detail"]
    assert client.get(f"{API}/jobs/20240101T000000Z-00000000").status_code == 404


def test_a_token_follows_no_redirect() -> None:
    """Who answers for Cloud Run at another address gets neither the token nor the call."""
    reached: list[str] = []

    class Other(Quiet):
        def do_GET(self) -> None:
            reached.append(self.headers.get("Authorization", ""))
            self.send_error(404)

    with answering(Other) as other:

        class Named(Quiet):
            def do_GET(self) -> None:
                self.send_response(307)
                self.send_header("Location", other)
                self.send_header("Content-Length", "0")
                self.end_headers()

        with answering(Named) as named:
            cloud = CloudRun("p1", "r1", "forecast-", url=named)
            vars(cloud)["_session"] = requests.Session()
            with pytest.raises(StoreError, match="refuses with status 307"):
                cloud.find("train", "20240101T000000Z-00000000")
    assert reached == []
