"""The queue before the processes that compute forecasts: bounded, timed, and alive after whatever happens to them."""

import asyncio
import io
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from backend.compute.pool import Workers
from backend.core.errors import Problem
from backend.core.metrics import Metrics
from pipelines.core import pipe
from pipelines.core.errors import DataError, MissingColumn, NotFound, Untrusted

# Does what a request says, by the protocol of pipelines.forecasting.worker.
SCRIPT = """
import json, os, sys, time

def send(body, **head):
    sys.stdout.buffer.write(json.dumps({"kind": "ok", **head, "bytes": len(body)}).encode() + b"\\n" + body)
    sys.stdout.buffer.flush()

send(b"{}")
for line in sys.stdin:
    wanted = json.loads(line)
    time.sleep(wanted.get("sleep", 0))
    if wanted.get("die"):
        os._exit(3)
    send(str(os.getpid()).encode() + b"\\n" * wanted.get("size", 0), **wanted.get("head", {}))
"""


def run(use: Callable[[Workers], Awaitable[Any]], after: float = 0, **options: Any) -> tuple[Any, Metrics]:
    """What `use` makes of workers that start `after` so many seconds, and what they counted."""
    metrics = Metrics()

    async def main() -> Any:
        given = {"count": 1, "queue": 2, "timeout": 20.0, **options}
        workers = Workers(metrics=metrics, command=(sys.executable, "-c", SCRIPT), **given)
        await workers.start(after)
        try:
            return await use(workers)
        finally:
            await workers.stop()

    return asyncio.run(main()), metrics


def count(metrics: Metrics, name: str) -> float | None:
    return metrics.registry.get_sample_value(name) or metrics.registry.get_sample_value(
        "generate_requests_total", {"outcome": name}
    )


def test_one_process_answers_one_request_after_the_other() -> None:
    """Also large answers; what waits and runs is counted and is nothing again at the end."""

    async def use(workers: Workers) -> list[bytes]:
        return list(await asyncio.gather(*(workers.compute({"size": 2**20}) for _ in range(3))))

    answers, metrics = run(use)
    assert len({answer.strip() for answer in answers}) == 1
    assert all(len(answer) > 2**20 for answer in answers)
    assert count(metrics, "computed") == 3
    assert not count(metrics, "generate_queue_waiting")
    assert not count(metrics, "generate_queue_running")


def test_who_needs_a_process_does_not_wait_for_its_start() -> None:
    """A process that would start in an hour starts with the first request, alone."""

    async def use(workers: Workers) -> list[Any]:
        await asyncio.sleep(0)
        before = [worker.process for worker in workers._all]
        answer = await workers.compute({})
        return [before, answer, [worker.process for worker in workers._all if worker.process]]

    (before, answer, started), _ = run(use, after=3600, count=2)
    assert before == [None, None]
    assert [process.pid for process in started] == [int(answer)]


def test_a_full_queue_refuses_with_the_time_to_come_back() -> None:
    """One runs, two wait, the fourth is refused at once; the others are answered."""

    async def use(workers: Workers) -> list[Any]:
        first = asyncio.create_task(workers.compute({"sleep": 1.0}))
        await asyncio.sleep(0.5)
        waiting = [asyncio.create_task(workers.compute({})) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Problem) as refused:
            await workers.compute({})
        return [refused.value, *await asyncio.gather(first, *waiting)]

    (refused, *answers), metrics = run(use)
    assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
    assert "Too many forecasts" in refused.detail
    assert len(answers) == 3
    assert count(metrics, "refused") == 1


def test_what_takes_too_long_is_given_up_and_its_process_replaced() -> None:
    """504, and the next request is answered by another process."""

    async def use(workers: Workers) -> list[Any]:
        before = await workers.compute({})
        workers.timeout = 0.3
        with pytest.raises(Problem) as late:
            await workers.compute({"sleep": 60})
        workers.timeout = 20.0
        return [before, late.value, await workers.compute({})]

    (before, late, after), metrics = run(use)
    assert (late.status, "longer than 0.3 s" in late.detail) == (504, True)
    assert before != after
    assert count(metrics, "timeout") == 1


def test_giving_up_waiting_leaves_the_process_at_its_work() -> None:
    """A request whose time ends in the queue does not end the process that works for another."""

    async def use(workers: Workers) -> list[Any]:
        before = await workers.compute({})
        first = asyncio.create_task(workers.compute({"sleep": 1.0}))
        await asyncio.sleep(0.1)
        workers.timeout = 0.2
        with pytest.raises(Problem):
            await workers.compute({})
        return [before, await first]

    (before, after), _ = run(use)
    assert before == after


def test_a_process_that_ends_is_replaced() -> None:
    """503 for the request that it had; the next one is answered."""

    async def use(workers: Workers) -> list[Any]:
        with pytest.raises(Problem) as lost:
            await workers.compute({"die": True})
        between = await workers.compute({})
        os.kill(int(between), signal.SIGKILL)
        await asyncio.sleep(0.3)
        return [lost.value, between, await workers.compute({})]

    (lost, between, after), metrics = run(use)
    assert (lost.status, lost.headers["Retry-After"]) == (503, "5")
    assert between != after
    assert count(metrics, "crashed") == 1


INSIDE = "The forecasts could not be computed. The log has the reason."
MEMBERS = {"code": "missing_column", "field": "source.columns.y", "found": ["day"], "remedy": "Name it."}


class OfAStage(DataError):
    """An error that a stage of its own raises."""


@pytest.mark.parametrize(
    ("raised", "status", "detail", "members"),
    [
        (
            NotFound("there is no such series", remedy="Name another."),
            404,
            "there is no such series. Name another.",
            {"code": "not_found", "remedy": "Name another."},
        ),
        (
            DataError("there is no unit", where="/srv/data/shop.csv", **MEMBERS),
            422,
            "there is no unit. Name it.",
            MEMBERS,
        ),
        (
            OfAStage("there is no unit", where="/srv/data/shop.csv", **MEMBERS),
            422,
            "there is no unit. Name it.",
            MEMBERS,
        ),
        (
            MissingColumn("unit", ["day"], "/srv/data/shop.csv", field="source.columns.y"),
            422,
            "column 'unit' is missing (found: day). Set source.columns.y in the workspace file.",
            {**MEMBERS, "remedy": "Set source.columns.y in the workspace file."},
        ),
        (
            ModuleNotFoundError("No module", name="prophet"),
            501,
            "prophet is not installed where this service computes. Publish with scripts/inference.py.",
            {"code": "package_not_installed", "found": "prophet", "remedy": "Publish with scripts/inference.py."},
        ),
        (Untrusted("/srv/run/x.pkl was changed", remedy="Use another run."), 500, INSIDE, {}),
        (KeyError("secret"), 500, INSIDE, {}),
    ],
)
def test_an_error_of_a_worker_keeps_its_data(
    raised: Exception, status: int, detail: str, members: dict[str, Any]
) -> None:
    """From the process that raised it to the problem: what a client can correct is told; paths and the unexpected are not."""

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        raise raised

    output = io.BytesIO()
    pipe.serve(answer, io.BytesIO(b"{}\n"), output)
    head = json.loads(output.getvalue().splitlines()[-1].removeprefix(b"{}"))  # the body of the first answer

    async def use(workers: Workers) -> Any:
        with pytest.raises(Problem) as told:
            await workers.compute({"head": {name: value for name, value in head.items() if name != "bytes"}})
        return told.value

    told, _ = run(use)
    assert (told.status, told.detail, told.extra) == (status, detail, members)


def test_a_service_that_stops_begins_nothing() -> None:
    """503 for what comes now; what runs is finished."""

    async def use(workers: Workers) -> list[Any]:
        running = asyncio.create_task(workers.compute({"sleep": 0.5}))
        await asyncio.sleep(0.2)
        workers.shutdown.begin()
        with pytest.raises(Problem) as refused:
            await workers.compute({})
        return [refused.value, await running]

    (refused, answer), _ = run(use)
    assert (refused.status, "being stopped" in refused.detail) == (503, True)
    assert answer.isdigit()


def test_a_process_that_says_that_it_ends_is_replaced() -> None:
    """The answer is given, and the next request has a new process, without an error in between."""

    async def use(workers: Workers) -> list[bytes]:
        return [await workers.compute({"head": {"last": True}}) for _ in range(3)]

    answers, metrics = run(use)
    assert len(set(answers)) == 3
    assert count(metrics, "computed") == 3


def test_what_a_crash_means_is_said_by_who_asks() -> None:
    """A table that ends the process of previews would end the next one, too: no 503 that says to try again."""

    async def use(workers: Workers) -> tuple[Problem, bytes]:
        with pytest.raises(Problem, match="Upload fewer rows") as error:
            await workers.compute({"die": True}, crash=Problem(422, "Upload fewer rows."))
        return error.value, await workers.compute({})

    (problem, answer), _ = run(use)
    assert problem.status == 422
    assert answer


def test_without_a_delay_nothing_starts_by_itself() -> None:
    """A process that is seldom needed takes no memory until it is."""

    async def use(workers: Workers) -> list[Any]:
        await workers.start()
        await asyncio.sleep(0.05)
        return [worker.process for worker in workers._all]

    found, _ = run(use, after=3600)
    assert found == [None]
