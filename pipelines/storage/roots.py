"""Read access to one root: finished directories, pointers and logs below a folder or any fsspec URL."""

import time
from typing import TypeVar

from pipelines.core.documents import Json
from pipelines.core.errors import NotFound
from pipelines.storage import disk, lines
from pipelines.storage import manifest as manifests
from pipelines.storage.bucket import Bucket
from pipelines.storage.folders import Folder
from pipelines.storage.layout import Place
from pipelines.storage.local import LocalDisk
from pipelines.storage.manifest import Manifest
from pipelines.storage.medium import Medium, Readable
from pipelines.storage.objects import Objects, filesystem
from pipelines.storage.pointers import Pointer

P = TypeVar("P", bound=Pointer)

_SETTLED = 50_000_000  # nanoseconds; a file replaced within a tick of the disk's clock may look unchanged


class Root:
    """One root to read. `signing_key` verifies signatures; `require_signature` refuses unsigned directories."""

    medium: Readable

    def __init__(self, root: str, signing_key: str | None = None, require_signature: bool = False) -> None:
        self.medium = medium_of(root)
        self.signing_key = signing_key
        self.require_signature = require_signature
        self._pointers: dict[Place, tuple[str, disk.Looks, Pointer]] = {}

    @property
    def root(self) -> str:
        """The folder, or the bucket and the path in it."""
        return self.medium.root

    @property
    def is_local(self) -> bool:
        """Whether the root is a folder of this machine."""
        return self.medium.is_local

    def path(self, place: Place) -> str:
        """The path of a place; Untrusted if it is outside the root, also through a link."""
        return self.medium.path(place)

    def folder(self, place: Place, record: str = "") -> Folder:
        """A finished directory. NotFound without a manifest, Untrusted with a bad signature. `record`: see `Folder`."""
        where = self.path(place)
        content = self.read(place.file(manifests.NAME))
        if content is None:
            raise NotFound(f"{where} does not exist or was never finished", remedy="Name one that is listed.")
        listing = Manifest.from_json(content, where)
        listing.check(self.signing_key, self.require_signature, where)
        return Folder(self.medium, place, listing, record)

    def folders(self, place: Place) -> list[str]:
        """Names of the finished direct subdirectories of `place`, oldest first."""
        return sorted(self.medium.directories(place, manifests.NAME))

    def is_finished(self, place: Place) -> bool:
        """Whether the directory has its manifest."""
        return self.medium.exists(place.file(manifests.NAME))

    def read(self, place: Place) -> bytes | None:
        """The unverified bytes of a file; None if it does not exist."""
        return self.medium.read(place)

    def read_pointer(self, place: Place, shape: type[P]) -> P:
        """A pointer, of version 0 if it was never written; StoreError if it does not match `shape`.

        Local files are cached and only read again after they were replaced.
        """
        if place in self._pointers:
            where, looks, known = self._pointers[place]
            if looks == disk.looks(where) and isinstance(known, shape):
                return known
        where = self.path(place)
        now = self.looks(place)
        content = self.read(place)
        pointer = shape(version=0) if content is None else shape.parse(content, where)
        if now is not None and time.time_ns() - now[0] > _SETTLED:
            self._pointers[place] = where, now, pointer
        return pointer

    def lines(self, place: Place) -> list[str]:
        """The complete lines of an append-only file; empty if it does not exist."""
        return lines.finished(self.read(place) or b"")

    def events(self, place: Place) -> list[Json]:
        """The JSON objects of an append-only file, one per line; only torn pieces are skipped."""
        return lines.objects(self.read(place) or b"")

    def looks(self, place: Place) -> disk.Looks | None:
        """A fingerprint that changes when a file is replaced; None without a file and on an object store.

        The file is not opened, and links are not checked.
        """
        return disk.looks(f"{self.root}/{place}") if self.is_local else None

    def fetch(self, place: Place, to: str) -> None:
        """Copies a file, or all files below a directory, into the folder `to`, at the same relative path."""
        self.medium.fetch(place, to)


def medium_of(root: str) -> Medium:
    """The backend of a root: a folder, or any fsspec URL."""
    fs, path = filesystem(root)
    is_local = "file" in (fs.protocol if isinstance(fs.protocol, tuple) else (fs.protocol,))
    return LocalDisk(path.rstrip("/")) if is_local else Bucket(path.rstrip("/"), Objects(fs))
