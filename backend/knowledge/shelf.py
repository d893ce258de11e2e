"""Cache of open indexes, least recently used closed first."""

import ctypes
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

from backend.knowledge.index import Index

OPEN = 8  # each takes about 8 MB, 10 descriptors and 5 threads


class Shelf:
    """At most `most` open indexes, plus those in use. Thread-safe."""

    def __init__(self, most: int = OPEN) -> None:
        self._most = most
        self._open: OrderedDict[Hashable, Index] = OrderedDict()
        self._users: Counter[Hashable] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def using(self, key: Hashable, make: Callable[[], Index]) -> Iterator[Index]:
        """The index of `key`, opened with `make` if needed; it stays open until the context ends."""
        with self._lock:
            index = self._open.get(key) or make()
            self._open[key] = index
            self._open.move_to_end(key)
            self._users[key] += 1
        try:
            yield index
        finally:
            with self._lock:
                self._users -= Counter({key: 1})
                for unused in [one for one in self._open if one not in self._users]:
                    if len(self._open) > self._most:
                        self._open.pop(unused).close()
                        _give_back()

    def close(self) -> None:
        """Closes the indexes that are not in use."""
        with self._lock:
            for unused in [one for one in self._open if one not in self._users]:
                self._open.pop(unused).close()


def _give_back() -> None:
    """Returns freed memory to the system. glibc would keep it, and more with each index, since each had its own
    threads.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
