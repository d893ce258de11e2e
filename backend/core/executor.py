"""Separate threads for slow work, so that requests that only read never wait for it."""

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from weakref import WeakValueDictionary

from backend.core.errors import Problem

T = TypeVar("T")


class BoundedExecutor:
    """Runs one kind of work (`what`) on `threads` threads, with at most `most` callers running or waiting.

    Work with the same key runs sequentially, so that a slow workspace occupies one thread. Only for one event loop.
    """

    def __init__(self, what: str, threads: int, most: int) -> None:
        self._what, self._most, self._inside = what, most, 0
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=what)
        self._turns: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()
        self._closed = False

    async def run(self, key: Hashable, work: Callable[[], T]) -> T:
        """Returns the result of `work`, which completes even if the caller stops waiting. Problem 503 if too many
        callers wait.
        """
        if self._closed or self._inside >= self._most:
            why = "The service is being stopped." if self._closed else f"Too many {self._what} are waiting."
            raise Problem(503, f"{why} Try again in a few seconds.", headers={"Retry-After": "5"})
        return await asyncio.shield(asyncio.create_task(self._in_turn(key, work)))

    async def _in_turn(self, key: Hashable, work: Callable[[], T]) -> T:
        self._inside += 1
        try:
            turn = self._turns.get(key)
            if turn is None:
                turn = self._turns[key] = asyncio.Lock()
            async with turn:
                return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._inside -= 1

    def close(self) -> None:
        """Lets running work finish and drops the rest."""
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)
