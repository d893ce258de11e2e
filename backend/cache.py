"""What was read stays in memory: runs and forecast sets never change, so what is kept of them is never stale."""

import asyncio
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import pyarrow as pa
from cachetools import LRUCache

from backend.metrics import Metrics

T = TypeVar("T")


class Cache:
    """The newest used values that fit into `mb`; one that is larger by itself is kept alone.

    Values are loaded in a thread, each once, however many ask at the same time. Only for one event loop.
    """

    def __init__(self, mb: float, metrics: Metrics) -> None:
        size = int(mb * 2**20)
        self._values: LRUCache[Hashable, Any] = LRUCache(size, getsizeof=lambda value: min(_size(value), size))
        self._loading: dict[Hashable, asyncio.Task[Any]] = {}
        self._metrics = metrics

    async def get(self, kind: str, key: Hashable, load: Callable[[], T]) -> T:
        """The value of `key`, which must name all that it depends on."""
        whole = (kind, key)
        found: T | None = self._values.get(whole)
        self._metrics.read(kind, "miss" if found is None else "hit")
        if found is not None:
            return found
        task = self._loading.get(whole)
        if task is None:
            task = self._loading[whole] = asyncio.create_task(asyncio.to_thread(load))
            task.add_done_callback(lambda done: self._keep(whole, done))
        loaded: T = await asyncio.shield(task)  # who stops waiting does not stop the others
        return loaded

    def now(self, kind: str, key: Hashable, make: Callable[[], T]) -> T:
        """The value of `key`, made on the spot if need be: for what takes less than handing it to a thread."""
        whole = (kind, key)
        found: T | None = self._values.get(whole)
        self._metrics.read(kind, "miss" if found is None else "hit")
        if found is None:
            found = self._values[whole] = make()
        return found

    def _keep(self, whole: Hashable, done: "asyncio.Task[Any]") -> None:
        del self._loading[whole]
        if not done.cancelled() and done.exception() is None:
            self._values[whole] = done.result()
        pa.default_memory_pool().release_unused()  # what reading took and keeping does not


def _size(value: Any) -> int:
    """About the bytes that a value takes."""
    return len(value) + 200 if isinstance(value, bytes) else int(getattr(value, "nbytes", 10_000))
