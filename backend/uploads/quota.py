"""Disk quota of uploads: one limit for all workspaces together."""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from backend.core.errors import Problem
from backend.core.rate import MAX_UPLOAD
from pipelines.core import config
from pipelines.core.errors import StoreError
from pipelines.core.names import is_safe
from pipelines.storage import layout
from pipelines.storage.disk import failing_clearly, make_folder
from pipelines.storage.layout import Place
from pipelines.storage.store import Stores

KEPT = 10  # newest uploads kept per workspace, in addition to those in use

_UNUSED = 7 * 86_400.0  # seconds after which an upload that no workspace uses is removed
_LOOKED_AT = 3_600.0  # seconds in which an upload is kept because someone may still be creating a workspace from it
_LEAST = 64 * 2**10  # minimum bytes counted per upload: folders and manifests take space, too


@dataclass(frozen=True)
class _Upload:
    workspace: str
    name: str
    size: int
    age: float
    finished: bool
    used: bool  # referenced by the file of its workspace


class Quota:
    """At most `mb` MiB of uploads. Unused uploads are removed by age, and the oldest to make room for new ones."""

    def __init__(self, stores: Stores, mb: int) -> None:
        self._stores, self._most = stores, mb * 2**20
        self._coming = 0

    @contextmanager
    def reserved(self) -> Iterator[None]:
        """Reserves the maximum size of an upload while it is being received."""
        self._coming += 1
        try:
            yield
        finally:
            self._coming -= 1

    def prepare(self, workspace: str, upload_id: str) -> None:
        """Removes obsolete uploads and creates the folder of a new one. Call it sequentially. Problem 503 if the quota
        is used up.
        """
        files = config.workspace_files()
        for above in self._folders():
            self._stores.data.sweep(self._stores.places(above.name).uploads)
        kept = [one for one in self._uploads(files) if not self._is_old(one)]
        free = self._most - MAX_UPLOAD * self._coming - sum(one.size for one in kept)
        for one in sorted(kept, key=lambda one: -one.age):
            if free < 0 and one.finished and not one.used and one.age > _LOOKED_AT:
                self._remove(one)
                free += one.size
        if free < 0:
            raise self._full(kept)
        for above in self._folders():
            with contextlib.suppress(OSError):  # it is not empty
                above.rmdir()
        where = self._stores.data.path(self._stores.places(workspace).upload(upload_id))
        with failing_clearly(where):
            make_folder(where)

    def _folders(self) -> list[Path]:
        """The upload folders, one per workspace."""
        above = Path(self._stores.data.path(layout.all_uploads(self._stores.tenant)))
        return [path for path in above.iterdir() if path.is_dir() and is_safe(path.name)] if above.is_dir() else []

    def _uploads(self, files: Mapping[str, Path]) -> list[_Upload]:
        """Every upload, after removing the surplus of each workspace."""
        uploads = []
        for above in self._folders():
            path = files.get(above.name)
            used = layout.uploads_in(path.read_text(encoding="utf-8", errors="replace")) if path else set()
            these = sorted((self._look(one, used) for one in above.iterdir() if one.is_dir()), key=lambda one: one.name)
            surplus = [one for one in these if one.finished][:-KEPT]
            for one in surplus:
                if not one.used:
                    self._remove(one)
            uploads += [one for one in these if one.used or one not in surplus]
        return uploads

    def _look(self, folder: Path, used: set[str]) -> _Upload:
        size, newest = 0, 0.0
        with contextlib.suppress(OSError):  # it may be removed meanwhile
            for file in os.scandir(folder):
                about = file.stat()
                size, newest = size + about.st_size, max(newest, about.st_mtime)
        age = max(0.0, time.time() - newest) if newest else 0.0
        finished = self._stores.data.is_finished(self._place(folder.parent.name, folder.name))
        return _Upload(folder.parent.name, folder.name, max(size, _LEAST), age, finished, folder.name in used)

    def _is_old(self, one: _Upload) -> bool:
        """Whether an unused upload has expired; if so, removes it."""
        old = one.finished and not one.used and one.age > _UNUSED
        if old:
            self._remove(one)
        return old

    def _remove(self, one: _Upload) -> None:
        try:
            self._stores.data.remove(self._place(one.workspace, one.name))
        except (StoreError, FileNotFoundError):  # another service removed it first, or it is incomplete
            shutil.rmtree(self._stores.data.path(self._place(one.workspace, one.name)), ignore_errors=True)

    def _place(self, workspace: str, name: str) -> Place:
        """The path of any entry in the upload folder of a workspace."""
        return self._stores.places(workspace).uploads.file(name)

    def _full(self, kept: list[_Upload]) -> Problem:
        waiting = [_LOOKED_AT - one.age for one in kept if one.finished and not one.used]
        seconds = max(1, int(min(waiting, default=_LOOKED_AT)))
        return Problem(
            503,
            f"Uploads take {sum(one.size for one in kept) >> 20:,} MiB of the {self._most >> 20:,} MiB that they may take "
            "together, and none can be removed yet. Those that no workspace uses make room after an hour; whoever runs the "
            "service can raise API_UPLOADS_MB.",
            headers={"Retry-After": str(seconds)},
        )
