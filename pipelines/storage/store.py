"""Write access to storage: a directory becomes visible when its manifest is written, a pointer when it is replaced."""

import contextlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from pipelines.core.config import Project
from pipelines.core.errors import Conflict, StoreError
from pipelines.storage import manifest as manifests
from pipelines.storage.catalog import Reader
from pipelines.storage.folders import Folder
from pipelines.storage.layout import Place
from pipelines.storage.manifest import Entry, Manifest
from pipelines.storage.medium import Medium
from pipelines.storage.records import Fixed, dumped
from pipelines.storage.roots import P, Root, medium_of

if TYPE_CHECKING:  # takes a second to import, only needed for frames
    import pandas as pd

_ABANDONED_AFTER = 24 * 3600  # seconds; no training takes a day, so older directories without a manifest are abandoned
_ROW_GROUP = 131_072  # rows: the most that are decoded to find one series


class Store(Root):
    """One root to read and write. `signing_key` also signs new directories."""

    medium: Medium

    def __init__(self, root: str, signing_key: str | None = None, require_signature: bool = False) -> None:
        super().__init__(root, signing_key, require_signature)
        self.medium = medium_of(root)

    def draft(self, place: Place) -> "Draft":
        """A new directory to fill, invisible to readers until `publish`."""
        return Draft(self.medium, place, self.signing_key)

    def move_pointer(self, place: Place, shape: type[P], change: Callable[[P], P], expected: int | None = None) -> P:
        """Replaces a pointer by `change(current)` atomically; raises Conflict if its version is not `expected`.

        Object stores have no locks: `change` is called again if another writer was faster.
        """
        where, moved = self.path(place), shape(version=0)

        def replaced(content: bytes | None) -> bytes:
            nonlocal moved
            current = shape(version=0) if content is None else shape.parse(content, where)
            if expected is not None and current.version != expected:
                raise Conflict(
                    f"{where} moved on (version {current.version}, not {expected})",
                    found=current.version,
                    remedy="Read it and try again.",
                )
            moved = change(current).changed(version=current.version + 1)
            return json.dumps(moved.model_dump(mode="json"), indent=1).encode()

        self.medium.update(place, replaced)
        return moved

    def append(self, place: Place, line: str) -> None:
        """Adds a line to an append-only file; it is stored when this returns.

        A torn piece at its end, from a killed writer or a full disk, is copied aside and terminated.
        """
        self.medium.append(place, line)

    def sweep(self, place: Place) -> list[str]:
        """Removes directories started over a day ago and never finished; returns their names."""
        return self.medium.sweep(place, manifests.NAME, _ABANDONED_AFTER)

    def remove(self, place: Place) -> None:
        """Removes an unneeded finished directory, manifest first, so that it is never visible in part."""
        self.medium.remove(place, manifests.NAME)


class Draft:
    """A directory being written, invisible until `publish`."""

    def __init__(self, medium: Medium, place: Place, signing_key: str | None) -> None:
        self.medium, self.place, self._signing_key = medium, place, signing_key
        self._files: dict[str, Entry] = {}

    @property
    def name(self) -> str:
        return self.place.name

    @property
    def where(self) -> str:
        """The path of the directory."""
        return self.medium.path(self.place)

    def write_bytes(self, name: str, content: bytes) -> None:
        """Adds or replaces a file; the bytes are stored when this returns. Conflict once the directory is finished."""
        with self._unlisted_if_lost(name) as file:
            self.medium.write(file, content)
        self._files[name] = Entry.of(content)

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """A file to write in pieces, for content too large for memory; it is on disk at the end."""
        with self._unlisted_if_lost(name) as place, self.medium.replacing(place) as file:
            yield file
        with open(self.medium.path(place), "rb") as written:
            self._files[name] = Entry.of_stream(written)

    def write_json(self, name: str, values: Any) -> None:
        self.write_bytes(name, json.dumps(values, indent=1, default=str, allow_nan=False).encode())

    def write_record(self, record: Fixed) -> None:
        """Adds or replaces the file of a record."""
        self.write_json(record.file, dumped(record))

    def write_text(self, name: str, text: str) -> None:
        self.write_bytes(name, text.encode())

    def write_parquet(self, name: str, frame: "pd.DataFrame") -> None:
        """A table as parquet with zstd."""
        buffer = io.BytesIO()
        frame.to_parquet(buffer, engine="pyarrow", compression="zstd", index=False, row_group_size=_ROW_GROUP)
        self.write_bytes(name, buffer.getvalue())

    def publish(self) -> Folder:
        """Writes the manifest last, which makes the directory visible and immutable."""
        listing = Manifest(dict(self._files)).signed(self._signing_key)
        self.medium.create(self.place.file(manifests.NAME), listing.to_json())
        return Folder(self.medium, self.place, listing)

    def discard(self) -> None:
        """Removes an unfinished directory."""
        if not self._is_finished():
            self.medium.discard(self.place)

    @contextlib.contextmanager
    def _unlisted_if_lost(self, name: str) -> Iterator[Place]:
        """The place of a file, which is not listed if writing fails. Conflict once the directory is finished."""
        if self._is_finished():
            raise Conflict(f"{self.where} is finished and never changes again", remedy="Write a new one.")
        try:
            yield self.place.file(name)
        except StoreError:
            self._files.pop(name, None)
            raise

    def _is_finished(self) -> bool:
        return self.medium.exists(self.place.file(manifests.NAME))


@dataclass(frozen=True)
class Stores(Reader):
    """A reader with write access to both roots."""

    data: Store
    artifacts: Store


def stores(project: Project, signing_key: str | None = None, require_signature: bool = False) -> Stores:
    """Read and write access to the project's data and artifacts."""
    signed = signing_key, require_signature
    return Stores(Store(project.data_dir, *signed), Store(project.artifacts_dir, *signed))
