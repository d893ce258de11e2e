"""Threads for slow work: bounded, in turns, and none of those that reads need."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from backend.core.errors import Problem
from backend.core.executor import BoundedExecutor


@pytest.fixture
def executor() -> Iterator[BoundedExecutor]:
    found = BoundedExecutor("searches", threads=2, most=4)
    yield found
    found.close()


def test_who_comes_when_too_many_wait_is_told_when_to_come_again(executor: BoundedExecutor) -> None:
    """503 with Retry-After beyond the limit; those before it are served, and then there is room again."""
    free = threading.Event()

    async def main() -> tuple[list[bool], Problem, str]:
        waiting = [asyncio.create_task(executor.run(number, lambda: free.wait(10))) for number in range(4)]
        await asyncio.sleep(0.05)
        with pytest.raises(Problem, match="Too many searches are waiting") as refused:
            await executor.run(5, lambda: "never")
        free.set()
        return await asyncio.gather(*waiting), refused.value, await executor.run(6, lambda: "served")

    served, problem, later = asyncio.run(main())
    assert (served, later) == ([True] * 4, "served")
    assert (problem.status, problem.headers["Retry-After"]) == (503, "5")


def test_one_slow_key_occupies_one_thread(executor: BoundedExecutor) -> None:
    """Three callers wait for one workspace, and another workspace is served meanwhile, as is whoever reads in a thread."""
    free = threading.Event()

    async def main() -> list[str]:
        slow = [asyncio.create_task(executor.run("slow", lambda: free.wait(10))) for _ in range(3)]
        await asyncio.sleep(0.05)
        found = [await executor.run("other", lambda: "served"), await asyncio.to_thread(lambda: "read")]
        free.set()
        await asyncio.gather(*slow)
        return found

    assert asyncio.run(main()) == ["served", "read"]


def test_work_under_one_key_is_done_one_after_the_other(executor: BoundedExecutor) -> None:
    """Two updates of one index never run at once."""
    running, most = 0, 0

    def work() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        threading.Event().wait(0.01)
        running -= 1

    async def main() -> None:
        await asyncio.gather(*(executor.run("one", work) for _ in range(4)))

    asyncio.run(main())
    assert most == 1


def test_who_stops_waiting_keeps_the_place_until_the_work_is_done(executor: BoundedExecutor) -> None:
    """Clients that break off cannot pile up more work than the limit."""
    free = threading.Event()

    async def main() -> None:
        for number in range(4):
            asking = asyncio.create_task(executor.run(number, lambda: free.wait(10)))
            await asyncio.sleep(0.02)
            asking.cancel()
        await asyncio.sleep(0.02)
        with pytest.raises(Problem):
            await executor.run(5, lambda: None)
        free.set()

    asyncio.run(main())


def test_a_closed_lane_begins_nothing(executor: BoundedExecutor) -> None:
    """503 while the service stops."""
    executor.close()
    with pytest.raises(Problem, match="being stopped"):
        asyncio.run(executor.run("key", lambda: None))
