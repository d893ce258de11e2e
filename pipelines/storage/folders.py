"""Finished directories. Every read is checked against the manifest, on the bytes returned."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO

from pipelines.core import documents
from pipelines.core.documents import Json
from pipelines.core.errors import NotFound, StoreError, Untrusted
from pipelines.storage import manifest as manifests
from pipelines.storage import units
from pipelines.storage.layout import Place
from pipelines.storage.manifest import Manifest
from pipelines.storage.medium import Readable

if TYPE_CHECKING:  # takes a second to import, only needed for frames
    import pandas as pd
    from pyarrow.parquet import ParquetFile


@dataclass(frozen=True)
class Folder:
    """A directory whose manifest existed and had a valid signature when opened. Holds no key, so it can be sent to
    other machines.

    `record`: its JSON file with the unit of the shares in its tables; empty if it has no shares. Percentages stored by
    release 0.1.0 are read as fractions.
    """

    medium: Readable
    place: Place
    manifest: Manifest
    record: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        return self.place.name

    @property
    def where(self) -> str:
        return self.medium.path(self.place)

    @property
    def files(self) -> list[str]:
        return sorted(self.manifest.files)

    def watched(self, *names: str) -> list[str]:
        """Paths of the manifest and these files, for detecting changes by `disk.looks`. Empty on an object store."""
        return [f"{self.where}/{name}" for name in (manifests.NAME, *names)] if self.medium.is_local else []

    def read_bytes(self, name: str) -> bytes:
        """A file's content; NotFound if it is not listed, Untrusted if it was changed."""
        self._refuse_unlisted(name)
        content = self.medium.read(self.place.file(name))
        if content is None:
            raise self._gone(name)
        self.manifest.check_file(name, content, self.where)
        return content

    def read_json(self, name: str) -> Json:
        """The JSON object in a file; Untrusted if it holds anything else."""
        try:
            return documents.parse_object(self.read_bytes(name))
        except ValueError as error:
            raise Untrusted(
                f"{self.where}/{name} cannot be used ({documents.why(error)})", remedy="Use another run."
            ) from None

    def read_text(self, name: str) -> str:
        return self.read_bytes(name).decode()

    def read_parquet(self, name: str, columns: list[str] | None = None) -> "pd.DataFrame":
        """The table. Each distinct text is decoded once, which halves time and memory with millions of rows."""
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
        """A table to read in parts; columns in `dictionaries` are dictionary-encoded.

        The whole file is checked here, in pieces, and then read through the same open file, so tables larger than
        memory stay on disk. Executable content, such as models, is never read this way.
        """
        from pyarrow.parquet import ParquetFile

        self._refuse_unlisted(name)
        file = self._open(name)
        try:
            self.manifest.check_stream(name, file, self.where)
        except Untrusted:
            self.medium.forget(self.manifest.files[name])  # the object itself may be intact
            raise
        file.seek(0)
        if self._has_percentages:
            return _with_percentages(file, dictionaries)
        return ParquetFile(file, read_dictionary=list(dictionaries), pre_buffer=False)

    def verify(self) -> list[str]:
        """Reads every file again; returns the names of changed, missing and added files."""
        wrong = self.medium.find(self.place) - {*self.manifest.files, manifests.NAME}
        for name in self.files:
            try:
                if self.medium.is_local:
                    with self._open(name) as file:
                        self.manifest.check_stream(name, file, self.where)
                else:
                    self.read_bytes(name)
            except StoreError:
                wrong.add(name)
        return sorted(wrong)

    def _open(self, name: str) -> BinaryIO:
        """Opens the file without checking it."""
        try:
            return self.medium.open(self.place.file(name), self.manifest.files[name])
        except FileNotFoundError:
            raise self._gone(name) from None

    @cached_property
    def _has_percentages(self) -> bool:
        """Whether release 0.1.0 wrote the tables."""
        return self.record in self.manifest.files and not units.is_marked(self.read_json(self.record))

    def _refuse_unlisted(self, name: str) -> None:
        if name not in self.manifest.files:
            raise NotFound(
                f"{self.where} has no {name}", found=name, remedy="Make it again with this version of the code."
            )

    def _gone(self, name: str) -> Untrusted:
        return Untrusted(f"{self.where}/{name} is listed, but gone", remedy="Use another run.")


def _with_percentages(file: Any, dictionaries: Sequence[str]) -> "ParquetFile":
    """A table of release 0.1.0, read as fractions."""
    from pipelines.tables.percent import PercentFile

    return PercentFile(file, read_dictionary=list(dictionaries), pre_buffer=False)
