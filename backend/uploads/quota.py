"""The quota of uploads on the disk: one limit for all of them together, whatever they are called."""

import contextlib
import os
import re
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
from pipelines.storage.catalog import Reader
from pipelines.storage.disk import failing_clearly, make_folder

FOLDER = "uploads"  # below the data folder: <workspace>/<upload_id>/table.csv
KEPT = 10  # uploads of a workspace beside the one that it uses, the newest ones

_UNUSED = 7 * 86_400.0  # seconds after which an upload that no workspace uses is removed
_LOOKED_AT = 3_600.0  # seconds in which somebody may still be making a workspace of it
_LEAST = 64 * 2**10  # bytes that an upload counts: folders and manifests take space, too
_USES = re.compile(rf"{FOLDER}/[^/]+/([^/]+)/")


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

    def __init__(self, reader: Reader, mb: int) -> None:
        self._reader, self._most = reader, mb * 2**20
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
            self._reader.data.sweep(FOLDER, above.name)
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
        where = self._reader.data.path(FOLDER, workspace, upload_id)
        with failing_clearly(where):
            make_folder(where)

    def _folders(self) -> list[Path]:
        """A folder for each workspace that anything was uploaded for."""
        above = Path(self._reader.data.path(FOLDER))
        return [path for path in above.iterdir() if path.is_dir()] if above.is_dir() else []

    def _uploads(self, files: Mapping[str, Path]) -> list[_Upload]:
        """Every upload, after those were removed of which a workspace has too many."""
        found = []
        for above in self._folders():
            path = files.get(above.name)
            used = set(_USES.findall(path.read_text(encoding="utf-8", errors="replace"))) if path else set()
            these = sorted((self._look(one, used) for one in above.iterdir() if one.is_dir()), key=lambda one: one.name)
            surplus = [one for one in these if one.finished][:-KEPT]
            for one in surplus:
                if not one.used:
                    self._remove(one)
            found += [one for one in these if one.used or one not in surplus]
        return found

    def _look(self, folder: Path, used: set[str]) -> _Upload:
        size, newest = 0, 0.0
        with contextlib.suppress(OSError):  # it may be removed meanwhile
            for file in os.scandir(folder):
                about = file.stat()
                size, newest = size + about.st_size, max(newest, about.st_mtime)
        age = max(0.0, time.time() - newest) if newest else 0.0
        finished = self._reader.data.is_finished(str(folder))
        return _Upload(folder.parent.name, folder.name, max(size, _LEAST), age, finished, folder.name in used)

    def _is_old(self, one: _Upload) -> bool:
        """Whether nobody needs it any more; then it is gone."""
        old = one.finished and not one.used and one.age > _UNUSED
        if old:
            self._remove(one)
        return old

    def _remove(self, one: _Upload) -> None:
        try:
            self._reader.data.remove(FOLDER, one.workspace, one.name)
        except (StoreError, FileNotFoundError):  # another service on the same disk was faster, or half of it is left
            shutil.rmtree(self._reader.data.path(FOLDER, one.workspace, one.name), ignore_errors=True)

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
