"""The open indexes: a few, whatever is searched, and closed means closed."""

import threading
from pathlib import Path

import psutil

from backend.knowledge.embeddings import Lexical
from backend.knowledge.index import Index
from backend.knowledge.shelf import Shelf
from backend.knowledge.sources import Source

SOURCE = Source("1", "promotions", "help", "# Promotions\n\nA promotion lasts two weeks.")


def search(shelf: Shelf, folder: Path, name: str) -> list[str]:
    """What an index finds, filled if it is empty."""
    with shelf.using(name, lambda: Index(folder / name / "index", Lexical())) as index:
        if not index.sources:
            index.update([SOURCE])
        return [hit.entry.source.name for hit in index.search("promotion", 3)]


def test_descriptors_and_threads_stop_growing(tmp_path: Path) -> None:
    """Two dozen workspaces, one after the other, twice: each finds its own, and no more is held than for the first few."""
    shelf, process = Shelf(most=3), psutil.Process()
    held = []
    for number in [*range(24), *range(24)]:
        assert search(shelf, tmp_path, f"w{number}") == ["promotions"]
        held.append((process.num_fds(), process.num_threads()))
    files, threads = (max(column) for column in zip(*held[4:], strict=True))
    assert files <= max(one for one, _ in held[:4]) + 12
    assert threads <= max(one for _, one in held[:4]) + 8
    shelf.close()
    assert process.num_fds() <= held[0][0]


def test_an_index_that_somebody_uses_stays_open(tmp_path: Path) -> None:
    """It may be over the limit then; the oldest is closed once nobody needs it."""
    shelf = Shelf(most=1)
    with shelf.using("a", lambda: Index(tmp_path / "a/index", Lexical())) as first:
        first.update([SOURCE])
        assert search(shelf, tmp_path, "b") == ["promotions"]
        assert first.search("promotion", 1)
    assert len(shelf._open) == 1


def test_a_temporary_index_leaves_nothing(tmp_path: Path) -> None:
    """Its folder goes with it."""
    index = Index(tmp_path / "scratch/index", Lexical(), temporary=True)
    index.update([SOURCE])
    assert (tmp_path / "scratch/index").exists()
    index.close()
    assert not (tmp_path / "scratch").exists()


def test_threads_that_search_at_once_share_an_index(tmp_path: Path) -> None:
    """Each workspace is opened once, and every search finds what there is."""
    shelf, found = Shelf(most=2), []
    work = [
        threading.Thread(target=lambda name=name: found.append(search(shelf, tmp_path, name)))
        for name in ("a", "b", "c", "a", "b", "c")
    ]
    for one in work:
        one.start()
    for one in work:
        one.join()
    assert found == [["promotions"]] * 6
    assert len(shelf._open) <= 2
