"""Knowledge search: keeps the index of each workspace in step with its sources, and queries it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import structlog

from backend.core.catalog import Catalog
from backend.core.errors import Problem
from backend.core.executor import BoundedExecutor
from backend.knowledge import notes, sources, texts
from backend.knowledge.embeddings import Embedding, EmbeddingFailed, Lexical
from backend.knowledge.index import Index
from backend.knowledge.shelf import Shelf
from backend.knowledge.sources import Source
from pipelines.core.errors import NotFound, StoreError
from pipelines.storage import layout
from pipelines.storage.store import Stores

# Keys of the executor that are no workspace's.
_READING = ".reading"
_PROJECT = ".project"
_REST = 60.0  # seconds before a provider that failed is tried again


@dataclass(frozen=True)
class Hit:
    """A chunk of a source, verbatim. `score` orders the hits of one search: 1 is first by meaning and by words."""

    source: str
    source_id: str
    kind: str
    heading: str
    quote: str
    score: float
    chunk_id: str = ""


@dataclass(frozen=True)
class Found:
    """The hits, and the embedding that ranked them."""

    hits: list[Hit]
    embedding: Embedding


@dataclass(frozen=True)
class Listed:
    """A source and how many chunks it has."""

    source: Source
    chunks: int


class Knowledge:
    """Knowledge search over all workspaces, and over the product's own documentation, which has an index of its own.

    Slow work runs in separate threads; an outdated index is updated before it is queried.
    """

    def __init__(self, stores: Stores, catalog: Catalog, embedding: Embedding) -> None:
        self._stores, self._catalog, self._embedding = stores, catalog, embedding
        self._shelf = Shelf()
        self._executor = BoundedExecutor("searches and notes", threads=3, most=32)
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._failed_at = float("-inf")

    def close(self) -> None:
        """Starts no new work, and closes the indexes."""
        self._executor.close()
        self._shelf.close()

    async def search(self, workspace: str, query: str, limit: int = 5, *, project: bool = False) -> Found:
        """The chunks that match a query best, with the embedding used: chunks of the workspace's sources or, with
        `project`, of the product's documentation. Problem 404 if the workspace does not exist.
        """
        self._catalog.open(workspace)
        library = None if project else workspace
        return await self._executor.run(library or _PROJECT, lambda: self._find(library, query, limit))

    async def sources(self, workspace: str) -> list[Listed]:
        """Every source of the workspace, with the help pages; Problem 404."""
        self._catalog.open(workspace)
        return await self._executor.run(workspace, lambda: self._list(workspace))

    async def project_sources(self) -> list[Listed]:
        """Every page of the product's documentation."""
        return await self._executor.run(_PROJECT, lambda: self._list(None))

    async def add(self, workspace: str, name: str, content: bytes, by: str) -> tuple[Listed, bool]:
        """Stores a note; returns it and whether it is new. DataError for an invalid text. Problem 404, 409."""
        self._catalog.open(workspace)

        # One at a time: a malicious PDF can take long.
        text, form = await self._executor.run(_READING, lambda: texts.read(content))

        def work() -> tuple[Listed, bool]:
            note_id, new = notes.add(self._stores, workspace, name, text, form, by)
            return self._one(workspace, note_id), new

        return await self._executor.run(workspace, work)

    async def remove(self, workspace: str, source_id: str) -> Listed:
        """Deletes a note and returns it. Problem 404, or 409 for a source that is not a note."""
        self._catalog.open(workspace)

        def work() -> Listed:
            listed = self._one(workspace, source_id)
            if listed.source.kind != "note":
                raise Problem(
                    409,
                    f"'{listed.source.name}' is a {listed.source.kind} and follows from the project. Only notes can be deleted.",
                )
            notes.delete(self._stores, workspace, source_id)
            self._list(workspace)  # updates the index before the response
            return listed

        try:
            return await self._executor.run(workspace, work)
        except NotFound:
            raise _unknown(workspace, source_id) from None

    # Below, a library is a workspace's name, or None for the product's documentation.

    def _find(self, library: str | None, query: str, limit: int) -> Found:
        for embedding in self._embeddings():
            try:
                with self._ready(library, embedding) as index:
                    ranked = index.search(query, limit)
            except EmbeddingFailed as error:
                self._fall_back(error)
                continue
            hits = [
                Hit(
                    one.source.name,
                    one.source.id,
                    one.source.kind,
                    one.chunk.heading,
                    one.chunk.text,
                    hit.score,
                    one.id,
                )
                for hit in ranked
                for one in [hit.entry]
            ]
            return Found(hits, embedding)
        raise AssertionError("the lexical embedding never fails")

    def _list(self, library: str | None) -> list[Listed]:
        for embedding in self._embeddings():
            try:
                with self._ready(library, embedding) as index:
                    return [Listed(source, n) for source, n in index.sources]
            except EmbeddingFailed as error:
                self._fall_back(error)
        raise AssertionError("the lexical embedding never fails")

    def _one(self, workspace: str, source_id: str) -> Listed:
        for library in (workspace, None):
            for listed in self._list(library):
                if listed.source.id == source_id:
                    return listed
        raise _unknown(workspace, source_id)

    @contextmanager
    def _ready(self, library: str | None, embedding: Embedding) -> Iterator[Index]:
        """The index of a library, up to date with its sources. Problem 503 if it cannot be stored."""
        with self._shelf.using((library, embedding.name), lambda: self._index(library, embedding)) as index:
            try:
                self._follow(index, library)
            except StoreError as error:  # read-only or full: the index can be rebuilt, so another folder will do
                structlog.get_logger("backend").warning("index in a temporary folder", reason=str(error))
                index.move(self._temporary(library, embedding))
                self._follow(index, library)
            yield index

    def _follow(self, index: Index, library: str | None) -> None:
        with index.lock:
            reader = self._catalog.reader
            mark = sources.project_mark() if library is None else sources.mark(reader, library)
            if index.mark != mark:
                collection, whole = (
                    (sources.of_project(), True) if library is None else sources.collect(reader, library)
                )
                index.update(collection)
                index.mark = mark if whole else None  # retries sources that could not be read

    def _index(self, library: str | None, embedding: Embedding) -> Index:
        """A new index next to the notes or, if these are on an object store, in a temporary folder."""
        reader = self._catalog.reader
        if reader.artifacts.is_local:
            place = layout.PROJECT_INDEX if library is None else reader.places(library).index
            return Index(Path(reader.artifacts.path(place)), embedding)
        return Index(self._temporary(library, embedding), embedding, temporary=True)

    def _temporary(self, library: str | None, embedding: Embedding) -> Path:
        """A folder of this process. Problem 503 if it cannot be created."""
        try:
            if self._scratch is None:
                self._scratch = tempfile.TemporaryDirectory(prefix="knowledge-")
            return Path(self._scratch.name) / (library or _PROJECT) / embedding.name / "index"
        except OSError as error:
            raise Problem(
                503,
                f"The index of the search can be kept neither with the artifacts nor in the temporary folder "
                f"({error.strerror}). Whoever runs the service can make one of them writable.",
            ) from error

    def _embeddings(self) -> Iterator[Embedding]:
        """The chosen embedding, unless it has just failed, then the lexical one, which never fails."""
        chosen = self._embedding
        if chosen.kind != "lexical" and monotonic() - self._failed_at > _REST:
            yield chosen
        yield Lexical()

    def _fall_back(self, error: EmbeddingFailed) -> None:
        self._failed_at = monotonic()
        structlog.get_logger("backend").warning("lexical embedding instead", reason=str(error))


def _unknown(workspace: str, source_id: str) -> Problem:
    return Problem(404, f"Workspace '{workspace}' has no source {source_id}.")
