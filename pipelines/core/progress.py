"""Progress of long-running work; the command line shows a bar, tests ignore it."""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")


class Progress(Protocol):
    def say(self, event: str, **facts: object) -> None:
        """Reports one line: what was done, with its figures."""
        ...

    def track(self, items: Iterable[T], stage: str, total: int) -> Iterator[T]:
        """Yields the items unchanged and counts them."""
        ...


class Silent:
    """Shows nothing."""

    def say(self, event: str, **facts: object) -> None:
        return

    def track(self, items: Iterable[T], stage: str, total: int) -> Iterator[T]:
        yield from items
