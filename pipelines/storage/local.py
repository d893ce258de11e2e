"""Local folder backend of stores."""

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pipelines.core.errors import Conflict, StoreError
from pipelines.storage import disk, lines
from pipelines.storage.layout import Place
from pipelines.storage.manifest import Entry
from pipelines.storage.medium import leads_out, relative

_LOCK_PATIENCE = 5.0  # seconds that a writer waits for another one


@dataclass(frozen=True)
class LocalDisk:
    """Files below a folder; updates replace files under a lock."""

    root: str
    is_local = True

    def path(self, place: Place) -> str:
        """The path of a place; Untrusted if it is outside the root, also through a link."""
        path = f"{self.root}/{relative(place)}"
        if not disk.lies_below(path, self.root):
            raise leads_out(place)
        return path

    def read(self, place: Place) -> bytes | None:
        path = self.path(place)
        try:
            with open(path, "rb") as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StoreError(f"{path} could not be read", remedy=disk.remedy(error)) from error

    def open(self, place: Place, entry: Entry) -> BinaryIO:
        path = self.path(place)
        try:
            return disk.opened(path)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise StoreError(f"{path} could not be read", remedy=disk.remedy(error)) from error

    def forget(self, entry: Entry) -> None:
        """Does nothing, since there are no copies."""

    def exists(self, place: Place) -> bool:
        return os.path.exists(self.path(place))

    def find(self, place: Place) -> set[str]:
        above = self.path(place)
        return {os.path.relpath(os.path.join(at, name), above) for at, _, names in os.walk(above) for name in names}

    def directories(self, place: Place, holding: str) -> list[str]:
        return [path.name for path in self._children(place) if (path / holding).exists()]

    def fetch(self, place: Place, to: str) -> None:
        above = Path(self.path(place))
        for file in [above] if above.is_file() else (above / name for name in self.find(place)):
            copy = Path(to, file.relative_to(self.root))
            with disk.failing_clearly(str(copy)):
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)

    def write(self, place: Place, content: bytes) -> None:
        path = self.path(place)
        with _whole_or_gone(path):
            disk.replace_file(path, content)

    def create(self, place: Place, content: bytes) -> None:
        path = self.path(place)
        if os.path.exists(path):
            raise Conflict(f"{path} is there already, and never changes again", remedy="Write a new one.")
        with disk.failing_clearly(path):
            disk.replace_file(path, content)

    @contextlib.contextmanager
    def replacing(self, place: Place) -> Iterator[BinaryIO]:
        path = self.path(place)
        with _whole_or_gone(path), disk.replacing(path) as file:
            yield file

    def update(self, place: Place, change: Callable[[bytes | None], bytes]) -> None:
        path = self.path(place)
        with disk.failing_clearly(path):
            disk.make_folder(os.path.dirname(path))
            with disk.locked(f"{path}.lock", _LOCK_PATIENCE, path):
                disk.replace_file(path, change(self.read(place)))

    def append(self, place: Place, line: str) -> None:
        path = self.path(place)
        with disk.failing_clearly(path):
            lines.append(path, line, _LOCK_PATIENCE)

    def remove(self, place: Place, first: str) -> None:
        path = self.path(place)
        with disk.failing_clearly(path):
            os.unlink(f"{path}/{first}")
            shutil.rmtree(path)

    def discard(self, place: Place) -> None:
        shutil.rmtree(self.path(place), ignore_errors=True)

    def sweep(self, place: Place, holding: str, seconds: float) -> list[str]:
        removed = []
        for path in self._children(place):
            with contextlib.suppress(OSError):  # another process may sweep at the same time
                if not (path / holding).exists() and time.time() - path.stat().st_mtime > seconds:
                    shutil.rmtree(path)
                    removed.append(path.name)
        return removed

    def _children(self, place: Place) -> list[Path]:
        """The direct children of a directory; empty if it does not exist."""
        try:
            return list(Path(self.path(place)).iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []


@contextlib.contextmanager
def _whole_or_gone(path: str) -> Iterator[None]:
    """Removes the file if writing or syncing it fails."""
    try:
        with disk.failing_clearly(path):
            yield
    except StoreError:
        with contextlib.suppress(OSError):
            os.unlink(path)
        raise
