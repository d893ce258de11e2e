"""How long work reports where it is; the command line shows it as a bar, a test ignores it."""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")


class Progress(Protocol):
    def say(self, event: str, **facts: object) -> None:
        """One line: what was done, with its facts."""
        ...

    def track(self, items: Iterable[T], stage: str, total: int) -> Iterator[T]:
        """The same items, counted while they are taken."""
        ...


class Silent:
    """Shows nothing."""

    def say(self, event: str, **facts: object) -> None:
        return

    def track(self, items: Iterable[T], stage: str, total: int) -> Iterator[T]:
        yield from items
