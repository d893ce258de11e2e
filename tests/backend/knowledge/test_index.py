"""The index: what it finds, that it stores nothing twice, and that it can always be made again."""

import shutil
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from backend.knowledge.chunks import chunks
from backend.knowledge.embeddings import EmbeddingFailed, Lexical, Vectors
from backend.knowledge.index import Index
from backend.knowledge.sources import Source

DOCUMENTS = {
    "promotions": "# Promotions\n\nA promotion lasts two weeks and lowers the price of a product.\n\n## Stores\n\nAll take part.",
    "intervals": "# Intervals\n\nA level of 95 percent should cover 95 of 100 values.\n\n## Width\n\nIt grows with the horizon.",
    "grüße": "# Grüße ☃\n\nNaïve façade — “quoted” \u00a0 text, 日本語のテキスト。",
}


class Counting(Lexical):
    """Counts what it is given."""

    def __init__(self) -> None:
        self.texts = 0

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.texts += len(texts)
        return super().embed(texts)


def source(name: str, text: str, weight: float = 1.0) -> Source:
    return Source(name, name, "help", text, weight=weight)


SOURCES = [source(name, text) for name, text in DOCUMENTS.items()]


@pytest.fixture
def index(tmp_path: Path) -> Index:
    found = Index(tmp_path / "knowledge" / "index", Counting())
    found.update(SOURCES)
    return found


def test_what_is_found_is_quoted_byte_for_byte(index: Index) -> None:
    """The best chunk first, with its source and heading, in any script."""
    best = index.search("how long is a promotion?", 1)[0].entry
    assert (best.source.name, best.chunk.heading) == ("promotions", "Promotions")
    for query in ("promotion stores", "cover 95", "naïve façade", "日本語のテキスト"):
        found = index.search(query, 5)
        assert found, query
        for one in found:
            text, chunk = DOCUMENTS[one.entry.source.name], one.entry.chunk
            assert text.encode()[len(text[: chunk.start].encode()) :].startswith(chunk.text.encode())


def test_either_ranking_finds_what_the_other_does_not(index: Index) -> None:
    """A word misspelt is found by its letters; scores fall from 1."""
    assert index.search("promtions", 1)[0].entry.source.name == "promotions"
    scores = [one.score for one in index.search("price of a promotion in all stores", 5)]
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[-1] <= scores[0] <= 1


@pytest.mark.parametrize("query", ["zork quux", "???", "\x00", "the of and"])
def test_what_has_nothing_in_common_is_no_hit(index: Index, query: str) -> None:
    """An empty answer is better than the least bad chunk."""
    assert index.search(query, 5) == []


def test_nothing_is_embedded_twice(index: Index, tmp_path: Path) -> None:
    """Not after a second update, nor in a new process; a changed source costs its own chunks, one that vanished is gone."""
    assert index.update(SOURCES) == 0
    again = Index(index.folder, Counting())
    assert again.update(SOURCES) == 0
    assert again.embedding.texts == 0  # type: ignore[attr-defined]
    assert again.search("promotion", 1)[0].entry.source.name == "promotions"
    changed = source("promotions", DOCUMENTS["promotions"].replace("two weeks", "a month"))
    assert again.update([changed]) == len(chunks(changed.text))
    assert "a month" in again.search("how long is a promotion", 1)[0].entry.chunk.text
    assert again.search("interval level cover horizon width", 5) == []
    assert again._collection().count() == len(chunks(changed.text))


def test_half_of_an_update_is_completed_by_the_next(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the embedding fails in the middle: what was searched before still is."""
    more = [*SOURCES, source("more", "# More\n\nElephants.")]

    def fail(texts: Sequence[str]) -> Vectors:
        raise EmbeddingFailed("no luck")

    with monkeypatch.context() as patch:
        patch.setattr(index.embedding, "embed", fail)
        with pytest.raises(EmbeddingFailed):
            index.update(more)
    assert index.search("promotion", 1)
    assert index.update(more) == 1
    assert index.search("elephants", 1)[0].entry.source.name == "more"


def test_hnsw_misses_none_of_the_nearest(tmp_path: Path) -> None:
    """Among hundreds of nearly identical chunks, the same as an exact search: recall 1."""
    rng, words = np.random.default_rng(3), [f"word{n}" for n in range(40)]
    texts = [f"Run {n} has " + " ".join(rng.choice(words, 12)) for n in range(600)]
    index = Index(tmp_path / "knowledge" / "index", Lexical())
    index.update([source(f"run-{n}", text) for n, text in enumerate(texts)])
    contents = index._contents
    matrix = Lexical().embed([entry.searched for entry in contents.entries])
    for _ in range(20):
        vector = Lexical().embed([" ".join(rng.choice(words, 5))])
        exact = np.sort(matrix @ vector[0])[::-1][:10]
        found = sorted(index._near(vector, contents).values(), reverse=True)[:10]
        np.testing.assert_allclose(found, exact[exact >= Lexical.floor][: len(found)], atol=2e-4)
        assert len(found) == (exact >= Lexical.floor).sum()


def test_copies_of_a_text_are_one_hit_of_the_first_source(tmp_path: Path) -> None:
    """And what is not in force any more stands behind what is."""
    index = Index(tmp_path / "knowledge" / "index", Lexical())
    index.update(
        [
            source("production", "# Card\n\nCoverage is 80."),
            source("copy", "# Card\n\nCoverage is 80."),
            source("old", "# Card\n\nCoverage is 79.", weight=0.8),
        ]
    )
    assert [one.entry.source.name for one in index.search("card coverage", 5)] == ["production", "old"]


@pytest.mark.parametrize("damage", ["garbage", "removed"])
def test_a_damaged_index_is_rebuilt(index: Index, damage: str) -> None:
    """It is rebuilt from the sources without anybody's help."""
    if damage == "garbage":
        for file in index.folder.rglob("*"):
            if file.is_file():
                file.write_bytes(b"garbage" * 1000)
    else:
        for file in sorted(index.folder.rglob("*"), reverse=True):
            file.unlink() if file.is_file() else file.rmdir()
    again = Index(index.folder, Lexical())
    again.update(SOURCES)
    assert again.search("promotion", 1)[0].entry.source.name == "promotions"


def test_an_index_that_vanishes_in_use_is_rebuilt(index: Index) -> None:
    """Somebody has cleaned up beside a running service."""
    shutil.rmtree(index.folder)
    index.update([*SOURCES, source("more", "# More\n\nElephants.")])
    assert index.search("elephants", 1)[0].entry.source.name == "more"
    assert index.search("promotion", 1)[0].entry.source.name == "promotions"


def test_many_threads_may_search_while_it_changes(index: Index) -> None:
    """Each sees one state of the sources or the other."""
    wrong: list[BaseException] = []

    def search() -> None:
        try:
            for _ in range(15):
                assert index.search("promotion price", 3)[0].entry.source.name == "promotions"
        except BaseException as error:  # noqa: BLE001 - told below, outside of the thread
            wrong.append(error)

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(5):
        index.update([*SOURCES, source("other", f"# Other\n\nText {number}.")])
    for thread in threads:
        thread.join()
    assert not wrong
