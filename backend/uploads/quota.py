"""The quota of uploads on the disk: one limit for all of them together, whatever they are called."""

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

KEPT = 10  # uploads of a workspace beside the one that it uses, the newest ones

_UNUSED = 7 * 86_400.0  # seconds after which an upload that no workspace uses is removed
_LOOKED_AT = 3_600.0  # seconds in which somebody may still be making a workspace of it
_LEAST = 64 * 2**10  # bytes that an upload counts: folders and manifests take space, too


@dataclass(frozen=True)
class _Upload:
    workspace: str
    name: str
    size: int
    age: float
    finished: bool
    used: bool  # by the file of its workspace


class Quota:
    """At most `mb` MiB of uploads. Those that no workspace uses are removed by age, and the oldest of them for new ones."""

    def __init__(self, stores: Stores, mb: int) -> None:
        self._stores, self._most = stores, mb * 2**20
        self._coming = 0

    @contextmanager
    def reserved(self) -> Iterator[None]:
        """Counts one upload that comes in as if it were as large as it may be."""
        self._coming += 1
        try:
            yield
        finally:
            self._coming -= 1

    def prepare(self, workspace: str, upload_id: str) -> None:
        """Removes what is not needed and makes the folder of one more upload. One at a time. Problem 503 when the quota is used up."""
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
            with contextlib.suppress(OSError):  # there is something in it
                above.rmdir()
        where = self._stores.data.path(self._stores.places(workspace).upload(upload_id))
        with failing_clearly(where):
            make_folder(where)

    def _folders(self) -> list[Path]:
        """A folder for each workspace that anything was uploaded for."""
        above = Path(self._stores.data.path(layout.all_uploads(self._stores.tenant)))
        return [path for path in above.iterdir() if path.is_dir() and is_safe(path.name)] if above.is_dir() else []

    def _uploads(self, files: Mapping[str, Path]) -> list[_Upload]:
        """Every upload, after those were removed of which a workspace has too many."""
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
        """Whether nobody needs it any more; then it is gone."""
        old = one.finished and not one.used and one.age > _UNUSED
        if old:
            self._remove(one)
        return old

    def _remove(self, one: _Upload) -> None:
        try:
            self._stores.data.remove(self._place(one.workspace, one.name))
        except (StoreError, FileNotFoundError):  # another service on the same disk was faster, or half of it is left
            shutil.rmtree(self._stores.data.path(self._place(one.workspace, one.name)), ignore_errors=True)

    def _place(self, workspace: str, name: str) -> Place:
        """Of whatever lies among the uploads of a workspace."""
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
