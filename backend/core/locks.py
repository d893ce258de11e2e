"""Locks among several services over the same files."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from pipelines.storage import disk

_PATIENCE = 10.0  # seconds that a writer waits for another


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """One at a time, also among several services: the others wait. Conflict after ten seconds."""
    with path.open("w") as file:
        disk.lock(file, str(path), _PATIENCE)
        yield
