"""Interface of storage backends (disk or object store): bytes below one root.

Every failure is a StoreError with the path and a remedy.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import PurePosixPath
from typing import BinaryIO, Protocol

from pipelines.core.errors import Untrusted
from pipelines.storage.layout import Place
from pipelines.storage.manifest import Entry


class Readable(Protocol):
    """The read operations of a backend."""

    @property
    def root(self) -> str:
        """The folder, or the bucket and the path in it, without a trailing slash."""
        ...

    @property
    def is_local(self) -> bool:
        """Whether the root is a folder of this machine."""
        ...

    def path(self, place: Place) -> str:
        """The path of a place; Untrusted if it is outside the root."""
        ...

    def read(self, place: Place) -> bytes | None:
        """The unverified bytes of a file; None if it does not exist."""
        ...

    def open(self, place: Place, entry: Entry) -> BinaryIO:
        """Opens a file to read in pieces, unchecked against its `entry`; FileNotFoundError if it does not exist."""
        ...

    def forget(self, entry: Entry) -> None:
        """Drops a copy of a file that does not match its `entry`."""
        ...

    def exists(self, place: Place) -> bool:
        """Whether the file exists."""
        ...

    def find(self, place: Place) -> set[str]:
        """All files below a directory, as relative paths."""
        ...

    def directories(self, place: Place, holding: str) -> list[str]:
        """Names of the direct subdirectories of `place` that contain a file named `holding`, in any order."""
        ...

    def fetch(self, place: Place, to: str) -> None:
        """Copies a file, or all files below a directory, into the folder `to`, at the same relative path."""
        ...


class Medium(Readable, Protocol):
    """A backend with read and write operations."""

    def write(self, place: Place, content: bytes) -> None:
        """Writes a file that has no other writer; stored when this returns; a failure leaves nothing."""
        ...

    def create(self, place: Place, content: bytes) -> None:
        """Writes a new file; Conflict if it exists. After an error, readers may have seen it."""
        ...

    def replacing(self, place: Place) -> AbstractContextManager[BinaryIO]:
        """A file to write in pieces that appears once complete; StoreError on an object store."""
        ...

    def update(self, place: Place, change: Callable[[bytes | None], bytes]) -> None:
        """Replaces a file by `change(its content, or None)` atomically; exceptions of `change` are raised.

        Without locks, `change` is called again if another writer was faster.
        """
        ...

    def append(self, place: Place, line: str) -> None:
        """Adds a line to an append-only file; a torn piece at its end is copied aside and terminated."""
        ...

    def remove(self, place: Place, first: str) -> None:
        """Removes a directory, its file `first` before all others."""
        ...

    def discard(self, place: Place) -> None:
        """Removes a directory as far as possible."""
        ...

    def sweep(self, place: Place, holding: str, seconds: float) -> list[str]:
        """Removes direct subdirectories that lack `holding` and have not changed for `seconds`; returns their names."""
        ...


def relative(place: Place) -> str:
    """The path of a place relative to its root; Untrusted if it could lead out of it."""
    path = PurePosixPath(*place.parts)
    if path.is_absolute() or ".." in path.parts or any("\\" in part or "\0" in part for part in place.parts):
        raise leads_out(place)
    return str(path)


def leads_out(place: Place) -> Untrusted:
    """The error for a place outside its root."""
    return Untrusted(f"the path {str(place)!r} leads out of the store", remedy="Remove the link that leads there.")
