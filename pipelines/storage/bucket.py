"""Object store backend: whole objects, conditional writes in place of locks, local copies of files read in pieces."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from pipelines.core.errors import StoreError
from pipelines.storage import disk, lines
from pipelines.storage.copies import Copies
from pipelines.storage.layout import Place
from pipelines.storage.manifest import Entry
from pipelines.storage.medium import relative
from pipelines.storage.objects import Objects

_COPIES = Copies()


@dataclass(frozen=True)
class Bucket:
    """Objects below any fsspec URL except local files."""

    root: str
    objects: Objects
    is_local = False

    def path(self, place: Place) -> str:
        return f"{self.root}/{relative(place)}"

    def read(self, place: Place) -> bytes | None:
        return self.objects.read(self.path(place))

    def open(self, place: Place, entry: Entry) -> BinaryIO:
        """Opens the file, which is copied to this machine on first use."""
        path = self.path(place)
        copy = _COPIES.get(entry.sha256, entry.size, lambda to: self.objects.fetch(path, to))
        return disk.opened(copy)

    def forget(self, entry: Entry) -> None:
        _COPIES.forget(entry.sha256)

    def exists(self, place: Place) -> bool:
        return self.read(place) is not None

    def find(self, place: Place) -> set[str]:
        above = f"{self.path(place)}/"
        return {path.removeprefix(above) for path in self.objects.find(above.rstrip("/"))}

    def directories(self, place: Place, holding: str) -> list[str]:
        paths = (PurePosixPath(path) for path in self.find(place))
        return [path.parts[0] for path in paths if path.parts[1:] == (holding,)]

    def fetch(self, place: Place, to: str) -> None:
        for path in self.objects.find(self.path(place)):
            copy = Path(to, path.removeprefix(f"{self.root}/"))
            with disk.failing_clearly(str(copy)):
                copy.parent.mkdir(parents=True, exist_ok=True)
                self.objects.fetch(path, str(copy))

    def write(self, place: Place, content: bytes) -> None:
        self.objects.write(self.path(place), content)

    def create(self, place: Place, content: bytes) -> None:
        self.objects.create(self.path(place), content)

    def replacing(self, place: Place) -> AbstractContextManager[BinaryIO]:
        raise StoreError("an object store takes whole files", where=self.path(place), remedy="Use a local folder.")

    def update(self, place: Place, change: Callable[[bytes | None], bytes]) -> None:
        self.objects.update(self.path(place), change)

    def append(self, place: Place, line: str) -> None:
        """Adds a line by replacing the object with a longer one."""
        path = self.path(place)
        self.objects.update(path, lambda content: self._longer(path, content or b"", line))

    def remove(self, place: Place, first: str) -> None:
        path = self.path(place)
        self.objects.remove(f"{path}/{first}", *self.objects.find(path))

    def discard(self, place: Place) -> None:
        self.objects.remove(*self.objects.find(self.path(place)))

    def sweep(self, place: Place, holding: str, seconds: float) -> list[str]:
        above = f"{self.path(place)}/"
        drafts: dict[str, dict[str, datetime | None]] = {}
        for path, changed in self.objects.find(above.rstrip("/")).items():
            name, within, _ = path.removeprefix(above).partition("/")
            if within:
                drafts.setdefault(name, {})[path] = changed
        dead = [
            name
            for name, files in drafts.items()
            if f"{above}{name}/{holding}" not in files and all(_is_older(one, seconds) for one in files.values())
        ]
        for name in dead:
            self.objects.remove(*drafts[name])
        return sorted(dead)

    def _longer(self, path: str, content: bytes, line: str) -> bytes:
        """The content with one more line; a torn piece at its end is first copied to a file aside."""
        longer, piece = lines.added(content, line)
        if piece:
            kept = piece + b"\n"
            self.objects.update(
                lines.aside(path),
                lambda pieces: pieces if pieces and pieces.endswith(kept) else (pieces or b"") + kept,
            )
        return longer


def _is_older(changed: datetime | None, seconds: float) -> bool:
    """Whether an object has not changed for `seconds`, so that no writer can still be active."""
    return changed is not None and (datetime.now(UTC) - changed).total_seconds() > seconds
