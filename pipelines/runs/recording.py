"""Runs: one immutable training result each, whatever it holds, recorded while it happens."""

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
from pipelines.core.errors import ForecastError, StoreError
from pipelines.storage import units
from pipelines.storage.folders import Draft, Folder
from pipelines.storage.store import Store, new_version

_LIBRARIES = ("numpy", "pandas", "statsforecast", "pmdarima", "prophet", "scikit-learn", "statsmodels")


class Recording:
    """A run while it happens: pending, running, then success or failed, when it is finished and never changes again."""

    def __init__(
        self, store: Store, workspace: str, config: dict[str, Any], data: dict[str, str], parent: str | None
    ) -> None:
        self.run_id = new_version()
        self.draft: Draft = store.draft(workspace, "runs", self.run_id)
        self.info: dict[str, Any] = {
            "run_id": self.run_id,
            **units.MARK,
            "workspace": workspace,
            "status": "pending",
            "started_at": _now(),
            "config": config,
            "config_hash": digest(config),
            "data": data,
            "code_version": code.version(),
            "python": platform.python_version(),
            "libraries": libraries(),
            "parent": parent,
            "stages": [],
        }
        self._write()

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Notes the seconds of a stage and the peak memory of the process and its children up to its end."""
        self.info["status"] = "running"
        self._write()
        start = time.perf_counter()
        try:
            yield
        finally:
            seconds = round(time.perf_counter() - start, 3)
            self.info["stages"].append({"name": name, "seconds": seconds, "peak_mb": round(peak_memory_mb(), 1)})

    @contextlib.contextmanager
    def failing(self) -> Iterator[None]:
        """Records an error as the run's end, and lets it pass on."""
        try:
            yield
        except Exception as error:
            with contextlib.suppress(StoreError):  # a full disk has no room for the reason either
                self.fail(error)
            raise

    def succeed(self, summary: dict[str, Any]) -> Folder:
        """Finishes the run; from here on it exists."""
        return self._finish(status="success", summary=summary)

    def fail(self, error: BaseException) -> Folder:
        """Finishes the run as failed, with the reason."""
        reason = str(error) if isinstance(error, ForecastError) else f"{type(error).__name__}: {error}"
        return self._finish(status="failed", error=reason)

    def _finish(self, **facts: Any) -> Folder:
        self.draft.write_json("run.json", {**self.info, "finished_at": _now(), **facts})
        return self.draft.publish()

    def _write(self) -> None:
        self.draft.write_json("run.json", self.info)


def digest(values: Any) -> str:
    """SHA-256 of JSON values, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def libraries() -> dict[str, str]:
    """Versions of the libraries that decide what a model forecasts."""
    found = {}
    for name in _LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def peak_memory_mb() -> float:
    """Peak resident memory of this process and its workers, in MiB, each at its own peak."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)
    return own + sum(_peak_of_children().values()) / 1024


def _peak_of_children() -> dict[int, int]:
    """Peak resident KiB of each descendant, by process; empty where there is no /proc."""
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
