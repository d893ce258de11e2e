"""The only writer: a directory becomes true when its manifest is written, a pointer when it is replaced."""

import contextlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from pipelines.core.errors import Conflict, NotFound, StoreError, Untrusted
from pipelines.storage import disk, lines, pointers
from pipelines.storage import manifest as manifests
from pipelines.storage.folders import Draft, Folder
from pipelines.storage.manifest import Manifest
from pipelines.storage.objects import Objects, filesystem
from pipelines.storage.pointers import Pointer

_ABANDONED_AFTER = 24 * 3600  # seconds; no training takes a day, so a directory without a manifest is a dead one
_LOCK_PATIENCE = 5.0  # seconds that a pointer's writer waits for another
_SETTLED = 50_000_000  # nanoseconds; a file that was replaced within a tick of the disk's clock may look the same


def new_version(now: datetime | None = None) -> str:
    """A name that sorts by time and is safe in a path: YYYYMMDDTHHMMSSZ-xxxxxxxx; microseconds, then chance."""
    now = now or datetime.now(UTC)
    return f"{now:%Y%m%dT%H%M%SZ}-{now.microsecond:05x}{secrets.token_hex(2)[1:]}"


class Store:
    """Immutable directories and mutable pointers below one root: a folder, or any fsspec URL.

    `signing_key` signs what is written and checks what is read; with `require_signature` unsigned is refused.
    """

    def __init__(self, root: str, signing_key: str | None = None, require_signature: bool = False) -> None:
        self.fs, path = filesystem(root)
        self.root = path.rstrip("/")
        self.objects = Objects(self.fs)  # what is read and written where there is no disk
        self.signing_key = signing_key
        self.require_signature = require_signature
        self._pointers: dict[tuple[str, ...], tuple[str, disk.Looks, dict[str, Any]]] = {}

    def without_key(self) -> "Store":
        """The same store for reading what is verified already, fit to be sent elsewhere: secrets stay on this machine."""
        return Store(self.fs.unstrip_protocol(self.root))

    @property
    def is_local(self) -> bool:
        """Whether the root is a folder of this machine."""
        return "file" in (self.fs.protocol if isinstance(self.fs.protocol, tuple) else (self.fs.protocol,))

    def path(self, *parts: str) -> str:
        """The path of `parts` below the root; Untrusted if it would lie anywhere else, also through a link."""
        relative = PurePosixPath(*parts)
        path = f"{self.root}/{relative}"
        unsafe = relative.is_absolute() or ".." in relative.parts or any("\\" in part or "\0" in part for part in parts)
        if unsafe or (self.is_local and not disk.lies_below(path, self.root)):
            raise Untrusted(
                f"the path {'/'.join(parts)!r} leads out of the store", remedy="Remove the link that leads there."
            )
        return path

    def draft(self, *parts: str) -> Draft:
        """A fresh directory to fill; it does not exist for readers until `publish`."""
        return Draft(self, parts)

    def folder(self, *parts: str, record: str = "") -> Folder:
        """A finished directory; NotFound without a manifest, Untrusted with a wrong signature. `record`: see `Folder`."""
        where = self.path(*parts)
        content = self.read(f"{where}/{manifests.NAME}")
        if content is None:
            raise NotFound(f"{where} does not exist or was never finished", remedy="Name one that is listed.")
        listing = Manifest.from_json(content, where)
        listing.check(self.signing_key, self.require_signature, where)
        return Folder(self, parts, listing, record)

    def folders(self, *parts: str) -> list[str]:
        """Names of the finished directories below `parts`, oldest first."""
        if not self.is_local:
            ends = f"/{manifests.NAME}"
            found = (path.removesuffix(ends) for path in self.objects.find(self.path(*parts)) if path.endswith(ends))
            return sorted(PurePosixPath(path).name for path in found if path.rpartition("/")[0] == self.path(*parts))
        return sorted(path.name for path in self._children(*parts) if self.is_finished(str(path)))

    def read_pointer(self, *parts: str, shape: type[Pointer] = Pointer) -> dict[str, Any]:
        """A pointer's values; empty with version 0 if it was never written. StoreError if they are not those of `shape`.

        A file of this machine is only read again once it was replaced.
        """
        if parts in self._pointers:
            where, looks, values = self._pointers[parts]
            if looks == disk.looks(where):
                return dict(values)
        where = self.path(*parts)
        found_looks = disk.looks(where) if self.is_local else None
        values = pointers.read(self.read(where), where, shape)
        if found_looks is not None and time.time_ns() - found_looks[0] > _SETTLED:
            self._pointers[parts] = where, found_looks, values
        return dict(values)

    def read(self, path: str) -> bytes | None:
        """The bytes at a `path` of this store, unverified; None if there is no file."""
        if not self.is_local:
            return self.objects.read(path)
        try:
            content: bytes = self.fs.cat_file(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StoreError(f"{path} could not be read", remedy=disk.remedy(error)) from error
        return content

    def move_pointer(
        self,
        *parts: str,
        change: Callable[[dict[str, Any]], dict[str, Any]],
        expected: int | None = None,
        shape: type[Pointer] = Pointer,
    ) -> dict[str, Any]:
        """Replaces a pointer by `change(current)` in one step; raises Conflict when `expected` is not its version.

        On an object store there is no lock: `change` is called again when another writer was faster.
        """
        where = self.path(*parts)
        values: dict[str, Any] = {}

        def moved(content: bytes | None) -> bytes:
            nonlocal values
            current = pointers.read(content, where, shape)
            if expected is not None and current["version"] != expected:
                raise Conflict(
                    f"{where} moved on (version {current['version']}, not {expected})",
                    found=current["version"],
                    remedy="Read it and try again.",
                )
            values = {**change(dict(current)), "version": current["version"] + 1}
            return json.dumps(values, indent=1).encode()

        if not self.is_local:
            self.objects.update(where, moved)
            return values
        with disk.failing_clearly(where):
            disk.make_folder(os.path.dirname(where))
            with disk.locked(f"{where}.lock", _LOCK_PATIENCE, where):
                disk.replace_file(where, moved(self.read(where)))
        return values

    def append(self, *parts: str, line: str) -> None:
        """Adds a line to a file that only ever grows; it is on disk when this returns. An object is replaced by a longer one.

        A torn piece at its end, of a writer that died or a disk that was full, is kept aside and ended.
        """
        where = self.path(*parts)
        if not self.is_local:
            self.objects.update(where, lambda content: self._longer(where, content or b"", line))
            return
        with disk.failing_clearly(where):
            lines.append(where, line, _LOCK_PATIENCE)

    def _longer(self, where: str, content: bytes, line: str) -> bytes:
        """The content with one more line, once the torn piece that it ends with is kept aside."""
        longer, piece = lines.added(content, line)
        if piece:
            kept = piece + b"\n"
            self.objects.update(
                lines.aside(where),
                lambda found: found if found and found.endswith(kept) else (found or b"") + kept,
            )
        return longer

    def lines(self, *parts: str) -> list[str]:
        """The finished lines of a file that only ever grows; none if there is no such file."""
        return lines.finished(self.read(self.path(*parts)) or b"")

    def events(self, *parts: str) -> list[dict[str, Any]]:
        """The JSON objects of such a file, a line each; a torn piece is skipped, and nothing else."""
        return lines.objects(self.read(self.path(*parts)) or b"")

    def fetch(self, *parts: str, to: str) -> None:
        """Copies a file, or all below a folder, from an object store into the folder `to`, at the same place there."""
        for path in self.objects.find(self.path(*parts)):
            copy = Path(to, path.removeprefix(f"{self.root}/"))
            with disk.failing_clearly(str(copy)):
                copy.parent.mkdir(parents=True, exist_ok=True)
                self.objects.fetch(path, str(copy))

    def sweep(self, *parts: str) -> list[str]:
        """Removes directories that were begun over a day ago and never finished; returns their names."""
        return self._sweep_disk(*parts) if self.is_local else self._sweep_objects(*parts)

    def _sweep_disk(self, *parts: str) -> list[str]:
        removed = []
        for path in self._children(*parts):
            with contextlib.suppress(OSError):  # another process may sweep too
                if not self.is_finished(str(path)) and time.time() - path.stat().st_mtime > _ABANDONED_AFTER:
                    shutil.rmtree(path)
                    removed.append(path.name)
        return removed

    def _sweep_objects(self, *parts: str) -> list[str]:
        above = f"{self.path(*parts)}/"
        drafts: dict[str, dict[str, datetime | None]] = {}
        for path, changed in self.objects.find(above.rstrip("/")).items():
            name, within, _ = path.removeprefix(above).partition("/")
            if within:
                drafts.setdefault(name, {})[path] = changed
        dead = [
            name
            for name, files in drafts.items()
            if f"{above}{name}/{manifests.NAME}" not in files and all(map(_is_old, files.values()))
        ]
        for name in dead:
            self.objects.remove(*drafts[name])
        return sorted(dead)

    def remove(self, *parts: str) -> None:
        """Removes a finished directory that nothing needs any more; its manifest first, so that half of it does not exist."""
        where = self.path(*parts)
        if not self.is_local:
            self.objects.remove(f"{where}/{manifests.NAME}", *self.objects.find(where))
            return
        with disk.failing_clearly(where):
            os.unlink(f"{where}/{manifests.NAME}")
            shutil.rmtree(where)

    def _children(self, *parts: str) -> list[Path]:
        """What lies right below `parts` on this disk; nothing if there is no such directory."""
        try:
            return list(Path(self.path(*parts)).iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []

    def is_finished(self, path: str) -> bool:
        manifest = f"{path}/{manifests.NAME}"
        return os.path.exists(manifest) if self.is_local else self.read(manifest) is not None


def oldest_first(names: Iterable[str]) -> list[str]:
    """Versions by the time in their names. One of the future comes first: the clock was wrong, so it says nothing.

    A day is let pass: the clocks of several machines differ.
    """
    tomorrow = new_version(datetime.now(UTC) + timedelta(days=1))
    return sorted(names, key=lambda name: (name <= tomorrow, name))


def _is_old(changed: datetime | None) -> bool:
    """Whether the last change of an object is so long ago that nobody can still be writing beside it."""
    return changed is not None and (datetime.now(UTC) - changed).total_seconds() > _ABANDONED_AFTER
