"""Jobs after faults: clocks that were ahead, records that are damaged, and many starts at the same moment."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.core.errors import Problem
from backend.jobs import record as files
from backend.jobs.local import KEPT, LocalJobs
from backend.jobs.record import Job
from tests.backend.conftest import connect
from tests.backend.jobs.test_routes import API, BODY, SLEEP, _nothing_is_left, asleep, look, start, until  # noqa: F401 - a fixture
from tests.support.launchers import Instant, Tiny
from tests.support.site import Site

FUTURE = "20991231T000000Z-{:08x}"


def test_a_job_of_the_future_does_not_hide_one_that_runs(changeable: Site) -> None:
    """The clock was ahead once: the second job of the workspace is refused, the newest is first, and what runs is kept."""
    jobs = LocalJobs(changeable.reader, Instant("running"), 2)
    ended = LocalJobs(changeable.reader, Instant("succeeded"), 2)
    above = changeable.folder / "artifacts/shop/jobs"
    for n in range(KEPT):
        Instant().start(above / FUTURE.format(n), Job(FUTURE.format(n), "shop", "etl", "x", files.now()), [])
    first = jobs.start("shop", "etl", "ada")
    assert jobs.ids("shop")[0] == first.job_id
    with pytest.raises(Problem, match="has a job already"):
        ended.start("shop", "train", "bob")
    assert len(jobs.ids("shop")) == KEPT
    jobs.cancel(first, "ada")
    second = ended.start("shop", "train", "bob")
    assert jobs.ids("shop")[:2] == [second.job_id, first.job_id]


RECORDS = {
    "null": b"null",
    "a list": b"[]",
    "nothing in it": b"{}",
    "half": b'{"job_id": "2',
    "no UTF-8": b"\xff",
    "deep nesting": b"[" * 100_000,
    "wrong types": b'{"job_id": 5}',
    "an unknown key": b'{"a": 1}',
    "infinite": b"1e999",
}


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_a_damaged_record_stops_no_other_workspace(changeable: Site, record: bytes) -> None:
    """It is shown as failed with its reason, and a job can be started here and elsewhere."""
    client = connect(changeable, Instant())
    damaged = start(client)["job_id"]
    folder = changeable.folder / "artifacts/shop/jobs" / damaged
    (folder / "job.json").write_bytes(record)
    files.ask_to_cancel(folder, "x")  # for `Instant`: its process is gone
    (folder / "cancel.json").rename(folder / "log.jsonl")
    (changeable.folder / "artifacts/shop/jobs/backup").mkdir()
    (changeable.folder / "artifacts/shop/jobs/backup/job.json").write_bytes(record)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Instant, "state", lambda *_: "gone")
        found = look(client, damaged)
        assert (found["state"], found["kind"]) == ("failed", "unknown")
        assert "job.json cannot be read" in found["error"]
        assert client.get(f"{API}/jobs?workspace=shop").json()["total"] == 1
        assert start(client, workspace="meter")["state"] == "queued"
        assert start(client)["state"] == "queued"


def test_a_job_with_a_damaged_record_still_keeps_others_out(changeable: Site) -> None:
    """As long as its process holds the lock it runs; when it ends, its supervisor has written the record again."""
    client = connect(changeable, Tiny(SLEEP))
    job_id = start(client)["job_id"]
    asleep(client, job_id)
    folder = changeable.folder / "artifacts/shop/jobs" / job_id
    (folder / "job.json").write_bytes(b"{")
    assert look(client, job_id)["state"] == "running"
    assert client.post(f"{API}/jobs", json=BODY).status_code == 409
    client.delete(f"{API}/jobs/{job_id}?workspace=shop").raise_for_status()
    assert until(client, job_id, "cancelled")["kind"] == "etl"


def test_lines_of_a_log_that_are_none_are_skipped(changeable: Site) -> None:
    """Torn ones, bytes that are no text, and JSON that is no event."""
    client = connect(changeable, Instant())
    job_id = start(client)["job_id"]
    log = changeable.folder / "artifacts/shop/jobs" / job_id / "log.jsonl"
    log.write_bytes(
        b'{"a":\n\xff\xfe\n[]\n5\n{}\n{"event": 5}\n' + b"\0" * 99 + b'\n{"event": "rows read", "rows": 3}\n'
    )
    assert [line["event"] for line in look(client, job_id)["log"]] == ["rows read"]


def test_never_more_run_at_once_than_may(changeable: Site) -> None:
    """However many are started at the same moment, each in a workspace of its own."""
    names = [f"w{n}" for n in range(6)]
    for name in names:
        (changeable.folder / f"configs/workspaces/{name}.yaml").write_text("title: one of many\n")
    jobs = [LocalJobs(changeable.reader, Instant("running"), 2) for _ in names]  # as in several services

    def begin(n: int) -> bool:
        try:
            jobs[n].start(names[n], "etl", "ada")
        except Problem as problem:
            return problem.status != 503
        return True

    with ThreadPoolExecutor(len(names)) as pool:
        assert sum(pool.map(begin, range(len(names)))) == 2
