"""Recording of runs: one immutable training result each, of any content, written while it is running."""

import contextlib
import hashlib
import importlib.metadata
import json
import os
import platform
import resource
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.core import code
from pipelines.core.documents import Json, Stored
from pipelines.core.errors import ForecastError, StoreError
from pipelines.core.names import new_version
from pipelines.storage.folders import Folder
from pipelines.storage.layout import Places
from pipelines.storage.records import Data, Run, Stage, dumped
from pipelines.storage.store import Draft, Store
from pipelines.tables.schema import FRACTION

_LIBRARIES = ("numpy", "pandas", "statsforecast", "pmdarima", "prophet", "scikit-learn", "statsmodels")


class Recording:
    """A run in progress: pending, running, then success or failed. A finished run never changes."""

    def __init__(
        self, store: Store, places: Places, config: Json, data: Data, parent: str | None, model_code: str
    ) -> None:
        self.run_id = new_version()
        self.draft: Draft = store.draft(places.run(self.run_id))
        self.info = Run(
            run_id=self.run_id,
            units=FRACTION,
            workspace=places.workspace,
            status="pending",
            started_at=_now(),
            config=config,
            config_hash=digest(config),
            data=data,
            code_version=code.version(),
            python=platform.python_version(),
            libraries=libraries(),
            parent=parent,
            stages=[],
            model_code=model_code,
        )
        self.draft.write_record(self.info)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Records the seconds of a stage, and the peak memory of the process and its children up to its end."""
        self.info = self.info.model_copy(update={"status": "running"})
        self.draft.write_record(self.info)
        start = time.perf_counter()
        try:
            yield
        finally:
            seconds = round(time.perf_counter() - start, 3)
            stage = Stage(name=name, seconds=seconds, peak_mb=round(peak_memory_mb(), 1))
            self.info = self.info.model_copy(update={"stages": [*self.info.stages, stage]})

    @contextlib.contextmanager
    def failing(self) -> Iterator[None]:
        """Records an error as the end of the run and raises it again."""
        try:
            yield
        except Exception as error:
            with contextlib.suppress(StoreError):  # on a full disk the reason cannot be stored either
                self.fail(error)
            raise

    def succeed(self, summary: Stored) -> Folder:
        """Finishes the run, which makes it visible."""
        return self._finish(status="success", summary=dumped(summary))

    def fail(self, error: BaseException) -> Folder:
        """Finishes the run as failed, with the reason."""
        reason = str(error) if isinstance(error, ForecastError) else f"{type(error).__name__}: {error}"
        return self._finish(status="failed", error=reason)

    def _finish(self, **facts: object) -> Folder:
        self.draft.write_record(self.info.model_copy(update={"finished_at": _now(), **facts}))
        return self.draft.publish()


def digest(values: Any) -> str:
    """SHA-256 of JSON values, independent of the order of keys."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def libraries() -> dict[str, str]:
    """Versions of the libraries that affect forecasts."""
    versions = {}
    for name in _LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return versions


def peak_memory_mb() -> float:
    """Peak resident memory of this process and its workers, in MiB, each at its own peak."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)
    return own + sum(_peak_of_children().values()) / 1024


def _peak_of_children() -> dict[int, int]:
    """Peak resident KiB of each descendant, by process; empty without /proc."""
    parents, peaks = {}, {}
    for path in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            fields = dict(line.split(":\t", 1) for line in path.read_text().splitlines() if ":\t" in line)
            parents[int(path.parent.name)] = int(fields["PPid"])
            peaks[int(path.parent.name)] = int(fields.get("VmHWM", "0 kB").split()[0])
    family = {os.getpid()}
    while grown := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= grown
    return {pid: peaks[pid] for pid in family - {os.getpid()} if pid in peaks}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
