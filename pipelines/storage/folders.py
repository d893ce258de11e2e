"""A directory of the store: a draft while it is written, a folder once its manifest makes it exist."""

import contextlib
import io
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO

import fsspec

from pipelines.core import documents
from pipelines.core.errors import Conflict, NotFound, StoreError, Untrusted
from pipelines.storage import disk, units
from pipelines.storage import manifest as manifests
from pipelines.storage.copies import Copies
from pipelines.storage.manifest import Entry, Manifest

if TYPE_CHECKING:  # a second to import: who reads no frame does without
    import pandas as pd
    from pyarrow.parquet import ParquetFile

    from pipelines.storage.store import Store

_COPIES = Copies()
_ROW_GROUP = 131_072  # rows: who looks for one series decodes no more than these


class Draft:
    """A directory that is being written. Only `publish` makes it exist."""

    def __init__(self, store: "Store", parts: tuple[str, ...]) -> None:
        self.store = store
        self.parts = parts
        self._files: dict[str, Entry] = {}

    @property
    def where(self) -> str:
        """Where the directory will be."""
        return self.store.path(*self.parts)

    def write_bytes(self, name: str, content: bytes) -> None:
        """Adds or replaces a file; the bytes are on disk when this returns. Conflict once the directory is finished."""
        path = self._writable(name)
        if self.store.is_local:
            with self._whole_or_gone(name, path):
                disk.replace_file(path, content)
        else:
            self.store.objects.write(path, content)
        self._files[name] = Entry.of(content)

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """A file to fill in pieces, for what should never be in memory as a whole; it is on disk at the end."""
        path = self._writable(name)
        if not self.store.is_local:
            raise StoreError(f"{path}: an object store takes whole files", remedy="Use a local folder.")
        with self._whole_or_gone(name, path), disk.replacing(path) as file:
            yield file
        with open(path, "rb") as written:
            self._files[name] = Entry.of_stream(written)

    def write_json(self, name: str, values: Any) -> None:
        self.write_bytes(name, json.dumps(values, indent=1, default=str, allow_nan=False).encode())

    def write_text(self, name: str, text: str) -> None:
        self.write_bytes(name, text.encode())

    def write_parquet(self, name: str, frame: "pd.DataFrame") -> None:
        """A table as parquet with zstd."""
        buffer = io.BytesIO()
        frame.to_parquet(buffer, engine="pyarrow", compression="zstd", index=False, row_group_size=_ROW_GROUP)
        self.write_bytes(name, buffer.getvalue())

    def discard(self) -> None:
        """Removes what was begun and will not be finished."""
        if self.store.is_finished(self.where):
            return
        if self.store.is_local:
            shutil.rmtree(self.where, ignore_errors=True)
        else:
            self.store.objects.remove(*self.store.objects.find(self.where))

    @contextlib.contextmanager
    def _whole_or_gone(self, name: str, path: str) -> Iterator[None]:
        """A file that the disk did not take, or does not confirm, is not left beside those that the manifest lists.

        Of the manifest itself it is not known whether readers have seen it, so it stays.
        """
        try:
            with disk.failing_clearly(path):
                yield
        except StoreError:
            if name != manifests.NAME:
                self._files.pop(name, None)
                with contextlib.suppress(OSError):
                    os.unlink(path)
            raise

    def _writable(self, name: str) -> str:
        """The path of a file to write; Conflict once the directory is finished."""
        if self.store.is_finished(self.where):
            raise Conflict(f"{self.where} is finished and never changes again", remedy="Write a new one.")
        return self.store.path(*self.parts, name)

    def publish(self) -> "Folder":
        """Writes the manifest, last: from here on the directory exists, and is never changed again."""
        listing = Manifest(dict(self._files)).signed(self.store.signing_key)
        if self.store.is_local:
            self.write_bytes(manifests.NAME, listing.to_json())
        else:
            self.store.objects.create(self.store.path(*self.parts, manifests.NAME), listing.to_json())
        return Folder(self.store, self.parts, listing)


@dataclass(frozen=True)
class Folder:
    """A finished directory. Every read is checked against the manifest, on the bytes that are handed out.

    `record`: its JSON that says in which unit its shares are; without one, it holds none. What release 0.1.0 stored in
    percent is read as fractions.
    """

    store: "Store"
    parts: tuple[str, ...]
    manifest: Manifest
    record: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        return self.parts[-1]

    @property
    def where(self) -> str:
        return self.store.path(*self.parts)

    @property
    def files(self) -> list[str]:
        return sorted(self.manifest.files)

    def read_bytes(self, name: str) -> bytes:
        """A file's content; NotFound if it is not listed, Untrusted if it is not what was written."""
        if name not in self.manifest.files:
            raise NotFound(
                f"{self.where} has no {name}", found=name, remedy="Make it again with this version of the code."
            )
        content = self.store.read(self.store.path(*self.parts, name))
        if content is None:
            raise Untrusted(f"{self.where}/{name} is listed, but gone", remedy="Use another run.")
        self.manifest.check_file(name, content, self.where)
        return content

    def read_json(self, name: str) -> dict[str, Any]:
        """The JSON object in a file; Untrusted if it holds anything else."""
        values = self._object(name)
        return units.record(values) if name == self.record else values

    def read_text(self, name: str) -> str:
        return self.read_bytes(name).decode()

    def read_parquet(self, name: str, columns: list[str] | None = None) -> "pd.DataFrame":
        """The table. A text is decoded once, not once a row: with millions of rows that halves time and memory."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        content = pa.BufferReader(self.read_bytes(name))
        texts = [field.name for field in pq.read_schema(content) if pa.types.is_string(field.type)]
        if self._has_percentages:
            table = _with_percentages(content, texts).read(columns)
        else:
            table = pq.read_table(content, columns=columns, read_dictionary=texts)
        frame: pd.DataFrame = table.to_pandas()
        return frame.astype({name: object for name in texts if name in frame})

    def open_parquet(self, name: str, dictionaries: Sequence[str] = ()) -> "ParquetFile":
        """A table to read in parts; columns of `dictionaries` come as codes and the values they stand for.

        The whole file is checked here, in pieces, and the same open file is then read: tables larger than the memory
        stay on the disk. What is executed, such as a model, never comes this way.
        """
        from pyarrow.parquet import ParquetFile

        if name not in self.manifest.files:
            raise NotFound(
                f"{self.where} has no {name}", found=name, remedy="Make it again with this version of the code."
            )
        file = self._open(name)
        try:
            self.manifest.check_stream(name, file, self.where)
        except Untrusted:
            _COPIES.forget(self.manifest.files[name].sha256)  # the object itself may still be right
            raise
        file.seek(0)
        if self._has_percentages:
            return _with_percentages(file, dictionaries)
        return ParquetFile(file, read_dictionary=list(dictionaries), pre_buffer=False)

    def verify(self) -> list[str]:
        """Reads every file again; returns the names of those that are not what was written, or were added since."""
        find = self.store.fs.find if self.store.is_local else self.store.objects.find
        found = {path.removeprefix(f"{self.where}/") for path in find(self.where)}
        wrong = found - {*self.manifest.files, manifests.NAME}
        for name in self.files:
            try:
                if self.store.is_local:
                    with self._open(name) as file:
                        self.manifest.check_stream(name, file, self.where)
                else:
                    self.read_bytes(name)
            except StoreError:
                wrong.add(name)
        return sorted(wrong)

    def _object(self, name: str) -> dict[str, Any]:
        try:
            return documents.parse_object(self.read_bytes(name))
        except ValueError as error:
            raise Untrusted(
                f"{self.where}/{name} cannot be used ({documents.why(error)})", remedy="Use another run."
            ) from None

    @cached_property
    def _has_percentages(self) -> bool:
        """Whether release 0.1.0 wrote the tables."""
        return self.record in self.manifest.files and not units.is_marked(self._object(self.record))

    def _open(self, name: str) -> BinaryIO:
        """The file, not yet checked. One of an object store is copied to this machine when it is first opened."""
        path = self.store.path(*self.parts, name)
        try:
            if not self.store.is_local:
                entry, objects, there = self.manifest.files[name], self.store.objects, path
                path = _COPIES.get(entry.sha256, entry.size, lambda to: objects.fetch(there, to))
            file: BinaryIO = fsspec.filesystem("file").open(path, "rb")
            return file
        except FileNotFoundError:
            raise Untrusted(f"{self.where}/{name} is listed, but gone", remedy="Use another run.") from None
        except OSError as error:
            raise StoreError(f"{path} could not be read", remedy=disk.remedy(error)) from error


def _with_percentages(file: Any, dictionaries: Sequence[str]) -> "ParquetFile":
    """A table of release 0.1.0, read as fractions."""
    from pipelines.tables.percent import PercentFile

    return PercentFile(file, read_dictionary=list(dictionaries), pre_buffer=False)
