"""What was read stays in memory: runs and forecast sets never change, so what is kept of them is never stale."""

import asyncio
import hashlib
import sys
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import pyarrow as pa
from cachetools import LRUCache

from backend.core.metrics import Metrics

T = TypeVar("T")

_ENTRY = 1_000  # bytes of an entry whatever it holds: its places in the cache and the objects around key and value
_UNMEASURED = 10_000  # of a value that does not say how large it is


class Cache:
    """The most recently used values that fit into `mb` with their keys; one that is larger than that is kept alone.

    Values are loaded in a thread, each once, however many ask at the same time. Only for one event loop.
    """

    def __init__(self, mb: float, metrics: Metrics) -> None:
        # Clients choose the keys and may ask for what is empty: every entry has a weight, or they decide how much is kept.
        self._values: LRUCache[Hashable, tuple[int, Any]] = LRUCache(mb * 2**20, getsizeof=lambda entry: entry[0])
        self._loading: dict[Hashable, asyncio.Task[Any]] = {}
        self._metrics = metrics

    async def get(self, kind: str, key: Hashable, load: Callable[[], T]) -> T:
        """The value of `key`, which must name all that it depends on."""
        whole = (kind, key)
        entry: tuple[int, T] | None = self._values.get(whole)
        self._metrics.read(kind, "miss" if entry is None else "hit")
        if entry is not None:
            return entry[1]
        task = self._loading.get(whole)
        if task is None:
            task = self._loading[whole] = asyncio.create_task(asyncio.to_thread(load))
            task.add_done_callback(lambda done: self._loaded(whole, done))
        loaded: T = await asyncio.shield(task)  # who stops waiting does not stop the others
        return loaded

    def now(self, kind: str, key: Hashable, make: Callable[[], T]) -> T:
        """The value of `key`, made on the spot if need be: for what takes less than handing it to a thread."""
        whole = (kind, key)
        entry: tuple[int, T] | None = self._values.get(whole)
        self._metrics.read(kind, "miss" if entry is None else "hit")
        return self._keep(whole, make()) if entry is None else entry[1]

    def _loaded(self, whole: Hashable, done: "asyncio.Task[Any]") -> None:
        del self._loading[whole]
        if not done.cancelled() and done.exception() is None:
            self._keep(whole, done.result())
        pa.default_memory_pool().release_unused()  # what reading took and keeping does not

    def _keep(self, whole: Hashable, value: T) -> T:
        size = min(_ENTRY + _size_of_key(whole) + _size(value), int(self._values.maxsize))
        self._values[whole] = size, value
        return value


def fingerprint(*parts: object) -> bytes:
    """A short key for parts that clients choose, and that may be as long as a request: strings, numbers, None, tuples."""
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).digest()


def _size(value: Any) -> int:
    """About the bytes that a value takes."""
    return len(value) if isinstance(value, bytes) else int(getattr(value, "nbytes", _UNMEASURED))


def _size_of_key(key: Any) -> int:
    """The bytes that a key takes, with all that it is made of."""
    return sys.getsizeof(key) + (sum(map(_size_of_key, key)) if isinstance(key, tuple) else 0)
