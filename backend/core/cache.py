"""In-memory cache. Runs and forecast sets are immutable, so cached values are never stale."""

import asyncio
import hashlib
import sys
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import pyarrow as pa
from cachetools import LRUCache

from backend.core.metrics import Metrics

T = TypeVar("T")

_ENTRY = 1_000  # overhead of any entry in bytes: its slots in the cache and the objects around key and value
_UNMEASURED = 10_000  # bytes assumed for a value without `nbytes`


class Cache:
    """Least-recently-used cache of at most `mb` MiB, keys included; a value larger than that displaces all others.

    Values are loaded in a thread, once per key even with concurrent callers. Only for one event loop.
    """

    def __init__(self, mb: float, metrics: Metrics) -> None:
        # Clients choose the keys and may request empty results: without a minimum weight per entry, they could fill the
        # memory.
        self._values: LRUCache[Hashable, tuple[int, Any]] = LRUCache(mb * 2**20, getsizeof=lambda entry: entry[0])
        self._loading: dict[Hashable, asyncio.Task[Any]] = {}
        self._metrics = metrics

    async def get(self, kind: str, key: Hashable, load: Callable[[], T]) -> T:
        """The value of `key`, which must include everything that the value depends on."""
        whole = (kind, key)
        entry: tuple[int, T] | None = self._values.get(whole)
        self._metrics.read(kind, "miss" if entry is None else "hit")
        if entry is not None:
            return entry[1]
        task = self._loading.get(whole)
        if task is None:
            task = self._loading[whole] = asyncio.create_task(asyncio.to_thread(load))
            task.add_done_callback(lambda done: self._loaded(whole, done))
        loaded: T = await asyncio.shield(task)  # a caller that is cancelled does not cancel the load for the others
        return loaded

    def now(self, kind: str, key: Hashable, make: Callable[[], T]) -> T:
        """The value of `key`, computed in the event loop if it is missing: for work that is cheaper than a switch of
        threads.
        """
        whole = (kind, key)
        entry: tuple[int, T] | None = self._values.get(whole)
        self._metrics.read(kind, "miss" if entry is None else "hit")
        return self._keep(whole, make()) if entry is None else entry[1]

    def _loaded(self, whole: Hashable, done: "asyncio.Task[Any]") -> None:
        del self._loading[whole]
        if not done.cancelled() and done.exception() is None:
            self._keep(whole, done.result())
        pa.default_memory_pool().release_unused()  # memory that was needed for reading only

    def _keep(self, whole: Hashable, value: T) -> T:
        size = min(_ENTRY + _size_of_key(whole) + _size(value), int(self._values.maxsize))
        self._values[whole] = size, value
        return value


def fingerprint(*parts: object) -> bytes:
    """A short key for parts that clients choose, and that may be as long as a request: strings, numbers, None, tuples."""
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).digest()


def _size(value: Any) -> int:
    """Approximate size of a value in bytes."""
    return len(value) if isinstance(value, bytes) else int(getattr(value, "nbytes", _UNMEASURED))


def _size_of_key(key: Any) -> int:
    """Size of a key in bytes, including its parts."""
    return sys.getsizeof(key) + (sum(map(_size_of_key, key)) if isinstance(key, tuple) else 0)
