"""What a store needs of a disk or an object store: bytes in and out, below one root.

Every failure is a StoreError that names the path and what to do.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import PurePosixPath
from typing import BinaryIO, Protocol

from pipelines.core.errors import Untrusted
from pipelines.storage.layout import Place
from pipelines.storage.manifest import Entry


class Readable(Protocol):
    """The half that readers use."""

    @property
    def root(self) -> str:
        """The folder or the bucket and the path in it, without a slash at the end."""
        ...

    @property
    def is_local(self) -> bool:
        """Whether the root is a folder of this machine."""
        ...

    def path(self, place: Place) -> str:
        """The path of a place; Untrusted if it would lie anywhere but below the root."""
        ...

    def read(self, place: Place) -> bytes | None:
        """The bytes of a file, unverified; None where there is none."""
        ...

    def open(self, place: Place, entry: Entry) -> BinaryIO:
        """A file to read in pieces, not yet checked against its `entry`; FileNotFoundError."""
        ...

    def forget(self, entry: Entry) -> None:
        """Drops a copy of a file that turned out not to be what its `entry` says."""
        ...

    def exists(self, place: Place) -> bool:
        """Whether there is such a file."""
        ...

    def find(self, place: Place) -> set[str]:
        """Every file below a directory, by its path from there."""
        ...

    def directories(self, place: Place, holding: str) -> list[str]:
        """Names of the directories right below `place` that hold a file of the name `holding`, in any order."""
        ...

    def fetch(self, place: Place, to: str) -> None:
        """Copies a file, or all below a directory, into the folder `to`, at the same place there."""
        ...


class Medium(Readable, Protocol):
    """Both halves."""

    def write(self, place: Place, content: bytes) -> None:
        """Writes a file that nobody else writes; it is stored when this returns, and of one that is not nothing is left."""
        ...

    def create(self, place: Place, content: bytes) -> None:
        """Writes a file that must not be there yet; Conflict if it is. After an error readers may have seen it."""
        ...

    def replacing(self, place: Place) -> AbstractContextManager[BinaryIO]:
        """A file to write in pieces that is there once it is whole; StoreError on an object store."""
        ...

    def update(self, place: Place, change: Callable[[bytes | None], bytes]) -> None:
        """Replaces a file by `change(its content, or None)` in one step; what `change` raises passes on.

        Without locks `change` is called again when another writer was faster.
        """
        ...

    def append(self, place: Place, line: str) -> None:
        """Adds a line to a file that only ever grows; a torn piece at its end is kept aside and ended."""
        ...

    def remove(self, place: Place, first: str) -> None:
        """Removes a directory; its file `first` before all others."""
        ...

    def discard(self, place: Place) -> None:
        """Removes a directory as far as that is possible."""
        ...

    def sweep(self, place: Place, holding: str, seconds: float) -> list[str]:
        """Removes directories right below that lack `holding` and have not changed for `seconds`; returns their names."""
        ...


def relative(place: Place) -> str:
    """The path of a place from its root; Untrusted for one that could lead out of it."""
    path = PurePosixPath(*place.parts)
    if path.is_absolute() or ".." in path.parts or any("\\" in part or "\0" in part for part in place.parts):
        raise leads_out(place)
    return str(path)


def leads_out(place: Place) -> Untrusted:
    """The error for a place that is not below its root."""
    return Untrusted(f"the path {str(place)!r} leads out of the store", remedy="Remove the link that leads there.")
