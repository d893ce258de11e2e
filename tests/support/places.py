"""Places and a pointer for tests of stores, which need no layout."""

from pipelines.storage.layout import Place
from pipelines.storage.pointers import Pointer

POINTER = Place(("p.json",))


class Moves(Pointer):
    """A pointer with values of its own."""

    n: int = 0
    run: str = ""


def at(*parts: str) -> Place:
    """A place that no layout names."""
    return Place(parts)


def one_more(now: Moves) -> Moves:
    return now.changed(n=now.n + 1)
