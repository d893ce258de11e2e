"""Search index over the chunks of a workspace, by vectors and by words."""

import shutil
import threading
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
import structlog

from backend.knowledge.chunks import Chunk, chunks
from backend.knowledge.embeddings import Embedding
from backend.knowledge.sources import Source
from backend.knowledge.words import words
from pipelines.core.errors import StoreError
from pipelines.storage.disk import failing_clearly, locked, make_folder

if TYPE_CHECKING:  # two seconds to import: deferred until the first search
    import bm25s
    from chromadb.api.client import Client
    from chromadb.api.models.Collection import Collection

T = TypeVar("T")

LAYOUT = 1  # version of the stored data; the index is rebuilt if it differs
CANDIDATES = 50  # per ranking
_AT_MOST = 20_000  # chunks; HNSW examines this many, so that it misses none
_BATCH = 1_000  # chunks stored per call
_SMOOTH = 60  # constant of reciprocal rank fusion (Cormack et al. 2009)


@dataclass(frozen=True)
class Entry:
    """A chunk and its source."""

    id: str
    source: Source
    chunk: Chunk

    @property
    def searched(self) -> str:
        """The text that is indexed: name of the source, heading and chunk."""
        return f"{self.source.name}\n{self.chunk.heading}\n{self.chunk.text}"


@dataclass(frozen=True)
class Ranked:
    """A hit. `score` is 1 if it is first in both rankings; scores are comparable within one search only."""

    entry: Entry
    score: float


@dataclass(frozen=True)
class _Contents:
    """The searchable entries in the order of their sources, and their words. `places`: by ID, the position of the first
    entry with the same text; `first`: the same by position.
    """

    sources: Sequence[tuple[Source, int]]
    entries: Sequence[Entry]
    places: dict[str, int]
    first: Sequence[int]
    bm25: "bm25s.BM25 | None"


_NOTHING = _Contents([], [], {}, [], None)


class Index:
    """Hybrid index: vectors in ChromaDB in `folder`, words in BM25 in memory, both rankings fused.

    The stored data can be derived from the sources, so a damaged index is rebuilt. `mark` identifies the state of the
    sources that is indexed. Thread-safe.
    """

    def __init__(self, folder: Path, embedding: Embedding, *, temporary: bool = False) -> None:
        self.folder, self.embedding, self.temporary = folder, embedding, temporary
        self.mark: Hashable = None
        self.lock = threading.RLock()
        self._contents = _NOTHING
        self._client: Client | None = None

    def close(self) -> None:
        """Releases files, threads and memory, and removes a temporary folder; the next use opens everything again."""
        with self.lock:
            self._disconnect()
            self._contents, self.mark = _NOTHING, None
            if self.temporary:
                shutil.rmtree(self.folder.parent, ignore_errors=True)

    def move(self, folder: Path) -> None:
        """Moves the index to a temporary folder, because its own folder cannot be written."""
        with self.lock:
            self.close()
            self.folder, self.temporary = folder, True

    def update(self, sources: Iterable[Source]) -> int:
        """Makes the index hold exactly these sources; returns how many chunks were embedded. EmbeddingFailed,
        StoreError.
        """
        parts = [(source, chunks(source.text)) for source in sources]
        entries = [
            Entry(f"{source.id}-{source.digest[:12]}-{number:05d}", source, chunk)
            for source, pieces in parts
            for number, chunk in enumerate(pieces)
        ]
        with self.lock, failing_clearly(str(self.folder)):
            make_folder(str(self.folder))
            with locked(str(self.folder.parent / "index.lock")):
                added = self._mended(lambda: self._store(entries))
            counts = [(source, len(pieces)) for source, pieces in parts]
            seen: dict[str, int] = {}
            first = [seen.setdefault(entry.chunk.text, place) for place, entry in enumerate(entries)]
            places = {entry.id: place for entry, place in zip(entries, first, strict=True)}
            bm25 = self._contents.bm25 if places == self._contents.places else _bm25(entries)
            self._contents = _Contents(counts, entries, places, first, bm25)
        return added

    @property
    def sources(self) -> Sequence[tuple[Source, int]]:
        """Every source, and how many chunks it has."""
        return self._contents.sources

    def search(self, query: str, limit: int) -> list[Ranked]:
        """The best chunks, best first, each text once; none that have nothing in common with the query."""
        contents = self._contents
        if not contents.entries or not words(query):
            return []
        vector = self.embedding.embed([query])
        near = self._mended(lambda: self._near(vector, contents))
        scores: dict[int, float] = {}
        for ranking in (near, _by_words(query, contents)):
            for place, rank in _ranks(ranking):
                weight = contents.entries[place].source.weight
                scores[place] = scores.get(place, 0.0) + weight * (_SMOOTH + 1) / (_SMOOTH + rank) / 2
        best = sorted(scores, key=lambda place: (-scores[place], place))[:limit]
        return [Ranked(contents.entries[place], round(scores[place], 6)) for place in best]

    def _store(self, entries: Sequence[Entry]) -> int:
        collection = self._collection()
        stored = set(collection.get(include=[])["ids"])
        wanted = {entry.id: entry for entry in entries}
        if gone := sorted(stored - wanted.keys()):
            for start in range(0, len(gone), _BATCH):
                collection.delete(ids=gone[start : start + _BATCH])
        new = [entry for name, entry in wanted.items() if name not in stored]
        for start in range(0, len(new), _BATCH):
            batch = new[start : start + _BATCH]
            vectors: Any = self.embedding.embed([entry.searched for entry in batch])
            metadatas: Any = [{"source": entry.source.id, "kind": entry.source.kind} for entry in batch]
            collection.add(ids=[entry.id for entry in batch], embeddings=vectors, metadatas=metadatas)
        return len(new)

    def _near(self, vector: npt.NDArray[np.float32], contents: _Contents) -> dict[int, float]:
        """Cosines of the nearest chunks by position; chunks that another process has stored since are left out."""
        query: Any = vector
        nearest = self._collection().query(query_embeddings=query, n_results=CANDIDATES, include=["distances"])
        names, distances = nearest["ids"][0], (nearest["distances"] or [[]])[0]
        cosines: dict[int, float] = {}
        for name, distance in zip(names, distances, strict=True):  # nearest first
            if name in contents.places and 1 - distance >= self.embedding.floor:
                cosines.setdefault(contents.places[name], round(1 - distance, 5))
        return cosines

    def _collection(self) -> "Collection":
        """The collection of this embedding: vectors of different embeddings are kept apart."""
        import chromadb
        from chromadb.config import Settings

        with self.lock:
            if self._client is None:
                made = chromadb.PersistentClient(str(self.folder), Settings(anonymized_telemetry=False))
                self._client = cast("Client", made)  # unlike the declared type, Client has close()
            return self._client.get_or_create_collection(
                f"chunks-{LAYOUT}-{self.embedding.name}",
                embedding_function=None,  # the default would download a model
                configuration={"hnsw": {"space": "cosine", "ef_search": _AT_MOST}},
            )

    def _mended(self, act: Callable[[], T]) -> T:
        """Returns the result of `act`; if the database is damaged, rebuilds it and tries again."""
        from chromadb.errors import ChromaError

        try:
            return act()
        except ChromaError as error:
            structlog.get_logger("backend").warning("index rebuilt", reason=str(error))
        with self.lock:
            try:
                self._reset()
                self._store(self._contents.entries)
                return act()
            except ChromaError as error:
                raise StoreError(
                    f"{self.folder} cannot be used by ChromaDB ({error})", remedy="Remove the folder: it is made again."
                ) from error

    def _disconnect(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _reset(self) -> None:
        from chromadb.api.shared_system_client import SharedSystemClient

        self._disconnect()
        for known in (SharedSystemClient._identifier_to_system, SharedSystemClient._identifier_to_refcount):
            known.pop(str(self.folder), None)  # a client of another embedding may hold the damaged database
        shutil.rmtree(self.folder, ignore_errors=True)
        make_folder(str(self.folder))


def _bm25(entries: Sequence[Entry]) -> "bm25s.BM25 | None":
    import bm25s

    corpus = [words(entry.searched) for entry in entries]
    if not any(corpus):
        return None
    bm25 = bm25s.BM25()
    bm25.index(corpus, show_progress=False)
    return bm25


def _by_words(query: str, contents: _Contents) -> dict[int, float]:
    """BM25 scores of the best chunks by position; only chunks that share a word with the query."""
    if contents.bm25 is None:
        return {}
    scores = contents.bm25.get_scores(words(query))
    best: dict[int, float] = {}
    for place in np.argsort(-scores, kind="stable")[:CANDIDATES]:
        if scores[place] > 0:
            best.setdefault(contents.first[place], float(scores[place]))
    return best


def _ranks(scores: dict[int, float]) -> list[tuple[int, int]]:
    """Positions with their ranks, from 1; equal scores share the best rank, so that no order is invented."""
    ranks: list[tuple[int, int]] = []
    for number, place in enumerate(sorted(scores, key=lambda place: (-scores[place], place)), start=1):
        same = bool(ranks) and scores[ranks[-1][0]] == scores[place]
        ranks.append((place, ranks[-1][1] if same else number))
    return ranks
